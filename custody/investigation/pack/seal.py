"""manifest.json and seal.json: what binds every byte of a pack to the log.

- `manifest.json` lists every other file except seal.json, with length and SHA-256.
- The service then writes the record `pack.exported` with the SHA-256 of the manifest into the log. That record cannot
  be in the pack's own tree, which was closed before it, so it stands apart in `seal.json`: statement, opening, index,
  the path to a later checkpoint, that checkpoint (with the log's own signature alone), and the proof that the later
  tree holds the pack's.

So a pack that was changed anywhere after it left has another manifest than the one the log holds.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from custody.investigation.pack.json_form import plain, read_as, read_json, unb64, write_json
from custody.kernel.base64url import b64
from custody.kernel.clock import Instant
from custody.kernel.errors import Rejected

FORMAT = "weaklink-pack/1"
MANIFEST, SEAL = "manifest.json", "seal.json"
KIND: Final = "pack.exported"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRow:
    """A file of the pack."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a pack is and holds."""

    format: str
    created_ms: Instant
    dispute: str
    origin: str
    files: tuple[FileRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PackSeal:
    """The record of the export with its place in the log after the pack's own tree."""

    statement: bytes
    opening: bytes
    index: int
    path: tuple[bytes, ...]
    note: bytes
    consistency: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _SealFile:
    statement: str
    opening: str
    index: int
    path: tuple[str, ...]
    note: str
    consistency: tuple[str, ...]


def write_manifest(files: Mapping[str, bytes], *, created_ms: Instant, dispute: str, origin: str) -> bytes:
    """The manifest of some files."""
    rows = tuple(_row(name, files[name]) for name in sorted(files))
    return write_json(plain(Manifest(format=FORMAT, created_ms=created_ms, dispute=dispute, origin=origin, files=rows)))


def read_manifest(files: Mapping[str, bytes]) -> Manifest:
    """The manifest of a pack, every file compared with it; raises `Rejected("pack_manifest")`."""
    for name in (MANIFEST, SEAL):
        if name not in files:
            raise _bad(f"{name} is missing")
    manifest = read_as(read_json(files[MANIFEST], where=MANIFEST), Manifest, where=MANIFEST)
    if manifest.format != FORMAT:
        raise _bad(f"the format is {manifest.format!r}; this checker knows {FORMAT}")
    listed = {row.name: row for row in manifest.files}
    if [row.name for row in manifest.files] != sorted(listed):
        raise _bad("its files are not in order, or one is listed twice")
    present = set(files) - {MANIFEST, SEAL}
    if odd := sorted(present ^ set(listed)):
        raise _bad(f"{', '.join(odd[:5])} is listed but not there, or there but not listed")
    for name, row in listed.items():
        if _row(name, files[name]) != row:
            raise _bad(f"{name} has another length or another SHA-256 than the manifest says")
    return manifest


def manifest_digest(raw: bytes) -> bytes:
    """What the record of the export holds of the manifest."""
    return hashlib.sha256(raw).digest()


def write_seal(seal: PackSeal) -> bytes:
    """seal.json."""
    value = _SealFile(
        statement=b64(seal.statement),
        opening=b64(seal.opening),
        index=seal.index,
        path=tuple(map(b64, seal.path)),
        note=seal.note.decode(),
        consistency=tuple(map(b64, seal.consistency)),
    )
    return write_json(plain(value))


def read_seal(raw: bytes) -> PackSeal:
    """The seal of a pack, nothing verified; raises `Rejected("pack_json")`."""
    value = read_as(read_json(raw, where=SEAL), _SealFile, where=SEAL)
    return PackSeal(
        statement=unb64(value.statement, where=SEAL),
        opening=unb64(value.opening, where=SEAL),
        index=value.index,
        path=tuple(unb64(node, where=SEAL) for node in value.path),
        note=value.note.encode(),
        consistency=tuple(unb64(node, where=SEAL) for node in value.consistency),
    )


def _row(name: str, content: bytes) -> FileRow:
    return FileRow(name=name, bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


def _bad(why: str) -> Rejected:
    return Rejected("pack_manifest", f"the manifest does not fit: {why}", fix="Ask for the pack as it was exported.")
