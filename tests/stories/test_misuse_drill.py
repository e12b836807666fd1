"""Drills: somebody has got hold of an account, or of two, or of none, and wants ten thousand handsets locked."""

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, count, islice
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from custody.gs1.check_digit import luhn_check_digit
from custody.kernel import cbor
from custody.kernel.clock import DAY_MS, HOUR_MS
from custody.kernel.errors import Forbidden, NotFound, Trouble
from devicelock import watch_store
from devicelock.rules.alert_kind import AlertKind
from devicelock.rules.caps import Caps, group_of
from devicelock.rules.command import Op, Reason
from devicelock.rules.order import LockRole
from devicelock.store import CommandRow, LockOrderRow
from devicelock.usecases.register_device import register_device
from devicelock.usecases.release_group import LetGo, release_group
from devicelock.usecases.request_lock import request_lock
from tests.stories.lock_steps import let_go
from tests.world import World, new_world, same_world
from tests.world_parts import key, person_of

WANTED = 10_000
ENOUGH = 200
"""So many refusals one after another, and whoever drills believes that the rest is refused too."""
CAPS = Caps()
PARCELS = CAPS.fleet_least + 3
"""More than a small fleet may have locked at once."""


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Make a world in which many parcels have travelled and were sold, every handset registered."""
    folder: Path = tmp_path_factory.mktemp("many")
    world = new_world(f"sqlite:///{folder / 'weaklink.sqlite3'}", folder, parcels=PARCELS)
    world.close()
    return world


@pytest.fixture
def drill(many: World, tmp_path: Path) -> Iterator[World]:
    """Lend such a world of one's own."""
    world = same_world(many, tmp_path / "drill")
    for parcel in world.parcels:
        world.handset(parcel)
    yield world
    world.audit()
    world.close()


def imeis() -> Iterator[str]:
    """As many IMEIs as anybody wants."""
    for number in count(10_000_000_000_000):
        yield f"{number}{luhn_check_digit(str(number))}"


def register(world: World, supply: Sequence[str]) -> None:
    """Handsets that no parcel had in it."""
    with world.house.unit() as unit:
        for imei in supply:
            signer = key(f"handset {imei}").public.cose_key()
            register_device(unit, world.office, imei=imei, model="phone", cose_key=cbor.encode(signer))


def locks_signed(world: World) -> int:
    """How many handsets a LOCK was ever signed for."""
    with world.house.read() as session:
        query = select(func.count(func.distinct(CommandRow.device))).where(col(CommandRow.op) == Op.LOCK)
        return session.scalar(query) or 0


def orders(world: World) -> int:
    """How many lock orders are stored."""
    with world.house.read() as session:
        return session.scalar(select(func.count()).select_from(LockOrderRow)) or 0


def want(world: World, imei: str, account: str, *, dispute: str | None = None) -> LockOrderRow:
    """Ask for one lock more."""
    with world.house.unit() as unit:
        return request_lock(
            unit,
            world.office,
            imei=imei,
            last4=imei[-4:],
            reason=Reason.MISSING_FROM_CUSTODY,
            account=account,
            evidence=["because I say so"],
            dispute=dispute,
        )


def cases_without_authority(world: World) -> list[tuple[str, str]]:
    """The IMEI and the case of every parcel whose customer says it never came, while no authority is in force."""
    world.withdraw_authority()
    return [(parcel.unit.imei, world.dispute(parcel, "never_received").case) for parcel in world.parcels]


def test_a_stolen_supervisor_account_that_wants_ten_thousand_locks_gets_none_and_people_hear_of_it(
    drill: World,
) -> None:
    cases, before = cases_without_authority(drill), orders(drill)
    supply = list(islice(imeis(), WANTED))
    register(drill, supply[: CAPS.asks_per_person_day])
    answers: Counter[str] = Counter()
    for imei, case in islice(chain(cases, ((imei, None) for imei in supply)), WANTED):
        if answers["cap"] == ENOUGH:
            break
        try:
            answers[want(drill, imei, "supervisor-1", dispute=case).state] += 1
        except Trouble as refused:
            answers[refused.code if refused.fix else "refused without a word"] += 1
    assert sum(answers.values()) == CAPS.asks_per_person_day + ENOUGH < WANTED
    assert orders(drill) - before == CAPS.asks_per_person_day, "the rest leaves no trace to wade through"
    assert "asks_reached" in drill.alerts()
    drill.deliver()
    assert locks_signed(drill) == 0, "one person alone locks nothing"
    drill.step(DAY_MS)
    drill.hire("supervisor-9", "supervisor", person="person-of-supervisor-1")
    assert want(drill, supply[CAPS.asks_per_person_day - 1], "supervisor-9").state == "refused", "it may ask again"


def test_with_accounts_that_it_makes_a_stolen_one_asks_for_no_more_locks_on_their_first_day(drill: World) -> None:
    cases_without_authority(drill)
    supply = list(islice(imeis(), CAPS.asks_per_person_day + 2))
    register(drill, supply)
    makers = ("supervisor-1", "made-1", "made-2", "supervisor-1")
    made = [drill.hire(f"made-{place}", "supervisor", by=maker) for place, maker in enumerate(makers, 1)]
    for place, imei in enumerate(supply[: CAPS.asks_per_person_day]):
        want(drill, imei, made[place % len(made)])
    for account in (*made, "supervisor-1"):
        with drill.refused(Forbidden, "cap"):
            want(drill, supply[-2], account)
    with drill.house.read() as session:
        told = [row for row in watch_store.alerts(session, seen=False) if row.kind == AlertKind.ASKS_REACHED]
    assert [row.about for row in told] == [person_of("supervisor-1")]
    want(drill, supply[-2], drill.hire("somebody-else", "supervisor", by="supervisor-2"))
    drill.step(DAY_MS)
    want(drill, supply[-1], made[0])


def collude(world: World, cases: Sequence[tuple[str, str]]) -> None:
    """Two stolen accounts ask for and approve a lock of each case, as far as they get."""
    for imei, case in cases:
        with contextlib.suppress(Trouble):
            order = want(world, imei, "agent-1", dispute=case)
            if order.state == "requested":
                world.approve(order.id, "supervisor-1")


def collude_past_the_canary(world: World, cases: Sequence[tuple[str, str]]) -> None:
    """Two stolen accounts lock what they can; somebody careless lets them go on after the first."""
    collude(world, cases)
    for radio in world.radios.values():
        radio.switch_on()
    world.deliver()
    assert world.clear_groups_or_not("investigator-1") == ""
    collude(world, cases)
    world.deliver()


def test_two_stolen_accounts_stop_at_the_canary_and_past_it_at_the_share_of_the_fleet(drill: World) -> None:
    cases = cases_without_authority(drill)
    collude(drill, cases)
    assert locks_signed(drill) == CAPS.canary
    assert "group_paused" in drill.alerts()
    assert drill.clear_groups_or_not("supervisor-1") == "four_eyes", "who decided them cannot clear them"
    assert drill.clear_groups_or_not("investigator-1") == "canary_unsettled", "the handsets have not answered"
    for radio in drill.radios.values():
        radio.switch_on()
    drill.deliver()
    collude(drill, cases)
    assert locks_signed(drill) == CAPS.canary, "the answers alone let nothing go on"
    assert drill.clear_groups_or_not("investigator-1") == "", "somebody careless clears them"
    collude(drill, cases)
    assert locks_signed(drill) == CAPS.fleet_least, "and the share of the fleet holds"
    assert "cap_reached" in drill.alerts()


def test_ten_thousand_made_up_reports_stop_at_the_canary_too_and_every_customer_is_put_right(drill: World) -> None:
    opened = [drill.dispute(parcel, "never_received") for parcel in drill.parcels]
    assert locks_signed(drill) == CAPS.canary
    assert "group_paused" in drill.alerts()
    assert {each.disputed.file.case.state for each in opened} == {"remedy_offered"}
    assert all(each.lock.allowed_by for each in opened[CAPS.canary :])
    for radio in drill.radios.values():
        radio.switch_on()
    drill.deliver()
    assert sum(radio.handset.screen_locked for radio in drill.radios.values()) == CAPS.canary
    drill.found(opened[0])
    drill.deliver()
    assert not drill.radios[drill.parcels[0].order].handset.screen_locked
    assert "wrong_lock" in drill.alerts()
    assert drill.clear_groups_or_not("supervisor-1") == "four_eyes", "who proposed the authority cannot clear its locks"
    assert drill.clear_groups_or_not("investigator-1") == ""


def test_in_a_drill_one_person_stops_everything_and_releases_go_on(drill: World) -> None:
    opened = [drill.dispute(parcel, "never_received") for parcel in drill.parcels[: CAPS.canary]]
    for radio in drill.radios.values():
        radio.switch_on()
    drill.deliver()
    drill.throw_switch(on=True)
    assert "locks_stopped" in drill.alerts()
    signed = locks_signed(drill)
    drill.step(HOUR_MS)
    for parcel in drill.parcels[CAPS.canary :]:
        assert drill.dispute(parcel, "never_received").order.state == "refused"
    for each in opened:
        let_go(drill, each.order.id, actor="agent-2")
    drill.deliver()
    assert locks_signed(drill) == signed
    assert not any(radio.handset.screen_locked for radio in drill.radios.values())


def release_next_of(world: World, group: str) -> LetGo:
    """One person of the front line lets go what a group ordered, so many at once."""
    with world.house.unit() as unit:
        return release_group(unit, world.office, group=group, actor="agent-2", role=LockRole.AGENT)


def test_what_two_stolen_accounts_locked_is_let_go_by_one_person_in_few_calls(
    drill: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    (imei, case), (next_imei, next_case), *cases = cases_without_authority(drill)
    others = want(drill, imei, "agent-2", dispute=case)
    undecided = want(drill, next_imei, "agent-1", dispute=next_case)
    collude_past_the_canary(drill, cases)
    locked = sum(radio.handset.screen_locked for radio in drill.radios.values())
    assert locked == locks_signed(drill) == CAPS.fleet_least
    group = group_of(policy=None, account="agent-1", at_ms=drill.clock.at_ms)
    monkeypatch.setattr("devicelock.usecases.release_group.AT_ONCE", 7)
    first = release_next_of(drill, group)
    assert (len(first.orders), first.left) == (7, locked + 1 - 7)
    drill.restart()
    second = release_next_of(drill, group)
    assert (len(second.orders), second.left) == (first.left, 0)
    assert release_next_of(drill, group).orders == (), "asked once more it changes nothing"
    drill.deliver()
    assert not any(radio.handset.screen_locked for radio in drill.radios.values())
    assert drill.order(undecided.id).state == "refused", "what nobody has decided yet is withdrawn"
    assert drill.order(others.id).state == "requested", "another group's orders are its own"
    with drill.refused(NotFound, "group"):
        release_next_of(drill, "account:nobody:2026-05-11")


def test_who_lets_go_many_locks_is_let_do_it_and_people_hear_of_it(
    drill: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devicelock.usecases.release.MANY_RELEASES", CAPS.fleet_least)
    collude_past_the_canary(drill, cases_without_authority(drill))
    assert "many_releases" not in drill.alerts()
    release_next_of(drill, group_of(policy=None, account="agent-1", at_ms=drill.clock.at_ms))
    assert "many_releases" in drill.alerts()
