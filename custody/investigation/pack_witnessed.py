"""The checkpoints that scans of a pack embed, as witnesses had cosigned them: the early side of the time sandwich.

`witnessed/<SHA-256 of the file>.note` is a checkpoint (C2SP tlog-checkpoint) with its cosignature lines. A scan whose
event names that digest (`wl:witnessedCheckpoint`) was made after the file existed. The late side is the pack's own
head: every entry lies under it, so all of them are older than its cosignatures. `bounds_of` puts the two together by
the witness policy for daily work that the log itself holds.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

from custody.investigation.pack_batches import OpenedScan, opened_scans
from custody.investigation.pack_entries import PackEntry
from custody.investigation.pack_log import newest
from custody.kernel.errors import Rejected
from custody.ledger.registry import Registry
from custody.ledger.time_bounds import TimeBounds, note_digest
from custody.ledger.witness_policy import parse_policy
from custody.trail.marks import read_marks
from custody.trail.order import Entry
from custody.trail.sandwich import WORKING, bound_times

FOLDER = "witnessed/"


def embedding(entries: Iterable[PackEntry]) -> Iterator[tuple[OpenedScan, bytes]]:
    """The scans of a pack that name a checkpoint, with its digest; raises `Rejected` for a scan that cannot be read."""
    for opened in opened_scans(entries):
        digest = read_marks(opened.scan.event).witnessed
        if digest is not None:
            yield opened, digest


def embedded(entries: Iterable[PackEntry]) -> set[bytes]:
    """The digests of checkpoints that the scans of a pack name; raises `Rejected` for a scan that cannot be read."""
    return {digest for _, digest in embedding(entries)}


def write_witnessed(notes: Iterable[bytes]) -> dict[str, bytes]:
    """The files."""
    return {name_of(note): note for note in notes}


def read_witnessed(files: Mapping[str, bytes]) -> tuple[bytes, ...]:
    """The checkpoints of a pack, nothing verified; raises `Rejected` for a file that is not named after its content."""
    held = {name: content for name, content in files.items() if name.startswith(FOLDER)}
    for name, content in held.items():
        if name != name_of(content):
            raise Rejected("pack_witnessed", f"{name} is another checkpoint", fix="Ask for the pack as exported.")
    return tuple(held[name] for name in sorted(held))


def name_of(note: bytes) -> str:
    """Where a checkpoint stands in the pack."""
    return f"{FOLDER}{note_digest(note).hex()}.note"


def bounds_of(
    entries: Collection[Entry], registry: Registry, *, head: bytes, witnessed: Iterable[bytes]
) -> dict[bytes, TimeBounds]:
    """The time sandwich of each scan of the trail; none if the newest policy names no witnesses for daily work."""
    text = newest(registry).witnesses.get(WORKING)
    if text is None:
        return {}
    seen = {note_digest(note): note for note in witnessed}
    return bound_times(entries, parse_policy(text), seen=seen, covering=lambda _index: [head])
