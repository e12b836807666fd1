"""The log moves forward by compare-and-swap: indexes are final at once, two writers never fork it and lose nothing."""

import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import pytest
from sqlalchemy import text

from custody.kernel.errors import Fatal, NotFound, Unavailable
from custody.ledger.merkle import Frontier, leaf_hash, verify_consistency, verify_inclusion
from custody.ledger.tiles import ENTRIES, TileId
from custody.store import log_reader
from custody.store.migrate import migrate
from custody.store.tables import TileRow
from custody.store.unit import House, Unit
from custody.usecases.open_log import open_log
from tests.contracts_store.houses import Yard, begin, make_yard, open_house, running
from tests.world_parts import VERSIONS, key

UNITS = 12


def records(house: House, name: str, units: int = UNITS, each: int = 3) -> dict[int, str]:
    """Units of `each` records, one after the other; returns the indexes that were told, by what stands there."""
    told: dict[int, str] = {}
    for turn in range(units):
        with house.unit() as unit:
            new = {
                unit.record("test.record", {"name": f"{name}/{turn}/{place}"}): f"{name}/{turn}/{place}"
                for place in range(each)
            }
        told |= new
    return told


def records_at(url: str, name: str) -> dict[int, str]:
    """The same, as a process of its own from its start on."""
    house = open_house(url, name=name)
    begin(house)
    told = records(house, name)
    house.engine.dispose()
    return told


def stands(house: House, told: dict[int, str]) -> None:
    """Everything stands where it was told."""
    with house.read() as session:
        for index, name in told.items():
            entry = log_reader.entry(session, index)
            assert entry.opening is not None
            assert name.encode() in entry.opening


def test_an_index_is_final_when_it_is_given(house: House, yard: Yard) -> None:
    with house.unit() as unit:
        before = unit.log.size
        indexes = [unit.record("test.record", {"place": place}) for place in range(5)]
        assert indexes == list(range(before, before + 5))
        assert unit.log.size == before + 5
    with house.unit() as unit:
        assert unit.log.size == before + 5
        assert unit.record("test.record", {"place": 5}) == before + 5
    assert yard.complaints() == []


def test_a_unit_that_appends_nothing_moves_nothing(house: House) -> None:
    with house.read() as session:
        before = log_reader.head(session)
    with house.unit() as unit:
        assert unit.log.size == before.size
    with house.read() as session:
        assert log_reader.head(session) == before


def test_many_entries_in_one_unit_fill_tiles_of_several_levels(house: House, yard: Yard) -> None:
    told = records(house, "many", units=2, each=300)
    with house.read() as session:
        size = log_reader.head(session).size
        full = log_reader.tile(session, TileId(level=0, number=0, width=256))
        above = log_reader.tile(session, TileId(level=1, number=0, width=size // 256))
        assert (len(full), len(above)) == (256 * 32, size // 256 * 32)
        assert full[:32] == leaf_hash(log_reader.entry(session, 0).raw)
        assert len(log_reader.bundle(session, TileId(level=ENTRIES, number=1, width=256))) > 256 * 100
        with pytest.raises(NotFound):
            log_reader.tile(session, TileId(level=0, number=size // 256, width=size % 256 + 1))
    stands(house, told)
    assert yard.complaints() == []


def test_two_houses_that_append_at_once_never_fork_and_lose_nothing(house: House, other: House, yard: Yard) -> None:
    with ThreadPoolExecutor(2) as writers:
        first, second = writers.map(records, (house, other), ("one", "two"))
    assert not first.keys() & second.keys(), "no place is given twice"
    stands(house, first | second)
    assert yard.complaints() == []


def test_two_processes_that_start_at_the_same_moment_make_one_log_and_lose_nothing(empty_url: str) -> None:
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as writers:
        first, second = writers.map(records_at, [empty_url] * 2, ["one", "two"])
    assert len(first | second) == 2 * UNITS * 3
    house = open_house(empty_url)
    stands(house, first | second)
    assert make_yard(house).complaints() == []
    house.engine.dispose()


def move_the_head_behind(unit: Unit) -> None:
    """Stage an entry on the head that was read, while the head in the database becomes another one."""
    unit.record("test.record", {"name": "never"})
    unit.session.execute(text("UPDATE log_head SET size = size + 1"))


def test_a_head_that_moved_meanwhile_refuses_the_whole_unit(house: House, yard: Yard) -> None:
    with house.unit() as unit:
        size = unit.log.size
    with pytest.raises(Unavailable) as caught, house.unit() as unit:
        move_the_head_behind(unit)
    assert caught.value.code == "head_moved"
    with house.unit() as unit:
        assert unit.log.size == size
        assert unit.record("test.record", {"name": "again"}) == size
    assert yard.complaints() == []


def test_a_tile_that_is_not_as_the_head_says_stops_the_house(house: House) -> None:
    records(house, "one", units=1)
    with house.unit() as unit:
        row = unit.session.get(TileRow, (0, 0, 0))
        assert row is not None
        row.hashes = row.hashes[:-32]
        unit.session.add(row)
    with pytest.raises(Fatal), house.unit() as unit:
        unit.record("test.record", {})


def test_a_house_without_a_log_says_so(empty_url: str) -> None:
    house = open_house(empty_url)
    migrate(house.engine, *VERSIONS)
    with pytest.raises(Fatal), house.unit() as unit:
        unit.record("test.record", {})
    with house.read() as session, pytest.raises(NotFound):
        log_reader.head(session)
    house.engine.dispose()


def test_opening_a_log_again_or_at_once_changes_nothing(house: House, other: House, yard: Yard) -> None:
    records(house, "one", units=1)
    with house.read() as session:
        before = log_reader.head(session)
    both = threading.Barrier(2)

    def open_at_once(one: House) -> None:
        both.wait()
        open_log(one, registrar=key("registrar").public, rules={})

    with ThreadPoolExecutor(2) as openers:
        list(openers.map(open_at_once, (house, other)))
    with house.read() as session:
        assert log_reader.head(session) == before
    assert yard.complaints() == []


def test_a_proof_at_the_heads_size_and_one_at_an_older_size_are_those_of_the_tree(house: House, yard: Yard) -> None:
    records(house, "one", units=1, each=300)
    with house.read() as session:
        size = log_reader.head(session).size
        raws = [entry.raw for entry in log_reader.entries(session, range(size), bare=True)]
        tree = Frontier().extend(map(leaf_hash, raws))
        assert tree.root() == log_reader.head(session).root
        for newer in (size, size - 1, 256, 2):
            root = Frontier().extend(map(leaf_hash, raws[:newer])).root()
            for index in {0, newer // 2, newer - 1}:
                path = log_reader.prove_inclusion(session, index, newer)
                verify_inclusion(index, newer, leaf_hash(raws[index]), path, root)
            for older in {1, newer // 2, newer - 1}:
                path = log_reader.prove_consistency(session, older, newer)
                verify_consistency(older, newer, Frontier().extend(map(leaf_hash, raws[:older])).root(), root, path)
    assert yard.complaints() == []


def test_a_proof_at_the_heads_size_reads_the_peaks_of_the_head_and_no_tile_of_the_edge(house: House) -> None:
    records(house, "one", units=1, each=300)
    with house.engine.begin() as connection:
        connection.execute(text("DELETE FROM tile WHERE level = 0 AND number = 1"))
    with house.read() as session:
        head = log_reader.head(session)
        first = log_reader.entry(session, 5)
        path = log_reader.prove_inclusion(session, 5, head.size)
        verify_inclusion(5, head.size, leaf_hash(first.raw), path, head.root)
        with pytest.raises(NotFound):
            log_reader.prove_inclusion(session, 5, head.size - 1)


def test_proofs_from_stored_tiles_lead_to_the_signed_root(house: House, yard: Yard) -> None:
    with running(house) as intake:
        yard.take(intake, [*yard.lanes[0], *yard.lanes[1]])
    with house.read() as session:
        head = log_reader.head(session)
        for index in range(head.size):
            assert log_reader.prove_inclusion(session, index, head.size) is not None
    assert yard.complaints() == []
