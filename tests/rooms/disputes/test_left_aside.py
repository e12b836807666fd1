"""What was set aside for another report: when it still is, what puts the order right, and what took its place since."""

from typing import Any

import pytest

from custody.disputes.claim import Remedy
from custody.disputes.one_order import Before, check_delivery, left_aside, puts_right, to_set_aside
from custody.disputes.price import left_of_price
from custody.disputes.promise import AS_DECIDED, ON_TOP, Promise
from custody.disputes.remedy import WORDS
from custody.kernel.errors import Conflict

REFUND, REPLACEMENT, ACCESSORY = (WORDS[each] for each in (Remedy.REFUND, Remedy.REPLACEMENT, Remedy.ACCESSORY))


def promise(at_ms: int, what: str = REFUND, *, state: str = "made", method: str = "by cheque", **facts: Any) -> Promise:
    """A promise that was made at that moment."""
    made: dict[str, Any] = {"amount_pence": 54_000 if what == REFUND else None, **facts}
    return Promise(
        id=f"p{at_ms}",
        case_id="case_1",
        what=what,
        due_ms=at_ms + 1,
        method=method,
        owner="agent-1",
        made_ms=at_ms,
        state=state,
        **made,
    )


ASIDE = promise(10, state="void", set_aside=True)


def test_what_was_promised_elsewhere_at_the_same_moment_or_later_puts_the_order_right_and_nothing_from_before() -> None:
    others = {at_ms: Before(others=(promise(at_ms, state="kept"),)) for at_ms in (9, 10, 11)}
    assert {at_ms: known.puts_right_since(ASIDE) for at_ms, known in others.items()} == {9: False, 10: True, 11: True}
    assert [known.is_put_right_since(ASIDE) for known in others.values()] == [False, True, True]


def test_money_that_came_back_has_put_nothing_right_and_what_is_promised_again_for_it_will() -> None:
    back, again = promise(11, state="kept", came_back=True), promise(12)
    assert not Before(others=(back,)).puts_right_since(ASIDE)
    known = Before(others=(back, again), mine=(ASIDE,))
    assert known.puts_right_since(ASIDE)
    assert not known.is_put_right_since(ASIDE)
    with pytest.raises(Conflict, match="set aside"):
        check_delivery(known)


@pytest.mark.parametrize("what", ["the missing part sent to you", "a phone on loan"])
def test_what_is_neither_money_nor_a_phone_puts_no_order_right(what: str) -> None:
    assert not Before(others=(promise(11, what, state="kept"),)).puts_right_since(ASIDE)


def test_an_award_puts_an_order_right_by_its_sum_or_in_the_words_of_a_remedy_and_is_not_set_aside() -> None:
    awards = [
        promise(11, what, method=AS_DECIDED, amount_pence=pence)
        for what, pence in (("Pay the price", 54_000), ("A new phone sent to you", None), ("Say sorry", None))
    ]
    assert [puts_right(each) for each in awards] == [True, True, False]
    assert to_set_aside([*awards, promise(12, state="kept"), promise(13), promise(14, ACCESSORY)]) == (promise(13),)


@pytest.mark.parametrize("what", [REPLACEMENT, ACCESSORY, "Say sorry"])
@pytest.mark.parametrize("state", ["made", "missed", "kept"])
def test_what_was_chosen_or_decided_since_took_the_place_of_what_was_set_aside(what: str, state: str) -> None:
    since = promise(11, what, state=state, method=AS_DECIDED if what == "Say sorry" else "by courier")
    assert left_aside([ASIDE, since]) == []
    assert left_aside([ASIDE, promise(10, what, state=state, method=since.method)]) == []
    assert left_aside([ASIDE, promise(9, what, state=state, method=since.method)]) == [ASIDE]


@pytest.mark.parametrize(
    "since",
    [
        promise(11, state="void"),
        promise(11, state="missed", replaced=True),
        promise(11, state="kept", came_back=True),
        promise(11, "a phone on loan"),
    ],
    ids=["crossed_out", "replaced", "came_back", "no_remedy"],
)
def test_what_does_not_stand_took_no_place(since: Promise) -> None:
    assert left_aside([ASIDE, since]) == [ASIDE]


def test_of_what_was_set_aside_in_turn_all_is_left() -> None:
    later = promise(11, state="missed", replaced=True, set_aside=True)
    assert left_aside([ASIDE, later]) == [ASIDE, later]


def test_money_that_came_back_was_given_before_whatever_was_chosen_since_and_is_left() -> None:
    back = promise(10, state="kept", came_back=True, set_aside=True)
    assert left_aside([back, promise(11, REPLACEMENT)]) == [back]


@pytest.mark.parametrize("what", ["Your money back.", REFUND, REPLACEMENT, "50 pounds for the wait"])
def test_what_the_scheme_decided_on_top_of_the_rest_is_no_price_and_no_phone_whatever_its_words(what: str) -> None:
    award = promise(10, what.strip("."), method=ON_TOP, amount_pence=5_000)
    assert left_of_price(54_000, [award]) == 54_000
    assert left_of_price(None, [award]) is None
    assert not puts_right(award)
