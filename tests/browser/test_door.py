"""The door: only the right password opens it, each role has its first page, and other sites cannot use a session."""

from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Page, expect

from api.auth import COOKIE
from tests.browser.small_world import Console

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


def test_signing_in_leads_back_to_the_page_that_was_wanted(console: Console, quiet_page: Page) -> None:
    console.show(quiet_page, f"/console/cases/{console.main.dispute}")
    quiet_page.get_by_label("Account").fill("agent-1")
    quiet_page.get_by_label("Password").fill(console.instance.accounts["agent-1"])
    quiet_page.get_by_role("button", name="Sign in").click()
    expect(quiet_page).to_have_url(f"{console.address}/console/cases/{console.main.dispute}")


@pytest.mark.parametrize("onward", ["https://elsewhere.example", "//elsewhere.example", "/console/..//x", "/v1/me"])
def test_signing_in_never_leads_away_from_the_console(console: Console, onward: str) -> None:
    form = {"account": "agent-1", "password": console.instance.accounts["agent-1"], "onward": onward}
    answer = httpx.post(f"{console.address}/console/sign-in", data=form, headers={"sec-fetch-site": "same-origin"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/console"


def test_signing_out_ends_the_session(console: Console, quiet_page: Page) -> None:
    console.show(quiet_page, "/console/sign-in")
    quiet_page.get_by_label("Account").fill("agent-2")
    quiet_page.get_by_label("Password").fill(console.instance.accounts["agent-2"])
    quiet_page.get_by_role("button", name="Sign in").click()
    token = next(cookie["value"] for cookie in quiet_page.context.cookies() if cookie["name"] == COOKIE)
    quiet_page.get_by_role("button", name="Sign out").click()
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
