"""Openings, statements and views in the store: pressed by Zstandard (RFC 8878) over dictionaries of their words.

All are short, and much of them is the same every time, so that over a dictionary an opening takes a quarter of its
length, a view less than a third, and a statement loses what is not random, in a few microseconds. The dictionaries are
part of what is stored: they can never change (`simulators/press_words.py` made them). What was pressed ends in a
checksum, and comes out as it went in or not at all.

What is random cannot be pressed, and among words it makes those longer. So a row holds it beside them:

| bytes | what |
|---|---|
| 1 | a mark that no frame begins with, because RFC 8878 section 3.1.1.1.1 keeps that bit zero |
| 4 | CRC-32 of the whole |
| 0 or 32 | the salt of an opening |
| 16 | the first UUID in it: an event's own name, or a shipment's |
| the rest | a frame of all else, without a checksum |

What has no UUID is one frame with a checksum, as rows were before. The statements of plain scans have a form of their
own (`statement_press.py`).
"""

import threading
import zlib
from importlib import resources

import zstandard

from custody.scans.scan import SALT_BYTES

LEVEL = 4
URN = b"urn:uuid:"
UUID_TEXT, UUID_BYTES = 36, 16
MARK = b"\x08"
CRC_BYTES = 4
FORM, CHECKED, LONG = 0x1F, 0x04, 0x80
"""Of the first byte of a frame (RFC 8878 section 3.1.1.1): the bits of its form, the one of these that ours have that
end in a checksum, and from where on four or eight bytes say how much it holds."""
MOST_BYTES = 1 << 26
"""More than anything that is stored here; as much as a damaged frame says that it holds is asked of the memory."""
DAMAGED = "what was pressed is damaged"
_FORMAT = zstandard.FORMAT_ZSTD1_MAGICLESS


class Press(threading.local):
    """A press over one dictionary; each thread has tools of its own, because none may be used by two at once.

    `salt_bytes`: how long the salt is that all of them begin with.
    """

    def __init__(self, dictionary: bytes, *, salt_bytes: int = 0) -> None:
        words = zstandard.ZstdCompressionDict(dictionary)
        words.precompute_compress(level=LEVEL)
        self._salt_bytes = salt_bytes
        self._press, self._press_words = (
            zstandard.ZstdCompressor(
                dict_data=words,
                compression_params=zstandard.ZstdCompressionParameters.from_level(
                    LEVEL, format=_FORMAT, write_content_size=True, write_checksum=checked, write_dict_id=False
                ),
            )
            for checked in (True, False)
        )
        self._unpress = zstandard.ZstdDecompressor(dict_data=words, format=_FORMAT)

    def press(self, plain: bytes) -> bytes:
        """What a row holds for it."""
        at = plain.find(URN, self._salt_bytes) + len(URN)
        name = read_uuid(plain[at : at + UUID_TEXT]) if at >= len(URN) else None
        if name is None:
            return self._press.compress(plain)
        salt, words = plain[: self._salt_bytes], plain[self._salt_bytes : at] + plain[at + UUID_TEXT :]
        check = zlib.crc32(plain).to_bytes(CRC_BYTES, "big")
        return MARK + check + salt + name + self._press_words.compress(words)

    def unpress(self, pressed: bytes) -> bytes:
        """What a row holds; raises `zstandard.ZstdError` for what was not pressed here."""
        if not pressed.startswith(MARK):
            return self._read_checked(pressed)
        salt_at = len(MARK) + CRC_BYTES
        name_at = salt_at + self._salt_bytes
        words_at = name_at + UUID_BYTES
        words = self._read(pressed[words_at:], form=0)
        at = words.find(URN) + len(URN)
        plain = pressed[salt_at:name_at] + words[:at] + write_uuid(pressed[name_at:words_at]) + words[at:]
        if zlib.crc32(plain).to_bytes(CRC_BYTES, "big") != pressed[len(MARK) : salt_at]:
            raise zstandard.ZstdError(DAMAGED)
        return plain

    def _read_checked(self, frame: bytes) -> bytes:
        """What a frame with a checksum holds; the library believes one that says that it holds nothing."""
        plain = self._read(frame, form=CHECKED)
        if not plain and frame != self._press.compress(plain):
            raise zstandard.ZstdError(DAMAGED)
        return plain

    def _read(self, frame: bytes, *, form: int) -> bytes:
        if not frame or frame[0] & FORM != form:
            raise zstandard.ZstdError(DAMAGED)
        if frame[0] >= LONG and zstandard.get_frame_parameters(frame, format=_FORMAT).content_size > MOST_BYTES:
            raise zstandard.ZstdError(DAMAGED)
        return self._unpress.decompress(frame, allow_extra_data=False)


def read_uuid(text: bytes) -> bytes | None:
    """The bytes of a UUID, if it is spelt as we spell it again."""
    try:
        raw = bytes.fromhex(text.decode("ascii").replace("-", ""))
    except ValueError:
        return None
    return raw if len(raw) == UUID_BYTES and write_uuid(raw) == text else None


def write_uuid(raw: bytes) -> bytes:
    """How a UUID is spelt (RFC 9562 section 4)."""
    digits = raw.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}".encode()


def _words(name: str) -> bytes:
    return resources.files(__package__).joinpath(f"{name}.dictionary").read_bytes()


OPENINGS = Press(_words("openings"), salt_bytes=SALT_BYTES)
STATEMENTS, VIEWS = Press(_words("statements")), Press(_words("views"))
