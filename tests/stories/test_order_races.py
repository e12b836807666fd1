"""What reports of one order do at the same moment: its price is given back once, its customer recognised once."""

from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from custody.disputes.choose_remedy import choose_remedy
from custody.disputes.promise import is_owed
from custody.kernel.errors import Conflict, Rejected
from custody.store import case_book
from custody.store.unit import Unit
from custody.usecases import move_case, refer_case
from tests.stories.case_steps import act
from tests.stories.test_lock_races import Act, meanwhile
from tests.stories.test_one_remedy import BY_AGENT, PRICE, by_the_box, choose, promises
from tests.stories.test_set_aside import joined_into_another_order, looked_at_again
from tests.world import World, new_world
from tests.world_parts import Opened


@pytest.mark.postgres
def test_two_reports_chosen_at_one_moment_promise_the_price_once(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = new_world(postgres_url, tmp_path / "world")
    first, second = (world.dispute(world.parcels[0], "damaged") for _ in range(2))
    money: dict[str, Any] = {"remedy": "refund", "payout": "cheque", "actor": "customer"}
    real, refused = choose_remedy, list[str]()

    def choose_the_other() -> None:
        with pytest.raises(Conflict) as caught:
            act(world, move_case.choose, second, **money)
        refused.append(caught.value.code)

    other = Thread(target=choose_the_other)

    def be_overtaken(*args: Any, **facts: Any) -> Any:
        monkeypatch.setattr(move_case, "choose_remedy", real)
        other.start()
        other.join(2)
        return real(*args, **facts)

    monkeypatch.setattr(move_case, "choose_remedy", be_overtaken)
    act(world, move_case.choose, first, **money)
    other.join(30)
    world.close()
    assert refused == ["paid"]


@pytest.mark.postgres
def test_what_a_report_brought_along_into_a_case_at_the_moment_of_a_choice_is_not_paid_beside_it(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = new_world(postgres_url, tmp_path / "world")
    stranger, mine = by_the_box(world), world.dispute(world.parcels[0], "damaged")
    theirs = choose(world, stranger, "refund")
    looked_at_again(world, stranger)
    real_hold, real_choose, joined, refused = case_book.hold, choose_remedy, list[Any](), list[str]()

    def be_joined(*args: Any) -> Any:
        monkeypatch.setattr(case_book, "hold", real_hold)
        joined.append(joined_into_another_order(world, stranger))
        return real_hold(*args)

    def pay_it_there() -> None:
        with pytest.raises(Rejected) as caught:
            act(world, move_case.promise_kept, joined[0], promise=theirs.id, reference="BACS 1", **BY_AGENT)
        refused.append(caught.value.code)

    other = Thread(target=pay_it_there)

    def be_overtaken(*args: Any, **facts: Any) -> Any:
        monkeypatch.setattr(move_case, "choose_remedy", real_choose)
        other.start()
        other.join(2)
        return real_choose(*args, **facts)

    monkeypatch.setattr(case_book, "hold", be_joined)
    monkeypatch.setattr(move_case, "choose_remedy", be_overtaken)
    choose(world, mine, "refund")
    other.join(30)
    given = [one for opened in (mine, *joined) for one in promises(world, opened).values()]
    world.audit()
    world.close()
    assert refused == ["promise"], "it was set aside"
    assert [one.amount_pence for one in given if is_owed(one) or one.state == "kept"] == [PRICE]


def recognising(opened: Opened, by: str, refused: list[str]) -> Act:
    """One agent recognises the customer of a report."""

    def act(unit: Unit) -> None:
        try:
            refer_case.recognise(unit, opened.case, how="order_and_name", actor=by)
        except Conflict as conflict:
            refused.append(conflict.code)

    return act


def test_a_customer_whom_two_agents_recognise_at_one_moment_in_two_reports_is_recognised_once(either: World) -> None:
    first, second = (either.dispute(either.parcels[0], "damaged") for _ in range(2))
    refused: list[str] = []
    meanwhile(either, recognising(first, "agent-1", refused), recognising(second, "agent-2", refused))
    known = [either.case(opened).at_desk.recognised for opened in (first, second)]
    assert [None if each is None else each.by for each in known] == ["agent-1", None]
    assert refused == ["recognised"]
