"""Alerts of two units at the same moment: one thing raises one, and what comes while somebody looks is told."""

from functools import partial

import pytest

from api.rounds.clock_watch import act_on_jump
from api.rounds.late_fixes import tell_of_late_fixes
from custody.disputes.machine import CaseRole
from custody.kernel.clock import DAY_MS, HOUR_MS
from custody.store.unit import Unit
from custody.usecases import move_inquiry
from devicelock import authority_store, watch_store
from devicelock.authority_store import SwitchRow
from devicelock.rules.alert_kind import AlertKind
from devicelock.usecases.alert import look_at_alert, raise_alert
from devicelock.usecases.standing_authority import people_of, throw_switch
from devicelock.usecases.sweep import sweep_silences
from devicelock.watch_store import AlertRow
from tests.stories.lock_steps import let_go
from tests.stories.test_lock_races import meanwhile
from tests.world import World
from tests.world_parts import person_of

GROUP = "Leeds"


def unseen(world: World) -> list[AlertRow]:
    with world.house.read() as session:
        return watch_store.alerts(session, seen=False)


def pause(unit: Unit, detail: str) -> None:
    """A group of locks is paused, which people are told of, and whatever else that unit records."""
    raise_alert(unit, AlertKind.GROUP_PAUSED, about=GROUP, detail=detail)
    unit.record("paused", {"group": GROUP})


def test_one_late_fix_is_told_once_by_two_who_look_at_the_same_moment(either: World) -> None:
    opened = either.dispute(None, "never_received")
    with either.house.unit() as unit:
        by = {"actor": "investigator-1", "role": CaseRole.INVESTIGATOR}
        move_inquiry.find_nothing(unit, opened.case, why="No scan leads anywhere.", **by)
    either.clock.at_ms += 16 * DAY_MS
    meanwhile(either, tell_of_late_fixes, tell_of_late_fixes)
    assert [row.kind for row in unseen(either)] == ["fix_overdue"]


def test_one_late_release_is_told_once_by_two_who_look_at_the_same_moment(either: World) -> None:
    opened, radio = either.locked_elsewhere()
    radio.switch_off()
    let_go(either, opened.order.id)
    either.clock.at_ms += 2 * HOUR_MS
    tell = partial(sweep_silences, office=either.office)
    meanwhile(either, tell, tell)
    assert [row.kind for row in unseen(either)] == ["release_overdue"]


@pytest.mark.parametrize("later_ms", [-1000, 0, 1000])
def test_one_jump_of_the_clock_is_told_once_by_two_who_see_it_at_the_same_moment(either: World, later_ms: int) -> None:
    tell = partial(act_on_jump, office=either.office, jump_ms=3 * DAY_MS, service="one")

    def tell_later(unit: Unit) -> None:
        unit.now_ms += later_ms
        tell(unit)

    meanwhile(either, tell, tell_later)
    assert [row.kind for row in unseen(either)] == ["clock_jumped"]


def test_one_thing_raises_one_alert_of_a_kind_in_two_units_at_the_same_moment(either: World) -> None:
    meanwhile(either, partial(pause, detail="first"), partial(pause, detail="second"))
    assert [row.detail for row in unseen(either)] == ["first"]


def test_what_comes_while_somebody_looks_at_the_one_before_is_told(either: World) -> None:
    with either.house.unit() as unit:
        pause(unit, "the one before")
    (alert,) = unseen(either)
    look = partial(look_at_alert, office=either.office, alert=alert.id, account="supervisor-1")
    meanwhile(either, look, partial(pause, detail="of which nobody knows yet"))
    assert [row.detail for row in unseen(either)] == ["of which nobody knows yet"]


def test_of_two_who_look_at_the_same_moment_the_first_has_seen_it(either: World) -> None:
    with either.house.unit() as unit:
        pause(unit, "for the test")
    (alert,) = unseen(either)
    look = partial(look_at_alert, office=either.office, alert=alert.id)
    seen_by = []
    meanwhile(
        either,
        lambda unit: seen_by.append(look(unit, account="supervisor-1").seen_by),
        lambda unit: seen_by.append(look(unit, account="supervisor-2").seen_by),
    )
    assert len(set(seen_by)) == 1


@pytest.mark.parametrize("thrown_before", [True, False])
def test_of_two_who_stop_all_locks_at_the_same_moment_both_are_known(either: World, *, thrown_before: bool) -> None:
    """Nobody who stopped them starts them again, so no name may be lost."""
    people = [person_of(f"supervisor-{number}") for number in (1, 2)]
    if thrown_before:
        either.throw_switch(on=True)
        either.throw_switch(on=False, by="supervisor-2")
    stop = partial(throw_switch, office=either.office, on=True, why="Something is wrong.")
    meanwhile(either, partial(stop, person=people[0]), partial(stop, person=people[1]))
    with either.house.read() as session:
        assert people_of(session.get_one(SwitchRow, authority_store.KILL_SWITCH)) == people
