"""The lock office: what every act of the device lock works with, and how the facts of an order are gathered.

What the rest of the house knows about a handset's parcel and customer, and who a person is, comes in through questions
that the composition root answers, so that this house knows neither; what the rest of the house must hear of goes out
through five calls (`announce`, `moved`, `wronged`, `sighted`, `freed`), in the same unit, for which a sixth (`hold`)
holds what they change before anything is recorded.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlmodel import Session

from custody.kernel.clock import DAY_MS, HOUR_MS, Instant
from custody.kernel.errors import Forbidden
from custody.kernel.person import fold_person
from custody.store.unit import House, Unit
from devicelock import authority_store, watch_store
from devicelock.anchor import AnchorFile
from devicelock.backends.contract import Capabilities
from devicelock.order_facts import read_facts
from devicelock.rules.authority import DECIDERS
from devicelock.rules.caps import CapReason, Caps, LockAsked, SignedLock, held_back
from devicelock.rules.command import CommandSigners, KeyRing, LockScreen
from devicelock.rules.hello import SimClass
from devicelock.rules.lock_facts import STANDING_CLAIMS, LockClaim, LockFacts, LockKind, Person, StandingPolicy
from devicelock.rules.order import LockRole, OrderEvent
from devicelock.rules.tie import TieState
from devicelock.store import DeviceRow, LockOrderRow
from devicelock.usecases.answer_limit import AnswerLimit
from devicelock.usecases.count_locks import Counted, Judged, count_locks, signed_lock
from devicelock.watch_store import SightingRow

STANDING = "standing-policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What is known of the parcel and the customer behind a handset. None is unknown.

    `evidence` refers to the log entries that tie the handset to the parcel, and to the case. `sold_ms`: when the
    handset was sold to its customer.
    """

    tie: TieState | None = None
    claim: LockClaim | None = None
    not_with_customer: bool | None = None
    leaving: bool | None = False
    vulnerable: bool | None = False
    still_served: bool | None = False
    site: str = ""
    evidence: tuple[str, ...] = ()
    sold_ms: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenTexts:
    """What every lock screen says beside the reference of its order."""

    who: str
    why: str
    phone: str
    recourse: str
    bought: str


def nobody_is_told(unit: Unit, order: LockOrderRow) -> Instant | None:
    """Nobody can tell the customer beforehand."""


def nothing_moves(unit: Unit, order: LockOrderRow, event: OrderEvent) -> None:
    """Nobody wants to hear that an order moved."""


def nobody_is_owed(unit: Unit, order: LockOrderRow) -> None:
    """Nobody wants to hear that a lock was wrong."""


def nothing_to_hold(unit: Unit, orders: Sequence[LockOrderRow]) -> None:
    """Nobody changes anything when these orders move."""


def nothing_to_ask(session: Session, orders: Sequence[LockOrderRow]) -> None:
    """Nothing can be asked of several orders at once."""


def nobody_waits(unit: Unit, office: "LockOffice", disputes: Sequence[str]) -> None:
    """Nobody's lock waits for another one to be taken back."""


def nobody_looks(unit: Unit, device: DeviceRow, sighting: SightingRow) -> None:
    """Nobody wants to hear where a handset was seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockOffice:
    """Keys, anchored facts, limits, the questions and the calls.

    `look_ahead`: these orders are about to be judged in a unit that has claimed the log; what `circumstances` will ask
    of each may be asked of all of them at once.
    `person`: who is behind an account. `behind`: a person, and everybody who stands behind their accounts by having
    made them. `answering`: everybody who answers for an account, its person and whoever made it since a moment.
    `accounts`: every account of a person. `retires_at`: from when nobody disputes the delivery of a handset
    any more; None is not known, or never.
    `announce`: tells a customer who is still served that a lock of theirs is asked for, and answers from when on it may
    be decided.
    `freed`: a lock was taken back for which the lock that these cases wish for has waited (`wait_for_release.py`).
    `release_clock_ms`: how long a release may wait for the handset before people are told; `release_term_ms`: before
    its order ends without an answer.
    `backends`: the lock systems beside our own agent that are switched on, and what each can keep.
    `answered`: how often the hellos of each handset were.
    """

    house: House
    signers: CommandSigners
    anchor: AnchorFile
    codes: bytes
    screen: ScreenTexts
    circumstances: Callable[[Session, str, str | None], Circumstances]
    person: Callable[[Session, str], Person | None]
    behind: Callable[[Session, str], frozenset[str]]
    answering: Callable[[Session, str, Instant], frozenset[str]]
    accounts: Callable[[Session, str], Sequence[str]]
    retires_at: Callable[[Session, str], Instant | None]
    look_ahead: Callable[[Session, Sequence[LockOrderRow]], None] = nothing_to_ask
    announce: Callable[[Unit, LockOrderRow], Instant | None] = nobody_is_told
    moved: Callable[[Unit, LockOrderRow, OrderEvent], None] = nothing_moves
    wronged: Callable[[Unit, LockOrderRow], None] = nobody_is_owed
    sighted: Callable[[Unit, DeviceRow, SightingRow], None] = nobody_looks
    hold: Callable[[Unit, Sequence[LockOrderRow]], None] = nothing_to_hold
    freed: "Callable[[Unit, LockOffice, Sequence[str]], None]" = nobody_waits
    caps: Caps = field(default_factory=Caps)
    release_clock_ms: int = HOUR_MS
    release_term_ms: int = 30 * DAY_MS
    backends: Mapping[str, Capabilities] = field(default_factory=dict)
    answered: AnswerLimit = field(default_factory=AnswerLimit)

    @property
    def issuer(self) -> str:
        """The issuer of commands."""
        return f"urn:weaklink:operator:{self.house.origin}"

    @property
    def keys(self) -> KeyRing:
        """The keys by which our commands are known."""
        lock = self.signers.lock
        return KeyRing(lock=lock.public if lock else None, unlock=self.signers.unlock.public)

    def screen_of(self, order: LockOrderRow) -> LockScreen:
        """What whoever holds the handset reads, on every lock system that can show it."""
        return LockScreen(
            who=self.screen.who,
            why=self.screen.why,
            reference=order.id,
            phone=self.screen.phone,
            recourse=self.screen.recourse,
            bought=self.screen.bought,
            deadline_s=order.held_until_ms // 1000,
        )

    def facts(self, unit: Unit, order: LockOrderRow | Judged, device: DeviceRow, kind: LockKind) -> LockFacts:
        """Everything the order is judged by, read now."""
        return self.facts_and_count(unit, order, device, kind)[0]

    def facts_and_count(
        self,
        unit: Unit,
        order: LockOrderRow | Judged,
        device: DeviceRow,
        kind: LockKind,
        *,
        known: Circumstances | None = None,
    ) -> tuple[LockFacts, Counted]:
        """The same, and what the caps counted for it. `known`: its circumstances, if they were just asked for."""
        session = unit.session
        known = known or self.circumstances(session, device.imei, order.dispute)
        retired = self.anchor.retired_count()
        counted = count_locks(unit, self, order, device, site=known.site, caps=self.caps, retired=retired)
        requester = self.person(session, order.requester) if order.requester != STANDING else None
        asked = read_facts(order)
        specialist, notice_ms = asked.specialist, asked.notice_ms
        facts = LockFacts(
            kind=kind,
            tie=known.tie,
            sim=_sim_of(session, device, known),
            retired=self.anchor.of(device.device).retired,
            receipt_confirmed=device.confirmed,
            leaving=bool(device.left or known.leaving),
            vulnerable=known.vulnerable,
            contact_on_screen=bool(self.screen.phone),
            way_out=True,
            still_served=known.still_served,
            held_back=self.held_back(counted),
            kill_switch_on=authority_store.switched_on(session, authority_store.KILL_SWITCH),
            notice_sent=notice_ms is not None and notice_ms <= unit.now_ms,
            claim=known.claim,
            policy=self._policy(unit) if kind is LockKind.PROVISIONAL else None,
            requester=requester,
            decider=self.person(session, order.second) if order.second else None,
            specialist=self.person(session, specialist) if specialist else None,
            not_with_customer=known.not_with_customer,
        )
        return facts, counted

    def _policy(self, unit: Unit) -> StandingPolicy | None:
        row = authority_store.in_force(unit.session)
        if row is None or row.approver is None:
            return None
        return StandingPolicy(
            version=row.id,
            put_in_force_by=frozenset(map(fold_person, (row.proposer, row.approver))),
            logged_as=str(row.in_force_idx),
        )

    def held_back(self, counted: Counted) -> tuple[CapReason, ...]:
        """Every limit that holds an order back."""
        asked, signed, clearances = counted.asked, counted.signed, counted.clearances
        return held_back(self.caps, asked, signed, fleet=counted.fleet, held=counted.held, clearances=clearances)

    def held_back_next(
        self, unit: Unit, counted: Counted, order: LockOrderRow, *, confirmed: bool = False
    ) -> tuple[CapReason, ...]:
        """Every limit that holds back the next order like this one, which was counted and has been signed since."""
        signed = (*counted.signed, signed_lock(unit.session, self, order, unit.now_ms))
        following = replace(counted.asked, canary=False)
        if confirmed:
            signed = (*signed, _kept(unit.now_ms, following))
        return self.held_back(replace(counted, asked=following, signed=signed, held=counted.held + 1))

    def is_in_role(self, session: Session, person: str, roles: frozenset[LockRole]) -> bool:
        """Whether a person is employed and in one of these roles now, with any account."""
        known = (self.person(session, name) for name in self.accounts(session, person))
        return any(each is not None and each.employed is True and bool(each.roles & roles) for each in known)

    def may_decide(self, session: Session, account: str) -> bool:
        """Whether a person is employed and in a role that decides now."""
        person = self.person(session, account)
        return person is not None and person.employed is True and bool(person.roles & DECIDERS)

    def decider(self, session: Session, account: str, *, what: str) -> frozenset[str]:
        """A person who decides, with all who stand behind; raises `Forbidden` unless in role now."""
        person = self.person(session, account)
        if person is None or not self.may_decide(session, account):
            raise Forbidden(
                "role", f"{account} may not {what}", fix=f"Ask somebody employed as {' or '.join(sorted(DECIDERS))}."
            )
        return person.line | {person.person}

    def accounts_of(self, session: Session, account: str) -> Sequence[str]:
        """Every account of the person behind one; that one alone where nobody is known."""
        known = self.person(session, account)
        return [account] if known is None else self.accounts(session, known.person)

    def key_of(self, session: Session, account: str) -> str:
        """The person behind an account; the account's own name for automation and for one that nobody knows."""
        known = None if account == STANDING else self.person(session, account)
        return account if known is None else known.person


def _sim_of(session: Session, device: DeviceRow, known: Circumstances) -> SimClass:
    """With whose SIM the handset was seen.

    Who says that they never held it is contradicted by their own SIM in it, whichever is in it by now. One that was
    never switched on has been in nobody's hands with any SIM.
    """
    if device.hello_ms is None:
        return SimClass.NEVER
    is_contradicted = known.claim in STANDING_CLAIMS and watch_store.is_seen_with(
        session, device.device, SimClass.OWN, since_ms=known.sold_ms or 0
    )
    if is_contradicted:
        return SimClass.OWN
    return SimClass(device.sim)


def _kept(now_ms: Instant, asked: LockAsked) -> SignedLock:
    """The LOCK by which two people have just kept an order beyond its hours; it is none of the first of a group."""
    return SignedLock(
        at_ms=now_ms,
        person=asked.person,
        second=asked.second,
        model=asked.model,
        site=asked.site,
        group=None,
        settled_ms=now_ms,
    )
