"""Who may lock, as an explicit-state model over the real rules: every order in which people can act.

Three accounts: A and B are two people, P is an account that A made for a person who does not exist, so that A and P are
one. Anybody may ask, approve, propose and put in force, stop and start, clear, be dismissed, and the handsets may come
to be confirmed, left or retired at any moment. A LOCK is signed when an order is decided and again at every hello; each
time the rules are asked. A weaker variant does not ask one of them.

Findings, by promise: 6 a LOCK rests on one human, or on somebody who is not here · 7 a LOCK for a handset that is
confirmed, left or retired · 8 a LOCK under the kill switch, past a cap or past a canary that nobody else cleared, or
the switch turned off by the human who threw it · R a release was refused to one person.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from custody.kernel.clock import MINUTE_MS
from custody.kernel.errors import Trouble
from devicelock.rules.authority import authorise_lock, preflight, refuse_unless_apart
from devicelock.rules.caps import CapReason, Caps, Clearance, LockAsked, SignedLock, held_back, pause_of
from devicelock.rules.hello import SimClass
from devicelock.rules.lock_facts import LockClaim, LockFacts, LockKind, Person, StandingPolicy
from devicelock.rules.order import Guard, LockRole, OrderEvent, OrderState, step
from devicelock.rules.preflight import CheckName
from devicelock.rules.tie import TieState

NOW_MS = 1_800_000_000_000
PEOPLE = ("A", "B", "P")
HUMAN = {"A": "A", "B": "B", "P": "A"}
BEHIND = {"A": frozenset({"A"}), "B": frozenset({"B"}), "P": frozenset({"P", "A"})}
SHOWN = {Guard.FOUR_EYES: True, Guard.DEVICE_NOT_WITH_CUSTOMER: True, Guard.TOMBSTONE_SEQ: True}
RELEASE = {
    OrderState.QUEUED: OrderEvent.CANCEL_BEFORE_DELIVERY,
    OrderState.ACTIVE_PROVISIONAL: OrderEvent.LAPSE_OR_RELEASE,
}
SECOND = frozenset({CheckName.DECIDER, CheckName.TWO_PEOPLE})
BY_POLICY = "policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which rules are asked. `line` is who made whose account, `again` that all is asked again at every signature."""

    two_people: bool = True
    line: bool = True
    again: bool = True
    handset: bool = True
    caps: bool = True
    switch: bool = True


class Order(NamedTuple):
    """A lock order; `by` is the account that asked, or the policy."""

    state: OrderState
    by: str
    second: str = ""
    acked: bool = False


class World(NamedTuple):
    """One reachable world."""

    orders: tuple[Order | None, ...]
    here: frozenset[str] = frozenset(PEOPLE)
    gone: frozenset[int] = frozenset()
    policy: tuple[str, ...] = ()
    stopped_by: str = ""
    cleared: frozenset[str] = frozenset()


class Explored(NamedTuple):
    """What an exploration saw."""

    found: dict[str, tuple[str, ...]]
    worlds: int


Move = tuple[str, World, list[str]]


class Model:
    """The moves of one variant; `gone_as` is what a handset may come to be, `acts` what people do in it."""

    def __init__(self, asked: Asked, *, handsets: int, caps: Caps, gone_as: str, acts: frozenset[str]) -> None:
        self.asked, self.handsets, self.caps, self.gone_as, self.acts = asked, handsets, caps, gone_as, acts

    def explore(self, start: World) -> Explored:
        """Every reachable world, breadth first, and the first trace to each finding."""
        came_from: dict[World, tuple[World, str] | None] = {start: None}
        queue, found = deque([start]), dict[str, tuple[str, ...]]()
        while queue:
            world = queue.popleft()
            for name, after, broken in self.moves(world):
                for kind in broken:
                    if kind not in found:
                        found[kind] = (*_trace(came_from, world), name)
                if after not in came_from:
                    came_from[after] = (world, name)
                    queue.append(after)
        return Explored(found=found, worlds=len(came_from))

    def moves(self, world: World) -> Iterator[Move]:
        """Every move from here."""
        for number in range(self.handsets):
            yield from self._of_handset(world, number)
        for who in sorted(world.here):
            yield from self._of_person(world, who)

    def _of_handset(self, world: World, number: int) -> Iterator[Move]:
        order = world.orders[number]
        if "gone" in self.acts and number not in world.gone:
            yield f"{self.gone_as} {number}", world._replace(gone=world.gone | {number}), []
        if order is None:
            if world.policy[1:]:
                yield from self._decide(world, number, Order(OrderState.REQUESTED, BY_POLICY), f"dispute {number}")
            return
        if order.state is OrderState.QUEUED:
            acked = order._replace(state=step(order.state, OrderEvent.DEVICE_ACK, role=LockRole.SYSTEM), acked=True)
            yield f"ack {number}", _with(world, number, acked), []
        if order.state in RELEASE:
            yield from self._sign(world, number, order, f"hello {number}", again=True)
            yield from self._release(world, number, order)

    def _of_person(self, world: World, who: str) -> Iterator[Move]:
        for number in range(self.handsets):
            order, fresh = world.orders[number], Order(OrderState.REQUESTED, who)
            if order is None and "ask" in self.acts and self._may(world, number, fresh, waits=True):
                yield f"{who} asks {number}", _with(world, number, fresh), []
            elif order is not None and order.state is OrderState.REQUESTED:
                yield from self._decide(world, number, order._replace(second=who), f"{who} approves {number}")
        if "policy" in self.acts and not world.policy:
            yield f"{who} proposes", world._replace(policy=(who,)), []
        elif "policy" in self.acts and len(world.policy) == 1 and self._apart(world.policy[0], who):
            yield f"{who} puts in force", world._replace(policy=(*world.policy, who)), []
        if "switch" in self.acts and not world.stopped_by:
            yield f"{who} stops", world._replace(stopped_by=who), []
        elif "switch" in self.acts and self._apart(world.stopped_by, who):
            same = HUMAN[who] == HUMAN[world.stopped_by]
            yield f"{who} starts", world._replace(stopped_by=""), ["8"] if same else []
        if "leave" in self.acts and who != "P":
            yield f"{who} leaves", world._replace(here=world.here - {who}), []
        if "clear" in self.acts:
            yield from self._clear(world, who)

    def _clear(self, world: World, who: str) -> Iterator[Move]:
        for group in sorted({order.by for order in world.orders if order} - world.cleared):
            mine = self._signed(world, group)
            ordered = self._ordered(world, group)
            if pause_of(self.caps, mine, []) is not CapReason.CANARY_NOT_CLEARED:
                continue
            if all(self._apart(one, who) for one in ordered):
                same = any(HUMAN[one] == HUMAN[who] for one in ordered)
                yield f"{who} clears {group}", world._replace(cleared=world.cleared | {group}), ["8"] if same else []

    def _release(self, world: World, number: int, order: Order) -> Iterator[Move]:
        for role in (LockRole.AGENT, LockRole.CUSTOMER):
            try:
                step(order.state, RELEASE[order.state], role=role, guards=SHOWN)
            except Trouble:
                yield f"{role} releases {number}", world, ["R"]
        yield f"release {number}", _with(world, number, order._replace(state=OrderState.RELEASED)), []

    def _decide(self, world: World, number: int, order: Order, name: str) -> Iterator[Move]:
        if self._may(world, number, order):
            queued = order._replace(state=OrderState.QUEUED)
            yield from self._sign(_with(world, number, queued), number, queued, name, again=False)

    def _sign(self, world: World, number: int, order: Order, name: str, *, again: bool) -> Iterator[Move]:
        """A LOCK is signed, if the rules say so; what is wrong with it is found without asking them."""
        if again and self.asked.again and not self._may(world, number, order):
            return
        broken = []
        people = [HUMAN[each] for each in (world.policy if order.by == BY_POLICY else (order.by, order.second))]
        away = order.by != BY_POLICY and not {order.by, order.second} <= world.here
        broken += ["6"] if len(set(people)) < 2 or away else []
        broken += ["7"] if number in world.gone else []
        group = [each for place, each in enumerate(world.orders) if each and each.by == order.by and place != number]
        decided = [each for each in group if each.state is not OrderState.REQUESTED]
        past = not again and len(decided) >= self.caps.canary and order.by not in world.cleared
        most = sum(1 for each in world.orders if each and each.state is not OrderState.REQUESTED) > self.caps.per_hour
        broken += ["8"] if world.stopped_by or past or (most and not again) else []
        yield name, world, broken

    def _may(self, world: World, number: int, order: Order, *, waits: bool = False) -> bool:
        """What the rules say of signing this order now; `waits`: of asking for it, before anybody decides."""
        held = self._held_back(world, number, order) if self.asked.caps else ()
        return _allowed(
            self.asked,
            order.by,
            order.second,
            world.here,
            number in world.gone,
            self.gone_as,
            world.policy,
            bool(world.stopped_by),
            held,
            waits,
        )

    def _held_back(self, world: World, number: int, order: Order) -> tuple[CapReason, ...]:
        others = [each for place, each in enumerate(world.orders) if each and place != number]
        decided = [each for each in others if each.state is not OrderState.REQUESTED]
        asked = LockAsked(
            at_ms=NOW_MS,
            person=HUMAN.get(order.by, order.by),
            second=HUMAN.get(order.second),
            model="m",
            site="s",
            group=order.by,
            canary=order.state is not OrderState.REQUESTED,
        )
        cleared = [Clearance(group=group, person="x", at_ms=NOW_MS) for group in world.cleared]
        held = sum(each.state in RELEASE for each in others)
        return held_back(
            self.caps, asked, [_as_signed(each) for each in decided], fleet=10, held=held, clearances=cleared
        )

    def _signed(self, world: World, group: str) -> list[SignedLock]:
        mine = [each for each in world.orders if each and each.by == group and each.state is not OrderState.REQUESTED]
        return [_as_signed(each) for each in mine]

    def _ordered(self, world: World, group: str) -> set[str]:
        if group == BY_POLICY:
            return {world.policy[0]}
        mine = [each for each in world.orders if each and each.by == group and each.state is not OrderState.REQUESTED]
        return {each.by for each in mine} | {each.second for each in mine}

    def _apart(self, one: str, other: str) -> bool:
        behind = BEHIND if self.asked.line else {name: frozenset({name}) for name in PEOPLE}
        if not self.asked.two_people:
            return True
        try:
            refuse_unless_apart(behind[one], behind[other], what="do it", ask="another")
        except Trouble:
            return False
        return True


@cache
def _allowed(  # noqa: PLR0917 - the facts of one decision, as a key of the cache
    asked: Asked,
    by: str,
    second: str,
    here: frozenset[str],
    is_gone: bool,  # noqa: FBT001 - a fact
    gone_as: str,
    policy: tuple[str, ...],
    stopped: bool,  # noqa: FBT001 - a fact
    held: tuple[CapReason, ...],
    waits: bool,  # noqa: FBT001 - a fact
) -> bool:
    gone = is_gone and asked.handset
    standing = by == BY_POLICY
    in_force = StandingPolicy(version="v", put_in_force_by=frozenset(policy), logged_as="1") if policy[1:] else None
    facts = LockFacts(
        kind=LockKind.PROVISIONAL if standing else LockKind.REQUESTED,
        tie=TieState.TIED,
        sim=SimClass.OTHER,
        retired=gone and gone_as == "retired",
        receipt_confirmed=gone and gone_as == "confirmed",
        leaving=gone and gone_as == "left",
        vulnerable=False,
        contact_on_screen=True,
        way_out=True,
        still_served=False,
        held_back=held,
        kill_switch_on=stopped and asked.switch,
        claim=LockClaim.NEVER_RECEIVED,
        policy=in_force,
        requester=None if standing else _person(by, here, asked),
        decider=_person(second, here, asked) if second else None,
    )
    if waits:
        return all(row.name in SECOND for row in preflight(facts).failing)
    if not asked.two_people:
        return all(row.name is CheckName.TWO_PEOPLE for row in preflight(facts).failing)
    try:
        authorise_lock(facts)
    except Trouble:
        return False
    return True


def _person(name: str, here: frozenset[str], asked: Asked) -> Person:
    """An account as the rules see it: P was made by A, and that is all that tells them apart."""
    made = name == "P" and asked.line
    return Person(
        person=name,
        roles=frozenset({LockRole.SUPERVISOR}),
        employed=name in here,
        account_made_by="A" if made else "setup",
        line=frozenset({"A"}) if made else frozenset(),
    )


def _as_signed(order: Order) -> SignedLock:
    settled = order.acked or order.state is OrderState.RELEASED
    return SignedLock(
        at_ms=NOW_MS - MINUTE_MS,
        person=HUMAN.get(order.by, order.by),
        second=HUMAN.get(order.second),
        model="m",
        site="s",
        group=order.by,
        settled_ms=NOW_MS - MINUTE_MS if settled else None,
    )


def _with(world: World, number: int, order: Order) -> World:
    orders = list(world.orders)
    orders[number] = order
    return world._replace(orders=tuple(orders))


def _trace(came_from: dict[World, tuple[World, str] | None], world: World) -> tuple[str, ...]:
    names: list[str] = []
    while (before := came_from[world]) is not None:
        world, name = before
        names.append(name)
    return tuple(reversed(names))
