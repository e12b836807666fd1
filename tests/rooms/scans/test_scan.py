"""A scan exists only if statement and opening fit each other in every detail."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.kernel import cbor, cose
from custody.kernel.errors import Rejected
from custody.kernel.keys import ES256, SoftwareSigner, new_signer
from custody.scans.scan import CONTENT_TYPE, OPENING_LIMIT_BYTES, STATEMENT_LIMIT_BYTES, Scan, make_scan, open_scan

Make = Callable[..., Scan]
Bytes = Callable[..., bytes]
SALT = b"\5" * 32
CLAIMS: dict[Any, Any] = {
    1: "urn:weaklink:station:bench-07",
    2: "urn:uuid:00000000-0000-4000-8000-000000000001",
    6: 1_778_483_640,
    "seq": 5,
    "prev": b"\4" * 32,
}
WITHOUT = object()


def sign(signer: SoftwareSigner, opening: bytes, header: dict[Any, Any], claims: dict[Any, Any]) -> bytes:
    """A statement by hand, with members changed or left out."""
    whole = {258: -16, 259: CONTENT_TYPE, **header}
    whole[15] = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not WITHOUT}
    whole = {label: value for label, value in whole.items() if value is not WITHOUT}
    return cose.sign(whole, hashlib.sha256(opening).digest(), signer)


@pytest.mark.parametrize("seq", [1, 2, 2**63 - 1])
def test_a_scan_that_was_made_opens_and_verifies(signer: SoftwareSigner, event_bytes: Bytes, seq: int) -> None:
    prev = None if seq == 1 else b"\4" * 32
    statement, opening = make_scan(
        event_bytes(),
        station="9521473000102:BENCH07",
        subject="s",
        seq=seq,
        prev=prev,
        iat_s=0,
        salt=SALT,
        signer=signer,
    )
    scan = open_scan(statement, opening)
    scan.message.verify(signer.public)
    assert (scan.station, scan.subject, scan.seq, scan.prev, scan.iat_s) == ("9521473000102:BENCH07", "s", seq, prev, 0)
    assert (scan.entry, scan.opening, scan.salt) == (statement, opening, SALT)
    assert scan.event.raw == event_bytes()
    assert scan.digest == scan.message.digest
    assert scan.message.payload == hashlib.sha256(opening).digest()


def test_es256_stations_make_scans_too(event_bytes: Bytes) -> None:
    signer = new_signer(ES256)
    scan = open_scan(
        *make_scan(event_bytes(), station="a", subject="s", seq=1, prev=None, iat_s=1, salt=SALT, signer=signer)
    )
    scan.message.verify(signer.public)


def test_the_log_sees_nothing_of_the_event(make: Make) -> None:
    scan = make()
    for secret in (b"195214730000088169", b"0010170048", b"35693803", b"S-0088213", SALT):
        assert secret not in scan.entry


def test_what_stands_in_the_unprotected_header_is_dropped_before_it_is_logged(make: Make) -> None:
    scan = make()
    dressed = scan.message.with_unprotected({394: [b"receipt"], 9999: "note"}).raw
    assert open_scan(dressed, scan.opening).entry == scan.entry


@pytest.mark.parametrize(
    ("header", "claims"),
    [
        ({3: "application/json"}, {}),
        ({258: WITHOUT}, {}),
        ({258: -43}, {}),
        ({258: -16.0}, {}),
        ({259: WITHOUT}, {}),
        ({259: "application/json"}, {}),
        ({260: "https://example.com/opening"}, {}),
        ({16: "application/x"}, {}),
        ({"text": 1}, {}),
        ({4: b""}, {}),
        ({4: b"short"}, {}),
        ({4: "text"}, {}),
        ({}, {1: WITHOUT}),
        ({}, {1: "urn:weaklink:operator:origin"}),
        ({}, {1: "urn:weaklink:station:"}),
        ({}, {1: "urn:weaklink:station:a/b"}),
        ({}, {1: "urn:weaklink:station:-a"}),
        ({}, {1: "urn:weaklink:station:a\n"}),
        ({}, {1: "urn:weaklink:station:" + "a" * 101}),
        ({}, {1: 5}),
        ({}, {2: WITHOUT}),
        ({}, {2: ""}),
        ({}, {2: "s" * 201}),
        ({}, {2: "a\u0000b"}),
        ({}, {2: "https://id.gs1.org/00/195214730000088169"}),
        ({}, {2: "urn:gsma:imei:35693803-564380-0"}),
        ({}, {2: "356938035643809"}),
        ({}, {6: WITHOUT}),
        ({}, {6: -1}),
        ({}, {6: 1.5}),
        ({}, {6: True}),
        ({}, {6: 10**15}),
        ({}, {"seq": WITHOUT}),
        ({}, {"seq": 0}),
        ({}, {"seq": -1}),
        ({}, {"seq": True}),
        ({}, {"seq": "5"}),
        ({}, {"seq": 5.0}),
        ({}, {"seq": 2**63}),
        ({}, {"seq": 1}),
        ({}, {"prev": WITHOUT}),
        ({}, {"prev": None}),
        ({}, {"prev": b"short"}),
        ({}, {"prev": "4" * 32}),
        ({}, {"seq": 1, "prev": None}),
        ({}, {"other": 1}),
        ({}, {7: b"id"}),
    ],
)
def test_a_statement_of_another_form_is_refused(
    signer: SoftwareSigner, event_bytes: Bytes, header: dict[Any, Any], claims: dict[Any, Any]
) -> None:
    opening = SALT + event_bytes()
    assert open_scan(sign(signer, opening, {}, {}), opening).seq == 5
    with pytest.raises(Rejected) as caught:
        open_scan(sign(signer, opening, header, claims), opening)
    assert caught.value.code == "scan"


def test_a_detached_or_short_payload_is_refused(signer: SoftwareSigner, event_bytes: Bytes) -> None:
    opening = SALT + event_bytes()
    header = {258: -16, 259: CONTENT_TYPE, 15: CLAIMS}
    for statement in (
        cose.sign(header, hashlib.sha256(opening).digest(), signer, detached=True),
        cose.sign(header, b"", signer),
        cose.sign(header, opening, signer),
    ):
        with pytest.raises(Rejected):
            open_scan(statement, opening)


def test_another_opening_is_refused(make: Make) -> None:
    scan = make()
    for opening in (b"", SALT, scan.opening[:-1], scan.opening + b" ", b"\6" + scan.opening[1:]):
        with pytest.raises(Rejected) as caught:
            open_scan(scan.entry, opening)
        assert caught.value.code == "opening"


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b"[]", b'{"type": "ObjectEvent"}'])
def test_a_rightly_signed_opening_without_an_event_is_refused(signer: SoftwareSigner, content: bytes) -> None:
    with pytest.raises(Rejected):
        open_scan(sign(signer, SALT + content, {}, {}), SALT + content)


def test_long_messages_are_refused_before_they_are_parsed(make: Make) -> None:
    scan = make()
    for statement, opening in (
        (b"\0" * (STATEMENT_LIMIT_BYTES + 1), scan.opening),
        (scan.entry, b"\0" * (OPENING_LIMIT_BYTES + 1)),
    ):
        with pytest.raises(Rejected) as caught:
            open_scan(statement, opening)
        assert caught.value.code == "too_large"


@pytest.mark.parametrize(
    "changes",
    [
        {"station": ""},
        {"station": "a b"},
        {"subject": ""},
        {"subject": "urn:gsma:imei:35693803-564380-0"},
        {"seq": 0},
        {"seq": True},
        {"seq": 1},
        {"prev": None},
        {"prev": b"x"},
        {"iat_s": -1},
        {"salt": b"\0" * 16},
        {"event": b"{}"},
    ],
)
def test_nothing_is_signed_that_would_not_open(
    signer: SoftwareSigner, event_bytes: Bytes, changes: dict[str, Any]
) -> None:
    facts: dict[str, Any] = {
        "event": event_bytes(), "station": "a", "subject": "s", "seq": 5, "prev": b"\4" * 32, "iat_s": 1, "salt": SALT
    }  # fmt: skip
    facts.update(changes)
    with pytest.raises(Rejected):
        make_scan(facts.pop("event"), **facts, signer=signer)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_mutated_statement_is_refused_on_opening_or_verifying(
    make: Make, signer: SoftwareSigner, data: st.DataObject
) -> None:
    scan = make()
    raw = bytearray(scan.entry)
    at = data.draw(st.integers(min_value=0, max_value=len(raw) - 1))
    raw[at : at + data.draw(st.integers(min_value=0, max_value=2))] = data.draw(st.binary(max_size=2))
    if bytes(raw) == scan.entry:
        return
    with pytest.raises(Rejected):
        open_scan(bytes(raw), scan.opening).message.verify(signer.public)


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_arbitrary_bytes_are_refused(statement: bytes, opening: bytes) -> None:
    with pytest.raises(Rejected):
        open_scan(statement, opening)


NUMBERS = st.integers(-(2**64), 2**64 - 1) | st.floats()
NAMES = st.integers(-5, 5) | st.text(max_size=3)
JUNK = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.binary(max_size=33) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=4,
)


@given(label=st.sampled_from([4, 15, 258, 259]), claim=st.sampled_from([1, 2, 6, "seq", "prev"]), junk=JUNK)
@settings(deadline=None)
def test_a_header_or_claim_of_any_type_is_refused_or_is_the_right_one(
    signer: SoftwareSigner, event_bytes: Bytes, label: int, claim: Any, junk: Any
) -> None:
    opening = SALT + event_bytes()
    header: dict[Any, Any] = {1: -8, 4: signer.public.kid, 15: CLAIMS, 258: -16, 259: CONTENT_TYPE}
    for changed in ({**header, label: junk}, {**header, 15: {**CLAIMS, claim: junk}}):
        protected = cbor.encode(changed)
        parts = [protected, {}, hashlib.sha256(opening).digest(), b"\0" * 64]
        try:
            scan = open_scan(cbor.encode(cbor2.CBORTag(18, parts)), opening)
        except Rejected:
            continue
        assert scan.message.protected_raw == protected


def test_our_scans_refuse_names_that_stand_twice(signer: SoftwareSigner, event_bytes: Bytes) -> None:
    text = event_bytes().replace(b'"action"', b'"eventID": "urn:a:b", "action"')
    assert json.loads(text)["eventID"]
    with pytest.raises(Rejected):
        open_scan(sign(signer, SALT + text, {}, {}), SALT + text)
