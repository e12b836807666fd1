"""COSE_Sign1 and Ed25519 against other people's vectors: cose-wg/Examples and C2SP/CCTV.

Needs the environment variable WEAKLINK_VECTORS: a folder with `tlog/cose-wg` and `tlog/cctv` in it.
"""

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from custody.kernel import cose
from custody.kernel.errors import Rejected
from custody.kernel.keys import PublicKey, read_cose_key, read_ed25519

FOLDER = os.environ.get("WEAKLINK_VECTORS")
pytestmark = pytest.mark.skipif(FOLDER is None, reason="WEAKLINK_VECTORS names no folder with vectors")
ROOT = Path(FOLDER or ".") / "tlog"
CURVES = {"P-256": (2, 1), "P-384": (2, 2), "P-521": (2, 3), "Ed25519": (1, 6), "Ed448": (1, 7)}
VERIFIED = {"ecdsa-sig-01.json", "eddsa-sig-01.json", "sign-pass-02.json"}
REFUSED = {
    "ecdsa-sig-02.json": "ES384",
    "ecdsa-sig-03.json": "ES512 over P-521",
    "ecdsa-sig-04.json": "ES512 over P-256",
    "eddsa-sig-02.json": "Ed448",
    "sign-pass-01.json": "the algorithm stands in the unprotected header",
    "sign-pass-03.json": "no tag 18",
    "sign-fail-01.json": "another tag",
    "sign-fail-02.json": "a changed signature",
    "sign-fail-03.json": "algorithm -999",
    "sign-fail-04.json": "an algorithm by an unknown name",
    "sign-fail-06.json": "an added protected label",
    "sign-fail-07.json": "a removed protected label",
}


def read(name: str) -> dict[str, Any]:
    """One example by its file name."""
    (path,) = (ROOT / "cose-wg").glob(f"*/{name}")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def public_key(example: dict[str, Any]) -> PublicKey:
    """The key of an example, as a COSE_Key; Rejected if it is on a curve we do not use."""
    key = example["input"]["sign0"]["key"]
    kty, curve = CURVES[key["crv"]]
    x = bytes.fromhex(key["x_hex"]) if "x_hex" in key else base64.urlsafe_b64decode(key["x"] + "==")
    y = base64.urlsafe_b64decode(key["y"] + "==") if "y" in key else b""
    return read_cose_key({1: kty, -1: curve, -2: x, **({-3: y} if y else {})})


@pytest.mark.parametrize("name", sorted(VERIFIED))
def test_examples_in_our_algorithms_verify_and_have_our_signed_bytes(name: str) -> None:
    example = read(name)
    message = cose.parse(bytes.fromhex(example["output"]["cbor"]))
    external = bytes.fromhex(example["input"]["sign0"].get("external", ""))
    assert message.signed_bytes(external=external) == bytes.fromhex(example["intermediates"]["ToBeSign_hex"])
    assert message.payload == example["input"]["plaintext"].encode()
    message.verify(public_key(example), external=external)
    with pytest.raises(Rejected):
        message.verify(public_key(example), external=external + b"more")


@pytest.mark.parametrize(("name", "why"), sorted(REFUSED.items()))
def test_other_examples_are_refused(name: str, why: str) -> None:
    example = read(name)
    raw = bytes.fromhex(example["output"]["cbor"])
    with pytest.raises(Rejected):
        cose.parse(raw).verify(public_key(example))
    assert why


def test_every_example_in_the_folder_is_accounted_for() -> None:
    assert {path.name for path in (ROOT / "cose-wg").glob("*/*.json")} == VERIFIED | REFUSED.keys()


def edge_cases() -> Iterator[tuple[bytes, frozenset[str]]]:
    """The keys of the CCTV set with their flags."""
    for row in json.loads((ROOT / "cctv" / "ed25519" / "ed25519vectors.json").read_text()):
        yield bytes.fromhex(row["key"]), frozenset(row["flags"] or ())


def test_every_weak_ed25519_key_of_cctv_is_refused_and_the_clean_one_is_taken() -> None:
    weak_flags = {"low_order_A", "low_order_component_A", "non_canonical_A"}
    weak = {key for key, flags in edge_cases() if flags & weak_flags}
    clean = {key for key, _ in edge_cases()} - weak
    assert (len(weak), len(clean)) == (21, 1)
    for key in weak:
        with pytest.raises(Rejected):
            read_ed25519(key)
    for key in clean:
        assert read_ed25519(key).x == key


def test_no_cctv_signature_verifies_under_a_key_that_a_registry_would_refuse() -> None:
    accepted = 0
    for row in json.loads((ROOT / "cctv" / "ed25519" / "ed25519vectors.json").read_text()):
        try:
            read_ed25519(bytes.fromhex(row["key"])).verify(bytes.fromhex(row["sig"]), row["msg"].encode())
        except Rejected:
            continue
        assert "low_order_component_A" not in (row["flags"] or ())
        accepted += 1
    assert accepted <= 2
