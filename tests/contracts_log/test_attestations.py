"""What a verifier attests stands in the log once, is found by its scan, and goes with it; nobody else's word does."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from custody.kernel import cose
from custody.kernel.errors import Conflict, NotFound, Rejected
from custody.kernel.keys import ES256, new_signer
from custody.ledger.attestation import open_attestation
from custody.scans.scan import Scan, open_scan
from custody.scans.tolerances import Tolerances
from custody.store import attestation_book, log_reader, quarantine, registry_book
from custody.store.tables import QuarantineRow
from custody.store.unit import House
from custody.trail.delivery import DeliveryProof
from custody.usecases.enrol_verifier import revoke_verifier
from custody.usecases.erase import erase
from custody.usecases.read_trail import FoundTrail, read_trail, state_of
from custody.usecases.register_statement import register
from custody.usecases.take_attestation import take
from tests.contracts_log.small_house import (
    CARRIER,
    HOME,
    SSCC,
    Bench,
    enrol_bench,
    findings,
    opened_house,
    parties,
    raises,
    send,
    size_of,
    twin_of,
)
from tests.verifying import CHECKED, Verifier
from tests.world_parts import key

DELIVERED: dict[str, Any] = {"bizStep": "accepting", "disposition": "retail_sold", **parties(CARRIER, HOME), **CHECKED}


@pytest.fixture
def house(database_url: str) -> House:
    return opened_house(database_url)


@pytest.fixture
def courier(house: House) -> Bench:
    return enrol_bench(house, "courier-7", custodian=CARRIER)


@pytest.fixture
def pins(house: House) -> Iterator[Verifier]:
    """An enrolled verifier; the log audits clean in the end."""
    verifier = Verifier(house=house, signer=key("pins"))
    verifier.enrol(key("registrar"))
    yield verifier
    assert findings(house) == []


def delivered(house: House, courier: Bench, **more: Any) -> Scan:
    pair = courier.sign(house, **DELIVERED | more)
    send(house, pair)
    return open_scan(*pair)


def trail(house: House) -> FoundTrail:
    with house.read() as session:
        return read_trail(session, SSCC)


def proof(house: House) -> DeliveryProof:
    return trail(house).trail.delivery


def quarantined(house: House) -> list[tuple[bytes, str]]:
    with house.read() as session:
        return [(row.digest, row.why) for row in session.scalars(select(QuarantineRow))]


def test_a_check_is_verified_by_what_stands_in_the_log_alone(house: House, courier: Bench, pins: Verifier) -> None:
    scan = delivered(house, courier)
    assert proof(house).check_verified is None
    taken = pins.attest(scan.digest)
    assert (taken.fresh, taken.scan, taken.index) == (True, "known", size_of(house) - 1)
    assert proof(house).check_verified is True
    pins.attest(scan.digest, held=False)
    assert proof(house).check_verified is None


def test_what_a_verifier_says_is_another_state_of_the_trail(house: House, courier: Bench, pins: Verifier) -> None:
    scan = delivered(house, courier)
    states = []
    for _ in range(2):
        lookups = trail(house).lookups
        with house.read() as session:
            states.append(state_of(session, lookups))
        pins.attest(scan.digest)
    assert states[0] != states[1]


def test_the_same_statement_is_taken_once_under_either_signature(house: House, courier: Bench) -> None:
    pins = Verifier(house=house, signer=new_signer(ES256))
    pins.enrol(key("registrar"))
    statement, opening = pins.sign(delivered(house, courier).digest)
    first, before = take(house, statement, opening), size_of(house)
    for again in (statement, twin_of(statement)):
        assert take(house, again, opening).index == first.index
    assert size_of(house) == before


def test_one_that_comes_before_its_scan_waits_for_it(house: House, courier: Bench, pins: Verifier) -> None:
    pair = courier.sign(house, **DELIVERED)
    assert pins.attest(open_scan(*pair).digest).scan == "awaited"
    register(house, pair[0], Tolerances())
    assert pins.attest(open_scan(*pair).digest).scan == "awaited"
    send(house, pair)
    assert proof(house).check_verified is True


@pytest.mark.parametrize("own", ["of the courier's firm", "of another check", "of no check"])
def test_a_word_that_does_not_fit_is_refused_with_the_reason_and_stands_in_the_log_all_the_same(
    house: House, courier: Bench, own: str
) -> None:
    pins = Verifier(house=house, signer=key("pins"), custodian=CARRIER if "firm" in own else "urn:example:pins")
    pins.enrol(key("registrar"))
    scan = delivered(house, courier, **({"wl:recipientCheck": None} if own == "of no check" else {}))
    before, silent = size_of(house), proof(house)
    with raises(Rejected, "attestation_unfit"):
        pins.attest(scan.digest, check="signature" if "another" in own else "pin6", held=False)
    assert size_of(house) == before + 1
    assert proof(house) == silent


def test_a_stranger_and_a_station_are_refused_and_kept_outside_the_log(house: House, courier: Bench) -> None:
    scan, before = delivered(house, courier), size_of(house)
    for signer in (key("pins"), courier.signer, key("operator"), key("registrar")):
        with raises(Rejected, "verifier_key"):
            Verifier(house=house, signer=signer).attest(scan.digest)
    assert size_of(house) == before
    assert [why for _, why in quarantined(house)] == ["key_unknown"] * 4
    assert proof(house).check_verified is None


def test_who_attests_under_an_unknown_key_is_told_whether_that_was_kept(
    house: House, courier: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan, stranger = delivered(house, courier), Verifier(house=house, signer=key("pins"))
    with pytest.raises(Rejected, match="the statement was kept as evidence"):
        stranger.attest(scan.digest)
    monkeypatch.setattr(quarantine, "EACH", 1)
    with pytest.raises(Rejected, match="nothing of it was kept"):
        stranger.attest(scan.digest)
    assert len(quarantined(house)) == 1


def test_whoever_takes_a_verifiers_name_or_key_without_having_it_is_refused(
    house: House, courier: Bench, pins: Verifier
) -> None:
    scan, before = delivered(house, courier), size_of(house)
    with raises(Rejected, "verifier_key"):
        Verifier(house=house, signer=pins.signer, name="post").attest(scan.digest)
    statement, opening = pins.sign(scan.digest)
    right = cose.parse(statement)
    signature = bytes([right.signature[0] ^ 1]) + right.signature[1:]
    with raises(Rejected, "signature"):
        take(house, cose._assemble(right.protected_raw, {}, right.payload, signature), opening)
    with raises(Rejected, "opening"):
        take(house, statement, opening[:-1])
    assert size_of(house) == before
    assert {why for _, why in quarantined(house)} == {"signature"}


def test_the_standard_door_does_not_take_one_without_its_opening(house: House, pins: Verifier) -> None:
    with raises(Rejected, "registration"):
        register(house, pins.sign(bytes(32))[0], Tolerances())


def test_a_station_with_a_verifiers_key_is_nobody(house: House, pins: Verifier) -> None:
    with raises(Rejected, "registration"):
        register(house, Bench(name="bench-08", signer=pins.signer).sign(house)[0], Tolerances())


def test_a_revoked_verifier_says_nothing_more_and_its_words_in_doubt_count_no_more(
    house: House, courier: Bench
) -> None:
    pins = Verifier(house=house, signer=key("pins"))
    pins.enrol(key("registrar"))
    assert pins.enrol(key("registrar")).index == pins.enrol(key("registrar")).index
    scan = delivered(house, courier)
    taken = pins.attest(scan.digest)
    with house.unit() as unit:
        revoke_verifier(unit, "pins", reason="copied", suspect_from=None, registrar=key("registrar"))
    assert proof(house).check_verified is True
    with raises(Rejected, "verifier_key"):
        pins.attest(scan.digest)
    with house.unit() as unit:
        revoke_verifier(unit, "pins", reason="copied before", suspect_from=taken.index, registrar=key("registrar"))
    assert proof(house).check_verified is None
    with house.read() as session:
        assert registry_book.replay(session).ignored == ()
        (row,) = attestation_book.verifiers(session)
    assert row.suspect_from_idx == taken.index
    with raises(NotFound, "no_verifier"), house.unit() as unit:
        revoke_verifier(unit, "pins", reason="again", suspect_from=None, registrar=key("registrar"))
    assert [finding.code for finding in findings(house)] == ["suspect-key"]


def test_with_a_scan_goes_what_was_attested_of_it(house: House, courier: Bench, pins: Verifier) -> None:
    scan = delivered(house, courier)
    taken = pins.attest(scan.digest)
    with house.unit() as unit:
        gone = erase(unit, SSCC, reason="six years on", actor="supervisor-1", holds=lambda _session, _names: ())
    assert taken.index in gone.openings
    with house.read() as session:
        assert log_reader.entry(session, taken.index).opening is None
        assert attestation_book.is_empty(session)
    statement, opening = pins.sign(scan.digest)
    with raises(Conflict, "scan_erased"):
        take(house, statement, opening)
    with house.read() as session:
        assert log_reader.entry_by_digest(session, cose.parse(statement).digest).opening is None
        assert attestation_book.is_empty(session)
    assert open_attestation(statement, opening).scan == scan.digest
