"""Columns that come with every scan, whose rows hold what stands in them in fewer bytes; readers see the whole."""

import base64
import re
from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import LargeBinary, String, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

from custody.gs1.keys import ROOT
from custody.store.press import OPENINGS, VIEWS
from custody.store.statement_press import press_statement, whole_statement

OURS = "application/vnd.weaklink."
ROOT_MARK, UUID_MARK, OURS_MARK, PLAIN_MARK = "/", "~", ".", "="
"""What begins a short form; a text that begins with one of them itself is kept behind the last one."""

LETTERS = {"accepted": "a", "flagged": "f", "quarantined": "q", "S00": "0", "late_offline": "l"}
WORDS = {letter: word for word, letter in LETTERS.items()}

_UUID = re.compile("urn:uuid:([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})")


class RowValue(msgspec.Struct, frozen=True, gc=False):
    """What a row is to hold, worked out before the row is written."""

    held: Any


class Brief(TypeDecorator[Any]):
    """What a row holds is `write` of the value, and `read` of it is the value; None is None."""

    impl: type[TypeEngine[Any]] = String
    cache_ok = True

    def __init__(self, write: Callable[[Any], Any], read: Callable[[Any], Any]) -> None:
        super().__init__()
        self.write = write
        self.read = read

    def hold(self, value: Any) -> RowValue:
        """What the row will hold for it, worked out now; it is written in place of the value."""
        return RowValue(self.write(value))

    def to_row(self, value: Any) -> Any:
        """What the row holds for it."""
        if value.__class__ is RowValue:
            return value.held
        return None if value is None else self.write(value)

    def from_row(self, held: Any) -> Any:
        """What the row holds it for."""
        return None if held is None else self.read(held)

    def process_bind_param(self, value: Any, dialect: object) -> Any:  # noqa: ARG002 - the library's name
        """`to_row`, for the library."""
        return self.to_row(value)

    def process_result_value(self, value: Any, dialect: object) -> Any:  # noqa: ARG002 - the library's name
        """`from_row`, for the library."""
        return self.from_row(value)


class BriefBytes(Brief):
    """As `Brief`, for bytes."""

    impl = LargeBinary
    cache_ok = True


class BriefText(Brief):
    """As `Brief`, for text of any length."""

    impl = Text
    cache_ok = True


def brief_key(key: str) -> str:
    """A canonical key without GS1's root, and a UUID in the 22 letters of its bytes (RFC 4648 section 5)."""
    if key.startswith(ROOT):
        return ROOT_MARK + key[len(ROOT) :]
    found = _UUID.fullmatch(key)
    if found is not None:
        return UUID_MARK + base64.urlsafe_b64encode(bytes.fromhex("".join(found.groups()))).decode()[:22]
    return _plain(key, ROOT_MARK, UUID_MARK)


def whole_key(brief: str) -> str:
    """The key of a brief one."""
    mark, rest = brief[:1], brief[1:]
    if mark == ROOT_MARK:
        return ROOT + rest
    if mark == UUID_MARK:
        digits = base64.urlsafe_b64decode(rest + "==").hex()
        return f"urn:uuid:{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
    return rest if mark == PLAIN_MARK else brief


def brief_media_type(media_type: str) -> str:
    """A media type without our own part of the registry's tree (RFC 6838 section 3.2)."""
    return OURS_MARK + media_type[len(OURS) :] if media_type.startswith(OURS) else _plain(media_type, OURS_MARK)


def whole_media_type(brief: str) -> str:
    """The media type of a brief one."""
    mark, rest = brief[:1], brief[1:]
    return OURS + rest if mark == OURS_MARK else rest if mark == PLAIN_MARK else brief


def brief_word(word: str) -> str:
    """A word of a verdict: those that nearly every scan has are held as one letter."""
    return LETTERS.get(word, word)


def whole_word(brief: str) -> str:
    """The word of a brief one; rows of before hold the word as it is."""
    return WORDS.get(brief, brief)


def press_view(view: str) -> bytes:
    """What is known of a parcel or handset, pressed."""
    return VIEWS.press(view.encode())


def whole_view(held: bytes) -> str:
    """What a row holds of it; rows of before hold the JSON as it is, which no pressed one begins as."""
    return (held if held.startswith(b"{") else VIEWS.unpress(held)).decode()


def _plain(text: str, *marks: str) -> str:
    return PLAIN_MARK + text if text.startswith((PLAIN_MARK, *marks)) else text


KEY = Brief(brief_key, whole_key)
MEDIA_TYPE = Brief(brief_media_type, whole_media_type)
OPENING = BriefBytes(OPENINGS.press, OPENINGS.unpress)
STATEMENT = BriefBytes(press_statement, whole_statement)
VIEW = BriefBytes(press_view, whole_view)
WORD, FLAGS = Brief(brief_word, whole_word), BriefText(brief_word, whole_word)
