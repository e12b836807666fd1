"""What an investigation reads of every case there is: which parcel, what was reported of it, and whether it stands.

A service has more cases than a machine has memory for their files, so they are read one after the other, and of each
only these few values.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
from sqlalchemy import select
from sqlmodel import Session, col

from custody.disputes.case import CaseState
from custody.kernel.clock import Instant
from custody.store.tables import DisputeRow

AT_ONCE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlinedCase:
    """Where a case stands; `claim_type` is None until the customer agreed on one."""

    id: str
    state: CaseState
    claim_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseOutline:
    """A case as an investigation weighs it; the names are those of its file."""

    case: OutlinedCase
    imei: str | None = None
    parcel: str | None = None
    found_ms: Instant | None = None


def outlines(session: Session) -> Iterator[CaseOutline]:
    """Every case, newest first."""
    read = msgspec.json.Decoder(CaseOutline)
    query = select(col(DisputeRow.facts)).order_by(col(DisputeRow.opened_ms).desc(), col(DisputeRow.id).desc())
    for facts in session.scalars(query.execution_options(yield_per=AT_ONCE)):
        yield read.decode(facts)
