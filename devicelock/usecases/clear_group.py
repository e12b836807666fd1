"""Letting a paused group of locks go on: a second person looks at the canary, and nobody who ordered the group does.

A group pauses after its first locks (the canary), and at any time when a lock in it is found wrong; the caps hold its
next lock back until somebody clears it here. A clearance lifts no cap. It covers what was signed up to its moment: the
next wrong lock stops the group again. The locks that the pause held back are signed in the same unit.
"""

from dataclasses import dataclass

from sqlmodel import Session

from custody.kernel.clock import DAY_MS, Instant
from custody.kernel.errors import Conflict, NotFound, Rejected
from custody.store.unit import Unit
from devicelock import caps_store, put_off_store, watch_store
from devicelock.authority_store import AuthorityRow
from devicelock.rules.authority import refuse_unless_apart
from devicelock.rules.caps import CapReason, SignedLock, pause_of
from devicelock.store import LockOrderRow
from devicelock.usecases.count_locks import signed_lock
from devicelock.usecases.lock_office import STANDING, LockOffice
from devicelock.usecases.sign_again import hold_unanswered, sign_unanswered
from devicelock.watch_store import ClearanceRow

WATCHED_MS = 30 * DAY_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class LockGroup:
    """A group with what holds its next lock back (None: nothing does), the locks to look at, how many can be let go."""

    name: str
    paused: CapReason | None
    orders: tuple[LockOrderRow, ...]
    open: int
    clearances: tuple[ClearanceRow, ...]


def groups(session: Session, office: LockOffice, *, now_ms: Instant) -> list[LockGroup]:
    """The groups in which a lock was decided within a month; the paused ones first."""
    found = [_group(session, office, name, now_ms) for name in caps_store.groups_since(session, now_ms - WATCHED_MS)]
    return sorted(found, key=lambda group: (group.paused is None, group.name))


def clear_group(unit: Unit, office: LockOffice, *, group: str, account: str, why: str) -> ClearanceRow:
    """A second person lets a paused group go on; `Forbidden` for who ordered it, `Conflict` if it is too early."""
    found = _group(unit.session, office, group, unit.now_ms)
    if not found.orders:
        raise NotFound("group", f"no lock was decided in a group {group!r}", fix="List them with GET /v1/locks/groups.")
    if not why.strip():
        raise Rejected("why", "a clearance needs a reason", fix="Say in a few words what you looked at.")
    person = office.decider(unit.session, account, what="clear a group")
    for first in sorted(_ordered_by(unit, office, found)):
        behind = office.behind(unit.session, first)
        refuse_unless_apart(
            behind, person, what="order locks and clear them", ask="somebody who did not order them and"
        )
    if found.paused is None:
        raise Conflict("group", f"the group {group} is not paused", fix="Nothing is to be done.")
    if found.paused is CapReason.CANARY_UNSETTLED:
        waiting = [
            row.id for row in found.orders if signed_lock(unit.session, office, row, unit.now_ms).settled_ms is None
        ]
        raise Conflict(
            "canary_unsettled",
            f"the handsets of {', '.join(waiting)} have not answered yet",
            fix="Wait for their answers or for the end of their hours; release a lock that should not be.",
            orders=tuple(waiting),
        )
    unanswered = hold_unanswered(unit)
    who = office.key_of(unit.session, account)
    idx = unit.record("locks.cleared", {"group": group, "person": who, "paused": str(found.paused), "why": why})
    row = ClearanceRow(group=group, person=who, why=why, at_ms=unit.now_ms, idx=idx)
    unit.session.add(row)
    sign_unanswered(unit, office, unanswered)
    put_off_store.look_now(unit.session, unit.now_ms)
    return row


def _group(session: Session, office: LockOffice, name: str, now_ms: Instant) -> LockGroup:
    orders = caps_store.canary_of(session, name, first=office.caps.canary)
    cleared, marks = watch_store.clearances_of(session, name), watch_store.marks_of(session, name)
    signed: list[SignedLock] = [signed_lock(session, office, row, now_ms) for row in orders]
    return LockGroup(
        name=name,
        paused=pause_of(office.caps, signed, marks),
        orders=tuple(orders),
        open=len(caps_store.open_orders(session, name)),
        clearances=tuple(cleared),
    )


def _ordered_by(unit: Unit, office: LockOffice, group: LockGroup) -> set[str]:
    """Whoever asked for the locks of the group or decided them; for the standing policy whoever proposed it too."""
    asked = {row.requester for row in group.orders if row.requester != STANDING}
    names = asked | {row.second for row in group.orders if row.second}
    people = {office.key_of(unit.session, name) for name in names}
    policy = group.name.removeprefix("policy:")
    row = unit.session.get(AuthorityRow, policy) if policy != group.name else None
    return people if row is None else people | {row.proposer}
