"""Deciding about locks takes a sign-in of the last minutes, where that is set: a stolen session has no password.

Nothing that sets a handset free is asked for it, nor what only stops locks.
"""

from collections.abc import Iterator
from html import unescape
from pathlib import Path

import httpx
import pytest
from sqlmodel import select

from api.people.auth import SIGN_IN_AGAIN
from api.people.tables import SessionRow
from custody.kernel.clock import HOUR_MS, MINUTE_MS
from tests.doors.case_desk import OURS
from tests.doors.test_form_after_sign_in import HIDDEN
from tests.stories.http_service import Service, running_service

MINUTES = 15
PASSWORD = "long enough for this"
WIDENS = (
    ("/v1/locks/none/approve", {}),
    ("/v1/locks/none/confirm", {}),
    ("/v1/authority", {}),
    ("/v1/authority/none/approve", {}),
    ("/v1/kill-switch", {"on": False, "why": "it is over"}),
    ("/v1/locks/clearances", {"group": "none", "why": "looked at"}),
    ("/v1/devices/none/backends/nanomdm/confirm", {"handset": "a name"}),
    ("/v1/accounts", {"name": "one-more", "role": "agent", "person": "One More", "password": PASSWORD}),
)
FREES = (
    ("/v1/locks/none/refuse", {"why": "no"}),
    ("/v1/locks/none/release", {}),
    ("/v1/locks/none/code", {"challenge": "12345678"}),
    ("/v1/locks/releases", {"group": "none"}),
    ("/v1/authority/none/withdraw", {}),
    ("/v1/kill-switch", {"on": True, "why": "stop"}),
    ("/v1/accounts/none/close", {}),
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running_service(tmp_path_factory.mktemp("recent") / "data", lock_sign_in_minutes=MINUTES) as running:
        yield running


@pytest.fixture
def http(service: Service) -> Iterator[httpx.Client]:
    token = service.token("supervisor-1")
    with httpx.Client(base_url=service.address, timeout=30, headers={"Authorization": f"Bearer {token}"}) as client:
        yield client


def signed_in(service: Service, since_ms: int | None) -> None:
    """Every session as if its person had signed in then."""
    with service.parts.house.unit() as unit:
        for row in unit.session.exec(select(SessionRow)):
            row.since_ms = since_ms


@pytest.fixture
def now_ms(service: Service) -> int:
    return service.parts.clock.now_ms()


@pytest.mark.parametrize(("path", "body"), WIDENS)
def test_whoever_signed_in_long_ago_decides_nothing_about_locks(
    service: Service, http: httpx.Client, now_ms: int, path: str, body: dict[str, object]
) -> None:
    signed_in(service, now_ms - (MINUTES + 1) * MINUTE_MS)
    answer = http.post(path, json=body)
    assert (answer.status_code, answer.json()["type"]) == (401, f"urn:weaklink:problem:{SIGN_IN_AGAIN}")
    challenge = f'Bearer error="insufficient_user_authentication", max_age="{MINUTES * 60}"'
    assert answer.headers["WWW-Authenticate"] == challenge, "RFC 9470 section 3"


@pytest.mark.parametrize(("path", "body"), [*FREES, ("/v1/me/password", {"old": "wrong", "new": PASSWORD})])
def test_what_frees_or_stops_asks_for_no_sign_in(
    service: Service, http: httpx.Client, now_ms: int, path: str, body: dict[str, object]
) -> None:
    signed_in(service, now_ms - 11 * HOUR_MS)
    assert http.post(path, json=body).status_code != 401


@pytest.mark.parametrize("ago_ms", [None, -MINUTE_MS])
def test_a_sign_in_of_which_nobody_knows_when_counts_as_old(
    service: Service, http: httpx.Client, now_ms: int, ago_ms: int | None
) -> None:
    """As one from before this was noted, and one that lies ahead, since the clock was put back."""
    signed_in(service, None if ago_ms is None else now_ms - ago_ms)
    assert http.post("/v1/authority").status_code == 401


def test_whoever_signs_in_anew_goes_on(service: Service, http: httpx.Client, now_ms: int) -> None:
    signed_in(service, now_ms)
    body = {"name": "late-1", "role": "supervisor", "person": "Late One", "password": PASSWORD}
    assert http.post("/v1/accounts", json=body).status_code == 201
    signed_in(service, now_ms - 11 * HOUR_MS)
    token = http.post("/v1/sessions", json={"account": "late-1", "password": PASSWORD}).json()["token"]
    assert http.post("/v1/authority", headers={"Authorization": f"Bearer {token}"}).status_code == 201


def test_the_console_asks_for_the_password_and_keeps_what_was_typed(service: Service, now_ms: int) -> None:
    signed_in(service, now_ms - 11 * HOUR_MS)
    cookie = {"cookie": f"weaklink_session={service.token('supervisor-1')}"}
    with httpx.Client(base_url=service.address, timeout=30, headers={**OURS, **cookie}) as browser:
        pressed = browser.post("/console/authority")
        assert pressed.headers["location"] == "/console/sign-in?next=/console&pressed=again"
        assert "signing in once more" in browser.get(pressed.headers["location"]).text
        typed = browser.post("/console/kill-switch", data={"on": "false", "why": "it is <over>"})
        assert (typed.status_code, "signing in once more" in typed.text) == (401, True)
        assert {"on": "false", "why": "it is <over>"}.items() <= {
            name: unescape(text) for name, text in HIDDEN.findall(typed.text)
        }.items()
        stopped = browser.post("/console/kill-switch", data={"on": "true", "why": "stop"})
        assert stopped.status_code == 303


def test_without_the_setting_a_session_is_enough(tmp_path: Path) -> None:
    with running_service(tmp_path / "data") as running:
        signed_in(running, None)
        supervisor = running.staff["supervisor-1"].client
        assert "proposal" in supervisor.post("/v1/authority", {})
