"""Cases of which an answer may have been overturned within some time: their lines, and where they were reported."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
from sqlalchemy import select, text
from sqlmodel import Session, col

from custody.disputes.overturned import OFFERED, OVERTURNED_BY, REPORTED, CaseLine
from custody.kernel.clock import Instant
from custody.store.some_rows import ANSWERED
from custody.store.tables import DisputeEventRow, DisputeRow

AT_ONCE = 500
ON_THE_WEB = "web"
"""The channel of a report that nobody of ours took down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """What is read of a case: on which channel it came in, and about which order."""

    channel: str
    order_ref: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedCase:
    """What is read of the file of a case."""

    case: Where


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is read of a line."""

    claim_type: str | None = None
    owner: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredCase:
    """A case with the lines in which answers stand, in order."""

    dispute: str
    channel: str
    order_ref: str | None
    lines: list[CaseLine] = field(default_factory=list)


def answered_between(session: Session, from_ms: Instant, until_ms: Instant) -> list[AnsweredCase]:
    """The cases in which one of ours gave an answer, or overturned one, from one moment until before another."""
    at_ms = col(DisputeEventRow.at_ms)
    named = select(col(DisputeEventRow.dispute)).where(text(ANSWERED), at_ms >= from_ms, at_ms < until_ms).distinct()
    disputes = sorted(session.scalars(named).all())
    pieces = [disputes[start : start + AT_ONCE] for start in range(0, len(disputes), AT_ONCE)]
    return [case for piece in pieces for case in _read(session, piece)]


def _read(session: Session, disputes: Sequence[str]) -> list[AnsweredCase]:
    rows = select(col(DisputeRow.id), col(DisputeRow.facts)).where(col(DisputeRow.id).in_(disputes))
    where = {name: msgspec.json.decode(facts, type=PlacedCase).case for name, facts in session.execute(rows)}
    kinds = [REPORTED, OFFERED, *OVERTURNED_BY]
    asked = select(DisputeEventRow).where(
        col(DisputeEventRow.dispute).in_(disputes), col(DisputeEventRow.kind).in_(kinds)
    )
    lines = defaultdict[str, list[CaseLine]](list)
    for row in session.scalars(asked.order_by(col(DisputeEventRow.id))):
        told = msgspec.json.decode(row.facts, type=Told)
        taken_down = row.kind == REPORTED and where[row.dispute].channel != ON_THE_WEB
        said_by = told.owner if taken_down else row.actor
        lines[row.dispute].append(CaseLine(kind=row.kind, at_ms=row.at_ms, said_by=said_by, claim_type=told.claim_type))
    return [
        AnsweredCase(dispute=name, channel=where[name].channel, order_ref=where[name].order_ref, lines=lines[name])
        for name in disputes
    ]
