"""Whoever is away looks after no case for longer than some minutes, and the customers are told who does."""

from functools import partial
from pathlib import Path

import pytest

from api.people import persons
from custody.kernel.clock import MINUTE_MS, Instant
from custody.usecases.sweep_cases import SweepQuestions, sweep_case
from tests.doors.case_desk import CaseDesk
from tests.doors.command_line import CommandLine


class Later:
    """The clock of a service, some minutes on."""

    def __init__(self, desk: CaseDesk, minutes: int) -> None:
        self._clock, self._on_ms = desk.house.parts.clock, minutes * MINUTE_MS

    def now_ms(self) -> Instant:
        return self._clock.now_ms() + self._on_ms


def say(desk: CaseDesk, name: str, *, away: bool, by: str) -> int:
    answer = desk.http.post(f"/v1/accounts/{name}/away", json={"away": away}, headers=desk.by(by))
    return answer.status_code


def sweep(desk: CaseDesk, case: str, *, minutes: int) -> None:
    """What the timer does for the case so many minutes on."""
    keepers = partial(persons.keepers, clock=Later(desk, minutes))
    with desk.house.parts.house.unit() as unit:
        asked = SweepQuestions(people=persons.agents, keepers=keepers, locks_settled=lambda *_: True)
        sweep_case(unit, case, asked)


@pytest.fixture(autouse=True)
def _here(desk: CaseDesk) -> None:
    for name in ("agent-1", "agent-2"):
        assert say(desk, name, away=False, by="supervisor-1") == 200


def test_an_owner_who_is_away_for_the_policys_minutes_is_replaced_and_the_customer_told(desk: CaseDesk) -> None:
    told = desk.report()
    owner = told["owner"]
    other = "agent-2" if owner == "agent-1" else "agent-1"
    assert say(desk, owner, away=True, by=owner) == 200
    sweep(desk, told["dispute"], minutes=14)
    assert desk.view(told)["owner"] == owner
    sweep(desk, told["dispute"], minutes=15)
    assert desk.view(told)["owner"] == other
    assert f"{other} looks after your case now." in desk.own(told)["messages"][-1]["text"]


def test_no_new_case_goes_to_whoever_is_away_unless_everybody_is(desk: CaseDesk) -> None:
    assert say(desk, "agent-1", away=True, by="agent-1") == 200
    assert {desk.report()["owner"] for _ in range(4)} == {"agent-2"}
    assert say(desk, "agent-2", away=True, by="supervisor-1") == 200
    told = desk.report()
    sweep(desk, told["dispute"], minutes=60)
    assert desk.view(told)["owner"] == told["owner"], "nobody is here who could take over"


def test_of_somebody_else_a_supervisor_says_it_by_command_too(desk: CaseDesk, tmp_path: Path) -> None:
    assert say(desk, "agent-2", away=True, by="agent-1") == 403
    assert say(desk, "nobody", away=True, by="supervisor-1") == 404
    shell = CommandLine(address=desk.house.address, folder=tmp_path, token=desk.house.token("supervisor-1"))
    assert "away" in shell.run("account", "away", "agent-2").out
    listed = {row["name"]: row["away_since"] for row in shell.json("account", "list")["accounts"]}
    assert listed["agent-2"] is not None
    assert listed["agent-1"] is None
    assert "here" in shell.run("account", "back", "agent-2").out


def test_people_say_it_on_their_own_page(desk: CaseDesk) -> None:
    by = desk.by("agent-1")
    assert "I am away" in desk.http.get("/console/account", headers=by).text
    done = desk.http.post("/console/accounts/away", data={"away": "yes"}, headers=by, follow_redirects=True)
    assert "I am here again" in done.text
    assert say(desk, "agent-1", away=False, by="agent-1") == 200
