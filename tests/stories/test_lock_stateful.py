"""The ten promises of the lock, whatever happens in whatever order.

The channel loses, repeats, shuffles and replays, down to commands of weeks ago; the service restarts, crashes in the
middle of an act, and is restored from old backups; handsets lose power, are reset, and have their stores rolled back;
people ask, approve, approve themselves, leave, make accounts, stop everything, clear, find, retire. After every step
everything that the ghosts know must hold (`lock_ghosts`), and at its end the story comes to rest.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from api import joints, lock_news
from api.people import persons
from custody.gs1.imei import imei_digits
from custody.kernel.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from custody.kernel.errors import Trouble
from devicelock import store
from devicelock.rules.applied import Applied
from devicelock.rules.caps import Caps
from devicelock.rules.command import Basis, Reason
from devicelock.rules.hello import SimClass
from devicelock.rules.order import LockRole, OrderState
from devicelock.transport import Message, PublishOutcome
from devicelock.usecases.clear_group import clear_group
from devicelock.usecases.confirm_lock import confirm_lock
from devicelock.usecases.issue_code import issue_code
from devicelock.usecases.release import release
from devicelock.usecases.release_group import release_group
from devicelock.usecases.request_lock import approve_lock, request_lock
from devicelock.usecases.retire import received
from devicelock.usecases.standing_authority import throw_switch
from simulators.faults import Fault
from simulators.radio import Radio
from tests.stories.lock_ghosts import Ghosts
from tests.stories.made_up import meddle, run_stories
from tests.world import World, new_world, same_world
from tests.world_parts import Opened, person_of

EXAMPLES, STEPS = 20, 40
CAPS = Caps(per_hour=5, per_day=8, per_person_day=6, canary=3, fleet_least=3, asks_per_person_day=12)
PEOPLE = ("agent-1", "agent-2", "supervisor-1", "supervisor-2", "investigator-1", "puppet")
CLAIMS = ("never_received", "substituted", "misdelivered")
SPANS_MS = (SECOND_MS, 10 * MINUTE_MS, 5 * HOUR_MS, 40 * HOUR_MS, 73 * HOUR_MS, 31 * DAY_MS)
POWER = (Fault.COMMAND_LOST, Fault.ACK_LOST, Fault.CUT_BEFORE_STORE, Fault.CUT_AFTER_STORE)

PARCELS = 4
SELDOM = st.sampled_from((True, *[False] * 9))
"""For what ends a handset's part in the story, or somebody's: one time in ten."""

people, parcels, places = st.sampled_from(PEOPLE), st.sampled_from((0, 0, 1, 1, 1, 2, 3)), st.integers(0, 50)


@contextmanager
def before_hello(radio: Radio, act: Callable[[], None]) -> Iterator[None]:
    """While this lasts, an act follows at once on the beginning of every connection."""
    begin = radio._begin

    def begin_and_act() -> None:
        begin()
        act()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(radio, "_begin", begin_and_act)
        yield


class Crash(Exception):
    """The process ends here."""


def end_here(crash: bool) -> None:  # noqa: FBT001 - a fact of the step
    """The end of the process, if this is where it ends."""
    if crash:
        raise Crash


class Locks(RuleBasedStateMachine):
    """One made-up story of a few handsets.

    When it begins one is locked, one was sold and has its lock on its way, and two are inert, on or off.
    """

    def __init__(self, like: World, folder: Path) -> None:
        super().__init__()
        self.world = same_world(like, folder)
        self.world.caps = CAPS
        self.words: list[Message] = []
        self.ghosts = Ghosts(world=self.world, caps=CAPS)
        for number, parcel in enumerate(self.world.parcels):
            self.ghosts.watch(self.world.handset(parcel))
            if number % 2:
                self.radio(number).switch_on()
        self.restart(forgets=False)
        self.cases: list[Opened] = []
        self.orders: list[str] = []
        self.backups: list[bytes] = [self.world.backup()]
        self.stores = [(number, self.radio(number).handset.copy_store()) for number in range(PARCELS)]
        for number in (0, 1):
            self.dispute(parcel=number, claim="never_received", support=False, arrives=True)
        self.stores.append((1, self.radio(1).handset.copy_store()))
        self.back_up()
        self.unhelpful: list[Trouble] = []

    def attempt(self, act: Callable[..., Any], *given: Any, crash: bool = False, **facts: Any) -> Any:
        """Do something in a unit; a refusal is an answer like any other, and a crash takes all of it back."""
        try:
            with self.world.house.unit() as unit:
                done = act(unit, *given, **facts)
                end_here(crash)
        except Trouble as refused:
            self.unhelpful += [] if refused.detail and refused.fix else [refused]
            return None
        except Crash:
            self.restart(forgets=False)
            return None
        return done

    def radio(self, number: int) -> Radio:
        """The handset of a parcel."""
        return self.world.radios[self.world.parcels[number].order]

    # People.

    @rule(parcel=parcels, claim=st.sampled_from(CLAIMS), support=SELDOM, arrives=st.booleans())
    def dispute(self, parcel: int, claim: str, support: bool, arrives: bool) -> None:  # noqa: FBT001 - drawn
        needs = ("large print",) if support else ()
        opened = self.world.dispute(self.world.parcels[parcel], claim, support_needs=needs)
        assert opened.disputed.file.case.state == "remedy_offered", "the remedy waits for nothing"
        self.cases.append(opened)
        if opened.lock.order is not None:
            self.orders.append(opened.order.id)
        if arrives:
            self.world.deliver()

    @precondition(lambda self: self.cases)
    @rule(place=places, who=people, second=people, crash=SELDOM)
    def ask(self, place: int, who: str, second: str, crash: bool) -> None:  # noqa: FBT001 - drawn by Hypothesis
        opened = self.cases[place % len(self.cases)]
        imei, office = imei_digits(opened.disputed.file.imei), self.world.office
        facts = {"reason": Reason.NEVER_RECEIVED, "evidence": [], "dispute": opened.case, "specialist": second}
        order = self.attempt(request_lock, office, imei=imei, last4=imei[-4:], account=who, crash=crash, **facts)
        if order is not None:
            self.orders.append(order.id)
            self.attempt(approve_lock, office, name=order.id, account=second)

    @precondition(lambda self: self.orders)
    @rule(place=places, who=people, crash=SELDOM)
    def say_yes(self, place: int, who: str, crash: bool) -> None:  # noqa: FBT001 - drawn by Hypothesis
        order = self.orders[place % len(self.orders)]
        self.attempt(approve_lock, self.world.office, name=order, account=who, crash=crash)

    @precondition(lambda self: self.orders)
    @rule(place=places, who=st.sampled_from(("supervisor-1", "supervisor-2", "investigator-1", "puppet")))
    def keep_it(self, place: int, who: str) -> None:
        role = LockRole.INVESTIGATOR if who.startswith("inv") else LockRole.SUPERVISOR
        order = self.orders[place % len(self.orders)]
        self.attempt(confirm_lock, self.world.office, name=order, account=who, role=role)

    @precondition(lambda self: self.orders)
    @rule(place=places, crash=SELDOM)
    def let_go(self, place: int, crash: bool) -> None:  # noqa: FBT001 - drawn by Hypothesis
        order = self.orders[place % len(self.orders)]
        facts = {
            "actor": "agent-1",
            "role": LockRole.AGENT,
            "reason": Reason.RELEASED_BY_STAFF,
            "basis": Basis.ONE_PERSON,
        }
        done = self.attempt(release, self.world.office, name=order, crash=crash, **facts)
        known = self.attempt(lambda unit: store.order(unit.session, order)) is not None
        assert done is not None or crash or not known, "a release never waits"

    @precondition(lambda self: self.orders)
    @rule(place=places, really=SELDOM, crash=SELDOM)
    def let_a_group_go(self, place: int, really: bool, crash: bool) -> None:  # noqa: FBT001 - drawn
        order = self.attempt(lambda unit: store.order(unit.session, self.orders[place % len(self.orders)]))
        if order is None or not really:
            return
        facts = {"group": str(order.group), "actor": "agent-2", "role": LockRole.AGENT}
        done = self.attempt(release_group, self.world.office, crash=crash, **facts)
        assert crash or (done is not None and done.left == 0), "a release never waits"

    @precondition(lambda self: self.cases)
    @rule(place=places, really=SELDOM)
    def find(self, place: int, really: bool) -> None:  # noqa: FBT001 - drawn by Hypothesis
        if not really:
            return
        case = self.cases[place % len(self.cases)].case
        self.attempt(joints.customer_found_it, self.world.office, dispute=case)

    @rule(parcel=parcels, how=st.sampled_from(["received", "left", *["code"] * 4]))
    def end_it(self, parcel: int, how: str) -> None:
        radio, office = self.radio(parcel), self.world.office
        device = radio.handset.device
        if how == "received":
            self.attempt(received, office, name=device, actor="customer", role=LockRole.CUSTOMER)
        elif how == "left":
            facts = {"ends_ms": self.world.clock.at_ms + DAY_MS, "actor": "agent-2", "role": LockRole.AGENT}
            self.attempt(lock_news.customer_leaves, office, device=device, **facts)
        elif radio.handset.on and radio.handset.challenge is not None:
            facts = {"challenge": radio.handset.challenge, "actor": "agent-2", "role": LockRole.AGENT}
            code = self.attempt(issue_code, office, name=device, **facts)
            assert code is None or radio.type_code(code), "a code that was given opens the lock"

    @rule(who=st.sampled_from(("supervisor-1", "supervisor-2", "puppet")), on=SELDOM)
    def throw_the_switch(self, who: str, on: bool) -> None:  # noqa: FBT001 - drawn by Hypothesis
        self.attempt(throw_switch, self.world.office, on=on, person=person_of(who), why="made up")

    @precondition(lambda self: self.orders)
    @rule(place=places, who=people)
    def clear(self, place: int, who: str) -> None:
        order = self.attempt(lambda unit: store.order(unit.session, self.orders[place % len(self.orders)]))
        group = order.group if order is not None else "policy:none"
        self.attempt(clear_group, self.world.office, group=group, account=who, why="made up")

    @rule(who=people, really=SELDOM)
    def come_and_go(self, who: str, really: bool) -> None:  # noqa: FBT001 - drawn by Hypothesis
        if who == "puppet":
            if self.attempt(lambda unit: persons.person(unit.session, "puppet")) is None:
                self.world.hire("puppet", "supervisor", person=person_of("puppet"), by="supervisor-1")
        elif really and who not in {"supervisor-1", "agent-1"}:
            self.world.dismiss(who)

    # The channel.

    @rule()
    def deliver(self) -> None:
        self.world.deliver()

    @rule(place=places, how=st.sampled_from(["lose", "repeat", "shuffle"]))
    def meddle(self, place: int, how: str) -> None:
        meddle(self.world, place, how)

    @precondition(lambda self: self.world.heard)
    @rule(place=places)
    def bring_an_old_answer_again(self, place: int) -> None:
        self.world.line.take(self.world.heard[place % len(self.world.heard)])

    @precondition(lambda self: self.words)
    @rule(parcel=parcels, backwards=st.booleans())
    def bring_every_old_command_again(self, parcel: int, backwards: bool) -> None:  # noqa: FBT001 - drawn
        radio = self.radio(parcel)
        mine = [word for word in self.words if f"/{radio.handset.device}/" in word.topic]
        for word in reversed(mine) if backwards else mine:
            if radio.handset.on:
                radio._receive(word)

    # Handsets.

    @rule(parcel=parcels, sim=st.sampled_from([*[SimClass.OTHER] * 8, SimClass.NEVER, SimClass.OWN]))
    def switch(self, parcel: int, sim: SimClass) -> None:
        radio = self.radio(parcel)
        if radio.handset.on:
            radio.switch_off()
        else:
            radio.handset.sim = sim
            radio.switch_on()
            self.stores.append((parcel, radio.handset.copy_store()))

    @rule(parcel=parcels, fault=st.sampled_from(POWER))
    def break_the_next_command(self, parcel: int, fault: Fault) -> None:
        self.radio(parcel).faults.append(fault)

    @rule(parcel=parcels, how=st.sampled_from(["reset", "copy", "roll back", "roll back"]), place=places)
    def tamper(self, parcel: int, how: str, place: int) -> None:
        """After a rollback every old command comes again, before the hello of the new run has left or after it."""
        radio = self.radio(parcel)
        if how == "copy":
            self.stores.append((parcel, radio.handset.copy_store()))
            return
        mine = [copy for owner, copy in self.stores if owner == parcel]
        radio.switch_off()
        if how == "reset":
            radio.handset.factory_reset()
        elif mine:
            radio.handset.roll_back(mine[place % len(mine)])
            self.ghosts.past[radio.handset.device].rolled_back = True
        replay = partial(self.bring_every_old_command_again, parcel, backwards=bool(place % 2))
        early = how == "roll back" and place % 4 < 2
        with before_hello(radio, replay) if early else nullcontext():
            radio.switch_on()
        if how == "roll back" and not early:
            replay()

    # Time, the process, and its past.

    @rule(ms=st.sampled_from((*SPANS_MS[:-1] * 3, SPANS_MS[-1])))
    def let_time_pass(self, ms: int) -> None:
        self.world.step(ms)
        self.world.retire_due()

    @rule(forgets=st.booleans())
    def restart(self, forgets: bool) -> None:  # noqa: FBT001 - drawn by Hypothesis
        if forgets:
            self.world.broker.wipe()
        self.world.restart()
        publish = self.world.line.publish

        def publish_and_remember(topic: str, payload: bytes, **more: Any) -> PublishOutcome:
            self.words.append(Message(topic=topic, payload=payload))
            return publish(topic, payload, **more)

        self.world.line.publish = publish_and_remember  # type: ignore[method-assign]  # the line is as it was

    @rule()
    def back_up(self) -> None:
        self.backups.append(self.world.backup())

    @rule(place=places, again=st.booleans())
    def restore(self, place: int, again: bool) -> None:  # noqa: FBT001 - whether every customer calls again
        self.world.restore(self.backups[place % len(self.backups)])
        self.restart(forgets=False)
        self.ghosts.decided = {}
        with self.world.house.read() as session:
            self.ghosts.remember(session)
        if again:
            for parcel in range(PARCELS):
                self.dispute(parcel=parcel, claim="never_received", support=False, arrives=True)

    @invariant()
    def every_refusal_says_what_was_wrong_and_what_would_allow_it(self) -> None:
        assert self.unhelpful == []

    @invariant()
    def the_ten_promises_hold(self) -> None:
        assert self.ghosts.look() == []

    def teardown(self) -> None:
        """Faults stop and every handset says hello: it is what is wished, and whatever is locked can be set free."""
        for radio in self.world.radios.values():
            radio.faults.clear()
            radio.switch_off()
            radio.switch_on()
        self.world.deliver()
        for radio in self.world.radios.values():
            radio.swap_sim(radio.handset.sim, country="GB")
        self.world.deliver()
        self.world.step(SECOND_MS)
        self.world.audit()
        self.the_ten_promises_hold()
        for radio in self.world.radios.values():
            with self.world.house.read() as session:
                wished = store.desired(store.device(session, radio.handset.device))
                live = store.orders_of_device(session, radio.handset.device, [OrderState.RELEASE_QUEUED])
            assert live == [], "what is to be released is free once the handset has spoken"
            applied = radio.handset.state.applied
            held_back = wished.state is Applied.LOCKED and applied is Applied.UNLOCKED
            assert applied is wished.state or held_back, "it is what is wished of it"
            assert not radio.handset.screen_locked or wished.state is Applied.LOCKED
            self.attempt(
                received, self.world.office, name=radio.handset.device, actor="customer", role=LockRole.CUSTOMER
            )
        self.world.deliver()
        assert not any(radio.handset.screen_locked for radio in self.world.radios.values()), "nobody is ever stuck"
        assert {radio.handset.state.applied for radio in self.world.radios.values()} == {Applied.RETIRED}
        self.world.close()


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Make a world of a few parcels that were delivered and sold; the standing authority is in force."""
    folder = tmp_path_factory.mktemp("few")
    world = new_world(f"sqlite:///{folder / 'weaklink.sqlite3'}", folder, parcels=PARCELS - 1)
    world.close()
    return world


@pytest.mark.slow
def test_the_ten_promises_of_the_lock_hold_whatever_happens_in_whatever_order(
    few: World, tmp_path_factory: pytest.TempPathFactory
) -> None:
    class Story(Locks):
        def __init__(self) -> None:
            super().__init__(few, tmp_path_factory.mktemp("locks"))

    run_stories(Story, examples=EXAMPLES, steps=STEPS)
