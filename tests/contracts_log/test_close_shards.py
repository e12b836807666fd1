"""Closing shards: once, not too early, and every word of a descriptor can be checked by whoever has the log."""

import pytest

from custody.kernel.clock import DAY_MS, from_iso
from custody.kernel.errors import Conflict, NotFound, Rejected, Unavailable
from custody.scans.tolerances import Tolerances
from custody.usecases.close_shards import close_shard
from custody.usecases.enrol_station import announce
from custody.usecases.group_station import STATION_GROUP
from tests.contracts_log.shard_yard import Outsider, Yard
from tests.contracts_log.small_house import CUSTODIAN, OTHER_SSCC, SITE, SSCC, findings, raises, send, size_of
from tests.contracts_store.faults import broken_commit, each_statement
from tests.world_parts import Clock


def busy_quarter(yard: Yard) -> None:
    """Three stations in two groups, plain scans and batches, and one that moves from group to group."""
    yard.station("bench-1", "north")
    yard.station("bench-2", "north")
    yard.see("bench-1", SSCC, OTHER_SSCC)
    yard.see("bench-3", SSCC)
    yard.see_together("bench-2", SSCC, OTHER_SSCC, SSCC)
    yard.group("bench-1", "south")
    yard.see("bench-1", SSCC)
    yard.see_together("bench-1", SSCC, OTHER_SSCC)
    yard.group("bench-1", "north")
    yard.see("bench-1", SSCC)


def test_a_quarter_that_is_over_is_closed_shard_by_shard(yard: Yard) -> None:
    busy_quarter(yard)
    quarter = yard.end_quarter()
    shards = yard.shards
    assert {name: (row.scans, row.stations) for name, row in shards.items()} == {
        f"{quarter.name}/all": (1, 1),
        f"{quarter.name}/north": (6, 2),
        f"{quarter.name}/south": (3, 1),
    }
    for row in shards.values():
        record = yard.record(row.idx)
        assert record.kind == "shard.closed"
        assert (record.fields["shard"], record.fields["root"]) == (row.name, row.root)
        assert record.fields["keep_until_ms"] == row.keep_until_ms == quarter.keep_until_ms(6)
    assert findings(yard.house) == []


def test_an_outsider_counts_the_same_from_the_log_alone(yard: Yard) -> None:
    busy_quarter(yard)
    yard.end_quarter()
    yard.see("bench-3", SSCC)
    yard.see_together("bench-1", SSCC, OTHER_SSCC)
    yard.end_quarter()
    outsider = Outsider.of(yard.house)
    assert len(outsider.shards) == 5
    for name, record in outsider.shards.items():
        counted = outsider.count(name)
        assert counted == {key: record.fields[key] for key in counted}
    assert outsider.left_out() == []


def test_a_shard_that_is_left_out_or_miscounted_shows(yard: Yard) -> None:
    busy_quarter(yard)
    quarter = yard.end_quarter()
    outsider = Outsider.of(yard.house)
    honest = outsider.count(f"{quarter.name}/north")["root"]
    del outsider.shards[f"{quarter.name}/south"]
    assert outsider.left_out() != []
    outsider.groups["bench-2"] = []
    assert outsider.count(f"{quarter.name}/north")["root"] != honest


def test_nothing_is_closed_before_stations_have_had_time_to_send_what_they_stored(yard: Yard) -> None:
    yard.see("bench-1")
    quarter = yard.quarter
    for early_ms in (quarter.ends_ms - 90, quarter.ends_ms, quarter.closes_ms(14 * DAY_MS) - 10):
        yard.go_to(early_ms)
        assert yard.close() == []
        with raises(Conflict, "not_over"):
            close_shard(yard.house, f"{quarter.name}/all", tolerances=Tolerances())
    yard.go_to(quarter.closes_ms(14 * DAY_MS))
    assert [row.name for row in yard.close()] == [f"{quarter.name}/all"]


def test_a_shard_is_closed_once(yard: Yard) -> None:
    yard.see("bench-1")
    quarter = yard.end_quarter()
    before, size = yard.shards, size_of(yard.house)
    assert yard.close() == []
    again, fresh = close_shard(yard.house, f"{quarter.name}/all", tolerances=Tolerances())
    other = Yard(house=yard.house)
    assert other.close() == []
    assert (again.idx, fresh, size_of(yard.house)) == (before[again.name].idx, False, size)


def test_a_supervisor_closes_a_shard_with_its_quarter_and_the_timer_goes_on_behind_it(yard: Yard) -> None:
    yard.station("bench-1", "north")
    yard.see("bench-1")
    yard.see("bench-2")
    quarter = yard.quarter
    yard.go_to(quarter.closes_ms(Tolerances().offline_ms))
    row, fresh = close_shard(yard.house, f"{quarter.name}/north", tolerances=Tolerances())
    assert (row.name, fresh, sorted(yard.shards)) == (
        f"{quarter.name}/north",
        True,
        [f"{quarter.name}/all", f"{quarter.name}/north"],
    )
    assert yard.close() == []
    yard.see("bench-2")
    assert f"{yard.end_quarter().name}/all" in yard.shards


def test_what_is_no_shard_or_has_no_scans_is_refused(yard: Yard) -> None:
    yard.see("bench-1")
    quarter = yard.quarter
    yard.go_to(quarter.closes_ms(Tolerances().offline_ms))
    with raises(Rejected, "shard"):
        close_shard(yard.house, "last autumn", tolerances=Tolerances())
    with raises(NotFound, "shard"):
        close_shard(yard.house, f"{quarter.name}/west", tolerances=Tolerances())
    with raises(NotFound, "shard"):
        close_shard(yard.house, "2019q1/all", tolerances=Tolerances())
    assert yard.shards == {}


def test_a_scan_that_an_offline_station_sends_late_falls_in_the_shard_of_its_receipt(yard: Yard) -> None:
    bench, quarter = yard.station("bench-1"), yard.quarter
    yard.see("bench-1")
    yard.go_to(quarter.ends_ms - DAY_MS)
    stored = bench.sign(yard.house)
    yard.go_to(quarter.ends_ms + DAY_MS)
    (ack,) = send(yard.house, stored)
    assert ack.verdict.result == "accepted"
    yard.end_quarter()
    later = yard.shards[f"{quarter.next.name}/all"]
    assert (yard.shards[f"{quarter.name}/all"].scans, later.scans, later.first_idx) == (1, 1, ack.index)


@pytest.mark.parametrize("by_hand", [True, False])
@pytest.mark.parametrize("more", range(10))
def test_a_clock_that_stepped_back_over_an_edge_puts_every_scan_into_exactly_one_shard(
    yard: Yard,
    more: int,
    by_hand: bool,  # noqa: FBT001 - whether a supervisor closes the later quarter, or the timer both
) -> None:
    clock, edge_ms = yard.house.clock, yard.quarter.ends_ms
    assert isinstance(clock, Clock)
    first = yard.quarter
    for after_ms in (-5_000, -4_000, -3_000, 1_000, -1_000):
        clock.at_ms = edge_ms + after_ms
        yard.see("bench-1")
    yard.go_to(first.closes_ms(Tolerances().offline_ms))
    if not by_hand:
        yard.close()
    for _ in range(more):
        yard.see("bench-1")
    yard.go_to(first.next.closes_ms(Tolerances().offline_ms))
    if by_hand and more:
        close_shard(yard.house, f"{first.next.name}/all", tolerances=Tolerances())
    else:
        yard.close()
    assert Outsider.of(yard.house).left_out() == []
    assert sum(row.scans for row in yard.shards.values()) == 5 + more


def test_quarters_without_scans_have_no_shards_and_hold_nothing_up(yard: Yard) -> None:
    yard.see("bench-1")
    first = yard.quarter
    yard.go_to(first.next.next.next.begins_ms)
    yard.see("bench-1")
    last = yard.end_quarter()
    assert sorted(yard.shards) == [f"{first.name}/all", f"{last.name}/all"]


def test_a_look_when_nothing_is_due_asks_the_database_nothing(yard: Yard) -> None:
    yard.see("bench-1")
    yard.end_quarter()
    asked: list[str] = []
    with each_statement(yard.house.engine, lambda statement, _values: asked.append(statement)):
        assert yard.close() == []
    assert asked == []


@pytest.mark.parametrize("applied", [False, True])
def test_a_commit_that_fails_closes_all_shards_of_a_quarter_or_none(yard: Yard, applied: bool) -> None:  # noqa: FBT001 - the pair of faults
    busy_quarter(yard)
    yard.go_to(yard.quarter.closes_ms(Tolerances().offline_ms))
    with broken_commit(yard.house.engine, applied=applied), pytest.raises(Unavailable):
        yard.close()
    assert len(yard.shards) == (3 if applied else 0)
    assert len(yard.close()) == (0 if applied else 3)
    outsider = Outsider.of(yard.house)
    assert (len(outsider.shards), outsider.left_out()) == (3, [])


def test_a_group_is_set_once_for_each_change_and_each_change_is_a_record(yard: Yard) -> None:
    yard.station("bench-1")
    index = yard.group("bench-1", "north")
    assert index is not None
    assert yard.group("bench-1", "north") is None
    record = yard.record(index)
    assert (record.kind, record.fields["station"], record.fields["group"]) == (STATION_GROUP, "bench-1", "north")
    with raises(NotFound, "station"):
        yard.group("bench-9", "north")
    with raises(Rejected, "group"):
        yard.group("bench-1", "The North")


def test_a_station_announced_again_without_a_group_stays_where_it_is(yard: Yard) -> None:
    def announced(group: str | None) -> None:
        with yard.house.unit() as unit:
            announce(unit, station="bench-1", site=SITE, place="Bench", step="pack", custodian=CUSTODIAN, group=group)

    announced("north")
    announced(None)
    yard.see("bench-1")
    assert f"{yard.end_quarter().name}/north" in yard.shards
    assert yard.shards.popitem()[1].keep_until_ms == from_iso("2032-10-01T00:00:00Z")
