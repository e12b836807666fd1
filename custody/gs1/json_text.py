"""Strict JSON, and where its parts stand in the bytes.

Strict means RFC 8259 with the limits of I-JSON (RFC 7493): UTF-8 without a byte order mark, no duplicate names, no NaN
or Infinity, no number beyond what a double or a 64-bit integer holds, no lone surrogate, no NUL (no database stores
one in text), at most `MAX_DEPTH` levels, at most as many bytes as the caller allows.

Signed content is kept as the bytes it came in. So `item_spans` finds an array's items inside the bytes of a larger
text instead of writing them anew.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from custody.kernel.errors import Rejected

MAX_DEPTH = 64
_FIX = "Send UTF-8 JSON by RFC 8259 with unique names and plain numbers."
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]]|[^\s"{}\[\],:]+')
_SPACE = re.compile(rb"[\s:,]*")
_INT_DIGITS = 20  # a sign and the 19 digits of 2**63


def read_json(raw: bytes, *, limit_bytes: int, repeated: list[str] | None = None) -> Any:
    """The value in `raw`; raises `Rejected("json")` or `Rejected("too_large")`.

    With a list `repeated`, duplicate names are noted there instead of refused and the last one counts; only for
    foreign documents, one of GS1's own examples among them.
    """
    if len(raw) > limit_bytes:
        raise Rejected(
            "too_large",
            f"{len(raw)} bytes, at most {limit_bytes} are taken",
            fix="Send less at a time.",
            limit=limit_bytes,
        )
    try:
        text = raw.decode("utf-8")
        value = (_STRICT if repeated is None else _decoder(_noting(repeated))).decode(text)
    except UnicodeDecodeError as error:
        raise _bad(f"byte {error.start} is not UTF-8") from error
    except RecursionError as error:
        raise _bad(f"it is nested deeper than {MAX_DEPTH} levels") from error
    except ValueError as error:
        raise _bad(str(error)) from error
    # The walk is needed only when brackets could nest too deep or an escape could spell a surrogate or a NUL.
    if "\\u" in text or text.count("{") + text.count("[") > MAX_DEPTH:
        _check(value, 1)
    return value


def item_spans(raw: bytes, path: tuple[str, ...]) -> list[tuple[int, int]]:
    """Where the items of the array at `path` stand in `raw`, as (start, end); `raw` has passed `read_json`.

    Raises `Rejected("json")` if the path leads to no array.
    """
    at = _value_start(raw, 0)
    for name in path:
        members = _members(raw, at)
        if name not in members:
            raise _bad(f"it has no {'.'.join(path)}")
        at = members[name]
    if raw[at : at + 1] != b"[":
        raise _bad(f"{'.'.join(path)} is not an array")
    spans: list[tuple[int, int]] = []
    at = _value_start(raw, at + 1)
    while raw[at : at + 1] != b"]":
        end = _value_end(raw, at)
        spans.append((at, end))
        at = _value_start(raw, end)
    return spans


def _members(raw: bytes, at: int) -> dict[str, int]:
    """Where the value of each member of the object at `at` starts; empty if it is no object."""
    members: dict[str, int] = {}
    if raw[at : at + 1] != b"{":
        return members
    at = _value_start(raw, at + 1)
    while raw[at : at + 1] != b"}":
        end = _value_end(raw, at)
        name = json.loads(raw[at:end].decode())
        if name in members:
            raise _repeated(name)
        members[name] = _value_start(raw, end)
        at = _value_start(raw, _value_end(raw, members[name]))
    return members


def _value_start(raw: bytes, at: int) -> int:
    match = _SPACE.match(raw, at)
    return match.end() if match else at


def _value_end(raw: bytes, at: int) -> int:
    depth = 0
    for token in _TOKEN.finditer(raw, at):
        first = raw[token.start()]
        depth += (first in b"{[") - (first in b"}]")
        if depth == 0:
            return token.end()
    raise _bad("it ends too early")


def _check(value: Any, depth: int) -> None:
    if isinstance(value, str):
        if "\0" in value or (not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value)):
            raise _bad("a text holds NUL or half a surrogate pair")
        return
    if not isinstance(value, dict | list):
        return
    if depth > MAX_DEPTH:
        raise _bad(f"it is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, dict):
        for name in value:
            _check(name, depth)
    for item in value.values() if isinstance(value, dict) else value:
        _check(item, depth + 1)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _repeated(_most_common(pairs))
    return made


def _noting(repeated: list[str]) -> Callable[[list[tuple[str, Any]]], dict[str, Any]]:
    def note(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) != len(pairs):
            repeated.append(_most_common(pairs))
        return made

    return note


def _most_common(pairs: list[tuple[str, Any]]) -> str:
    return Counter(name for name, _ in pairs).most_common(1)[0][0]


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _bad(f"the number {text[:40]} is too large")
    return number


def _int(text: str) -> int:
    number = int(text) if len(text) <= _INT_DIGITS else None
    if number is None or not -(2**63) <= number < 2**63:
        raise _bad(f"the number {text[:40]} is too large; write identifiers as text")
    return number


def _constant(text: str) -> float:
    raise _bad(f"{text} is not JSON")


def _bad(why: str) -> Rejected:
    return Rejected("json", f"the text is not strict JSON: {why}", fix=_FIX)


def _repeated(name: str) -> Rejected:
    return _bad(f"the name {name[:100]!r} stands twice in one object")


def _decoder(pairs_hook: Callable[[list[tuple[str, Any]]], dict[str, Any]]) -> json.JSONDecoder:
    return json.JSONDecoder(
        object_pairs_hook=pairs_hook, parse_float=_float, parse_int=_int, parse_constant=_constant, strict=True
    )


_STRICT = _decoder(_unique)
