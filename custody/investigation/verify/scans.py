"""Steps 5 and 6: what stations, verifiers and the operator signed.

- 5: each scan is signed by a key that a registrar enrolled for that station, and the key's word counted at that index;
  the opening is what was signed and parses as an event; the statements of one station follow each other wherever two
  neighbours are here, and the numbers in between, which belong to other parcels, are named. For a scan of a batch the
  station's receipt leads from its leaf to the root that the batch's statement signs, and the opening is the leaf's. Of
  content that is not here it is said whether it was withheld, or a notice in the pack records that it was erased, or
  dropped after its time, or neither. What verifiers attest of the checks of recipients follows (verify_attested).
- 6: each record is signed by the operator in force, its opening is what was signed, the timeline in dispute.json says
  what the records say, each once and in their order, and leaves out no record of the case that is here, the case itself
  and what is owed in it are as they tell it (verify_case, verify_owed), and the seal's record holds the digest of this
  pack's manifest. The lines of the timeline have their numbers, up to that of the export (verify_case). A notice of a
  lock whose hour stands where its own time should was made when it was signed. By the service's own times the pack was
  drawn up after the newest of the records and before that of the export.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from custody.investigation.pack.case import FILE as CASE
from custody.investigation.pack.case import CaseLine
from custody.investigation.pack.entries import TABLE, Opening, PackEntry
from custody.investigation.pack.erased import told_erased
from custody.investigation.pack.json_form import plain
from custody.investigation.pack.redact import redact
from custody.investigation.pack.seal import KIND, MANIFEST, manifest_digest
from custody.investigation.verify.attested import check_attestations
from custody.investigation.verify.case import check_case, check_lines, is_step
from custody.investigation.verify.form import OpenedPack
from custody.investigation.verify.owed import check_owed
from custody.investigation.verify.verification import Notebook
from custody.kernel import cose
from custody.kernel.clock import EARLIEST_MS, MINUTE_MS, SECOND_MS
from custody.kernel.errors import NotFound, Rejected
from custody.kernel.key_standing import KeyStanding
from custody.kernel.keys import PublicKey
from custody.ledger.record import CONTENT_TYPE as RECORD
from custody.ledger.record import Record, open_record, read_record
from custody.ledger.registry import Registry
from custody.scans.batch import BATCH, open_leaf, read_batch, verify_leaf
from custody.scans.cwt_claims import PREV, SEQ
from custody.scans.place import ToldPlace
from custody.scans.scan import SCANS, open_scan
from custody.scans.verdict import QUARANTINED

CLOCKS_MS = MINUTE_MS
"""How far the clocks of the service's own machines may be apart."""
ANNOUNCED = "dispute.lock_announced"
_COMMON = frozenset({"kind", "at_ms", "dispute", "actor"})


def check_scans(pack: OpenedPack, registry: Registry, notes: Notebook) -> None:
    """Step 5, scans: signature, content, each station's own chain; what is wrong or unchecked is noted."""
    held = [entry for entry in pack.entries if entry.content_type in SCANS or entry.content_type == BATCH]
    erased = told_erased(pack.entries)
    chains: dict[str, list[_Signed]] = {}
    count = 0
    for entry in held:
        try:
            check = _check_batch if entry.scans else _check_scan
            signed = check(entry, registry, notes, erased)
            chains.setdefault(str(signed.message.claims[cose.ISS]), []).append(signed)
            count += len(entry.scans) or 1
        except (Rejected, NotFound) as error:
            notes.fails(error.detail, f"entry {entry.index}")
    if notes.clean:
        notes.holds(f"{count} scans of {len(chains)} stations are signed by enrolled keys, and parse")
    if held:
        notes.says("times of arrival and verdicts are the service's own word: the seal alone covers them", TABLE)
    for issuer, chain in sorted(chains.items()):
        _check_chain(issuer, chain, notes)
    check_attestations(pack, registry, notes)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signed:
    """A statement of a station, and the numbers that it takes."""

    index: int
    message: cose.Sign1
    first: int
    last: int


def _check_scan(entry: PackEntry, registry: Registry, notes: Notebook, erased: Mapping[ToldPlace, bool]) -> _Signed:
    message = cose.parse(entry.raw)
    _check_key(message, entry, registry, notes, apart=entry.judged is not None and entry.judged.result == QUARANTINED)
    if entry.opening is None:
        said = _closed(entry.state, entry.index, erased)
        notes.says(f"the content is {said}; the signature stands", f"entry {entry.index}")
    else:
        open_scan(entry.raw, entry.opening)
    seq = message.claims[SEQ]
    return _Signed(index=entry.index, message=message, first=seq, last=seq)


def _check_batch(entry: PackEntry, registry: Registry, notes: Notebook, erased: Mapping[ToldPlace, bool]) -> _Signed:
    """A batch: its statement as any, and for each scan that is here the leaf, the station's receipt, the opening."""
    batch = read_batch(entry.raw)
    apart = all(scan.judged.result == QUARANTINED for scan in entry.scans)
    key = _check_key(batch.message, entry, registry, notes, apart=apart)
    for scan in entry.scans:
        _, leaf = verify_leaf(entry.raw, scan.leaf, scan.receipt, key)
        if leaf.seq != batch.first + scan.position:
            raise Rejected("leaf", f"the scan at {scan.position} has another number", fix="Ask for the pack again.")
        if scan.opening is None:
            said = _closed(scan.state, (entry.index, scan.position), erased)
            notes.says(f"the content is {said}; leaf and receipt stand", f"entry {entry.index}.{scan.position}")
        else:
            open_leaf(batch, leaf, scan.opening)
    return _Signed(index=entry.index, message=batch.message, first=batch.first, last=batch.last)


def _closed(state: Opening, told: ToldPlace, erased: Mapping[ToldPlace, bool]) -> str:
    """What is said of content that is not here."""
    if state is not Opening.ERASED:
        return str(state)
    said = {None: "not here, and no record of an erasure is", False: str(state), True: "dropped after its time"}
    return said[erased.get(told)]


def _check_key(message: cose.Sign1, entry: PackEntry, registry: Registry, notes: Notebook, *, apart: bool) -> PublicKey:
    """The key that signed, and what its word was worth there."""
    row = registry.station_key(message.kid)
    if message.claims.get(cose.ISS) != row.info.iss or type(message.claims.get(SEQ)) is not int:
        raise Rejected("issuer", "the scan is not by the station whose key signed it", fix="Ask the station.")
    message.verify(row.key)
    standing = registry.standing(message.kid, entry.index)
    where = f"entry {entry.index}"
    if standing is KeyStanding.SUSPECT:
        notes.says("the station's key was in doubt here; the scan is unproven", where)
    elif standing is not KeyStanding.VALID:
        said = f"the station's key was {standing} here"
        notes.tell(
            f"{said}; the scan stands apart and counts for nothing" if apart else said,
            where,
            ok=None if apart else False,
        )
    return row.key


def _check_chain(issuer: str, chain: list[_Signed], notes: Notebook) -> None:
    ordered = sorted(chain, key=lambda signed: (signed.first, signed.index))
    gaps = []
    for before, after in pairwise(ordered):
        step = after.first - before.last
        if step <= 0:
            notes.says(f"{issuer} made two statements {after.first}", f"entry {after.index}")
        elif step == 1 and after.message.claims.get(PREV) != before.message.digest:
            notes.says(f"{issuer} names another statement before this one", f"entry {after.index}")
        elif step > 1:
            gaps.append(_between(before.last + 1, after.first - 1))
    if gaps:
        notes.says(f"{issuer}: statements {', '.join(gaps)} are not in this pack")


def _between(first: int, last: int) -> str:
    return str(first) if first == last else f"{first} to {last}"


def check_records(pack: OpenedPack, registry: Registry, notes: Notebook) -> None:
    """Step 6, records of the case; what is wrong or unchecked is noted."""
    closed: list[PackEntry] = []
    opened: dict[int, Record] = {}
    for entry in pack.entries:
        if entry.content_type != RECORD:
            continue
        try:
            _check_operator(read_record(entry.raw), entry.index, registry)
            if entry.opening is None:
                closed.append(entry)
                continue
            opened[entry.index] = open_record(entry.raw, entry.opening)
        except (Rejected, NotFound) as error:
            notes.fails(error.detail, f"entry {entry.index}")
    _check_timeline(pack, opened, notes)
    records = {index: record.fields for index, record in opened.items()}
    check_case(pack, records, notes)
    check_owed(pack, records, notes)
    _check_seal(pack, registry, opened, notes)
    if notes.clean:
        notes.holds(f"{len(opened)} records are signed by the operator in force, and opened")
        alone = "words, messages, clocks, ways to go without us, and what no record tells of offers and promises"
        notes.says(f"{alone}, are the service's own file: the seal alone covers them", CASE)
    erased = told_erased(pack.entries)
    for said, count in Counter(_closed(entry.state, entry.index, erased) for entry in closed).items():
        notes.says(f"the content of {count} records is {said}; their signatures stand")


def records_of(entries: Iterable[PackEntry]) -> dict[int, Mapping[str, Any]]:
    """The content of the records that can be opened, by index; raises `Rejected`."""
    return {
        entry.index: open_record(entry.raw, entry.opening).fields
        for entry in entries
        if entry.content_type == RECORD and entry.opening is not None
    }


def _check_operator(message: cose.Sign1, index: int, registry: Registry) -> None:
    policy = registry.policy_at(index).policy
    if message.claims[cose.ISS] != policy.operator_iss:
        raise Rejected("issuer", "the record is not by the operator", fix="Ask the operator.")
    message.verify(policy.operator_key)


def _check_timeline(pack: OpenedPack, opened: Mapping[int, Record], notes: Notebook) -> None:
    shown, erased = 0, told_erased(pack.entries)
    for line in pack.case.timeline:
        where = f"{CASE}, entry {line.index}"
        entry = None if line.index is None else pack.entry(line.index)
        if line.index is None:
            notes.says(f"the log holds no record of {line.kind!r}", CASE)
        elif entry is None or entry.content_type != RECORD:
            notes.fails(f"the record of {line.kind!r} is not in the pack", where)
        elif entry.state is not Opening.GIVEN:
            notes.says(f"the record of {line.kind!r} is {_closed(entry.state, entry.index, erased)}", where)
        elif line.index not in opened or not _tells(line, opened[line.index], pack.case.dispute):
            notes.fails(f"the timeline says of {line.kind!r} what the record does not", where)
        else:
            shown += 1
    indexes = [line.index for line in pack.case.timeline if line.index is not None]
    told = set(indexes)
    if indexes != sorted(told):
        notes.fails("the timeline is not in the order of the log's records", CASE)
    for index, record in opened.items():
        if is_step(record.fields, pack.case.dispute) and index not in told:
            notes.fails(f"the timeline leaves out the record of {record.kind!r}", f"{CASE}, entry {index}")
    if shown:
        notes.holds(f"{shown} lines of the timeline are what the log recorded at the time", CASE)


def _tells(line: CaseLine, record: Record, dispute: str) -> bool:
    """Whether a record says what a line of the timeline says."""
    fields = plain(dict(record.fields))
    own = _COMMON - {"at_ms"} if _is_old_notice(record) else _COMMON
    facts = {name: value for name, value in fields.items() if name not in own}
    at_ms = made_ms(record)
    said_ms = line.at_ms // SECOND_MS * SECOND_MS if _is_old_notice(record) else line.at_ms
    said = (record.kind, at_ms, fields.get("dispute"), fields.get("actor"), redact(facts, file=CASE)[0])
    return said == (line.record_kind, said_ms, dispute, line.actor, line.facts)


def _is_old_notice(record: Record) -> bool:
    """Whether the hour of an announced lock stands in the place of the record's own time, as it did at first."""
    return record.kind == ANNOUNCED and "notice_ms" not in record.fields


def made_ms(record: Record) -> Any:
    """When a record was made; by the second in which it was signed, where another time stands in its place."""
    return record.message.claims[cose.IAT] * SECOND_MS if _is_old_notice(record) else record.fields.get("at_ms")


def _check_seal(pack: OpenedPack, registry: Registry, opened: Mapping[int, Record], notes: Notebook) -> None:
    seal = pack.seal
    record = open_record(seal.statement, seal.opening)
    _check_operator(record.message, seal.index, registry)
    fields = record.fields
    told = (record.kind, fields.get("dispute"), fields.get("manifest"))
    if told != (KIND, pack.case.dispute, manifest_digest(pack.files[MANIFEST])):
        notes.fails("the log's record of the export is of another pack", "seal.json")
    else:
        notes.holds("the log's record of the export holds the digest of this pack's manifest", "seal.json")
        check_lines(pack, {index: step.fields for index, step in opened.items()}, fields.get("line"), notes)
    newest_ms = max(map(made_ms, opened.values()), default=EARLIEST_MS)
    if not newest_ms - CLOCKS_MS <= pack.manifest.created_ms <= fields["at_ms"] + CLOCKS_MS:
        notes.fails("it was drawn up before what it holds was recorded, or after its export was", MANIFEST)
    else:
        notes.holds("it was drawn up after what it holds was recorded, and before its export was", MANIFEST)


def has_unread(pack: OpenedPack) -> bool:
    """Whether there is a scan here that cannot be read."""
    closed = any(entry.judged is not None and entry.opening is None for entry in pack.entries)
    return closed or any(scan.opening is None for entry in pack.entries for scan in entry.scans)
