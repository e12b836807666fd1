"""A move that is sent twice, since a button was pressed twice or an answer was lost, is done once and answered as done.

`done_already` is asked after a move was refused. It is that very move if the newest line of its kind in the timeline
says the same, by the same people where that matters, and the case has not gone elsewhere since.

Where the case would take it for another one, `check_reference` refuses it before: one reference shows one payment.
"""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from sqlmodel import Session

from custody.disputes.case import ADR_EVENT
from custody.disputes.line import LineKind
from custody.kernel.errors import Conflict
from custody.store import case_book
from custody.store.payment_lines import payments
from custody.usecases.came_back import credits_paid

LINES: Mapping[str, tuple[LineKind, ...]] = MappingProxyType(
    {
        "choose": ("chosen",),
        "answered_or_skipped": ("answered",),
        "confirm_or_lapse": ("closed",),
        "withdraw": ("withdrawn", "found"),
        "customer_accepts": ("decision_accepted",),
        "customer_rejects_or_lapse": ("decision_rejected",),
        "offer": ("offered",),
        "ask": ("asked",),
        "delivered_or_paid": ("remedied",),
        "promise_kept": ("promise_kept", "remedied"),
        "rebut": ("told_rebutted",),
        "need_mistaken": ("need_mistaken",),
        "exception_grant": ("exception_granted",),
        "exception_instead": ("exception_instead",),
        "credit_paid": ("credit_paid",),
        "credit_came_back": ("credit_came_back",),
        "payment_came_back": ("payment_came_back",),
        "propose_decline": ("decline_proposed",),
        "decline": ("declined",),
        "heard_accepted": ("heard_accepted",),
        ADR_EVENT: ("adr_open",),
        "we_changed_our_mind": ("mind_changed",),
        "adr_accepts": ("with_scheme",),
        "decision": ("scheme_decided",),
        "merge": ("merged",),
        "reopen": ("reopened",),
    }
)
"""The lines with which a move stands in the timeline. What says more than its line does is not here."""

ENDS_IN = MappingProxyType({"withdraw": "withdrawn"})
"""Where a case stands after a move whose line may tell of less: who found the phone may wait for more than its lock."""

SHOWN: frozenset[LineKind] = frozenset({"remedied", "promise_kept"})
"""The lines with a reference that shows what a case was promised."""

BY_THE_REMEDY = ""
"""In place of a promise: the line of a remedy names none."""

BY_ANYBODY = frozenset({"offer"})
"""Moves that are the same whoever makes them: two agents who offer the same at one moment have offered it once."""


def done_already(
    session: Session, dispute: str, event: str, said: Mapping[str, Any], *, actors: Collection[str] | None = None
) -> bool:
    """Whether this very move was made and still holds; `said` is compared where the line has it."""
    state = case_book.read(session, dispute).case.state
    if state != ENDS_IN.get(event, state):
        return False
    for line in reversed(case_book.timeline(session, dispute)):
        facts = msgspec.json.decode(line.facts)
        if line.kind in LINES.get(event, ()):
            same = all(facts[name] == value for name, value in said.items() if name in facts and value is not None)
            by_them = actors is None or line.actor in actors or event in BY_ANYBODY
            return same and facts.get("state") == state and by_them
        if facts.get("state", state) != state:
            return False
    return False


def check_reference(session: Session, dispute: str, reference: str) -> None:
    """Return if a reference shows nothing yet in this case or in one that was joined into it; raises `Conflict`.

    What paid something that came back shows nothing any more.
    """
    if reference.strip() in {*_shown(session, dispute), *map(str.strip, credits_paid(session, dispute))}:
        raise Conflict(
            "reference",
            f"{reference!r} is written down already, and shows something else than this",
            fix="Give the reference of this payment or delivery. Was it sent twice? Then there is nothing to do.",
        )


def _shown(session: Session, dispute: str) -> set[str]:
    """The references of remedies and promises that were kept; a remedy's line names no promise."""
    shown: dict[str, list[str]] = {}
    for kind, told in payments(session, dispute):
        if kind in SHOWN and told.reference is not None:
            shown.setdefault(told.promise or BY_THE_REMEDY, []).append(told.reference.strip())
        elif kind == "payment_came_back" and told.promise is not None:
            paid = shown.get(told.promise) or shown.get(BY_THE_REMEDY, [])
            del paid[-1:]
    return {reference for references in shown.values() for reference in references}
