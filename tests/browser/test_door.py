"""The door: only the right password opens it, each role has its first page, and other sites cannot use a session."""

from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from api.people.auth import COOKIE
from tests.browser.small_world import Console
from tests.servers.browser import NAMED

HTML = {"accept": "text/html"}


def test_a_wrong_password_is_said_plainly_and_opens_nothing(console: Console, quiet_page: Page) -> None:
    console.show(quiet_page, "/console/sign-in")
    quiet_page.get_by_label("Account").fill("agent-1")
    quiet_page.get_by_label("Password").fill("not this one")
    quiet_page.get_by_role("button", name="Sign in").click()
    expect(quiet_page.get_by_role("alert")).to_contain_text("The name or the password is wrong. Check both")
    expect(quiet_page.get_by_label("Account")).to_have_value("agent-1")
    assert [cookie for cookie in quiet_page.context.cookies() if cookie["name"] == COOKIE] == []


@pytest.mark.parametrize(
    ("account", "heading"),
    [("agent-1", "Cases"), ("supervisor-1", "Locks and who may lock"), ("investigator-1", "Investigations")],
)
def test_the_role_decides_the_first_page(console: Console, quiet_page: Page, account: str, heading: str) -> None:
    console.show(quiet_page, "/")
    expect(quiet_page).to_have_url(f"{console.address}/console/sign-in")
    quiet_page.get_by_label("Account").fill(account)
    quiet_page.get_by_label("Password").fill(console.instance.accounts[account])
    quiet_page.get_by_role("button", name="Sign in").click()
    expect(quiet_page.get_by_role("heading", level=1)).to_have_text(heading)
    cookie = next(cookie for cookie in quiet_page.context.cookies() if cookie["name"] == COOKIE)
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Strict"


@pytest.mark.parametrize(
    "path", ["/console/cases/{dispute}", "/console/cases?show=open&after={dispute}", "/console/find?q=no+such+buyer%3F"]
)
def test_signing_in_leads_back_to_the_page_that_was_wanted(console: Console, quiet_page: Page, path: str) -> None:
    """Also to the very page of a list, and to what was searched for."""
    wanted = path.format(dispute=console.main.dispute)
    console.show(quiet_page, wanted)
    quiet_page.get_by_label("Account").fill("agent-1")
    quiet_page.get_by_label("Password").fill(console.instance.accounts["agent-1"])
    quiet_page.get_by_role("button", name="Sign in").click()
    expect(quiet_page).to_have_url(f"{console.address}{wanted}")


@pytest.mark.parametrize(
    "onward", ["https://elsewhere.example", "//elsewhere.example", "/console/..//x", "/console?/\\x", "/v1/me"]
)
def test_signing_in_never_leads_away_from_the_console(console: Console, onward: str) -> None:
    form = {"account": "agent-1", "password": console.instance.accounts["agent-1"], "onward": onward}
    answer = httpx.post(f"{console.address}/console/sign-in", data=form, headers={"sec-fetch-site": "same-origin"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/console"


def test_forms_work_where_a_browser_says_no_more_than_the_origin(console: Console, page: Page) -> None:
    """Over plain http at a name, and in browsers of before 2023, no Sec-Fetch-Site is sent."""
    address = console.address.replace("127.0.0.1", NAMED)
    page.goto(f"{address}/complain")
    page.get_by_label("What went wrong?").fill("It never came.")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("We believe you.")
    page.get_by_role("button", name="I do not agree").click()
    expect(page.get_by_role("status").first).to_contain_text("It is written down")
    page.goto(f"{address}/console/sign-in")
    page.get_by_label("Account").fill("agent-1")
    page.get_by_label("Password").fill(console.instance.accounts["agent-1"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Cases")


def test_a_page_tells_other_sites_nothing_of_its_address(console: Console, page: Page) -> None:
    """A customer's link is all of their address."""
    heard: list[str | None] = []

    def answer(route: Route) -> None:
        heard.append(route.request.all_headers().get("referer"))
        route.fulfill(body="<h1>Elsewhere</h1>", content_type="text/html")

    page.context.route("https://elsewhere.example/**", answer)
    console.show(page, f"/c/{console.main.token}")
    page.evaluate("document.querySelector('main a').href = 'https://elsewhere.example/'")
    page.locator("main a").first.click()
    expect(page.get_by_role("heading")).to_have_text("Elsewhere")
    assert heard == [None]


def test_signing_out_ends_the_session(console: Console, quiet_page: Page) -> None:
    console.show(quiet_page, "/console/sign-in")
    quiet_page.get_by_label("Account").fill("agent-2")
    quiet_page.get_by_label("Password").fill(console.instance.accounts["agent-2"])
    quiet_page.get_by_role("button", name="Sign in").click()
    token = next(cookie["value"] for cookie in quiet_page.context.cookies() if cookie["name"] == COOKIE)
    quiet_page.get_by_role("button", name="Sign out", exact=True).click()
    expect(quiet_page.get_by_role("status")).to_have_text("You are signed out.")
    answer = httpx.get(f"{console.address}/v1/me", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 401


FORMS = [
    "/console/sign-in",
    "/console/sign-out",
    "/console/cases",
    "/console/authority",
    "/c/{token}/found",
    "/complain",
    "/bought",
    "/console/lock-groups/clear",
    "/console/lock-groups/release",
]


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize(
    "headers",
    [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "https://elsewhere.example"}, {}],
)
def test_no_form_is_taken_from_another_site(console: Console, path: str, headers: dict[str, str]) -> None:
    cookies = {COOKIE: console.staff["supervisor-1"].client.token}
    form = {"account": "agent-1", "password": "x", "words": "forged"}
    answer = httpx.post(
        console.address + path.format(token=console.main.token), data=form, headers=headers, cookies=cookies
    )
    assert answer.status_code == 403
    assert answer.json()["type"] == "urn:weaklink:problem:cross_site"


@pytest.mark.parametrize(
    ("account", "path"),
    [
        ("agent-1", "/console/locks"),
        ("agent-1", "/console/investigations"),
        ("agent-1", "/console/patterns"),
        ("agent-1", "/console/investigations/{dispute}/links/1"),
    ],
)
def test_a_page_of_another_role_is_refused_in_plain_words(
    console: Console, enter: Callable[[str], Page], account: str, path: str
) -> None:
    page = enter(account)
    answer = page.goto(console.address + path.format(dispute=console.main.dispute))
    assert answer
    assert answer.status == 403
    expect(page.get_by_role("heading", level=1)).to_have_text("This needs more authority")
    expect(page.locator("main")).to_contain_text("Ask somebody in the role")


def test_programs_get_problem_documents_where_people_get_pages(console: Console) -> None:
    for path in ("/c/not-a-token", "/console/cases/none", "/nowhere"):
        answer = httpx.get(console.address + path, headers={"accept": "application/json"})
        assert answer.headers["content-type"] == "application/problem+json"
    for path in ("/c/not-a-token", "/nowhere"):
        answer = httpx.get(console.address + path, headers=HTML)
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("text/html")
    answer = httpx.get(f"{console.address}/v1/disputes/none", headers=HTML)
    assert answer.headers["content-type"] == "application/problem+json"
