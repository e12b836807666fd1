"""Openings come out of the store as they went in, those that older versions pressed too."""

import hashlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.store.press import DICTIONARY, press, unpress
from simulators.events import finish, write

CHECKSUM = 3_750_521_569
EVENT = write(
    finish(
        {
            "type": "ObjectEvent",
            "epcList": ["https://id.gs1.org/00/195214738085815137"],
            "action": "OBSERVE",
            "bizStep": "departing",
            "disposition": "in_transit",
            "readPoint": {"id": "https://id.gs1.org/414/9521886000126/254/HUB-1-BELT"},
        },
        at_ms=1_790_000_000_000,
        event_id="urn:uuid:3e6f87cf-5e07-4d01-af35-ec14ce48c5b3",
    )
)


@given(st.binary(max_size=6_000))
def test_what_was_pressed_comes_out_as_it_went_in(opening: bytes) -> None:
    assert unpress(press(opening)) == opening


def test_a_long_opening_comes_out_too() -> None:
    opening = bytes(32) + EVENT * 200
    assert unpress(press(opening)) == opening


def test_a_row_from_before_the_dictionary_is_read() -> None:
    assert unpress(zlib.compress(EVENT)) == EVENT


def test_the_dictionary_makes_an_event_less_than_half_as_long_as_without() -> None:
    opening = hashlib.sha256(b"salt").digest() + EVENT
    assert 2 * len(press(opening)) < len(zlib.compress(opening))


def test_the_dictionary_never_changes() -> None:
    assert zlib.adler32(DICTIONARY) == CHECKSUM, "rows that are pressed over it could not be read any more"


def test_a_damaged_row_is_not_taken_for_another_opening() -> None:
    pressed = bytearray(press(EVENT))
    pressed[len(pressed) // 2] ^= 1
    for row in (bytes(pressed), press(EVENT)[:-1]):
        with pytest.raises(zlib.error):
            unpress(row)
