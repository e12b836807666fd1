"""Letting go all that one group ordered, once it has turned out that it should not have ordered anything.

As with a single lock one person is enough and nothing is asked: an account that was stolen, or a list that was wrong,
has locked the handsets of many, and none of their customers should wait until somebody has come to their order. What
the group asked for and nobody has decided yet is withdrawn with it. It lets nothing go on and stops nothing: the next
lock of the group is for the caps and the kill switch.
"""

from dataclasses import dataclass

from custody.kernel.errors import NotFound
from custody.store.unit import Unit
from devicelock import caps_store
from devicelock.rules.command import Basis, Reason
from devicelock.rules.order import LockRole
from devicelock.store import LockOrderRow
from devicelock.usecases.hold_locks import hold_locks
from devicelock.usecases.lock_office import LockOffice
from devicelock.usecases.release import release

AT_ONCE = 50
"""So many are let go in one unit; whoever else writes waits for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LetGo:
    """The orders that were let go now, the oldest first, and how many of the group are left."""

    orders: tuple[LockOrderRow, ...]
    left: int


def release_group(unit: Unit, office: LockOffice, *, group: str, actor: str, role: LockRole) -> LetGo:
    """Let go the next `AT_ONCE` orders of a group; `NotFound` for one that never asked for a lock."""
    if not caps_store.is_group(unit.session, group):
        raise NotFound("group", f"no lock was asked for in {group!r}", fix="List them with GET /v1/locks/groups.")
    names = caps_store.open_orders(unit.session, group)
    first = names[:AT_ONCE]
    hold_locks(unit, office, first)
    orders = [
        release(
            unit,
            office,
            name=name,
            actor=actor,
            role=role,
            reason=Reason.RELEASED_BY_STAFF,
            basis=Basis.ONE_PERSON,
        )
        for name in first
    ]
    return LetGo(orders=tuple(orders), left=len(names) - len(first))
