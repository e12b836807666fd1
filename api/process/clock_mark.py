"""When a service was last up, by its own clock: a time mark that it writes while it runs, also where nothing happens.

A clock that was put back while the service was off is measured from it. The newest checkpoint is as old as the last
entry of the log, so that the hours in which nothing happened would be missing.

Each service has a file of its own, by its name, beside the anchor and outside the backups of the database: the clocks
of two machines differ, and a restored copy would say that it was last up long ago. The mark only goes forward, but for
a clock that was put back and whose locks have been shortened for it (`clock_watch.py`): what was measured once is not
measured again. A file that holds no moment counts as none; so does one that holds a moment no clock shows.
"""

from pathlib import Path

import structlog

from custody.kernel.clock import Instant
from custody.store.durable_file import make_folder, replace_file

CLOCKS = "clocks"
"""Their folder, beside that of the anchor."""
MOST_DIGITS = 15
"""So many has a moment of the year 9999; a clock that was put back from later than that could not be acted on."""

log = structlog.get_logger()


class ClockMark:
    """The mark of one service."""

    def __init__(self, path: Path) -> None:
        self._path = path
        make_folder(path.parent)

    def up_ms(self) -> Instant | None:
        """When the service was last up; None where nobody knows."""
        try:
            text = self._path.read_text(errors="replace").strip()
        except FileNotFoundError:
            return None
        if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
            log.warning("the mark of the clock is no moment and counts as none", path=str(self._path))
            return None
        return int(text)

    def keep(self, now_ms: Instant, *, anew: bool = False) -> None:
        """The service is up now; durable when this returns. An earlier moment changes nothing, unless it is `anew`.

        Raises `OSError`, and leaves what stood.
        """
        kept = None if anew else self.up_ms()
        if kept is None or now_ms > kept:
            replace_file(self._path, f"{now_ms}\n".encode())
