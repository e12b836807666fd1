"""Plain values of locks, parts of handsets and references, as the API, the pages and the command line show them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlmodel import Session

from api.joints import LockAnswer
from custody.kernel.clock import to_iso
from devicelock import part_store
from devicelock import store as lock_store
from devicelock.command_store import locks_of_orders
from devicelock.order_facts import read_facts
from devicelock.part_store import ReferenceRow
from devicelock.rules.applied import NEVER, Applied, Pair
from devicelock.rules.command import Op, pair_in
from devicelock.rules.desired import Desired, ShownState, shown_state
from devicelock.rules.order import OrderState
from devicelock.store import LockOrderRow
from devicelock.usecases.show_parts import Shown

OF_A_CUSTOMER = ("state", "locked", "may_be_locked", "held_until", "released_at")
"""What a customer reads of a lock. Its checks say what is known of a buyer, and anyone may quote an order's number."""
LOCKED = frozenset({OrderState.ACTIVE_PROVISIONAL, OrderState.ACTIVE_CONFIRMED, OrderState.RELEASE_QUEUED})
FREE = frozenset({ShownState.UNLOCKED, ShownState.RETIRED})
FREED = frozenset({Applied.UNLOCKED, Applied.RETIRED})


def lock_view(session: Session, answer: LockAnswer) -> dict[str, Any]:
    """What became of the lock of a disputed delivery."""
    if answer.order is None:
        return {"order": None, "state": None, "refused": answer.refused, "allowed_by": answer.allowed_by}
    view = order_view(session, answer.order)
    return {**view, "refused": answer.refused, "allowed_by": answer.allowed_by} if answer.refused else view


def own_locks(orders: Iterable[Mapping[str, Any]], *, named: bool) -> list[dict[str, Any]]:
    """Locks as a customer reads them; whoever did not name the order is told of none that is not decided yet.

    A lock by standing authority waits for a person only if the buyer needs support, which is nobody else's to know.
    """
    return [{name: lock[name] for name in OF_A_CUSTOMER} for lock in orders if named or not _waits(lock)]


def own_lock(view: Mapping[str, Any], *, named: bool) -> dict[str, Any]:
    """What became of the lock of a disputed delivery, for whoever reported it without an account."""
    told = view if named or not _waits(view) else {"order": None, "state": None, "refused": "no lock was made"}
    shown = {name: told[name] for name in ("order", *OF_A_CUSTOMER) if name in told}
    return {**shown, "refused": "no lock was made", "allowed_by": "Call us."} if told.get("refused") else shown


def _waits(lock: Mapping[str, Any]) -> bool:
    return bool(lock["state"] == OrderState.REQUESTED)


def order_view(session: Session, row: LockOrderRow) -> dict[str, Any]:
    """A lock order. `locked` is only true by the device's own last signed word, or that of a system that vouches.

    `may_be_locked`: a lock was decided, and the handset, heard of before, has not said since whether it is locked.
    """
    return order_views(session, [row])[0]


def order_views(session: Session, rows: Sequence[LockOrderRow]) -> list[dict[str, Any]]:
    """The same of many orders, in three questions however many they are."""
    desired = lock_store.desired_of(session, {row.device for row in rows if row.decided_ms is not None})
    locked = _shown_locked(session, rows, desired)
    doubtful = [row for row in rows if _may_be_locked(row, desired.get(row.device))]
    newest = _newest_locks(session, [row for row in doubtful if _showed_itself_free(desired[row.device])], desired)
    unknown = {row.id for row in doubtful if not _is_past(newest.get(row.id), desired[row.device])}
    return [_order_view(row, locked=row.id in locked, may_be_locked=row.id in unknown) for row in rows]


def _order_view(row: LockOrderRow, *, locked: bool, may_be_locked: bool) -> dict[str, Any]:
    facts = read_facts(row)
    return {
        "order": row.id,
        "device": row.device,
        "imei": row.imei,
        "state": row.state,
        "locked": locked,
        "may_be_locked": may_be_locked,
        "basis": row.basis,
        "reason": row.reason,
        "dispute": row.dispute,
        "requester": row.requester,
        "second": row.second,
        "created_at": to_iso(row.created_ms),
        "decided_at": _iso(row.decided_ms),
        "acknowledged_at": _iso(row.acked_ms),
        "decided_to_acknowledged_ms": _span(row.decided_ms, row.acked_ms),
        "release_at": _iso(row.release_ms),
        "released_at": _iso(row.released_ms),
        "released_ms": _span(row.release_ms, row.released_ms),
        "held_until": to_iso(row.held_until_ms),
        "checks": msgspec.to_builtins(facts.checks),
        "evidence": facts.evidence,
    }


def _may_be_locked(row: LockOrderRow, desired: Desired | None) -> bool:
    if row.decided_ms is None or desired is None or desired.seen is None:
        return False
    if row.state == OrderState.RELEASED and row.released_ms != row.release_ms:
        return row.released_ms is None  # somebody has answered; it had locked, and is free when it says so
    return row.acked_ms is None and shown_state(desired) not in FREE


def _newest_locks(session: Session, rows: Sequence[LockOrderRow], desired: Mapping[str, Desired]) -> dict[str, Pair]:
    """The pair of the newest LOCK of each of those orders to which no answer came.

    Where a LOCK is the newest command of the wish that stands, the handset's row says its pair; others are opened.
    """
    unanswered = [row for row in rows if row.acked_ms is None]
    newest = {row.id: pair for row in unanswered if (pair := _pair_wished(row, desired[row.device])) is not None}
    for order, raw in locks_of_orders(session, [row.id for row in unanswered if row.id not in newest]):
        newest[order] = max(newest.get(order, NEVER), pair_in(raw))
    return newest


def _pair_wished(row: LockOrderRow, desired: Desired) -> Pair | None:
    newest = desired.issued
    if newest is None or newest.op is not Op.LOCK or (desired.order, desired.version) != (row.id, newest.version):
        return None
    return newest.pair


def _is_past(lock: Pair | None, desired: Desired) -> bool:
    """Whether the handset has shown itself free after a lock, which it can apply no more, whatever it is asked now."""
    return lock is not None and desired.seen is not None and _showed_itself_free(desired) and desired.seen.pair >= lock


def _showed_itself_free(desired: Desired) -> bool:
    return desired.seen is not None and desired.seen.applied in FREED


def _shown_locked(session: Session, rows: Sequence[LockOrderRow], desired: Mapping[str, Desired]) -> set[str]:
    """Those of these orders whose handset is locked by our agent's newest word, or another lock system's."""
    answered = [row for row in rows if row.acked_ms is not None and row.state in LOCKED]
    by_agent = {device for device, each in desired.items() if each.seen and each.seen.applied is Applied.LOCKED}
    elsewhere = part_store.shown_locked(session, [row.id for row in answered if row.device not in by_agent])
    return {row.id for row in answered if row.device in by_agent} | elsewhere


def part_view(part: Shown) -> dict[str, Any]:
    """One lock system's part in an order: what is wished there, what it has confirmed, and what keeps it open."""
    return {
        "backend": part.backend,
        "handset": part.handset,
        "desired": part.desired,
        "applied": part.applied,
        "last_seen": _iso(part.last_seen_ms),
        "asked_at": _iso(part.asked_ms),
        "tries": part.tries,
        "answer": part.answer,
        "trouble": part.trouble,
        "open": part.open,
        "loud": part.loud,
    }


def _iso(at_ms: int | None) -> str | None:
    return None if at_ms is None else to_iso(at_ms)


def _span(start_ms: int | None, end_ms: int | None) -> int | None:
    return None if start_ms is None or end_ms is None else end_ms - start_ms


def reference_view(row: ReferenceRow) -> dict[str, Any]:
    """By which name a back-end knows a handset, and who says so; `confirmed_at` is None until a second person does."""
    return {
        "device": row.device,
        "backend": row.backend,
        "handset": row.handset,
        "given_by": row.given_by,
        "given_at": to_iso(row.given_ms),
        "index": row.given_idx,
        "confirmed_by": row.confirmed_by,
        "confirmed_at": None if row.confirmed_ms is None else to_iso(row.confirmed_ms),
    }
