"""What a provider of sign-ins says of itself, and its keys: read seldom, whoever comes by and however often.

Anybody may begin to sign in, and anybody may send something that calls itself a token. So a document is kept for ten
minutes, and one that could not be had, or has not the key of a token, is asked for again only after a rest. One caller
reads it; while the provider is known to be away nobody waits for another's try. No more than a few requests to it are
under way at once: a provider that answers slowly keeps none of the threads that let locks go.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from api.addresses import is_private
from custody.kernel.clock import MINUTE_MS, SECOND_MS, Clock, Instant
from custody.kernel.errors import Rejected, Unavailable
from devicelock.backends.exchange import Reply, Request, read_json
from devicelock.backends.http_line import HttpLine

DISCOVERY = "/.well-known/openid-configuration"
KEPT_MS = 10 * MINUTE_MS
"""So long a key that the provider has withdrawn may still be taken."""
REST_MS = 15 * SECOND_MS
WAIT_S = 3.0
"""So long a caller waits for one who reads the same document."""
STEP_S = 5.0
"""So long each step of a request to the provider may take."""
UNDER_WAY = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    said: dict[str, Any]
    at_ms: Instant


class SeldomRead:
    """One document of the provider's."""

    def __init__(self, read: Callable[[], dict[str, Any]], *, clock: Clock) -> None:
        self._read = read
        self._clock = clock
        self._turn = threading.Lock()
        self._held: _Held | None = None
        self._failed: tuple[Unavailable, Instant] | None = None

    def get(self) -> dict[str, Any]:
        """What it says; raises `Unavailable`."""
        return self._young(KEPT_MS)

    def fresher(self, than: Mapping[str, Any]) -> dict[str, Any] | None:
        """What it says now, if that may be another thing; None if it was read a moment ago. Raises `Unavailable`."""
        said = self._young(REST_MS)
        return None if said is than else said

    def _young(self, most_ms: int) -> dict[str, Any]:
        found = self._if_young(most_ms)
        if found is not None:
            return found
        if not self._turn.acquire(timeout=0 if self._failed else WAIT_S):
            raise away("it has not answered yet")
        try:
            found = self._if_young(most_ms)
            return self._read_it() if found is None else found
        finally:
            self._turn.release()

    def _if_young(self, most_ms: int) -> dict[str, Any] | None:
        """What is held, if it is young enough; raises `Unavailable` if it could not be had a moment ago."""
        held, failed = self._held, self._failed
        if held is not None and self._is_young(held.at_ms, most_ms):
            return held.said
        if failed is not None and self._is_young(failed[1], REST_MS):
            raise failed[0].with_traceback(None)
        return None

    def _read_it(self) -> dict[str, Any]:
        try:
            said = self._read()
        except Unavailable as trouble:
            self._failed = (trouble, self._clock.now_ms())
            raise
        self._held, self._failed = _Held(said=said, at_ms=self._clock.now_ms()), None
        return said

    def _is_young(self, at_ms: Instant, most_ms: int) -> bool:
        """A moment that lies ahead, since the clock was put back, is not young."""
        return 0 <= self._clock.now_ms() - at_ms < most_ms


class ProviderSays:
    """What one provider says, asked over connections of ours."""

    def __init__(self, issuer: str, *, clock: Clock) -> None:
        self._issuer = issuer
        self._room = threading.BoundedSemaphore(UNDER_WAY)
        self._configuration = SeldomRead(self._read_configuration, clock=clock)
        self._keys = SeldomRead(lambda: self._get(self.endpoint("jwks_uri")), clock=clock)

    @property
    def configuration(self) -> dict[str, Any]:
        """Its metadata (Discovery 1.0 section 3); raises `Unavailable`."""
        return self._configuration.get()

    @property
    def keys(self) -> dict[str, Any]:
        """Its keys (RFC 7517 section 5); raises `Unavailable`."""
        return self._keys.get()

    def fresher_keys(self, than: Mapping[str, Any]) -> dict[str, Any] | None:
        """Its keys now, since none of these fits; None if they were read a moment ago. Raises `Unavailable`."""
        return self._keys.fresher(than)

    def endpoint(self, name: str) -> str:
        """An address of the provider's; raises `Unavailable` if it is none that nobody on the way reads."""
        address = self.configuration.get(name)
        if not isinstance(address, str) or not is_endpoint(address, of=self._issuer):
            raise away(f"its {name} is no https address")
        return address

    def post(self, address: str, *, headers: tuple[tuple[str, str], ...], body: bytes) -> dict[str, Any]:
        """What it answers to a form; raises `Rejected("unauthenticated")` if it refuses, or `Unavailable`."""
        form = ("content-type", "application/x-www-form-urlencoded")
        reply = self._ask("POST", address, headers=(form, *headers), body=body)
        if reply.status != 200 and reply.status < 500:
            raise refused(f"{urlsplit(address).path} answered {reply.status}")
        return _read(reply, address)

    def _read_configuration(self) -> dict[str, Any]:
        found = self._get(f"{self._issuer.rstrip('/')}{DISCOVERY}")
        if found.get("issuer") != self._issuer:
            raise away("its configuration is another issuer's")
        return found

    def _get(self, address: str) -> dict[str, Any]:
        return _read(self._ask("GET", address), address)

    def _ask(self, method: str, address: str, *, headers: tuple[tuple[str, str], ...] = (), body: bytes = b"") -> Reply:
        parts = urlsplit(address)
        path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
        asked = Request(method=method, path=path, headers=(("accept", "application/json"), *headers), body=body)
        with self._one_of_few(), closing(HttpLine(f"{parts.scheme}://{parts.netloc}", timeout_s=STEP_S)) as line:
            try:
                return line(asked)
            except Unavailable as silent:
                raise away("it does not answer") from silent

    @contextmanager
    def _one_of_few(self) -> Iterator[None]:
        if not self._room.acquire(blocking=False):
            raise away("too many others wait for its answer")
        try:
            yield
        finally:
            self._room.release()


def refused(why: str) -> Rejected:
    """A sign-in that is not taken."""
    return Rejected("unauthenticated", f"the sign-in is not taken: {why}", fix="Sign in once more.")


def away(why: str) -> Unavailable:
    """A provider that cannot be used now."""
    return Unavailable(
        "provider",
        f"the sign-in provider cannot be used: {why}",
        fix="Try again in a moment, or ask who runs it.",
        retry_after_s=REST_MS // SECOND_MS,
    )


def _read(reply: Reply, address: str) -> dict[str, Any]:
    if reply.status != 200:
        raise away(f"{urlsplit(address).path} answered {reply.status}")
    try:
        return read_json(reply, who="the sign-in provider")
    except (Unavailable, RecursionError) as error:
        raise away(f"{urlsplit(address).path} answered with no JSON object") from error


def is_endpoint(address: str, *, of: str) -> bool:
    """Whether an address of this issuer's may be asked: by https, or on this machine if the issuer is there too."""
    try:
        parts = urlsplit(address)
        is_ours = parts.port != 0 and is_private(address)
    except ValueError:
        return False
    typed = address.isascii() and address.isprintable() and " " not in address and not parts.fragment
    return typed and is_ours and (parts.scheme == "https" or urlsplit(of).scheme == "http")
