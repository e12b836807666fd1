"""What is wished of each handset at one back-end: the memory that makes every call idempotent.

A `Wish` is stored before anything is sent, so that a crash or a silence in between is met by sending it again. One
wish per handset: a newer one replaces the older. `FileBook` keeps them in an append-only file, flushed before anyone
acts on it and kept outside the backups like the anchor, so that a restore brings back no lock and forgets no
retirement. Its lines are JSON, the newest for a handset holds, and a torn last line (a crash while writing) is dropped.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec

from custody.kernel.clock import Instant
from custody.kernel.errors import Fatal
from devicelock.rules.applied import Applied
from devicelock.rules.command import Screen


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The newest wish. `taken`: the back-end is known to have it. `token`: its own name for what it took.

    `attempt` counts how often a taken wish was asserted anew; `applied` and `last_seen_ms` are what was last shown,
    and `not_now` is the device's own word that it cannot do it yet.
    """

    handset: str
    state: Applied
    order: str
    version: int
    screen: Screen | None = None
    not_after_ms: Instant = 0
    held_until_ms: Instant = 0
    attempt: int = 0
    taken: bool = False
    not_now: bool = False
    token: str | None = None
    applied: Applied | None = None
    last_seen_ms: Instant | None = None

    def is_same(self, other: "Wish | None") -> bool:
        """Whether the other is this wish, whatever has been learned of it since."""
        mine = (self.state, self.order, self.version)
        return other is not None and mine == (other.state, other.order, other.version)


class Book(Protocol):
    """The wishes of one back-end."""

    def get(self, handset: str) -> Wish | None:
        """The newest wish, or None if nothing was ever wished."""
        ...

    def put(self, wish: Wish) -> None:
        """Store a wish durably in place of the older one."""
        ...

    def drop(self, handset: str) -> None:
        """Forget the handset: a first wish that the back-end would not take."""
        ...

    def __iter__(self) -> Iterator[Wish]: ...


class MemoryBook:
    """A book that ends with its process."""

    def __init__(self) -> None:
        self._wishes: dict[str, Wish] = {}

    def get(self, handset: str) -> Wish | None:
        """The newest wish."""
        return self._wishes.get(handset)

    def put(self, wish: Wish) -> None:
        """Keep a wish."""
        self._wishes[wish.handset] = wish

    def drop(self, handset: str) -> None:
        """Forget the handset."""
        self._wishes.pop(handset, None)

    def __iter__(self) -> Iterator[Wish]:
        return iter(tuple(self._wishes.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    handset: str
    wish: Wish | None


class FileBook(MemoryBook):
    """A book in a file. Opening it writes it anew without what was replaced."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        lines = path.read_bytes().split(b"\n") if path.exists() else [b""]
        for number, line in enumerate(lines[:-1], 1):
            read = _read(line, where=f"{path.name} line {number}")
            super().put(read.wish) if read.wish else super().drop(read.handset)
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        with fresh.open("wb") as out:
            out.writelines(_write(wish.handset, wish) for wish in self)
            out.flush()
            os.fsync(out.fileno())
        fresh.chmod(0o600)
        fresh.replace(path)
        _flush_folder(path.parent)
        self._out = path.open("ab")

    def put(self, wish: Wish) -> None:
        """Keep a wish; it is on the disk when this returns."""
        self._append(_write(wish.handset, wish))
        super().put(wish)

    def drop(self, handset: str) -> None:
        """Forget the handset, on the disk too."""
        self._append(_write(handset, None))
        super().drop(handset)

    def close(self) -> None:
        """Close the file."""
        self._out.close()

    def _append(self, line: bytes) -> None:
        self._out.write(line)
        self._out.flush()
        os.fsync(self._out.fileno())


def _read(line: bytes, *, where: str) -> _Line:
    try:
        return msgspec.json.decode(line, type=_Line)
    except msgspec.MsgspecError as error:
        raise Fatal("book", f"{where} cannot be read: {error}", fix="Restore the file from its copy.") from error


def _write(handset: str, wish: Wish | None) -> bytes:
    return msgspec.json.encode(_Line(handset=handset, wish=wish)) + b"\n"


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
