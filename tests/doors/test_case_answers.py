"""What a customer gives in answer is kept in any form, at any time, and what we owe them is shown to both sides."""

from dataclasses import replace

from custody.store import case_book
from tests.doors.case_desk import CaseDesk

QUESTION = {"item": "tape", "text": "Which colour has the tape?"}


def test_an_answer_that_comes_after_we_went_on_is_kept(desk: CaseDesk) -> None:
    told = desk.not_fixed()
    asked = desk.event(told, "agent-1", "ask", **QUESTION).json()["asks"][0]["ask"]
    assert desk.event(told, "agent-1", "offer").json()["state"] == "remedy_offered"
    words = {"ask": asked, "words": "It was brown, with a blue stripe."}
    for given in (1, 2):
        assert desk.http.post(f"/c/{told['customer_token']}/answer", data=words).status_code == 303
        assert (len(desk.own(told)["given"]), desk.state(told)) == (given, "remedy_offered")


def test_a_photo_answers_what_we_asked_for_as_words_do(desk: CaseDesk) -> None:
    told = desk.not_fixed()
    asked = desk.event(told, "agent-1", "ask", **QUESTION).json()["asks"][0]["ask"]
    photo = {"file": ("label.heic", b"\x00\x01", "image/heic")}
    link = f"/c/{told['customer_token']}/answer"
    assert desk.http.post(link, data={"ask": asked}, files=photo).status_code == 303
    own = desk.own(told)
    assert ([one["state"] for one in own["asks"]], own["state"]) == (["answered"], "triaged")
    assert [one["name"] for one in own["given"]] == ["label.heic"]


def test_the_credit_that_keeps_a_case_open_is_shown_to_both_sides(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective")
    with desk.house.parts.house.unit() as unit:
        file = case_book.read(unit.session, told["dispute"])
        case_book.replace(unit, replace(file, unpaid_credit_pence=646), before=file)
    assert desk.view(told)["unpaid_credit_pence"] == 646
    page = desk.http.get(f"/console/cases/{told['dispute']}", headers=desk.by("agent-1")).text
    assert "6.46" in page
    assert "6.46" in desk.http.get(f"/c/{told['customer_token']}").text
