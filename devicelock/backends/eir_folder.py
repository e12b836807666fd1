"""Where published IMEI lists stand: a folder of signed files, which is also their only memory.

`0000000012-delta.csv` and `0000000012-full.csv`, each with its signature in `.cose` beside it. The rows of the list
are the newest full list and the deltas after it, read again at every start, so that a published file and what we think
we published are never two things. A file is complete when its signature stands; one without is from a crash before
publication and is made anew. `delivered` and `imported` hold the number up to which the outlet took the files and up to
which the operator says it has loaded them.

Several processes may read the folder (`refresh`); one writes it. A number is given once: a signature is put in place
only where none stands, so that a second writer stops instead of publishing another file under the same number.
"""

import os
import re
from pathlib import Path
from threading import RLock

from custody.kernel.errors import Conflict, Fatal, NotFound, Rejected
from custody.kernel.keys import PublicKey
from devicelock.backends.eir_list import EirEntry, EirFileKind, Publication, fold, open_publication

_NAME = re.compile(r"(\d{10})-(full|delta)\.csv\.cose", re.ASCII)


def is_name(name: object) -> bool:
    """Whether a file of the list may be called so: nothing else is looked for, or written."""
    return _NAME.fullmatch(f"{name}.cose") is not None


class EirFolder:
    """The files and what they add up to."""

    def __init__(self, folder: Path, key: PublicKey) -> None:
        self._folder = folder
        self._key = key
        self._lock = RLock()
        folder.mkdir(parents=True, exist_ok=True)
        names = [_NAME.fullmatch(path.name) for path in folder.iterdir()]
        found = sorted((int(match[1]), match[2]) for match in names if match)
        fulls = [seq for seq, kind in found if kind == EirFileKind.FULL]
        self.full_seq = max(fulls, default=0)
        self.full_size = 0
        self.seq = self.full_seq
        self.entries: dict[str, EirEntry] = {}
        self.touched: dict[str, int] = {}
        if fulls:
            self.entries = {entry.imei: entry for entry in self._read(self.full_seq, EirFileKind.FULL)[1]}
            self.touched = {imei: entry.seq for imei, entry in self.entries.items()}
            self.full_size = len(self.entries)
        for seq in sorted(seq for seq, kind in found if kind == EirFileKind.DELTA and seq > self.full_seq):
            self._add(seq, self._read(seq, EirFileKind.DELTA)[1])

    @property
    def key(self) -> PublicKey:
        """The key that signs the files."""
        return self._key

    @property
    def delivered(self) -> int:
        """The outlet took everything up to this number."""
        return self._number("delivered")

    @property
    def imported(self) -> int:
        """The operator says it has loaded everything up to this number."""
        return self._number("imported")

    def write(self, publication: Publication, entries: list[EirEntry]) -> None:
        """Put a file in place, its bytes first and its signature last; it counts from then on."""
        with self._lock:
            if (self._folder / f"{publication.name}.cose").exists():
                raise Conflict(
                    "eir_twin",
                    f"{publication.name} was published already",
                    fix="Let one process alone publish the list.",
                )
            self._put(publication.name, publication.raw)
            self._put(f"{publication.name}.cose", publication.signature, once=True)
            if publication.kind is EirFileKind.DELTA:
                self._add(publication.seq, entries)
            else:
                self.full_seq, self.full_size = publication.seq, len(entries)

    def refresh(self) -> None:
        """Take in what another process has published since."""
        with self._lock:
            while (self._folder / f"{self.seq + 1:010d}-delta.csv.cose").exists():
                self._add(self.seq + 1, self._read(self.seq + 1, EirFileKind.DELTA)[1])
            if self.full_seq < self.seq and (self._folder / f"{self.seq:010d}-full.csv.cose").exists():
                self.full_seq, self.full_size = self.seq, len(self.entries)

    def names(self) -> list[str]:
        """The names of all published files, oldest first."""
        found = (_NAME.fullmatch(path.name) for path in self._folder.iterdir())
        return sorted(match[0].removesuffix(".cose") for match in found if match)

    def read(self, name: str) -> tuple[bytes, bytes]:
        """A published file and its signature, as they stand; raises `NotFound`."""
        if name not in self.names():
            raise NotFound("eir_file", f"no list {name[:40]!r} was published", fix="Ask for the names of the lists.")
        path = self._folder / name
        return path.read_bytes(), path.with_name(f"{name}.cose").read_bytes()

    def delta(self, seq: int) -> Publication:
        """A published delta."""
        return self._read(seq, EirFileKind.DELTA)[0]

    def full(self, seq: int) -> Publication:
        """A published full list."""
        return self._read(seq, EirFileKind.FULL)[0]

    def set_delivered(self, seq: int) -> None:
        """Remember that the outlet took the files up to here."""
        self._put("delivered", str(seq).encode())

    def set_imported(self, seq: int) -> None:
        """Remember that the operator loaded the files up to here; what it had and has no more is delivered anew."""
        if not 0 <= seq <= self.seq:
            raise Rejected("seq", f"list {seq} was never published", fix="Give the number of the last list loaded.")
        if seq < self.imported:
            self.set_delivered(min(seq, self.delivered))  # first: a crash in between delivers once too often
        self._put("imported", str(seq).encode())

    def on_list(self, imei: str) -> bool | None:
        """Whether the operator's own list holds the handset; None while a change is on its way, or nothing was said.

        A handset that no file ever named is on no list of ours, whatever the operator has said.
        """
        if not self.full_seq and imei not in self.touched:
            return False
        imported = self.imported
        if not imported or imported < self.full_seq or self.touched.get(imei, 0) > imported:
            return None
        return imei in self.entries

    def _add(self, seq: int, delta: list[EirEntry]) -> None:
        if seq != self.seq + 1:
            raise Fatal("eir_gap", f"delta {self.seq + 1} is missing", fix="Restore the folder from its copy.")
        self.entries = fold(self.entries, delta)
        self.touched |= {entry.imei: seq for entry in delta}
        self.seq = seq

    def _read(self, seq: int, kind: EirFileKind) -> tuple[Publication, list[EirEntry]]:
        path = self._folder / f"{seq:010d}-{kind}.csv"
        try:
            signature = path.with_name(f"{path.name}.cose").read_bytes()
            publication, entries = open_publication(path.read_bytes(), signature, self._key)
        except (OSError, Rejected) as error:
            raise Fatal("eir_folder", f"{path.name}: {error}", fix="Restore the folder from its copy.") from error
        if (publication.seq, publication.kind) != (seq, kind):
            raise Fatal("eir_folder", f"{path.name} is another file", fix="Restore the folder from its copy.")
        return publication, entries

    def _number(self, name: str) -> int:
        path = self._folder / name
        return int(path.read_text()) if path.exists() else 0

    def _put(self, name: str, raw: bytes, *, once: bool = False) -> None:
        fresh = self._folder / f"{name}.new"
        with fresh.open("wb") as out:
            out.write(raw)
            out.flush()
            os.fsync(out.fileno())
        if once:
            os.link(fresh, self._folder / name)
            fresh.unlink()
        else:
            fresh.replace(self._folder / name)
        handle = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
