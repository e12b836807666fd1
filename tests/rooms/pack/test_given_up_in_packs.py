"""A promise that is given up in a pack, crossed out or set aside, was given up by a step that the log recorded."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from custody.disputes.machine import CaseRole
from custody.disputes.opening import A_LOAN
from custody.disputes.remedy import Needs
from custody.store.unit import Unit
from custody.usecases import learn_facts, move_case, move_scheme
from custody.usecases.came_back import payment_came_back
from tests.rooms.pack.pack_world import World, open_case_of, open_world
from tests.rooms.pack.test_owed_of_records import move as moved
from tests.rooms.pack.test_owed_of_records import only_told, refused, told, with_promise
from tests.rooms.pack.test_stands_again_in_packs import report

AGENT: dict[str, Any] = {"actor": "agent-1", "role": CaseRole.AGENT}
SUPERVISOR: dict[str, Any] = {"actor": "supervisor-1", "role": CaseRole.SUPERVISOR}
GIVEN_UP: dict[str, dict[str, Any]] = {
    "crossed_out": {"state": "void"},
    "replaced": {"replaced": True},
    "set_aside": {"state": "void", "set_aside": True},
}


@pytest.fixture
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A house without scans."""
    with open_world(f"sqlite:///{tmp_path_factory.mktemp('given_up') / 'house.sqlite3'}") as world:
        yield world


def choose(case: str, remedy: str) -> Callable[[Unit], Any]:
    payout = "bank_transfer" if remedy == "refund" else None
    return lambda unit: move_case.choose(unit, case, remedy=remedy, payout=payout, actor="customer")


def looked_at_again(case: str) -> tuple[Callable[[Unit], Any], ...]:
    return (
        lambda unit: move_scheme.adr(unit, case, letter_due_ms=unit.now_ms, deadlock=True, **SUPERVISOR),
        lambda unit: move_scheme.change_our_mind(unit, case, **SUPERVISOR),
    )


def lies(place: int) -> dict[str, Any]:
    return {name: with_promise(place, **facts) for name, facts in GIVEN_UP.items()}


def newest(house: World) -> int:
    """The place of what was promised last."""
    promises = told(house).case.promises
    return max(range(len(promises)), key=lambda place: int(promises[place]["made_ms"]))


def test_what_no_step_gave_up_is_owed_as_the_log_recorded(house: World) -> None:
    case = open_case_of(house)
    moved(house, choose(case, "replacement"))
    refused(told(house), **lies(newest(house)))
    only_told(told(house), **lies(newest(house)))
    moved(house, *looked_at_again(case), lambda unit: move_case.offer_again(unit, case, claim_type=None, **AGENT))
    house.clock.at_ms += 1
    moved(house, choose(case, "refund"))
    opened = told(house)
    states = [one["state"] for one in sorted(opened.case.promises, key=lambda one: int(one["made_ms"]))]
    assert states[-2:] == ["void", "made"], "what was chosen instead took its place"
    refused(opened, **lies(newest(house)))


@pytest.mark.parametrize("end", ["withdraw", "found_it"])
def test_what_a_customer_crossed_out_is_crossed_out_in_a_pack_that_holds(house: World, end: str) -> None:
    case = open_case_of(house)
    moved(house, choose(case, "replacement"), *looked_at_again(case))
    moved(house, lambda unit: getattr(move_case, end)(unit, case, actor="customer", locks_settled=True))
    assert told(house).case.promises[newest(house)]["state"] == "void"


def test_what_a_customer_needed_no_more_is_crossed_out_by_their_word(house: World) -> None:
    case = open_case_of(house)
    moved(
        house,
        choose(case, "replacement"),
        lambda unit: learn_facts.needs(unit, case, needs=Needs(has_working_phone=False), actor="agent-1"),
        lambda unit: move_case.remedied(unit, case, reference="JJD 1", **AGENT),
    )
    loan = next(place for place, one in enumerate(told(house).case.promises) if one["what"] == A_LOAN)
    refused(told(house), **lies(loan))
    moved(house, lambda unit: move_case.confirm(unit, case, actor="customer", locks_settled=True))
    assert told(house).case.promises[loan]["state"] == "void"


def test_what_an_award_takes_the_place_of_is_given_up_by_the_yes_to_it(house: World) -> None:
    case = open_case_of(house)
    moved(
        house,
        choose(case, "replacement"),
        lambda unit: move_scheme.adr(unit, case, letter_due_ms=unit.now_ms, deadlock=True, **SUPERVISOR),
    )
    told(house)
    moved(house, lambda unit: move_scheme.scheme_accepts(unit, case, reference="CO-1", **AGENT))
    decision: dict[str, Any] = {"award": "The price.", "award_pence": 89_900, "reference": "CO-2"}
    moved(house, lambda unit: move_scheme.scheme_decides(unit, case, **decision, **SUPERVISOR))
    refused(told(house), **lies(newest(house)))
    house.clock.at_ms += 1
    moved(house, lambda unit: move_scheme.accept_decision(unit, case, actor="customer"))
    promises = sorted(told(house).case.promises, key=lambda one: int(one["made_ms"]))
    assert [one["state"] for one in promises[-2:]] == ["void", "made"]


def test_what_was_given_up_before_its_report_was_joined_is_told_by_no_record_of_the_case_that_goes_on(
    house: World,
) -> None:
    other = open_case_of(house)
    moved(house, choose(other, "replacement"), *looked_at_again(other))
    moved(house, lambda unit: move_case.offer_again(unit, other, claim_type=None, **AGENT))
    house.clock.at_ms += 1
    moved(house, choose(other, "refund"))
    house.clock.at_ms += 1
    moved(house, lambda unit: move_case.remedied(unit, other, reference="BACS 1", **AGENT))
    moved(house, lambda unit: move_case.not_fixed(unit, other, actor="customer"))
    into = open_case_of(house)
    moved(house, lambda unit: move_scheme.join_case(unit, other, into=into, consent=True, **AGENT))
    assert "void" in {one["state"] for one in told(house).case.promises}


def test_what_came_back_and_is_given_by_way_of_another_report_is_set_aside_by_the_record_of_that(house: World) -> None:
    house.dispute = report(house)
    mine = report(house, order_named=True).file.case.id
    moved(house, choose(house.case, "refund"))
    moved(house, lambda unit: move_case.remedied(unit, house.case, reference="BACS 1", **AGENT))
    aside = with_promise(newest(house), set_aside=True)
    refused(told(house), aside=aside)
    paid = told(house).case.promises[newest(house)]["id"]
    house.clock.at_ms += 1
    moved(house, choose(mine, "replacement"))
    refused(told(house), aside=aside)
    moved(house, lambda unit: payment_came_back(unit, house.case, promise=paid, reference="RETURN 1", **AGENT))
    assert told(house).case.promises[newest(house)]["set_aside"]
