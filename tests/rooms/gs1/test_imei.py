"""Two IMEIs are the same when their first 14 digits are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.gs1.canonical import canonical
from custody.gs1.check_digit import luhn_check_digit
from custody.gs1.imei import foreign_imei_urn, imei_digits, imei_urn, serial_as_imei, told_imei_urn
from custody.kernel.errors import Rejected

URN = "urn:gsma:imei:49015420-323751-0"
BODIES = st.text(alphabet="0123456789", min_size=14, max_size=14)


@pytest.mark.parametrize(
    "text",
    [
        "49015420323751",
        "490154203237518",
        "4901542032375100",
        "4901542032375199",
        "urn:gsma:imei:49015420-323751-0",
        "urn:gsma:imei:49015420-323751-8",
        "URN:GSMA:IMEI:49015420-323751-8",
        "urn:gsma:imei:49015420-323751-0;svn=42",
        "urn:gsma:imei:49015420-323751-0;svn=42;vers=1",
    ],
)
def test_every_spelling_of_an_imei_has_one_urn_with_a_zero_at_its_end(text: str) -> None:
    assert imei_urn(text) == URN
    assert canonical(text).uri == (URN if text[0] in "uU" else text)


@pytest.mark.parametrize(
    "text", ["49015420323751", *(f"49015420323751{digit}" for digit in range(10)), "4901542032375142", URN]
)
def test_the_check_digit_of_an_imei_that_a_machine_tells_is_not_judged(text: str) -> None:
    assert told_imei_urn(text) == URN


@pytest.mark.parametrize("text", ["", "4901542032375", "49015420323751000", "A1000031212", "49 015420 323751 8"])
def test_what_a_machine_tells_that_is_no_imei_names_no_handset(text: str) -> None:
    assert told_imei_urn(text) is None


@pytest.mark.parametrize("digit", "012345679")
def test_fifteen_digits_with_a_wrong_luhn_digit_are_refused(digit: str) -> None:
    with pytest.raises(Rejected) as caught:
        imei_urn("49015420323751" + digit)
    assert caught.value.code == "imei"


@pytest.mark.parametrize(
    "text",
    ["", "4901542032375", "49015420323751001", "4901542032375x", "49015420-323751-8", "490154203237518\n",
     "urn:gsma:imei:4901542-0323751-0", "urn:gsma:imei:49015420-323751", "urn:gsma:imei:\u06649015420-323751-0"],
)  # fmt: skip
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(Rejected):
        imei_urn(text)


@given(BODIES)
def test_digits_and_urn_lead_to_each_other(body: str) -> None:
    whole = body + luhn_check_digit(body)
    assert imei_digits(imei_urn(whole)) == whole
    assert imei_urn(body) == imei_urn(whole) == imei_urn(body + "07")


def test_the_digits_of_what_is_no_urn_are_refused() -> None:
    with pytest.raises(Rejected):
        imei_digits("490154203237518")


@pytest.mark.parametrize(
    ("sgtin", "imei"),
    [
        ("https://id.gs1.org/01/09521473003813/21/490154203237518", URN),
        ("https://id.gs1.org/01/09521473003813/21/490154203237519", None),
        ("https://id.gs1.org/01/09521473003813/21/SN49015420323", None),
        ("https://id.gs1.org/01/09521473003813", None),
        ("490154203237518", URN),
        (URN, None),
    ],
)
def test_the_imei_in_a_serial_is_found_by_its_luhn_digit(sgtin: str, imei: str | None) -> None:
    assert serial_as_imei(sgtin) == imei


@given(st.text(max_size=40))
def test_any_text_is_an_imei_or_rejected(text: str) -> None:
    try:
        urn = imei_urn(text)
    except Rejected:
        return
    assert foreign_imei_urn(urn) == urn
