"""Shards: every instant lies in exactly one quarter, names are read back, and what is kept ends on the day promised."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.kernel.clock import DAY_MS, from_iso
from custody.kernel.errors import Rejected
from custody.scans.shard import ALL, Quarter, Shard, group_at, quarter_of, read_group, read_shard

INSTANTS = st.integers(min_value=0, max_value=from_iso("8999-12-31T23:59:59.999Z"))
QUARTERS = st.builds(Quarter, year=st.integers(1970, 8900), number=st.integers(1, 4))
WORDS = st.from_regex(r"[a-z0-9-]{1,32}", fullmatch=True)


@given(INSTANTS)
def test_every_instant_lies_in_exactly_one_quarter(at_ms: int) -> None:
    mine = quarter_of(at_ms)
    assert mine.begins_ms <= at_ms < mine.ends_ms
    assert quarter_of(mine.begins_ms) == quarter_of(mine.ends_ms - 1) == mine
    assert quarter_of(mine.ends_ms) == mine.next


@given(QUARTERS)
def test_a_quarter_is_three_whole_months_and_the_next_begins_where_it_ends(quarter: Quarter) -> None:
    assert quarter.next.begins_ms == quarter.ends_ms > quarter.begins_ms
    assert 90 <= (quarter.ends_ms - quarter.begins_ms) / DAY_MS <= 92
    assert quarter.begins_ms % DAY_MS == 0
    first = datetime.fromtimestamp(quarter.begins_ms / 1000, UTC)
    assert (first.year, first.month, first.day) == (quarter.year, (1, 4, 7, 10)[quarter.number - 1], 1)


@given(QUARTERS, WORDS)
def test_a_shards_name_leads_back_to_it(quarter: Quarter, group: str) -> None:
    shard = Shard(quarter=quarter, group=group)
    assert read_shard(shard.name) == shard
    assert read_group(group) == group


def test_the_bounds_of_a_quarter_by_the_calendar() -> None:
    last = Quarter(year=2026, number=4)
    assert (last.name, last.next.name) == ("2026q4", "2027q1")
    assert last.begins_ms == from_iso("2026-10-01T00:00:00Z")
    assert last.ends_ms == from_iso("2027-01-01T00:00:00Z")
    assert last.closes_ms(14 * DAY_MS) == from_iso("2027-01-15T00:00:00Z")
    assert last.keep_until_ms(6) == from_iso("2033-01-01T00:00:00Z")
    assert Quarter(year=2024, number=1).keep_until_ms(6) == from_iso("2030-04-01T00:00:00Z")
    assert quarter_of(from_iso("2027-01-01T00:30:00+01:00")) == last


NO_NAMES = [
    *("", "2026q4", "2026q5/north", "2026q0/north", "26q4/north", "2026Q4/north", "2026q4/North", "2026q4/"),
    *("2026q4/" + "n" * 33, "2026q4/a/b", " 2026q4/north", "2026q4/north\n", "1969q4/all", "9001q1/all"),
    "".join(chr(0x660 + int(digit)) for digit in "2026") + "q4/all",
]


@pytest.mark.parametrize("text", NO_NAMES)
def test_what_is_no_shards_name_is_refused_with_how_to_write_one(text: str) -> None:
    with pytest.raises(Rejected) as caught:
        read_shard(text)
    assert caught.value.code == "shard"
    assert "2026q4/north" in caught.value.fix


@pytest.mark.parametrize("text", ["", "North", "a b", "n" * 33, "nörd", "north\n", "a/b"])
def test_what_is_no_group_is_refused(text: str) -> None:
    with pytest.raises(Rejected) as caught:
        read_group(text)
    assert caught.value.code == "group"


def test_a_station_belongs_to_the_group_that_it_had_at_the_entry() -> None:
    settings = {"bench-1": [(10, "north"), (20, "south"), (30, ALL)]}
    found = [group_at(settings, "bench-1", index) for index in (0, 9, 10, 19, 20, 29, 30, 99)]
    assert found == [ALL, ALL, "north", "north", "south", "south", ALL, ALL]
    assert group_at(settings, "bench-2", 15) == ALL
