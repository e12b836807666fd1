"""Stories of two reports of one thing that staff have joined: nothing counts twice, and nobody loses a way out."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from fastapi import Request

from api.joined_locks import join_locks
from api.pages import customers
from api.parts import Parts
from api.rounds.late_fixes import tell_of_late_fixes
from api.routes.customer import customer_view
from api.routes.inquiry_steps import inquiry_view
from custody.disputes.civil import civil_date
from custody.disputes.machine import CaseRole
from custody.disputes.promise import Promise, is_owed
from custody.disputes.recourse import Way
from custody.kernel.clock import DAY_MS
from custody.kernel.errors import Conflict, Rejected
from custody.store import case_book, inquiry_book
from custody.usecases import move_case, move_inquiry, move_scheme
from custody.usecases.came_back import payment_came_back
from custody.usecases.erase import erase
from custody.usecases.investigate import Inquirer
from custody.usecases.sweep_cases import letter_ms
from custody.usecases.sweep_promises import sweep_promises
from simulators.radio import Radio
from tests.stories.case_steps import act, not_put_right, put_right
from tests.stories.lock_steps import let_go, told
from tests.stories.test_case_stories import classify
from tests.stories.test_lock_cases import code_on_page, report_of_a_stranger, say_found
from tests.world import World
from tests.world_parts import Opened


def join(world: World, opened: Opened, into: Opened) -> None:
    """Staff join a case into another one, as the door does it."""
    with world.house.unit() as unit:
        move_scheme.join_case(unit, opened.case, into=into.case, consent=True, actor="agent-1", role=CaseRole.AGENT)
        join_locks(unit, dispute=opened.case, into=into.case)


def promised(world: World, opened: Opened) -> list[Promise]:
    """What was promised in a case."""
    with world.house.read() as session:
        return case_book.promises(session, opened.case)


def test_two_joined_reports_are_one_dispute_to_the_investigation(world: World) -> None:
    first, second = (world.dispute(world.parcels[0], "substituted") for _ in range(2))
    not_put_right(world, second)
    join(world, second, into=first)
    with world.house.read() as session:
        files = Inquirer().gather(session, {}).files
    assert list(files) == [first.case]


def test_joining_keeps_what_is_owed_the_earliest_date_its_letter_and_the_investigation(world: World) -> None:
    other = world.dispute(None, "never_received")
    act(world, move_case.choose, other, remedy="replacement", payout=None, actor="customer")
    world.step(9 * DAY_MS)
    act(world, move_case.remedied, other, reference="JJD0001", actor="agent-1", role=CaseRole.AGENT)
    act(world, move_case.not_fixed, other, actor="customer")
    survivor = world.dispute(None, None)
    before, owed = world.case(survivor), world.case(other)
    assert owed.unpaid_credit_pence > 0
    assert letter_ms(owed) < letter_ms(before)
    join(world, other, into=survivor)
    whole, joined = world.case(survivor), world.case(other)
    assert (whole.unpaid_credit_pence, joined.unpaid_credit_pence) == (owed.unpaid_credit_pence, 0)
    assert (whole.case.first_word_ms, letter_ms(whole)) == (owed.case.first_word_ms, letter_ms(owed))
    scheme, _ = whole.recourse
    assert (scheme.way, scheme.opens) == (Way.SCHEME, civil_date(letter_ms(whole))), "the page says the letter's day"
    with world.house.read() as session:
        assert inquiry_book.read(session, survivor.case).state == "open"
        assert {promise.case_id for promise in case_book.promises(session, survivor.case)} == {survivor.case}


def test_an_investigation_that_goes_on_under_another_report_has_the_steps_that_were_taken(world: World) -> None:
    other, survivor = world.dispute(None, "never_received"), world.dispute(None, None)
    not_put_right(world, other)
    by: dict[str, Any] = {"actor": "investigator-1", "role": CaseRole.INVESTIGATOR}
    with world.house.unit() as unit:
        move_inquiry.find_nothing(unit, other.case, why="No scan leads anywhere.", **by)
    join(world, other, into=survivor)
    with world.house.read() as session:
        view = inquiry_view(session, survivor.case)
    assert (view["state"], [line["step"] for line in view["steps"]]) == ("concluded", ["nothing_found"])
    assert view["fix_due"] is not None


def test_of_erased_reports_that_were_joined_it_is_known_when_their_investigation_was_concluded(world: World) -> None:
    by: dict[str, Any] = {"actor": "investigator-1", "role": CaseRole.INVESTIGATOR}
    late, other = (world.dispute(None, "never_received") for _ in range(2))
    survivor = world.dispute(None, None)
    not_put_right(world, other)
    with world.house.unit() as unit:
        for each in (late, other):
            move_inquiry.find_nothing(unit, each.case, why="No scan leads anywhere.", **by)
    join(world, other, into=survivor)
    act(world, move_case.withdraw, survivor, actor="customer", locks_settled=True)
    with world.house.read() as session:
        before = inquiry_view(session, survivor.case)
    with world.house.unit() as unit:
        erase(unit, survivor.case, reason="asked", actor="supervisor-1", holds=lambda *_: [])
    with world.house.read() as session:
        assert inquiry_view(session, survivor.case)["fix_due"] == before["fix_due"]
    world.step(15 * DAY_MS)
    with world.house.unit() as unit:
        assert tell_of_late_fixes(unit) == 2, "one that was erased keeps no other from being told"


def test_no_report_is_joined_into_one_that_is_over(world: World) -> None:
    over, other = (world.dispute(None, None) for _ in range(2))
    act(world, move_case.withdraw, over, actor="customer", locks_settled=True)
    with world.refused(Rejected, "into"):
        join(world, other, into=over)


def test_who_reported_a_lock_lets_it_go_from_their_own_link_after_their_report_was_joined(world: World) -> None:
    radio = world.switched_on(world.parcels[0])
    reported = report_of_a_stranger(world, "never_received")
    world.deliver()
    assert radio.handset.screen_locked
    not_put_right(world, reported)
    once, twice = (world.dispute(world.parcels[0], None) for _ in range(2))
    join(world, reported, into=once)
    join(world, once, into=twice)
    assert world.order(reported.order.id).dispute == twice.case
    say_found(world, reported)
    assert radio.handset.challenge is not None
    assert code_on_page(world, reported, radio)
    world.deliver()
    assert not radio.handset.screen_locked
    assert world.order(reported.order.id).wrong_ms is not None, "its group waits for somebody to look"


def two_locked_phones_in_one_case(world: World) -> tuple[tuple[Opened, Radio], tuple[Opened, Radio]]:
    """Both phones of a customer are locked, each for a report of its order; the first is joined into the second."""
    locked = []
    for parcel in world.parcels[:2]:
        radio = world.switched_on(parcel)
        locked.append((world.dispute(parcel, "never_received"), radio))
        world.deliver()
        world.clear_groups()
        assert radio.handset.screen_locked
    (first, _), (second, _) = locked
    not_put_right(world, first)
    join(world, first, into=second)
    return locked[0], locked[1]


def page_of(world: World, opened: Opened) -> tuple[dict[str, Any], str]:
    """What the customer's page says of their phones."""
    token, parts = opened.disputed.token, SimpleNamespace(house=world.house)
    with world.house.read() as session:
        view = customer_view(session, token)
    request = Request({"type": "http", "path": f"/c/{token}/status", "query_string": b"", "headers": []})
    return view, bytes(customers.status(token, request, cast("Parts", parts)).body).decode()


def test_the_page_of_a_joined_case_tells_of_each_of_its_phones(world: World) -> None:
    (first, locked), (second, freed) = two_locked_phones_in_one_case(world)
    let_go(world, second.order.id)
    world.deliver()
    assert locked.handset.screen_locked
    assert not freed.handset.screen_locked
    view, shown = page_of(world, second)
    ends = [parcel.unit.imei[-4:] for parcel in world.parcels[:2]]
    assert [(one["order"], one["imei_last4"]) for one in view["handsets"]] == [
        (first.order.id, ends[0]),
        (second.order.id, ends[1]),
    ]
    of_first, of_second = shown.split("<h3>")[1:]
    assert ends[0] in of_first
    assert "The missing phone is locked." in of_first
    assert "The phone is not locked." in of_second


def test_each_phone_of_a_joined_case_is_opened_by_its_own_code_from_the_page(world: World) -> None:
    phones = two_locked_phones_in_one_case(world)
    whole, _ = phones[1]
    for _, radio in phones:
        assert radio._line is not None
        radio._line.stop()
    say_found(world, whole)
    with world.refused(Rejected, "order"):
        code_on_page(world, whole, phones[0][1])
    for opened, radio in phones:
        assert radio.type_code(code_on_page(world, whole, radio, order=opened.order.id))


def test_a_joined_case_speaks_for_no_lock_that_another_report_has_of_the_joined_phone(world: World) -> None:
    (first, radio), (second, _) = two_locked_phones_in_one_case(world)
    let_go(world, first.order.id)
    world.deliver()
    assert not radio.handset.screen_locked
    other = report_of_a_stranger(world, "never_received")
    world.deliver()
    assert radio.handset.screen_locked, other.lock.refused
    say_found(world, second)
    with world.refused(Conflict, "another_lock"):
        code_on_page(world, second, radio, order=first.order.id)


def test_who_holds_the_link_of_a_report_that_was_joined_lets_no_lock_of_the_other_one_go(world: World) -> None:
    _, radio = world.locked_elsewhere()
    (locked,) = [file for file in _files(world) if file.order_named]
    stranger = report_of_a_stranger(world)
    with world.house.unit() as unit:
        into: dict[str, Any] = {"into": locked.case.id, "consent": True}
        move_scheme.join_case(unit, stranger.case, **into, actor="agent-1", role=CaseRole.AGENT)
        join_locks(unit, dispute=stranger.case, into=locked.case.id)
    say_found(world, stranger)
    world.deliver()
    assert radio.handset.screen_locked


def _files(world: World) -> list[case_book.CaseFile]:
    with world.house.read() as session:
        return case_book.listing(session, state=None, after=None, limit=10)


def test_a_promise_whose_case_was_joined_while_the_timer_looked_is_looked_at_next(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On PostgreSQL the cases that are held may no longer be those of the promises that were found."""
    opened = world.dispute(None, None)
    other = world.dispute(None, "never_received")
    not_put_right(world, other)
    world.clock.at_ms += 6 * DAY_MS
    hold = case_book.hold
    monkeypatch.setattr(case_book, "hold", lambda unit, names: hold(unit, set(names) - {opened.case}))
    with world.house.unit() as unit:
        sweep_promises(unit)
    monkeypatch.undo()
    with world.house.unit() as unit:
        assert sweep_promises(unit) > 0


def test_a_report_without_an_order_that_another_one_is_joined_into_is_about_its_order(world: World) -> None:
    first, second = world.dispute(None, None), world.dispute(world.parcels[0], None)
    join(world, second, into=first)
    whole, joined = world.case(first), world.case(second)
    assert whole.case.order_ref == joined.case.order_ref
    assert (whole.order, whole.imei, whole.parcel) == (joined.order, joined.imei, joined.parcel)
    assert whole.order_named
    with world.house.read() as session:
        assert first.case in {file.case.id for file in case_book.of_order(session, str(joined.case.order_ref))}


def test_a_report_of_another_order_keeps_its_own(world: World) -> None:
    first, second = world.dispute(world.parcels[0], None), world.dispute(world.parcels[1], "never_received")
    not_put_right(world, second)
    before = world.case(first)
    join(world, second, into=first)
    whole = world.case(first)
    assert (whole.case.order_ref, whole.order, whole.imei) == (before.case.order_ref, before.order, before.imei)


def test_what_was_promised_for_another_order_counts_for_that_one_alone(world: World) -> None:
    refund: dict[str, Any] = {"remedy": "refund", "payout": "cheque", "actor": "customer"}
    by: dict[str, Any] = {"actor": "agent-1", "role": CaseRole.AGENT}
    paid, other = (world.dispute(parcel, "never_received") for parcel in world.parcels[:2])
    act(world, move_case.choose, paid, **refund)
    act(world, move_case.remedied, paid, reference="BACS 1", **by)
    act(world, move_case.not_fixed, paid, actor="customer")
    join(world, paid, into=other)
    again = world.dispute(world.parcels[0], "never_received")
    with world.refused(Conflict, "paid"):
        act(world, move_case.choose, again, **refund)
    (first,) = promised(world, other)
    act(world, payment_came_back, other, promise=first.id, reference="RETURN 1", **by)
    with world.refused(Conflict, "paid"):
        act(world, move_case.choose, again, **refund)
    act(world, move_case.choose, other, **refund)
    owed = [one.amount_pence for one in promised(world, other) if one.state == "made"]
    assert owed == [world.case(one).order.price_pence for one in (paid, other)]


def test_a_remedy_that_came_is_told_of_its_own_order_alone(world: World) -> None:
    late, other = (world.dispute(parcel, "never_received") for parcel in world.parcels[:2])
    by: dict[str, Any] = {"actor": "agent-1", "role": CaseRole.AGENT}
    act(world, move_case.choose, late, remedy="replacement", payout=None, actor="customer")
    act(world, move_scheme.adr, late, letter_due_ms=0, deadlock=True, actor="supervisor-1", role=CaseRole.SUPERVISOR)
    act(world, move_scheme.change_our_mind, late, actor="supervisor-1", role=CaseRole.SUPERVISOR)
    join(world, late, into=other)
    act(world, move_case.choose, other, remedy="replacement", payout=None, actor="customer")
    act(world, move_case.remedied, other, reference="JJD 1", **by)
    assert sorted(one.state for one in promised(world, other)) == ["kept", "made"]
    (open_one,) = (one for one in promised(world, other) if one.state == "made")
    act(world, move_case.promise_kept, other, promise=open_one.id, reference="JJD 2", **by)


def with_the_refund_of_another_order_that_came_back(world: World, survivor: Opened) -> Promise:
    """A report of another order, whose refund came back to us, was joined into this one; returns what is owed again."""
    other = world.dispute(world.parcels[1], "never_received")
    by: dict[str, Any] = {"actor": "agent-1", "role": CaseRole.AGENT}
    act(world, move_case.choose, other, remedy="refund", payout="cheque", actor="customer")
    act(world, move_case.remedied, other, reference="BACS 1", **by)
    (paid,) = promised(world, other)
    act(world, payment_came_back, other, promise=paid.id, reference="RETURN 1", **by)
    act(world, move_case.not_fixed, other, actor="customer")
    join(world, other, into=survivor)
    (again,) = (one for one in promised(world, survivor) if is_owed(one) and one.order_ref == world.parcels[1].order)
    return again


@pytest.mark.parametrize("days", [0, 9])
@pytest.mark.parametrize("taken_back", [move_case.found_it, move_case.withdraw])
def test_who_takes_back_the_report_of_one_order_gives_up_nothing_of_another_one(
    world: World, taken_back: Callable[..., Any], days: int
) -> None:
    opened = world.dispute(world.parcels[0], "never_received")
    again = with_the_refund_of_another_order_that_came_back(world, opened)
    world.step(days * DAY_MS)
    act(world, taken_back, opened, actor="customer", locks_settled=True)
    assert [one.id for one in promised(world, opened) if is_owed(one)] == [again.id]
    assert "You changed your mind" not in told(world, opened)
    paid: dict[str, Any] = {"promise": again.id, "reference": "BACS 2", "actor": "supervisor-1"}
    act(world, move_case.promise_kept, opened, **paid, role=CaseRole.SUPERVISOR if days else CaseRole.AGENT)
    assert world.case(opened).case.state == "withdrawn"


def test_who_confirms_the_remedy_of_one_order_gives_up_no_phone_of_another_one(world: World) -> None:
    other, opened = (world.dispute(parcel, "never_received") for parcel in world.parcels[:2])
    act(world, move_case.choose, other, remedy="replacement", payout=None, actor="customer")
    by: dict[str, Any] = {"actor": "supervisor-1", "role": CaseRole.SUPERVISOR}
    act(world, move_scheme.adr, other, letter_due_ms=0, deadlock=True, **by)
    act(world, move_scheme.change_our_mind, other, **by)
    join(world, other, into=opened)
    put_right(world, opened)
    with world.refused(Conflict, "guard"):
        act(world, move_case.confirm, opened, actor="customer", locks_settled=True)


def test_a_report_of_another_order_is_joined_once_that_order_had_an_offer(world: World) -> None:
    opened, other = world.dispute(world.parcels[0], "never_received"), world.dispute(world.parcels[1], None)
    with world.refused(Conflict, "unclassified"):
        join(world, other, into=opened)
    (offer,) = promised(world, other)
    assert is_owed(offer)
    classify(world, other, "never_received")
    with world.refused(Conflict, "remedy_stands"):
        join(world, other, into=opened)
    not_put_right(world, other)
    join(world, other, into=opened)


def test_a_report_whose_remedy_stands_keeps_it_and_is_joined_once_it_did_not_help(world: World) -> None:
    opened, other = (world.dispute(parcel, "never_received") for parcel in world.parcels[:2])
    with world.refused(Conflict, "remedy_stands"):
        join(world, other, into=opened)
    act(world, move_case.choose, other, remedy="replacement", payout=None, actor="customer")
    with world.refused(Conflict, "remedy_stands"):
        join(world, other, into=opened)
    act(world, move_case.remedied, other, reference="JJD0001", actor="agent-1", role=CaseRole.AGENT)
    with world.refused(Conflict, "remedy_stands"):
        join(world, other, into=opened)
    act(world, move_case.not_fixed, other, actor="customer")
    join(world, other, into=opened)
    assert world.case(other).case.state == "merged"


def test_an_offer_for_another_order_that_was_joined_before_is_kept_by_no_offer_of_this_one(world: World) -> None:
    other, opened = world.dispute(world.parcels[1], None), world.dispute(world.parcels[0], None)
    by: dict[str, Any] = {"actor": "agent-1", "role": CaseRole.AGENT}
    (theirs,), (ours,) = promised(world, other), promised(world, opened)
    with world.house.unit() as unit:
        case_book.hand_over(unit, other.case, opened.case, order_ref=world.parcels[1].order)
    with world.refused(Conflict, "by_the_offer"):
        act(world, move_case.promise_kept, opened, promise=ours.id, reference="LETTER 1", **by)
    joined = world.dispute(world.parcels[0], None)
    join(world, joined, into=opened)
    classify(world, opened, "never_received")
    assert [one.id for one in promised(world, opened) if is_owed(one)] == [theirs.id]
    act(world, move_case.promise_kept, opened, promise=theirs.id, reference="LETTER 2", **by)
    put_right(world, opened)
    assert act(world, move_case.confirm, opened, actor="customer", locks_settled=True).case.state == "closed"
