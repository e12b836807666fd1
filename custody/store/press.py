"""Openings in the store: pressed by Zstandard (RFC 8878) over a dictionary of how events are commonly worded.

An opening is short and mostly the words of EPCIS, so that over a dictionary it takes a quarter of its length, and a
few microseconds. The dictionary is part of what is stored: it can never change (`simulators/press_words.py` made it).
A row ends in the frame's checksum and is either the opening that was pressed or none.
"""

import threading
from importlib import resources

import zstandard

LEVEL = 3
DICTIONARY = resources.files(__package__).joinpath("openings.dictionary").read_bytes()
_FORMAT = zstandard.FORMAT_ZSTD1_MAGICLESS


class _Presses(threading.local):
    """A pair for each thread: neither may be used by two at once."""

    def __init__(self) -> None:
        shape = zstandard.ZstdCompressionParameters.from_level(
            LEVEL, format=_FORMAT, write_content_size=True, write_checksum=True, write_dict_id=False
        )
        self.press = zstandard.ZstdCompressor(dict_data=_WORDS, compression_params=shape)
        self.unpress = zstandard.ZstdDecompressor(dict_data=_WORDS, format=_FORMAT)


_WORDS = zstandard.ZstdCompressionDict(DICTIONARY)
_WORDS.precompute_compress(level=LEVEL)
_PRESSES = _Presses()


def press(opening: bytes) -> bytes:
    """The opening as its row holds it."""
    return _PRESSES.press.compress(opening)


def unpress(content: bytes) -> bytes:
    """The opening that a row holds; raises `zstandard.ZstdError` for what is none."""
    return _PRESSES.unpress.decompress(content)
