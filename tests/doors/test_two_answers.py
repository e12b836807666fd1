"""Two answers of ours to one question have a door: the better one binds at once, and a lesson opens."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from custody.kernel.clock import HOUR_MS, from_iso
from tests.doors.case_desk import CaseDesk
from tests.doors.command_line import CommandLine

SWAP = "a swap at your door"
SHOP = {"what": SWAP, "by_whom": "head office", "until": "2030-05-01", "amount_pence": 1_000}
CHAT = {"other": SWAP, "other_by": "the shop", "other_until": "2030-06-01", "other_pence": 2_000}


def settle(desk: CaseDesk, told: dict[str, Any], account: str = "agent-1", **said: Any) -> httpx.Response:
    return desk.event(told, account, "two_answers", **said)


def promised(desk: CaseDesk, told: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for each in desk.view(told)["promises"] if each["source"] == "our_word"]


def lessons(desk: CaseDesk, told: dict[str, Any]) -> list[dict[str, Any]]:
    asked = {"kind": "two_answers", "limit": 200}
    found = desk.http.get("/v1/lessons", params=asked, headers=desk.by("agent-1")).json()["lessons"]
    return [row for row in found if row["dispute"] == told["dispute"]]


@pytest.mark.parametrize("account", ["agent-1", "supervisor-1", "investigator-1"])
def test_the_better_of_each_part_binds_at_once_and_the_customer_need_not_prove_it(desk: CaseDesk, account: str) -> None:
    told = desk.report(claim_type="defective")
    answer = settle(desk, told, account, **SHOP, **CHAT)
    assert answer.status_code == 200, answer.text
    (promise,) = promised(desk, told)
    assert (promise["what"], promise["due"][:10], promise["amount_pence"]) == (SWAP, "2030-05-01", 2_000)
    said = [each["text"] for each in desk.own(told)["messages"]][-2:]
    assert said[0].startswith("We gave you two answers that do not fit, and we are sorry. The better one counts:")
    assert said[1] == "It is £20."
    assert desk.view(told)["asks"] == []


@pytest.mark.parametrize("pence", [2_000, None])
def test_money_that_two_answers_promise_rings_for_another_person(desk: CaseDesk, pence: int | None) -> None:
    told = desk.report(claim_type="defective")
    said = {**SHOP, **CHAT, "other_pence": pence, "amount_pence": pence and 1_000}
    for _ in range(2):
        assert settle(desk, told, **said).is_success
    found = desk.http.get("/v1/alerts", headers=desk.by("agent-1")).json()["alerts"]
    rung = [one for one in found if one["kind"] == "sum_of_answers" and one["about"].endswith(told["dispute"])]
    if pence is None:
        assert rung == []
        return
    (alert,) = rung
    assert alert["detail"].startswith("agent-1 wrote down two answers of ours")
    assert "£20 is promised" in alert["detail"]
    assert desk.http.post(f"/v1/alerts/{alert['alert']}/seen", headers=desk.by("supervisor-1")).is_success


def test_a_lesson_opens_with_both_answers_an_owner_and_a_day(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective")
    answers = [settle(desk, told, **SHOP, **CHAT) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200], "sent twice, it is written down once"
    assert len(promised(desk, told)) == 1
    (lesson,) = lessons(desk, told)
    one, other = f"{SWAP}, £10, by 23:59 on 1 May 2030", f"{SWAP}, £20, by 23:59 on 1 June 2030"
    assert lesson["says"] == f"head office said: {one}. But the shop said: {other}."
    assert lesson["owner"].startswith("supervisor-")
    assert from_iso(lesson["due"]) - from_iso(lesson["opened_at"]) == 14 * 24 * HOUR_MS


def test_a_third_answer_that_is_better_binds_with_what_it_is_more_and_one_that_is_not_adds_nothing(
    desk: CaseDesk,
) -> None:
    told = desk.report(claim_type="defective")
    assert settle(desk, told, **SHOP, **CHAT).is_success
    for pence in (5_000, 4_000):
        third = settle(desk, told, **{**SHOP, **CHAT, "other_pence": pence})
        assert third.status_code == 200, third.text
    assert [each["amount_pence"] for each in promised(desk, told)] == [2_000, 3_000], "£50 in all, as the best answer"
    assert len(lessons(desk, told)) == 3
    texts = [each["text"] for each in desk.own(told)["messages"]]
    assert "That comes on top of the £20 of it that we promised you before." in texts
    assert "So it does not come twice." in texts[-1]


def test_of_different_things_it_is_the_one_that_the_customer_would_rather_have(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective")
    said = {"what": "an assessment in three weeks", "by_whom": "the shop", "other": SWAP, "other_by": "the phone"}
    unsaid = settle(desk, told, **said)
    assert unsaid.status_code == 422
    assert "Ask the customer which they would rather have" in unsaid.text
    assert promised(desk, told) == []
    assert lessons(desk, told) == []
    assert settle(desk, told, **said, rather="other").is_success
    assert [each["what"] for each in promised(desk, told)] == [SWAP]


def test_a_day_that_has_passed_is_late_at_once_and_earns_the_customer_its_credit(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective")
    assert settle(desk, told, what="a call", until="2026-05-01", other="a call", other_until="2030-05-01").is_success
    (promise,) = promised(desk, told)
    assert promise["due"][:10] == "2026-05-01"
    text = desk.own(told)["messages"][-1]["text"]
    assert "It was due by 23:59 on 1 May 2026. We keep it now." in text


def test_what_the_customer_has_or_is_to_have_does_not_come_twice_and_is_a_lesson_all_the_same(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective")
    link = f"/v1/customer/{told['customer_token']}"
    assert desk.http.post(f"{link}/choose", json={"remedy": "advance_swap"}).is_success
    swap = "a working phone, swapped at your door"
    said = {"what": swap, "by_whom": "the phone", "other": "a repair", "other_by": "the shop", "rather": "what"}
    assert settle(desk, told, **said).is_success
    assert promised(desk, told) == []
    assert "So it does not come twice." in desk.own(told)["messages"][-1]["text"]
    assert len(lessons(desk, told)) == 1


@pytest.mark.parametrize(
    "said",
    [
        {"what": "a call"},
        {"what": "a call", "other": "a call"},
        {"what": "a call", "other": "x" * 501, "rather": "what"},
        {"what": "a call", "other": "a call", "other_pence": 0},
        {"what": "a call", "other": "a call", "other_until": "0001-01-01"},
    ],
)
def test_what_are_no_two_answers_is_refused_and_changes_nothing(desk: CaseDesk, said: dict[str, Any]) -> None:
    told = desk.report(claim_type="defective")
    assert settle(desk, told, **said).status_code == 422
    assert promised(desk, told) == []
    assert lessons(desk, told) == []


def test_it_binds_in_a_case_that_is_over_and_where_a_joined_one_goes_on(desk: CaseDesk) -> None:
    over, joined, whole = desk.report(), desk.report(), desk.report()
    assert desk.http.post(f"/v1/customer/{over['customer_token']}/withdraw").is_success
    assert desk.event(joined, "agent-1", "merge", into=whole["dispute"], consent=True).is_success
    for told, stands_in in ((over, over), (joined, whole)):
        assert settle(desk, told, **SHOP, **CHAT).json()["dispute"] == stands_in["dispute"]
        assert len(promised(desk, stands_in)) == 1


def test_staff_write_both_down_on_the_page_of_the_case_and_by_command(desk: CaseDesk, tmp_path: Path) -> None:
    told, other = desk.report(claim_type="defective"), desk.report(claim_type="defective")
    form = {"what": "a call", "until": "2030-05-01", "other": "A call.", "other_pence": "", "rather": ""}
    path = f"/console/cases/{told['dispute']}/moves/two_answers"
    answer = desk.http.post(path, data=form, headers=desk.by("agent-1"))
    assert answer.headers["location"].endswith("done=two_answers"), answer.text
    same = desk.http.post(path, data={**form, "until": ""}, headers=desk.by("agent-1"))
    assert same.status_code == 422
    assert 'name="other" required aria-invalid="true"' in same.text
    page = desk.http.get("/console/lessons", headers=desk.by("supervisor-1")).text
    assert "One of us said: a call, by 23:59 on 1 May 2030. But another one said: A call." in page
    shell = CommandLine(address=desk.house.address, folder=tmp_path, token=desk.house.token("agent-1"))
    fields = ("--with", "what=a call", "--with", "other=a call", "--with", "other_pence=500")
    moved = shell.json("dispute", "move", other["dispute"], "two_answers", *fields)
    assert [each["amount_pence"] for each in moved["promises"] if each["source"] == "our_word"] == [500]


def test_no_single_person_answers_a_case_into_more_than_a_phone_costs_where_no_price_is_known(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective")
    assert settle(desk, told, what="a voucher", other="a voucher", amount_pence=240_000, other_pence=1).is_success
    more = {"what": "a gift", "other": "a gift", "amount_pence": 20_000, "other_pence": 1}
    refused = settle(desk, told, **more)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:weaklink:problem:many")
    assert "exception" in refused.json()["fix"]
    assert [each["amount_pence"] for each in promised(desk, told)] == [240_000]
    assert settle(desk, told, **{**more, "amount_pence": 10_000}).is_success
