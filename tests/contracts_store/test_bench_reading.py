"""What the benchmarks of the store read, on every engine that a service may run on."""

import pytest

from custody.store import scan_book
from custody.store.tables import ScanRow
from custody.store.unit import House
from simulators import bench_reading, fill
from simulators.bench_ingest import check_counted
from simulators.bench_reading import measure_reading, parcels_in, stored_bytes
from simulators.load import presign
from simulators.story import Broken
from tests.contracts_store.houses import Yard

SCANS = 3_000


def test_a_store_grows_by_what_is_put_into_it_and_is_read(
    house: House, yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_reading, "READS", 10)
    before = stored_bytes(house.engine)
    fill.fill(house, 0, SCANS, lambda _what, _done, _total: None)
    assert 100 < (stored_bytes(house.engine) - before) / SCANS < 2_000
    figures = {each.name: each for each in measure_reading(house.engine, [yard.signed_lanes[0][0].event_id])}
    assert figures.keys() == {"records.read p99", "proof.read"}
    assert all(each.value > 0 for each in figures.values())


def test_a_store_is_filled_with_scans_of_whole_journeys(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fill, "IN_UNIT", 20)
    whole, more = 2 * 20 * fill.SCANS_A_PARCEL, 30
    fill.fill(house, 0, 95, lambda _what, _done, _total: None)
    assert fill.filled_parcels(95) == []
    fill.fill(house, 95, whole + more, lambda _what, _done, _total: None)
    arrived = fill.filled_parcels(whole + more)
    assert len(set(arrived)) == 40
    with house.read() as session:
        scans = [scan_book.scans_under(session, [parcel]) for parcel in arrived]
        assert {len(those) for those in scans} == {fill.SCANS_A_PARCEL}
        assert len(scan_book.scans_from(session, 0, limit=1_000)) == whole + more


def test_parcels_that_are_read_are_those_that_many_scans_tell_of(yard: Yard) -> None:
    assert parcels_in(yard.signed_lanes[0]) == []
    ((scan,),) = presign(yard.stations[:1], each=1, at_ms=1_790_000_000_000, seed=9)
    (parcel,) = parcels_in([scan] * bench_reading.LEAST_SCANS)
    assert parcel.encode() in scan.opening


def test_a_bench_ends_where_a_scan_of_its_stations_was_set_aside(house: House) -> None:
    def keep(seq: int, result: str) -> None:
        with house.unit() as unit:
            at = {"received_ms": unit.now_ms, "code": "S00", "flags": ""}
            unit.session.add(ScanRow(place=seq, station="sender", seq=seq, digest=bytes([seq]), result=result, **at))

    keep(1, "accepted")
    keep(2, "flagged")
    check_counted(house.engine, ["sender"])
    keep(3, "quarantined")
    check_counted(house.engine, ["another"])
    with pytest.raises(Broken, match="quarantined"):
        check_counted(house.engine, ["sender"])
