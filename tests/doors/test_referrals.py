"""A case is handed on without letting go of it: its owner keeps it until somebody accepts; nobody is asked twice."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.referral_token import make_token
from custody.disputes.desks import DESKS, Directory
from custody.disputes.machine import CaseRole
from custody.investigation.verify.pack import verify_pack
from custody.kernel.clock import MINUTE_MS
from custody.kernel.errors import Conflict
from custody.usecases import refer_case
from custody.usecases.sweep_cases import SweepQuestions, sweep_case
from tests.doors.case_desk import OURS, CaseDesk
from tests.doors.command_line import CommandLine

OTHER = {"agent-1": "agent-2", "agent-2": "agent-1"}


def ask(at: CaseDesk, told: dict[str, Any], act: str, by: str, /, **body: str) -> httpx.Response:
    return at.http.post(f"/v1/disputes/{told['dispute']}/{act}", json=body or None, headers=at.by(by))


def stands(desk: CaseDesk, told: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = desk.http.get(f"/v1/disputes/{told['dispute']}/desk", headers=desk.by("agent-1")).json()
    return found


def waiting(desk: CaseDesk) -> list[str]:
    found = desk.http.get("/v1/referrals", headers=desk.by("supervisor-1")).json()
    return [each["dispute"] for each in found["referrals"]]


def later(desk: CaseDesk, monkeypatch: pytest.MonkeyPatch, minutes: float) -> None:
    clock = desk.house.parts.clock
    now_ms = type(clock).now_ms
    monkeypatch.setattr(type(clock), "now_ms", lambda self: now_ms(self) + int(minutes * MINUTE_MS))


def messages(desk: CaseDesk, told: dict[str, Any]) -> list[str]:
    return [each["text"] for each in desk.own(told)["messages"]]


def test_the_sender_looks_after_the_case_until_somebody_at_the_other_desk_accepts_it(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective", has_working_phone=False)
    owner, other, before = told["owner"], OTHER[told["owner"]], messages(desk, told)
    referred = ask(desk, told, "referral", owner, desk="repairs")
    assert referred.status_code == 200, referred.text
    assert (referred.json()["owner"], referred.json()["desk"]) == (owner, "front")
    assert told["dispute"] in waiting(desk)
    assert messages(desk, told) == before, "the customer hears of it once it is true"
    taken = ask(desk, told, "referral/accept", other).json()
    assert (taken["owner"], taken["desk"], taken["referral"]) == (other, "repairs", None)
    assert {promise["owner"] for promise in taken["promises"]} == {other}
    assert taken["words"] == "It is not right.", "the whole case goes along"
    (said,) = messages(desk, told)[len(before) :]
    assert said.startswith(f"{other} looks after your case now.")
    assert "need not call" in said
    assert told["dispute"] not in waiting(desk)
    with desk.house.parts.house.unit() as unit:
        sweep_case(unit, told["dispute"], SweepQuestions(people=lambda _: [*OTHER], locks_settled=lambda *_: True))
    assert desk.view(told)["owner"] == other


def test_a_referral_that_nobody_accepts_leaves_the_case_where_it_is(
    desk: CaseDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = desk.report()
    owner, other = told["owner"], OTHER[told["owner"]]
    assert ask(desk, told, "referral", owner, desk="care").is_success
    assert ask(desk, told, "referral/keep", other).json()["referral"] is None
    assert ask(desk, told, "referral/keep", other).is_success, "pressed twice"
    assert ask(desk, told, "referral/accept", other).status_code == 409
    assert ask(desk, told, "referral", owner, desk="care").is_success
    before = messages(desk, told)
    later(desk, monkeypatch, 30)
    assert ask(desk, told, "referral/accept", other).status_code == 409
    assert (stands(desk, told)["owner"], stands(desk, told)["referral"]) == (owner, None)
    assert told["dispute"] not in waiting(desk)
    assert messages(desk, told) == before
    assert ask(desk, told, "referral", owner, desk="care").is_success, "it may be referred again"


def test_only_an_agent_who_does_not_look_after_it_accepts_and_pressed_twice_is_done_once(desk: CaseDesk) -> None:
    told = desk.report()
    owner, other = told["owner"], OTHER[told["owner"]]
    first = ask(desk, told, "referral", owner, desk="care").json()
    assert ask(desk, told, "referral", owner, desk="care").json() == first, "pressed twice"
    assert ask(desk, told, "referral", "supervisor-1", desk="returns").status_code == 422, "it has no kind yet"
    assert ask(desk, told, "referral", "supervisor-1", desk="care").status_code == 409, "somebody refers it already"
    assert ask(desk, told, "referral/accept", owner).status_code == 409
    assert ask(desk, told, "referral/accept", "supervisor-1").status_code == 403
    lines = [ask(desk, told, "referral/accept", other).json()["version"] for _ in range(2)]
    assert lines[0] == lines[1]


def test_a_case_is_referred_only_where_its_kind_is_taken_and_never_back(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective")
    assert stands(desk, told)["may_refer_to"] == ["repairs", "care"]
    wrong = ask(desk, told, "referral", "agent-1", desk="returns")
    assert (wrong.status_code, wrong.json()["desks"]) == (422, ["repairs", "care"])
    assert ask(desk, told, "referral", "agent-1", desk="billing").status_code == 404
    for to in ("repairs", "care"):
        assert ask(desk, told, "referral", "agent-1", desk=to).is_success
        assert ask(desk, told, "referral/accept", OTHER[desk.view(told)["owner"]]).is_success
    assert stands(desk, told)["may_refer_to"] == []
    assert ask(desk, told, "referral", "agent-1", desk="front").status_code == 422


def test_a_desk_that_takes_the_case_no_more_does_not_get_it_and_its_owner_refers_it_elsewhere_at_once(
    desk: CaseDesk,
) -> None:
    told = desk.report(claim_type="never_received")
    owner, other = told["owner"], OTHER[told["owner"]]
    assert ask(desk, told, "referral", owner, desk="deliveries").is_success
    assert desk.event(told, owner, "classify", claim_type="defective").is_success
    before = messages(desk, told)
    refused = ask(desk, told, "referral/accept", other)
    assert (refused.status_code, refused.json()["desks"]) == (409, ["repairs", "care"])
    assert (desk.view(told)["owner"], messages(desk, told)) == (owner, before)
    assert ask(desk, told, "referral", owner, desk="repairs").is_success
    assert ask(desk, told, "referral/accept", other).json()["desk"] == "repairs"


def test_a_desk_that_the_directory_has_no_more_does_not_get_a_case(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective")
    assert ask(desk, told, "referral", told["owner"], desk="repairs").is_success
    front, care = DESKS.desks[0], DESKS.desks[-1]
    fewer = Directory(desks=(replace(front, refers_to=("care",)), care))
    who: dict[str, Any] = {"actor": OTHER[told["owner"]], "role": CaseRole.AGENT}
    with desk.house.parts.house.unit() as unit, pytest.raises(Conflict, match="takes such a case no more"):
        refer_case.accept(unit, told["dispute"], directory=fewer, **who)
    assert stands(desk, told)["owner"] == told["owner"]


def test_a_former_customer_is_referred_as_everybody_is(desk: CaseDesk) -> None:
    order = {"order": "SO-LEFT", "imei": "490154203237518", "standing": "former"}
    assert desk.http.post("/v1/orders", json=order, headers=desk.by("agent-1")).is_success
    told = desk.report(order="SO-LEFT", claim_type="returned_not_credited")
    assert ask(desk, told, "referral", "agent-1", desk="returns").is_success


def test_nobody_hands_a_case_on_to_nobody_or_one_that_is_over(desk: CaseDesk) -> None:
    told = desk.report()
    other = OTHER[told["owner"]]
    away = f"/v1/accounts/{other}/away"
    desk.http.post(away, json={"away": True}, headers=desk.by(other))
    assert ask(desk, told, "referral", told["owner"], desk="care").json()["type"].endswith("nobody_there")
    desk.http.post(away, json={"away": False}, headers=desk.by(other))
    assert ask(desk, told, "referral", told["owner"], desk="care").is_success
    assert desk.http.post(f"/v1/customer/{told['customer_token']}/withdraw").is_success
    assert ask(desk, told, "referral/accept", other).status_code == 409
    assert told["dispute"] not in waiting(desk)
    assert ask(desk, told, "referral", told["owner"], desk="care").status_code == 409


def test_a_customer_is_recognised_once_and_a_second_time_is_refused_with_the_first(
    desk: CaseDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = desk.report(order=desk.sold("SO-ONCE"))
    beside = desk.report(order="SO-ONCE")
    assert ask(desk, told, "recognised", "agent-1", how="mother's name").status_code == 422
    first = ask(desk, told, "recognised", "agent-1", how="order_and_postcode").json()["recognised"]
    for again in (told, beside):
        refused = ask(desk, again, "recognised", "agent-2", how="in_person")
        assert refused.status_code == 409
        assert refused.json()["first"] == {**first, "dispute": told["dispute"]}
    boxed = desk.report(item="490154203237518")
    assert ask(desk, boxed, "recognised", "agent-1", how="in_person").is_success, "who quotes a box may be another one"
    later(desk, monkeypatch, 30)
    assert stands(desk, told)["recognised"] is None
    assert ask(desk, told, "recognised", "agent-2", how="in_person").is_success


def test_the_token_of_a_referral_says_who_recognised_the_customer_and_lasts_30_minutes(
    desk: CaseDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = desk.report()
    known = ask(desk, told, "recognised", "agent-1", how="order_and_name").json()["recognised"]
    later(desk, monkeypatch, 20)
    referral = ask(desk, told, "referral", told["owner"], desk="care").json()["referral"]
    token, by = referral.pop("token"), desk.by("supervisor-1")
    said = desk.http.post("/v1/referrals/read", json={"token": token}, headers=by).json()
    assert said == referral
    assert {**known, "until": said["until"]} == said["recognised"], "the minutes begin anew with the referral"
    for wrong in (token[:-1] + ("0" if token[-1] != "0" else "1"), "x" + token, "", make_token(bytes(32), referral)):
        assert desk.http.post("/v1/referrals/read", json={"token": wrong}, headers=by).status_code == 403
    assert desk.http.post("/v1/referrals/read", json={"token": token}).status_code == 401
    assert ask(desk, told, "referral/accept", OTHER[told["owner"]]).is_success
    later(desk, monkeypatch, 29)
    assert ask(desk, told, "recognised", "agent-2", how="in_person").status_code == 409
    later(desk, monkeypatch, 1)
    over = desk.http.post("/v1/referrals/read", json={"token": token}, headers=by)
    assert (over.status_code, told["dispute"] in over.json()["fix"]) == (409, True)


def test_who_quotes_what_stands_on_a_box_speaks_for_nobody_who_names_the_order(desk: CaseDesk) -> None:
    sale = {"order": "SO-BOX", "imei": "356938035643809"}
    assert desk.http.post("/v1/orders", json=sale, headers=desk.by("agent-1")).is_success
    boxed, named = desk.report(item="356938035643809"), desk.report(order="SO-BOX")
    assert desk.view(boxed)["order"] == "SO-BOX"
    for told in (boxed, named):
        assert ask(desk, told, "recognised", "agent-1", how="in_person").is_success


def test_a_report_that_was_joined_is_handed_on_where_it_goes_on(desk: CaseDesk) -> None:
    into, joined = (desk.report(order=desk.sold("SO-JOINED-DESK")) for _ in range(2))
    assert desk.event(joined, "agent-1", "merge", into=into["dispute"]).is_success
    for act, body in (("recognised", {"how": "in_person"}), ("referral", {"desk": "care"}), ("referral/keep", {})):
        refused = ask(desk, joined, act, "agent-1", **body)
        assert (refused.status_code, into["dispute"] in refused.json()["fix"]) == (409, True)
    page = desk.http.get(f"/console/cases/{joined['dispute']}", headers=desk.by("agent-1"))
    assert "/recognised" not in page.text
    assert "/referral" not in page.text


def test_no_line_and_no_record_holds_what_the_customer_said_to_be_recognised(desk: CaseDesk) -> None:
    told = desk.report()
    assert ask(desk, told, "recognised", "agent-1", how="order_and_postcode").is_success
    (line,) = [line for line in desk.view(told)["timeline"] if line["kind"] == "recognised"]
    assert {*line["facts"]} == {"how", "until_ms", "state", "version", "line"}


def test_who_does_not_agree_is_heard_by_no_referral(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective")
    desk.http.post(f"/c/{told['customer_token']}/disagree", headers=OURS)
    assert desk.view(told)["disagreed"]
    assert ask(desk, told, "recognised", "agent-1", how="own_link").is_success
    assert ask(desk, told, "referral", told["owner"], desk="care").is_success
    assert ask(desk, told, "referral/accept", OTHER[told["owner"]]).is_success
    assert desk.view(told)["disagreed"]


def test_it_is_all_on_the_page_of_the_case(desk: CaseDesk) -> None:
    told = desk.report(claim_type="damaged")
    path, owner, other = f"/console/cases/{told['dispute']}", told["owner"], OTHER[told["owner"]]

    def press(act: str, by: str, **form: str) -> httpx.Response:
        return desk.http.post(f"{path}/{act}", data=form, headers=desk.by(by))

    def page(by: str) -> str:
        return " ".join(desk.http.get(path, headers=desk.by(by)).text.split())

    assert press("recognised", owner, how="").status_code == 422
    assert press("recognised", owner, how="order_and_name").status_code == 303
    assert "by their order number and name" in page(other)
    assert f'action="{path}/recognised"' not in page(other), "nobody is asked twice"
    again = press("recognised", other, how="in_person")
    assert (again.status_code, f"recognised already, by {owner}" in again.text) == (409, True)
    assert '<option value="repairs">' in page(owner)
    assert '<option value="returns">' not in page(owner)
    assert press("referral", owner, desk="repairs").status_code == 303
    assert "Repairs and swaps" in page(owner)
    assert f'action="{path}/accept"' not in page(owner), "its owner has nothing to accept"
    assert stands(desk, told)["referral"]["token"] in page(other)
    listed = desk.http.get("/console/cases?show=referred", headers=desk.by(other)).text
    assert told["dispute"] in listed
    assert "Repairs and swaps, until" in listed
    assert press("accept", other).status_code == 303
    assert desk.view(told)["owner"] == other
    assert press("referral", other, desk="care").status_code == 303
    assert press("keep", other).status_code == 303
    assert stands(desk, told)["referral"] is None


def test_it_is_all_on_the_command_line(desk: CaseDesk, tmp_path: Path) -> None:
    told = desk.report(claim_type="defective")
    shells = {
        name: CommandLine(address=desk.house.address, folder=tmp_path, token=desk.house.token(name)) for name in OTHER
    }
    mine, theirs = shells[told["owner"]], shells[OTHER[told["owner"]]]
    assert [each["desk"] for each in mine.json("dispute", "desks")["desks"]] == [each.desk for each in DESKS.desks]
    assert "repairs and swaps" in mine.run("dispute", "desks").out
    assert "order number and name" in mine.run("dispute", "recognised", told["dispute"], "order_and_name").out
    again = theirs.run("dispute", "recognised", told["dispute"], "in_person", expect=1)
    assert f"by {told['owner']} in {told['dispute']}" in again.err
    referred = mine.run("dispute", "refer", told["dispute"], "repairs").out
    (token,) = re.findall(r"token: (\S+)", referred)
    assert told["dispute"] in theirs.run("dispute", "referrals").out
    assert theirs.json("dispute", "referrals", "--token", token)["dispute"] == told["dispute"]
    assert f"owner {OTHER[told['owner']]}" in theirs.run("dispute", "accept", told["dispute"]).out
    assert theirs.json("dispute", "refer", told["dispute"], "care")["referral"]["desk"] == "care"
    assert theirs.json("dispute", "keep", told["dispute"])["referral"] is None
    assert "at the desk repairs" in theirs.run("dispute", "desk", told["dispute"]).out


def test_the_pack_of_a_case_that_was_handed_on_verifies(desk: CaseDesk) -> None:
    told = desk.report(claim_type="never_received", order=desk.sold("SO-HANDED"))
    assert ask(desk, told, "recognised", "agent-1", how="order_and_name").is_success
    assert ask(desk, told, "referral", told["owner"], desk="deliveries").is_success
    assert ask(desk, told, "referral/accept", OTHER[told["owner"]]).is_success
    packed = desk.http.post("/v1/packs", json={"dispute": told["dispute"]}, headers=desk.by("investigator-1"))
    verify_pack(packed.content).demand()
