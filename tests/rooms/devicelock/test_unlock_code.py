import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from custody.kernel.errors import Rejected
from devicelock.rules.ocra import ocra
from devicelock.rules.unlock_code import (
    LONGEST_WAIT_S,
    MAX_WRONG,
    Challenge,
    Question,
    after_wrong,
    ask,
    derive_key,
    is_answer,
    lock_number,
    read_challenge,
    unlock_code,
)

KEY = b"k" * 32
ENTROPY = bytes(range(16))
PAIR = (2, 5)


def rfc_key(size: int) -> bytes:
    return (b"1234567890" * 7)[:size]


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
