"""The log entries of an evidence pack, each beside its opening, its proof and, for a scan, its receipt.

For the entry at index 412 (twelve digits, so that names sort as indexes do):

| file | what |
|---|---|
| entries/000000000412.cose | the entry: the signed statement with an empty unprotected header |
| entries/000000000412.opening | salt and content that the statement commits to, where there is one and it is given |
| entries/000000000412.tlog-proof | its place in the log of the pack's one checkpoint (C2SP tlog-proof) |
| entries/000000000412.receipt | for a scan or a batch: the log's receipt (RFC 9942) against the same checkpoint |

`entries.json` lists them: `opening` is given, none (the statement carries its content), erased (nobody has it any more)
or withheld (the reason stands in redactions.json). `received_ms` and `judged` are the service's own word when the
entry came in; neither the log nor a station signed them, and only the seal of the pack covers them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from custody.investigation.pack.json_form import plain, read_as, read_json, write_json
from custody.kernel import cose
from custody.kernel.clock import Instant
from custody.kernel.errors import Rejected
from custody.ledger.attestation import ATTESTATION
from custody.ledger.proof import make_proof, parse_proof
from custody.ledger.record import CONTENT_TYPE as RECORD
from custody.scans.batch import BATCH
from custody.scans.scan import SCANS
from custody.scans.verdict import SEVERITY

TABLE = "entries.json"
SEALED = (*SCANS, RECORD, ATTESTATION)


class Opening(StrEnum):
    """Where the content of an entry is."""

    GIVEN = "given"
    NONE = "none"
    ERASED = "erased"
    WITHHELD = "withheld"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedVerdict:
    """The judge's verdict on a scan when it came in."""

    result: Annotated[str, Meta(pattern=f"^({'|'.join(SEVERITY)})$")]
    code: str
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PackScan:
    """One scan of a batch, with the station's receipt for its leaf; `withheld` as in an entry."""

    position: int
    leaf: bytes
    receipt: bytes
    judged: PackedVerdict
    opening: bytes | None = None
    withheld: str = ""

    @property
    def state(self) -> Opening:
        """Where its content is."""
        if self.opening is not None:
            return Opening.GIVEN
        return Opening.WITHHELD if self.withheld else Opening.ERASED


@dataclass(frozen=True, slots=True, kw_only=True)
class PackEntry:
    """An entry with everything that goes with it; `withheld` is the reason why its opening is left out.

    `scans` are those of a batch that belong to this parcel (`batches.py`).
    """

    index: int
    raw: bytes
    content_type: str
    received_ms: Instant
    path: tuple[bytes, ...]
    opening: bytes | None = None
    withheld: str = ""
    receipt: bytes | None = None
    judged: PackedVerdict | None = None
    scans: tuple[PackScan, ...] = ()

    @property
    def state(self) -> Opening:
        """Where its content is."""
        if self.content_type not in SEALED:
            return Opening.NONE
        if self.opening is not None:
            return Opening.GIVEN
        return Opening.WITHHELD if self.withheld else Opening.ERASED


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryLine:
    """A line of the table."""

    index: int
    digest: str
    content_type: str
    opening: Opening
    received_ms: Instant
    judged: PackedVerdict | None


def content_type_of(message: cose.Sign1) -> str:
    """What a statement carries or commits to, by its header."""
    return str(message.protected.get(cose.PREIMAGE_CONTENT_TYPE, message.protected.get(cose.CONTENT_TYPE, "")))


def stem(index: int) -> str:
    """How the files of an entry begin."""
    return f"entries/{index:012d}"


def write_entries(entries: Iterable[PackEntry], note: bytes) -> dict[str, bytes]:
    """The files of some entries, proved against the checkpoint of `note`."""
    rows, files = [], {}
    for entry in sorted(entries, key=lambda one: one.index):
        rows.append(_row(entry))
        name = stem(entry.index)
        files[f"{name}.cose"] = entry.raw
        files[f"{name}.tlog-proof"] = make_proof(index=entry.index, path=entry.path, note=note)
        if entry.opening is not None:
            files[f"{name}.opening"] = entry.opening
        if entry.receipt is not None:
            files[f"{name}.receipt"] = entry.receipt
    return files | {TABLE: write_json(plain(rows))}


def read_entries(files: Mapping[str, bytes], note: bytes, reasons: Mapping[str, str]) -> tuple[PackEntry, ...]:
    """The entries of a pack in log order, nothing verified; raises `Rejected` for files that are not as listed.

    `reasons` says by file name why something was left out.
    """
    value = read_json(_file(files, TABLE), where=TABLE)
    rows = read_as(value, list[EntryLine], where=TABLE)
    if [row.index for row in rows] != sorted({row.index for row in rows}):
        raise _bad("entries.json is not in log order, or lists an entry twice")
    return tuple(_entry(files, row, note, reasons) for row in rows)


def names_of(entries: Sequence[PackEntry]) -> set[str]:
    """The files that belong to these entries."""
    names = {TABLE}
    for entry in entries:
        ends = {"cose", "tlog-proof"}
        ends |= {"opening"} if entry.opening is not None else set()
        ends |= {"receipt"} if entry.receipt is not None else set()
        names |= {f"{stem(entry.index)}.{end}" for end in ends}
    return names


def _row(entry: PackEntry) -> EntryLine:
    return EntryLine(
        index=entry.index,
        digest=cose.parse(entry.raw).digest.hex(),
        content_type=entry.content_type,
        opening=entry.state,
        received_ms=entry.received_ms,
        judged=entry.judged,
    )


def _entry(files: Mapping[str, bytes], row: EntryLine, note: bytes, reasons: Mapping[str, str]) -> PackEntry:
    name = stem(row.index)
    raw = _file(files, f"{name}.cose")
    proof = parse_proof(_file(files, f"{name}.tlog-proof"))
    if (proof.index, proof.note, proof.extra) != (row.index, note, None):
        raise _bad(f"{name}.tlog-proof is for another entry or another checkpoint")
    entry = PackEntry(
        index=row.index,
        raw=raw,
        content_type=content_type_of(cose.parse(raw)),
        received_ms=row.received_ms,
        path=proof.path,
        opening=files.get(f"{name}.opening"),
        withheld=reasons.get(f"{name}.opening", ""),
        receipt=files.get(f"{name}.receipt"),
        judged=row.judged,
    )
    if _row(entry) != row or (entry.opening is not None and entry.state is Opening.NONE):
        raise _bad(f"entries.json does not describe entry {row.index} as its files show it")
    is_scan = entry.content_type in SCANS
    if (is_scan or entry.content_type == BATCH) != (entry.receipt is not None) or is_scan != bool(row.judged):
        raise _bad(f"entry {row.index} has a receipt and a verdict exactly if it is a scan; a batch has the receipt")
    return entry


def _file(files: Mapping[str, bytes], name: str) -> bytes:
    content = files.get(name)
    if content is None:
        raise _bad(f"{name} is missing")
    return content


def _bad(why: str) -> Rejected:
    return Rejected("pack_entries", f"the entries do not fit together: {why}", fix="Ask for the pack as exported.")
