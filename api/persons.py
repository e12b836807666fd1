"""The persons behind the accounts: who looks after cases, and who counts as whom when two people are asked for.

Accounts from before a name was written down as it was the first time may spell one person in several ways
(`kernel.person`): they count as one, under the first of their spellings.
"""

from typing import NamedTuple

from sqlalchemy import select
from sqlmodel import Session, col

from api.accounts import FIRST_START
from api.tables import AccountRow
from custody.kernel.person import fold_person
from custody.store.bulk import pick
from devicelock.rules.lock_facts import Person
from devicelock.rules.order import Role


class Account(NamedTuple):
    """What is asked of an account here."""

    name: str
    person: str
    role: str
    created_by: str
    active: bool


def agents(session: Session) -> list[str]:
    """Who looks after cases: the agents who work here now."""
    query = select(col(AccountRow.name)).where(col(AccountRow.role) == "agent", col(AccountRow.active).is_(True))
    return sorted(session.scalars(query).all()) or ["the duty team"]


def person(session: Session, account: str) -> Person | None:
    """The person behind an account, as the lock office sees people; made once in a transaction, as is the account."""
    held: dict[str, Person | None] = session.info.setdefault("persons", {})
    if account not in held:
        held[account] = _person(session, account)
    return held[account]


def _person(session: Session, account: str) -> Person | None:
    row = _account(session, account)
    if row is None:
        return None
    maker = _account(session, row.created_by)
    return Person(
        person=row.person,
        roles=frozenset({Role(row.role)}),
        employed=bool(row.active),
        account_made_by=maker.person if maker else FIRST_START if row.created_by == FIRST_START else None,
        line=_line(session, row.created_by),
    )


def behind(session: Session, person: str) -> frozenset[str]:
    """A person and everybody who stands behind any of their accounts; unknown people stand for themselves."""
    spellings = _spellings(session, person)
    rows = session.scalars(select(AccountRow).where(col(AccountRow.person).in_(spellings))).all()
    return frozenset(spellings[:1]).union(*(_line(session, row.created_by) for row in rows))


def accounts(session: Session, person: str) -> list[str]:
    """Every account of a person, in use or not."""
    mine = col(AccountRow.person).in_(_spellings(session, person))
    return list(session.scalars(select(col(AccountRow.name)).where(mine)).all())


def _line(session: Session, made_by: str) -> frozenset[str]:
    """Who made an account, who made the maker's, and so on to the first ones."""
    found: dict[str, str] = {}
    maker = _account(session, made_by)
    while maker is not None and maker.name not in found:
        found[maker.name] = maker.person
        maker = _account(session, maker.created_by)
    return frozenset(found.values())


def _spellings(session: Session, person: str) -> list[str]:
    """Every spelling of a person that an account has, in order; as it is, where none has any."""
    held: dict[str, list[str]] = session.info.setdefault("spellings", {})
    folded = fold_person(person)
    if folded not in held:
        held.clear()
        for spelling in sorted(session.scalars(select(col(AccountRow.person)).distinct()).all()):
            held.setdefault(fold_person(spelling), []).append(spelling)
    return held.get(folded, [person])


def _account(session: Session, name: str) -> Account | None:
    """An account, asked for once in a transaction: an order is judged by the people of every lock of its day.

    Its person is under the first of their spellings.
    """
    held: dict[str, Account | None] = session.info.setdefault("accounts", {FIRST_START: None})
    if name not in held:
        found = list(pick(session, AccountRow, Account._fields, by=("name",), values=[name]))
        account = Account(*found[0]) if found else None
        held[name] = account and account._replace(person=_spellings(session, account.person)[0])
    return held[name]
