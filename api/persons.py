"""The persons behind the accounts: who looks after cases, and who counts as whom when two people are asked for."""

from sqlalchemy import select
from sqlmodel import Session, col

from api.accounts import FIRST_START
from api.tables import AccountRow
from devicelock.rules.lock_facts import Person
from devicelock.rules.order import Role


def agents(session: Session) -> list[str]:
    """Who looks after cases: the agents who work here now."""
    query = select(col(AccountRow.name)).where(col(AccountRow.role) == "agent", col(AccountRow.active).is_(True))
    return sorted(session.scalars(query).all()) or ["the duty team"]


def person(session: Session, account: str) -> Person | None:
    """The person behind an account, as the lock office sees people."""
    row = session.get(AccountRow, account)
    if row is None:
        return None
    maker = session.get(AccountRow, row.created_by)
    return Person(
        person=row.person,
        roles=frozenset({Role(row.role)}),
        employed=row.active,
        account_made_by=maker.person if maker else FIRST_START if row.created_by == FIRST_START else None,
        line=_line(session, row),
    )


def behind(session: Session, person: str) -> frozenset[str]:
    """A person and everybody who stands behind any of their accounts; unknown people stand for themselves."""
    rows = session.scalars(select(AccountRow).where(col(AccountRow.person) == person)).all()
    return frozenset({person}).union(*(_line(session, row) for row in rows))


def _line(session: Session, account: AccountRow) -> frozenset[str]:
    """Who made the account, who made the maker's, and so on to the first ones."""
    found: dict[str, str] = {}
    maker = session.get(AccountRow, account.created_by)
    while maker is not None and maker.name not in found:
        found[maker.name] = maker.person
        maker = session.get(AccountRow, maker.created_by)
    return frozenset(found.values())
