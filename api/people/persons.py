"""The persons behind the accounts: who looks after cases, and who counts as whom when two people are asked for.

Accounts from before a name was written down as it was the first time may spell one person in several ways
(`kernel.person`): they count as one, under the first of their spellings.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import Row, select
from sqlmodel import Session, col

from api.people.accounts import FIRST_START, RESCUE
from api.people.tables import AccountRow
from custody.disputes.civil import civil_date
from custody.disputes.policy import DEFAULT_POLICY, CaseworkPolicy
from custody.kernel.clock import MINUTE_MS, Clock, Instant
from custody.kernel.person import fold_person
from custody.store.bulk import ask, write_first
from devicelock.rules.lock_facts import Person
from devicelock.rules.order import LockRole

DUTY_TEAM = "the duty team"
"""Who looks after cases where no agent works, and approves where nobody else may."""

AT_THE_MACHINE = frozenset({FIRST_START, RESCUE})
"""What made accounts where no account did: whoever runs the machine, of whom no rule takes two people to be one."""


class Account(NamedTuple):
    """What is asked of an account here."""

    name: str
    person: str
    role: str
    created_by: str
    created_ms: int
    active: bool


@dataclass(frozen=True, slots=True)
class Staff:
    """Every account by its name, and the spellings and the accounts of every person by what those have in common."""

    accounts: dict[str, Account] = field(default_factory=dict)
    spellings: dict[str, list[str]] = field(default_factory=dict)
    of_person: dict[str, list[Account]] = field(default_factory=dict)


def agents(session: Session) -> list[str]:
    """Who looks after a case from now on: the agents who are here, or all of them if everybody is away."""
    return _here_first(_agents(session))


def keepers(session: Session, *, clock: Clock, policy: CaseworkPolicy = DEFAULT_POLICY) -> list[str]:
    """Who goes on looking after their cases: the agents who work here, and have not been away for too long.

    If everybody is away, nobody has to take over.
    """
    now_ms = clock.now_ms()
    longest_ms = policy.count("owner_absent_minutes", civil_date(now_ms)) * MINUTE_MS
    rows = _agents(session)
    here = sorted(name for name, away_ms in rows if away_ms is None or now_ms - away_ms < longest_ms)
    return here if any(away_ms is None for _, away_ms in rows) else agents(session)


def supervisors(session: Session) -> list[str]:
    """Who keeps the rules: the supervisors who are here, or all of them if everybody is away."""
    return _here_first(_of_role(session, "supervisor"))


def rule_keepers(session: Session) -> list[str]:
    """Every supervisor who works here, or the duty team where none does."""
    return sorted(name for name, _ in _of_role(session, "supervisor")) or [DUTY_TEAM]


def approvers(session: Session, asker: str) -> list[str]:
    """Of those who may approve what a person asks for the ones who are here, or all of them if everybody is away."""
    return _here_first(_approvers(session, asker))


def may_approve(session: Session, asker: str) -> frozenset[str]:
    """Whose accounts may approve what a person asks for: supervisors with whom nobody stands behind both.

    Where there is none, as one person made every account, it is any other person: no customer waits for that.
    """
    return frozenset(name for name, _ in _approvers(session, asker))


def _approvers(session: Session, asker: str) -> Sequence[Row[str, int | None]]:
    rows, asking = _of_role(session, "supervisor"), set(map(fold_person, {asker, *behind(session, asker)}))
    who = {name: account.person for name, _ in rows if (account := _account(session, name)) is not None}
    others = [row for row in rows if fold_person(who[row[0]]) != fold_person(asker)]
    apart = [row for row in others if asking.isdisjoint(map(fold_person, behind(session, who[row[0]])))]
    return apart or others


def _here_first(rows: Sequence[Row[str, int | None]]) -> list[str]:
    here = sorted(name for name, away_ms in rows if away_ms is None)
    return here or sorted(name for name, _ in rows) or [DUTY_TEAM]


def _agents(session: Session) -> Sequence[Row[str, int | None]]:
    return _of_role(session, "agent")


def _of_role(session: Session, role: str) -> Sequence[Row[str, int | None]]:
    query = select(col(AccountRow.name), col(AccountRow.away_ms))
    return session.execute(query.where(col(AccountRow.role) == role, col(AccountRow.active).is_(True))).all()


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
        roles=frozenset({LockRole(row.role)}),
        employed=bool(row.active),
        account_made_by=maker.person if maker else row.created_by if row.created_by in AT_THE_MACHINE else None,
        line=_line(session, row.created_by),
    )


def behind(session: Session, person: str) -> frozenset[str]:
    """A person and everybody who stands behind any of their accounts; unknown people stand for themselves."""
    spellings, mine = _spellings(session, person), _accounts_of(session, person)
    return frozenset(spellings[:1]).union(*(_line(session, account.created_by) for account in mine))


def answering(session: Session, account: str, since_ms: Instant) -> frozenset[str]:
    """Who answers for what is done with an account: its person, and who made it while it is younger than a moment.

    So does who made the maker's account, if that is as young, and so on. An account that nobody knows answers for
    itself.
    """
    found: dict[str, str] = {}
    row = _account(session, account)
    while row is not None and row.name not in found:
        found[row.name] = row.person
        row = _account(session, row.created_by) if row.created_ms >= since_ms else None
    return frozenset(found.values()) or frozenset({account})


def accounts(session: Session, person: str) -> list[str]:
    """Every account of a person, in use or not."""
    return [account.name for account in _accounts_of(session, person)]


def open_accounts_from(session: Session, name: str) -> list[str]:
    """The accounts in use that an account made, or that those made which it made, and so on."""
    found, makers = set[str](), {name}
    every = _staff(session).accounts.values()
    while makers:
        makers = {each.name for each in every if each.created_by in makers} - found - {name}
        found |= makers
    return sorted(each.name for each in every if each.name in found and each.active)


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
    return _staff(session).spellings.get(fold_person(person), [person])


def _accounts_of(session: Session, person: str) -> list[Account]:
    """Every account of a person, in use or not, by name."""
    return _staff(session).of_person.get(fold_person(person), [])


def _account(session: Session, name: str) -> Account | None:
    """An account; its person is under the first of their spellings."""
    return _staff(session).accounts.get(name)


def _staff(session: Session) -> Staff:
    """Every account, asked for once in a transaction: an order is judged by the people of every lock of its day."""
    held: Staff | None = session.info.get("staff")
    if held is None:
        write_first(session, AccountRow)
        columns = ", ".join(Account._fields)
        found = [Account._make(row) for row in ask(session, f"SELECT {columns} FROM account ORDER BY name", ())]  # noqa: S608 - our own names
        held = session.info["staff"] = Staff()
        for spelling in sorted({account.person for account in found}):
            held.spellings.setdefault(fold_person(spelling), []).append(spelling)
        for account in found:
            who = fold_person(account.person)
            held.accounts[account.name] = account._replace(person=held.spellings[who][0])
            held.of_person.setdefault(who, []).append(held.accounts[account.name])
    return held
