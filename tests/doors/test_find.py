"""The one box: a buyer is found by their contact, however many other sales hold the same word somewhere."""

import re

import pytest

from api.pages.find import MOST_FOUND, find
from custody.disputes.order import OrderFacts
from custody.gs1.imei import imei_urn
from custody.usecases.record_sale import Sale, record_sale
from tests.doors.case_desk import OURS, CaseDesk

IMEI = imei_urn("001017004829159")


def sell(desk: CaseDesk, order: str, *, product: str = "", contact: str = "") -> None:
    """One order of the seller."""
    with desk.house.parts.house.unit() as unit:
        facts = OrderFacts(order_ref=order)
        record_sale(unit, Sale(order_ref=order, imei=IMEI, product=product, contact=contact, facts=facts))


def found(desk: CaseDesk, text: str) -> tuple[list[str | None], tuple[str, ...]]:
    """What the box leads to: the orders of the cases, and the orders."""
    with desk.house.parts.house.read() as session:
        answer = find(session, text)
        return [file.case.order_ref for file in answer.files], answer.orders


def test_a_buyer_is_found_though_many_sales_of_a_product_hold_the_same_word(desk: CaseDesk) -> None:
    for number in range(MOST_FOUND + 5):
        sell(desk, f"SO-A-{number:03}", product="Ottoline case, blue")
    sell(desk, "SO-A-HERS", contact="Ottoline, ottoline@example.com")
    assert found(desk, "ottoline") == ([], ("SO-A-HERS",))


def test_the_buyer_with_a_case_is_found_though_many_others_have_the_name(desk: CaseDesk) -> None:
    sell(desk, "SO-B-HERS", contact="Price, 7 Back Lane")
    desk.report(order="SO-B-HERS")
    for number in range(MOST_FOUND + 5):
        sell(desk, f"SO-B-{number:03}", contact="Price, somewhere else")
    cases, orders = found(desk, "price")
    assert cases == ["SO-B-HERS"]
    assert (orders[0], len(orders)) == ("SO-B-HERS", MOST_FOUND)


@pytest.mark.parametrize("typed", ["Åström", "åström", "ÅSTRÖM", "åsa åström", "ÅSA ÅSTRÖM"])
def test_a_name_is_found_in_small_and_capital_letters_of_every_alphabet(desk: CaseDesk, typed: str) -> None:
    order = f"SO-{typed.encode().hex()}"
    sell(desk, order, contact="Åsa Åström, 7 Back Lane")
    assert order in found(desk, typed)[1]


@pytest.mark.parametrize("item", ["356938035643809", "195214730000088169", "1952 1473 0000 0881 76"])
def test_a_number_that_no_record_has_is_kept_as_it_was_given_and_leads_to_its_case(desk: CaseDesk, item: str) -> None:
    """Who calls again with the same number is not sent away, and is not asked for another one."""
    told = desk.report(item=item, anything_else="Ring twice.")
    with desk.house.parts.house.read() as session:
        files = find(session, item.replace(" ", "")).files
        assert [file.case.id for file in files] == [told["dispute"]]
        assert files[0].case.anything_else == f"Ring twice.\nNumber given: {item.replace(' ', '')}"
        assert find(session, item).files == files
        assert not find(session, "Number").files
    page = desk.http.get(f"/console/find?q={item}", headers={**OURS, **desk.by("agent-1")})
    assert page.headers["location"] == f"/console/cases/{told['dispute']}"


def test_a_customer_who_has_only_their_page_can_say_which_case_it_is(desk: CaseDesk) -> None:
    told = desk.report()
    page = desk.http.get(f"/c/{told['customer_token']}", headers=OURS)
    number = re.search("Your case number is <strong>([0-9a-z ]+)</strong>", page.text)
    assert number is not None
    for read_out in (number[1], number[1].upper(), number[1].replace(" ", ""), told["dispute"]):
        box = desk.http.get("/console/find", params={"q": read_out}, headers={**OURS, **desk.by("agent-1")})
        assert box.headers["location"] == f"/console/cases/{told['dispute']}"
