"""The one box: a buyer is found by their contact, however many other sales hold the same word somewhere."""

from api.pages.find import MOST_FOUND, find
from custody.disputes.order import OrderFacts
from custody.gs1.imei import imei_urn
from custody.usecases.record_sale import Sale, record_sale
from tests.doors.case_desk import CaseDesk

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
