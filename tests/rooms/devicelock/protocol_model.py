"""The lock protocol as an explicit-state model over the real rules: every reachable world, breadth first.

- At most three commands are issued. The channel is the set of everything ever sent: any of it may be delivered at any
  time, any number of times, or never; that is loss, duplication, reordering and replay.
- Faults: the server is restored once from any older backup; the device's store is rolled back once to any older state.
- The rules are the real ones. A weaker variant switches one of them off at the seam: it hides from `receive` what the
  missing rule would have compared, or does not tell the server what it would have heard.
- Ghosts (newest command applied, whether retirement was decided or applied) lie outside the reach of every fault.
  Inside it they would be rolled back together with the mistake they should show.

Servers, devices and commands are interned as `Ref`s, so that worlds compare and hash by identity.

Findings: O an older command was applied after a newer one · S a LOCK was signed after the decision to retire · D the
device locked after it had applied RETIRE · K a locked device refuses the next UNLOCK even after a hello.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Generic, NamedTuple, TypeVar

from custody.kernel.errors import Conflict, Forbidden
from custody.kernel.keys import PublicKey
from devicelock.rules.ack import AckResult
from devicelock.rules.applied import NEVER, Applied
from devicelock.rules.command import Authority, Basis, Command, KeyRing, LockScreen, Op, Reason
from devicelock.rules.desired import OP_OF, Anchor, Desired, HelloReply, issue, reconcile, wish
from devicelock.rules.device import DeviceState, new_device, receive
from devicelock.rules.hello import Hello, SimClass

NOW_S = 1_000_000
MOST_COMMANDS = 3
LOCK_KEY = PublicKey(alg=-8, x=b"\x01" * 32)
KEYS = KeyRing(lock=LOCK_KEY, unlock=PublicKey(alg=-8, x=b"\x02" * 32))
AUTHORITY = Authority(basis=Basis.TWO_PEOPLE, text="model")
SCREEN = LockScreen(who="w", why="w", reference="r", phone="p", recourse="r", bought="b", deadline_s=NOW_S)
REASON = {
    Op.LOCK: Reason.NEVER_RECEIVED,
    Op.UNLOCK: Reason.FOUND_BY_CUSTOMER,
    Op.RETIRE: Reason.RECEIPT_CONFIRMED,
}
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """Which rules are switched on."""

    counter: bool = False
    hello: bool = False
    epoch: bool = False
    registry: bool = False
    nonce: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """What lies in the server's database."""

    desired: Desired
    nonce: bytes


class Ref(Generic[Value]):
    """The one instance of a value."""

    __slots__ = ("value",)

    def __init__(self, value: Value) -> None:
        self.value = value


_POOL: dict[Any, Any] = {}


def ref(value: Value) -> Ref[Value]:
    """The one `Ref` of this value."""
    one: Ref[Value] = _POOL.setdefault(value, Ref(value))
    return one


class Ghosts(NamedTuple):
    """What the model knows and no fault can take back."""

    newest: int = 0
    retirement_decided: bool = False
    retirement_applied: bool = False
    key_destroyed: bool = False
    drawn: int = 0


class World(NamedTuple):
    """One reachable world."""

    server: Ref[Server]
    anchor: Ref[Anchor]
    device: Ref[DeviceState]
    sent: tuple[Ref[Command], ...] = ()
    backups: frozenset[Ref[Server]] = frozenset()
    stores: frozenset[Ref[DeviceState]] = frozenset()
    restored: bool = False
    rolled_back: bool = False
    ghosts: Ghosts = Ghosts()


class Found(NamedTuple):
    """One violation and the shortest trace to it."""

    kind: str
    op: Op
    trace: tuple[str, ...]


Move = tuple[str, World, list[tuple[str, Op]]]


@dataclass(slots=True, kw_only=True)
class Explored:
    """What an exploration saw; a violation of order is found under O and the op that was applied too late."""

    found: dict[str, Found]
    worlds: list[World]


def explore(variant: Variant, *, restore: bool = False, roll_back: bool = False) -> Explored:
    """Every reachable world and the first trace to each kind of violation."""
    model = Model(variant, restore=restore, roll_back=roll_back)
    first = model.start()
    came_from: dict[World, tuple[World, str] | None] = {first: None}
    queue = deque([first])
    found: dict[str, Found] = {}
    while queue:
        world = queue.popleft()
        for name, after, broken in model.moves(world):
            if after not in came_from:
                came_from[after] = (world, name)
                queue.append(after)
            for kind, op in broken:
                key = f"{kind} {op}" if kind == "O" else kind
                if key not in found:
                    found[key] = Found(kind, op, (*_trace(came_from, world), name))
        if "K" not in found and model.is_stuck(world):
            found["K"] = Found("K", Op.UNLOCK, _trace(came_from, world))
    return Explored(found=found, worlds=list(came_from))


class Model:
    """The moves of one variant."""

    def __init__(self, variant: Variant, *, restore: bool, roll_back: bool) -> None:
        self.variant = variant
        self.restore = restore
        self.roll_back = roll_back

    def start(self) -> World:
        """A device as enrolled, and a server that wishes nothing of it."""
        nonce = _nonce(0)
        return World(
            server=ref(Server(desired=Desired(device="d"), nonce=nonce)),
            anchor=ref(Anchor(epoch=1, retired=False)),
            device=ref(new_device("d", KEYS, nonce=nonce, now_s=NOW_S)),
        )

    def moves(self, world: World) -> Iterator[Move]:
        """Every move from here: its name, the world after it, and what it breaks."""
        if len(world.sent) < MOST_COMMANDS and world.server.value.desired.state is not Applied.RETIRED:
            for state in Applied:
                yield from self._issue(world, state)
        for index, command in enumerate(world.sent, start=1):
            yield from self._deliver(world, index, command)
        if self.variant.hello:
            yield "hello", self._with_server(world, _heard(world.server, world.device, world.anchor)[0]), []
        if self.restore and not world.restored:
            raised = replace(world.anchor.value, epoch=world.anchor.value.epoch + self.variant.epoch)
            for backup in world.backups:
                after = world._replace(server=backup, anchor=ref(raised), backups=frozenset(), restored=True)
                yield "restore", after, []
        if self.roll_back and not world.rolled_back:
            for store in world.stores:
                yield "roll back", self._rolled_back(world, store.value), []

    def is_stuck(self, world: World) -> bool:
        """Whether a locked device refuses what the server signs next to set it free."""
        if world.device.value.applied is not Applied.LOCKED:
            return False
        server = _heard(world.server, world.device, world.anchor)[0] if self.variant.hello else world.server
        retired = server.value.desired.state is Applied.RETIRED
        issued = _issued(server, world.anchor, Applied.RETIRED if retired else Applied.UNLOCKED, "next")
        return issued is None or self.received(world, issued[1])[1] is not AckResult.APPLIED

    def converges(self, world: World) -> bool:
        """Whether, faults over, hellos and what they call for bring the device to the server's newest wish."""
        for turn in range(4):
            server, step = _heard(world.server, world.device, world.anchor)
            newest = server.value.desired.issued
            if step is HelloReply.NOTHING:
                return world.device.value.applied is server.value.desired.state
            if step is HelloReply.RESEND and newest is not None:
                command = next(sent for sent in world.sent if sent.value.command_id == newest.command_id)
            else:
                server, command = _issued_again(server, world.anchor, f"turn{turn}")
            device = self.received(world, command)[0]
            world = world._replace(server=server, device=device, sent=(*world.sent, command))
        return False

    def received(self, world: World, command: Ref[Command]) -> tuple[Ref[DeviceState], AckResult]:
        """What the device makes of a command under this variant's rules."""
        drawn = world.ghosts.drawn + 1 if self.variant.nonce else 0
        return _received(self.variant, world.device, command, drawn)

    def _issue(self, world: World, state: Applied) -> Iterator[Move]:
        retires = state is Applied.RETIRED
        anchor = world.anchor.value
        anchored = ref(replace(anchor, retired=anchor.retired or (retires and self.variant.registry)))
        issued = _issued(world.server, anchored, state, f"c{len(world.sent) + 1}")
        if issued is None:
            return
        server, command = issued
        op, ghosts = command.value.op, world.ghosts
        broken: list[tuple[str, Op]] = [("S", op)] if op is Op.LOCK and ghosts.retirement_decided else []
        ghosts = ghosts._replace(retirement_decided=ghosts.retirement_decided or retires)
        after = world._replace(anchor=anchored, sent=(*world.sent, command), ghosts=ghosts)
        yield f"issue {op} {len(after.sent)}", self._with_server(after, server), broken

    def _deliver(self, world: World, index: int, command: Ref[Command]) -> Iterator[Move]:
        device, result = self.received(world, command)
        if result is not AckResult.APPLIED or device is world.device:
            return
        op, ghosts, state = command.value.op, world.ghosts, device.value
        broken = [("O", op)] if index < ghosts.newest else []
        if state.applied is Applied.LOCKED and ghosts.retirement_applied:
            broken.append(("D", op))
        ghosts = Ghosts(
            newest=max(ghosts.newest, index),
            retirement_decided=ghosts.retirement_decided,
            retirement_applied=ghosts.retirement_applied or op is Op.RETIRE,
            key_destroyed=ghosts.key_destroyed or state.keys.lock is None,
            drawn=ghosts.drawn + self.variant.nonce,
        )
        keeps = self.roll_back and not world.rolled_back
        stores = world.stores | {world.device} if keeps else frozenset()
        yield f"deliver {op} {index}", world._replace(device=device, ghosts=ghosts, stores=stores), broken

    def _with_server(self, world: World, server: Ref[Server]) -> World:
        keeps = self.restore and not world.restored and server is not world.server
        return world._replace(server=server, backups=world.backups | {world.server} if keeps else world.backups)

    def _rolled_back(self, world: World, store: DeviceState) -> World:
        """The store is older; a destroyed key stays destroyed, and the new run draws a nonce nobody has seen."""
        ghosts = world.ghosts._replace(drawn=world.ghosts.drawn + self.variant.nonce)
        keys = replace(store.keys, lock=None) if ghosts.key_destroyed else store.keys
        device = replace(store, nonce=_nonce(ghosts.drawn), keys=keys)
        return world._replace(device=ref(device), ghosts=ghosts, stores=frozenset(), rolled_back=True)


def _nonce(number: int) -> bytes:
    return number.to_bytes(16, "big")


@cache
def _received(
    variant: Variant, device: Ref[DeviceState], command: Ref[Command], drawn: int
) -> tuple[Ref[DeviceState], AckResult]:
    state, asked = device.value, command.value
    if asked.op is Op.LOCK and state.keys.lock is None:
        return device, AckResult.REFUSED_RETIRED  # it does not even verify
    shown = state if variant.counter else replace(state, epoch=NEVER[0], counter=NEVER[1], command_id=None)
    if not variant.nonce and asked.nonce is not None:
        shown = replace(shown, nonce=asked.nonce)
    after, ack = receive(shown, asked, now_s=NOW_S, nonce=_nonce(drawn), entropy=bytes(16))
    if ack.result is not AckResult.APPLIED:
        return device, ack.result
    if not variant.counter:
        after = replace(after, epoch=NEVER[0], counter=NEVER[1], command_id=None)
    return ref(after if variant.registry else replace(after, keys=KEYS)), ack.result


def hello_of(state: DeviceState) -> Hello:
    """What a device in this state says of itself."""
    return Hello(
        device=state.device,
        applied=state.applied,
        cause=state.cause,
        epoch=state.epoch,
        counter=state.counter,
        nonce=state.nonce,
        client="model",
        clock_s=NOW_S,
        country=None,
        sim=SimClass.OTHER,
    )


@cache
def _heard(server: Ref[Server], device: Ref[DeviceState], anchor: Ref[Anchor]) -> tuple[Ref[Server], HelloReply]:
    state = device.value
    hello = hello_of(state)
    desired, step = reconcile(server.value.desired, hello, anchor=anchor.value, now_s=NOW_S)
    return ref(Server(desired=desired, nonce=state.nonce)), step


@cache
def _issued(
    server: Ref[Server], anchor: Ref[Anchor], state: Applied, name: str
) -> tuple[Ref[Server], Ref[Command]] | None:
    until_s = NOW_S + 1000 if state is Applied.LOCKED else None
    try:
        desired = wish(server.value.desired, state, order="order", authority=AUTHORITY, until_s=until_s)
        return _issued_again(ref(replace(server.value, desired=desired)), anchor, name)
    except (Conflict, Forbidden):
        return None


@cache
def _issued_again(server: Ref[Server], anchor: Ref[Anchor], name: str) -> tuple[Ref[Server], Ref[Command]]:
    desired, command = issue(
        server.value.desired,
        anchor=anchor.value,
        command_id=name,
        issuer="urn:weaklink:operator:model",
        now_s=NOW_S,
        life_s=1000,
        reason=REASON[OP_OF[server.value.desired.state]],
        nonce=server.value.nonce,
        screen=SCREEN,
    )
    return ref(replace(server.value, desired=desired)), ref(command)


def _trace(came_from: dict[World, tuple[World, str] | None], world: World) -> tuple[str, ...]:
    names: list[str] = []
    while (step := came_from[world]) is not None:
        world, name = step
        names.append(name)
    return tuple(reversed(names))
