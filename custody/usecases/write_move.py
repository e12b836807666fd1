"""Writing a moved case: its file with the clocks that run now, its line of the timeline, what the customer is told."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from custody.disputes.line import LineKind
from custody.disputes.messages import Message
from custody.store import case_book
from custody.store.case_book import CaseFile
from custody.store.unit import Unit
from custody.usecases.run_clocks import clocks_after


def write_move(
    unit: Unit,
    before: CaseFile,
    after: CaseFile,
    kind: LineKind,
    *,
    actor: str,
    facts: Mapping[str, Any],
    said: Sequence[Message],
) -> CaseFile:
    """Write a moved case with its line of the timeline and what the customer is told."""
    after = replace(after, work_clocks=clocks_after(before, after, now_ms=unit.now_ms))
    version = case_book.replace(unit, after, before=before)
    case_book.say(unit, after.case.id, said)
    told = {"state": after.case.state, "version": version, **facts}
    case_book.note(unit, after.case.id, kind, actor=actor, facts=told)
    return after
