"""What a person reads of a refusal on the console: no code, no field's name, nothing that only a program could send."""

import re
from typing import Any

import pytest

from api.pages.plain_refusals import for_staff
from api.pages.sent_form import Sent
from custody.disputes.inquiry import INVESTIGATION, confidence_stated
from custody.disputes.machine import CaseRole, step
from custody.kernel.errors import Conflict
from tests.doors.case_desk import CaseDesk
from tests.doors.test_case_pages import alert_of, press

CODE = re.compile(r"`|\b[a-z]+_[a-z_]+\b|\bSend \w+ (?:with|as)\b")


@pytest.fixture
def told(desk: CaseDesk) -> dict[str, Any]:
    return desk.report(claim_type="wrong_item")


@pytest.mark.parametrize(
    ("event", "typed", "says"),
    [
        ("people", {}, "Please fill in at least one of the fields."),
        ("order_days", {"reference": "R1"}, "Fill in at least one of the days."),
        ("two_answers", {"what": "a loan today", "other": "no loan"}, "and choose it here."),
    ],
)
def test_a_refused_move_says_on_the_console_what_to_do_there(
    desk: CaseDesk, told: dict[str, Any], event: str, typed: dict[str, str], says: str
) -> None:
    said = alert_of(press(desk, told, "agent-1", event, **typed))
    assert says in said
    assert CODE.search(said) is None


def test_what_comes_on_top_and_does_not_is_refused_by_what_stands_on_the_console(
    desk: CaseDesk, told: dict[str, Any]
) -> None:
    assert press(desk, told, "agent-1", "exception", asked_for="A refund", gap="No rule.").status_code == 303
    (asked,) = desk.view(told)["exceptions"]
    answer = {"exception": asked["exception"], "what": "your money back", "beside": "yes"}
    said = alert_of(press(desk, told, "supervisor-1", "exception_grant", **answer))
    assert "Take the tick away" in said
    assert CODE.search(said) is None


@pytest.mark.parametrize("day", ["20260131", "2026-W05-6"])
def test_a_day_is_taken_in_one_spelling_on_the_console_as_everywhere(
    desk: CaseDesk, told: dict[str, Any], day: str
) -> None:
    refused = press(desk, told, "agent-1", "order_days", delivered=day, reference="R1")
    assert refused.status_code == 422
    assert "Write it as 2026-01-31." in alert_of(refused)


def test_how_likely_it_is_is_asked_for_in_percent_as_the_form_has_it() -> None:
    """Who was told "between 0 and 1" would write .86 and conclude with less than one percent."""
    holds = {"reasons": True, "confidence_stated": confidence_stated(1.4, 0.7, 0.9)}
    with pytest.raises(Conflict) as refused:
        step(INVESTIGATION, "ranked", "conclude", CaseRole.INVESTIGATOR, holds)
    said = for_staff(refused.value)
    assert "percent, from 0 to 100" in said.fix
    assert "0 and 1" not in said.fix
    given = {"finding": "A box.", "probability": "140", "low": "70", "high": "90"}
    assert Sent(form="conclude", given=given, trouble=said).at == "conclude-probability"
