"""What is known of a customer's past is written down only where it speaks for them, and no rule of ours takes it."""

import json

import pytest

from tests.doors.case_desk import CaseDesk

VETTED = {"in_favour": "vetting", "words": "He was vetted at a high level in an earlier job."}
NOTE = f"Passed vetting: {VETTED['words']}"


def test_what_speaks_for_the_customer_is_read_by_every_later_handler_and_by_them(desk: CaseDesk) -> None:
    told = desk.report(claim_type="never_received")
    before = desk.view(told)
    assert desk.event(told, "agent-1", "in_favour", **VETTED).is_success
    page = desk.http.get(f"/console/cases/{told['dispute']}", headers=desk.by("investigator-1")).text
    assert f"In their favour: {NOTE}" in page
    assert json.loads(desk.file(told)["my-case.json"])["notes_in_favour"] == [NOTE]
    after = desk.view(told)
    same = ("state", "remedy", "promises", "clocks", "recourse", "asks", "locks", "claim_type")
    assert {name: after[name] for name in same} == {name: before[name] for name in same}, "it changes no rule"
    assert VETTED["words"] not in json.dumps(after["timeline"]), "the record tells its kind alone"


@pytest.mark.parametrize("kind", ["earlier_reports", "address", "score"])
def test_nothing_of_the_past_can_be_written_down_that_does_not_speak_for_them(desk: CaseDesk, kind: str) -> None:
    told = desk.report()
    refused = desk.event(told, "agent-1", "in_favour", in_favour=kind, words="Third report this year.")
    assert refused.status_code == 422
    assert "vetting" in refused.json()["fix"]


def test_it_is_written_down_on_the_page_and_once(desk: CaseDesk) -> None:
    told = desk.report()
    for _ in range(2):
        path = f"/console/cases/{told['dispute']}/moves/in_favour"
        assert desk.http.post(path, data=VETTED, headers=desk.by("agent-1")).status_code == 303
    assert [line["kind"] for line in desk.view(told)["timeline"]].count("in_favour") == 1
