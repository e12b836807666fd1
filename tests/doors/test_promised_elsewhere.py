"""What somebody else promised a customer has a door for the customer and one for staff; both see what became of it."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.cli.instance import Instance
from custody.kernel.clock import from_iso
from tests.doors.case_desk import OURS, CaseDesk
from tests.doors.command_line import signed_in
from tests.doors.test_case_pages import alert_of, press, shown

A_CASE = {
    "what": "a case for the new phone",
    "by_whom": "Sam at the shop",
    "until": "2030-05-01",
    "amount_pence": 2_000,
}
WHY = "The shop says that it was for another phone."


def told_in(desk: CaseDesk, opened: dict[str, Any]) -> list[dict[str, Any]]:
    """What was told in a case, the longest first."""
    return sorted(desk.view(opened)["told"], key=lambda one: -len(one["what"]))


def tell(desk: CaseDesk, opened: dict[str, Any], **said: Any) -> httpx.Response:
    return desk.http.post(f"/v1/customer/{opened['customer_token']}/told", json={**A_CASE, **said})


def rebut(desk: CaseDesk, opened: dict[str, Any], account: str, **said: Any) -> httpx.Response:
    path = f"/v1/disputes/{opened['dispute']}/events"
    return desk.http.post(path, json={"event": "rebut", **said}, headers=desk.by(account))


def press_rebut(desk: CaseDesk, opened: dict[str, Any], **form: str) -> httpx.Response:
    path = f"/console/cases/{opened['dispute']}/moves/rebut"
    return desk.http.post(path, data=form, headers=desk.by("agent-1"))


def test_what_is_told_with_a_report_is_in_every_view_of_the_case_and_in_the_customers_file(desk: CaseDesk) -> None:
    opened = desk.report(claim_type="defective", told=[A_CASE, A_CASE, {"what": "a call"}])
    case, call = told_in(desk, opened)
    assert {name: case[name] for name in A_CASE} == A_CASE
    assert (case["state"], case["why"], case["promise"]) == ("pending", None, None)
    assert from_iso(case["rebut_by"]) - from_iso(case["told_at"]) == 2 * 86_400_000
    assert (call["by_whom"], call["until"], call["amount_pence"]) == ("", None, None)
    assert desk.own(opened)["told"] == opened["told"] == desk.view(opened)["told"]
    filed = json.loads(desk.file(opened)["my-case.json"])
    assert filed["told"] == opened["told"]
    listed = desk.http.get("/v1/disputes", headers=desk.by("agent-1")).json()["disputes"]
    assert next(row for row in listed if row["dispute"] == opened["dispute"])["told_binds_at"] == case["rebut_by"]


def test_a_customer_tells_it_later_once_and_staff_rebut_it_once_in_words_that_the_customer_reads(
    desk: CaseDesk,
) -> None:
    opened = desk.report(claim_type="defective")
    assert [tell(desk, opened).status_code for _ in range(2)] == [201, 201]
    (one,) = told_in(desk, opened)
    named = {"told": one["told"], "why": WHY}
    assert rebut(desk, opened, "investigator-1", **named).status_code == 403
    assert rebut(desk, opened, "agent-1", told=one["told"]).status_code == 422
    assert rebut(desk, opened, "agent-1", told="told_none", why=WHY).status_code == 404
    answers = [rebut(desk, opened, "agent-1", **named) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200], "sent twice, it is done once"
    assert [line["kind"] for line in desk.view(opened)["timeline"]].count("told_rebutted") == 1
    assert rebut(desk, opened, "agent-2", told=one["told"], why="Another reason.").status_code == 409
    assert (desk.own(opened)["told"][0]["state"], desk.own(opened)["told"][0]["why"]) == ("rebutted", WHY)
    assert WHY in desk.own(opened)["messages"][-1]["text"]
    again = desk.event(
        opened, "supervisor-1", "told", what=A_CASE["what"], by_whom=A_CASE["by_whom"], until="2030-05-01"
    )
    assert [each["state"] for each in again.json()["told"]] == ["rebutted", "pending"]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"what": ""}, "what"),
        ({"what": "x" * 501}, "what"),
        ({"until": "9999-12-31"}, "until"),
        ({"until": "0001-01-01"}, "until"),
        ({"amount_pence": 0}, "amount_pence"),
        ({"by_whom": "x" * 201}, "by_whom"),
    ],
)
def test_what_cannot_have_been_told_is_refused_by_its_field_at_every_door(
    desk: CaseDesk, said: dict[str, Any], field: str
) -> None:
    opened = desk.report(claim_type="defective")
    bodies = {"/v1/disputes": {"words": "It is not right.", "told": [{**A_CASE, **said}]}}
    answers = [desk.http.post(path, json=body) for path, body in bodies.items()]
    answers += [tell(desk, opened, **said), desk.event(opened, "agent-1", "told", **{**A_CASE, **said})]
    assert [(answer.status_code, field in answer.text or "day" in answer.text) for answer in answers] == [
        (422, True)
    ] * 3
    assert told_in(desk, opened) == []


def test_the_public_form_takes_it_with_a_report_and_never_asks_for_it(desk: CaseDesk) -> None:
    page = desk.http.get("/complain", headers=OURS).text
    assert "<details><summary>Did somebody promise you something?</summary>" in page
    assert not re.search(r'name="told[^>]*required', page)
    typed = {"told": "a call on Monday", "told_by": "the chat", "told_until": "2030-05-01", "told_pounds": "12.50"}
    link = desk.http.post("/complain", data={"words": "It never came.", **typed}).headers["location"]
    page = desk.http.get(link, headers=OURS).text
    assert "You told us that the chat promised you: <strong>a call on Monday</strong> (£12.50), by 1 May 2030." in page
    assert "Unless we can show otherwise by" in page
    assert desk.http.post("/complain", data={"words": "It never came."}).status_code == 303


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"told_by": "the chat"}, "told"),
        ({"told_until": "soon"}, "told_until"),
        ({"told_pounds": "lots"}, "told_pounds"),
        ({"told_pounds": "0"}, "told_pounds"),
        ({"told_until": "9999-12-31"}, "told_until"),
    ],
)
def test_a_form_that_cannot_be_read_comes_back_with_what_was_typed_and_its_field_named(
    desk: CaseDesk, typed: dict[str, str], field: str
) -> None:
    whole = {"told": "a call", **typed} if field != "told" else typed
    answer = desk.http.post("/complain", data={"words": "It never came.", **whole})
    assert answer.status_code == 422
    assert re.search(rf'id="{field}" name="{field}"[^>]*aria-invalid="true"', answer.text)
    assert "<details open>" in answer.text
    opened = desk.report(claim_type="defective")
    answer = desk.http.post(f"/c/{opened['customer_token']}/told", data=whole)
    assert answer.status_code == 422
    assert re.search(rf'id="told-{field}" name="{field}"[^>]*aria-invalid="true"', answer.text)
    assert told_in(desk, opened) == []


def test_a_customers_own_page_takes_it_and_says_what_became_of_it(desk: CaseDesk) -> None:
    opened = desk.report(claim_type="defective")
    link = f"/c/{opened['customer_token']}"
    answers = [desk.http.post(f"{link}/told", data={"told": "a call"}) for _ in range(2)]
    assert {answer.headers["location"] for answer in answers} == {f"{link}?done=c_told"}
    page = desk.http.get(link, headers=OURS).text
    assert "You told us that somebody promised you: <strong>a call</strong>. Unless we can show otherwise by" in page
    (one,) = told_in(desk, opened)
    assert rebut(desk, opened, "agent-1", told=one["told"], why=WHY).is_success
    assert f"We do not keep it. This is why: {WHY}" in desk.http.get(link, headers=OURS).text


def test_an_agent_sees_it_first_writes_it_down_and_rebuts_it_on_the_page(desk: CaseDesk) -> None:
    opened = desk.report(claim_type="defective")
    said = {"what": "a call on Monday", "by_whom": "the chat", "until": "2030-05-01", "amount_pence": "12.50"}
    assert press(desk, opened, "investigator-1", "told", **said).status_code == 303
    page = shown(desk, opened, "agent-1")
    assert "<strong>a call on Monday</strong>, £12.50, promised by the chat, by " in page
    assert "It binds us if nobody rebuts it by" in page
    listed = desk.http.get("/console/cases?show=open", headers=desk.by("agent-1")).text
    assert "Promised elsewhere: binds" in listed
    (one,) = told_in(desk, opened)
    refused = press_rebut(desk, opened, told=one["told"], why="That is a fraud.")
    assert (refused.status_code, "accuses" in alert_of(refused)) == (422, True)
    assert press_rebut(desk, opened, told=one["told"], why=WHY).status_code == 303
    assert "moves/rebut" not in shown(desk, opened, "agent-1")
    assert told_in(desk, opened)[0]["state"] == "rebutted"


def test_the_form_of_a_new_report_takes_it(desk: CaseDesk) -> None:
    form = {"words": "It is not right.", "told": "a call on Monday", "told_by": "the chat", "channel": "phone"}
    page = desk.http.post("/console/cases", data=form, headers=desk.by("agent-1")).text
    assert "<strong>a call on Monday</strong>, promised by the chat." in page


def test_the_command_line_tells_it_shows_it_and_rebuts_it(instance: Instance, tmp_path: Path) -> None:
    shell = signed_in(instance, "agent-1", tmp_path)
    opened = shell.json("dispute", "open", "It never came", "--told", "a call", "--told-by", "the shop")
    case, (call,) = opened["dispute"], opened["told"]
    told = ("--with", "what=a free case", "--with", "by_whom=the chat", "--with", "amount_pence=2000")
    assert len(shell.json("dispute", "move", case, "told", *told)["told"]) == 2
    line = f"promised elsewhere: {call['told']} a call by the shop (pending, rebut by {call['rebut_by']})"
    assert line in shell.run("dispute", "show", case).out.replace("\n", " ")
    why = ("--with", f"told={call['told']}", "--with", "why=It was another shop.")
    assert shell.json("dispute", "move", case, "rebut", *why)["told"]
    shown_now = {one["what"]: one["state"] for one in shell.json("dispute", "show", case)["told"]}
    assert shown_now == {"a call": "rebutted", "a free case": "pending"}


LARGE = {"by_whom": "the shop", "amount_pence": 200_000}


def test_sums_that_a_customer_was_told_are_no_more_than_a_phone_costs_where_no_price_is_known(desk: CaseDesk) -> None:
    sums = [{**LARGE, "what": what} for what in ("a voucher", "something for the wait")]
    refused = desk.http.post("/v1/disputes", json={"words": "It is not right.", "told": sums})
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:weaklink:problem:many")
    opened = desk.report(claim_type="defective", told=sums[:1])
    assert tell(desk, opened, **sums[1]).status_code == 409
    assert desk.event(opened, "agent-1", "told", **sums[1]).status_code == 409
    assert tell(desk, opened, amount_pence=50_000).status_code == 201
    assert sum(one["amount_pence"] for one in told_in(desk, opened)) == 250_000


def test_a_sum_that_was_rebutted_leaves_room_for_another_one(desk: CaseDesk) -> None:
    opened = desk.report(claim_type="defective", told=[{**LARGE, "what": "a voucher"}])
    (one,) = told_in(desk, opened)
    assert rebut(desk, opened, "agent-1", told=one["told"], why=WHY).status_code == 200
    assert tell(desk, opened, **LARGE).status_code == 201
