"""The checkpoints that scans of a pack embed, as witnesses had cosigned them: the early side of the time sandwich.

`witnessed/<SHA-256 of the file>.note` is a checkpoint (C2SP tlog-checkpoint) with its cosignature lines. A scan whose
event names that digest (`wl:witnessedCheckpoint`) was made after the file existed. The late side is the pack's own
head: every entry lies under it, so all of them are older than its cosignatures. `bounds_of` puts the two together by
the witness policy for daily work that the log itself holds.

`witnessed/<the same>.json` is the proof that the head's tree goes on from that checkpoint's (RFC 9162 section 2.1.4), a
list of hashes: without it a checkpoint is the log's word, and need not be one of this history.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

from custody.investigation.pack.batches import OpenedScan, opened_scans
from custody.investigation.pack.entries import PackEntry
from custody.investigation.pack.json_form import read_as, read_json, unb64, write_json
from custody.investigation.pack.log import newest
from custody.kernel.base64url import b64
from custody.kernel.errors import Rejected
from custody.ledger.registry import Registry
from custody.ledger.time_bounds import TimeBounds, note_digest
from custody.ledger.witness_policy import parse_policy
from custody.trail.arrange import Entry
from custody.trail.marks import read_marks
from custody.trail.sandwich import WORKING, bound_times

FOLDER, NOTE = "witnessed/", ".note"


def embedding(entries: Iterable[PackEntry]) -> Iterator[tuple[OpenedScan, bytes]]:
    """The scans of a pack that name a checkpoint, with its digest; raises `Rejected` for a scan that cannot be read."""
    for opened in opened_scans(entries):
        digest = read_marks(opened.scan.event).witnessed
        if digest is not None:
            yield opened, digest


def embedded(entries: Iterable[PackEntry]) -> set[bytes]:
    """The digests of checkpoints that the scans of a pack name; raises `Rejected` for a scan that cannot be read."""
    return {digest for _, digest in embedding(entries)}


Ways = Mapping[bytes, tuple[bytes, ...]]
"""Consistency paths from checkpoints, by the digest of their notes, to the head of the pack."""


def write_witnessed(notes: Iterable[bytes], ways: Ways) -> dict[str, bytes]:
    """The files."""
    proofs = {way_of(digest): write_json([b64(node) for node in path]) for digest, path in ways.items()}
    return {name_of(note): note for note in notes} | proofs


def read_witnessed(files: Mapping[str, bytes]) -> tuple[tuple[bytes, ...], Ways]:
    """The checkpoints of a pack, nothing verified; raises `Rejected` for a file that is not named after its content."""
    held = {name: content for name, content in files.items() if name.startswith(FOLDER)}
    notes = {name: content for name, content in held.items() if name.endswith(NOTE)}
    for name, content in notes.items():
        if name != name_of(content):
            raise Rejected("pack_witnessed", f"{name} is another checkpoint", fix="Ask for the pack as exported.")
    named = {way_of(note_digest(note)): note_digest(note) for note in notes.values()}
    ways = {digest: _read_way(held[name], where=name) for name, digest in named.items() if name in held}
    return tuple(notes[name] for name in sorted(notes)), ways


def _read_way(raw: bytes, *, where: str) -> tuple[bytes, ...]:
    return tuple(unb64(node, where=where) for node in read_as(read_json(raw, where=where), list[str], where=where))


def name_of(note: bytes) -> str:
    """Where a checkpoint stands in the pack."""
    return f"{FOLDER}{note_digest(note).hex()}{NOTE}"


def way_of(digest: bytes) -> str:
    """Where the proof stands that the head goes on from a checkpoint."""
    return f"{FOLDER}{digest.hex()}.json"


def bounds_of(
    entries: Collection[Entry], registry: Registry, *, head: bytes, witnessed: Iterable[bytes]
) -> dict[bytes, TimeBounds]:
    """The time sandwich of each scan of the trail; none if the newest policy names no witnesses for daily work."""
    text = newest(registry).witnesses.get(WORKING)
    if text is None:
        return {}
    seen = {note_digest(note): note for note in witnessed}
    return bound_times(entries, parse_policy(text), seen=seen, covering=lambda _index: [head])
