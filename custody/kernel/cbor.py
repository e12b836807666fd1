"""Deterministic CBOR (RFC 8949 section 4.2.1), both ways.

Encoding: shortest integers, definite lengths, map keys sorted bytewise by their encoding.
Decoding: exactly one item, and only if encoding it again gives the same bytes. That one rule refuses trailing
bytes, duplicate keys, long forms, indefinite lengths and unsorted maps.
"""

from io import BytesIO
from typing import Any

import cbor2

from custody.kernel.errors import Rejected


def encode(value: Any) -> bytes:
    """Deterministic bytes of ints, bytes, text, bools, None, floats, lists, dicts and `cbor2.CBORTag`."""
    return cbor2.dumps(_sorted(value))


def decode(raw: bytes) -> Any:
    """The value of deterministic bytes; raises `Rejected("cbor")` for anything else."""
    try:
        stream = BytesIO(raw)
        value = cbor2.CBORDecoder(stream).decode()
        again = encode(value)
    except (cbor2.CBORError, ValueError, TypeError, OverflowError, RecursionError, EOFError) as error:
        raise Rejected("cbor", f"not well-formed CBOR: {error}", fix="Encode by RFC 8949 section 4.2.1.") from error
    if again != raw:
        raise Rejected(
            "cbor",
            "not deterministic CBOR, or bytes follow the item",
            fix="Use shortest lengths, definite sizes, sorted unique keys and nothing after the item.",
        )
    return value


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        keyed = sorted(((cbor2.dumps(_sorted(key)), key, item) for key, item in value.items()), key=lambda row: row[0])
        return {key: _sorted(item) for _, key, item in keyed}
    if isinstance(value, list | tuple):
        return [_sorted(item) for item in value]
    if isinstance(value, cbor2.CBORTag):
        return cbor2.CBORTag(value.tag, _sorted(value.value))
    if value is None or isinstance(value, bool | int | float | bytes | str):
        return value
    raise TypeError(f"{type(value).__name__} is not used here")
