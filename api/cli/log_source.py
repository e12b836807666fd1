"""Where a log is read from by anybody: an address, or a folder of its files.

The address may be the log's own prefix or that of a service, whose log lies under /log. What does not answer is asked
again a few times, as a long audit should not end over a short break. A partial tile that is not there may have become a
full one since: then its beginning is what was asked for (C2SP tlog-tiles). An answer is read only as far as the largest
bundle could go, since a log that is not honest may send without end.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx

from api.cli.client import fail
from api.settings import client_address
from custody.kernel.errors import NotFound, Rejected, Trouble, Unavailable
from custody.ledger.cosignature import read_log_key, verifier_of
from custody.ledger.merkle import HASH_BYTES
from custody.ledger.note import NoteVerifier
from custody.ledger.tiles import ENTRIES, MAX_ENTRY_BYTES, WIDTH, TileId, decode_bundle, encode_bundle

TRIES = 4
FIRST_WAIT_S = 0.25
LATER = frozenset({429, 500, 502, 503, 504})
MOST_BYTES = WIDTH * (2 + MAX_ENTRY_BYTES)


class LogSource:
    """The checkpoint and tiles behind an address or in a folder; raises `Rejected("source")` for what is neither."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix.rstrip("/")
        self.is_remote = prefix.startswith(("http://", "https://"))
        if not (_is_address(prefix) if self.is_remote else (Path(prefix) / "checkpoint").is_file()):
            raise Rejected(
                "source",
                f"{prefix} is neither an address nor a folder that holds a log's checkpoint",
                fix="Give a folder with an exported log, or a URL that begins with http:// or https://.",
            )
        self._http = httpx.Client(timeout=60, follow_redirects=True)
        self._read: Callable[[str], bytes] = self._fetch if self.is_remote else self._open

    def checkpoint(self) -> bytes:
        """The newest checkpoint; raises `NotFound` or `Unavailable`."""
        try:
            return self._read("checkpoint")
        except NotFound:
            if not self.is_remote or self.prefix.endswith("/log"):
                raise
        self.prefix += "/log"
        return self._read("checkpoint")

    def tile(self, wanted: TileId) -> bytes:
        """A tile or a bundle; raises `NotFound` or `Unavailable`."""
        try:
            return self._read(wanted.path)
        except NotFound:
            if wanted.width == WIDTH:
                raise
        whole = self._read(replace(wanted, width=WIDTH).path)
        if wanted.level == ENTRIES:
            return encode_bundle(decode_bundle(whole, WIDTH)[: wanted.width])
        return whole[: wanted.width * HASH_BYTES]

    def named_vkey(self) -> str:
        """The key that the service behind the address says is the log's; for a folder, the service of the command line.

        Raises `NotFound`, or `Unavailable` if the address of the log itself does not answer.
        """
        service = self.prefix.removesuffix("/log") if self.is_remote else client_address()
        try:
            return str(json.loads(self._ask(f"{service}/v1/log"))["vkey"])
        except Unavailable as error:
            if self.is_remote:
                raise
            raise _no_key(f"{self.prefix} names no key, and {error.detail}") from error
        except (NotFound, ValueError, KeyError, TypeError, RecursionError) as error:
            raise _no_key(f"{service} names no key") from error

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def _open(self, path: str) -> bytes:
        file = Path(self.prefix) / path
        if not file.is_file():
            raise NotFound("tile", f"{file} is missing", fix="Copy the whole log.")
        return file.read_bytes()

    def _fetch(self, path: str) -> bytes:
        return self._ask(f"{self.prefix}/{path}")

    def _ask(self, address: str) -> bytes:
        wait_s = FIRST_WAIT_S
        for turn in range(TRIES):
            if turn:
                time.sleep(wait_s)
                wait_s *= 2
            try:
                with self._http.stream("GET", address) as answer:
                    if answer.status_code == httpx.codes.OK:
                        return _take(answer)
            except httpx.HTTPError as error:
                why = str(error) or type(error).__name__
                continue
            why = f"HTTP {answer.status_code}"
            if answer.status_code not in LATER:
                raise NotFound("tile", f"{address}: {why}", fix="The log does not serve it.")
        raise Unavailable("unavailable", f"{address} does not answer: {why}", fix="Check the address, or try later.")


@contextmanager
def open_log(source: str | None, vkey: str | None) -> Iterator[tuple[LogSource, NoteVerifier]]:
    """Lend the log, the service's by default, and its key; ends the command with 2 if what was given cannot be used.

    A log that does not answer ends it with 3.
    """
    try:
        reading = LogSource(source or f"{client_address()}/log")
    except Rejected as trouble:
        fail(trouble.detail, fix=trouble.fix, code=2)
    try:
        yield reading, _verifier(reading, vkey)
    finally:
        reading.close()


def _verifier(reading: LogSource, vkey: str | None) -> NoteVerifier:
    try:
        return verifier_of(read_log_key((vkey or reading.named_vkey()).strip()))
    except Trouble as trouble:
        return fail(trouble.detail, fix=trouble.fix, code=3 if isinstance(trouble, Unavailable) else 2)  # type: ignore[no-any-return]  # fail never returns


def _is_address(text: str) -> bool:
    try:
        return bool(httpx.URL(text).host)
    except (httpx.InvalidURL, UnicodeError):
        return False


def _no_key(why: str) -> NotFound:
    return NotFound("log", why, fix="Give the log's key with --vkey.")


def _take(answer: httpx.Response) -> bytes:
    content = bytearray()
    for part in answer.iter_bytes():
        content += part
        if len(content) > MOST_BYTES:
            raise Rejected("too_large", f"{answer.url} sends more than a log's file holds", fix="Ask who serves it.")
    return bytes(content)
