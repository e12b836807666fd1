"""What an investigation remembers of ways, and what is kept of it, takes in what comes late and what goes."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlmodel import Session, select

from custody.gs1.keys import issue_sscc
from custody.scans.tolerances import Tolerances
from custody.store import stretch_book
from custody.store.stretch_book import Stretch, StretchRow
from custody.store.unit import House, Unit
from custody.usecases import parcel_ways
from custody.usecases.erase import erase
from custody.usecases.parcel_ways import ParcelWays
from custody.usecases.register_statement import register
from tests.contracts_log.small_house import enrol_bench, opened_house, send


def test_a_scan_whose_opening_comes_late_is_read_although_later_ones_were_read_before(database_url: str) -> None:
    house = opened_house(database_url)
    bench, other, remembered = enrol_bench(house), issue_sscc("9521473", 77).uri, ParcelWays()
    late = bench.sign(house, other)
    register(house, late[0], Tolerances())
    send(house, bench.sign(house))
    with house.read() as session:
        assert other not in remembered.passages(session)
    send(house, late)
    with house.read() as session:
        assert other in remembered.passages(session)
        assert remembered.passages(session) == ParcelWays().passages(session)


def kept_parcels(session: Session) -> list[str]:
    stretches = [stretch_book.kept(session, row.first_place) for row in session.scalars(select(StretchRow)).all()]
    return [told.parcel for stretch in stretches if stretch is not None for told in stretch.told]


def start(house: House) -> set[str]:
    """The parcels that a process which starts finds; it keeps what it opened."""
    process = ParcelWays()
    process.read_on(house, lambda _read, _entries: None)
    with house.read() as session:
        return set(process.passages(session))


def test_what_is_kept_is_read_again_after_a_late_opening_and_goes_with_an_erased_one(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parcel_ways, "AT_ONCE", 1)
    house = opened_house(database_url)
    bench, first, late_one = enrol_bench(house), issue_sscc("9521473", 76).uri, issue_sscc("9521473", 77).uri
    send(house, bench.sign(house, first))
    late = bench.sign(house, late_one)
    register(house, late[0], Tolerances())
    send(house, bench.sign(house))
    known = start(house)
    assert first in known
    assert late_one not in known
    with house.read() as session:
        assert set(kept_parcels(session)) == known
    send(house, late)
    assert start(house) == known | {late_one}
    with house.read() as session:
        assert set(kept_parcels(session)) == known | {late_one}
    with house.unit() as unit:
        erase(unit, first, reason="retention over", actor="sup-1", holds=lambda *_given: ())
    with house.read() as session:
        assert first not in kept_parcels(session)
    assert start(house) == known - {first} | {late_one}
    with house.read() as session:
        assert set(kept_parcels(session)) == known - {first} | {late_one}


WAIT_S = 60.0
AT_REST_S = 0.3
"""Who could go on would have done so by then."""


def one_parcel(database_url: str) -> tuple[House, str]:
    """A log with a scan of one parcel."""
    house, parcel = opened_house(database_url), issue_sscc("9521473", 76).uri
    bench = enrol_bench(house)
    send(house, bench.sign(house, parcel))
    return house, parcel


def end_of(house: House, parcel: str, *, between: Callable[[], None]) -> None:
    """Erase a parcel; `between` is called in the unit, when all is written and before it is committed."""
    with house.unit() as unit:
        erase(unit, parcel, reason="retention over", actor="sup-1", holds=lambda *_given: ())
        between()


def test_what_was_read_before_an_erasure_that_is_on_its_way_is_not_kept(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, parcel = one_parcel(database_url)
    read, erased, keep = threading.Event(), threading.Event(), parcel_ways._keep

    def keep_late(*given: object) -> None:
        read.set()
        assert erased.wait(WAIT_S)
        keep(*given)  # type: ignore[arg-type]  # as they were given

    monkeypatch.setattr(parcel_ways, "_keep", keep_late)
    monkeypatch.setattr(parcel_ways, "AT_ONCE", 1)
    with ThreadPoolExecutor(1) as pool:
        known = pool.submit(start, house)
        assert read.wait(WAIT_S)

        def come_to_rest() -> None:
            erased.set()
            time.sleep(AT_REST_S)
            assert not known.done(), "it waits for the head"

        end_of(house, parcel, between=come_to_rest)
        assert parcel not in known.result(WAIT_S)
    with house.read() as session:
        assert parcel not in kept_parcels(session)


def test_an_erasure_waits_for_what_is_being_kept_and_takes_it_along(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, parcel = one_parcel(database_url)
    kept, erasing, keep = threading.Event(), threading.Event(), stretch_book.keep

    def keep_slowly(unit: Unit, stretch: Stretch, *, erasure: int) -> None:
        keep(unit, stretch, erasure=erasure)
        kept.set()
        assert not erasing.wait(AT_REST_S), "an erasure goes on beside it"

    monkeypatch.setattr(stretch_book, "keep", keep_slowly)
    monkeypatch.setattr(parcel_ways, "AT_ONCE", 1)
    with ThreadPoolExecutor(1) as pool:
        known = pool.submit(start, house)
        assert kept.wait(WAIT_S)
        end_of(house, parcel, between=erasing.set)
        known.result(WAIT_S)
    with house.read() as session:
        assert parcel not in kept_parcels(session)
