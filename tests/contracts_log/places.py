"""Where a log can be exported to, for tests that hold for each: what lies there, and how to spoil it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import obstore
from obstore.store import from_url

from custody.kernel.errors import NotFound, Unavailable
from custody.ledger.audit import Audit
from custody.ledger.replay import AuditFinding
from custody.ledger.tiles import ENTRIES, TileId
from custody.store import log_reader
from custody.store.log_bucket import Bucket
from custody.store.log_target import Folder, HeldFile, Target
from custody.store.static_export import Exported, export_log
from custody.store.unit import House
from tests.contracts_log.small_house import VERIFIER


class Place:
    """A target and a way behind it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._store = from_url(name) if "://" in name else None

    def target(self) -> Target:
        """The target as an export opens it."""
        return Folder(Path(self.name)) if self._store is None else Bucket(self.name)

    def files(self) -> dict[str, bytes]:
        """Everything that lies there."""
        if self._store is None:
            folder = Path(self.name)
            return {
                file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()
            }
        listed = [file["path"] for files in obstore.list(self._store) for file in files]
        return {path: bytes(obstore.get(self._store, path).bytes()) for path in listed}

    def spoil(self, path: str, data: bytes | None) -> None:
        """Put something else there, or take it away."""
        if self._store is None:
            file = Path(self.name) / path
            file.unlink() if data is None else file.write_bytes(data)
        elif data is None:
            obstore.delete(self._store, path)
        else:
            obstore.put(self._store, path, data)

    def audit(self) -> list[AuditFinding]:
        """What an auditor with the log's key finds."""
        files = self.files()

        def tile(wanted: TileId) -> bytes:
            if wanted.path not in files:
                raise NotFound("tile", f"{wanted.path} is missing", fix="Export again.")
            return files[wanted.path]

        return list(Audit(get_checkpoint=lambda: files["checkpoint"], get_tile=tile, log=VERIFIER).run())


class Door:
    """The log's public face, which may break off or lie, and says what was asked for."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.left = 10**9
        self.asked: list[str] = []
        self.change: Callable[[str, bytes], bytes] = lambda _path, data: data

    def checkpoint(self) -> bytes:
        """The newest."""
        with self._house.read() as session:
            return self.change("checkpoint", log_reader.head(session).note)

    def tile(self, wanted: TileId) -> bytes:
        """A tile or bundle."""
        self.left -= 1
        if self.left < 0:
            raise NotFound("tile", "the line broke", fix="Try again.")
        self.asked.append(wanted.path)
        with self._house.read() as session:
            read = log_reader.bundle if wanted.level == ENTRIES else log_reader.tile
            return self.change(wanted.path, read(session, wanted))


def export(door: Door, target: Target, *, whole: bool = False) -> Exported:
    """Export that log."""
    return export_log(target, get_checkpoint=door.checkpoint, get_tile=door.tile, log=VERIFIER, whole=whole)


@dataclass(slots=True, kw_only=True)
class Faulty:
    """A target whose write of one file fails once: before it took the file (not applied) or after (applied)."""

    target: Target
    path: str
    applied: bool
    put_there: list[str] = field(default_factory=list)
    failed: bool = False

    @property
    def name(self) -> str:
        """As the target's."""
        return self.target.name

    @property
    def at_once(self) -> int:
        """As the target's."""
        return self.target.at_once

    def sizes(self) -> dict[str, int]:
        """As the target's."""
        return self.target.sizes()

    def read(self, path: str) -> HeldFile | None:
        """As the target's."""
        return self.target.read(path)

    def put(self, path: str, data: bytes) -> None:
        """As the target's, but for the one fault."""
        self._perhaps(path, applied=False)
        self.target.put(path, data)
        self.put_there.append(path)
        self._perhaps(path, applied=True)

    def swap(self, path: str, data: bytes, *, held: HeldFile | None) -> None:
        """As the target's, but for the one fault."""
        self._perhaps(path, applied=False)
        self.target.swap(path, data, held=held)
        self.put_there.append(path)
        self._perhaps(path, applied=True)

    def remove(self, paths: Sequence[str]) -> None:
        """As the target's, but for the one fault."""
        self._perhaps("", applied=False)
        self.target.remove(paths)
        self._perhaps("", applied=True)

    def _perhaps(self, path: str, *, applied: bool) -> None:
        if not self.failed and (path, applied) == (self.path, self.applied):
            self.failed = True
            raise Unavailable("unavailable", f"{path} did not come through", fix="Export again.")
