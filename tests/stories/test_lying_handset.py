"""Whoever has a handset, key and all, may have it say anything: that harms its own lock at most."""

from dataclasses import replace

import pytest

from devicelock.rules.ack import make_ack
from devicelock.rules.device import tell
from devicelock.rules.hello import make_hello
from devicelock.rules.order import LockRole
from devicelock.rules.signed import MAX_COUNT
from devicelock.rules.topic import Channel
from devicelock.usecases.release_group import release_group
from simulators.radio import Radio
from tests.world import World
from tests.world_parts import Opened


@pytest.fixture
def locked(world: World) -> list[tuple[Opened, Radio]]:
    """Lend two handsets that one standing authority has locked."""
    found = []
    for parcel in world.parcels[:2]:
        radio = world.handset(parcel)
        opened = world.dispute(parcel, "substituted")
        radio.switch_on()
        world.deliver()
        assert radio.handset.screen_locked
        found.append((opened, radio))
    return found


def claim(radio: Radio, channel: Channel, pair: tuple[int, int]) -> None:
    """The handset signs that it has applied a pair that nobody ever signed for it."""
    handset, (epoch, counter) = radio.handset, pair
    if channel is Channel.ACK:
        ack = replace(radio.acks[-1], epoch=epoch, counter=counter)
        radio._say(channel, make_ack(ack, handset.enrolment.signer), b"")
        return
    told = tell(handset.state, now_s=handset.now_s(), client="bent", country="GB", sim=handset.sim)
    radio._say(channel, make_hello(replace(told, epoch=epoch, counter=counter), handset.enrolment.signer), b"")


@pytest.mark.parametrize("channel", [Channel.HELLO, Channel.ACK])
@pytest.mark.parametrize("pair", [(MAX_COUNT, MAX_COUNT), (MAX_COUNT, MAX_COUNT - 1), (1, MAX_COUNT), (MAX_COUNT, 1)])
def test_a_handset_that_claims_the_last_number_there_is_keeps_no_release_of_any_from_being_signed(
    world: World, locked: list[tuple[Opened, Radio]], channel: Channel, pair: tuple[int, int]
) -> None:
    (bent, liar), (other, honest) = locked
    claim(liar, channel, pair)
    world.deliver()
    group = str(world.order(other.order.id).group)
    assert group == world.order(bent.order.id).group
    with world.house.unit() as unit:
        gone = release_group(unit, world.office, group=group, actor="agent-2", role=LockRole.AGENT)
    assert (len(gone.orders), gone.left) == (2, 0)
    world.found(bent)
    world.deliver()
    assert [radio.handset.screen_locked for radio in (liar, honest)] == [False, False]
    assert [world.order(each.order.id).state for each in (bent, other)] == ["released", "released"]
