"""A number that somebody on the way adds to a parcel leads to no lock of the handset that has it."""

from typing import Any

from api.http.encoding import b64
from custody.gs1.imei import imei_urn
from custody.kernel import cbor
from custody.kernel.keys import new_signer
from custody.kernel.system_clock import SystemClock
from simulators.agent import put_authority_in_force
from simulators.events import finish, write
from simulators.geography import build_geography
from simulators.station import make_station
from tests.doors.case_desk import CaseDesk

TRUE, STRANGER = "490154203237518", "356938035643809"
PARCEL = "195214730000088169"
ORDER = "SO-ADDED-TO"


def test_a_handset_that_a_later_custodian_puts_into_a_parcel_is_never_locked(desk: CaseDesk) -> None:
    put_authority_in_force(desk.house.staff["supervisor-1"], desk.house.staff["supervisor-2"])
    for number, imei in enumerate((TRUE, STRANGER), start=1):
        key = b64(cbor.encode(new_signer(seed=bytes([number]) * 32).public.cose_key()))
        assert desk.http.post(
            "/v1/devices", json={"imei": imei, "cose_key": key}, headers=desk.by("supervisor-1")
        ).is_success
    client, clock = desk.house.client, SystemClock()
    stations = {}
    for name in ("wh-1/pack-1", "wh-1/weigh-1", "depot-1/depot", "depot-1/courier"):
        s = make_station(build_geography().post(name), seed="added")
        s.enrol(
            client,
            s.announce(desk.house.staff["supervisor-1"].client),
            origin=desk.house.parts.house.origin,
            at_ms=clock.now_ms(),
        )
        stations[name] = s
    count = 0

    def scan(name: str, body: dict[str, Any], ago_s: int) -> None:
        nonlocal count
        count += 1
        at_ms, event_id = clock.now_ms() - ago_s * 1000, f"urn:uuid:added-{count}"
        event = write(finish(body, at_ms=at_ms, event_id=event_id))
        s = stations[name]
        s.store(s.sign(event, subject="urn:uuid:5b0f5f5e-3a43-4d0e-9d0b-6f1f0f6f9a31", event_id=event_id, at_ms=at_ms))
        (answer,) = s.send_next(client)
        assert answer.body["index"] is not None

    sscc = f"https://id.gs1.org/00/{PARCEL}"
    po = [{"type": "po", "bizTransaction": f"urn:epcglobal:cbv:bt:9521473000102:{ORDER}"}]

    def packed(imei: str) -> dict[str, Any]:
        return {
            "type": "AggregationEvent",
            "parentID": sscc,
            "childEPCs": [imei_urn(imei)],
            "action": "ADD",
            "bizStep": "packing",
        }

    def read(imei: str) -> dict[str, Any]:
        return {
            "type": "ObjectEvent",
            "epcList": [sscc],
            "action": "OBSERVE",
            "bizStep": "inspecting",
            "wl:imei": [imei_urn(imei)],
            "wl:entryMode": "scanned",
        }

    scan("wh-1/pack-1", packed(TRUE) | {"bizTransactionList": po}, 50)
    scan("wh-1/weigh-1", read(TRUE), 40)
    scan("depot-1/depot", packed(STRANGER), 20)
    scan("depot-1/courier", read(STRANGER), 10)
    for asked in ({"item": PARCEL}, {"item": PARCEL, "order": ORDER}):
        told = desk.report(claim_type="never_received", **asked)
        assert desk.view(told)["timeline"][0]["facts"]["imei"] == imei_urn(TRUE)
        wish = {"imei": STRANGER, "dispute": told["dispute"]}
        checks = desk.http.get("/v1/locks/preflight", params=wish, headers=desk.by("agent-1")).json()["checks"]
        assert {row["check"]: row["ok"] for row in checks}["imei_tied"] is False
    locks = desk.http.get("/v1/locks", headers=desk.by("supervisor-1")).json()["locks"]
    assert all(STRANGER[:14] not in row["imei"] for row in locks)
