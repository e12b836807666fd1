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
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from urllib.parse import urlsplit

from custody.gs1.keys import issue_sscc
from custody.kernel import cbor
from custody.kernel.clock import SECOND_MS, Instant
from custody.kernel.errors import Rejected, Unavailable
from simulators.events import finish, write
from simulators.figures import share
from simulators.geography import SELLER, build_geography
from simulators.station import ROOT_TYPE, SCAN_TYPE, SCANS_TYPE, Signed, SignedBatch, Station, make_station, root_body

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
    host, port = _address(base_url)
    volley = Volley()
    connections: list[_Connection] = []
    runs: list[asyncio.Task[None]] = []
    try:
        for _ in lanes:
            connections.append(_Connection(host, port, *await asyncio.open_connection(host, port)))  # noqa: PERF401 - those before a refusal are closed too
        began_s = time.perf_counter()
        for place, (connection, lane) in enumerate(zip(connections, lanes, strict=True)):
            due_s = [began_s + wait for wait in starts_s[place]] if starts_s else None
            runs.append(asyncio.create_task(_run(connection, lane, due_s, volley)))
        await asyncio.gather(*runs)
        volley.wall_s = time.perf_counter() - began_s
    finally:  # also when the service went away in the middle: nothing stays open
        for run in runs:
            run.cancel()
        await asyncio.gather(*runs, return_exceptions=True)
        for connection in connections:
            connection.writer.close()
        for connection in connections:
            with contextlib.suppress(OSError):
                await connection.writer.wait_closed()
    return volley


@dataclass(slots=True)
class _Connection:
    """A connection that is kept, and opened anew where the service closed it because nothing came for long."""

    host: str
    port: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, request: Request) -> int:
        """Send a request; returns the status of its answer."""
        if self.reader.at_eof():
            self.writer.close()
            self.reader, self.writer = await asyncio.open_connection(self.host, self.port)
        self.writer.write(request.raw)
        return await _read_answer(self.reader)


async def _run(connection: _Connection, lane: Iterable[Request], due_s: Sequence[float] | None, volley: Volley) -> None:
    for place, request in enumerate(lane):
        due = time.perf_counter() if due_s is None else due_s[place]
        wait_s = due - time.perf_counter()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        status = await connection.send(request)
        volley.shots.append(Shot(began_s=due, took_s=time.perf_counter() - due, status=status, scans=request.scans))


async def _read_answer(reader: asyncio.StreamReader) -> int:
    try:
        head = await reader.readuntil(HEAD_END)
        status, length = read_head(head)
        await reader.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        raise Unavailable(
            "no_answer", "the connection ended before the answer", fix="See the service's log."
        ) from error
    return status


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
        made = station.close_batch(subject=f"urn:uuid:{uuid.UUID(int=rng.getrandbits(128), version=4)}", at_ms=at_ms)
        if isinstance(made, Signed):
            raise Rejected("batch", "a batch of one is a plain statement", fix="Ask for two scans a batch or more.")
        yield made


def _events(
    station: Station, each: int, at_ms: Instant, rng: random.Random
) -> Iterator[tuple[bytes, str, str, Instant]]:
    """Events of new parcels with their shipments' references, their own names and their times."""
    for place in range(each):
        when_ms = at_ms - (each - place) * SECOND_MS
        event_id = f"urn:uuid:{uuid.UUID(int=rng.getrandbits(128), version=4)}"
        body = {
            "type": "ObjectEvent",
            "epcList": [_sscc(rng)],
            "action": "ADD",
            "bizStep": "commissioning",
            "disposition": "active",
            "readPoint": {"id": station.post.place},
            "wl:handler": station.post.link.crew[0],
        }
        subject = f"urn:uuid:{uuid.UUID(int=rng.getrandbits(128), version=4)}"
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
