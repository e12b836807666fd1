"""The standard door: what the registration policy takes, and a scan whose opening comes later or never."""

import hashlib

import pytest
from sqlmodel import Session, SQLModel, select

from custody.kernel import cbor, cose
from custody.kernel.errors import Rejected
from custody.kernel.keys import EDDSA, ES256, SoftwareSigner, new_signer
from custody.ledger.policy import Policy
from custody.ledger.replay import About
from custody.ledger.statements import (
    SigningRegistrar,
    StationInfo,
    Step,
    make_key_add,
    make_key_revoke,
    make_policy,
    make_possession,
    read_policy,
)
from custody.scans.tolerances import Tolerances
from custody.store import log_reader
from custody.store.policy_book import newest_policy
from custody.store.tables import OpeningRow, ScanRow, StationHeadRow, StationKeyRow, UnopenedRow
from custody.store.unit import House
from custody.usecases.enrol_station import revoke
from custody.usecases.register_statement import Registered, register
from tests.contracts_log.shard_yard import sign_batch
from tests.contracts_log.small_house import (
    CUSTODIAN,
    OTHER_SSCC,
    SITE,
    SSCC,
    Bench,
    enrol_bench,
    findings,
    opened_house,
    raises,
    running_intake,
    send,
    size_of,
    twin_of,
)
from tests.handed_in import hand_in
from tests.world_parts import ORIGIN, key

SUB = "urn:uuid:6f1f6f0e-0000-4000-8000-000000000001"


def put(house: House, statement: bytes) -> Registered:
    return register(house, statement, Tolerances())


def count(session: Session, table: type[SQLModel]) -> int:
    return len(session.scalars(select(table)).all())


def test_a_scans_statement_is_registered_once_and_answers_with_the_same_place(database_url: str) -> None:
    house = opened_house(database_url)
    bench = enrol_bench(house)
    statement, _ = bench.sign(house)
    first = put(house, statement)
    again = put(house, statement)
    assert (first.fresh, again.fresh) == (True, False)
    assert (first.index, first.digest) == (again.index, again.digest)
    assert size_of(house) == first.index + 1
    assert findings(house) == []


def test_a_statement_under_its_twin_signature_is_taken_and_is_no_second_one(database_url: str) -> None:
    house = opened_house(database_url)
    bench = enrol_bench(house, signer=new_signer(ES256))
    posted, handed_in = bench.sign(house), bench.sign(house)
    first = put(house, twin_of(posted[0]))
    again = put(house, posted[0])
    assert (first.fresh, again.fresh, again.index) == (True, False, first.index)
    (opened,) = send(house, posted)
    assert opened.index == first.index
    acks = send(house, handed_in, (twin_of(handed_in[0]), handed_in[1]))
    assert [ack.verdict.result for ack in acks][1] == "duplicate"
    (late,) = send(house, (twin_of(handed_in[0]), handed_in[1]))
    assert (late.verdict.result, late.index) == ("duplicate", acks[0].index)
    assert late.index == acks[1].index
    assert put(house, twin_of(handed_in[0])) == Registered(digest=late.digest, index=late.index or 0, fresh=False)
    with house.read() as session:
        assert log_reader.entry(session, first.index).raw == twin_of(posted[0]), "the signature that came first"
        assert log_reader.entry(session, late.index or 0).raw == handed_in[0]
    assert findings(house) == []


@pytest.mark.parametrize("form", [EDDSA, ES256])
def test_what_is_registered_already_is_refused_under_a_signature_that_its_key_did_not_make(
    sqlite_url: str, form: int
) -> None:
    house = opened_house(sqlite_url)
    statement, _ = enrol_bench(house, signer=new_signer(form)).sign(house)
    with house.read() as session:
        others = [newest_policy(session), log_reader.entry(session, size_of(house) - 1).raw]
    put(house, statement)
    for known in (statement, *others):
        false = known[:-1] + bytes([known[-1] ^ 1])
        with raises(Rejected, "signature"):
            put(house, false)
        assert not put(house, known).fresh
    assert size_of(house) == 3


def test_what_stands_in_the_unprotected_header_is_dropped(sqlite_url: str) -> None:
    house = opened_house(sqlite_url)
    statement, _ = enrol_bench(house).sign(house)
    with_more = cose.parse(statement).with_unprotected({99: "more"}).raw
    done = put(house, with_more)
    with house.read() as session:
        assert log_reader.entry(session, done.index).raw == statement
    assert put(house, statement) == Registered(digest=done.digest, index=done.index, fresh=False)


def test_the_opening_follows_by_the_scanners_door_and_the_scan_is_judged_then(database_url: str) -> None:
    house = opened_house(database_url)
    bench = enrol_bench(house)
    pairs = [bench.sign(house) for _ in range(3)]
    places = [put(house, statement).index for statement, _ in pairs[:2]]
    acks = send(house, pairs[2], pairs[1], pairs[0])
    assert [ack.index for ack in acks] == [places[1] + 1, places[1], places[0]]
    assert {ack.verdict.result for ack in acks} <= {"accepted", "flagged"}
    assert not {flag.code for ack in acks for flag in ack.verdict.flags} & {"sequence_gap", "chain_broken"}
    with house.read() as session:
        assert count(session, UnopenedRow) == 0
        for index, (_, opening) in zip(places, pairs, strict=False):
            assert log_reader.entry(session, index).opening == opening
        assert session.get(StationHeadRow, "bench-07").seq == 3  # type: ignore[union-attr]  # the head is there
        rows = {row.index: row for row in session.scalars(select(ScanRow)).all()}
        assert rows[places[0]].received_ms == log_reader.entry(session, places[0]).received_ms
    assert [ack.verdict.result for ack in send(house, *pairs)] == ["duplicate"] * 3
    assert size_of(house) == places[1] + 4, "the scan that was posted, and a record for each opening that came late"
    assert findings(house) == []


def test_a_second_copy_in_the_same_group_is_a_repeat(sqlite_url: str) -> None:
    house = opened_house(sqlite_url)
    pair = enrol_bench(house).sign(house)
    done = put(house, pair[0])
    acks = send(house, pair, pair)
    assert [ack.index for ack in acks] == [done.index, done.index]
    assert acks[1].verdict.result == "duplicate"
    with house.read() as session:
        assert count(session, OpeningRow) == 2, "the scan's, and that of the record of its coming"


def test_an_unopened_scan_takes_its_place_in_the_stations_sequence(sqlite_url: str) -> None:
    house = opened_house(sqlite_url)
    bench = enrol_bench(house)
    put(house, bench.sign(house)[0])
    (ack,) = send(house, bench.sign(house))
    assert "sequence_gap" not in {flag.code for flag in ack.verdict.flags}
    bench.sign(house)
    bench.prev = b"x" * 32
    forged, _ = bench.sign(house)
    put(house, forged)
    with house.read() as session:
        assert session.get(StationHeadRow, "bench-07").seq == 4, "a gap moves the head"  # type: ignore[union-attr]  # it is there


def test_two_statements_under_one_number_are_evidence_whichever_way_they_come(sqlite_url: str) -> None:
    house = opened_house(sqlite_url)
    bench = enrol_bench(house)
    one = bench.sign(house)
    other = Bench(name=bench.name, signer=bench.signer).sign(house, disposition="damaged")
    put(house, one[0])
    (ack,) = send(house, other)
    assert [flag.code for flag in ack.verdict.flags] == ["tamper_evidence"]
    (late,) = send(house, one)
    assert [flag.code for flag in late.verdict.flags] == ["tamper_evidence"]
    assert {found.code for found in findings(house) if found.about is not About.STATION} == set()


def test_tamper_evidence_that_comes_again_is_answered_as_such_whatever_took_the_number(sqlite_url: str) -> None:
    house = opened_house(sqlite_url)
    bench = enrol_bench(house)
    first = bench.sign(house)
    put(house, first[0])
    plain = Bench(name=bench.name, signer=bench.signer).sign(house, disposition="damaged")
    batch = sign_batch(house, Bench(name=bench.name, signer=bench.signer), [SSCC, OTHER_SSCC])
    for _ in range(2):
        assert [ack.verdict.code for ack in send(house, plain)] == ["S40"]
    with running_intake(house) as intake:
        acks = [hand_in(intake, [batch]).result(timeout=60) for _ in range(2)]
    assert [[ack.verdict.code for ack in each] for each in acks] == [["S40", "S30"], ["S40", "S10"]]


def test_who_took_a_number_first_is_no_tamper_evidence_when_another_statement_came_alone(sqlite_url: str) -> None:
    house = opened_house(sqlite_url)
    bench = enrol_bench(house)
    first = bench.sign(house)
    send(house, first)
    put(house, Bench(name=bench.name, signer=bench.signer).sign(house, disposition="damaged")[0])
    assert [ack.verdict.code for ack in send(house, first)] == ["S10"]


def test_a_stranger_a_dead_key_and_another_stations_name_are_refused(sqlite_url: str) -> None:
    house = opened_house(sqlite_url)
    bench = enrol_bench(house)
    stranger = Bench(name="bench-07", signer=key("stranger"))
    impostor = Bench(name="bench-08", signer=bench.signer)
    before = size_of(house)
    for who in (stranger, impostor):
        with raises(Rejected, "registration"):
            put(house, who.sign(house)[0])
    statement, _ = bench.sign(house)
    broken = statement[:-1] + bytes([statement[-1] ^ 1])
    with raises(Rejected, "signature"):
        put(house, broken)
    assert size_of(house) == before
    with house.unit() as unit:
        revoke(unit, station="bench-07", reason="lost", suspect_from=None, registrar=key("registrar"))
    with raises(Rejected, "registration"):
        put(house, statement)


def test_a_wrong_form_is_told_from_a_wrong_algorithm_and_a_missing_payload(sqlite_url: str) -> None:
    house = opened_house(sqlite_url)
    bench = enrol_bench(house)
    statement, _ = bench.sign(house)
    message = cose.parse(statement)
    other_algorithm = cbor.encode({**message.protected, cose.ALG: -38})
    list_for_algorithm = cbor.encode({**message.protected, cose.ALG: [cose.ALG]})
    detached = cose._assemble(message.protected_raw, {}, None, message.signature)
    cases = {
        "algorithm": cose._assemble(other_algorithm, {}, message.payload, message.signature),
        "payload_missing": detached,
        "cbor": b"\xff",
        "cose": cbor.encode([1, 2]),
    }
    for code, raw in cases.items():
        with raises(Rejected, code):
            put(house, raw)
    with raises(Rejected, "algorithm"):
        put(house, cose._assemble(list_for_algorithm, {}, message.payload, message.signature))
    with raises(Rejected, "too_large"):
        put(house, bytes(70_000))
    for kind in ("text/plain", ["a list"], {"a": "map"}):
        with raises(Rejected, "registration"):
            put(house, cose.sign({3: kind, 15: {1: "urn:x", 2: "urn:y"}}, b"hello", bench.signer))


def test_a_registrar_enrols_and_ends_a_station_by_the_standard_door(database_url: str) -> None:
    house = opened_house(database_url)
    signer = new_signer(ES256)
    info = StationInfo(station="dock-3", site=SITE, place="Dock 3", step=Step.DOCK, custodian=CUSTODIAN)
    possession = make_possession(origin=ORIGIN, station="dock-3", signer=signer, sub=SUB, iat_s=1)

    def add(by: SoftwareSigner, iat_s: int) -> bytes:
        return make_key_add(
            info,
            origin=ORIGIN,
            key=signer.public,
            possession=possession,
            by=SigningRegistrar(name="registrar-1", signer=by, sub=SUB, iat_s=iat_s),
        )

    with raises(Rejected, "registrar"):
        put(house, add(key("stranger"), 2))
    added = put(house, add(key("registrar"), 2))
    bench = Bench(name="dock-3", signer=signer)
    (ack,) = send(house, bench.sign(house))
    assert ack.index == added.index + 1
    with raises(Rejected, "registration"):
        put(house, add(key("registrar"), 3))
    kid = signer.public.kid
    end = make_key_revoke(
        origin=ORIGIN,
        station="dock-3",
        kid=kid,
        suspect_from=ack.index,
        reason="stolen",
        by=SigningRegistrar(name="registrar-1", signer=key("registrar"), sub=SUB, iat_s=4),
    )
    ended = put(house, end)
    with house.read() as session:
        row = session.get(StationKeyRow, kid)
        assert row is not None
        assert (row.revoked_idx, row.suspect_from_idx) == (ended.index, ack.index)
    (late,) = send(house, bench.sign(house))
    assert [flag.code for flag in late.verdict.flags] == ["key_revoked"]
    assert {found.code for found in findings(house)} == {"suspect-key", "revoked-key"}


def test_a_policy_is_taken_only_if_it_follows_the_one_in_force(sqlite_url: str) -> None:
    house = opened_house(sqlite_url)
    with house.read() as session:
        before = read_policy(newest_policy(session))

    def policy(version: int, previous: bytes) -> bytes:
        now = before.policy
        made = Policy(
            origin=now.origin,
            version=version,
            previous=previous,
            log_key=now.log_key,
            operator_key=now.operator_key,
            registrars=now.registrars,
            threshold=now.threshold,
            rules={"limit": version},
        )
        return make_policy(made, signer=key("operator"), sub=SUB, iat_s=1)

    with raises(Rejected, "registration"):
        put(house, policy(3, before.message.digest))
    with raises(Rejected, "registration"):
        put(house, policy(2, hashlib.sha256(b"another").digest()))
    done = put(house, policy(2, before.message.digest))
    assert done.fresh
    assert findings(house) == []


@pytest.mark.parametrize("door", ["opening first", "statement first"])
def test_both_doors_give_one_place(sqlite_url: str, door: str) -> None:
    house = opened_house(sqlite_url)
    pair = enrol_bench(house).sign(house)
    if door == "opening first":
        (ack,) = send(house, pair)
        assert put(house, pair[0]).index == ack.index
    else:
        done = put(house, pair[0])
        assert send(house, pair)[0].index == done.index
