"""Instants and their RFC 3339 texts lead to each other; a span is said in one unit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.kernel.clock import DAY_MS, from_iso, say_ms, to_iso
from custody.kernel.errors import Rejected


@given(st.integers(min_value=0, max_value=4_000_000_000))
def test_whole_seconds_come_back(seconds: int) -> None:
    assert from_iso(to_iso(seconds * 1000)) == seconds * 1000


@given(st.integers(min_value=1_700_000_000_000, max_value=1_900_000_000_000))
def test_milliseconds_of_these_years_come_back(at_ms: int) -> None:
    assert from_iso(to_iso(at_ms)) == at_ms


@pytest.mark.parametrize("at_ms", [1_073_792_307_870, 8_898_116_273_991])
def test_milliseconds_of_other_years_come_back(at_ms: int) -> None:
    assert from_iso(to_iso(at_ms)) == at_ms


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"])
def test_the_first_and_the_last_time_of_the_calendar_come_back(text: str) -> None:
    assert to_iso(from_iso(text)) == text


@pytest.mark.parametrize("text", ["2026-05-11t08:14:00z", "2026-05-11T08:14:00z", "2026-05-11t09:14:00.000+01:00"])
def test_small_letters_are_read_as_rfc_3339_section_5_6_allows(text: str) -> None:
    assert to_iso(from_iso(text)) == "2026-05-11T08:14:00.000Z"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "today",
        "2026-05-11T08:14:00",
        "2026-05-11",
        "2026-05-11T23:59:60Z",
        "1778483640",
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+23:59",
    ],
)
def test_what_is_no_time_with_an_offset_is_rejected(text: str) -> None:
    with pytest.raises(Rejected) as caught:
        from_iso(text)
    assert caught.value.code == "time"


@pytest.mark.parametrize(
    "text",
    [
        "2026-05-11 08:14:00Z",
        "2026-05-11T08:14Z",
        "20260511T081400Z",
        "2026-W20-1T08:14:00Z",
        "2026-05-11T08:14:00+0100",
        "2026-05-11T08:14:00+01",
        "2026-05-11T08:14:00+01:60",
        "2026-05-11T08:14:00+01:00:30",
        "2026-05-11T08:14:00,5Z",
        "2026-05-11T08:14:00.Z",
        "2026-05-11T08:14:00 Z",
        "2026-05-11T08:14:00Z\n",
        "\uff12\uff10\uff12\uff16-05-11T08:14:00Z",
    ],
)
def test_other_spellings_of_iso_8601_are_no_rfc_3339(text: str) -> None:
    with pytest.raises(Rejected) as caught:
        from_iso(text)
    assert caught.value.code == "time"


def test_what_is_finer_than_a_millisecond_is_dropped_however_long_it_is() -> None:
    assert to_iso(from_iso("2026-05-11T08:14:00.123999999999Z")) == "2026-05-11T08:14:00.123Z"


@given(st.text(max_size=30))
def test_any_text_is_a_time_or_rejected(text: str) -> None:
    try:
        assert to_iso(from_iso(text))
    except Rejected:
        return


@pytest.mark.parametrize(
    ("span", "said"), [(999, "0 seconds"), (90_000, "90 seconds"), (7_200_000, "2 hours"), (3 * DAY_MS, "3 days")]
)
def test_spans_are_said_in_the_largest_unit_that_fits(span: int, said: str) -> None:
    assert say_ms(span) == said
