"""What a scheme decided is seen by somebody else, and a large sum of it is written down by two people."""

from typing import Any

import httpx

from custody.disputes.case import ADR_EVENT
from tests.doors.case_desk import CaseDesk

SMALL = {"text": "Pay 50 pounds for the wait", "award_pence": 5_000, "reference": "S-1"}
LARGE = {"text": "Pay for all of it", "award_pence": 900_000, "reference": "S-1"}


def with_the_scheme(desk: CaseDesk, **facts: Any) -> dict[str, Any]:
    """A case that the scheme has taken."""
    told = desk.report(claim_type="defective", **facts)
    to_the_scheme(desk, told)
    return told


def to_the_scheme(desk: CaseDesk, told: dict[str, Any]) -> None:
    desk.event(told, "supervisor-1", ADR_EVENT)
    desk.http.post("/v1/packs", json={"dispute": told["dispute"]}, headers=desk.by("investigator-1"))
    assert desk.event(told, "agent-1", "adr_accepts", reference="S-1").json()["state"] == "with_adr"


def awarded_and_paid(desk: CaseDesk, told: dict[str, Any], pence: int, reference: str) -> None:
    """The customer said yes to what one supervisor wrote down, and was paid; it did not help them."""
    said = {"text": f"Pay {pence // 100} pounds", "award_pence": pence, "reference": reference}
    assert desk.event(told, "supervisor-1", "decision", **said).json()["state"] == "adr_decided"
    assert desk.http.post(f"/v1/customer/{told['customer_token']}/decision", json={"accept": True}).is_success
    assert desk.event(told, "agent-1", "delivered_or_paid", reference=f"paid {reference}").is_success


def rung(desk: CaseDesk, told: dict[str, Any]) -> list[dict[str, Any]]:
    found = desk.http.get("/v1/alerts", headers=desk.by("investigator-1")).json()["alerts"]
    return [alert for alert in found if alert["kind"] == "award_written" and told["dispute"] in alert["about"]]


def look(desk: CaseDesk, alert: dict[str, Any], account: str) -> httpx.Response:
    return desk.http.post(f"/v1/alerts/{alert['alert']}/seen", headers=desk.by(account))


def test_what_a_supervisor_writes_down_as_an_award_rings_and_another_person_looks(desk: CaseDesk) -> None:
    told = with_the_scheme(desk)
    assert desk.event(told, "supervisor-1", "decision", **SMALL).json()["state"] == "adr_decided"
    (alert,) = rung(desk, told)
    assert "supervisor-1 wrote down a scheme's decision" in alert["detail"]
    assert "£50." in alert["detail"]
    assert look(desk, alert, "supervisor-1").status_code == 403
    assert look(desk, alert, "supervisor-2").is_success
    assert rung(desk, told) == []


def test_an_award_of_more_than_a_phone_costs_waits_for_a_second_person_who_writes_down_the_same(
    desk: CaseDesk,
) -> None:
    told = with_the_scheme(desk)
    for _ in range(2):
        assert desk.event(told, "supervisor-1", "decision", **LARGE).json()["state"] == "with_adr"
    assert [line["kind"] for line in desk.view(told)["timeline"]].count("award_written") == 1
    assert len(rung(desk, told)) == 1
    other = desk.event(told, "supervisor-2", "decision", **{**LARGE, "award_pence": 800_000})
    assert other.json()["state"] == "with_adr", "it is not what the first one wrote"
    assert "£9,000" not in str(desk.own(told))
    decided = desk.event(told, "supervisor-2", "decision", **LARGE).json()
    assert (decided["state"], decided["decision"]["award_pence"]) == ("adr_decided", 900_000)


def test_an_account_that_a_supervisor_made_does_not_write_down_the_second_word(desk: CaseDesk) -> None:
    told = with_the_scheme(desk)
    body = {"name": "supervisor-9", "role": "supervisor", "person": "Nine", "password": "long enough 99"}
    assert desk.http.post("/v1/accounts", json=body, headers=desk.by("supervisor-1")).is_success
    signed_in = desk.http.post("/v1/sessions", json={"account": body["name"], "password": body["password"]})
    by = {"authorization": f"Bearer {signed_in.json()['token']}"}
    desk.event(told, "supervisor-1", "decision", **LARGE)
    door = f"/v1/disputes/{told['dispute']}/events"
    again = desk.http.post(door, json={"event": "decision", **LARGE}, headers=by)
    assert again.json()["state"] == "with_adr"


def test_no_scheme_awards_more_than_its_cap(desk: CaseDesk) -> None:
    told = with_the_scheme(desk)
    answer = desk.event(told, "supervisor-1", "decision", **{**LARGE, "award_pence": 1_000_001})
    assert (answer.status_code, answer.json()["fix"]) == (422, "Name 1 to 1000000 pence, or leave it out.")


def test_awards_that_together_are_more_than_a_phone_costs_take_a_second_person(desk: CaseDesk) -> None:
    told = with_the_scheme(desk)
    awarded_and_paid(desk, told, 200_000, "S-1")
    desk.http.post(f"/c/{told['customer_token']}/disagree")
    assert desk.state(told) == "triaged"
    to_the_scheme(desk, told)
    second = {"text": "Pay 600 pounds", "award_pence": 60_000, "reference": "S-2"}
    assert desk.event(told, "supervisor-1", "decision", **second).json()["state"] == "with_adr"
    assert desk.event(told, "supervisor-2", "decision", **second).json()["state"] == "adr_decided"


def test_awards_in_several_reports_of_an_order_count_together(desk: CaseDesk) -> None:
    order = desk.sold("po-1")
    awarded_and_paid(desk, with_the_scheme(desk, order=order), 200_000, "S-1")
    again = with_the_scheme(desk, order=order)
    second = {"text": "Pay 600 pounds", "award_pence": 60_000, "reference": "S-2"}
    assert desk.event(again, "supervisor-1", "decision", **second).json()["state"] == "with_adr"
    assert desk.event(again, "supervisor-2", "decision", **second).json()["state"] == "adr_decided"


def test_a_large_award_is_not_hidden_behind_a_small_one_that_nobody_has_looked_at(desk: CaseDesk) -> None:
    told = with_the_scheme(desk)
    awarded_and_paid(desk, told, 1_000, "S-1")
    desk.http.post(f"/c/{told['customer_token']}/disagree")
    to_the_scheme(desk, told)
    second = {"text": "Pay 2000 pounds", "award_pence": 200_000, "reference": "S-2"}
    assert desk.event(told, "supervisor-1", "decision", **second).json()["state"] == "adr_decided"
    assert sorted(alert["detail"].partition("sum of ")[2].partition(".")[0] for alert in rung(desk, told)) == [
        "£10",
        "£2000",
    ]
