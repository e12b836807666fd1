import hashlib
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from custody.kernel.errors import Rejected
from devicelock.rules.unlock_code import (
    LONGEST_WAIT_S,
    MAX_WRONG,
    SUITE,
    Challenge,
    Question,
    after_wrong,
    ask,
    derive_key,
    is_answer,
    lock_number,
    ocra,
    read_challenge,
    unlock_code,
)

PIN = hashlib.sha1(b"1234").digest()  # noqa: S324 - the suite of the RFC names it
KEY = b"k" * 32
ENTROPY = bytes(range(16))
PAIR = (2, 5)


def rfc_key(size: int) -> bytes:
    return (b"1234567890" * 7)[:size]


@pytest.mark.parametrize(
    ("suite", "size", "answers"),
    [
        ("SHA1-6:QN08", 20, "237653 243178 653583 740991 608993 388898 816933 224598 750600 294470"),
        ("SHA256-8:QN08-PSHA1", 32, "83238735 01501458 17957585 86776967 86807031"),
        ("SHA512-8:QN08-T1M", 64, "95209754 55907591 22048402 24218844 36209546"),
        (
            "SHA256-8:C-QN08-PSHA1",
            32,
            "65347737 86775851 78192410 71565254 10104329 65983500 70069104 91771096 75011558 08522129",
        ),
        (
            "SHA512-8:C-QN08",
            64,
            "07016083 63947962 70123924 25341727 33203315 34205738 44343969 51946085 20403879 31409299",
        ),
    ],
)
def test_every_vector_of_rfc_6287_with_a_numeric_question(suite: str, size: int, answers: str) -> None:
    """Appendix C.1: the question is eight times a digit that counts up, or with counter and PIN always 12345678."""
    for number, answer in enumerate(answers.split()):
        given_answer = ocra(
            f"OCRA-1:HOTP-{suite}",
            rfc_key(size),
            question="12345678" if "C-QN08-PSHA1" in suite else str(number) * 8,
            counter=number if ":C-" in suite else None,
            pin_hash=PIN if "PSHA1" in suite else None,
            time_step=0x132D0B6 if "T1M" in suite else None,
        )
        assert given_answer == answer


@pytest.mark.parametrize("step", ["1S", "59S", "1M", "59M", "0H", "48H"])
def test_a_time_step_of_a_range_of_the_rfc_is_taken(step: str) -> None:
    assert len(ocra(f"OCRA-1:HOTP-SHA256-8:QN08-T{step}", KEY, question="1", time_step=1)) == 8


@pytest.mark.parametrize("step", ["0S", "60S", "0M", "60M", "99M", "49H", "99H", "01S", "00H", "100S"])
def test_a_time_step_beyond_the_ranges_of_the_rfc_is_refused(step: str) -> None:
    """RFC 6287 section 6.3: 1 to 59 seconds or minutes, 0 to 48 hours."""
    with pytest.raises(Rejected) as refused:
        ocra(f"OCRA-1:HOTP-SHA256-8:QN08-T{step}", KEY, question="1", time_step=1)
    assert refused.value.code == "suite"


@pytest.mark.parametrize(("question", "answer"), [("00000000", "63523896"), ("11111111", "82158731")])
def test_a_suite_without_counter_on_the_rfcs_key(question: str, answer: str) -> None:
    assert ocra("OCRA-1:HOTP-SHA256-8:QN08", rfc_key(32), question=question) == answer


@pytest.mark.parametrize("pair", [(1, 1), (3, 17), (2**32 - 1, 2**32 - 1)])
def test_our_own_suite_counts_the_lock_in_the_counter(pair: tuple[int, int]) -> None:
    counter = pair[0] << 32 | pair[1]
    wanted = ocra("OCRA-1:HOTP-SHA256-8:C-QN08", rfc_key(32), question="12345678", counter=counter)
    assert unlock_code(rfc_key(32), "12345678", pair=pair) == wanted


def test_a_code_opens_one_lock_of_one_device_and_no_other() -> None:
    codes = {
        unlock_code(derive_key(b"m" * 32, device), "12345678", pair=pair)
        for device in ("dev-1", "dev-2")
        for pair in ((1, 1), (1, 2), (2, 1), (2, 2))
    }
    assert len(codes) == 8


@pytest.mark.parametrize("pair", [(1, 1), (3, 17), (2**53 - 1, 2**53 - 1)])
def test_the_number_of_the_lock_is_read_off_the_screen_as_it_is_shown(pair: tuple[int, int]) -> None:
    for text in (f"12345678 {lock_number(pair)}", f"1234-5678{lock_number(pair)}", f" 12 34 56 78 {lock_number(pair)}"):
        assert read_challenge(text) == Challenge(digits="12345678", pair=pair)


@pytest.mark.parametrize(
    "suite", ["", "OCRA-1:HOTP-SHA256-8:QA08", "OCRA-1:HOTP-SHA256-8:QN08-S064", "OCRA-1:HOTP-MD5-8:QN08", SUITE + " "]
)
def test_a_suite_that_is_not_computed_here_is_refused(suite: str) -> None:
    with pytest.raises(Rejected) as refused:
        ocra(suite, KEY, question="1")
    assert refused.value.code == "suite"


def test_a_suite_gets_what_it_names_and_no_more() -> None:
    wrong: dict[str, Any]
    for wrong in ({}, {"counter": 1, "pin_hash": PIN}, {"counter": 1, "time_step": 1}):
        with pytest.raises(Rejected):
            ocra(SUITE, KEY, question="1", **wrong)
    with pytest.raises(Rejected):
        ocra("OCRA-1:HOTP-SHA256-8:QN08-PSHA1", KEY, question="1", pin_hash=b"short")


@pytest.mark.parametrize("question", ["123456789", "1234567a", "1234567\N{SUPERSCRIPT TWO}", ""])
def test_a_question_that_the_suite_does_not_allow_is_refused(question: str) -> None:
    with pytest.raises(Rejected) as refused:
        ocra(SUITE, KEY, question=question, counter=1)
    assert refused.value.code == "question"


def test_digits_read_aloud_may_be_grouped() -> None:
    for text in ("1234 5678", "1234-5678", "12345678"):
        assert read_challenge(text) == Challenge(digits="12345678", pair=None)


@pytest.mark.parametrize("text", ["", "1234567", "123456789", "1234567a", "\N{ARABIC-INDIC DIGIT ONE}" * 8])
def test_what_is_not_eight_digits_is_refused(text: str) -> None:
    with pytest.raises(Rejected):
        unlock_code(KEY, text, pair=PAIR)
    with pytest.raises(Rejected):
        read_challenge(text)


def test_every_device_has_a_key_of_its_own() -> None:
    keys = {derive_key(b"m" * 32, f"dev-{number}") for number in range(50)}
    assert len(keys) == 50
    assert {len(key) for key in keys} == {32}
    assert derive_key(b"n" * 32, "dev-1") not in keys
    with pytest.raises(Rejected):
        derive_key(b"short", "dev-1")


@pytest.mark.parametrize("device", ["dev-1", "a" * 64, "\N{LATIN SMALL LETTER E WITH ACUTE}"])
def test_a_code_stays_issuable_for_the_keys_are_derived_as_they_always_were(device: str) -> None:
    info = b"weaklink device unlock code v1\x00" + device.encode()
    assert derive_key(b"m" * 40, device) == HKDF(SHA256(), 32, salt=None, info=info).derive(b"m" * 40)


@given(st.binary(min_size=16, max_size=32), st.integers(0, 2**40))
def test_only_the_answer_answers_and_leading_zeros_stay(entropy: bytes, now_s: int) -> None:
    question = ask(entropy)
    code = unlock_code(KEY, question.digits, pair=PAIR)
    assert len(code) == len(question.digits) == 8
    assert is_answer(question, code, key=KEY, pair=PAIR, now_s=now_s)
    assert is_answer(question, f" {code[:4]} {code[4:]} ", key=KEY, pair=PAIR, now_s=now_s)
    wrong = f"{(int(code) + 1) % 10**8:08d}"
    assert not is_answer(question, wrong, key=KEY, pair=PAIR, now_s=now_s)
    assert not is_answer(question, code[1:], key=KEY, pair=PAIR, now_s=now_s)
    assert not is_answer(question, code, key=KEY, pair=(PAIR[0], PAIR[1] + 1), now_s=now_s), "another lock's code"


def test_the_wait_doubles_and_the_fifth_wrong_answer_brings_another_question() -> None:
    question, now_s, waits = Question(digits="12345678"), 1000, []
    for _ in range(MAX_WRONG - 1):
        question = after_wrong(question, now_s=now_s, entropy=ENTROPY)
        waits.append(question.not_before_s - now_s)
        now_s = question.not_before_s
    assert waits == [1, 2, 4, 8]
    assert question.digits == "12345678"
    another = after_wrong(question, now_s=now_s, entropy=ENTROPY)
    assert (another.digits, another.wrong) == (ask(ENTROPY).digits, 0)
    assert another.not_before_s - now_s == LONGEST_WAIT_S
    assert not is_answer(another, unlock_code(KEY, another.digits, pair=PAIR), key=KEY, pair=PAIR, now_s=now_s)


def test_during_the_wait_nothing_is_right_and_nothing_counts() -> None:
    question = Question(digits="12345678", wrong=1, not_before_s=1010)
    code = unlock_code(KEY, "12345678", pair=PAIR)
    assert not is_answer(question, code, key=KEY, pair=PAIR, now_s=1009)
    assert after_wrong(question, now_s=1009, entropy=ENTROPY) == question
    assert is_answer(question, code, key=KEY, pair=PAIR, now_s=1010)


def test_a_clock_turned_back_makes_nobody_wait() -> None:
    question = Question(digits="12345678", wrong=1, not_before_s=10**6)
    assert is_answer(question, unlock_code(KEY, "12345678", pair=PAIR), key=KEY, pair=PAIR, now_s=5)


def test_a_question_needs_enough_randomness() -> None:
    with pytest.raises(Rejected):
        ask(b"short")
