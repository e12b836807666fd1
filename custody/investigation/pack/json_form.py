"""JSON as an evidence pack writes it: one value has one spelling.

UTF-8, names sorted, an indent of one space, numbers as Python writes them, a newline at the end; no NaN, no Infinity.
What is read must be written again to the same bytes, so no byte of such a file is without meaning. Bytes stand in JSON
as unpadded base64url (RFC 4648 section 5), digests as hex.
"""

import json
from typing import Any, TypeVar

import msgspec

from custody.gs1.json_text import read_json as read_strict
from custody.kernel import base64url
from custody.kernel.errors import Rejected

MAX_JSON_BYTES = 64 * 1024 * 1024

Kind = TypeVar("Kind")


def write_json(value: Any) -> bytes:
    """The one spelling of a JSON value."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, indent=1).encode() + b"\n"


def read_json(raw: bytes, *, where: str) -> Any:
    """The value of a file; raises `Rejected("pack_json")` for anything `write_json` would not write."""
    try:
        value = read_strict(raw, limit_bytes=MAX_JSON_BYTES)
    except Rejected as error:
        raise _bad(where, error.detail) from error
    if write_json(value) != raw:
        raise _bad(where, "it is not written as it would be written again")
    return value


def read_as(value: Any, kind: type[Kind], *, where: str) -> Kind:
    """A decoded JSON value as a typed one; raises `Rejected("pack_json")` for missing, wrong or unknown members."""
    try:
        typed = msgspec.convert(value, type=kind)
    except msgspec.ValidationError as error:
        raise _bad(where, str(error)) from error
    if plain(typed) != value:
        raise _bad(where, "it holds members that do not belong there")
    return typed


def plain(value: Any) -> Any:
    """A typed value as JSON reads it back; sets in one order."""
    return _listed(msgspec.to_builtins(value, order="deterministic"))


def unb64(text: str, *, where: str) -> bytes:
    """The bytes of a text; raises `Rejected("pack_json")` for another spelling."""
    try:
        return base64url.unb64(text, where="a text")
    except Rejected as error:
        raise _bad(where, error.detail) from error


def _listed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _listed(item) for key, item in value.items()}
    return [_listed(item) for item in value] if isinstance(value, list | tuple) else value


def _bad(where: str, why: str) -> Rejected:
    return Rejected("pack_json", f"{where}: {why}", fix="Ask for the pack again as it was exported.")
