"""What every back-end keeps, whatever its other side is like."""

import contextlib
from pathlib import Path

import pytest

from custody.kernel.clock import DAY_MS, HOUR_MS
from custody.kernel.errors import Unavailable
from devicelock.backends.book import Wish
from devicelock.backends.contract import Backend, BackendAnswer, Capabilities, Ref
from devicelock.rules.applied import Applied
from devicelock.usecases.wish_book import TableBook
from tests.contracts_backends.backend_bench import HEARD, MAKERS, RELEASED, SCREEN, START_MS, Bench, Fault
from tests.contracts_store.houses import begin, open_house

NOT_AFTER_MS = START_MS + DAY_MS


def ref(bench: Bench, version: int, order: str = "lock-1", handset: str | None = None) -> Ref:
    return Ref(handset=handset or bench.handset, order=order, version=version)


def lock(bench: Bench, version: int = 1, order: str = "lock-1") -> BackendAnswer:
    answer = bench.backend.lock(ref(bench, version, order), screen=SCREEN, not_after_ms=NOT_AFTER_MS)
    bench.push()
    return answer


def settle(bench: Bench) -> None:
    """Let both sides do what is left to do."""
    for _ in range(3):
        bench.push()
        bench.ask_again()
        bench.apply()


def test_it_is_a_backend_and_says_what_it_can_keep(bench: Bench) -> None:
    backend: Backend = bench.backend
    assert backend.name
    assert isinstance(backend.capabilities(), Capabilities)


def test_nothing_was_wished_of_a_handset_that_was_never_named(bench: Bench) -> None:
    held = bench.backend.state(bench.handset)
    assert (held.desired, held.applied, held.last_seen_ms) == (Applied.UNLOCKED, None, None)


def test_a_lock_is_never_shown_before_the_other_side_confirms_it(bench: Bench) -> None:
    assert lock(bench) is BackendAnswer.TAKEN
    held = bench.backend.state(bench.handset)
    assert held.desired is Applied.LOCKED
    assert held.applied is not Applied.LOCKED
    bench.apply()
    assert bench.backend.state(bench.handset).applied is Applied.LOCKED


def test_the_same_lock_twice_is_one_lock_and_one_answer(bench: Bench) -> None:
    assert lock(bench) is BackendAnswer.TAKEN
    sent = len(bench.other.calls)
    assert lock(bench) is BackendAnswer.TAKEN
    assert len(bench.other.calls) == sent
    bench.apply()
    assert lock(bench) is BackendAnswer.TAKEN
    assert len(bench.other.calls) == sent


def test_an_unlock_without_a_lock_is_taken_and_leaves_the_device_free(bench: Bench) -> None:
    assert bench.backend.unlock(ref(bench, 1)) is BackendAnswer.TAKEN
    settle(bench)
    assert not bench.locked()
    assert bench.backend.state(bench.handset).desired is Applied.UNLOCKED


def test_an_unlock_sets_a_locked_device_free(bench: Bench) -> None:
    lock(bench)
    bench.apply()
    assert bench.backend.unlock(ref(bench, 2)) is BackendAnswer.TAKEN
    assert bench.backend.state(bench.handset).applied is not Applied.UNLOCKED
    assert not bench.locked()
    bench.apply()
    assert bench.backend.state(bench.handset).applied in RELEASED


def test_a_lock_older_than_the_newest_wish_is_refused(bench: Bench) -> None:
    bench.backend.unlock(ref(bench, 5))
    assert lock(bench, version=4) is BackendAnswer.REFUSED
    assert lock(bench, version=5) is BackendAnswer.REFUSED
    assert not bench.locked()


def test_a_release_is_never_refused_for_its_version(bench: Bench) -> None:
    lock(bench, version=5)
    bench.apply()
    assert bench.backend.unlock(ref(bench, 2)) in HEARD
    settle(bench)
    assert not bench.locked()


def test_a_cancelled_lock_locks_nothing(bench: Bench) -> None:
    lock(bench)
    assert bench.backend.cancel(ref(bench, 1)) in HEARD
    settle(bench)
    assert not bench.locked()
    assert bench.backend.state(bench.handset).desired is Applied.UNLOCKED


def test_cancelling_an_older_wish_does_not_touch_the_newer_one(bench: Bench) -> None:
    lock(bench, version=1)
    lock(bench, version=2)
    assert bench.backend.cancel(ref(bench, 1)) is BackendAnswer.TAKEN
    assert bench.locked()


def test_a_release_cannot_be_cancelled(bench: Bench) -> None:
    bench.backend.unlock(ref(bench, 3))
    assert bench.backend.cancel(ref(bench, 3)) is BackendAnswer.REFUSED


def test_an_unknown_device_is_said_to_be_unknown_and_no_lock_is_wished_of_it(bench: Bench) -> None:
    asked = ref(bench, 1, handset=bench.unknown)
    answer = bench.backend.lock(asked, screen=SCREEN, not_after_ms=NOT_AFTER_MS)
    assert answer is BackendAnswer.UNKNOWN_DEVICE
    held = bench.backend.state(bench.unknown)
    assert (held.desired, held.applied) == (Applied.UNLOCKED, None)


@pytest.mark.parametrize("fault", list(Fault))
def test_after_a_failed_lock_the_same_call_brings_it_about_once(bench: Bench, fault: Fault) -> None:
    bench.other.fault = fault
    with pytest.raises(Unavailable):
        lock(bench)
    assert bench.backend.state(bench.handset).applied is not Applied.LOCKED
    assert lock(bench) is BackendAnswer.TAKEN
    bench.apply()
    assert bench.backend.state(bench.handset).applied is Applied.LOCKED


@pytest.mark.parametrize("fault", list(Fault))
def test_after_a_failed_release_the_same_call_brings_it_about(bench: Bench, fault: Fault) -> None:
    lock(bench)
    bench.apply()
    bench.other.fault = fault
    with pytest.raises(Unavailable):
        bench.backend.unlock(ref(bench, 2))
    assert bench.backend.state(bench.handset).desired is Applied.UNLOCKED
    assert bench.backend.state(bench.handset).applied is not Applied.UNLOCKED
    assert bench.backend.unlock(ref(bench, 2)) is BackendAnswer.TAKEN
    bench.apply()
    assert bench.backend.state(bench.handset).applied in RELEASED


@pytest.mark.parametrize("fault", [Fault.TOO_MANY, Fault.BROKEN])
def test_a_busy_side_is_unavailable_and_no_word_about_the_device(bench: Bench, fault: Fault) -> None:
    bench.other.fault = fault
    with pytest.raises(Unavailable) as caught:
        lock(bench)
    assert caught.value.fix


def test_what_was_not_taken_is_asked_again_by_itself(bench: Bench) -> None:
    lock(bench)
    bench.apply()
    bench.other.fault = Fault.NOT_APPLIED
    with pytest.raises(Unavailable):
        bench.backend.unlock(ref(bench, 2))
    assert bench.ask_again() == [(bench.handset, BackendAnswer.TAKEN)]
    assert bench.ask_again() == []
    assert not bench.locked()


@pytest.mark.parametrize("skew_ms", [-2 * HOUR_MS, 2 * HOUR_MS])
def test_the_other_sides_clock_changes_neither_state_nor_order(bench: Bench, skew_ms: int) -> None:
    bench.other.skew_ms = skew_ms
    lock(bench)
    bench.apply()
    held = bench.backend.state(bench.handset)
    assert held.applied is Applied.LOCKED
    assert held.last_seen_ms is None or held.last_seen_ms <= bench.clock.now_ms()
    bench.backend.unlock(ref(bench, 2))
    bench.apply()
    assert bench.backend.state(bench.handset).applied in RELEASED


def test_our_own_clock_turned_back_takes_no_release_back(bench: Bench) -> None:
    lock(bench)
    bench.apply()
    bench.backend.unlock(ref(bench, 2))
    bench.clock.at_ms -= 10 * DAY_MS
    settle(bench)
    assert not bench.locked()
    assert bench.backend.state(bench.handset).desired is Applied.UNLOCKED


def test_a_lock_asked_for_too_late_is_refused(bench: Bench) -> None:
    bench.clock.at_ms = NOT_AFTER_MS
    assert lock(bench) is BackendAnswer.REFUSED
    assert bench.other.calls == []


def test_a_lock_that_was_not_shown_in_time_is_a_release_that_is_sent(bench: Bench) -> None:
    lock(bench)
    bench.clock.at_ms = NOT_AFTER_MS
    assert bench.backend.state(bench.handset).desired is Applied.UNLOCKED
    settle(bench)
    assert not bench.locked()


def test_a_lock_that_the_device_applies_after_its_time_is_released(bench: Bench) -> None:
    lock(bench)
    bench.clock.at_ms = NOT_AFTER_MS + 1
    bench.apply()
    bench.backend.state(bench.handset)
    settle(bench)
    assert not bench.locked()
    assert bench.backend.state(bench.handset).desired is Applied.UNLOCKED


def test_a_lock_that_was_shown_is_said_again_after_the_time_in_which_it_had_to_be_shown(bench: Bench) -> None:
    lock(bench)
    bench.apply()
    assert bench.backend.state(bench.handset).applied is Applied.LOCKED
    bench.clock.at_ms = NOT_AFTER_MS + 1
    assert bench.backend.reassert(bench.handset) is BackendAnswer.TAKEN
    assert bench.backend.state(bench.handset).desired is Applied.LOCKED
    assert bench.locked()


def test_a_lock_ends_at_the_deadline_on_its_screen(bench: Bench) -> None:
    lock(bench)
    bench.apply()
    assert bench.backend.state(bench.handset).applied is Applied.LOCKED
    bench.clock.at_ms = SCREEN.deadline_s * 1000
    settle(bench)
    assert not bench.locked()
    assert bench.backend.state(bench.handset).desired is Applied.UNLOCKED


def test_a_retired_device_is_free_and_never_locked_again(bench: Bench) -> None:
    lock(bench)
    bench.apply()
    assert bench.backend.retire(ref(bench, 2)) in HEARD
    settle(bench)
    assert not bench.locked()
    held = bench.backend.state(bench.handset)
    assert held.desired is Applied.RETIRED
    assert held.applied in RELEASED
    assert lock(bench, version=9, order="lock-9") is BackendAnswer.REFUSED
    assert bench.backend.unlock(ref(bench, 10)) in HEARD
    assert bench.backend.state(bench.handset).desired is Applied.RETIRED
    assert not bench.locked()


def test_a_device_is_retired_here_even_if_the_other_side_never_heard_of_it(bench: Bench) -> None:
    bench.backend.unlock(ref(bench, 1))
    bench.other.fault = Fault.NOT_APPLIED
    with contextlib.suppress(Unavailable):
        bench.backend.retire(ref(bench, 2))
    assert lock(bench, version=3) is BackendAnswer.REFUSED


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_a_restart_forgets_neither_a_wish_nor_a_retirement(name: str, tmp_path: Path, sqlite_url: str) -> None:
    house = open_house(sqlite_url)
    begin(house)
    bench = MAKERS[name](tmp_path, TableBook(house, name))
    bench.other.fault = Fault.NOT_APPLIED
    with pytest.raises(Unavailable):
        lock(bench)
    bench.book = TableBook(house, name)
    bench.backend = bench.make()
    assert bench.backend.state(bench.handset).desired is Applied.LOCKED
    settle(bench)
    assert bench.backend.state(bench.handset).applied is Applied.LOCKED
    bench.backend.retire(ref(bench, 2))
    bench.book = TableBook(house, name)
    bench.backend = bench.make()
    assert lock(bench, version=3) is BackendAnswer.REFUSED
    house.engine.dispose()


def test_a_book_is_read_again_as_it_was_left(database_url: str) -> None:
    house = open_house(database_url)
    begin(house)
    book, other = TableBook(house, "one"), TableBook(house, "other")
    for handset, state, version in (("a", Applied.LOCKED, 1), ("b", Applied.LOCKED, 1), ("a", Applied.RETIRED, 2)):
        book.put(Wish(handset=handset, state=state, order="lock-1", version=version, screen=SCREEN))
    other.put(Wish(handset="a", state=Applied.UNLOCKED, order="lock-2", version=7))
    book.put(Wish(handset="c", state=Applied.LOCKED, order="lock-1", version=1))
    book.drop("c")
    book.drop("never there")
    again = TableBook(house, "one")
    assert [(wish.handset, wish.state, wish.version) for wish in again] == [
        ("a", Applied.RETIRED, 2),
        ("b", Applied.LOCKED, 1),
    ]
    assert again.get("b") == Wish(handset="b", state=Applied.LOCKED, order="lock-1", version=1, screen=SCREEN)
    assert again.get("c") is None
    house.engine.dispose()


def test_a_side_that_forgot_is_told_again_on_a_sign_of_life(bench: Bench) -> None:
    assert bench.backend.reassert(bench.handset) is None
    lock(bench)
    bench.apply()
    assert bench.backend.reassert(bench.handset) is BackendAnswer.TAKEN
    bench.apply()
    assert bench.locked()
    assert bench.backend.state(bench.handset).applied is Applied.LOCKED
