"""Cookies that let somebody in are this host's own: no neighbour of the service can lay one into a browser of ours.

Whoever holds `other.example.com`, or can answer for it by plain http, may set a cookie for all of `example.com`: people
would work in a stranger's session, or link their account with a stranger's sign-in.
"""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.doors.sign_on_desk import BACK, COOKIE, PASSWORD, SignOnDesk, sign_on_desk

OWN = "__Host-"
UNDER_WAY = "weaklink_sign_on"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignOnDesk]:
    """A service behind a proxy that ends https."""
    with sign_on_desk(tmp_path_factory.mktemp("cookies"), public_url="https://weaklink.example") as lent:
        lent.hire("ann-1", sub="ann")
        yield lent


def is_in(http: httpx.Client, name: str, token: str) -> bool:
    return http.get("/v1/me", headers={"cookie": f"{name}={token}"}).status_code == 200


def laid(answer: httpx.Response) -> dict[str, str]:
    """The cookies that an answer lays, with what is said of each."""
    found = [each.partition("=") for each in answer.headers.get_list("set-cookie")]
    return {name: rest for name, _, rest in found}


def test_a_session_is_kept_under_a_name_that_browsers_take_from_this_host_alone(
    desk: SignOnDesk, http: httpx.Client
) -> None:
    desk.hire("cat-1")
    (said,) = (
        rest
        for name, rest in laid(http.post("/console/sign-in", data={"account": "cat-1", "password": PASSWORD})).items()
        if name == OWN + COOKIE
    )
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=strict"} <= set(said.split("; "))
    assert "domain" not in said.lower()


def test_a_session_that_a_neighbour_laid_is_none(desk: SignOnDesk, http: httpx.Client) -> None:
    token = desk.house.token("agent-1")
    assert is_in(http, OWN + COOKIE, token)
    assert not is_in(http, COOKIE, token)


def test_a_sign_in_that_a_neighbour_began_is_none(desk: SignOnDesk, http: httpx.Client) -> None:
    begun = http.get("/console/sign-on")
    kept = laid(begun)[OWN + UNDER_WAY].partition(";")[0]
    asked = {name: said[0] for name, said in parse_qs(urlsplit(begun.headers["location"]).query).items()}
    back = desk.says(asked, "ann")
    assert http.get(BACK, params=back, headers={"cookie": f"{UNDER_WAY}={kept}"}).status_code == 401
    came = http.get(BACK, params=back, headers={"cookie": f"{OWN}{UNDER_WAY}={kept}"})
    assert came.status_code == 200
    assert "Max-Age=0" in laid(came)[OWN + UNDER_WAY]
    assert OWN + COOKIE in laid(came)
