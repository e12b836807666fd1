"""The steps of an investigation that people take: a check, what it showed, the conclusion, and what is mended for good.

Every step is a line of the case's timeline and a record of the log. Links and processes are named, people never. No
step moves the case, and the case waits for none. Between the steps the chain is judged (`investigate.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

import msgspec
from sqlmodel import Session

from custody.disputes.case_guards import reasons
from custody.disputes.civil import civil_date, day_ends_ms
from custody.disputes.inquiry import CONCLUDED, INVESTIGATION, InquiryState, confidence_stated, named_process_owner
from custody.disputes.line import LineKind
from custody.disputes.machine import CaseRole, Transition, step
from custody.disputes.messages import Message, say
from custody.disputes.policy import DEFAULT_POLICY, CaseworkPolicy
from custody.disputes.work_clocks import work_clock
from custody.kernel.clock import Instant
from custody.kernel.errors import Rejected
from custody.store import case_book, inquiry_book
from custody.store.inquiry_answer import listed_checks
from custody.store.tables import DisputeEventRow, InquiryRow
from custody.store.unit import Unit
from custody.usecases.investigate import RESULT
from custody.usecases.read_order import TAKEN_BACK

LINES: Mapping[str, LineKind] = MappingProxyType(
    {
        "do_check": "check_asked",
        "result": RESULT,
        "conclude": "concluded",
        "nothing_found": "nothing_found",
        "file_fix": "fix_filed",
        "reopen": "chain_reopened",
    }
)
"""The line of the timeline with which each step stands there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """How likely a conclusion is, with its interval, from 0 to 1; None is not stated."""

    probability: float | None
    low: float | None
    high: float | None


def ask_check(unit: Unit, dispute: str, *, check: str, actor: str, role: CaseRole) -> None:
    """Have one of the checks of the last ranking made; raises `Rejected("check")` for any other."""
    row = inquiry_book.hold(unit, dispute)
    ranked = {each.check: each for each in listed_checks(row)}
    if row.state == "ranked" and check not in ranked:
        listed = ", ".join(ranked) or "none, so judge the chain again"
        raise Rejected("check", f"{check!r} is no check of the last ranking", fix=f"It has {listed}.")
    facts = {"check": check, **msgspec.to_builtins(ranked.get(check, {}))}
    _take(unit, row, "do_check", actor=actor, role=role, facts=facts)


def write_result(unit: Unit, dispute: str, *, found: bool, words: str, actor: str, role: CaseRole) -> None:
    """Write down what the check that was asked for has shown; it counts when the chain is judged again."""
    row = inquiry_book.hold(unit, dispute)
    asked = next((each.facts for each in reversed(steps(unit.session, dispute)) if each.kind == "check_asked"), "{}")
    facts = {**msgspec.json.decode(asked), "found": found, "words": _needed("words", words)}
    _take(unit, row, "result", actor=actor, role=role, facts=facts)


def conclude(unit: Unit, dispute: str, *, finding: str, why: str, share: Share, actor: str, role: CaseRole) -> None:
    """End it with what was found, in words that the customer reads, the reasons, and a probability in its interval."""
    row = inquiry_book.hold(unit, dispute)
    guards = {"reasons": reasons(why), "confidence_stated": confidence_stated(share.probability, share.low, share.high)}
    facts = {"finding": _needed("finding", finding), "why": why, **asdict(share)}
    told = say("investigation.conclude", finding=finding)
    _take(unit, row, "conclude", actor=actor, role=role, facts=facts, guards=guards, told=told)


def find_nothing(unit: Unit, dispute: str, *, why: str, actor: str, role: CaseRole) -> None:
    """End it without an answer, as where no scan leads anywhere."""
    row = inquiry_book.hold(unit, dispute)
    if row.state == "open":
        row.state = step(INVESTIGATION, "open", "start", role, {}).target
    facts, guards = {"why": why}, {"reasons": reasons(why)}
    told = say("investigation.nothing_found")
    _take(unit, row, "nothing_found", actor=actor, role=role, facts=facts, guards=guards, told=told)


def file_fix(unit: Unit, dispute: str, *, fix: str, owner: str, due: date | None, actor: str, role: CaseRole) -> None:
    """Write down what is mended for good, whose process it is, and by which day; the customer reads what it is."""
    row = inquiry_book.hold(unit, dispute)
    if due is not None and due < civil_date(unit.now_ms):
        raise Rejected("due", f"{due} is over", fix="Name a day that is still to come.")
    guards = {"named_process_owner": named_process_owner(owner or None, None if due is None else day_ends_ms(due))}
    facts = {"fix": fix.strip(), "owner": owner.strip(), "due": None if due is None else due.isoformat()}
    told = say("investigation.file_fix", fix=_needed("fix", fix))
    _take(unit, row, "file_fix", actor=actor, role=role, facts=facts, guards=guards, told=told)


def reopen(unit: Unit, dispute: str, *, why: str, actor: str, role: CaseRole) -> None:
    """Go on with one that was concluded, since there is something new."""
    row = inquiry_book.hold(unit, dispute)
    told = say("investigation.reopen")
    _take(unit, row, "reopen", actor=actor, role=role, facts={"why": _needed("why", why)}, told=told)


def possible(state: InquiryState) -> list[Transition[InquiryState]]:
    """The steps that people can take in a state, as the table has them; the first step starts an open one."""
    started = "gathering" if state == "open" else state
    return [row for row in INVESTIGATION.leaving(started) if row.event in LINES]


def steps(session: Session, dispute: str) -> Sequence[DisputeEventRow]:
    """The steps that were taken, rankings among them, in order; also those of a report that it came from by joining."""
    kinds: set[LineKind] = {*LINES.values(), "ranked"}
    lines = case_book.timeline(session, dispute)
    gave = [name for name in _joined(session, dispute, lines) if inquiry_book.find(session, name) is None]
    before = [line for name in gave for line in steps(session, name)]
    return sorted([*before, *(line for line in lines if line.kind in kinds)], key=lambda line: line.id or 0)


def _joined(session: Session, dispute: str, lines: Sequence[DisputeEventRow]) -> list[str]:
    """The reports that were joined into this one; where its lines were erased they still say so themselves."""
    told = [msgspec.json.decode(line.facts).get("from") for line in lines if line.kind == "joined"]
    if None not in told:
        return told
    names = case_book.joined_into(session, dispute)
    return [name for name in names if case_book.read(session, name).case.joined_into == dispute]


def fix_due_ms(session: Session, dispute: str, *, policy: CaseworkPolicy = DEFAULT_POLICY) -> Instant | None:
    """Until when a concluded investigation is to have its fix; None for one that is not concluded."""
    if inquiry_book.read(session, dispute).state != CONCLUDED:
        return None
    ended = {LINES["conclude"], LINES["nothing_found"]}
    at_ms = max(line.at_ms for line in steps(session, dispute) if line.kind in ended)
    return work_clock("learning_days", at_ms, policy=policy).due_ms


def done_already(session: Session, dispute: str, event: str, said: Mapping[str, Any], *, actor: str) -> bool:
    """Whether the newest step is this very one, by the same person."""
    taken = steps(session, dispute)
    if not taken or (taken[-1].kind, taken[-1].actor) != (LINES.get(event), actor):
        return False
    facts = msgspec.json.decode(taken[-1].facts)
    return all(facts[name] == value for name, value in said.items() if name in facts)


def _take(
    unit: Unit,
    row: InquiryRow,
    event: str,
    *,
    actor: str,
    role: CaseRole,
    facts: Mapping[str, Any],
    guards: Mapping[str, bool | None] = MappingProxyType({}),
    told: Message | None = None,
) -> None:
    row.state = step(INVESTIGATION, row.state, event, role, guards).target
    if told is not None and case_book.read(unit.session, row.dispute).case.state not in TAKEN_BACK:
        row.told_ms = unit.now_ms
        case_book.say(unit, row.dispute, [told])
    unit.session.add(row)
    case_book.note(unit, row.dispute, LINES[event], actor=actor, facts=facts)


def _needed(name: str, text: str) -> str:
    if not text.strip():
        raise Rejected(name, f"{name} is empty", fix="Write it down in a sentence.")
    return text.strip()
