"""The lock office: what every act of the device lock works with, and how the facts of an order are gathered.

What the rest of the house knows about a handset's parcel and customer, and who a person is, comes in through two
questions that the composition root answers (`circumstances`, `person`), so that this house knows neither.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec
from sqlmodel import Session

from custody.kernel.clock import DAY_MS, Instant
from custody.store.unit import House, Unit
from devicelock import store
from devicelock.anchor import AnchorFile
from devicelock.rules.caps import CapReason, Caps, LockAsked, SignedLock, held_back
from devicelock.rules.command import CommandSigners
from devicelock.rules.hello import SimClass
from devicelock.rules.lock_facts import Claim, Kind, LockFacts, Person, StandingPolicy
from devicelock.rules.order import State
from devicelock.rules.tie import Tie
from devicelock.store import DeviceRow, LockOrderRow

HELD = frozenset({State.QUEUED, State.ACTIVE_PROVISIONAL, State.ACTIVE_CONFIRMED, State.RELEASE_QUEUED})
STANDING = "standing-policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What is known of the parcel and the customer behind a handset. None is unknown."""

    tie: Tie | None = None
    claim: Claim | None = None
    not_with_customer: bool | None = None
    leaving: bool | None = False
    vulnerable: bool | None = False
    still_served: bool | None = False
    notice_sent: bool | None = None
    site: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenTexts:
    """What every lock screen says beside the reference of its order."""

    who: str
    why: str
    phone: str
    recourse: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LockOffice:
    """Keys, anchored facts, limits and the two questions."""

    house: House
    signers: CommandSigners
    anchor: AnchorFile
    codes: bytes
    screen: ScreenTexts
    circumstances: Callable[[Session, str, str | None], Circumstances]
    person: Callable[[Session, str], Person | None]
    caps: Caps = field(default_factory=Caps)

    @property
    def issuer(self) -> str:
        """The issuer of commands."""
        return f"urn:weaklink:operator:{self.house.origin}"

    def facts(self, unit: Unit, order: LockOrderRow, device: DeviceRow, kind: Kind) -> LockFacts:
        """Everything the order is judged by, read now."""
        session = unit.session
        known = self.circumstances(session, device.imei, order.dispute)
        requester = self.person(session, order.requester) if order.requester != STANDING else None
        return LockFacts(
            kind=kind,
            tie=known.tie,
            # A handset that was never switched on has been in nobody's hands with any SIM.
            sim=SimClass.NEVER if device.hello_ms is None else SimClass(device.sim),
            retired=self.anchor.of(device.device).retired,
            receipt_confirmed=device.confirmed,
            leaving=bool(device.left or known.leaving),
            vulnerable=known.vulnerable,
            contact_on_screen=bool(self.screen.phone),
            way_out=True,
            still_served=known.still_served,
            held_back=self._held_back(unit, order, device, known),
            kill_switch_on=store.switched_on(session, store.KILL_SWITCH),
            notice_sent=known.notice_sent,
            claim=known.claim,
            policy=self._policy(unit),
            requester=requester,
            decider=self.person(session, order.second) if order.second else None,
            not_with_customer=known.not_with_customer,
        )

    def _policy(self, unit: Unit) -> StandingPolicy | None:
        row = store.authority_in_force(unit.session)
        if row is None or row.approver is None:
            return None
        return StandingPolicy(
            version=row.id,
            put_in_force_by=frozenset({row.proposer, row.approver}),
            logged_as=str(row.in_force_idx),
        )

    def _held_back(
        self, unit: Unit, order: LockOrderRow, device: DeviceRow, known: Circumstances
    ) -> tuple[CapReason, ...]:
        asked = LockAsked(
            at_ms=unit.now_ms,
            person=order.requester,
            model=device.model,
            site=known.site,
            group=order.dispute or order.requester,
        )
        recent = {row.id: row for row in store.locks_decided_since(unit.session, unit.now_ms - DAY_MS)}
        recent |= {row.id: row for row in store.orders_in(unit.session, sorted(HELD))}
        recent.pop(order.id, None)
        signed = [_signed(row, unit.now_ms) for row in recent.values() if row.decided_ms is not None]
        return held_back(self.caps, asked, signed, fleet=store.fleet_size(unit.session))


def _signed(row: LockOrderRow, now_ms: Instant) -> SignedLock:
    facts = msgspec.json.decode(row.facts)
    return SignedLock(
        at_ms=row.decided_ms or now_ms,
        person=row.requester,
        model=facts.get("model", ""),
        site=facts.get("site", ""),
        group=row.dispute or row.requester,
        settled=row.acked_ms is not None or row.held_until_ms < now_ms,
        held=State(row.state) in HELD,
        wrong_at_ms=facts.get("wrong_at_ms"),
    )
