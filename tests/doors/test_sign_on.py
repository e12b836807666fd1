"""Signing in elsewhere, at the console's own doors: what an attacker may send there, and what people read."""

from collections.abc import Iterator

import httpx
import pytest

from tests.doors.sign_on_desk import COOKIE, SignOnDesk, sign_on_desk


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignOnDesk]:
    with sign_on_desk(tmp_path_factory.mktemp("sign-on")) as lent:
        lent.hire("ann-1", sub="ann")
        yield lent


@pytest.fixture
def http(desk: SignOnDesk) -> Iterator[httpx.Client]:
    with desk.browser() as browser:
        yield browser


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
