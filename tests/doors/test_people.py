"""Accounts, sessions and roles at the door."""

from collections.abc import Iterator

import httpx
import pytest

from api.cli.instance import Instance

PROBLEM = "application/problem+json"


@pytest.fixture
def http(instance: Instance) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=instance.address, timeout=30) as client:
        yield client


def token(http: httpx.Client, instance: Instance, account: str) -> dict[str, str]:
    body = {"account": account, "password": instance.accounts[account]}
    answer = http.post("/v1/sessions", json=body)
    assert answer.status_code == 201
    return {"Authorization": f"Bearer {answer.json()['token']}"}


def test_the_first_start_makes_one_account_a_role_and_two_where_two_people_are_needed(instance: Instance) -> None:
    names = sorted(instance.accounts)
    assert names == ["agent-1", "agent-2", "investigator-1", "supervisor-1", "supervisor-2"]


def test_a_wrong_password_and_an_unknown_account_get_the_same_answer(http: httpx.Client) -> None:
    answers = [
        http.post("/v1/sessions", json={"account": account, "password": "not the password"})
        for account in ("agent-1", "nobody-at-all")
    ]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].json() == answers[1].json()
    assert answers[0].headers["content-type"] == PROBLEM


def test_without_a_session_staff_routes_say_how_to_sign_in(http: httpx.Client) -> None:
    for path in ("/v1/disputes", "/v1/locks", "/v1/trails?item=1", "/v1/hotspots", "/v1/stations"):
        answer = http.get(path)
        assert answer.status_code == 401
        assert "sessions" in answer.json()["fix"]


def test_a_role_that_may_not_is_told_who_may(http: httpx.Client, instance: Instance) -> None:
    agent = token(http, instance, "agent-1")
    answer = http.post("/v1/authority", headers=agent)
    assert answer.status_code == 403
    assert "supervisor" in answer.json()["fix"]


def test_a_session_ends_when_its_owner_signs_out(http: httpx.Client, instance: Instance) -> None:
    agent = token(http, instance, "agent-1")
    assert http.get("/v1/me", headers=agent).json()["role"] == "agent"
    assert http.delete("/v1/sessions", headers=agent).status_code == 204
    assert http.get("/v1/me", headers=agent).status_code == 401


def test_only_a_supervisor_makes_accounts_and_a_name_is_taken_once(http: httpx.Client, instance: Instance) -> None:
    body = {"name": "agent-9", "role": "agent", "person": "person-nine", "password": "long enough for this"}
    assert http.post("/v1/accounts", json=body, headers=token(http, instance, "agent-1")).status_code == 403
    supervisor = token(http, instance, "supervisor-1")
    assert http.post("/v1/accounts", json=body, headers=supervisor).status_code == 201
    assert http.post("/v1/accounts", json=body, headers=supervisor).status_code == 409
    assert (
        http.post("/v1/accounts", json={**body, "name": "x", "password": "short"}, headers=supervisor).status_code
        == 422
    )


def test_one_supervisor_alone_puts_no_authority_in_force(http: httpx.Client, instance: Instance) -> None:
    first, second = token(http, instance, "supervisor-1"), token(http, instance, "supervisor-2")
    proposal = http.post("/v1/authority", headers=first).json()["proposal"]
    alone = http.post(f"/v1/authority/{proposal}/approve", headers=first)
    assert alone.status_code == 403
    assert alone.json()["type"].endswith("four_eyes")
    together = http.post(f"/v1/authority/{proposal}/approve", headers=second).json()
    assert together["in_force"] is True
    assert together["index"] is not None
