"""Keys: only sound points become keys, only exact signatures verify, and nothing but Rejected comes out."""

import hashlib
from typing import Any

import nacl.bindings
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.kernel import cbor
from custody.kernel.errors import Rejected
from custody.kernel.keys import (
    EDDSA,
    ES256,
    P256_ORDER,
    PublicKey,
    new_signer,
    read_cose_key,
    read_ed25519,
    read_private_pem,
)

ED = new_signer(seed=b"\7" * 32)
EC = new_signer(ES256)
FIELD = 2**255 - 19
# The eight points of small order (RFC 7748 section 7; every encoding below decodes to one of them), and encodings
# of y that are not reduced modulo the field.
SMALL_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
]
NOT_REDUCED = [(FIELD + low).to_bytes(32, "little").hex() for low in range(19)]
SIGNED_ZERO = ["0100000000000000000000000000000000000000000000000000000000000080"]


@pytest.mark.parametrize("raw", [*SMALL_ORDER, *NOT_REDUCED, *SIGNED_ZERO])
def test_small_order_and_non_canonical_ed25519_points_are_refused(raw: str) -> None:
    with pytest.raises(Rejected) as caught:
        read_ed25519(bytes.fromhex(raw))
    assert caught.value.code == "key"


@pytest.mark.parametrize("torsion", SMALL_ORDER[1:3] + SMALL_ORDER[4:])
def test_a_sound_point_plus_one_of_small_order_is_refused(torsion: str) -> None:
    mixed = nacl.bindings.crypto_core_ed25519_add(ED.public.x, bytes.fromhex(torsion))
    with pytest.raises(Rejected):
        read_ed25519(mixed)


@given(st.binary(max_size=40))
def test_arbitrary_bytes_are_a_sound_ed25519_key_or_rejected(raw: bytes) -> None:
    try:
        key = read_ed25519(raw)
    except Rejected:
        return
    assert len(raw) == 32
    assert key.x == raw


@pytest.mark.parametrize(("x", "y"), [(0, 0), (1, 1), (2**256 - 1, 2**256 - 1), (P256_ORDER, 5)])
def test_points_off_the_p256_curve_are_refused(x: int, y: int) -> None:
    with pytest.raises(Rejected):
        read_cose_key({1: 2, -1: 1, -2: x.to_bytes(32, "big"), -3: y.to_bytes(32, "big")})


@pytest.mark.parametrize("signer", [ED, EC])
def test_a_key_comes_back_from_its_cose_key(signer: Any) -> None:
    key = signer.public
    assert read_cose_key(cbor.decode(cbor.encode(key.cose_key()))) == key
    assert "PUBLIC KEY" in key.pem()


def test_kid_is_the_thumbprint_of_rfc_9679() -> None:
    expected = hashlib.sha256(bytes.fromhex("a301012006215820") + ED.public.x).digest()
    assert ED.public.kid == expected


@pytest.mark.parametrize(
    "change",
    [
        {-4: b"\1" * 32},
        {-2: b"short"},
        {-2: "text"},
        {-1: 4},
        {1: 4},
        {1: None},
        {3: ES256},
        {3: 0},
        {2: b"another kid"},
        {2: 5},
    ],
)
def test_a_cose_key_with_a_wrong_member_is_refused(change: dict[int, Any]) -> None:
    with pytest.raises(Rejected):
        read_cose_key({**ED.public.cose_key(), **change})


@pytest.mark.parametrize("y", [True, False, b"", bytes(31), bytes(33), None])
def test_a_point_that_is_compressed_or_cut_is_refused_for_what_it_is(y: Any) -> None:
    """RFC 9053 section 7.1.1 also has a y that is only the sign bit; what is enrolled here has both coordinates."""
    with pytest.raises(Rejected) as refused:
        read_cose_key({**EC.public.cose_key(), -3: y})
    assert refused.value.detail == "y is not 32 bytes"
    assert "uncompressed" in refused.value.fix


def test_a_cose_key_whose_alg_is_no_number_is_refused() -> None:
    with pytest.raises(Rejected):
        read_cose_key({**ED.public.cose_key(), 3: [EDDSA]})


@given(st.none() | st.integers() | st.binary(max_size=4) | st.text(max_size=4) | st.lists(st.integers(), max_size=3))
def test_what_is_no_map_is_no_key(value: Any) -> None:
    with pytest.raises(Rejected):
        read_cose_key(value)


@pytest.mark.parametrize("signer", [ED, EC])
@given(message=st.binary(max_size=64), at=st.integers(min_value=0, max_value=63), flip=st.integers(1, 255))
@settings(max_examples=40)
def test_only_the_exact_signature_verifies(signer: Any, message: bytes, at: int, flip: int) -> None:
    signature = signer.sign(message)
    signer.public.verify(signature, message)
    wrong = signature[:at] + bytes([signature[at] ^ flip]) + signature[at + 1 :]
    for bad, text in ((wrong, message), (signature, message + b"x"), (signature[:63], message), (b"", message)):
        with pytest.raises(Rejected) as caught:
            signer.public.verify(bad, text)
        assert caught.value.code == "signature"


@given(st.binary(max_size=64))
@settings(max_examples=40)
def test_es256_signs_in_the_low_half_and_verifies_both(message: bytes) -> None:
    signature = EC.sign(message)
    s = int.from_bytes(signature[32:], "big")
    assert s <= P256_ORDER // 2
    EC.public.verify(signature, message)
    EC.public.verify(signature[:32] + (P256_ORDER - s).to_bytes(32, "big"), message)


@pytest.mark.parametrize(
    ("r", "s"), [(0, 0), (0, 1), (1, 0), (P256_ORDER, 1), (1, P256_ORDER), (2**256 - 1, 1), (1, 2**256 - 1)]
)
def test_es256_numbers_out_of_range_do_not_verify(r: int, s: int) -> None:
    with pytest.raises(Rejected):
        EC.public.verify(r.to_bytes(32, "big") + s.to_bytes(32, "big"), b"message")


def test_ed25519_with_s_not_reduced_does_not_verify() -> None:
    order = 2**252 + 27742317777372353535851937790883648493
    signature = ED.sign(b"message")
    s = int.from_bytes(signature[32:], "little") + order
    with pytest.raises(Rejected):
        ED.public.verify(signature[:32] + s.to_bytes(32, "little"), b"message")


def test_a_private_key_comes_back_from_its_pem() -> None:
    for signer in (ED, EC):
        assert read_private_pem(signer.private_pem()).public == signer.public


OID_LETTERS = range(36, 52)  # where the base64 of the PEM names the kind of key


def test_a_pem_of_an_unknown_kind_of_key_is_rejected() -> None:
    with pytest.raises(Rejected):
        read_private_pem(ED.private_pem().replace("MC4CAQAwBQYDK2Vw", "MC4CAQAwBQYDA2Vw"))


@given(st.data())
def test_a_mutated_pem_is_rejected_or_a_key(data: st.DataObject) -> None:
    text = ED.private_pem()
    at = data.draw(st.integers(min_value=0, max_value=len(text) - 1).filter(lambda place: place not in OID_LETTERS))
    letter = data.draw(st.sampled_from("AZaz09+/=-\n \0é"))
    try:
        signer = read_private_pem(text[:at] + letter + text[at + 1 :])
    except Rejected:
        return
    assert isinstance(signer.public, PublicKey)


def test_private_keys_of_other_kinds_are_refused() -> None:
    for key in (ec.generate_private_key(ec.SECP384R1()), ed448.Ed448PrivateKey.generate()):
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        with pytest.raises(Rejected):
            read_private_pem(pem.decode())
