"""Standing authority and the switches: their tables and the questions asked of them.

- `standing_authority`: proposals to allow provisional locks, with the two people who put one in force.
- `switch`: the kill switch, and others like it.
"""

from sqlalchemy import BigInteger, Text, select
from sqlmodel import Field, Session, SQLModel, col

from custody.store.bulk import ask, write_first


class AuthorityRow(SQLModel, table=True):
    """A proposal to allow provisional locks, and who approved it."""

    __tablename__ = "standing_authority"
    id: str = Field(primary_key=True)
    rules: str = Field(sa_type=Text)
    proposer: str
    approver: str | None
    proposed_ms: int = Field(sa_type=BigInteger)
    in_force_idx: int | None = Field(sa_type=BigInteger, index=True)
    withdrawn: bool


class SwitchRow(SQLModel, table=True):
    """A switch that one person may throw."""

    __tablename__ = "switch"
    name: str = Field(primary_key=True)
    on: bool
    thrown_by: str
    at_ms: int = Field(sa_type=BigInteger)


KILL_SWITCH = "no-locks"
_IN_FORCE = (
    select(AuthorityRow)
    .where(col(AuthorityRow.in_force_idx).is_not(None))
    .order_by(col(AuthorityRow.in_force_idx).desc())
    .limit(1)
)


def authorities(session: Session) -> list[AuthorityRow]:
    """Every proposal, oldest first."""
    return list(session.scalars(select(AuthorityRow).order_by(col(AuthorityRow.proposed_ms))).all())


def switch(session: Session, name: str) -> SwitchRow | None:
    """A switch as it was thrown last; None if nobody ever threw it."""
    return session.get(SwitchRow, name)


def switched_on(session: Session, name: str) -> bool:
    """Whether a switch is on."""
    write_first(session, SwitchRow)
    return any(on for (on,) in ask(session, 'SELECT "on" FROM switch WHERE name = ?', (name,)))


def in_force(session: Session) -> AuthorityRow | None:
    """The standing authority that two people put in force last, unless it was withdrawn; it ended the one before."""
    newest = session.scalars(_IN_FORCE).first()
    return None if newest is None or newest.withdrawn else newest
