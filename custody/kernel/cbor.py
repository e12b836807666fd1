"""Deterministic CBOR (RFC 8949 section 4.2.1), both ways.

Encoding: shortest integers and floats, definite lengths, map keys sorted bytewise by their encoding.
Decoding: exactly one item, and only if encoding it again gives the same bytes. That one rule refuses trailing
bytes, duplicate keys, long forms, indefinite lengths and unsorted maps.
"""

from io import BytesIO
from typing import Any

import cbor2

from custody.kernel.errors import Rejected

ONE_BYTE_KEYS = range(-24, 24)


def encode(value: Any) -> bytes:
    """Deterministic bytes of ints, bytes, text, bools, None, floats, lists, dicts and `cbor2.CBORTag`."""
    return cbor2.dumps(value, canonical=True) if _same_order(value) else _encode(value)


def decode(raw: bytes) -> Any:
    """The value of deterministic bytes; raises `Rejected("cbor")` for anything else."""
    try:
        value = cbor2.CBORDecoder(BytesIO(raw)).decode()
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


def _same_order(value: Any) -> bool:
    """Whether the older canonical order (shorter keys first, RFC 7049) is the bytewise order in every map of `value`.

    It is where all keys are texts, or all are non-negative integers, or the integers take one byte each.
    """
    if isinstance(value, dict):
        numbers = [key for key in value if isinstance(key, int)]
        texts = [key for key in value if isinstance(key, str)]
        if len(numbers) + len(texts) < len(value):
            return False
        short = all(number in ONE_BYTE_KEYS for number in numbers)
        return (short or (not texts and min(numbers) >= 0)) and all(map(_same_order, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_same_order, value))
    if isinstance(value, cbor2.CBORTag):
        return _same_order(value.value)
    if value is None or isinstance(value, bool | int | float | bytes | str):
        return True
    raise TypeError(f"{type(value).__name__} is not used here")


def _encode(value: Any) -> bytes:
    if isinstance(value, dict):
        pairs = sorted((_encode(key), _encode(item)) for key, item in value.items())
        return _head(5, len(pairs)) + b"".join(key + item for key, item in pairs)
    if isinstance(value, list | tuple):
        return _head(4, len(value)) + b"".join(map(_encode, value))
    if isinstance(value, cbor2.CBORTag):
        return _head(6, value.tag) + _encode(value.value)
    return cbor2.dumps(value, canonical=True)


def _head(major: int, number: int) -> bytes:
    """The head of an item: the shortest form of its number under another major type (section 3)."""
    form = cbor2.dumps(number)
    return bytes([major << 5 | form[0]]) + form[1:]
