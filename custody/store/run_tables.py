"""Tables whose rows stand in sorted runs, and what is known of those runs (`runs.py`).

On PostgreSQL a row of its own takes more than the name in it, and `digest` and `item_key` are views. Digests are found
by their first bytes in the rows of entries and scans. Of the keys of a scan three stand in its own row: the name of the
event, found by its hash, and the first two of the others, of which the first is the parcel's of nearly every scan, each
in a tree that holds a key once for the scans under it; a hash would not do there, as each row of a key that stands
often lies in the same chain. All further keys have rows in `more_key`. Whoever adds to `item_key`, or deletes of it,
changes what it is a view of.
The same holds of openings (`tables.py`), which stand in the rows of their scans, or in `more_opening`.
"""

from typing import Any, ClassVar

from sqlalchemy import BigInteger, LargeBinary
from sqlmodel import Field, SQLModel

from custody.scans.place import WIDTH
from custody.store.brief import KEY
from custody.store.some_rows import A_VIEW, BEGINS, IN_A_BATCH, OF_A_DIGEST
from custody.store.tables import COMPACT

DIGESTS = (
    f"SELECT digest, {WIDTH} * idx AS place FROM entry"  # noqa: S608 - a number of ours
    f" UNION ALL SELECT digest, place FROM scan WHERE {IN_A_BATCH}"
)
"""What digests there are, by the rows that have them."""


class ItemKeyRow(SQLModel, table=True):
    """Under which canonical keys a scan is found."""

    __tablename__ = "item_key"
    __table_args__: ClassVar[Any] = COMPACT | {"info": {A_VIEW: True}}
    run: int = Field(default=0, primary_key=True)
    key: str = Field(sa_type=KEY, primary_key=True)
    place: int = Field(sa_type=BigInteger, primary_key=True)


class DigestRow(SQLModel, table=True):
    """Where a statement stands, by its digest; and a scan of a batch, by the hash of its leaf."""

    __tablename__ = "digest"
    __table_args__: ClassVar[Any] = COMPACT | {"info": {A_VIEW: False}}
    run: int = Field(default=0, primary_key=True)
    digest: bytes = Field(sa_type=LargeBinary, primary_key=True, sa_column_kwargs={"info": {BEGINS: OF_A_DIGEST}})
    place: int = Field(sa_type=BigInteger, primary_key=True)


class SortedRunRow(SQLModel, table=True):
    """A run of a table: its level, how many rows came into it, and the run that it is being merged into."""

    __tablename__ = "sorted_run"
    table_name: str = Field(primary_key=True)
    run: int = Field(primary_key=True)
    level: int
    size: int = Field(sa_type=BigInteger)
    target: int | None
