"""A lesson: what the house has to learn from an answer of its own, with an owner and a day; its table.

- A gap: somebody needed what no rule gives (`exception`). It is a lesson from then on, whatever is answered.
- Two answers: one question was answered in two ways (`two_answers`).
- It is learned once somebody wrote down what was changed. It is about rules and answers, and no person.
"""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

from custody.disputes.case_guards import reasons
from custody.disputes.machine import CaseRole, Guard, Machine, StateFacts, Transition
from custody.disputes.policy import CaseworkPolicy
from custody.disputes.work_clocks import work_clock
from custody.kernel.clock import Instant

LEARNING_DAYS = "learning_days"
LessonState = Literal["open", "learned"]


class LessonKind(StrEnum):
    """What the house learns from."""

    GAP = "gap"
    TWO_ANSWERS = "two_answers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What is to be learned. `says` is what was found; `change` what was changed for good, once it was."""

    id: str
    case_id: str
    kind: LessonKind
    says: str
    owner: str
    opened_ms: Instant
    due_ms: Instant
    state: LessonState = "open"
    change: str = ""
    learned_ms: Instant | None = None


def open_lesson(
    kind: LessonKind, *, name: str, case_id: str, says: str, owner: str, now_ms: Instant, policy: CaseworkPolicy
) -> Lesson:
    """A lesson with the days of the policy to learn it."""
    due_ms = work_clock(LEARNING_DAYS, now_ms, policy=policy).due_ms
    return Lesson(id=name, case_id=case_id, kind=kind, says=says, owner=owner, opened_ms=now_ms, due_ms=due_ms)


LESSON: Machine[LessonState] = Machine(
    name="lesson",
    start="open",
    terminal=frozenset({"learned"}),
    states=MappingProxyType(
        {
            "open": StateFacts(owner=CaseRole.SUPERVISOR, clock=LEARNING_DAYS),
            "learned": StateFacts(owner=None, clock=None),
        }
    ),
    transitions=(
        Transition(
            source="open", target="learned", event="learn", who=(CaseRole.SUPERVISOR,), guards=("change_written",)
        ),
    ),
    guards=MappingProxyType(
        {
            "change_written": Guard(
                means="What was changed is written down.",
                fix="Write down what was changed, in a sentence.",
                holds=reasons,
            )
        }
    ),
)
