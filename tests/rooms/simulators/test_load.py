import asyncio
import random
import threading
from collections.abc import Iterator

import pytest

from custody.scans.scan import open_scan
from simulators.bench_ingest import answered
from simulators.figures import share
from simulators.geography import build_geography
from simulators.load import (
    MOST_PLAYED,
    Request,
    Shot,
    Volley,
    act_requests,
    arrivals,
    batch_requests,
    fire,
    fire_at,
    load_stations,
    presign,
    read_head,
    single_requests,
)
from simulators.story import Broken

AT_MS = 1_790_000_000_000
CLOSES = b"X-Then-Close: yes\r\n"
ANSWER = b"HTTP/1.1 201 Created\r\nServer: x\r\nContent-length: 2\r\n\r\n{}"


@pytest.fixture
def base_url() -> Iterator[str]:
    """Lend the address of a server that answers 201 to every request, in a thread of its own; it closes when told."""
    loop = asyncio.new_event_loop()
    ready: list[asyncio.Server] = []
    started = threading.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _head(reader):
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
            writer.write(ANSWER)
            if CLOSES in head:
                break
        writer.close()

    async def begin() -> None:
        ready.append(await asyncio.start_server(handle, "127.0.0.1", 0))
        started.set()

    def run() -> None:
        loop.run_until_complete(begin())
        loop.run_forever()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    started.wait(5)
    host, port = ready[0].sockets[0].getsockname()
    yield f"http://{host}:{port}"
    loop.call_soon_threadsafe(ready[0].close)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""


def test_presigned_scans_are_real_scans_of_their_stations() -> None:
    stations = load_stations(3, seed=1)
    lanes = presign(stations, each=4, at_ms=AT_MS, seed=1)
    assert [len(lane) for lane in lanes] == [4, 4, 4]
    for station, lane in zip(stations, lanes, strict=True):
        opened = [open_scan(scan.statement, scan.opening) for scan in lane]
        assert [scan.seq for scan in opened] == [1, 2, 3, 4]
        for scan in opened:
            scan.message.verify(station.signer.public)
            assert scan.event.event_time_ms < AT_MS


def test_every_scan_is_answered_and_counted(base_url: str) -> None:
    lanes = presign(load_stations(2, seed=1), each=5, at_ms=AT_MS, seed=1)
    volley = fire(base_url, [single_requests(lane, base_url=base_url) for lane in lanes])
    assert volley.statuses == {201: 10}
    assert sum(shot.scans for shot in volley.shots) == 10
    assert volley.scans_per_s > 0


def test_batches_hold_the_scans_in_order_and_the_last_one_what_is_left(base_url: str) -> None:
    (lane,) = presign(load_stations(1, seed=1), each=5, at_ms=AT_MS, seed=1)
    requests = batch_requests(lane, base_url=base_url, size=2)
    assert [request.scans for request in requests] == [2, 2, 1]
    assert all(b"POST /v1/scans:batch HTTP/1.1" in request.raw for request in requests)
    volley = fire(base_url, [requests])
    assert sum(shot.scans for shot in volley.shots) == 5


def test_whoever_acts_is_named_by_the_token_of_their_session(base_url: str) -> None:
    requests = act_requests(["/v1/locks/a/approve", "/v1/locks/b/approve"], base_url=base_url, token="of-one")
    assert [request.raw.partition(b" HTTP/1.1")[0] for request in requests] == [
        b"POST /v1/locks/a/approve",
        b"POST /v1/locks/b/approve",
    ]
    assert all(b"\r\nAuthorization: Bearer of-one\r\n" in request.raw for request in requests)
    assert fire(base_url, [requests]).statuses == {201: 2}


def test_lanes_that_share_their_requests_send_each_of_them_once(base_url: str) -> None:
    shared = iter(act_requests([f"/v1/locks/{number}/approve" for number in range(7)], base_url=base_url, token="x"))
    assert fire(base_url, [shared] * 3).statuses == {201: 7}


def test_open_arrivals_wait_for_their_time(base_url: str) -> None:
    (lane,) = presign(load_stations(1, seed=1), each=3, at_ms=AT_MS, seed=1)
    volley = fire_at(base_url, [single_requests(lane, base_url=base_url)], [[0.0, 0.02, 0.04]])
    assert volley.wall_s >= 0.04
    assert len(volley.shots) == 3


def test_a_connection_that_the_service_closed_meanwhile_is_opened_anew(base_url: str) -> None:
    (lane,) = presign(load_stations(1, seed=1), each=1, at_ms=AT_MS, seed=1)
    head, _, body = single_requests(lane, base_url=base_url)[0].raw.partition(b"\r\n\r\n")
    closing = Request(raw=head + b"\r\n" + CLOSES + b"\r\n" + body, scans=1)
    volley = fire_at(base_url, [[closing, closing]], [[0.0, 0.2]])
    assert volley.statuses == {201: 2}


def test_latencies_are_read_off_the_sorted_shots() -> None:
    shots = [Shot(began_s=0, took_s=took, status=201, scans=1) for took in (0.3, 0.1, 0.2, 0.4)]
    volley = Volley(shots=shots, wall_s=2.0)
    assert (volley.latency_s(0.5), volley.latency_s(0.99), volley.latency_s(1.0)) == (0.2, 0.4, 0.4)
    assert volley.scans_per_s == 2.0
    assert Volley().latency_s(0.5) == 0.0


def test_a_bench_ends_with_the_first_request_that_is_refused() -> None:
    taken = [Shot(began_s=0, took_s=0.1, status=status, scans=1) for status in (200, 201)]
    assert answered(Volley(shots=taken)).statuses == {200: 1, 201: 1}
    with pytest.raises(Broken, match="503"):
        answered(Volley(shots=[*taken, Shot(began_s=0, took_s=0.1, status=503, scans=1)]))


def test_a_share_of_values_is_their_nearest_rank() -> None:
    values = list(range(1, 101))
    assert [share(values, part) for part in (0.0, 0.5, 0.55, 0.99, 1.0)] == [1, 50, 55, 99, 100]


def test_the_loads_stations_are_nobody_elses() -> None:
    played = {post.station for post in build_geography(hubs=MOST_PLAYED).posts.values()}
    stations = {station.name for station in load_stations(4, seed=1)}
    assert len(stations) == 4
    assert not stations & played


def test_arrivals_come_at_the_rate_that_was_asked_for() -> None:
    times = arrivals(2000, per_s=100, rng=random.Random(1))  # noqa: S311 - a seeded stream of arrivals
    assert times == sorted(times)
    assert 17 < times[-1] < 23


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n", (200, 12)),
        (b"HTTP/1.1 204 No Content\r\n\r\n", (204, 0)),
        (b"HTTP/1.1 503 Busy\r\nretry-after: 2\r\ncontent-length:0\r\n\r\n", (503, 0)),
    ],
)
def test_status_and_length_are_read_from_an_answers_head(head: bytes, expected: tuple[int, int]) -> None:
    assert read_head(head) == expected
