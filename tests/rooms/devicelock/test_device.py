from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.kernel.errors import Rejected
from devicelock.rules.ack import AckResult
from devicelock.rules.applied import Applied
from devicelock.rules.command import Command, Op
from devicelock.rules.device import (
    SKEW_S,
    DeviceState,
    enter_code,
    greet,
    new_device,
    owes_hello,
    receive,
    unenforced,
    wake,
)
from devicelock.rules.hello import SimClass, StateCause
from devicelock.rules.unlock_code import unlock_code
from tests.rooms.devicelock.samples import DEVICE, ENTROPY, FRESH, HOUR_S, KEYS, NONCE, NOW_S, command, device

CODE_KEY = b"k" * 32


def take(state: DeviceState, asked: Command, now_s: int = NOW_S) -> tuple[DeviceState, AckResult]:
    after, ack = receive(state, asked, now_s=now_s, nonce=FRESH, entropy=ENTROPY)
    assert (ack.applied, ack.pair) == (after.applied, after.pair)
    assert (ack.command_id, ack.device, ack.at_s) == (asked.command_id, DEVICE, now_s)
    return after, ack.result


def locked(now_s: int = NOW_S) -> DeviceState:
    state, result = take(device(), command(Op.LOCK), now_s)
    assert result is AckResult.APPLIED
    return state


def test_a_good_lock_is_applied_with_pair_screen_question_and_a_new_nonce() -> None:
    state = locked()
    asked = command(Op.LOCK)
    assert (state.applied, state.cause, state.pair) == (Applied.LOCKED, StateCause.COMMAND, (1, 1))
    assert (state.nonce, state.screen, state.held_until_s) == (FRESH, asked.screen, asked.held_until_s)
    assert state.question is not None
    assert len(state.question.digits) == 8


def test_an_unlock_needs_no_nonce_and_clears_the_screen() -> None:
    state, result = take(locked(), command(Op.UNLOCK, 2))
    assert result is AckResult.APPLIED
    assert (state.applied, state.screen, state.question) == (Applied.UNLOCKED, None, None)
    assert (state.held_until_s, state.seen_s) == (None, None)


@pytest.mark.parametrize("op", [Op.LOCK, Op.UNLOCK])
def test_a_device_that_is_not_retired_keeps_both_keys(op: Op) -> None:
    assert take(device(), command(op))[0].keys == KEYS


def test_retire_destroys_the_lock_key_and_is_for_ever() -> None:
    state, result = take(locked(), command(Op.RETIRE, 2))
    assert (result, state.applied, state.keys.lock) == (AckResult.APPLIED, Applied.RETIRED, None)
    for op in (Op.LOCK, Op.UNLOCK):
        after, result = take(state, command(op, 3, nonce=state.nonce if op is Op.LOCK else None))
        assert (after, result) == (state, AckResult.REFUSED_RETIRED)
    after, result = take(state, command(Op.RETIRE, 3))
    assert (after.applied, result) == (Applied.RETIRED, AckResult.APPLIED)


@pytest.mark.parametrize("op", list(Op))
def test_a_pair_that_is_not_greater_is_stale(op: Op) -> None:
    state = device(epoch=2, counter=5)
    for epoch, counter in ((2, 5), (2, 4), (1, 9)):
        after, result = take(state, command(op, counter, epoch=epoch))
        assert (after, result) == (state, AckResult.REFUSED_STALE)
    for epoch, counter in ((2, 6), (3, 1)):
        assert take(state, command(op, counter, epoch=epoch))[1] is AckResult.APPLIED


def test_the_command_applied_last_is_answered_again_and_changes_nothing() -> None:
    state = locked()
    assert take(state, command(Op.LOCK), NOW_S) == (state, AckResult.APPLIED)


def test_a_command_of_the_same_name_and_another_pair_is_no_repeat() -> None:
    named = command(Op.LOCK).command_id
    assert take(locked(), command(Op.UNLOCK, 2, command_id=named))[0].applied is Applied.UNLOCKED
    state = take(device(), command(Op.LOCK, 2, command_id=named))[0]
    assert take(state, command(Op.UNLOCK, 1, command_id=named)) == (state, AckResult.REFUSED_STALE)


def test_a_lock_with_the_nonce_of_another_run_is_refused() -> None:
    state = device()
    assert take(state, command(Op.LOCK, nonce=b"o" * 16)) == (state, AckResult.REFUSED_NONCE)
    said, _ = greet(state, now_s=NOW_S, nonce=FRESH, client="c", country=None, sim=SimClass.UNKNOWN)
    assert take(said, command(Op.LOCK))[1] is AckResult.REFUSED_NONCE
    assert take(said, command(Op.LOCK, nonce=FRESH))[1] is AckResult.APPLIED


def test_refusals_are_decided_in_order_stale_nonce_time() -> None:
    state = device(epoch=1, counter=1)
    late = NOW_S + 2 * HOUR_S
    assert take(state, command(Op.LOCK, 1, nonce=b"o" * 16), late)[1] is AckResult.REFUSED_STALE
    assert take(state, command(Op.LOCK, 2, nonce=b"o" * 16), late)[1] is AckResult.REFUSED_NONCE
    assert take(state, command(Op.LOCK, 2), late)[1] is AckResult.REFUSED_EXPIRED


def test_a_lock_is_not_applied_after_its_not_after() -> None:
    state = device()
    assert take(state, command(Op.LOCK), NOW_S + HOUR_S)[1] is AckResult.APPLIED
    assert take(state, command(Op.LOCK), NOW_S + HOUR_S + 1) == (state, AckResult.REFUSED_EXPIRED)


@pytest.mark.parametrize("op", [Op.UNLOCK, Op.RETIRE])
def test_a_release_is_never_refused_for_its_age(op: Op) -> None:
    assert take(device(), command(op), NOW_S + 10**8)[1] is AckResult.APPLIED


def test_a_lock_releases_itself_at_held_until_and_not_before() -> None:
    state = locked()
    end = NOW_S + 72 * HOUR_S
    assert wake(state, now_s=end - 1).applied is Applied.LOCKED
    freed = wake(state, now_s=end)
    assert (freed.applied, freed.cause, freed.pair, freed.screen) == (
        Applied.UNLOCKED,
        StateCause.HELD_UNTIL,
        (1, 1),
        None,
    )


def test_a_clock_found_behind_its_own_reading_releases() -> None:
    state = wake(locked(), now_s=NOW_S + HOUR_S)
    assert wake(state, now_s=NOW_S + HOUR_S - SKEW_S).applied is Applied.LOCKED
    freed = wake(state, now_s=NOW_S + HOUR_S - SKEW_S - 1)
    assert (freed.applied, freed.cause) == (Applied.UNLOCKED, StateCause.CLOCK_DOUBT)


def test_waking_an_unlocked_or_retired_device_changes_nothing() -> None:
    for state in (device(), take(device(), command(Op.RETIRE))[0]):
        assert wake(state, now_s=0) == state == wake(state, now_s=2 * NOW_S)


@pytest.mark.parametrize("years_off", [-60, -1, 1, 100])
def test_a_device_whose_clock_is_wrong_is_still_locked_by_a_fresh_command_and_never_longer_than_signed(
    years_off: int,
) -> None:
    its_now_s = max(NOW_S + years_off * 365 * 24 * HOUR_S, 0)
    state = device(nonce_at_s=its_now_s)
    after, result = take(state, command(Op.LOCK), its_now_s + 30)
    assert (result, after.applied) == (AckResult.APPLIED, Applied.LOCKED)
    assert after.held_until_s == its_now_s + 72 * HOUR_S
    assert wake(after, now_s=its_now_s + 72 * HOUR_S).applied is Applied.UNLOCKED


def test_with_clocks_that_differ_a_lock_counts_as_issued_when_the_nonce_was_drawn() -> None:
    state = device(nonce_at_s=NOW_S + 10 * HOUR_S)
    assert take(state, command(Op.LOCK), NOW_S + 11 * HOUR_S)[1] is AckResult.APPLIED
    assert take(state, command(Op.LOCK), NOW_S + 11 * HOUR_S + 1)[1] is AckResult.REFUSED_EXPIRED


@pytest.mark.parametrize(
    ("issued_s", "counted_from_s"),
    [
        (NOW_S - 60 - SKEW_S, NOW_S - 60 - SKEW_S),
        (NOW_S - 60 - SKEW_S - 1, NOW_S - 60),
        (NOW_S + SKEW_S, NOW_S),
        (NOW_S + SKEW_S + 1, NOW_S - 60),
    ],
)
def test_five_minutes_apart_are_two_clocks_that_agree_and_a_second_more_are_not(
    issued_s: int, counted_from_s: int
) -> None:
    asked = command(Op.LOCK, issued_s=issued_s, not_after_s=issued_s + HOUR_S, held_until_s=issued_s + 2 * HOUR_S)
    state, result = take(device(nonce_at_s=NOW_S - 60), asked)
    assert (result, state.held_until_s) == (AckResult.APPLIED, counted_from_s + 2 * HOUR_S)


@given(
    drawn_s=st.integers(0, 2 * NOW_S),
    wait_s=st.integers(0, 40 * HOUR_S),
    issued_after_s=st.integers(0, 40 * HOUR_S),
    drift_s=st.integers(-(10**9), 10**9),
)
def test_however_the_clocks_differ_no_lock_holds_longer_than_its_signed_span_from_its_arrival(
    drawn_s: int, wait_s: int, issued_after_s: int, drift_s: int
) -> None:
    """True time is the server's; the device's clock is off by `drift_s` and runs true."""
    issued_s = drawn_s + min(issued_after_s, wait_s)
    asked = command(Op.LOCK, issued_s=issued_s, not_after_s=issued_s + 60 * HOUR_S, held_until_s=issued_s + 72 * HOUR_S)
    state, result = take(device(nonce_at_s=drawn_s + drift_s), asked, drawn_s + wait_s + drift_s)
    if result is AckResult.APPLIED:
        end_s = drawn_s + wait_s + 72 * HOUR_S
        assert wake(state, now_s=end_s + drift_s).applied is Applied.UNLOCKED
    if abs(drift_s) <= SKEW_S and wait_s <= 20 * HOUR_S:
        assert result is AckResult.APPLIED, "two clocks that nearly agree keep no fresh lock out"


@given(
    op=st.sampled_from(list(Op)),
    epoch=st.integers(1, 3),
    counter=st.integers(1, 3),
    nonce=st.sampled_from([NONCE, b"o" * 16]),
    now_s=st.integers(NOW_S - 10 * HOUR_S, NOW_S + 100 * HOUR_S),
    before=st.lists(st.tuples(st.sampled_from(list(Op)), st.integers(1, 3), st.integers(1, 3)), max_size=3),
)
def test_a_refused_or_repeated_command_changes_nothing(
    *, op: Op, epoch: int, counter: int, nonce: bytes, now_s: int, before: list[tuple[Op, int, int]]
) -> None:
    state = device()
    for earlier, its_epoch, its_counter in before:
        name = f"{earlier}-{its_epoch}-{its_counter}"
        state, _ = take(state, command(earlier, its_counter, epoch=its_epoch, command_id=name))
        state = replace(state, nonce=NONCE)
    asked = command(op, counter, epoch=epoch, command_id=f"{op}-{epoch}-{counter}")
    asked = replace(asked, nonce=nonce) if op is Op.LOCK else asked
    after, result = take(state, asked, now_s)
    awake = wake(state, now_s=now_s)
    if result is AckResult.APPLIED and asked.command_id != state.command_id:
        assert after.pair == asked.pair > state.pair
        assert state.applied is not Applied.RETIRED or op is Op.RETIRE
    else:
        assert after == awake


def test_a_command_for_another_device_is_rejected() -> None:
    with pytest.raises(Rejected) as refused:
        take(device(), command(Op.UNLOCK, device="dev-2"))
    assert refused.value.code == "device"


def test_what_the_platform_could_not_enforce_is_told_and_the_state_stays_as_it_was() -> None:
    before = device()
    failed = unenforced(before, command(Op.LOCK), now_s=NOW_S)
    assert (failed.result, failed.applied, failed.pair) == (AckResult.LOCK_FAILED, Applied.UNLOCKED, before.pair)
    failed = unenforced(locked(), command(Op.UNLOCK, 2), now_s=NOW_S)
    assert (failed.result, failed.applied, failed.pair) == (AckResult.UNLOCK_FAILED, Applied.LOCKED, (1, 1))


def test_every_hello_draws_a_new_nonce_and_says_what_is_applied() -> None:
    state, said = greet(locked(), now_s=NOW_S + 5, nonce=b"2" * 16, client="c 2", country="RO", sim=SimClass.OTHER)
    assert (state.nonce, state.nonce_at_s) == (b"2" * 16, NOW_S + 5)
    assert (said.applied, said.cause, said.pair) == (Applied.LOCKED, StateCause.COMMAND, (1, 1))
    assert (said.nonce, said.clock_s, said.client, said.country) == (b"2" * 16, NOW_S + 5, "c 2", "RO")


def test_a_hello_is_owed_once_the_last_nonce_is_a_day_old() -> None:
    state = device(nonce_at_s=NOW_S)
    assert not owes_hello(state, now_s=NOW_S + 24 * HOUR_S - 1)
    assert owes_hello(state, now_s=NOW_S + 24 * HOUR_S)


def test_a_hello_after_the_end_of_the_hold_says_that_it_released_itself() -> None:
    end = NOW_S + 72 * HOUR_S
    state, said = greet(locked(), now_s=end, nonce=FRESH, client="c", country=None, sim=SimClass.OWN)
    assert (state.applied, said.applied, said.cause) == (Applied.UNLOCKED, Applied.UNLOCKED, StateCause.HELD_UNTIL)


def test_the_right_code_releases_without_a_network() -> None:
    state = locked()
    assert state.question is not None
    code = unlock_code(CODE_KEY, state.question.digits, pair=state.pair)
    freed, free = enter_code(state, code, key=CODE_KEY, now_s=NOW_S, entropy=ENTROPY)
    assert (free, freed.applied, freed.cause, freed.question) == (True, Applied.UNLOCKED, StateCause.CODE, None)
    assert freed.pair == state.pair, "an older lock stays refused"
    assert take(freed, command(Op.LOCK)) == (freed, AckResult.APPLIED), "answered again, not applied again"


def test_a_wrong_code_releases_nothing_and_makes_the_next_wait() -> None:
    state = locked()
    assert state.question is not None
    right = unlock_code(CODE_KEY, state.question.digits, pair=state.pair)
    wrong = "00000000" if right != "00000000" else "00000001"
    state, free = enter_code(state, wrong, key=CODE_KEY, now_s=NOW_S, entropy=ENTROPY)
    assert not free
    assert enter_code(state, right, key=CODE_KEY, now_s=NOW_S, entropy=ENTROPY) == (state, False)
    assert enter_code(state, right, key=CODE_KEY, now_s=NOW_S + 1, entropy=ENTROPY)[1]


def test_without_a_question_no_code_is_right() -> None:
    state = replace(locked(), question=None)
    assert enter_code(state, "12345678", key=CODE_KEY, now_s=NOW_S, entropy=ENTROPY) == (state, False)


def test_a_code_on_an_unlocked_device_changes_nothing() -> None:
    assert enter_code(device(), "12345678", key=CODE_KEY, now_s=NOW_S, entropy=ENTROPY) == (device(), True)


def test_a_device_name_that_cannot_stand_in_a_topic_is_refused_at_enrolment() -> None:
    for name in ("a/b", "+", "#", "", "490154203237518"):
        with pytest.raises(Rejected):
            new_device(name, KEYS, nonce=NONCE, now_s=NOW_S)
