"""Orders that several lock systems carry, under any order of acts, faults, crashes and restarts.

Whatever happened, once faults stop every lock system holds what the order wishes and nothing else: no lock that is not
wished, no release that is not over, no name used for two wishes.
"""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.kernel.clock import HOUR_MS, MINUTE_MS
from devicelock.backends.android import NAME as ANDROID
from devicelock.backends.nanomdm import NAME as NANOMDM
from devicelock.rules.applied import Applied
from devicelock.usecases import carry_parts
from devicelock.usecases.carry_parts import LEASE_MS
from tests.contracts_backends.backend_bench import Fault
from tests.stories.other_locks import OtherLocks
from tests.world import World, same_world

ACTS = ("carry", "apply", "found", "hour", "restart", "stop locks", "allow locks", "enrol", "confirm", "switch on")
CRASHES = (None, "ask", "remember")
STEPS = st.lists(
    st.tuples(st.sampled_from(ACTS), st.sampled_from([None, *Fault]), st.sampled_from(CRASHES)), max_size=12
)
LIVE = {"queued", "active_provisional", "active_confirmed"}


class Killed(BaseException):
    """The process ends here."""


@contextlib.contextmanager
def dying(where: str | None) -> Iterator[None]:
    """The process dies where it would ask, or where it would remember."""

    def die(*_facts: object, **_named: object) -> None:
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        if where is not None:
            patch.setattr(carry_parts, where, die)
        yield


class Player:
    """Plays acts on a world with two lock systems beside our agent."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.radio = world.handset(world.parcels[0])
        self.others = OtherLocks(world, ANDROID, NANOMDM)
        self.others.know(self.radio)
        self.opened = world.dispute(world.parcels[0], "substituted")
        self.stopped = False
        self.acts: dict[str, Callable[[], None]] = {
            "carry": self.others.carry,
            "apply": self.apply,
            "found": lambda: world.found(self.opened),
            "hour": lambda: world.step(HOUR_MS),
            "restart": self.restart,
            "stop locks": lambda: self.switch(on=True),
            "allow locks": lambda: self.switch(on=False),
            "enrol": self.enrol,
            "confirm": self.confirm,
            "switch on": self.switch_on,
        }

    @property
    def state(self) -> str:
        return self.world.order(self.opened.order.id).state

    def play(self, act: str, fault: Fault | None, crash: str | None) -> None:
        for bench in self.others.benches.values():
            bench.other.fault = fault
        try:
            with dying(crash if act == "carry" else None):
                self.acts[act]()
        except Killed:
            self.restart()
        for bench in self.others.benches.values():
            bench.other.fault = None

    def apply(self) -> None:
        for bench in self.others.benches.values():
            bench.apply()

    def restart(self) -> None:
        """Another process, which may carry when the lease of the one that died has run out."""
        self.world.restart()
        self.others.attach()
        self.world.clock.at_ms += LEASE_MS

    def switch(self, *, on: bool) -> None:
        if on is not self.stopped:
            self.world.throw_switch(on=on, by="supervisor-1" if on else "supervisor-2")
            self.stopped = on

    def enrol(self) -> None:
        bench = self.others.nanomdm
        self.others.post(bench.event("mdm.Authenticate"))
        bench.queue.clear()
        bench.lost = False
        self.others.post(bench.event("mdm.TokenUpdate"))

    def confirm(self) -> None:
        if self.state == "active_provisional" and not self.stopped:
            for who in ("investigator-1", "supervisor-1"):
                with contextlib.suppress(Exception):  # a wrong lock of before may have paused its group
                    self.world.confirm(self.opened, who)

    def switch_on(self) -> None:
        if not self.radio.handset.on:
            self.radio.switch_on()
        self.world.deliver()

    def settle(self) -> None:
        """Faults stop, people have looked, the handset is on, and time passes."""
        self.switch(on=False)
        self.world.clear_groups()
        self.switch_on()
        for _ in range(3):
            self.others.settle()


@pytest.mark.slow
@settings(max_examples=8)
@given(steps=STEPS)
def test_when_faults_stop_every_lock_system_holds_what_the_order_wishes(
    travelled: World, tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, Fault | None, str | None]]
) -> None:
    folder: Path = tmp_path_factory.mktemp("stateful")
    world = same_world(travelled, folder / "world")
    player = Player(world)
    for act, fault, crash in steps:
        player.play(act, fault, crash)
        shown = player.others.show(player.opened.order.id)
        assert not (player.state == "queued" and any(part.applied is Applied.LOCKED for part in shown.values()))
    player.settle()
    wished = player.state in LIVE
    assert player.state in LIVE | {"released"}
    assert {bench.locked() for bench in player.others.benches.values()} == {wished}
    shown = player.others.show(player.opened.order.id)
    for name in (ANDROID, NANOMDM):
        if name in shown:
            assert (shown[name].desired is Applied.LOCKED) is wished
            assert shown[name].open is None
    world.step(MINUTE_MS)
    world.audit()
    world.close()
