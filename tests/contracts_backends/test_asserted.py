"""The rules of the contract under any order of calls, faults and answers, and when two calls overtake each other."""

import contextlib
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.kernel.clock import DAY_MS
from custody.kernel.errors import Unavailable
from devicelock.backends.asserted import Sent
from devicelock.backends.book import Wish
from devicelock.backends.contract import BackendAnswer, Ref
from devicelock.rules.applied import Applied
from tests.contracts_backends.backend_bench import MAKERS, RELEASED, SCREEN, Bench, Fault, MemoryBench

ACTS = st.sampled_from(
    ["lock", "old lock", "unlock", "old unlock", "cancel", "apply", "ask again", "state", "reassert"]
)
STEPS = st.lists(st.tuples(ACTS, st.sampled_from([None, *Fault])), max_size=14)


class Player:
    """Plays acts on a back-end and remembers what was decided last."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.version = 0
        self.wished = Applied.UNLOCKED
        self.retired = False

    def play(self, act: str, fault: Fault | None) -> None:
        self.bench.other.fault = fault
        with contextlib.suppress(Unavailable):
            self._do(act)
        self.bench.other.fault = None
        with contextlib.suppress(Unavailable):
            held = self.bench.backend.state(self.bench.handset)
            assert held.desired is (Applied.RETIRED if self.retired else self.wished)
            if self.retired:
                assert self.lock(self.version + 100) is BackendAnswer.REFUSED

    def lock(self, version: int) -> BackendAnswer:
        asked = Ref(handset=self.bench.handset, order="lock-1", version=version)
        answer = self.bench.backend.lock(asked, screen=SCREEN, not_after_ms=self.bench.clock.at_ms + DAY_MS)
        self.bench.push()
        return answer

    def _do(self, act: str) -> None:
        backend, handset = self.bench.backend, self.bench.handset
        now = Ref(handset=handset, order="lock-1", version=self.version)
        if act == "lock":
            self.version += 1
            self.wished = self.wished if self.retired else Applied.LOCKED
            self.lock(self.version)
        elif act == "old lock" and self.version and self.wished is Applied.UNLOCKED:
            assert self.lock(self.version) is BackendAnswer.REFUSED
        elif act in {"unlock", "old unlock", "retire"}:
            self.version += act != "old unlock"
            self.wished = Applied.UNLOCKED
            self.retired = self.retired or act == "retire"
            asked = Ref(handset=handset, order="lock-1", version=self.version)
            (backend.retire if act == "retire" else backend.unlock)(asked)
        elif act == "cancel" and self.wished is Applied.LOCKED:
            self.wished = Applied.UNLOCKED
            backend.cancel(now)
        elif act == "reassert":
            backend.reassert(handset)
        elif act == "ask again":
            self.bench.ask_again()
        elif act == "apply":
            self.bench.apply()
        else:
            backend.state(handset)


@pytest.mark.parametrize("name", sorted(MAKERS))
@settings(max_examples=60)
@given(steps=STEPS, retire_at=st.none() | st.integers(0, 13))
def test_when_faults_stop_the_other_side_holds_the_newest_wish(
    name: str, steps: list[tuple[str, Fault | None]], retire_at: int | None
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        player = Player(MAKERS[name](Path(folder), None))
        for number, (act, fault) in enumerate(steps):
            player.play("retire" if number == retire_at else act, fault)
        bench = player.bench
        for _ in range(3):
            bench.push()
            bench.ask_again()
            bench.apply()
        wish = bench.book.get(bench.handset)
        if wish is None:
            assert not bench.locked()
            return
        held = bench.backend.state(bench.handset)
        locked = player.wished is Applied.LOCKED and not player.retired
        assert (held.desired is Applied.LOCKED) == locked
        assert bench.locked() == locked
        assert held.applied is Applied.LOCKED if locked else held.applied in {*RELEASED, None}


class Overtaken(MemoryBench):
    """While a lock is on its way, a release is asked for and gets there first."""

    hurry = True

    def send(self, wish: Wish) -> Sent:
        if wish.state is Applied.LOCKED and self.hurry:
            self.hurry = False
            self.backend.unlock(Ref(handset=self.handset, order="lock-1", version=2))
        return super().send(wish)


def test_a_release_that_overtakes_a_lock_stands_last_on_the_other_side() -> None:
    bench = Overtaken()
    bench.backend.lock(
        Ref(handset=bench.handset, order="lock-1", version=1),
        screen=SCREEN,
        not_after_ms=bench.clock.at_ms + DAY_MS,
    )
    assert not bench.locked()
    assert bench.backend.state(bench.handset).desired is Applied.UNLOCKED
