"""A release goes to every back-end that ever got the lock, and one that fails keeps the order open and loud."""

from dataclasses import dataclass, field, replace
from itertools import product

import pytest

from custody.kernel.clock import Instant
from custody.kernel.errors import Unavailable
from devicelock.backends import agent, eir, knox, nanomdm
from devicelock.backends.android import CAPABILITIES as ANDROID
from devicelock.backends.android import Way
from devicelock.backends.contract import Answer, Capabilities, Held, Ref
from devicelock.rules.applied import Applied
from devicelock.rules.command import Screen
from devicelock.usecases.fan_out import RETRY_MAX_S, Missing, Tried, Unfit, due, fan_out, judge, unfit

NOW_MS = 1_000_000
DONE = Tried(backend="a", tries=1, answer=Answer.TAKEN, at_ms=NOW_MS, applied=Applied.UNLOCKED)


@dataclass
class Fake:
    """A back-end that answers and shows what a test says."""

    name: str = "a"
    answer: Answer | Exception = Answer.TAKEN
    applied: Applied | Exception | None = Applied.UNLOCKED
    asked: list[Ref] = field(default_factory=list)

    def capabilities(self) -> Capabilities:
        return agent.CAPABILITIES

    def lock(self, ref: Ref, *, screen: Screen, not_after_ms: Instant) -> Answer:
        raise AssertionError((ref, screen, not_after_ms))

    def unlock(self, ref: Ref) -> Answer:
        self.asked.append(ref)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def retire(self, ref: Ref) -> Answer:
        raise AssertionError(ref)

    def cancel(self, ref: Ref) -> Answer:
        raise AssertionError(ref)

    def state(self, handset: str) -> Held:
        assert handset
        if isinstance(self.applied, Exception):
            raise self.applied
        return Held(desired=Applied.UNLOCKED, applied=self.applied, last_seen_ms=None)

    def offline_code(self, handset: str, question: str) -> str | None:
        raise AssertionError((handset, question))


AWAY = Unavailable("backend_busy", "away", fix="Ask again.", retry_after_s=60)


def run(
    *fakes: Fake, tried: tuple[Tried, ...] = (), now_ms: int = NOW_MS
) -> tuple[bool, dict[str, Missing], list[Tried]]:
    names = [fake.name for fake in fakes]
    found = fan_out(
        names,
        tried,
        backends={fake.name: fake for fake in fakes},
        refs={name: Ref(handset=f"{name}-handset", order="lock-1", version=2) for name in names},
        now_ms=now_ms,
    )
    return found.done, {each.backend: each.why for each in found.open}, list(found.tried)


def test_every_back_end_that_ever_got_the_lock_is_asked_and_all_must_show_it_free() -> None:
    first, second = Fake("a"), Fake("b", applied=Applied.RETIRED)
    assert run(first, second)[0]
    assert [fake.asked[0].handset for fake in (first, second)] == ["a-handset", "b-handset"]


@pytest.mark.parametrize("trouble", [AWAY, RuntimeError("broken"), KeyError("x")])
def test_one_that_fails_does_not_keep_the_others_waiting_and_keeps_the_order_open(trouble: Exception) -> None:
    failing, fine = Fake("a", answer=trouble), Fake("b")
    done, missing, _ = run(failing, fine)
    assert not done
    assert missing == {"a": Missing.FAILED}
    assert len(fine.asked) == 1


def test_what_keeps_an_order_open_is_loud_where_people_are_needed() -> None:
    loud = {
        Tried(backend="a", tries=1, trouble="away", at_ms=NOW_MS): Missing.FAILED,
        replace(DONE, answer=Answer.REFUSED): Missing.REFUSED,
        replace(DONE, answer=Answer.UNKNOWN_DEVICE): Missing.UNKNOWN_DEVICE,
    }
    quiet = {
        replace(DONE, applied=None): Missing.NOT_SHOWN,
        replace(DONE, applied=Applied.LOCKED): Missing.STILL_LOCKED,
    }
    for tried, why in (loud | quiet).items():
        found = judge(["a"], [tried])
        assert [each.why for each in found.open] == [why]
        assert (found.done, found.loud) == (False, tried in loud)
        assert found.open[0].detail.startswith("a ")
    assert judge(["a"], []).open[0].why is Missing.NOT_ASKED


def test_nothing_is_released_by_being_sent() -> None:
    for answer, applied in product(Answer, (None, Applied.LOCKED)):
        assert not judge(["a"], [replace(DONE, answer=answer, applied=applied)]).done


def test_a_back_end_that_got_the_lock_and_is_configured_no_more_keeps_the_order_open() -> None:
    found = fan_out(["gone", "a"], [], backends={"a": Fake()}, refs={}, now_ms=NOW_MS)
    assert {each.why for each in found.open} == {Missing.NO_SUCH_BACKEND}
    assert found.loud


def test_a_state_that_cannot_be_read_is_unknown() -> None:
    assert run(Fake(applied=AWAY))[1] == {"a": Missing.NOT_SHOWN}


def test_a_failed_call_is_made_again_by_the_time_it_was_given_and_for_ever() -> None:
    fake = Fake(answer=AWAY)
    _, _, tried = run(fake)
    assert run(fake, tried=tuple(tried), now_ms=NOW_MS + 59_999)[2] == tried
    _, _, again = run(fake, tried=tuple(tried), now_ms=NOW_MS + 60_000)
    assert again[0].tries == 2
    old = Tried(backend="a", tries=500, trouble="away", at_ms=NOW_MS)
    assert due(["a"], [old], now_ms=NOW_MS + RETRY_MAX_S * 1000) == ("a",)
    assert due(["a"], [old], now_ms=NOW_MS + RETRY_MAX_S * 1000 - 1) == ()


def test_what_was_taken_is_not_asked_again_but_looked_at_until_it_shows() -> None:
    fake = Fake(applied=None)
    _, _, tried = run(fake)
    fake.applied = Applied.UNLOCKED
    assert run(fake, tried=tuple(tried), now_ms=NOW_MS + 10**9)[0]
    assert len(fake.asked) == 1


def test_a_failure_that_looks_free_is_asked_again_and_not_believed() -> None:
    failed = Tried(backend="a", tries=1, trouble="away", at_ms=NOW_MS, applied=Applied.UNLOCKED)
    assert not judge(["a"], [failed]).done
    assert due(["a"], [failed], now_ms=NOW_MS + 5_000) == ("a",)


def test_a_lock_goes_only_where_its_holder_finds_a_contact_and_a_way_out() -> None:
    alone = {
        "agent": unfit(agent.CAPABILITIES, beside_agent=False),
        "eir": unfit(eir.CAPABILITIES, beside_agent=False),
        "android lost": unfit(ANDROID[Way.LOST], beside_agent=False),
        "android disabled": unfit(ANDROID[Way.DISABLED], beside_agent=False),
        "nanomdm": unfit(nanomdm.CAPABILITIES, beside_agent=False),
        "knox": unfit(knox.CAPABILITIES, beside_agent=False),
    }
    assert {name for name, reasons in alone.items() if not reasons} == {"agent", "eir", "android lost"}
    assert set(alone["knox"]) == {Unfit.NO_WAY_OUT}
    assert unfit(ANDROID[Way.DISABLED], beside_agent=True) == ()
    silent = replace(agent.CAPABILITIES, shows_contact=False)
    assert unfit(silent, beside_agent=True) == (Unfit.NO_CONTACT,)
