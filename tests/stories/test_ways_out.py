"""Stories of a kind of problem that is put right: its ways out are those of the kind that it is, and none is lost."""

from datetime import timedelta
from typing import Any

import pytest

from custody.disputes.civil import civil_date
from custody.disputes.machine import Role
from custody.disputes.recourse import PLEAS, Way
from custody.disputes.remedy import Needs
from custody.kernel.clock import DAY_MS
from custody.store import case_book
from custody.store.case_book import CaseFile
from custody.usecases import learn_facts, move_case, move_scheme
from tests.stories.case_steps import act, not_put_right
from tests.stories.lock_steps import told
from tests.stories.test_case_stories import classify
from tests.stories.test_joined_cases import join
from tests.world import World

SUPERVISOR: dict[str, Any] = {"actor": "supervisor-1", "role": Role.SUPERVISOR}
AGENT: dict[str, Any] = {"actor": "agent-1", "role": Role.AGENT}
TO_THE_SCHEME = "you can go to the independent scheme"


def ways(file: CaseFile) -> set[Way]:
    return {way.way for way in file.recourse}


@pytest.mark.parametrize("kind", [None, "damaged"])
def test_each_way_is_put_as_the_kind_that_was_agreed_on(world: World, kind: str | None) -> None:
    opened = world.dispute(world.parcels[0], kind, needs=Needs(has_working_phone=False))
    before = world.case(opened)
    with world.house.read() as session:
        loan = [one for one in case_book.promises(session, opened.case) if one.what == "a phone on loan"]
    file = classify(world, opened, "substituted")
    assert {way.how.partition(".")[0] + "." for way in file.recourse} == {PLEAS["substituted"]}
    assert [(way.way, way.opens, way.last_day) for way in file.recourse] == [
        (way.way, way.opens, way.last_day) for way in before.recourse
    ], "their days do not hang on the kind"
    with world.house.read() as session:
        assert [one for one in case_book.promises(session, opened.case) if one in loan] == loan
    assert told(world, opened).count(TO_THE_SCHEME) == 1, "the customer knows"


def test_who_was_taken_for_a_holder_has_the_ways_of_a_customer_and_is_told(world: World) -> None:
    opened = world.dispute(world.parcels[0], "holder_enquiry")
    assert ways(world.case(opened)) == {Way.COURT}
    assert TO_THE_SCHEME not in told(world, opened)
    like = world.dispute(world.parcels[0], "never_received")
    assert classify(world, opened, "never_received").recourse == world.case(like).recourse
    assert TO_THE_SCHEME in told(world, opened)


@pytest.mark.parametrize("has_letter", [False, True])
def test_a_way_that_the_kind_has_not_goes_unless_a_letter_for_it_has_left(world: World, *, has_letter: bool) -> None:
    opened = world.dispute(world.parcels[0], "never_received")
    scheme = world.case(opened).recourse[0]
    if has_letter:
        scheme = act(world, move_scheme.adr, opened, letter_due_ms=0, deadlock=True, **SUPERVISOR).recourse[0]
        act(world, move_scheme.change_our_mind, opened, **SUPERVISOR)
        file = act(world, move_case.offer_again, opened, claim_type="holder_enquiry", **AGENT)
    else:
        file = classify(world, opened, "holder_enquiry")
    assert scheme.way is Way.SCHEME
    assert ways(file) == ({Way.SCHEME, Way.COURT} if has_letter else {Way.COURT})
    if has_letter:
        assert (file.recourse[0].opens, file.recourse[0].last_day) == (scheme.opens, scheme.last_day)
    else:
        assert "you can go to the county court" in told(world, opened)


def test_the_ways_of_a_report_that_was_joined_in_stay_whatever_the_kind(world: World) -> None:
    other, survivor = world.dispute(world.parcels[0], "never_received"), world.dispute(None, "holder_enquiry")
    not_put_right(world, other)
    world.step(DAY_MS)
    join(world, other, into=survivor)
    joined = world.case(survivor)
    assert {Way.SCHEME, Way.CARD_LAW} <= ways(joined)
    for kind in ("wrong_item", "holder_enquiry"):
        file = classify(world, survivor, kind)
        assert [(way.way, way.opens, way.last_day) for way in file.recourse] == [
            (way.way, way.opens, way.last_day) for way in joined.recourse
        ]


def test_days_that_were_learned_of_the_order_count_for_the_new_kind_too(world: World) -> None:
    opened = world.dispute(world.parcels[0], "damaged")
    delivered = civil_date(world.clock.at_ms) - timedelta(days=200)
    days: dict[str, Any] = {"days": {"delivered": delivered}, "reference": "RECEIPT 1"}
    learned = act(world, learn_facts.order_days, opened, **days, **AGENT)
    file = classify(world, opened, "defective")
    assert [(way.way, way.last_day) for way in file.recourse] == [(way.way, way.last_day) for way in learned.recourse]
