"""Which rows of a table an index holds, where it does not hold all: SQL that both engines read alike.

A question that such an index answers has the same words in it; SQLite uses it for no others.
"""

from sqlalchemy import Index, text

NOT_A_SCAN = "content_type NOT IN ('.scan+epcis', '.capture+epcis')"
"""Which entries are found by their content type, as rows hold it: not the scans, which are nearly all."""

ANSWERED = "kind IN ('offered', 'heard_accepted', 'mind_changed', 'decision_accepted', 'told_rebutted')"
"""Which lines of a timeline give or overturn an answer (`disputes/overturned.py`)."""


def index_over(name: str, *columns: str, rows: str) -> Index:
    """An index over some rows alone, on both engines."""
    return Index(name, *columns, sqlite_where=text(rows), postgresql_where=text(rows))
