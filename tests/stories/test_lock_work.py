"""How often the database is asked for a decision about a lock: what decisions in one unit share is asked for once."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, event

from api.lock_views import order_view
from custody.store.unit import Unit
from devicelock.rules.applied import Pair
from devicelock.rules.command import Op, pair_in
from devicelock.store import commands_of
from devicelock.usecases.hold_locks import hold_locks
from devicelock.usecases.request_lock import approve_lock
from tests.stories.test_decided_together import Act, approving, asked, releasing, states
from tests.world import World


@contextmanager
def statements(engine: Engine) -> Iterator[Counter[str]]:
    """Count the statements that SQLAlchemy's own unit of work writes, by their first words."""
    seen: Counter[str] = Counter()

    def note(_connection: object, _cursor: object, text: str, *_: object) -> None:
        seen[" ".join(text.split()[:2])] += 1

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def decided(world: World, acts: Sequence[tuple[str, Act]]) -> Counter[str]:
    """What was written for decisions that are carried out in one unit."""
    with statements(world.engine) as seen, world.house.unit() as unit:
        hold_locks(unit, world.office, [order for order, _ in acts])
        for _, act in acts:
            act(unit)
    return seen


@pytest.mark.parametrize("deciding", [approving, releasing], ids=["approved", "released"])
def test_rows_that_decisions_in_one_unit_change_are_written_together(
    several: World, deciding: Callable[[World, str], Act]
) -> None:
    orders = asked(several, 4)
    if deciding is releasing:
        decided(several, [(name, approving(several, name)) for name in orders])
    seen = decided(several, [(name, deciding(several, name)) for name in orders])
    assert seen["UPDATE lock_order"] == seen["UPDATE device"] == 1
    assert set(states(several, orders)) == ({"queued"} if deciding is approving else {"released"})


def answering(world: World, order: str) -> Act:
    """A yes whose answer shows the order, as the door gives it."""

    def act(unit: Unit) -> object:
        return order_view(unit.session, approve_lock(unit, world.office, name=order, account="supervisor-1"))

    return act


def test_what_is_asked_of_handsets_that_spoke_has_nothing_written_in_between(several: World) -> None:
    """With which SIM it is on, and whether it has shown itself free after this lock, is asked of the database."""
    orders = asked(several, 4)
    for radio in several.radios.values():
        radio.switch_on()
    several.deliver()
    seen = decided(several, [(name, answering(several, name)) for name in orders])
    assert seen["UPDATE lock_order"] == seen["UPDATE device"] == 1
    assert set(states(several, orders)) == {"queued"}


def test_what_a_unit_has_just_signed_is_not_opened_again_for_its_answer(
    several: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row of the handset says which LOCK is its newest; older ones of another wish are still looked up."""
    orders = asked(several, 2)
    for radio in several.radios.values():
        radio.switch_on()
    several.deliver()
    opened: list[bytes] = []

    def noted(raw: bytes) -> Pair:
        opened.append(raw)
        return pair_in(raw)

    monkeypatch.setattr("api.lock_views.pair_in", noted)
    decided(several, [(name, answering(several, name)) for name in orders])
    assert opened == []
    with several.house.read() as session:
        view = order_view(session, several.order(orders[0]))
    assert view["may_be_locked"]
    assert opened == []
    decided(several, [(orders[0], releasing(several, orders[0]))])
    with several.house.read() as session:
        order_view(session, several.order(orders[0]))
        locks = [command.raw for command in commands_of(session, orders[0]) if command.op == Op.LOCK]
    assert opened == locks
    assert len(locks) == 1
