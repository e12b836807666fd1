"""The service is killed while scans pour in: what it had acknowledged is there, and nothing stands twice."""

import random
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from custody.kernel.errors import Unavailable
from custody.kernel.system_clock import SystemClock
from simulators.load import batch_requests, fire, load_stations, presign, presign_batches, single_requests
from simulators.station import Signed, Station, post_batch
from tests.crashes.instances import Killable, forward_all, killable

STATIONS, EACH, IN_BATCH = 4, 160, 8
PATIENCE_S = 90.0


def enrolled(service: Killable) -> list[Station]:
    """Stations that the service knows."""
    supervisor, nobody = service.staff("supervisor-1").client, service.connect()
    origin = str(supervisor.get("/v1/log")["origin"])
    stations = load_stations(STATIONS, seed=3)
    for station in stations:
        station.enrol(nobody, station.announce(supervisor), origin=origin, at_ms=SystemClock().now_ms())
    return stations


def press(address: str, lanes: Sequence[Sequence[Signed]]) -> None:
    """Load as fast as answers come, until the service is gone."""
    singles = [single_requests(lane, base_url=address) for lane in lanes[:1]]
    batches = [batch_requests(lane, base_url=address, size=20) for lane in lanes[1:]]
    try:
        fire(address, [*singles, *batches])
    except (Unavailable, OSError):
        return


def storm(service: Killable, kills: int, *, how: Callable[[], None] | None = None) -> None:
    """Two stations forward what they have, one in batches; two more press; the service is killed again and again."""
    stations, now_ms = enrolled(service), SystemClock().now_ms()
    lanes = presign([stations[0], *stations[2:]], each=EACH, at_ms=now_ms, seed=3)
    stations[0].backlog.extend(lanes[0])
    stations[1].backlog.extend(
        *presign_batches(stations[1:2], batches=EACH // IN_BATCH, size=IN_BATCH, at_ms=now_ms, seed=3)
    )
    stop = threading.Event()
    senders = [
        threading.Thread(target=forward_all, args=(service, station), kwargs={"batch": size, "stop": stop})
        for station, size in zip(stations, (7, 40), strict=False)
    ]
    presser = threading.Thread(target=press, args=(service.instance.address, lanes[1:]))
    for thread in (*senders, presser):
        thread.start()
    rng = random.Random(kills)  # noqa: S311 - the same moments every time, as far as a machine keeps time
    for _ in range(kills):
        before = len(service.answers)
        wait_for_more(service, before + 10)
        time.sleep(rng.uniform(0.0, 0.15))
        (how or service.kill)()
    deadline = time.monotonic() + PATIENCE_S
    for sender in senders:
        sender.join(max(0.1, deadline - time.monotonic()))
    stop.set()
    presser.join(PATIENCE_S)
    assert [len(station.backlog) for station in stations[:2]] == [0, 0], "everything was answered in the end"
    assert {answer.result for answer in service.answers} <= {"accepted", "duplicate"}
    # What the other two pressed in was answered or not; sent again, each is there once.
    for lane in lanes[1:]:
        for start in range(0, len(lane), 200):
            service.answers += post_batch(service.connect(), lane[start : start + 200])


def wait_for_more(service: Killable, wanted: int) -> None:
    """Wait until that many scans were acknowledged, or all of them."""
    deadline = time.monotonic() + PATIENCE_S
    while len(service.answers) < min(wanted, 2 * EACH - 40) and time.monotonic() < deadline:
        time.sleep(0.005)


def everything_is_there(service: Killable, kills: int) -> None:
    """Every scan was acknowledged at exactly one place, and the books are clean."""
    assert service.kills == kills
    places: dict[bytes, set[int]] = {answer.scan.digest: set() for answer in service.answers}
    for answer in service.answers:
        places[answer.scan.digest].add(answer.body["index"])
    assert len(places) == STATIONS * EACH
    assert all(len(found) == 1 for found in places.values()), "no scan was told two places"
    service.audit()


# A connection that dies with the service is not closed by the load generator; that is no leak of the service.
LEFT_OPEN = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")


@pytest.mark.slow
@LEFT_OPEN
def test_sqlite_keeps_what_was_acknowledged(tmp_path: Path) -> None:
    with killable(tmp_path / "data") as service:
        storm(service, 3)
        everything_is_there(service, 3)


@pytest.mark.slow
@LEFT_OPEN
def test_postgresql_keeps_what_was_acknowledged(tmp_path: Path, postgres_url: str) -> None:
    with killable(tmp_path / "data", database_url=postgres_url) as service:
        storm(service, 2)
        everything_is_there(service, 2)
