"""A parcel's trail is read without opening what else went through its cage, on both databases, warm or not."""

import pytest

from api.trail_memory import TrailMemory
from custody.kernel.clock import HOUR_MS
from custody.store import erase_book, log_reader, scan_book
from custody.store.unit import House
from custody.trail.belongings import Lookup, find_belongings
from custody.trail.trail import build_trail
from custody.usecases import look_up
from custody.usecases.erase import write_notice
from custody.usecases.read_trail import FoundTrail, read_trail, sealed_scans, state_of
from tests.contracts_log.small_house import (
    CAGE,
    OTHER_SSCC,
    SITE,
    SSCC,
    Bench,
    enrol_bench,
    opened_house,
    packing,
    send,
)
from tests.world_parts import Clock

VAN = "https://id.gs1.org/8004/9521886VAN7"
HANDSET_IMEI = "001017004829159"
CAGE_SEEN = {"epcList": [CAGE], "bizStep": "arriving"}


@pytest.fixture(name="house")
def _house(database_url: str) -> House:
    return opened_house(database_url)


@pytest.fixture(name="bench")
def _bench(house: House) -> Bench:
    return enrol_bench(house)


def put(into: str, thing: str, action: str = "ADD") -> dict[str, object]:
    body = {"type": "AggregationEvent", "action": action, "parentID": into, "epcList": None, "childEPCs": [thing]}
    return {**body, "bizStep": "loading" if action == "ADD" else "unloading"}


def others(house: House, bench: Bench, count: int = 20) -> None:
    assert isinstance(house.clock, Clock)
    house.clock.at_ms += HOUR_MS
    loads = [bench.sign(house, OTHER_SSCC, **put(CAGE, OTHER_SSCC, ("ADD", "DELETE")[at % 2])) for at in range(count)]
    send(house, *loads)


def used_for_long(house: House, bench: Bench) -> list[int]:
    """A cage that was in a van before our parcel was in it, and has gone on since; where what matters to it stands."""
    mine = []
    others(house, bench)
    mine += send(house, bench.sign(house, CAGE, **put(VAN, CAGE)))
    others(house, bench)
    mine += send(house, bench.sign(house, SSCC, **packing(SSCC)), bench.sign(house, SSCC, **put(CAGE, SSCC)))
    mine += send(house, bench.sign(house, VAN, epcList=[VAN], bizStep="arriving"))
    kept_offline = bench.sign(house, CAGE, **CAGE_SEEN)
    others(house, bench)
    mine += send(house, bench.sign(house, SSCC, **put(CAGE, SSCC, "DELETE")))
    others(house, bench)
    return sorted(answer.index for answer in [*mine, *send(house, kept_offline)] if answer.index is not None)


def read(house: House, item: str = SSCC) -> FoundTrail:
    with house.read() as session:
        return read_trail(session, item)


def test_only_what_matters_is_opened_and_the_trail_is_that_of_all_scans(house: House, bench: Bench) -> None:
    mattering = used_for_long(house, bench)
    with house.read() as session:
        everything = sealed_scans(session, scan_book.scans_from(session, 0, limit=1_000))
    assert len(everything) > 80
    whole = build_trail(find_belongings(SSCC, everything), everything)
    for _ in range(2):
        found = read(house)
        assert [scan.index for scan in found.scans] == mattering
        assert found.trail == whole


def test_what_was_seen_of_a_cage_is_not_looked_at_again(
    house: House, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look_up, "AT_ONCE", 7)
    used_for_long(house, bench)
    first = read(house)
    looked: list[int] = []
    real = log_reader.openings

    def counted(*given: object) -> object:
        found = real(*given)  # type: ignore[arg-type]  # handed on as it came
        looked.extend(found)
        return found

    monkeypatch.setattr(log_reader, "openings", counted)
    others(house, bench, 3)
    again = read(house)
    assert (again.trail, again.scans) == (first.trail, first.scans)
    opened = [place for place in looked if place in {scan.place for scan in again.scans}]
    assert len(looked) - len(opened) == 3, "those that have come since"
    assert len(opened) == len(again.scans), "for the trail itself, and not for a glance before it"
    monkeypatch.setattr(look_up, "MOST_PLACES", 10)
    others(house, bench, 1)
    read(house)
    looked.clear()
    assert read(house).trail == first.trail
    assert len(looked) > 80


def test_what_else_goes_through_the_cage_leaves_the_state_of_a_trail_as_it_is(house: House, bench: Bench) -> None:
    used_for_long(house, bench)
    found = read(house)
    assert Lookup(key=CAGE, carrier=True) in found.lookups
    with house.read() as session:
        before = state_of(session, found.lookups)
    others(house, bench)
    with house.read() as session:
        assert state_of(session, found.lookups) == before
    send(house, bench.sign(house, CAGE, **CAGE_SEEN))
    with house.read() as session:
        assert state_of(session, found.lookups) != before


def test_what_was_erased_of_a_cage_is_told_alike_by_who_has_seen_it_and_who_has_not(house: House, bench: Bench) -> None:
    used_for_long(house, bench)
    read(house)
    with house.unit() as unit:
        loads = scan_book.places_under(unit.session, [OTHER_SSCC])
        gone = erase_book.delete_openings(unit.session, loads, at_ms=unit.now_ms)
        write_notice(unit, "2026Q4.all", "shard", gone, reason="its days are over", actor="operator")
    warm = read(house)
    look_up._SEEN.clear()
    cold = read(house)
    assert warm.trail == cold.trail
    assert (warm.scans, warm.erased) == (cold.scans, cold.erased)
    assert len(warm.erased) == 80


def test_a_handsets_site_is_that_of_its_own_first_scan_and_not_of_its_cages(house: House, bench: Bench) -> None:
    yard = enrol_bench(house, "yard-1", site="https://id.gs1.org/414/9521886000454")
    send(house, yard.sign(house, CAGE, **put(VAN, CAGE)))
    send(house, bench.sign(house, SSCC, **packing(SSCC)), bench.sign(house, SSCC, **put(CAGE, SSCC)))
    with house.read() as session:
        assert TrailMemory().ask(session, HANDSET_IMEI).site == SITE
