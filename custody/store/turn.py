"""Whose turn it is to write to SQLite: one unit at a time, over all threads and processes of this machine.

SQLite would make them wait for each other as well, but by sleeping and asking again, which lets some wait long. A lock
on a file beside the database is handed on at once.
"""

import fcntl
import os
import threading
import weakref
from types import TracebackType

from sqlalchemy import Engine

SUFFIX = ".turn"


class Turn:
    """A context in which nobody else writes to the engine's database file."""

    def __init__(self, engine: Engine) -> None:
        self._threads = threading.Lock()
        self._file = os.open(f"{engine.url.database}{SUFFIX}", os.O_CREAT | os.O_RDWR, 0o600)
        weakref.finalize(self, os.close, self._file)

    def __enter__(self) -> None:
        """Wait for the turn."""
        self._threads.acquire()
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hand the turn on."""
        fcntl.flock(self._file, fcntl.LOCK_UN)
        self._threads.release()
