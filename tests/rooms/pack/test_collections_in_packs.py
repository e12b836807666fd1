"""A collection that was booked stands in a pack as the log recorded it, and is given up only by another one."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from custody.disputes.civil import civil_date
from custody.disputes.collection import collection_days
from custody.disputes.promise import A_COLLECTION
from custody.store.unit import Unit
from custody.usecases.book_collection import book_collection
from tests.rooms.pack.pack_world import World, open_case_of, open_world
from tests.rooms.pack.test_owed_of_records import move, refused, told, with_promise


@pytest.fixture
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A house without scans."""
    with open_world(f"sqlite:///{tmp_path_factory.mktemp('collected') / 'house.sqlite3'}") as world:
        yield world


def book(case: str, place: int) -> Callable[[Unit], Any]:
    def act(unit: Unit) -> Any:
        day = collection_days(civil_date(unit.now_ms))[place]
        return book_collection(unit, case, day=day, window="morning", actor="customer")

    return act


def test_a_collection_is_listed_with_its_day_and_crossed_out_by_no_lie(house: World) -> None:
    case = open_case_of(house)
    move(house, book(case, 1))
    opened = told(house)
    place = next(place for place, one in enumerate(opened.case.promises) if one["what"] == A_COLLECTION)
    rest = tuple(one for one in opened.case.promises if one["what"] != A_COLLECTION)
    refused(
        opened,
        not_listed=lambda case: replace(case, promises=rest),
        another_day=with_promise(place, due_ms=opened.case.promises[place]["due_ms"] + 1),
        crossed_out=with_promise(place, state="void"),
        kept=with_promise(place, state="kept"),
    )


def test_another_time_gives_the_one_before_up(house: World) -> None:
    case = open_case_of(house)
    move(house, book(case, 1), book(case, 2))
    states = [one["state"] for one in told(house).case.promises if one["what"] == A_COLLECTION]
    assert sorted(states) == ["made", "void"]
