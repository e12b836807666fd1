"""Accounts come to an end: of whoever leaves, of a password that was stolen. Nobody gives another person a password."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from custody.ledger.record import CONTENT_TYPE, open_record
from custody.store import log_reader
from tests.doors.case_desk import CaseDesk
from tests.doors.command_line import CommandLine

PASSWORD = "long enough for this"


class Office:
    """A supervisor who makes accounts, and whoever signs in with them."""

    def __init__(self, desk: CaseDesk) -> None:
        self._http, self._house = desk.http, desk.house.parts.house
        self._supervisor = desk.by("supervisor-1")

    def enter(self, account: str, password: str = PASSWORD, *, status: int = 201) -> dict[str, str]:
        """The headers of a new session."""
        answer = self._http.post("/v1/sessions", json={"account": account, "password": password})
        assert answer.status_code == status
        return {"Authorization": f"Bearer {answer.json()['token']}"} if answer.is_success else {}

    def make(self, name: str, role: str = "agent") -> dict[str, str]:
        """The headers of a new account's first session."""
        body = {"name": name, "role": role, "person": f"behind {name}", "password": PASSWORD}
        assert self._http.post("/v1/accounts", json=body, headers=self._supervisor).status_code == 201
        return self.enter(name)

    def close(self, name: str, by: dict[str, str] | None = None) -> httpx.Response:
        """The answer to closing an account."""
        return self._http.post(f"/v1/accounts/{name}/close", headers=by or self._supervisor)

    def status(self, headers: dict[str, str]) -> int:
        """How a session is answered."""
        return self._http.get("/v1/me", headers=headers).status_code

    def change(self, headers: dict[str, str], *, old: str, new: str) -> httpx.Response:
        """The answer to changing a password."""
        return self._http.post("/v1/me/password", json={"old": old, "new": new}, headers=headers)

    def listed(self) -> dict[str, bool]:
        """Whether each account is active."""
        rows = self._http.get("/v1/accounts", headers=self._supervisor).json()["accounts"]
        return {row["name"]: row["active"] for row in rows}

    def recorded(self, name: str) -> list[tuple[str, Any]]:
        """What the log says of an account, and by whom."""
        with self._house.read() as session:
            stored = log_reader.entries(session, range(log_reader.head(session).size))
        records = [open_record(each.raw, each.opening or b"") for each in stored if each.content_type == CONTENT_TYPE]
        return [(each.kind, each.fields["by"]) for each in records if each.fields.get("name") == name]


@pytest.fixture(scope="module")
def office(desk: CaseDesk) -> Office:
    """Lend the office."""
    return Office(desk)


def test_a_closed_account_ends_with_its_sessions_and_for_ever(office: Office) -> None:
    session = office.make("agent-leaves")
    assert office.close("agent-leaves").json() == {"name": "agent-leaves", "active": False, "made": []}
    assert office.status(session) == 401
    office.enter("agent-leaves", status=401)
    assert office.close("agent-leaves").is_success
    told = [("account.made", "supervisor-1"), ("account.closed", "supervisor-1")]
    assert office.recorded("agent-leaves") == told, "closed again, it is closed as before"
    assert office.listed()["agent-leaves"] is False
    assert office.listed()["agent-1"] is True


def test_only_a_supervisor_closes_accounts_and_reads_who_has_one(office: Office, desk: CaseDesk) -> None:
    agent = office.make("agent-curious")
    assert office.close("agent-1", by=agent).status_code == 403
    assert office.close("agent-nobody").status_code == 404
    assert desk.http.get("/v1/accounts", headers=agent).status_code == 403
    assert desk.http.get("/v1/accounts").status_code == 401


def test_who_changes_a_password_knows_the_old_one_and_keeps_this_session_alone(office: Office) -> None:
    here, elsewhere = office.make("agent-careful"), office.enter("agent-careful")
    refused = office.change(here, old="not the password", new="another long one")
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (403, "wrong_password")
    assert office.change(here, old=PASSWORD, new="short").status_code == 422
    assert office.status(elsewhere) == 200
    changed = office.change(here, old=PASSWORD, new="another long one")
    assert (changed.status_code, changed.headers.get("content-type")) == (204, None), "an empty answer has no type"
    assert (office.status(here), office.status(elsewhere)) == (200, 401)
    office.enter("agent-careful", status=401)
    office.enter("agent-careful", "another long one")


def test_guesses_at_the_old_password_cost_tries(office: Office) -> None:
    session = office.make("agent-guessed")
    answers = [office.change(session, old=f"guess {number}", new=PASSWORD) for number in range(12)]
    assert {answer.status_code for answer in answers[:10]} == {403}
    assert answers[-1].status_code == 429


def test_accounts_are_made_listed_closed_and_kept_by_command(desk: CaseDesk, tmp_path: Path) -> None:
    address, supervisor = desk.house.address, desk.house.token("supervisor-1")
    boss = CommandLine(address=address, folder=tmp_path, token=supervisor)
    words = ("--role", "agent", "--person", "Somebody New", "--password", PASSWORD)
    assert "Somebody New" in boss.run("account", "add", "agent-new", *words).out
    token = boss.json("login", "agent-new", "--password", PASSWORD)["token"]
    theirs = CommandLine(address=address, folder=tmp_path, token=token)
    assert theirs.json("account", "password", "--old", PASSWORD, "--new", "another long one") == {"changed": True}
    assert "agent-new is closed." in boss.run("account", "close", "agent-new").out
    theirs.run("dispute", "list", expect=1)
    told = boss.run("account", "list").out
    assert "closed" in next(line for line in told.splitlines() if "agent-new" in line)
    boss.run("account", "close", "a/b", expect=1)


def test_a_name_that_only_looks_different_makes_no_second_person(desk: CaseDesk) -> None:
    def make(name: str, person: str) -> httpx.Response:
        body = {"name": name, "role": "agent", "person": person, "password": PASSWORD}
        return desk.http.post("/v1/accounts", json=body, headers=desk.by("supervisor-1"))

    assert make("ada-1", "Ada Lovelace").json()["person"] == "Ada Lovelace"
    assert make("ada-2", "Ada\ufe0f Lovelace").json()["person"] == "Ada Lovelace"
    assert make("ada-3", "Lovelace Ada").status_code == 422
    assert make("ada-4", "\ua4ee\ua4d3\ua4ee \ua4e1\ua4f3\ua4e6\ua4f0").status_code == 422
