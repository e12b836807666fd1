"""What is given outside the offer is in a pack as the log recorded it: with its day, its sum and what kept it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from custody.disputes.machine import CaseRole
from custody.disputes.outside_promise import Told
from custody.store import exception_book
from custody.store.unit import Unit
from custody.usecases import allow_exception, settle_answers
from custody.usecases.allow_exception import Given
from tests.rooms.pack.pack_world import World, open_world
from tests.rooms.pack.test_owed_of_records import move, told
from tests.rooms.pack.test_stands_again_in_packs import listed_with_its_day_its_sum_and_what_keeps_it, report

ASKED_FOR, SHOP = "a phone on loan abroad", "Sam at the shop"


@pytest.fixture
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A house without scans, in which a case was reported."""
    with open_world(f"sqlite:///{tmp_path_factory.mktemp('offer') / 'house.sqlite3'}") as world:
        world.dispute = report(world, order_named=True)
        yield world


def granted(house: World) -> Callable[[Unit], object]:
    """Somebody asks for what no rule gives, and somebody else gives it with a sum."""

    def act(unit: Unit) -> object:
        named: dict[str, Any] = {"actor": "agent-1", "approvers": lambda *_: ["supervisor-1"], "tell": lambda *_: None}
        allow_exception.ask(unit, house.case, asked_for=ASKED_FOR, gap="No rule.", asked_by="Sam", **named)
        unit.session.flush()
        (asked,) = exception_book.of_case(unit.session, house.case)
        answer: dict[str, Any] = {"actor": "supervisor-1", "role": CaseRole.SUPERVISOR}
        may = {"may_approve": lambda *_: {"supervisor-1"}}
        gives = Given(amount_pence=3_000)
        return allow_exception.grant(unit, house.case, exception=asked.id, gives=gives, **answer, **may)

    return act


def answered_twice(house: World) -> Callable[[Unit], object]:
    """Two of us answered one question, and the better one has a sum."""

    def act(unit: Unit) -> object:
        said: dict[str, Any] = {"what": ASKED_FOR, "told_us_ms": unit.now_ms}
        answers = (Told(by_whom=SHOP, **said), Told(by_whom="", amount_pence=3_000, **said))
        named: dict[str, Any] = {"actor": "agent-1", "keepers": lambda _: ["supervisor-1"]}
        return settle_answers.settle(unit, house.case, answers=answers, rather=None, **named)

    return act


@pytest.mark.parametrize("made", [granted, answered_twice])
def test_a_pack_with_it_holds_and_one_that_says_otherwise_does_not(
    house: World, made: Callable[[World], Callable[[Unit], object]]
) -> None:
    move(house, made(house))
    opened = told(house)
    assert SHOP.encode() not in opened.files["dispute.json"], "who said it stands in the case alone"
    listed_with_its_day_its_sum_and_what_keeps_it(house, opened, source="our_word")
