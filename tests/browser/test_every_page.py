"""Every page: accessible in light and dark, strict policy kept, nothing asked of the outside, whole without scripts."""

import re
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Browser, Page

from api.pages.render import HEADERS
from custody.disputes.case import ADR_EVENT
from tests.browser.small_world import Console
from tests.servers.browser import local_page

PAGES = {
    "/console/sign-in": None,
    "/complain": None,
    "/bought?reference=lock_0k3v9q2m7x4d8r1t": None,
    "/docs": None,
    "/for-a-lawyer": None,
    "/c/{token}": None,
    "/c/{token}?size=large": None,
    "/c/not-a-token": None,
    "/c/{lettered}": None,
    "/c/{lettered}/letter": None,
    "/c/{lettered}/letter?size=large": None,
    "/console": "agent-1",
    "/console/cases": "agent-1",
    "/console/cases?show=ended": "agent-1",
    "/console/cases?show=referred": "agent-1",
    "/console/cases/new": "agent-1",
    "/console/cases/{dispute}": "agent-1",
    "/console/cases/{reported}": "agent-1",
    "/console/find?q={order}0": "agent-1",
    "/console/find?q={calm}": "agent-1",
    "/console/trails": "agent-1",
    "/console/trails/po:{order}": "agent-1",
    "/console/nowhere": "agent-1",
    "/console/account": "agent-1",
    "/console/account?": "supervisor-1",
    "/console/accounts/agent-1/viewings": "supervisor-1",
    "/console/cases/{dispute}?": "supervisor-1",
    "/console/locks": "supervisor-1",
    "/console/overturned": "supervisor-1",
    "/console/lessons": "supervisor-1",
    "/console/investigations": "investigator-1",
    "/console/patterns": "investigator-1",
    "/console/trails/{parcel}?case={dispute}": "investigator-1",
    "/console/trails/{parcel}?check=true&view=print": "investigator-1",
    "/console/investigations/{dispute}/links/4": "investigator-1",
    "/console/investigations/{dispute}/steps": "investigator-1",
}


@pytest.fixture(scope="module")
def names(console: Console) -> dict[str, str]:
    """What stands in the addresses."""
    reported, lettered = (console.report(order) for order in console.calm_orders[:2])
    deadlock = {"event": ADR_EVENT}
    console.staff["supervisor-1"].client.post(f"/v1/disputes/{lettered.dispute}/events", deadlock)
    return {
        "token": console.main.token,
        "lettered": lettered.token,
        "dispute": console.main.dispute,
        "reported": reported.dispute,
        "order": console.world.main.order,
        "calm": console.calm_orders[5],
        "parcel": console.parcel,
    }


def address(console: Console, names: dict[str, str], path: str) -> str:
    return console.address + path.format(**names)


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_accessible_and_keeps_its_policy(
    console: Console, quiet_page: Page, axe: Callable[[Page], list[str]], names: dict[str, str], path: str
) -> None:
    account = PAGES[path]
    if account:
        console.enter(quiet_page, account)
    quiet_page.goto(address(console, names, path))
    assert quiet_page.locator("h1").count() == 1
    assert quiet_page.locator("nav:not(:has(a))").count() == 0, "a way on that leads nowhere"
    assert axe(quiet_page) == []


@pytest.mark.parametrize("path", ["/c/{token}", "/console/cases/{reported}", "/console/locks"])
def test_dark_colours_are_as_easy_to_read(
    console: Console, quiet_page: Page, axe: Callable[[Page], list[str]], names: dict[str, str], path: str
) -> None:
    quiet_page.emulate_media(color_scheme="dark")
    console.enter(quiet_page, "supervisor-1").goto(address(console, names, path))
    assert axe(quiet_page) == []


def fetched(console: Console, names: dict[str, str], path: str) -> httpx.Response:
    """The page as a program gets it."""
    account = PAGES[path]
    headers = {"accept": "text/html"}
    if account:
        headers["authorization"] = f"Bearer {console.staff[account].client.token}"
    return httpx.get(address(console, names, path), headers=headers, follow_redirects=True)


@pytest.mark.parametrize("path", PAGES)
def test_no_list_that_must_be_chosen_from_has_chosen_already(
    console: Console, names: dict[str, str], path: str
) -> None:
    """HTML, 4.10.7: a list that is required begins with a placeholder, or its first choice is everybody's."""
    firsts = re.findall(r"<select[^>]* required[^>]*><option([^>]*)>", fetched(console, names, path).text)
    assert set(firsts) <= {' value=""'}


@pytest.mark.parametrize("path", PAGES)
def test_every_page_carries_the_strict_headers(console: Console, names: dict[str, str], path: str) -> None:
    answer = fetched(console, names, path)
    assert answer.headers["content-type"].startswith("text/html")
    assert {name: answer.headers.get(name) for name in HEADERS} == dict(HEADERS)
    assert "style=" not in answer.text
    assert "http://" not in answer.text.replace(console.address, "")


def test_no_search_engine_keeps_the_page_of_a_customer(console: Console, names: dict[str, str]) -> None:
    """Whoever puts their link on a public page, or has it unfurled, puts their case into no index."""
    for path, kept_out in (("/c/{token}", True), ("/c/{lettered}/letter", True), ("/complain", False)):
        answer = httpx.get(address(console, names, path), headers={"accept": "text/html"})
        assert ('<meta name="robots" content="noindex">' in answer.text) is kept_out


def test_no_page_runs_a_script_or_style_of_its_own(console: Console, names: dict[str, str]) -> None:
    answer = httpx.get(address(console, names, "/c/{token}"), headers={"accept": "text/html"})
    assert "<style" not in answer.text
    assert answer.text.count("<script") == 1
    assert " onclick=" not in answer.text


def test_the_policy_stops_a_script_that_is_written_into_a_page(console: Console, page: Page) -> None:
    console.show(page, "/complain")
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.ran = 1\">')")
    page.wait_for_timeout(200)
    assert page.evaluate("window.ran") is None
    assert any("Content Security Policy" in text for text in said)


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/c/{token}", ["We believe you.", "Choose what puts it right", "I found it", "Day 1 of 42"]),
        ("/console/cases/{reported}", ["Honest.", "Kind of problem", "If you asked for a lock now"]),
        ("/console/trails/{parcel}?case={dispute}", ["Who held it", "Where it went wrong", "100 %"]),
        ("/console/locks", ["Standing authority", "Kill switch"]),
    ],
)
def test_every_page_says_the_same_without_scripts(
    console: Console, plain_page: Page, names: dict[str, str], path: str, wanted: list[str]
) -> None:
    account = "supervisor-1" if "locks" in path else "investigator-1"
    if path.startswith("/console"):
        console.enter(plain_page, account)
    plain_page.goto(address(console, names, path))
    text = plain_page.locator("body").inner_text()
    assert [each for each in wanted if each not in text] == []
    assert "Single keys" not in text


def test_whoever_sees_the_most_pages_has_the_bar_in_one_line(console: Console, quiet_page: Page) -> None:
    """At the width of an ordinary screen; a second line would push the work down on every page."""
    page = console.show(console.enter(quiet_page, "supervisor-1"), "/console/locks")
    page.set_viewport_size({"width": 1280, "height": 800})
    parts = page.locator(".bar .inside > *")
    middles = parts.evaluate_all(
        "(all) => all.map((part) => part.getBoundingClientRect()).map((r) => r.top + r.height / 2)"
    )
    assert max(middles) - min(middles) < 2


@pytest.mark.parametrize("path", ["/c/{token}", "/console/cases/{dispute}", "/console/trails/{parcel}"])
def test_no_page_scrolls_sideways_on_a_phone(
    console: Console, browser: Browser, names: dict[str, str], path: str
) -> None:
    with local_page(browser, viewport={"width": 360, "height": 740}) as narrow:
        console.enter(narrow, "investigator-1")
        narrow.goto(address(console, names, path))
        assert narrow.evaluate("document.documentElement.scrollWidth") <= 360


def test_everything_can_be_reached_and_seen_with_the_tab_key(console: Console, quiet_page: Page) -> None:
    console.show(quiet_page, "/complain")
    quiet_page.keyboard.press("Tab")
    assert quiet_page.evaluate("document.activeElement.className") == "skip"
    quiet_page.keyboard.press("Enter")
    assert quiet_page.evaluate("document.activeElement.id") == "main"
    quiet_page.keyboard.press("Tab")
    outline = quiet_page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
