"""A case beyond the house: the letter, the independent scheme, and joining two reports of one thing.

- A letter may be followed by a change of mind, which goes back to putting things right.
- The letter that leaves by itself on its day takes no remedy away: what is on offer can be chosen, what is on its way
  is awaited, what was given is asked about as before. Once the scheme takes such a case, a supervisor opens it to it.
- A decision may stand beside the remedy, as a sum for the wait does: then it takes the place of nothing, counts in no
  price, and each is done by its own word. Whoever writes the decision down says so.
- Before the customer answers they are told what a yes takes the place of, and staff see it.
- A decision that the customer accepts takes the place of a remedy that was chosen, or of what was decided, before and
  is not done. What was promised for another order, in a report that was joined, stays promised for that one.
- The scheme takes the case once the pack is built, and its decision is its own: somebody here writes it down, as the
  scheme's, with the scheme's reference, what we have to do in words that the customer can read, and the sum if it is
  money. Once it is accepted, that is promised as any other sum is. No sum is above the policy's cap of a scheme.
- The customer says yes, and what was decided is promised with the scheme's own last day; or no, and the case closes
  here while everything promised stays owed. What becomes of silence stands in `await_answer`.
- Two reports are of one customer if both name one order that we know. With one that quoted what stands on the box the
  other customer is asked first: whoever has the link of the case that goes on reads what was said and given in both.
- Joining keeps the earliest date and all that was given, promised, asked and owed; the joined case only points on. A
  report that knew no order and no handset is about those of the one that is joined into it. One of another order is
  joined once that order had its offer: the case that goes on offers for its own alone. None is while its remedy is on
  offer, on its way or given, which joining would take away.
"""

import base64
from dataclasses import replace
from datetime import date

import msgspec

from custody.disputes import case_guards, civil, clocks
from custody.disputes.asks import Ledger
from custody.disputes.case import CASE, Case, CaseState, join
from custody.disputes.choose_remedy import said_of
from custody.disputes.clocks import join_clocks
from custody.disputes.machine import CaseRole, step
from custody.disputes.messages import Message, say
from custody.disputes.one_order import of_its_order
from custody.disputes.opening import AN_OFFER, by_the_remedy
from custody.disputes.policy import DEFAULT_POLICY, CaseworkPolicy
from custody.disputes.promise import AS_DECIDED, ON_TOP, Promise, is_owed, make_promise
from custody.disputes.recourse import PENCE_A_POUND, join_ways
from custody.disputes.wording import lint_text
from custody.disputes.work_clocks import state_clock
from custody.investigation.pack.seal import KIND as PACK
from custody.kernel.clock import Instant
from custody.kernel.errors import Conflict, Forbidden, Rejected
from custody.store import case_book
from custody.store.case_book import CaseFile
from custody.store.unit import Unit
from custody.usecases.allow_exception import MayApprove, hand_over_exceptions
from custody.usecases.await_answer import said_before_a_yes
from custody.usecases.keep_promises import keep, take_place
from custody.usecases.keep_word import hand_over_told
from custody.usecases.read_order import hold_order, in_place_of_award, is_known, known_before
from custody.usecases.set_aside import settle_the_box
from custody.usecases.ways_out import said_of_letter, with_letter
from custody.usecases.write_award import has_another_written, nobody_may, takes_two, write_first_word
from custody.usecases.write_move import write_move

REMEDY_STANDS: frozenset[CaseState] = frozenset({"remedy_offered", "remedy_in_progress", "remedied"})
"""States in which the letter of the timer leaves without a move."""


def adr(unit: Unit, dispute: str, *, letter_due_ms: Instant, deadlock: bool, actor: str, role: CaseRole) -> CaseFile:
    """Send the letter for the independent scheme: at the deadline, at deadlock, or when the customer asks that day."""
    file = case_book.hold_one(unit, dispute)
    due = case_guards.adr_due(letter_due_ms=letter_due_ms, now_ms=unit.now_ms, deadlock=deadlock)
    event = "six_weeks_or_deadlock_or_customer_asks_at_deadline"
    move = step(CASE, file.case.state, event, role, {"adr_due": due})
    lettered, way = with_letter(unit, file)
    said = [said_of_letter(f"case.{event}", way)]
    if role is CaseRole.SYSTEM and file.case.state in REMEDY_STANDS:
        return write_move(unit, file, lettered, "letter", actor=actor, facts={}, said=said)
    moved = replace(lettered, case=replace(file.case, state=move.target))
    return write_move(unit, file, moved, "adr_open", actor=actor, facts={"deadlock": deadlock}, said=said)


def change_our_mind(unit: Unit, dispute: str, *, actor: str, role: CaseRole) -> CaseFile:
    """After the letter we looked again, and the customer was right."""
    file = case_book.hold_one(unit, dispute)
    move = step(CASE, file.case.state, "we_changed_our_mind", role, {})
    moved = replace(file, case=replace(file.case, state=move.target))
    said = [say("case.we_changed_our_mind")]
    return write_move(unit, file, moved, "mind_changed", actor=actor, facts={}, said=said)


def scheme_accepts(
    unit: Unit, dispute: str, *, reference: str, actor: str, role: CaseRole, policy: CaseworkPolicy = DEFAULT_POLICY
) -> CaseFile:
    """The scheme has taken the case; the newest pack of it is what it got."""
    file = case_book.hold_one(unit, dispute)
    guards = {"pack_built": case_guards.pack_built(_pack_digest(unit, dispute))}
    move = step(CASE, file.case.state, "adr_accepts", role, guards)
    weeks = policy.count("adr_decision_weeks", civil.civil_date(unit.now_ms))
    moved = replace(file, case=replace(file.case, state=move.target))
    said = [say("case.adr_accepts", weeks=str(weeks))]
    return write_move(unit, file, moved, "with_scheme", actor=actor, facts={"reference": reference}, said=said)


def scheme_decides(
    unit: Unit,
    dispute: str,
    *,
    award: str,
    award_pence: int | None = None,
    beside: bool = False,
    reference: str,
    actor: str,
    role: CaseRole,
    person: str = "",
    may_approve: MayApprove = nobody_may,
    policy: CaseworkPolicy = DEFAULT_POLICY,
) -> CaseFile:
    """The scheme has decided; a supervisor writes it down, and decides nothing. The customer is told until when.

    Of a sum that is more than a phone costs, alone or with those before, they are told once another person has written
    it down too; until then the case is with the scheme. `person`: who stands behind the account.
    `beside`: the scheme decided it beside the remedy, as for the wait; raises `Conflict` where there is none.
    """
    if role is not CaseRole.SUPERVISOR:
        raise Forbidden("role", "the scheme's decision is written down by a supervisor", fix="Ask a supervisor.")
    lint_text(award)
    _check_sum(award_pence, policy=policy, today=civil.civil_date(unit.now_ms))
    file = hold_order(unit, dispute)
    move = step(CASE, file.case.state, "decision", CaseRole.ADR, {})
    if beside:
        _check_has_a_remedy(unit, file)
    decided = replace(file, award=award, award_pence=award_pence, award_beside=beside)
    # As it is promised once the customer says yes: what cannot be, nobody could accept.
    said_of(_decided(decided, award, promise_id=reference, due_ms=unit.now_ms + 1, unit=unit, policy=policy))
    facts = {"reference": reference, "award": award, "award_pence": award_pence, "award_beside": beside}
    is_alone = takes_two(unit.session, decided) and not has_another_written(
        unit.session, dispute, facts, actor, may_approve
    )
    if is_alone:
        return write_first_word(unit, file, {**facts, "person": person}, actor=actor)
    moved = replace(decided, case=replace(file.case, state=move.target))
    last_day = clocks.scheme_accept_by(civil.civil_date(unit.now_ms), policy=policy)
    facts |= {"last_day": last_day.isoformat()}
    said = [say("case.decision", last_day=civil.day_in_words(last_day)), *said_before_a_yes(unit.session, moved)]
    return write_move(unit, file, moved, "scheme_decided", actor=actor, facts=facts, said=said)


def accept_decision(unit: Unit, dispute: str, *, actor: str, policy: CaseworkPolicy = DEFAULT_POLICY) -> CaseFile:
    """The customer says yes: what was decided is a promise of ours, with the last day that the scheme allows."""
    file = hold_order(unit, dispute)
    state = file.case.state
    move = step(CASE, state, "customer_accepts", CaseRole.CUSTOMER, {})
    clock = state_clock(CASE, state, entered_ms=unit.now_ms, policy=policy)
    if clock is None or file.award is None:
        raise Rejected("award", "nobody wrote down what was decided", fix="Write the scheme's decision down first.")
    name, due_ms = unit.ids.new("promise"), clock.due_ms
    promise = _decided(file, file.award, promise_id=name, due_ms=due_ms, unit=unit, policy=policy)
    instead_of = in_place_of_award(unit.session, file)
    owing, _ = take_place(unit, file, instead_of, of=promise, policy=policy)
    case_book.put_promise(unit, promise)
    if not file.award_beside:
        settle_the_box(unit, file, promise, policy=policy)
    moved = replace(owing, case=replace(file.case, state=move.target))
    due = civil.in_words(promise.due_ms)
    said = [say("case.customer_accepts", promises=(promise.id,), due=due), said_of(promise)]
    said += [say("case.decided_instead", promises=(before.id,), what=before.what) for before in instead_of]
    facts = {"promise": promise.id, "due_ms": promise.due_ms, "amount_pence": promise.amount_pence}
    return write_move(unit, file, moved, "decision_accepted", actor=actor, facts=facts, said=said)


def reject_decision(unit: Unit, dispute: str, *, actor: str, locks_settled: bool | None) -> CaseFile:
    """The customer says no: the case closes here, and every other way stays open."""
    file = case_book.hold_one(unit, dispute)
    guards = {"all_locks_settled": locks_settled}
    move = step(CASE, file.case.state, "customer_rejects_or_lapse", CaseRole.CUSTOMER, guards)
    moved = replace(file, case=replace(file.case, state=move.target))
    said = [say("case.customer_rejects_or_lapse")]
    return write_move(unit, file, moved, "decision_rejected", actor=actor, facts={}, said=said)


def join_case(unit: Unit, dispute: str, *, into: str, consent: bool, actor: str, role: CaseRole) -> CaseFile:
    """Join a case into another one of the same customer; returns the one that goes on."""
    files = case_book.hold(unit, {dispute, into})
    other, survivor = (files.get(name) or case_book.read(unit.session, name) for name in (dispute, into))
    if survivor.case.state in CASE.terminal:
        raise Rejected("into", f"{into} is {survivor.case.state}", fix="Open it again first, or name another case.")
    order = other.case.order_ref
    same = order == survivor.case.order_ref and is_known(unit.session, order, (survivor, other))
    both = join(survivor.case, other.case)
    firsts = (survivor.case.first_word_ms, other.case.first_word_ms)
    guards = {
        "same_customer_or_consent": case_guards.same_customer_or_consent(
            same_customer=same and _names_order(survivor) and _names_order(other), consent=consent
        ),
        "min_clock_kept": case_guards.min_clock_kept(both.survivor.first_word_ms, firsts),
    }
    _check_loses_no_remedy(other)
    step(CASE, other.case.state, "merge", role, guards)
    ledger = Ledger(
        asks=survivor.ledger.asks + other.ledger.asks,
        holdings=tuple(dict.fromkeys(survivor.ledger.holdings + other.ledger.holdings)),
    )
    whole = replace(
        _about_its_order(survivor, other, both.survivor),
        ledger=ledger,
        legal_clocks=join_clocks(survivor.legal_clocks, other.legal_clocks),
        recourse=join_ways(survivor.recourse, other.recourse),
        unpaid_credit_pence=survivor.unpaid_credit_pence + other.unpaid_credit_pence,
        found_instead="\n".join(filter(None, dict.fromkeys((survivor.found_instead, other.found_instead)))),
    )
    of_another = None if order == whole.case.order_ref else order
    _check_has_an_offer(other, of_another)
    case_book.hand_over(unit, dispute, into, order_ref=of_another)
    other, whole = hand_over_told(unit, other, whole, order_ref=of_another)
    hand_over_exceptions(unit, dispute, into, order_ref=of_another)
    kept: list[Message] = []
    if whole.offer is not None:
        promised = of_its_order(whole.case, case_book.promises(unit.session, into))
        offers = [one for one in promised if one.what == AN_OFFER]
        whole, kept = keep(unit, whole, offers, shown=True, role=CaseRole.SYSTEM, policy=DEFAULT_POLICY)
    joined = replace(other, case=both.joined, ledger=Ledger(holdings=other.ledger.holdings), unpaid_credit_pence=0)
    write_move(unit, files[dispute], joined, "merged", actor=actor, facts={"into": into}, said=[say("case.merge")])
    said = [say("case.merge"), *kept]
    facts = {"from": dispute, "opened_ms": whole.case.opened_ms, "parcel": whole.parcel, "imei": whole.imei}
    return write_move(unit, survivor, whole, "joined", actor=actor, facts=facts, said=said)


def _decided(
    file: CaseFile,
    award: str,
    *,
    promise_id: str,
    due_ms: Instant,
    unit: Unit,
    policy: CaseworkPolicy,
) -> Promise:
    """What a scheme decided, as we promise it."""
    return make_promise(
        promise_id=promise_id,
        case_id=file.case.id,
        what=award.strip().rstrip("."),
        amount_pence=file.award_pence,
        due_ms=due_ms,
        method=ON_TOP if file.award_beside else AS_DECIDED,
        owner=file.case.owner,
        now_ms=unit.now_ms,
        policy=policy,
    )


def _check_sum(award_pence: int | None, *, policy: CaseworkPolicy, today: date) -> None:
    """Return if a scheme can award this sum; raises `Rejected("award_pence")`."""
    most_pence = policy.count("adr_cap_gbp", today) * PENCE_A_POUND
    if award_pence is not None and not 0 < award_pence <= most_pence:
        raise Rejected(
            "award_pence", "no scheme awards that sum", fix=f"Name 1 to {most_pence} pence, or leave it out."
        )


def _check_has_a_remedy(unit: Unit, file: CaseFile) -> None:
    """Return if a remedy was chosen or decided before, done or not; raises `Conflict("nothing_beside")`."""
    known = by_the_remedy(known_before(unit.session, file).mine)
    if not any(is_owed(one) or one.state == "kept" for one in known):
        raise Conflict(
            "nothing_beside",
            "nothing was promised or given that the decision could stand beside",
            fix="Leave that out: what was decided puts the case right.",
        )


def _names_order(file: CaseFile) -> bool:
    """Whether a report named its order, and was not led to it by what stands on a box: anybody may have read that."""
    return file.order_named or not (file.imei or file.parcel)


def _about_its_order(survivor: CaseFile, other: CaseFile, case: Case) -> CaseFile:
    if survivor.case.order_ref or survivor.imei or survivor.parcel:
        return replace(survivor, case=case)
    return replace(
        survivor,
        case=replace(case, order_ref=other.case.order_ref),
        order=other.order,
        imei=other.imei,
        parcel=other.parcel,
        order_named=other.order_named,
    )


def _check_has_an_offer(other: CaseFile, order_ref: str | None) -> None:
    """Return if the order of a report that is to be joined was offered something; raises `Conflict("unclassified")`.

    The case that goes on offers for its own order alone.
    """
    if order_ref is not None and other.case.claim_type is None:
        raise Conflict(
            "unclassified",
            f"{other.case.id} is about another order, and nothing was offered for that one yet",
            fix="Agree on its kind of problem, so that its order gets an offer, and let it go on by itself. It can be "
            "joined once its remedy was chosen, came, and did not help.",
        )


def _check_loses_no_remedy(other: CaseFile) -> None:
    """Return if nothing is on offer, on its way or given in a report that is to be joined; raises `Conflict`.

    The case that it is joined into offers anew, and the customer would choose no more of what stands here.
    """
    if other.case.state in REMEDY_STANDS:
        raise Conflict(
            "remedy_stands",
            f"{other.case.id} has a remedy of its own, which joining would take away",
            fix="Let both reports go on. This one can be joined once its customer says that the remedy did not help.",
        )


def _pack_digest(unit: Unit, dispute: str) -> bytes | None:
    lines = [line for line in case_book.timeline(unit.session, dispute) if line.kind == PACK]
    manifest = msgspec.json.decode(lines[-1].facts).get("manifest") if lines else None  # an erased line has none
    return base64.b64decode(manifest) if manifest else None
