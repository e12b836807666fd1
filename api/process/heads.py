"""Keeping the newest signed head outside the database (see `custody.store.head_file`), beside the hot path.

One thread writes the head at most every 200 ms after commits, every second for those of other services on the same
database, and once more at the end. Before a command leaves for a handset the head is written at once: no handset is
locked on a record that a restored backup would not have. The relay asks for that once a round (`is_kept`), after it has
read what is to leave, so that the head covers all of it. Where the head cannot be written, on a full disk, locks wait
and what sets a handset free leaves all the same.
"""

import threading

import structlog

from custody.kernel.errors import Trouble
from custody.kernel.poked_thread import PokedThread
from custody.store import log_reader
from custody.store.head_file import HeadFile
from custody.store.unit import House

EVERY_S, IDLE_S = 0.2, 1.0

log = structlog.get_logger()


class HeadKeeper:
    """Writes the head of a house to its file; its thread is poked when it may have moved."""

    def __init__(self, house: House, file: HeadFile) -> None:
        self._house = house
        self._file = file
        self._turn = threading.Lock()
        self._begun = self._ended = 0
        self._note = b""
        self.thread = PokedThread(self._try, name="heads", idle_s=IDLE_S, at_end=self._try)

    def check(self) -> None:
        """Raise `Fatal("rolled_back")` if the database does not hold the head that was kept."""
        with self._house.read() as session:
            self._file.check(session)

    def keep_now(self) -> None:
        """Write the head before returning; raises `OSError` or `Trouble` if that cannot be done.

        Those who wait for their turn meanwhile are served together, by a head that is read after they came.
        """
        came = self._begun
        with self._turn:
            if self._ended > came:
                return
            self._begun += 1
            self._keep()
            self._ended = self._begun

    def is_kept(self) -> bool:
        """Write the head; whether that could be done. What locks stays in the outbox until it is."""
        try:
            self.keep_now()
        except (OSError, Trouble) as error:
            log.warning("no lock leaves before the head is kept outside the database", error=repr(error))
            return False
        return True

    def _keep(self) -> None:
        with self._house.read() as session:
            note = log_reader.newest_note(session)
        if note and note != self._note:
            self._file.keep(note)
            self._note = note

    def _try(self) -> float:
        try:
            self.keep_now()
        except (OSError, Trouble) as error:
            log.warning("the newest head could not be kept outside the database", error=repr(error))
            self.thread.poke()
            return 2 * EVERY_S
        return EVERY_S
