"""Whoever polls for the events of a parcel misses none and sees none twice, also where an opening came late."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from custody.kernel.clock import to_iso
from custody.store import log_reader
from simulators.events import finish, write
from simulators.load import load_stations
from simulators.station import Signed, Station, post_one
from tests.stories.http_service import Service, raw_client

PARCEL = "https://id.gs1.org/00/195214730000099998"
SHIPMENT = "urn:uuid:00000000-0000-4000-8000-000000000077"
ORDER = "https://shop.example/orders/2026/01/20991234"
COSE = {"content-type": "application/cose"}


@pytest.fixture(scope="module")
def stations(service: Service) -> list[Station]:
    """Lend two stations that are enrolled at this service."""
    made = load_stations(2, seed=77)
    supervisor = service.staff["supervisor-1"].client
    for station in made:
        told = station.announce(supervisor)
        station.enrol(service.client, told, origin=service.parts.house.origin, at_ms=service.parts.clock.now_ms())
    return made


@pytest.fixture
def wire(service: Service) -> Iterator[httpx.Client]:
    with raw_client(service) as client:
        yield client


def scan(service: Service, station: Station) -> Signed:
    """The station's next scan of the parcel."""
    now_ms, event_id = service.parts.clock.now_ms(), f"urn:uuid:00000000-0000-4000-8000-{station.seq:012d}"
    order = [{"type": "po", "bizTransaction": ORDER}]
    body = {"type": "ObjectEvent", "epcList": [PARCEL], "action": "OBSERVE", "bizStep": "inspecting"}
    event = write(finish({**body, "bizTransactionList": order}, at_ms=now_ms, event_id=event_id))
    return station.sign(event, subject=SHIPMENT, event_id=event_id, at_ms=now_ms)


def poll(service: Service, after: int = -1, **more: Any) -> list[dict[str, Any]]:
    """All events after a number, page by page."""
    found: list[dict[str, Any]] = []
    onward: int | None = after
    while onward is not None:
        page = service.staff["agent-1"].client.get("/v1/events", **{"MATCH_anyEPC": PARCEL, "after": onward, **more})
        found += page["events"]
        onward = page["next"]
    return found


def test_a_poller_sees_every_scan_once_though_an_opening_comes_after_later_scans(
    service: Service, stations: list[Station], wire: httpx.Client
) -> None:
    early, late = scan(service, stations[0]), scan(service, stations[1])
    wire.post("/entries", content=early.statement, headers=COSE)
    post_one(service.client, late)
    seen = poll(service)
    assert [event["digest"] for event in seen] == [late.digest.hex()]
    post_one(service.client, early)
    (fresh,) = poll(service, after=seen[-1]["number"])
    assert fresh["digest"] == early.digest.hex()
    assert fresh["index"] < seen[-1]["index"] < fresh["number"]
    assert fresh["recorded_at"] >= seen[-1]["recorded_at"]
    with service.parts.house.read() as session:
        assert fresh["recorded_at"] == to_iso(log_reader.entry(session, fresh["number"]).received_ms)
    assert poll(service, after=fresh["number"]) == []
    assert poll(service) == poll(service, perPage=1) == [*seen, fresh]
    assert poll(service, MATCH_anyEPC=f"po:{ORDER}") == [*seen, fresh]
    for digits in ("195214730000099998", "(00)195214730000099998", "195214730000099998|po:none"):
        assert poll(service, MATCH_anyEPC=digits) == [*seen, fresh], "as a trail is asked for"
    wrong = wire.get(
        "/v1/events",
        params={"MATCH_anyEPC": "195214730000099997"},
        headers={"authorization": f"Bearer {service.token('agent-1')}"},
    )
    assert wrong.status_code == 422
    assert "check digit" in wrong.json()["detail"]
