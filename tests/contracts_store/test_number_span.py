"""Spans of numbers: what was taken is read again as it was, from few bytes, and so are rows of before."""

import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from custody.scans.place import place_of
from custody.store.number_span import hold_plain, press, read_span

PLACES = st.integers(0, 2**63 - 1)
NUMBERS = st.lists(st.tuples(PLACES, PLACES), max_size=40)
RISING = st.tuples(st.lists(PLACES, max_size=40), st.lists(PLACES, max_size=40)).map(
    lambda both: list(zip(sorted(both[0]), sorted(both[1]), strict=False))
)


@given(NUMBERS | RISING)
@example([(1 << 56, 1), (2**63 - 1, 2)])
@example([(0xFF << 55, 1)])
def test_every_span_is_read_as_it_was_plain_and_pressed(numbers: list[tuple[int, int]]) -> None:
    plain = hold_plain(numbers)
    assert read_span(plain) == numbers, "as rows of before have it"
    assert read_span(press(plain)) == numbers
    assert len(press(plain)) <= max(len(plain) + 1, 1 + 18 * len(numbers))


def test_a_number_takes_five_bytes_alone_and_two_in_a_batch() -> None:
    alone = [(seq, place_of(5_000_000 + 300 * seq)) for seq in range(1, 17)]
    assert len(press(hold_plain(alone))) <= 5 * 16
    batch = [(seq, place_of(5_000_000, seq - 1)) for seq in range(1, 257)]
    assert len(press(hold_plain(batch))) <= 2 * 256 + 6


@pytest.mark.parametrize("span", [b"\xff\x05", b"\xff\x05\x80", b"\xff\x05\x07\x80", b"\x00" * 15, b"\x02"])
def test_what_is_no_span_is_not_read(span: bytes) -> None:
    with pytest.raises(struct.error):
        read_span(span)
