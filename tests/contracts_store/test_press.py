"""Openings come out of the store as they went in."""

import hashlib
import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from custody.store.press import DICTIONARY, press, unpress
from simulators.events import finish, write

CHECKSUM = "6ee03b147bfbab41508cc5f27fd516cdea575b4df1bb2496d60f13e2a7b69f2d"
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


def test_threads_that_press_at_once_do_not_disturb_each_other() -> None:
    openings = [hashlib.sha256(bytes([number])).digest() + EVENT * (number + 1) for number in range(64)]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(unpress, threads.map(press, openings * 20))) == openings * 20


def test_the_dictionary_makes_an_event_less_than_half_as_long_as_zlib_without() -> None:
    opening = hashlib.sha256(b"salt").digest() + EVENT
    assert 2 * len(press(opening)) < len(zlib.compress(opening))


def test_the_dictionary_never_changes() -> None:
    assert hashlib.sha256(DICTIONARY).hexdigest() == CHECKSUM, (
        "rows that are pressed over it could not be read any more"
    )


def test_a_damaged_row_is_not_taken_for_another_opening() -> None:
    pressed = bytearray(press(EVENT))
    pressed[len(pressed) // 2] ^= 1
    for row in (bytes(pressed), press(EVENT)[:-1]):
        with pytest.raises(zstandard.ZstdError):
            unpress(row)
