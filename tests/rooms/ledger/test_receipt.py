from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.kernel import cbor, cose
from custody.kernel.errors import Rejected
from custody.kernel.keys import ES256, SoftwareSigner, new_signer
from custody.kernel.receipt import INCLUSION, Inclusion, make_receipt, seal_root, sealed_receipt, verify_receipt
from custody.ledger.checkpoint import Checkpoint
from custody.ledger.merkle import leaf_hash
from custody.ledger.receipt import (
    CONSISTENCY,
    Consistency,
    against_checkpoint,
    attach_receipts,
    detach_receipts,
    make_consistency_receipt,
    verify_consistency_receipt,
)
from tests.rooms.ledger.small_world import (
    LOG,
    ORIGIN,
    STRANGER,
    SUB,
    chain,
    flips,
    leaves_of,
    naive_consistency,
    naive_inclusion,
    naive_root,
    refused,
    signer,
)

ISS = f"urn:weaklink:operator:{ORIGIN}"
IAT = 1_790_000_000


def entry(index: int) -> bytes:
    return f"entry {index}".encode()


def head(size: int) -> Checkpoint:
    return Checkpoint(origin=ORIGIN, size=size, root=naive_root(leaves_of(size)))


def receipt(index: int, size: int, *, key: SoftwareSigner = LOG) -> bytes:
    leaves = leaves_of(size)
    path, root = naive_inclusion(index, leaves), naive_root(leaves)
    return make_receipt(size=size, index=index, path=path, root=root, signer=key, iss=ISS, sub=SUB, iat_s=IAT)


def consistency_receipt(old: int, size: int) -> bytes:
    leaves = leaves_of(size)
    path, root = naive_consistency(old, leaves), naive_root(leaves)
    return make_consistency_receipt(
        old_size=old, size=size, path=path, root=root, signer=LOG, iss=ISS, sub=SUB, iat_s=IAT
    )


def proven(raw: bytes, index: int, size: int) -> Inclusion:
    """What a verdict does: the receipt, then the checkpoint."""
    found = verify_receipt(raw, entry(index), LOG.public)
    against_checkpoint(found, head(size))
    return found


def rebuilt(
    raw: bytes,
    *,
    protected: dict[Any, Any] | None = None,
    unprotected: dict[Any, Any] | None = None,
    payload: bytes | None = None,
    root: bytes = b"",
) -> bytes:
    """The receipt with parts replaced, and signed again by the log if the protected header is."""
    message = cose.parse(raw)
    header = message.protected_raw if protected is None else cbor.encode(protected)
    signature = message.signature if protected is None else LOG.sign(cose.sig_structure(header, root))
    holder = dict(message.unprotected) if unprotected is None else unprotected
    return cbor.encode(cbor2.CBORTag(18, [header, holder, payload, signature]))


@pytest.mark.parametrize("size", range(2, 18))
def test_every_leaf_of_a_small_log_has_a_receipt(size: int) -> None:
    for index in range(size):
        assert proven(receipt(index, size), index, size) == Inclusion(
            size=size, index=index, root=head(size).root, issuer=ISS, subject=SUB, iat_s=IAT
        )


@pytest.mark.parametrize("size", range(2, 18))
def test_every_smaller_log_has_a_consistency_receipt(size: int) -> None:
    for old in range(1, size):
        found = verify_consistency_receipt(consistency_receipt(old, size), old, head(old).root, LOG.public)
        assert found == Consistency(old_size=old, size=size, root=head(size).root)
        against_checkpoint(found, head(size))


def test_the_bytes_are_those_of_the_rfc() -> None:
    message = cose.parse(receipt(433, 700))
    assert message.protected == {1: -8, 4: LOG.public.kid, 15: {1: ISS, 2: SUB, 6: IAT}, 395: 1}
    assert message.payload is None
    assert message.protected_raw.endswith(bytes.fromhex("19018b01"))
    assert bytes.fromhex("a119018ca120815901") + b"\x5c" + bytes.fromhex("831902bc1901b18a5820") in message.raw


def test_any_flipped_byte_of_receipt_or_entry_is_refused_against_the_checkpoint() -> None:
    whole = receipt(3, 11)
    for bad in flips(whole):
        refused(proven, bad, 3, 11)
    for bad in flips(entry(3)):
        refused(verify_receipt, whole, bad, LOG.public)


def test_any_flipped_byte_of_a_consistency_receipt_is_refused_against_the_checkpoint() -> None:
    for bad in flips(consistency_receipt(3, 11)):
        refused(
            lambda raw: against_checkpoint(verify_consistency_receipt(raw, 3, head(3).root, LOG.public), head(11)),
            bad,
        )


@pytest.mark.parametrize(("true", "told"), [((3, 2), (2, 1)), ((5, 4), (2, 1)), ((7, 6), (4, 3)), ((3, 0), (4, 0))])
def test_a_relabelled_receipt_verifies_alone_and_fails_against_the_checkpoint(
    true: tuple[int, int], told: tuple[int, int]
) -> None:
    size, index = true
    path = naive_inclusion(index, leaves_of(size))
    proof = cbor.encode([told[0], told[1], path])
    lie = rebuilt(receipt(index, size), unprotected={396: {INCLUSION: [proof]}})
    found = verify_receipt(lie, entry(index), LOG.public)
    assert (found.size, found.index) == told
    refused(against_checkpoint, found, head(size), code="receipt")
    refused(against_checkpoint, found, head(told[0]), code="receipt")


def test_a_receipt_for_another_tree_of_the_same_size_fails_against_the_checkpoint() -> None:
    found = verify_receipt(receipt(3, 11), entry(3), LOG.public)
    other = Checkpoint(origin=ORIGIN, size=11, root=leaf_hash(b"fork"))
    refused(against_checkpoint, found, other, code="receipt")
    refused(against_checkpoint, found, head(12), code="receipt")


def test_there_is_no_receipt_at_size_1() -> None:
    leaf = leaf_hash(entry(0))
    refused(make_receipt, size=1, index=0, path=[], root=leaf, signer=LOG, iss=ISS, sub=SUB, iat_s=IAT, code="receipt")
    seal = seal_root(leaf, LOG, iss=ISS, sub=SUB, iat_s=IAT)
    for size, path in ((1, [leaf]), (2, [])):
        refused(sealed_receipt, seal, size=size, index=0, path=path, code="receipt")
    forced = seal.with_unprotected({396: {INCLUSION: [cbor.encode([1, 0, []])]}}).raw
    refused(verify_receipt, forced, entry(0), LOG.public, code="receipt")


@pytest.mark.parametrize("sizes", [(0, 5), (5, 5), (6, 5)])
def test_consistency_receipts_start_at_a_smaller_tree_that_is_not_empty(sizes: tuple[int, int]) -> None:
    old, size = sizes
    root = head(5).root
    refused(
        make_consistency_receipt,
        old_size=old,
        size=size,
        path=[root],
        root=root,
        signer=LOG,
        iss=ISS,
        sub=SUB,
        iat_s=IAT,
        code="receipt",
    )
    honest = consistency_receipt(3, 11)
    seal = seal_root(root, LOG, iss=ISS, sub=SUB, iat_s=IAT)
    forced = seal.with_unprotected({396: {CONSISTENCY: [cbor.encode([old, size, [root]])]}}).raw
    refused(verify_consistency_receipt, forced, old, root, LOG.public, code="proof")
    refused(
        make_consistency_receipt,
        old_size=3,
        size=11,
        path=[],
        root=root,
        signer=LOG,
        iss=ISS,
        sub=SUB,
        iat_s=IAT,
        code="receipt",
    )
    refused(verify_consistency_receipt, honest, 4, head(4).root, LOG.public, code="receipt")
    refused(verify_consistency_receipt, honest, 3, head(4).root, LOG.public, code="proof")


def test_another_key_is_refused_even_if_it_signed() -> None:
    refused(verify_receipt, receipt(3, 11), entry(3), STRANGER.public, code="signature")
    refused(verify_receipt, receipt(3, 11, key=STRANGER), entry(3), LOG.public, code="signature")


PATH = naive_inclusion(3, leaves_of(11))
GOOD = [11, 3, PATH]


@pytest.mark.parametrize(
    "proof",
    [
        [11, 3],
        [11, 3, PATH, 0],
        {"size": 11},
        [3, 11, PATH],
        [-11, 3, PATH],
        [11, -3, PATH],
        [True, 3, PATH],
        [11, False, PATH],
        [11.0, 3, PATH],
        ["11", 3, PATH],
        [2**64, 3, PATH],
        [11, 3, []],
        [11, 3, PATH[0]],
        [11, 3, [*PATH, PATH[0]]],
        [11, 3, PATH[:-1]],
        [11, 3, [PATH[0][:-1], *PATH[1:]]],
        [11, 3, [[PATH[0]], *PATH[1:]]],
        [11, 3, [5, *PATH[1:]]],
        [11, 3, PATH * 30],
    ],
)
def test_proofs_in_receipts_are_read_strictly(proof: object) -> None:
    bad = rebuilt(receipt(3, 11), unprotected={396: {INCLUSION: [cbor.encode(proof)]}})
    refused(verify_receipt, bad, entry(3), LOG.public)


@pytest.mark.parametrize(
    "unprotected",
    [
        {},
        {396: {}},
        {396: {INCLUSION: []}},
        {396: {INCLUSION: [GOOD]}},
        {396: {INCLUSION: [cbor.encode(GOOD)] * 17}},
        {396: {INCLUSION: [cbor.encode(GOOD), 1]}},
        {396: {INCLUSION: [cbor.encode(GOOD), b"no proof"]}},
        {396: {INCLUSION: cbor.encode(GOOD)}},
        {396: {INCLUSION: {0: cbor.encode(GOOD)}}},
        {396: {INCLUSION: [cbor.encode(GOOD) + b"\0"]}},
        {396: {CONSISTENCY: [cbor.encode(GOOD)]}},
        {396: [cbor.encode(GOOD)]},
        {396.0: {INCLUSION: [cbor.encode(GOOD)]}},
        {396: {-1.0: [cbor.encode(GOOD)]}},
        {-222: {INCLUSION: [cbor.encode(GOOD)]}},
    ],
)
def test_the_unprotected_header_holds_some_whole_proofs_of_the_kind_asked_for(unprotected: dict[Any, Any]) -> None:
    refused(verify_receipt, rebuilt(receipt(3, 11), unprotected=unprotected), entry(3), LOG.public)


def test_one_of_several_proofs_under_a_root_that_holds_is_enough() -> None:
    leaves = leaves_of(11)
    proofs = [cbor.encode([11, index, naive_inclusion(index, leaves)]) for index in (0, 3, 7)]
    several = rebuilt(receipt(3, 11), unprotected={396: {INCLUSION: proofs}})
    assert [proven(several, index, 11).index for index in (0, 3, 7)] == [0, 3, 7]
    refused(verify_receipt, several, entry(4), LOG.public, code="signature")
    steps = [cbor.encode([old, 11, naive_consistency(old, leaves)]) for old in (3, 4)]
    grown = rebuilt(consistency_receipt(3, 11), unprotected={396: {CONSISTENCY: steps}})
    for old in (3, 4):
        found = verify_consistency_receipt(grown, old, head(old).root, LOG.public)
        assert found == Consistency(old_size=old, size=11, root=head(11).root)
    refused(verify_consistency_receipt, grown, 5, head(5).root, LOG.public, code="receipt")


@pytest.mark.parametrize(
    "beside",
    [{4: b"hint"}, {99: 1, "further": [1]}, {270: b"token"}, {33: b"certificate"}],
)
def test_what_stands_beside_the_proof_says_nothing_as_rfc_9942_lets_it_stand_there(beside: dict[Any, Any]) -> None:
    proofs = {INCLUSION: [cbor.encode(GOOD)], CONSISTENCY: [b"no proof"], "further": 1}
    other = rebuilt(receipt(3, 11), unprotected={396: proofs, **beside}, protected={1: -8, 395: 1}, root=head(11).root)
    assert proven(other, 3, 11).index == 3


KID, CLAIMS = LOG.public.kid, {1: ISS, 2: SUB, 6: IAT}


@pytest.mark.parametrize(
    "protected",
    [
        {1: -8, 4: KID, 15: CLAIMS},
        {1: -8, 4: KID, 15: CLAIMS, 395: 2},
        {1: -8, 4: KID, 15: CLAIMS, 395: True},
        {1: -8, 4: KID, 15: CLAIMS, 395: [1]},
        {1: -8, 4: "kid", 15: CLAIMS, 395: 1},
        {1: -8, 4: KID, 15: {1: 7, 2: SUB, 6: IAT}, 395: 1},
        {1: -8, 4: KID, 15: {1: ISS, 2: SUB, 6: "now"}, 395: 1},
        {1: -8, 4: KID, 15: {1: ISS, 2: SUB, 6: True}, 395: 1},
        {1: -8, 4: KID, 15: {1: ISS, 2: b"sub"}, 395: 1},
        {1: -8, 2: [99], 4: KID, 15: CLAIMS, 99: 1, 395: 1},
        {1: -7, 4: KID, 15: CLAIMS, 395: 1},
    ],
)
def test_what_the_protected_header_must_say_is_read_strictly_even_if_signed(protected: dict[Any, Any]) -> None:
    bad = rebuilt(receipt(3, 11), protected=protected, root=head(11).root)
    refused(verify_receipt, bad, entry(3), LOG.public)


@pytest.mark.parametrize(
    ("protected", "told"),
    [
        ({1: -8, 4: KID, 15: {1: ISS, 2: SUB}, 395: 1}, (ISS, SUB, None)),
        ({1: -8, 15: {1: ISS, 2: SUB}, 395: 1}, (ISS, SUB, None)),
        ({1: -19, 4: KID, 15: CLAIMS, 395: 1}, (ISS, SUB, IAT)),
        ({1: -8, 4: KID, 15: {1: ISS, 2: SUB, 6: 1.5}, 395: 1}, (ISS, SUB, 1.5)),
        ({1: -8, 4: KID, 15: {1: ISS, 2: SUB, 6: IAT, 7: b"id", "further": [1]}, 395: 1}, (ISS, SUB, IAT)),
        ({1: -8, 3: "a/b", 4: KID, 15: CLAIMS, 395: 1, "further": {1: 2}}, (ISS, SUB, IAT)),
        ({1: -8, 4: b"", 15: CLAIMS, 395: 1}, (ISS, SUB, IAT)),
        ({1: -8, 4: b"log-key-2", 15: CLAIMS, 395: 1}, (ISS, SUB, IAT)),
        ({1: -8, 4: STRANGER.public.kid, 15: {2: SUB}, 395: 1}, (None, SUB, None)),
        ({1: -8, 4: KID, 13: CLAIMS, 395: 1}, (None, None, None)),
        ({1: -8, 395: 1}, (None, None, None)),
    ],
)
def test_receipts_of_others_need_no_more_than_rfc_9942_asks_for(
    protected: dict[Any, Any], told: tuple[str | None, str | None, float | None]
) -> None:
    other = rebuilt(receipt(3, 11), protected=protected, root=head(11).root)
    found = proven(other, 3, 11)
    assert (found.index, found.size, found.root) == (3, 11, head(11).root)
    assert (found.issuer, found.subject, found.iat_s) == told
    refused(verify_receipt, resaid(other, {**protected, 15: {2: "another"}}), entry(3), LOG.public, code="signature")
    refused(verify_receipt, other, entry(3), STRANGER.public, code="signature")


@pytest.mark.parametrize("critical", [[395], [1, 4, 15, 395], [15]])
def test_a_receipt_may_say_that_labels_must_be_understood_that_are(critical: list[Any]) -> None:
    """RFC 9052 section 3.1; what is read of it stays the same."""
    whole = receipt(3, 11)
    protected = {**cose.parse(whole).protected, cose.CRIT: critical}
    assert proven(rebuilt(whole, protected=protected, root=head(11).root), 3, 11) == proven(whole, 3, 11)
    grown = rebuilt(consistency_receipt(3, 11), protected=protected, root=head(11).root)
    assert verify_consistency_receipt(grown, 3, head(3).root, LOG.public).root == head(11).root


@pytest.mark.parametrize(
    ("critical", "why"),
    [
        ([], "the list is empty"),
        (395, "it is no list"),
        ({395: 1}, "it is a map"),
        ([395, 16], "label 16 is not there"),
        ([395, 9999], "label 9999 is there and means nothing to us"),
        (["395"], "a text is another label than the number"),
        ([True], "true is no label"),
        ([395.0], "neither is a float"),
        ([[395]], "nor a list"),
        ([2], "the list itself is not read by the list"),
    ],
)
def test_a_receipt_that_wants_more_understood_is_refused(critical: object, why: str) -> None:
    whole = receipt(3, 11)
    protected = {**cose.parse(whole).protected, 9999: "new", cose.CRIT: critical}
    refused(verify_receipt, rebuilt(whole, protected=protected, root=head(11).root), entry(3), LOG.public, code="cose")
    assert why


def resaid(raw: bytes, protected: dict[Any, Any]) -> bytes:
    """The receipt with other words under its old signature."""
    message = cose.parse(raw)
    header = cbor.encode(protected)
    return cbor.encode(cbor2.CBORTag(18, [header, dict(message.unprotected), None, message.signature]))


def test_a_root_that_is_carried_along_is_refused() -> None:
    refused(verify_receipt, rebuilt(receipt(3, 11), payload=head(11).root), entry(3), LOG.public, code="receipt")


def test_a_statement_is_no_receipt() -> None:
    refused(verify_receipt, chain(LOG, 1)[0], entry(3), LOG.public, code="receipt")


@given(st.binary(max_size=80))
def test_no_bytes_make_the_receipt_parsers_raise_anything_but_rejected(raw: bytes) -> None:
    refused(verify_receipt, raw, b"entry", LOG.public)
    refused(verify_consistency_receipt, raw, 1, head(1).root, LOG.public)
    refused(detach_receipts, raw)


@given(st.integers(0, 300), st.binary(max_size=3), st.integers(0, 3))
def test_a_mutated_receipt_is_refused_or_proves_the_same(at: int, put: bytes, cut: int) -> None:
    whole = receipt(3, 11)
    try:
        found = proven(whole[:at] + put + whole[at + cut :], 3, 11)
    except Rejected:
        return
    assert found == proven(whole, 3, 11)


@pytest.mark.parametrize("key", [signer(40), new_signer(ES256)], ids=["Ed25519", "ES256"])
def test_one_seal_of_a_station_serves_every_scan_of_its_batch(key: SoftwareSigner) -> None:
    leaves = leaves_of(256)
    seal = seal_root(naive_root(leaves), key, iss="urn:weaklink:station:bench-07", sub=SUB, iat_s=IAT)
    signatures = set()
    for index in (0, 1, 100, 255):
        raw = sealed_receipt(seal, size=256, index=index, path=naive_inclusion(index, leaves))
        assert verify_receipt(raw, entry(index), key.public).index == index
        signatures.add(cose.parse(raw).signature)
    assert signatures == {seal.signature}
    refused(sealed_receipt, seal, size=1, index=0, path=[], code="receipt")
    refused(seal_root, b"short", key, iss=ISS, sub=SUB, iat_s=IAT, code="receipt")


def test_a_transparent_statement_gives_back_the_entry_and_its_receipts() -> None:
    statement, receipts = chain(signer(41), 1)[0], (receipt(3, 11), receipt(3, 12))
    transparent = attach_receipts(statement, receipts)
    assert cose.parse(transparent).digest == cose.parse(statement).digest
    assert detach_receipts(transparent) == (statement, receipts)


@pytest.mark.parametrize("held", [{}, {394: []}, {394: b"x"}, {394: {b"x": 1}}, {394: [1]}, {394: [b"x"], 99: 1}])
def test_a_transparent_statement_holds_receipts_and_nothing_else_unprotected(held: dict[int, Any]) -> None:
    raw = cose.parse(chain(signer(41), 1)[0]).with_unprotected(held).raw
    refused(detach_receipts, raw, code="cose")
