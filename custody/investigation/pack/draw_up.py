"""The evidence pack: a zip that anyone verifies offline, needing neither service nor database.

| file | what | made by |
|---|---|---|
| manifest.json, seal.json | every file with its SHA-256, and the log's record of that | pack_seal |
| VERIFY.txt, report.html | how to check it; the report for people | pack_howto, pack_report |
| checkpoint.note | the signed head that every proof leads to, with its cosignatures (C2SP tlog-checkpoint) | the log |
| log.json, keys/*.pem | the log's name, vkey and keys; keys of operator, registrars and stations | pack_log |
| entries.json, entries/* | entries of the log: statement, opening, proof, receipt | pack_entries |
| scans.json, entries/*.*.leaf | scans of batches: leaf, opening, the station's receipt | pack_batches |
| witnessed/* | cosigned checkpoints that the scans embed: they are younger | pack_witnessed |
| trail.json | the way of the parcel | pack_trail |
| dispute.json | words, decisions, promises, clocks, messages | pack_case |
| policy.json | policies of the log and of the casework | pack_log |
| investigation.json | the answer as stored, and what it is computed from (`stored`, `inquiry`) | pack_inquiry |
| locks.json, locks/* | commands and answers as signed, with the keys | pack_locks |
| redactions.json | what is left out, and why | pack_redact |

Which entries: every policy of the log; enrolments and revocations of every station that signed a scan here; the scans
of the parcel; what verifiers attest of these, with the enrolments and revocations of their keys; the records of the
case, its order, its locks and its device; the notices of what was erased of these.

The same source makes the same bytes: the zip has one way to be written (pack_zip), JSON has one spelling (pack_json),
and nothing here reads a clock. log.json, keys, policy.json (its `log`), trail.json, report.html and VERIFY.txt follow
from the other files; `derive` makes them, for the pack and for whoever checks it. A change of how they are made is a
new number in the format.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from custody.investigation.pack.archive import write_zip
from custody.investigation.pack.batches import write_scans
from custody.investigation.pack.case import FILE as CASE
from custody.investigation.pack.case import CaseDoc
from custody.investigation.pack.entries import PackEntry, write_entries
from custody.investigation.pack.howto import write_howto
from custody.investigation.pack.json_form import plain, write_json
from custody.investigation.pack.locks import LockFile, write_locks
from custody.investigation.pack.log import NOTE, newest, replay, write_log, write_policy
from custody.investigation.pack.redact import Redaction, in_order, write_redactions
from custody.investigation.pack.report import ReportParts, write_report
from custody.investigation.pack.seal import MANIFEST, SEAL, PackSeal, manifest_digest, write_manifest, write_seal
from custody.investigation.pack.trail import closed_scans, write_trail
from custody.investigation.pack.witnessed import Ways, write_witnessed
from custody.kernel.clock import Instant
from custody.ledger.checkpoint import parse_checkpoint
from custody.ledger.note import parse_note, text_key
from custody.trail.edition import NEWEST, ReadingEdition

INVESTIGATION = "investigation.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackSource:
    """All that a pack is made from.

    `casework` is the policy of the case, `investigation` has `stored` and `inquiry`, `witnessed` holds the cosigned
    checkpoints that the scans embed.
    """

    created_ms: Instant
    note: bytes
    entries: tuple[PackEntry, ...]
    case: CaseDoc
    casework: dict[str, Any]
    investigation: Mapping[str, Any]
    locks: LockFile
    redactions: tuple[Redaction, ...]
    witnessed: tuple[bytes, ...] = ()
    ways: Ways = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A pack that only lacks its seal."""

    files: Mapping[str, bytes]
    manifest: bytes

    @property
    def digest(self) -> bytes:
        """What the record of the export holds."""
        return manifest_digest(self.manifest)


def draw_up(source: PackSource) -> Draft:
    """The files and the manifest; raises `Rejected` if the parts do not fit each other."""
    files = {
        **write_entries(source.entries, source.note),
        **write_scans(source.entries),
        **write_locks(source.locks),
        **write_redactions(source.redactions),
        **write_witnessed(source.witnessed, source.ways),
        NOTE: source.note,
        CASE: write_json(plain(source.case)),
        INVESTIGATION: write_json(source.investigation),
    }
    files |= derive(source)
    origin = parse_checkpoint(parse_note(source.note).text).origin
    manifest = write_manifest(files, created_ms=source.created_ms, dispute=source.case.dispute, origin=origin)
    return Draft(files=files, manifest=manifest)


def derive(
    source: PackSource,
    *,
    closed_missing: bool = False,
    dropped_as_erased: bool = False,
    bare_promises: bool = False,
    bare_controls: bool = False,
    edition: ReadingEdition = NEWEST,
) -> dict[str, bytes]:
    """The files that follow from the others.

    They are made as packs were made at first, if `closed_missing`: a scan without its content was told as a missing
    one; if `dropped_as_erased`: what was dropped after its time was told as erased; if `bare_promises`: a promise was
    told by its state alone; if `bare_controls`: control characters stood in the report. The trail is read by that
    `edition`.
    """
    registry = replay(source.entries)
    policy = newest(registry)
    trail_file, trail = write_trail(
        source.entries,
        registry,
        item=source.case.item,
        parcel=source.case.parcel,
        head=source.note,
        witnessed=source.witnessed,
        in_log=() if closed_missing else closed_scans(source.entries),
        edition=edition,
    )
    parts = ReportParts(
        created_ms=source.created_ms,
        head=parse_checkpoint(parse_note(source.note).text),
        case=source.case,
        trail=trail,
        investigation=source.investigation,
        locks=source.locks,
        entries=source.entries,
        redactions=in_order(source.redactions),
        dropped_as_erased=dropped_as_erased,
        bare_promises=bare_promises,
        bare_controls=bare_controls,
    )
    return {
        **write_log(registry, source.note),
        **write_policy(registry, source.casework),
        **trail_file,
        **write_report(parts),
        **write_howto(text_key(policy.origin, policy.log_key).vkey(), source.entries),
    }


def close_pack(draft: Draft, seal: PackSeal) -> bytes:
    """The zip."""
    return write_zip({**draft.files, MANIFEST: draft.manifest, SEAL: write_seal(seal)})
