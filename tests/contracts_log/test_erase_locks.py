"""Erasing a case takes along what people wrote of its customer in its lock orders; what locks are counted by stays."""

from sqlmodel import select

from custody.kernel.clock import DAY_MS
from custody.kernel.errors import Rejected
from custody.ledger.record import open_record
from custody.scans.place import index_of
from custody.store.tables import EntryRow, OpeningRow
from custody.usecases.erase import erase
from devicelock.rules.command import Reason
from devicelock.usecases.request_lock import refuse_lock, request_lock
from simulators.parcel import Parcel
from tests.contracts_log.small_house import findings
from tests.contracts_log.test_erase import WHY, on_disk, openings, run
from tests.contracts_log.test_erase_holds import take_back
from tests.stories.test_packs_of_locks import verdict_of
from tests.world import World
from tests.world_parts import Opened

EVIDENCE, REFUSAL = "Mrs Miller says her son took it", "The phone is with Mrs Miller of Elm Street"


def refuse(world: World, parcel: Parcel, opened: Opened) -> str:
    """An agent asks for a lock in their words, and a supervisor refuses it in theirs; returns the order's name."""
    world.handset(parcel)
    with world.house.unit() as unit:
        order = request_lock(
            unit,
            world.office,
            imei=parcel.unit.imei,
            last4=parcel.unit.imei[-4:],
            reason=Reason.NEVER_RECEIVED,
            account="agent-1",
            evidence=[EVIDENCE],
            dispute=opened.case,
        ).id
    with world.house.unit() as unit:
        refuse_lock(unit, world.office, order=order, account="supervisor-1", why=REFUSAL)
    return order


def steps(world: World, order: str) -> set[int]:
    """The entries of the records of an order's steps."""
    return {event.idx for event in world.steps(order)}


def told(world: World) -> str:
    """All that the log's records say that can still be opened."""
    said = []
    with world.house.read() as session:
        for row in session.scalars(select(OpeningRow)).all():
            try:
                raw = session.get_one(EntryRow, index_of(row.place)).raw
                said.append(repr(open_record(raw, row.content or b"").fields))
            except Rejected:
                continue
    return "\n".join(said)


def test_what_people_wrote_in_the_lock_orders_of_a_case_goes_with_it(world: World) -> None:
    mine, other = world.parcels[:2]
    world.withdraw_authority()
    opened, kept = world.dispute(mine, "never_received"), world.dispute(other, "never_received")
    order, others = refuse(world, mine, opened), refuse(world, other, kept)
    assert EVIDENCE in told(world)
    assert REFUSAL in told(world)
    for each in (opened, kept):
        take_back(world, each)
    assert steps(world, order) <= set(run(world, opened.case).openings)
    assert openings(world, steps(world, order)) == []
    assert len(openings(world, steps(world, others))) == len(steps(world, others))
    assert EVIDENCE in world.order(others).facts
    run(world, kept.case)
    for words in (EVIDENCE, REFUSAL):
        assert words not in told(world)
        assert words.encode() not in on_disk(world)
    row = world.order(order)
    assert (row.state, row.requester) == ("refused", "agent-1"), "limits count by it"
    assert findings(world.house) == []
    assert run(world, opened.case).repeated


def test_a_lock_whose_case_was_erased_is_freed_and_shown_in_packs_like_any_other(world: World) -> None:
    opened, radio = world.locked_elsewhere()
    radio.switch_off()
    world.found(opened)
    take_back(world, opened)
    for _ in range(200):
        world.step(DAY_MS)
    done = run(world, opened.case)
    assert steps(world, opened.order.id) <= set(done.openings)
    verdict = verdict_of(world, opened)
    verdict.demand()
    said = {check.what for check in verdict.checks if check.ok is None}
    assert f"no record of {opened.order.id} can be opened" in said
    radio.switch_on()
    world.deliver()
    assert not radio.handset.screen_locked
    assert world.order(opened.order.id).state == "released"
    verdict_of(world, opened).demand()
    again = run(world, opened.case)
    assert again.openings, "what has come since"
    assert not again.repeated
    assert findings(world.house) == []


def test_a_case_that_was_erased_without_its_lock_orders_is_erased_again_with_them(world: World) -> None:
    world.withdraw_authority()
    opened = world.dispute(world.parcels[0], "never_received")
    order = refuse(world, world.parcels[0], opened)
    take_back(world, opened)
    with world.house.unit() as unit:
        erase(unit, opened.case, reason=WHY, actor="supervisor-1", holds=lambda *_given: ())
    again = run(world, opened.case)
    assert set(again.openings) == steps(world, order)
    assert not again.repeated
    assert run(world, opened.case).index == again.index
