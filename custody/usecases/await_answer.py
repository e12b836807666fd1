"""A decision of the independent scheme that its customer says nothing to: they are reminded of it, and then it lapses.

- The last day counts from the day on which we told of the decision, and it is named whenever we tell of it. A decision
  of which no day was ever named, since it was written down by an older version, has its days from when one is.
- Until then they are reminded, again and again after the days of a reminder. No decision lapses that we were silent of.
- It lapses when that day is over and every lock is settled. While a lock holds the case they may still say yes.
"""

from dataclasses import replace
from datetime import date
from typing import Final

import msgspec
from sqlmodel import Session

from custody.disputes import civil, clocks
from custody.disputes.case import CASE
from custody.disputes.line import LineKind
from custody.disputes.machine import CaseRole, step
from custody.disputes.messages import Message, say
from custody.disputes.policy import CaseworkPolicy
from custody.disputes.work_clocks import work_clock
from custody.kernel.clock import Instant
from custody.kernel.errors import Fatal
from custody.store import case_book
from custody.store.case_book import CaseFile
from custody.store.tables import DisputeEventRow
from custody.store.unit import Unit
from custody.usecases.read_order import in_place_of_award, stands_before_award
from custody.usecases.write_move import write_move

DECIDED: Final = "adr_decided"
WAITS: Final = "decision_waits"
TOLD: frozenset[LineKind] = frozenset({"scheme_decided", WAITS})
"""The lines with which a customer is told of a decision, and until when they may say yes."""
_UNACCEPTED: frozenset[LineKind] = frozenset({"decision_rejected", "decision_lapsed"})
_CLOSED: frozenset[LineKind] = _UNACCEPTED | {"closed"}
"""The lines with which a case is closed."""


def answer_by(session: Session, file: CaseFile) -> date | None:
    """The last day for an answer that was named to the customer; None if none was, or nothing waits for one."""
    return _day(_last_told(session, file)) if file.case.state == DECIDED else None


def is_to_be_told(session: Session, file: CaseFile, *, now_ms: Instant, policy: CaseworkPolicy) -> bool:
    """Whether the customer is to hear again that the decision waits for them."""
    line = _last_told(session, file)
    last_day = _day(line)
    if line is None or last_day is None:
        return True
    again_ms = work_clock("offer_choice_days", line.at_ms, policy=policy).due_ms
    return again_ms <= now_ms < civil.day_ends_ms(last_day)


def is_over(session: Session, file: CaseFile, *, now_ms: Instant) -> bool:
    """Whether the last day that was named to the customer is over."""
    last_day = answer_by(session, file)
    return last_day is not None and now_ms >= civil.day_ends_ms(last_day)


def is_closed_unaccepted(session: Session, file: CaseFile) -> bool:
    """Whether a case was closed by a no to the decision, or by silence, so that what was promised before stays owed."""
    if file.case.state != "closed":
        return False
    closings = [line.kind for line in case_book.timeline(session, file.case.id) if line.kind in _CLOSED]
    return bool(closings) and closings[-1] in _UNACCEPTED


def tell(unit: Unit, file: CaseFile, *, policy: CaseworkPolicy) -> CaseFile:
    """Remind the customer of the decision, with the last day that was named before."""
    today = civil.civil_date(unit.now_ms)
    last_day = answer_by(unit.session, file) or clocks.scheme_accept_by(today, policy=policy)
    said = [say("case.decision_waits", last_day=civil.day_in_words(last_day)), *said_before_a_yes(unit.session, file)]
    facts = {"last_day": last_day.isoformat()}
    return write_move(unit, file, file, WAITS, actor=CaseRole.SYSTEM, facts=facts, said=said)


def said_before_a_yes(session: Session, file: CaseFile) -> list[Message]:
    """What is said of each promise that a yes to the decision takes the place of, or beside which it stands."""
    if file.award_beside:
        beside = stands_before_award(session, file)
        return [say("case.decision_beside", promises=(each.id,), what=each.what) for each in beside]
    instead_of = in_place_of_award(session, file)
    return [say("case.decision_instead", promises=(each.id,), what=each.what) for each in instead_of]


def lapse(unit: Unit, file: CaseFile) -> CaseFile:
    """Nobody said yes in time: the case closes here, as if they had said no, and what was promised stays owed."""
    last_day = answer_by(unit.session, file)
    if last_day is None:
        raise Fatal("lapse", f"{file.case.id}: no last day was named", fix="Ask whether it is over before this.")
    move = step(CASE, file.case.state, "customer_rejects_or_lapse", CaseRole.SYSTEM, {"all_locks_settled": True})
    lapsed = say("case.decision_lapsed", last_day=civil.day_in_words(last_day))
    said = [lapsed, say("case.customer_rejects_or_lapse")]
    moved = replace(file, case=replace(file.case, state=move.target))
    return write_move(unit, file, moved, "decision_lapsed", actor=CaseRole.SYSTEM, facts={}, said=said)


def _last_told(session: Session, file: CaseFile) -> DisputeEventRow | None:
    lines = [line for line in case_book.timeline(session, file.case.id) if line.kind in TOLD]
    return lines[-1] if lines else None


def _day(line: DisputeEventRow | None) -> date | None:
    named = None if line is None else msgspec.json.decode(line.facts).get("last_day")
    return None if named is None else date.fromisoformat(named)
