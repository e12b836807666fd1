"""What the notices in a pack say of content that is not here: erased, or dropped when its time was over.

A notice is a record `erasure.notice` with `what` was erased (parcel, case or shard) and its `openings`, each by its log
index, or as [index, position in its batch]. A shard goes because the time is over for which its scans are kept.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from custody.investigation.pack.entries import Opening, PackEntry
from custody.kernel.errors import Rejected
from custody.ledger.record import open_record
from custody.scans.place import ToldPlace

NOTICE, SHARD = "erasure.notice", "shard"


def told_erased(entries: Iterable[PackEntry]) -> dict[ToldPlace, bool]:
    """The openings that the notices in a pack name, and whether each was dropped after its time.

    A record that does not open names none.
    """
    found: dict[ToldPlace, bool] = {}
    for entry in entries:
        with suppress(Rejected):
            fields = {} if entry.opening is None else open_record(entry.raw, entry.opening).fields
            if fields.get("kind") == NOTICE:
                names = (tuple(told) if isinstance(told, list) else told for told in fields["openings"])
                found |= dict.fromkeys(names, fields.get("what") == SHARD)
    return found


def names_of_erased(entries: Sequence[PackEntry]) -> Iterator[tuple[ToldPlace, str]]:
    """The openings that a pack misses because they are erased, each with the name that people read."""
    for entry in entries:
        if entry.state is Opening.ERASED:
            yield entry.index, f"entry {entry.index}"
    for entry in entries:
        for scan in entry.scans:
            if scan.state is Opening.ERASED:
                yield (entry.index, scan.position), f"entry {entry.index}.{scan.position}"
