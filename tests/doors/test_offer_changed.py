"""A customer chooses what they read: an offer that was changed since is shown again, and no other sum is promised."""

import html
import re
from itertools import count
from typing import Any

import httpx
import pytest

from custody.disputes.wording import lint_text
from tests.doors.case_desk import CaseDesk
from tests.doors.test_case_pages import alert_of

SUM = {"claim_type": "missing_accessory", "price_reduction_pence": 3_000}
LESS = {**SUM, "price_reduction_pence": 1_000, "why": "The shop sells it for that."}
NUMBERS = count(30_001)
MONEY = {"remedy": "price_reduction", "payout": "cheque"}


@pytest.fixture
def told(desk: CaseDesk) -> dict[str, Any]:
    """A report of an order whose price is known, with part of it on offer."""
    order = f"SO-{next(NUMBERS)}"
    sold = {"order": order, "imei": "490154203237518", "price_pence": 54_000}
    assert desk.http.post("/v1/orders", json=sold, headers=desk.by("agent-1")).is_success
    report = desk.report(order=order, claim_type="missing_accessory")
    assert desk.event(report, "agent-1", "classify", **SUM).is_success
    return report


def offered_on(page: httpx.Response) -> str:
    (offered,) = {html.unescape(found[1]) for found in re.finditer(r'name="offered_at" value="([^"]*)"', page.text)}
    return offered


def promised(desk: CaseDesk, told: dict[str, Any]) -> list[int]:
    return [one["amount_pence"] for one in desk.own(told)["promises"] if one["amount_pence"]]


def test_a_customer_who_read_a_higher_sum_is_not_promised_a_lower_one_unseen(
    desk: CaseDesk, told: dict[str, Any]
) -> None:
    link = f"/c/{told['customer_token']}"
    seen = offered_on(desk.http.get(link))
    assert desk.event(told, "agent-1", "classify", **LESS).is_success
    late = desk.http.post(f"{link}/choose", data={**MONEY, "offered_at": seen})
    assert late.status_code == 409
    lint_text(alert_of(late))
    assert "changed" in alert_of(late)
    assert promised(desk, told) == []
    assert desk.http.post(f"{link}/choose", data={**MONEY, "offered_at": offered_on(late)}).status_code == 303
    assert promised(desk, told) == [1_000]


def test_over_the_api_and_by_an_agent_the_offer_that_was_read_may_be_named_too(
    desk: CaseDesk, told: dict[str, Any]
) -> None:
    seen = desk.own(told)["remedy"]["offered_at"]
    assert desk.event(told, "agent-1", "classify", **LESS).is_success
    body = {**MONEY, "offered_at": seen}
    assert desk.http.post(f"/v1/customer/{told['customer_token']}/choose", json=body).status_code == 409
    page = f"/console/cases/{told['dispute']}"
    assert desk.http.post(f"{page}/choose", data=body, headers=desk.by("agent-1")).status_code == 409
    assert promised(desk, told) == []
    now = offered_on(desk.http.get(page, headers=desk.by("agent-1")))
    chosen = desk.http.post(f"{page}/choose", data={**MONEY, "offered_at": now}, headers=desk.by("agent-1"))
    assert (chosen.status_code, promised(desk, told)) == (303, [1_000])


def test_a_choice_that_is_sent_twice_is_answered_as_done_whatever_offer_it_names(
    desk: CaseDesk, told: dict[str, Any]
) -> None:
    body = {**MONEY, "offered_at": desk.own(told)["remedy"]["offered_at"]}
    path = f"/v1/customer/{told['customer_token']}/choose"
    assert [desk.http.post(path, json=body).status_code for _ in range(2)] == [200, 200]
    assert promised(desk, told) == [3_000]
