"""Anything in any order: scans, keys, disputes, locks, handsets, a broker that loses, repeats and shuffles, restarts.

Hypothesis makes up the story. After every step what is cheap to see must hold; at its end everything comes to rest with
every handset on, and the whole world is audited.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import func, select
from sqlmodel import Session, col

from api.people import persons
from custody.disputes.machine import CaseRole
from custody.disputes.outside_promise import Told
from custody.kernel.clock import HOUR_MS, MINUTE_MS, SECOND_MS
from custody.kernel.errors import Trouble
from custody.store import outside_book
from custody.usecases import keep_word, move_case
from custody.usecases.enrol_station import revoke
from devicelock import store
from devicelock.rules.applied import Applied
from devicelock.rules.command import Basis, Op, Reason
from devicelock.rules.hello import SimClass
from devicelock.rules.order import LockRole, OrderState
from devicelock.store import CommandRow, LockOrderRow
from devicelock.usecases.confirm_lock import confirm_lock
from devicelock.usecases.release import release
from devicelock.usecases.request_lock import approve_lock, request_lock
from devicelock.usecases.standing_authority import throw_switch
from simulators.station import Signed
from tests.contracts_store.houses import forge
from tests.stories.made_up import meddle, run_stories
from tests.stories.test_promises import round_of_cases
from tests.world import World, same_world
from tests.world_audit import SHOWN_LOCKED
from tests.world_parts import Opened, key, person_of

EXAMPLES, STEPS = 12, 25
POSTS = ("wh-1/dock", "hub-1/hub_sort", "depot-1/depot")
PEOPLE = ("agent-1", "agent-2", "supervisor-1", "supervisor-2", "investigator-1")
CLAIMS = ("never_received", "substituted", "misdelivered", "damaged", "defective")
SPANS_MS = (SECOND_MS, 10 * MINUTE_MS, 5 * HOUR_MS, 40 * HOUR_MS, 73 * HOUR_MS)

posts, people = st.sampled_from(POSTS), st.sampled_from(PEOPLE)
parcels, places = st.integers(0, 1), st.integers(0, 50)


class Anything(RuleBasedStateMachine):
    """One made-up story."""

    def __init__(self, like: World, folder: Path) -> None:
        super().__init__()
        self.world = same_world(like, folder)
        self.world.kept.findings |= {"gap", "prev", "fork", "revoked-key", "suspect-key"}
        self.sent: list[Signed] = []
        self.unsent: list[Signed] = []
        self.cases: list[Opened] = []
        self.orders: list[str] = []
        self.keys = 0
        self.stopped = False
        self.refusals: list[Trouble] = []
        self.size = self.world.size
        self.locks_when_stopped = 0

    def attempt(self, act: Callable[..., Any], *given: Any, **facts: Any) -> Any:
        """Do something in a unit; a refusal is an answer like any other."""
        try:
            with self.world.house.unit() as unit:
                return act(unit, *given, **facts)
        except Trouble as refused:
            self.refusals.append(refused)
            return None

    def see(self, post: str, parcel: int) -> Signed:
        """The next scan of a post."""
        return self.world.see(post, self.world.parcels[parcel].sscc)

    # Scans.

    @rule(post=posts, parcel=parcels)
    def scan(self, post: str, parcel: int) -> None:
        self.sent.append(self.see(post, parcel))
        self.world.send([self.sent[-1]])

    @rule(post=posts, parcel=parcels)
    def sign_and_keep_back(self, post: str, parcel: int) -> None:
        self.unsent.append(self.see(post, parcel))

    @precondition(lambda self: self.unsent)
    @rule(place=places)
    def send_late_and_out_of_order(self, place: int) -> None:
        self.sent.append(self.unsent.pop(place % len(self.unsent)))
        self.world.send([self.sent[-1]])

    @precondition(lambda self: self.sent)
    @rule(place=places)
    def send_again(self, place: int) -> None:
        scan = self.sent[place % len(self.sent)]
        first = next(ack for known, ack in self.world.kept.scans if known.digest == scan.digest)
        (again,) = self.world.send([scan])
        assert again.index == first.index or first.index is None

    @precondition(lambda self: self.sent)
    @rule(place=places)
    def tamper(self, place: int) -> None:
        scan = self.sent[place % len(self.sent)]
        station = next(each for each in self.world.network.stations.values() if each.name == scan.station)
        self.world.send([forge(station, scan, salt=f"tampered {len(self.world.kept.scans)}")])

    @rule(post=posts)
    def revoke_a_key(self, post: str) -> None:
        name = self.world.network.stations[post].name
        self.attempt(revoke, station=name, reason="made up", suspect_from=None, registrar=key("registrar"))

    @rule(post=posts)
    def enrol_a_new_key(self, post: str) -> None:
        self.keys += 1
        self.world.enrol(self.world.network.stations[post], signer=key(f"made up {self.keys}"))

    # Cases.

    @rule(parcel=parcels, claim=st.sampled_from(CLAIMS))
    def dispute(self, parcel: int, claim: str) -> None:
        opened = self.world.dispute(self.world.parcels[parcel], claim, custody_words="At the door.")
        assert opened.disputed.file.case.state == "remedy_offered", "the remedy waits for nothing"
        self.cases.append(opened)
        if opened.lock.order is not None:
            self.orders.append(opened.order.id)

    @precondition(lambda self: self.cases)
    @rule(place=places, remedy=st.sampled_from(["replacement", "refund", "moon"]))
    def choose(self, place: int, remedy: str) -> None:
        case = self.cases[place % len(self.cases)].case
        self.attempt(move_case.choose, case, remedy=remedy, payout="bank_transfer", actor="customer")

    @precondition(lambda self: self.cases)
    @rule(place=places)
    def find(self, place: int) -> None:
        self.world.found(self.cases[place % len(self.cases)])

    @precondition(lambda self: self.cases)
    @rule(place=places)
    def withdraw(self, place: int) -> None:
        opened = self.cases[place % len(self.cases)]
        self.attempt(move_case.withdraw, opened.case, actor="customer", locks_settled=self.world.settled(opened))

    @precondition(lambda self: self.cases)
    @rule(place=places, what=st.sampled_from(["a case", "your money back", "a call"]), pence=st.none() | st.just(3_000))
    def tell_of_a_promise(self, place: int, what: str, pence: int | None) -> None:
        told = Told(what=what, by_whom="the shop", told_us_ms=self.world.clock.at_ms, amount_pence=pence)
        case = self.cases[place % len(self.cases)].case
        self.attempt(keep_word.tell, case, told=told, actor="customer", role=CaseRole.CUSTOMER)

    @precondition(lambda self: self.cases)
    @rule(place=places)
    def rebut_it(self, place: int) -> None:
        case = self.cases[place % len(self.cases)].case
        with self.world.house.read() as session:
            told = [one.id for one in outside_book.of_case(session, case)][-1:]
        by: dict[str, Any] = {"actor": "agent-1", "role": CaseRole.AGENT}
        self.attempt(keep_word.rebut, case, told="".join(told), why="It was another case.", **by)

    @rule()
    def look_at_the_cases(self) -> None:
        round_of_cases(self.world)

    # Locks.

    @precondition(lambda self: self.world.radios)
    @rule(place=places, who=people, of_case=st.booleans())
    def ask_for_a_lock(self, place: int, who: str, of_case: bool) -> None:  # noqa: FBT001 - drawn by Hypothesis
        parcel = self.world.parcels[place % 2]
        case = self.cases[place % len(self.cases)].case if of_case and self.cases else None
        facts = {"imei": parcel.unit.imei, "last4": parcel.unit.imei[-4:], "reason": Reason.NEVER_RECEIVED}
        order = self.attempt(request_lock, self.world.office, account=who, evidence=[], dispute=case, **facts)
        if order is not None:
            self.orders.append(order.id)

    @precondition(lambda self: self.orders)
    @rule(place=places, who=people)
    def say_yes(self, place: int, who: str) -> None:
        self.attempt(approve_lock, self.world.office, name=self.orders[place % len(self.orders)], account=who)

    @precondition(lambda self: self.cases and self.orders)
    @rule(place=places, who=st.sampled_from(("supervisor-1", "supervisor-2", "investigator-1")))
    def confirm(self, place: int, who: str) -> None:
        for opened in self.cases:
            if opened.lock.order is not None and opened.order.id == self.orders[place % len(self.orders)]:
                role = LockRole(who.partition("-")[0])
                self.attempt(confirm_lock, self.world.office, name=opened.order.id, account=who, role=role)

    @precondition(lambda self: self.orders)
    @rule(place=places)
    def let_go(self, place: int) -> None:
        order = self.orders[place % len(self.orders)]
        facts = {
            "actor": "agent-1",
            "role": LockRole.AGENT,
            "reason": Reason.RELEASED_BY_STAFF,
            "basis": Basis.ONE_PERSON,
        }
        assert self.attempt(release, self.world.office, name=order, **facts) is not None, "a release never waits"

    @rule(who=people)
    def throw_the_switch(self, who: str) -> None:
        if (
            self.attempt(throw_switch, self.world.office, on=not self.stopped, person=person_of(who), why="made up")
            is not None
        ):
            self.stopped = not self.stopped
            self.locks_when_stopped = self.locks_signed()

    # Handsets and messages.

    @rule(parcel=parcels, sim=st.sampled_from([SimClass.OTHER, SimClass.NEVER, SimClass.OWN]))
    def switch(self, parcel: int, sim: SimClass) -> None:
        of = self.world.parcels[parcel]
        radio = self.world.radios.get(of.order) or self.world.handset(of, sim=sim)
        if radio.handset.on:
            radio.switch_off()
        else:
            radio.switch_on()

    @precondition(lambda self: any(radio.handset.on for radio in self.world.radios.values()))
    @rule(place=places, sim=st.sampled_from([SimClass.OTHER, SimClass.OWN]))
    def say_hello(self, place: int, sim: SimClass) -> None:
        on = [radio for radio in self.world.radios.values() if radio.handset.on]
        on[place % len(on)].swap_sim(sim, country="RO")

    @rule()
    def deliver(self) -> None:
        self.world.deliver()

    @rule(place=places, how=st.sampled_from(["lose", "repeat", "shuffle"]))
    def meddle(self, place: int, how: str) -> None:
        meddle(self.world, place, how)

    @precondition(lambda self: self.world.heard)
    @rule(place=places)
    def bring_an_old_word_again(self, place: int) -> None:
        self.world.line.take(self.world.heard[place % len(self.world.heard)])

    # Time and the process.

    @rule(ms=st.sampled_from(SPANS_MS))
    def let_time_pass(self, ms: int) -> None:
        self.world.step(ms)

    @rule(forgets=st.booleans())
    def restart(self, forgets: bool) -> None:  # noqa: FBT001 - drawn by Hypothesis
        if forgets:
            self.world.broker.wipe()
        self.world.restart()

    # What must hold after every step.

    def locks_signed(self) -> int:
        """How many LOCKs were ever signed."""
        with self.world.house.read() as session:
            query = select(func.count()).select_from(CommandRow).where(col(CommandRow.op) == Op.LOCK)
            return session.scalar(query) or 0

    @invariant()
    def every_refusal_says_what_was_wrong_and_what_to_do(self) -> None:
        assert all(refused.detail and refused.fix for refused in self.refusals)

    @invariant()
    def the_log_only_grows(self) -> None:
        before, self.size = self.size, self.world.size
        assert self.size >= before

    @invariant()
    def nothing_is_locked_while_the_switch_is_on(self) -> None:
        assert not self.stopped or self.locks_signed() == self.locks_when_stopped

    @invariant()
    def no_handset_is_locked_without_an_order_or_a_release_on_its_way(self) -> None:
        with self.world.house.read() as session:
            for radio in self.world.radios.values():
                handset = radio.handset
                if handset.state.applied is Applied.LOCKED:
                    wished = store.desired(store.device(session, handset.device))
                    live = session.get(LockOrderRow, wished.order or "")
                    assert wished.state is Applied.UNLOCKED or (
                        live and live.state in {OrderState.QUEUED, *SHOWN_LOCKED}
                    )
                    assert handset.state.held_until_s is not None

    @invariant()
    def nobody_locks_alone(self) -> None:
        with self.world.house.read() as session:
            for name in self.orders:
                order = store.order(session, name)
                if order.second is not None:
                    assert whose(session, order.requester) != whose(session, order.second)

    def teardown(self) -> None:
        """Everything comes to rest with every handset on: what the orders say is what the handsets are."""
        for radio in self.world.radios.values():
            if not radio.handset.on:
                radio.switch_on()
        self.world.deliver()
        for radio in self.world.radios.values():
            radio.swap_sim(radio.handset.sim, country="GB")
        self.world.deliver()
        self.world.step(SECOND_MS)
        self.world.audit()
        for name in self.orders:
            order = self.world.order(name)
            assert order.state != OrderState.RELEASE_QUEUED, "what is to be released is free when the handset is on"
        for radio in self.world.radios.values():
            held = [self.world.order(name) for name in self.orders]
            mine = [order for order in held if order.device == radio.handset.device and order.state in SHOWN_LOCKED]
            assert radio.handset.screen_locked is bool(mine)
        self.world.close()


def whose(session: Session, account: str) -> str:
    """The person behind an account, or the account's own name for automation."""
    person = persons.person(session, account)
    return account if person is None else person.person


@pytest.mark.slow
def test_whatever_happens_in_whatever_order_the_books_are_right(
    travelled: World, tmp_path_factory: pytest.TempPathFactory
) -> None:
    class Story(Anything):
        def __init__(self) -> None:
            super().__init__(travelled, tmp_path_factory.mktemp("made-up"))

    run_stories(Story, examples=EXAMPLES, steps=STEPS)
