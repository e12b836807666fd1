"""What is kept outside the log: signed and parseable, but not by a key of the log; bounded, since anybody can send it.

Nothing that was kept goes again but its opening, when it is erased. So what is full stays full, and evidence that
stands there cannot be pushed out by a flood of more.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session

from custody.store.bulk import put_if_absent
from custody.store.tables import QuarantineRow

MOST = 100_000
"""So many rows are kept, but for what processes that count at one moment may keep beyond it."""

COUNTED_AGAIN = 8
"""One part in so many of what is free is filled before the rows are counted again: a count holds up the log's head."""


class Quarantine:
    """Keeps rows, and how many more it may keep before it has to count them; one for each process."""

    def __init__(self) -> None:
        self._left = 0
        self._is_full = False

    def keep(self, session: Session, rows: Sequence[dict[str, Any]]) -> int:
        """Keep as many of these rows as there is room for, and return how many that was.

        What stands already stays as it is, and what was erased of it is not brought back.
        """
        kept = list(rows)[: self._room(session, len(rows))]
        named = [{**row, "name": hashlib.sha256(row["statement"]).digest()} for row in kept]
        put_if_absent(session, QuarantineRow, named, keys=("digest", "name"))
        return len(kept)

    def _room(self, session: Session, wanted: int) -> int:
        if wanted > self._left and not self._is_full:
            free = MOST - (session.scalar(select(func.count()).select_from(QuarantineRow)) or 0)
            self._is_full = free <= 0
            self._left = max(0, free // COUNTED_AGAIN, min(free, wanted))
        room = min(wanted, self._left)
        self._left -= room
        return room
