"""One request to another house's lock system, its reply, and what the reply means.

An adapter builds a `Request` and hands it to a `Send`, which is given to it: in the service an HTTP client, in tests a
function. `Send` raises `Unavailable` when no reply came, in which case nobody knows whether the request was taken; so
every request is made so that it can be sent again.

| status (RFC 9110, RFC 6585) | meaning here |
|---|---|
| 200 to 299 | taken |
| 404, 410 | unknown device |
| 409, 423 | not now: the device is between two states |
| 401, 403 | unavailable: our credentials are not taken, which is ours to mend and no word about the device |
| 408, 429, 500 to 599 | unavailable: ask again, after `Retry-After` if it is given in seconds |
| any other | refused: the same request will not do better |
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from custody.kernel.errors import Unavailable
from devicelock.backends.contract import BackendAnswer

RETRY_S = 5
RETRY_MAX_S = 3600
UNAUTHORIZED = 401
NOT_TAKEN_HERE = frozenset({UNAUTHORIZED, 403})
AGAIN = frozenset({408, 429})
GONE = frozenset({404, 410})
BETWEEN = frozenset({409, 423})


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked. The path begins with a slash and is escaped already; a body that is JSON says so in its header."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back; header names in lower case."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


Send = Callable[[Request], Reply]


def judge(reply: Reply, *, who: str) -> BackendAnswer:
    """The answer in a reply; raises `Unavailable` where it is none about the device."""
    if 200 <= reply.status < 300:
        return BackendAnswer.TAKEN
    if reply.status in NOT_TAKEN_HERE:
        raise Unavailable(
            "backend_credentials", f"{who} does not take our credentials ({reply.status})", fix="Renew them."
        )
    if reply.status in AGAIN or reply.status >= 500:
        raise Unavailable(
            "backend_busy",
            f"{who} is busy or broken ({reply.status})",
            fix="Ask again later.",
            retry_after_s=_retry_after(reply),
        )
    if reply.status in GONE:
        return BackendAnswer.UNKNOWN_DEVICE
    return BackendAnswer.NOT_NOW if reply.status in BETWEEN else BackendAnswer.REFUSED


def read_json(reply: Reply, *, who: str) -> dict[str, Any]:
    """The JSON object in a reply; raises `Unavailable` if it holds none, since then nothing is known."""
    try:
        return msgspec.json.decode(reply.body, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise Unavailable("backend_reply", f"{who} sent no JSON object", fix="Ask again later.") from error


def text_at(value: object, *path: str) -> str | None:
    """The text at a path of keys in decoded JSON, else None."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, str) else None


def _retry_after(reply: Reply) -> int:
    text = reply.headers.get("retry-after", "")
    return min(int(text), RETRY_MAX_S) if text.isascii() and text.isdigit() and len(text) < 9 else RETRY_S
