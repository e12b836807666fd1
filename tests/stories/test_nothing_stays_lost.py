"""Stories in pairs: a word may be lost on its way, or dropped for its age. What is wished arrives all the same."""

from typing import Any

import pytest

from custody.kernel.clock import DAY_MS, HOUR_MS, SECOND_MS
from custody.kernel.errors import Unavailable
from custody.store.unit import Unit
from devicelock.rules.applied import Applied
from devicelock.transport import PublishOutcome
from devicelock.usecases.offer_again import offer_again
from devicelock.usecases.relay import IDLE_S, Relay
from tests.stories.lock_steps import let_go, say_received
from tests.stories.test_forgetful_broker import kept_by_two_people, offer, on_its_way
from tests.world import World
from tests.world_process import SERVER


class Doubtful:
    """The service's line, on which nobody answers in time, or that is full; what is published arrives, or does not."""

    def __init__(self, world: World, *, arrives: bool, outcome: PublishOutcome = PublishOutcome.UNKNOWN) -> None:
        self.published = 0
        self._outcome = outcome
        self._publish, self._arrives = world.line.publish, arrives

    def __call__(self, topic: str, payload: bytes, **more: Any) -> PublishOutcome:
        self.published += 1
        if self._arrives:
            self._publish(topic, payload, **more)
        return self._outcome


@pytest.mark.parametrize("arrived", [True, False], ids=["it arrived", "it did not"])
def test_a_release_whose_fate_is_unknown_is_handed_on_again(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    arrived: bool,  # noqa: FBT001 - the pair that is told
) -> None:
    opened, radio = world.locked_elsewhere()
    world.found(opened)
    with monkeypatch.context() as patch:
        patch.setattr(world.line, "publish", Doubtful(world, arrives=arrived))
        assert world.relay.carry() == 0, "nobody knows that it left"
    world.broker.pump()
    assert radio.handset.screen_locked is not arrived
    world.clock.at_ms += int(IDLE_S * SECOND_MS)
    assert world.relay.carry() == 1
    world.deliver()
    assert not radio.handset.screen_locked
    assert world.order(opened.order.id).state == "released"


@pytest.mark.parametrize("outcome", [PublishOutcome.UNKNOWN, PublishOutcome.FULL])
def test_what_may_not_have_left_is_handed_on_again_after_a_pause_and_holds_nothing_else_up(
    world: World, monkeypatch: pytest.MonkeyPatch, outcome: PublishOutcome
) -> None:
    opened, _ = world.locked_elsewhere()
    let_go(world, opened.order.id)
    line = Doubtful(world, arrives=False, outcome=outcome)
    monkeypatch.setattr(world.line, "publish", line)
    for published in (1, 2):
        for _ in range(10):
            world.relay.carry()
        assert line.published == published
        world.clock.at_ms += int(IDLE_S * SECOND_MS)
    world.relay.carry()
    world.handset(world.parcels[1])
    world.dispute(world.parcels[1], "substituted")
    world.relay.carry()
    assert line.published == 4, "another message need not wait for it"
    monkeypatch.undo()


@pytest.mark.parametrize("days", [1, 4], ids=["within its life", "after its life"])
def test_a_handset_is_asked_whether_it_is_locked_however_old_its_lock_is(world: World, days: int) -> None:
    opened, radio = kept_by_two_people(world)
    world.deliver()
    world.step(days * DAY_MS)
    radio.switch_off()
    radio.handset.turn_clock(-3600)
    radio.switch_on()
    assert not radio.handset.screen_locked, "doubt about its clock has released it"
    on_its_way(world, SERVER, forgets=True)
    assert offer(world) == 1
    assert radio.handset.screen_locked
    assert world.order(opened.order.id).state == "active_confirmed"


@pytest.mark.parametrize("days", [399, 401], ids=["within its life", "after its life"])
def test_a_handset_that_lay_in_a_drawer_is_retired_whenever_it_comes(world: World, days: int) -> None:
    radio = world.handset(world.parcels[0])
    say_received(world, radio)
    world.deliver()
    world.step(days * DAY_MS)
    radio.switch_on()
    world.deliver()
    assert radio.handset.state.applied is Applied.RETIRED


@pytest.mark.parametrize("failures", [0, 1])
def test_what_could_not_be_offered_again_is_offered_in_the_next_round_and_holds_no_release_up(
    world: World, failures: int
) -> None:
    opened, radio = world.locked_elsewhere()
    offers: list[bool] = []

    def offer_or_fail(unit: Unit) -> int:
        offers.append(len(offers) >= failures)
        if not offers[-1]:
            raise Unavailable("database", "the database did not answer", fix="Send the same request again.")
        return offer_again(unit, world.office)

    relay = Relay(world.house, world.line, offer=offer_or_fail)
    let_go(world, opened.order.id)
    relay.ask_again()
    relay._try()
    world.broker.pump()
    assert not radio.handset.screen_locked, "a release waits for no offer"
    relay._try()
    relay._try()
    assert offers == [False] * failures + [True]


@pytest.mark.parametrize("back_ms", [0, HOUR_MS])
@pytest.mark.parametrize("released", [True, False], ids=["a release", "a lock"])
def test_a_command_leaves_though_the_clock_was_set_back(
    world: World,
    back_ms: int,
    released: bool,  # noqa: FBT001 - what is wished
) -> None:
    radio = world.switched_on(world.parcels[0])
    order = world.dispute(world.parcels[0], "substituted").order.id
    if released:
        world.deliver()
        let_go(world, order)
    world.clock.at_ms -= back_ms
    for _ in range(3):
        world.relay.carry()
        world.broker.pump()
    assert radio.handset.screen_locked is not released


@pytest.mark.parametrize("restored", [True, False])
def test_the_order_of_a_handset_that_shows_that_it_is_retired_is_over(
    world: World,
    restored: bool,  # noqa: FBT001 - the pair that is told
) -> None:
    opened, radio = world.locked_elsewhere()
    backup = world.backup()
    say_received(world, radio)
    world.deliver()
    assert radio.handset.state.applied is Applied.RETIRED
    if restored:
        world.restore(backup)
        assert world.order(opened.order.id).state == "active_provisional"
    radio.switch_off()
    radio.switch_on()
    world.deliver()
    assert world.order(opened.order.id).state == "released"
    assert radio.handset.state.applied is Applied.RETIRED


@pytest.mark.parametrize("hours", [22, 25])
def test_a_handset_whose_lock_a_restore_has_forgotten_is_free_within_a_day(world: World, hours: int) -> None:
    """The broker outside the process knows both, so that nobody connects anew and nobody says hello for that."""
    radio = world.switched_on(world.parcels[0])
    backup = world.backup()
    world.dispute(world.parcels[0], "substituted")
    world.deliver()
    assert radio.handset.screen_locked
    world.restore(backup)
    world.step(hours * HOUR_MS)
    world.deliver()
    assert radio.handset.screen_locked is (hours < 24)
    world.step(2 * HOUR_MS)
    world.deliver()
    assert not radio.handset.screen_locked
