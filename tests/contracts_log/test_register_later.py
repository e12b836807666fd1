"""Statements accepted to be registered later: durable at once, registered once, refused by the same policy."""

import pytest

from custody.kernel import cose
from custody.kernel.clock import DAY_MS
from custody.kernel.errors import Rejected, Unavailable
from custody.kernel.keys import ES256, new_signer
from custody.scans.tolerances import Tolerances
from custody.store import registration_book
from custody.store.registration_book import RegistrationState
from custody.store.unit import House
from custody.usecases import register_later
from custody.usecases.register_later import MAX_TOLD, TOLD_MS, accept, settle
from custody.usecases.register_statement import register
from tests.contracts_log.small_house import enrol_bench, findings, open_house, opened_house, raises, size_of, twin_of


def state(house: House, digest: bytes) -> str | None:
    with house.read() as session:
        row = registration_book.of_digest(session, digest)
        return None if row is None else row.state


def test_what_was_accepted_survives_the_process_and_is_registered_once_in_order(database_url: str) -> None:
    house = opened_house(database_url)
    bench = enrol_bench(house)
    statements = [bench.sign(house)[0] for _ in range(3)]
    before = size_of(house)
    digests = [accept(house, statement) for statement in statements]
    assert [state(house, digest) for digest in digests] == [RegistrationState.WAITING] * 3
    assert size_of(house) == before
    house.engine.dispose()
    again = open_house(database_url)
    assert settle(again, Tolerances()) == 3
    assert [state(again, digest) for digest in digests] == [None] * 3
    assert size_of(again) == before + 3
    assert settle(again, Tolerances()) == 0
    assert findings(again) == []


def test_a_statement_that_came_another_way_meanwhile_is_there_once(sqlite_url: str) -> None:
    house = opened_house(sqlite_url)
    statement, _ = enrol_bench(house).sign(house)
    digest = accept(house, statement)
    place = register(house, statement, Tolerances())
    accept(house, statement)
    settle(house, Tolerances())
    assert size_of(house) == place.index + 1
    assert state(house, digest) is None


def test_a_statement_that_waits_under_both_its_signatures_is_there_once(sqlite_url: str) -> None:
    house = opened_house(sqlite_url)
    statement, _ = enrol_bench(house, signer=new_signer(ES256)).sign(house)
    before = size_of(house)
    digests = {accept(house, statement), accept(house, twin_of(statement))}
    assert settle(house, Tolerances()) == 2
    assert [state(house, digest) for digest in digests] == [None]
    assert size_of(house) == before + 1
    assert findings(house) == []


def test_a_crash_between_registering_and_dropping_changes_nothing(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = opened_house(sqlite_url)
    statement, _ = enrol_bench(house).sign(house)
    digest, before = accept(house, statement), size_of(house)

    def broken(_session: object, _name: bytes) -> None:
        raise OSError("the power went")

    with monkeypatch.context() as patch:
        patch.setattr(registration_book, "drop", broken)
        with pytest.raises(OSError, match="power"):
            settle(house, Tolerances())
    assert (size_of(house), state(house, digest)) == (before + 1, RegistrationState.WAITING)
    settle(house, Tolerances())
    assert (size_of(house), state(house, digest)) == (before + 1, None)


def test_what_the_policy_refuses_is_told_for_a_week_and_may_be_posted_again(database_url: str) -> None:
    house = opened_house(database_url)
    bench = enrol_bench(house)
    statement, _ = bench.sign(house)
    message = cose.parse(statement)
    forged = cose._assemble(message.protected_raw, {}, message.payload, bytes(64))
    assert accept(house, forged) == accept(house, statement) == message.digest
    before = size_of(house)
    settle(house, Tolerances())
    assert size_of(house) == before + 1, "a false signature takes nobody's place"
    with house.read() as session:
        row = registration_book.of_digest(session, message.digest)
        assert row is not None
        assert (row.state, row.code, row.statement) == (RegistrationState.REFUSED, "signature", forged)
    later, _ = bench.sign(house)
    broken = later[:-1] + bytes([later[-1] ^ 1])
    digest = accept(house, broken)
    for _ in range(2):
        settle(house, Tolerances())
        assert state(house, digest) == RegistrationState.REFUSED
        accept(house, broken)
        assert state(house, digest) == RegistrationState.WAITING
    settle(house, Tolerances())
    for age_ms, told in ((TOLD_MS, RegistrationState.REFUSED), (-DAY_MS, None)):
        with house.unit() as unit:
            registration_book.forget(unit.session, before_ms=unit.now_ms - age_ms, most=MAX_TOLD)
        assert state(house, digest) == told


def test_of_very_many_refusals_the_newest_are_told(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(register_later, "MAX_TOLD", 2)
    house = opened_house(database_url)
    bench = enrol_bench(house)
    digests = []
    for _ in range(4):
        statement, _ = bench.sign(house)
        digests.append(accept(house, statement[:-1] + bytes([statement[-1] ^ 1])))
        settle(house, Tolerances())
    assert [state(house, digest) for digest in digests] == [
        None,
        None,
        RegistrationState.REFUSED,
        RegistrationState.REFUSED,
    ]


def test_a_wrong_form_is_refused_at_once_and_a_full_queue_takes_no_more(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = opened_house(sqlite_url)
    bench = enrol_bench(house)
    for code, raw in {"cbor": b"\xff", "too_large": bytes(70_000)}.items():
        with raises(Rejected, code):
            accept(house, raw)
    monkeypatch.setattr(register_later, "MAX_WAITING", 2)
    pairs = [bench.sign(house) for _ in range(3)]
    for statement, _ in pairs[:2]:
        accept(house, statement)
    with raises(Unavailable, "busy"):
        accept(house, pairs[2][0])
    with house.read() as session:
        assert len(registration_book.waiting(session, 10)) == 2
