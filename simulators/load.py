"""Load for benchmarks: scans signed beforehand, and a client that costs next to nothing.

The service and its load share the machine's cores, so signing is done before the clock starts, requests are kept as
finished bytes, and no garbage is looked for among them while they are sent: that alone stops the load for a tenth of a
second. The client speaks just enough HTTP/1.1 for that (RFC 9112): keep-alive, requests with a
Content-Length, answers with a Content-Length. Each connection sends its next request when the answer to the last has
come (closed loop), or at given times whatever the answers do (open arrivals). Nothing here judges figures.
"""

import asyncio
import contextlib
import gc
import random
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, repeat
from urllib.parse import urlsplit

from custody.gs1.keys import issue_sscc
from custody.kernel import cbor
from custody.kernel.clock import SECOND_MS, Instant
from custody.kernel.errors import Rejected, Unavailable
from simulators.events import finish, write
from simulators.figures import share
from simulators.geography import SELLER, build_geography
from simulators.station import ROOT_TYPE, SCAN_TYPE, SCANS_TYPE, Signed, SignedBatch, Station, make_station, root_body
from simulators.urn import random_urn

HEAD_END = b"\r\n\r\n"
MOST_PLAYED = 100
"""No network that is played has so many hubs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One request that was answered: when it began (seconds on the monotonic clock), how long it took, what came."""

    began_s: float
    took_s: float
    status: int
    scans: int


@dataclass(slots=True, kw_only=True)
class Volley:
    """What a run of load gave."""

    shots: list[Shot] = field(default_factory=list)
    wall_s: float = 0.0

    @property
    def scans_per_s(self) -> float:
        """Scans answered with a 2xx status per second."""
        return sum(shot.scans for shot in self.shots if shot.status < 300) / self.wall_s if self.wall_s else 0.0

    @property
    def statuses(self) -> Counter[int]:
        """How often each status came."""
        return Counter(shot.status for shot in self.shots)

    def latency_s(self, part: float) -> float:
        """The latency that this share of the requests stayed within."""
        return share([shot.took_s for shot in self.shots], part) if self.shots else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A finished request and how many scans it carries."""

    raw: bytes
    scans: int


def presign(stations: Sequence[Station], *, each: int, at_ms: Instant, seed: int) -> list[list[Signed]]:
    """`each` scans per station, in the order of their sequence numbers: each gives a new parcel its number."""
    return [_presign(station, each, at_ms, random.Random(f"{seed}/{station.name}")) for station in stations]


def presign_batches(
    stations: Sequence[Station], *, batches: int, size: int, at_ms: Instant, seed: int
) -> list[list[SignedBatch]]:
    """As `presign`, in that many batches of `size` scans under one statement each."""
    return [
        list(_presign_batches(station, batches, size, at_ms, random.Random(f"{seed}/{station.name}")))
        for station in stations
    ]


def load_stations(count: int, *, seed: int) -> list[Station]:
    """That many stations with keys of their own, all at sorting posts, of which no played network has one."""
    geography = build_geography(hubs=MOST_PLAYED + count)
    posts = [geography.post(f"{hub}/hub_sort") for hub in geography.hubs[MOST_PLAYED:]]
    return [make_station(post, seed=str(seed)) for post in posts]


def single_requests(scans: Sequence[Signed], *, base_url: str) -> list[Request]:
    """One request per scan."""
    return [
        Request(raw=_request(base_url, "/v1/scans", SCAN_TYPE, [scan.statement, scan.opening]), scans=1)
        for scan in scans
    ]


def batch_requests(scans: Sequence[Signed], *, base_url: str, size: int) -> list[Request]:
    """Requests of `size` scans each."""
    parts = [scans[start : start + size] for start in range(0, len(scans), size)]
    return [
        Request(
            raw=_request(base_url, "/v1/scans:batch", SCANS_TYPE, [[scan.statement, scan.opening] for scan in part]),
            scans=len(part),
        )
        for part in parts
    ]


def root_requests(batches: Sequence[SignedBatch], *, base_url: str) -> list[Request]:
    """One request per batch that is signed as a whole."""
    return [
        Request(raw=_request(base_url, "/v1/batches", ROOT_TYPE, root_body(batch)), scans=len(batch.scans))
        for batch in batches
    ]


def act_requests(paths: Sequence[str], *, base_url: str, token: str) -> list[Request]:
    """One request per address, for whoever this session is of; nothing but the address says what is wanted."""
    return [Request(raw=_request(base_url, path, "application/json", b"{}", token=token), scans=0) for path in paths]


def fire(base_url: str, lanes: Sequence[Iterable[Request]]) -> Volley:
    """Closed loop: one connection per lane, each sending its requests one after the other as fast as answers come.

    Lanes that are one iterator share its requests: whichever is answered first sends the next.
    """
    with _collector_at_rest():
        return asyncio.run(_fire(base_url, lanes, []))


def fire_at(base_url: str, lanes: Sequence[Sequence[Request]], starts_s: Sequence[Sequence[float]]) -> Volley:
    """Open arrivals: as `fire`, but each request waits for its own time, counted from the start of the run.

    A request whose lane is still busy is sent late; its latency counts from the time it was due.
    """
    with _collector_at_rest():
        return asyncio.run(_fire(base_url, lanes, starts_s))


def arrivals(count: int, *, per_s: float, rng: random.Random) -> list[float]:
    """Times of a Poisson stream, in seconds from its start."""
    at_s, found = 0.0, []
    for _ in range(count):
        at_s += rng.expovariate(per_s)
        found.append(at_s)
    return found


@contextlib.contextmanager
def _collector_at_rest() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def _fire(base_url: str, lanes: Sequence[Iterable[Request]], starts_s: Sequence[Sequence[float]]) -> Volley:
    volley = Volley()
    runs = [_Lane(base_url, lane, volley) for lane in lanes]
    try:
        for run in runs:
            await run.connect()
        began_s = time.perf_counter()
        for place, run in enumerate(runs):
            run.begin([began_s + wait for wait in starts_s[place]] if starts_s else repeat(0.0))
        await asyncio.gather(*[run.ended for run in runs])
        volley.wall_s = time.perf_counter() - began_s
    finally:  # also when the service went away in the middle: nothing stays open
        await asyncio.gather(*[run.close() for run in runs])
    return volley


class _Lane(asyncio.Protocol):
    """Sends requests over one connection, which is opened anew where the service closed it since nothing came for long.

    An answer is read as it comes: a task that waits for it would cost as much as all else that is done here.
    """

    def __init__(self, base_url: str, requests: Iterable[Request], volley: Volley) -> None:
        self._host, self._port = _address(base_url)
        self._requests = iter(requests)
        self._volley = volley
        self._loop = asyncio.get_running_loop()
        self.ended = self._loop.create_future()
        self._closed = self._loop.create_future()
        self._closed.set_result(None)
        self._waits: asyncio.Handle | asyncio.Task[None] | None = None
        self._sent: tuple[Request, float] | None = None
        self._came = b""

    async def connect(self) -> None:
        """Open a connection."""
        self._transport, _ = await self._loop.create_connection(lambda: self, self._host, self._port)
        self._closed = self._loop.create_future()

    def begin(self, due_s: Iterable[float]) -> None:
        """Send each request at its time, or as soon as the one before is answered."""
        self._due_s = iter(due_s)
        self._next()

    async def close(self) -> None:
        """Send nothing more, and see the connection closed."""
        if self._waits is not None:
            self._waits.cancel()
        if not self._closed.done():
            self._transport.close()
        await self._closed
        self.ended.cancel()

    def data_received(self, data: bytes) -> None:
        """Take what came of an answer; with its end the next request is due."""
        self._came += data
        head, end, body = self._came.partition(HEAD_END)
        if not end:
            return
        status, length = read_head(head)
        if len(body) < length or self._sent is None:
            return
        request, due_s = self._sent
        self._came, self._sent = b"", None
        took_s = time.perf_counter() - due_s
        self._volley.shots.append(Shot(began_s=due_s, took_s=took_s, status=status, scans=request.scans))
        self._next()

    def connection_lost(self, _exc: Exception | None) -> None:
        """The connection is closed; whoever waits for an answer gets none."""
        self._closed.set_result(None)
        if self._sent is not None and not self.ended.done():
            fix = "See the service's log."
            self.ended.set_exception(Unavailable("no_answer", "the connection ended before the answer", fix=fix))

    def _next(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self.ended.set_result(None)
            return
        now_s = time.perf_counter()
        due_s = next(self._due_s) or now_s
        if due_s > now_s:
            self._waits = self._loop.call_later(due_s - now_s, self._send, request, due_s)
        else:
            self._send(request, due_s)

    def _send(self, request: Request, due_s: float) -> None:
        if self._transport.is_closing():
            self._waits = self._loop.create_task(self._send_anew(request, due_s))
        else:
            self._sent = request, due_s
            self._transport.write(request.raw)

    async def _send_anew(self, request: Request, due_s: float) -> None:
        try:
            await self._closed
            await self.connect()
        except OSError as error:
            self.ended.set_exception(error)
        else:
            self._send(request, due_s)


def read_head(head: bytes) -> tuple[int, int]:
    """Status and Content-Length of an answer's head; an answer without a length has no body here."""
    lines = head.split(b"\r\n")
    status = int(lines[0].split(b" ", 2)[1])
    for line in lines[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return status, int(value)
    return status, 0


def _presign(station: Station, each: int, at_ms: Instant, rng: random.Random) -> list[Signed]:
    return [
        station.sign(event, subject=subject, event_id=event_id, at_ms=when_ms)
        for event, subject, event_id, when_ms in _events(station, each, at_ms, rng)
    ]


def _presign_batches(
    station: Station, batches: int, size: int, at_ms: Instant, rng: random.Random
) -> Iterator[SignedBatch]:
    events = _events(station, batches * size, at_ms, rng)
    while part := list(islice(events, size)):
        for event, subject, event_id, when_ms in part:
            station.collect(event, subject=subject, event_id=event_id, at_ms=when_ms)
        made = station.close_batch(subject=random_urn(rng), at_ms=at_ms)
        if isinstance(made, Signed):
            raise Rejected("batch", "a batch of one is a plain statement", fix="Ask for two scans a batch or more.")
        yield made


def _events(
    station: Station, each: int, at_ms: Instant, rng: random.Random
) -> Iterator[tuple[bytes, str, str, Instant]]:
    """Events of new parcels with their shipments' references, their own names and their times."""
    for place in range(each):
        when_ms = at_ms - (each - place) * SECOND_MS
        event_id = random_urn(rng)
        body = {
            "type": "ObjectEvent",
            "epcList": [_sscc(rng)],
            "action": "ADD",
            "bizStep": "commissioning",
            "disposition": "active",
            "readPoint": {"id": station.post.place},
            "wl:handler": station.post.link.crew[0],
        }
        subject = random_urn(rng)
        event = write(finish(body, at_ms=when_ms, event_id=event_id))
        yield event, subject, event_id, when_ms


def _sscc(rng: random.Random) -> str:
    return issue_sscc(SELLER, rng.randrange(10**9)).uri


def _request(base_url: str, path: str, media_type: str, body: object, *, token: str = "") -> bytes:
    host, port = _address(base_url)
    content = body if isinstance(body, bytes) else cbor.encode(body)
    session = f"Authorization: Bearer {token}\r\n" if token else ""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: {media_type}\r\n{session}"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def _address(base_url: str) -> tuple[str, int]:
    parts = urlsplit(base_url)
    return parts.hostname or "127.0.0.1", parts.port or 80
