from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.kernel.errors import Conflict, Forbidden, Rejected
from devicelock.backends.agent import held
from devicelock.rules.ack import Ack, AckResult
from devicelock.rules.applied import Applied
from devicelock.rules.command import LIFE_MAX_S, Command, Op, make_command
from devicelock.rules.desired import (
    FORGOTTEN_ORDER,
    Anchor,
    Desired,
    HelloReply,
    ShownState,
    issue,
    lapse,
    next_pair,
    reconcile,
    settle,
    shown_state,
    wish,
)
from tests.rooms.devicelock.samples import (
    AUTHORITY,
    DEVICE,
    HOUR_S,
    NONCE,
    NOW_S,
    OPERATOR,
    REASONS,
    RELEASE,
    SCREEN,
    SIGNERS,
    hello,
)

ANCHOR = Anchor(epoch=1, retired=False)
RETIRED = Anchor(epoch=1, retired=True)
UNTIL_S = NOW_S + 72 * HOUR_S
FRESH_ROW = Desired(device=DEVICE)


def wished(state: Applied, row: Desired = FRESH_ROW) -> Desired:
    until_s = UNTIL_S if state is Applied.LOCKED else None
    authority = AUTHORITY if state is Applied.LOCKED else RELEASE
    return wish(row, state, order="lock-1", authority=authority, until_s=until_s)


def issued(row: Desired, name: str = "cmd-1", **changes: Any) -> tuple[Desired, Command]:
    op = {Applied.LOCKED: Op.LOCK, Applied.UNLOCKED: Op.UNLOCK, Applied.RETIRED: Op.RETIRE}[row.state]
    options: dict[str, Any] = {
        "anchor": ANCHOR,
        "command_id": name,
        "issuer": OPERATOR,
        "now_s": NOW_S,
        "life_s": HOUR_S,
        "reason": REASONS[op],
        "nonce": NONCE,
        "screen": SCREEN,
    }
    return issue(row, **{**options, **changes})


def ack(applied: Applied, pair: tuple[int, int], *, at_s: int = NOW_S, result: AckResult = AckResult.APPLIED) -> Ack:
    return Ack(
        command_id="cmd", device=DEVICE, applied=applied, epoch=pair[0], counter=pair[1], result=result, at_s=at_s
    )


def answer(row: Desired, **changes: Any) -> tuple[Desired, HelloReply]:
    anchor = changes.pop("anchor", ANCHOR)
    return reconcile(row, hello(**changes), anchor=anchor, now_s=changes.get("clock_s", NOW_S))


@pytest.mark.parametrize("state", list(Applied))
def test_a_wish_is_issued_as_a_command_that_a_device_takes(state: Applied) -> None:
    row, made = issued(wished(state))
    assert make_command(made, SIGNERS)
    assert (made.pair, row.highest, row.issued is not None) == ((1, 1), (1, 1), True)
    assert (made.authority, made.order) == (row.authority, "lock-1")


def test_every_wish_has_a_higher_version() -> None:
    row = FRESH_ROW
    for version, state in enumerate((Applied.LOCKED, Applied.UNLOCKED, Applied.LOCKED, Applied.RETIRED), start=1):
        row = wished(state, row)
        assert row.version == version


def test_a_retired_device_is_wished_nothing_else() -> None:
    row = wished(Applied.RETIRED)
    for state in (Applied.LOCKED, Applied.UNLOCKED):
        with pytest.raises(Conflict) as refused:
            wished(state, row)
        assert refused.value.code == "retired"


def test_a_wish_to_lock_and_no_other_needs_its_end() -> None:
    with pytest.raises(Rejected):
        wish(FRESH_ROW, Applied.LOCKED, order="o", authority=AUTHORITY)
    with pytest.raises(Rejected):
        wish(FRESH_ROW, Applied.UNLOCKED, order="o", authority=RELEASE, until_s=UNTIL_S)


def test_no_lock_is_issued_for_a_device_in_the_registry_whatever_the_row_says() -> None:
    with pytest.raises(Forbidden) as refused:
        issued(wished(Applied.LOCKED), anchor=RETIRED)
    assert refused.value.code == "retired"
    assert issued(wished(Applied.UNLOCKED), anchor=RETIRED)
    assert issued(wished(Applied.RETIRED), anchor=RETIRED)


def test_no_lock_is_issued_past_its_hour_without_a_nonce_or_without_a_wish() -> None:
    for code, row, changes in (
        ("lapsed", wished(Applied.LOCKED), {"now_s": UNTIL_S}),
        ("nonce", wished(Applied.LOCKED), {"nonce": None}),
        ("wish", FRESH_ROW, {}),
    ):
        with pytest.raises(Conflict) as refused:
            issued(row, **changes)
        assert refused.value.code == code


def test_a_lock_lives_no_longer_than_allowed_nor_than_its_wish() -> None:
    assert issued(wished(Applied.LOCKED), life_s=10 * LIFE_MAX_S)[1].not_after_s == NOW_S + LIFE_MAX_S
    late = issued(wished(Applied.LOCKED), now_s=UNTIL_S - 60)[1]
    assert (late.not_after_s, late.held_until_s) == (UNTIL_S, UNTIL_S)


def test_a_new_pair_is_above_everything_issued_and_everything_reported() -> None:
    row, _ = issued(wished(Applied.UNLOCKED))
    assert next_pair(row, ANCHOR) == (1, 2)
    assert next_pair(row, Anchor(epoch=2, retired=False)) == (2, 1)
    heard = settle(row, ack(Applied.LOCKED, (1, 9)))
    assert next_pair(heard, ANCHOR) == (1, 10)
    ahead = settle(row, ack(Applied.LOCKED, (5, 3)))
    assert next_pair(ahead, ANCHOR) == (5, 4), "even when the epoch was lost"


def test_a_wish_to_lock_lapses_into_a_wish_to_unlock() -> None:
    row = wished(Applied.LOCKED)
    assert lapse(row, now_s=UNTIL_S - 1) == row
    over = lapse(row, now_s=UNTIL_S)
    assert (over.state, over.version, over.order, over.until_s) == (Applied.UNLOCKED, 2, "lock-1", None)


def test_nothing_is_said_to_a_device_of_which_nothing_is_wished() -> None:
    assert answer(FRESH_ROW)[1] is HelloReply.NOTHING


def test_a_hello_brings_a_waiting_lock_signed_anew_each_time() -> None:
    row = wished(Applied.LOCKED)
    assert answer(row)[1] is HelloReply.SIGN
    row, _ = issued(row)
    assert answer(row, nonce=b"2" * 16)[1] is HelloReply.SIGN, "the one in the broker carries an old nonce"


def test_a_hello_that_says_the_nonce_of_the_lock_on_its_way_brings_that_again_while_it_may_be_applied() -> None:
    row, made = issued(wished(Applied.LOCKED))
    assert answer(row, nonce=NONCE)[1] is HelloReply.RESEND
    assert answer(row, nonce=NONCE, clock_s=made.not_after_s - 1)[1] is HelloReply.RESEND
    assert answer(row, nonce=NONCE, clock_s=made.not_after_s)[1] is HelloReply.SIGN
    assert answer(row, nonce=NONCE, epoch=1, counter=1)[1] is HelloReply.SIGN, "that pair is used up"
    assert answer(wished(Applied.LOCKED, row), nonce=NONCE)[1] is HelloReply.SIGN, "a new wish"
    stored = replace(row, issued=replace(row.issued, nonce=None)) if row.issued else row
    assert answer(stored, nonce=NONCE)[1] is HelloReply.SIGN, "of a version that did not keep it"


def test_a_hello_brings_a_waiting_release_again_as_it_was_signed() -> None:
    for state in (Applied.UNLOCKED, Applied.RETIRED):
        row, _ = issued(wished(state))
        assert answer(row, applied=Applied.LOCKED)[1] is HelloReply.RESEND
        assert answer(row, applied=Applied.LOCKED, epoch=1, counter=1)[1] is HelloReply.SIGN, "that pair is used up"


def test_a_device_that_shows_the_wish_for_the_newest_command_is_left_alone() -> None:
    for state in Applied:
        row, _ = issued(wished(state))
        assert answer(row, applied=state, epoch=1, counter=1)[1] is HelloReply.NOTHING


def test_an_unlocked_device_still_gets_the_release_that_outruns_a_lock_in_flight() -> None:
    row, _ = issued(wished(Applied.LOCKED))
    row = wished(Applied.UNLOCKED, row)
    assert answer(row)[1] is HelloReply.SIGN
    row, _ = issued(row, "cmd-2")
    assert answer(row)[1] is HelloReply.RESEND
    assert answer(row, epoch=1, counter=2)[1] is HelloReply.NOTHING


def test_a_device_that_released_itself_while_the_lock_stands_gets_it_back() -> None:
    row, _ = issued(wished(Applied.LOCKED))
    assert answer(row, applied=Applied.UNLOCKED, epoch=1, counter=1)[1] is HelloReply.SIGN


def test_after_its_hour_a_lock_is_answered_with_a_release() -> None:
    row, _ = issued(wished(Applied.LOCKED))
    row, step = answer(row, applied=Applied.LOCKED, epoch=1, counter=1, clock_s=UNTIL_S)
    assert (row.state, step) == (Applied.UNLOCKED, HelloReply.SIGN)


def test_a_lock_that_no_order_accounts_for_is_released() -> None:
    row, step = answer(FRESH_ROW, applied=Applied.LOCKED, epoch=1, counter=4)
    assert (row.state, row.order, step) == (Applied.UNLOCKED, FORGOTTEN_ORDER, HelloReply.SIGN)
    assert issued(row)[1].pair == (1, 5)


def test_a_device_that_shows_retired_is_retired_whatever_was_wished() -> None:
    for row in (FRESH_ROW, wished(Applied.LOCKED), wished(Applied.UNLOCKED)):
        after, step = answer(row, applied=Applied.RETIRED, epoch=1, counter=1)
        assert (after.state, step) == (Applied.RETIRED, HelloReply.NOTHING)
        assert settle(row, ack(Applied.RETIRED, (1, 1))).state is Applied.RETIRED


def test_a_device_in_the_registry_is_told_to_retire_though_the_row_forgot() -> None:
    row, step = answer(wished(Applied.LOCKED), anchor=RETIRED, applied=Applied.LOCKED, epoch=1, counter=1)
    assert (row.state, step) == (Applied.RETIRED, HelloReply.SIGN)


def test_a_state_is_shown_only_when_the_device_has_shown_it_for_the_newest_command() -> None:
    row = wished(Applied.LOCKED)
    assert (shown_state(FRESH_ROW), shown_state(row)) == (ShownState.IDLE, ShownState.WAITING)
    assert shown_state(settle(row, ack(Applied.LOCKED, (1, 3)))) is ShownState.WAITING, (
        "locked by whom, nobody here knows"
    )
    assert shown_state(settle(FRESH_ROW, ack(Applied.UNLOCKED, (0, 0)))) is ShownState.UNLOCKED
    assert shown_state(settle(row, ack(Applied.RETIRED, (1, 3)))) is ShownState.RETIRED
    row, _ = issued(row)
    assert shown_state(row) is ShownState.SENT
    assert shown_state(settle(row, ack(Applied.UNLOCKED, (1, 1)))) is ShownState.SENT, (
        "left by itself since, as by a code"
    )
    assert shown_state(settle(row, ack(Applied.UNLOCKED, (0, 0), result=AckResult.REFUSED_NONCE))) is ShownState.SENT
    row = settle(row, ack(Applied.LOCKED, (1, 1)))
    assert shown_state(row) is ShownState.LOCKED
    row = wished(Applied.UNLOCKED, row)
    assert shown_state(row) is ShownState.WAITING
    row, _ = issued(row, "cmd-2")
    assert shown_state(row) is ShownState.SENT
    assert shown_state(settle(row, ack(Applied.UNLOCKED, (1, 2)))) is ShownState.UNLOCKED


def test_the_agent_backend_says_applied_only_when_it_is_known() -> None:
    row, _ = issued(wished(Applied.LOCKED))
    assert (held(row).desired, held(row).applied, held(row).last_seen_ms) == (Applied.LOCKED, None, None)
    old = settle(row, ack(Applied.UNLOCKED, (0, 0)))
    assert (held(old).applied, held(old).last_seen_ms) == (None, NOW_S * 1000)
    assert held(settle(row, ack(Applied.LOCKED, (1, 1)))).applied is Applied.LOCKED


def test_an_answer_of_another_device_does_not_touch_the_row() -> None:
    with pytest.raises(Rejected) as refused:
        settle(FRESH_ROW, replace(ack(Applied.LOCKED, (1, 1)), device="dev-2"))
    assert refused.value.code == "device"


answers = st.builds(
    lambda applied, epoch, counter, at_s: ack(applied, (epoch, counter), at_s=NOW_S + at_s),
    st.sampled_from(Applied),
    st.integers(0, 2),
    st.integers(0, 3),
    st.integers(0, 3),
)
rows = st.sampled_from([FRESH_ROW, wished(Applied.LOCKED), *(issued(wished(state))[0] for state in Applied)])


def settled(row: Desired, given_answers: Sequence[Ack]) -> Desired:
    return reduce(settle, given_answers, row)


@given(rows, st.lists(answers, max_size=6), st.randoms(use_true_random=False))
def test_answers_settle_to_the_same_row_in_any_order_and_however_often(
    row: Desired, given_answers: list[Ack], random: Any
) -> None:
    shuffled = [*given_answers, *given_answers[:3]]
    random.shuffle(shuffled)
    assert settled(row, shuffled) == settled(row, given_answers)


@given(rows, st.lists(answers, max_size=6))
def test_a_late_answer_never_takes_a_row_backwards(row: Desired, given_answers: list[Ack]) -> None:
    seen = row.seen
    for given_answer in given_answers:
        row = settle(row, given_answer)
        assert row.seen is not None
        if seen is not None and seen.applied is not Applied.RETIRED:
            assert row.seen.pair >= seen.pair or row.seen.applied is Applied.RETIRED
        assert row.highest >= given_answer.pair
        seen = row.seen


@given(rows, st.lists(answers, max_size=4))
def test_the_next_pair_is_never_stale_for_any_state_the_device_ever_reported(
    row: Desired, given_answers: list[Ack]
) -> None:
    after = settled(row, given_answers)
    for anchor in (ANCHOR, Anchor(epoch=3, retired=False)):
        assert all(next_pair(after, anchor) > given_answer.pair for given_answer in given_answers)


def test_what_was_shown_for_an_earlier_wish_says_nothing_of_this_one() -> None:
    row, _ = issued(wished(Applied.LOCKED))
    row = settle(row, ack(Applied.LOCKED, (1, 1)))
    assert shown_state(wished(Applied.LOCKED, row)) is ShownState.WAITING


def test_a_retired_device_is_shown_so_whatever_was_sent_to_it_since() -> None:
    row, _ = issued(wished(Applied.RETIRED))
    assert shown_state(settle(row, ack(Applied.RETIRED, (0, 0)))) is ShownState.RETIRED


@pytest.mark.parametrize("order", ["", "a b", "x" * 200])
def test_a_wish_is_made_for_an_order_that_has_a_name(order: str) -> None:
    with pytest.raises(Rejected):
        wish(FRESH_ROW, Applied.UNLOCKED, order=order, authority=RELEASE)
