import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.kernel import cbor, cose
from custody.kernel.errors import Rejected
from custody.ledger.record import CONTENT_TYPE, make_record, open_record, read_record
from tests.rooms.ledger.small_world import OPERATOR, ORIGIN, STRANGER, SUB, flips, refused

ISS = f"urn:weaklink:operator:{ORIGIN}"
SALT = b"\x05" * 32
FIELDS = {"kind": "dispute-opened", "case": "case_1", "at_ms": 1_790_000_000_000}


def record(fields: dict[str, Any], *, salt: bytes = SALT) -> tuple[bytes, bytes]:
    statement, opening = make_record(fields, salt=salt, signer=OPERATOR, iss=ISS, sub=SUB, iat_s=1_790_000_000)
    assert statement == cose.parse(statement.raw), "what goes into the log is what a reader will find there"
    return statement.raw, opening


def sealed(opening: bytes, **changes: Any) -> bytes:
    """A statement over any opening, with any header."""
    protected = {15: {1: ISS, 2: SUB, 6: 1}, 258: -16, 259: CONTENT_TYPE, **changes.pop("protected", {})}
    protected = {label: value for label, value in protected.items() if value is not None}
    return cose.sign(protected, hashlib.sha256(opening).digest(), OPERATOR, **changes)


def test_a_record_opens_to_what_was_written() -> None:
    statement, opening = record(FIELDS)
    opened = open_record(statement, opening)
    assert (opened.kind, opened.fields, opened.salt) == ("dispute-opened", FIELDS, SALT)
    opened.message.verify(OPERATOR.public)
    refused(opened.message.verify, STRANGER.public, code="signature")


def test_the_log_sees_a_salted_digest_and_no_content() -> None:
    statement, opening = record(FIELDS)
    message = read_record(statement)
    assert message.protected == {1: -8, 4: OPERATOR.public.kid, 15: message.claims, 258: -16, 259: CONTENT_TYPE}
    assert message.payload == hashlib.sha256(opening).digest()
    assert b"dispute" not in statement
    assert record(FIELDS, salt=b"\x06" * 32)[0] != statement


def test_any_flipped_byte_of_statement_or_opening_is_refused() -> None:
    statement, opening = record(FIELDS)
    for bad in flips(opening):
        refused(open_record, statement, bad, code="opening")
    for bad in flips(statement):
        refused(lambda raw: open_record(raw, opening).message.verify(OPERATOR.public), bad)


@pytest.mark.parametrize("salt", [b"", b"x" * 31, b"x" * 33])
def test_the_salt_is_32_bytes(salt: bytes) -> None:
    refused(record, FIELDS, salt=salt, code="record")


@pytest.mark.parametrize("fields", [{}, {"kind": ""}, {"kind": 7}, {"kind": "a", 1: 2}])
def test_the_content_is_a_map_with_a_kind(fields: dict[Any, Any]) -> None:
    refused(record, fields, code="record")


@pytest.mark.parametrize("content", [b"", cbor.encode(["kind"]), cbor.encode({"kind": "a"}) + b"\0", b"\xff"])
def test_content_of_another_form_is_refused(content: bytes) -> None:
    refused(open_record, sealed(SALT + content), SALT + content)


OPENING = SALT + cbor.encode({"kind": "a"})


@pytest.mark.parametrize(
    "changes",
    [
        {"protected": {258: -43}},
        {"protected": {258: None}},
        {"protected": {259: "text/plain"}},
        {"protected": {259: None}},
        {"protected": {3: "a/b"}},
        {"protected": {260: "place"}},
        {"protected": {15: None}},
        {"protected": {15: {1: ISS, 2: SUB}}},
        {"protected": {15: {1: ISS, 2: SUB, 6: -1}}},
        {"protected": {15: {1: ISS, 2: "not a urn", 6: 1}}},
        {"protected": {15: {1: "operator", 2: SUB, 6: 1}}},
        {"protected": {395: 1}},
        {"unprotected": {394: [b"x"]}},
        {"detached": True},
    ],
)
def test_envelopes_are_read_strictly(changes: dict[str, Any]) -> None:
    assert open_record(sealed(OPENING), OPENING).kind == "a"
    refused(open_record, sealed(OPENING, **changes), OPENING)


def test_a_payload_that_is_no_digest_is_refused() -> None:
    statement = cose.sign({15: {1: ISS, 2: SUB, 6: 1}, 258: -16, 259: CONTENT_TYPE}, b"short", OPERATOR)
    refused(read_record, statement, code="record")


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_no_bytes_make_the_record_parser_raise_anything_but_rejected(statement: bytes, opening: bytes) -> None:
    refused(open_record, statement, opening)
    try:
        open_record(sealed(opening), opening)
    except Rejected:
        return
