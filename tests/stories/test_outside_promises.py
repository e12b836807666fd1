"""Stories of what somebody else promised a customer: it binds unless it is rebutted in its days, and comes once."""

from typing import Any

import pytest

from custody.disputes.machine import CaseRole
from custody.disputes.outside_promise import MOST_TOLD, OutsidePromise, Told
from custody.disputes.promise import BY_THEIR_WORD, Promise
from custody.disputes.wording import lint_text
from custody.investigation.verify.pack import verify_pack
from custody.kernel.clock import DAY_MS, SECOND_MS
from custody.kernel.errors import Conflict, Forbidden, NotFound, Rejected
from custody.ledger.note import text_key
from custody.store import outside_book
from custody.usecases import keep_word, move_case, move_scheme
from custody.usecases.came_back import payment_came_back
from custody.usecases.erase import erase
from custody.usecases.export_pack import Beside
from custody.usecases.sweep_promises import sweep_promises
from tests.rooms.pack.pack_world import export_pack
from tests.stories.case_steps import act, decided, in_state, not_put_right, put_right
from tests.stories.lock_steps import lines_of, told
from tests.stories.test_one_remedy import BY_AGENT, BY_SUPERVISOR, PRICE, by_the_box, choose, promises
from tests.stories.test_promises import round_of_cases
from tests.stories.test_set_aside import looked_at_again
from tests.world import World
from tests.world_parts import ORIGIN, Opened, key

A_CASE = "a case for the new phone"
SHOP = "Sam at the shop in Leeds"
DAYS_MS = 2 * DAY_MS


def tell(
    world: World, opened: Opened, what: str = A_CASE, *, role: CaseRole = CaseRole.CUSTOMER, **facts: Any
) -> OutsidePromise:
    """The customer tells what was promised, themselves or to an agent; returns it as it stands."""
    world.kept.secrets += [SHOP.encode(), what.encode()]
    known = Told(what=what, by_whom=SHOP, told_us_ms=world.clock.now_ms(), **facts)
    actor = "customer" if role is CaseRole.CUSTOMER else "agent-1"
    file = act(world, keep_word.tell, opened, told=known, actor=actor, role=role)
    mine = [one for one in held(world, file.case.id) if one.told.what == what]
    return mine[-1]


def held(world: World, case: str) -> list[OutsidePromise]:
    with world.house.read() as session:
        return outside_book.of_case(session, case)


def rebut(
    world: World, opened: Opened, one: OutsidePromise, why: str = "The shop says that it was for another phone."
) -> None:
    act(world, keep_word.rebut, opened, told=one.id, why=why, **BY_AGENT)


def days_pass(world: World, ms: int = DAYS_MS) -> int:
    """Time passes and the timer looks at the cases; how much it did."""
    world.step(ms)
    return round_of_cases(world)


def bound(world: World, opened: Opened) -> list[Promise]:
    """What binds us by the customer's word, the newest last."""
    found = [each for each in promises(world, opened).values() if each.source == BY_THEIR_WORD]
    return sorted(found, key=lambda each: each.made_ms)


def test_what_was_told_and_not_rebutted_in_its_days_is_a_promise_as_any_other(either: World) -> None:
    opened = either.dispute(either.parcels[0], "damaged")
    one = tell(either, opened, due_ms=either.clock.at_ms + 6 * DAY_MS)
    assert "You told us what you were promised: a case for the new phone." in told(either, opened)
    assert SHOP not in told(either, opened), "a message names no person"
    assert days_pass(either, DAYS_MS - SECOND_MS) == 0
    assert bound(either, opened) == []
    assert days_pass(either, 2 * SECOND_MS) == 1
    assert days_pass(either, 1) == 0, "it is done once"
    (promise,) = bound(either, opened)
    assert (promise.what, promise.due_ms, promise.owner) == (A_CASE, one.told.due_ms, either.case(opened).case.owner)
    assert held(either, opened.case)[0].promise_id == promise.id
    assert "We keep it, by" in told(either, opened)
    either.step(4 * DAY_MS + SECOND_MS)
    with either.house.unit() as unit:
        sweep_promises(unit)
    assert bound(either, opened)[0].state == "missed"
    assert either.case(opened).unpaid_credit_pence == 646
    act(either, move_case.promise_kept, opened, promise=promise.id, reference="POST 1", **BY_AGENT)
    assert bound(either, opened)[0].state == "kept"
    assert "Done at last: a case for the new phone." in told(either, opened)


def test_what_is_rebutted_in_time_binds_nobody_and_the_customer_reads_why(world: World) -> None:
    opened = world.dispute(world.parcels[0], "damaged")
    one = tell(world, opened)
    with world.refused(Conflict, "guard"):
        rebut(world, opened, one, why=" ")
    with world.refused(Rejected, "unpromised"):
        rebut(world, opened, one, why="We will pay you £20 by 5 May instead.")
    with world.refused(Rejected, "text"):
        rebut(world, opened, one, why="That is a fraud.")
    with world.refused(Forbidden, "role"):
        act(world, keep_word.rebut, opened, told=one.id, why="No.", actor="i", role=CaseRole.INVESTIGATOR)
    with world.refused(NotFound, "told"):
        act(world, keep_word.rebut, opened, told="told_none", why="No.", **BY_AGENT)
    rebut(world, opened, one, why="It was for the phone that you bought on 3 May 2025, for £90")
    said = told(world, opened).splitlines()[-1]
    lint_text(said)
    assert "This is why: It was for the phone that you bought on 3 May 2025, for £90. Do you not agree?" in said
    assert "independent body" in said
    with world.refused(Conflict, "move"):
        rebut(world, opened, one)
    assert days_pass(world, 3 * DAY_MS) == 0
    assert bound(world, opened) == []
    assert not [clock for clock in world.case(opened).work_clocks if clock.key == "outside_promise_rebut_days"]


@pytest.mark.parametrize("swept", [True, False])
def test_a_late_rebuttal_is_refused_whether_or_not_the_timer_has_looked(world: World, *, swept: bool) -> None:
    opened = world.dispute(world.parcels[0], "damaged")
    one = tell(world, opened)
    world.step(DAYS_MS)
    if swept:
        round_of_cases(world)
    with world.refused(Conflict, "move" if swept else "guard"):
        rebut(world, opened, one)
    round_of_cases(world)
    assert len(bound(world, opened)) == 1


def test_what_is_told_with_the_report_stands_in_the_case_and_nothing_waits_for_it(either: World) -> None:
    words = Told(what="£30 for the wait", by_whom="the chat", told_us_ms=either.clock.at_ms, amount_pence=3_000)
    opened = either.dispute(either.parcels[0], "damaged", told=(words,))
    assert either.case(opened).case.state == "remedy_offered"
    assert choose(either, opened, "replacement").amount_pence is None
    act(either, move_case.remedied, opened, reference="JJD1", **BY_AGENT)
    assert [line["told"] for line in lines_of(either, opened, "told")] == [held(either, opened.case)[0].id]
    days_pass(either)
    (promise,) = bound(either, opened)
    assert (promise.amount_pence, promise.state) == (3_000, "due_soon")
    assert "It is £30." in told(either, opened)


def test_the_same_told_again_is_told_already_and_only_staff_have_it_looked_at_again(world: World) -> None:
    opened = world.dispute(world.parcels[0], "damaged")
    one = tell(world, opened)
    version = len(lines_of(world, opened, "told"))
    world.step(DAY_MS)
    assert tell(world, opened).id == tell(world, opened, role=CaseRole.AGENT).id == one.id
    assert len(lines_of(world, opened, "told")) == version
    rebut(world, opened, one)
    assert tell(world, opened).id == one.id, "a customer who does not agree says so, and does not go round in a circle"
    again = tell(world, opened, role=CaseRole.AGENT)
    assert (again.id != one.id, again.state) == (True, "pending")
    for number in range(MOST_TOLD - 2):
        tell(world, opened, f"another case, number {number}")
    with world.refused(Conflict, "many"):
        tell(world, opened, "one more")
    tell(world, opened, "one more", role=CaseRole.AGENT)


def test_a_sum_that_was_told_and_a_refund_give_the_price_back_once_whichever_came_first(world: World) -> None:
    first, second = world.dispute(world.parcels[0], "damaged"), world.dispute(world.parcels[1], "damaged")
    tell(world, first, "£30 for the wait", amount_pence=3_000)
    tell(world, second, "£30 for the wait", amount_pence=3_000)
    assert choose(world, second, "refund").amount_pence == PRICE
    days_pass(world)
    assert [each.amount_pence for each in bound(world, first)] == [3_000]
    assert choose(world, first, "refund").amount_pence == PRICE - 3_000
    assert bound(world, second) == []
    assert held(world, second.case)[0].state == "has_it"
    assert "The whole price was promised or paid back to you. So this does not come beside it." in told(world, second)
    assert lines_of(world, second, "told_has_it")


def test_of_a_sum_no_more_is_promised_than_is_left_of_the_price(world: World) -> None:
    opened = world.dispute(world.parcels[0], "damaged")
    tell(world, opened, "twice the price", amount_pence=2 * PRICE)
    days_pass(world)
    (promise,) = bound(world, opened)
    assert promise.amount_pence == PRICE
    assert "That is what is left of the price" in told(world, opened)
    with world.refused(Conflict, "paid"):
        choose(world, opened, "replacement")


def test_a_remedy_that_was_told_in_its_words_is_replaced_by_what_the_customer_chooses(world: World) -> None:
    opened = world.dispute(world.parcels[0], "damaged")
    tell(world, opened, "A new phone sent to you")
    days_pass(world)
    (phone,) = bound(world, opened)
    assert phone.what == "a new phone sent to you"
    choose(world, opened, "refund")
    assert bound(world, opened)[0].state == "void"
    tell(world, opened, "a repair")
    days_pass(world)
    assert held(world, opened.case)[-1].state == "has_it", "one remedy at a time"
    assert "The whole price was promised or paid back to you. So this" in told(world, opened)


def test_what_they_are_to_have_already_does_not_come_twice(world: World) -> None:
    opened = world.dispute(world.parcels[0], "damaged")
    choose(world, opened, "replacement")
    tell(world, opened, "a new phone sent to you")
    days_pass(world)
    assert bound(world, opened) == []
    assert "You have it already, or it is on its way. So it does not come twice." in told(world, opened)


def test_giving_the_remedy_keeps_not_what_was_promised_beside_it(world: World) -> None:
    opened = world.dispute(world.parcels[0], "damaged")
    tell(world, opened)
    days_pass(world)
    put_right(world, opened)
    assert [each.state for each in bound(world, opened)] == ["due_soon"]
    act(world, move_case.promise_kept, opened, promise=bound(world, opened)[0].id, reference="POST 1", **BY_AGENT)
    assert world.case(opened).case.state == "remedied"


def test_a_payment_of_it_that_came_back_still_counts_in_the_price(world: World) -> None:
    opened = world.dispute(world.parcels[0], "damaged")
    tell(world, opened, "£30 for the wait", amount_pence=3_000)
    days_pass(world)
    act(world, move_case.promise_kept, opened, promise=bound(world, opened)[0].id, reference="BACS 1", **BY_AGENT)
    act(world, payment_came_back, opened, promise=bound(world, opened)[0].id, reference="RETURN 1", **BY_AGENT)
    assert [each.came_back for each in bound(world, opened)] == [True, False]
    assert choose(world, opened, "refund").amount_pence == PRICE - 3_000


def test_a_sum_told_by_the_box_is_set_aside_once_the_customer_of_the_order_chooses_and_stands_again(
    world: World,
) -> None:
    stranger, mine = by_the_box(world), world.dispute(world.parcels[0], "damaged")
    tell(world, stranger, "£30 for the wait", amount_pence=3_000)
    days_pass(world)
    assert choose(world, mine, "refund").amount_pence == PRICE
    assert bound(world, stranger)[0].set_aside
    round_of_cases(world)
    assert bound(world, stranger)[-1].set_aside
    looked_at_again(world, mine)
    act(world, move_case.withdraw, mine, actor="customer", locks_settled=True)
    again = bound(world, stranger)[-1]
    assert (again.amount_pence, again.set_aside, again.source) == (3_000, False, BY_THEIR_WORD)


@pytest.mark.parametrize("end", ["withdraw", "found", "confirm"])
def test_whoever_wants_nothing_more_takes_back_what_is_pending(world: World, end: str) -> None:
    opened = world.dispute(world.parcels[0], "damaged")
    tell(world, opened)
    tell(world, opened, "£30 for the wait", amount_pence=3_000)
    if end == "confirm":
        put_right(world, opened)
    move = {"withdraw": move_case.withdraw, "found": move_case.found_it, "confirm": move_case.confirm}[end]
    act(world, move, opened, actor="customer", locks_settled=True)
    states = {one.told.what: one.state for one in held(world, opened.case)}
    sum_state = "pending" if end == "confirm" else "taken_back"
    assert states == {A_CASE: "taken_back", "£30 for the wait": sum_state}
    assert "We crossed out a case for the new phone." in told(world, opened)
    days_pass(world)
    assert len(bound(world, opened)) == (1 if end == "confirm" else 0), (
        "a sum that was told is owed in an over case too"
    )


def test_a_case_is_not_closed_by_silence_while_something_is_pending(world: World) -> None:
    opened = world.dispute(world.parcels[0], "damaged")
    put_right(world, opened)
    world.step(14 * DAY_MS - DAY_MS)
    tell(world, opened)
    world.step(DAY_MS + SECOND_MS)
    assert round_of_cases(world) == 0
    days_pass(world, DAY_MS)
    act(world, move_case.promise_kept, opened, promise=bound(world, opened)[0].id, reference="POST 1", **BY_AGENT)
    days_pass(world, 15 * DAY_MS)
    assert world.case(opened).case.state == "closed"


def test_what_is_told_or_pending_after_the_end_of_a_case_binds_there(world: World) -> None:
    closed, refused = world.dispute(world.parcels[0], "damaged"), world.dispute(world.parcels[1], "damaged")
    put_right(world, closed)
    act(world, move_case.confirm, closed, actor="customer", locks_settled=True)
    tell(world, closed)
    tell(world, refused)
    decided(world, refused, "Say sorry")
    act(world, move_scheme.reject_decision, refused, actor="customer", locks_settled=True)
    days_pass(world)
    assert [len(bound(world, each)) for each in (closed, refused)] == [1, 1]
    assert {world.case(each).case.state for each in (closed, refused)} == {"closed"}


def test_a_joined_report_hands_over_what_was_told_and_it_counts_for_its_own_order(world: World) -> None:
    other, into = world.dispute(world.parcels[0], "damaged"), world.dispute(world.parcels[1], "damaged")
    sums = tell(world, other, "£30 for the wait", amount_pence=3_000)
    settled = tell(world, other)
    rebut(world, other, settled)
    not_put_right(world, other)
    act(world, move_scheme.join_case, other, into=into.case, consent=True, **BY_AGENT)
    assert held(world, other.case) == []
    assert [one.state for one in held(world, into.case)] == ["pending", "rebutted"]
    assert [clock.due_ms for clock in world.case(into).work_clocks if clock.key == "outside_promise_rebut_days"] == [
        sums.rebut_by_ms
    ]
    tell(world, other, "a call on Monday")
    assert held(world, into.case)[-1].told.what == "a call on Monday", "it is told where the case goes on"
    with world.refused(NotFound, "told"):
        rebut(world, other, sums)
    days_pass(world, 3 * DAY_MS)
    orders = {each.what: each.order_ref for each in bound(world, into)}
    assert orders == {"£30 for the wait": world.parcels[0].order, "a call on Monday": None}
    assert choose(world, into, "refund").amount_pence == PRICE, "the sum is of the other order"


def test_while_something_is_pending_its_case_is_not_erased_and_then_all_of_it_is(world: World) -> None:
    opened = world.dispute(world.parcels[0], "damaged")
    act(world, move_case.withdraw, opened, actor="customer", locks_settled=True)
    tell(world, opened)

    def forget() -> None:
        with world.house.unit() as unit:
            erase(unit, opened.case, reason="asked", actor="supervisor-1", holds=lambda *_: [])

    with world.refused(Conflict, "legal_hold"):
        forget()
    days_pass(world)
    forget()
    assert held(world, opened.case) == []
    assert [each.what for each in bound(world, opened)] == ["erased"]


def holds(world: World, opened: Opened) -> None:
    """The pack of a case, as it is now, verifies."""
    log = key("log")
    with world.house.unit() as unit:
        pack = export_pack(unit, opened.case, log_signer=log, beside=Beside())
    verify_pack(pack.content, vkey=text_key(ORIGIN, log.public).vkey()).demand()


def test_the_pack_of_a_case_holds_whatever_became_of_what_was_told(world: World) -> None:
    opened = world.dispute(world.parcels[0], "damaged")
    tell(world, opened, "£30 for the wait", amount_pence=3_000)
    tell(world, opened, "a new phone sent to you")
    rebut(world, opened, tell(world, opened))
    holds(world, opened)
    days_pass(world)
    act(world, move_case.promise_kept, opened, promise=bound(world, opened)[0].id, reference="BACS 1", **BY_AGENT)
    holds(world, opened)
    choose(world, opened, "refund")
    holds(world, opened)
    act(world, move_case.remedied, opened, reference="BACS 2", **BY_AGENT)
    tell(world, opened, "a call")
    days_pass(world)
    tell(world, opened, "another call")
    act(world, move_case.confirm, opened, actor="customer", locks_settled=True)
    assert sorted(each.state for each in bound(world, opened)) == ["kept", "void", "void"]
    holds(world, opened)


def test_the_packs_of_reports_hold_where_a_told_sum_was_set_aside_and_stands_again(world: World) -> None:
    stranger, mine = by_the_box(world), world.dispute(world.parcels[0], "damaged")
    tell(world, stranger, "£30 for the wait", amount_pence=3_000)
    days_pass(world)
    choose(world, mine, "refund")
    holds(world, stranger)
    looked_at_again(world, mine)
    act(world, move_case.withdraw, mine, actor="customer", locks_settled=True)
    holds(world, stranger)


def test_a_decision_stands_beside_no_remedy_where_only_something_else_was_promised_elsewhere(world: World) -> None:
    opened = world.dispute(world.parcels[0], "damaged")
    tell(world, opened, "a call on Monday")
    assert days_pass(world) > 0
    in_state(world, opened, "with_adr")
    award: dict[str, Any] = {"award": "Pay 50 pounds for the wait", "award_pence": 5_000, "reference": "S-1"}
    with world.refused(Conflict, "nothing_beside"):
        act(world, move_scheme.scheme_decides, opened, **award, beside=True, **BY_SUPERVISOR)
