"""What signatures prove of the order of scans comes before what clocks say, in the chain of an investigation too."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.investigation.look import look_at
from custody.investigation.look_order import in_order
from custody.investigation.passage import Step
from custody.kernel.clock import HOUR_MS
from custody.trail.edition import ReadingEdition
from tests.rooms.trail.ways import passage_in, way_of
from tests.rooms.trail.world import JOURNEY, PARCEL, World

BEHIND_MS = 5 * HOUR_MS


def delivered(*, behind_ms: int, **how: Any) -> World:
    """A parcel that a courier delivers whose clock is so far behind."""
    world = World()
    world.pack()
    for giver, taker in JOURNEY[:-1]:
        world.hand(giver, taker)
        world.pass_time(1)
    given_ = world.release("depot-2")
    world.accept("courier-7", given_, at=world.now_ms - behind_ms, **how)
    world.pass_time(2)
    world.deliver("courier-7", at=world.now_ms - behind_ms, **how)
    return world


@pytest.mark.parametrize("how", [{}, {"chain": False}], ids=["each names the one before", "by the release's digest"])
def test_a_courier_whose_clock_is_hours_behind_has_delivered_what_he_took_over(how: dict[str, bool]) -> None:
    right, behind = (delivered(behind_ms=ms, **how) for ms in (0, BEHIND_MS))
    assert [stay.step for stay in way_of(behind).stays] == [stay.step for stay in way_of(right).stays]
    assert way_of(behind).delivered_ms is not None
    assert not behind.trail().delivery.reopened
    then = way_of(behind, ReadingEdition.THIRD)
    assert then.delivered_ms is None
    assert then.stays[-1].step is Step.DEPOT


def test_times_do_not_run_backwards_where_the_order_is_another_than_that_of_the_clocks() -> None:
    passage = passage_in(delivered(behind_ms=BEHIND_MS))
    times = [point.scan_ms for point in passage.checkpoints if point.scan_ms is not None]
    assert times == sorted(times)
    assert passage.delivered


def test_a_giver_whose_release_comes_late_with_a_later_time_takes_no_delivery_back() -> None:
    world = World()
    world.pack()
    for giver, taker in JOURNEY[:-1]:
        world.hand(giver, taker)
    given_ = world.release("depot-2", at=world.now_ms + 4 * HOUR_MS)
    world.accept("courier-7", given_, chain=False)
    world.pass_time(2)
    world.deliver("courier-7", chain=False)
    assert way_of(world).delivered_ms is not None
    assert way_of(world, ReadingEdition.THIRD).delivered_ms is None


def test_where_nothing_is_certain_time_decides() -> None:
    world = World()
    world.pack(chain=False)
    depot = world.obj("depot-2", "arriving", chain=False)
    world.obj("hub-sort-1", "arriving", chain=False, at=depot.at_ms - HOUR_MS)
    assert [stay.step for stay in way_of(world).stays][-1] is Step.DEPOT


def test_a_scan_that_was_declared_wrong_still_tells_the_order_of_others() -> None:
    world = World()
    world.pack()
    first = world.obj("hub-sort-1", "arriving")
    between = world.obj("hub-sort-1")
    world.obj("depot-2", "arriving", at=first.at_ms - HOUR_MS)
    world.declare(between)
    assert [stay.step for stay in way_of(world).stays][-1] is Step.DEPOT
    assert [stay.step for stay in way_of(world, ReadingEdition.THIRD).stays][-1] is not Step.DEPOT


@pytest.mark.parametrize("flag", ["key_unknown", "key_revoked"])
def test_a_stranger_under_a_stations_name_moves_none_of_its_scans(flag: str) -> None:
    world = World()
    pack = world.pack()
    world.obj("bench-4", seq=90, at=pack.at_ms - HOUR_MS, chain=False, result="quarantined", flags=[flag])
    world.obj("dock-2", "arriving", chain=False)
    assert [stay.step for stay in way_of(world).stays] == [Step.PACK, Step.DOCK]


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(-9, 9), st.booleans()), min_size=1, max_size=9))
def test_the_chain_has_the_order_of_the_trail(made: list[tuple[int, int, bool]]) -> None:
    world = World()
    for who, hours, chain in made:
        at = world.now_ms + hours * HOUR_MS
        world.obj(JOURNEY[who][0], "arriving", at=at, chain=chain)
    looks = in_order(look_at(sealed, PARCEL) for sealed in world.scans)
    assert [look.digest for look in looks] == [entry.digest for entry in world.trail().entries]
