"""An exception: something that a customer needs and no rule gives, asked of somebody who may decide; its table.

- Somebody of ours writes down what is needed, and why no rule gives it. It has an approver by name from then on, who is
  another person than whoever asked (`api/people/persons.py`).
- After the hours of the policy without an answer it passes to another approver, and again after as many; it rings each
  time (`api/rounds/unanswered_exceptions.py`). Any other supervisor may answer before.
- The answer is a yes, or something else instead, with reasons that the customer reads. Either is a promise with a day.
  There is no other answer. A customer who takes the report back takes back what waits, and no answer is owed; it is
  asked anew if they still need it.
- Nothing waits for it: no offer, no choice, no payment. Only a case does not close by silence while one is asked.
- What no rule gives is a lesson, whatever is answered (`lesson`).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, Literal

from custody.disputes.case_guards import reasons
from custody.disputes.machine import CaseRole, Guard, Machine, StateFacts, Transition, step
from custody.disputes.outside_promise import SOMETHING_TOLD, Told, check_told, spoken
from custody.disputes.policy import CaseworkPolicy
from custody.disputes.work_clocks import work_clock
from custody.kernel.clock import Instant
from custody.kernel.errors import Rejected

APPROVER_HOURS = "exception_approver_hours"
AS_AGREED = "as we agreed"
"""By which way it is done, where nothing else was said."""
SOMETHING_ASKED = "what you asked us for"
"""In the place of what was asked for in words that no message can have."""
MOST_WORDS = 500
TAKEN_BACK: Final = "taken_back"
"""Where it stands that the customer took back with their report."""
ExceptionState = Literal["asked", "granted", "instead", "taken_back"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedException:
    """What was asked for, as it stands in a case.

    `asked_by`: the person who asked. `due_ms`: until when the approver answers. `passed`: how often it went to another
    one. `why`: the reasons of something else instead. `promise_id`: what it became. `order_ref`: of the order that it
    is for, if a report of another order was joined into its case.
    """

    id: str
    case_id: str
    asked_for: str
    gap: str
    asked_by: str
    approver: str
    asked_ms: Instant
    due_ms: Instant
    state: ExceptionState = "asked"
    passed: int = 0
    why: str = ""
    promise_id: str | None = None
    order_ref: str | None = None

    @property
    def is_asked(self) -> bool:
        """Whether it waits for its answer."""
        return self.state == EXCEPTION.start

    @property
    def said(self) -> str:
        """What was asked for, as messages have it."""
        return say_asked(self.asked_for, self.asked_ms)


def say_asked(asked_for: str, asked_ms: Instant) -> str:
    """What was asked for, in its own words where a message can have them."""
    words = spoken(Told(what=asked_for, by_whom="", told_us_ms=asked_ms))
    return SOMETHING_ASKED if words == SOMETHING_TOLD else words


def ask_exception(
    *,
    name: str,
    case_id: str,
    asked_for: str,
    gap: str,
    asked_by: str,
    approver: str,
    now_ms: Instant,
    policy: CaseworkPolicy,
) -> AskedException:
    """What is asked for now; raises `Rejected` where it is not said what, or why no rule gives it."""
    fix = f"Say it in 1 to {MOST_WORDS} letters."
    if not asked_for.strip() or len(asked_for) > MOST_WORDS:
        raise Rejected("asked_for", "it does not say what is needed, or is too long", fix=fix)
    if not gap.strip() or len(gap) > MOST_WORDS:
        raise Rejected("gap", "it does not say why no rule gives it, or is too long", fix=fix)
    return AskedException(
        id=name,
        case_id=case_id,
        asked_for=asked_for.strip(),
        gap=gap.strip(),
        asked_by=asked_by,
        approver=approver,
        asked_ms=now_ms,
        due_ms=work_clock(APPROVER_HOURS, now_ms, policy=policy).due_ms,
    )


def is_asked_already(one: AskedException, asked_for: str) -> bool:
    """Whether the same waits for its answer already."""
    return one.is_asked and same_words(one.asked_for) == same_words(asked_for)


def same_words(asked_for: str) -> str:
    """What was asked for, in a form that is the same for the same words."""
    return " ".join(asked_for.split()).casefold()


def still_taken_back(every: Sequence[AskedException]) -> list[AskedException]:
    """What was taken back and not asked for again since, of all of a case, the one that was asked first first."""
    last = {same_words(one.asked_for): one for one in every}
    return [one for one in last.values() if one.state == TAKEN_BACK]


def name_approver(people: Sequence[str], *, waiting: Mapping[str, int], before: str = "") -> str:
    """Of those who may approve the one for whom the fewest wait; another one than before, if there is another."""
    others = [name for name in people if name != before] or list(people)
    return min(others, key=lambda name: (waiting.get(name, 0), name))


def pass_on(asked: AskedException, *, approver: str, now_ms: Instant, policy: CaseworkPolicy) -> AskedException:
    """It waits for another approver from now on; raises `Conflict("guard")` before the hours are over."""
    state = step(EXCEPTION, asked.state, "pass_on", CaseRole.SYSTEM, {"unanswered": unanswered(asked, now_ms)}).target
    due_ms = work_clock(APPROVER_HOURS, now_ms, policy=policy).due_ms
    return replace(asked, state=state, approver=approver, due_ms=due_ms, passed=asked.passed + 1)


def is_another(account: str, may_approve: Collection[str]) -> bool:
    """Whoever answers is one of those who may approve what this person asked for."""
    return account in may_approve


def unanswered(asked: AskedException, now_ms: Instant) -> bool:
    """The hours in which the approver answers have passed."""
    return now_ms > asked.due_ms


def given(told: Told) -> str:
    """What the customer gets, as messages have it; raises `Rejected` for what cannot be promised in these words."""
    check_told(told)
    if told.due_ms is not None and told.due_ms <= told.told_us_ms:
        raise Rejected("until", "the day of what they get is over", fix="Name a day that is still to come.")
    words = spoken(told)
    if words == SOMETHING_TOLD:
        fix = "Say in what what they get, in a few plain words, without a date or a sum."
        raise Rejected("what", "what they get cannot be promised in these words", fix=fix)
    return words


def _row(target: ExceptionState, event: str, who: CaseRole, *guards: str) -> Transition[ExceptionState]:
    return Transition(source="asked", target=target, event=event, who=(who,), guards=guards)


_OVER = StateFacts(owner=None, clock=None)
EXCEPTION: Machine[ExceptionState] = Machine(
    name="exception",
    start="asked",
    terminal=frozenset({"granted", "instead", TAKEN_BACK}),
    states=MappingProxyType(
        {
            "asked": StateFacts(owner=CaseRole.SUPERVISOR, clock=APPROVER_HOURS),
            "granted": _OVER,
            "instead": _OVER,
            TAKEN_BACK: _OVER,
        }
    ),
    transitions=(
        _row("asked", "pass_on", CaseRole.SYSTEM, "unanswered"),
        _row("granted", "grant", CaseRole.SUPERVISOR, "another_person"),
        _row("instead", "give_instead", CaseRole.SUPERVISOR, "another_person", "reasons_for_it"),
        _row(TAKEN_BACK, "take_back", CaseRole.CUSTOMER),
    ),
    guards=MappingProxyType(
        {
            "unanswered": Guard(
                means="The hours in which the approver answers have passed.",
                fix="Wait until they have.",
                holds=unanswered,
            ),
            "another_person": Guard(
                means="Whoever answers is another person than who asked; nobody stands behind both, if there is one.",
                fix="Let another supervisor answer, whose account was not made by the same hands.",
                holds=is_another,
            ),
            "reasons_for_it": Guard(
                means="The customer can read why something else is given.",
                fix="Say why, in words that the customer can read.",
                holds=reasons,
            ),
        }
    ),
)
