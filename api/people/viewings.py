"""Who of ours saw which case: the first time of each day, so that reading on costs no write.

What stands in a case is somebody's name, number and trouble. Kept for longer than a year, in which whoever misused it
can be asked why.
"""

from collections.abc import Sequence

from sqlalchemy import delete, func, select
from sqlmodel import Session, col

from api.people.tables import AccountRow, ViewingRow
from custody.kernel.clock import DAY_MS, Instant, to_iso
from custody.store.newest_first import newest_first

KEPT_MS = 400 * DAY_MS
DAY = len("2026-01-31")


def is_noted(session: Session, dispute: str, account: str, *, now_ms: Instant) -> bool:
    """Whether it stands written that this account saw this case today."""
    return session.get(ViewingRow, _name(dispute, account, now_ms)) is not None


def note(session: Session, dispute: str, account: str, *, now_ms: Instant) -> None:
    """Write down that this account saw this case."""
    row = ViewingRow(id=_name(dispute, account, now_ms), dispute=dispute, account=account, at_ms=now_ms)
    session.add(row)
    session.flush()


def of_case(session: Session, dispute: str, *, after: str | None = None, limit: int) -> Sequence[ViewingRow]:
    """Who saw a case, newest first; `after` is the id that the page before ended with (`newest_first`)."""
    rows = newest_first(session, ViewingRow, when="at_ms", after=after).where(col(ViewingRow.dispute) == dispute)
    return session.scalars(rows.limit(limit)).all()


def roles_of_case(session: Session, dispute: str) -> Sequence[tuple[Instant, str]]:
    """When a case was seen and by whom of our roles, the first one first."""
    account = col(ViewingRow.account) == col(AccountRow.name)
    seen = select(col(ViewingRow.at_ms), col(AccountRow.role)).join(AccountRow, account)
    rows = session.execute(seen.where(col(ViewingRow.dispute) == dispute).order_by(col(ViewingRow.at_ms)))
    return [(at_ms, role) for at_ms, role in rows]


def by_account(session: Session, account: str, *, after: str | None = None, limit: int) -> Sequence[ViewingRow]:
    """The same of what an account saw."""
    rows = newest_first(session, ViewingRow, when="at_ms", after=after).where(col(ViewingRow.account) == account)
    return session.scalars(rows.limit(limit)).all()


def cases_since(session: Session, accounts: Sequence[str], after_ms: Instant) -> int:
    """How many cases these accounts have seen since then."""
    cases = select(func.count(col(ViewingRow.dispute).distinct()))
    seen = cases.where(col(ViewingRow.account).in_(accounts), col(ViewingRow.at_ms) > after_ms)
    return session.scalar(seen) or 0


def outlived(session: Session, *, now_ms: Instant, limit: int) -> Sequence[str]:
    """Names of viewings that are kept no longer."""
    old = col(ViewingRow.at_ms) < now_ms - KEPT_MS
    return session.scalars(select(col(ViewingRow.id)).where(old).limit(limit)).all()


def forget(session: Session, names: Sequence[str]) -> None:
    """Forget these viewings."""
    session.execute(delete(ViewingRow).where(col(ViewingRow.id).in_(names)))


def _name(dispute: str, account: str, now_ms: Instant) -> str:
    """No name of a case or an account has a slash."""
    return f"{dispute}/{account}/{to_iso(now_ms)[:DAY]}"
