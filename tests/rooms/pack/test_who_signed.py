"""Each statement of a pack counts only by the signature, the name and the place that it must have."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from custody.investigation.pack.archive import write_zip
from custody.investigation.pack.entries import PackEntry
from custody.investigation.pack.json_form import read_json, write_json
from custody.investigation.pack.log import LOG, replay
from custody.investigation.pack.seal import SEAL, write_seal
from custody.investigation.verify.form import KEYS, OpenedPack, open_pack
from custody.investigation.verify.log import check_entries, check_registry
from custody.investigation.verify.pack import verify_pack
from custody.investigation.verify.scans import CLOCKS_MS, check_records, check_scans, records_of
from custody.investigation.verify.verification import Notebook, PackStep
from custody.kernel import cbor, cose
from custody.kernel.clock import SECOND_MS
from custody.kernel.keys import SoftwareSigner
from custody.kernel.receipt import make_receipt, verify_receipt
from custody.ledger.checkpoint import Checkpoint, parse_checkpoint
from custody.ledger.merkle import leaf_hash, node_hash
from custody.ledger.note import parse_note
from custody.ledger.record import CONTENT_TYPE as RECORD
from custody.ledger.record import open_record
from custody.ledger.statements import KEY_ADD, make_possession
from custody.scans.cwt_claims import PREV, SEQ
from custody.scans.scan import CONTENT_TYPE as SCAN
from custody.store import log_reader
from custody.usecases.export_pack import PackExported
from tests.rooms.pack.pack_world import CARRIER, ORIGIN, SITES, World, key
from tests.rooms.pack.tamper import verification_of


@pytest.fixture(scope="module")
def opened(pack: PackExported) -> OpenedPack:
    return open_pack(pack.content)


def first(opened: OpenedPack, content_type: str) -> PackEntry:
    return next(entry for entry in opened.entries if entry.content_type == content_type)


def with_raw(opened: OpenedPack, entry: PackEntry, raw: bytes) -> OpenedPack:
    """The pack with other bytes in the place of one entry, as if the log held them."""
    return replace(opened, entries=tuple(replace(row, raw=raw) if row is entry else row for row in opened.entries))


def flipped(raw: bytes) -> bytes:
    """The statement with another last byte, which is one of its signature; its digest is the same."""
    return raw[:-1] + bytes([raw[-1] ^ 1])


def named(raw: bytes, signer: SoftwareSigner, claim: int | str, value: object) -> bytes:
    """The statement with another claim, rightly signed."""
    message = cose.parse(raw)
    claims = {**message.claims, claim: value}
    header = {label: kept for label, kept in message.protected.items() if label not in {cose.ALG, cose.KID}}
    return cose.sign({**header, cose.CWT_CLAIMS: claims}, message.payload or b"", signer)


WRONG_SCANS: dict[str, Callable[[bytes], bytes]] = {
    "another signature": flipped,
    "another station's name": lambda raw: named(raw, key("bench-4"), cose.ISS, "urn:weaklink:station:dock-2"),
    "no number": lambda raw: named(raw, key("bench-4"), SEQ, "1"),
    "a number that is a truth": lambda raw: named(raw, key("bench-4"), SEQ, True),
}


@pytest.mark.parametrize("wrong", WRONG_SCANS)
def test_a_scan_counts_only_under_its_stations_name_number_and_signature(opened: OpenedPack, wrong: str) -> None:
    entry, notes = first(opened, SCAN), Notebook(step=PackStep.SCANS)
    check_scans(with_raw(opened, entry, WRONG_SCANS[wrong](entry.raw)), replay(opened.entries), notes)
    assert [check.where for check in notes.checks if check.ok is False] == [f"entry {entry.index}"]


@pytest.mark.parametrize(
    ("number", "claim", "value", "told"),
    [
        (3, SEQ, 2, "urn:weaklink:station:bench-4 made two statements 2"),
        (2, PREV, bytes(32), "urn:weaklink:station:bench-4 names another statement before this one"),
    ],
)
def test_a_station_that_contradicts_its_own_chain_is_named(
    opened: OpenedPack, number: int, claim: int | str, value: object, told: str
) -> None:
    entry = [entry for entry in opened.entries if entry.content_type == SCAN][number - 1]
    assert (cose.parse(entry.raw).claims[SEQ], cose.parse(entry.raw).kid) == (number, key("bench-4").public.kid)
    notes = Notebook(step=PackStep.SCANS)
    check_scans(with_raw(opened, entry, named(entry.raw, key("bench-4"), claim, value)), replay(opened.entries), notes)
    assert notes.clean
    assert (f"entry {entry.index}", told) in {(check.where, check.what) for check in notes.checks if check.ok is None}


WRONG_RECORDS: dict[str, Callable[[bytes], bytes]] = {
    "another signature": flipped,
    "another operator's name": lambda raw: named(raw, key("operator"), cose.ISS, "urn:weaklink:operator:x"),
}


@pytest.mark.parametrize("wrong", WRONG_RECORDS)
def test_a_record_counts_only_under_the_operators_name_and_signature(opened: OpenedPack, wrong: str) -> None:
    entry, notes = first(opened, RECORD), Notebook(step=PackStep.RECORDS)
    check_records(with_raw(opened, entry, WRONG_RECORDS[wrong](entry.raw)), replay(opened.entries), notes)
    assert f"entry {entry.index}" in {check.where for check in notes.checks if check.ok is False}


def test_a_receipt_of_another_entry_is_none_of_this_one(opened: OpenedPack) -> None:
    one, other = [entry for entry in opened.entries if entry.receipt is not None][:2]
    changed = tuple(replace(row, receipt=other.receipt) if row is one else row for row in opened.entries)
    notes = Notebook(step=PackStep.ENTRIES)
    check_entries(replace(opened, entries=changed), notes)
    assert [check.where for check in notes.checks if check.ok is False] == [f"entry {one.index}"]


def said_of_receipt(opened: OpenedPack, entry: PackEntry, index: int, path: list[bytes], of: Checkpoint) -> list[str]:
    """What is said against an entry whose receipt, of the day of the pack, is for an index in a tree."""
    receipt = make_receipt(
        size=of.size,
        index=index,
        path=path,
        root=of.root,
        signer=key("log"),
        iss="urn:weaklink:operator:x",
        sub="urn:weaklink:entry:x",
        iat_s=opened.manifest.created_ms // SECOND_MS,
    )
    verify_receipt(receipt, entry.raw, key("log").public)
    changed = tuple(replace(row, receipt=receipt) if row == entry else row for row in opened.entries)
    notes = Notebook(step=PackStep.ENTRIES)
    check_entries(replace(opened, entries=changed), notes)
    return [check.what for check in notes.checks if check.ok is False and check.where == f"entry {entry.index}"]


def test_a_receipt_against_another_tree_than_the_heads_is_refused(world: World, opened: OpenedPack) -> None:
    entry = first(opened, SCAN)
    later = parse_checkpoint(parse_note(opened.seal.note).text)
    for tree, said in (
        (opened.head, []),
        (later, [f"the receipt is of {later.size} entries and the checkpoint of {opened.head.size}"]),
    ):
        with world.house.read() as session:
            path = list(log_reader.prove_inclusion(session, entry.index, tree.size))
        assert said_of_receipt(opened, entry, entry.index, path, tree) == said


def test_a_receipt_of_the_same_statement_at_another_place_is_refused(opened: OpenedPack) -> None:
    one = first(opened, SCAN)
    leaf = leaf_hash(one.raw)
    twice = replace(opened.head, size=2, root=node_hash(leaf, leaf))
    entry = replace(one, index=0, path=(leaf,), receipt=None)
    twins = replace(opened, head=twice, entries=(entry,))
    assert said_of_receipt(twins, entry, 0, [leaf], twice) == []
    assert said_of_receipt(twins, entry, 1, [leaf], twice) == ["the receipt is for another index"]


def test_the_policy_at_entry_0_names_the_log_and_the_key_of_the_head(opened: OpenedPack) -> None:
    registry = replay(opened.entries)
    for told in ({"log_key": key("thief").public}, {"origin": "other.example/custody"}):
        policies = tuple(replace(row, policy=replace(row.policy, **told)) for row in registry.policies)
        notes = Notebook(step=PackStep.REGISTRY)
        check_registry(opened, replace(registry, policies=policies), notes)
        assert "entry 0 names another log or another key than the head" in {
            check.what for check in notes.checks if check.ok is False
        }


def test_a_record_that_is_older_than_the_head_seals_nothing(world: World, opened: OpenedPack) -> None:
    older = first(opened, RECORD)
    later = parse_checkpoint(parse_note(opened.seal.note).text)
    with world.house.read() as session:
        path = tuple(log_reader.prove_inclusion(session, older.index, later.size))
    assert older.opening is not None
    seal = replace(opened.seal, statement=older.raw, opening=older.opening, index=older.index, path=path)
    verification = verify_pack(write_zip({**opened.files, SEAL: write_seal(seal)}), vkey=world.vkey)
    assert [check.what for check in verification.failures] == [
        "the record of the export is older than the pack's own head",
        "the log's record of the export is of another pack",
    ]


def test_a_pack_that_names_no_key_of_the_log_is_told_so(world: World, pack: PackExported, opened: OpenedPack) -> None:
    for told in (None, 5):
        value = read_json(opened.files[LOG], where=LOG)
        value["keys"]["log"]["cose_key"] = told
        verification = verification_of(world, pack.content, {LOG: write_json(value)})
        assert "log.json names no key of the log" in {check.what for check in verification.failures}


@pytest.mark.parametrize("keys", [[], {}, {"log": []}, {"log": {}}, "none"], ids=str)
def test_a_pack_whose_keys_are_no_map_of_keys_is_told_so(
    world: World, pack: PackExported, opened: OpenedPack, keys: object
) -> None:
    value = {**read_json(opened.files[LOG], where=LOG), "keys": keys}
    verification = verification_of(world, pack.content, {LOG: write_json(value)})
    assert [check.what for check in verification.failures if check.step is PackStep.HEAD] == [
        "log.json names no key of the log"
    ]


def test_the_keys_of_a_pack_are_those_that_its_entries_lead_to_and_no_others(opened: OpenedPack) -> None:
    key_file = next(name for name in sorted(opened.files) if name.startswith(KEYS))
    more, changed = {f"{KEYS}other.json": b"{}"}, {key_file: b"{}"}
    fewer = {name: content for name, content in opened.files.items() if name != key_file}
    for files, where in (
        ({**opened.files, **more}, f"{KEYS}other.json"),
        ({**opened.files, **changed}, key_file),
        (fewer, key_file),
    ):
        notes = Notebook(step=PackStep.REGISTRY)
        check_registry(replace(opened, files=files), replay(opened.entries), notes)
        assert [check.where for check in notes.checks if check.ok is False] == [where]


@pytest.mark.parametrize(("without", "told"), [({2}, "2"), ({2, 3}, "2 to 3")])
def test_statements_of_a_station_that_are_not_in_the_pack_are_named_by_their_numbers(
    opened: OpenedPack, without: set[int], told: str
) -> None:
    left = tuple(entry for entry in opened.entries if number_of(entry) not in without)
    notes = Notebook(step=PackStep.SCANS)
    check_scans(replace(opened, entries=left), replay(left), notes)
    said = f"urn:weaklink:station:bench-4: statements {told} are not in this pack"
    assert said in {check.what for check in notes.checks if check.ok is None}


def enrolled_as(opened: OpenedPack, **other: object) -> OpenedPack:
    """The pack with another enrolment of the bench's key in the place of the one that the log holds."""
    bench = key("bench-4").public.cose_key()
    rows = [(row, cose.parse(row.raw)) for row in opened.entries if row.content_type == KEY_ADD]
    entry, fields = next(
        (row, fields) for row, raw in rows if (fields := cbor.decode(raw.payload or b""))["key"] == bench
    )
    message = cose.parse(entry.raw)
    header = {label: kept for label, kept in message.protected.items() if label not in {cose.ALG, cose.KID}}
    return with_raw(opened, entry, cose.sign(header, cbor.encode(fields | other), key("registrar")))


def test_no_second_enrolment_of_a_key_gives_it_a_place_or_a_custodian_that_its_station_did_not_sign(
    opened: OpenedPack,
) -> None:
    kid = key("bench-4").public.kid
    for other in ({"site": SITES[3]}, {"custodian": CARRIER}, {"step": "courier"}, {"place": "elsewhere"}):
        assert replay(opened.entries).station_key(kid).is_whole
        assert kid not in replay(enrolled_as(opened, **other).entries).keys


def test_a_station_that_signed_its_name_alone_is_named_beside_what_is_known_of_its_key(opened: OpenedPack) -> None:
    proof = make_possession(origin=ORIGIN, station="bench-4", signer=key("bench-4"), sub="urn:uuid:0", iat_s=1)
    for told, said in ((opened, []), (enrolled_as(opened, possession=proof, site=SITES[3]), ["bench-4"])):
        notes = Notebook(step=PackStep.REGISTRY)
        check_registry(told, replay(told.entries), notes)
        named = [check.what.split(": ")[1] for check in notes.checks if "is the registrars' word" in check.what]
        assert (named, notes.clean) == (said, True)


def number_of(entry: PackEntry) -> int | None:
    """The number of a statement of the bench."""
    if entry.content_type != SCAN or cose.parse(entry.raw).kid != key("bench-4").public.kid:
        return None
    number = cose.parse(entry.raw).claims[SEQ]
    assert isinstance(number, int)
    return number


def test_a_pack_is_drawn_up_after_what_it_holds_and_before_its_export_as_far_as_clocks_agree(
    opened: OpenedPack,
) -> None:
    newest_ms = max(int(fields["at_ms"]) for fields in records_of(opened.entries).values())
    sealed_ms = int(open_record(opened.seal.statement, opened.seal.opening).fields["at_ms"])
    for created_ms, holds in (
        (newest_ms - CLOCKS_MS - 1, False),
        (newest_ms - CLOCKS_MS, True),
        (sealed_ms + CLOCKS_MS, True),
        (sealed_ms + CLOCKS_MS + 1, False),
    ):
        notes = Notebook(step=PackStep.RECORDS)
        drawn_up = replace(opened, manifest=replace(opened.manifest, created_ms=created_ms))
        check_records(drawn_up, replay(opened.entries), notes)
        said = "it was drawn up before what it holds was recorded, or after its export was"
        assert (said not in {check.what for check in notes.checks if check.ok is False}) is holds
