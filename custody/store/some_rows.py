"""Which rows of a table an index holds, where it does not hold all: SQL that both engines read alike.

A question that such an index answers has the same words in it; SQLite uses it for no others.
"""

from sqlalchemy import Index, text

from custody.scans.place import WIDTH

NOT_A_SCAN = "content_type NOT IN ('.scan+epcis', '.capture+epcis')"
"""Which entries are found by their content type, as rows hold it: not the scans, which are nearly all."""

A_VIEW = "view_on_postgresql"
"""In the `info` of a table that has no rows of its own on PostgreSQL: whether rows can be added there."""

IN_A_BATCH = f"(place & {WIDTH - 1}) <> 0"
"""Which scans have a digest that no entry has: that of their leaf."""

BEGINS = "begins"
"""In the `info` of a column: PostgreSQL has an index of so many of its first bytes, and who looks asks for them."""

OF_A_DIGEST = 7
"""So many bytes are told of a digest: no fewer take less room in an index, and hardly two digests have the same."""

HAS_A_THIRD_KEY = "third_key <> ''"
"""Which scans have a third key in their row; most have none, and no text takes less there than no value."""

ANSWERED = "kind IN ('offered', 'heard_accepted', 'mind_changed', 'decision_accepted', 'told_rebutted')"
"""Which lines of a timeline give or overturn an answer (`disputes/overturned.py`)."""


def index_over(name: str, *columns: str, rows: str) -> Index:
    """An index over some rows alone, on both engines."""
    return Index(name, *columns, sqlite_where=text(rows), postgresql_where=text(rows))


def beginning(column: str, length: int) -> str:
    """The first bytes of a column, in SQL."""
    return f"substr({column}, 1, {length})"


def on_postgresql(name: str, expression: str, using: str, *, rows: str | None = None) -> Index:
    """An index on PostgreSQL alone; by the `hash` of names that stand once, which takes less than half of a `btree`."""
    where = None if rows is None else text(rows)
    return Index(name, text(expression), postgresql_using=using, postgresql_where=where).ddl_if(dialect="postgresql")
