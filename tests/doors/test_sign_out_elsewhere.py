"""Whoever fears for a session of theirs ends every other one, without a password: who signs in elsewhere has none."""

from collections.abc import Iterator

import httpx
import pytest

from tests.doors.sign_on_desk import SignOnDesk, sign_on_desk


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignOnDesk]:
    with sign_on_desk(tmp_path_factory.mktemp("elsewhere"), lock_sign_in_minutes=1) as lent:
        lent.hire("ann-1", sub="ann")
        lent.hire("bob-1", sub="bob")
        yield lent


@pytest.fixture
def browsers(desk: SignOnDesk) -> Iterator[tuple[httpx.Client, httpx.Client, httpx.Client]]:
    with desk.browser() as here, desk.browser() as there, desk.browser() as others:
        desk.sign_in(here, "ann", auth_time=1)
        desk.sign_in(there, "ann")
        desk.sign_in(others, "bob")
        yield here, there, others


def in_now(browsers: tuple[httpx.Client, ...]) -> list[bool]:
    return [each.get("/v1/me").status_code == 200 for each in browsers]


def test_a_button_of_ones_account_ends_every_other_session_of_it(
    browsers: tuple[httpx.Client, httpx.Client, httpx.Client],
) -> None:
    here, *_ = browsers
    assert "Sign out everywhere else" in here.get("/console/account").text
    answer = here.post("/console/account/sign-out-elsewhere")
    assert answer.headers["location"] == "/console/account?done=ended_elsewhere"
    assert in_now(browsers) == [True, False, True]


def test_so_does_a_door_of_the_api(browsers: tuple[httpx.Client, httpx.Client, httpx.Client]) -> None:
    here, *_ = browsers
    assert here.delete("/v1/me/sessions").status_code == 204
    assert in_now(browsers) == [True, False, True]


def test_another_site_ends_nothing(browsers: tuple[httpx.Client, httpx.Client, httpx.Client]) -> None:
    here, *_ = browsers
    theirs = {"sec-fetch-site": "cross-site", "origin": "https://other.example"}
    assert here.post("/console/account/sign-out-elsewhere", headers=theirs).status_code == 403
    assert in_now(browsers) == [True, True, True]
