"""Every move of the table has its door, and what led to the independent scheme ends by its decision."""

import pytest

from custody.disputes.case import ADR_EVENT, CASE
from custody.disputes.machine import CaseRole
from custody.investigation.verify.pack import verify_pack
from tests.doors.case_desk import SEEN, CaseDesk

STAFF = {CaseRole.AGENT, CaseRole.INVESTIGATOR, CaseRole.SUPERVISOR, CaseRole.ADR}
MOVES_OF_STAFF = sorted({row.event for row in CASE.transitions if STAFF & set(row.who)})


@pytest.mark.parametrize("move", MOVES_OF_STAFF)
def test_every_move_of_the_table_that_staff_may_cause_has_a_door(desk: CaseDesk, move: str) -> None:
    answer = desk.event(desk.report(), "supervisor-1", move)
    assert "is not a move of staff" not in answer.text


def test_a_supervisor_can_accept_what_the_customer_said_at_the_hearing(desk: CaseDesk) -> None:
    told = desk.not_fixed()
    assert desk.event(told, "investigator-1", "propose_decline", findings=[SEEN]).is_success
    assert desk.event(told, "agent-1", "heard_accepted", why="It was the neighbour.").status_code == 403
    heard = desk.event(told, "supervisor-1", "heard_accepted", why="It was the neighbour.")
    assert (heard.status_code, heard.json()["state"]) == (200, "triaged")


def test_after_the_letter_we_may_change_our_mind(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective")
    assert desk.event(told, "agent-1", ADR_EVENT).status_code == 403
    page = f"/c/{told['customer_token']}"
    assert "Today is day 1 of 42." in desk.http.get(page).text
    assert desk.event(told, "supervisor-1", ADR_EVENT).json()["state"] == "adr_open"
    assert "Today is day" not in desk.http.get(page).text, "nobody waits for a day any more"
    assert desk.event(told, "supervisor-1", "we_changed_our_mind").json()["state"] == "triaged"
    assert "You can go to the independent scheme CISAS now." in desk.http.get(page).text, "the letter holds on"


@pytest.mark.parametrize(("accept", "ends"), [("yes", "remedy_in_progress"), ("no", "closed")])
def test_the_schemes_decision_ends_what_the_letter_began(desk: CaseDesk, accept: str, ends: str) -> None:
    told = desk.report(claim_type="defective")
    link = f"/c/{told['customer_token']}"
    desk.event(told, "supervisor-1", ADR_EVENT)
    assert desk.event(told, "agent-1", "adr_accepts", reference="S-1").status_code == 409, "no pack is built"
    packed = desk.http.post("/v1/packs", json={"dispute": told["dispute"]}, headers=desk.by("investigator-1"))
    assert packed.is_success, packed.text
    assert desk.event(told, "agent-1", "adr_accepts", reference="S-1").json()["state"] == "with_adr"
    award = {"text": "A new phone sent to you", "reference": "S-1"}
    endless = {"text": "Pay it back " * 6, "reference": "S-1"}
    assert desk.event(told, "supervisor-1", "decision", **endless).status_code == 422, "nobody could promise that"
    assert desk.event(told, "agent-1", "decision", **award).status_code == 403
    assert desk.event(told, "supervisor-1", "decision", **award).json()["state"] == "adr_decided"
    page = desk.http.get(link).text
    assert "A new phone sent to you" in page
    assert '<p class="small">You have until ' in page
    assert desk.http.post(f"{link}/decision", data={"accept": accept}).status_code == 303
    assert desk.state(told) == ends
    if accept == "yes":
        assert [one["what"] for one in desk.own(told)["promises"]] == ["A new phone sent to you"]


def test_before_a_yes_the_pages_of_customer_and_staff_name_what_it_takes_the_place_of(desk: CaseDesk) -> None:
    told = desk.report(claim_type="never_received")
    link, case = f"/c/{told['customer_token']}", told["dispute"]
    chosen = desk.http.post(f"/v1/customer/{told['customer_token']}/choose", json={"remedy": "replacement"})
    assert chosen.is_success, chosen.text
    desk.event(told, "supervisor-1", ADR_EVENT)
    desk.http.post("/v1/packs", json={"dispute": case}, headers=desk.by("investigator-1"))
    desk.event(told, "agent-1", "adr_accepts", reference="S-1")
    award = {"text": "Pay 50 pounds for the wait", "award_pence": 5_000, "reference": "S-1"}
    decided = desk.event(told, "supervisor-1", "decision", **award).json()
    instead_of = ["a new phone sent to you"]
    said = {"award": award["text"], "award_pence": 5_000, "instead_of": instead_of, "beside": []}
    assert decided["decision"] == said
    form = desk.http.get(link).text.split("The independent body has decided", 1)[1].split("Yes, I take it")[0]
    assert (
        "If you say yes, it takes the place of what we promised you before. That is: a new phone sent to you." in form
    )
    console = desk.http.get(f"/console/cases/{case}", headers=desk.by("agent-1")).text
    assert "A yes takes the place of: a new phone sent to you." in console


def test_on_the_day_of_deadlock_no_day_of_the_weeks_is_counted(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective")
    page = f"/c/{told['customer_token']}"
    assert "Day 1 of 42" in desk.http.get(page).text
    assert desk.event(told, "supervisor-1", ADR_EVENT).is_success
    assert "Day 0 of 0" not in desk.http.get(page).text


def test_a_form_that_says_neither_yes_nor_no_is_no_answer_to_the_decision(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective")
    desk.event(told, "supervisor-1", ADR_EVENT)
    desk.http.post("/v1/packs", json={"dispute": told["dispute"]}, headers=desk.by("investigator-1"))
    desk.event(told, "agent-1", "adr_accepts", reference="S-1")
    assert desk.event(told, "supervisor-1", "decision", text="A new phone sent to you", reference="S-1").is_success
    for form in ({}, {"accept": "maybe"}):
        answer = desk.http.post(f"/c/{told['customer_token']}/decision", data=form)
        assert (answer.status_code, desk.state(told)) == (422, "adr_decided")
        assert "you said neither yes nor no" in answer.text.lower()


def test_two_reports_of_one_order_are_joined_with_all_that_was_given_and_promised(desk: CaseDesk) -> None:
    first, second = (desk.report(order=desk.sold("SO-JOIN")) for _ in range(2))
    given = {"file": ("label.heic", b"\x00\x01", "image/heic")}
    assert desk.http.post(f"/v1/customer/{second['customer_token']}/files", files=given).is_success
    stranger = desk.report(order="SO-OTHER")
    assert desk.event(stranger, "agent-1", "merge", into=first["dispute"]).status_code == 409
    joined = desk.event(second, "agent-1", "merge", into=first["dispute"])
    assert (joined.status_code, joined.json()["dispute"]) == (200, first["dispute"])
    assert desk.state(second) == "merged"
    own = desk.own(first)
    assert ([one["name"] for one in own["given"]], len(own["promises"])) == (["label.heic"], 2)


@pytest.mark.parametrize(
    ("goes_on", "joined", "kept"),
    [("", "a power bank", "a power bank"), ("tins", "", "tins"), ("tins", "a stone", "tins\na stone")],
)
def test_what_lay_in_the_parcel_stays_known_when_reports_are_joined(
    desk: CaseDesk, goes_on: str, joined: str, kept: str
) -> None:
    into, told = (desk.report(order=desk.sold("SO-F"), found_instead=what) for what in (goes_on, joined))
    assert desk.event(told, "agent-1", "merge", into=into["dispute"]).json()["found_instead"] == kept


def test_the_pack_of_a_case_that_an_earlier_one_was_joined_into_holds(desk: CaseDesk) -> None:
    earlier, later = (desk.report(order=desk.sold("SO-JOIN-PACK")) for _ in range(2))
    assert desk.event(earlier, "agent-1", "merge", into=later["dispute"]).is_success
    packed = desk.http.post("/v1/packs", json={"dispute": later["dispute"]}, headers=desk.by("investigator-1"))
    verify_pack(packed.content).demand()


def test_i_found_it_ends_the_case_with_thanks_and_nothing_is_sent_after_it(desk: CaseDesk) -> None:
    told = desk.report(claim_type="never_received")
    link = f"/c/{told['customer_token']}"
    desk.http.post(f"{link}/found")
    assert desk.state(told) == "withdrawn"
    thanks = desk.own(told)["messages"][-1]["text"]
    assert "We are glad you found it." in thanks
    assert "unlock" not in thanks, "nothing was locked"
    assert desk.http.post(f"{link}/choose", data={"remedy": "refund", "payout": "cheque"}).status_code == 409
