"""The API's page: every route of the OpenAPI document with its parameters and fields, and nothing from outside."""

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.small_world import Console


@pytest.fixture(scope="module")
def document(console: Console) -> dict[str, dict[str, dict[str, object]]]:
    """The OpenAPI document."""
    found: dict[str, dict[str, dict[str, object]]] = httpx.get(f"{console.address}/openapi.json").json()
    return found


def test_every_route_is_listed_with_its_method(
    console: Console, plain_page: Page, document: dict[str, dict[str, dict[str, object]]]
) -> None:
    console.show(plain_page, "/docs")
    shown = set(plain_page.locator("article h3").all_inner_texts())
    wanted = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    assert wanted - {" ".join(text.split()) for text in shown} == set()


def test_fields_of_bodies_are_told_with_kind_and_need(console: Console, plain_page: Page) -> None:
    console.show(plain_page, "/docs")
    operation = plain_page.locator("article[id='post-v1-locks']")
    row = operation.get_by_role("row").filter(has_text="imei_last4")
    expect(row).to_contain_text("needed")
    expect(row).to_contain_text("string")
    where = operation.locator("tbody").filter(has_text="imei_last4").locator("th[scope=rowgroup]")
    expect(where).to_have_text("application/json")
    unneeded = operation.get_by_role("row").filter(has_text="specialist")
    expect(unneeded).not_to_contain_text("needed")


def test_the_fields_within_a_field_are_told_by_its_name(console: Console, plain_page: Page) -> None:
    console.show(plain_page, "/docs")
    names = plain_page.locator("article[id='post-v1-disputes--dispute--events'] th code").all_inner_texts()
    assert {"findings[].ground", "whereabouts.customer_told", "order_days.goods_back"} <= set(names)


def test_what_a_route_and_its_body_are_is_told_without_marks(console: Console, plain_page: Page) -> None:
    console.show(plain_page, "/docs")
    enrolment = plain_page.locator("article[id='post-v1-stations-enrol']")
    assert enrolment.locator("p code").all_inner_texts() == ["seq", "prev", "announced"]
    expect(enrolment).to_contain_text("its proof of possession (COSE_Sign1)")
    expect(plain_page.locator("main")).not_to_contain_text("`")


def test_the_words_of_a_closed_list_are_told(console: Console, plain_page: Page) -> None:
    console.show(plain_page, "/docs")
    row = plain_page.locator("article[id='post-v1-stations'] tr").filter(has_text="step")
    expect(row).to_contain_text("pack | dock | linehaul")


def test_each_group_says_what_it_is(console: Console, plain_page: Page) -> None:
    console.show(plain_page, "/docs")
    expect(plain_page.locator("section", has_text="Evidence packs").first).to_contain_text("verifies offline")


def test_routes_for_raw_scans_are_told_too(console: Console, plain_page: Page) -> None:
    console.show(plain_page, "/docs")
    expect(plain_page.locator("article h3 code").get_by_text("/v1/scans", exact=True)).to_be_visible()
    parts = plain_page.locator("article[id='post-v1-scans'] tbody").locator("th, td").all_inner_texts()
    assert parts == ["application/vnd.weaklink.scan+cbor", "body needed", "bytes"]


def test_pages_for_people_are_no_part_of_the_api(document: dict[str, dict[str, dict[str, object]]]) -> None:
    assert [path for path in document["paths"] if path.startswith(("/console", "/c/", "/complain", "/assets"))] == []


def test_nothing_loads_the_documentation_from_outside(console: Console) -> None:
    assert httpx.get(f"{console.address}/redoc").status_code == 404
    text = httpx.get(f"{console.address}/docs").text
    assert "cdn" not in text
    assert "swagger" not in text.lower()
