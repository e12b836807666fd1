"""What no rule gives: who answers it, until when, and that no answer is a bare no."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.disputes.case_guards import reasons
from custody.disputes.civil import civil_date
from custody.disputes.exception import (
    APPROVER_HOURS,
    EXCEPTION,
    MOST_WORDS,
    SOMETHING_ASKED,
    AskedException,
    ask_exception,
    is_another,
    is_asked_already,
    name_approver,
    pass_on,
    say_asked,
    unanswered,
)
from custody.disputes.exception import given as what_is_given
from custody.disputes.machine import CaseRole, step
from custody.disputes.messages import say
from custody.disputes.outside_promise import MOST_PENCE, Told
from custody.disputes.policy import DEFAULT_POLICY as POLICY
from custody.kernel.clock import HOUR_MS, from_iso
from custody.kernel.errors import Conflict, Forbidden, Rejected

NOW = from_iso("2026-05-11T08:00:00+01:00")
people = st.lists(st.sampled_from(["ada", "bo", "cy", "di"]), min_size=1, unique=True)
loads = st.dictionaries(st.sampled_from(["ada", "bo", "cy", "di"]), st.integers(0, 3))


def asked(**changes: str) -> AskedException:
    facts = {
        "asked_for": "a phone on loan abroad",
        "gap": "Loans are for this country alone.",
        "approver": "ada",
        **changes,
    }
    return ask_exception(name="e", case_id="c", asked_by="sam", now_ms=NOW, policy=POLICY, **facts)


def test_it_has_an_approver_and_an_hour_at_once() -> None:
    one = asked()
    assert (one.approver, one.state) == ("ada", EXCEPTION.start)
    assert one.due_ms == NOW + POLICY.count(APPROVER_HOURS, civil_date(NOW)) * HOUR_MS == NOW + HOUR_MS


@given(people, loads, st.sampled_from(["", "ada", "bo", "cy", "di"]))
def test_the_approver_is_one_of_those_who_may_and_another_one_than_before_where_there_is_one(
    who: list[str], waiting: dict[str, int], before: str
) -> None:
    named = name_approver(who, waiting=waiting, before=before)
    assert named in who
    others = [name for name in who if name != before]
    assert named != before or not others
    assert all(waiting.get(named, 0) <= waiting.get(name, 0) for name in others)
    assert name_approver(list(reversed(who)), waiting=waiting, before=before) == named


@given(st.integers(0, 5 * HOUR_MS))
def test_it_passes_on_when_its_hour_is_over_and_never_before(after_ms: int) -> None:
    one, now_ms = asked(), NOW + after_ms
    assert unanswered(one, now_ms) is (after_ms > HOUR_MS)
    if not unanswered(one, now_ms):
        with pytest.raises(Conflict, match="unanswered is false"):
            pass_on(one, approver="bo", now_ms=now_ms, policy=POLICY)
        return
    moved = pass_on(one, approver="bo", now_ms=now_ms, policy=POLICY)
    assert (moved.approver, moved.passed, moved.state, moved.due_ms) == ("bo", 1, "asked", now_ms + HOUR_MS)
    assert not unanswered(moved, now_ms)


@pytest.mark.parametrize(
    ("event", "role", "another", "why"),
    list(product(("grant", "give_instead"), CaseRole, ("yes", "no", "not known"), ("So it is kinder.", " ", None))),
)
def test_only_a_supervisor_who_is_another_person_answers_and_never_with_a_bare_no(
    event: str, role: CaseRole, another: str, why: str | None
) -> None:
    is_another = {"yes": True, "no": False}.get(another)
    guards = {"another_person": is_another, "reasons_for_it": reasons(why)}
    if role is CaseRole.SUPERVISOR and is_another and (event == "grant" or reasons(why)):
        assert step(EXCEPTION, "asked", event, role, guards).target in EXCEPTION.terminal
        return
    with pytest.raises((Conflict, Forbidden)):
        step(EXCEPTION, "asked", event, role, guards)


def test_nobody_of_ours_ends_it_but_by_giving_something_and_its_customer_does_by_their_own_word() -> None:
    ends = {row.event: row.who for row in EXCEPTION.transitions if row.target in EXCEPTION.terminal}
    ours = (CaseRole.SUPERVISOR,)
    assert ends == {"grant": ours, "give_instead": ours, "take_back": (CaseRole.CUSTOMER,)}
    assert all(EXCEPTION.leaving(state) == () for state in EXCEPTION.terminal)


def test_whoever_is_not_among_those_who_may_approve_does_not_answer() -> None:
    assert is_another("supervisor-1", {"supervisor-1", "supervisor-2"})
    assert not is_another("agent-1", {"supervisor-1"})
    assert not is_another("supervisor-1", ())


@pytest.mark.parametrize(("field", "text"), list(product(("asked_for", "gap"), ("", "  ", "x" * (MOST_WORDS + 1)))))
def test_what_is_needed_and_why_no_rule_gives_it_are_said(field: str, text: str) -> None:
    with pytest.raises(Rejected) as caught:
        asked(**{field: text})
    assert caught.value.code == field


@given(st.text(min_size=1, max_size=MOST_WORDS))
def test_whatever_is_asked_for_the_customer_can_be_told_of_it(asked_for: str) -> None:
    what = say_asked(asked_for, NOW)
    say("exception.ask", promises=("x",), what=what, due="23:59 on 30 September 2026")
    say("exception.pass_on", promises=("x",), what=what)
    say("exception.grant", promises=("p",), what=what)
    say("exception.give_instead", promises=("p",), what=what, reasons="It is not so.")
    say("exception.take_back", promises=("x",), what=what)
    say("exception.reopen", promises=("x",), what=what)


def test_what_no_message_can_have_is_named_as_one() -> None:
    assert say_asked("a refund of order_77", NOW) == SOMETHING_ASKED
    assert say_asked("a phone on loan abroad.", NOW) == "a phone on loan abroad"


def test_the_same_waits_once() -> None:
    one = asked()
    assert is_asked_already(one, "  A phone on loan\n abroad ")
    assert not is_asked_already(one, "a case")


def gives(what: str = "a phone on loan", **changes: int) -> Told:
    return Told(what=what, by_whom="ada", told_us_ms=NOW, **changes)


@pytest.mark.parametrize(
    ("told", "code"),
    [
        (gives("what is in claim_type"), "what"),
        (gives(" "), "what"),
        (gives(due_ms=NOW), "until"),
        (gives(amount_pence=0), "amount_pence"),
        (gives(amount_pence=MOST_PENCE + 1), "amount_pence"),
    ],
)
def test_what_cannot_be_promised_is_refused_by_its_field(told: Told, code: str) -> None:
    with pytest.raises(Rejected) as caught:
        what_is_given(told)
    assert caught.value.code == code


def test_what_can_is_promised_in_the_words_of_the_approver() -> None:
    assert what_is_given(gives("A phone on loan.", due_ms=NOW + 1, amount_pence=1)) == "A phone on loan"
