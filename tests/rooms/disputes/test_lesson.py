"""What the house learns from its own answers has an owner and a day, and is learned once a change is written down."""

from itertools import product

import pytest

from custody.disputes.case_guards import reasons
from custody.disputes.lesson import LEARNING_DAYS, LESSON, LessonKind, open_lesson
from custody.disputes.machine import CaseRole, step
from custody.disputes.policy import DEFAULT_POLICY as POLICY
from custody.kernel.clock import DAY_MS, from_iso
from custody.kernel.errors import Conflict, Forbidden

NOW = from_iso("2026-05-11T08:00:00+01:00")


@pytest.mark.parametrize("kind", LessonKind)
def test_a_lesson_has_an_owner_and_the_days_of_the_policy(kind: LessonKind) -> None:
    lesson = open_lesson(kind, name="l", case_id="c", says="No rule.", owner="ada", now_ms=NOW, policy=POLICY)
    assert (lesson.owner, lesson.state, lesson.due_ms) == ("ada", LESSON.start, NOW + 14 * DAY_MS)
    assert LESSON.facts("open").clock == LEARNING_DAYS


@pytest.mark.parametrize(("role", "change"), list(product(CaseRole, ("Loans abroad are in the rules.", " ", None))))
def test_only_a_supervisor_says_that_it_is_learned_and_only_with_what_was_changed(
    role: CaseRole, change: str | None
) -> None:
    guards = {"change_written": reasons(change)}
    if role is CaseRole.SUPERVISOR and change and change.strip():
        assert step(LESSON, "open", "learn", role, guards).target == "learned"
        return
    with pytest.raises((Conflict, Forbidden)):
        step(LESSON, "open", "learn", role, guards)
