"""The stored answer of an investigation is read in one place, and never guessed."""

import msgspec
import pytest

from custody.investigation.result import CheckResult
from custody.kernel.errors import Fatal
from custody.store.inquiry_answer import check_result, examined, listed_checks, stored_answer, without_inputs
from custody.store.tables import InquiryRow

CHECK = {"check": "cctv", "title": "The pictures of the cage", "bits": 0.4}
ANSWER = {"headline": "The hub.", "links": [{"site": "hub", "step": "hub_in", "probability": 0.6}], "checks": [CHECK]}
INPUTS = {"inputs": {"dispute": {"id": "case-1"}}}


def inquiry(result: str | None) -> InquiryRow:
    return InquiryRow(id="inquiry-1", dispute="case-1", state="ranked", opened_ms=1, told_ms=1, result=result)


def text(**more: object) -> str:
    return msgspec.json.encode({**ANSWER, **more}).decode()


def test_an_answer_is_read_with_what_it_was_computed_from_apart() -> None:
    assert without_inputs(text(recompute=INPUTS)) == (ANSWER, INPUTS)
    assert without_inputs(text()) == (ANSWER, None)
    assert examined(text(recompute=INPUTS)) == "case-1"


def test_before_a_run_there_is_no_answer_and_no_check() -> None:
    assert stored_answer(inquiry(None)) is None
    assert stored_answer(None) is None
    assert listed_checks(inquiry(None)) == ()


def test_a_check_says_what_its_answer_said_and_nothing_that_came_later() -> None:
    (before,) = listed_checks(inquiry(text()))
    assert msgspec.to_builtins(before) == {"check": "cctv", "title": "The pictures of the cage"}
    later = {**CHECK, "own": "own: cage", "stay": None, "who": "the depot"}
    (check,) = listed_checks(inquiry(text(checks=[later])))
    assert list(msgspec.to_builtins(check)) == ["check", "title", "own", "stay", "who"]


def test_a_line_whose_words_were_erased_is_no_result() -> None:
    shown = {"check": "cctv", "title": "The pictures of the cage", "found": False, "line": 4}
    told = CheckResult(check="cctv", title="The pictures of the cage", found=False)
    assert check_result(msgspec.json.encode(shown).decode()) == told
    for gone in ("check", "title", "found"):
        rest = {name: value for name, value in shown.items() if name != gone}
        assert check_result(msgspec.json.encode(rest).decode()) is None


@pytest.mark.parametrize("broken", ["", "[]", '{"headline": 1}', "{"])
def test_what_nobody_wrote_is_refused_and_not_guessed(broken: str) -> None:
    with pytest.raises(Fatal, match="stored_inquiry"):
        stored_answer(inquiry(broken))
    with pytest.raises(Fatal, match="stored_inquiry"):
        examined(broken)
    with pytest.raises(Fatal, match="stored_inquiry"):
        check_result('{"found": "yes"}')
