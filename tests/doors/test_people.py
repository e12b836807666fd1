"""Accounts, sessions and roles at the door."""

import io
import json
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

from api.cli.instance import Instance
from api.settings import read_settings

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


def test_passwords_are_kept_at_the_cost_that_rfc_9106_recommends(instance: Instance) -> None:
    with closing(sqlite3.connect(read_settings(data=instance.data).database.partition("///")[2])) as database:
        kept = [word for (word,) in database.execute("SELECT password_hash FROM account")]
    assert len(kept) == len(instance.accounts)
    assert all(word.startswith("$argon2id$v=19$m=65536,t=3,p=4$") for word in kept)


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


def test_a_token_that_is_none_is_told_apart_from_no_token(http: httpx.Client) -> None:
    """RFC 6750 section 3.1: a request without a token is given no error code."""
    challenges = [
        http.get("/v1/me", headers={"Authorization": sent} if sent else {}).headers["WWW-Authenticate"]
        for sent in ("", "Basic YTpi", "Bearer abc", "bearer x")
    ]
    assert challenges == ["Bearer", "Bearer", 'Bearer error="invalid_token"', 'Bearer error="invalid_token"']


def test_a_role_that_may_not_is_told_who_may(http: httpx.Client, instance: Instance) -> None:
    agent = token(http, instance, "agent-1")
    answer = http.post("/v1/authority", headers=agent)
    assert answer.status_code == 403
    assert "supervisor" in answer.json()["fix"]


def test_a_session_ends_when_its_owner_signs_out(http: httpx.Client, instance: Instance) -> None:
    agent = token(http, instance, "agent-1")
    assert http.get("/v1/me", headers=agent).json()["role"] == "agent"
    ended = http.delete("/v1/sessions", headers=agent)
    assert (ended.status_code, ended.headers.get("content-type")) == (204, None), "an empty answer has no type"
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


@pytest.mark.parametrize(
    "name",
    ["", " ", "customer", "System", "standing-policy", "holder", "adr", " agent-1", "a, b", "\u0430gent-1", "x" * 65],
)
def test_an_account_has_a_short_name_that_is_nobody_elses_word(
    http: httpx.Client, instance: Instance, name: str
) -> None:
    body = {"name": name, "role": "agent", "person": "somebody", "password": "long enough for this"}
    answer = http.post("/v1/accounts", json=body, headers=token(http, instance, "supervisor-1"))
    assert answer.status_code == 422
    assert answer.json()["type"].endswith(":account_name")


@pytest.mark.parametrize("person", ["", " ", "\u200b", "customer", " System", "x" * 65])
def test_an_account_names_the_person_behind_it(http: httpx.Client, instance: Instance, person: str) -> None:
    body = {"name": "agent-10", "role": "agent", "person": person, "password": "long enough for this"}
    answer = http.post("/v1/accounts", json=body, headers=token(http, instance, "supervisor-1"))
    assert answer.status_code == 422
    assert answer.json()["type"].endswith(":person")


def test_whoever_can_be_taken_for_a_person_who_has_an_account_gets_none(http: httpx.Client, instance: Instance) -> None:
    headers = token(http, instance, "supervisor-1")

    def make(name: str, person: str) -> httpx.Response:
        body = {"name": name, "role": "agent", "person": person, "password": "long enough for this"}
        return http.post("/v1/accounts", json=body, headers=headers)

    assert make("smith-1", "John Smith").json()["person"] == "John Smith"
    for number, spelled in enumerate(("SMITH, John", "jo\u0301hn-smith", "\u0408\u043ehn Smith")):
        assert make(f"same-{number}", spelled).json()["person"] == "John Smith"
    for alike in ("J. Smith", "J0hn Smith", "J\u03bfan Smith"):
        refused = make("alike", alike)
        assert (refused.status_code, refused.json()["type"].endswith(":person")) == (422, True), alike
    assert make("other", "Jane Smith").json()["person"] == "Jane Smith"


def test_an_account_that_decides_rings_for_somebody_who_did_not_make_it(http: httpx.Client, instance: Instance) -> None:
    headers = token(http, instance, "supervisor-1")
    body = {"name": "supervisor-9", "role": "supervisor", "person": "person ninety", "password": "long enough for this"}
    assert http.post("/v1/accounts", json=body, headers=headers).status_code == 201
    assert http.post("/v1/accounts", json={**body, "name": "agent-19", "role": "agent"}, headers=headers).is_success
    rung = http.get("/v1/alerts", headers=headers).json()["alerts"]
    (alert,) = (alert for alert in rung if alert["kind"] == "decider_made" and alert["about"].endswith("-9"))
    assert "supervisor-1 made the account supervisor-9 of person ninety as supervisor." in alert["detail"]
    seen = f"/v1/alerts/{alert['alert']}/seen"
    assert http.post(seen, headers=headers).status_code == 403
    made = http.post("/v1/sessions", json={"account": body["name"], "password": body["password"]}).json()["token"]
    assert http.post(seen, headers={"Authorization": f"Bearer {made}"}).status_code == 403
    assert http.post(seen, headers=token(http, instance, "supervisor-2")).is_success


def test_the_reason_of_the_kill_switch_is_as_short_as_every_other_reason(
    http: httpx.Client, instance: Instance
) -> None:
    body = {"on": True, "why": "x" * 501}
    answer = http.post("/v1/kill-switch", json=body, headers=token(http, instance, "supervisor-1"))
    assert answer.status_code == 422


def test_a_kill_switch_that_is_told_off_in_words_stays_on(http: httpx.Client, instance: Instance) -> None:
    headers = token(http, instance, "supervisor-1")
    http.post("/v1/kill-switch", json={"on": True, "why": "a drill"}, headers=headers)
    for word in ("off", 0, "false"):
        answer = http.post("/v1/kill-switch", json={"on": word, "why": "it is over"}, headers=headers)
        assert (answer.status_code, answer.json()["detail"]) == (422, "body.on: Input should be a valid boolean")
    assert http.get("/v1/authority", headers=headers).json()["locks_stopped"] is True
    other = token(http, instance, "supervisor-2")
    answer = http.post("/v1/kill-switch", json={"on": False, "why": "it is over"}, headers=other)
    assert answer.json()["locks_stopped"] is False


def test_a_step_of_a_colleague_is_never_said_to_be_the_customers(http: httpx.Client, instance: Instance) -> None:
    body = {"name": "customer-care-7", "role": "agent", "person": "care seven", "password": "long enough for this"}
    headers = token(http, instance, "supervisor-1")
    assert http.post("/v1/accounts", json=body, headers=headers).status_code == 201
    signed = http.post("/v1/sessions", json={"account": body["name"], "password": body["password"]}).json()["token"]
    told = http.post("/v1/disputes", json={"words": "It is not right."}).json()
    moved = {"event": "classify", "claim_type": "defective"}
    colleague = {"Authorization": f"Bearer {signed}"}
    assert http.post(f"/v1/disputes/{told['dispute']}/events", json=moved, headers=colleague).is_success
    with zipfile.ZipFile(io.BytesIO(http.get(f"/c/{told['customer_token']}/file").content)) as own:
        steps = json.loads(own.read("my-case.json"))["steps"]
    assert [step["by"] for step in steps if step["step"] == "offered"] == ["staff"]
