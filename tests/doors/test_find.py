"""The one box: a buyer is found by their contact, however many other sales hold the same word somewhere."""

import re
from pathlib import Path

import pytest
from sqlalchemy import event

from api.find import MOST_FOUND, find
from custody.disputes.order import OrderFacts
from custody.gs1.imei import imei_urn
from custody.usecases.record_sale import Sale, record_sale
from tests.doors.case_desk import OURS, CaseDesk
from tests.doors.command_line import CommandLine

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


HERS = "Mrs Ann Smith, ann@example.org, 07700 900123, +44 113 496 0999, LS1 4AP"


@pytest.mark.parametrize(
    "typed",
    [
        "07700900123",
        "07700 900 123",
        "+447700900123",
        "0044 7700 900123",
        "0113 496 0999",
        "ls14ap",
        "Smith LS1 4AP",
        "SO-C-HERS LS1 4AP",
        "SO-C-HERS smith",
        "ANN@example.org",
    ],
)
def test_a_former_customer_is_found_by_whatever_they_give_however_it_is_written(desk: CaseDesk, typed: str) -> None:
    if found(desk, "SO-C-HERS") == ([], ()):
        sell(desk, "SO-C-HERS", contact=HERS)
        desk.report(order="SO-C-HERS")
    assert found(desk, typed) == (["SO-C-HERS"], ("SO-C-HERS",))


@pytest.mark.parametrize("typed", ["SO-C-HERS LS2 4AP", "Smith LS9 4AP", "07700900124"])
def test_what_is_not_theirs_finds_nobody(desk: CaseDesk, typed: str) -> None:
    assert found(desk, typed) == ([], ())


def test_a_phone_menu_finds_the_case_of_a_number_that_nobody_serves_any_more(desk: CaseDesk, tmp_path: Path) -> None:
    sold = {"order": "SO-D-HERS", "imei": "490154203237518", "standing": "former"}
    sold |= {"customer": {"contact": "07700 900777"}}
    assert desk.http.post("/v1/orders", json=sold, headers=desk.by("agent-1")).is_success
    told = desk.report(order="SO-D-HERS")
    answer = desk.http.get("/v1/disputes/found", params={"q": "+44 7700 900777"}, headers=desk.by("agent-1")).json()
    assert [case["dispute"] for case in answer["disputes"]] == [told["dispute"]]
    assert answer["orders"] == ["SO-D-HERS"]
    shell = CommandLine(address=desk.house.address, folder=tmp_path, token=desk.house.token("agent-1"))
    assert told["dispute"] in shell.run("dispute", "find", "07700900777").out
    nothing = desk.http.get("/v1/disputes/found", params={"q": "07700 900000"}, headers=desk.by("agent-1")).json()
    assert nothing == {"disputes": [], "orders": [], "parcel": None}
    assert desk.http.get("/v1/disputes/found", params={"q": "SO-D-HERS"}).status_code == 401


def test_however_many_words_are_typed_the_store_is_asked_for_a_few_of_them(desk: CaseDesk) -> None:
    """Two hundred letters of one-letter words kept the store busy for a quarter of a minute over 50,000 sales."""
    sell(desk, "SO-WORDS", contact="Ann of the Seven Gables Lane, 9 Back Row, Ashby")
    asked = list[str]()
    event.listen(desk.house.parts.engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
    letters = found(desk, " ".join("abcdefghijklmnopqrstuvwxyz0123456789"))
    assert letters == ([], ())
    assert max(statement.count("LIKE") for statement in asked) <= 8
    words = "ann of the seven gables lane 9 back row ashby"
    assert found(desk, words) == ([], ("SO-WORDS",))
    assert found(desk, f"{words} x") == ([], ()), "every word is looked for"
