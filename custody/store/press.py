"""Openings and statements in the store: pressed by Zstandard (RFC 8878) over a dictionary of how they are worded.

Both are short, and much of them is the same every time, so that over a dictionary an opening takes a quarter of its
length and a statement loses what is not random, in a few microseconds. The dictionaries are part of what is stored:
they can never change (`simulators/press_words.py` made them). What was pressed ends in a checksum, and comes out as it
went in or not at all.
"""

import threading
from importlib import resources

import zstandard

LEVEL = 3
_FORMAT = zstandard.FORMAT_ZSTD1_MAGICLESS


class Press(threading.local):
    """A press over one dictionary; each thread has tools of its own, because none may be used by two at once."""

    def __init__(self, dictionary: bytes) -> None:
        words = zstandard.ZstdCompressionDict(dictionary)
        words.precompute_compress(level=LEVEL)
        shape = zstandard.ZstdCompressionParameters.from_level(
            LEVEL, format=_FORMAT, write_content_size=True, write_checksum=True, write_dict_id=False
        )
        self._press = zstandard.ZstdCompressor(dict_data=words, compression_params=shape)
        self._unpress = zstandard.ZstdDecompressor(dict_data=words, format=_FORMAT)

    def press(self, plain: bytes) -> bytes:
        """What a row holds for it."""
        return self._press.compress(plain)

    def unpress(self, pressed: bytes) -> bytes:
        """What a row holds; raises `zstandard.ZstdError` for what was not pressed here."""
        return self._unpress.decompress(pressed)


def _words(name: str) -> bytes:
    return resources.files(__package__).joinpath(f"{name}.dictionary").read_bytes()


OPENINGS, STATEMENTS = Press(_words("openings")), Press(_words("statements"))
