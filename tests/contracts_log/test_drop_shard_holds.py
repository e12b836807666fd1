"""Dropping a shard while a case or a lock goes on: all that the parcel's trail stands on is held, and nothing else."""

from sqlmodel import Session

from api.join_reports import join_reports
from custody.disputes.machine import CaseRole
from custody.disputes.order import OrderFacts
from custody.kernel.errors import NotFound
from custody.scans.shard import quarter_of
from custody.scans.tolerances import Tolerances
from custody.store.tables import DisputeRow
from custody.usecases.close_shards import Closer
from custody.usecases.drop_shard import Dropped, drop_shard
from custody.usecases.move_case import withdraw
from custody.usecases.read_trail import read_trail
from custody.usecases.replay_verdicts import compare_verdicts
from devicelock.usecases.forget_locks import locked_handsets
from simulators.parcel import Parcel
from tests.contracts_log.shard_yard import close_due
from tests.contracts_log.small_house import findings, raises
from tests.stories.case_steps import not_put_right
from tests.world import World

YEARS = 6


def grow_old(world: World) -> str:
    """Let the years pass in which the quarter's scans are kept; returns the name of its shard."""
    quarter = quarter_of(world.clock.at_ms)
    world.clock.at_ms = quarter.keep_until_ms(YEARS)
    close_due(world.house, Closer(Tolerances()))
    return f"{quarter.name}/all"


def drop(world: World, name: str) -> Dropped:
    *_, last = drop_shard(world.house, name, reason="over", actor="supervisor-1", locked=locked_handsets)
    return last


def stands_on(session: Session, parcel: Parcel) -> set[int]:
    """The scans that the trail of a parcel stands on."""
    return {entry.place for entry in read_trail(session, f"po:{parcel.order}").trail.entries}


def check_held(world: World, name: str, parcel: Parcel) -> None:
    """Only what the parcel needs is left, and it has its trail as before."""
    with world.house.read() as session:
        before = stands_on(session, parcel)
    done = drop(world, name)
    assert done.gone > 0
    assert (done.held, done.shared) == (len(before), 0)
    with world.house.read() as session:
        assert stands_on(session, parcel) == before
    assert findings(world.house) == []


def check_let_go(world: World, name: str, parcel: Parcel) -> None:
    """Now it goes too."""
    done = drop(world, name)
    assert (done.held, done.shared, done.repeated) == (0, 0, False)
    with raises(NotFound, "item"), world.house.read() as session:
        stands_on(session, parcel)
    with world.house.read() as session:
        assert compare_verdicts(session, Tolerances()).different == ()
    world.audit()


def test_a_case_that_goes_on_holds_its_parcels_scans(world: World) -> None:
    parcel = world.parcels[0]
    opened = world.dispute(parcel, "missing_accessory")
    name = grow_old(world)
    check_held(world, name, parcel)
    with world.house.unit() as unit:
        withdraw(unit, opened.case, actor="customer", locks_settled=True)
    check_let_go(world, name, parcel)


def test_a_report_holds_its_parcels_scans_while_the_case_goes_on_that_it_was_joined_into(world: World) -> None:
    parcel = world.parcels[0]
    mine = world.dispute(parcel, "damaged")
    not_put_right(world, mine)
    other = world.dispute(None, None, order=OrderFacts(order_ref="SO-17"))
    with world.house.unit() as unit:
        join_reports(unit, dispute=mine.case, into=other.case, consent=True, actor="agent-1", role=CaseRole.AGENT)
    name = grow_old(world)
    check_held(world, name, parcel)
    with world.house.unit() as unit:
        withdraw(unit, other.case, actor="customer", locks_settled=True)
    check_let_go(world, name, parcel)


def test_a_lock_that_goes_on_holds_its_handsets_scans(world: World) -> None:
    parcel = world.parcels[0]
    world.handset(parcel)
    opened = world.dispute(parcel, "substituted")
    with world.house.unit() as unit:
        row = unit.session.get_one(DisputeRow, opened.case)
        row.state = "withdrawn"
        unit.session.add(row)
    name = grow_old(world)
    check_held(world, name, parcel)
