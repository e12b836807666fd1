"""Deterministic CBOR (RFC 8949 section 4.2.1), both ways.

Encoding: shortest integers and floats, definite lengths, map keys sorted bytewise by their encoding.
Decoding: exactly one item, and only what encoding it again would give: no trailing bytes, duplicate keys, long forms,
indefinite lengths or unsorted maps. What costs whoever reads it far more than whoever sends it is refused.
"""

import math
import struct
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

import cbor2

from custody.kernel.errors import Rejected

PLAIN = frozenset({int, bytes, str, bool, type(None)})
"""The values that the library writes in their one deterministic form; floats it writes in the long form."""

_WHOLE_LIMIT = 2**64
MOST_DEEP = 100
"""How many items may lie in each other."""
MOST_ITEMS = 100_000
"""How many items lists, maps and tags may hold in all: a body is read before anything tells who sent it."""
MOST_NUMBERS = 100
"""How many keys of one map may be numbers. Unlike those of texts their hashes are no secret, and can be chosen such
that each key takes as long as all the keys before it."""
MOST_BIG_BYTES = 512
"""How long a big number may be: Python writes out none of more than 4,300 digits, so an error could not tell it."""

_UP, _DOWN, _BYTES, _TEXT, _LIST, _MAP, _TAG, _OTHER = range(8)
_STRINGS = frozenset({_BYTES, _TEXT})
_ONE_BYTE, _EIGHT_BYTES = 24, 27
_LEAST = {1: _ONE_BYTE, 2: 1 << 8, 4: 1 << 16, 8: 1 << 32}
_BIG_UP, _BIG_DOWN = 2, 3
_BIG = frozenset({_BIG_UP, _BIG_DOWN})
_BIG_BYTES = 9
_SIMPLE = {0xF4: False, 0xF5: True, 0xF6: None}
_FLOATS = {0xF9: (2, ">e"), 0xFA: (4, ">f"), 0xFB: (8, ">d")}
_NAN = bytes.fromhex("f97e00")


def encode(value: Any) -> bytes:
    """Deterministic bytes of ints, bytes, text, bools, None, floats, lists, dicts and `cbor2.CBORTag`."""
    kind = type(value)
    if kind is str:
        return _text(value)
    if kind is int and 0 <= value < _WHOLE_LIMIT:
        return whole(value)
    if kind is list and set(map(type, value)) == {bytes}:
        return _byte_strings(value)
    return cbor2.dumps(value) if _in_order(value) else _encode(value)


def decode(raw: bytes, *, strict: bool = True, most_items: int = MOST_ITEMS) -> Any:
    """The value of deterministic bytes; raises `Rejected("cbor")` for anything else.

    A tag that is no big number is a `cbor2.CBORTag` with its item, whatever it may mean to others. If not `strict`,
    the keys of maps may stand in any order and floats in a longer form: what others have signed is kept as it stands.
    """
    try:
        value, end = _Reader(raw, strict=strict, most_items=most_items).item(0, MOST_DEEP)
    except IndexError as error:
        raise _refused("it ends before its last item does") from error
    except ValueError as error:
        raise _refused(str(error)) from error
    if end != len(raw):
        raise _refused("bytes follow the item")
    return value


def _refused(why: str) -> Rejected:
    return Rejected("cbor", f"not deterministic CBOR: {why}", fix="Encode one item by RFC 8949 section 4.2.1.")


class _Reader:
    """Reads items by hand, because libraries carry out what a tag asks for.

    A few bytes may ask for a number of a billion digits, or for a list that holds itself. `item` and its parts give a
    value and where it ends.
    """

    __slots__ = ("_left", "_raw", "_strict")

    def __init__(self, raw: bytes, *, strict: bool, most_items: int) -> None:
        self._raw = raw
        self._strict = strict
        self._left = most_items

    def item(self, at: int, deep: int) -> tuple[Any, int]:
        """The item that starts there."""
        raw = self._raw
        major = raw[at] >> 5
        if major == _OTHER:
            return self._simple(at)
        if not deep:
            raise ValueError(f"more than {MOST_DEEP} items lie in each other")
        small = raw[at] & 0x1F
        number, start = (small, at + 1) if small < _ONE_BYTE else self._number(at)
        if major in _STRINGS:
            end = start + number
            if end > len(raw):
                raise IndexError
            return (raw[start:end] if major == _BYTES else raw[start:end].decode()), end
        if major == _LIST:
            self._count(number)
            items, end = [], start
            for _ in range(number):
                item, end = self.item(end, deep - 1)
                items.append(item)
            return items, end
        if major == _MAP:
            self._count(2 * number)
            return self._map(start, number, deep - 1)
        if major == _TAG:
            self._count(1)
            item, end = self.item(start, deep - 1)
            return _tagged(number, item), end
        return (number if major == _UP else -1 - number), start

    def _count(self, items: int) -> None:
        self._left -= items
        if self._left < 0:
            raise ValueError("it holds too many items, or ends before its last one does")

    def _number(self, at: int) -> tuple[int, int]:
        """The number behind a head; raises `ValueError` unless it is as short as can be."""
        raw = self._raw
        info = raw[at] & 0x1F
        if info > _EIGHT_BYTES:
            raise ValueError("its length is left open")
        length = 1 << info - _ONE_BYTE
        end = at + 1 + length
        if end > len(raw):
            raise IndexError
        number = int.from_bytes(raw[at + 1 : end])
        if number < _LEAST[length]:
            raise ValueError("a number is longer than need be")
        return number, end

    def _map(self, at: int, count: int, deep: int) -> tuple[dict[Any, Any], int]:
        found: dict[Any, Any] = {}
        before, numbers = b"", 0
        for _ in range(count):
            key, end = self.item(at, deep)
            written = self._raw[at:end]
            if self._strict and written <= before:
                raise ValueError("the keys of a map do not ascend")
            if isinstance(key, list | dict | cbor2.CBORTag):
                raise ValueError("a key of a map is not one value")  # noqa: TRY004 - every refusal is of this kind
            numbers += not isinstance(key, str | bytes)
            if numbers > MOST_NUMBERS:
                raise ValueError(f"more than {MOST_NUMBERS} keys of a map are numbers")
            found[key], at = self.item(end, deep)
            before = written
        if len(found) != count:
            raise ValueError("two keys of a map are equal")
        return found, at

    def _simple(self, at: int) -> tuple[Any, int]:
        raw = self._raw
        first = raw[at]
        if first in _SIMPLE:
            return _SIMPLE[first], at + 1
        if first not in _FLOATS:
            raise ValueError("a simple value is none of those used here")
        length, form = _FLOATS[first]
        end = at + 1 + length
        if end > len(raw):
            raise IndexError
        (number,) = struct.unpack(form, raw[at + 1 : end])
        if self._strict and _float(number) != raw[at:end]:
            raise ValueError("a float is longer than need be")
        return number, end


def _tagged(tag: int, item: Any) -> Any:
    if tag not in _BIG:
        return cbor2.CBORTag(tag, item)
    if not isinstance(item, bytes) or not _BIG_BYTES <= len(item) <= MOST_BIG_BYTES or not item[0]:
        raise ValueError("a big number is not as short as can be, or longer than is told")
    number = int.from_bytes(item)
    return number if tag == _BIG_UP else -1 - number


def _byte_strings(items: Sequence[bytes]) -> bytes:
    """An array of byte strings: what bodies, statements and signed structures mostly are, so it is written by hand."""
    parts = [head(4, len(items))]
    for item in items:
        parts += (head(2, len(item)), item)
    return b"".join(parts)


def _in_order(value: Any) -> bool:
    """Whether writing `value` as it stands is deterministic: no floats, and every map in the order of its keys."""
    kind = type(value)
    if kind in PLAIN:
        return True
    if kind is dict:
        return _keys_in_order(value) and all(map(_in_order, value.values()))
    if kind is list or kind is tuple:
        return PLAIN.issuperset(map(type, value)) or all(map(_in_order, value))
    return kind is cbor2.CBORTag and _in_order(value.value)


def _keys_in_order(value: dict[Any, Any]) -> bool:
    """Whether the keys ascend bytewise: numbers from 0 up, those from -1 down, then texts, shorter ones first."""
    before: tuple[int, int, bytes] = (-1, 0, b"")
    for key in value:
        if type(key) is int and -_WHOLE_LIMIT <= key < _WHOLE_LIMIT:
            here = (0, key, b"") if key >= 0 else (1, -1 - key, b"")
        elif type(key) is str:
            text = key.encode()
            here = (3, len(text), text)
        else:
            return False
        if here <= before:
            return False
        before = here
    return True


def _encode(value: Any) -> bytes:
    if type(value) in PLAIN:
        return encode(value)
    if isinstance(value, dict):
        pairs = sorted((_encode(key), _encode(item)) for key, item in value.items())
        return head(5, len(pairs)) + b"".join(key + item for key, item in pairs)
    if isinstance(value, list | tuple):
        return head(4, len(value)) + b"".join(map(_encode, value))
    if isinstance(value, cbor2.CBORTag):
        return head(6, value.tag) + _encode(value.value)
    if isinstance(value, float):
        return _float(value)
    if value is None or isinstance(value, bool | int | bytes | str):
        return cbor2.dumps(value, canonical=True)
    raise TypeError(f"{type(value).__name__} is not used here")


def _float(number: float) -> bytes:
    """The shortest form that keeps the number (section 4.2.2); the library writes the largest halves longer."""
    if math.isnan(number):
        return _NAN
    for first, (_, form) in _FLOATS.items():
        with suppress(OverflowError):
            short = struct.pack(form, number)
            if struct.unpack(form, short)[0] == number:
                return bytes([first]) + short
    raise ValueError  # eight bytes hold every float


def whole(number: int) -> bytes:
    """A number from 0 to 2**64 - 1, by hand (section 3): the library takes ten times as long to write one item."""
    if number < 0x18:
        return bytes((number,))
    if number < 1 << 8:
        return bytes((0x18, number))
    if number < 1 << 16:
        return (0x19 << 16 | number).to_bytes(3)
    if number < 1 << 32:
        return (0x1A << 32 | number).to_bytes(5)
    return (0x1B << 64 | number).to_bytes(9)


def _text(text: str) -> bytes:
    raw = text.encode()
    return head(3, len(raw)) + raw


@lru_cache(maxsize=4096)
def head(major: int, number: int) -> bytes:
    """The head of an item: the shortest form of its number under a major type (section 3)."""
    form = whole(number)
    return bytes([major << 5 | form[0]]) + form[1:]
