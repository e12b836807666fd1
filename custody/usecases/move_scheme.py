"""A case beyond the house: what the hearing came to, the independent scheme, and joining two reports of one thing.

- What the customer said at the hearing may be accepted, and a letter may be followed by a change of mind: both go back
  to putting things right.
- The scheme takes the case once the pack is built, and its decision is its own: somebody here writes it down, as the
  scheme's, with the scheme's reference and what we have to do in words that the customer can read.
- The customer says yes, and what was decided is promised with the scheme's own last day; or no, and the case closes
  here while everything promised stays owed.
- Joining keeps the earliest date and all that was given, promised, asked and owed; the joined case only points on.
"""

import base64
from dataclasses import replace

import msgspec

from custody.disputes import case_guards, civil
from custody.disputes.asks import Ledger
from custody.disputes.case import CASE, join
from custody.disputes.choose_remedy import said_of
from custody.disputes.clocks import join_clocks
from custody.disputes.machine import Role, step
from custody.disputes.messages import Message, say
from custody.disputes.opening import AN_OFFER
from custody.disputes.policy import DEFAULT_POLICY, Policy
from custody.disputes.promise import make_promise
from custody.disputes.wording import lint_text
from custody.disputes.work_clocks import state_clock
from custody.investigation.pack_seal import KIND as PACK
from custody.kernel.errors import Rejected
from custody.store import case_book
from custody.store.case_book import CaseFile
from custody.store.unit import Unit
from custody.usecases.keep_promises import keep
from custody.usecases.move_case import write_move


def heard_accepted(unit: Unit, dispute: str, *, why: str, actor: str, role: Role) -> CaseFile:
    """What the customer said at the hearing is accepted; nothing is left of the proposal."""
    file = case_book.hold_one(unit, dispute)
    move = step(CASE, file.case.state, "heard_accepted", role, {"reasons": case_guards.reasons(why)})
    case = replace(file.case, state=move.target)
    moved = replace(file, case=case, hearing_due_ms=None, proposed_by=None)
    said = [say("case.heard_accepted")]
    return write_move(unit, file, moved, "heard_accepted", actor=actor, facts={"why": why}, said=said)


def change_our_mind(unit: Unit, dispute: str, *, actor: str, role: Role) -> CaseFile:
    """After the letter we looked again, and the customer was right."""
    file = case_book.hold_one(unit, dispute)
    move = step(CASE, file.case.state, "we_changed_our_mind", role, {})
    moved = replace(file, case=replace(file.case, state=move.target))
    said = [say("case.we_changed_our_mind")]
    return write_move(unit, file, moved, "mind_changed", actor=actor, facts={}, said=said)


def scheme_accepts(
    unit: Unit, dispute: str, *, reference: str, actor: str, role: Role, policy: Policy = DEFAULT_POLICY
) -> CaseFile:
    """The scheme has taken the case; the newest pack of it is what it got."""
    file = case_book.hold_one(unit, dispute)
    guards = {"pack_built": case_guards.pack_built(_pack_digest(unit, dispute))}
    move = step(CASE, file.case.state, "adr_accepts", role, guards)
    weeks = policy.count("adr_decision_weeks", civil.civil_date(unit.now_ms))
    moved = replace(file, case=replace(file.case, state=move.target))
    said = [say("case.adr_accepts", weeks=str(weeks))]
    return write_move(unit, file, moved, "with_scheme", actor=actor, facts={"reference": reference}, said=said)


def scheme_decides(unit: Unit, dispute: str, *, award: str, reference: str, actor: str) -> CaseFile:
    """The scheme has decided; `actor` writes it down and decides nothing."""
    lint_text(award)
    file = case_book.hold_one(unit, dispute)
    move = step(CASE, file.case.state, "decision", Role.ADR, {})
    moved = replace(file, case=replace(file.case, state=move.target), award=award)
    facts = {"reference": reference, "award": award}
    return write_move(unit, file, moved, "scheme_decided", actor=actor, facts=facts, said=[say("case.decision")])


def accept_decision(unit: Unit, dispute: str, *, actor: str, policy: Policy = DEFAULT_POLICY) -> CaseFile:
    """The customer says yes: what was decided is a promise of ours, with the last day that the scheme allows."""
    file = case_book.hold_one(unit, dispute)
    state = file.case.state
    move = step(CASE, state, "customer_accepts", Role.CUSTOMER, {})
    clock = state_clock(CASE, state, entered_ms=unit.now_ms, policy=policy)
    if clock is None or file.award is None:
        raise Rejected("award", "nobody wrote down what was decided", fix="Write the scheme's decision down first.")
    promise = make_promise(
        promise_id=unit.ids.new("promise"),
        case_id=dispute,
        what=file.award,
        due_ms=clock.due_ms,
        method="as it was decided",
        owner=file.case.owner,
        now_ms=unit.now_ms,
        policy=policy,
    )
    case_book.put_promise(unit, promise)
    moved = replace(file, case=replace(file.case, state=move.target))
    due = civil.in_words(promise.due_ms)
    said = [say("case.customer_accepts", promises=(promise.id,), due=due), said_of(promise)]
    facts = {"promise": promise.id, "due_ms": promise.due_ms}
    return write_move(unit, file, moved, "decision_accepted", actor=actor, facts=facts, said=said)


def reject_decision(unit: Unit, dispute: str, *, actor: str, locks_settled: bool | None) -> CaseFile:
    """The customer says no: the case closes here, and every other way stays open."""
    file = case_book.hold_one(unit, dispute)
    guards = {"all_locks_settled": locks_settled}
    move = step(CASE, file.case.state, "customer_rejects_or_lapse", Role.CUSTOMER, guards)
    moved = replace(file, case=replace(file.case, state=move.target))
    said = [say("case.customer_rejects_or_lapse")]
    return write_move(unit, file, moved, "decision_rejected", actor=actor, facts={}, said=said)


def merge(unit: Unit, dispute: str, *, into: str, consent: bool, actor: str, role: Role) -> CaseFile:
    """Join a case into another one of the same customer; returns the one that goes on."""
    files = case_book.hold(unit, {dispute, into})
    other, survivor = (files.get(name) or case_book.read(unit.session, name) for name in (dispute, into))
    if survivor.case.state in CASE.terminal:
        raise Rejected("into", f"{into} is {survivor.case.state}", fix="Open it again first, or name another case.")
    order = other.case.order_ref
    both = join(survivor.case, other.case)
    firsts = (survivor.case.first_word_ms, other.case.first_word_ms)
    guards = {
        "same_customer_or_consent": case_guards.same_customer_or_consent(
            same_customer=order is not None and order == survivor.case.order_ref, consent=consent
        ),
        "min_clock_kept": case_guards.min_clock_kept(both.survivor.first_word_ms, firsts),
    }
    step(CASE, other.case.state, "merge", role, guards)
    ledger = Ledger(
        asks=survivor.ledger.asks + other.ledger.asks,
        holdings=tuple(dict.fromkeys(survivor.ledger.holdings + other.ledger.holdings)),
    )
    whole = replace(
        survivor,
        case=both.survivor,
        ledger=ledger,
        legal_clocks=join_clocks(survivor.legal_clocks, other.legal_clocks),
        unpaid_credit_pence=survivor.unpaid_credit_pence + other.unpaid_credit_pence,
    )
    case_book.hand_over(unit, dispute, into)
    kept: list[Message] = []
    if whole.offer is not None:
        offers = [one for one in case_book.promises(unit.session, into) if one.what == AN_OFFER]
        whole, kept = keep(unit, whole, offers, shown=True, role=Role.SYSTEM, policy=DEFAULT_POLICY)
    joined = replace(other, case=both.joined, unpaid_credit_pence=0)
    write_move(unit, other, joined, "merged", actor=actor, facts={"into": into}, said=[say("case.merge")])
    said = [say("case.merge"), *kept]
    facts = {"from": dispute, "opened_ms": whole.case.opened_ms}
    return write_move(unit, survivor, whole, "joined", actor=actor, facts=facts, said=said)


def _pack_digest(unit: Unit, dispute: str) -> bytes | None:
    lines = [line for line in case_book.timeline(unit.session, dispute) if line.kind == PACK]
    return base64.b64decode(msgspec.json.decode(lines[-1].facts)["manifest"]) if lines else None
