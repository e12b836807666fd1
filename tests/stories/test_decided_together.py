"""Decisions that arrive together are carried out in one unit, and none of them can fail another or pass by a rule."""

import threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial

import pytest

from custody.kernel.errors import Conflict, Forbidden, Trouble
from custody.store import case_book, idempotency
from custody.store.idempotency import RequestKey
from custody.store.tables import IdempotencyRow
from custody.store.unit import Unit
from devicelock import authority_store
from devicelock.rules.command import Basis, Reason
from devicelock.rules.order import LockRole
from devicelock.usecases.decide_together import Decisions
from devicelock.usecases.release import release
from devicelock.usecases.request_lock import approve_lock, request_lock
from devicelock.usecases.standing_authority import throw_switch
from tests.contracts_store.faults import broken_commit
from tests.stories.test_heard_together import commits
from tests.stories.test_lock_races import somebody_waits
from tests.waiting import until
from tests.world import World
from tests.world_parts import person_of

WAIT_S = 60.0
Act = Callable[[Unit], object]


def asked(world: World, count: int) -> list[str]:
    """Orders that one person has asked for and that wait for the second."""
    orders = []
    for parcel in world.parcels[:count]:
        world.handset(parcel)
        case = world.dispute(parcel, "never_received").case
        with world.house.unit() as unit:
            order = request_lock(
                unit,
                world.office,
                imei=parcel.unit.imei,
                last4=parcel.unit.imei[-4:],
                reason=Reason.NEVER_RECEIVED,
                account="agent-1",
                evidence=["the parcel's trail"],
                dispute=case,
            )
        assert order.state == "requested"
        orders.append(order.id)
    return orders


def approving(world: World, order: str, account: str = "supervisor-1") -> Act:
    return lambda unit: approve_lock(unit, world.office, name=order, account=account).id


def releasing(world: World, order: str) -> Act:
    why, basis, role = Reason.RELEASED_BY_STAFF, Basis.ONE_PERSON, LockRole.AGENT

    def act(unit: Unit) -> str:
        return release(unit, world.office, name=order, actor="agent-1", role=role, reason=why, basis=basis).id

    return act


def together(decisions: Decisions, acts: Sequence[tuple[str, Act]]) -> list[object]:
    """What each act comes to, when all of them arrive, in this order, while somebody else decides."""
    came: list[object] = [None] * len(acts)
    begun, over = threading.Event(), threading.Event()

    def wait(_unit: Unit) -> None:
        begun.set()
        assert over.wait(WAIT_S)

    def decide(place: int) -> None:
        order, act = acts[place]
        try:
            came[place] = decisions.decide(order, act)
        except Trouble as trouble:
            came[place] = trouble

    threads = [threading.Thread(target=decisions.decide, args=("nothing", wait))]
    threads[0].start()
    assert begun.wait(WAIT_S)
    for place in range(len(acts)):
        threads.append(threading.Thread(target=decide, args=(place,)))
        threads[-1].start()
        until(partial(has_waiting, decisions, place + 1))
    over.set()
    for each in threads:
        each.join(WAIT_S)
        assert not each.is_alive()
    return came


def has_waiting(decisions: Decisions, count: int) -> bool:
    return decisions.waiting == count


def states(world: World, orders: Sequence[str]) -> list[str]:
    return [world.order(name).state for name in orders]


def test_what_arrives_together_is_decided_with_one_commit_in_the_order_it_arrived(several: World) -> None:
    orders = asked(several, 3)
    first, second, third = orders
    with commits(several.house) as seen:
        acts = [(name, approving(several, name)) for name in (third, first, second)]
        assert together(Decisions(several.office), acts) == [third, first, second]
    assert len(seen) == 2, "the one that was waited for, and the group"
    assert states(several, orders) == ["queued"] * 3
    steps = [next(step.idx for step in several.steps(name) if step.event == "approved") for name, _ in acts]
    assert steps == sorted(steps)


def test_one_that_is_refused_gets_its_own_error_and_holds_no_other_back(several: World) -> None:
    orders = asked(several, 3)
    acts = [
        (orders[0], approving(several, orders[0])),
        (orders[1], approving(several, orders[1], "agent-1")),
        (orders[0], approving(several, orders[0])),
        (orders[2], approving(several, orders[2])),
    ]
    came = together(Decisions(several.office), acts)
    assert [came[0], came[3]] == [orders[0], orders[2]]
    assert isinstance(came[1], Forbidden)
    assert isinstance(came[2], Conflict)
    assert states(several, orders) == ["queued", "requested", "queued"]


def test_the_canary_holds_within_a_group(several: World) -> None:
    count = several.caps.canary + 2
    orders = asked(several, count)
    came = together(Decisions(several.office), [(name, approving(several, name)) for name in orders])
    assert came[: several.caps.canary] == orders[: several.caps.canary]
    for refused in came[several.caps.canary :]:
        assert isinstance(refused, Forbidden)
        assert refused.detail.startswith("caps")
    assert states(several, orders) == ["queued"] * several.caps.canary + ["requested"] * 2


def test_the_kill_switch_stops_every_lock_of_a_group_and_no_release(several: World) -> None:
    orders = asked(several, 3)
    several.approve(orders[0], "supervisor-1")
    with several.house.unit() as unit:
        throw_switch(unit, several.office, on=True, person=person_of("supervisor-2"), why="Something is wrong.")
    came = together(
        Decisions(several.office),
        [
            (orders[1], approving(several, orders[1])),
            (orders[0], releasing(several, orders[0])),
            (orders[2], approving(several, orders[2])),
        ],
    )
    assert came[1] == orders[0]
    assert isinstance(came[0], Forbidden)
    assert isinstance(came[2], Forbidden)
    assert states(several, orders) == ["released", "requested", "requested"]


def test_a_group_holds_its_cases_before_the_log_as_whoever_moves_one_of_them_does(several: World) -> None:
    orders, came = asked(several, 2), []
    for name in orders:
        several.approve(name, "supervisor-1")
    moved, acts = several.order(orders[1]).dispute or "", [(name, releasing(several, name)) for name in orders]

    def decide() -> None:
        came.extend(together(Decisions(several.office), acts))

    with commits(several.house) as seen:
        with several.house.unit() as unit:
            case_book.hold_one(unit, moved)
            other = threading.Thread(target=decide)
            other.start()
            somebody_waits(several)
            case_book.note(unit, moved, "moved", actor="system", facts={})
        other.join(WAIT_S)
    assert came == orders
    assert len(seen) == 3, "whoever moves the case, the one that was waited for, and the group"
    assert states(several, orders) == ["released"] * 2


@pytest.mark.parametrize("fails", [True, False])
def test_a_group_that_cannot_be_committed_is_decided_one_by_one(several: World, *, fails: bool) -> None:
    orders = asked(several, 2)
    fault = broken_commit(several.house.engine, applied=False) if fails else nullcontext()
    with fault, commits(several.house) as seen:
        assert together(Decisions(several.office), [(name, approving(several, name)) for name in orders]) == orders
    assert len(seen) == (3 if fails else 2)
    assert states(several, orders) == ["queued"] * 2


@pytest.mark.parametrize("has_key", [True, False])
def test_a_request_with_an_idempotency_key_is_decided_alone(several: World, *, has_key: bool) -> None:
    """Its key is written in the unit of its own act, or a repeat would carry it out again."""
    orders = asked(several, 2)
    acts = [(orders[0], approving(several, orders[0])), (orders[1], approving(several, orders[1]))]
    decisions, key = Decisions(several.office), RequestKey(key="k" * 64, request_hash=bytes(32))
    if not has_key:
        assert together(decisions, acts) == orders
    else:
        token = idempotency.CURRENT.set(key)
        try:
            assert decisions.decide(*acts[0]) == orders[0]
        finally:
            idempotency.CURRENT.reset(token)
        assert decisions.decide(*acts[1]) == orders[1]
    assert key.written is has_key
    with several.house.read() as session:
        row = session.get(IdempotencyRow, key.key)
    assert (row is not None) is has_key


def test_everybody_gets_the_answer_to_their_own_decision(several: World) -> None:
    """Applied: ten at a time, one in seven of them fails; nobody is forgotten and nobody gets another's answer."""
    decisions, came = Decisions(several.office), {}

    def act(number: int) -> Act:
        def made(unit: Unit) -> int:
            authority_store.switched_on(unit.session, authority_store.KILL_SWITCH)
            if number % 7 == 3:
                raise Forbidden("no", str(number), fix="Nothing.")
            return number

        return made

    def decide(first: int) -> None:
        for number in range(first, 120, 10):
            try:
                came[number] = decisions.decide(f"lock_{number}", act(number))
            except Forbidden as refused:
                came[number] = refused.detail

    threads = [threading.Thread(target=decide, args=(first,)) for first in range(10)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
        assert not each.is_alive()
    assert came == {number: str(number) if number % 7 == 3 else number for number in range(120)}
    assert decisions.waiting == 0
