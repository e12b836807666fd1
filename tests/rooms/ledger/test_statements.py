from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.kernel import cbor, cose
from custody.kernel.errors import Rejected
from custody.kernel.keys import ES256, new_signer
from custody.ledger.statements import (
    KEY_ADD,
    KEY_REVOKE,
    POLICY,
    Step,
    approve_policy,
    make_possession,
    read_key_add,
    read_key_revoke,
    read_policy,
)
from tests.rooms.ledger.small_world import (
    OPERATOR,
    ORIGIN,
    REGISTRAR_A,
    STRANGER,
    SUB,
    flips,
    info,
    key_add,
    key_revoke,
    policy,
    policy_statement,
    refused,
    resigned,
    signer,
)

STATION = signer(60)
APPROVAL = approve_policy(policy(), registrar="carrier", signer=REGISTRAR_A, sub=SUB, iat_s=1)
MADE: dict[str, tuple[bytes, Callable[[bytes], Any]]] = {
    POLICY: (policy_statement(approvals=[APPROVAL]), read_policy),
    KEY_ADD: (key_add(STATION), read_key_add),
    KEY_REVOKE: (key_revoke(STATION, suspect_from=4), read_key_revoke),
}
EACH = pytest.mark.parametrize("kind", list(MADE))


def test_a_policy_statement_reads_back_with_its_approvals() -> None:
    statement = read_policy(MADE[POLICY][0])
    assert statement.policy == policy()
    assert statement.policy_raw == policy().raw()
    assert [approval.kid for approval in statement.approvals] == [REGISTRAR_A.public.kid]
    statement.approvals[0].verify(REGISTRAR_A.public, detached=statement.policy_raw)
    statement.message.verify(OPERATOR.public)


@pytest.mark.parametrize("station_key", [STATION, new_signer(ES256)], ids=["Ed25519", "ES256"])
def test_an_enrolment_reads_back_with_station_and_key(station_key: Any) -> None:
    add = read_key_add(key_add(station_key))
    assert (add.origin, add.info, add.key) == (ORIGIN, info(), station_key.public)
    assert add.info.iss == "urn:weaklink:station:bench-07"
    add.message.verify(REGISTRAR_A.public)


def test_a_revocation_reads_back() -> None:
    revoke = read_key_revoke(MADE[KEY_REVOKE][0])
    assert (revoke.origin, revoke.station, revoke.kid) == (ORIGIN, "bench-07", STATION.public.kid)
    assert (revoke.suspect_from, revoke.reason) == (4, "handheld stolen")


@EACH
def test_statements_carry_exactly_the_headers_of_the_rfc(kind: str) -> None:
    message = cose.parse(MADE[kind][0])
    assert set(message.protected) == {1, 3, 4, 15}
    assert message.protected[3] == kind
    assert message.unprotected == {}
    assert set(message.claims) == {1, 2, 6}


@EACH
def test_any_flipped_byte_of_a_statement_is_refused_or_fails_its_signature(kind: str) -> None:
    raw, read = MADE[kind]
    key = OPERATOR if kind == POLICY else REGISTRAR_A
    for bad in flips(raw)[:: 3 if len(raw) > 700 else 1]:
        refused(lambda value: read(value).message.verify(key.public), bad)


@EACH
def test_a_statement_of_one_kind_is_not_read_as_another(kind: str) -> None:
    for other, (_, read) in MADE.items():
        if other != kind:
            refused(read, MADE[kind][0], code="statement")


@EACH
@pytest.mark.parametrize(
    "changes",
    [
        {3: None},
        {3: "text/plain"},
        {3: 50},
        {3: [1]},
        {15: None},
        {15: {1: "urn:x", 6: 1}},
        {15: {2: SUB, 6: 1}},
        {15: {1: "urn:x", 2: SUB}},
        {15: {1: "urn:x", 2: SUB, 6: True}},
        {15: {1: "urn:x", 2: SUB, 6: 1, 8: {}}},
        {15: {1: b"urn:x", 2: SUB, 6: 1}},
        {15: {1: "operator", 2: SUB, 6: 1}},
        {15: {1: "urn:x", 2: "parcel 7", 6: 1}},
        {15: {1: "urn:x", 2: SUB, 6: -1}},
        {15: {1: "urn:x", 2: SUB, 6: 2**63}},
        {258: -16},
        {395: 1},
        {4: b"kid"},
        {"private": 1},
    ],
)
def test_headers_are_read_strictly(kind: str, changes: dict[Any, Any]) -> None:
    raw, read = MADE[kind]
    message = cose.parse(raw)
    header = {**message.protected, **changes}
    if 15 in changes and changes[15] and str(changes[15].get(1)) == "urn:x":  # keep what else is right
        header[15] = {**changes[15], 1: message.claims[1]}
    header = {label: value for label, value in header.items() if value is not None}
    refused(read, cose.sign(header, message.payload or b"", REGISTRAR_A))


@EACH
def test_payloads_are_attached_maps_and_nothing_is_unprotected(kind: str) -> None:
    raw, read = MADE[kind]
    message = cose.parse(raw)
    header = {label: value for label, value in message.protected.items() if label not in {1, 4}}
    refused(read, cose.sign(header, message.payload or b"", REGISTRAR_A, detached=True), code="statement")
    refused(read, cose.sign(header, cbor.encode([1]), REGISTRAR_A), code="statement")
    refused(read, cose.sign(header, b"\xff", REGISTRAR_A), code="cbor")
    refused(read, cose.parse(raw).with_unprotected({394: [b"x"]}).raw, code="statement")


@EACH
def test_no_member_may_be_missing_or_added(kind: str) -> None:
    raw, read = MADE[kind]
    payload = cbor.decode(cose.parse(raw).payload or b"")
    for name in payload:
        refused(read, resigned(raw, OPERATOR, **{name: None}), code="statement")
    refused(read, resigned(raw, OPERATOR, extra=1), code="statement")


@pytest.mark.parametrize(
    "members",
    [
        {"origin": "other.example"},
        {"origin": 7},
        {"station": "other"},
        {"station": "a b"},
        {"station": ""},
        {"station": "s" * 65},
        {"station": "bench/07"},
        {"site": "urn:epc:id:sgln:9521473.00010.0"},
        {"site": "https://id.gs1.org/414/952147300010"},
        {"site": "https://id.gs1.org/414/9521473000102?x"},
        {"site": "https://id.gs1.org/414/9521473000102\n"},
        {"place": ""},
        {"place": "p" * 513},
        {"place": "a\nb"},
        {"step": "cellar"},
        {"step": 1},
        {"custodian": "https://id.gs1.org/414/9521473000003"},
        {"custodian": "Carrier"},
        {"custodian": "urn:"},
        {"key": STRANGER.public.cose_key()},
        {"key": {1: 1, -1: 6, -2: STATION.public.x}},
        {"key": {1: 1, -1: 6, -2: bytes(32)}},
        {"key": {**STATION.public.cose_key(), -4: b"d" * 32}},
        {"possession": b""},
        {"possession": "proof"},
        {"possession": make_possession(origin=ORIGIN, station="bench-07", signer=STRANGER, sub=SUB, iat_s=1)},
        {"possession": make_possession(origin="other.example", station="bench-07", signer=STATION, sub=SUB, iat_s=1)},
        {"possession": make_possession(origin=ORIGIN, station="bench-08", signer=STATION, sub=SUB, iat_s=1)},
        {"possession": key_add(STATION)},
    ],
)
def test_enrolments_are_read_strictly(members: dict[str, Any]) -> None:
    refused(read_key_add, resigned(MADE[KEY_ADD][0], REGISTRAR_A, **members))


def whole(**other: Any) -> bytes:
    """An enrolment whose proof covers the whole claim, or another one."""
    proof = make_possession(origin=ORIGIN, station=replace(info(), **other), signer=STATION, sub=SUB, iat_s=1)
    return resigned(MADE[KEY_ADD][0], REGISTRAR_A, possession=proof)


@pytest.mark.parametrize(
    "other",
    [
        {"site": "https://id.gs1.org/414/9521473000119"},
        {"place": "Packing bench 8"},
        {"step": Step.COURIER},
        {"custodian": "https://id.gs1.org/417/9521473000010"},
        {"station": "bench-08"},
    ],
)
def test_a_station_that_signed_its_place_and_custodian_is_enrolled_for_no_other(other: dict[str, Any]) -> None:
    refused(read_key_add, whole(**other), code="statement")


def test_a_proof_over_the_name_alone_is_read_as_before_and_told_from_a_whole_one() -> None:
    assert [read_key_add(raw).is_whole for raw in (MADE[KEY_ADD][0], whole())] == [False, True]
    assert read_key_add(whole()).info == read_key_add(MADE[KEY_ADD][0]).info == info()


def test_the_station_itself_proves_possession() -> None:
    payload = cose.parse(make_possession(origin=ORIGIN, station="bench-07", signer=STATION, sub=SUB, iat_s=1))
    header = {**payload.protected, 15: {1: "urn:weaklink:station:other", 2: SUB, 6: 1}}
    foreign = cose.sign(header, payload.payload or b"", STATION)
    refused(read_key_add, resigned(MADE[KEY_ADD][0], REGISTRAR_A, possession=foreign), code="statement")
    # The right payload and name, but not the station's signature.
    message = cose.parse(foreign)
    forged = cose.sign(
        {**message.protected, 15: {1: info().iss, 2: SUB, 6: 1}, 4: STATION.public.kid},
        message.payload or b"",
        STRANGER,
    )
    refused(read_key_add, resigned(MADE[KEY_ADD][0], REGISTRAR_A, possession=forged), code="signature")


@pytest.mark.parametrize(
    "members",
    [
        {"origin": ""},
        {"station": "a b"},
        {"kid": b"x" * 31},
        {"kid": "x" * 32},
        {"suspect_from": -1},
        {"suspect_from": True},
        {"suspect_from": 2**63},
        {"reason": ""},
        {"reason": 7},
    ],
)
def test_revocations_are_read_strictly(members: dict[str, Any]) -> None:
    refused(read_key_revoke, resigned(MADE[KEY_REVOKE][0], REGISTRAR_A, **members), code="statement")


@pytest.mark.parametrize(
    "members",
    [
        {"policy": {}},
        {"policy": b"\xa0"},
        {"policy": policy(origin="other.example").raw()},
        {"approvals": APPROVAL},
        {"approvals": {}},
        {"approvals": ["x"]},
        {"approvals": [b"x"]},
        {"approvals": [cose.sign({3: POLICY, 15: {1: "urn:x", 2: SUB, 6: 1}}, b"x", REGISTRAR_A)]},
        {"approvals": [policy_statement()]},
        {"approvals": [APPROVAL] * 33},
    ],
)
def test_policy_statements_are_read_strictly(members: dict[str, Any]) -> None:
    refused(read_policy, resigned(MADE[POLICY][0], OPERATOR, **members))


def test_an_approval_with_its_own_payload_is_refused() -> None:
    message = cose.parse(APPROVAL)
    attached = cose.sign(message.protected, policy().raw(), REGISTRAR_A)
    refused(read_policy, resigned(MADE[POLICY][0], OPERATOR, approvals=[attached]), code="statement")


def test_what_could_not_be_read_back_is_not_made() -> None:
    refused(key_add, STATION, station="a b")
    refused(key_revoke, STATION, suspect_from=-1)
    refused(policy_statement, policy(threshold=9))


@given(st.binary(max_size=80))
def test_no_bytes_make_the_readers_raise_anything_but_rejected(raw: bytes) -> None:
    for _, read in MADE.values():
        refused(read, raw)


@given(st.sampled_from(list(MADE)), st.integers(0, 900), st.binary(max_size=3), st.integers(0, 3))
def test_mutated_statements_are_refused_or_are_the_same(kind: str, at: int, put: bytes, cut: int) -> None:
    raw, read = MADE[kind]
    bad = raw[:at] + put + raw[at + cut :]
    key = {POLICY: OPERATOR, KEY_ADD: REGISTRAR_A}.get(kind, signer(4))
    try:
        read(bad).message.verify(key.public)
    except Rejected:
        return
    assert bad == raw
