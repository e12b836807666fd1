"""A customer's link: whoever quotes an order or a handset has one, and it tells only what a stranger may hear."""

import io
import json
import re
import zipfile
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from api.act_alerts import MANY_LINKS
from api.pages.times import moment_words
from custody.store import case_book
from tests.doors.case_desk import OURS, CaseDesk

CONTACT = "Ottoline Price, 7 Back Lane, LS1 4AP, ottoline@example.com"
IMEI = "001017004829159"


@pytest.mark.parametrize("named", ["SO-20991", IMEI])
def test_who_quotes_an_order_or_a_handset_does_not_get_the_buyers_name_and_address(desk: CaseDesk, named: str) -> None:
    sold = {"order": "SO-20991", "imei": IMEI, "customer": {"contact": CONTACT, "region": 4}}
    assert desk.http.post("/v1/orders", json=sold, headers=desk.by("agent-1")).is_success
    link = desk.http.post("/complain", data={"words": "It never came.", "order": named}).headers["location"]
    with httpx.Client(base_url=desk.house.address, timeout=30, headers=OURS) as stranger:
        content = stranger.get(f"{link}/file").content
    with zipfile.ZipFile(io.BytesIO(content)) as pack:
        everything = b"\n".join(pack.read(name) for name in pack.namelist()).decode()
    for private in ("ottoline@example.com", "Back Lane", "region"):
        assert private not in everything


def test_who_has_a_link_is_told_that_something_was_found_out_and_not_what(desk: CaseDesk) -> None:
    told = desk.report(claim_type="never_received")
    found_out = {"handset_seen": {"sim": "other", "network": "22610"}, "ranked": {"headline": "Most likely at hub-1"}}
    with desk.house.parts.house.unit() as unit:
        for kind, facts in found_out.items():
            case_book.note(unit, told["dispute"], kind, actor="investigator-1", facts=facts)
    link = f"/v1/customer/{told['customer_token']}"
    assert desk.http.post(f"{link}/words", json={"words": "The seal was torn."}).is_success
    case = json.loads(desk.file(told)["my-case.json"])
    kinds = [step["step"] for step in case["steps"]]
    assert kinds == ["opened", "handset_seen", "ranked", "evidence"]
    assert [step["step"] for step in case["steps"] if "facts" in step] == ["opened", "evidence"], "the customer's own"
    for part in ("22610", "other", "Most likely", "investigator-1"):
        assert part not in json.dumps(case["steps"]), part


def test_a_link_that_was_lost_or_leaked_is_replaced_and_opens_nothing_from_then_on(desk: CaseDesk) -> None:
    told = desk.report(claim_type="never_received")
    door = f"/v1/disputes/{told['dispute']}/link"
    assert desk.http.post(door).status_code == 401
    assert desk.http.post(door, headers=desk.by("investigator-1")).status_code == 403
    assert desk.http.get(f"/v1/customer/{told['customer_token']}").is_success, "whoever may not changes nothing"
    fresh = desk.http.post(door, headers=desk.by("agent-1"))
    assert fresh.status_code == 201
    for path in ("/c/{}", "/c/{}/file", "/v1/customer/{}"):
        assert desk.http.get(path.format(told["customer_token"])).status_code == 404
        assert desk.http.get(path.format(fresh.json()["customer_token"])).is_success
    assert "You have a new link" in desk.own(fresh.json())["messages"][-1]["text"]
    view = desk.view(told)
    (line,) = (line for line in view["timeline"] if line["kind"] == "link_renewed")
    assert line["actor"] == "agent-1"
    assert fresh.json()["customer_token"] not in str(view)


def test_whoever_makes_many_new_links_within_a_day_is_looked_at_by_another_person(desk: CaseDesk) -> None:
    cases = [desk.report(claim_type="defective")["dispute"] for _ in range(2)]

    def rung() -> list[dict[str, Any]]:
        found = desk.http.get("/v1/alerts", headers=desk.by("supervisor-2")).json()["alerts"]
        return [alert for alert in found if alert["kind"] == "many_links"]

    for number in range(MANY_LINKS):
        assert rung() == []
        door = f"/v1/disputes/{cases[number % 2]}/link"
        assert desk.http.post(door, headers=desk.by("supervisor-1")).status_code == 201
    (alert,) = rung()
    assert f"supervisor-1 has made {MANY_LINKS} new links" in alert["detail"]
    seen = f"/v1/alerts/{alert['alert']}/seen"
    assert desk.http.post(seen, headers=desk.by("supervisor-1")).status_code == 403
    assert desk.http.post(seen, headers=desk.by("supervisor-2")).is_success


def test_a_case_that_was_joined_has_its_link_where_the_other_one_is(desk: CaseDesk) -> None:
    first, second = (desk.report(order=desk.sold("SO-LINK")) for _ in range(2))
    desk.event(second, "agent-1", "merge", into=first["dispute"])
    answer = desk.http.post(f"/v1/disputes/{second['dispute']}/link", headers=desk.by("agent-1"))
    assert (answer.status_code, first["dispute"] in answer.json()["fix"]) == (409, True)


def test_what_is_said_by_the_link_of_a_joined_report_reaches_the_case_that_goes_on(desk: CaseDesk) -> None:
    first, second = (desk.report(order=desk.sold("SO-JOINED")) for _ in range(2))
    assert desk.event(second, "agent-1", "merge", into=first["dispute"]).is_success
    link = f"/c/{second['customer_token']}"
    assert desk.http.post(f"{link}/words", data={"words": "The seal was torn."}).status_code == 303
    assert desk.http.post(f"{link}/files", files={"file": ("torn.jpg", b"jpg")}).status_code == 303
    assert desk.http.post(f"{link}/disagree").status_code == 303
    assert {one["name"] for one in desk.own(first)["given"]} == {"words.txt", "torn.jpg"}
    kinds = [line["kind"] for line in desk.view(first)["timeline"]]
    assert "disagreed" in kinds
    assert desk.state(first) == "reported"


def test_i_found_it_by_the_link_of_a_joined_report_ends_the_case_that_goes_on(desk: CaseDesk) -> None:
    sold = {"order": "SO-JOINED-FOUND", "imei": "356938035643809"}
    assert desk.http.post("/v1/orders", json=sold, headers=desk.by("agent-1")).is_success
    first = desk.report(order=sold["order"], claim_type="never_received")
    second, by_box = desk.report(order=sold["order"]), desk.report(item=sold["imei"])
    for joined in (second, by_box):
        assert desk.event(joined, "agent-1", "merge", into=first["dispute"], consent=True).is_success
    assert desk.http.post(f"/c/{by_box['customer_token']}/found").status_code == 303
    assert desk.state(first) == "remedy_offered", "whoever read the box ends nobody's case"
    assert desk.view(first)["timeline"][-1]["kind"] == "joined_found", "but is heard in it"
    for _ in range(2):
        assert desk.http.post(f"/c/{second['customer_token']}/found").status_code == 303
    assert desk.state(first) == "withdrawn"
    said = [line["text"] for line in desk.own(first)["messages"]]
    assert sum("We are glad you found it." in text for text in said) == 1


@pytest.mark.parametrize("ended", ["withdrawn", "remedied"])
def test_who_does_not_agree_by_the_link_of_a_joined_report_is_heard_though_the_other_one_has_ended(
    desk: CaseDesk, ended: str
) -> None:
    sold = {"order": f"SO-JOINED-{ended}", "imei": "356938035643809" if ended == "withdrawn" else IMEI}
    assert desk.http.post("/v1/orders", json=sold, headers=desk.by("agent-1")).is_success
    first = desk.report(order=sold["order"], claim_type="defective")
    second, by_box = desk.report(order=sold["order"]), desk.report(item=sold["imei"])
    for joined in (second, by_box):
        assert desk.event(joined, "agent-1", "merge", into=first["dispute"], consent=True).is_success
    link = f"/v1/customer/{first['customer_token']}"
    if ended == "withdrawn":
        assert desk.http.post(f"{link}/withdraw").is_success
    else:
        assert desk.http.post(f"{link}/choose", json={"remedy": "advance_swap"}).is_success
        assert desk.event(first, "agent-1", "delivered_or_paid", reference="JJD1").is_success
    assert desk.http.post(f"/c/{by_box['customer_token']}/disagree").status_code == 303
    assert desk.state(first) == ended, "whoever read the box opens nobody's case"
    assert desk.http.post(f"/c/{second['customer_token']}/disagree").status_code == 303
    assert desk.state(first) == "triaged"


@pytest.mark.parametrize("link", ["/c", "/c/", "/c/c_haq8ecccjc8c", "/c/c_haq8ecccjc8cqnes."])
def test_a_link_that_was_cut_off_anywhere_leads_to_kind_words_and_a_number_to_call(desk: CaseDesk, link: str) -> None:
    answer = desk.http.get(link, follow_redirects=True)
    assert answer.status_code == 404
    assert "You did nothing wrong. The link may be cut off." in answer.text
    assert desk.house.parts.settings.support_phone in answer.text
    assert "console" not in re.sub(r"<(link|script)[^>]*>", "", answer.text), "whoever has a link is no member of staff"


def test_a_page_that_tells_times_says_in_which_zone_they_are(desk: CaseDesk) -> None:
    told = desk.report(claim_type="never_received")
    own = desk.http.get(f"/c/{told['customer_token']}").text
    staff = desk.http.get(f"/console/cases/{told['dispute']}", headers=desk.by("agent-1")).text
    assert "Times are UK time." in own
    assert "Times are UK time" in staff


def test_the_messages_in_a_customers_file_have_the_times_of_their_page(desk: CaseDesk) -> None:
    told = desk.report(claim_type="never_received")
    file = desk.file(told)
    first = desk.own(told)["messages"][0]
    assert file["messages.txt"].decode().startswith(f"{moment_words(first['at'])}\n{first['text']}\n")
    assert b"messages.txt: what we told you. Its times are UK time." in file["read-me.txt"]


@pytest.mark.parametrize("spoil", [str.upper, "{}.".format, "{}),".format, lambda link: link.replace("0", "O")])
def test_a_link_that_was_typed_off_a_letter_or_copied_with_its_full_stop_leads_to_its_page(
    desk: CaseDesk, spoil: Callable[[str], str]
) -> None:
    token = desk.report()["customer_token"]
    answer = desk.http.get(f"/c/{spoil(token)}", follow_redirects=True)
    assert (answer.status_code, answer.url.path) == (200, f"/c/{token}")


def test_a_link_that_no_spelling_makes_right_still_says_so_kindly(desk: CaseDesk) -> None:
    answer = desk.http.get("/c/c_CUT-OFF", follow_redirects=True)
    assert answer.status_code == 404
    assert "You did nothing wrong." in answer.text


def test_who_lost_the_link_is_told_where_to_get_another(desk: CaseDesk) -> None:
    assert "lost the address of your page?" in desk.http.get("/complain").text


def test_who_pressed_found_by_a_slip_is_led_to_the_way_back(desk: CaseDesk) -> None:
    link = f"/c/{desk.report(claim_type='never_received')['customer_token']}"
    assert desk.http.post(f"{link}/found").status_code == 303
    page = desk.http.get(link).text
    assert "Was it a slip?" in page
    assert "Open my case again" in page
