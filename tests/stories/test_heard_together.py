"""What waits from handsets is taken in together: one commit, in order, and none of it can harm another."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from custody.kernel.errors import Unavailable
from custody.store.unit import House, Unit
from devicelock import store
from devicelock.rules.order import OrderEvent
from devicelock.rules.topic import Channel, topic
from devicelock.store import LockOrderRow
from devicelock.transport import Message
from devicelock.usecases.hear import hear_together
from simulators.radio import Radio
from tests.stories.test_lock_messages import deliver_one
from tests.world import World
from tests.world_parts import Opened
from tests.world_process import SERVER

Answered = tuple[list[Opened], list[Radio], list[Message]]


def answered(world: World) -> Answered:
    """Two handsets are locked and have said so; their acks and hellos wait, and nobody has heard them."""
    radios = [world.handset(parcel) for parcel in world.parcels[:2]]
    for radio in radios:
        radio.switch_on()
    world.deliver()
    opened = [world.dispute(parcel, "substituted") for parcel in world.parcels[:2]]
    world.relay.carry()
    for radio in radios:
        deliver_one(world, radio.handset.device)
    return opened, radios, taken_away(world)


def taken_away(world: World) -> list[Message]:
    """What waits for the service, in order; the broker has given it out."""
    waiting = world.waiting(SERVER)
    messages = [held.message for held in waiting]
    waiting.clear()
    return messages


def states(world: World, opened: list[Opened]) -> list[str]:
    return [world.order(each.order.id).state for each in opened]


@contextmanager
def commits(house: House) -> Iterator[list[None]]:
    """One entry for each unit that is committed meanwhile."""
    seen: list[None] = []
    before = house.after_commit
    house.after_commit = lambda: seen.append(None)
    yield seen
    house.after_commit = before


def test_what_waits_is_taken_in_with_one_commit(either: World) -> None:
    opened, _, messages = answered(either)
    assert len(messages) == 4, "an ack and a hello of each"
    with commits(either.house) as seen:
        assert hear_together(either.office, messages) == len(messages)
    assert len(seen) == 1
    assert states(either, opened) == ["active_provisional"] * 2


def test_a_bad_message_in_a_group_harms_no_other(either: World) -> None:
    opened, radios, messages = answered(either)
    acks = [message for message in messages if message.topic.endswith("/ack")]
    bad = [
        Message(topic="somewhere/else", payload=b""),
        Message(topic=topic("dev_nobody", Channel.ACK), payload=acks[0].payload),
        Message(topic=topic(radios[0].handset.device, Channel.ACK), payload=b"no COSE"),
        Message(topic=topic(radios[0].handset.device, Channel.STATUS), payload=b"online"),
        replace(acks[0], payload=acks[1].payload),
    ]
    group = [message for pair in zip(bad, [*messages, messages[0]], strict=True) for message in pair]
    with commits(either.house) as seen:
        assert hear_together(either.office, group) == len(group), "what is bad will never be better: let it go"
    assert len(seen) == 1
    assert states(either, opened) == ["active_provisional"] * 2


def test_the_order_of_one_handset_is_kept_in_a_group(either: World) -> None:
    opened, radios, messages = answered(either)
    for country in ("FR", "ES", "PT"):
        radios[0].swap_sim(radios[0].handset.sim, country=country)
    messages += taken_away(either)
    assert hear_together(either.office, messages) == len(messages)
    with either.house.read() as session:
        row = store.device(session, radios[0].handset.device)
        assert (row.country, row.nonce) == ("PT", radios[0].handset.state.nonce), "the newest hello counts"
    either.found(opened[0])
    either.deliver()
    assert states(either, opened) == ["released", "active_provisional"]


def test_the_same_group_again_changes_nothing(either: World) -> None:
    opened, _, messages = answered(either)
    hear_together(either.office, messages)
    before = [len(either.steps(each.order.id)) for each in opened]
    assert hear_together(either.office, messages) == len(messages)
    assert [len(either.steps(each.order.id)) for each in opened] == before


def test_a_group_that_fails_is_tried_one_by_one(either: World) -> None:
    opened, _, messages = answered(either)
    failing = opened[0].order.id

    def fails(unit: Unit, order: LockOrderRow, event: OrderEvent) -> None:
        if order.id == failing:
            raise RuntimeError("nobody thought of this")
        either.office.moved(unit, order, event)

    assert hear_together(replace(either.office, moved=fails), messages[:1] + messages[2:3]) == 2, (
        "the bad one is let go"
    )
    assert states(either, opened) == ["queued", "active_provisional"]
    assert hear_together(either.office, messages) == len(messages)
    assert states(either, opened) == ["active_provisional"] * 2


@pytest.mark.parametrize("stored", [0, 1, 3])
def test_nothing_is_acknowledged_that_is_not_durable(
    either: World, monkeypatch: pytest.MonkeyPatch, stored: int
) -> None:
    opened, _, messages = answered(either)
    unit, calls = either.house.unit, 0

    @contextmanager
    def goes_away() -> Iterator[Unit]:
        """The group's unit and then those of single messages; the database is away again after so many."""
        nonlocal calls
        calls += 1
        if calls == 1 or calls > 1 + stored:
            raise Unavailable("database", "the database did not answer", fix="Send the same request again.")
        with unit() as opened_unit:
            yield opened_unit

    monkeypatch.setattr(either.house, "unit", goes_away)
    assert hear_together(either.office, messages) == stored
    monkeypatch.undo()
    assert hear_together(either.office, messages[stored:]) == len(messages) - stored
    assert states(either, opened) == ["active_provisional"] * 2
