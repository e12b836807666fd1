"""With a case goes what people wrote in its lock orders, with a parcel what is known of its handset that is retired."""

from contextlib import suppress

from sqlmodel import select

from custody.kernel.clock import DAY_MS
from custody.kernel.errors import Rejected
from custody.ledger.record import Record, open_record
from custody.scans.place import index_of
from custody.store.tables import EntryRow, OpeningRow
from custody.usecases.erase import erase
from devicelock import put_off_store, watch_store
from devicelock.rules.command import Reason
from devicelock.usecases.request_lock import refuse_lock, request_lock
from devicelock.watch_store import SightingRow
from simulators.parcel import Parcel
from tests.contracts_log.small_house import findings
from tests.contracts_log.test_erase import WHY, on_disk, openings, run, sell_unscanned, sscc
from tests.contracts_log.test_erase_holds import take_back
from tests.stories.test_packs_of_locks import verification_of
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
        refuse_lock(unit, world.office, name=order, account="supervisor-1", why=REFUSAL)
    return order


def steps(world: World, order: str) -> set[int]:
    """The entries of the records of an order's steps."""
    return {event.idx for event in world.steps(order)}


def records(world: World) -> list[Record]:
    """The log's records that can still be opened."""
    found = []
    with world.house.read() as session:
        for row in session.scalars(select(OpeningRow)).all():
            with suppress(Rejected):
                raw = session.get_one(EntryRow, index_of(row.place)).raw
                found.append(open_record(raw, row.content or b""))
    return found


def told(world: World) -> str:
    """All that they say."""
    return "\n".join(repr(record.fields) for record in records(world))


def kept_of(world: World, device: str) -> set[str]:
    """The kinds of the records that can still be opened and name a handset, and the table of where it was seen."""
    with world.house.read() as session:
        seen = {SightingRow.__tablename__} if watch_store.sightings_of(session, device) else set()
    return seen | {record.kind for record in records(world) if record.fields.get("device") == device}


def found_and_retired(world: World) -> tuple[Opened, str]:
    """A locked handset that its customer found and that was retired in time; returns it with its case."""
    opened, radio = world.locked_elsewhere()
    world.found(opened)
    world.deliver()
    take_back(world, opened)
    retire(world)
    return opened, radio.handset.device


def retire(world: World) -> None:
    """The days pass after which what was found is retired."""
    world.step(60 * DAY_MS)
    assert world.retire_due() == 1
    world.deliver()


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
    verification = verification_of(world, opened)
    verification.demand()
    said = {check.what for check in verification.checks if check.ok is None}
    assert f"no record of {opened.order.id} can be opened" in said
    radio.switch_on()
    world.deliver()
    assert not radio.handset.screen_locked
    assert world.order(opened.order.id).state == "released"
    verification_of(world, opened).demand()
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


def test_where_a_retired_handset_was_seen_goes_with_its_parcel(world: World) -> None:
    parcel = world.parcels[0]
    opened, device = found_and_retired(world)
    assert {"device.registered", "device.seen", SightingRow.__tablename__} <= kept_of(world, device)
    run(world, opened.case)
    run(world, sscc(parcel))
    assert kept_of(world, device) == {"device.confirmed", "device.retired"}
    assert parcel.unit.imei[:14] not in told(world)
    assert world.office.anchor.of(device).retired
    verification_of(world, opened).demand()
    assert findings(world.house) == []
    assert run(world, sscc(parcel)).repeated


def test_the_pack_of_a_case_holds_whose_handset_was_erased_with_its_parcel(world: World) -> None:
    opened, _ = found_and_retired(world)
    run(world, sscc(world.parcels[0]))
    verification = verification_of(world, opened)
    verification.demand()
    said = {check.what for check in verification.checks if check.ok is None}
    assert f"the pack does not show when the key of {opened.order.device} was registered" in said


def test_a_handset_that_is_not_retired_yet_is_erased_by_its_order_once_it_is(world: World) -> None:
    parcel = world.parcels[0]
    opened, radio = world.locked_elsewhere()
    device = radio.handset.device
    world.found(opened)
    world.deliver()
    take_back(world, opened)
    run(world, sscc(parcel))
    assert {"device.registered", "device.seen"} <= kept_of(world, device)
    retire(world)
    assert run(world, f"po:{parcel.order}").openings
    assert kept_of(world, device).isdisjoint({"device.registered", "device.seen", SightingRow.__tablename__})


def test_a_handset_that_was_sold_in_another_order_too_is_kept_for_that_one(world: World) -> None:
    parcel = world.parcels[0]
    _, device = found_and_retired(world)
    sell_unscanned(world, "SO-17", parcel.unit.imei_urn)
    run(world, sscc(parcel))
    assert "device.seen" in kept_of(world, device)
    run(world, "po:SO-17")
    assert "device.seen" not in kept_of(world, device)


def test_no_lock_of_an_erased_case_is_asked_for_again(world: World) -> None:
    world.throw_switch(on=True)
    world.switched_on(world.parcels[0])
    opened = world.dispute(world.parcels[0], "never_received")
    assert put_off_count(world) == 1
    take_back(world, opened)
    run(world, opened.case)
    assert put_off_count(world) == 0


def put_off_count(world: World) -> int:
    """How many locks are asked for again."""
    with world.house.read() as session:
        return put_off_store.count(session)
