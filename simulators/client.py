"""The service as seen from outside: HTTP with JSON and CBOR bodies, problem documents turned back into errors.

A client holds one pool of connections and at most one session token; `as_caller` gives a second client over the same
pool with another token. What it raises says what to do: `Unavailable` when no answer came or the service is busy (the
same request may be sent again), else the error class that the answer's status stands for.
"""

import contextlib
import time
from collections.abc import Mapping
from typing import Any

import httpx

from custody.kernel.errors import Conflict, Fatal, Forbidden, NotFound, Rejected, Trouble, Unavailable

_ERRORS: Mapping[int, type[Trouble]] = {
    401: Rejected,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    429: Unavailable,
    500: Fatal,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}
_KNOWN_MEMBERS = frozenset({"type", "title", "status", "detail", "fix"})
FIRST_WAIT_S = 0.05
MOST_TRIES = 8


class ServiceClient:
    """Calls one service."""

    def __init__(self, base_url: str, *, token: str = "", http: httpx.Client | None = None) -> None:
        self.base_url = base_url.rstrip("/")
        self.token = token
        self._http = http or httpx.Client(base_url=self.base_url, timeout=60.0)

    def as_caller(self, token: str) -> "ServiceClient":
        """The same service with another session token; an empty one means no session."""
        return ServiceClient(self.base_url, token=token, http=self._http)

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def get(self, path: str, **query: str | int) -> Any:
        """The JSON answer."""
        return self._send("GET", path, params=query).json()

    def get_bytes(self, path: str) -> bytes:
        """The answer as it is: receipts, proofs, tiles, checkpoints."""
        return self._send("GET", path).content

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The JSON answer to a JSON body."""
        return self._send("POST", path, json=dict(body or {})).json()

    def post_bytes(self, path: str, content: bytes, media_type: str) -> Any:
        """The JSON answer to a body of another type."""
        return self._send("POST", path, content=content, headers={"content-type": media_type}).json()

    def post_for_bytes(self, path: str, body: Mapping[str, Any]) -> bytes:
        """The answer as it is to a JSON body: an evidence pack."""
        return self._send("POST", path, json=dict(body)).content

    def post_until_answered(self, path: str, content: bytes, media_type: str) -> Any:
        """As `post_bytes`, sending the very same bytes again while no answer comes; the service knows repeats."""
        wait_s = FIRST_WAIT_S
        for _ in range(MOST_TRIES - 1):
            with contextlib.suppress(Unavailable):
                return self.post_bytes(path, content, media_type)
            time.sleep(wait_s)
            wait_s *= 2
        return self.post_bytes(path, content, media_type)

    def _send(self, method: str, path: str, **parts: Any) -> httpx.Response:
        headers = dict(parts.pop("headers", {}))
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        try:
            answer = self._http.request(method, path, headers=headers, **parts)
        except httpx.TransportError as error:
            raise Unavailable(
                "no_answer", f"{method} {path}: no answer came ({error})", fix="Send the same request again."
            ) from error
        if answer.is_error:
            raise error_of(answer)
        return answer


def error_of(answer: httpx.Response) -> Trouble:
    """The error in a problem document (RFC 9457), or one made of the bare status."""
    try:
        problem = answer.json()
    except ValueError:
        problem = {}
    if not isinstance(problem, dict):
        problem = {}
    kind = _ERRORS.get(answer.status_code, Fatal if answer.status_code >= 500 else Rejected)
    code = str(problem.get("type", "")).rpartition(":")[2] or str(answer.status_code)
    detail = str(problem.get("detail", answer.reason_phrase))
    facts = {name: value for name, value in problem.items() if name not in _KNOWN_MEMBERS | {"code", "self"}}
    return kind(code, detail, fix=str(problem.get("fix", "")), **facts)
