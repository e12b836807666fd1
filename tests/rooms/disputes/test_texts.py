"""Every text for the customer: kind, plain, complete, and with a promise behind each date."""

from datetime import date

import pytest

from custody.disputes.case import CASE
from custody.disputes.claim import CLAIMS, ClaimType
from custody.disputes.exception import EXCEPTION
from custody.disputes.inquiry import INVESTIGATION
from custody.disputes.lesson import LESSON
from custody.disputes.lock_effects import lock_effects
from custody.disputes.messages import alternatives, fields, pounds, say
from custody.disputes.order import OrderFacts, Payment
from custody.disputes.outside_promise import OUTSIDE
from custody.disputes.payout import WORDS as PAYOUT_WORDS
from custody.disputes.policy import DEFAULT_POLICY as POLICY
from custody.disputes.promise import PROMISE
from custody.disputes.recourse import NEUTRAL_PLEA, recourse
from custody.disputes.remedy import WORDS as REMEDY_WORDS
from custody.disputes.texts import INTERNAL, TEXTS
from custody.disputes.wording import (
    DATES_AND_SUMS,
    EXPLAINED,
    MAX_READING_AGE,
    lint_outgoing,
    lint_text,
    reading_age,
    syllables,
)
from custody.kernel.errors import Rejected

EXPECTED = date(2026, 5, 1)
MACHINES = (CASE, INVESTIGATION, PROMISE, OUTSIDE, EXCEPTION, LESSON)
LOCK_EVENTS = (
    "preflight_fails",
    "preflight_passes",
    "second_person_says_no",
    "publish",
    "device_ack",
    "cancel_before_delivery",
    "expired_undelivered",
    "confirm",
    "lapse_or_release",
    "release",
    "device_ack_or_code_used",
)
EXAMPLES = {
    "amount": "£540",
    "at": "09:00 on 3 May 2026",
    "between": "between 08:00 and 12:00",
    "body": "the independent scheme CISAS",
    "credit": "£6.46",
    "day": "3 May 2026",
    "days": "7",
    "due": "14:03 on 16 May 2026",
    "effects": " ".join(lock_effects(policy=POLICY, on_date=EXPECTED)),
    "finding": "The phone was used with your own SIM the next day.",
    "fix": "Each box is now weighed twice.",
    "hours": "72",
    "item": "the number on the box",
    "keep_number": "ask us for the code",
    "last_day": "1 June 2027",
    "lock_state": "not locked",
    "method": "back to your card",
    "news": "We have asked two sites for their records.",
    "opens": "1 June 2026",
    "options": "a new phone sent to you or your money back",
    "owner": "the desk of the shop",
    "problem": "your order never reached you",
    "reason": "It never reached you.",
    "reasons": "You told us that you have the phone.",
    "why": "The charger came after all.",
    "remedy": "your money back",
    "weeks": "6",
    "what": "your money back",
}


def filled(key: str) -> str:
    return say(key, promises=("promise_1",), **{name: EXAMPLES[name] for name in fields(key)}).text


@pytest.mark.parametrize("words", range(1, 21))
def test_of_whatever_was_promised_it_can_be_told_that_it_is_late_done_or_crossed_out(words: int) -> None:
    what = " ".join(["Pay", *["it"] * (words - 1)])
    facts = EXAMPLES | {"what": what}

    def told(key: str) -> str:
        return say(key, promises=("promise_1",), **{name: facts[name] for name in fields(key)}).text

    try:
        told("promise.made")
    except Rejected:
        assert words > 17, "what the independent scheme decides needs room"
        return
    for event in ("done", "date_passed", "done_late", "customer_changed_mind"):
        assert what in told(f"promise.{event}")


@pytest.mark.parametrize("key", TEXTS)
def test_every_text_is_kind_and_plain_and_can_be_read_at_thirteen(key: str) -> None:
    text = filled(key)
    lint_text(text)
    assert reading_age(text) <= MAX_READING_AGE


@pytest.mark.parametrize("state", CASE.states)
def test_the_words_of_each_state_are_kind_and_plain_and_can_be_read_at_thirteen(state: str) -> None:
    words = CASE.states[state].customer_words
    lint_text(words)
    assert reading_age(words) <= MAX_READING_AGE


def test_the_words_that_are_put_into_texts_keep_the_same_rules() -> None:
    pleas = {
        way.how
        for claim in (*ClaimType, None)
        for payment in Payment
        for way in recourse(
            claim,
            OrderFacts(payment=payment, expected_delivery=EXPECTED),
            first_word=EXPECTED,
            today=EXPECTED,
            policy=POLICY,
        )
    }
    for words in (
        *(claim.says for claim in CLAIMS.values()),
        *REMEDY_WORDS.values(),
        *PAYOUT_WORDS.values(),
        *EXPLAINED.values(),
        *pleas,
        NEUTRAL_PLEA,
    ):
        lint_text(words)
        assert reading_age(f"We wrote down that {words}." if words[0].islower() else words) <= MAX_READING_AGE


def test_every_word_that_is_explained_is_used() -> None:
    said = " ".join(
        [*(text.words for text in TEXTS.values()), *(facts.customer_words for facts in CASE.states.values())]
    )
    assert all(word in said.lower() for word in EXPLAINED)


def test_every_move_has_a_text_or_is_known_to_be_internal() -> None:
    moves = {f"{machine.name}.{row.event}" for machine in MACHINES for row in machine.transitions}
    moves |= {f"lock.{event}" for event in LOCK_EVENTS}
    assert moves <= set(TEXTS) | INTERNAL
    assert moves >= INTERNAL
    assert not set(TEXTS) & INTERNAL
    assert not any(key.startswith("case.") for key in INTERNAL)


def test_the_first_words_back_believe_the_customer_and_ask_for_no_proof() -> None:
    text = filled("case.report")
    assert text.startswith("We believe you.")
    assert not any(word in text.lower() for word in ("send us", "provide", "upload", "please", "evidence", "receipt"))


def test_a_text_that_names_a_date_or_sum_says_what_sets_it_or_needs_a_promise() -> None:
    for key, text in TEXTS.items():
        facts = {name: EXAMPLES[name] for name in fields(key)}
        dated = DATES_AND_SUMS.search(text.words.format(**facts))
        if dated and not text.set_by:
            with pytest.raises(Rejected) as unpromised:
                say(key, promises=(), **facts)
            assert unpromised.value.code == "unpromised"
            assert say(key, promises=("promise_1",), **facts).promises == ("promise_1",)
        else:
            assert say(key, promises=(), **facts).text


@pytest.mark.parametrize("key", ["case.decline", "case.sum_lowered", "lock.second_person_says_no"])
def test_a_reason_may_name_the_days_and_sums_of_what_has_been(key: str) -> None:
    (field,) = fields(key)
    why = "You signed for it on 3 May 2026. We paid you £540 on 2026-05-16. You called us within the day."
    assert why in say(key, **{field: why}).text


@pytest.mark.parametrize(
    "why",
    [
        "We will pay you £540.",
        "You signed for it on 3 May. You get it by 16 May.",
        "We pay you £6.46.",
        "It comes tomorrow.",
        "You'll have £40.",
        "We call you within 2 hours.",
    ],
)
def test_a_reason_promises_nothing(why: str) -> None:
    with pytest.raises(Rejected) as unpromised:
        say("case.decline", reasons=why)
    assert unpromised.value.code == "unpromised"


def test_what_sets_a_date_is_a_rule_of_the_policy() -> None:
    keys = {rule.key for rule in POLICY.rules}
    assert {key for text in TEXTS.values() for key in text.set_by} <= keys


@pytest.mark.parametrize(
    "text",
    [
        "You get it by 16 May.",
        "You get it by Monday.",
        "We pay you £6.46.",
        "We pay you 40 pounds.",
        "You get it tomorrow.",
        "We call you within 2 hours.",
        "It comes on 2026-05-16.",
        "It comes on 16/5.",
        "You have it in 3 days.",
    ],
)
def test_a_date_or_sum_without_a_promise_does_not_leave_the_house(text: str) -> None:
    with pytest.raises(Rejected) as unpromised:
        lint_outgoing(text)
    assert unpromised.value.code == "unpromised"
    lint_outgoing(text, promises=("promise_1",))
    lint_outgoing(text, set_by=("adr_weeks",))


@pytest.mark.parametrize(
    "text",
    [
        "This looks like fraud.",
        "We found it suspicious.",
        "You are not a suspect.",
        "The alleged loss was noted.",
        "You allege a loss.",
        "You claimed a loss.",
        "Nobody is guilty.",
        "We found the culprit.",
        "Your case is in adr_open.",
        "The scan says S33.",
        "See urn:weaklink:station:4.",
        "The digest is 0123456789abcdef0123.",
        "We wait for {owner}.",
        "The ADR team has it.",
        "asks_for_item==0",
        "   ",
        "word " * 21 + ".",
    ],
)
def test_words_that_accuse_codes_and_long_sentences_are_refused(text: str) -> None:
    with pytest.raises(Rejected) as refused:
        lint_text(text)
    assert refused.value.code == "text"
    assert refused.value.facts["problems"]


def test_plain_words_are_let_through() -> None:
    for text in (
        "You can claim a refund.",
        "Your SIM works in the UK. CISAS is free.",
        "I found it. A line.",
        "May I help?",
        "Call 999.",
        "The phone, a new one, is on its way: look out for it.",
    ):
        lint_outgoing(text)


def test_a_message_takes_exactly_its_fields() -> None:
    for facts in ({}, {"owner": "x", "extra": "y"}):
        with pytest.raises(Rejected) as wrong:
            say("case.report", promises=(), **facts)
        assert wrong.value.code == "message"
    with pytest.raises(Rejected):
        say("case.no_such_text")


def test_what_staff_write_into_a_text_is_held_to_the_same_rules_and_names_are_not() -> None:
    with pytest.raises(Rejected):
        say("investigation.conclude", finding="The culprit works at bench 4.")
    assert "desk_4 ABC" in say("case.report", owner="desk_4 ABC").text


def test_braces_in_a_fact_are_never_filled() -> None:
    with pytest.raises(Rejected):
        say("investigation.conclude", finding="{owner}")


@pytest.mark.parametrize(
    ("word", "count"),
    [
        ("phone", 1),
        ("believe", 2),
        ("promised", 2),
        ("wanted", 2),
        ("table", 2),
        ("boxes", 2),
        ("times", 1),
        ("the", 1),
        ("investigator", 5),
        ("independent", 2),
        ("£6.46", 1),
        ("owner's", 2),
        ("rhythm", 1),
    ],
)
def test_syllables(word: str, count: int) -> None:
    assert syllables(word) == count


def test_reading_age_grows_with_long_words_and_long_sentences() -> None:
    plain = "We sent you a phone. It did not come. We send you a new one."
    stiff = "Notwithstanding any representation previously communicated, remuneration remains discretionary."
    assert reading_age(plain) < 8
    assert reading_age(stiff) > 20
    assert reading_age(plain) < reading_age(plain.replace(".", ",")[:-1] + ".")
    assert reading_age("") == 0.0


def test_money_and_choices_as_a_customer_reads_them() -> None:
    assert (pounds(646), pounds(54_000), pounds(5)) == ("£6.46", "£540", "£0.05")
    assert alternatives(("a",)) == "a"
    assert alternatives(("a", "b")) == "a or b"
    assert alternatives(("a", "b", "c")) == "a, b or c"
