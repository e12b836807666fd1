"""Tables whose rows stand in sorted runs, and what is known of those runs (`runs.py`)."""

from sqlalchemy import BigInteger, LargeBinary
from sqlmodel import Field, SQLModel

from custody.store.brief import KEY
from custody.store.tables import COMPACT


class ItemKeyRow(SQLModel, table=True):
    """Under which canonical keys a scan is found."""

    __tablename__ = "item_key"
    __table_args__ = COMPACT
    run: int = Field(default=0, primary_key=True)
    key: str = Field(sa_type=KEY, primary_key=True)
    place: int = Field(sa_type=BigInteger, primary_key=True)


class DigestRow(SQLModel, table=True):
    """Where a statement stands, by its digest; and a scan of a batch, by the hash of its leaf."""

    __tablename__ = "digest"
    __table_args__ = COMPACT
    run: int = Field(default=0, primary_key=True)
    digest: bytes = Field(sa_type=LargeBinary, primary_key=True)
    place: int = Field(sa_type=BigInteger, primary_key=True)


class SortedRunRow(SQLModel, table=True):
    """A run of a table: its level, how many rows came into it, and the run that it is being merged into."""

    __tablename__ = "sorted_run"
    table_name: str = Field(primary_key=True)
    run: int = Field(primary_key=True)
    level: int
    size: int = Field(sa_type=BigInteger)
    target: int | None
