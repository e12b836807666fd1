"""SQLite's write-ahead log: its pages are copied into the database while others write, and it is emptied.

A commit that finds the log long copies its pages (`wal_autocheckpoint`), and all who write wait meanwhile, a tenth of a
second. So a thread copies them as they come, for which nobody waits (SQLite, wal_checkpoint_v2, "passive").

The log begins anew only once all of it is copied, and the database on the disk. Where scans come in all the while, that
asks for a moment in which nobody commits. So the thread waits for its turn like whoever writes, and before that it
makes the moment short: it copies what has come again and again, and SQLite puts the database on the disk at the end of
a copying during which nobody has committed. What is left for the turn is a few pages.
"""

import sqlite3
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import structlog
from sqlalchemy import Engine

from custody.kernel.poked_thread import PokedThread
from custody.store.engine import is_sqlite
from custody.store.turn import Turn

EVERY_S = 0.25
ANEW = 4_000
"""Of so many pages on, 16 MiB, the log is to begin anew."""

BEFORE = 3
"""So often what has come is copied before the turn is waited for."""

WAIT_S = 10.0
HOLD_S = 0.5
"""Others wait so long at most, at each try, while a reader keeps the log from being emptied."""

AGAIN_S = 0.05

log = structlog.get_logger()


def page_copier(engine: Engine) -> PokedThread:
    """A thread that copies pages, to be poked when somebody has committed."""
    return PokedThread(partial(_copy_some, Path(str(engine.url.database)), Turn(engine)), name="pages")


def _copy_some(path: Path, turn: Turn) -> float:
    try:
        copy_pages(path, turn)
    except sqlite3.Error as error:
        log.warning("pages could not be copied into the database, and will be", why=str(error))
    return EVERY_S


def copy_pages(path: Path, turn: Turn) -> None:
    """Copy what can be copied of the log into the database at `path`, and have a long log begin anew.

    Raises `sqlite3.Error`.
    """
    with closing(sqlite3.connect(path)) as connection:
        if _copy(connection) < ANEW:
            return
        for _ in range(BEFORE):
            _copy(connection)
        with turn:
            _copy(connection)


def _copy(connection: sqlite3.Connection) -> int:
    """Copy what no reader keeps; returns how many pages the log has, or -1 if somebody else is at it."""
    _, pages, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return int(pages)


def drop_old_pages(engine: Engine) -> bool:
    """On SQLite, move the log into the database and empty it: it still holds the pages as they were.

    True once that is done. False where somebody else copies pages or reads an older state all the while; and on
    PostgreSQL, whose own vacuum clears away what rows were.
    """
    if not is_sqlite(engine):
        return False
    ends_s = time.monotonic() + WAIT_S
    with closing(sqlite3.connect(str(engine.url.database), timeout=HOLD_S)) as connection:
        while True:
            busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if not busy or time.monotonic() > ends_s:
                return not busy
            time.sleep(AGAIN_S)
