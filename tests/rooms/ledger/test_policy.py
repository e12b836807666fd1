from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.kernel import cbor
from custody.kernel.errors import Rejected
from custody.kernel.keys import ES256, new_signer
from custody.ledger.note import SignatureKind, text_key
from custody.ledger.policy import read_policy_map
from tests.rooms.ledger.small_world import (
    LOG,
    LOG_VERIFIER,
    OPERATOR,
    ORIGIN,
    REGISTRAR_A,
    STRANGER,
    policy,
    refused,
    registrar,
    signer,
)

WITNESS = text_key("carrier.example", signer(50).public, kind=SignatureKind.ED25519_COSIGNATURE)
VERDICT = f"log {LOG_VERIFIER.key.vkey()}\nwitness carrier {WITNESS.vkey()}\nquorum carrier\n"


def changed(**members: Any) -> bytes:
    """The policy's bytes with members replaced; None takes one out."""
    values = {**cbor.decode(policy().raw()), **members}
    return cbor.encode({name: value for name, value in values.items() if value is not None})


@pytest.mark.parametrize(
    "body",
    [
        policy(),
        policy(version=2, previous=b"p" * 32),
        policy(witnesses={"working": "quorum none\n", "verdict": VERDICT}),
        policy(rules={}, threshold=3),
        policy(operator_key=new_signer(ES256).public, rules={"nested": {"list": [1, 2.5, None, "x", b"y"]}}),
    ],
)
def test_a_policy_reads_back_as_it_was_written(body: Any) -> None:
    assert read_policy_map(body.raw()) == body


def test_the_policy_fixes_which_bytes_are_entries_and_which_algorithms_are_used() -> None:
    members = cbor.decode(policy().raw())
    assert members["entry"] == "COSE_Sign1 with empty unprotected header"
    assert members["algorithms"] == [-8, -7]
    assert policy().operator_iss == f"urn:weaklink:operator:{ORIGIN}"


KEY = {"name": "shop", "key": STRANGER.public.cose_key()}


@pytest.mark.parametrize(
    "members",
    [
        {"origin": None},
        {"origin": ""},
        {"origin": 7},
        {"origin": "two\nlines"},
        {"origin": f"a whole checkpoint\n0\n{'A' * 43}="},
        {"origin": "o" * 256},
        {"extra": 1},
        {"version": 0},
        {"version": True},
        {"version": 1.0},
        {"version": 2},
        {"previous": b"p" * 32},
        {"version": 2, "previous": b"p" * 31},
        {"version": 2, "previous": "p" * 32},
        {"log_key": None},
        {"log_key": b"x" * 32},
        {"log_key": new_signer(ES256).public.cose_key()},
        {"log_key": {1: 1, -1: 6, -2: LOG.public.x}},
        {"log_key": {**LOG.public.cose_key(), 99: 1}},
        {"log_key": {**LOG.public.cose_key(), 3: -19}},
        {"log_key": {**LOG.public.cose_key(), 2: STRANGER.public.kid}},
        {"operator_key": {1: 1, -1: 6, -2: bytes(32)}},
        {"registrars": []},
        {"registrars": KEY},
        {"registrars": [KEY["key"]]},
        {"registrars": [{**KEY, "role": "x"}]},
        {"registrars": [{**KEY, "name": "a b"}], "threshold": 1},
        {"registrars": [{**KEY, "name": ""}], "threshold": 1},
        {"registrars": [KEY, {**KEY, "name": "other"}]},
        {"registrars": [KEY, {**KEY, "key": LOG.public.cose_key()}]},
        {"registrars": [{"name": f"r{n}", "key": signer(n).public.cose_key()} for n in range(60, 93)]},
        {"threshold": 0},
        {"threshold": 4},
        {"threshold": "2"},
        {"witnesses": None},
        {"witnesses": {"verdict": 7}},
        {"witnesses": {7: "quorum none\n"}},
        {"witnesses": {"verdict": "quorum carrier\n"}},
        {"entry": "SHA-256 of the COSE_Sign1"},
        {"algorithms": [-8]},
        {"rules": []},
        {"rules": {1: 2}},
    ],
)
def test_policies_are_read_strictly(members: dict[str, Any]) -> None:
    refused(read_policy_map, changed(**members))


@given(st.binary(max_size=80))
def test_no_bytes_make_the_policy_reader_raise_anything_but_rejected(raw: bytes) -> None:
    refused(read_policy_map, raw)


@given(st.integers(0, len(policy().raw()) - 1), st.integers(0, 7))
def test_a_policy_is_taken_only_if_it_is_written_back_the_same(at: int, bit: int) -> None:
    raw = bytearray(policy().raw())
    raw[at] ^= 1 << bit
    try:
        assert read_policy_map(bytes(raw)).raw() == bytes(raw)
    except Rejected:
        return


def test_registrars_are_found_by_their_key() -> None:
    assert policy().registrar(REGISTRAR_A.public.kid) == registrar("carrier", REGISTRAR_A)
    assert registrar("carrier", REGISTRAR_A).iss == "urn:weaklink:registrar:carrier"
    refused(policy().registrar, OPERATOR.public.kid, code="registrar")
