"""A decline at the door: two people are counted with all who stand behind their accounts, as for locks."""

from typing import Any

from tests.doors.case_desk import SEEN, CaseDesk

PASSWORD = "a long enough password"


def hire(desk: CaseDesk, name: str, *, person: str) -> dict[str, str]:
    """Let supervisor-1 make the account of an investigator, and sign in with it."""
    body = {"name": name, "role": "investigator", "person": person, "password": PASSWORD}
    assert desk.http.post("/v1/accounts", json=body, headers=desk.by("supervisor-1")).status_code == 201
    session = desk.http.post("/v1/sessions", json={"account": name, "password": PASSWORD})
    return {"authorization": f"Bearer {session.json()['token']}"}


def propose(desk: CaseDesk, told: dict[str, Any], headers: dict[str, str]) -> None:
    """An investigator proposes to decline, and the customer tells their side."""
    path = f"/v1/disputes/{told['dispute']}/events"
    answer = desk.http.post(path, json={"event": "propose_decline", "findings": [SEEN]}, headers=headers)
    assert answer.is_success, answer.text
    desk.speaks(told)


def test_a_supervisor_cannot_decline_what_an_account_that_they_made_or_that_is_theirs_proposed(desk: CaseDesk) -> None:
    for name, person in (("inv-mine", "person-of-supervisor-1"), ("inv-made", "somebody else")):
        told = desk.not_fixed()
        propose(desk, told, hire(desk, name, person=person))
        alone = desk.event(told, "supervisor-1", "decline", why="Seen.", heard=True)
        assert (alone.status_code, desk.state(told)) == (409, "decline_proposed"), alone.text
        assert "hands" in alone.json()["fix"]
        assert desk.event(told, "supervisor-2", "decline", why="Seen.", heard=True).json()["state"] == "adr_open"


def test_the_reasons_of_a_decline_may_name_the_day_and_the_sum_that_it_rests_on(desk: CaseDesk) -> None:
    told = desk.not_fixed()
    propose(desk, told, desk.by("investigator-1"))
    why = "We paid you £540 on 3 May 2026, and you told us that it came."
    assert desk.event(told, "supervisor-1", "decline", why=why, heard=True).json()["state"] == "adr_open"
    assert f"This is why: {why}" in " ".join(each["text"] for each in desk.own(told)["messages"])
