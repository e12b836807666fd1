"""A move that is sent twice, since a button was pressed twice or an answer was lost, is done once and answered as done.

`done_already` is asked after a move was refused. It is that very move if the newest line of its kind in the timeline
says the same, by the same people where that matters, and the case has not gone elsewhere since.
"""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from sqlmodel import Session

from custody.disputes.case import ADR_EVENT
from custody.store import case_book

LINES = MappingProxyType(
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

BY_ANYBODY = frozenset({"offer"})
"""Moves that are the same whoever makes them: two agents who offer the same at one moment have offered it once."""


def done_already(
    session: Session, dispute: str, event: str, said: Mapping[str, Any], *, actors: Collection[str] | None = None
) -> bool:
    """Whether this very move was made and still holds; `said` is compared where the line has it."""
    state = case_book.read(session, dispute).case.state
    for line in reversed(case_book.timeline(session, dispute)):
        facts = msgspec.json.decode(line.facts)
        if line.kind in LINES.get(event, ()):
            same = all(facts[name] == value for name, value in said.items() if name in facts and value is not None)
            by_them = actors is None or line.actor in actors or event in BY_ANYBODY
            return same and facts.get("state") == state and by_them
        if facts.get("state", state) != state:
            return False
    return False
