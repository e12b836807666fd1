"""The oracle on other lock systems: what they are asked fits the orders, and nobody is over while one holds.

And on what was promised elsewhere.
"""

from collections import Counter
from collections.abc import Iterator

import msgspec
from sqlalchemy import select
from sqlmodel import Session

from custody.disputes.outside_promise import OutsidePromise
from custody.store.outside_book import OutsidePromiseRow
from custody.store.tables import PromiseRow
from devicelock import part_store
from devicelock.part_store import PartRow, ReferenceRow
from devicelock.rules.applied import Applied
from devicelock.rules.order import OrderState
from devicelock.store import LockOrderRow
from devicelock.usecases.plan_parts import FORGOTTEN

LIVE = frozenset({OrderState.QUEUED, OrderState.ACTIVE_PROVISIONAL, OrderState.ACTIVE_CONFIRMED})


def part_complaints(session: Session) -> Iterator[str]:
    """Everything about parts that does not fit."""
    rows = session.scalars(select(PartRow)).all()
    for row in rows:
        yield from _part(session, row)
    twice = Counter((row.backend, row.handset, row.version) for row in rows)
    for (backend, handset, version), count in twice.items():
        if count > 1:
            yield f"part: version {version} was used {count} times for {handset} at {backend}"
    for order in session.scalars(select(LockOrderRow)).all():
        if order.state == OrderState.RELEASED and (held := part_store.may_hold(session, order.id)):
            yield f"order {order.id}: released, and {', '.join(row.backend for row in held)} may hold the lock"


def _part(session: Session, row: PartRow) -> Iterator[str]:
    name = f"part of {row.backend} in {row.order}"
    if row.order.startswith(FORGOTTEN):
        if row.wished == Applied.LOCKED or (row.may_hold and row.due_ms is None):
            yield f"{name}: what was forgotten is to be released, and nobody sees to it"
        return
    known = session.get(ReferenceRow, (row.device, row.backend))
    if known is None:
        yield f"{name}: it does not know the handset"
    elif known.confirmed_ms is not None and known.given_by == known.confirmed_by:
        yield f"{name}: one person alone named the handset there"
    elif row.may_hold and (known.confirmed_ms is None or known.handset != row.handset):
        yield f"{name}: a lock went by a name that no second person has confirmed"
    if row.wished == Applied.RETIRED:
        return
    order = session.get(LockOrderRow, row.order)
    if order is None:
        yield f"{name}: there is no such order"
        return
    if row.wished == Applied.LOCKED and (order.state not in LIVE or row.due_ms is None):
        yield f"{name}: it is asked for a lock that is not wished, or nobody asks for it any more"
    if row.may_hold and row.due_ms is None:
        yield f"{name}: it may hold a lock that nobody looks after"
    confirmed = "confirmed_by" in msgspec.json.decode(order.facts)
    if row.backend == "eir" and order.second is None and not confirmed:
        yield f"{name}: one person alone brought a handset to the list"


def outside_promise_complaints(session: Session) -> Iterator[str]:
    """What was promised elsewhere and became a promise where it does not bind us, or became none where it does."""
    promised = {row.id: row.dispute for row in session.scalars(select(PromiseRow)).all()}
    became = Counter[str]()
    for row in session.scalars(select(OutsidePromiseRow)).all():
        one = msgspec.json.decode(row.facts, type=OutsidePromise)
        became[one.promise_id or ""] += 1
        if (one.state, one.case_id, one.rebut_by_ms) != (row.state, row.dispute, row.rebut_by_ms):
            yield f"told {row.id}: row and facts do not agree"
        if (one.state == "stands") != (one.promise_id is not None and promised.get(one.promise_id) == row.dispute):
            yield f"told {row.id}: it is {one.state}, and its promise is {one.promise_id}"
    yield from (f"promise {name}: several that were told became it" for name, n in became.items() if name and n > 1)
