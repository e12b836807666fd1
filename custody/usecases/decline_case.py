"""Saying no: only on something observed about this person, after a hearing, by two people who are two.

- An investigator proposes; the customer is asked, and has the days of the policy to tell their side. They
  count as heard only once words or a file of theirs came after the proposal.
- What they say may be accepted, and nothing is left of the proposal. Else a supervisor declines with reasons, and the
  letter for the independent scheme leaves in the same unit.
- Two people are counted as for locks: with everybody who stands behind their accounts. A decline cannot be had by who
  made the account that proposed it.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace

from sqlmodel import Session

from custody.disputes import case_guards, civil
from custody.disputes.case import CASE
from custody.disputes.case_guards import Actor, DeclineFinding
from custody.disputes.machine import CaseRole, step
from custody.disputes.messages import say
from custody.disputes.policy import DEFAULT_POLICY, CaseworkPolicy
from custody.disputes.work_clocks import state_clock
from custody.kernel.errors import Conflict
from custody.store import case_book
from custody.store.case_book import CaseFile
from custody.store.unit import Unit
from custody.usecases.ways_out import said_of_letter, with_letter
from custody.usecases.write_move import write_move

Behind = Callable[[Session, str], frozenset[str]]
"""A person and everybody who stands behind their accounts."""


def propose_decline(
    unit: Unit,
    dispute: str,
    *,
    findings: Sequence[DeclineFinding],
    actor: str,
    role: CaseRole,
    policy: CaseworkPolicy = DEFAULT_POLICY,
) -> CaseFile:
    """Propose to decline: only on positive evidence about this person, and the customer is heard first."""
    file = case_book.hold_one(unit, dispute)
    guards = {
        "positive_evidence_about_this_person": case_guards.positive_evidence_about_this_person(findings),
        "not_score_only": case_guards.more_than_a_pattern(findings),
    }
    move = step(CASE, file.case.state, "propose_decline", role, guards)
    needs = bool(file.case.support_needs)
    clock = state_clock(CASE, move.target, entered_ms=unit.now_ms, policy=policy, support_needs=needs)
    due_ms = unit.now_ms if clock is None else clock.due_ms
    case = replace(file.case, state=move.target)
    moved = replace(file, case=case, hearing_due_ms=due_ms, proposed_by=actor)
    finding = " ".join(found.says for found in findings)
    said = [say("case.propose_decline", finding=finding, due=civil.in_words(due_ms))]
    facts = {"due_ms": due_ms, "findings": [asdict(found) for found in findings]}
    return write_move(unit, file, moved, "decline_proposed", actor=actor, facts=facts, said=said)


def decline(
    unit: Unit, dispute: str, *, why: str, heard: bool, actor: Actor, role: CaseRole, behind: Behind
) -> CaseFile:
    """A second person declines after the hearing; the letter for the independent scheme leaves in the same unit."""
    file = case_book.hold_one(unit, dispute)
    proposer, decider = None, replace(actor, behind=behind(unit.session, actor.key))
    if file.proposed_by:
        proposer = Actor(key=file.proposed_by, human=True, behind=behind(unit.session, file.proposed_by))
    guards = {
        "four_eyes": case_guards.four_eyes(proposer, decider),
        "customer_heard_or_hearing_lapsed": case_guards.customer_heard_or_hearing_lapsed(
            heard=heard, hearing_due_ms=file.hearing_due_ms, now_ms=unit.now_ms
        ),
        "reasons": case_guards.reasons(why),
        "human_decision": case_guards.human_decision(actor),
    }
    declined = step(CASE, file.case.state, "decline", role, guards)
    if heard and not _told_their_side(unit, dispute):
        raise Conflict(
            "unheard",
            "the customer told us nothing since the decline was proposed",
            fix="Wait until words or a file of theirs stand in the case, or leave this out once the days are over.",
        )
    letter = step(CASE, declined.target, "adr_letter", CaseRole.SYSTEM, {"same_day": True})
    lettered, way = with_letter(unit, file)
    said = [
        say("case.decline" if way.still_open else "case.decline_over", reasons=why),
        said_of_letter("case.adr_letter", way),
    ]
    moved = replace(lettered, case=replace(file.case, state=letter.target))
    return write_move(unit, file, moved, "declined", actor=actor.key, facts={"why": why, "heard": heard}, said=said)


def _told_their_side(unit: Unit, dispute: str) -> bool:
    """Whether words or a file of the customer came after the decline was proposed."""
    for line in reversed(case_book.timeline(unit.session, dispute)):
        if line.kind in {"evidence", "decline_proposed"}:
            return line.kind == "evidence"
    return False


def heard_accepted(unit: Unit, dispute: str, *, why: str, actor: str, role: CaseRole) -> CaseFile:
    """What the customer said at the hearing is accepted; nothing is left of the proposal."""
    file = case_book.hold_one(unit, dispute)
    move = step(CASE, file.case.state, "heard_accepted", role, {"reasons": case_guards.reasons(why)})
    case = replace(file.case, state=move.target)
    moved = replace(file, case=case, hearing_due_ms=None, proposed_by=None)
    said = [say("case.heard_accepted")]
    return write_move(unit, file, moved, "heard_accepted", actor=actor, facts={"why": why}, said=said)
