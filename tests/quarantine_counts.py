"""Whether the counts that are kept of the quarantine are those of its rows."""

from collections.abc import Iterator

from sqlalchemy import func, select
from sqlmodel import Session, col

from custody.store.quarantine import ALL, AsideShareRow
from custody.store.tables import QuarantineRow


def miscounted(session: Session) -> Iterator[str]:
    """Where they do not add up; rows that an older version kept are counted in all alone."""
    stand = session.scalar(select(func.count()).select_from(QuarantineRow)) or 0
    held, who = select(func.coalesce(func.sum(col(AsideShareRow.held)), 0)), col(AsideShareRow.who)
    for name, those in (("in all", who == ALL), ("by sender", who != ALL)):
        if (counted := session.scalar(held.where(those))) != stand:
            yield f"quarantine: {stand} rows stand, {counted} are counted {name}"
