"""Step 1: the form of a pack. Everything is read strictly before anything is believed.

1. The zip is written as packs are written; nothing is compressed, doubled, hidden or climbs out of its folder.
2. The manifest lists every file with its length and SHA-256, and nothing else is there.
3. Every JSON file has its one spelling and exactly its members; every file belongs to something that is listed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from custody.investigation.pack import batches as pack_batches
from custody.investigation.pack import entries as pack_entries
from custody.investigation.pack import locks as pack_locks
from custody.investigation.pack import redact as pack_redact
from custody.investigation.pack.archive import read_zip
from custody.investigation.pack.case import FILE as CASE
from custody.investigation.pack.case import CaseDoc, read_case
from custody.investigation.pack.draw_up import INVESTIGATION, PackSource
from custody.investigation.pack.entries import PackEntry
from custody.investigation.pack.howto import FILE as HOWTO
from custody.investigation.pack.json_form import read_json
from custody.investigation.pack.locks import LockFile
from custody.investigation.pack.log import LOG, NOTE, POLICY
from custody.investigation.pack.redact import Redaction
from custody.investigation.pack.report import FILE as REPORT
from custody.investigation.pack.seal import MANIFEST, SEAL, Manifest, PackSeal, read_manifest, read_seal
from custody.investigation.pack.trail import FILE as TRAIL
from custody.investigation.pack.witnessed import Ways, read_witnessed, write_witnessed
from custody.kernel.errors import Rejected
from custody.ledger.checkpoint import Checkpoint, parse_checkpoint
from custody.ledger.note import parse_note

KEYS = "keys/"
FIXED = frozenset({MANIFEST, SEAL, HOWTO, REPORT, NOTE, LOG, POLICY, TRAIL, CASE, INVESTIGATION, pack_redact.TABLE})


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedPack:
    """A pack that is well-formed. No signature, proof or claim in it has been verified."""

    files: Mapping[str, bytes]
    manifest: Manifest
    seal: PackSeal
    note: bytes
    head: Checkpoint
    entries: tuple[PackEntry, ...]
    locks: LockFile
    case: CaseDoc
    investigation: dict[str, Any]
    casework: dict[str, Any]
    log: dict[str, Any]
    redactions: tuple[Redaction, ...]
    witnessed: tuple[bytes, ...]
    ways: Ways

    @property
    def source(self) -> PackSource:
        """What the derived files are made from."""
        return PackSource(
            created_ms=self.manifest.created_ms,
            note=self.note,
            entries=self.entries,
            case=self.case,
            casework=self.casework,
            investigation=self.investigation,
            locks=self.locks,
            redactions=self.redactions,
            witnessed=self.witnessed,
            ways=self.ways,
        )

    def entry(self, index: int) -> PackEntry | None:
        """The entry at an index, if the pack holds it."""
        return next((entry for entry in self.entries if entry.index == index), None)


def open_pack(raw: bytes) -> OpenedPack:
    """The pack in `raw`; raises `Rejected` and nothing else for anything that is not one."""
    # 1. The zip, and 2. the manifest.
    files = read_zip(raw)
    manifest = read_manifest(files)
    if missing := sorted(FIXED - set(files)):
        raise _bad(f"{', '.join(missing)} is missing")
    # 3. Every file by itself.
    redactions = pack_redact.read_redactions(files)
    reasons = {row.file: row.why for row in redactions if not row.where}
    note = files[NOTE]
    entries = pack_batches.read_scans(files, pack_entries.read_entries(files, note, reasons), reasons)
    locks = pack_locks.read_locks(files)
    witnessed, ways = read_witnessed(files)
    known = (
        FIXED
        | write_witnessed(witnessed, ways).keys()
        | pack_entries.names_of(entries)
        | pack_batches.names_of_scans(entries)
        | pack_locks.names_of(locks.orders)
    )
    if unknown := sorted(name for name in set(files) - known if not name.startswith(KEYS)):
        raise _bad(f"{', '.join(unknown[:5])} belongs to nothing")
    head = parse_checkpoint(parse_note(note).text)
    if head.origin != manifest.origin:
        raise _bad("the manifest names another log than the checkpoint")
    case = read_case(files[CASE])
    if case.dispute != manifest.dispute:
        raise _bad("the manifest names another case")
    return OpenedPack(
        files=files,
        manifest=manifest,
        seal=read_seal(files[SEAL]),
        note=note,
        head=head,
        entries=entries,
        locks=locks,
        case=case,
        investigation=_members(files, INVESTIGATION, {"stored", "inquiry"}),
        casework=_members(files, POLICY, {"log", "casework"})["casework"],
        log=_members(files, LOG, {"origin", "vkey", "checkpoint", "keys"}),
        redactions=redactions,
        witnessed=witnessed,
        ways=ways,
    )


def _members(files: Mapping[str, bytes], name: str, members: set[str]) -> dict[str, Any]:
    value = read_json(files[name], where=name)
    if not isinstance(value, dict) or set(value) != members:
        raise _bad(f"{name} does not hold exactly {', '.join(sorted(members))}")
    return value


def _bad(why: str) -> Rejected:
    return Rejected("pack", f"not an evidence pack: {why}", fix="Ask for the pack again as it was exported.")
