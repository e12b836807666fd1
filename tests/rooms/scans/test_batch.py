"""One signature over many scans; each of them stands alone, and nothing else passes for one."""

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.kernel import cbor, cose
from custody.kernel.errors import Rejected
from custody.kernel.keys import ES256, SoftwareSigner, new_signer
from custody.kernel.merkle import SmallTree
from custody.kernel.receipt import INCLUSION, seal_root, sealed_receipt
from custody.scans.batch import (
    BATCH,
    Batch,
    BatchedScan,
    HandedScan,
    check_seal,
    give_receipt,
    make_batch,
    open_batch,
    open_leaf,
    read_batch,
    seal_batch,
    verify_leaf,
    verify_scan,
)
from custody.scans.leaf import Leaf, make_captured_leaf, make_leaf, name_leaf
from custody.scans.scan import CAPTURED, OPENING_LIMIT_BYTES, STATEMENT_LIMIT_BYTES, Scan

Bytes = Callable[..., bytes]
STATION = "bench-07"
ISS = f"urn:weaklink:station:{STATION}"
SUBJECT = "urn:uuid:00000000-0000-4000-8000-00000000000b"
SHIPMENT = "urn:uuid:00000000-0000-4000-8000-0000000000{:02x}"
PREV = b"\4" * 32
FIRST, MADE_S = 5, 1_778_483_640
WITHOUT = object()


def salt(number: int) -> bytes:
    return hashlib.sha256(f"salt {number}".encode()).digest()


class Bench:
    """A station's batch of `count` scans, with everything that belongs to it."""

    def __init__(self, event: bytes, signer: SoftwareSigner, *, count: int = 5, first: int = FIRST) -> None:
        self.signer = signer
        made = [
            make_leaf(event, station=STATION, subject=SHIPMENT.format(at), seq=first + at, salt=salt(at))
            for at in range(count)
        ]
        self.leaves = [leaf for leaf, _ in made]
        self.openings = [opening for _, opening in made]
        prev = PREV if first > 1 else None
        self.statement = make_batch(self.leaves, subject=SUBJECT, prev=prev, iat_s=MADE_S, signer=signer)
        self.seal = seal_batch(read_batch(self.statement), signer)

    @property
    def items(self) -> list[HandedScan]:
        return [
            HandedScan(subject=leaf.subject, content_type=leaf.content_type, opening=opening)
            for leaf, opening in zip(self.leaves, self.openings, strict=True)
        ]

    def open(self) -> Batch:
        return open_batch(self.statement, self.items)

    def receipt(self, at: int) -> bytes:
        return give_receipt(self.open().tree, at, self.seal)

    def alone(self, at: int) -> tuple[bytes, bytes, bytes, bytes]:
        return self.statement, self.leaves[at].raw, self.openings[at], self.receipt(at)


@pytest.fixture(scope="module")
def bench(event_bytes: Bytes, signer: SoftwareSigner) -> Bench:
    """Lend a batch of five."""
    return Bench(event_bytes(), signer)


def refused(act: Callable[..., Any], *values: Any, code: str | None = None, **named: Any) -> None:
    with pytest.raises(Rejected) as caught:
        act(*values, **named)
    assert code is None or caught.value.code == code, caught.value


@pytest.mark.parametrize("seq", [1, 23, 24, 255, 256, 65_536, 2**32, 2**62])
@pytest.mark.parametrize("subject", ["s", "x" * 23, "x" * 24, "x" * 200, "Päckchen"])
def test_a_leaf_is_the_deterministic_array_of_its_members(seq: int, subject: str) -> None:
    leaf = name_leaf(station=STATION, subject=subject, seq=seq, content_type=CAPTURED, commitment=salt(1))
    assert leaf.raw == cbor.encode([ISS, subject, seq, CAPTURED, salt(1)])


@pytest.mark.parametrize("count", [2, 3, 5, 8, 100, 255, 256])
def test_a_batch_opens_whole_and_each_of_its_scans_stands_alone(
    event_bytes: Bytes, signer: SoftwareSigner, count: int
) -> None:
    bench = Bench(event_bytes(), signer, count=count)
    batch = bench.open()
    batch.statement.message.verify(signer.public)
    check_seal(batch, bench.seal, signer.public)
    assert (batch.statement.first, batch.statement.last, batch.statement.count) == (FIRST, FIRST + count - 1, count)
    assert list(batch.leaves) == bench.leaves
    for at in {0, 1, count // 2, count - 1}:
        alone = verify_scan(*bench.alone(at), signer.public)
        assert alone == batch.scans[at]
        assert (alone.seq, alone.position, alone.subject) == (FIRST + at, at, SHIPMENT.format(at))
        assert (alone.station, alone.iat_s, alone.event.raw) == (STATION, MADE_S, event_bytes())


def test_es256_stations_make_batches_too(event_bytes: Bytes) -> None:
    signer = new_signer(ES256)
    bench = Bench(event_bytes(), signer)
    assert verify_scan(*bench.alone(3), signer.public).seq == FIRST + 3


def test_a_scan_of_a_batch_is_a_scan_under_its_leafs_name(bench: Bench) -> None:
    batch = bench.open()
    scans = [scan for scan in batch.scans if isinstance(scan, BatchedScan)]
    assert all(isinstance(scan, Scan) for scan in scans)
    assert [scan.digest for scan in scans] == [leaf.digest for leaf in bench.leaves]
    assert {scan.entry for scan in scans} == {bench.statement}
    assert [scan.salt for scan in scans] == [salt(at) for at in range(5)]
    assert [scan.prev for scan in scans] == [PREV, *[batch.statement.digest] * 4]


def test_the_log_sees_nothing_of_the_events(bench: Bench) -> None:
    shipments = [SHIPMENT.format(at).encode() for at in range(5)]
    for secret in (b"195214730000088169", b"0010170048", b"35693803", b"S-0088213", salt(0), *shipments):
        assert secret not in bench.statement
        assert secret not in bench.seal


def test_the_first_statement_of_a_station_may_be_a_batch(event_bytes: Bytes, signer: SoftwareSigner) -> None:
    batch = Bench(event_bytes(), signer, first=1).open()
    assert (batch.statement.first, batch.statement.prev) == (1, None)


def test_what_stands_in_the_unprotected_header_is_dropped_before_it_is_logged(bench: Bench) -> None:
    dressed = cose.parse(bench.statement).with_unprotected({394: [b"receipt"], 9999: "note"}).raw
    assert read_batch(dressed).message.raw == bench.statement
    assert read_batch(dressed).digest == read_batch(bench.statement).digest


def test_scans_and_captured_events_may_stand_in_one_batch(event_bytes: Bytes, signer: SoftwareSigner) -> None:
    facts: dict[str, Any] = {"station": STATION, "subject": SUBJECT}
    own, own_opening = make_leaf(event_bytes(), seq=1, salt=salt(1), **facts)
    other, other_opening = make_captured_leaf(event_bytes(), {}, seq=2, salt=salt(2), **facts)
    statement = make_batch([own, other], subject=SUBJECT, prev=None, iat_s=MADE_S, signer=signer)
    items = [
        HandedScan(subject=leaf.subject, content_type=leaf.content_type, opening=opening)
        for leaf, opening in ((own, own_opening), (other, other_opening))
    ]
    scans = open_batch(statement, items).scans
    assert [isinstance(scan, BatchedScan) and scan.content_type == CAPTURED for scan in scans] == [False, True]
    swapped = [items[0], HandedScan(subject=SUBJECT, content_type=own.content_type, opening=other_opening)]
    refused(open_batch, statement, swapped, code="opening")


# What is signed.


@pytest.mark.parametrize("count", [0, 1, 257])
def test_a_batch_holds_two_to_256_scans(event_bytes: Bytes, signer: SoftwareSigner, count: int) -> None:
    leaves = [
        make_leaf(event_bytes(), station=STATION, subject="s", seq=1 + at, salt=salt(at))[0] for at in range(count)
    ]
    refused(make_batch, leaves, subject=SUBJECT, prev=None, iat_s=1, signer=signer, code="batch")


@pytest.mark.parametrize("order", [[0, 2], [1, 0], [0, 0], [0, 1, 3]])
def test_the_numbers_of_a_batch_follow_each_other(bench: Bench, order: Sequence[int]) -> None:
    leaves = [bench.leaves[at] for at in order]
    refused(make_batch, leaves, subject=SUBJECT, prev=PREV, iat_s=1, signer=bench.signer, code="batch")


def test_a_batch_is_one_stations_and_no_two_scans_have_one_opening(bench: Bench, event_bytes: Bytes) -> None:
    def second(**changes: Any) -> Leaf:
        facts = {"station": STATION, "subject": "s", "seq": FIRST + 1, "salt": salt(1), **changes}
        return make_leaf(event_bytes(), **facts)[0]

    more: dict[str, Any] = {"subject": SUBJECT, "prev": PREV, "iat_s": 1, "signer": bench.signer}
    make_batch([bench.leaves[0], second()], **more)
    for wrong in (second(station="bench-08"), second(salt=salt(0))):
        refused(make_batch, [bench.leaves[0], wrong], code="batch", **more)


@pytest.mark.parametrize(
    "changes",
    [{"subject": ""}, {"subject": "urn:gsma:imei:35693803-564380-0"}, {"prev": None}, {"prev": b"x"}, {"iat_s": -1}],
)
def test_nothing_is_signed_that_would_not_open(bench: Bench, changes: dict[str, Any]) -> None:
    facts: dict[str, Any] = {"subject": SUBJECT, "prev": PREV, "iat_s": 1, "signer": bench.signer}
    refused(make_batch, bench.leaves, code="batch", **{**facts, **changes})


def signed(signer: SoftwareSigner, root: bytes, header: dict[Any, Any], claims: dict[Any, Any], **more: Any) -> bytes:
    """A statement by hand, with members changed or left out."""
    base: dict[Any, Any] = {1: ISS, 2: SUBJECT, 6: MADE_S, "seq": FIRST, "count": 5, "prev": PREV}
    whole: dict[Any, Any] = {3: BATCH, **header}
    whole[15] = {name: value for name, value in {**base, **claims}.items() if value is not WITHOUT}
    return cose.sign({label: value for label, value in whole.items() if value is not WITHOUT}, root, signer, **more)


@pytest.mark.parametrize(
    ("header", "claims"),
    [
        ({3: WITHOUT}, {}),
        ({3: "application/vnd.weaklink.scan+epcis"}, {}),
        ({3: 60}, {}),
        ({258: -16}, {}),
        ({259: BATCH}, {}),
        ({3: WITHOUT, 258: -16, 259: BATCH}, {}),
        ({395: 1}, {}),
        ({16: "application/x"}, {}),
        ({"text": 1}, {}),
        ({4: b""}, {}),
        ({4: b"short"}, {}),
        ({}, {1: WITHOUT}),
        ({}, {1: "urn:weaklink:operator:origin"}),
        ({}, {1: "urn:weaklink:station:a/b"}),
        ({}, {1: 5}),
        ({}, {2: WITHOUT}),
        ({}, {2: ""}),
        ({}, {2: "s" * 201}),
        ({}, {2: "https://id.gs1.org/00/195214730000088169"}),
        ({}, {6: WITHOUT}),
        ({}, {6: -1}),
        ({}, {6: True}),
        ({}, {6: 10**15}),
        ({}, {"seq": WITHOUT}),
        ({}, {"seq": 0}),
        ({}, {"seq": True}),
        ({}, {"seq": 1}),
        ({}, {"seq": 2**63 - 4}),
        ({}, {"prev": WITHOUT}),
        ({}, {"prev": None}),
        ({}, {"prev": b"short"}),
        ({}, {"seq": 1, "prev": None}),
        ({}, {"count": WITHOUT}),
        ({}, {"count": 0}),
        ({}, {"count": 1}),
        ({}, {"count": 257}),
        ({}, {"count": True}),
        ({}, {"count": 5.0}),
        ({}, {"count": "5"}),
        ({}, {"other": 1}),
        ({}, {7: b"id"}),
    ],
)
def test_a_statement_of_another_form_is_refused(bench: Bench, header: dict[Any, Any], claims: dict[Any, Any]) -> None:
    root = read_batch(bench.statement).root
    assert signed(bench.signer, root, {}, {}) == bench.statement
    refused(read_batch, signed(bench.signer, root, header, claims))


@pytest.mark.parametrize("payload", [b"", b"\0" * 31, b"\0" * 33])
def test_a_payload_that_is_no_root_is_refused(bench: Bench, payload: bytes) -> None:
    refused(read_batch, signed(bench.signer, payload, {}, {}), code="batch")


def test_a_detached_root_is_refused(bench: Bench) -> None:
    refused(read_batch, signed(bench.signer, read_batch(bench.statement).root, {}, {}, detached=True), code="batch")


def test_a_plain_scan_a_seal_and_a_receipt_are_no_batch(bench: Bench, make: Callable[..., Scan]) -> None:
    for other in (make().entry, bench.seal, bench.receipt(0)):
        refused(read_batch, other, code="batch")


def test_statements_that_are_too_long_or_of_two_spellings_are_refused(bench: Bench) -> None:
    refused(read_batch, b"\0" * (STATEMENT_LIMIT_BYTES + 1), code="too_large")
    refused(read_batch, bench.statement + b"\0", code="cbor")
    refused(read_batch, b"\xd8\x12" + bench.statement[1:], code="cbor")


# What comes with it.


def test_every_opening_must_come_and_in_its_order(bench: Bench) -> None:
    items = bench.items
    refused(open_batch, bench.statement, items[:-1], code="batch")
    refused(open_batch, bench.statement, [*items, items[0]], code="batch")
    refused(open_batch, bench.statement, [items[1], items[0], *items[2:]], code="opening")
    refused(open_batch, bench.statement, [*items[:4], items[0]], code="opening")


@pytest.mark.parametrize("member", ["subject", "content_type", "opening"])
def test_an_item_with_another_member_is_refused(bench: Bench, member: str) -> None:
    items = bench.items
    changes = {"subject": "other", "content_type": CAPTURED, "opening": items[2].opening + b" "}
    facts = {name: getattr(items[2], name) for name in changes}
    facts[member] = changes[member]
    refused(open_batch, bench.statement, [*items[:2], HandedScan(**facts), *items[3:]], code="opening")


def rebatch(
    signer: SoftwareSigner, openings: Sequence[bytes], content_type: str = ""
) -> tuple[bytes, list[HandedScan]]:
    """A batch by a station that checks nothing."""
    kind = content_type or "application/vnd.weaklink.scan+epcis"
    items = [HandedScan(subject="s", content_type=kind, opening=opening) for opening in openings]
    raws = [
        cbor.encode([ISS, "s", FIRST + at, kind, hashlib.sha256(opening).digest()])
        for at, opening in enumerate(openings)
    ]
    root = SmallTree.of(hashlib.sha256(b"\0" + raw).digest() for raw in raws).root
    return signed(signer, root, {}, {"count": len(openings)}), items


def test_two_openings_under_one_salt_are_refused(signer: SoftwareSigner, event_bytes: Bytes) -> None:
    openings = [salt(0) + event_bytes(), salt(0) + event_bytes(action="ADD")]
    refused(open_batch, *rebatch(signer, openings), code="opening")
    openings[1] = salt(1) + openings[1][32:]
    assert len(open_batch(*rebatch(signer, openings)).scans) == 2


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", json.dumps({"type": "ObjectEvent"}).encode(), b" " * 200_000])
def test_an_opening_without_an_event_takes_its_number_and_hides_no_other(
    signer: SoftwareSigner, event_bytes: Bytes, content: bytes
) -> None:
    openings = [salt(0) + event_bytes(), salt(1) + content, salt(2) + event_bytes()]
    assert len(content) < 200_000 or len(openings[1]) > OPENING_LIMIT_BYTES
    statement, items = rebatch(signer, openings)
    batch = open_batch(statement, items)
    assert [isinstance(scan, BatchedScan) for scan in batch.scans] == [True, False, True]
    seal = seal_batch(batch.statement, signer)
    for at in (0, 2):
        alone = verify_scan(
            statement, batch.leaves[at].raw, openings[at], give_receipt(batch.tree, at, seal), signer.public
        )
        assert alone == batch.scans[at]
    assert verify_leaf(statement, batch.leaves[1].raw, give_receipt(batch.tree, 1, seal), signer.public)
    refused(verify_scan, statement, batch.leaves[1].raw, openings[1], give_receipt(batch.tree, 1, seal), signer.public)


# One scan alone.


def test_a_leaf_stands_without_its_opening(bench: Bench) -> None:
    statement, leaf, _, receipt = bench.alone(4)
    batch, read = verify_leaf(statement, leaf, receipt, bench.signer.public)
    assert (batch.digest, read) == (read_batch(statement).digest, bench.leaves[4])
    refused(open_leaf, batch, read, bench.openings[3], code="opening")
    assert open_leaf(batch, read, bench.openings[4]) == bench.open().scans[4]


def test_every_part_must_be_the_right_one(bench: Bench, event_bytes: Bytes) -> None:
    key = bench.signer.public
    statement, leaf, opening, receipt = bench.alone(2)
    other = Bench(event_bytes(action="ADD"), bench.signer)
    for wrong in (
        (other.statement, leaf, opening, receipt),
        (statement, bench.leaves[1].raw, opening, receipt),
        (statement, leaf, bench.openings[1], receipt),
        (statement, leaf, opening, bench.receipt(1)),
        (statement, leaf, opening, other.receipt(2)),
    ):
        refused(verify_scan, *wrong, key)
    refused(verify_scan, statement, leaf, opening, receipt, new_signer().public, code="signature")


@given(part=st.sampled_from([0, 1, 2, 3]), place=st.integers(0, 2_000), bit=st.integers(0, 7))
@settings(max_examples=60, deadline=None)
def test_one_flipped_bit_anywhere_is_refused(bench: Bench, part: int, place: int, bit: int) -> None:
    parts = list(bench.alone(1))
    changed = bytearray(parts[part])
    changed[place % len(changed)] ^= 1 << bit
    parts[part] = bytes(changed)
    refused(verify_scan, *parts, bench.signer.public)


@pytest.mark.parametrize(("size", "index"), [(4, 3), (5, 3), (6, 4), (8, 4), (5, 0)])
def test_a_receipt_relabelled_with_another_size_or_index_is_refused(bench: Bench, size: int, index: int) -> None:
    statement, leaf, opening, receipt = bench.alone(4)
    message = cose.parse(receipt)
    path = cbor.decode(message.unprotected[396][INCLUSION][0])[2]
    lie = message.with_unprotected({396: {INCLUSION: [cbor.encode([size, index, path])]}}).raw
    refused(verify_scan, statement, leaf, opening, lie, bench.signer.public)


def test_a_root_signed_for_another_count_is_refused(bench: Bench) -> None:
    _, leaf, opening, receipt = bench.alone(4)
    for count in (4, 6):
        statement = signed(bench.signer, read_batch(bench.statement).root, {}, {"count": count})
        refused(verify_scan, statement, leaf, opening, receipt, bench.signer.public)


def test_a_leaf_under_the_root_at_the_wrong_number_is_refused(signer: SoftwareSigner, event_bytes: Bytes) -> None:
    """Someone signs a tree whose leaves name other numbers than their places."""
    leaves = [
        make_leaf(event_bytes(), station=STATION, subject="s", seq=FIRST + at, salt=salt(at))[0] for at in (1, 0, 7)
    ]
    tree = SmallTree.of(leaf.digest for leaf in leaves)
    statement = signed(signer, tree.root, {}, {"count": 3})
    seal = seal_batch(read_batch(statement), signer)
    for at, leaf in enumerate(leaves):
        refused(verify_leaf, statement, leaf.raw, give_receipt(tree, at, seal), signer.public)


@pytest.mark.parametrize("changes", [{"iss": f"{ISS}x"}, {"sub": "other"}, {"iat_s": MADE_S + 1}])
def test_a_receipt_in_another_name_is_refused(bench: Bench, changes: dict[str, Any]) -> None:
    statement, leaf, opening, _ = bench.alone(2)
    batch = bench.open()
    facts: dict[str, Any] = {"iss": ISS, "sub": SUBJECT, "iat_s": MADE_S, **changes}
    seal = seal_root(batch.tree.root, bench.signer, **facts)
    receipt = sealed_receipt(seal, size=5, index=2, path=batch.tree.path(2))
    refused(verify_scan, statement, leaf, opening, receipt, bench.signer.public, code="receipt")
    refused(check_seal, batch, seal.raw, bench.signer.public, code="receipt")


def test_another_stations_leaf_is_refused(bench: Bench, event_bytes: Bytes) -> None:
    leaf = make_leaf(event_bytes(), station="bench-08", subject="s", seq=FIRST, salt=salt(0))[0]
    refused(verify_leaf, bench.statement, leaf.raw, bench.receipt(0), bench.signer.public, code="batch")


# The seal.


def test_a_seal_by_another_key_or_over_another_root_is_refused(bench: Bench, event_bytes: Bytes) -> None:
    batch, stranger = bench.open(), new_signer(seed=b"\7" * 32)
    other = Bench(event_bytes(action="ADD"), bench.signer)
    for seal in (seal_batch(batch.statement, stranger), other.seal):
        refused(check_seal, batch, seal, bench.signer.public, code="signature")


def test_a_seal_that_is_a_receipt_or_a_statement_is_refused(bench: Bench) -> None:
    batch = bench.open()
    for seal in (bench.receipt(0), bench.statement, cose.parse(bench.seal).with_unprotected({9: 1}).raw):
        refused(check_seal, batch, seal, bench.signer.public)


@pytest.mark.parametrize(
    ("labels", "claims"),
    [({}, {7: "a name"}), ({"note": "a name"}, {}), ({3: "a/b"}, {}), ({4: None}, {}), ({}, {6: None})],
)
def test_a_seal_says_no_more_and_no_less_than_receipts_of_ours(
    bench: Bench, labels: dict[Any, Any], claims: dict[Any, Any]
) -> None:
    """It is never erased, so nobody's name may hide in it; RFC 9942 would let others add labels and claims."""
    batch, ours = bench.open(), cose.parse(bench.seal)
    said = {label: value for label, value in {**ours.claims, **claims}.items() if value is not None}
    header = {**ours.protected, 15: said, **labels}
    raw = cbor.encode({label: value for label, value in header.items() if value is not None})
    signature = bench.signer.sign(cose.sig_structure(raw, batch.tree.root))
    refused(check_seal, batch, cose._assemble(raw, {}, None, signature), bench.signer.public, code="batch")
