"""Moving a case along its table: each act reads the facts that its guards need, moves, and writes it all in one unit.

Every act names its actor and role; the table decides who may do what, and a refused move changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from custody.disputes import case_guards, civil
from custody.disputes.case import CASE, CaseState
from custody.disputes.choose_remedy import Chosen, choose_remedy
from custody.disputes.claim import claim_of
from custody.disputes.clocks import SCHEME_LETTER
from custody.disputes.lock_wish import WishFacts, lock_wish
from custody.disputes.machine import CaseRole, demand, demand_role, step
from custody.disputes.messages import Message, alternatives, say
from custody.disputes.one_order import check_delivery, is_set_aside, of_its_order
from custody.disputes.opening import AN_OFFER, by_the_remedy
from custody.disputes.policy import DEFAULT_POLICY, CaseworkPolicy
from custody.disputes.promise import Promise, all_promises_settled, check_payer, is_owed, proof
from custody.disputes.remedy import Needs, offer_remedy
from custody.kernel.clock import Instant
from custody.kernel.errors import Conflict, Rejected
from custody.store import case_book, inquiry_book
from custody.store.case_book import CaseFile
from custody.store.unit import Unit
from custody.usecases.allow_exception import said_of_taken_back, take_back_asked
from custody.usecases.keep_promises import check_by_word, check_one_payment, cross_out, keep, take_place
from custody.usecases.keep_word import take_back
from custody.usecases.offer_sum import named_before, with_sum
from custody.usecases.read_order import hold_order, known_before
from custody.usecases.repeat_move import check_reference
from custody.usecases.set_aside import settle_the_box
from custody.usecases.ways_out import ways_of_kind
from custody.usecases.write_move import write_move

NOTHING_KNOWN = WishFacts()
KIND_MAY_CHANGE: frozenset[CaseState] = frozenset({"triaged", "remedy_offered"})
"""States in which the kind of problem may be put right: until a remedy is chosen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferTerms:
    """What is said with a kind of problem when it is agreed, and what is known of the handset then.

    `custody_words` are the customer's on when and where something was damaged. `price_reduction_pence` is the part of
    the price to offer; `why` it is less than was named before.
    """

    agreed: bool = True
    custody_words: str | None = None
    price_reduction_pence: int | None = None
    why: str | None = None
    lock_facts: WishFacts = NOTHING_KNOWN


NOTHING_SAID = OfferTerms()


def classify_and_offer(
    unit: Unit,
    dispute: str,
    *,
    claim_type: str,
    terms: OfferTerms,
    actor: str,
    role: CaseRole,
    policy: CaseworkPolicy = DEFAULT_POLICY,
) -> CaseFile:
    """Agree on the kind of problem: the offer follows at once, and so do the wish for a lock and the investigation.

    Until a remedy is chosen the kind can be put right as we told the customer, or the sum of a price reduction named:
    that moves nothing, and offers anew.
    """
    file = case_book.hold_one(unit, dispute)
    agreed_on = _kind_guards(file, claim_type, terms)
    target = file.case.state
    if target in KIND_MAY_CHANGE:
        demand_role(CASE, "classify", role)
        demand(CASE, agreed_on)
    else:
        target = step(CASE, target, "classify", role, agreed_on).target
    if target == "triaged":
        pinned = case_guards.policy_version_pinned(file.case.policy_version)
        target = step(CASE, target, "offer", CaseRole.SYSTEM, {"policy_version_pinned": pinned}).target
    moved, said = _offered(unit, file, claim_type, target, terms, policy=policy)
    named = terms.price_reduction_pence
    same_sum = named is None or named == named_before(unit.session, file)
    if moved == replace(file, offer=moved.offer, chosen=None) and same_sum and _same_options(file, moved):
        return file
    said.insert(0, say("case.classify", problem=claim_of(claim_type).says))
    return _write_offer(unit, file, moved, terms, actor=actor, said=said)


def _kind_guards(file: CaseFile, kind: str, terms: OfferTerms) -> dict[str, bool | None]:
    claim_type_set = case_guards.claim_type_set(
        kind, agreed_by_customer=terms.agreed, custody_words=terms.custody_words
    )
    return {
        "customer_words_kept": case_guards.customer_words_kept(file.case.words),
        "claim_type_set": claim_type_set,
    }


def _offered(
    unit: Unit, file: CaseFile, kind: str, target: CaseState, terms: OfferTerms, *, policy: CaseworkPolicy
) -> tuple[CaseFile, list[Message]]:
    """The file with the offer for a kind, and what is said of it; the promise of an offer is kept by it."""
    known, price = known_before(unit.session, file), file.order.price_pence
    left, gone = known.left_pence(price), known.is_paid_back(price)
    offer = offer_remedy(kind, file.order, Needs(), policy=policy, now_ms=unit.now_ms, left_pence=left, paid_back=gone)
    offer, of_sum = with_sum(
        unit.session,
        file,
        offer,
        named_pence=terms.price_reduction_pence,
        why=terms.why,
        left_pence=left,
        policy=policy,
    )
    wish, ways, way_told = file.lock_wish, file.recourse, list[Message]()
    if kind != file.case.claim_type:
        wish = lock_wish(kind, terms.lock_facts, policy=policy, on_date=civil.civil_date(unit.now_ms))
        ways, way_told = ways_of_kind(unit, file, kind, policy=policy)
        if claim_of(kind).chain_matters:
            inquiry_book.begin(unit, file.case.id)
    promised = of_its_order(file.case, case_book.promises(unit.session, file.case.id))
    offers = [one for one in promised if one.what == AN_OFFER]
    owing, said = keep(unit, file, offers, shown=True, role=CaseRole.SYSTEM, policy=policy)
    case = replace(file.case, state=target, claim_type=kind)
    said.append(say("case.offer", options=alternatives(tuple(option.words for option in offer.options))))
    said += of_sum
    if offer.paid_back:
        said.append(say("case.paid_back"))
    if offer.sum_to_name:
        said.append(say("case.sum_to_name"))
    return replace(owing, case=case, offer=offer, chosen=None, lock_wish=wish, recourse=ways), [*said, *way_told]


def _write_offer(
    unit: Unit, file: CaseFile, moved: CaseFile, terms: OfferTerms, *, actor: str, said: Sequence[Message]
) -> CaseFile:
    facts = {
        "claim_type": moved.case.claim_type,
        "price_reduction_pence": terms.price_reduction_pence,
        "why": terms.why,
    }
    return write_move(unit, file, moved, "offered", actor=actor, facts=facts, said=said)


def _same_options(file: CaseFile, moved: CaseFile) -> bool:
    return file.offer is not None and moved.offer is not None and file.offer.options == moved.offer.options


def choose(
    unit: Unit,
    dispute: str,
    *,
    remedy: str,
    payout: str | None,
    actor: str,
    offered_ms: Instant | None = None,
    policy: CaseworkPolicy = DEFAULT_POLICY,
) -> tuple[CaseFile, Chosen]:
    """The customer chooses; the promise with its date is made in the same unit, for one that is not done.

    `offered_ms`: of the offer that was read, which may be of another sum than the one that stands now.
    """
    file = hold_order(unit, dispute)
    if file.found_ms is not None:
        raise Conflict("found", "you told us that you have it", fix="Your case ends now, and you can open it again.")
    if file.offer is None:
        raise Rejected("remedy", "nothing is on offer yet", fix="Agree on the kind of problem first.")
    if offered_ms not in {None, file.offer.offered_ms}:
        raise Conflict("changed", "the offer was changed meanwhile", fix="Look at it again, and then choose.")
    known = known_before(unit.session, file)
    chosen = choose_remedy(
        file.case,
        file.offer,
        file.order,
        remedy=remedy,
        payout=payout,
        promise_id=unit.ids.new("promise"),
        policy=policy,
        now_ms=unit.now_ms,
        known=known,
    )
    owing, said = take_place(unit, file, known.in_place, of=chosen.promise, policy=policy)
    case_book.put_promise(unit, chosen.promise)
    settle_the_box(unit, file, chosen.promise, policy=policy)
    moved = replace(owing, case=replace(file.case, state=chosen.move.target), chosen=remedy)
    facts = {"remedy": remedy, "payout": payout, "promise": chosen.promise.id, "due_ms": chosen.promise.due_ms}
    return write_move(unit, file, moved, "chosen", actor=actor, facts=facts, said=[*said, *chosen.messages]), chosen


def remedied(
    unit: Unit, dispute: str, *, reference: str, actor: str, role: CaseRole, policy: CaseworkPolicy = DEFAULT_POLICY
) -> CaseFile:
    """The remedy was delivered or paid; its promise is kept, and a late one has earned a credit."""
    file = case_book.hold_one(unit, dispute)
    shown = proof(reference)
    move = step(CASE, file.case.state, "delivered_or_paid", role, {"proof_of_remedy": shown})
    check_reference(unit.session, dispute, reference)
    check_delivery(known_before(unit.session, file))
    open_ones = case_book.promises(unit.session, dispute)
    mine = by_the_remedy(of_its_order(file.case, open_ones))
    check_one_payment(mine)
    owing, said = keep(unit, file, mine, shown=shown, role=role, policy=policy)
    moved = replace(owing, case=replace(file.case, state=move.target))
    said.append(say("case.delivered_or_paid"))
    return write_move(unit, file, moved, "remedied", actor=actor, facts={"reference": reference}, said=said)


def promise_kept(
    unit: Unit,
    dispute: str,
    *,
    promise: str,
    reference: str,
    actor: str,
    role: CaseRole,
    policy: CaseworkPolicy = DEFAULT_POLICY,
) -> CaseFile:
    """Something promised was done, such as a phone on loan; with the last part of its remedy the case is put right."""
    check_payer(role)
    file = case_book.hold_one(unit, dispute)
    mine = [one for one in case_book.promises(unit.session, dispute) if one.id == promise]
    if not mine or not is_owed(mine[0]):
        raise Rejected(
            "promise", f"no open promise {promise!r} in this case", fix="Use the promise's id from the case."
        )
    check_by_word(file, mine[0])
    check_reference(unit.session, dispute, reference)
    shown = proof(reference)
    owing, said = keep(unit, file, mine, shown=shown, role=role, policy=policy)
    facts = {"promise": promise, "reference": reference}
    if not _was_the_last(unit, file, mine[0]):
        return write_move(unit, file, owing, "promise_kept", actor=actor, facts=facts, said=said)
    move = step(CASE, file.case.state, "delivered_or_paid", CaseRole.SYSTEM, {"proof_of_remedy": shown})
    moved = replace(owing, case=replace(file.case, state=move.target))
    said.append(say("case.delivered_or_paid"))
    return write_move(unit, file, moved, "remedied", actor=actor, facts=facts, said=said)


def _was_the_last(unit: Unit, file: CaseFile, kept: Promise) -> bool:
    """Whether with this promise all was given that the remedy of a case was to give."""
    promises = of_its_order(file.case, case_book.promises(unit.session, file.case.id))
    remedy = by_the_remedy(promises)
    is_part = kept.id in {each.id for each in remedy} and not is_set_aside(file.case, promises)
    return file.case.state == "remedy_in_progress" and is_part and not any(map(is_owed, remedy))


def confirm(
    unit: Unit, dispute: str, *, actor: str, locks_settled: bool | None, policy: CaseworkPolicy = DEFAULT_POLICY
) -> CaseFile:
    """The customer says that it is put right; the case closes if every lock and every promise is settled.

    What was promised beside the remedy and is not yet due, such as a phone on loan, is crossed out by that word, and so
    is what was promised elsewhere and does not bind us yet; money that came back to us, or a sum that was told, is not.
    """
    file = case_book.hold_one(unit, dispute)
    owing, said = cross_out(unit, file, policy=policy, money=False)
    owing, crossed = take_back(unit, owing, sums=False)
    promises = case_book.promises(unit.session, dispute)
    guards = {
        "all_locks_settled": locks_settled,
        "all_promises_settled": all_promises_settled(promises, unpaid_credit_pence=owing.unpaid_credit_pence),
    }
    move = step(CASE, file.case.state, "confirm_or_lapse", CaseRole.CUSTOMER, guards)
    moved = replace(owing, case=replace(file.case, state=move.target))
    said += [*crossed, say("case.confirm_or_lapse")]
    return write_move(unit, file, moved, "closed", actor=actor, facts={}, said=said)


def withdraw(
    unit: Unit, dispute: str, *, actor: str, locks_settled: bool | None, policy: CaseworkPolicy = DEFAULT_POLICY
) -> CaseFile:
    """The customer takes the report back; what was still promised is crossed out, what was earned stays owed.

    What was asked for beyond the rules and not answered yet is taken back too.
    """
    file = hold_order(unit, dispute)
    move = step(CASE, file.case.state, "withdraw", CaseRole.CUSTOMER, {"all_locks_settled": locks_settled})
    owing, said = cross_out(unit, file, policy=policy)
    owing, crossed = take_back(unit, owing, sums=True)
    settle_the_box(unit, file, None, policy=policy)
    moved = replace(owing, case=replace(file.case, state=move.target))
    said = [say("case.withdraw"), *said, *crossed, *take_back_asked(unit, file, actor=actor)]
    return write_move(unit, file, moved, "withdrawn", actor=actor, facts={}, said=said)


def found_it(
    unit: Unit, dispute: str, *, actor: str, locks_settled: bool | None, policy: CaseworkPolicy = DEFAULT_POLICY
) -> CaseFile:
    """The customer found the phone: thanks, and the case ends, as soon as its locks are settled.

    Until then it stays where it is, and the timer ends it. Once a remedy is on its way the customer confirms as ever.
    """
    before = hold_order(unit, dispute)
    ends = locks_settled and "withdraw" in CASE.possible(before.case.state, CaseRole.CUSTOMER)
    if before.found_ms is not None and not ends:
        return before
    file = replace(before, found_ms=unit.now_ms)
    said = [say("case.found_it_free" if locks_settled else "case.found_it")]
    if ends:
        move = step(CASE, file.case.state, "withdraw", CaseRole.CUSTOMER, {"all_locks_settled": locks_settled})
        file, crossed = cross_out(unit, file, policy=policy)
        file, told = take_back(unit, file, sums=True)
        settle_the_box(unit, file, None, policy=policy)
        file, said = replace(file, case=replace(file.case, state=move.target)), [*said, *crossed, *told]
        said += take_back_asked(unit, file, actor=actor)
    return write_move(unit, before, file, "found", actor=actor, facts={}, said=said)


def reopen(unit: Unit, dispute: str, *, actor: str, role: CaseRole) -> CaseFile:
    """Open a closed or withdrawn case again; its first date still counts."""
    file = case_book.hold_one(unit, dispute)
    starts = min((clock.starts for clock in file.legal_clocks if clock.key == SCHEME_LETTER), default=None)
    names = (dispute, *case_book.joined_into(unit.session, dispute))
    firsts = [case_book.read(unit.session, name).case.first_word_ms for name in names]
    guards = {"adr_clock_from_first_report": case_guards.adr_clock_from_first_report(starts, firsts)}
    move = step(CASE, file.case.state, "reopen", role, guards)
    moved = replace(file, case=replace(file.case, state=move.target), found_ms=None)
    said = [say("case.reopen", owner=file.case.owner), *said_of_taken_back(unit.session, dispute)]
    return write_move(unit, file, moved, "reopened", actor=actor, facts={}, said=said)


def not_fixed(unit: Unit, dispute: str, *, actor: str) -> CaseFile:
    """The customer says that it is not put right yet; that they found the phone ends the case no more."""
    file = case_book.hold_one(unit, dispute)
    move = step(CASE, file.case.state, "not_fixed", CaseRole.CUSTOMER, {})
    moved = replace(file, case=replace(file.case, state=move.target), found_ms=None)
    return write_move(unit, file, moved, "not_fixed", actor=actor, facts={}, said=[say("case.not_fixed")])


def disagrees(unit: Unit, dispute: str, *, actor: str) -> CaseFile:
    """The customer does not agree: staff see it, and that they found the phone ends the case no more.

    Said again before a person of ours has acted, it stands there already.
    """
    file = case_book.hold_one(unit, dispute)
    if file.found_ms is not None:
        return write_move(unit, file, replace(file, found_ms=None), "disagreed", actor=actor, facts={}, said=[])
    if not case_book.disagreed(unit.session, [dispute]):
        case_book.note(unit, dispute, "disagreed", actor=actor, facts={"state": file.case.state})
    return file


def offer_again(
    unit: Unit,
    dispute: str,
    *,
    claim_type: str | None,
    actor: str,
    role: CaseRole,
    terms: OfferTerms = NOTHING_SAID,
    policy: CaseworkPolicy = DEFAULT_POLICY,
) -> CaseFile:
    """Offer once more: it was not put right, or the case was opened again; another kind needs what the first needed."""
    file = case_book.hold_one(unit, dispute)
    kind = claim_type or file.case.claim_type
    if kind is None:
        raise Rejected("claim_type", "no kind of problem is agreed yet", fix="Agree on one and send claim_type.")
    guards = {"policy_version_pinned": case_guards.policy_version_pinned(file.case.policy_version)}
    move = step(CASE, file.case.state, "offer", role, guards)
    if kind != file.case.claim_type:
        demand_role(CASE, "classify", role)
        demand(CASE, _kind_guards(file, kind, terms))
    moved, said = _offered(unit, file, kind, move.target, terms, policy=policy)
    return _write_offer(unit, file, moved, terms, actor=actor, said=said)
