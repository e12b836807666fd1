"""Holder, payer, user and representative of a case are four, by every door; after a death nothing is to be proved."""

import json
import re
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from custody.store import case_book
from custody.store.tables import SaleRow
from simulators.handset import enrol_handset
from simulators.network import World
from tests.doors.case_desk import OURS, CaseDesk
from tests.doors.command_line import CommandLine
from tests.stories.http_service import honest_network

WIFE, HUSBAND, SON, GRANDSON = "Edith Marlowe", "Arthur Marlowe", "Neil Marlowe", "Tom Marlowe"
NUMBERS = count(1)


@pytest.fixture
def told(desk: CaseDesk) -> dict[str, Any]:
    return desk.report(claim_type="substituted")


@pytest.fixture(scope="module")
def network(desk: CaseDesk) -> World:
    """Parcels that travelled and were sold; the handset of the first is registered."""
    made = honest_network(desk.house.staff["supervisor-1"].client, seed=8, parcels=4)
    enrol_handset(desk.house.staff["supervisor-1"].client, made.past.parcels[0].unit, seed="people")
    return made


def names(desk: CaseDesk, told: dict[str, Any], **people: Any) -> Any:
    """The customer says who is who."""
    return desk.http.post(f"/v1/customer/{told['customer_token']}/people", json=people)


def last(desk: CaseDesk, told: dict[str, Any]) -> str:
    return str(desk.own(told)["messages"][-1]["text"])


def test_a_widowed_persons_contract_moves_without_new_proof(desk: CaseDesk, told: dict[str, Any]) -> None:
    assert names(desk, told, holder=WIFE, user=GRANDSON).status_code == 201
    assert names(desk, told, died=["holder"], holder=HUSBAND).status_code == 201
    view = desk.view(told)
    assert view["people"]["holder"]["name"] == HUSBAND
    assert view["people"]["user"]["name"] == GRANDSON
    assert (view["written_to"], view["paid_to"]) == ("holder", "holder")
    assert "no paper" in last(desk, told)
    assert view["state"] == "remedy_offered", "nothing waits for it"
    again = desk.not_fixed()
    assert names(desk, again, died=["holder"]).is_success
    for item in ("death certificate", "proof of identity", "copy of the will"):
        asked = desk.event(again, "agent-1", "ask", item=item, text="Please send it to us.")
        assert asked.status_code == 422
        assert asked.json()["type"].endswith(":never_asked")


def test_no_name_that_was_told_is_asked_for_again(desk: CaseDesk) -> None:
    told = desk.not_fixed()
    assert names(desk, told, holder=WIFE).is_success
    asked = desk.event(told, "agent-1", "ask", item="the name of the holder", text="Who has the contract?")
    assert asked.status_code == 409
    assert asked.json()["type"].endswith(":held_by_us")


def test_what_we_write_goes_to_whoever_speaks_for_the_customer(desk: CaseDesk, told: dict[str, Any]) -> None:
    assert names(desk, told, holder=HUSBAND, representative=SON, write_to="neil@example.org").is_success
    assert "whoever speaks for you" in last(desk, told)
    assert desk.view(told)["written_to"] == "representative"
    page = desk.http.get(f"/console/cases/{told['dispute']}", headers=desk.by("agent-1")).text
    assert "neil@example.org" in page
    assert "we write to them" in page


def test_money_goes_back_to_whoever_paid_unless_they_are_gone(desk: CaseDesk) -> None:
    order = {"order": "SO-WIDOWED", "imei": "356938035643809", "paid_by": "credit_card", "price_pence": 60_000}
    assert desk.http.post("/v1/orders", json=order, headers=desk.by("agent-1")).is_success
    told = desk.report(order="SO-WIDOWED", claim_type="substituted")
    choose = f"/v1/customer/{told['customer_token']}/choose"
    assert names(desk, told, payer=SON).is_success
    assert desk.view(told)["paid_to"] == "payer"
    assert "back to your card" in desk.http.get(f"/c/{told['customer_token']}").text.lower()
    assert names(desk, told, died=["payer"], holder=HUSBAND).is_success
    assert desk.view(told)["paid_to"] == "holder"
    assert "back to your card" not in desk.http.get(f"/c/{told['customer_token']}").text.lower()
    refused = desk.http.post(choose, json={"remedy": "refund", "payout": "card_return"})
    assert refused.json()["type"].endswith(":payout_route")
    assert desk.http.post(choose, json={"remedy": "refund", "payout": "cheque"}).is_success


def test_a_lock_waits_for_the_word_of_whoever_uses_the_phone_and_is_judged_then(desk: CaseDesk, network: World) -> None:
    parcel = network.past.parcels[0]
    told = desk.report(order=parcel.order, claim_type="never_received")
    asked = {"imei": parcel.unit.imei, "dispute": told["dispute"]}

    def may_ask() -> bool:
        found = desk.http.get("/v1/locks/preflight", params=asked, headers=desk.by("agent-1")).json()
        return bool(found["may_ask"])

    assert may_ask()
    assert names(desk, told, user=GRANDSON).is_success
    assert not may_ask(), "the phone may be with the grandson"
    assert names(desk, told, user_has_it=False).is_success
    assert may_ask()
    assert names(desk, told, user_has_it=True).is_success
    assert not may_ask()


def test_names_are_told_by_staff_on_the_console_and_the_command_line_and_leave_with_the_case(
    desk: CaseDesk, told: dict[str, Any], tmp_path: Path
) -> None:
    page = f"/console/cases/{told['dispute']}"
    form = {"holder": HUSBAND, "user": GRANDSON, "user_has_not": "yes"}
    done = desk.http.post(f"{page}/moves/people", data=form, headers=desk.by("agent-1"))
    assert "done=people" in done.headers["location"]
    ticked = {"user_has_not": "yes", "user_has": "yes"}
    both = desk.http.post(f"{page}/moves/people", data=ticked, headers=desk.by("agent-1"))
    assert both.status_code == 422
    shell = CommandLine(address=desk.house.address, token=desk.house.token("agent-1"), folder=tmp_path)
    opened = shell.run("dispute", "open", "It never came", "--person", f"user={GRANDSON}").out
    assert f"user: {GRANDSON}" in opened
    more = ("--person", f"representative={SON}", "--person", "died=payer")
    said = shell.run("dispute", "move", told["dispute"], "people", *more).out
    assert f"representative: {SON}" in said
    assert "Send people" in shell.run("dispute", "move", told["dispute"], "people", expect=1).err
    own = json.loads(desk.file(told)["my-case.json"])
    assert own["people"]["holder"]["name"] == HUSBAND
    lines = [line["facts"] for line in desk.view(told)["timeline"] if line["kind"] == "people"]
    assert [line["relations"] for line in lines] == [["holder", "user"], ["payer", "representative"]]
    assert HUSBAND not in json.dumps(lines), "the log keeps no name"
    assert desk.http.post(f"/v1/customer/{told['customer_token']}/withdraw").is_success
    body = {"target": told["dispute"], "reason": "asked"}
    assert desk.http.post("/v1/erasures", json=body, headers=desk.by("supervisor-1")).is_success
    with desk.house.parts.house.read() as session:
        assert case_book.read(session, told["dispute"]).case.people is None


def test_the_page_of_the_customer_takes_names_and_shows_them(desk: CaseDesk, told: dict[str, Any]) -> None:
    link = f"/c/{told['customer_token']}"
    empty = desk.http.post(f"{link}/people", data={})
    assert empty.status_code == 422
    assert 'id="people-holder-fault"' in empty.text
    done = desk.http.post(f"{link}/people", data={"holder": WIFE, "holder_died": "yes", "payer": HUSBAND})
    assert "done=c_people" in done.headers["location"]
    page = desk.http.get(link).text
    assert HUSBAND in page
    assert "We are sorry for your loss." in page


@pytest.mark.parametrize(("path", "by"), [("/complain", None), ("/console/cases", "agent-1")])
def test_a_report_on_a_page_takes_who_is_who_and_shows_it_again_where_it_is_refused(
    desk: CaseDesk, path: str, by: str | None
) -> None:
    headers = OURS if by is None else desk.by(by)
    form = {"words": "It is not right.", "user": GRANDSON, "holder_died": "yes", "representative": SON}
    form["claim_type"] = "never_received"
    empty = desk.http.post(path, data={**form, "words": ""}, headers=headers)
    assert (empty.status_code, f'value="{GRANDSON}"' in empty.text) == (422, True)
    assert re.search(r'name="holder_died" value="yes" checked', empty.text)
    both = desk.http.post(path, data={**form, "user_has": "yes", "user_has_not": "yes"}, headers=headers)
    assert (both.status_code, 'id="user_has-fault"' in both.text) == (422, True)
    done = desk.http.post(path, data=form, headers=headers)
    page = done.text if by else desk.http.get(done.headers["location"]).text
    link = re.search(r"/c/(c_\w+)", done.headers.get("location", "") or page)
    assert link is not None, page
    own = desk.http.get(f"/v1/customer/{link[1]}").json()
    assert (own["people"]["user"]["name"], own["people"]["bereaved"]) == (GRANDSON, True)
    assert own["written_to"] == "representative"


def test_the_names_on_an_order_are_for_staff_and_not_for_whoever_quotes_its_number(desk: CaseDesk) -> None:
    order = {"order": f"SO-PEOPLE-{next(NUMBERS)}", "imei": "356938035643809"}
    people = {"holder": HUSBAND, "user": GRANDSON, "representative": SON, "write_to": "neil@example.org"}
    sold = {**order, "people": people}
    assert desk.http.post("/v1/orders", json=sold, headers=desk.by("agent-1")).is_success
    assert desk.http.post("/v1/orders", json=sold, headers=desk.by("agent-1")).is_success, "the same again"
    told = desk.report(order=order["order"], claim_type="defective")
    view = desk.view(told)
    assert {relation: who["name"] for relation, who in view["people"].items() if isinstance(who, dict)} == {
        "holder": HUSBAND,
        "user": GRANDSON,
        "representative": SON,
    }
    read = (json.dumps(told), json.dumps(desk.own(told)), desk.http.get(f"/c/{told['customer_token']}").text)
    files = [content.decode() for content in desk.file(told).values()]
    assert not [name for name in (HUSBAND, GRANDSON, SON, "neil@") for text in (*read, *files) if name in text]
    assert names(desk, told, payer=WIFE).is_success
    assert WIFE in json.dumps(desk.own(told))
    assert HUSBAND not in json.dumps(desk.own(told))


@pytest.mark.parametrize("said", [{"write_to": "me@stranger.example"}, {"died": ["holder"]}, {"user_has_it": True}])
def test_whoever_quotes_an_order_learns_no_name_of_it_by_saying_something_of_whom_it_names(
    desk: CaseDesk, said: dict[str, Any]
) -> None:
    order = f"SO-PEOPLE-{next(NUMBERS)}"
    people = {"holder": HUSBAND, "user": GRANDSON, "write_to": "arthur@example.org"}
    sold = {"order": order, "imei": "356938035643809", "people": people}
    assert desk.http.post("/v1/orders", json=sold, headers=desk.by("agent-1")).is_success
    told = desk.report(order=order, claim_type="defective")
    assert names(desk, told, **said).is_success
    read = [json.dumps(desk.own(told)), *(content.decode() for content in desk.file(told).values())]
    assert not [name for name in (HUSBAND, GRANDSON, "arthur@") for text in read if name in text]
    assert names(desk, told, holder=HUSBAND).is_success
    own = json.dumps(desk.own(told))
    assert (HUSBAND in own, "arthur@" in own) == (True, False), "a name that they know tells them no more"
    assert desk.view(told)["people"]["holder"]["contact"] == said.get("write_to", "arthur@example.org")


def test_the_names_on_an_order_are_erased_with_its_contact(desk: CaseDesk) -> None:
    order = "SO-PEOPLE-ERASED"
    sold: dict[str, Any] = {"order": order, "imei": "490154203237518", "customer": {"contact": "a@b.uk"}}
    sold["people"] = {"holder": HUSBAND, "write_to": "arthur@b.uk"}
    assert desk.http.post("/v1/orders", json=sold, headers=desk.by("agent-1")).is_success
    told, known = (desk.report(order=order, claim_type="defective") for _ in range(2))
    assert names(desk, told, payer=SON).is_success
    assert names(desk, known, holder=HUSBAND).is_success
    for each in (told, known):
        assert desk.http.post(f"/v1/customer/{each['customer_token']}/withdraw").is_success
    body = {"target": f"po:{order}", "reason": "asked"}
    erased = desk.http.post("/v1/erasures", json=body, headers=desk.by("supervisor-1"))
    assert erased.is_success, erased.text
    with desk.house.parts.house.read() as session:
        facts = session.get_one(SaleRow, order).facts
        people, named = (case_book.read(session, each["dispute"]).case.people for each in (told, known))
    assert HUSBAND not in facts
    assert "a@b.uk" not in facts
    assert people is not None
    assert people.holder is None, "it came from the order into its case, and goes with it"
    assert people.payer is not None, "told in the case, it goes with the case"
    assert named is not None
    assert named.holder is not None
    assert (named.holder.name, named.holder.contact) == (HUSBAND, ""), "how to reach them came from the order"


def test_who_is_named_in_the_report_itself_is_known_before_any_lock_is_judged(desk: CaseDesk, network: World) -> None:
    parcel = network.past.parcels[0]
    told = desk.report(
        order=parcel.order,
        claim_type="never_received",
        people={"user": GRANDSON, "holder": HUSBAND, "died": ["holder"]},
    )
    asked = {"imei": parcel.unit.imei, "dispute": told["dispute"]}
    found = desk.http.get("/v1/locks/preflight", params=asked, headers=desk.by("agent-1")).json()
    assert found["may_ask"] is False
    view = desk.view(told)
    assert [held["item"] for held in view["held"] if held["how"] == "told"] == [
        "name of the holder",
        "name of the user",
    ]
    assert any("sorry for your loss" in message["text"] for message in view["messages"])
    assert desk.report(people={"user": GRANDSON})["people"]["user"]["name"] == GRANDSON
    refused = desk.http.post("/v1/disputes", json={"words": "It is not right.", "people": {"user": " "}})
    assert refused.status_code == 422
