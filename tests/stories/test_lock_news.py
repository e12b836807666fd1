"""Stories of what customers are told of a lock and of the end of their account: at its moment, once, and not after."""

import re
from datetime import date

import msgspec
import pytest

from api import lock_news
from api.circumstances import cases_of
from api.join_reports import join_reports
from custody.disputes.civil import in_words
from custody.disputes.claim import ClaimType
from custody.disputes.lock_wish import WishFacts, lock_wish, said_to_customer
from custody.disputes.machine import CaseRole
from custody.disputes.policy import DEFAULT_POLICY as POLICY
from custody.disputes.wording import lint_text
from custody.kernel.clock import DAY_MS, HOUR_MS, MINUTE_MS
from custody.kernel.errors import Conflict, Forbidden, Rejected, Unavailable
from custody.store import case_book
from custody.usecases import learn_facts, move_case
from devicelock import watch_store
from devicelock.rules.ack import AckResult
from devicelock.rules.command import Op
from devicelock.rules.order import OrderEvent
from devicelock.store import LockOrderRow, newest_command
from devicelock.usecases.request_lock import refuse_lock
from devicelock.watch_store import LeavingRow
from simulators.radio import Radio
from tests.contracts_store.faults import broken_commit
from tests.stories.case_steps import in_state
from tests.stories.lock_steps import ask, leave, let_go, lines_of, told
from tests.stories.test_lock_cases import report_of_a_stranger
from tests.world import World
from tests.world_parts import Opened

PLANNED, LOCKING, NOT_MADE = "We plan to lock the phone", "We are locking it", "We did not lock the phone."
CALLED_BACK, NOTICE = "We called the lock back", "Please change the line for your bank payments"


def count(world: World, opened: Opened, words: str) -> int:
    """How often the customer of a case was told so."""
    return told(world, opened).count(words)


@pytest.fixture
def radio(world: World) -> Radio:
    """Lend the first parcel's handset, on and with another SIM."""
    return world.switched_on(world.parcels[0])


@pytest.fixture
def served(world: World, radio: Radio) -> Opened:
    """A customer who once held the handset, and is still served: it came damaged, and was lost on its way back."""
    assert radio.handset.on
    opened = world.dispute(world.parcels[0], "damaged")
    assert opened.lock.order is None, "the customer holds it, as far as anybody knows"
    with world.house.unit() as unit:
        lost = WishFacts(lost_on_return_leg=True)
        file = learn_facts.whereabouts(unit, opened.case, lock_facts=lost, actor="agent-1")
    assert (file.lock_wish.fair, file.lock_wish.notice) == (True, "before")
    return opened


# Before.


def test_a_customer_who_is_still_served_is_told_before_their_handset_is_locked(world: World, served: Opened) -> None:
    order = ask(world, "agent-1", dispute=served.case)
    assert order.state == "requested"
    (line,) = lines_of(world, served, "lock_announced")
    assert line["order"] == order.id
    assert f"{PLANNED} from your order at {in_words(line['notice_ms'])}" in told(world, served)
    with world.refused(Forbidden, "lock_refused"):
        world.approve(order.id, "supervisor-1")
    world.step(23 * HOUR_MS)
    with world.refused(Forbidden, "lock_refused"):
        world.approve(order.id, "supervisor-1")
    world.step(HOUR_MS)
    assert world.approve(order.id, "supervisor-1").state == "queued"
    world.deliver()
    assert world.order(order.id).state == "active_provisional"
    assert (count(world, served, PLANNED), count(world, served, LOCKING)) == (1, 1)


def test_a_customer_whom_the_order_never_reached_is_told_when_it_is_locked_and_not_before(world: World) -> None:
    opened, radio = world.locked_elsewhere()
    assert (count(world, opened, PLANNED), count(world, opened, LOCKING)) == (0, 1)
    radio.switch_off()
    radio.switch_on()
    world.deliver()
    assert count(world, opened, LOCKING) == 1, "signed anew is not another lock"
    assert "This is why: The phone that you ordered never reached you." in told(world, opened)


def test_no_reason_to_lock_speaks_to_the_customer_as_staff_speak_of_them() -> None:
    facts = WishFacts(
        **dict.fromkeys(("lost_on_return_leg", "absent_from_returns_bench", "missing_from_custody"), True),
        **dict.fromkeys(("customer_told", "returns_bench_told"), True),
        days_since_return=400,
    )
    wishes = [lock_wish(kind, facts, policy=POLICY, on_date=date(2026, 11, 30)) for kind in ClaimType]
    said = {said_to_customer(wish) for wish in wishes if wish.fair}
    assert len(said) == 4
    for words in said:
        lint_text(words)
        assert not re.search("customer|handset|chain|bench|custody", words)


@pytest.mark.parametrize("word", ["disagrees", "found"])
def test_the_customers_word_alone_calls_a_planned_lock_back(world: World, served: Opened, word: str) -> None:
    order = ask(world, "agent-1", dispute=served.case)
    if word == "found":
        world.found(served)
    else:
        with world.house.unit() as unit:
            assert len(lock_news.customer_disagrees(unit, world.office, dispute=served.case)) == 1
    assert world.order(order.id).state == "refused"
    assert count(world, served, CALLED_BACK) == 1


def test_who_did_not_agree_is_told_again_before_another_lock_is_decided(world: World, served: Opened) -> None:
    ask(world, "agent-1", dispute=served.case)
    with world.house.unit() as unit:
        lock_news.customer_disagrees(unit, world.office, dispute=served.case)
    world.step(30 * HOUR_MS)
    again = ask(world, "agent-1", dispute=served.case)
    assert count(world, served, PLANNED) == 2
    with world.refused(Forbidden, "lock_refused"):
        world.approve(again.id, "supervisor-1")


@pytest.mark.parametrize("served_too", [True, False])
def test_whom_a_planned_lock_comes_to_with_a_joined_report_is_told_before_it_and_has_the_hours_of_the_notice(
    world: World,
    served: Opened,
    served_too: bool,  # noqa: FBT001 - the pair that is told
) -> None:
    order = ask(world, "agent-1", dispute=served.case)
    other = world.dispute(world.parcels[0], "never_received" if not served_too else "damaged")
    if served_too:
        with world.house.unit() as unit:
            lost = WishFacts(lost_on_return_leg=True)
            learn_facts.whereabouts(unit, other.case, lock_facts=lost, actor="agent-1")
    world.step(23 * HOUR_MS)
    in_state(world, served, "triaged")
    with world.house.unit() as unit:
        join_reports(unit, dispute=served.case, into=other.case, consent=True, actor="agent-1", role=CaseRole.AGENT)
    (line,) = lines_of(world, other, "lock_announced")
    assert f"{PLANNED} from your order at {in_words(line['notice_ms'])}" in told(world, other)
    assert "was lost on its way back" in told(world, other)
    world.step(2 * HOUR_MS)
    if served_too:
        with world.refused(Forbidden, "lock_refused"):
            world.approve(order.id, "supervisor-1")
    with world.house.unit() as unit:
        assert len(lock_news.customer_disagrees(unit, world.office, dispute=other.case)) == 1
    assert world.order(order.id).state == "refused"


def test_a_lock_that_nobody_was_to_be_told_of_is_told_before_it_once_it_comes_to_a_customer_who_is_still_served(
    world: World, served: Opened
) -> None:
    world.withdraw_authority()
    never = world.dispute(world.parcels[0], "never_received")
    order = ask(world, "agent-1", dispute=never.case)
    assert lines_of(world, never, "lock_announced") == []
    in_state(world, never, "triaged")
    with world.house.unit() as unit:
        join_reports(unit, dispute=never.case, into=served.case, consent=True, actor="agent-1", role=CaseRole.AGENT)
    assert count(world, served, PLANNED) == 1
    with world.refused(Forbidden, "lock_refused"):
        world.approve(order.id, "supervisor-1")
    world.step(25 * HOUR_MS)
    assert world.approve(order.id, "supervisor-1").state == "queued"


def test_no_agreement_touches_no_lock_that_was_not_announced(world: World) -> None:
    opened, radio = world.locked_elsewhere()
    with world.house.unit() as unit:
        assert lock_news.customer_disagrees(unit, world.office, dispute=opened.case) == []
    assert radio.handset.screen_locked


def test_what_became_of_a_handset_is_said_of_an_open_case_alone(world: World, served: Opened) -> None:
    with world.house.unit() as unit:
        move_case.withdraw(unit, served.case, actor="customer", locks_settled=True)
    with world.refused(Conflict, "move"), world.house.unit() as unit:
        learn_facts.whereabouts(unit, served.case, lock_facts=WishFacts(), actor="agent-1")


# When.


def test_a_lock_that_two_people_order_is_told_when_it_is_sent(world: World, radio: Radio) -> None:
    world.withdraw_authority()
    opened = world.dispute(world.parcels[0], "never_received")
    order = ask(world, "agent-1", dispute=opened.case)
    assert count(world, opened, LOCKING) == 0, "nobody has decided it"
    world.approve(order.id, "supervisor-1")
    assert count(world, opened, LOCKING) == 1
    world.deliver()
    assert radio.handset.screen_locked


def test_a_lock_that_a_specialist_decides_is_told_when_it_is_sent(world: World, radio: Radio) -> None:
    opened = world.dispute(world.parcels[0], "never_received", support_needs=("large print",))
    assert (opened.order.state, count(world, opened, LOCKING)) == ("requested", 0)
    world.approve(opened.order.id, "investigator-1")
    assert count(world, opened, LOCKING) == 1
    assert radio.handset.on


def test_a_lock_that_two_people_keep_is_told_once(world: World) -> None:
    opened, _ = world.locked_elsewhere()
    world.confirm(opened, "investigator-1")
    assert count(world, opened, "Two people here looked at it") == 0, "one is not two"
    world.confirm(opened, "supervisor-1")
    world.deliver()
    assert count(world, opened, "Two people here looked at it. The missing phone stays locked") == 1


def test_a_lock_that_was_not_made_is_told_with_a_reason_and_not_over_and_over(world: World, radio: Radio) -> None:
    world.withdraw_authority()
    opened = world.dispute(world.parcels[0], "never_received")
    assert opened.order.state == "refused"
    assert count(world, opened, f"{NOT_MADE} This is why: It takes two people here") == 1
    world.throw_switch(on=True)
    for _ in range(2):
        assert ask(world, "agent-1", dispute=opened.case).state == "refused"
    assert count(world, opened, "We have stopped all locks for now.") == 1
    assert radio.handset.on


def test_every_check_that_can_hold_a_lock_back_has_words_for_the_customer(world: World, radio: Radio) -> None:
    world.withdraw_authority()
    opened = world.dispute(world.parcels[0], "never_received")
    for check in lock_news.NOT_MADE:
        facts = msgspec.json.encode({"checks": [{"check": str(check), "ok": False}]}).decode()
        order = LockOrderRow(**{**opened.order.model_dump(), "facts": facts})
        with world.house.unit() as unit:
            lock_news.lock_moved(unit, order, OrderEvent.PREFLIGHT_FAILS)
    assert set(lock_news.NOT_MADE.values()) <= {
        line.partition("This is why: ")[2].partition(" For you")[0] for line in told(world, opened).splitlines()
    }
    assert radio.handset.on


def test_a_customer_hears_nothing_of_a_lock_of_another_handset(world: World, radio: Radio) -> None:
    other = world.dispute(world.parcels[1], "never_received")
    before = told(world, other)
    assert ask(world, "agent-1", dispute=other.case).state == "refused"
    assert told(world, other) == before
    assert radio.handset.on


def test_a_second_person_who_says_no_is_told_with_the_reason_in_words_a_customer_may_read(
    world: World, served: Opened
) -> None:
    order = ask(world, "agent-1", dispute=served.case)
    with world.refused(Rejected, "text"), world.house.unit() as unit:
        refuse_lock(unit, world.office, name=order.id, account="supervisor-1", why="The customer is suspicious.")
    with world.house.unit() as unit:
        refuse_lock(unit, world.office, name=order.id, account="supervisor-1", why="The courier has it.")
    assert count(world, served, "A second person looked and said no. This is why: The courier has it.") == 1
    assert count(world, served, CALLED_BACK) == 0


@pytest.mark.parametrize("lapsed", [True, False])
def test_a_lock_that_never_arrived_is_told_as_what_it_was(
    world: World,
    lapsed: bool,  # noqa: FBT001 - the pair that is told
) -> None:
    world.handset(world.parcels[0])
    opened = world.dispute(world.parcels[0], "never_received")
    world.step(73 * HOUR_MS if lapsed else HOUR_MS)
    let_go(world, opened.order.id)
    assert count(world, opened, "did not answer in time") == int(lapsed)
    assert count(world, opened, CALLED_BACK) == int(not lapsed)


# Leaving.


def leaver(world: World, *, in_ms: int) -> tuple[Opened, Radio, int]:
    """A customer with an open case gives notice; also when the line ends."""
    opened, radio = world.locked_elsewhere()
    leave(world, radio, in_ms=in_ms)
    with world.house.read() as session:
        row = session.get_one(LeavingRow, radio.handset.device)
        return opened, radio, row.ends_ms


def tell(world: World) -> None:
    """What the timer does."""
    with world.house.unit() as unit:
        assert lock_news.tell_leavers(unit) == 1


def until(world: World, at_ms: int) -> None:
    """Let the time pass until then."""
    world.step(at_ms - world.clock.at_ms)


def test_a_leaver_is_told_thirty_days_seven_days_a_day_and_an_hour_before_the_end_each_once_and_never_after(
    either: World,
) -> None:
    opened, _, ends_ms = leaver(either, in_ms=40 * DAY_MS)
    for number, before_ms in enumerate((30 * DAY_MS, 7 * DAY_MS, DAY_MS, HOUR_MS)):
        until(either, ends_ms - before_ms - MINUTE_MS)
        assert count(either, opened, NOTICE) == number, "not before its moment"
        until(either, ends_ms - before_ms + MINUTE_MS)
        assert count(either, opened, NOTICE) == number + 1
        either.step(MINUTE_MS)
        assert count(either, opened, NOTICE) == number + 1, "once"
    until(either, ends_ms + MINUTE_MS)
    either.step(40 * DAY_MS)
    assert count(either, opened, NOTICE) == 4
    assert [line["ends_ms"] for line in lines_of(either, opened, "leaver_told")] == [ends_ms] * 4


def test_each_notice_names_the_end_the_payments_the_lock_and_how_to_keep_the_number(world: World) -> None:
    opened, _, ends_ms = leaver(world, in_ms=2 * DAY_MS)
    world.deliver()
    until(world, ends_ms - HOUR_MS + MINUTE_MS)
    (notice,) = [line for line in told(world, opened).splitlines() if NOTICE in line]
    for part in (f"Your line ends at {in_words(ends_ms)}.", "bank payments", "it is not locked", "PAC"):
        assert part in notice


def test_a_notice_says_so_while_the_release_waits_for_the_handset(world: World) -> None:
    opened, radio = world.locked_elsewhere()
    radio.switch_off()
    leave(world, radio, in_ms=2 * DAY_MS)
    world.step(MINUTE_MS)
    assert "Your phone: we are unlocking it, and the code is on your page." in told(world, opened)


@pytest.mark.parametrize(
    ("last_word", "free"), [("none", False), ("hello", True), ("refusal", True), ("never heard of", True)]
)
def test_a_notice_says_that_a_phone_is_not_locked_only_if_it_answered_the_lock_that_was_called_back(
    world: World, last_word: str, *, free: bool
) -> None:
    radio = world.handset(world.parcels[0])
    if last_word != "never heard of":
        radio.switch_on()
        world.deliver()
    opened = world.dispute(world.parcels[0], "never_received")
    if last_word == "refusal":
        with world.house.unit() as unit:
            command = newest_command(unit.session, radio.handset.device, Op.LOCK)
            assert command is not None
            command.result = AckResult.REFUSED_EXPIRED
    elif last_word != "never heard of":
        world.relay.carry()
        radio.handset.take(world.waiting(radio.handset.device)[0].message.payload)
        assert radio.handset.screen_locked
    radio.switch_off()
    if last_word == "hello":
        let_go(world, opened.order.id)
        radio.switch_on()
        world.deliver()
        assert not radio.handset.screen_locked
        radio.switch_off()
    leave(world, radio, in_ms=2 * DAY_MS)
    world.step(MINUTE_MS)
    (notice,) = [line for line in told(world, opened).splitlines() if NOTICE in line]
    assert ("Your phone: it is not locked." in notice) is free
    assert ("it has not told us if it is locked. If it is, the code on your page works at once." in notice) is not free


@pytest.mark.parametrize(("in_ms", "notices"), [(10 * DAY_MS, 1), (30 * MINUTE_MS, 1), (-MINUTE_MS, 0)])
def test_notice_that_is_given_late_is_answered_once_with_what_fell_due_and_not_after_the_end(
    world: World, in_ms: int, notices: int
) -> None:
    opened, _, _ = leaver(world, in_ms=in_ms)
    for _ in range(3):
        world.step(MINUTE_MS)
    assert count(world, opened, NOTICE) == notices


@pytest.mark.parametrize(("away_ms", "notices"), [(39 * DAY_MS, 1), (41 * DAY_MS, 0)])
def test_what_fell_due_while_nobody_looked_is_said_once_and_not_after_the_end(
    world: World, away_ms: int, notices: int
) -> None:
    opened, _, _ = leaver(world, in_ms=40 * DAY_MS)
    world.step(away_ms)
    world.step(MINUTE_MS)
    assert count(world, opened, NOTICE) == notices


def test_another_end_is_told_anew_and_the_same_end_is_not(world: World) -> None:
    opened, radio, ends_ms = leaver(world, in_ms=10 * DAY_MS)
    world.step(MINUTE_MS)
    leave(world, radio, in_ms=ends_ms - world.clock.at_ms - 1)
    world.step(MINUTE_MS)
    assert count(world, opened, NOTICE) == 1
    leave(world, radio, in_ms=20 * DAY_MS)
    world.step(MINUTE_MS)
    assert count(world, opened, NOTICE) == 2


def test_who_read_a_number_off_the_box_hears_nothing_of_the_line_of_its_customer(world: World) -> None:
    stranger = report_of_a_stranger(world)
    own, _, _ = leaver(world, in_ms=2 * DAY_MS)
    world.step(MINUTE_MS)
    assert (count(world, own, NOTICE), count(world, own, "Thank you for being with us. Your phone")) == (1, 1)
    assert (count(world, stranger, NOTICE), count(world, stranger, "Thank you for being with us.")) == (0, 0)
    assert [lines_of(world, stranger, kind) for kind in ("left", "leaver_told")] == [[], []]


def test_a_leaver_without_a_case_is_told_by_whoever_writes_to_customers(world: World, radio: Radio) -> None:
    leave(world, radio, in_ms=5 * DAY_MS)
    world.step(MINUTE_MS)
    with world.house.read() as session:
        (row,) = watch_store.leavers(session, now_ms=world.clock.at_ms, limit=10)
        assert cases_of(session, world.parcels[0].unit.imei_urn) == []
    assert row.device == radio.handset.device
    assert NOTICE in (row.words or "")
    world.step(5 * DAY_MS)
    with world.house.read() as session:
        assert watch_store.leavers(session, now_ms=world.clock.at_ms, limit=10) == [], "nothing after the end"


@pytest.mark.parametrize("broken", [True, False])
def test_a_notice_whose_unit_failed_is_said_by_the_next_one_and_once(
    world: World,
    broken: bool,  # noqa: FBT001 - the pair that is told
) -> None:
    opened, _, _ = leaver(world, in_ms=10 * DAY_MS)
    if broken:
        with broken_commit(world.engine, applied=False), pytest.raises(Unavailable):
            tell(world)
        assert count(world, opened, NOTICE) == 0
    for _ in range(2):
        world.step(MINUTE_MS)
    assert count(world, opened, NOTICE) == 1
    with world.house.read() as session:
        assert any(NOTICE in text for _, text in case_book.messages(session, opened.case))
