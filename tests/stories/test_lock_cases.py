"""Stories of several reports about one handset, its customer's own and others: what each may say of its locks."""

from types import SimpleNamespace
from typing import Any

import pytest

from api import joints
from api.routes.customer import CodeIn, code
from api.routes.handsets import ReceiptIn, receive
from custody.disputes.policy import DEFAULT_POLICY as POLICY
from custody.disputes.wrong_lock import daily_pence
from custody.kernel.clock import DAY_MS, HOUR_MS
from custody.kernel.errors import Conflict
from custody.store import case_book
from custody.usecases import move_case
from custody.usecases.find_handset import find_handset
from custody.usecases.record_sale import read_sale
from devicelock import store
from devicelock.rules.applied import Applied
from devicelock.rules.order import LockRole
from devicelock.rules.receipt_code import receipt_code
from devicelock.transport import PublishOutcome
from devicelock.usecases.request_lock import refuse_lock
from devicelock.usecases.retire import received
from simulators.radio import Radio
from tests.stories.lock_steps import ask, code_for, let_go, say_received, sell_again, told
from tests.world import World
from tests.world_parts import Opened

CODES = bytes(range(32))


def report_of_a_stranger(world: World, claim: str | None = None) -> Opened:
    """Somebody who read the IMEI off the box reports it; the doors find the order that it was sold in."""
    parcel = world.parcels[0]
    with world.house.read() as session:
        order = read_sale(session, parcel.order).sale.facts
    return world.dispute(None, claim, words="It is not right.", item=parcel.unit.imei, order=order)


def locked_by_a_stranger(world: World) -> tuple[Opened, Radio]:
    """A phone that is locked in its customer's hand, since somebody reported what stands on its box."""
    radio = world.switched_on(world.parcels[0])
    stranger = report_of_a_stranger(world, "never_received")
    world.deliver()
    assert radio.handset.screen_locked
    return stranger, radio


def say_found(world: World, opened: Opened) -> None:
    """The holder of a case's link says "I found it", as the door takes it."""
    world.found(opened)
    with world.house.unit() as unit:
        case_book.note(unit, opened.case, "found", actor="customer", facts={})


# "I found it".


@pytest.mark.parametrize("claim", [None, "never_received"])
def test_who_read_the_imei_off_the_box_cannot_keep_the_handset_from_being_locked_for_its_customer(
    world: World, claim: str | None
) -> None:
    radio = world.handset(world.parcels[0])
    say_found(world, report_of_a_stranger(world, claim))
    opened = world.dispute(world.parcels[0], "never_received")
    radio.switch_on()
    world.deliver()
    assert radio.handset.screen_locked, opened.lock.refused
    say_found(world, report_of_a_stranger(world))
    world.deliver()
    assert radio.handset.screen_locked, "nor free it afterwards"
    world.step(40 * DAY_MS)
    assert world.retire_due() == 0, "nor have it retired"


def test_a_second_report_of_the_same_order_frees_the_handset_with_i_found_it(world: World) -> None:
    first, radio = world.locked_elsewhere()
    second = world.dispute(world.parcels[0], "never_received")
    assert second.lock.order is None, "the handset is locked already, by the first report"
    say_found(world, second)
    world.deliver()
    assert not radio.handset.screen_locked
    assert world.order(first.order.id).state == "released"
    with world.house.read() as session:
        assert [row.id for row in joints.locks_of(session, world.case(second))] == [first.order.id]
        assert store.device(session, radio.handset.device).confirmed


@pytest.mark.parametrize("order", ["SO-OF-NOBODY", None])
def test_a_case_is_its_customers_own_only_if_it_names_the_order_that_the_handset_was_sold_in(
    world: World, order: str | None
) -> None:
    parcel = world.parcels[0]
    with world.house.read() as session:
        found = find_handset(session, order_ref=order, item=parcel.unit.imei)
        own = find_handset(session, order_ref=parcel.order, item=None)
    assert found.imei == own.imei == parcel.unit.imei_urn
    assert (found.order_named, own.order_named) == (False, True)


@pytest.mark.parametrize("takes_back", ["found", "withdraws"])
def test_a_lock_that_a_stranger_brought_about_goes_on_as_the_customers_when_they_report_it(
    world: World, takes_back: str
) -> None:
    stranger, radio = locked_by_a_stranger(world)
    own = world.dispute(world.parcels[0], "never_received")
    assert own.order.id == stranger.order.id
    assert world.order(own.order.id).dispute == own.case
    assert "The missing phone is locked now." in told(world, own)
    if takes_back == "found":
        say_found(world, stranger)
    else:
        with world.house.unit() as unit:
            move_case.withdraw(
                unit, stranger.case, actor="stranger", locks_settled=joints.locks_settled(unit.session, stranger.case)
            )
    world.deliver()
    assert radio.handset.screen_locked, "the customer still says that it never came"
    say_found(world, own)
    world.deliver()
    assert not radio.handset.screen_locked
    assert world.case(own).unpaid_credit_pence > 0


def test_a_stranger_does_not_take_over_the_lock_of_a_customer(world: World) -> None:
    opened, _ = world.locked_elsewhere()
    stranger = report_of_a_stranger(world, "never_received")
    assert stranger.lock.order is None
    assert world.order(opened.order.id).dispute == opened.case


# What is a ground for a lock.


def test_a_report_that_its_customer_took_back_is_no_ground_for_a_lock(world: World) -> None:
    world.withdraw_authority()
    world.handset(world.parcels[0])
    opened = world.dispute(world.parcels[0], "never_received")
    with world.house.unit() as unit:
        move_case.withdraw(unit, opened.case, actor="customer", locks_settled=True)
    order = ask(world, "agent-1", dispute=opened.case)
    assert order.state == "refused", "the customer says no longer that it never came"


def test_an_old_order_does_not_lock_the_handset_of_whoever_bought_it_since(world: World) -> None:
    parcel = world.parcels[0]
    radio = world.handset(parcel)
    sell_again(world)
    radio.switch_on()
    world.deliver()
    opened = world.dispute(parcel, "never_received")
    world.deliver()
    assert not radio.handset.screen_locked, "it was sold to somebody else since, who holds it in good faith"
    assert opened.order.state == "refused"
    assert "We do not know for sure who has it." in told(world, opened)


def test_a_second_report_does_not_go_round_the_specialist_of_the_first(world: World) -> None:
    """It is known that this customer needs support; a report that does not say so again changes nothing of that."""
    parcel = world.parcels[0]
    radio = world.switched_on(parcel)
    first = world.dispute(parcel, "never_received", support_needs=("calls in the morning",))
    assert first.order.state == "requested", "it waits for a specialist"
    with world.house.unit() as unit:
        refuse_lock(unit, world.office, name=first.order.id, account="supervisor-1", why="Not for this customer.")
    second = world.dispute(parcel, "never_received")
    world.deliver()
    assert not radio.handset.screen_locked, "no person has decided it"
    assert second.order.state == "requested"


@pytest.mark.parametrize("claim", ["defective", "damaged"])
def test_the_handset_of_a_customer_who_says_that_they_hold_it_is_not_locked_by_another_report(
    world: World, claim: str
) -> None:
    parcel = world.parcels[0]
    radio = world.switched_on(parcel)
    held = world.dispute(parcel, claim)
    assert held.lock.order is None
    other = world.dispute(parcel, "never_received")
    world.deliver()
    assert not radio.handset.screen_locked
    assert other.order.state == "refused"
    with world.house.unit() as unit:
        move_case.withdraw(unit, held.case, actor="customer", locks_settled=True)
    assert world.dispute(parcel, "never_received").order.state == "queued", "nobody says so any more"


def test_a_strangers_report_that_the_handset_is_with_them_holds_no_lock_of_its_customer_back(world: World) -> None:
    radio = world.handset(world.parcels[0])
    report_of_a_stranger(world, "defective")
    opened = world.dispute(world.parcels[0], "never_received")
    radio.switch_on()
    world.deliver()
    assert radio.handset.screen_locked, opened.lock.refused


def test_what_somebody_found_is_not_locked_by_another_report_that_names_no_order_either(world: World) -> None:
    radio = world.switched_on(world.parcels[0])
    first = report_of_a_stranger(world, "never_received")
    world.deliver()
    assert radio.handset.screen_locked
    say_found(world, first)
    world.deliver()
    world.clear_groups()
    assert report_of_a_stranger(world, "never_received").order.state == "refused"


# The code on the page.


def code_on_page(world: World, opened: Opened, radio: Radio, *, order: str | None = None) -> str:
    """What the customer's page answers to the digits on the screen, of the phone that the order is of."""
    parts: Any = SimpleNamespace(house=world.house, locks=world.office)
    assert radio.handset.challenge is not None
    return code(opened.disputed.token, CodeIn(challenge=radio.handset.challenge, order=order), parts)["code"]


@pytest.mark.parametrize("how", ["released by staff", "lapsed"])
def test_the_code_is_on_the_page_from_the_moment_that_we_say_so(world: World, how: str) -> None:
    """Our own words: "The code is on your page now. It works at once, with no network."."""
    opened, radio = world.locked_elsewhere()
    assert radio._line is not None
    radio._line.stop()
    with world.refused(Conflict, "found_first"):
        code_on_page(world, opened, radio)
    if how == "lapsed":
        world.clock.at_ms = world.order(opened.order.id).held_until_ms + 1
        world.sweep()
    else:
        let_go(world, opened.order.id)
    assert "The code is on your page now" in told(world, opened)
    assert radio.handset.screen_locked, "it has no network, and looks at its clock later"
    assert radio.type_code(code_on_page(world, opened, radio)) or how == "lapsed"


def found_by_a_stranger_before_its_customer_missed_it(world: World) -> tuple[Opened, Opened, Radio]:
    """A stranger's lock was never answered and is over; the customer's own has been answered."""
    radio = world.handset(world.parcels[0])
    stranger = report_of_a_stranger(world, "never_received")
    say_found(world, stranger)
    own = world.dispute(world.parcels[0], "never_received")
    radio.switch_on()
    world.deliver()
    assert radio.handset.screen_locked
    return stranger, own, radio


def test_who_found_it_in_the_case_of_a_stranger_gets_no_code_for_the_lock_of_its_customer(world: World) -> None:
    stranger, own, radio = found_by_a_stranger_before_its_customer_missed_it(world)
    with world.refused(Conflict, "another_lock"):
        code_on_page(world, stranger, radio)
    world.deliver()
    assert radio.handset.screen_locked
    assert world.order(own.order.id).state == "active_provisional"
    say_found(world, own)
    assert radio.type_code(code_on_page(world, own, radio)), "their own they get"


def test_a_code_by_the_case_of_a_stranger_says_nothing_of_the_locks_of_its_customer(world: World) -> None:
    stranger, own, radio = found_by_a_stranger_before_its_customer_missed_it(world)
    let_go(world, own.order.id)
    assert code_on_page(world, stranger, radio), "no lock is wished any more"
    world.deliver()
    assert world.order(own.order.id).wrong_ms is None
    assert world.case(own).unpaid_credit_pence == 0
    world.withdraw_authority()
    asked = ask(world, "agent-1", dispute=own.case)
    assert asked.state == "requested"

    challenge = CodeIn(challenge="12345678")
    parts: Any = SimpleNamespace(house=world.house, locks=world.office)
    code(stranger.disputed.token, challenge, parts)
    assert world.order(asked.id).state == "requested", "nor does it call back what people were asked for"


def test_a_lock_that_was_only_asked_for_gives_no_code_without_the_word_that_the_phone_was_found(world: World) -> None:
    world.withdraw_authority()
    world.handset(world.parcels[0])
    opened = world.dispute(world.parcels[0], "never_received")
    assert ask(world, "agent-1", dispute=opened.case).state == "requested"
    parts: Any = SimpleNamespace(house=world.house, locks=world.office)
    with world.refused(Conflict, "found_first"):
        code(opened.disputed.token, CodeIn(challenge="12345678"), parts)


@pytest.mark.parametrize("who", ["customer", "agent-1"])
def test_who_has_read_the_lock_screen_is_believed_that_it_was_locked_though_the_handset_never_said_so(
    world: World, who: str
) -> None:
    opened, radio = locked_and_its_word_lost(world)
    sent_ms = world.order(opened.order.id).decided_ms
    assert sent_ms is not None
    world.clock.at_ms += DAY_MS
    if who == "customer":
        say_found(world, opened)
        assert world.case(opened).unpaid_credit_pence == 0, "nobody has said that it was locked"
        world.clock.at_ms += DAY_MS
        assert radio.type_code(code_on_page(world, opened, radio))
    else:
        world.clock.at_ms += DAY_MS
        assert radio.type_code(code_for(world, radio, radio.handset.challenge))
        assert world.order(opened.order.id).wrong_ms is None, "staff do not say who has it"
        say_found(world, opened)
    order = world.order(opened.order.id)
    assert order.wrong_ms is not None
    assert order.acked_ms is None, "what the handset never said is not shown as its word"
    assert "wrong_lock" in world.alerts()
    assert "We are sorry. We locked your phone" in told(world, opened)
    owed = 3 * daily_pence(sent_ms, policy=POLICY)
    assert world.case(opened).unpaid_credit_pence == owed
    say_found(world, opened)
    assert world.case(opened).unpaid_credit_pence == owed, "once"


@pytest.mark.parametrize("how", ["released by staff", "lapsed", "sold since"])
def test_received_after_the_lock_is_over_says_that_it_was_wrong_to_whom_it_was_sold(world: World, how: str) -> None:
    opened, radio = world.locked_elsewhere()
    if how == "lapsed":
        world.step(73 * HOUR_MS)
    else:
        let_go(world, opened.order.id)
    world.deliver()
    assert world.order(opened.order.id).state == "released"
    sold_ms = world.clock.at_ms if how == "sold since" else opened.order.created_ms - 1
    with world.house.unit() as unit:
        device, who = radio.handset.device, LockRole.CUSTOMER
        received(unit, world.office, name=device, actor="customer", role=who, sold_ms=sold_ms)
    owed = world.case(opened).unpaid_credit_pence
    assert (world.order(opened.order.id).wrong_ms is not None, owed > 0) == (how != "sold since",) * 2
    say_received(world, radio)
    assert how == "sold since" or world.case(opened).unpaid_credit_pence == owed, "once"


@pytest.mark.parametrize("reports_first", [True, False])
def test_found_after_a_strangers_lock_is_over_says_that_it_was_wrong(world: World, *, reports_first: bool) -> None:
    stranger, radio = locked_by_a_stranger(world)
    if reports_first:
        own = world.dispute(world.parcels[0], "leaver_locked")
    let_go(world, stranger.order.id)
    world.deliver()
    assert world.order(stranger.order.id).state == "released"
    if not reports_first:
        own = world.dispute(world.parcels[0], "leaver_locked")
    say_found(world, own)
    world.deliver()
    assert not radio.handset.screen_locked
    assert world.order(stranger.order.id).wrong_ms is not None
    assert "wrong_lock" in world.alerts()


def test_a_code_for_a_handset_that_no_lock_could_reach_is_no_word_that_it_was_locked(world: World) -> None:
    radio = world.handset(world.parcels[0])
    opened = world.dispute(world.parcels[0], "never_received")
    say_found(world, opened)
    code_for(world, radio, "12345678")
    say_found(world, opened)
    assert world.order(opened.order.id).wrong_ms is None
    assert world.case(opened).unpaid_credit_pence == 0


def locked_and_its_word_lost(world: World) -> tuple[Opened, Radio]:
    """A handset that has applied its lock and lost its network before it could say so."""
    radio = world.switched_on(world.parcels[0])
    opened = world.dispute(world.parcels[0], "never_received")

    def lost(*_word: Any) -> PublishOutcome:
        return PublishOutcome.NOT_CONNECTED

    radio._say = lost  # type: ignore[assignment,method-assign]  # no network
    world.deliver()
    assert radio.handset.screen_locked
    assert radio._line is not None
    radio._line.stop()
    return opened, radio


def test_a_second_report_of_the_same_order_gives_the_code_too(world: World) -> None:
    _first, radio = world.locked_elsewhere()
    second = world.dispute(world.parcels[0], "never_received")
    assert radio._line is not None
    radio._line.stop()
    say_found(world, second)
    assert radio.type_code(code_on_page(world, second, radio))


# When a handset leaves the programme.


def test_a_report_that_its_customer_took_back_keeps_no_handset_from_being_retired(world: World) -> None:
    world.withdraw_authority()
    radio = world.handset(world.parcels[0])
    opened = world.dispute(world.parcels[0], "never_received")
    world.step(90 * DAY_MS)
    assert world.retire_due() == 0, "somebody disputes its delivery"
    with world.house.unit() as unit:
        move_case.withdraw(unit, opened.case, actor="customer", locks_settled=True)
    assert world.retire_due() == 1
    with world.house.read() as session:
        assert store.desired(store.device(session, radio.handset.device, hold=False)).state == "retired"


# "I have it", with the code from our message.


def say_i_have_it(world: World, order: str) -> None:
    """Whoever has the receipt code of an order says so at the door."""
    parts: Any = SimpleNamespace(house=world.house, locks=world.office, keyring=SimpleNamespace(codes=CODES))
    request: Any = SimpleNamespace(client=None)
    receive(ReceiptIn(order=order, code=receipt_code(CODES, order)), request, parts)


def test_the_code_of_an_older_order_frees_no_handset_that_was_sold_again(world: World) -> None:
    """Who sent it back keeps our message; its next buyer's handset would have been free for ever by it."""
    parcel = world.parcels[0]
    radio = world.handset(parcel)
    again = sell_again(world)
    radio.switch_on()
    world.deliver()
    opened = world.dispute(again, "never_received")
    world.deliver()
    assert radio.handset.screen_locked, opened.lock.refused
    with world.refused(Conflict, "sold_since"):
        say_i_have_it(world, parcel.order)
    world.deliver()
    assert radio.handset.screen_locked
    say_i_have_it(world, again.order)
    world.deliver()
    assert not radio.handset.screen_locked
    assert radio.handset.state.applied is Applied.RETIRED
