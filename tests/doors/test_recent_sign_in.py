"""Deciding about locks, promising beyond the rules and paying again take a sign-in of the last minutes, where set.

A stolen session has no password. Nothing that sets a handset free is asked for it, nor what only stops locks.
"""

from collections.abc import Iterator
from html import unescape
from pathlib import Path

import httpx
import pytest
from sqlmodel import select

from api.people.auth import SIGN_IN_AGAIN
from api.people.tables import SessionRow
from api.settings import read_settings
from custody.kernel.clock import HOUR_MS, MINUTE_MS
from tests.doors.case_desk import OURS, CaseDesk
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
PROMISES = (
    {"event": "decision", "text": "Pay it", "award_pence": 5_000, "reference": "S-1"},
    {"event": "exception_grant", "exception": "none"},
    {"event": "exception_instead", "exception": "none", "what": "a bag", "why": "There is no other."},
    {"event": "two_answers", "what": "a phone", "other": "a bag"},
    {"event": "payment_came_back", "promise": "none", "reference": "B-1"},
    {"event": "credit_came_back", "payment": "none", "reference": "B-2"},
)
HELPS = (
    {"event": "exception", "asked_for": "a phone on loan abroad", "gap": "Loans are for this country."},
    {"event": "told", "what": "a phone by Friday", "by_whom": "the shop"},
    {"event": "told", "what": "money back", "by_whom": "the shop", "amount_pence": 50_000},
    {"event": "offer"},
    {"event": "support_needs", "support_needs": ["large print"]},
    {"event": "in_favour", "in_favour": "regular", "words": "Never late."},
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


@pytest.fixture(scope="module")
def promising(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CaseDesk]:
    with (
        running_service(tmp_path_factory.mktemp("promises") / "data", promise_sign_in_minutes=MINUTES) as running,
        httpx.Client(base_url=running.address, timeout=30, headers=OURS) as client,
    ):
        yield CaseDesk(house=running, http=client)


@pytest.mark.parametrize("body", PROMISES, ids=lambda body: body["event"])
def test_whoever_signed_in_long_ago_promises_nothing_beyond_the_rules_and_pays_nothing_again(
    promising: CaseDesk, body: dict[str, object]
) -> None:
    told, door = promising.report(claim_type="defective"), promising.house
    path, by = f"/v1/disputes/{told['dispute']}/events", promising.by("supervisor-1")
    signed_in(door, door.parts.clock.now_ms() - (MINUTES + 1) * MINUTE_MS)
    answer = promising.http.post(path, json=body, headers={**by, "accept": "application/json"})
    assert (answer.status_code, answer.json()["type"]) == (401, f"urn:weaklink:problem:{SIGN_IN_AGAIN}")
    signed_in(door, door.parts.clock.now_ms())
    assert promising.http.post(path, json=body, headers=by).status_code != 401


@pytest.mark.parametrize("body", HELPS, ids=lambda body: body["event"])
def test_what_offers_or_takes_down_a_customers_words_asks_for_no_sign_in(
    promising: CaseDesk, body: dict[str, object]
) -> None:
    told = promising.report(claim_type="defective")
    signed_in(promising.house, None)
    path = f"/v1/disputes/{told['dispute']}/events"
    assert promising.http.post(path, json=body, headers=promising.by("agent-1")).status_code != 401


def test_an_account_that_could_promise_is_not_made_by_an_old_sign_in(promising: CaseDesk) -> None:
    """Whoever made one could sign in anew to it, and has its password."""
    signed_in(promising.house, None)
    body = {"name": "one-more", "role": "supervisor", "person": "One More", "password": PASSWORD}
    assert promising.http.post("/v1/accounts", json=body, headers=promising.by("supervisor-1")).status_code == 401


def test_locks_ask_for_no_young_sign_in_where_promises_alone_do(promising: CaseDesk) -> None:
    signed_in(promising.house, None)
    assert promising.http.post("/v1/authority", headers=promising.by("supervisor-1")).status_code == 201


def test_a_form_that_promises_comes_back_as_typed(promising: CaseDesk) -> None:
    told = promising.report(claim_type="defective")
    signed_in(promising.house, None)
    cookie = {"cookie": f"weaklink_session={promising.house.token('supervisor-1')}"}
    path = f"/console/cases/{told['dispute']}/moves/two_answers"
    typed = promising.http.post(path, data={"what": "a <phone>", "other": "a bag"}, headers=cookie)
    assert (typed.status_code, "signing in once more" in typed.text) == (401, True)
    kept = {name: unescape(text) for name, text in HIDDEN.findall(typed.text)}
    assert (kept["what"], kept["other"], kept["send_to"]) == ("a <phone>", "a bag", path)


@pytest.mark.parametrize(("lock", "promise", "shortest"), [(0, 0, 0), (15, 0, 15), (0, 5, 5), (15, 5, 5), (5, 15, 5)])
def test_the_shortest_of_what_is_set_is_what_everything_takes(lock: int, promise: int, shortest: int) -> None:
    settings = read_settings(lock_sign_in_minutes=lock, promise_sign_in_minutes=promise)
    assert settings.shortest_sign_in_minutes == shortest
