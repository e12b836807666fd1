"""Where an exported log lies: a folder here, a bucket of an object store in `log_bucket.py`; the export knows no more.

A target is a set of files by path. Each is put there whole and stays; the checkpoint alone is replaced, and only while
it is still the one that was read (compare and swap), so that two exports never set each other back. `form_of` says how
a file of the log is served (C2SP tlog-tiles): tiles and bundles never change, so caches may keep them for ever; a
checkpoint for a second.

Whoever holds the target may put anything there: of a file that is longer than any of a log's nothing is read.
"""

import fcntl
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from custody.kernel.errors import Conflict
from custody.ledger.tiles import MAX_ENTRY_BYTES, WIDTH
from custody.store.durable_file import make_folder, replace_file

CHECKPOINT = "checkpoint"
TILES = "tile"
MOST_BYTES = WIDTH * (2 + MAX_ENTRY_BYTES)
"""As long as a bundle of the longest entries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What a web server says of a file: its media type, and how long caches may keep it."""

    media_type: str
    cache_control: str


TILE_FORM = Form(media_type="application/octet-stream", cache_control="public, max-age=31536000, immutable")
CHECKPOINT_FORM = Form(media_type="text/plain; charset=utf-8", cache_control="public, max-age=1")


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldFile:
    """A file as it was read, and the target's own marks of that version."""

    data: bytes
    tag: str | None = None
    version: str | None = None


class Target(Protocol):
    """Where the files go. What the target does not let through raises `Forbidden`, `NotFound` or `Unavailable`."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def at_once(self) -> int:
        """How many files it takes side by side."""

    def sizes(self) -> dict[str, int]:
        """Every file below `tile/` with its length in bytes."""

    def read(self, path: str) -> HeldFile | None:
        """A file, or None if there is none; without any bytes if it has more than `MOST_BYTES`."""

    def put(self, path: str, data: bytes) -> None:
        """Put a file there, whole and durably; another one of that name is replaced."""

    def swap(self, path: str, data: bytes, *, held: HeldFile | None) -> None:
        """Replace what was read (None: nothing was there); raises `Conflict("moved")` if that is not there any more."""

    def remove(self, paths: Sequence[str]) -> None:
        """Take files away; one that is not there is no error."""


def form_of(path: str) -> Form:
    """How a file of the log is served."""
    return CHECKPOINT_FORM if path == CHECKPOINT else TILE_FORM


def moved(name: str, path: str) -> Conflict:
    """Somebody else replaced the file meanwhile."""
    return Conflict(
        "moved",
        f"{name} got another {path} while this export was under way; it was left as it is",
        fix="Export again. If this comes back, two exports write to one place: stop one of them.",
    )


class Folder:
    """A folder of this machine, for a web server or an auditor's disk."""

    at_once = 4

    def __init__(self, folder: Path) -> None:
        self.name = str(folder)
        self._folder = folder
        self._known: set[Path] = set()

    def sizes(self) -> dict[str, int]:
        """Every file below `tile/`."""
        found = {}
        for place, _, names in os.walk(self._folder / TILES):
            for file in (Path(place) / name for name in names):
                with suppress(FileNotFoundError):  # another export has renamed or taken it away meanwhile
                    found[file.relative_to(self._folder).as_posix()] = file.stat().st_size
        return found

    def read(self, path: str) -> HeldFile | None:
        """A file, or None if there is none; without any bytes if it has more than `MOST_BYTES`."""
        file = self._folder / path
        if not file.is_file():
            return None
        with file.open("rb") as stored:
            data = stored.read(MOST_BYTES + 1)
        return HeldFile(data=b"" if len(data) > MOST_BYTES else data)

    def put(self, path: str, data: bytes) -> None:
        """Put a file there, whole and durably."""
        file = self._folder / path
        if file.parent not in self._known:
            make_folder(file.parent)
            self._known.add(file.parent)
        replace_file(file, data)

    def swap(self, path: str, data: bytes, *, held: HeldFile | None) -> None:
        """Replace what was read; the folder is locked against other exports meanwhile (flock, which ends with us)."""
        make_folder(self._folder)
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if self.read(path) != held:
                raise moved(self.name, path)
            self.put(path, data)
        finally:
            os.close(descriptor)

    def remove(self, paths: Sequence[str]) -> None:
        """Take files away, and the folders that they leave empty."""
        for file in (self._folder / path for path in paths):
            file.unlink(missing_ok=True)
            with suppress(OSError):  # it is not empty
                file.parent.rmdir()
