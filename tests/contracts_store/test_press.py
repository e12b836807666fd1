"""Openings and statements come out of the store as they went in."""

import hashlib
import zlib
from concurrent.futures import ThreadPoolExecutor
from importlib import resources

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from custody.store.press import LEVEL, OPENINGS, STATEMENTS, VIEWS, Press
from simulators.events import finish, write
from simulators.load import load_stations, presign

CHECKSUMS = {
    "openings": "6ee03b147bfbab41508cc5f27fd516cdea575b4df1bb2496d60f13e2a7b69f2d",
    "statements": "65da4ba74093a09b04550cf869ae7198af410f0a94e3c479340ef2ecf18a4afc",
    "views": "ea6792e8096b871911793547e9a856c3ef0b062cb368d20199f07a9bd627ec41",
}
PRESSES = pytest.mark.parametrize("press", [OPENINGS, STATEMENTS, VIEWS], ids=CHECKSUMS)
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


@PRESSES
@given(st.binary(max_size=6_000))
def test_what_was_pressed_comes_out_as_it_went_in(press: Press, plain: bytes) -> None:
    assert press.unpress(press.press(plain)) == plain


def test_a_long_opening_comes_out_too() -> None:
    opening = bytes(32) + EVENT * 200
    assert OPENINGS.unpress(OPENINGS.press(opening)) == opening


def test_threads_that_press_at_once_do_not_disturb_each_other() -> None:
    openings = [hashlib.sha256(bytes([number])).digest() + EVENT * (number + 1) for number in range(64)]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(OPENINGS.unpress, threads.map(OPENINGS.press, openings * 20))) == openings * 20


def test_the_dictionary_makes_an_event_less_than_half_as_long_as_zlib_without() -> None:
    opening = hashlib.sha256(b"salt").digest() + EVENT
    assert 2 * len(OPENINGS.press(opening)) < len(zlib.compress(opening))


def test_the_dictionary_takes_from_a_statement_what_is_not_random() -> None:
    (scan,) = presign(load_stations(1, seed=8), each=1, at_ms=1_790_000_000_000, seed=8)[0]
    assert len(STATEMENTS.press(scan.statement)) < len(scan.statement) - 60


@pytest.mark.parametrize("name", CHECKSUMS)
def test_a_dictionary_never_changes(name: str) -> None:
    words = resources.files("custody.store").joinpath(f"{name}.dictionary").read_bytes()
    assert hashlib.sha256(words).hexdigest() == CHECKSUMS[name], "rows pressed over it could not be read any more"


NAMED = b"urn:uuid:3e6f87cf-5e07-4d01-af35-ec14ce48c5b3"


@PRESSES
@given(
    st.lists(st.sampled_from([NAMED, NAMED.upper(), b"urn:uuid:", NAMED[:-1], b"\x08", b"-", b"words"]) | st.binary())
)
def test_names_among_words_come_out_as_they_went_in(press: Press, parts: list[bytes]) -> None:
    plain = b"".join(parts)
    assert press.unpress(press.press(plain)) == plain


@pytest.mark.parametrize(("name", "press"), [("openings", OPENINGS), ("statements", STATEMENTS)])
@given(plain=st.binary().map(EVENT.__add__) | st.binary())
def test_a_row_of_before_is_read_still(name: str, press: Press, plain: bytes) -> None:
    words = zstandard.ZstdCompressionDict(resources.files("custody.store").joinpath(f"{name}.dictionary").read_bytes())
    shape = zstandard.ZstdCompressionParameters.from_level(
        LEVEL,
        format=zstandard.FORMAT_ZSTD1_MAGICLESS,
        write_content_size=True,
        write_checksum=True,
        write_dict_id=False,
    )
    assert press.unpress(zstandard.ZstdCompressor(dict_data=words, compression_params=shape).compress(plain)) == plain


@PRESSES
@pytest.mark.parametrize("plain", [bytes(32) + EVENT, bytes(32) + EVENT.replace(b"urn:uuid:", b"n:"), b"x"])
def test_a_row_with_any_bit_changed_is_refused_or_says_the_same(press: Press, plain: bytes) -> None:
    pressed = press.press(plain)
    refused = 0
    for bit in range(8 * len(pressed)):
        changed = bytearray(pressed)
        changed[bit // 8] ^= 1 << bit % 8
        try:
            assert press.unpress(bytes(changed)) == plain
        except zstandard.ZstdError:
            refused += 1
    assert refused > 7 * len(pressed)


@PRESSES
def test_a_damaged_row_is_not_taken_for_another(press: Press) -> None:
    pressed = bytearray(press.press(EVENT))
    pressed[len(pressed) // 2] ^= 1
    for row in (bytes(pressed), press.press(EVENT)[:-1]):
        with pytest.raises(zstandard.ZstdError):
            press.unpress(row)
