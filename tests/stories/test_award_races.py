"""What is written down at one moment in two reports of an order is not taken for a small award twice."""

from typing import Any

from custody.disputes.outside_promise import MOST_PENCE
from custody.store.unit import Unit
from custody.usecases.move_scheme import scheme_decides
from tests.stories.case_steps import in_state
from tests.stories.test_awards import BY_SUPERVISOR
from tests.stories.test_lock_races import Act, meanwhile
from tests.world import World
from tests.world_parts import Opened


def deciding(opened: Opened, reference: str, **facts: Any) -> Act:
    """One supervisor writes down a sum that is small by itself."""
    said = {"award": "Pay it", "award_pence": MOST_PENCE, "reference": reference, **BY_SUPERVISOR, **facts}

    def act(unit: Unit) -> object:
        return scheme_decides(unit, opened.case, **said)

    return act


def test_two_awards_at_one_moment_in_reports_of_an_order_are_not_both_written_by_one_person(either: World) -> None:
    first, second = (either.dispute(either.parcels[0], "never_received") for _ in range(2))
    for opened in (first, second):
        in_state(either, opened, "with_adr")
    meanwhile(either, deciding(first, "S-1"), deciding(second, "S-2"))
    assert [either.case(opened).case.state for opened in (first, second)] == ["adr_decided", "with_adr"]


def test_the_same_first_word_twice_at_one_moment_is_no_second_word(either: World) -> None:
    opened = either.dispute(either.parcels[0], "never_received")
    in_state(either, opened, "with_adr")
    large = {"award_pence": 2 * MOST_PENCE, "may_approve": lambda _session, _person: {"supervisor-2"}}
    meanwhile(either, deciding(opened, "S-1", **large), deciding(opened, "S-1", **large))
    assert either.case(opened).case.state == "with_adr"
    with either.house.unit() as unit:
        deciding(opened, "S-1", **large | {"actor": "supervisor-2"})(unit)
    assert either.case(opened).case.state == "adr_decided"
