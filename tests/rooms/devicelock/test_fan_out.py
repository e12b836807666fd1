"""When a release is done, what is loud, and which back-end may carry a lock."""

from dataclasses import dataclass, replace
from itertools import product

import pytest

from custody.kernel.errors import Forbidden, Unavailable
from devicelock.backends import agent, eir, knox, nanomdm
from devicelock.backends.android import CAPABILITIES as ANDROID
from devicelock.backends.android import LockWay
from devicelock.backends.contract import Backend, BackendAnswer, Held
from devicelock.rules.applied import Applied
from devicelock.usecases.fan_out import (
    REFUSED_S,
    RETRY_FIRST_S,
    RETRY_MAX_S,
    Missing,
    Tried,
    Unfit,
    ask,
    gone,
    judge,
    look,
    refused,
    unfit,
    wait_s,
)

NOW_MS = 1_000_000
NEVER = Tried(backend="a")
DONE = Tried(backend="a", tries=1, answer=BackendAnswer.TAKEN, at_ms=NOW_MS, applied=Applied.UNLOCKED)
AWAY = Unavailable("backend_busy", "away", fix="Ask again.", retry_after_s=60)


def failing(trouble: Exception) -> object:
    """A call that ends so."""

    def call(*_facts: object) -> BackendAnswer:
        raise trouble

    return call


def test_a_release_is_done_when_every_back_end_that_ever_got_the_lock_has_shown_the_handset_free() -> None:
    other = replace(DONE, backend="b", applied=Applied.RETIRED)
    assert judge(["a", "b"], [DONE, other]).done
    assert not judge(["a", "b"], [DONE]).done
    assert judge(["a", "b"], [DONE]).open[0].why is Missing.NOT_ASKED


def test_what_keeps_an_order_open_is_loud_where_people_are_needed() -> None:
    loud = {
        Tried(backend="a", tries=1, trouble="away", at_ms=NOW_MS): Missing.FAILED,
        replace(DONE, answer=BackendAnswer.REFUSED): Missing.REFUSED,
        replace(DONE, answer=BackendAnswer.UNKNOWN_DEVICE): Missing.UNKNOWN_DEVICE,
        gone(NEVER, now_ms=NOW_MS): Missing.NO_SUCH_BACKEND,
    }
    quiet = {
        replace(DONE, applied=None): Missing.NOT_SHOWN,
        replace(DONE, applied=Applied.LOCKED): Missing.STILL_LOCKED,
        NEVER: Missing.NOT_ASKED,
    }
    for tried, why in (loud | quiet).items():
        found = judge(["a"], [tried])
        assert [each.why for each in found.open] == [why]
        assert (found.done, found.loud) == (False, tried in loud)
        assert found.open[0].detail.startswith("a ")


def test_nothing_is_released_by_being_sent() -> None:
    for answer, applied in product(BackendAnswer, (None, Applied.LOCKED)):
        assert not judge(["a"], [replace(DONE, answer=answer, applied=applied)]).done


def test_a_failure_that_looks_free_is_not_believed() -> None:
    failed = Tried(backend="a", tries=1, trouble="away", at_ms=NOW_MS, applied=Applied.UNLOCKED)
    assert not judge(["a"], [failed]).done


@pytest.mark.parametrize("trouble", [AWAY, RuntimeError("broken"), KeyError("x")])
def test_whatever_a_call_ends_in_is_an_answer_and_no_error(trouble: Exception) -> None:
    came = ask(DONE, failing(trouble), now_ms=NOW_MS + 1)
    assert came.trouble
    assert (came.tries, came.answer, came.at_ms, came.applied) == (2, None, NOW_MS + 1, Applied.UNLOCKED)
    assert ask(NEVER, lambda: BackendAnswer.TAKEN, now_ms=NOW_MS) == replace(DONE, applied=None)


@dataclass
class Blind:
    """A back-end that cannot be looked at."""

    trouble: Exception

    def state(self, handset: str) -> Held:
        assert handset
        raise self.trouble


@pytest.mark.parametrize("trouble", [AWAY, RuntimeError("broken")])
def test_a_state_that_cannot_be_read_is_unknown(trouble: Exception) -> None:
    backend: Backend = Blind(trouble)  # type: ignore[assignment]  # nothing else of it is asked
    assert look(backend, "handset") is None


def test_a_failed_call_is_made_again_by_the_time_it_was_given_and_for_ever() -> None:
    assert wait_s(ask(NEVER, failing(AWAY), now_ms=NOW_MS)) == 60
    waits = [wait_s(Tried(backend="a", tries=tries, trouble="away", at_ms=NOW_MS)) for tries in (0, 1, 2, 3, 500)]
    assert waits == [RETRY_FIRST_S, RETRY_FIRST_S, 2 * RETRY_FIRST_S, 4 * RETRY_FIRST_S, RETRY_MAX_S]
    held_back = refused(NEVER, Forbidden("preflight", "no lock: kill_switch is killed"), now_ms=NOW_MS)
    assert wait_s(held_back) == REFUSED_S
    assert held_back.trouble == "not sent: no lock: kill_switch is killed"


def test_a_lock_goes_only_where_its_holder_finds_a_contact_and_a_way_out() -> None:
    alone = {
        "agent": unfit(agent.CAPABILITIES, beside_agent=False),
        "eir": unfit(eir.CAPABILITIES, beside_agent=False),
        "android lost": unfit(ANDROID[LockWay.LOST], beside_agent=False),
        "android disabled": unfit(ANDROID[LockWay.DISABLED], beside_agent=False),
        "nanomdm": unfit(nanomdm.CAPABILITIES, beside_agent=False),
        "knox": unfit(knox.CAPABILITIES, beside_agent=False),
    }
    assert {name for name, reasons in alone.items() if not reasons} == {"agent", "eir", "android lost"}
    assert set(alone["knox"]) == {Unfit.NO_WAY_OUT}
    assert unfit(ANDROID[LockWay.DISABLED], beside_agent=True) == ()
    silent = replace(agent.CAPABILITIES, shows_contact=False)
    assert unfit(silent, beside_agent=True) == (Unfit.NO_CONTACT,)


def test_only_a_tried_back_end_that_speaks_of_the_handset_vouches_for_a_lock() -> None:
    vouches = {
        "agent": agent.CAPABILITIES.vouches,
        "android": ANDROID[LockWay.DISABLED].vouches,
        "nanomdm": nanomdm.CAPABILITIES.vouches,
        "eir": eir.CAPABILITIES.vouches,
        "knox": knox.CAPABILITIES.vouches,
    }
    assert {name for name, does in vouches.items() if does} == {"agent", "android", "nanomdm"}
