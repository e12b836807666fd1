"""A number that somebody on the way adds to a parcel leads to no lock of the handset that has it."""

from typing import Any

from custody.gs1.imei import imei_urn
from custody.kernel.system_clock import SystemClock
from simulators.agent import put_authority_in_force
from tests.doors.case_desk import CaseDesk, Packing

TRUE, STRANGER = "490154203237518", "356938035643809"
PARCEL = "195214730000088169"
ORDER = "SO-ADDED-TO"


def test_a_handset_that_a_later_custodian_puts_into_a_parcel_is_never_locked(desk: CaseDesk) -> None:
    put_authority_in_force(desk.house.staff["supervisor-1"], desk.house.staff["supervisor-2"])
    for number, imei in enumerate((TRUE, STRANGER), start=1):
        desk.register(imei, seed=number)
    names = ("wh-1/pack-1", "wh-1/weigh-1", "depot-1/depot", "depot-1/courier")
    stations, now_ms = {name: desk.station(name) for name in names}, SystemClock().now_ms()

    def scan(name: str, body: dict[str, Any], ago_s: int) -> None:
        desk.scan(stations[name], body, shipment="5b0f5f5e-3a43-4d0e-9d0b-6f1f0f6f9a31", at_ms=now_ms - ago_s * 1000)

    def read(imei: str) -> dict[str, Any]:
        return {
            "type": "ObjectEvent",
            "epcList": [f"https://id.gs1.org/00/{PARCEL}"],
            "action": "OBSERVE",
            "bizStep": "inspecting",
            "wl:imei": [imei_urn(imei)],
            "wl:entryMode": "scanned",
        }

    scan("wh-1/pack-1", Packing(parcel=PARCEL, order=ORDER, imei=TRUE).body(), 50)
    scan("wh-1/weigh-1", read(TRUE), 40)
    scan("depot-1/depot", Packing(parcel=PARCEL, imei=STRANGER).body(), 20)
    scan("depot-1/courier", read(STRANGER), 10)
    for asked in ({"item": PARCEL}, {"item": PARCEL, "order": ORDER}):
        told = desk.report(claim_type="never_received", **asked)
        assert desk.view(told)["timeline"][0]["facts"]["imei"] == imei_urn(TRUE)
        wish = {"imei": STRANGER, "dispute": told["dispute"]}
        checks = desk.http.get("/v1/locks/preflight", params=wish, headers=desk.by("agent-1")).json()["checks"]
        assert {row["check"]: row["ok"] for row in checks}["imei_tied"] is False
    locks = desk.http.get("/v1/locks", headers=desk.by("supervisor-1")).json()["locks"]
    assert all(STRANGER[:14] not in row["imei"] for row in locks)
