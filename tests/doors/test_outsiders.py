"""Who quotes an order number is told what a customer needs, and nothing that our checks know of its buyer."""

import json

import pytest

from tests.doors.case_desk import CaseDesk

INSIDE = ("imei", "device", "checks", "evidence", "requester", "second", "vulnerability", "dev_", "urn:gsma")


@pytest.fixture(scope="module")
def order(desk: CaseDesk) -> str:
    """An order whose handset is known, and whose customer told us what they need."""
    sold = {"order": "SO-40001", "imei": "490154203237518", "price_pence": 54_000}
    assert desk.http.post("/v1/orders", json=sold, headers=desk.by("agent-1")).is_success
    desk.register(str(sold["imei"]))
    desk.report(order=sold["order"], claim_type="never_received", support_needs=["large print"])
    return str(sold["order"])


def test_whoever_reports_an_order_reads_of_its_lock_what_a_customer_reads_and_no_check(
    desk: CaseDesk, order: str
) -> None:
    told = desk.report(order=order, claim_type="never_received")
    assert told["lock"]["state"] == "refused"
    assert told["lock"]["refused"]
    for part in INSIDE:
        assert part not in json.dumps({"lock": told["lock"], "locks": told["locks"]}), part
    assert set(told["locks"][0]) == set(desk.own(told)["locks"][0])


def test_staff_who_take_the_report_read_every_check(desk: CaseDesk, order: str) -> None:
    body = {"words": "It never came.", "order": order, "claim_type": "never_received"}
    told = desk.http.post("/v1/disputes", json=body, headers=desk.by("agent-1")).json()
    assert "vulnerability" in {row["check"] for row in told["lock"]["checks"]}
    assert told["locks"][0]["imei"]
