"""Tables whose rows stand in sorted runs, and what is known of those runs (`runs.py`).

On PostgreSQL digests have no rows of their own, which would take more than all else that is known of them: they are
found by the hash in the rows of entries and scans, and `digest` is a view of these.
"""

from typing import Any, ClassVar

from sqlalchemy import BigInteger, Index, LargeBinary
from sqlmodel import Field, SQLModel

from custody.scans.place import WIDTH
from custody.store.brief import KEY
from custody.store.some_rows import IN_A_BATCH
from custody.store.tables import COMPACT

VIEW = "view_on_postgresql"
"""In the `info` of a table: which rows it shows on PostgreSQL, where it has none of its own."""

DIGESTS = (
    f"SELECT digest, {WIDTH} * idx AS place FROM entry"  # noqa: S608 - a number of ours
    f" UNION ALL SELECT digest, place FROM scan WHERE {IN_A_BATCH}"
)
"""What digests there are, by the rows that have them."""


class ItemKeyRow(SQLModel, table=True):
    """Under which canonical keys a scan is found."""

    __tablename__ = "item_key"
    __table_args__ = (Index("ix_item_key_key", "key", postgresql_using="btree").ddl_if(dialect="postgresql"), COMPACT)
    run: int = Field(default=0, primary_key=True)
    key: str = Field(sa_type=KEY, primary_key=True)
    place: int = Field(sa_type=BigInteger, primary_key=True)


class DigestRow(SQLModel, table=True):
    """Where a statement stands, by its digest; and a scan of a batch, by the hash of its leaf."""

    __tablename__ = "digest"
    __table_args__: ClassVar[Any] = COMPACT | {"info": {VIEW: DIGESTS}}
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
