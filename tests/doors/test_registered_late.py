"""A handset that is registered while its case is open is locked by the two rules of authority, and by no fewer."""

from typing import Any

import pytest

from custody.gs1.imei import imei_urn
from custody.kernel.system_clock import SystemClock
from devicelock import put_off_store
from simulators.agent import put_authority_in_force
from simulators.station import Station
from tests.doors.case_desk import CaseDesk, Packing

TIED, SINGLE, KNOWN = "490154203237518", "356938035643809", "001017004829159"


@pytest.fixture(scope="module", autouse=True)
def authority(desk: CaseDesk) -> None:
    put_authority_in_force(desk.house.staff["supervisor-1"], desk.house.staff["supervisor-2"])


@pytest.fixture(scope="module")
def stations(desk: CaseDesk) -> dict[str, Station]:
    return {name: desk.station(f"wh-1/{name}") for name in ("pack-1", "weigh-1")}


def packed(desk: CaseDesk, stations: dict[str, Station], imei: str, *, number: int, read_again: bool) -> dict[str, Any]:
    """The case of an order whose parcel was packed with a handset, which a second station read or did not."""
    order, parcel = f"SO-LATE-{number}", f"19521473000008{number:04d}"
    now_ms, shipment = SystemClock().now_ms(), f"5b0f5f5e-3a43-4d0e-9d0b-6f1f0f6f{number:04d}"
    body = Packing(parcel=parcel, order=order, imei=imei).body()
    desk.scan(stations["pack-1"], body, shipment=shipment, at_ms=now_ms - 60_000)
    if read_again:
        read = {
            "type": "ObjectEvent",
            "epcList": [f"https://id.gs1.org/00/{parcel}"],
            "action": "OBSERVE",
            "bizStep": "inspecting",
            "wl:imei": [imei_urn(imei)],
            "wl:entryMode": "scanned",
        }
        desk.scan(stations["weigh-1"], read, shipment=shipment, at_ms=now_ms - 30_000)
    return desk.report(order=order, claim_type="never_received")


def locks(desk: CaseDesk, told: dict[str, Any]) -> list[dict[str, Any]]:
    found = desk.http.get("/v1/locks", headers=desk.by("supervisor-1")).json()["locks"]
    return [lock for lock in found if lock["dispute"] == told["dispute"]]


def test_the_lock_that_nobody_could_order_is_asked_for_once_the_handset_is_registered(
    desk: CaseDesk, stations: dict[str, Station]
) -> None:
    told = packed(desk, stations, TIED, number=1, read_again=True)
    assert locks(desk, told) == []
    desk.register(TIED, seed=1)
    (lock,) = locks(desk, told)
    assert (lock["basis"], lock["state"] in {"queued", "approved"}) == ("standing_policy", True), lock


def test_one_record_alone_locks_no_handset_that_is_registered_late_and_it_waits_for_the_second(
    desk: CaseDesk, stations: dict[str, Station]
) -> None:
    told = packed(desk, stations, SINGLE, number=2, read_again=False)
    desk.register(SINGLE, seed=2)
    (lock,) = locks(desk, told)
    assert lock["state"] == "refused"
    with desk.house.parts.house.read() as session:
        assert put_off_store.is_put_off(session, lock["order"])


def test_a_case_whose_customer_found_the_phone_asks_for_no_lock_of_it(desk: CaseDesk) -> None:
    assert desk.http.post(
        "/v1/orders", json={"order": "SO-LATE-3", "imei": KNOWN}, headers=desk.by("agent-1")
    ).is_success
    told = desk.report(order="SO-LATE-3", claim_type="never_received")
    assert desk.http.post(f"/v1/customer/{told['customer_token']}/found").is_success
    desk.register(KNOWN, seed=3)
    assert locks(desk, told) == []
