"""What a stateful story knows of the locks that no fault can take back: kept outside database, handset and broker.

A restore or a rolled-back store would take a mistake back together with the memory of what was right before it. So
the order of issue, what each handset applied and when, and what was decided for ever are written down here as they are
seen, and compared after every step. The ten promises:

1 no older command replaces a newer one that the handset has applied · 2 after a decision to retire no LOCK is signed ·
3 after it applied RETIRE a handset never locks · 4 a locked handset accepts the next UNLOCK (asked at the end) ·
5 no LOCK is applied after its not_after, and none holds longer than was signed · 6 every LOCK has two people, each in
role when it is signed · 7 no LOCK for a handset that is retired, confirmed or left · 8 within the caps, past the canary
only what was cleared, none under the kill switch · 9 locked or released is shown only on the handset's own word ·
10 a locked handset offers help and a way out, and a wrong lock is paid for or its clock runs
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec
from sqlalchemy import select
from sqlmodel import Session, col

from api import lock_news
from api.people import persons
from custody.kernel.clock import SECOND_MS
from custody.store import case_book
from devicelock import authority_store, caps_store, store, watch_store
from devicelock.rules.ack import AckResult
from devicelock.rules.applied import Applied
from devicelock.rules.caps import Caps
from devicelock.rules.command import Basis, Command, KeyRing, Op, open_command
from devicelock.rules.order import OrderState
from devicelock.store import CommandRow, LockOrderRow
from devicelock.usecases.count_locks import HELD
from devicelock.usecases.lock_office import STANDING
from simulators.broker import SimulatedTransport
from simulators.handset import PowerCut, Taken
from simulators.holder import Function
from simulators.radio import Radio
from tests.world import World
from tests.world_audit import SHOWN_LOCKED
from tests.world_parts import key

KEYS = KeyRing(lock=key("lock").public, unlock=key("unlock").public)
HOURS = 72 * 3600
REVIEW = 90 * 86_400


@dataclass(slots=True, kw_only=True)
class Past:
    """What is known of one handset."""

    newest: int = 0
    rolled_back: bool = False
    retired: bool = False
    may_be_locked: bool = True
    retirement_decided: bool = False
    locked_by: Command | None = None


@dataclass(slots=True, kw_only=True)
class Ghosts:
    """Everything seen so far. `broken` holds every promise that did not hold, with the step's own words."""

    world: World
    caps: Caps
    numbers: dict[str, int] = field(default_factory=dict)
    commands: dict[str, Command] = field(default_factory=dict)
    past: dict[str, Past] = field(default_factory=dict)
    applied: list[tuple[str, str, int]] = field(default_factory=list)
    decided: dict[str, tuple[int, str]] = field(default_factory=dict)
    cleared: dict[str, int] = field(default_factory=dict)
    stopped: bool = False
    broken: list[str] = field(default_factory=list)

    def watch(self, radio: Radio) -> None:
        """See every command that this handset applies, in the moment in which it does."""
        self.past[radio.handset.device] = Past()
        take = radio.handset.take

        def taken(raw: bytes, **more: object) -> Taken:
            before = radio.handset.state
            try:
                return take(raw, **more)  # type: ignore[arg-type]  # only handed on
            except PowerCut:
                assert isinstance(radio._line, SimulatedTransport)
                radio._line.drop()  # without power there is no connection either
                raise
            finally:
                after = radio.handset.state
                if (after.command_id, after.pair) != (before.command_id, before.pair) and after.command_id:
                    self.applied.append((radio.handset.device, after.command_id, radio.handset.now_s()))

        radio.handset.take = taken  # type: ignore[method-assign]  # the handset itself does not change

    def look(self) -> list[str]:
        """Compare the world with what is known, learn what is new, and return what does not hold."""
        with self.world.house.read() as session:
            for command in self._new_commands(session):
                self._signed(session, command)
            self._applied()
            self._shown(session)
            self._decided(session)
            for radio in self.world.radios.values():
                self._helps(radio)
            self.remember(session)
        found, self.broken = self.broken, []
        return found

    def _new_commands(self, session: Session) -> Iterator[Command]:
        rows = session.scalars(select(CommandRow).order_by(col(CommandRow.issued_ms))).all()
        fresh = [open_command(row.raw, KEYS) for row in rows if row.id not in self.numbers]
        for command in sorted(fresh, key=lambda command: (command.issued_s, command.pair)):
            self.numbers[command.command_id] = len(self.numbers) + 1
            self.commands[command.command_id] = command
            yield command

    def _signed(self, session: Session, command: Command) -> None:
        past = self.past.get(command.device)
        if command.op is not Op.LOCK or past is None:
            return
        self._hold(not past.retirement_decided, 2, f"{command.command_id} was signed after the decision to retire")
        self._hold(past.may_be_locked, 7, f"{command.command_id} is for a handset that is confirmed, left or retired")
        stopped = self.stopped and authority_store.switched_on(
            session, authority_store.KILL_SWITCH
        )  # whoever throws it back has locks signed
        self._hold(not stopped, 8, f"{command.command_id} was signed under the kill switch")
        order = session.get(LockOrderRow, command.order)
        self._hold(order is not None, 6, f"{command.command_id} has no order")
        if order is None:
            return
        if command.authority.basis is Basis.TWO_PEOPLE:
            named = dict(reference.split(":", 1) for reference in command.authority.references if "-by:" in reference)
            pair = {named.get("asked-by"), named.get("decided-by")} - {None}
            self._hold(len(pair) == 2, 6, f"{command.command_id} names {pair}")
            for account in self._accounts(order):
                person = persons.person(session, account)
                self._hold(bool(person and person.employed), 6, f"{command.command_id}: {account} is not here any more")
        else:
            row = authority_store.in_force(session)
            people = [persons.behind(session, name) for name in (row.proposer, row.approver) if name] if row else []
            self._hold(len(people) == 2, 6, f"{command.command_id} rests on no authority of two people")
            shared = frozenset.intersection(*people) if people else frozenset()
            self._hold(not shared, 6, f"{command.command_id} rests on the authority of {shared} alone")
        evidence = [each for each in msgspec.json.decode(order.facts)["evidence"] if each.startswith("entry:")]
        self._hold(len(evidence) >= 2, 7, f"{command.command_id} rests on {evidence}")

    @staticmethod
    def _accounts(order: LockOrderRow) -> list[str]:
        confirmed = msgspec.json.decode(order.facts).get("confirmed_by")
        names = (
            confirmed if confirmed and order.state == OrderState.ACTIVE_CONFIRMED else [order.requester, order.second]
        )
        return [name for name in names if name and name != STANDING]

    def _applied(self) -> None:
        events, self.applied = self.applied, []
        for device, command_id, at_s in events:
            past, number, command = self.past[device], self.numbers[command_id], self.commands[command_id]
            kind = past.rolled_back and command.op is not Op.LOCK
            self._hold(number >= past.newest or kind, 1, f"{command_id} was applied after a newer command")
            past.newest = max(past.newest, number)
            if command.op is Op.LOCK:
                self._hold(not past.retired, 3, f"{command_id} locked a retired handset")
                self._hold(at_s <= command.not_after_s, 5, f"{command_id} was applied after its time")
            past.retired = past.retired or command.op is Op.RETIRE
            past.locked_by = command if command.op is Op.LOCK else None

    def _shown(self, session: Session) -> None:
        for row in session.scalars(select(LockOrderRow)).all():
            if row.state not in {
                *SHOWN_LOCKED,
                OrderState.RELEASE_QUEUED,
                OrderState.RELEASED,
                OrderState.RELEASED_UNCONFIRMED,
            }:
                continue
            steps = {event.event for event in store.events_of(session, row.id)}
            if row.state in SHOWN_LOCKED:
                self._hold("locked" in steps and row.acked_ms is not None, 9, f"{row.id} is shown as {row.state}")
            if row.state == OrderState.RELEASED and "locked" in steps:
                self._hold("released" in steps, 9, f"{row.id} is shown as released without the handset's word")

    def _decided(self, session: Session) -> None:
        now_ms, locks = self.world.clock.at_ms, 0
        rows = [row for row in session.scalars(select(LockOrderRow)).all() if row.decided_ms is not None]
        for row in rows:
            self.decided.setdefault(row.id, (row.decided_ms or 0, row.group or ""))
        locks = sum(now_ms - at_ms < 3600 * SECOND_MS for at_ms, _ in self.decided.values())
        self._hold(locks <= self.caps.per_hour, 8, f"{locks} locks were decided within an hour")
        for row in rows:
            group = row.group or ""
            before = [at_ms for at_ms, name in self.decided.values() if name == group and at_ms < (row.decided_ms or 0)]
            if len(before) >= self.caps.canary:
                cleared = watch_store.clearances_of(session, group)
                self._hold(
                    any(each.at_ms <= (row.decided_ms or 0) for each in cleared) or group in self.cleared,
                    8,
                    f"{row.id} left past the canary of {group}",
                )
            for each in watch_store.clearances_of(session, group):
                self.cleared[group] = each.at_ms
        held = caps_store.count_in(session, sorted(HELD), but=[])
        self._hold(held <= self.caps.fleet_least, 8, f"{held} handsets are locked at once")

    def _helps(self, radio: Radio) -> None:
        state, past = radio.handset.state, self.past[radio.handset.device]
        if state.applied is not Applied.LOCKED:
            return
        lock = past.locked_by
        self._hold(state.screen is not None and bool(state.screen.phone), 10, f"{state.device} shows no contact")
        self._hold(state.question is not None, 10, f"{state.device} has no way out without a network")
        if radio.handset.on:
            self._hold(radio.handset.use(Function.EMERGENCY_CALL) == "done", 10, f"{state.device} makes no call to 999")
        self._hold(state.held_until_s is not None, 5, f"{state.device} is locked without an end")
        if lock is not None and state.held_until_s is not None and lock.held_until_s is not None:
            span = lock.held_until_s - lock.issued_s
            limit = REVIEW + HOURS if lock.authority.basis is Basis.TWO_PEOPLE else HOURS
            self._hold(span <= limit, 5, f"{state.device} may hold for {span} s")
            self._hold(state.held_until_s <= lock.held_until_s, 5, f"{state.device} holds longer than was signed")

    def remember(self, session: Session) -> None:
        """Learn what the database knows now; after a restore that is less than before."""
        self.stopped = authority_store.switched_on(session, authority_store.KILL_SWITCH)
        for name, past in self.past.items():
            row = store.device(session, name)
            past.retirement_decided = past.retirement_decided or self.world.anchor.of(name).retired
            past.may_be_locked = not (row.confirmed or row.left or past.retirement_decided)
        for order in session.scalars(select(LockOrderRow).where(col(LockOrderRow.wrong_ms).is_not(None))).all():
            lines = case_book.timeline(session, order.dispute) if order.dispute else []
            paid = any(line.kind == lock_news.PAID and order.id in line.facts for line in lines)
            is_over = order.released_ms is not None or order.state == OrderState.RELEASED_UNCONFIRMED
            runs = not is_over or order.dispute is None
            self._hold(paid or runs, 10, f"{order.id} was wrong, and nobody is paid for it")

    def _hold(self, holds: bool, number: int, says: str) -> None:  # noqa: FBT001 - a fact and its name
        if not holds:
            self.broken.append(f"{number}: {says}")


def results(session: Session, name: str) -> list[AckResult]:
    """What a handset answered to its commands."""
    rows = session.scalars(select(CommandRow).where(col(CommandRow.device) == name)).all()
    return [AckResult(row.result) for row in rows if row.result]
