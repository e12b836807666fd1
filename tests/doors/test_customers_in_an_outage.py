"""What a customer reads while our database does not answer: plain words, a number to call, and all that they typed."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from custody.disputes.wording import lint_text
from tests.doors.case_desk import CaseDesk

STORY = "A power bank came, and I am at work all day."
OURS_ALONE = ("database", "request", "Nothing was changed")


@contextmanager
def nothing_answers(desk: CaseDesk) -> Iterator[None]:
    """The database is gone: nothing is read, and nothing is written."""

    def refuse(_connection: Any) -> None:
        raise OperationalError("BEGIN", {}, OSError("no answer"))

    engine = desk.house.parts.engine
    event.listen(engine, "begin", refuse)
    try:
        yield
    finally:
        event.remove(engine, "begin", refuse)


def words_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.partition("<main")[2]))


def test_a_page_that_cannot_be_opened_says_that_it_is_ours_and_whom_to_call(desk: CaseDesk) -> None:
    link = f"/c/{desk.report()['customer_token']}"
    with nothing_answers(desk):
        answers = [desk.http.get(link), desk.http.get(f"{link}/file")]
    for answer in answers:
        said = words_of(answer.text)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        assert desk.house.parts.settings.support_phone in said
        assert [word for word in OURS_ALONE if word in said] == []


@pytest.mark.parametrize(
    ("form", "given"),
    [
        ("words", {"words": STORY}),
        ("data", {"words": STORY, "about": "copy"}),
        ("told", {"told": STORY, "told_by": "the shop"}),
        ("people", {"representative": STORY}),
    ],
)
def test_what_a_customer_typed_is_shown_again_where_it_could_not_be_kept(
    desk: CaseDesk, form: str, given: dict[str, str]
) -> None:
    link = f"/c/{desk.report()['customer_token']}"
    with nothing_answers(desk):
        answer = desk.http.post(f"{link}/{form}", data=given)
    assert answer.status_code == 503
    assert STORY in words_of(answer.text)
    assert [word for word in OURS_ALONE if word in words_of(answer.text)] == []


@pytest.mark.parametrize("page", ["/complain", "/bought"])
def test_an_open_form_that_could_not_be_kept_comes_back_in_plain_words(desk: CaseDesk, page: str) -> None:
    with nothing_answers(desk):
        answer = desk.http.post(page, data={"words": STORY, "reference": "lock_0k3v9q2m7x4d8r1t"})
    (alert,) = re.findall(r'role="alert"[^>]*>\s*<p>(.*?)</p>', answer.text, re.DOTALL)
    said = re.sub(r"<[^>]+>", "", alert)
    lint_text(said)
    assert [word for word in OURS_ALONE if word in said] == []
    assert STORY in answer.text


def test_staff_are_told_that_the_records_cannot_be_written_and_whom_to_tell(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective")
    with nothing_answers(desk):
        answer = desk.http.get(f"/console/cases/{told['dispute']}", headers=desk.by("agent-1"))
    assert "tell whoever runs the service" in words_of(answer.text)
    assert "request" not in words_of(answer.text)
