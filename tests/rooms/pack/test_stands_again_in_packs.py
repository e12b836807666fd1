"""What was set aside for a report by the box, and promised again, is in its pack as the log recorded it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from custody.disputes.machine import CaseRole
from custody.disputes.opening import Report
from custody.disputes.order import OrderFacts, Payment
from custody.gs1.keys import issue_sscc
from custody.investigation.verify.form import OpenedPack
from custody.investigation.verify.owed import STANDS_AGAIN, check_owed
from custody.investigation.verify.scans import records_of
from custody.investigation.verify.verification import Notebook, PackStep
from custody.store import case_book
from custody.usecases import move_case, move_scheme
from custody.usecases.open_dispute import Disputed, open_dispute
from tests.rooms.pack.pack_world import IMEI, ORDER, PARCEL, World, open_world
from tests.rooms.pack.test_owed_of_records import move, only_told, refused, told, with_promise

AGENT: dict[str, Any] = {"actor": "agent-1", "role": CaseRole.AGENT}
SUPERVISOR: dict[str, Any] = {"actor": "supervisor-1", "role": CaseRole.SUPERVISOR}
OTHER_PARCEL = issue_sscc("9521473", 8817).uri
REFUND: dict[str, Any] = {"remedy": "refund", "payout": "bank_transfer", "actor": "customer"}


@pytest.fixture
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A house without scans."""
    with open_world(f"sqlite:///{tmp_path_factory.mktemp('again') / 'house.sqlite3'}") as world:
        yield world


def report(world: World, *, order_ref: str | None = ORDER, order_named: bool = False) -> Disputed:
    """A report of the order, by its number or by what stands on the box, or of something else."""
    known = OrderFacts(order_ref=order_ref, payment=Payment.CREDIT_CARD, price_pence=89_900)
    box: dict[str, Any] = {"imei": IMEI, "parcel": PARCEL} if order_ref else {"imei": None, "parcel": OTHER_PARCEL}
    with world.house.unit() as unit:
        said = Report(words="No.", channel="web", reported_ms=unit.now_ms, claim_type="damaged", order=known)
        said = replace(said, agreed_by_customer=True)
        return open_dispute(unit, said, owner="agent-1", order_named=order_named, **box)


def looked_at_again(world: World, case: str) -> None:
    """The case went to the letter and came back, so that it can be taken back or joined."""
    move(
        world,
        lambda unit: move_scheme.adr(unit, case, letter_due_ms=unit.now_ms, deadlock=True, **SUPERVISOR),
        lambda unit: move_scheme.change_our_mind(unit, case, **SUPERVISOR),
    )


def withdraw(case: str) -> Callable[..., Any]:
    return lambda unit: move_case.withdraw(unit, case, actor="customer", locks_settled=True)


def by_the_box(world: World) -> str:
    """The report by the box was promised the price, which was set aside for the report that names the order."""
    world.dispute = report(world)
    mine = report(world, order_named=True).file.case.id
    move(
        world,
        lambda unit: move_case.choose(unit, world.case, **REFUND),
        lambda unit: move_case.choose(unit, mine, **REFUND),
    )
    return mine


def kinds(world: World) -> list[str]:
    with world.house.read() as session:
        return [line.kind for line in case_book.timeline(session, world.case)]


def without(name: str) -> Callable[..., Any]:
    """The promises of the case, but for one."""
    return lambda case: replace(case, promises=tuple(one for one in case.promises if one["id"] != name))


def listed_with_its_day_its_sum_and_what_keeps_it(house: World, opened: OpenedPack, *, source: str) -> None:
    """The one promise of that source: no pack may leave it out, or say otherwise of it, and what kept it is told."""
    (promise,) = (one for one in opened.case.promises if one["source"] == source)
    place = opened.case.promises.index(promise)
    refused(
        opened,
        not_listed=without(promise["id"]),
        kept=with_promise(place, state="kept"),
        day=with_promise(place, due_ms=promise["due_ms"] + 1),
        sum=with_promise(place, amount_pence=4_000),
    )
    only_told(opened, kept=with_promise(place, state="kept"))
    move(
        house,
        lambda unit: move_case.promise_kept(unit, house.case, promise=promise["id"], reference="BACS 1", **AGENT),
    )
    assert told(house).case.promises[place]["state"] == "kept"


def test_what_stands_again_is_in_a_pack_that_holds_and_is_listed_and_kept_by_what_came_after_it(house: World) -> None:
    mine = by_the_box(house)
    assert kinds(house)[-1] == "set_aside"
    aside = told(house)
    assert [one["set_aside"] for one in aside.case.promises] == [True]
    refused(aside, crossed_out=with_promise(0, set_aside=False))
    only_told(aside, stood_again=with_promise(0, set_aside=False))
    looked_at_again(house, mine)
    move(house, withdraw(mine))
    assert kinds(house)[-1] == "stands_again"
    opened = told(house)
    before, again = sorted(opened.case.promises, key=lambda one: int(one["made_ms"]))
    assert (before["state"], before["set_aside"], again["set_aside"], again["amount_pence"]) == (
        "void",
        False,
        False,
        before["amount_pence"],
    )
    place = opened.case.promises.index(again)
    refused(
        opened,
        not_listed=without(again["id"]),
        kept=with_promise(place, state="kept"),
        day=with_promise(place, due_ms=again["due_ms"] + 1),
    )
    only_told(opened, kept=with_promise(place, state="kept"))
    move(house, lambda unit: move_case.remedied(unit, house.case, reference="BACS 1", **AGENT))
    assert told(house).case.promises[place]["state"] == "kept"


def test_what_stands_again_in_the_case_that_a_report_was_joined_into_is_in_the_pack_of_that_case(house: World) -> None:
    mine, joined = by_the_box(house), house.case
    looked_at_again(house, joined)
    house.dispute = report(house, order_ref=None)
    move(house, lambda unit: move_scheme.join_case(unit, joined, into=house.case, consent=True, **AGENT))
    looked_at_again(house, mine)
    move(house, withdraw(mine))
    opened = told(house)
    assert kinds(house)[-2:] == ["stands_again", "pack.exported"]
    again = max(opened.case.promises, key=lambda one: int(one["made_ms"]))
    refused(opened, not_listed=without(again["id"]))
    move(
        house,
        lambda unit: move_case.promise_kept(unit, house.case, promise=again["id"], reference="BACS 2", **AGENT),
    )
    assert all(one["state"] != "made" for one in told(house).case.promises)


def test_a_record_of_what_stands_again_from_before_it_told_the_day_holds_and_keeps_nothing_out_of_the_list(
    house: World,
) -> None:
    mine = by_the_box(house)
    looked_at_again(house, mine)
    move(house, withdraw(mine))
    opened = told(house)
    records = {
        index: {name: fact for name, fact in fields.items() if name != "due_ms" or fields["kind"] != STANDS_AGAIN}
        for index, fields in records_of(opened.entries).items()
    }
    again = max(opened.case.promises, key=lambda one: int(one["made_ms"]))["id"]
    notes = Notebook(step=PackStep.RECORDS)
    check_owed(opened, records, notes)
    assert not notes.checks
    check_owed(replace(opened, case=without(again)(opened.case)), records, notes)
    assert [check.ok for check in notes.checks] == [False]
