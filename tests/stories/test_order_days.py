"""Stories of days that become known after an order was sold: said with what shows them, and counted by law."""

from datetime import date, timedelta
from typing import Any

import pytest

from custody.disputes.civil import add_months, civil_date
from custody.disputes.machine import CaseRole
from custody.disputes.recourse import Way
from custody.disputes.remedy import Extra
from custody.kernel.clock import DAY_MS
from custody.kernel.errors import Conflict, Forbidden, Rejected
from custody.store.case_book import CaseFile
from custody.usecases import learn_facts, move_case, move_scheme
from tests.stories.case_steps import act
from tests.stories.lock_steps import told
from tests.world import World
from tests.world_parts import Opened


def say(world: World, opened: Opened, *, role: CaseRole = CaseRole.AGENT, **days: date) -> CaseFile:
    """Somebody of ours says what was learned."""
    facts: dict[str, Any] = {"days": days, "reference": "RECEIPT 1", "actor": "x", "role": role}
    return act(world, learn_facts.order_days, opened, **facts)


def ago(world: World, days: int) -> date:
    return civil_date(world.clock.at_ms) - timedelta(days=days)


@pytest.mark.parametrize("name", ["proof_of_sending", "goods_back"])
def test_who_sent_it_back_is_charged_nothing_and_has_the_money_by_the_laws_day(world: World, name: str) -> None:
    opened = world.dispute(world.parcels[0], "returned_not_credited")
    sent = ago(world, 12)
    file = say(world, opened, **{name: sent})
    assert file.offer is not None
    assert Extra.CHARGE_HELD in file.offer.extras
    assert "Nothing is charged for it" in told(world, opened)
    (clock,) = (clock for clock in file.legal_clocks if clock.key == "refund_after_cancellation")
    assert clock.last_day == sent + timedelta(days=14)
    with world.house.unit() as unit:
        _, chosen = move_case.choose(unit, opened.case, remedy="refund", payout="cheque", actor="customer")
    assert civil_date(chosen.promise.due_ms - 1) == clock.last_day


def test_the_day_of_delivery_starts_its_clocks_and_takes_nothing_from_an_offer_that_was_made(world: World) -> None:
    opened = world.dispute(world.parcels[0], "defective")
    before = world.case(opened).offer
    file = say(world, opened, delivered=ago(world, 200))
    assert {"short_term_reject", "fault_presumption"} <= {clock.key for clock in file.legal_clocks}
    assert file.offer == before


def test_the_day_of_delivery_moves_the_last_day_of_the_court_and_not_the_one_of_the_letter(world: World) -> None:
    opened = world.dispute(world.parcels[0], "defective")
    world.step(3 * DAY_MS)
    by: dict[str, Any] = {"actor": "supervisor-1", "role": CaseRole.SUPERVISOR}
    letter = act(world, move_scheme.adr, opened, letter_due_ms=0, deadlock=True, **by)
    delivered = ago(world, 200)
    file = say(world, opened, delivered=delivered)
    before, after = ({way.way: way for way in one.recourse} for one in (letter, file))
    assert after[Way.COURT].last_day == add_months(delivered, 72) < before[Way.COURT].last_day
    assert after[Way.CARD_LAW].last_day == after[Way.COURT].last_day
    assert after[Way.SCHEME] == before[Way.SCHEME]


def test_a_day_that_is_known_is_put_right_by_a_supervisor_alone(world: World) -> None:
    opened = world.dispute(world.parcels[0], "defective")
    say(world, opened, delivered=ago(world, 3))
    say(world, opened, delivered=ago(world, 3))
    with world.refused(Forbidden, "role"):
        say(world, opened, delivered=ago(world, 40))
    right = say(world, opened, role=CaseRole.SUPERVISOR, delivered=ago(world, 2))
    (clock,) = (clock for clock in right.legal_clocks if clock.key == "short_term_reject")
    assert clock.starts == ago(world, 2)


def test_a_day_that_cannot_be_or_that_nothing_shows_is_refused(world: World) -> None:
    opened = world.dispute(world.parcels[0], "defective")
    for days, code in (
        ({"delivered": ago(world, -1)}, "date"),
        ({"delivered": date(1970, 1, 1)}, "date"),
        ({}, "days"),
        ({"contract": ago(world, 1)}, "days"),
    ):
        with world.refused(Rejected, code):
            say(world, opened, **days)
    by: dict[str, Any] = {"actor": "x", "role": CaseRole.AGENT, "days": {"delivered": ago(world, 1)}}
    with world.refused(Rejected, "reference"):
        act(world, learn_facts.order_days, opened, reference=" ", **by)
    act(world, move_case.withdraw, opened, actor="customer", locks_settled=True)
    with world.refused(Conflict, "move"):
        act(world, learn_facts.order_days, opened, reference="RECEIPT 1", **by)
