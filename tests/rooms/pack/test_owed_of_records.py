"""What dispute.json says of what is owed, and by whom, is what the log recorded of it."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from custody.disputes.machine import CaseRole
from custody.disputes.opening import A_LOAN, Report
from custody.disputes.order import OrderFacts, Payment
from custody.disputes.remedy import Needs
from custody.investigation.pack.case import CaseDoc, later_step
from custody.investigation.verify.form import OpenedPack, open_pack
from custody.investigation.verify.owed import check_owed
from custody.investigation.verify.pack import verify_pack
from custody.investigation.verify.scans import records_of
from custody.investigation.verify.verification import Notebook, PackFinding, PackStep
from custody.kernel.clock import DAY_MS
from custody.store.unit import Unit
from custody.usecases import learn_facts, move_case, move_scheme, pay_credit, sweep_cases
from custody.usecases.came_back import credit_came_back, payment_came_back
from custody.usecases.open_dispute import open_dispute
from custody.usecases.sweep_promises import sweep_promises
from tests.rooms.pack.pack_world import World, open_case_of, open_world
from tests.rooms.pack.tamper import failed_steps, told_otherwise

Change = Callable[[CaseDoc], Any]
"""A lie: alters the document in place, or returns another one."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A house without scans."""
    with open_world(f"sqlite:///{tmp_path_factory.mktemp('owed') / 'house.sqlite3'}") as world:
        yield world


def move(world: World, *acts: Callable[[Unit], Any]) -> None:
    """Each act in a unit of its own."""
    for act in acts:
        with world.house.unit() as unit:
            act(unit)


def found(opened: OpenedPack, lie: Change | None = None, **parts: Any) -> list[PackFinding]:
    """What the step says against a pack, or leaves open, once its case was changed."""
    case = deepcopy(opened.case)
    notes = Notebook(step=PackStep.RECORDS)
    changed = lie(case) if lie is not None else None
    case = changed if isinstance(changed, CaseDoc) else case
    check_owed(replace(opened, case=case, **parts), records_of(opened.entries), notes)
    return notes.checks


def told(world: World) -> OpenedPack:
    """The pack of the case as it is now, which holds."""
    content = world.export().content
    verify_pack(content, vkey=world.vkey).demand()
    opened = open_pack(content)
    assert not found(opened)
    return opened


def with_file(**facts: Any) -> Change:
    """The file of the case with other facts."""
    return lambda case: case.case.update(facts)


def with_case(**facts: Any) -> Change:
    """The case with other facts."""
    return lambda case: case.case["case"].update(facts)


def with_promise(number: int, **facts: Any) -> Change:
    """One promise with other facts."""
    return lambda case: case.promises[number].update(facts)


def _offered_before(case: CaseDoc) -> None:
    case.case["offer"]["offered_ms"] -= DAY_MS


def _offered_less(case: CaseDoc) -> None:
    case.case["offer"]["options"].pop(0)


def _of_another_sum(case: CaseDoc) -> None:
    case.case["offer"]["options"][-1]["amount_pence"] -= 1


def _not_listed(case: CaseDoc) -> CaseDoc:
    return replace(case, promises=case.promises[:-1])


def refused(opened: OpenedPack, **lies: Change) -> None:
    """Each lie is refused, and nothing else is said against it."""
    for name, lie in lies.items():
        assert [check.ok for check in found(opened, lie)] == [False], name


def only_told(opened: OpenedPack, **lies: Change) -> None:
    """Each may be true, as a later step of the case is not here."""
    missing = (*opened.redactions, later_step(opened.head.size))
    for name, lie in lies.items():
        assert [check.ok for check in found(opened, lie, redactions=missing)] == [None], name


def test_owner_offer_and_choice_are_those_that_the_log_recorded(house: World) -> None:
    open_case_of(house)
    opened = told(house)
    lies = {
        "owner": with_case(owner="agent-2"),
        "successor": with_case(joined_into="case_2"),
        "before": _offered_before,
        "less": _offered_less,
        "choice": with_file(chosen="refund"),
    }
    refused(opened, **lies)
    only_told(opened, **lies)
    none = found(opened, with_file(offer=None))
    assert [check.what.partition(" of the case is")[0] for check in none] == ["the time of the offer", "the offer"]
    lie = deepcopy(opened.case)
    _offered_less(lie)
    assert failed_steps(told_otherwise(house, house.export().content, case=lie)) == {PackStep.RECORDS}


def open_without_a_kind(world: World, **order: Any) -> None:
    """A report that is promised an offer."""
    with world.house.unit() as unit:
        report = Report(words="No.", channel="web", reported_ms=unit.now_ms, claim_type=None, order=OrderFacts(**order))
        world.dispute = open_dispute(unit, report, owner="agent-1", imei=None, parcel=None)


def test_an_offer_that_was_never_made_and_a_promise_that_was_left_out_are_refused(house: World) -> None:
    open_without_a_kind(house)
    refused(told(house), offer=with_file(offer={"offered_ms": 1, "options": []}), promise=_not_listed)


def test_what_was_promised_missed_and_paid_is_what_the_log_recorded(house: World) -> None:
    case = open_case_of(house)
    by = {"actor": "agent-1", "role": CaseRole.AGENT}
    move(
        house,
        lambda unit: sweep_cases.sweep_case(
            unit, case, sweep_cases.SweepQuestions(people=_people, locks_settled=_settled)
        ),
        lambda unit: move_case.choose(unit, case, remedy="refund", payout="bank_transfer", actor="customer"),
    )
    opened = told(house)
    refused(
        opened,
        owner=with_case(owner="agent-1"),
        choice=with_file(chosen=None),
        due=with_promise(-1, due_ms=house.clock.at_ms + 60 * DAY_MS),
        kept=with_promise(-1, state="kept"),
    )
    only_told(opened, kept=with_promise(-1, state="kept"))
    house.clock.at_ms += 30 * DAY_MS
    move(house, sweep_promises)
    opened = told(house)
    refused(opened, state=with_promise(-1, state="due_soon"), credit=with_file(unpaid_credit_pence=0))
    house.clock.at_ms += DAY_MS
    move(
        house,
        lambda unit: sweep_cases.sweep_case(
            unit, case, sweep_cases.SweepQuestions(people=_people, locks_settled=_settled)
        ),
    )
    before, opened = opened.case.case["unpaid_credit_pence"], told(house)
    refused(opened, credit=with_file(unpaid_credit_pence=before))
    move(house, lambda unit: pay_credit.credit_paid(unit, case, reference="FP-0", pence=100, **by))
    rest, opened = opened.case.case["unpaid_credit_pence"] - 100, told(house)
    assert opened.case.case["unpaid_credit_pence"] == rest
    refused(opened, credit=with_file(unpaid_credit_pence=rest - 1))
    move(
        house,
        lambda unit: move_case.remedied(unit, case, reference="FP-1", **by),
        lambda unit: pay_credit.credit_paid(unit, case, reference="FP-2", **by),
        lambda unit: payment_came_back(unit, case, promise=opened.case.promises[-1]["id"], reference="BANK-1", **by),
        lambda unit: credit_came_back(unit, case, payment="FP-2", reference="BANK-2", **by),
    )
    opened = told(house)
    paid = next(place for place, each in enumerate(opened.case.promises) if each["came_back"])
    refused(
        opened,
        credit=with_file(unpaid_credit_pence=0),
        came=with_promise(paid, came_back=False),
        again=with_promise(-1, due_ms=1),
        gone=_not_listed,
    )
    again = opened.case.promises[-1]["id"]
    move(house, lambda unit: move_case.promise_kept(unit, case, promise=again, reference="FP-3", **by))
    refused(told(house), kept=with_promise(-1, state="made"))


def _people(_session: Any) -> list[str]:
    return ["agent-2"]


def _settled(_session: Any, _dispute: str) -> bool:
    return True


def test_what_a_scheme_decided_and_was_accepted_is_what_the_log_recorded(house: World) -> None:
    case = open_case_of(house)
    by = {"actor": "supervisor-1", "role": CaseRole.SUPERVISOR}
    move(house, lambda unit: move_scheme.adr(unit, case, letter_due_ms=unit.now_ms, deadlock=True, **by))
    told(house)
    move(
        house,
        lambda unit: move_scheme.scheme_accepts(unit, case, reference="CO-1", actor="agent-1", role=CaseRole.AGENT),
        lambda unit: move_scheme.scheme_decides(
            unit, case, award="The price and 50 pounds.", award_pence=94_900, reference="CO-2", **by
        ),
    )
    refused(
        told(house), award=with_file(award="An apology."), none=with_file(award=None), sum=with_file(award_pence=5_000)
    )
    move(house, lambda unit: move_scheme.accept_decision(unit, case, actor="customer"))
    refused(told(house), due=with_promise(-1, due_ms=1), less=with_promise(-1, amount_pence=1), gone=_not_listed)


def test_the_sum_of_an_offer_is_the_one_that_was_named(house: World) -> None:
    open_without_a_kind(house, order_ref="SO-2", payment=Payment.CREDIT_CARD, price_pence=89_900)
    move(
        house,
        lambda unit: move_case.classify_and_offer(
            unit,
            house.case,
            claim_type="missing_accessory",
            terms=move_case.OfferTerms(price_reduction_pence=5_000),
            actor="agent-1",
            role=CaseRole.AGENT,
        ),
    )
    refused(told(house), sum=_of_another_sum, before=_offered_before)


def test_what_was_promised_in_a_case_that_was_joined_is_listed_where_it_goes_on(house: World) -> None:
    open_without_a_kind(house)
    joined, other = house.dispute, house.case
    into = open_case_of(house)
    by = {"actor": "agent-1", "role": CaseRole.AGENT}
    move(house, lambda unit: move_scheme.join_case(unit, other, into=into, consent=True, **by))
    told(house)
    house.dispute = joined
    content = house.export().content
    verify_pack(content, vkey=house.vkey).demand()
    opened = open_pack(content)
    assert [(check.ok, check.what) for check in found(opened)] == [
        (None, "what was promised is listed in the case that this one was joined into")
    ]
    assert [check.ok for check in found(opened, with_case(joined_into="case_2"))] == [False, None]


def test_what_was_chosen_is_kept_by_no_offer_that_was_made_before(house: World) -> None:
    open_without_a_kind(house, order_ref="SO-3", payment=Payment.CREDIT_CARD, price_pence=89_900)
    by: dict[str, Any] = {"actor": "agent-1", "role": CaseRole.AGENT}
    kind: dict[str, Any] = {"claim_type": "substituted", "terms": move_case.OfferTerms()}
    move(
        house,
        lambda unit: move_case.classify_and_offer(unit, house.case, **kind, **by),
        lambda unit: move_case.choose(unit, house.case, remedy="refund", payout="bank_transfer", actor="customer"),
    )
    kept = with_promise(-1, state="kept")
    refused(told(house), kept=kept)
    only_told(told(house), kept=kept)
    move(house, lambda unit: move_case.remedied(unit, house.case, reference="FP-1", **by))
    paid = told(house).case.promises[-1]["id"]
    back = {"promise": paid, "reference": "BANK-1", **by}
    move(house, lambda unit: payment_came_back(unit, house.case, **back))
    refused(told(house), kept_again=kept)


def test_each_record_of_what_is_owed_counts(house: World) -> None:
    open_without_a_kind(house)
    opened = told(house)
    promise = opened.case.promises[0]["id"]

    def after(lie: Change | None, *steps: dict[str, Any]) -> list[bool | None]:
        """What is said once the log had recorded these steps, too."""
        case, notes, records = deepcopy(opened.case), Notebook(step=PackStep.RECORDS), records_of(opened.entries)
        records |= {max(records) + place: {"dispute": house.case, **fields} for place, fields in enumerate(steps, 1)}
        if lie is not None:
            lie(case)
        check_owed(replace(opened, case=case), records, notes)
        return [check.ok for check in notes.checks]

    wronged = {"kind": "dispute.lock_compensation", "pence": 500}
    assert after(None, wronged) == [False]
    # What a late promise earned until it was done is told by no record.
    assert not after(with_file(unpaid_credit_pence=501), wronged)
    grown = {"kind": "dispute.credit_grown", "promises": [promise], "pence": 646}
    assert [after(with_file(unpaid_credit_pence=pence), wronged, grown) for pence in (1145, 1146)] == [[False], []]
    # What was earned goes on with the case.
    assert not after(with_case(joined_into="case_2"), wronged, {"kind": "dispute.merged", "into": "case_2"})
    kept = {"kind": "dispute.promise_kept", "promise": promise}
    assert [after(with_promise(0, state="kept"), *steps) for steps in ((), (kept,))] == [[False], []]
    remedied = {"kind": "dispute.remedied", "promise": promise}
    assert [after(with_promise(0, state=state), remedied) for state in ("made", "kept")] == [[False], []]
    back = {"kind": "dispute.payment_came_back", "promise": promise}
    assert [after(with_promise(0, came_back=came_back), back) for came_back in (False, True)] == [[False], []]
    again = {**back, "again": "promise-of-nobody", "due_ms": 1}
    assert after(with_promise(0, came_back=True), again) == [False]
    # An offer from before a part of the price was named, which leaves the sums of its options open.
    offer = {"offered_ms": 1, "options": [{"remedy": "price_reduction", "amount_pence": 100}]}
    offered = {"kind": "dispute.offered", "at_ms": 1}
    sums = ({}, {"price_reduction_pence": None}, {"price_reduction_pence": 99})
    assert [after(with_file(offer=offer), {**offered, **named}) for named in sums] == [[], [], [False]]


def test_a_promise_of_what_a_customer_turned_out_to_be_without_is_listed(house: World) -> None:
    case, without = open_case_of(house), Needs(has_working_phone=False)
    move(house, lambda unit: learn_facts.needs(unit, case, needs=without, actor="agent-1"))
    opened = told(house)
    assert [promise["what"] for promise in opened.case.promises].count(A_LOAN) == 1
    rest = tuple(promise for promise in opened.case.promises if promise["what"] != A_LOAN)
    refused(opened, not_listed=lambda case: replace(case, promises=rest))
