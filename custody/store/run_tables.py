"""Tables whose rows stand in sorted runs, and what is known of those runs (`runs.py`)."""

from typing import Any

from sqlalchemy import BigInteger, Index, LargeBinary
from sqlmodel import Field, SQLModel

from custody.store.brief import KEY
from custody.store.tables import COMPACT


def _named_by(table: str, name: str, using: str) -> tuple[Index, dict[str, Any]]:
    """SQLite's rows stand in the order of their key; PostgreSQL's have none, and are found by an index of their name.

    In a tree a name under which many scans stand is held once for many of them. A digest is the name of one: its hash
    takes less than half. A hash would not do for names, as each row of one that stands often lies in the same chain.
    """
    index = Index(f"ix_{table}_{name}", name, postgresql_using=using)
    return index.ddl_if(dialect="postgresql"), COMPACT


class ItemKeyRow(SQLModel, table=True):
    """Under which canonical keys a scan is found."""

    __tablename__ = "item_key"
    __table_args__ = _named_by("item_key", "key", "btree")
    run: int = Field(default=0, primary_key=True)
    key: str = Field(sa_type=KEY, primary_key=True)
    place: int = Field(sa_type=BigInteger, primary_key=True)


class DigestRow(SQLModel, table=True):
    """Where a statement stands, by its digest; and a scan of a batch, by the hash of its leaf."""

    __tablename__ = "digest"
    __table_args__ = _named_by("digest", "digest", "hash")
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
