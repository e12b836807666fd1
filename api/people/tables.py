"""Tables of the doors: who may come in, and who saw what."""

from sqlalchemy import BigInteger, Index, LargeBinary
from sqlmodel import Field, SQLModel


class AccountRow(SQLModel, table=True):
    """A local account: one role, one person. Two accounts of one person count as one person everywhere.

    `away_ms`: since when its person is away; None while they are here. `subject`: who its person is at the provider of
    single sign-on; whoever is linked gives no password here while that is on.
    """

    __tablename__ = "account"
    name: str = Field(primary_key=True)
    person: str = Field(index=True)
    role: str
    password_hash: str
    created_by: str
    created_ms: int = Field(sa_type=BigInteger)
    active: bool
    away_ms: int | None = Field(default=None, sa_type=BigInteger)
    subject: str | None = Field(default=None, index=True, unique=True)


class SessionRow(SQLModel, table=True):
    """A signed-in account; the token itself is never stored. `since_ms`: when it signed in, None if nobody noted it.

    `sid`: which session of the provider it goes back to, as issuer and name; `id_token`: what the provider gave of who
    signed in there, for its way out, empty if that is too long to be kept. Both are None of who gave a password.
    """

    __tablename__ = "session"
    token_hash: bytes = Field(sa_type=LargeBinary, primary_key=True)
    account: str = Field(index=True)
    until_ms: int = Field(sa_type=BigInteger)
    since_ms: int | None = Field(default=None, sa_type=BigInteger)
    sid: str | None = Field(default=None, index=True)
    id_token: str | None = None


class LogoutRow(SQLModel, table=True):
    """A logout token of the provider's that was taken, as the hash of its name, until it could be taken no more."""

    __tablename__ = "logout"
    token_hash: bytes = Field(sa_type=LargeBinary, primary_key=True)
    until_ms: int = Field(sa_type=BigInteger)


class ViewingRow(SQLModel, table=True):
    """That an account saw a case on a day (UTC), and when first. `id` is made of the three."""

    __tablename__ = "viewing"
    __table_args__ = (Index("ix_viewing_account_at_ms", "account", "at_ms"),)
    id: str = Field(primary_key=True)
    dispute: str = Field(index=True)
    account: str
    at_ms: int = Field(sa_type=BigInteger, index=True)
