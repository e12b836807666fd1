"""Which cases and locks hold what would be erased: those that are not over, and none that nobody waits for any more."""

import msgspec
from sqlmodel import select

from api.join_reports import join_reports
from custody.disputes.machine import CaseRole
from custody.kernel.clock import DAY_MS
from custody.kernel.errors import Conflict
from custody.store import erase_book
from custody.store.inquiry_answer import RECOMPUTE
from custody.store.tables import InquiryRow
from custody.usecases.investigate import Inquirer, conclude
from custody.usecases.move_case import withdraw
from devicelock.usecases.forget_locks import locked_handsets
from tests.contracts_log.small_house import findings
from tests.contracts_log.test_erase import run, sscc
from tests.stories.case_steps import not_put_right
from tests.world import World
from tests.world_parts import Opened


def take_back(world: World, opened: Opened) -> None:
    """The customer takes the report back."""
    with world.house.unit() as unit:
        withdraw(unit, opened.case, actor="customer", locks_settled=True)


def join(world: World, opened: Opened, into: Opened) -> None:
    """An agent joins two reports, and the customer was asked."""
    with world.house.unit() as unit:
        join_reports(unit, dispute=opened.case, into=into.case, consent=True, actor="agent-1", role=CaseRole.AGENT)


def computed_from(world: World) -> dict[str, bool]:
    """Of each case that is investigated, whether it is kept what the answer was computed from."""
    with world.house.read() as session:
        rows = session.scalars(select(InquiryRow)).all()
        return {row.dispute: RECOMPUTE in msgspec.json.decode(row.result or "{}") for row in rows}


def test_a_report_holds_its_parcel_while_the_case_goes_on_that_it_was_joined_into(world: World) -> None:
    mine = world.dispute(world.parcels[0], "damaged")
    other, last = (world.dispute(world.parcels[1], None) for _ in range(2))
    not_put_right(world, mine)
    join(world, mine, other)
    join(world, other, last)
    for target in (sscc(world.parcels[0]), f"po:{world.parcels[0].order}"):
        with world.refused(Conflict, "legal_hold"):
            run(world, target)
    with world.house.read() as session:
        assert {file.case.id for file in erase_book.open_cases(session)} == {mine.case, other.case, last.case}
    take_back(world, last)
    assert run(world, sscc(world.parcels[0])).openings
    assert findings(world.house) == []


def test_what_an_investigation_was_computed_from_goes_with_the_parcel_that_it_was_about(world: World) -> None:
    mine, other = world.dispute(world.parcels[0], "never_received"), world.dispute(world.parcels[1], None)
    with world.house.unit() as unit:
        finding = Inquirer().investigate(unit.session, mine.case, {})
        conclude(unit, mine.case, finding, actor="investigator-1")
    not_put_right(world, mine)
    join(world, mine, other)
    take_back(world, other)
    assert computed_from(world) == {other.case: True}, "the investigation went along"
    run(world, sscc(world.parcels[1]))
    assert computed_from(world) == {other.case: True}
    run(world, sscc(world.parcels[0]))
    assert computed_from(world) == {other.case: False}


def test_a_lock_that_two_people_keep_holds_the_case_on_which_it_rests(world: World) -> None:
    opened, _radio = world.locked_elsewhere()
    for account in ("supervisor-1", "investigator-1"):
        world.confirm(opened, account)
    assert world.order(opened.order.id).state == "active_confirmed"
    assert world.settled(opened)
    take_back(world, opened)
    with world.refused(Conflict, "legal_hold"):
        run(world, opened.case)
    world.found(opened)
    world.deliver()
    assert world.order(opened.order.id).state == "released"
    assert run(world, opened.case).openings


def test_a_lock_of_another_case_of_the_handset_does_not_hold_one_that_is_over(world: World) -> None:
    first = world.dispute(world.parcels[0], "missing_accessory")
    take_back(world, first)
    _opened, radio = world.locked_elsewhere()
    assert run(world, first.case).openings
    assert radio.handset.screen_locked


def test_a_handset_that_never_answered_its_release_does_not_hold_its_parcel_for_ever(world: World) -> None:
    opened, radio = world.locked_elsewhere()
    radio.switch_off()
    world.found(opened)
    take_back(world, opened)
    parcel = f"po:{world.parcels[0].order}"
    with world.refused(Conflict, "legal_hold"):
        run(world, parcel)
    for _ in range(200):
        world.step(DAY_MS)
    assert world.order(opened.order.id).state == "released_unconfirmed"
    with world.house.read() as session:
        assert locked_handsets(session) == []
    assert run(world, parcel).openings
    owed = world.case(opened).unpaid_credit_pence
    assert owed > 0
    assert run(world, opened.case).openings
    assert findings(world.house) == []
    radio.switch_on()
    world.deliver()
    assert not radio.handset.screen_locked, "it is freed all the same"
    assert world.order(opened.order.id).state == "released"
    assert world.case(opened).unpaid_credit_pence == owed, "what was paid for a wrong lock is not paid again"
