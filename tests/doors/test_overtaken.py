"""Two people at one case: an act on what somebody changed meanwhile is refused, and says who did what."""

import html
import re
from pathlib import Path

import httpx
import pytest

from api.cli.instance import Instance
from tests.doors.case_desk import OURS, CaseDesk
from tests.doors.command_line import signed_in
from tests.doors.test_case_pages import alert_of, press, shown

IMEI = "490154203237518"
KEPT = re.compile("<dt>([^<]*)</dt><dd>([^<]*)</dd>")


def version_on_page(page: str) -> str:
    (version,) = {match[1] for match in re.finditer(r'name="version" value="(\d+)"', page)}
    return version


def test_a_kind_that_is_set_on_an_older_version_is_refused_and_says_who_set_it_meanwhile(desk: CaseDesk) -> None:
    told = desk.report()
    seen = desk.view(told)["version"]
    first = desk.event(told, "agent-1", "classify", claim_type="defective", version=seen)
    assert first.json()["version"] == seen + 1
    late = desk.event(told, "agent-2", "classify", claim_type="wrong_item", version=seen)
    assert late.status_code == 409
    problem = late.json()
    assert problem["type"].endswith(":changed")
    assert problem["version"] == seen + 1
    (step,) = problem["meanwhile"]
    assert (step["actor"], step["kind"], step["claim_type"]) == ("agent-1", "offered", "defective")
    assert "agent-1" in problem["detail"]
    assert f"version {seen + 1}" in problem["fix"]
    assert desk.view(told)["claim_type"] == "defective"
    again = desk.event(told, "agent-2", "classify", claim_type="wrong_item", version=problem["version"])
    assert again.json()["claim_type"] == "wrong_item", "who has read it may change it"


def test_what_is_the_same_or_sent_again_is_no_conflict_whatever_version_it_names(desk: CaseDesk) -> None:
    told = desk.report()
    seen = desk.view(told)["version"]
    answers = [
        desk.event(told, account, "classify", claim_type="defective", version=seen)
        for account in ("agent-1", "agent-1", "agent-2")
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert answers[0].json() == answers[1].json() == answers[2].json()
    desk.http.post(f"/c/{told['customer_token']}/choose", data={"remedy": "advance_swap"})
    seen = desk.view(told)["version"]
    paid = [
        desk.event(told, "agent-1", "delivered_or_paid", reference="JJD1", version=seen).status_code for _ in range(2)
    ]
    assert paid == [200, 200]


def test_a_retry_does_not_undo_what_another_person_decided_after_it(desk: CaseDesk) -> None:
    told = desk.report()
    seen = desk.view(told)["version"]
    assert desk.event(told, "agent-1", "classify", claim_type="defective", version=seen).is_success
    assert desk.event(told, "agent-2", "classify", claim_type="wrong_item", version=seen + 1).is_success
    assert desk.event(told, "agent-1", "classify", claim_type="defective", version=seen).status_code == 409
    assert desk.view(told)["claim_type"] == "wrong_item"


def test_a_move_that_is_not_possible_any_more_says_what_was_done_meanwhile(desk: CaseDesk) -> None:
    told = desk.not_fixed()
    seen = desk.view(told)["version"]
    assert desk.event(told, "agent-1", "ask", item="tape", text="Which colour has the tape?").is_success
    late = desk.event(told, "investigator-1", "ask", item="label", text="Which name is on the label?", version=seen)
    assert (late.status_code, late.json()["type"]) == (409, "urn:weaklink:problem:changed")
    assert "agent-1" in late.json()["detail"]


def test_what_a_customer_gives_and_what_is_only_noted_makes_no_act_too_late(desk: CaseDesk) -> None:
    told = desk.report()
    seen = desk.view(told)["version"]
    assert desk.http.post(f"/v1/customer/{told['customer_token']}/words", json={"words": "It is blue."}).is_success
    assert desk.event(told, "agent-1", "classify", claim_type="defective", version=seen).is_success


def test_on_the_page_a_kind_that_was_set_meanwhile_is_told_and_what_was_typed_stays(desk: CaseDesk) -> None:
    told = desk.report()
    seen = version_on_page(shown(desk, told, "agent-2"))
    assert press(desk, told, "agent-1", "classify", claim_type="defective", version=seen).status_code == 303
    form = {"claim_type": "damaged", "custody_words": "The van was wet."}
    late = press(desk, told, "agent-2", "classify", **form, version=seen)
    assert late.status_code == 409
    said = alert_of(late)
    assert "agent-1" in said
    assert "Does not work as it should" in said
    assert "_" not in said
    assert "The van was wet." in late.text
    now = version_on_page(late.text)
    assert int(now) == int(seen) + 1
    assert press(desk, told, "agent-2", "classify", **form, version=now).status_code == 303
    assert desk.view(told)["claim_type"] == "damaged"


@pytest.mark.parametrize("wrong", ["x", "-", "1e3"])
def test_a_version_that_is_no_number_is_refused_and_changes_nothing(desk: CaseDesk, wrong: str) -> None:
    told = desk.report()
    assert press(desk, told, "agent-1", "classify", claim_type="defective", version=wrong).status_code == 422
    assert desk.event(told, "agent-1", "classify", claim_type="defective", version=wrong).status_code == 422
    assert desk.view(told)["claim_type"] is None


def test_on_the_command_line_a_kind_is_set_on_the_version_that_was_shown(instance: Instance, tmp_path: Path) -> None:
    shell = signed_in(instance, "agent-1", tmp_path)
    case = shell.json("dispute", "open", "It does not work")["dispute"]
    found = re.search(r"version (\d+)", shell.run("dispute", "show", case).out)
    assert found
    on = ("--with", f"version={found[1]}")
    shell.run("dispute", "move", case, "classify", "--with", "claim_type=defective", *on)
    late = shell.run("dispute", "move", case, "classify", "--with", "claim_type=wrong_item", *on, expect=1).err
    assert "agent-1" in late
    assert "weaklink dispute show" in late


@pytest.mark.parametrize("claim_type", ["", "price_reduction_pence"])
def test_a_form_that_somebody_has_taken_off_the_page_is_told_so_whatever_its_fields_hold(
    desk: CaseDesk, claim_type: str
) -> None:
    told = desk.report(claim_type="defective")
    desk.http.post(f"/c/{told['customer_token']}/choose", data={"remedy": "advance_swap"})
    form = {"claim_type": claim_type, "custody_words": "The van was wet.", "price_reduction_pence": "much"}
    late = press(desk, told, "agent-2", "classify", **form)
    assert late.status_code == 409
    assert "That is done already, or not possible now." in alert_of(late)
    assert "The van was wet." in alert_of(late)
    assert "Go to the field" not in late.text


@pytest.mark.parametrize("account", ["", "agent-1"])
def test_a_remedy_that_is_not_on_offer_is_told_at_its_choices_and_in_no_code(desk: CaseDesk, account: str) -> None:
    told = desk.report(claim_type="defective")
    path = f"/console/cases/{told['dispute']}/choose" if account else f"/c/{told['customer_token']}/choose"
    headers = desk.by(account) if account else {}
    refused = desk.http.post(path, data={"remedy": ""}, headers={**OURS, **headers})
    assert refused.status_code == 422
    (field,) = re.findall(r'href="#([^"]+)">Go to the field', refused.text)
    assert f'<fieldset id="{field}" role="radiogroup" tabindex="-1" aria-invalid="true"' in refused.text
    assert "That is not on offer." in alert_of(refused)
    assert desk.http.post(path, data={"remedy": "advance_swap"}, headers={**OURS, **headers}).status_code == 303
    late = desk.http.post(path, data={"remedy": ""}, headers={**OURS, **headers})
    assert (late.status_code, "Go to the field" in late.text) == (409, False)


def kept(answer: httpx.Response) -> dict[str, str]:
    """What the notice keeps of what was typed."""
    (notice,) = re.findall(r'role="alert"[^>]*>(.*?)</div>', answer.text, re.DOTALL)
    return {html.unescape(says): html.unescape(text) for says, text in KEPT.findall(notice)}


@pytest.mark.parametrize("account", ["", "agent-1"])
def test_a_choice_that_comes_too_late_is_told_so_and_stands_in_the_notice(desk: CaseDesk, account: str) -> None:
    told = desk.report(claim_type="never_received")
    path = f"/console/cases/{told['dispute']}/choose" if account else f"/c/{told['customer_token']}/choose"
    headers = {**OURS, **(desk.by(account) if account else {})}
    assert desk.http.post(path, data={"remedy": "replacement"}, headers=headers).status_code == 303
    late = desk.http.post(path, data={"remedy": "refund", "payout": "bank_transfer"}, headers=headers)
    assert late.status_code == 409
    chosen = ["your money back", "by bank transfer"]
    assert list(kept(late).values()) == chosen, alert_of(late)
    assert "Go to the field" not in late.text


def test_an_answer_to_what_the_page_does_not_ask_stands_in_the_notice(desk: CaseDesk) -> None:
    told = desk.report(claim_type="never_received")
    answer = {"ask": "ask_gone", "words": "It was <brown>."}
    late = desk.http.post(f"/c/{told['customer_token']}/answer", data=answer, headers=OURS)
    assert (late.status_code, list(kept(late).values())) == (404, ["It was <brown>."])


def test_what_was_typed_to_lock_and_to_unlock_stands_in_the_notice_once_that_form_is_gone(desk: CaseDesk) -> None:
    desk.register(IMEI)
    sold = {"order": "SO-OVERTAKEN", "imei": IMEI, "price_pence": 79_900}
    assert desk.http.post("/v1/orders", json=sold, headers=desk.by("agent-1")).is_success
    told = desk.report(order="SO-OVERTAKEN", claim_type="never_received")
    desk.put_lock(told, "lock_overtaken", IMEI)
    page, by = f"/console/cases/{told['dispute']}", desk.by("agent-1")
    reason = "The order never reached the customer"
    for last4 in (IMEI[-4:], "0000"):
        late = desk.http.post(f"{page}/lock", data={"imei_last4": last4, "reason": "never_received"}, headers=by)
        assert late.status_code == 409
        assert kept(late) == {"Last 4 of the IMEI": last4, "Reason": reason}, alert_of(late)
    code = desk.http.post(f"{page}/locks/lock_gone/code", data={"challenge": "1234 5678"}, headers=by)
    assert (code.status_code, kept(code)) == (404, {"Digits on the lock screen": "1234 5678"})
    why = desk.http.post(
        "/console/locks/lock_overtaken/refuse", data={"why": "He has it."}, headers=desk.by("supervisor-1")
    )
    assert (why.status_code, kept(why)) == (409, {"Reason for no": "He has it."})
