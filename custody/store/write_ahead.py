"""SQLite's write-ahead log: its pages are copied into the database while others write, and it is emptied.

A commit that finds the log long copies its pages (`wal_autocheckpoint`), and all who write wait meanwhile, a tenth of a
second. So a thread copies them as they come, for which nobody waits (SQLite, wal_checkpoint_v2, "passive"), and leaves
little to such a commit. It is still needed: the log begins anew only once all of it is copied, which a thread seldom
sees while scans come in.
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

EVERY_S = 0.25
WAIT_S = 10.0
HOLD_S = 0.5
"""Others wait so long at most, at each try, while a reader keeps the log from being emptied."""

AGAIN_S = 0.05

log = structlog.get_logger()


def page_copier(engine: Engine) -> PokedThread:
    """A thread that copies pages, to be poked when somebody has committed."""
    return PokedThread(partial(_copy, Path(str(engine.url.database))), name="pages")


def _copy(path: Path) -> float:
    try:
        copy_pages(path)
    except sqlite3.Error as error:
        log.warning("pages could not be copied into the database, and will be", why=str(error))
    return EVERY_S


def copy_pages(path: Path) -> None:
    """Copy what nobody needs to wait for of the log into the database at `path`; raises `sqlite3.Error`."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")


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
