"""Whoever is signed in at the provider no more is signed in here no more, and nobody else ends their sessions.

OpenID Connect Back-Channel Logout 1.0 section 2.6, and RP-Initiated Logout 1.0. A true provider does both in
`tests/browser/test_single_sign_on.py`.
"""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from sqlmodel import select

from api.people.tables import LogoutRow, SessionRow
from api.process.open_id import LOGOUT, LOGOUT_S
from api.process.provider_token import LEEWAY_S
from tests.doors.sign_on_desk import SignOnDesk, know_anew, sign_on_desk
from tests.servers.said_openid import RSA, STRANGER

DOOR = "/v1/sign-on/logout"
TOKEN = re.compile(r'id="token" readonly value="([^"]+)"')
WAY_OUT = re.compile(r'class="button" href="([^"]+)"')


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignOnDesk]:
    with sign_on_desk(tmp_path_factory.mktemp("logout")) as lent:
        lent.hire("ann-1", sub="ann")
        lent.hire("bob-1", sub="bob")
        yield lent


@pytest.fixture
def other(desk: SignOnDesk) -> Iterator[httpx.Client]:
    with desk.browser() as browser:
        yield browser


def tell(
    desk: SignOnDesk, *, key: Any = RSA, alg: str = "RS256", typ: str = "logout+jwt", **claims: object
) -> httpx.Response:
    """What the service answers to a logout token; a claim that is None is left out."""
    now_s = desk.house.parts.clock.now_ms() // 1000
    own = {"iss": desk.provider.issuer, "aud": "weaklink", "iat": now_s, "exp": now_s + 120, "sub": "ann"}
    said = {**own, "jti": desk.house.parts.ids.new("jti"), "events": {LOGOUT: {}}, **claims}
    held = {name: value for name, value in said.items() if value is not None}
    token = jwt.encode(held, key, alg, {"kid": "one", "typ": typ})
    return httpx.post(f"{desk.house.address}{DOOR}", data={"logout_token": token}, timeout=30)


def is_in(http: httpx.Client) -> bool:
    return http.get("/v1/me").status_code == 200


def draw(http: httpx.Client) -> dict[str, str]:
    """A token for programs, as a header."""
    found = TOKEN.search(http.post("/console/account/token").text)
    assert found is not None
    return {"Authorization": f"Bearer {found[1]}"}


def test_a_logout_ends_that_session_and_the_tokens_that_were_drawn_from_it(
    desk: SignOnDesk, http: httpx.Client, other: httpx.Client
) -> None:
    desk.sign_in(http, "ann", sid="one")
    desk.sign_in(other, "ann", sid="two")
    drawn = draw(http)
    assert httpx.get(f"{desk.house.address}/v1/me", headers=drawn).status_code == 200
    answer = tell(desk, sid="one")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert httpx.get(f"{desk.house.address}/v1/me", headers=drawn).status_code == 401
    assert (is_in(http), is_in(other)) == (False, True)


@pytest.mark.parametrize(
    ("claims", "ends"),
    [
        ({"sub": "ann"}, (True, True)),
        ({"sub": None, "sid": "one"}, (True, False)),
        ({"sub": "ann", "sid": "one"}, (True, False)),
        ({"sub": "bob", "sid": "one"}, (False, False)),
        ({"sub": "bob"}, (False, False)),
        ({"sub": "nobody"}, (False, False)),
        ({"sub": None, "sid": "none of theirs"}, (False, False)),
    ],
)
def test_whose_sessions_end_is_what_the_token_names(
    desk: SignOnDesk, http: httpx.Client, other: httpx.Client, claims: dict[str, Any], ends: tuple[bool, bool]
) -> None:
    desk.sign_in(http, "ann", sid="one")
    desk.sign_in(other, "ann", sid="two")
    assert tell(desk, **claims).status_code == 200
    assert (not is_in(http), not is_in(other)) == ends


def test_a_session_of_which_nobody_knows_the_name_there_ends_with_any_of_that_person(
    desk: SignOnDesk, http: httpx.Client
) -> None:
    desk.sign_in(http, "ann")
    tell(desk, sid="another")
    assert not is_in(http)


def now_s(desk: SignOnDesk) -> int:
    return desk.house.parts.clock.now_ms() // 1000


WRONG: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://other.example"},
    "another service": {"aud": "other"},
    "two services": {"aud": ["weaklink", "other"]},
    "no issuer": {"iss": None},
    "no service": {"aud": None},
    "no name": {"jti": None},
    "a name that is no text": {"jti": 7},
    "a name without end": {"jti": "a" * 256},
    "no event": {"events": None},
    "another event": {"events": {"http://schemas.openid.net/event/other": {}}},
    "an event that is no object": {"events": {LOGOUT: "yes"}},
    "events that are a list": {"events": [LOGOUT]},
    "of a sign-in": {"nonce": "any"},
    "nobody": {"sub": None},
    "a number": {"sub": 7},
    "a session that is no text": {"sid": ["one"]},
    "no time": {"iat": None},
    "no end": {"exp": None},
    "an end without end": {"exp": float("inf")},
    "another type": {"typ": "at+jwt"},
    "another key": {"key": STRANGER},
    "a shared secret": {"key": "weaklink" * 8, "alg": "HS256"},
    "nobody's signature": {"key": "", "alg": "none"},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_what_is_no_logout_token_ends_nothing(desk: SignOnDesk, http: httpx.Client, wrong: dict[str, Any]) -> None:
    desk.sign_in(http, "ann", sid="one")
    answer = tell(desk, **wrong)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:weaklink:problem:logout_token")
    assert is_in(http)


@pytest.mark.parametrize(
    ("iat", "exp"), [(-LOGOUT_S - LEEWAY_S - 5, 3600), (3600, 7200), (-200, -LEEWAY_S - 5)], ids=["old", "new", "over"]
)
def test_a_logout_token_of_another_time_ends_nothing(desk: SignOnDesk, http: httpx.Client, iat: int, exp: int) -> None:
    desk.sign_in(http, "ann", sid="one")
    assert tell(desk, iat=now_s(desk) + iat, exp=now_s(desk) + exp).status_code == 400
    assert is_in(http)


@pytest.mark.parametrize("sent", ["", "a", "a.b.c", "[" * 30_000, "W10.W10.W10", "e30.e30.", "\u00e9", "x" * 40_000])
def test_what_is_no_token_at_all_is_refused(desk: SignOnDesk, sent: str) -> None:
    assert httpx.post(f"{desk.house.address}{DOOR}", data={"logout_token": sent}).status_code == 400


def test_an_id_token_is_no_logout_token(desk: SignOnDesk, http: httpx.Client) -> None:
    desk.sign_in(http, "ann", sid="one")
    token = desk.provider.sign(desk.provider.given)
    assert httpx.post(f"{desk.house.address}{DOOR}", data={"logout_token": token}).status_code == 400
    assert is_in(http)


def test_a_logout_token_is_taken_once(desk: SignOnDesk, http: httpx.Client) -> None:
    """Whoever keeps one cannot end what is begun later."""
    assert tell(desk, jti="the same").status_code == 200
    desk.sign_in(http, "ann", sid="one")
    assert tell(desk, jti="the same").status_code == 400
    assert is_in(http)


def test_a_logout_token_is_remembered_until_it_is_too_old(desk: SignOnDesk) -> None:
    tell(desk, jti="kept", exp=now_s(desk) + 10**9)
    with desk.house.parts.house.unit() as unit:
        kept = unit.session.exec(select(LogoutRow)).all()
        assert max(row.until_ms for row in kept) <= unit.now_ms + (LOGOUT_S + LEEWAY_S) * 1000
        for row in kept:
            row.until_ms = unit.now_ms - 1
    tell(desk)
    with desk.house.parts.house.read() as session:
        assert len(session.exec(select(LogoutRow)).all()) == 1


def test_where_nobody_signs_in_elsewhere_there_is_no_such_door(tmp_path_factory: pytest.TempPathFactory) -> None:
    with sign_on_desk(tmp_path_factory.mktemp("without"), oidc_issuer="") as desk:
        assert tell(desk).status_code == 404


def test_whoever_signs_out_is_led_to_the_way_out_of_the_provider(desk: SignOnDesk, http: httpx.Client) -> None:
    desk.provider.metadata = {"end_session_endpoint": f"{desk.provider.issuer}/out?x=1"}
    know_anew(desk)
    desk.sign_in(http, "ann", sid="one")
    answer = http.post("/console/sign-out")
    assert answer.status_code == 200
    assert not is_in(http)
    found = WAY_OUT.search(answer.text)
    assert found is not None
    asked = parse_qs(urlsplit(unescape(found[1])).query)
    assert asked["x"] == ["1"]
    assert asked["client_id"] == ["weaklink"]
    assert asked["post_logout_redirect_uri"] == [f"{desk.house.address}/console/signed-out"]
    assert jwt.decode(asked["id_token_hint"][0], options={"verify_signature": False})["sub"] == "ann"
    assert http.get("/console/signed-out").headers["location"] == "/console/sign-in?done=signed_out"


def test_whoever_signs_out_where_the_provider_has_no_way_out_reads_that_they_are_signed_in_there(
    desk: SignOnDesk, http: httpx.Client
) -> None:
    desk.provider.metadata = {}
    know_anew(desk)
    desk.sign_in(http, "ann", sid="one")
    answer = http.post("/console/sign-out")
    assert "You are still signed in with Example Ltd" in answer.text
    assert WAY_OUT.search(answer.text) is None
    assert not is_in(http)


def test_a_provider_that_is_away_keeps_nobody_signed_in(desk: SignOnDesk, http: httpx.Client) -> None:
    know_anew(desk)
    desk.sign_in(http, "ann", sid="one")
    desk.provider.status = 503
    know_anew(desk)
    answer = http.post("/console/sign-out")
    desk.provider.status = 200
    know_anew(desk)
    assert answer.status_code == 200
    assert not is_in(http)


def test_whoever_gave_a_password_is_signed_out_as_ever(desk: SignOnDesk, http: httpx.Client) -> None:
    desk.hire("cat-1")
    http.post("/console/sign-in", data={"account": "cat-1", "password": "long enough for this"})
    assert is_in(http)
    assert http.post("/console/sign-out").headers["location"] == "/console/sign-in?done=signed_out"


def test_what_the_provider_gave_is_kept_no_longer_than_the_session(desk: SignOnDesk, http: httpx.Client) -> None:
    desk.sign_in(http, "ann", sid="one")
    with desk.house.parts.house.unit() as unit:
        rows = unit.session.exec(select(SessionRow).where(SessionRow.account == "ann-1")).all()
        assert any(row.id_token for row in rows)
        for row in rows:
            row.until_ms = unit.now_ms - 1
    desk.sign_in(http, "bob")
    with desk.house.parts.house.read() as session:
        assert session.exec(select(SessionRow).where(SessionRow.account == "ann-1")).all() == []
