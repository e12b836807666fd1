"""Whatever stations did in two quarters: dropping takes what is over, and nothing that a later parcel stands on."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import select

from custody.scans.place import index_of
from custody.store.run_tables import ItemKeyRow
from custody.store.tables import ParcelRow
from custody.usecases.read_trail import read_trail
from tests.contracts_log.shard_yard import Outsider, Yard
from tests.contracts_log.small_house import copy_database, opened_house

PARCELS = tuple(f"https://id.gs1.org/00/{digits}" for digits in ("195214730000088169", "195214730000088176"))
PALLET = "https://id.gs1.org/00/195214730000099998"
HANDSET = "urn:gsma:imei:35693803-564380-0"
STATIONS = ("bench-1", "bench-2")
GROUPS = ("north", "south", "all")
YEARS = 6

Step = Callable[[Yard], object]
ITEMS = st.sampled_from((*PARCELS, PALLET))
WHERE = st.sampled_from(STATIONS)


def seen(station: str, item: str) -> Step:
    return lambda yard: yard.see(station, item)


def seen_together(station: str, items: list[str]) -> Step:
    return lambda yard: yard.see_together(station, *items)


def loaded(station: str, parcel: str) -> Step:
    return lambda yard: yard.put(station, parcel, into=PALLET, step="loading")


def packed(station: str, parcel: str) -> Step:
    return lambda yard: yard.put(station, HANDSET, into=parcel, step="packing")


def grouped(station: str, group: str) -> Step:
    return lambda yard: yard.station(station, group)


STEPS = st.one_of(
    st.builds(seen, WHERE, ITEMS),
    st.builds(seen_together, WHERE, st.lists(ITEMS, min_size=2, max_size=4)),
    st.builds(loaded, WHERE, st.sampled_from(PARCELS)),
    st.builds(packed, WHERE, st.sampled_from(PARCELS)),
    st.builds(grouped, WHERE, st.sampled_from(GROUPS)),
)
QUARTERS = st.tuples(st.lists(STEPS, min_size=3, max_size=10), st.lists(STEPS, min_size=1, max_size=4))


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the address of a database whose log was just opened."""
    url = f"sqlite:///{tmp_path_factory.mktemp('opened') / 'weaklink.db'}"
    opened_house(url).engine.dispose()
    return url


@pytest.fixture
def fresh(opened: str, tmp_path: Path) -> Iterator[Callable[[], Yard]]:
    """Lend a maker of yards, each over a copy of its own."""
    made: list[Yard] = []

    def make() -> Yard:
        made.append(Yard.over(copy_database(opened, tmp_path / str(len(made)))))
        return made[-1]

    yield make
    for yard in made:
        yard.house.engine.dispose()


def trail_of(yard: Yard, item: str) -> list[int]:
    """The scans that the trail of an item stands on."""
    with yard.house.read() as session:
        return [entry.place for entry in read_trail(session, item).trail.entries]


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(quarters=QUARTERS, order=st.randoms(use_true_random=False))
def test_what_is_over_goes_and_what_a_later_parcel_stands_on_stays(
    fresh: Callable[[], Yard],
    quarters: tuple[list[Step], list[Step]],
    order: random.Random,
) -> None:
    yard = fresh()
    for station in STATIONS:
        yard.station(station)
    ended = []
    for steps in quarters:
        for step in steps:
            step(yard)
        ended.append(yard.end_quarter())
    outsider = Outsider.of(yard.house)
    assert outsider.left_out() == []
    for name, record in outsider.shards.items():
        counted = outsider.count(name)
        assert counted == {key: record.fields[key] for key in counted}
    # 1. The first quarter is over: whatever was seen in the second has its whole trail.
    first, last = (sorted(name for name in yard.shards if name.startswith(quarter.name)) for quarter in ended)
    later = min((yard.shards[name].first_idx for name in last), default=None)
    trails = {item: trail_of(yard, item) for item in (*PARCELS, PALLET) if later and goes_on(yard, item, later)}
    yard.go_to(ended[0].keep_until_ms(YEARS))
    for name in order.sample(first, len(first)):
        yard.drop(name)
        assert yard.complaints("gap") == []
    assert {item: trail_of(yard, item) for item in trails} == trails
    # 2. Both are over: nothing is left, whatever is dropped first.
    yard.go_to(ended[1].keep_until_ms(YEARS))
    for name in order.sample([*first, *last], len(first) + len(last)):
        yard.drop(name)
        assert yard.complaints("gap") == []
    assert yard.readable() == []
    with yard.house.read() as session:
        assert session.scalars(select(ItemKeyRow.key)).all() == session.scalars(select(ParcelRow.key)).all() == []


def goes_on(yard: Yard, item: str, later: int) -> bool:
    """Whether an item was seen again in the second quarter."""
    with yard.house.read() as session:
        places = session.scalars(select(ItemKeyRow.place).where(ItemKeyRow.key == item)).all()
    return any(index_of(place) >= later for place in places)
