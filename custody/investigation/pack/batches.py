"""The scans of batches in an evidence pack: only this parcel's, each provable without its neighbours.

For the scan at position 3 of the batch at index 412, beside the batch's own entry:

| file | what |
|---|---|
| entries/000000000412.003.leaf | its leaf (`scans/leaf.py`) |
| entries/000000000412.003.receipt | the station's receipt (RFC 9942): the leaf is under the root that the entry signs |
| entries/000000000412.003.opening | salt and event that the leaf commits to, where they are given |

The other scans of the batch are only hashes in the receipt's path. `scans.json` lists what is here, as `entries.json`
lists entries; a pack without batches has no such file.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from custody.investigation.pack.entries import Opening, PackedVerdict, PackEntry, PackScan, stem
from custody.investigation.pack.json_form import plain, read_as, read_json, write_json
from custody.kernel.errors import Rejected
from custody.kernel.merkle import leaf_hash
from custody.scans.batch import BATCH, open_leaf, read_batch
from custody.scans.leaf import read_leaf
from custody.scans.scan import SCANS, Scan, open_scan

TABLE = "scans.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLine:
    """A line of the table."""

    index: int
    position: int
    digest: str
    opening: Opening
    judged: PackedVerdict


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedScan:
    """A scan of the pack that can be read, with the entry that holds it; `position` is its place in a batch."""

    entry: PackEntry
    position: int | None
    judged: PackedVerdict | None
    scan: Scan


def scan_stem(index: int, position: int) -> str:
    """How the files of a scan in a batch begin."""
    return f"{stem(index)}.{position:03d}"


def opened_scans(entries: Iterable[PackEntry]) -> Iterator[OpenedScan]:
    """Every scan whose opening is given, in log order; raises `Rejected` for one that does not fit."""
    for entry in entries:
        if entry.content_type in SCANS and entry.opening is not None:
            scan = open_scan(entry.raw, entry.opening)
            yield OpenedScan(entry=entry, position=None, judged=entry.judged, scan=scan)
        if entry.content_type == BATCH:
            batch = read_batch(entry.raw)
            for held in entry.scans:
                if held.opening is not None:
                    inside: Scan = open_leaf(batch, read_leaf(held.leaf), held.opening)
                    yield OpenedScan(entry=entry, position=held.position, judged=held.judged, scan=inside)


def write_scans(entries: Iterable[PackEntry]) -> dict[str, bytes]:
    """The files of the scans of batches; none if there are no such scans."""
    rows: list[BatchLine] = []
    files: dict[str, bytes] = {}
    for entry in sorted(entries, key=lambda one: one.index):
        for scan in entry.scans:
            rows.append(_row(entry.index, scan))
            name = scan_stem(entry.index, scan.position)
            files |= {f"{name}.leaf": scan.leaf, f"{name}.receipt": scan.receipt}
            if scan.opening is not None:
                files[f"{name}.opening"] = scan.opening
    return files | {TABLE: write_json(plain(rows))} if rows else {}


def read_scans(
    files: Mapping[str, bytes], entries: Sequence[PackEntry], reasons: Mapping[str, str]
) -> tuple[PackEntry, ...]:
    """The entries with the scans of their batches, nothing verified; raises `Rejected` for files not as listed."""
    rows = read_as(read_json(files[TABLE], where=TABLE), list[BatchLine], where=TABLE) if TABLE in files else []
    places = [(row.index, row.position) for row in rows]
    batches = {entry.index for entry in entries if entry.content_type == BATCH}
    if places != sorted(set(places)) or (TABLE in files and not rows):
        raise _bad("scans.json is empty, not in log order, or lists a scan twice")
    if {index for index, _ in places} != batches:
        raise _bad("scans.json does not list scans of exactly the batches that are here")
    held: dict[int, list[PackScan]] = {index: [] for index in batches}
    for row in rows:
        held[row.index].append(_scan(files, row, reasons))
    return tuple(replace(entry, scans=tuple(held.get(entry.index, ()))) for entry in entries)


def names_of_scans(entries: Iterable[PackEntry]) -> set[str]:
    """The files that belong to the scans of batches."""
    return set(write_scans(entries))


def _scan(files: Mapping[str, bytes], row: BatchLine, reasons: Mapping[str, str]) -> PackScan:
    name = scan_stem(row.index, row.position)
    leaf, receipt = files.get(f"{name}.leaf"), files.get(f"{name}.receipt")
    if leaf is None or receipt is None:
        raise _bad(f"{name} has no leaf or no receipt")
    scan = PackScan(
        position=row.position,
        leaf=leaf,
        receipt=receipt,
        judged=row.judged,
        opening=files.get(f"{name}.opening"),
        withheld=reasons.get(f"{name}.opening", ""),
    )
    if _row(row.index, scan) != row:
        raise _bad(f"scans.json does not describe {name} as its files show it")
    return scan


def _row(index: int, scan: PackScan) -> BatchLine:
    return BatchLine(
        index=index,
        position=scan.position,
        digest=leaf_hash(scan.leaf).hex(),
        opening=scan.state,
        judged=scan.judged,
    )


def _bad(why: str) -> Rejected:
    return Rejected("pack_entries", f"the scans do not fit together: {why}", fix="Ask for the pack as exported.")
