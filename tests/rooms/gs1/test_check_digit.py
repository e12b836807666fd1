"""Check digits catch what a hand on a keyboard does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import ean

from custody.gs1.check_digit import gs1_check_digit, gs1_check_pair, is_digits, luhn_check_digit

DIGITS = st.text(alphabet="0123456789", min_size=1, max_size=17)


@pytest.mark.parametrize(
    "number",
    ["195214730000088169", "09521473003813", "9521473000102", "9521886000010", "952188600000044173", "02345673"],
)
def test_known_gs1_numbers_end_in_their_check_digit(number: str) -> None:
    assert gs1_check_digit(number[:-1]) == number[-1]


@pytest.mark.parametrize("number", ["1987654Ad4X4bL5ttr2310c2K", "12345678901234567890123NT", "!22"])
def test_known_gs1_texts_end_in_their_check_pair(number: str) -> None:
    assert gs1_check_pair(number[:-2]) == number[-2:]


@pytest.mark.parametrize("number", ["490154203237518", "356938035643809", "001017004829159"])
def test_known_imeis_end_in_their_luhn_digit(number: str) -> None:
    assert luhn_check_digit(number[:-1]) == number[-1]


@given(DIGITS)
def test_the_gs1_digit_makes_the_weighted_sum_a_multiple_of_ten(body: str) -> None:
    whole = body + gs1_check_digit(body)
    assert sum(int(digit) * (3 if at % 2 else 1) for at, digit in enumerate(reversed(whole))) % 10 == 0


@given(DIGITS)
def test_the_gs1_digit_is_that_of_python_stdnum(body: str) -> None:
    assert gs1_check_digit(body) == ean.calc_check_digit(body)


@given(DIGITS)
def test_the_luhn_digit_makes_the_sum_a_multiple_of_ten(body: str) -> None:
    doubled = [int(digit) * (2 if at % 2 else 1) for at, digit in enumerate(reversed(body + luhn_check_digit(body)))]
    assert sum(value // 10 + value % 10 for value in doubled) % 10 == 0


@pytest.mark.parametrize("digit_of", [gs1_check_digit, luhn_check_digit])
@given(body=DIGITS, data=st.data())
def test_one_wrong_digit_is_always_caught(digit_of: object, body: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(min_value=0, max_value=len(body) - 1))
    other = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != body[at]]))
    assert callable(digit_of)
    assert digit_of(body[:at] + other + body[at + 1 :]) != digit_of(body)


@pytest.mark.parametrize("text", ["", " 1", "1\n", "-1", "+1", "1_0", "\u0661", "²", "12a"])
def test_only_plain_digits_are_digits(text: str) -> None:
    assert not is_digits(text)
