"""The cases that are being referred to another desk now, read from the newest lines of all timelines backwards."""

import msgspec
from sqlalchemy import select
from sqlmodel import Session, col

from custody.disputes.referral import REFERRED
from custody.kernel.clock import Instant
from custody.store.case_book import OPEN, CaseFile
from custody.store.tables import DisputeEventRow, DisputeRow

READ_AT_ONCE = 500


def referred_now(session: Session, *, since_ms: Instant, now_ms: Instant) -> list[CaseFile]:
    """The open cases whose referral stands, the one that waits longest first; none was made before `since_ms`."""
    names = list(dict.fromkeys(reversed(_referred_since(session, since_ms))))
    query = select(col(DisputeRow.id), col(DisputeRow.facts)).where(col(DisputeRow.id).in_(names))
    found = {name: msgspec.json.decode(facts, type=CaseFile) for name, facts in session.execute(query)}
    files = [found[name] for name in names]
    return [file for file in files if file.at_desk.referral_now(now_ms) and file.case.state in OPEN]


def _referred_since(session: Session, since_ms: Instant) -> list[str]:
    """The cases that were referred since a moment, the newest first; lines are numbered in the order of their times."""
    asked = select(DisputeEventRow).order_by(col(DisputeEventRow.id).desc()).limit(READ_AT_ONCE)
    found, lines = list[str](), session.scalars(asked).all()
    while lines and lines[0].at_ms >= since_ms:
        found += [line.dispute for line in lines if line.kind == REFERRED and line.at_ms >= since_ms]
        lines = session.scalars(asked.where(col(DisputeEventRow.id) < lines[-1].id)).all()
    return found
