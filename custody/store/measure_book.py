"""How well customers are treated, counted over the cases of the last while, from the rows themselves.

Open cases are counted however old they are. What is erased is gone from the counts as from the rows.
"""

from collections.abc import Collection
from dataclasses import dataclass

import msgspec
from sqlalchemy import select
from sqlmodel import Session, col

from custody.disputes.case import CASE
from custody.disputes.line import LineKind
from custody.disputes.overturned import A_DECLINE, OFFERED, UNDOES_A_DECLINE
from custody.disputes.promise import KEPT, MISSED
from custody.disputes.work_clocks import OpenTime, elapsed
from custody.kernel.clock import DAY_MS, Instant
from custody.store.tables import DisputeEventRow, DisputeRow, PromiseRow

WINDOW_DAYS = 90
AT_ONCE = 1_000
OVERTURNS: frozenset[LineKind] = UNDOES_A_DECLINE | {OFFERED}
"""Lines after a decline that say that the customer was right; a new offer says so too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseMeasures:
    """Cases opened, asks sent in them, declines and promises due since a moment; `open` ones wait now, however old.

    `on_us_ms`: for how long all open ones have waited on us since the first word, and not on their customers.
    """

    opened: int
    asks: int
    open: int
    on_us_ms: int
    kept: int
    kept_late: int
    missed: int
    declined: int
    overturned: int


class _Asked(msgspec.Struct):
    sent_ms: Instant
    ended_ms: Instant | None = None


class _Ledger(msgspec.Struct):
    asks: tuple[_Asked, ...] = ()


class _Case(msgspec.Struct):
    first_word_ms: Instant


class _File(msgspec.Struct):
    case: _Case
    ledger: _Ledger = msgspec.field(default_factory=_Ledger)


class _Promise(msgspec.Struct):
    credited_pence: int = 0
    replaced: bool = False


def measure(session: Session, *, now_ms: Instant) -> CaseMeasures:
    """All of them, as of now."""
    since_ms = now_ms - WINDOW_DAYS * DAY_MS
    opened = asks = waiting = on_us_ms = 0
    ended, state, opened_ms = sorted(CASE.terminal), col(DisputeRow.state), col(DisputeRow.opened_ms)
    query = select(state, opened_ms, col(DisputeRow.facts)).where((opened_ms >= since_ms) | state.not_in(ended))
    read = msgspec.json.Decoder(_File)
    for stands, came_ms, facts in session.execute(query.execution_options(yield_per=AT_ONCE)):
        file = read.decode(facts)
        if came_ms >= since_ms:
            opened += 1
            asks += len(file.ledger.asks)
        if stands not in CASE.terminal:
            waiting += 1
            times = [OpenTime(from_ms=ask.sent_ms, until_ms=ask.ended_ms) for ask in file.ledger.asks]
            on_us_ms += elapsed(file.case.first_word_ms, times, now_ms).on_us_ms
    kept, kept_late, missed = _promises(session, since_ms)
    declined, overturned = _declines(session, since_ms)
    return CaseMeasures(
        opened=opened,
        asks=asks,
        open=waiting,
        on_us_ms=on_us_ms,
        kept=kept,
        kept_late=kept_late,
        missed=missed,
        declined=declined,
        overturned=overturned,
    )


def _promises(session: Session, since_ms: Instant) -> tuple[int, int, int]:
    """How many of those due since then were kept in time, kept late (those have a credit), and are missed still."""
    due_ms, state = col(PromiseRow.due_ms), col(PromiseRow.state)
    query = select(state, col(PromiseRow.facts)).where(due_ms >= since_ms, state.in_((KEPT, MISSED)))
    kept = late = missed = 0
    for stands, facts in session.execute(query.execution_options(yield_per=AT_ONCE)):
        promise = msgspec.json.decode(facts, type=_Promise)
        if stands == MISSED:
            missed += not promise.replaced
        elif promise.credited_pence:
            late += 1
        else:
            kept += 1
    return kept, late, missed


def _declines(session: Session, since_ms: Instant) -> tuple[int, int]:
    """How many cases were declined, and in how many of them the customer was found right later."""
    kinds: Collection[LineKind] = {A_DECLINE, *OVERTURNS}
    query = (
        select(col(DisputeEventRow.dispute), col(DisputeEventRow.kind))
        .join(DisputeRow, col(DisputeRow.id) == col(DisputeEventRow.dispute))
        .where(col(DisputeRow.opened_ms) >= since_ms, col(DisputeEventRow.kind).in_(sorted(kinds)))
        .order_by(col(DisputeEventRow.id))
    )
    declined, overturned = set[str](), set[str]()
    for dispute, kind in session.execute(query):
        if kind == A_DECLINE:
            declined.add(dispute)
        elif dispute in declined:
            overturned.add(dispute)
    return len(declined), len(overturned)
