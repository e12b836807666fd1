"""A free collection is booked by the customer or by whoever speaks with them, and is a promise with a day."""

from pathlib import Path
from typing import Any

import pytest

from custody.disputes.civil import civil_date, day_in_words
from custody.disputes.collection import CollectionWindow, as_collection, between, collection_days
from custody.disputes.promise import A_COLLECTION
from custody.kernel.clock import from_iso
from tests.doors.case_desk import CaseDesk
from tests.doors.command_line import CommandLine


@pytest.fixture
def told(desk: CaseDesk) -> dict[str, Any]:
    return desk.report(claim_type="substituted")


@pytest.fixture
def days(desk: CaseDesk) -> list[str]:
    """The days on which it can be collected."""
    return [day.isoformat() for day in collection_days(civil_date(desk.house.parts.clock.now_ms()))]


def booked(desk: CaseDesk, told: dict[str, Any]) -> list[dict[str, Any]]:
    return [promise for promise in desk.view(told)["promises"] if promise["what"] == A_COLLECTION]


def ask(desk: CaseDesk, told: dict[str, Any], day: str, window: str = "morning") -> Any:
    path = f"/v1/customer/{told['customer_token']}/collection"
    return desk.http.post(path, json={"collect_on": day, "window": window})


def test_the_customer_chooses_the_day_and_it_is_promised_and_told(
    desk: CaseDesk, told: dict[str, Any], days: list[str]
) -> None:
    page = desk.http.get(f"/c/{told['customer_token']}").text
    assert all(f'value="{day}"' in page for day in days)
    form = {"collect_on": days[2], "window": "afternoon"}
    done = desk.http.post(f"/c/{told['customer_token']}/collection", data=form)
    assert "done=c_collection" in done.headers["location"]
    (promise,) = booked(desk, told)
    today = civil_date(desk.house.parts.clock.now_ms())
    chosen = as_collection(day=collection_days(today)[2], window="afternoon", today=today)
    assert from_iso(promise["due"]) == chosen.due_ms
    last = desk.own(told)["messages"][-1]["text"]
    assert day_in_words(chosen.day) in last
    assert between(CollectionWindow.AFTERNOON) in last
    (line,) = [line for line in desk.view(told)["timeline"] if line["kind"] == "collection_booked"]
    assert line["actor"] == "customer"


def test_a_day_that_cannot_be_had_is_said_beside_its_field_and_stays_typed(
    desk: CaseDesk, told: dict[str, Any], days: list[str]
) -> None:
    assert ask(desk, told, "2026-01-04").json()["type"].endswith(":collect_on")
    assert ask(desk, told, days[0], "midnight").json()["type"].endswith(":window")
    form = {"collect_on": "2026-01-04", "window": "evening"}
    page = desk.http.post(f"/c/{told['customer_token']}/collection", data=form)
    assert page.status_code == 422
    assert 'id="collection-collect_on-fault"' in page.text
    assert not booked(desk, told)


def test_another_time_takes_the_place_of_the_one_before_and_the_same_is_booked_once(
    desk: CaseDesk, told: dict[str, Any], days: list[str]
) -> None:
    for day in (days[0], days[0], days[3]):
        assert ask(desk, told, day).status_code == 201
    assert [promise["state"] for promise in booked(desk, told)].count("void") == 1
    (stands,) = [promise for promise in booked(desk, told) if promise["state"] != "void"]
    assert stands["due"].startswith(days[3])


def test_nothing_is_collected_where_nothing_wrong_was_left(desk: CaseDesk, days: list[str]) -> None:
    for told in (desk.report(claim_type="never_received"), desk.report()):
        assert ask(desk, told, days[0]).status_code == 409
        page = desk.http.get(f"/c/{told['customer_token']}").text
        assert "collection-title" not in page
        console = desk.http.get(f"/console/cases/{told['dispute']}", headers=desk.by("agent-1")).text
        assert "moves/collect" not in console


def test_staff_book_it_on_the_console_and_the_command_line(
    desk: CaseDesk, told: dict[str, Any], days: list[str], tmp_path: Path
) -> None:
    page = f"/console/cases/{told['dispute']}"
    assert f"{page}/moves/collect" in desk.http.get(page, headers=desk.by("agent-1")).text
    form = {"collect_on": days[1], "window": "evening"}
    done = desk.http.post(f"{page}/moves/collect", data=form, headers=desk.by("agent-1"))
    assert "done=collected" in done.headers["location"]
    shell = CommandLine(address=desk.house.address, token=desk.house.token("agent-1"), folder=tmp_path)
    more = ("--with", f"collect_on={days[4]}", "--with", "window=morning")
    said = shell.run("dispute", "move", told["dispute"], "collect", *more).out
    assert A_COLLECTION in said
    assert len(booked(desk, told)) == 2
    assert "Send window" in shell.run("dispute", "move", told["dispute"], "collect", *more[:2], expect=1).err


def test_it_goes_on_when_all_is_put_right_and_is_kept_by_what_shows_it(
    desk: CaseDesk, told: dict[str, Any], days: list[str]
) -> None:
    link = f"/v1/customer/{told['customer_token']}"
    assert ask(desk, told, days[-1]).is_success
    assert desk.http.post(f"{link}/choose", json={"remedy": "replacement"}).is_success
    assert desk.event(told, "agent-1", "delivered_or_paid", reference="JJD-COLLECT-1").is_success
    assert booked(desk, told)[0]["state"] == "made", "the remedy keeps no promise of a collection"
    assert desk.http.post(f"{link}/confirm").is_success
    assert desk.state(told) == "closed"
    (promise,) = booked(desk, told)
    assert promise["state"] == "made"
    kept = {"promise": promise["promise"], "reference": "VAN-7"}
    assert desk.event(told, "agent-1", "promise_kept", **kept).is_success
    assert booked(desk, told)[0]["state"] == "kept"


def test_it_ends_with_a_report_that_is_taken_back(desk: CaseDesk, told: dict[str, Any], days: list[str]) -> None:
    assert ask(desk, told, days[0]).is_success
    assert desk.http.post(f"/v1/customer/{told['customer_token']}/withdraw").is_success
    assert [promise["state"] for promise in booked(desk, told)] == ["void"]
    assert ask(desk, told, days[0]).status_code == 409
