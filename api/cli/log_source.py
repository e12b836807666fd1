"""Where a log is read from by anybody: an address, or a folder of its files.

The address may be the log's own prefix or that of a service, whose log lies under /log. What does not answer is asked
again a few times, as a long audit should not end over a short break. A partial tile that is not there may have become a
full one since: then its beginning is what was asked for (C2SP tlog-tiles).

A log that is not honest may send without end, or hold a reader up by sending a byte now and then. So a file is read
only as far as one of its kind could go, packed (RFC 1952) or not, and it has to be there after `MOST_S`, with all that
was asked again; who let that time pass is asked for nothing else.
"""

import json
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Thread

import httpx

from api.cli.client import fail, is_address
from api.environment import client_address
from custody.kernel.errors import NotFound, Rejected, Trouble, Unavailable
from custody.ledger.checkpoint import Checkpoint, open_checkpoint
from custody.ledger.cosignature import read_log_key, verifier_of
from custody.ledger.merkle import HASH_BYTES
from custody.ledger.note import NoteVerifier, VerifierKey
from custody.ledger.tiles import ENTRIES, MAX_ENTRY_BYTES, TILE_BYTES, WIDTH, TileId, decode_bundle, encode_bundle
from custody.ledger.witness_policy import WitnessPolicy, parse_policy, policy_text

TRIES = 4
FIRST_WAIT_S = 0.25
LATER = frozenset({429, 500, 502, 503, 504})
MOST_S = 120.0
BUNDLE_BYTES = WIDTH * (2 + MAX_ENTRY_BYTES)
NOTE_BYTES = 2**20
"""Far more than a checkpoint with a hundred cosignatures takes, the longest of which are some 3,300 letters."""
GZIP = 16 + zlib.MAX_WBITS


class LogSource:
    """The checkpoint and tiles behind an address or in a folder; raises `Rejected("source")` for what is neither."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix.rstrip("/")
        self.is_remote = prefix.startswith(("http://", "https://"))
        if not (is_address(prefix) if self.is_remote else prefix and (Path(prefix) / "checkpoint").is_file()):
            raise Rejected(
                "source",
                f"{prefix or 'an empty word'} is neither an address nor a folder that holds a log's checkpoint",
                fix="Give a folder with an exported log, or a URL that begins with http:// or https://.",
            )
        self._http = httpx.Client(timeout=60, follow_redirects=True, headers={"Accept-Encoding": "gzip, identity"})
        self._read: Callable[[str, int], bytes] = self._fetch if self.is_remote else self._open
        self._too_slow = ""

    def checkpoint(self) -> bytes:
        """The newest checkpoint; raises `NotFound` or `Unavailable`."""
        try:
            return self._read("checkpoint", NOTE_BYTES)
        except NotFound:
            if not self.is_remote or self.prefix.endswith("/log"):
                raise
        self.prefix += "/log"
        return self._read("checkpoint", NOTE_BYTES)

    def tile(self, wanted: TileId) -> bytes:
        """A tile or a bundle; raises `NotFound` or `Unavailable`."""
        most = BUNDLE_BYTES if wanted.level == ENTRIES else TILE_BYTES
        try:
            return self._read(wanted.path, most)
        except NotFound:
            if wanted.width == WIDTH:
                raise
        whole = self._read(replace(wanted, width=WIDTH).path, most)
        if wanted.level == ENTRIES:
            return encode_bundle(decode_bundle(whole, WIDTH)[: wanted.width])
        return whole[: wanted.width * HASH_BYTES]

    def named_vkey(self) -> str:
        """The key that the service behind the address says is the log's; for a folder, the service of the command line.

        Raises `NotFound`, or `Unavailable` if the address of the log itself does not answer.
        """
        service = self.prefix.removesuffix("/log") if self.is_remote else client_address()
        try:
            return str(json.loads(self._ask(f"{service}/v1/log", NOTE_BYTES))["vkey"])
        except Unavailable as error:
            if self.is_remote:
                raise
            raise _no_key(f"{self.prefix} names no key, and {error.detail}") from error
        except (NotFound, ValueError, KeyError, TypeError, RecursionError) as error:
            raise _no_key(f"{service} names no key") from error

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def _open(self, path: str, most: int) -> bytes:
        file = Path(self.prefix) / path
        if not file.is_file():
            raise NotFound("tile", f"{file} is missing", fix="Copy the whole log.")
        with file.open("rb") as stored:
            content = stored.read(most + 1)
        if len(content) > most:
            raise _too_large(str(file), most)
        return content

    def _fetch(self, path: str, most: int) -> bytes:
        return self._ask(f"{self.prefix}/{path}", most)

    def _ask(self, address: str, most: int) -> bytes:
        """What the address gives in time. No library bounds the whole of an answer, so a thread waits for it."""
        if not self._too_slow:
            outcome: Future[bytes] = Future()
            Thread(target=self._settle, args=(outcome, address, most), daemon=True).start()
            try:
                return outcome.result(timeout=MOST_S)
            except TimeoutError:
                self._too_slow = f"{address} was not there after {MOST_S:g} seconds, and nothing else is asked for"
        raise Unavailable("unavailable", self._too_slow, fix="Try later, or ask who serves it.")

    def _settle(self, outcome: Future[bytes], address: str, most: int) -> None:
        try:
            outcome.set_result(self._try(address, most))
        except Exception as error:  # noqa: BLE001 - whoever waits is told, whatever it was
            outcome.set_exception(error)

    def _try(self, address: str, most: int) -> bytes:
        wait_s = FIRST_WAIT_S
        for turn in range(TRIES):
            if turn:
                time.sleep(wait_s)
                wait_s *= 2
            try:
                with self._http.stream("GET", address) as answer:
                    if answer.status_code == httpx.codes.OK:
                        return _take(answer, most)
            except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:  # the others: where a redirect leads
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
        reading = LogSource(f"{client_address()}/log" if source is None else source)
    except Rejected as trouble:
        fail(trouble.detail, fix=trouble.fix, code=2)
    try:
        yield reading, _verifier(reading, vkey)
    finally:
        reading.close()


def _verifier(reading: LogSource, vkey: str | None) -> NoteVerifier:
    try:
        return verifier_of(read_log_key(given_vkey(vkey) or reading.named_vkey().strip()))
    except Trouble as trouble:
        fail(trouble.detail, fix=trouble.fix, code=3 if isinstance(trouble, Unavailable) else 2)


def given_vkey(vkey: str | None) -> str | None:
    """The key that was given, if one was; raises `Rejected("vkey")` for an empty one, as a variable unset gives it."""
    given = None if vkey is None else vkey.strip()
    if given == "":
        raise Rejected(
            "vkey", "--vkey is empty", fix="Give the log's key, or leave --vkey out to believe its own word."
        )
    return given


def read_checkpoint(file: Path, log: NoteVerifier) -> tuple[Checkpoint, bytes]:
    """The checkpoint that the caller kept in a file, and its note; raises `Rejected` for what is none, and `OSError`.

    The file is read once: what a shell lends for a command's output has its bytes only once.
    """
    note = file.read_bytes()
    try:
        return open_checkpoint(note, log), note
    except Rejected as error:
        fix = "Give a checkpoint byte for byte as the log showed it, and with --vkey the key that signed it."
        raise Rejected(error.code, f"{file} is no checkpoint under this key: {error.detail}", fix=fix) from error


def read_policy(file: Path, log: VerifierKey) -> WitnessPolicy:
    """The caller's witness policy in a file; raises `Rejected` unless it is of that log."""
    policy = parse_policy(policy_text(file.read_bytes()))
    policy.demand_log(log)
    return policy


def _no_key(why: str) -> NotFound:
    return NotFound("log", why, fix="Give the log's key with --vkey.")


def _take(answer: httpx.Response, most: int) -> bytes:
    """The answer's content; unpacked here, since a library would unpack all of a part, however much that is."""
    packing = answer.headers.get("content-encoding", "identity").lower()
    if packing not in {"identity", "gzip"}:
        raise Rejected("packing", f"{answer.url} is packed as {packing}", fix="Serve it plain, or with gzip.")
    content = bytearray()
    try:
        for part in answer.iter_raw() if packing == "identity" else _unpacked(answer.iter_raw(), most):
            content += part
            if len(content) > most:
                raise _too_large(str(answer.url), most)
    except zlib.error as error:
        raise Rejected("packing", f"{answer.url} is not gzip, as it says", fix="Ask who serves it.") from error
    return bytes(content)


def _unpacked(parts: Iterator[bytes], most: int) -> Iterator[bytes]:
    """What a series of gzip members holds (RFC 1952 section 2.2), at most one byte too much at a time."""
    unpack = zlib.decompressobj(GZIP)
    for part in parts:
        rest = part
        while rest:
            if unpack.eof:
                unpack = zlib.decompressobj(GZIP)
            yield unpack.decompress(rest, most + 1)
            rest = unpack.unused_data


def _too_large(where: str, most: int) -> Rejected:
    return Rejected("too_large", f"{where} holds more than {most:,} bytes", fix="Ask who serves it.")
