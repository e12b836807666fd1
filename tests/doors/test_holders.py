"""Whoever bought a locked phone types its reference off a screen, on another phone: it is read as they type it."""

import html
import re

import pytest

from custody.disputes.wording import lint_text
from tests.doors.case_desk import CaseDesk

IMEI = "490154203237518"


@pytest.fixture(scope="module")
def reference(desk: CaseDesk) -> str:
    """The number of a lock, as its screen shows it."""
    desk.register(IMEI)
    asked = {"imei": IMEI, "imei_last4": IMEI[-4:], "reason": "missing_from_custody", "evidence": ["note:1"]}
    return str(desk.http.post("/v1/locks", json=asked, headers=desk.by("agent-1")).json()["order"])


@pytest.mark.parametrize(
    "typed",
    [
        str.upper,
        str.capitalize,
        lambda shown: shown.replace("_", " "),
        lambda shown: shown.replace("_", "-").replace("0", "O").replace("1", "l"),
        lambda shown: " ".join(re.findall(".{1,4}", shown.removeprefix("lock_"))),
    ],
)
def test_a_reference_is_read_however_it_was_typed(desk: CaseDesk, reference: str, typed: object) -> None:
    assert callable(typed)
    form = {"reference": typed(reference), "words": "I bought it at a market."}
    answer = desk.http.post("/bought", data=form)
    assert (answer.status_code, answer.headers["location"][:3]) == (303, "/c/")


def test_who_mistyped_it_is_told_what_helps(desk: CaseDesk) -> None:
    form = {"reference": "lock_0k3v9q2m7x4d8r1t", "words": "I bought it at a market."}
    page = desk.http.post("/bought", data=form)
    said = re.search(r'role="alert"[^>]*>(.*?)</div>', page.text, re.DOTALL)
    assert (page.status_code, said is not None) == (404, True)
    told = html.unescape(re.sub(r"<[^>]+>", " ", said[1] if said else ""))
    assert "as the screen shows it" in told
    assert 'aria-invalid="true"' in page.text
    lint_text(told)
    answer = desk.http.post("/v1/holders", json=form).json()
    assert "as the screen shows it" in answer["fix"]
    assert "/v1/" not in answer["fix"], "no door of staff"


def test_the_page_names_whom_the_lock_screen_names_and_the_court_that_anybody_has(desk: CaseDesk) -> None:
    page = desk.http.get("/bought").text
    assert "the independent scheme CISAS can help customers of ours, and the county court anybody" in page
