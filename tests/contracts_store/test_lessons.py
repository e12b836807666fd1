"""What is asked for beyond the rules, and what is learned, is listed the same on both engines, a page at a time."""

from dataclasses import replace

import pytest

from custody.disputes.exception import AskedException
from custody.disputes.lesson import Lesson, LessonKind
from custody.kernel.errors import NotFound, Rejected
from custody.store import exception_book, lesson_book
from custody.store.unit import House

ASKED = AskedException(
    id="exception_0",
    case_id="case_a",
    asked_for="a loan abroad",
    gap="No rule.",
    asked_by="Sam",
    approver="ada",
    asked_ms=1,
    due_ms=10,
)
LESSON = Lesson(
    id="lesson_0", case_id="case_a", kind=LessonKind.GAP, says="No rule.", owner="ada", opened_ms=1, due_ms=10
)


def put(house: House, *values: AskedException | Lesson) -> None:
    with house.unit() as unit:
        for value in values:
            (exception_book.put if isinstance(value, AskedException) else lesson_book.put)(unit, value)  # type: ignore[operator]  # each book takes its own


def test_exceptions_are_listed_newest_first_in_pages_and_by_whether_they_have_an_answer(house: House) -> None:
    several = [replace(ASKED, id=f"exception_{n}", asked_ms=n // 2, due_ms=10 - n) for n in range(5)]
    put(house, *several, replace(ASKED, id="exception_9", state="granted", approver="bo"))
    with house.read() as session:
        pages, after = list[str](), None
        while page := exception_book.listing(session, waiting=True, after=after, limit=2):
            pages += [one.id for one in page]
            after = page[-1].id
        assert pages == ["exception_4", "exception_3", "exception_2", "exception_1", "exception_0"]
        assert [one.id for one in exception_book.listing(session, waiting=False, after=None, limit=9)] == [
            "exception_9"
        ]
        assert exception_book.waiting_for(session, ["ada", "bo"]) == {"ada": 5}
        late = exception_book.unanswered(session, now_ms=9, limit=9)
        assert [one.due_ms for one in late] == [6, 7, 8], "the longest overdue first"
        with pytest.raises(Rejected, match="no page ended"):
            exception_book.listing(session, waiting=True, after="exception_none", limit=1)


def test_what_waits_is_known_by_its_case_and_stands_in_the_one_that_it_went_to(house: House) -> None:
    put(house, ASKED)
    with house.read() as session:
        assert exception_book.waits_in(session, ["case_b", "case_a"])
        assert not exception_book.waits_in(session, ["case_b"])
    put(house, replace(ASKED, case_id="case_b"))
    with house.read() as session:
        assert exception_book.of_case(session, "case_a") == []
        assert [one.case_id for one in exception_book.of_case(session, "case_b")] == ["case_b"]


def test_lessons_are_listed_by_kind_and_by_whether_they_are_learned(house: House) -> None:
    two = replace(LESSON, id="lesson_1", kind=LessonKind.TWO_ANSWERS, opened_ms=2)
    put(house, LESSON, two, replace(LESSON, id="lesson_2", state="learned", change="Changed.", learned_ms=3))
    with house.read() as session:

        def listed(*, kind: str | None = None, learned: bool = False, after: str | None = None) -> list[str]:
            found = lesson_book.listing(session, kind=kind, learned=learned, after=after, limit=9)
            return [lesson.id for lesson in found]

        assert listed() == ["lesson_1", "lesson_0"]
        assert listed(kind="gap") == ["lesson_0"]
        assert listed(after="lesson_1") == ["lesson_0"]
        assert listed(learned=True) == ["lesson_2"]
        assert lesson_book.open_count_of(session, ["ada", "bo"]) == {"ada": 2}
    with house.unit() as unit, pytest.raises(NotFound, match="no lesson"):
        lesson_book.hold_one(unit, "lesson_none")
