"""In every state that waits for us a clock of ours runs, which staff see: also where a case has come back."""

from dataclasses import replace
from typing import Any

import pytest

from custody.disputes.case import ADR_EVENT
from custody.kernel.clock import DAY_MS, HOUR_MS, from_iso
from custody.store import case_book
from tests.doors.case_desk import OURS, SEEN, CaseDesk


def due(desk: CaseDesk, told: dict[str, Any]) -> dict[str, str]:
    """Our own clocks of a case, with their ends."""
    return {clock["clock"]: clock["due"] for clock in desk.view(told)["clocks"] if "legal" not in clock}


def ahead_ms(desk: CaseDesk, told: dict[str, Any], clock: str) -> int:
    """How long a clock still has to run."""
    return from_iso(due(desk, told)[clock]) - desk.house.parts.clock.now_ms()


def offered(desk: CaseDesk, told: dict[str, Any]) -> str:
    """What the page of a case says of the clock of its offer."""
    page = desk.http.get(f"/console/cases/{told['dispute']}", headers=desk.by("agent-1") | OURS).text
    return page.split("Remedy offered</th>")[1].split("</tr>")[0]


def test_a_case_that_came_back_has_a_clock_for_its_offer_that_is_not_done(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective")
    first = due(desk, told)["remedy_offer_hours"]
    assert "done" in offered(desk, told)
    link = f"/c/{told['customer_token']}"
    desk.http.post(f"{link}/choose", data={"remedy": "advance_swap"})
    assert "offer_choice_days" not in due(desk, told)
    assert desk.event(told, "agent-1", "delivered_or_paid", reference="JJD1").is_success
    assert 6 * DAY_MS < ahead_ms(desk, told, "confirm_days") <= 7 * DAY_MS
    desk.http.post(f"{link}/disagree")
    assert "done" not in offered(desk, told), "an offer of before helps nobody"
    assert due(desk, told)["remedy_offer_hours"] > first
    assert 23 * HOUR_MS < ahead_ms(desk, told, "remedy_offer_hours") <= 24 * HOUR_MS
    assert "confirm_days" not in due(desk, told)
    assert desk.event(told, "agent-1", "offer").is_success
    assert "done" in offered(desk, told)
    assert "offer_choice_days" in due(desk, told)


def test_the_offers_clock_stands_still_while_we_wait_for_what_we_asked(desk: CaseDesk) -> None:
    told = desk.not_fixed()
    before = due(desk, told)["remedy_offer_hours"]
    assert desk.event(told, "agent-1", "ask", item="tape", text="Which colour has the tape?").is_success
    assert 6 * DAY_MS < ahead_ms(desk, told, "ask_open_days") <= 7 * DAY_MS
    (ask,) = desk.view(told)["asks"]
    desk.http.post(f"/v1/customer/{told['customer_token']}/answer", json={"ask": ask["ask"], "words": "Brown."})
    after = due(desk, told)
    assert after["remedy_offer_hours"] > before
    assert "ask_open_days" not in after


@pytest.mark.parametrize(("needs", "days"), [([], 10), (["calls in the morning"], 20)])
def test_a_hearing_and_the_pack_for_the_scheme_have_their_days(desk: CaseDesk, needs: list[str], days: int) -> None:
    told = desk.not_fixed(support_needs=needs)
    assert desk.event(told, "investigator-1", "propose_decline", findings=[SEEN]).is_success
    assert (days - 1) * DAY_MS < ahead_ms(desk, told, "hearing_days") <= days * DAY_MS
    assert desk.event(told, "supervisor-1", ADR_EVENT).is_success
    assert "hearing_days" not in due(desk, told)
    desk.http.post("/v1/packs", json={"dispute": told["dispute"]}, headers=desk.by("investigator-1"))
    assert desk.event(told, "agent-1", "adr_accepts", reference="S-1").is_success
    assert 13 * DAY_MS < ahead_ms(desk, told, "adr_evidence_days") <= 14 * DAY_MS


def test_a_case_that_is_over_has_no_clock_that_runs(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective")
    assert desk.http.post(f"/v1/customer/{told['customer_token']}/withdraw").is_success
    assert set(due(desk, told)) == {"ack_minutes", "owner_minutes", "remedy_offer_hours"}


def test_the_page_says_how_long_a_case_waits_and_how_much_of_that_on_the_customer(desk: CaseDesk) -> None:
    told = desk.not_fixed()
    assert desk.event(told, "agent-1", "ask", item="tape", text="Which colour has the tape?").is_success
    with desk.house.parts.house.unit() as unit:
        before = case_book.hold_one(unit, told["dispute"])
        asks = tuple(replace(ask, sent_ms=ask.sent_ms - 2 * DAY_MS) for ask in before.ledger.asks)
        case = replace(before.case, first_word_ms=before.case.first_word_ms - 5 * DAY_MS)
        after = replace(before, case=case, ledger=replace(before.ledger, asks=asks))
        case_book.replace(unit, after, before=before)
    page = desk.http.get(f"/console/cases/{told['dispute']}", headers=desk.by("agent-1") | OURS).text
    assert "<dd>5 days, 2 of them on an answer to what we asked</dd>" in page
