"""A report may come before the record of its order: the case learns its handset from that, and asks for its lock."""

import uuid
from typing import Any

import pytest

from api.rounds import late_records
from custody.gs1.imei import imei_urn
from custody.investigation.verify.pack import verify_pack
from custody.kernel.system_clock import SystemClock
from custody.store import case_book
from simulators.agent import put_authority_in_force
from simulators.station import Station
from tests.doors.case_desk import CaseDesk, Packing
from tests.servers.witness import until

SSCC = "https://id.gs1.org/00/"
SOLD, PACKED, FOUND, HELD, TAKEN, TWICE, SCANNED, SHOWN = (
    "490154203237518",
    "356938035643809",
    "001017004829159",
    "352099001761481",
    "351756051523993",
    "351756051524009",
    "351756051524017",
    "351756051524025",
)


@pytest.fixture(scope="module", autouse=True)
def authority(desk: CaseDesk) -> None:
    put_authority_in_force(desk.house.staff["supervisor-1"], desk.house.staff["supervisor-2"])


@pytest.fixture(scope="module")
def packer(desk: CaseDesk) -> Station:
    return desk.station("wh-1/pack-1")


def packed(desk: CaseDesk, packer: Station, parcel: str, *, order: str, imei: str) -> None:
    body = Packing(parcel=parcel, order=order, imei=imei).body()
    desk.scan(packer, body, shipment=str(uuid.uuid4()), at_ms=SystemClock().now_ms())


def record(desk: CaseDesk, order: str, imei: str, **facts: Any) -> None:
    body = {"order": order, "imei": imei, **facts}
    assert desk.http.post("/v1/orders", json=body, headers=desk.by("agent-1")).is_success


def lines(desk: CaseDesk, told: dict[str, Any]) -> list[str]:
    with desk.house.parts.house.read() as session:
        return [line.kind for line in case_book.timeline(session, told["dispute"])]


def file_of(desk: CaseDesk, told: dict[str, Any]) -> case_book.CaseFile:
    with desk.house.parts.house.read() as session:
        return case_book.read(session, told["dispute"])


def locks(desk: CaseDesk, told: dict[str, Any]) -> list[dict[str, Any]]:
    listed = desk.http.get("/v1/locks", headers=desk.by("supervisor-1")).json()["locks"]
    return [lock for lock in listed if lock["dispute"] == told["dispute"]]


def learn(desk: CaseDesk, told: dict[str, Any]) -> None:
    until(lambda: "handset_learned" in lines(desk, told))


def test_a_case_learns_handset_price_and_clocks_from_an_order_that_is_recorded_after_it(desk: CaseDesk) -> None:
    told = desk.report(order="SO-AFTER-1", claim_type="never_received")
    assert file_of(desk, told).imei is None
    record(desk, "SO-AFTER-1", SOLD, price_pence=89_900, contract="2026-11-01")
    learn(desk, told)
    file = file_of(desk, told)
    assert (file.imei, file.order.price_pence, file.order_named) == (imei_urn(SOLD), 89_900, True)
    assert "delivery_long_stop" in {clock.key for clock in file.legal_clocks}


def test_one_record_of_the_handset_that_was_learned_locks_it_no_more_than_in_any_other_report(
    desk: CaseDesk, packer: Station
) -> None:
    told = desk.report(order="SO-AFTER-2", claim_type="never_received")
    desk.register(PACKED, seed=2)
    packed(desk, packer, "195214730000098823", order="SO-AFTER-2", imei=PACKED)
    learn(desk, told)
    (lock,) = locks(desk, told)
    assert (lock["state"], file_of(desk, told).parcel) == ("refused", f"{SSCC}195214730000098823")


def test_a_handset_that_was_learned_is_locked_once_two_records_tell_of_it(desk: CaseDesk, packer: Station) -> None:
    told, parcel = desk.report(order="SO-AFTER-6", claim_type="never_received"), "195214730000098830"
    desk.register(TWICE, seed=6)
    read = {
        "type": "ObjectEvent",
        "epcList": [f"{SSCC}{parcel}"],
        "action": "OBSERVE",
        "bizStep": "inspecting",
        "wl:imei": [imei_urn(TWICE)],
        "wl:entryMode": "scanned",
    }
    shipment, now_ms = str(uuid.uuid4()), SystemClock().now_ms()
    desk.scan(desk.station("wh-1/weigh-1"), read, shipment=shipment, at_ms=now_ms - 30_000)
    body = Packing(parcel=parcel, order="SO-AFTER-6", imei=TWICE).body()
    desk.scan(packer, body, shipment=shipment, at_ms=now_ms - 60_000)
    until(lambda: [lock["state"] for lock in locks(desk, told)][:1] in (["queued"], ["approved"]))


def test_a_number_of_a_parcel_that_nobody_had_scanned_leads_to_its_handset_once_it_is(
    desk: CaseDesk, packer: Station
) -> None:
    told = desk.report(item="195214730000098847", claim_type="never_received")
    packed(desk, packer, "195214730000098847", order="SO-AFTER-7", imei=SCANNED)
    learn(desk, told)
    file = file_of(desk, told)
    assert (file.imei, file.case.order_ref, file.order_named) == (imei_urn(SCANNED), "SO-AFTER-7", False)


def test_the_pack_of_a_case_that_learned_its_handset_verifies(desk: CaseDesk) -> None:
    told = desk.report(order="SO-AFTER-8", claim_type="never_received")
    record(desk, "SO-AFTER-8", SHOWN)
    learn(desk, told)
    packed = desk.http.post("/v1/packs", json={"dispute": told["dispute"]}, headers=desk.by("investigator-1"))
    verify_pack(packed.content).demand()


def test_what_was_typed_otherwise_is_the_order_s_own_reference_once_that_is_known(desk: CaseDesk) -> None:
    told = desk.report(order="Order no. so after 3", claim_type="never_received")
    record(desk, "SO-AFTER-3", HELD)
    learn(desk, told)
    assert file_of(desk, told).case.order_ref == "SO-AFTER-3"


def test_days_that_were_learned_before_the_record_came_stay(desk: CaseDesk) -> None:
    told = desk.report(order="SO-AFTER-4", claim_type="defective")
    days = {"order_days": {"delivered": "2026-10-05"}, "reference": "RECEIPT-1"}
    assert desk.event(told, "agent-1", "order_days", **days).is_success
    record(desk, "SO-AFTER-4", TAKEN, price_pence=50_000)
    learn(desk, told)
    order = file_of(desk, told).order
    assert (str(order.delivered), order.price_pence) == ("2026-10-05", 50_000)


def test_a_case_that_is_over_or_whose_customer_found_the_phone_learns_nothing(desk: CaseDesk) -> None:
    told = desk.report(order="SO-AFTER-5", claim_type="never_received")
    assert desk.http.post(f"/v1/customer/{told['customer_token']}/found").is_success
    record(desk, "SO-AFTER-5", FOUND)
    with desk.house.parts.house.read() as session:
        assert late_records.handset_of(session, case_book.read(session, told["dispute"]), own=()) is None
