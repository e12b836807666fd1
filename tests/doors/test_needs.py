"""What a customer needs of support is said in words: a line without any says nothing, and holds no lock up."""

from tests.doors.case_desk import CaseDesk


def test_a_need_without_words_is_none(desk: CaseDesk) -> None:
    told = desk.report(support_needs=["", "  ", " large print "])
    assert desk.view(told)["support_needs"] == ["large print"]
    assert desk.view(desk.report(support_needs=["", "\t"]))["support_needs"] == []


def test_a_need_that_was_learned_later_stands_beside_those_of_the_report(desk: CaseDesk) -> None:
    told = desk.report(support_needs=["large print"])
    refused = desk.event(told, "agent-1", "support_needs", support_needs=[" "])
    assert (refused.status_code, "Send support_needs with this event" in refused.text) == (422, True)
    for account in ("agent-1", "agent-1", "investigator-1", "supervisor-1"):
        assert desk.event(told, account, "support_needs", support_needs=["calls at ten"]).is_success
    assert desk.view(told)["support_needs"] == ["large print", "calls at ten"]
    assert [line["kind"] for line in desk.view(told)["timeline"]].count("support_needs") == 1


def test_a_need_that_was_written_down_by_mistake_is_taken_out_by_a_supervisor_and_the_customer_is_told(
    desk: CaseDesk,
) -> None:
    told = desk.report(support_needs=["large print", "calls at ten"])
    wrong = {"support_needs": ["large print"]}
    assert desk.event(told, "agent-1", "need_mistaken", **wrong).status_code == 403
    none = desk.event(told, "supervisor-1", "need_mistaken", support_needs=["braille"])
    assert (none.status_code, desk.view(told)["support_needs"]) == (422, ["large print", "calls at ten"])
    for _ in range(2):
        assert desk.event(told, "supervisor-1", "need_mistaken", **wrong).is_success, "sent twice"
    view = desk.view(told)
    assert view["support_needs"] == ["calls at ten"]
    (line,) = [line for line in view["timeline"] if line["kind"] == "need_mistaken"]
    assert "large print" not in str(line), "it may tell of somebody's health"
    assert "It was written down by mistake, and we took it out." in desk.own(told)["messages"][-1]["text"]
    path = f"/console/cases/{told['dispute']}"
    done = desk.http.post(f"{path}/moves/need_mistaken", data={"need": "calls at ten"}, headers=desk.by("supervisor-2"))
    assert "done=need_mistaken" in done.headers["location"]
    assert desk.view(told)["support_needs"] == []
    assert "/moves/need_mistaken" not in desk.http.get(path, headers=desk.by("supervisor-1")).text


def test_a_need_is_as_long_as_the_console_takes_it_and_a_longer_one_is_refused_by_its_name(desk: CaseDesk) -> None:
    assert desk.report(support_needs=["x" * 2_000])
    refused = desk.http.post("/v1/disputes", json={"words": "No.", "support_needs": ["x" * 2_001]})
    assert refused.status_code == 422
    assert "support_needs" in refused.text
    assert "2000" in refused.text


def test_what_a_report_took_away_is_promised_back_whenever_it_is_told(desk: CaseDesk) -> None:
    restored, loan = "what you lost switched on again", "a phone on loan"
    told = desk.report(claim_type="never_received", benefit_lost=True)
    assert [promise["what"] for promise in desk.view(told)["promises"]] == [restored]
    assert desk.event(told, "agent-1", "needs", has_working_phone=True).status_code == 422
    answer = desk.event(told, "agent-1", "needs", has_working_phone=False, benefit_lost=True)
    assert [promise["what"] for promise in answer.json()["promises"]] == [restored, loan]
    assert "loan_phone" in answer.json()["remedy"]["extras"]
