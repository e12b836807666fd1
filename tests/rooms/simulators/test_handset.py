from collections.abc import Callable

import pytest

from custody.kernel.errors import Forbidden, Rejected
from devicelock.rules.ack import AckResult, open_ack
from devicelock.rules.applied import Applied
from devicelock.rules.command import Op
from devicelock.rules.device import REPEATED_S
from devicelock.rules.hello import SimClass, StateCause, open_hello
from devicelock.rules.unlock_code import unlock_code
from simulators.faults import CUTS, PAIRS, Fault, is_applied
from simulators.handset import Cut, Handset, PowerCut
from simulators.holder import ALLOWED_WHILE_LOCKED, Function
from tests.rooms.simulators.hands import START_S, Operator


def test_a_new_handset_is_free_and_says_so_under_its_own_signature(handset: Handset) -> None:
    hello = open_hello(handset.hello(), device=handset.device, key=handset.enrolment.signer.public)
    assert (hello.applied, hello.cause, hello.pair) == (Applied.UNLOCKED, StateCause.NEW, (0, 0))
    assert hello.nonce == handset.state.nonce


def test_a_lock_shows_who_why_and_a_way_out(locked: Handset) -> None:
    screen = locked.screen
    assert screen is not None
    assert all((screen.who, screen.why, screen.reference, screen.recourse, screen.bought, screen.deadline_s))
    assert screen.phone == "0800 000 000"
    assert locked.question is not None
    assert len(locked.question) == 8
    assert locked.challenge == f"{locked.question} 1.1", "and the number of the lock, for a code that is never lost"


@pytest.mark.parametrize("function", list(Function))
def test_a_locked_handset_does_what_is_on_the_short_list_and_nothing_else(locked: Handset, function: Function) -> None:
    if function in ALLOWED_WHILE_LOCKED:
        assert locked.use(function) == "done"
    else:
        with pytest.raises(Forbidden):
            locked.use(function)


ALWAYS = ("emergency_call", "emergency_text", "relay_call", "owners_emergency_number", "emergency_alert")


@pytest.mark.parametrize("name", [*ALWAYS, "incoming_call", "charging", "screen_reader", "support_call", "enter_code"])
def test_emergency_calls_texts_relay_alerts_and_the_owners_numbers_always_work(locked: Handset, name: str) -> None:
    assert locked.use(Function(name)) == "done"


@pytest.mark.parametrize("function", list(Function))
def test_a_free_handset_does_everything(handset: Handset, function: Function) -> None:
    assert handset.use(function) == "done"


def test_an_unlock_sets_it_free_and_the_handsets_own_key_signs_the_ack(locked: Handset, operator: Operator) -> None:
    ack = locked.take(operator.command(locked, Op.UNLOCK)).ack
    heard = open_ack(locked.answer(ack), device=locked.device, key=locked.enrolment.signer.public)
    assert (heard.applied, heard.result) == (Applied.UNLOCKED, AckResult.APPLIED)
    assert locked.screen is None


def test_a_retired_handset_has_no_key_left_to_be_locked_with(handset: Handset, operator: Operator) -> None:
    handset.take(operator.command(handset, Op.RETIRE))
    assert handset.state.keys.lock is None
    with pytest.raises(Rejected):
        handset.take(operator.command(handset, Op.LOCK))


def test_bytes_of_a_stranger_change_nothing(handset: Handset) -> None:
    before = handset.copy_store()
    stranger = Operator(lock=handset.enrolment.signer)
    with pytest.raises(Rejected):
        handset.take(stranger.command(handset, Op.LOCK))
    assert handset.copy_store() == before


def test_a_lock_from_before_the_last_hello_is_refused(handset: Handset, operator: Operator) -> None:
    old = operator.command(handset, Op.LOCK)
    handset.hello()
    assert handset.take(old).ack.result is AckResult.REFUSED_NONCE
    assert not handset.screen_locked


@pytest.mark.parametrize(("fault", "cut"), CUTS.items(), ids=str)
@pytest.mark.parametrize("op", [Op.LOCK, Op.UNLOCK])
def test_after_a_power_cut_a_command_that_was_stored_stands_and_of_others_only_an_unlock_is_taken(
    handset: Handset, operator: Operator, fault: Fault, cut: Cut, op: Op
) -> None:
    if op is Op.UNLOCK:
        handset.take(operator.command(handset, Op.LOCK))
    before, raw = handset.screen_locked, operator.command(handset, op)
    with pytest.raises(PowerCut):
        handset.take(raw, cut=cut)
    assert not handset.on
    handset.power_on()
    assert handset.screen_locked == (before != is_applied(fault))
    late = op is Op.LOCK and not is_applied(fault)
    assert handset.take(raw).ack.result is (AckResult.REFUSED_NONCE if late else AckResult.APPLIED)
    assert handset.screen_locked == (op is Op.LOCK and not late)


def test_the_state_is_stored_before_it_is_enforced(handset: Handset, operator: Operator) -> None:
    with pytest.raises(PowerCut):
        handset.take(operator.command(handset, Op.LOCK), cut=Cut.AFTER_STORE)
    assert not handset.screen_locked
    assert handset.state.applied is Applied.LOCKED


@pytest.mark.parametrize("happens", ["reboot", "factory_reset"])
def test_a_lock_survives(locked: Handset, happens: str) -> None:
    locked.user_data = "photos"
    if happens == "reboot":
        locked.power_off()
        locked.power_on()
    else:
        locked.factory_reset()
        assert not locked.on, "a reset ends with a boot"
        locked.power_on()
    assert locked.screen_locked
    assert locked.user_data == ("photos" if happens == "reboot" else "")


def test_another_sim_is_told_in_the_next_hello_and_unlocks_nothing(locked: Handset) -> None:
    locked.swap_sim(SimClass.OTHER, country="RO")
    hello = open_hello(locked.hello(), device=locked.device, key=locked.enrolment.signer.public)
    assert (hello.sim, hello.country, hello.applied) == (SimClass.OTHER, "RO", Applied.LOCKED)


def test_a_lock_releases_itself_when_its_time_is_over(locked: Handset, operator: Operator) -> None:
    operator.clock.at_s += 72 * 3600 - 1
    assert not locked.tick()
    operator.clock.at_s += 1
    assert locked.tick()
    assert not locked.screen_locked
    assert locked.state.cause is StateCause.HELD_UNTIL


def test_a_clock_turned_back_sets_a_locked_handset_free_at_the_next_boot_and_not_before(locked: Handset) -> None:
    locked.turn_clock(-7 * 86_400)
    locked.tick()
    assert locked.screen_locked
    locked.power_off()
    locked.power_on()
    assert not locked.screen_locked
    assert locked.state.cause is StateCause.CLOCK_DOUBT


@pytest.mark.parametrize("says_hello", [True, False])
def test_a_store_put_back_never_accepts_the_lock_of_another_run(
    handset: Handset, operator: Operator, *, says_hello: bool
) -> None:
    copy, old = handset.copy_store(), operator.command(handset, Op.LOCK)
    handset.take(old)
    handset.roll_back(copy)
    handset.power_on()
    if says_hello:
        handset.hello()
    assert handset.take(old).ack.result is AckResult.REFUSED_NONCE


@pytest.mark.parametrize("begins", ["boot", "connection"])
def test_a_lock_from_before_this_run_is_refused_before_the_hello_too_and_an_unlock_is_taken(
    locked: Handset, operator: Operator, begins: str
) -> None:
    unlock = operator.command(locked, Op.UNLOCK)
    old = operator.command(locked, Op.LOCK)
    {"boot": locked.power_on, "connection": locked.begin_run}[begins]()
    assert locked.take(unlock).ack.result is AckResult.APPLIED
    assert locked.take(old).ack.result is AckResult.REFUSED_NONCE


def test_the_nonce_under_which_a_lock_from_before_was_refused_is_the_one_that_is_said(
    handset: Handset, operator: Operator
) -> None:
    old = operator.command(handset, Op.LOCK)
    handset.begin_run()
    handset.take(old)
    drawn = handset.state.nonce
    said = open_hello(handset.hello_again(), device=handset.device, key=handset.enrolment.signer.public)
    assert said.nonce == drawn
    assert handset.take(operator.command(handset, Op.LOCK, nonce=drawn)).ack.result is AckResult.APPLIED


@pytest.mark.parametrize(("waited_s", "again"), [(0, True), (REPEATED_S - 1, True), (REPEATED_S, False)])
def test_a_hello_that_is_said_again_says_the_nonce_of_this_run_while_it_is_young(
    handset: Handset, operator: Operator, *, waited_s: int, again: bool
) -> None:
    key = handset.enrolment.signer.public
    first = open_hello(handset.hello(), device=handset.device, key=key)
    operator.clock.at_s += waited_s
    second = open_hello(handset.hello_again(), device=handset.device, key=key)
    assert (second.nonce == first.nonce) is again
    assert second.clock_s == operator.clock.at_s
    assert second.nonce == handset.state.nonce
    handset.begin_run()
    assert open_hello(handset.hello_again(), device=handset.device, key=key).nonce != second.nonce


def test_the_digits_that_support_reads_out_set_it_free(locked: Handset) -> None:
    wrong = "00000000" if locked.question != "00000000" else "11111111"
    assert not locked.type_code(wrong)
    assert locked.screen_locked


def test_the_right_code_sets_it_free_and_the_next_hello_says_why(locked: Handset) -> None:
    assert locked.question is not None
    assert locked.type_code(unlock_code(locked.enrolment.code_key, locked.question, pair=locked.state.pair))
    hello = open_hello(locked.hello(), device=locked.device, key=locked.enrolment.signer.public)
    assert (hello.applied, hello.cause) == (Applied.UNLOCKED, StateCause.CODE)


@pytest.mark.parametrize(
    "act",
    [
        lambda handset, _unlock, _code: handset.use(Function.EMERGENCY_CALL),
        lambda handset, _unlock, _code: handset.hello(),
        lambda handset, _unlock, _code: handset.hello_again(),
        lambda handset, _unlock, _code: handset.tick(),
        lambda handset, unlock, _code: handset.take(unlock),
        lambda handset, _unlock, code: handset.type_code(code),
    ],
    ids=["use", "hello", "hello again", "timer", "command", "code"],
)
def test_a_handset_that_is_off_does_nothing(
    locked: Handset, operator: Operator, act: Callable[[Handset, bytes, str], object]
) -> None:
    unlock = operator.command(locked, Op.UNLOCK)
    code = unlock_code(locked.enrolment.code_key, str(locked.question), pair=locked.state.pair)
    locked.power_off()
    operator.clock.at_s += 73 * 3600
    before = locked.copy_store()
    with pytest.raises(Forbidden, match="off"):
        act(locked, unlock, code)
    assert not locked.on
    assert locked.copy_store() == before
    assert locked.state.applied is Applied.LOCKED


def test_its_clock_is_its_own(handset: Handset) -> None:
    handset.turn_clock(90)
    handset.power_on()
    assert handset.now_s() == START_S + 90


def test_every_pair_of_faults_has_two_halves_and_every_fault_belongs_to_one_pair() -> None:
    halves = [fault for pair in PAIRS.values() for fault in pair]
    assert sorted(halves) == sorted(Fault)
    assert {name: tuple(map(is_applied, pair)) for name, pair in PAIRS.items()} == dict.fromkeys(PAIRS, (False, True))
