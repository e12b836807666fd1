"""What an event of a case needs has to be said: words of blanks say nothing, whichever event they come with."""

from typing import Any

import pytest

from tests.doors.case_desk import CaseDesk

BLANK = "  \n "


@pytest.mark.parametrize(
    ("event", "body", "name"),
    [
        ("ask", {"item": "photo", "text": BLANK}, "text"),
        ("ask", {"item": BLANK, "text": "A photo, if you have one."}, "item"),
        ("order_days", {"order_days": {"delivered": "2026-05-01"}, "reference": BLANK}, "reference"),
        ("in_favour", {"in_favour": "vetting", "words": BLANK}, "words"),
        ("exception", {"asked_for": BLANK, "gap": "No rule."}, "asked_for"),
        ("support_needs", {}, "support_needs"),
    ],
)
def test_an_event_whose_words_say_nothing_is_refused_by_their_name_and_moves_nothing(
    desk: CaseDesk, event: str, body: dict[str, Any], name: str
) -> None:
    told = desk.report(claim_type="defective", order=desk.sold(f"SO-BLANK-{event}-{name}"))
    version = desk.view(told)["version"]
    refused = desk.event(told, "agent-1", event, **body)
    assert (refused.status_code, refused.json()["detail"]) == (422, f"{name} is missing")
    assert desk.view(told)["version"] == version
