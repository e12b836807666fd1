"""Stories of a case: honest from the first word, asked once, put right first, closed when everything is settled."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from api import joints
from custody.disputes.civil import civil_date
from custody.disputes.machine import CaseRole
from custody.disputes.messages import pounds
from custody.disputes.order import OrderFacts, Standing
from custody.disputes.policy import DEFAULT_POLICY as POLICY
from custody.kernel.clock import DAY_MS
from custody.kernel.errors import Conflict, Forbidden, NotFound, Rejected, Trouble
from custody.store import case_book, inquiry_book
from custody.store.case_book import CaseFile
from custody.store.unit import Unit
from custody.usecases import ask_customer, decline_case, move_case, move_scheme, pay_credit
from custody.usecases.open_dispute import hash_token
from custody.usecases.sweep_inquiries import NEWS
from custody.usecases.sweep_promises import sweep_promises
from tests.stories.case_steps import DECIDER, PROPOSER, SEEN, SUPERVISOR, act, not_put_right, put_right
from tests.stories.lock_steps import told
from tests.world import World
from tests.world_parts import Opened


def classify(world: World, opened: Opened, claim: str, *, agreed: bool = True) -> CaseFile:
    """An agent agrees with the customer on the kind of problem; what follows is in the same unit."""
    with world.house.unit() as unit:
        file = move_case.classify_and_offer(
            unit,
            opened.case,
            claim_type=claim,
            terms=move_case.OfferTerms(agreed=agreed, lock_facts=joints.wish_facts_of_case(unit.session, opened.case)),
            actor="agent-1",
            role=CaseRole.AGENT,
        )
        unit.session.flush()
        joints.lock_of_case(unit, world.office, file)
    return file


def test_words_alone_are_enough_to_open_a_case(world: World) -> None:
    opened = world.dispute(None, None, words="Something is wrong with what you sent me.")
    case = opened.disputed.file.case
    assert (case.state, case.presumption) == ("reported", "honest")
    assert case.owner in {"agent-1", "agent-2"}
    assert opened.lock.order is None
    moved = classify(world, opened, "never_received")
    assert moved.case.state == "remedy_offered"


def test_a_new_case_goes_to_who_has_the_fewest_open_ones_however_many_they_ended(world: World) -> None:
    ended = [world.dispute(None, None) for _ in range(4)]
    mine = [opened for opened in ended if world.case(opened).case.owner == "agent-1"]
    for opened in mine:
        act(world, move_case.withdraw, opened, actor="customer", locks_settled=True)
    assert len(mine) == 2
    assert [world.case(world.dispute(None, None)).case.owner for _ in mine] == ["agent-1", "agent-1"]


def test_a_kind_that_is_agreed_later_has_its_remedy_and_its_lock_then(world: World) -> None:
    parcel = world.parcels[0]
    radio = world.handset(parcel)
    radio.switch_on()
    opened = world.dispute(parcel, None, words="Something is wrong with what you sent me.")
    world.deliver()
    assert radio.acks == []
    classify(world, opened, "substituted")
    world.deliver()
    assert radio.handset.screen_locked
    assert world.case(opened).case.state == "remedy_offered"


def test_a_kind_of_problem_that_the_customer_did_not_agree_to_changes_nothing(world: World) -> None:
    opened = world.dispute(None, None, words="It is not what I ordered.")
    with world.refused(Conflict, "guard"):
        classify(world, opened, "damaged", agreed=False)
    assert world.case(opened) == opened.disputed.file


def test_the_receipt_of_an_order_of_ours_is_never_asked_for(world: World) -> None:
    opened = world.dispute(world.parcels[0], "never_received")
    not_put_right(world, opened)
    before = world.case(opened)
    with pytest.raises(Conflict) as caught, world.house.unit() as unit:
        ask_customer.ask(
            unit, opened.case, item="receipt", text="Have you the receipt?", actor="a", role=CaseRole.AGENT
        )
    assert caught.value.code == "held_by_us"
    assert caught.value.facts["pointer"] == world.parcels[0].order
    assert world.parcels[0].order in caught.value.fix
    assert world.case(opened) == before


def test_what_was_asked_for_once_is_not_asked_for_again_in_other_words(world: World) -> None:
    opened = world.dispute(world.parcels[0], "never_received")
    not_put_right(world, opened)
    asked: dict[str, Any] = {"actor": "agent-1", "role": CaseRole.AGENT}
    ledger = act(
        world, ask_customer.ask, opened, item="photo of the label", text="Have you a photo of the label?", **asked
    )
    first = ledger.ledger.asks[0]
    given = act(world, ask_customer.answer, opened, ask_id=first.id, pointer="evidence/7", actor="customer")
    assert given.case.state == "triaged"
    words = "clearer picture of the label"
    with pytest.raises(Conflict) as caught:
        act(world, ask_customer.ask, opened, item=words, text="Have you one more?", **asked)
    assert caught.value.code in {"held_by_us", "asked_before"}
    assert caught.value.facts["pointer"] == "evidence/7"
    assert world.case(opened) == given


def test_skipping_what_was_asked_for_goes_on_and_counts_against_nobody(world: World) -> None:
    opened = world.dispute(world.parcels[0], "never_received")
    not_put_right(world, opened)
    facts: dict[str, Any] = {"actor": "agent-1", "role": CaseRole.AGENT}
    asked = act(
        world, ask_customer.ask, opened, item="photo of the label", text="Have you a photo of the label?", **facts
    )
    with world.refused(Conflict, "ask_open"):
        act(world, ask_customer.ask, opened, item="colour of the tape", text="Which colour has the tape?", **facts)
    moved = act(world, ask_customer.answer, opened, ask_id=asked.ledger.asks[0].id, pointer=None, actor="customer")
    assert (moved.case.state, moved.case.presumption) == ("triaged", "honest")
    with world.refused(Conflict, "ask_ended"):
        act(world, ask_customer.answer, opened, ask_id=asked.ledger.asks[0].id, pointer=None, actor="customer")
    late = act(world, ask_customer.answer, opened, ask_id=asked.ledger.asks[0].id, pointer="late", actor="customer")
    assert (late.case.state, late.ledger.holdings[-1].pointer) == ("triaged", "late"), "what comes late is kept"


@pytest.mark.parametrize("standing", [Standing.FORMER, Standing.NEW, None])
def test_nobody_but_somebody_we_serve_is_paid_on_the_next_bill(world: World, standing: Standing | None) -> None:
    parcel = world.parcels[0]
    opened = world.dispute(parcel, "never_received", order=OrderFacts(standing=standing, price_pence=89_900))
    with pytest.raises(Rejected) as caught, world.house.unit() as unit:
        move_case.choose(unit, opened.case, remedy="refund", payout="next_bill", actor="customer")
    assert caught.value.code == "payout_route"
    assert "bank_transfer" in caught.value.facts["offers"]
    assert world.case(opened).case.state == "remedy_offered"
    moved = act(world, move_case.choose, opened, remedy="refund", payout="bank_transfer", actor="customer")
    assert moved.case.state == "remedy_in_progress"
    with world.house.read() as session:
        (promise,) = case_book.promises(session, opened.case)
    assert (promise.amount_pence, promise.owner) == (89_900, moved.case.owner)


def test_only_what_is_on_offer_can_be_chosen_and_only_once(world: World) -> None:
    opened = world.dispute(world.parcels[0], "never_received")
    with world.refused(Rejected, "remedy"):
        act(world, move_case.choose, opened, remedy="repair", payout=None, actor="customer")
    act(world, move_case.choose, opened, remedy="replacement", payout=None, actor="customer")
    with world.refused(Conflict, "move"):
        act(world, move_case.choose, opened, remedy="refund", payout="bank_transfer", actor="customer")


def test_a_case_closes_only_when_its_locks_and_its_promises_are_settled(either: World) -> None:
    parcel = either.parcels[0]
    radio = either.handset(parcel)
    opened = either.dispute(parcel, "never_received")
    radio.switch_on()
    either.deliver()
    put_right(either, opened)
    assert either.settled(opened) is False
    with either.refused(Conflict, "guard"):
        act(either, move_case.confirm, opened, actor="customer", locks_settled=either.settled(opened))
    either.found(opened)
    assert either.settled(opened) is False, "a release that is on its way has not arrived"
    either.deliver()
    with either.refused(Conflict, "guard"):
        act(either, move_case.confirm, opened, actor="customer", locks_settled=either.settled(opened))
    act(
        either,
        pay_credit.credit_paid,
        opened,
        reference="owed for the wrong lock",
        actor="agent-1",
        role=CaseRole.AGENT,
    )
    moved = act(either, move_case.confirm, opened, actor="customer", locks_settled=either.settled(opened))
    assert moved.case.state == "closed"
    again = act(either, move_case.reopen, opened, actor="customer", role=CaseRole.CUSTOMER)
    assert (again.case.state, again.case.first_word_ms) == ("triaged", opened.disputed.file.case.first_word_ms)


def test_a_case_is_not_opened_again_with_a_clock_that_started_after_its_first_word(world: World) -> None:
    earlier = world.dispute(None, None, words="It is wrong.")
    world.clock.at_ms += 3 * DAY_MS
    opened = world.dispute(None, None, words="Still wrong.")
    own = world.case(opened).legal_clocks
    joins = {"into": opened.case, "consent": True, "actor": "agent-1", "role": CaseRole.AGENT}
    act(world, move_scheme.join_case, earlier, **joins)
    act(world, move_case.withdraw, opened, actor="customer", locks_settled=True)
    kept = world.case(opened).legal_clocks
    with world.house.unit() as unit:
        before = case_book.hold_one(unit, opened.case)
        stale = replace(before, legal_clocks=own, case=replace(before.case, first_word_ms=before.case.opened_ms))
        case_book.replace(unit, stale, before=before)
    with world.refused(Conflict, "guard"):
        act(world, move_case.reopen, opened, actor="customer", role=CaseRole.CUSTOMER)
    with world.house.unit() as unit:
        case_book.replace(unit, replace(stale, legal_clocks=kept), before=stale)
    assert act(world, move_case.reopen, opened, actor="customer", role=CaseRole.CUSTOMER).case.state == "triaged"


def test_what_was_not_put_right_is_offered_and_chosen_again(world: World) -> None:
    opened = world.dispute(world.parcels[0], "never_received")
    not_put_right(world, opened)
    by = {"claim_type": None, "actor": "agent-1"}
    with world.refused(Forbidden, "role"):
        act(world, move_case.offer_again, opened, role=CaseRole.SUPERVISOR, **by)
    offered = act(world, move_case.offer_again, opened, role=CaseRole.AGENT, **by)
    assert (offered.case.state, offered.chosen) == ("remedy_offered", None)
    chosen = act(world, move_case.choose, opened, remedy="refund", payout="bank_transfer", actor="customer")
    assert chosen.case.state == "remedy_in_progress"
    with world.refused(Conflict, "move"):
        act(world, move_case.offer_again, opened, role=CaseRole.AGENT, **by)


def test_a_case_that_is_opened_again_without_a_kind_of_problem_needs_one_for_its_offer(world: World) -> None:
    opened = world.dispute(None, None, words="Something is wrong with what you sent me.")
    act(world, move_case.withdraw, opened, actor="customer", locks_settled=world.settled(opened))
    act(world, move_case.reopen, opened, actor="customer", role=CaseRole.CUSTOMER)
    by = {"actor": "agent-1", "role": CaseRole.AGENT}
    with world.refused(Rejected, "claim_type"):
        act(world, move_case.offer_again, opened, claim_type=None, **by)
    offered = act(world, move_case.offer_again, opened, claim_type="never_received", **by)
    assert (offered.case.state, offered.case.claim_type) == ("remedy_offered", "never_received")


def test_a_promise_that_is_open_keeps_the_case_open(world: World) -> None:
    opened = world.dispute(world.parcels[0], "never_received", support_needs=("large print",))
    act(world, move_case.choose, opened, remedy="replacement", payout=None, actor="customer")
    with world.refused(Conflict, "move"):
        act(world, move_case.confirm, opened, actor="customer", locks_settled=True)
    assert world.case(opened).case.state == "remedy_in_progress"


@pytest.mark.parametrize("late", [False, True])
def test_a_promise_that_was_kept_is_told_once_and_a_late_one_with_its_credit(
    world: World,
    late: bool,  # noqa: FBT001 - the pair that is told
) -> None:
    opened = world.dispute(world.parcels[0], "never_received")
    act(world, move_case.choose, opened, remedy="replacement", payout=None, actor="customer")
    if late:
        world.step(8 * DAY_MS)
        with world.house.unit() as unit:
            assert sweep_promises(unit)
    done = act(world, move_case.remedied, opened, reference="JJD0001", actor="agent-1", role=CaseRole.AGENT)
    said = told(world, opened)
    assert (said.count("Done: "), said.count("Done at last: ")) == (int(not late), int(late))
    credit = pounds(done.unpaid_credit_pence)
    assert (f"You get {credit} for the wait." in said) is late


def test_the_customer_hears_of_the_investigation_at_least_every_five_days_whatever_it_is_doing(either: World) -> None:
    opened = either.dispute(either.parcels[0], "never_received")
    days = POLICY.count("inv_update_days", civil_date(either.clock.at_ms))
    for number, state in enumerate(NEWS):
        with either.house.unit() as unit:
            row = inquiry_book.read(unit.session, opened.case)
            row.state = state
            unit.session.add(row)
        either.step((days - 1) * DAY_MS)
        assert told(either, opened).count("We still look at the path") == number
        for _ in range(2):
            either.step(DAY_MS)
        assert told(either, opened).count("We still look at the path") == number + 1
        assert NEWS[state] in told(either, opened)
        either.clock.at_ms -= DAY_MS


@pytest.mark.parametrize("ended", [True, False])
def test_the_customer_of_a_case_that_has_ended_hears_no_more_of_the_investigation(
    world: World,
    ended: bool,  # noqa: FBT001 - the pair that is told
) -> None:
    opened = world.dispute(world.parcels[0], "never_received")
    if ended:
        world.found(opened)
        act(world, move_case.withdraw, opened, actor="customer", locks_settled=True)
    world.step(30 * DAY_MS)
    assert ("We still look at the path" in told(world, opened)) is not ended


def test_a_case_is_withdrawn_only_when_its_locks_are_settled(world: World) -> None:
    parcel = world.parcels[0]
    world.handset(parcel)
    opened = world.dispute(parcel, "never_received")
    with world.refused(Conflict, "guard"):
        act(world, move_case.withdraw, opened, actor="customer", locks_settled=world.settled(opened))
    world.found(opened)
    world.deliver()
    moved = act(world, move_case.withdraw, opened, actor="customer", locks_settled=world.settled(opened))
    assert moved.case.state == "withdrawn"


def test_only_the_customers_own_link_opens_the_case(world: World) -> None:
    opened = world.dispute(world.parcels[0], "never_received")
    with world.house.read() as session:
        assert case_book.read_by_token(session, hash_token(opened.disputed.token)).case.id == opened.case
        for wrong in ("", opened.case, opened.disputed.token[:-1], opened.disputed.token.upper()):
            with pytest.raises(NotFound):
                case_book.read_by_token(session, hash_token(wrong))


def test_two_people_who_change_a_case_at_once_do_not_overwrite_each_other(world: World) -> None:
    opened = world.dispute(world.parcels[0], "never_received")
    stale = world.case(opened)
    act(world, move_case.choose, opened, remedy="replacement", payout=None, actor="customer")
    with world.refused(Conflict, "changed"), world.house.unit() as unit:
        case_book.replace(unit, stale, before=stale)


MOVES: tuple[tuple[Callable[..., Any], dict[str, Any]], ...] = (
    (move_case.remedied, {"reference": "JJD1", "actor": "agent-1", "role": CaseRole.AGENT}),
    (move_case.confirm, {"actor": "customer", "locks_settled": True}),
    (move_case.not_fixed, {"actor": "customer"}),
    (move_case.reopen, {"actor": "customer", "role": CaseRole.CUSTOMER}),
    (decline_case.decline, {"why": "Because.", "heard": True, "actor": SUPERVISOR, **DECIDER}),
    (decline_case.propose_decline, {"findings": (SEEN,), **PROPOSER}),
    (ask_customer.ask, {"item": "tape", "text": "Which colour has the tape?", "actor": "a", "role": CaseRole.AGENT}),
    (
        move_scheme.adr,
        {"letter_due_ms": 2**50, "deadlock": False, "actor": "supervisor-1", "role": CaseRole.SUPERVISOR},
    ),
)


def test_a_move_that_the_table_does_not_have_changes_nothing(world: World) -> None:
    opened = world.dispute(world.parcels[0], "never_received")
    for move, facts in MOVES:
        before, size = _everything(world, opened), world.size
        with pytest.raises((Conflict, Forbidden)) as caught:
            act(world, move, opened, **facts)
        assert caught.value.fix
        assert (_everything(world, opened), world.size) == (before, size), move.__name__


def test_a_unit_that_fails_at_its_very_end_leaves_nothing_behind(world: World) -> None:
    opened = world.dispute(world.parcels[0], "never_received")
    before, size = _everything(world, opened), world.size

    def choose_and_fail(unit: Unit) -> None:
        move_case.choose(unit, opened.case, remedy="replacement", payout=None, actor="customer")
        raise Rejected("test", "something fails after everything was done", fix="Nothing: it is a test.")

    with pytest.raises(Trouble), world.house.unit() as unit:
        choose_and_fail(unit)
    assert (_everything(world, opened), world.size) == (before, size)


def _everything(world: World, opened: Opened) -> tuple[Any, ...]:
    with world.house.read() as session:
        return (
            case_book.read(session, opened.case),
            case_book.promises(session, opened.case),
            case_book.messages(session, opened.case),
            [(row.kind, row.idx) for row in case_book.timeline(session, opened.case)],
        )
