"""Each answer of the front line that was overturned stands in a list of its week, by place, and names nobody."""

import html
import re
from datetime import date, timedelta
from typing import Any

import pytest

from api.pages import words
from custody.disputes.civil import civil_date
from custody.disputes.overturned import PLACES
from custody.kernel.system_clock import SystemClock
from tests.doors.case_desk import SEEN, CaseDesk


def week_of(day: date) -> str:
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"


def listed(desk: CaseDesk, week: str | None = None, account: str = "supervisor-1") -> dict[str, Any]:
    asked = {} if week is None else {"week": week}
    answer = desk.http.get("/v1/overturned", params=asked, headers=desk.by(account))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def answers(desk: CaseDesk, told: dict[str, Any]) -> list[tuple[str, str]]:
    """The place and the kind of each overturned answer of a case this week."""
    return [
        (place["place"], each["answer"])
        for place in listed(desk)["places"]
        for each in place["answers"]
        if each["dispute"] == told["dispute"]
    ]


def by_agent(desk: CaseDesk, **facts: Any) -> dict[str, Any]:
    """A report that somebody at a counter took down."""
    body = {"words": "The jack is quiet.", "channel": "shop", **facts}
    answer = desk.http.post("/v1/disputes", json=body, headers=desk.by("agent-1"))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize(
    ("channel", "place"), [("Asked for Ann Smith, London", "elsewhere"), ("Shop ", "shop"), ("phone", "phone")]
)
def test_a_place_is_one_of_our_words_and_never_what_somebody_wrote_of_the_channel(
    desk: CaseDesk, channel: str, place: str
) -> None:
    told = by_agent(desk, claim_type="customer_damage", custody_words="at home", channel=channel)
    assert desk.event(told, "investigator-1", "classify", claim_type="defective", agreed=True).is_success
    assert answers(desk, told) == [(place, "kind")]
    page = desk.http.get("/console/overturned", headers=desk.by("supervisor-1")).text
    assert "Ann Smith" not in page
    assert {*PLACES} == {*words.PLACES}


def proposed(desk: CaseDesk) -> dict[str, Any]:
    told = desk.not_fixed(channel="phone")
    assert desk.event(told, "investigator-1", "propose_decline", findings=[SEEN]).is_success
    desk.speaks(told)
    return told


def test_a_kind_that_the_shop_set_and_somebody_else_put_right_is_listed(desk: CaseDesk) -> None:
    told = by_agent(desk, claim_type="customer_damage", custody_words="at home")
    assert answers(desk, told) == []
    kind = {"claim_type": "defective", "agreed": True}
    assert desk.event(told, "investigator-1", "classify", **kind).is_success
    assert answers(desk, told) == [("shop", "kind")]


def test_who_puts_their_own_answer_or_the_customers_word_right_overturns_nothing(desk: CaseDesk) -> None:
    own = by_agent(desk, claim_type="damaged", custody_words="in the box")
    word = desk.report(claim_type="never_received")
    for told in (own, word):
        assert desk.event(told, "agent-1", "classify", claim_type="defective", agreed=True).is_success
        assert answers(desk, told) == []


def test_a_second_persons_no_to_a_decline_and_a_decline_that_is_taken_back_are_listed(desk: CaseDesk) -> None:
    refused, declined = proposed(desk), proposed(desk)
    assert desk.event(refused, "supervisor-1", "heard_accepted", why="They had it repaired.").is_success
    assert answers(desk, refused) == [("phone", "decline_proposed")]
    assert desk.event(declined, "supervisor-1", "decline", why="The camera shows it.", heard=True).is_success
    assert answers(desk, declined) == []
    assert desk.event(declined, "supervisor-1", "we_changed_our_mind").is_success
    assert answers(desk, declined) == [("phone", "declined")]


def test_what_a_customer_was_told_and_was_rebutted_is_listed(desk: CaseDesk) -> None:
    told = desk.report(channel="chat", told=[{"what": "a case for the new phone"}])
    (word,) = desk.view(told)["told"]
    said = {"event": "rebut", "told": word["told"], "why": "It was for another phone."}
    path = f"/v1/disputes/{told['dispute']}/events"
    assert desk.http.post(path, json=said, headers=desk.by("agent-1")).is_success
    assert answers(desk, told) == [("chat", "told")]


def test_the_list_names_no_person_and_counts_none(desk: CaseDesk) -> None:
    told = by_agent(desk, claim_type="damaged", custody_words="in the box")
    assert desk.event(told, "investigator-1", "classify", claim_type="defective", agreed=True).is_success
    found = listed(desk)
    text = str(found) + desk.http.get("/console/overturned", headers=desk.by("supervisor-1")).text.split("<main", 1)[1]
    assert told["dispute"] in text
    for name in ("agent-1", "investigator-1"):
        assert name not in text
    assert {name for place in found["places"] for each in place["answers"] for name in each} == {
        "dispute",
        "order",
        "answer",
        "at",
    }


def test_a_week_is_from_monday_to_sunday_and_another_one_has_its_own(desk: CaseDesk) -> None:
    told = by_agent(desk, claim_type="damaged", custody_words="in the box")
    assert desk.event(told, "investigator-1", "classify", claim_type="defective", agreed=True).is_success
    today = civil_date(SystemClock().now_ms())
    now = listed(desk, week_of(today))
    assert now == listed(desk)
    monday = today - timedelta(days=today.weekday())
    assert (now["from"], now["until"]) == (monday.isoformat(), (monday + timedelta(days=6)).isoformat())
    assert (now["earlier"], now["later"]) == (week_of(monday - timedelta(days=7)), None)
    before = listed(desk, now["earlier"])
    assert before["places"] == []
    assert before["later"] == now["week"]


def test_supervisors_read_it_on_a_page_and_find_it_from_every_page(desk: CaseDesk) -> None:
    told = by_agent(desk, claim_type="damaged", custody_words="in the box")
    assert desk.event(told, "investigator-1", "classify", claim_type="defective", agreed=True).is_success
    page = desk.http.get("/console/overturned", headers=desk.by("supervisor-1"))
    text = html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text)))
    assert page.status_code == 200
    assert f'href="/console/cases/{told["dispute"]}"' in page.text
    assert "The kind was changed by somebody else" in text
    assert 'href="/console/overturned"' in desk.http.get("/console/cases", headers=desk.by("supervisor-1")).text
    assert 'href="/console/overturned"' not in desk.http.get("/console/cases", headers=desk.by("agent-1")).text


@pytest.mark.parametrize("account", ["agent-1", "investigator-1"])
def test_nobody_else_reads_it(desk: CaseDesk, account: str) -> None:
    for path in ("/v1/overturned", "/console/overturned"):
        assert desk.http.get(path, headers={**desk.by(account), "accept": "application/json"}).status_code == 403


@pytest.mark.parametrize(
    "week", ["", "2026", "2026-W54", "2026-W00", "2026-W1", "0000-W01", "0001-W01", "9999-W52", "2026-w48", "2026-W٤٨"]
)
def test_what_is_no_week_is_refused(desk: CaseDesk, week: str) -> None:
    for path in ("/v1/overturned", "/console/overturned"):
        assert desk.http.get(path, params={"week": week}, headers=desk.by("supervisor-1")).status_code == 422


def test_of_an_erased_case_the_week_keeps_what_was_overturned_and_no_place(desk: CaseDesk) -> None:
    told = proposed(desk)
    assert desk.event(told, "supervisor-1", "heard_accepted", why="They had it repaired.").is_success
    assert desk.event(told, "agent-1", "offer").is_success
    assert desk.http.post(f"/c/{told['customer_token']}/withdraw").status_code == 303
    body = {"target": told["dispute"], "reason": "asked for it"}
    assert desk.http.post("/v1/erasures", json=body, headers=desk.by("supervisor-1")).status_code == 201
    assert answers(desk, told) == [("erased", "decline_proposed")]
