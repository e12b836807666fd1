"""A session that ends while somebody types loses nothing: the form comes back as typed, and nothing of it was done."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import httpx
import pytest

from tests.doors.case_desk import OURS, CaseDesk

PASSWORD = "long enough for this"
STORY = 'Which "colour" has the tape?\nAnd <b>who</b> saw it?'
ASK = 'Which "colour" has the tape?\nAnd who saw it?'
STALE = {"cookie": "weaklink_session=stale"}
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


@pytest.fixture(scope="module", autouse=True)
def hired(desk: CaseDesk) -> None:
    for name, role in (("late-1", "agent"), ("late-2", "supervisor")):
        body = {"name": name, "role": role, "person": f"person {name}", "password": PASSWORD}
        desk.house.staff["supervisor-1"].client.post("/v1/accounts", body)


@pytest.fixture
def http(desk: CaseDesk) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=desk.house.address, timeout=30, headers=OURS) as client:
        yield client


def sign_in(
    http: httpx.Client, page: httpx.Response, *, password: str = PASSWORD, account: str = "late-1"
) -> httpx.Response:
    """What a browser does with the sign-in page: it sends every field, and follows."""
    kept = {name: unescape(text) for name, text in HIDDEN.findall(page.text)}
    data = {**kept, "account": account, "password": password}
    return http.post("/console/sign-in", data=data, follow_redirects=True)


def asked(desk: CaseDesk, told: dict[str, Any]) -> list[str]:
    return [ask["text"] for ask in desk.view(told)["asks"]]


@pytest.mark.parametrize("session", [{}, STALE])
def test_a_form_of_a_case_comes_back_as_typed_after_signing_in(
    desk: CaseDesk, http: httpx.Client, session: dict[str, str]
) -> None:
    told = desk.not_fixed()
    path = f"/console/cases/{told['dispute']}/moves/ask"
    typed = {"item": "tape", "text": ASK}
    door = http.post(path, data=typed, headers=session)
    assert door.status_code == 401
    assert "What you typed is kept" in door.text
    wrong = sign_in(http, door, password="not this one at all")
    assert wrong.status_code == 401
    back = sign_in(http, wrong)
    assert back.status_code == 422
    assert "you had to sign in before this was sent" in back.text.lower()
    assert ASK in unescape(back.text)
    assert 'value="tape"' in back.text
    assert PASSWORD not in back.text
    assert asked(desk, told) == []
    assert http.post(path, data=typed).status_code == 303, "sent again, it is done"
    assert asked(desk, told) == [ASK]


def test_a_new_report_comes_back_too_and_is_not_opened(desk: CaseDesk, http: httpx.Client) -> None:
    before = len(cases(desk))
    back = sign_in(http, http.post("/console/cases", data={"words": STORY, "order": "SO-9", "channel": "shop"}))
    assert STORY in unescape(back.text)
    assert 'value="SO-9"' in back.text
    assert len(cases(desk)) == before


@pytest.mark.parametrize(
    ("path", "typed"),
    [
        ("kill-switch", {"on": "true", "why": "A drill that nobody ordered."}),
        ("lock-groups/clear", {"group": "none", "why": "A drill that nobody ordered."}),
        ("lock-groups/release", {"group": "none"}),
        ("locks/lock_none/refuse", {"why": "A drill that nobody ordered."}),
        ("locks/lock_none/approve", {"why": "A drill that nobody ordered."}),
        ("authority", {"why": "A drill that nobody ordered."}),
    ],
)
def test_nothing_of_a_form_that_came_back_is_done(
    desk: CaseDesk, http: httpx.Client, path: str, typed: dict[str, str]
) -> None:
    size = desk.http.get("/healthz").json()["size"]
    back = sign_in(http, http.post(f"/console/{path}", data=typed), account="late-2")
    assert back.status_code in {404, 422}
    assert desk.http.get("/healthz").json()["size"] == size


@pytest.mark.parametrize("session", [{}, STALE])
def test_what_another_site_sends_is_not_kept(http: httpx.Client, session: dict[str, str]) -> None:
    theirs = {"sec-fetch-site": "cross-site", "origin": "https://other.example", **session}
    answer = http.post("/console/cases", data={"words": "Theirs."}, headers=theirs, follow_redirects=True)
    assert "Theirs." not in answer.text
    assert "What you typed is kept" not in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "https://other.example/console/cases",
        "//other.example/console/cases",
        "/c/c_any/withdraw",
        "/console/../c/c_any/withdraw",
        "/console/%2e%2e/c/c_any/withdraw",
        "/console/cases?x=1",
        "/console\\..\\c",
        "/console/sign-out",
        "/console/sign-in",
        "/consoles/cases",
    ],
)
def test_a_form_is_handed_on_to_the_console_alone(http: httpx.Client, path: str) -> None:
    data = {"account": "late-1", "password": PASSWORD, "send_to": path, "words": "x"}
    answer = http.post("/console/sign-in", data=data)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console")


@pytest.mark.parametrize(
    ("button", "page"),
    [
        ("/console/locks/lock_none/approve", "/console/locks"),
        ("/console/cases/case_none/locks/lock_none/release", "/console/cases/case_none"),
        ("/console/packs/case_none", "/console"),
    ],
)
def test_a_button_that_was_pressed_too_late_is_said_to_have_done_nothing(
    http: httpx.Client, button: str, page: str
) -> None:
    """Who pressed a release would else believe that the handset is free."""
    answer = http.post(button)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/console/sign-in?next={page}&pressed=yes")
    door = http.get(answer.headers["location"]).text
    assert '<p id="signed-out">You were signed out. Nothing was done.' in door
    assert re.search('<input id="account"[^>]* aria-describedby="signed-out"', door)
    assert "signed-out" not in http.get("/console/sign-in?next=/console").text


def cases(desk: CaseDesk) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = desk.http.get("/v1/disputes", headers=desk.by("agent-1")).json()["disputes"]
    return found


def test_a_form_comes_back_with_every_character_that_was_typed(desk: CaseDesk, http: httpx.Client) -> None:
    """A word processor's apostrophe may arrive as a control character; another sign in its place is not their word."""
    story = "It\x92s not my phone\x85 \ufffe"
    back = sign_in(http, http.post("/console/cases", data={"words": story, "order": "SO-9", "channel": "shop"}))
    refused = desk.http.post("/complain", data={"words": story, "order": "S" * 300}, headers=OURS)
    for answer in (back, refused):
        typed = re.search(r'<textarea[^>]*name="words"[^>]*>(.*?)</textarea>', answer.text, re.DOTALL)
        assert typed
        assert unescape(typed[1]) == story


@pytest.mark.parametrize(
    ("path", "typed", "status"),
    [
        ("/console/sign-in", {"account": "late-1", "password": "not this one at all"}, 401),
        ("/console/cases", {"words": "It never came.", "order": "S" * 300}, 422),
    ],
)
def test_a_page_leads_to_one_place_when_it_opens_and_to_the_refusal_if_there_is_one(
    desk: CaseDesk, path: str, typed: dict[str, str], status: int
) -> None:
    page = desk.http.post(path, data=typed, headers={**OURS, **desk.by("agent-1")})
    assert (page.status_code, page.text.count(" autofocus")) == (status, 1)
    assert re.search(r'role="alert"[^>]* autofocus', page.text)
