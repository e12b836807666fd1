"""An order is recorded with days that can be right; one recorded before with others keeps nobody from reporting."""

import json
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from custody.disputes.civil import civil_date
from custody.kernel.system_clock import SystemClock
from custody.store import case_book
from custody.store.tables import SaleRow
from tests.doors.case_desk import CaseDesk

TODAY = civil_date(SystemClock().now_ms())
SOLD = {"imei": "490154203237518", "price_pence": 54_000}
ODD = [
    {"contract": "0001-01-01"},
    {"contract": "1989-12-31"},
    {"expected_delivery": "9999-12-31"},
    {"expected_delivery": (TODAY + timedelta(days=400)).isoformat()},
]


@pytest.mark.parametrize("days", ODD)
def test_an_order_with_a_day_that_cannot_be_right_is_not_recorded(desk: CaseDesk, days: dict[str, str]) -> None:
    order = {"order": "SO-ODD", **SOLD, **days}
    answer = desk.http.post("/v1/orders", json=order, headers=desk.by("agent-1"))
    assert answer.status_code == 422
    assert next(iter(days)) in answer.json()["detail"]
    mended = {"order": f"SO-{days}"[:100], **SOLD, "expected_delivery": TODAY.isoformat()}
    assert desk.http.post("/v1/orders", json=mended, headers=desk.by("agent-1")).status_code == 201


@pytest.mark.parametrize("days", ODD)
def test_an_order_recorded_before_with_an_odd_day_is_reported_like_any_other(
    desk: CaseDesk, days: dict[str, str]
) -> None:
    name = f"SO-OLD-{days}"[:100]
    order = {"order": name, **SOLD}
    assert desk.http.post("/v1/orders", json=order, headers=desk.by("agent-1")).is_success
    _as_recorded_before(desk, name, days)
    told = desk.report(order=name, claim_type="never_received")
    assert told["state"] == "remedy_offered"
    with desk.house.parts.house.read() as session:
        file = case_book.read(session, told["dispute"])
        (opened,) = [line for line in case_book.timeline(session, told["dispute"]) if line.kind == "opened"]
    assert (file.order.contract, file.order.expected_delivery, file.order.price_pence) == (None, None, 54_000)
    assert json.loads(opened.facts)["days_taken_as_unknown"] == days
    again = desk.http.post("/v1/orders", json={**order, **days}, headers=desk.by("agent-1"))
    assert again.status_code == 201, "the same again is no error"


def _as_recorded_before(desk: CaseDesk, name: str, days: dict[str, Any]) -> None:
    with desk.house.parts.house.unit() as unit:
        row = unit.session.get_one(SaleRow, name)
        sale = msgspec.json.decode(row.facts)
        row.facts = msgspec.json.encode({**sale, "facts": {**sale["facts"], **days}}).decode()
        unit.session.add(row)
