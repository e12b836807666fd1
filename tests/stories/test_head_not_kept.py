"""Stories in pairs: the head of the log cannot be kept outside the database, as on a full disk, and it can."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from api.process.heads import HeadKeeper
from custody.store.head_file import HeadFile
from devicelock.usecases.relay import Relay
from tests.world import World
from tests.world_parts import ORIGIN, key

KEPT = pytest.mark.parametrize("kept", [False, True], ids=["not kept", "kept"])


@contextmanager
def heads(world: World, *, kept: bool) -> Iterator[None]:
    """The relay keeps the head before it carries, as that of a service does; meanwhile it may not be able to."""
    file = HeadFile(world.folder / "heads", origin=ORIGIN, key=key("log").public)
    world.relay = Relay(world.house, world.line, may_leave=HeadKeeper(world.house, file).is_kept)
    if kept:
        yield
        return
    file.path.mkdir()  # in its way
    yield
    file.path.rmdir()


@KEPT
def test_a_lock_waits_until_the_head_is_kept(
    world: World,
    kept: bool,  # noqa: FBT001 - the pair that is told
) -> None:
    radio = world.switched_on(world.parcels[0])
    with heads(world, kept=kept):
        opened = world.dispute(world.parcels[0], "substituted")
        world.deliver()
        assert radio.handset.screen_locked is kept
        assert world.order(opened.order.id).state == ("active_provisional" if kept else "queued")
    world.deliver()
    assert radio.handset.screen_locked
    assert world.order(opened.order.id).state == "active_provisional"


@KEPT
def test_a_handset_is_set_free_without_waiting_for_it(
    world: World,
    kept: bool,  # noqa: FBT001 - the pair that is told
) -> None:
    opened, radio = world.locked_elsewhere()
    with heads(world, kept=kept):
        world.found(opened)
        world.deliver()
        assert not radio.handset.screen_locked
        assert world.order(opened.order.id).state == "released"


@KEPT
def test_a_lock_that_was_taken_back_while_it_waited_never_leaves(
    world: World,
    kept: bool,  # noqa: FBT001 - the pair that is told
) -> None:
    radio = world.switched_on(world.parcels[0])
    with heads(world, kept=kept):
        opened = world.dispute(world.parcels[0], "substituted")
        world.deliver()
        world.found(opened)
        world.deliver()
    world.deliver()
    assert not radio.handset.screen_locked
    assert world.order(opened.order.id).state == "released"
    assert [ack.applied.value for ack in radio.acks if ack.applied == "locked"] == (["locked"] if kept else [])


@KEPT
def test_a_handset_that_comes_home_locked_after_its_release_is_freed(
    world: World,
    kept: bool,  # noqa: FBT001 - the pair that is told
) -> None:
    """What its hello calls for is signed anew, and that is urgent as well."""
    opened, radio = world.locked_elsewhere()
    radio.switch_off()
    world.found(opened)
    world.relay.carry()
    world.waiting(radio.handset.device).clear()
    with heads(world, kept=kept):
        radio.switch_on()
        world.deliver()
        assert not radio.handset.screen_locked
