"""A report may come after the scans of an order and before the seller's record of it: the case learns that then."""

import uuid
from typing import Any

import pytest

from custody.gs1.imei import imei_urn
from custody.investigation.verify.pack import verify_pack
from custody.kernel.system_clock import SystemClock
from custody.store import case_book
from custody.usecases.learn_facts import recorded_since
from simulators.station import Station
from tests.doors.case_desk import CaseDesk, Packing
from tests.servers.witness import until

PRICED, OTHER, SWAPPED, SHOWN, OVER = (
    "490154203237518",
    "356938035643809",
    "001017004829159",
    "351756051523993",
    "351756051524009",
)


@pytest.fixture(scope="module")
def packer(desk: CaseDesk) -> Station:
    return desk.station("wh-1/pack-1")


def reported(desk: CaseDesk, packer: Station, number: int, imei: str, kind: str = "never_received") -> dict[str, Any]:
    """A report of an order of which only the packing is known."""
    body = Packing(parcel=f"1952147300000{number:05}", order=f"SO-LATE-{number}", imei=imei).body()
    desk.scan(packer, body, shipment=str(uuid.uuid4()), at_ms=SystemClock().now_ms())
    told = desk.report(order=f"SO-LATE-{number}", claim_type=kind)
    assert file_of(desk, told).imei == imei_urn(imei)
    return told


def record(desk: CaseDesk, number: int, imei: str, **facts: Any) -> None:
    body = {"order": f"SO-LATE-{number}", "imei": imei, **facts}
    assert desk.http.post("/v1/orders", json=body, headers=desk.by("agent-1")).is_success


def file_of(desk: CaseDesk, told: dict[str, Any]) -> case_book.CaseFile:
    with desk.house.parts.house.read() as session:
        return case_book.read(session, told["dispute"])


def can_learn(desk: CaseDesk, told: dict[str, Any]) -> bool:
    with desk.house.parts.house.read() as session:
        file = case_book.read(session, told["dispute"])
        return recorded_since(session, file, now_ms=SystemClock().now_ms()) is not None


def learned(desk: CaseDesk, told: dict[str, Any]) -> list[str]:
    """The lines by which the case learned something."""
    with desk.house.parts.house.read() as session:
        return [line.kind for line in case_book.timeline(session, told["dispute"]) if "learned" in line.kind]


def test_a_case_that_knows_its_handset_learns_price_and_clocks_once(desk: CaseDesk, packer: Station) -> None:
    told = reported(desk, packer, 98854, PRICED)
    assert file_of(desk, told).order.price_pence is None
    record(desk, 98854, PRICED, price_pence=89_900, contract="2026-11-01")
    until(lambda: learned(desk, told))
    file = file_of(desk, told)
    assert file.order.price_pence == 89_900
    assert "delivery_long_stop" in {clock.key for clock in file.legal_clocks}
    assert not can_learn(desk, told)
    assert learned(desk, told) == ["order_learned"]


def test_days_that_were_learned_before_stay(desk: CaseDesk, packer: Station) -> None:
    told = reported(desk, packer, 98861, OTHER, kind="defective")
    days = {"order_days": {"delivered": "2026-10-05"}, "reference": "RECEIPT-1"}
    assert desk.event(told, "agent-1", "order_days", **days).is_success
    record(desk, 98861, OTHER, price_pence=50_000)
    until(lambda: learned(desk, told))
    order = file_of(desk, told).order
    assert (str(order.delivered), order.price_pence) == ("2026-10-05", 50_000)


def test_a_record_that_names_another_handset_is_left_to_people(desk: CaseDesk, packer: Station) -> None:
    told = reported(desk, packer, 98878, SWAPPED)
    record(desk, 98878, OTHER, price_pence=50_000)
    assert not can_learn(desk, told)


def test_the_pack_of_a_case_that_learned_of_its_order_verifies(desk: CaseDesk, packer: Station) -> None:
    told = reported(desk, packer, 98892, SHOWN)
    record(desk, 98892, SHOWN, price_pence=70_000)
    until(lambda: learned(desk, told))
    packed = desk.http.post("/v1/packs", json={"dispute": told["dispute"]}, headers=desk.by("investigator-1"))
    verify_pack(packed.content).demand()


def test_a_case_that_is_over_learns_nothing(desk: CaseDesk, packer: Station) -> None:
    told = reported(desk, packer, 98908, OVER)
    assert desk.http.post(f"/v1/customer/{told['customer_token']}/found").is_success
    record(desk, 98908, OVER, price_pence=70_000)
    assert not can_learn(desk, told)
