"""Signing in elsewhere, at the console's own doors: what an attacker may send there, and what people read."""

import asyncio
import re
from collections.abc import Iterable, Iterator
from html import unescape
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlmodel import select

from api.app import build_app
from api.people.tables import SessionRow
from tests.doors.sign_on_desk import COOKIE, PASSWORD, SignOnDesk, sign_on_desk


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignOnDesk]:
    with sign_on_desk(tmp_path_factory.mktemp("sign-on")) as lent:
        lent.hire("ann-1", sub="ann")
        yield lent


def test_a_provider_that_is_away_is_said_to_be_where_a_password_may_be_typed(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with sign_on_desk(tmp_path_factory.mktemp("away")) as desk, desk.browser() as http:
        desk.provider.status = 503
        answer = http.get("/console/sign-on", params={"next": "/console/cases"}, headers={"accept": "text/html"})
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert answer.text.count("sign-in provider cannot be used") == 1
        again = http.get("/console/sign-on", headers={"accept": "text/html"})
        assert again.text.count("sign-in provider cannot be used") == 1
        assert 'name="password"' in answer.text
        assert 'value="/console/cases"' in answer.text


def test_whoever_comes_back_is_signed_in(desk: SignOnDesk, http: httpx.Client) -> None:
    assert desk.sign_in(http, "ann").status_code == 200
    assert http.get("/v1/me").json()["account"] == "ann-1"
    assert COOKIE in http.cookies


def test_an_account_is_linked_with_who_signs_in_there_now(desk: SignOnDesk, http: httpx.Client) -> None:
    """Another site may have signed this browser in there as somebody else, whose the account would be then."""
    desk.hire("eve-1")
    http.post("/console/sign-in", data={"account": "eve-1", "password": PASSWORD})
    assert desk.begin(http, "/console/account/sign-on")["prompt"] == "login"
    assert "prompt" not in desk.begin(http)


def come_back(desk: SignOnDesk, addresses: Iterable[str]) -> list[int]:
    """What those at these addresses are answered who come back from nowhere."""
    app = build_app(desk.house.parts)

    async def ask(address: str) -> int:
        transport = httpx.ASGITransport(app, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url=desk.house.address) as http:
            return (await http.get("/console/sign-on/back", params={"code": "x", "state": "x"})).status_code

    async def ask_each() -> list[int]:
        return [await ask(address) for address in addresses]

    return asyncio.run(ask_each())


def test_nobody_elsewhere_uses_up_the_tries_of_whoever_signs_in_at_the_provider(desk: SignOnDesk) -> None:
    """All who sign in there come by one door, and there is nothing to guess at it: each address has its own tries."""
    assert set(come_back(desk, [f"203.0.113.{number}" for number in range(130)])) == {401}


def test_one_address_comes_back_from_nowhere_no_more_often_than_it_may_try(desk: SignOnDesk) -> None:
    said = come_back(desk, ["198.51.100.7"] * 130)
    assert (said[0], said[-1]) == (401, 429)


def test_a_provider_that_is_away_uses_up_nobodys_tries(desk: SignOnDesk, http: httpx.Client) -> None:
    """A whole house may come from one address, and give passwords there meanwhile."""
    back = desk.says(desk.begin(http), "ann")
    desk.provider.status = 503
    said = {http.get("/console/sign-on/back", params=back).status_code for _ in range(120)}
    desk.provider.status = 200
    assert said == {503}
    assert http.get("/console/sign-on/back", params=back).status_code == 200


WAITS = re.compile(r'<form class="card" method="post" action="(/console/[^"]+\?unsent=yes)">(.*?)</form>', re.DOTALL)
BESIDE = re.compile(r'href="(/console/sign-on[^"]*)" target="_blank" rel="noopener"')
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')
STORY = 'Which "colour" has the <b>tape</b>?\n' + "It came late. " * 900


def typed(http: httpx.Client) -> tuple[str, dict[str, str], str]:
    """A form whose session is over: where it waits to be sent to, its fields, and the way to the provider beside it."""
    door = http.post("/console/cases", data={"words": STORY, "order": "SO-9", "channel": "shop"})
    assert door.status_code == 401
    waits, beside = WAITS.search(door.text), BESIDE.search(door.text)
    assert waits is not None
    assert beside is not None
    fields = {name: unescape(text) for name, text in HIDDEN.findall(waits[2])}
    return unescape(waits[1]), fields, unescape(beside[1])


def cases(desk: SignOnDesk) -> int:
    return len(desk.house.staff["agent-1"].client.get("/v1/disputes")["disputes"])


def test_a_form_that_was_typed_waits_while_its_person_signs_in_elsewhere(desk: SignOnDesk, http: httpx.Client) -> None:
    """It is far longer than a cookie or an address may be, and nothing of it leaves the page."""
    before = cases(desk)
    address, fields, beside = typed(http)
    assert STORY.strip() in fields["words"]
    path, query = urlsplit(beside).path, {name: said[0] for name, said in parse_qs(urlsplit(beside).query).items()}
    back = http.get("/console/sign-on/back", params=desk.says(desk.begin(http, path, **query), "ann"))
    assert "waits on the page where you typed it" in back.text
    assert 'http-equiv="refresh"' not in back.text
    again = http.post(address, data=fields)
    assert again.status_code == 422
    assert "you had to sign in before this was sent" in again.text.lower()
    assert STORY.strip() in unescape(again.text)
    assert 'value="SO-9"' in again.text
    assert cases(desk) == before, "nothing was done"


def test_a_form_that_is_gone_on_with_too_early_waits_on(http: httpx.Client) -> None:
    address, fields, _ = typed(http)
    early = http.post(address, data=fields)
    assert early.status_code == 401
    assert STORY.strip() in unescape(early.text)
    assert WAITS.search(early.text) is not None


def test_a_form_of_another_site_waits_nowhere(http: httpx.Client) -> None:
    theirs = {"sec-fetch-site": "cross-site", "origin": "https://other.example"}
    answer = http.post("/console/cases", data={"words": "Theirs."}, headers=theirs, follow_redirects=True)
    assert "Theirs." not in answer.text


def test_a_button_that_takes_a_young_sign_in_asks_the_provider_for_the_password(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with sign_on_desk(tmp_path_factory.mktemp("lately"), lock_sign_in_minutes=15) as desk, desk.browser() as http:
        desk.hire("dan-1", role="supervisor", sub="dan")
        desk.sign_in(http, "dan")
        with desk.house.parts.house.unit() as unit:
            for row in unit.session.exec(select(SessionRow)):
                row.since_ms = None
        door = http.post("/console/kill-switch", data={"on": "false", "why": "it is over"})
        beside = BESIDE.search(door.text)
        assert beside is not None
        assert desk.begin(http, unescape(beside[1]))["max_age"] == "900"
