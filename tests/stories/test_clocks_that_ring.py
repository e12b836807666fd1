"""What the policy and our own messages say that time brings about is brought about by the service's timer."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from types import SimpleNamespace
from typing import Any, cast

import pytest

from api.parts import Parts
from api.rounds import timer
from api.rounds.late_fixes import is_fix_late
from custody.disputes.civil import add_months, add_working_days, civil_date, day_in_words
from custody.disputes.machine import CaseRole
from custody.disputes.order import Payment
from custody.disputes.recourse import Way
from custody.kernel.clock import DAY_MS
from custody.kernel.errors import Conflict
from custody.store import case_book
from custody.store.tables import IdempotencyRow
from custody.usecases import ask_customer, move_case, move_inquiry, move_scheme, pay_credit
from custody.usecases.came_back import payment_came_back
from custody.usecases.sweep_cases import letter_ms
from devicelock import watch_store
from devicelock.usecases.alert import look_at_alert
from devicelock.watch_store import AlertRow
from tests.stories.case_steps import act, decided, in_state, put_right
from tests.stories.lock_steps import told
from tests.stories.test_money_back import choose, promises
from tests.world import World
from tests.world_parts import Opened


@pytest.fixture
def days_pass(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Time passes, and the service's own timer looks a few times at what it brought about."""

    def let(days: int) -> None:
        monkeypatch.setattr(timer, "EVERY_S", 0.02)
        world.step(days * DAY_MS)
        parts: Any = SimpleNamespace(house=world.house, locks=world.office, clock=world.clock)
        running = timer.Timer(cast("Parts", parts))
        running.start()
        time.sleep(0.8)
        running.stop()

    return let


@pytest.mark.parametrize(("days", "is_over"), [(0, True), (6, False)])
def test_a_look_that_finds_nothing_due_waits_for_nobody_and_what_is_due_waits_its_turn(
    world: World, monkeypatch: pytest.MonkeyPatch, days: int, *, is_over: bool
) -> None:
    monkeypatch.setattr(timer, "EVERY_S", 0.02)
    world.dispute(None, "never_received")
    parts: Any = SimpleNamespace(house=world.house, locks=world.office, clock=world.clock)
    running = timer.Timer(cast("Parts", parts))
    stopping = threading.Thread(target=running.stop)
    with world.house.unit():
        world.clock.at_ms += days * DAY_MS
        running.start()
        time.sleep(0.3)
        stopping.start()
        stopping.join(2)
        assert stopping.is_alive() != is_over
    stopping.join()


def said(world: World, opened: Opened) -> int:
    with world.house.read() as session:
        return len(case_book.messages(session, opened.case))


def test_the_timer_of_this_test_does_look(world: World, days_pass: Callable[[int], None]) -> None:
    """The control: an investigation that has been quiet is told of, by the same timer."""
    opened = world.dispute(None, "never_received")
    days_pass(6)
    assert "We still look at the path" in told(world, opened)


def conclude_without_answer(world: World, opened: Opened) -> None:
    with world.house.unit() as unit:
        why, who = "No scan leads anywhere.", CaseRole.INVESTIGATOR
        move_inquiry.find_nothing(unit, opened.case, why=why, actor="investigator-1", role=who)


def waiting_alerts(world: World) -> list[AlertRow]:
    with world.house.read() as session:
        return watch_store.alerts(session, seen=False)


def is_late(world: World) -> bool:
    with world.house.read() as session:
        return is_fix_late(session, now_ms=world.clock.now_ms())


def test_a_conclusion_without_its_fix_is_told_of_once_when_its_days_are_over(
    world: World, days_pass: Callable[[int], None]
) -> None:
    opened = world.dispute(None, "never_received")
    conclude_without_answer(world, opened)
    world.step(13 * DAY_MS)
    assert not is_late(world), "its days are not over"
    days_pass(2)
    (alert,) = waiting_alerts(world)
    assert (alert.kind, opened.case in alert.detail) == ("fix_overdue", True)
    with world.house.unit() as unit:
        look_at_alert(unit, world.office, alert=alert.id, account="supervisor-1")
    assert not is_late(world), "somebody has looked"
    with world.house.unit() as unit:
        by: dict[str, Any] = {"actor": "supervisor-1", "role": CaseRole.SUPERVISOR}
        move_inquiry.reopen(unit, opened.case, why="A scan came late.", **by)
    conclude_without_answer(world, opened)
    world.step(15 * DAY_MS)
    assert is_late(world), "another conclusion has its own days"


def test_an_ask_that_nobody_answers_lapses_after_the_days_that_the_customer_was_told(
    world: World, days_pass: Callable[[int], None]
) -> None:
    opened = world.dispute(None, "defective")
    act(world, move_case.choose, opened, remedy="advance_swap", payout=None, actor="customer")
    act(world, move_case.remedied, opened, reference="JJD0001", actor="agent-1", role=CaseRole.AGENT)
    act(world, move_case.not_fixed, opened, actor="customer")
    asked: dict[str, Any] = {"item": "tape", "text": "Which colour has the tape?", "actor": "agent-1"}
    act(world, ask_customer.ask, opened, role=CaseRole.AGENT, **asked)
    assert "After 7 days we go on without it." in told(world, opened)
    days_pass(8)
    after = world.case(opened)
    assert (after.ledger.asks[0].state, after.case.state) == ("lapsed", "triaged")


def test_a_customer_who_has_not_chosen_is_reminded(world: World, days_pass: Callable[[int], None]) -> None:
    opened = world.dispute(None, "defective")
    assert "We will remind you." in told(world, opened)
    before = said(world, opened)
    days_pass(15)
    assert world.case(opened).case.state == "remedy_offered"
    assert said(world, opened) > before


def test_the_letter_for_the_independent_scheme_leaves_when_its_weeks_are_over(
    world: World, days_pass: Callable[[int], None]
) -> None:
    opened = world.dispute(None, None)
    (letter,) = (clock for clock in opened.disputed.file.legal_clocks if clock.key == "scheme_letter")
    assert (letter.last_day - letter.starts).days == 42
    days_pass(43)
    assert "This is your letter." in told(world, opened)
    assert world.case(opened).case.state == "adr_open"


@pytest.mark.parametrize("days", [1, 100, 400])
def test_a_second_letter_gives_no_later_day_than_the_first(world: World, days: int) -> None:
    opened = world.dispute(None, "defective")
    by: dict[str, Any] = {"actor": "supervisor-1", "role": CaseRole.SUPERVISOR}

    def letter() -> list[tuple[date, date]]:
        file = act(world, move_scheme.adr, opened, letter_due_ms=0, deadlock=True, **by)
        return [(way.opens, way.last_day) for way in file.recourse if way.way is Way.SCHEME]

    first = letter()
    act(world, move_scheme.change_our_mind, opened, **by)
    world.step(days * DAY_MS)
    for _ in range(2):
        assert letter() == ([] if days == 400 else first), "what is over stays over"
        act(world, move_scheme.change_our_mind, opened, **by)


def test_an_offer_is_chosen_recorded_and_confirmed_after_the_letter_as_before_it(
    world: World, days_pass: Callable[[int], None]
) -> None:
    """An offer never lapses to nothing."""
    opened = world.dispute(None, "never_received")
    for _ in range(2):
        days_pass(43)
    assert told(world, opened).count("This is your letter.") == 1
    act(world, move_case.choose, opened, remedy="replacement", payout=None, actor="customer")
    act(world, move_case.remedied, opened, reference="JJD1", actor="agent-1", role=CaseRole.AGENT)
    act(world, move_case.confirm, opened, actor="customer", locks_settled=True)
    assert world.case(opened).case.state == "closed"


def test_a_remedy_on_its_way_and_one_that_was_given_stay_so_when_the_letter_leaves(
    world: World, days_pass: Callable[[int], None]
) -> None:
    on_its_way, given = (world.dispute(None, "never_received") for _ in range(2))
    days_pass(40)
    for opened in (on_its_way, given):
        act(world, move_case.choose, opened, remedy="replacement", payout=None, actor="customer")
    by: dict[str, Any] = {"actor": "agent-1", "role": CaseRole.AGENT}
    act(world, move_case.remedied, given, reference="JJD1", **by)
    days_pass(3)
    for opened in (on_its_way, given):
        assert "This is your letter." in told(world, opened)
    act(world, move_case.remedied, on_its_way, reference="JJD2", **by)
    days_pass(8)
    assert [world.case(opened).case.state for opened in (on_its_way, given)] == ["closed", "closed"]


def test_a_case_whose_letter_left_beside_its_remedy_is_still_opened_to_the_scheme(
    world: World, days_pass: Callable[[int], None]
) -> None:
    opened = world.dispute(None, "defective")
    days_pass(43)
    by: dict[str, Any] = {"actor": "supervisor-1", "role": CaseRole.SUPERVISOR}
    file = act(world, move_scheme.adr, opened, letter_due_ms=letter_ms(world.case(opened)), deadlock=False, **by)
    assert file.case.state == "adr_open"


@pytest.mark.parametrize("payment", [Payment.DEVICE_CREDIT, Payment.CREDIT_CARD, Payment.CASH])
@pytest.mark.parametrize("days", [3, 70])
def test_the_letter_is_for_the_scheme_however_it_was_paid_and_the_page_has_the_days_of_the_letter(
    world: World, days: int, payment: Payment
) -> None:
    known = world.case(world.dispute(world.parcels[0], "damaged")).order
    opened = world.dispute(world.parcels[0], "damaged", order=replace(known, payment=payment))
    world.step(days * DAY_MS)
    by: dict[str, Any] = {"actor": "supervisor-1", "role": CaseRole.SUPERVISOR}
    file = act(world, move_scheme.adr, opened, letter_due_ms=0, deadlock=True, **by)
    today = civil_date(world.clock.at_ms)
    last_day = day_in_words(add_months(today, 12))
    letter = f"You may go to the independent scheme CISAS now. You do not need our consent. You have until {last_day}."
    assert letter in told(world, opened)
    scheme = next(way for way in file.recourse if way.way is Way.SCHEME)
    assert (scheme.opens, day_in_words(scheme.last_day)) == (today, last_day)


def test_what_nobody_says_is_wrong_is_closed_after_the_days_of_the_policy(
    world: World, days_pass: Callable[[int], None]
) -> None:
    opened = world.dispute(None, "never_received")
    put_right(world, opened)
    days_pass(8)
    assert world.case(opened).case.state == "closed"


def test_what_is_owed_or_locked_keeps_a_case_open_that_nobody_says_is_wrong(
    world: World, days_pass: Callable[[int], None]
) -> None:
    late = world.dispute(None, "never_received")
    act(world, move_case.choose, late, remedy="replacement", payout=None, actor="customer")
    world.step(9 * DAY_MS)
    act(world, move_case.remedied, late, reference="JJD0001", actor="agent-1", role=CaseRole.AGENT)
    locked, radio = world.locked_elsewhere()
    assert radio._line is not None
    radio._line.stop()
    put_right(world, locked)
    days_pass(8)
    assert world.order(locked.order.id).state == "release_queued"
    assert [world.case(each).case.state for each in (late, locked)] == ["remedied", "remedied"]
    act(world, pay_credit.credit_paid, late, reference="BACS 1", actor="agent-1", role=CaseRole.AGENT)
    radio._line.start()
    world.deliver()
    days_pass(0)
    assert [world.case(each).case.state for each in (late, locked)] == ["closed", "closed"]


def test_a_case_whose_owner_has_left_has_another_owner_and_the_customer_is_told_the_name(
    world: World, days_pass: Callable[[int], None]
) -> None:
    opened = world.dispute(None, "defective")
    world.dismiss(opened.disputed.file.case.owner)
    days_pass(1)
    after = world.case(opened).case.owner
    assert after != opened.disputed.file.case.owner
    assert f"{after} looks after your case now." in told(world, opened)


def test_a_case_whose_phone_was_found_ends_once_its_lock_is_settled(
    world: World, days_pass: Callable[[int], None]
) -> None:
    opened, _ = world.locked_elsewhere()
    world.found(opened)
    said = act(world, move_case.found_it, opened, actor="customer", locks_settled=world.settled(opened))
    assert said.case.state == "remedy_offered"
    assert "We unlock it now." in told(world, opened)
    with world.refused(Conflict, "found"):
        act(world, move_case.choose, opened, remedy="replacement", payout=None, actor="customer")
    days_pass(0)
    assert world.case(opened).case.state == "remedy_offered", "the handset has not shown yet that it is free"
    world.deliver()
    days_pass(0)
    assert world.case(opened).case.state == "withdrawn"
    act(world, move_case.reopen, opened, actor="customer", role=CaseRole.CUSTOMER)
    days_pass(0)
    assert world.case(opened).case.state == "triaged", "that word is over: opened again, the case goes on"


def test_a_case_whose_phone_was_found_goes_on_once_its_customer_does_not_agree_or_says_that_it_is_not_right(
    world: World, days_pass: Callable[[int], None]
) -> None:
    waits, _ = world.locked_elsewhere()
    world.found(waits)
    other = world.dispute(None, "defective")
    act(world, move_case.choose, other, remedy="advance_swap", payout=None, actor="customer")
    for opened in (waits, other):
        act(world, move_case.found_it, opened, actor="customer", locks_settled=world.settled(opened))
    act(world, move_case.disagrees, waits, actor="customer")
    act(world, move_case.remedied, other, reference="JJD0001", actor="agent-1", role=CaseRole.AGENT)
    act(world, move_case.not_fixed, other, actor="customer")
    world.deliver()
    days_pass(0)
    assert [world.case(opened).case.state for opened in (waits, other)] == ["remedy_offered", "triaged"]
    act(world, move_case.choose, waits, remedy="replacement", payout=None, actor="customer")


def test_money_that_came_back_and_was_paid_again_can_be_said_to_be_wrong_for_as_many_days_as_at_first(
    world: World, days_pass: Callable[[int], None]
) -> None:
    opened, by = world.dispute(world.parcels[0], "never_received"), {"actor": "agent-1", "role": CaseRole.AGENT}
    first = choose(world, opened, "refund")
    act(world, move_case.remedied, opened, reference="BACS 1", **by)
    days_pass(6)
    act(world, payment_came_back, opened, promise=first.id, reference="RETURN 1", **by)
    days_pass(3)
    (again,) = (promise for promise in promises(world, opened) if promise.state != "kept")
    act(world, move_case.promise_kept, opened, promise=again.id, reference="BACS 2", **by)
    days_pass(6)
    assert world.case(opened).case.state == "remedied"
    days_pass(2)
    assert world.case(opened).case.state == "closed"


def test_a_case_that_closes_since_nobody_said_anything_thanks_nobody_for_telling_us(
    world: World, days_pass: Callable[[int], None]
) -> None:
    opened = world.dispute(None, "never_received")
    put_right(world, opened)
    days_pass(8)
    assert world.case(opened).case.state == "closed"
    assert "Nobody told us that it is not right, so we closed your case." in told(world, opened)
    assert "Thank you for telling us" not in told(world, opened)


def test_a_letter_leaves_once_and_a_case_that_came_back_from_there_stays_back(
    world: World, days_pass: Callable[[int], None]
) -> None:
    opened = world.dispute(None, None)
    days_pass(43)
    act(world, move_scheme.change_our_mind, opened, actor="supervisor-1", role=CaseRole.SUPERVISOR)
    days_pass(1)
    assert world.case(opened).case.state == "triaged"
    assert told(world, opened).count("This is your letter.") == 1


def test_a_decision_that_the_customer_says_nothing_to_is_reminded_of_and_lapses_after_its_working_days(
    world: World, days_pass: Callable[[int], None]
) -> None:
    opened = world.dispute(None, "defective")
    in_state(world, opened, "with_adr")
    by: dict[str, Any] = {"actor": "supervisor-1", "role": CaseRole.SUPERVISOR}
    act(world, move_scheme.scheme_decides, opened, award="A new phone sent to you", reference="S-1", **by)
    last_day = add_working_days(civil_date(world.clock.at_ms), 30)
    until = f"You have until {day_in_words(last_day)}."
    assert told(world, opened).count(until) == 1
    days_pass(15)
    assert told(world, opened).count(until) == 2
    assert world.case(opened).case.state == "adr_decided"
    days_pass((last_day - civil_date(world.clock.at_ms)).days)
    assert world.case(opened).case.state == "adr_decided", "the last day is not over"
    days_pass(1)
    assert world.case(opened).case.state == "closed"
    assert f"We heard no yes and no no to the decision by {day_in_words(last_day)}." in told(world, opened)
    assert "You can open the case again here." in told(world, opened)
    with world.house.read() as session:
        assert case_book.promises(session, opened.case) == []


def test_a_decision_of_which_no_last_day_was_named_lapses_only_after_the_days_from_when_one_is(
    world: World, days_pass: Callable[[int], None]
) -> None:
    opened = world.dispute(None, "defective")
    decided(world, opened, "A new phone sent to you")
    world.step(90 * DAY_MS)
    days_pass(0)
    assert world.case(opened).case.state == "adr_decided"
    last_day = add_working_days(civil_date(world.clock.at_ms), 30)
    assert f"You have until {day_in_words(last_day)}." in told(world, opened)
    days_pass((last_day - civil_date(world.clock.at_ms)).days + 1)
    assert world.case(opened).case.state == "closed"


def test_an_answer_that_is_kept_for_a_repeated_request_is_forgotten_after_its_day(
    world: World, days_pass: Callable[[int], None]
) -> None:
    with world.house.unit() as unit:
        unit.session.add(IdempotencyRow(key="k", request_hash=b"", status=200, body=b"sealed", at_ms=unit.now_ms))
    days_pass(2)
    with world.house.read() as session:
        assert session.get(IdempotencyRow, "k") is None
