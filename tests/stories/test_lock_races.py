"""Two units at the same moment: what was read before a row was held is not believed. On PostgreSQL they overlap."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlmodel import col

from api import joints, lock_news
from api.registered_late import hold_waiting, lock_registered
from custody.kernel import cbor
from custody.kernel.clock import DAY_MS, HOUR_MS, MINUTE_MS
from custody.kernel.errors import Forbidden
from custody.store import case_book
from custody.store.unit import Unit
from devicelock import store, watch_store
from devicelock.backends.android import NAME as ANDROID
from devicelock.rules.ack import open_ack
from devicelock.rules.caps import Caps
from devicelock.rules.command import Reason
from devicelock.rules.order import LockRole, OrderState
from devicelock.store import DeviceRow
from devicelock.usecases import hear
from devicelock.usecases.confirm_lock import confirm_lock
from devicelock.usecases.issue_code import issue_code
from devicelock.usecases.offer_again import offer_again
from devicelock.usecases.register_device import register_device
from devicelock.usecases.release_group import release_group
from devicelock.usecases.request_lock import approve_lock, lock_for_dispute, request_lock
from devicelock.usecases.retire import confirm_receipt, leave, received, retire_due
from devicelock.usecases.settle_parts import claim_part
from devicelock.usecases.standing_authority import throw_switch
from devicelock.usecases.sweep import sweep_lapses, sweep_silences
from devicelock.watch_store import LeavingRow
from simulators.radio import Radio
from tests.stories.lock_steps import let_go, register_many
from tests.stories.other_locks import OtherLocks
from tests.stories.test_heard_together import taken_away
from tests.stories.test_lock_messages import deliver_one
from tests.world import World
from tests.world_parts import Opened, key

WAIT_S = 60.0
Act = Callable[[Unit], object]
Move = Callable[[Unit, World, Radio], object]


def somebody_waits(world: World) -> None:
    """Until one transaction waits for another; at once on SQLite, where units take turns."""
    if not world.url.startswith("postgresql"):
        return
    deadline = time.monotonic() + WAIT_S
    while True:
        with world.engine.connect() as watch:
            if watch.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar():
                return
        assert time.monotonic() < deadline
        time.sleep(0.01)


def nothing_more(_unit: Unit) -> None:
    """The first unit has done all it does before the second begins."""


def meanwhile(world: World, first: Act, second: Act, *, then: Act = nothing_more) -> None:
    """`second` begins when `first` has written and not yet committed; the unit of `first` goes on with `then`."""
    failed: list[Exception] = []

    def run() -> None:
        try:
            with world.house.unit() as unit:
                second(unit)
        except Exception as error:  # noqa: BLE001 - a thread hands on whatever it was
            failed.append(error)

    with world.house.unit() as unit:
        first(unit)
        unit.session.flush()
        other = threading.Thread(target=run)
        other.start()
        somebody_waits(world)
        then(unit)
    other.join(WAIT_S)
    assert not other.is_alive()
    assert failed == []


def answering(world: World, opened: Opened, radio: Radio) -> Act:
    """What the handset answers to the one command that waits for it; it can be taken in and committed later."""
    deliver_one(world, radio.handset.device)
    raw = taken_away(world)[0].payload

    def take(unit: Unit) -> None:
        orders = store.orders(unit.session, {opened.order.id})
        device = store.devices(unit.session, {radio.handset.device})[radio.handset.device]
        ack = open_ack(raw, device=device.device, key=hear.key_of(device))
        command = store.commands(unit.session, {ack.command_id})[ack.command_id]
        hear._settle(unit, world.office, device, hear.HandsetAnswer(command, ack, raw), orders)

    return take


def locking(world: World) -> tuple[Opened, Act]:
    """A handset that is locked and has said so; its word can be taken in."""
    radio = world.switched_on(world.parcels[0])
    opened = world.dispute(world.parcels[0], "substituted")
    world.relay.carry()
    take = answering(world, opened, radio)
    assert radio.handset.screen_locked
    return opened, take


def test_found_while_the_word_of_the_lock_is_taken_in(either: World) -> None:
    opened, take = locking(either)
    meanwhile(either, take, lambda unit: joints.customer_found_it(unit, either.office, dispute=opened.case))
    order = either.order(opened.order.id)
    assert order.state == "release_queued", "the handset has said that it is locked, and not that it is free"
    assert order.wrong_ms is not None, "what the customer is owed begins here"


def test_a_group_is_let_go_while_the_word_of_its_lock_is_taken_in(either: World) -> None:
    opened, take = locking(either)
    facts = {"group": str(opened.order.group), "actor": "agent-1", "role": LockRole.AGENT}
    meanwhile(either, take, lambda unit: release_group(unit, either.office, **facts))
    assert either.order(opened.order.id).state == "release_queued"


def test_a_lapse_while_the_word_of_the_lock_is_taken_in(either: World) -> None:
    opened, take = locking(either)
    either.clock.at_ms = either.order(opened.order.id).held_until_ms + 1
    meanwhile(either, take, lambda unit: sweep_lapses(unit, either.office))
    assert either.order(opened.order.id).state == "release_queued"


def test_a_lapse_while_two_people_keep_the_lock(either: World) -> None:
    opened, _ = either.locked_elsewhere()
    either.step(HOUR_MS)
    either.confirm(opened, "investigator-1")
    until_ms = either.order(opened.order.id).held_until_ms
    either.clock.at_ms = until_ms - MINUTE_MS

    def confirm(unit: Unit) -> None:
        confirm_lock(unit, either.office, name=opened.order.id, account="supervisor-1", role=LockRole.SUPERVISOR)
        either.clock.at_ms = until_ms + 1

    meanwhile(either, confirm, lambda unit: sweep_lapses(unit, either.office))
    assert either.order(opened.order.id).state == "active_confirmed"


def test_the_term_of_a_release_passes_while_its_answer_is_taken_in(either: World) -> None:
    opened, radio = either.locked_elsewhere()
    either.found(opened)
    either.relay.carry()
    take = answering(either, opened, radio)
    either.clock.at_ms += 40 * DAY_MS
    meanwhile(either, take, lambda unit: sweep_silences(unit, either.office))
    assert either.order(opened.order.id).state == "released"


def test_a_lock_is_asked_for_while_the_customer_says_that_they_have_the_handset(either: World) -> None:
    radio = either.switched_on(either.parcels[0])
    either.withdraw_authority()
    case = either.dispute(either.parcels[0], "substituted").case
    either.authorise()
    states = []

    def receive(unit: Unit) -> None:
        confirm_receipt(unit, name=radio.handset.device, actor="customer", how="found_it")

    def lock(unit: Unit) -> None:
        imei, reason = either.parcels[0].unit.imei, Reason.NEVER_RECEIVED
        order = lock_for_dispute(unit, either.office, imei=imei, reason=reason, dispute=case)
        states.append(order.state)

    meanwhile(either, receive, lock)
    assert states == ["refused"]


@pytest.mark.parametrize("first", ["report", "registration"])
def test_a_handset_that_is_registered_while_its_customer_reports_is_locked(either: World, first: str) -> None:
    parcel = either.parcels[0]

    def register(unit: Unit) -> None:
        waiting = hold_waiting(unit, parcel.unit.imei_urn)
        cose_key = cbor.encode(key("handset").public.cose_key())
        register_device(unit, either.office, imei=parcel.unit.imei, model="phone", cose_key=cose_key)
        lock_registered(unit, either.office, waiting)

    def report(unit: Unit) -> None:
        either.report(unit, parcel, "substituted")

    meanwhile(either, *((report, register) if first == "report" else (register, report)))
    with either.house.read() as session:
        device = store.device_by_imei(session, parcel.unit.imei_urn)
        assert device is not None
        states = [row.state for row in store.orders_of_device(session, device.device, list(OrderState))]
    assert states == ["queued"]
    either.audit()


def test_what_a_unit_has_changed_is_not_lost_when_it_holds_the_same_rows_again(either: World) -> None:
    opened, radio = either.locked_elsewhere()
    name, device = opened.order.id, radio.handset.device
    with either.house.unit() as unit:
        store.order(unit.session, name).site = "elsewhere"
        store.device(unit.session, device).network = "another"
        assert store.order(unit.session, name).site == store.orders(unit.session, {name})[name].site == "elsewhere"
        assert store.device(unit.session, device).network == "another"
        assert store.devices(unit.session, {device})[device].network == "another"
    assert either.order(name).site == "elsewhere"


def give_code(unit: Unit, world: World, radio: Radio) -> None:
    challenge = radio.handset.challenge
    assert challenge is not None
    device, role = radio.handset.device, LockRole.AGENT
    issue_code(unit, world.office, name=device, challenge=challenge, actor="agent-1", role=role)


def receive(unit: Unit, world: World, radio: Radio) -> None:
    received(unit, world.office, name=radio.handset.device, actor="customer", role=LockRole.CUSTOMER)


def go(unit: Unit, world: World, radio: Radio) -> None:
    ends_ms, device = unit.now_ms + 30 * DAY_MS, radio.handset.device
    leave(unit, world.office, name=device, ends_ms=ends_ms, actor="agent-1", role=LockRole.AGENT)


@pytest.mark.parametrize("move", [give_code, receive, go])
def test_whoever_ends_the_locks_of_a_handset_holds_them_before_it_as_whoever_hears_it_does(
    either: World, move: Move
) -> None:
    opened, radio = either.locked_elsewhere()

    def hear_it(unit: Unit) -> None:
        store.devices(unit.session, {radio.handset.device})
        unit.record("heard", {"device": radio.handset.device})

    meanwhile(
        either,
        lambda unit: store.orders(unit.session, {opened.order.id}),
        lambda unit: move(unit, either, radio),
        then=hear_it,
    )
    assert either.order(opened.order.id).state == "release_queued"


def find(unit: Unit, world: World, opened: Opened, radio: Radio) -> None:
    assert radio.handset.device
    joints.customer_found_it(unit, world.office, dispute=opened.case)


def receive_late(unit: Unit, world: World, opened: Opened, radio: Radio) -> None:
    assert opened.case
    receive(unit, world, radio)


def read_the_screen(unit: Unit, world: World, opened: Opened, radio: Radio) -> None:
    assert opened.case
    device, who = radio.handset.device, LockRole.CUSTOMER
    issue_code(unit, world.office, name=device, challenge="12345678", actor="customer", role=who)


@pytest.mark.parametrize("pay", [find, receive_late, read_the_screen])
def test_whoever_pays_for_a_wrong_lock_holds_its_case_before_the_log_as_whoever_moves_the_case_does(
    either: World, pay: Callable[[Unit, World, Opened, Radio], None]
) -> None:
    opened, radio = either.locked_elsewhere()
    let_go(either, opened.order.id)
    either.deliver()
    meanwhile(either, holding(opened), lambda unit: pay(unit, either, opened, radio), then=noting(opened))
    assert either.case(opened).unpaid_credit_pence > 0


def test_the_sweep_that_pays_holds_the_case_before_the_log_as_whoever_moves_the_case_does(either: World) -> None:
    opened, radio = either.locked_elsewhere()
    radio.switch_off()
    either.found(opened)
    either.clock.at_ms += 40 * DAY_MS
    meanwhile(either, holding(opened), lambda unit: sweep_silences(unit, either.office), then=noting(opened))
    assert either.case(opened).unpaid_credit_pence > 0


def holding(opened: Opened) -> Act:
    """A case is about to be moved."""
    return lambda unit: case_book.hold_one(unit, opened.case)


def noting(opened: Opened) -> Act:
    """It is."""
    return lambda unit: case_book.note(unit, opened.case, "moved", actor="system", facts={})


def test_who_tells_leavers_holds_every_handset_before_the_log_as_whoever_moves_its_locks_does(either: World) -> None:
    for device in register_many(either, 2):
        with either.house.unit() as unit:
            facts = {"ends_ms": unit.now_ms + 30 * DAY_MS, "actor": "agent-1", "role": LockRole.AGENT}
            lock_news.customer_leaves(unit, either.office, device=device, **facts)
    either.clock.at_ms += 29 * DAY_MS
    with either.house.read() as session:
        _, last = watch_store.leavers_due(session, now_ms=either.clock.at_ms)
    meanwhile(
        either,
        lambda unit: store.devices(unit.session, {last.device}),
        lock_news.tell_leavers,
        then=lambda unit: unit.record("heard", {"device": last.device}),
    )
    with either.house.read() as session:
        assert not watch_store.is_leaver_due(session, now_ms=either.clock.at_ms)


def test_who_lets_a_customer_leave_holds_the_handset_before_its_leaver_as_who_tells_leavers_does(either: World) -> None:
    """Two who do it at the same moment: there is no leaver yet whom either could hold."""
    (device,) = register_many(either, 1)
    ends_ms = either.clock.at_ms + 30 * DAY_MS

    def leaving(by_ms: int) -> Act:
        facts = {"ends_ms": ends_ms + by_ms, "actor": "agent-1", "role": LockRole.AGENT}
        return lambda unit: lock_news.customer_leaves(unit, either.office, device=device, **facts)

    meanwhile(either, leaving(0), leaving(DAY_MS))
    with either.house.read() as session:
        assert session.get_one(LeavingRow, device).ends_ms == ends_ms + DAY_MS, "what was said last"


def test_who_tells_leavers_holds_their_handsets_before_the_leavers(either: World) -> None:
    """Whoever holds the handset may take its leaver as well: nobody waits for one who waits for them."""
    (device,) = register_many(either, 1)
    with either.house.unit() as unit:
        facts = {"ends_ms": unit.now_ms + 30 * DAY_MS, "actor": "agent-1", "role": LockRole.AGENT}
        lock_news.customer_leaves(unit, either.office, device=device, **facts)
    either.clock.at_ms += 29 * DAY_MS
    meanwhile(
        either,
        lambda unit: store.devices(unit.session, {device}),
        lock_news.tell_leavers,
        then=lambda unit: unit.session.get_one(LeavingRow, device, with_for_update=True),
    )
    with either.house.read() as session:
        assert not watch_store.is_leaver_due(session, now_ms=either.clock.at_ms)


def test_who_retires_by_time_holds_orders_before_handsets_as_whoever_moves_them_does(either: World) -> None:
    opened, radio = either.locked_elsewhere()
    with either.house.unit() as unit:
        device = store.device(unit.session, radio.handset.device)
        store.set_desired(unit.session, device, replace(store.desired(device), to_retire=True))
    meanwhile(
        either,
        lambda unit: store.orders(unit.session, {opened.order.id}),
        lambda unit: retire_due(unit, either.office, after="", limit=20),
        then=at_once(radio.handset.device),
    )
    assert either.anchor.of(radio.handset.device).retired


def at_once(device: str) -> Act:
    """Hold a handset that nobody holds."""
    free = select(col(DeviceRow.device)).where(col(DeviceRow.device) == device).with_for_update(nowait=True)
    return lambda unit: unit.session.scalars(free).one()


def two_asked(world: World) -> list[str]:
    """Two orders that wait for the second person, in a house without standing authority."""
    world.withdraw_authority()
    return [asked_for(world, place) for place in range(2)]


def asked_for(world: World, place: int) -> str:
    parcel = world.parcels[place]
    world.handset(parcel)
    case = world.dispute(parcel, "never_received").case
    with world.house.unit() as unit:
        return asking(world, place, case)(unit)


def asking(world: World, place: int, case: str) -> Callable[[Unit], str]:
    imei = world.parcels[place].unit.imei
    said: dict[str, Any] = {"reason": Reason.NEVER_RECEIVED, "account": "agent-1", "evidence": [f"case:{case}"]}

    def ask(unit: Unit) -> str:
        return request_lock(unit, world.office, imei=imei, last4=imei[-4:], dispute=case, **said).id

    return ask


def refused_by(act: Act, said: list[str]) -> Act:
    """An act that is to be refused, and by which words it is."""

    def attempt(unit: Unit) -> None:
        with pytest.raises(Forbidden) as caught:
            act(unit)
        said.append(caught.value.detail)

    return attempt


def test_a_cap_is_not_passed_by_two_who_decide_at_the_same_moment(either: World) -> None:
    first, second = two_asked(either)
    either.office = replace(either.office, caps=Caps(per_hour=1))
    said: list[str] = []

    def deciding(order: str, account: str) -> Act:
        return lambda unit: approve_lock(unit, either.office, name=order, account=account)

    then = refused_by(deciding(second, "supervisor-2"), said)
    meanwhile(either, deciding(first, "supervisor-1"), then)
    assert said == ["caps: cap_reached"]
    assert [either.order(name).state for name in (first, second)] == ["queued", "requested"]


def test_what_one_person_may_ask_for_is_not_passed_by_asking_twice_at_the_same_moment(either: World) -> None:
    either.withdraw_authority()
    cases = []
    for parcel in either.parcels[:2]:
        either.handset(parcel)
        cases.append(either.dispute(parcel, "never_received").case)
    either.office = replace(either.office, caps=Caps(asks_per_person_day=1))
    said: list[str] = []
    meanwhile(either, asking(either, 0, cases[0]), refused_by(asking(either, 1, cases[1]), said))
    assert said == [
        "this person, or who made their account today, has asked for 1 locks within a day, and 1 is the limit"
    ]


def test_no_lock_is_signed_after_the_switch_that_stops_all_was_thrown_at_the_same_moment(either: World) -> None:
    order, _ = two_asked(either)
    said: list[str] = []
    meanwhile(
        either,
        lambda unit: throw_switch(unit, either.office, on=True, person="Sam Supervisor", why="for the test"),
        refused_by(lambda unit: approve_lock(unit, either.office, name=order, account="supervisor-1"), said),
    )
    assert said == ["kill_switch: killed"]
    assert either.order(order).state == "requested"


def test_no_other_lock_system_is_told_to_lock_after_that_switch_was_thrown_at_the_same_moment(either: World) -> None:
    others = OtherLocks(either, ANDROID)
    others.know(either.handset(either.parcels[0]))
    order = either.dispute(either.parcels[0], "substituted").order.id
    said: list[str] = []
    meanwhile(
        either,
        lambda unit: throw_switch(unit, either.office, on=True, person="Sam Supervisor", why="for the test"),
        refused_by(lambda unit: claim_part(unit, either.office, others.parts(order)[ANDROID]), said),
    )
    assert said == ["no lock: kill_switch is killed"]
    assert not others.parts(order)[ANDROID].may_hold


def test_who_offers_again_at_a_connect_holds_every_handset_in_order_answered_or_not(either: World) -> None:
    pairs = [(either.handset(parcel), parcel) for parcel in either.parcels[:2]]
    (first, locked), (last, unanswered) = sorted(pairs, key=lambda pair: pair[0].handset.device)
    for radio in (first, last):
        radio.switch_on()
    either.dispute(locked, "substituted")
    either.deliver()
    assert first.handset.screen_locked
    either.dispute(unanswered, "substituted")
    meanwhile(
        either,
        lambda unit: store.devices(unit.session, {first.handset.device}),
        lambda unit: offer_again(unit, either.office),
        then=lambda unit: store.devices(unit.session, {last.handset.device}),
    )
    either.deliver()
    assert last.handset.screen_locked
