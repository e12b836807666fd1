"""Two answers to one question: the better one for the customer binds, whichever was given first."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.disputes.messages import say
from custody.disputes.outside_promise import MOST_PENCE, MOST_WORDS, Told
from custody.disputes.outside_promise import spoken as as_said
from custody.disputes.two_answers import better_of, says_both
from custody.kernel.clock import DAY_MS, from_iso
from custody.kernel.errors import Rejected

NOW = from_iso("2026-05-11T08:00:00+01:00")
pence = st.none() | st.integers(1, MOST_PENCE)
days = st.none() | st.integers(-300, 300)
things = st.sampled_from(["a swap at your door", "a call", "your money back", "part of the price back"])


@st.composite
def answers(draw: st.DrawFn, what: st.SearchStrategy[str] = things) -> Told:
    day = draw(days)
    due_ms = None if day is None else NOW + day * DAY_MS
    return Told(what=draw(what), by_whom="the shop", told_us_ms=NOW, due_ms=due_ms, amount_pence=draw(pence))


def worth(told: Told) -> float:
    """What a sum is worth to the customer: of a refund, none is the whole price."""
    if told.amount_pence is None:
        return float("inf") if told.what == "your money back" else 0.0
    return told.amount_pence


def due(told: Told) -> float:
    return float("inf") if told.due_ms is None else told.due_ms


@given(things, answers(), answers())
def test_of_the_same_thing_the_better_of_each_part_binds_in_any_order(what: str, one: Told, other: Told) -> None:
    one, other = replace(one, what=what), replace(other, what=what.upper() + ".")
    if (one.amount_pence, one.due_ms) == (other.amount_pence, other.due_ms):
        with pytest.raises(Rejected, match="say the same"):
            better_of(one, other, rather=None)
        return
    better, turned = better_of(one, other, rather=None), better_of(other, one, rather=None)
    assert (better.amount_pence, better.due_ms) == (turned.amount_pence, turned.due_ms)
    assert due(better) == min(due(one), due(other))
    sums = [worth(replace(each, what=what)) for each in (one, other)]
    assert worth(replace(better, what=what)) == max(sums)
    assert {better.amount_pence} <= {one.amount_pence, other.amount_pence}
    assert {better.due_ms} <= {one.due_ms, other.due_ms}


@given(answers(st.just("a swap at your door")), answers(st.just("an assessment")))
def test_of_different_things_the_customer_says_which_and_nobody_else_does(one: Told, other: Told) -> None:
    assert better_of(one, other, rather="what") == one
    assert better_of(one, other, rather="other") == other
    for rather in (None, "", "first"):
        with pytest.raises(Rejected) as caught:
            better_of(one, other, rather=rather)
        assert caught.value.code == "rather"
        assert "Ask the customer" in caught.value.fix


@given(answers())
def test_one_answer_and_itself_are_not_two(one: Told) -> None:
    with pytest.raises(Rejected) as caught:
        better_of(one, replace(one, by_whom="the chat"), rather=None)
    assert caught.value.code == "same"


@pytest.mark.parametrize("bad", [{"what": " "}, {"what": "x" * (MOST_WORDS + 1)}, {"amount_pence": 0}])
def test_what_nobody_can_have_said_is_no_answer(bad: dict[str, object]) -> None:
    one = Told(what="a call", by_whom="", told_us_ms=NOW)
    odd = replace(one, **bad)  # type: ignore[arg-type]  # the changes are mixed on purpose
    for pair in ((one, odd), (odd, one)):
        with pytest.raises(Rejected):
            better_of(*pair, rather="what")


@given(answers(st.text(max_size=MOST_WORDS)))
def test_whatever_was_said_the_customer_can_be_told_that_it_counts(told: Told) -> None:
    what, facts = as_said(told), {"due": "23:59 on 30 September 2026", "owner": "desk 4"}
    say("answers.better", promises=("p",), what=what, **facts)
    say("answers.better_late", promises=("p",), what=what, **facts)
    say("answers.has_it_already", promises=("l",), what=what)


def test_both_are_in_what_is_learned() -> None:
    one = Told(what="Send it away", by_whom="The shop", told_us_ms=NOW)
    other = Told(what="We swap it at your door.", by_whom="", told_us_ms=NOW)
    assert says_both(one, other) == "The shop said: Send it away. But another one said: We swap it at your door."
