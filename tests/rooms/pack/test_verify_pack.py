"""The ten steps: a true pack holds, and each lie is refused by the step that looks at it."""

import hashlib
import json
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from custody.investigation.pack.archive import read_zip, write_zip
from custody.investigation.pack.entries import stem
from custody.investigation.pack.json_form import write_json
from custody.investigation.pack.log import replay
from custody.investigation.pack.seal import MANIFEST, SEAL, write_manifest
from custody.investigation.verify import log as verify_log
from custody.investigation.verify import scans as verify_scans
from custody.investigation.verify.form import OpenedPack, open_pack
from custody.investigation.verify.pack import verify_pack
from custody.investigation.verify.verification import TITLES, Notebook, PackStep, Verification
from custody.kernel import cbor, cose
from custody.kernel.base64url import b64
from custody.kernel.clock import SECOND_MS, to_iso
from custody.kernel.errors import Rejected, Trouble
from custody.kernel.keys import new_signer
from custody.ledger.checkpoint import open_checkpoint
from custody.ledger.cosignature import cosign
from custody.ledger.note import Ed25519Verifier, SignatureKind, add_signatures, text_key
from custody.ledger.record import make_record
from custody.scans.scan import CONTENT_TYPE as SCAN
from custody.store import log_reader
from custody.store.log_book import NewEntry
from custody.usecases.export_pack import Beside, PackExported
from tests.rooms.pack.pack_world import ORIGIN, PARCEL, World, key
from tests.rooms.pack.tamper import edit, failed_steps, reseal, verification_of


@pytest.fixture(scope="module")
def opened(pack: PackExported) -> OpenedPack:
    return open_pack(pack.content)


def scan_index(opened: OpenedPack) -> int:
    return next(entry.index for entry in opened.entries if entry.content_type == SCAN)


def test_a_true_pack_holds_in_every_step(world: World, pack: PackExported) -> None:
    verification = verify_pack(pack.content, vkey=world.vkey)
    verification.demand()
    assert verification.ok
    assert {check.step for check in verification.checks} == set(PackStep) == set(TITLES)
    assert [check.step for check in verification.checks] == sorted(check.step for check in verification.checks)
    assert (verification.dispute, verification.origin) == (world.case, ORIGIN)
    for step in set(PackStep) - {PackStep.WITNESSES}:
        assert any(check.ok for check in verification.checks if check.step is step), TITLES[step]


def test_a_flipped_bit_anywhere_outside_the_seal_is_refused_by_its_form(pack: PackExported) -> None:
    rng = random.Random(7)  # noqa: S311 - which bytes are tried
    raw = pack.content
    seal = raw.index(read_zip(raw)[SEAL])
    places = {*range(200), *range(len(raw) - 400, len(raw)), *rng.sample(range(len(raw)), 1_200)}
    for position in places - set(range(seal, seal + len(read_zip(raw)[SEAL]))):
        flipped = bytearray(raw)
        flipped[position] ^= 1 << rng.randrange(8)
        with pytest.raises(Rejected):
            open_pack(bytes(flipped))


def test_a_flipped_byte_anywhere_in_the_seal_is_refused(pack: PackExported) -> None:
    files = read_zip(pack.content)
    rng = random.Random(8)  # noqa: S311 - which bits are tried
    for position in range(0, len(files[SEAL]), 17):
        flipped = bytearray(files[SEAL])
        flipped[position] ^= 1 << rng.randrange(8)
        assert not _seal_holds(write_zip({**files, SEAL: bytes(flipped)})), position


def _seal_holds(raw: bytes) -> bool:
    """The steps that look at the seal; the others look at nothing that it changes."""
    try:
        pack = open_pack(raw)
        registry = replay(pack.entries)
        notes = Notebook(step=PackStep.HEAD)
        verify_log.check_head(pack, notes, vkey=None)
        verify_log.check_entries(pack, notes)
        verify_scans.check_records(pack, registry, notes)
    except Trouble:
        return False
    return notes.clean


def test_a_letter_of_the_seal_with_meaning_is_refused_by_the_whole_check(world: World, pack: PackExported) -> None:
    files = read_zip(pack.content)
    value = json.loads(files[SEAL])
    for change in (
        {"index": value["index"] - 1},
        {"index": value["index"] + 1},
        {"path": value["path"][:-1]},
        {"consistency": []},
        {"opening": value["opening"][:-4] + "AAAA"},
        {"note": value["note"] + value["note"].splitlines()[-1] + "\n"},
        {"note": files["checkpoint.note"].decode()},
    ):
        verification = verify_pack(write_zip({**files, SEAL: write_json({**value, **change})}), vkey=world.vkey)
        assert not verification.ok, change


@pytest.mark.parametrize("raw", [b"", b"PK", b"\0" * 1000, b"{}", write_zip({"a": b"b"})])
def test_what_is_no_pack_is_refused_in_step_one_and_nothing_is_raised(raw: bytes) -> None:
    verification = verify_pack(raw)
    assert failed_steps(verification) == {PackStep.FORM}
    with pytest.raises(Rejected, match="step 1"):
        verification.demand()
    with pytest.raises(Rejected, match="nothing was checked"):
        Verification(checks=()).demand()


def test_a_pack_of_another_log_is_refused_if_the_checker_knows_the_log(pack: PackExported, world: World) -> None:
    others = (
        text_key(ORIGIN, new_signer(seed=b"\x55" * 32).public),
        text_key("other.example/custody", world.log.public),
        text_key(ORIGIN, world.log.public, kind=SignatureKind.ED25519_COSIGNATURE),
    )
    for other in others:
        verification = verify_pack(pack.content, vkey=other.vkey())
        assert failed_steps(verification) == {PackStep.HEAD}
        assert any("NOT the one that you gave" in check.what for check in verification.failures)
    assert verify_pack(pack.content).ok
    assert any("give --vkey" in check.what for check in verify_pack(pack.content).checks)
    assert failed_steps(verify_pack(pack.content, vkey="not a vkey")) == {PackStep.HEAD}
    assert verify_pack(pack.content, vkey=f" {world.vkey}\n").ok


Change = Callable[[OpenedPack], dict[str, bytes | None]]
SCAN_ROW = "the first scan"


def _entry_file(end: str, change: Callable[[bytes], bytes]) -> Change:
    def act(opened: OpenedPack) -> dict[str, bytes | None]:
        name = f"{stem(scan_index(opened))}.{end}"
        return {name: change(opened.files[name])}

    return act


def _text(name: str, old: bytes, new: bytes) -> Change:
    return lambda opened: {name: opened.files[name].replace(old, new, 1)}


def _set(name: str, told: Any, *path: str | int) -> Change:
    """One member of a JSON file set to another value."""

    def change(value: Any) -> None:
        *way, last = path
        for part in way:
            value = next(row for row in value if row["judged"]) if part == SCAN_ROW else value[part]
        value[last] = told

    return lambda opened: dict(edit(opened, name, change))


def _exchange_keys(value: dict[str, Any]) -> None:
    value["lock_key"], value["unlock_key"] = value["unlock_key"], value["lock_key"]


WORSE = {"result": "quarantined", "code": "S00", "flags": ["seal_differs"]}
INPUTS = ("inquiry", "inputs")
ANSWER = ("inquiry", "answer")
LIES: dict[str, tuple[PackStep, Change]] = {
    "a file that belongs to nothing": (PackStep.FORM, lambda _: {"more.json": b"{}\n"}),
    "another head": (PackStep.FORM, _text("checkpoint.note", ORIGIN.encode(), b"weaklink.example/custodx")),
    "another vkey": (PackStep.HEAD, _set("log.json", "x+00000000+AA", "vkey")),
    "a key in PEM that nobody has": (PackStep.REGISTRY, lambda _: {"keys/more.pem": b"key"}),
    "another key of the operator": (PackStep.REGISTRY, _set("log.json", "00", "keys", "operator", "kid")),
    "a policy of the log with other rules": (PackStep.REGISTRY, _set("policy.json", {}, "log", 0, "rules")),
    "a casework policy with another number": (
        PackStep.REGISTRY,
        _set("policy.json", 9, "casework", "rules", 0, "value"),
    ),
    "an opening with another byte": (PackStep.SCANS, _entry_file("opening", lambda raw: raw[:-1] + b" ")),
    "an opening with another salt": (PackStep.SCANS, _entry_file("opening", lambda raw: bytes(32) + raw[32:])),
    "another time in the timeline": (PackStep.RECORDS, _set("dispute.json", 1, "timeline", 0, "at_ms")),
    "another actor in the timeline": (PackStep.RECORDS, _set("dispute.json", "x", "timeline", 0, "actor")),
    "another fact in the timeline": (
        PackStep.RECORDS,
        _set("dispute.json", {"presumption": "none"}, "timeline", 0, "facts"),
    ),
    "a line whose record is no record": (PackStep.RECORDS, _set("dispute.json", 3, "timeline", 0, "index")),
    "a line whose record is not there": (PackStep.RECORDS, _set("dispute.json", 10_000, "timeline", 0, "index")),
    "a lock that is released": (PackStep.LOCKS, _set("locks.json", "released", "orders", 0, "state")),
    "a lock of another device": (PackStep.LOCKS, _set("locks.json", "dev-2", "orders", 0, "device")),
    "a lock whose records are not there": (PackStep.LOCKS, _set("locks.json", [10_000], "orders", 0, "indexes")),
    "lock and unlock keys exchanged": (PackStep.LOCKS, lambda opened: dict(edit(opened, "locks.json", _exchange_keys))),
    "a scan judged otherwise": (PackStep.TRAIL, _set("entries.json", WORSE, SCAN_ROW, "judged")),
    "a scan received at another time": (PackStep.TRAIL, _set("entries.json", 1, SCAN_ROW, "received_ms")),
    "another way of the parcel": (PackStep.TRAIL, _set("trail.json", "The customer has it.", "holder", "sentence")),
    "another report": (PackStep.TRAIL, _text("report.html", b"nothing here points", b"everything here points")),
    "other instructions": (PackStep.TRAIL, _text("VERIFY.txt", b"HOW TO CHECK", b"HOW NOT TO CHECK")),
    "a stored answer that makes no sense": (PackStep.TRAIL, _set("investigation.json", {"a": []}, "stored")),
    "a stored probability moved": (
        PackStep.INVESTIGATION,
        _set("investigation.json", 0.9, "stored", "links", 0, "probability"),
    ),
    "a probability moved": (PackStep.INVESTIGATION, _set("investigation.json", 0.9, *ANSWER, "table", 0, 1)),
    "a sentence of the answer": (
        PackStep.INVESTIGATION,
        _set("investigation.json", "x", *ANSWER, "statement", "headline"),
    ),
    "a hazard moved": (PackStep.INVESTIGATION, _set("investigation.json", 0.5, *INPUTS, "history", "hazard", 0)),
    "a hazard left out": (PackStep.INVESTIGATION, _set("investigation.json", [], *INPUTS, "history", "hazard")),
    "a number of the model moved": (
        PackStep.INVESTIGATION,
        _set("investigation.json", 0.1, *INPUTS, "params", "seal_theft"),
    ),
    "a scan of the examined chain moved": (
        PackStep.INVESTIGATION,
        _set("investigation.json", "anomaly", *INPUTS, "dispute", "checkpoints", 2, "seal"),
    ),
    "the inquiry of another case": (
        PackStep.INVESTIGATION,
        _set("investigation.json", "case_2", *INPUTS, "dispute", "id"),
    ),
    "an inquiry of another format": (PackStep.INVESTIGATION, _set("investigation.json", "x", "inquiry", "format")),
    "an inquiry that makes no sense": (PackStep.INVESTIGATION, _set("investigation.json", {"a": []}, "inquiry")),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_that_the_operator_sealed_is_refused_by_the_step_that_looks_at_it(
    world: World, pack: PackExported, opened: OpenedPack, lie: str
) -> None:
    step, change = LIES[lie]
    verification = verification_of(world, pack.content, change(opened))
    assert step in failed_steps(verification), verification.failures


def test_sealing_again_without_a_lie_holds(world: World, pack: PackExported) -> None:
    assert verification_of(world, pack.content, {}).ok


def test_the_seal_of_another_pack_does_not_fit(world: World, pack: PackExported) -> None:
    files = read_zip(pack.content)
    other = read_zip(reseal(world, pack.content, {}))
    assert verify_pack(write_zip({**files, SEAL: other[SEAL]})).ok
    changed = read_zip(reseal(world, pack.content, dict(edit(open_pack(pack.content), "dispute.json", _words))))
    verification = verify_pack(write_zip({**changed, SEAL: files[SEAL]}), vkey=world.vkey)
    assert PackStep.RECORDS in failed_steps(verification)


def _words(value: dict[str, Any]) -> None:
    value["case"]["case"]["words"] = "It was all my fault."


def test_an_entry_that_is_not_in_the_log_is_refused(world: World, pack: PackExported, opened: OpenedPack) -> None:
    entry = next(entry for entry in opened.entries if entry.content_type == SCAN)
    forged = cose.parse(entry.raw)
    raw = cbor.encode({**forged.protected, cose.CWT_CLAIMS: {**forged.claims, cose.IAT: forged.claims[cose.IAT] + 1}})
    made = cose.sign(
        {k: v for k, v in cbor.decode(raw).items() if k not in {cose.ALG, cose.KID}},
        forged.payload or b"",
        key("bench-4"),
    )
    digest = cose.parse(made).digest.hex()

    def rename(rows: list[dict[str, Any]]) -> None:
        next(row for row in rows if row["index"] == entry.index)["digest"] = digest

    changes: dict[str, bytes | None] = {f"{stem(entry.index)}.cose": made, **edit(opened, "entries.json", rename)}
    verification = verification_of(world, pack.content, changes)
    assert PackStep.ENTRIES in failed_steps(verification)


def test_an_entry_at_another_index_is_refused(world: World, pack: PackExported, opened: OpenedPack) -> None:
    index = scan_index(opened)
    moved = max(entry.index for entry in opened.entries) + 1
    assert moved < opened.head.size or moved == opened.head.size
    changes: dict[str, bytes | None] = {}
    for name, raw in opened.files.items():
        if name.startswith(stem(index)):
            changes[name] = None
            changes[name.replace(stem(index), stem(moved))] = raw.replace(
                f"index {index}\n".encode(), f"index {moved}\n".encode()
            )

    def move(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [row for row in rows if row["index"] != index] + [
            {**row, "index": moved} for row in rows if row["index"] == index
        ]

    verification = verification_of(world, pack.content, {**changes, **edit(opened, "entries.json", move)})
    assert PackStep.ENTRIES in failed_steps(verification)


def test_a_scan_by_a_key_that_the_pack_does_not_enrol_is_refused(
    world: World, pack: PackExported, opened: OpenedPack
) -> None:
    index = next(entry.index for entry in opened.entries if "station-key-add" in entry.content_type)
    gone: dict[str, bytes | None] = {name: None for name in opened.files if name.startswith(stem(index))}
    rows = edit(opened, "entries.json", lambda value: [row for row in value if row["index"] != index])
    verification = verification_of(world, pack.content, {**gone, **rows})
    assert {PackStep.REGISTRY, PackStep.SCANS} <= failed_steps(verification)


def test_a_pack_without_the_logs_first_policy_is_refused(world: World, pack: PackExported, opened: OpenedPack) -> None:
    gone: dict[str, bytes | None] = {name: None for name in opened.files if name.startswith(stem(0))}
    rows = edit(opened, "entries.json", lambda value: [row for row in value if row["index"] != 0])
    verification = verification_of(world, pack.content, {**gone, **rows})
    assert {PackStep.REGISTRY, PackStep.SCANS, PackStep.RECORDS, PackStep.LOCKS, PackStep.TRAIL} <= failed_steps(
        verification
    )


def test_a_scan_whose_key_was_revoked_counts_only_as_set_apart(opened: OpenedPack) -> None:
    index = scan_index(opened)
    registry = replay(opened.entries)
    row = registry.keys[key("bench-4").public.kid]
    from_then_on = replace(row, revoked_at=index, suspect_from=index)
    changed = type(registry)(
        next_index=registry.next_index, policies=registry.policies, keys={**registry.keys, row.key.kid: from_then_on}
    )
    notes = Notebook(step=PackStep.SCANS)
    verify_scans.check_scans(opened, changed, notes)
    assert {check.where for check in notes.checks if check.ok is False} >= {f"entry {index}"}


def test_gaps_between_the_statements_of_a_station_are_named(world: World) -> None:
    world.scan("bench-4", "ObjectEvent", {"action": "OBSERVE", "epcList": [PARCEL], "bizStep": "inspecting"})
    verification = verify_pack(world.export().content, vkey=world.vkey)
    verification.demand()
    said = [check.what for check in verification.checks if check.step is PackStep.SCANS and check.ok is None]
    assert said == [
        "times of arrival and verdicts are the service's own word: the seal alone covers them",
        "urn:weaklink:station:bench-4: statements 5 are not in this pack",
    ]


def test_a_record_by_somebody_else_is_refused(world: World, pack: PackExported, opened: OpenedPack) -> None:
    statement, opening = make_record(
        {
            "kind": "pack.exported",
            "dispute": world.case,
            "manifest": hashlib.sha256(opened.files["manifest.json"]).digest(),
        },
        salt=bytes(32),
        signer=key("bench-4"),
        iss=f"urn:weaklink:operator:{ORIGIN}",
        sub="urn:weaklink:rec",
        iat_s=1,
    )
    files = read_zip(pack.content)
    value = json.loads(files[SEAL])
    with world.house.unit() as unit:
        entry = unit.log.append([NewEntry.of(statement.raw, opening)])[0]
    with world.house.read() as session:
        head = log_reader.head(session)
        value |= {
            "statement": b64(statement.raw),
            "opening": b64(opening),
            "index": entry,
            "note": head.note.decode(),
            "path": [b64(node) for node in log_reader.prove_inclusion(session, entry, head.size)],
            "consistency": [b64(node) for node in log_reader.prove_consistency(session, opened.head.size, head.size)],
        }
    verification = verify_pack(write_zip({**files, SEAL: write_json(value)}), vkey=world.vkey)
    assert failed_steps(verification) == {PackStep.RECORDS}


def test_witnesses_are_named_and_a_false_one_is_refused(world: World) -> None:
    with world.house.read() as session:
        note = log_reader.head(session).note
    head = open_checkpoint(note, Ed25519Verifier(key=text_key(ORIGIN, world.log.public)))
    at_s = world.clock.at_ms // SECOND_MS
    carrier = cosign(head, name="carrier.example/w", signer=key("carrier"), at_s=at_s)
    vkeys = {
        name: text_key(f"{name}.example/w", key(name).public, kind=SignatureKind.ED25519_COSIGNATURE).vkey()
        for name in ("carrier", "scheme")
    }
    policy = f"log {world.vkey}\nwitness carrier {vkeys['carrier']}\nwitness scheme {vkeys['scheme']}\n"
    any_of, all_of = (f"{policy}group g {count} carrier scheme\nquorum g\n" for count in ("any", "all"))
    pack = world.export(Beside(note=add_signatures(note, [carrier])))
    assert "recorded" not in " ".join(row.why for row in open_pack(pack.content).redactions)
    seen = verify_pack(pack.content, vkey=world.vkey, witnesses=any_of)
    assert [(check.ok, check.what) for check in seen.checks if check.step is PackStep.WITNESSES] == [
        (True, f"the given policy: cosigned by carrier at {to_iso(at_s * SECOND_MS)}; enough")
    ]
    short = verify_pack(pack.content, vkey=world.vkey, witnesses=all_of)
    assert failed_steps(short) == {PackStep.WITNESSES}
    assert [check.what for check in short.failures] == [
        f"the given policy: cosigned by carrier at {to_iso(at_s * SECOND_MS)}; not enough"
    ]
    none = verify_pack(pack.content, vkey=world.vkey, witnesses=f"{policy}quorum none\n")
    assert [check.ok for check in none.checks if check.what.endswith("; no witness is asked for")] == [None]
    false = cosign(head, name="carrier.example/w", signer=key("carrier"), at_s=at_s + 1)
    torn = add_signatures(note, [type(false)(name=false.name, key_id=false.key_id, blob=false.blob[:-1] + b"\0")])
    later = world.export(Beside(note=torn))
    assert failed_steps(verify_pack(later.content, witnesses=any_of)) == {PackStep.WITNESSES}
    assert "recorded this step after" in " ".join(row.why for row in open_pack(later.content).redactions)
    assert failed_steps(verify_pack(pack.content, witnesses="nonsense")) == {PackStep.WITNESSES}


@pytest.mark.parametrize("seed", range(24))
def test_hostile_values_in_any_json_file_are_refused_and_end_nothing_early(
    world: World, opened: OpenedPack, seed: int
) -> None:
    rng = random.Random(seed)  # noqa: S311 - which values are tried
    name = rng.choice(sorted(name for name in opened.files if name.endswith(".json") and name not in {MANIFEST, SEAL}))
    files = {key: raw for key, raw in opened.files.items() if key != MANIFEST}
    files[name] = write_json(spoil(json.loads(opened.files[name]), rng))
    sealed = {key: raw for key, raw in files.items() if key != SEAL}
    manifest = write_manifest(sealed, created_ms=opened.manifest.created_ms, dispute=world.case, origin=ORIGIN)
    verification = verify_pack(write_zip({**files, MANIFEST: manifest}), vkey=world.vkey)
    assert not verification.ok
    if verification.size:
        assert {check.step for check in verification.checks} == set(PackStep)


def spoil(value: Any, rng: random.Random) -> Any:
    """The value with one part, somewhere inside, replaced by something that does not belong there."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(sorted(value))
        return {**value, key: spoil(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.9:
        place = rng.randrange(len(value))
        return [*value[:place], spoil(value[place], rng), *value[place + 1 :]]
    odd = [None, True, -1, 2**63 - 1, 1e300, -1e-300, "", "\u202e", "../x", [], {}, [[[]]], {"a": None}, "A" * 43]
    return rng.choice([part for part in odd if part != value])
