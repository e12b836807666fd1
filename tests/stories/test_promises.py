"""Promises: kept when what was promised is done, missed with a credit that is really owed, and true in every word."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api.rounds.timer import CASES
from custody.disputes.machine import CaseRole
from custody.disputes.remedy import Needs
from custody.kernel.clock import DAY_MS, MINUTE_MS
from custody.kernel.errors import Conflict, Forbidden
from custody.store import case_book, inquiry_book, worklist
from custody.usecases import move_case, move_scheme, pay_credit
from custody.usecases.repeat_move import done_already
from custody.usecases.sweep_cases import look, sweep_case
from custody.usecases.sweep_promises import is_promise_due, sweep_promises
from tests.stories.case_steps import act, decided
from tests.stories.lock_steps import told
from tests.stories.test_case_stories import classify
from tests.world import World, new_world
from tests.world_parts import Opened

WORDS = "Something is wrong with what you sent me."
NO_PHONE = Needs(has_working_phone=False)


def days_pass(world: World, days: int) -> None:
    """Time passes, and the timer sweeps the promises; it looks before, and sees just what there is to move."""
    world.step(days * DAY_MS)
    with world.house.read() as session:
        due = is_promise_due(session, now_ms=world.clock.at_ms + 1)
    with world.house.unit() as unit:
        assert bool(sweep_promises(unit)) == due
    with world.house.read() as session:
        assert not is_promise_due(session, now_ms=world.clock.at_ms)


def round_of_cases(world: World) -> int:
    """The timer's slow round over the cases; how much it did."""
    with world.house.read() as session:
        seen = look(session, CASES, after="", limit=100, now_ms=world.clock.at_ms + 1)
    done = 0
    for dispute in seen.due:
        with world.house.unit() as unit:
            done += sweep_case(unit, dispute, CASES)
    return done


def missed(world: World, opened: Opened) -> list[str]:
    """What was promised and missed."""
    with world.house.read() as session:
        return [promise.what for promise in case_book.promises(session, opened.case) if promise.state == "missed"]


def test_the_promise_of_an_offer_is_kept_by_the_offer(world: World) -> None:
    opened = world.dispute(None, None, words=WORDS)
    world.step(5 * MINUTE_MS)
    assert classify(world, opened, "defective").offer is not None
    days_pass(world, 2)
    assert missed(world, opened) == []
    assert "We are late" not in told(world, opened), "the offer was made five minutes after the report"


def test_the_promise_of_an_offer_is_kept_by_nothing_but_the_offer(world: World) -> None:
    opened = world.dispute(None, None, words=WORDS)
    with world.house.read() as session:
        (promise,) = case_book.promises(session, opened.case)
    with world.refused(Conflict, "by_the_offer"):
        facts = {"promise": promise.id, "reference": "CALL 1", "actor": "agent-1", "role": CaseRole.AGENT}
        act(world, move_case.promise_kept, opened, **facts)
    days_pass(world, 2)
    assert missed(world, opened) == ["an offer that puts this right"]


def test_a_customer_who_took_the_report_back_is_not_told_that_we_missed_our_offer(world: World) -> None:
    opened = world.dispute(None, None, words=WORDS)
    act(world, move_case.withdraw, opened, actor="customer", locks_settled=True)
    days_pass(world, 2)
    assert "We are late" not in told(world, opened)


def test_a_late_remedy_earns_its_credit_even_if_no_sweep_has_seen_the_miss(world: World) -> None:
    opened = world.dispute(world.parcels[0], "never_received")
    act(world, move_case.choose, opened, remedy="replacement", payout=None, actor="customer")
    world.clock.at_ms += 8 * DAY_MS  # the service was down, or its timer one turn behind
    done = act(world, move_case.remedied, opened, reference="JJD0001", actor="agent-1", role=CaseRole.AGENT)
    assert done.unpaid_credit_pence == 4 * 646, "each begun day counts"
    assert "We were late, and we are sorry." in told(world, opened)


@pytest.mark.parametrize("end", ["remedied", "withdrawn"])
def test_a_credit_that_was_told_grows_with_every_day_until_it_is_over(world: World, end: str) -> None:
    opened = world.dispute(None, "defective", words=WORDS, needs=NO_PHONE)
    days_pass(world, 2)
    told_pence = world.case(opened).unpaid_credit_pence
    assert told_pence > 0
    days_pass(world, 3)
    round_of_cases(world)
    assert world.case(opened).unpaid_credit_pence == told_pence + 3 * 646, "nothing else of the case moves"
    if end == "withdrawn":
        after = act(world, move_case.withdraw, opened, actor="customer", locks_settled=True)
    else:
        with world.house.read() as session:
            (loan,) = case_book.promises(session, opened.case)
        kept = {"promise": loan.id, "reference": "LOAN 7", "actor": "agent-1"}
        after = act(world, move_case.promise_kept, opened, role=CaseRole.AGENT, **kept)
    assert after.unpaid_credit_pence == told_pence + 3 * 646


def test_a_late_promise_earns_a_day_once_and_no_more_than_the_days_of_the_policy(world: World) -> None:
    opened = world.dispute(None, "never_received")
    act(world, move_case.choose, opened, remedy="replacement", payout=None, actor="customer")
    days_pass(world, 6)
    assert round_of_cases(world) == 0, "what was late by then is written down with the miss"
    days_pass(world, 1)
    assert (round_of_cases(world), round_of_cases(world)) == (1, 0)
    assert world.case(opened).unpaid_credit_pence == 3 * 646
    act(world, pay_credit.credit_paid, opened, reference="BACS 1", actor="agent-1", role=CaseRole.AGENT)
    assert round_of_cases(world) == 0
    days_pass(world, 1)
    world.clock.at_ms -= 2 * DAY_MS  # a clock that went ahead, or another process that began before
    assert (round_of_cases(world), world.case(opened).unpaid_credit_pence) == (0, 0), "nothing is taken back"
    world.clock.at_ms += 100 * DAY_MS
    round_of_cases(world)
    assert world.case(opened).unpaid_credit_pence == 57 * 646
    days_pass(world, 1)
    round_of_cases(world)
    assert world.case(opened).unpaid_credit_pence == 57 * 646


def test_what_a_case_that_is_over_leaves_late_earns_its_credit_too(world: World) -> None:
    opened = world.dispute(None, "never_received", needs=NO_PHONE)
    over = world.dispute(None, "never_received", needs=NO_PHONE)
    decided(world, opened, "Nothing more is to be done.")
    act(world, move_scheme.reject_decision, opened, actor="customer", locks_settled=True)
    days_pass(world, 3)
    act(world, move_case.withdraw, over, actor="customer", locks_settled=True)
    days_pass(world, 2)
    round_of_cases(world)
    owed = [world.case(each) for each in (opened, over)]
    assert [(file.case.state, file.unpaid_credit_pence) for file in owed] == [
        ("closed", 5 * 646),
        ("withdrawn", 3 * 646),
    ], "what was promised still stands in the one, and is not wanted any more in the other"


@pytest.mark.postgres
def test_two_processes_that_look_at_once_write_a_late_day_down_once(postgres_url: str, tmp_path: Path) -> None:
    world = new_world(postgres_url, tmp_path / "world")
    opened = world.dispute(None, "never_received")
    act(world, move_case.choose, opened, remedy="replacement", payout=None, actor="customer")
    days_pass(world, 6)
    world.clock.at_ms += DAY_MS
    begin = threading.Barrier(2)

    def sweep() -> int:
        with world.house.unit() as unit:
            begin.wait(10)
            return sweep_case(unit, opened.case, CASES)

    with ThreadPoolExecutor(2) as both:
        done = [each.result(30) for each in (both.submit(sweep), both.submit(sweep))]
    owed = world.case(opened).unpaid_credit_pence
    world.close()
    assert (sorted(done), owed) == ([0, 1], 3 * 646)


def test_the_credit_that_a_customer_was_told_of_can_be_paid_when_the_report_is_taken_back(world: World) -> None:
    opened = world.dispute(None, "defective", words=WORDS, needs=NO_PHONE)
    days_pass(world, 3)
    assert "You get £" in told(world, opened)
    act(world, move_case.withdraw, opened, actor="customer", locks_settled=True)
    paid = act(world, pay_credit.credit_paid, opened, reference="BACS 1", actor="agent-1", role=CaseRole.AGENT)
    assert paid.unpaid_credit_pence == 0
    assert "We paid you the £19.38 that we owed you." in told(world, opened), "or nobody would miss it"


def test_after_a_miss_nobody_is_said_to_lead_a_team_that_they_do_not_lead(world: World) -> None:
    opened = world.dispute(None, "defective", words=WORDS, needs=NO_PHONE)
    days_pass(world, 3)
    owner = opened.disputed.file.case.owner
    assert f"{owner} stays with it until you have it." in told(world, opened)


def test_a_loan_phone_that_nobody_sent_is_not_told_as_done_when_the_money_is_paid(world: World) -> None:
    opened = world.dispute(world.parcels[0], "never_received", needs=NO_PHONE)
    act(world, move_case.choose, opened, remedy="refund", payout="bank_transfer", actor="customer")
    act(world, move_case.remedied, opened, reference="BACS 42", actor="agent-1", role=CaseRole.AGENT)
    assert "Done: your money back." in told(world, opened)
    assert "Done: a phone on loan." not in told(world, opened)
    with world.house.read() as session:
        (loan,) = (one for one in case_book.promises(session, opened.case) if one.what == "a phone on loan")
    act(
        world, move_case.promise_kept, opened, promise=loan.id, reference="LOAN 7", actor="agent-1", role=CaseRole.AGENT
    )
    assert "Done: a phone on loan." in told(world, opened)
    assert act(world, move_case.confirm, opened, actor="customer", locks_settled=True).case.state == "closed"


def test_a_phone_that_cost_nothing_up_front_does_not_bar_the_choice_of_the_refund(world: World) -> None:
    free = world.case(world.dispute(world.parcels[0], "never_received")).order
    opened = world.dispute(world.parcels[0], "never_received", order=replace(free, price_pence=0))
    assert opened.disputed.file.offer is not None
    assert "refund" in [option.remedy for option in opened.disputed.file.offer.options]
    moved = act(world, move_case.choose, opened, remedy="refund", payout="bank_transfer", actor="customer")
    assert moved.case.state == "remedy_in_progress"


@pytest.mark.parametrize("claim", ["never_received", "substituted"])
def test_a_kind_that_is_agreed_when_a_case_is_opened_again_has_its_investigation_too(world: World, claim: str) -> None:
    opened = world.dispute(world.parcels[0], None, words=WORDS)
    act(world, move_case.withdraw, opened, actor="customer", locks_settled=True)
    act(world, move_case.reopen, opened, actor="customer", role=CaseRole.CUSTOMER)
    offered = act(world, move_case.offer_again, opened, claim_type=claim, actor="agent-1", role=CaseRole.AGENT)
    assert offered.lock_wish.fair
    with world.house.read() as session:
        assert inquiry_book.read(session, opened.case).state == "open"


def test_a_case_that_is_opened_again_is_not_called_damaged_without_words_on_where_and_when(world: World) -> None:
    opened = world.dispute(None, None, words="It is not right.")
    act(world, move_case.withdraw, opened, actor="customer", locks_settled=True)
    act(world, move_case.reopen, opened, actor="customer", role=CaseRole.CUSTOMER)
    with world.refused(Conflict, "guard"):
        act(world, move_case.offer_again, opened, claim_type="customer_damage", actor="agent-1", role=CaseRole.AGENT)


def test_what_was_decided_in_a_long_sentence_is_told_as_late_and_holds_back_no_other_promise(world: World) -> None:
    opened = world.dispute(world.parcels[0], "never_received")
    act(world, move_scheme.adr, opened, letter_due_ms=0, deadlock=True, actor="supervisor-1", role=CaseRole.SUPERVISOR)
    award = "Pay the whole price and send a written apology to the address of the customer"
    decided(world, opened, f"{award}.")
    act(world, move_scheme.accept_decision, opened, actor="customer")
    other = world.dispute(None, "defective", words=WORDS, needs=NO_PHONE)
    days_pass(world, 40)
    assert missed(world, opened) == [award]
    assert missed(world, other) == ["a phone on loan"]
    assert "We are late" in told(world, opened)
    assert ".." not in told(world, opened)
    assert "We are late" in told(world, other)


def test_a_remedy_that_was_written_down_as_a_kept_promise_is_put_right_and_the_customer_is_asked(world: World) -> None:
    opened = world.dispute(None, "never_received", needs=NO_PHONE)
    act(world, move_case.choose, opened, remedy="replacement", payout=None, actor="customer")
    with world.house.read() as session:
        by_what = {promise.what: promise for promise in case_book.promises(session, opened.case)}
    loan, phone = by_what["a phone on loan"], by_what["a new phone sent to you"]
    by: dict[str, Any] = {"actor": "agent-1", "role": CaseRole.AGENT}
    after = act(world, move_case.promise_kept, opened, promise=loan.id, reference="JJD0001", **by)
    assert after.case.state == "remedy_in_progress", "what comes beside it puts nothing right"
    after = act(world, move_case.promise_kept, opened, promise=phone.id, reference="JJD0002", **by)
    assert after.case.state == "remedied"
    assert "We think this is put right now. Is it?" in told(world, opened)
    with world.house.unit() as unit:
        assert done_already(
            unit.session, opened.case, "promise_kept", {"promise": phone.id, "reference": "JJD0002"}, actors={"agent-1"}
        )
    world.step(8 * DAY_MS)
    with world.house.unit() as unit:
        sweep_case(unit, opened.case, CASES)
    assert world.case(opened).case.state == "closed", "nobody said that it was wrong"


def test_what_became_of_a_missed_promise_is_written_down_by_who_pays_and_by_nobody_else(world: World) -> None:
    opened = world.dispute(None, "never_received")
    act(world, move_case.choose, opened, remedy="refund", payout="cheque", actor="customer")
    with world.house.read() as session:
        (refund,) = case_book.promises(session, opened.case)
    days_pass(world, 8)
    kept = {"promise": refund.id, "reference": "CHQ 1"}
    with world.refused(Forbidden, "role"):
        by: dict[str, Any] = {"actor": "investigator-1", "role": CaseRole.INVESTIGATOR}
        act(world, move_case.promise_kept, opened, **kept, **by)
    assert missed(world, opened) == ["your money back"]
    act(world, move_case.promise_kept, opened, **kept, actor="supervisor-1", role=CaseRole.SUPERVISOR)
    assert missed(world, opened) == []


def test_the_worklist_begins_with_what_is_due_next_on_either_engine(either: World) -> None:
    opened = [either.dispute(None, None, words=WORDS).case for _ in range(5)]
    days = (3, -1, 7, 3, 0)
    with either.house.unit() as unit:
        for case, day in zip(opened, days, strict=True):
            (promise,) = case_book.promises(unit.session, case)
            case_book.put_promise(unit, replace(promise, due_ms=unit.now_ms + day * DAY_MS))
    listed: list[worklist.Due] = []
    with either.house.read() as session:
        while page := worklist.soonest_first(session, after=listed[-1].cursor if listed else None, limit=2):
            listed += page
    assert [due.file.case.id for due in listed] == [case for _, case in sorted(zip(days, opened, strict=True))]
