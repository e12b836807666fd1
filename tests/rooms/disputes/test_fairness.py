"""Nothing here measures a customer, and nothing known of one makes anything worse."""

import importlib
import inspect
import pkgutil
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

import custody.disputes
from custody.disputes.claim import ClaimType
from custody.disputes.history import IN_FAVOUR, HistoryFact
from custody.disputes.opening import Opened, Report, open_case
from custody.disputes.order import OrderFacts, Payment, Standing
from custody.disputes.payout import payouts
from custody.disputes.people import CasePeople
from custody.disputes.policy import DEFAULT_POLICY as POLICY
from custody.disputes.remedy import Needs
from custody.kernel.clock import from_iso
from custody.kernel.ids import spell
from tests.rooms.disputes.test_people import PEOPLE

BANNED = ("score", "risk", "trust", "rating", "reputation", "credib", "suspic", "fraud")
MODULES = [
    importlib.import_module(f"custody.disputes.{found.name}")
    for found in pkgutil.iter_modules(custody.disputes.__path__)
]
NOW = from_iso("2026-05-11T08:00:00+01:00")
kinds = st.sampled_from([*IN_FAVOUR, "late_payment", "earlier_report", "refund_before", "address", "age"]) | st.text()
history = st.lists(st.builds(HistoryFact, kind=kinds, words=st.text(max_size=20)), max_size=6).map(tuple)


class FixedIds:
    """The same identifiers every time, so that two cases can be compared."""

    def new(self, prefix: str) -> str:
        return spell(prefix, bytes(10))

    def random_bytes(self, count: int) -> bytes:
        return bytes(count)


def names_of(module: ModuleType) -> set[str]:
    found = {module.__name__}
    for name, value in vars(module).items():
        if getattr(value, "__module__", module.__name__) != module.__name__ or name.startswith("__"):
            continue
        found.add(name)
        if inspect.isclass(value):
            found |= {name for name in vars(value) if not name.startswith("__")}
            found |= set(inspect.get_annotations(value))
            if is_dataclass(value):
                found |= {one.name for one in fields(value)}
            if issubclass(value, Enum):
                found |= {str(member.value) for member in value}
        if inspect.isfunction(value):
            found |= set(inspect.signature(value).parameters)
    return found


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_no_type_field_function_or_argument_is_named_like_a_measure_of_a_person(module: ModuleType) -> None:
    bad = {name for name in names_of(module) for word in BANNED if word in name.lower()}
    assert bad == set()


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_every_value_is_frozen_slotted_and_made_by_keyword(module: ModuleType) -> None:
    for value in vars(module).values():
        if inspect.isclass(value) and is_dataclass(value) and value.__module__ == module.__name__:
            params = value.__dataclass_params__  # type: ignore[attr-defined]  # set by the decorator
            assert params.frozen
            assert all(one.kw_only for one in fields(value))
            assert "__slots__" in vars(value) or value.__name__ == "CaseworkPolicy"


def test_the_walk_over_names_finds_what_it_looks_for() -> None:
    found = set().union(*map(names_of, MODULES))
    assert {"Case", "presumption", "HistoryFact", "open_case", "payout", "substituted"} <= found
    assert len(MODULES) >= 20


def test_history_is_taken_by_nothing_but_the_opening_and_its_own_module() -> None:
    takers = {
        module.__name__.rsplit(".", 1)[-1] for module in MODULES if any("istory" in name for name in names_of(module))
    }
    assert takers == {"history", "opening"}


def reports() -> st.SearchStrategy[Report]:
    return st.builds(
        Report,
        words=st.just("It is not here."),
        channel=st.sampled_from(["shop", "phone", "web"]),
        reported_ms=st.just(NOW - 1_000),
        claim_type=st.sampled_from([*map(str, ClaimType), None]),
        order=st.builds(
            OrderFacts, payment=st.sampled_from([*Payment, None]), standing=st.sampled_from([*Standing, None])
        ),
        needs=st.builds(
            Needs,
            has_working_phone=st.sampled_from([True, False, None]),
            benefit_lost=st.sampled_from([True, False, None]),
        ),
        history=history,
    )


def opened(report: Report) -> Opened:
    return open_case(report, policy=POLICY, now_ms=NOW, ids=FixedIds(), owner="desk 4")


def no_worse(before: Opened, after: Opened) -> None:
    """After is at least as quick, as much and as little checked as before."""
    assert after.presumption == before.presumption == "honest"
    assert after.case.state == before.case.state
    assert len(after.ledger.asks) == len(before.ledger.asks) == 0
    assert [row.guards for row in after.moves] == [row.guards for row in before.moves]
    assert (after.remedy_offer is None) == (before.remedy_offer is None)
    if before.remedy_offer is not None and after.remedy_offer is not None:
        times = {option.remedy: option.within_ms for option in after.remedy_offer.options}
        for option in before.remedy_offer.options:
            assert times[option.remedy] <= option.within_ms
        assert set(before.remedy_offer.extras) <= set(after.remedy_offer.extras)
        assert after.remedy_offer.remind_ms >= before.remedy_offer.remind_ms
    due = {promise.what: promise.due_ms for promise in after.promises}
    assert all(due[promise.what] <= promise.due_ms for promise in before.promises)
    for mine, theirs in zip(after.work_clocks, before.work_clocks, strict=True):
        assert mine.due_ms <= theirs.due_ms
    assert after.legal_clocks == before.legal_clocks
    assert after.lock_wish == before.lock_wish
    assert after.chain_matters == before.chain_matters
    assert set(before.recourse) <= set(after.recourse)
    assert set(before.case.notes_in_favour) <= set(after.case.notes_in_favour)


@given(reports(), history)
def test_adding_facts_of_the_past_never_makes_anything_slower_lower_or_more_checked(
    report: Report, more: tuple[HistoryFact, ...]
) -> None:
    no_worse(opened(report), opened(replace(report, history=report.history + more)))


@given(reports(), history)
def test_facts_of_the_past_change_only_the_notes_in_favour(report: Report, other: tuple[HistoryFact, ...]) -> None:
    one, two = opened(report), opened(replace(report, history=other))
    blank = {"notes_in_favour": ()}
    assert replace(one, case=replace(one.case, **blank)) == replace(two, case=replace(two.case, **blank))  # type: ignore[arg-type]  # blank is mixed


@given(reports())
def test_an_existing_customer_is_never_worse_off_than_a_new_one(report: Report) -> None:
    new = replace(report, order=replace(report.order, standing=Standing.NEW))
    existing = replace(report, order=replace(report.order, standing=Standing.EXISTING))
    no_worse(opened(new), opened(existing))
    no_worse(opened(existing), opened(new))
    assert set(payouts(Standing.NEW, report.order.payment)) <= set(payouts(Standing.EXISTING, report.order.payment))


@given(reports(), PEOPLE)
def test_whoever_holds_pays_uses_or_speaks_no_remedy_is_slower_lower_or_more_checked(
    report: Report, people: CasePeople
) -> None:
    no_worse(opened(report), opened(replace(report, people=people)))
    no_worse(opened(replace(report, people=people)), opened(report))


@given(reports())
def test_a_former_customer_gets_the_same_remedies_as_an_existing_one(report: Report) -> None:
    former = replace(report, order=replace(report.order, standing=Standing.FORMER))
    existing = replace(report, order=replace(report.order, standing=Standing.EXISTING))
    no_worse(opened(existing), opened(former))


@given(reports(), st.sampled_from(["shop", "phone", "web", "chat"]))
def test_the_same_facts_give_the_same_decision_on_every_channel(report: Report, channel: str) -> None:
    one, two = opened(report), opened(replace(report, channel=channel))
    assert replace(two, case=replace(two.case, channel=report.channel)) == one


@given(reports(), st.lists(st.text(min_size=1, max_size=10), max_size=3).map(tuple))
def test_support_needs_never_make_anything_worse(report: Report, needs: tuple[str, ...]) -> None:
    no_worse(opened(report), opened(replace(report, support_needs=needs)))
