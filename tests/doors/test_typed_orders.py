"""Customers type the reference of their order as phones and people write it, and their case is of that order."""

import pytest

from custody.disputes.order import OrderFacts
from custody.gs1.imei import imei_urn
from custody.usecases.record_sale import Sale, record_sale
from tests.doors.case_desk import CaseDesk

IMEI = "490154203237518"
OTHER = "001017004829159"


def sell(desk: CaseDesk, *orders: str, imei: str = IMEI) -> None:
    with desk.house.parts.house.unit() as unit:
        for order in orders:
            facts = OrderFacts(order_ref=order, price_pence=80_000)
            record_sale(unit, Sale(order_ref=order, imei=imei_urn(imei), product="phone", facts=facts))


@pytest.mark.parametrize("typed", ["typed-1", "TYPED 1", "#Typed-1", "typed1", "Order no. typed–1"])  # noqa: RUF001 - a phone's dash
def test_a_report_that_names_the_order_as_people_type_is_of_that_order(desk: CaseDesk, typed: str) -> None:
    """Else no price, no handset and no lock would be known for it."""
    sell(desk, "TYPED-1")
    link = desk.http.post("/complain", data={"words": f"It never came ({typed}).", "order": typed}).headers["location"]
    assert link.startswith("/c/")
    found = desk.http.get("/v1/disputes/found", params={"q": typed}, headers=desk.by("agent-1")).json()
    assert found["orders"] == ["TYPED-1"]
    (newest, *_) = found["disputes"]
    assert desk.view(newest)["words"] == f"It never came ({typed})."


def test_a_reference_that_is_written_in_two_ways_is_taken_as_it_was_typed(desk: CaseDesk) -> None:
    sell(desk, "TWICE-1", "twice-1")
    assert [desk.view(desk.report(order=typed))["order"] for typed in ("twice-1", "TWICE-1", "Twice-1")] == [
        "twice-1",
        "TWICE-1",
        "Twice-1",
    ]


def test_a_hyphen_that_was_left_out_leads_to_no_order_where_two_may_be_meant(desk: CaseDesk) -> None:
    sell(desk, "LEFT-2", "left-2")
    assert desk.view(desk.report(order="LEFT2"))["order"] == "LEFT2"


def test_a_number_with_the_word_before_it_leads_to_the_handset(desk: CaseDesk) -> None:
    sell(desk, "WORD-1", imei=OTHER)
    desk.http.post("/complain", data={"words": "It never came.", "order": f"IMEI: {OTHER}"})
    found = desk.http.get("/v1/disputes/found", params={"q": "WORD-1"}, headers=desk.by("agent-1")).json()
    assert [each["order"] for each in found["disputes"]] == ["WORD-1"]
