"""An order's reference as people type it: other letters, dashes and words around it, and never another digit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.disputes.typed_order import bare_number, spellings


@pytest.mark.parametrize(
    "typed",
    ["so-20991", "SO 20991", "#SO-20991", "Order SO-20991", "order no. so–20991.", "My order number: SO - 20991"],  # noqa: RUF001 - a phone's dash
)
def test_what_was_typed_leads_to_the_reference_that_was_meant(typed: str) -> None:
    assert "SO-20991" in spellings(typed)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("MON5", "MON-5"),
        ("mon5", "MON-5"),
        ("Order MON5.", "MON-5"),
        ("MON-5", "MON5"),
        ("mon 5", "MON5"),
        ("AB12CD", "AB-12-CD"),
        ("AB12CD", "AB-12CD"),
        ("2026SO17", "2026-SO-17"),
        ("2026-SO17", "2026-SO-17"),
    ],
)
def test_a_hyphen_between_letters_and_digits_may_be_left_out_or_be_too_many(typed: str, meant: str) -> None:
    assert meant in spellings(typed)


def test_a_hyphen_between_digits_is_never_left_out_or_put_in() -> None:
    assert "SO-1234" not in spellings("SO-123-4")
    assert "SO-123-4" not in spellings("SO-1234")


@pytest.mark.parametrize("typed", ["IMEI: 490154203237518", "imei 490154203237518", "Parcel no 490154203237518,"])
def test_a_number_is_read_without_the_word_before_it(typed: str) -> None:
    assert bare_number(typed) == "490154203237518"


@pytest.mark.parametrize("reference", ["NO-17", "order-17", "Order 17", "Reference17", "MY17", "THE-1", "numbers"])
def test_a_reference_that_begins_like_such_a_word_is_still_among_what_may_be_meant(reference: str) -> None:
    assert reference.upper() in spellings(reference.lower())


@given(st.text(alphabet="SOso019-–# .:", max_size=20))  # noqa: RUF001 - a phone's dash
def test_no_letter_and_no_digit_is_ever_another_one_or_left_out_of_the_end(typed: str) -> None:
    kept = "".join(filter(str.isalnum, typed)).upper()
    for meant in spellings(typed):
        assert kept.endswith("".join(filter(str.isalnum, meant)).upper())
        assert meant != typed
