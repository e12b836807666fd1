"""Deterministic CBOR (RFC 8949 section 4.2.1), both ways.

Encoding: shortest integers and floats, definite lengths, map keys sorted bytewise by their encoding.
Decoding: exactly one item, and only if encoding it again gives the same bytes. That one rule refuses trailing
bytes, duplicate keys, long forms, indefinite lengths and unsorted maps.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import cbor2

from custody.kernel.errors import Rejected

PLAIN = frozenset({int, bytes, str, bool, type(None)})
"""The values that the library writes in their one deterministic form; floats it writes in the long form."""

_WHOLE_LIMIT = 2**64


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


def decode(raw: bytes) -> Any:
    """The value of deterministic bytes; raises `Rejected("cbor")` for anything else."""
    try:
        value = cbor2.loads(raw)
        again = encode(value)
    except Exception as error:
        raise Rejected("cbor", f"not well-formed CBOR: {error}", fix="Encode by RFC 8949 section 4.2.1.") from error
    if again != raw:
        raise Rejected(
            "cbor",
            "not deterministic CBOR, or bytes follow the item",
            fix="Use shortest lengths, definite sizes, sorted unique keys and nothing after the item.",
        )
    return value


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
        if type(key) is int:
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
    if value is None or isinstance(value, bool | int | float | bytes | str):
        return cbor2.dumps(value, canonical=True)
    raise TypeError(f"{type(value).__name__} is not used here")


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
