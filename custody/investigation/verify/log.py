"""Steps 2, 3, 4 and 10: the log behind a pack.

- 2: the head is signed by the key that log.json names, which is the one the checker was given if he was given one; the
  later head of the seal is signed by it too, and its tree holds the pack's.
- 3: every entry lies in the head's tree at its index; so does each scan's receipt, given in the second in which the
  manifest says that the pack was drawn up; the seal's record in the later tree.
- 4: policies and keys replayed in log order; entry 0 is the policy that names this log and key; log.json, the PEM files
  and policy.json are what follows from them; the stations that did not sign themselves where they stood and whose they
  were are named, as another enrolment of such a key could stand in the place of the first; the casework policy is the
  one in the record of the case's opening.
- 10: who cosigned the head, by the witness policies in force or by one that the checker gives, whose quorum is then
  demanded, and whose cosignatures are awaited where these are not enough; which scans these witnesses place between two
  moments, whatever the trail says; that each checkpoint in the pack is the log's and one that a scan embeds, and that
  the head's tree goes on from it, or else that this is not proven, as of one that a scan embeds and the pack does not
  hold; that it is of no longer a log than the scan was entered in: for an entry at index i, a checkpoint of more than i
  entries that was there before it proves a second history; that the pack was drawn up after the cosignatures in it,
  which is demanded of witnesses that the checker gives.
"""

from typing import Any

from custody.gs1.named_information import write_ni
from custody.investigation.pack import log as pack_log
from custody.investigation.pack.case import FILE as CASE
from custody.investigation.pack.case import pinned_policy
from custody.investigation.pack.entries import PackEntry
from custody.investigation.pack.json_form import read_json, unb64
from custody.investigation.pack.seal import MANIFEST
from custody.investigation.pack.trail import FILE as TRAIL
from custody.investigation.pack.witnessed import embedding, name_of
from custody.investigation.verify.case import OPENED
from custody.investigation.verify.form import KEYS, OpenedPack
from custody.investigation.verify.scans import records_of
from custody.investigation.verify.verification import Notebook
from custody.kernel import cbor
from custody.kernel.clock import HOUR_MS, SECOND_MS, to_iso
from custody.kernel.errors import Rejected
from custody.kernel.keys import PublicKey, read_cose_key
from custody.kernel.receipt import verify_receipt
from custody.ledger.checkpoint import Checkpoint, open_checkpoint
from custody.ledger.merkle import leaf_hash, verify_consistency, verify_inclusion
from custody.ledger.note import Ed25519Verifier, VerifierKey, parse_note, parse_vkey, text_key
from custody.ledger.receipt import against_checkpoint
from custody.ledger.registry import Registry
from custody.ledger.statements import POLICY
from custody.ledger.time_bounds import not_after, not_before, note_digest
from custody.ledger.witness_policy import NONE, WitnessPolicy, parse_policy
from custody.trail.sandwich import WORKING

OTHER_CLOCKS_MS = HOUR_MS
"""How far the clocks of witnesses may be apart from the service's."""


def log_key(pack: OpenedPack) -> PublicKey:
    """The log's key as the pack names it; raises `Rejected`."""
    match pack.log["keys"]:
        case {"log": {"cose_key": str(text)}}:
            return read_cose_key(cbor.decode(unb64(text, where=pack_log.LOG)))
    raise Rejected("pack_log", "log.json names no key of the log", fix="Ask for the pack as it was exported.")


def check_head(pack: OpenedPack, notes: Notebook, *, vkey: str | None) -> None:
    """Step 2, the log's key signed the head; what is wrong or unchecked is noted."""
    named = text_key(pack.head.origin, log_key(pack))
    if pack.log["vkey"] != named.vkey() or pack.log["origin"] != named.name:
        notes.fails("the vkey in log.json is not that of its key", pack_log.LOG)
    if vkey is None:
        notes.says("the log's key is only what the pack says; give --vkey to hold it against one you trust")
    elif _same_key(vkey, named):
        notes.holds("the log's key is the one that you gave")
    else:
        notes.fails("the log's key is NOT the one that you gave: this is another log", pack_log.LOG)
    verifier = Ed25519Verifier(key=named)
    head = open_checkpoint(pack.note, verifier)
    notes.holds(f"the head of {head.size} entries is signed by the log's key", pack_log.NOTE)
    later = open_checkpoint(pack.seal.note, verifier)
    if len(parse_note(pack.seal.note).signatures) != 1:
        notes.fails("the seal's head carries other signatures than the log's own", "seal.json")
    verify_consistency(head.size, later.size, head.root, later.root, pack.seal.consistency)
    notes.holds(f"the log went on to {later.size} entries and still holds this tree", "seal.json")


def check_entries(pack: OpenedPack, notes: Notebook) -> None:
    """Step 3, every entry is in the log at its place; what is wrong or unchecked is noted."""
    key, receipts = log_key(pack), 0
    for entry in pack.entries:
        try:
            verify_inclusion(entry.index, pack.head.size, leaf_hash(entry.raw), entry.path, pack.head.root)
            if entry.receipt is not None:
                _check_receipt(entry.receipt, entry, pack, key)
                receipts += 1
        except Rejected as error:
            notes.fails(error.detail, f"entry {entry.index}")
    later = open_checkpoint(pack.seal.note, Ed25519Verifier(key=text_key(pack.head.origin, key)))
    seal = pack.seal
    verify_inclusion(seal.index, later.size, leaf_hash(seal.statement), seal.path, later.root)
    if seal.index < pack.head.size:
        notes.fails("the record of the export is older than the pack's own head", "seal.json")
    if notes.clean:
        notes.holds(f"{len(pack.entries)} entries lie under the head, {receipts} of them with a receipt")
        notes.holds(f"the record of the export is entry {seal.index}", "seal.json")


def check_registry(pack: OpenedPack, registry: Registry, notes: Notebook) -> None:
    """Step 4, who was allowed to sign what; what is wrong or unchecked is noted."""
    policy = pack_log.newest(registry)
    for row in registry.ignored:
        entry = pack.entry(row.index)
        ok = False if entry is not None and entry.content_type == POLICY else None
        notes.tell(f"this entry changes nothing: {row.detail}", f"entry {row.index}", ok=ok)
    if (policy.origin, policy.log_key) != (pack.head.origin, log_key(pack)):
        notes.fails("entry 0 names another log or another key than the head", "entry 0")
    expected = pack_log.write_log(registry, pack.note) | pack_log.write_policy(registry, pack.casework)
    present = {name: content for name, content in pack.files.items() if name.startswith(KEYS)}
    present |= {name: pack.files[name] for name in (pack_log.LOG, pack_log.POLICY)}
    for name in sorted(expected.keys() | present.keys()):
        if expected.get(name) != present.get(name):
            notes.fails("it is not what the entries lead to", name)
    _check_casework(pack, notes)
    revoked = [row for row in registry.keys.values() if row.revoked_at is not None]
    if notes.clean:
        notes.holds(f"{len(registry.policies)} policies, {len(registry.keys)} station keys, {len(revoked)} revoked")
        if verifiers := registry.verifiers.values():
            ended = sum(row.revoked_at is not None for row in verifiers)
            notes.holds(f"{len(verifiers)} verifier keys, {ended} revoked")
        if named := sorted({row.info.station for row in registry.keys.values() if not row.is_whole}):
            notes.says(f"where these stations stood and whose they were is the registrars' word: {', '.join(named)}")
        notes.says("a policy or a revocation that the pack does not hold cannot be seen here; the log itself shows it")


def _check_casework(pack: OpenedPack, notes: Notebook) -> None:
    pinned = pinned_policy(pack.case)
    recorded = _recorded_pin(pack)
    if recorded is not None and recorded != pinned:
        notes.fails("the case was opened under another casework policy, as the log recorded", CASE)
        return
    if recorded is None:
        notes.says("no record that can be opened tells which casework policy the case was opened under", CASE)
    rows = pack_log.check_casework(pack.casework, pinned)
    said = {
        True: "the rows of the casework policy are those that the case was opened under",
        False: "the rows of the casework policy are not those that the case was opened under",
        None: "the casework policy that the case was opened under is named but not held any more",
    }
    notes.tell(said[rows], pack_log.POLICY, ok=None if rows and recorded is None else rows)


def _recorded_pin(pack: OpenedPack) -> Any:
    """The version of the casework policy in the record of the case's opening; None if that cannot be read."""
    try:
        records = records_of(pack.entries)
    except Rejected:  # step 6 refuses the record that does not open
        return None
    opened = (fields for _, fields in sorted(records.items()) if fields["kind"] == OPENED)
    return next((row.get("policy_version") for row in opened if row.get("dispute") == pack.case.dispute), None)


def check_witnesses(pack: OpenedPack, registry: Registry, notes: Notebook, *, witnesses: str | None) -> None:
    """Step 10, who else saw this head of the log; what is wrong or unchecked is noted."""
    _check_shown(pack, notes)
    own = pack_log.newest(registry).witnesses
    policies = dict(own) if witnesses is None else {"the given policy": witnesses}
    if not policies:
        notes.says("no witness is named by the log's policy: only the operator's word stands behind the head")
    for purpose, text in sorted(policies.items()):
        policy = parse_policy(text)
        judged = policy.judge(pack.note)
        seen = ", ".join(f"{row.party} at {row.at}" for row in judged.parties) or "nobody"
        if policy.quorum == NONE:
            notes.says(f"{purpose}: cosigned by {seen}; no witness is asked for", pack_log.NOTE)
            continue
        if judged.satisfied:
            notes.holds(f"{purpose}: cosigned by {seen}; enough", pack_log.NOTE)
            continue
        demanded = None if witnesses is None else False
        notes.awaits(f"{purpose}: cosigned by {seen}; not enough", pack_log.NOTE, judged, ok=demanded)
    believed = own.get(WORKING) if witnesses is None else witnesses
    if believed is not None:
        _check_times(pack, parse_policy(believed), notes)
        _check_date(pack, parse_policy(believed), notes, demanded=witnesses is not None)
    if witnesses is not None and own.get(WORKING) is not None:
        notes.says("the times in the trail and the report rest on the witnesses of the log's own policy", TRAIL)


def _check_shown(pack: OpenedPack, notes: Notebook) -> None:
    """The checkpoints that scans embed: the log's own, and each of a log that the scan's entry was not in yet."""
    verifier = Ed25519Verifier(key=text_key(pack.head.origin, log_key(pack)))
    shown = {note_digest(note): open_checkpoint(note, verifier) for note in pack.witnessed}
    for note in pack.witnessed:
        _check_way(pack, note, shown[note_digest(note)], notes)
    named = list(embedding(pack.entries))
    for note in pack.witnessed:
        if note_digest(note) not in {digest for _, digest in named}:
            notes.fails("no scan of the pack embeds this checkpoint", name_of(note))
    for index, digest in dict.fromkeys((opened.entry.index, digest) for opened, digest in named):
        where = f"entry {index}"
        if digest not in shown:
            missing = f"the scan saw a checkpoint that is not in the pack ({write_ni(digest)})"
            notes.says(f"{missing}: that it is of the same history is not proven here", where)
        elif shown[digest].size > index:
            notes.fails(f"the scan saw {shown[digest].size} entries before it was entered itself: a split view", where)


def _check_way(pack: OpenedPack, note: bytes, checkpoint: Checkpoint, notes: Notebook) -> None:
    """Whether the head's tree goes on from an embedded checkpoint's."""
    head, way, where = pack.head, pack.ways.get(note_digest(note)), name_of(note)
    if checkpoint.size > head.size or (way is None and 0 < checkpoint.size < head.size):
        notes.says(
            f"that this checkpoint of {checkpoint.size} entries is of the same history is not proven here", where
        )
        return
    try:
        verify_consistency(checkpoint.size, head.size, checkpoint.root, head.root, way or ())
    except Rejected:
        notes.fails(f"the pack's head does not go on from this checkpoint of {checkpoint.size} entries", where)


def _check_times(pack: OpenedPack, policy: WitnessPolicy, notes: Notebook) -> None:
    """How many scans of the trail these witnesses place, whoever the times in the trail rest on."""
    befores = {note_digest(note): not_before(note, policy) for note in pack.witnessed}
    entries = read_json(pack.files[TRAIL], where=TRAIL)["entries"]
    shown = {one["digest"] for one in entries}
    named = list(embedding(pack.entries))
    afters = {index: not_after(index, [pack.note], policy) for index in {opened.entry.index for opened, _ in named}}
    placed = torn = 0
    for opened, digest in named:
        before, after = befores.get(digest), afters[opened.entry.index]
        if opened.scan.digest.hex() in shown and before is not None and after is not None:
            placed, torn = placed + (before <= after), torn + (before > after)
    if placed:
        notes.holds(f"witnesses place {placed} of {len(entries)} scans between two moments", TRAIL)
    if torn:
        notes.says(f"for {torn} scans the witnesses contradict each other: made after they were in the log", TRAIL)


def _check_date(pack: OpenedPack, policy: WitnessPolicy, notes: Notebook, *, demanded: bool) -> None:
    """An export that is dated back has the service's own times with it, but not those of a quorum of witnesses."""
    seen = (not_before(note, policy) for note in (pack.note, *pack.witnessed))
    newest_ms = max((at_ms for at_ms in seen if at_ms is not None), default=pack.manifest.created_ms)
    if newest_ms > pack.manifest.created_ms + OTHER_CLOCKS_MS:
        said = f"it was drawn up before {to_iso(newest_ms)}, says its date, when witnesses cosigned what it holds"
        notes.tell(said, MANIFEST, ok=False if demanded else None)


def _check_receipt(receipt: bytes, entry: PackEntry, pack: OpenedPack, key: PublicKey) -> None:
    proven = verify_receipt(receipt, entry.raw, key)
    against_checkpoint(proven, pack.head)
    if proven.index != entry.index:
        raise Rejected("receipt", "the receipt is for another index", fix="Fetch the entry's own receipt.")
    if proven.iat_s != pack.manifest.created_ms // SECOND_MS:
        raise Rejected("receipt", "the receipt was not given when the pack was drawn up", fix="Ask for it as exported.")


def _same_key(vkey: str, named: VerifierKey) -> bool:
    given = parse_vkey(vkey.strip())
    return (given.name, given.kind, given.raw) == (named.name, named.kind, named.raw)
