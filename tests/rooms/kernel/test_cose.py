"""COSE_Sign1: what was signed is what is verified, and nothing but Rejected for anything else."""

import hashlib
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.kernel import cbor, cose
from custody.kernel.errors import Rejected
from custody.kernel.keys import ES256, P256_ORDER, new_signer

SIGNERS = {"ed25519": new_signer(seed=b"\1" * 32), "es256": new_signer(ES256)}
SIGNER = SIGNERS["ed25519"]
HEADER = {cose.CWT_CLAIMS: {cose.ISS: "urn:example:a", cose.SUB: "urn:example:b"}, cose.CONTENT_TYPE: "text/plain"}
STATEMENT = cose.sign(HEADER, b"payload", SIGNER)


def message(protected: Any, unprotected: Any = None, payload: Any = b"p", signature: Any = b"s" * 64) -> bytes:
    """A tag-18 message with any parts."""
    raw = protected if isinstance(protected, bytes) else cbor.encode(protected)
    return cbor.encode(cbor2.CBORTag(18, [raw, {} if unprotected is None else unprotected, payload, signature]))


@pytest.mark.parametrize("name", SIGNERS)
def test_a_signed_message_parses_verifies_and_keeps_its_bytes(name: str) -> None:
    raw = cose.sign(HEADER, b"payload", SIGNERS[name])
    parsed = cose.parse(raw)
    parsed.verify(SIGNERS[name].public)
    assert parsed.raw == raw
    assert parsed.payload == b"payload"
    assert parsed.kid == SIGNERS[name].public.kid
    assert parsed.claims == HEADER[cose.CWT_CLAIMS]
    assert parsed.digest == hashlib.sha256(cose.sig_structure(parsed.protected_raw, b"payload")).digest()


def test_the_protected_header_of_others_may_have_its_labels_in_any_order() -> None:
    labels = [(cose.KID, SIGNER.public.kid), (cose.CONTENT_TYPE, "text/plain"), (cose.ALG, SIGNER.public.alg)]
    header = cbor.head(5, len(labels)) + b"".join(cbor.encode(label) + cbor.encode(value) for label, value in labels)
    raw = message(header, signature=SIGNER.sign(cose.sig_structure(header, b"p")))
    parsed = cose.parse(raw)
    parsed.verify(SIGNER.public)
    assert (parsed.raw, parsed.protected_raw, parsed.protected) == (raw, header, dict(labels))


def test_a_time_in_the_protected_header_of_others_may_be_a_long_float() -> None:
    """As cbor2 writes every float unless asked for canonical bytes, and the cwt package with it."""
    header = cbor2.dumps({cose.ALG: SIGNER.public.alg, cose.CWT_CLAIMS: {cose.IAT: 1_790_000_000.0}})
    assert b"\xfb" in header
    raw = message(header, signature=SIGNER.sign(cose.sig_structure(header, b"p")))
    cose.parse(raw).verify(SIGNER.public)
    assert cose.parse(raw).claims == {cose.IAT: 1_790_000_000.0}


def test_the_unprotected_header_of_others_may_have_its_labels_in_any_order() -> None:
    """As in the countersigned examples of the COSE working group; what becomes an entry has one spelling."""
    held = b"\xa2" + cbor.encode(cose.RECEIPTS) + cbor.encode([b"receipt"]) + cbor.encode(11) + cbor.encode([b"\xa0"])
    parsed = cose.parse(STATEMENT.replace(b"\xa0" + cbor.encode(b"payload"), held + cbor.encode(b"payload")))
    parsed.verify(SIGNER.public)
    assert parsed.unprotected == {cose.RECEIPTS: [b"receipt"], 11: [b"\xa0"]}
    assert parsed.with_unprotected({}).raw == STATEMENT


@given(st.binary(max_size=300), st.binary(max_size=300), st.binary(max_size=300))
def test_the_signed_bytes_are_the_sig_structure_of_rfc_9052(protected: bytes, payload: bytes, external: bytes) -> None:
    assert cose.sig_structure(protected, payload) == cbor.encode(["Signature1", protected, b"", payload])
    with_external = cbor.encode(["Signature1", protected, external, payload])
    assert cose.sig_structure(protected, payload, external=external) == with_external


@pytest.mark.parametrize("detached", [None, b"p"])
def test_external_data_that_were_signed_too_must_be_supplied_and_right(detached: bytes | None) -> None:
    """RFC 9052 section 4.4; no data and data of no bytes are the same."""
    header = cbor.encode({cose.ALG: SIGNER.public.alg, cose.KID: SIGNER.public.kid})
    signed = cbor.encode(["Signature1", header, b"external", b"p"])
    payload = b"p" if detached is None else None
    raw = cbor.encode(cbor2.CBORTag(18, [header, {}, payload, SIGNER.sign(signed)]))
    parsed = cose.parse(raw)
    parsed.verify(SIGNER.public, detached=detached, external=b"external")
    for external in (b"", b"others"):
        with pytest.raises(Rejected):
            parsed.verify(SIGNER.public, detached=detached, external=external)
    cose.parse(STATEMENT).verify(SIGNER.public, external=b"")
    with pytest.raises(Rejected):
        cose.parse(STATEMENT).verify(SIGNER.public, external=b"external")


@given(st.integers(min_value=0, max_value=len(STATEMENT) - 1))
def test_every_truncation_is_rejected(cut: int) -> None:
    with pytest.raises(Rejected):
        cose.parse(STATEMENT[:cut])


@given(st.data())
@settings(max_examples=300)
def test_a_mutated_message_is_rejected_on_parsing_or_verifying(data: st.DataObject) -> None:
    at = data.draw(st.integers(min_value=0, max_value=len(STATEMENT) - 1))
    value = data.draw(st.integers(min_value=0, max_value=255).filter(lambda byte: byte != STATEMENT[at]))
    with pytest.raises(Rejected):
        cose.parse(STATEMENT[:at] + bytes([value]) + STATEMENT[at + 1 :]).verify(SIGNER.public)


@given(st.binary(max_size=80))
@settings(max_examples=300)
def test_arbitrary_bytes_are_rejected(raw: bytes) -> None:
    with pytest.raises(Rejected):
        cose.parse(raw)


NUMBERS = st.integers(min_value=-(2**64), max_value=2**64 - 1)
LABELS = st.integers(min_value=-300, max_value=400)
PARTS = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.binary(max_size=8) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(LABELS, inner, max_size=3),
    max_leaves=6,
)


@given(PARTS, PARTS, PARTS, PARTS)
def test_any_four_parts_are_rejected_or_parsed(protected: Any, unprotected: Any, payload: Any, signature: Any) -> None:
    header = {1: -8, 15: protected, 4: payload}
    for raw in (message(header, unprotected, payload, signature), message(cbor.encode(protected), unprotected)):
        try:
            parsed = cose.parse(raw)
        except Rejected:
            continue
        assert parsed.raw == raw


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (cbor.encode([b"", {}, b"", b""]), "no tag"),
        (cbor.encode(cbor2.CBORTag(98, [b"", {}, b"", b""])), "the tag of COSE_Sign"),
        (cbor.encode(cbor2.CBORTag(18, [b"", {}, b""])), "three parts"),
        (cbor.encode(cbor2.CBORTag(18, {})), "a map"),
        (message(b""), "an empty protected header"),
        (message([]), "a protected header that is a list"),
        (message(b"\xa1\x01\x27\x00"), "bytes after the protected header"),
        (message({1: -8}, []), "an unprotected header that is a list"),
        (message({1: -8}, {}, "text"), "a payload that is text"),
        (message({1: -8}, {}, b"p", None), "no signature"),
        (message({}), "no algorithm"),
        (message({1: -37}), "an algorithm we do not take"),
        (message({1: "EdDSA"}), "an algorithm by name"),
        (message({1: -8, 2: [15]}), "critical parameters"),
        (message({1: -8}, {1: -8}), "a label in both headers"),
        (message({1: -8, 391: 1}), "a label from before RFC 9942"),
        (message({1: -8}, {-222: b""}), "a receipt label from before RFC 9942"),
        (message({1: -8, 15: []}), "claims that are a list"),
    ],
)
def test_other_shapes_are_rejected(raw: bytes, what: str) -> None:
    with pytest.raises(Rejected):
        cose.parse(raw)
    assert what


@pytest.mark.parametrize("critical", [[15], [4, 15], [1]])
def test_what_is_critical_is_taken_only_where_the_reader_understands_it(critical: list[int]) -> None:
    raw = message({1: -8, 2: critical, 4: b"kid", 15: {}})
    assert cose.parse(raw, understood=frozenset(critical)).protected[cose.CRIT] == critical
    for understood in (frozenset(), frozenset({395})):
        with pytest.raises(Rejected):
            cose.parse(raw, understood=understood)


@pytest.mark.parametrize("alg", [[-8], {1: -8}])
def test_an_algorithm_that_is_no_number_is_rejected(alg: object) -> None:
    with pytest.raises(Rejected):
        cose.parse(message({1: alg}))


def test_a_message_is_bound_to_the_key_its_kid_names() -> None:
    other = new_signer(seed=b"\2" * 32)
    parsed = cose.parse(cose.sign({cose.KID: other.public.kid}, b"payload", SIGNER))
    for key in (SIGNER.public, other.public):
        with pytest.raises(Rejected):
            parsed.verify(key)


def test_a_key_of_another_algorithm_does_not_verify() -> None:
    with pytest.raises(Rejected):
        cose.parse(STATEMENT).verify(SIGNERS["es256"].public)


def test_a_detached_payload_must_be_supplied_and_right() -> None:
    parsed = cose.parse(cose.sign(HEADER, b"payload", SIGNER, detached=True))
    parsed.verify(SIGNER.public, detached=b"payload")
    for detached in (None, b"other"):
        with pytest.raises(Rejected):
            parsed.verify(SIGNER.public, detached=detached)


def test_the_unprotected_header_changes_neither_signature_nor_digest() -> None:
    parsed = cose.parse(STATEMENT)
    dressed = parsed.with_unprotected({cose.RECEIPTS: [b"receipt"]})
    dressed.verify(SIGNER.public)
    assert dressed.digest == parsed.digest
    assert dressed.with_unprotected({}).raw == STATEMENT


def test_an_es256_signature_in_the_high_half_verifies_and_does_not_change_the_digest() -> None:
    signer = SIGNERS["es256"]
    parsed = cose.parse(cose.sign(HEADER, b"payload", signer))
    r, s = parsed.signature[:32], int.from_bytes(parsed.signature[32:], "big")
    twin = cose.parse(message(parsed.protected_raw, {}, b"payload", r + (P256_ORDER - s).to_bytes(32, "big")))
    twin.verify(signer.public)
    assert twin.signature != parsed.signature
    assert twin.digest == parsed.digest


@pytest.mark.parametrize("sign", [1, -1])
def test_an_algorithm_that_is_a_number_of_thousands_of_digits_is_rejected(sign: int) -> None:
    with pytest.raises(Rejected):
        cose.parse(message({cose.ALG: sign * 10**5000}))
