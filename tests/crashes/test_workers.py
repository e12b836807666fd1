"""Several processes at one address: one log, one lock office, and the death of one of them loses nothing."""

import resource
import socket
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest

from custody.kernel.system_clock import SystemClock
from simulators.load import batch_requests, fire, presign, single_requests
from simulators.story import STEPS, Story
from tests.crashes.instances import Killable, killable, workers_of
from tests.crashes.test_killed_in_a_story import quiet, refresh, verifies
from tests.crashes.test_killed_under_load import EACH, STATIONS, enrolled, everything_is_there, storm

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the tests find the processes of a service by /proc"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"),
]
LONG_S = 60.0
ESTABLISHED = "01"


def until_there_are(service: Killable, count: int) -> list[int]:
    """Wait until a service has that many further processes; returns their ids."""
    deadline = time.monotonic() + LONG_S
    while len(found := workers_of(service.instance)) != count and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def served_by(process: int, port: int) -> int:
    """How many connections at that port a process serves (proc(5))."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    there = {f"socket:[{line[9]}]" for line in lines if line[1].endswith(f":{port:04X}") and line[3] == ESTABLISHED}
    held = set()
    for file in Path(f"/proc/{process}/fd").iterdir():
        with suppress(FileNotFoundError):  # the process may close a file between the listing and the look at it
            held.add(str(file.readlink()))
    return len(there & held)


def until_dealt(worker: int, host: str, port: int) -> None:
    """Connect again and again until a process has been dealt a connection."""
    deadline = time.monotonic() + LONG_S
    while time.monotonic() < deadline:
        with socket.create_connection((host, port)):
            time.sleep(0.02)
            if served_by(worker, port):
                return


def test_several_processes_tell_one_story(tmp_path: Path) -> None:
    with killable(tmp_path / "data", workers=3) as service:
        assert len(until_there_are(service, 2)) == 2
        story = Story(
            client=service.connect(),
            accounts=service.instance.accounts,
            folder=tmp_path,
            seed=1,
            thief_at="hub-1/hub_sort",
            progress=quiet,
        )
        for place, (_, step) in enumerate(STEPS):
            if place:
                refresh(service, story)  # a connection stays with one process; every step may meet another
            step(story)
        story.verify_pack(verifies)
        story.count()
        assert story.figures["tamper_refused"] is True
        service.audit()


def test_processes_of_one_service_never_fork_its_log(tmp_path: Path) -> None:
    with killable(tmp_path / "data", workers=2) as service:
        until_there_are(service, 1)
        stations = enrolled(service)
        lanes = presign(stations, each=EACH, at_ms=SystemClock().now_ms(), seed=3)
        address = service.instance.address
        requests = [single_requests(lane, base_url=address) for lane in lanes[:2]]
        requests += [batch_requests(lane, base_url=address, size=20) for lane in lanes[2:]]
        volley = fire(address, requests)
        assert set(volley.statuses) <= {200, 201}
        assert sum(shot.scans for shot in volley.shots) == STATIONS * EACH
        service.audit()


def test_a_worker_that_is_killed_is_replaced_and_loses_nothing(tmp_path: Path) -> None:
    with killable(tmp_path / "data", workers=2) as service:
        first = until_there_are(service, 1)
        storm(service, 2, how=service.kill_worker)
        everything_is_there(service, 2)
        assert until_there_are(service, 1) != first


def test_connections_that_stay_are_dealt_evenly(tmp_path: Path) -> None:
    with killable(tmp_path / "data", workers=2) as service:
        (worker,) = until_there_are(service, 1)
        host, _, port = service.instance.address.removeprefix("http://").partition(":")
        until_dealt(worker, host, int(port))
        with ExitStack() as stay:
            for _ in range(16):
                client = stay.enter_context(httpx.Client(base_url=service.instance.address, timeout=LONG_S))
                assert client.get("/healthz").is_success
            assert served_by(worker, int(port)) == 8


def test_a_worker_that_can_open_no_more_files_is_dealt_nothing_until_it_can(tmp_path: Path) -> None:
    with killable(tmp_path / "data", workers=2) as service:
        (worker,) = until_there_are(service, 1)
        host, _, port = service.instance.address.removeprefix("http://").partition(":")
        until_dealt(worker, host, int(port))
        before = resource.prlimit(worker, resource.RLIMIT_NOFILE)
        resource.prlimit(worker, resource.RLIMIT_NOFILE, (len(list(Path(f"/proc/{worker}/fd").iterdir())), before[1]))
        with ExitStack() as stay:
            waiting = [stay.enter_context(socket.create_connection((host, int(port)))) for _ in range(2)]
            deadline = time.monotonic() + LONG_S
            while "cannot be taken" not in service.instance.log and time.monotonic() < deadline:
                time.sleep(0.05)
            for _ in range(8):
                client = stay.enter_context(httpx.Client(base_url=service.instance.address, timeout=LONG_S))
                assert client.get("/healthz").is_success
            resource.prlimit(worker, resource.RLIMIT_NOFILE, before)
            for each in waiting:
                each.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                each.settimeout(LONG_S)
                assert each.recv(12) == b"HTTP/1.1 200"
        until_dealt(worker, host, int(port))


def test_workers_end_with_the_first_process(tmp_path: Path) -> None:
    with killable(tmp_path / "data", workers=2) as service:
        (worker,) = until_there_are(service, 1)
        service.instance.kill()
        deadline = time.monotonic() + LONG_S
        while Path(f"/proc/{worker}").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not Path(f"/proc/{worker}").exists()


def test_a_service_of_several_processes_keeps_what_it_acknowledged(tmp_path: Path, postgres_url: str) -> None:
    with killable(tmp_path / "data", database_url=postgres_url, workers=2) as service:
        storm(service, 2)
        everything_is_there(service, 2)
