"""A trail tells which numbers of its stations are missing near its scans, and calls no other number missing."""

import pytest
from sqlalchemy import delete

from custody.kernel.clock import HOUR_MS
from custody.store.tables import OpeningRow
from custody.store.unit import House
from custody.trail.finding import Finding, FindingKind
from custody.usecases.read_trail import read_trail
from tests.contracts_log.small_house import SSCC, Bench, enrol_bench, opened_house, send
from tests.world_parts import Clock, key

OTHER = "https://id.gs1.org/00/195214730000088176"


@pytest.fixture(name="house")
def _house(database_url: str) -> House:
    return opened_house(database_url)


@pytest.fixture(name="bench")
def _bench(house: House) -> Bench:
    return enrol_bench(house)


def gaps(house: House) -> list[Finding]:
    with house.read() as session:
        found = read_trail(session, SSCC, gaps=True).trail
        assert FindingKind.SEQUENCE_GAP not in {finding.kind for finding in read_trail(session, SSCC).trail.findings}
    return [finding for finding in found.findings if finding.kind is FindingKind.SEQUENCE_GAP]


def test_a_statement_that_a_station_keeps_to_itself_beside_a_scan_of_the_parcel_is_missing(
    house: House, bench: Bench
) -> None:
    send(house, bench.sign(house))
    bench.sign(house, OTHER)
    send(house, bench.sign(house, OTHER))
    (gap,) = gaps(house)
    assert "1 statement of station bench-07 near this parcel's scans is missing: number 2 to 2" in gap.sentence


def test_a_gap_that_another_parcels_scans_stand_around_is_told_if_it_is_near_in_time(
    house: House, bench: Bench
) -> None:
    send(house, bench.sign(house), bench.sign(house, OTHER))
    bench.sign(house, OTHER)
    send(house, bench.sign(house, OTHER))
    assert len(gaps(house)) == 1


def test_a_gap_of_another_day_is_no_business_of_this_parcel(house: House, bench: Bench) -> None:
    send(house, bench.sign(house), bench.sign(house, OTHER))
    assert isinstance(house.clock, Clock)
    house.clock.at_ms += 30 * HOUR_MS
    send(house, bench.sign(house, OTHER))
    bench.sign(house, OTHER)
    send(house, bench.sign(house, OTHER))
    assert gaps(house) == []


def test_numbers_of_other_parcels_and_of_what_cannot_be_read_any_more_are_not_missing(
    house: House, bench: Bench
) -> None:
    send(house, bench.sign(house))
    for _ in range(3):
        send(house, bench.sign(house, OTHER))
    with house.unit() as unit:
        unit.session.connection().execute(delete(OpeningRow))
    send(house, bench.sign(house))
    assert gaps(house) == []


def test_nobody_makes_a_gap_of_a_station_with_a_key_that_is_not_its_own(house: House, bench: Bench) -> None:
    send(house, bench.sign(house))
    stranger = Bench(name=bench.name, signer=key("a stranger"), seq=40, prev=bytes(32))
    send(house, stranger.sign(house), stranger.sign(house, OTHER))
    assert gaps(house) == []
