"""What a customer was promised elsewhere is in its pack as the log recorded it: rebutted, or bound with day and sum."""

from collections.abc import Iterator

import pytest

from custody.disputes.machine import CaseRole
from custody.disputes.outside_promise import Told
from custody.kernel.clock import DAY_MS
from custody.store import outside_book
from custody.usecases import keep_word
from custody.usecases.sweep_cases import SweepQuestions, sweep_case
from tests.rooms.pack.pack_world import World, open_world
from tests.rooms.pack.test_owed_of_records import move, told
from tests.rooms.pack.test_stands_again_in_packs import AGENT, listed_with_its_day_its_sum_and_what_keeps_it, report

SHOP = "Sam at the shop"
LOOK = SweepQuestions(people=lambda _: ["agent-1"], locks_settled=lambda *_: True)


@pytest.fixture
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A house without scans, in which a customer told of two promises and one was rebutted."""
    with open_world(f"sqlite:///{tmp_path_factory.mktemp('told') / 'house.sqlite3'}") as world:
        world.dispute = report(world, order_named=True)

        for what in ("£30 for the wait", "£30 for the trip"):
            with world.house.unit() as unit:
                known = Told(what=what, by_whom=SHOP, told_us_ms=unit.now_ms, amount_pence=3_000)
                keep_word.tell(unit, world.case, told=known, actor="customer", role=CaseRole.CUSTOMER)
        with world.house.unit() as unit:
            trip = outside_book.of_case(unit.session, world.case)[-1]
            keep_word.rebut(unit, world.case, told=trip.id, why="No.", **AGENT)
        yield world


def test_a_pack_with_it_holds_and_its_promise_is_listed_with_its_day_its_sum_and_what_kept_it(house: World) -> None:
    assert SHOP.encode() not in told(house).files["dispute.json"], "who promised it stands in the case alone"
    house.clock.at_ms += 3 * DAY_MS
    move(house, lambda unit: sweep_case(unit, house.case, LOOK))
    opened = told(house)
    listed_with_its_day_its_sum_and_what_keeps_it(house, opened, source="customer_word")
