"""The lock protocol and the clock, as an explicit-state model over the real rules: how late a lock may come and hold.

One handset, at most three commands, a channel that keeps everything and delivers any of it at any time, and four
moments: before a LOCK's `not_after`, between it and the end of its hold, just past that end, and long after. A handset
looks at its timer whenever time moves (`wake`); a contact is a hello with what it calls for, delivered. The hello says
the nonce of the present run once more, or begins a run, which matters only where a LOCK is bound to that. A weaker
variant switches one rule off.

Findings: E a LOCK was applied after its not_after · H a handset is locked past the end of its hold · B a lock outlived
a contact after its release was decided · P a LOCK was signed past the end of its wish.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple

from custody.kernel.errors import Conflict, Forbidden
from devicelock.rules.ack import AckResult
from devicelock.rules.applied import Applied
from devicelock.rules.command import Command, Op
from devicelock.rules.desired import OP_OF, Anchor, Desired, HelloReply, issue, reconcile, wish
from devicelock.rules.device import SKEW_S, DeviceState, begin_run, new_device, receive, wake
from tests.rooms.devicelock.protocol_model import AUTHORITY, KEYS, NOW_S, REASON, SCREEN, Ref, hello_of, ref

LIFE_S, HOLD_S = 1_000, 2_000
MOMENTS = (0, LIFE_S + SKEW_S + 1, HOLD_S + SKEW_S + 1, 4 * HOLD_S)
MOST_COMMANDS = 3
ANCHOR = Anchor(epoch=1, retired=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Which rules of time are switched on."""

    not_after: bool = True
    held_until: bool = True
    hello: bool = True


class World(NamedTuple):
    """One reachable world.

    `nonce` is the one that the server heard last, `drawn` counts those of the handset. `until_s` is the signed end of
    the lock that the handset applied last, and `released` what was decided; no loss takes these two back.
    """

    moment: int
    desired: Ref[Desired]
    device: Ref[DeviceState]
    nonce: bytes
    drawn: int = 0
    sent: tuple[Ref[Command], ...] = ()
    released: bool = False
    until_s: int | None = None


class Explored(NamedTuple):
    """What an exploration saw: the first trace to each finding, and how many worlds there are."""

    found: dict[str, tuple[str, ...]]
    worlds: int


Move = tuple[str, World, list[str]]


def explore(limits: Limits) -> Explored:
    """Every reachable world, breadth first."""
    start = World(
        moment=0,
        desired=ref(Desired(device="d")),
        device=ref(new_device("d", KEYS, nonce=_nonce(0), now_s=NOW_S)),
        nonce=_nonce(0),
    )
    came_from: dict[World, tuple[str, ...]] = {start: ()}
    queue, found = deque([start]), dict[str, tuple[str, ...]]()
    while queue:
        world = queue.popleft()
        for name, after, broken in moves(world, limits):
            trace = (*came_from[world], name)
            for kind in broken:
                found.setdefault(kind, trace)
            if after not in came_from:
                came_from[after] = trace
                queue.append(after)
    return Explored(found=found, worlds=len(came_from))


def moves(world: World, limits: Limits) -> Iterator[Move]:
    """Every move from here: its name, the world after it, and what it breaks."""
    now_s = NOW_S + MOMENTS[world.moment]
    if world.moment + 1 < len(MOMENTS):
        device = _woken(world.device, NOW_S + MOMENTS[world.moment + 1])
        after = world._replace(moment=world.moment + 1, device=device)
        yield "time passes", after, _held_too_long(after)
    if len(world.sent) < MOST_COMMANDS:
        for state in (Applied.LOCKED, Applied.UNLOCKED):
            decided = _decided(world.desired, state, now_s, world.nonce, f"c{len(world.sent) + 1}")
            if decided is not None:
                desired, command = decided
                released = state is Applied.UNLOCKED
                after = world._replace(desired=desired, sent=(*world.sent, command), released=released)
                yield f"issue {command.value.op}", after, []
    for index, command in enumerate(world.sent, start=1):
        after = _delivered(world, command, now_s, limits)
        if after is not world:
            late = command.value.op is Op.LOCK and now_s > command.value.not_after_s + SKEW_S
            yield f"deliver {index}", after, ["E"] if late else []
    yield from _contact("contact", world, limits, now_s)
    if any(command.value.nonce == world.device.value.nonce for command in world.sent):
        begun = ref(begin_run(world.device.value, now_s=now_s, nonce=_nonce(world.drawn + 1)))
        yield from _contact("new run", world._replace(device=begun, drawn=world.drawn + 1), limits, now_s)


def _delivered(world: World, command: Ref[Command], now_s: int, limits: Limits) -> World:
    """The world after the handset got a command; the very same one if it did not apply it."""
    device, result = _received(world.device, command, now_s, world.drawn + 1, limits)
    if result is not AckResult.APPLIED or device.value.pair == world.device.value.pair:
        return world
    return world._replace(device=device, drawn=world.drawn + 1, until_s=command.value.held_until_s)


def _contact(name: str, world: World, limits: Limits, now_s: int) -> Iterator[Move]:
    """The handset says hello and gets what that calls for; afterwards it is not locked if its release was decided."""
    desired, step = _heard(world.desired, world.device, now_s)
    step = step if limits.hello else HelloReply.NOTHING
    broken: list[str] = []
    after = world._replace(desired=desired, nonce=world.device.value.nonce)
    if step is HelloReply.RESEND:
        newest = desired.value.issued
        command = next(each for each in world.sent if newest and each.value.command_id == newest.command_id)
        after = _delivered(after, command, now_s, limits)
    elif step is HelloReply.SIGN:
        again = _issued(desired, now_s, after.nonce, f"c{len(world.sent) + 1}")
        if len(world.sent) > MOST_COMMANDS or again is None:
            return
        desired, command = again
        until_s = command.value.held_until_s
        broken += ["P"] if until_s is not None and now_s >= until_s else []
        after = _delivered(after._replace(desired=desired, sent=(*world.sent, command)), command, now_s, limits)
    if world.released and after.device.value.applied is Applied.LOCKED:
        broken.append("B")
    if after != world:
        yield name, after, broken


def _held_too_long(world: World) -> list[str]:
    is_locked = world.device.value.applied is Applied.LOCKED
    past = world.until_s is not None and NOW_S + MOMENTS[world.moment] > world.until_s + SKEW_S
    return ["H"] if is_locked and past else []


@cache
def _woken(device: Ref[DeviceState], now_s: int) -> Ref[DeviceState]:
    return ref(wake(device.value, now_s=now_s))


@cache
def _received(
    device: Ref[DeviceState], command: Ref[Command], now_s: int, drawn: int, limits: Limits
) -> tuple[Ref[DeviceState], AckResult]:
    asked = command.value
    if not limits.not_after and asked.op is Op.LOCK:
        asked = replace(asked, not_after_s=NOW_S + 10 * HOLD_S)
    after, ack = receive(device.value, asked, now_s=now_s, nonce=_nonce(drawn), entropy=bytes(16))
    if not limits.held_until:
        after = replace(after, held_until_s=None, seen_s=None)
    return ref(after), ack.result


def _nonce(number: int) -> bytes:
    return number.to_bytes(16, "big")


@cache
def _decided(
    desired: Ref[Desired], state: Applied, now_s: int, nonce: bytes, name: str
) -> tuple[Ref[Desired], Ref[Command]] | None:
    until_s = now_s + HOLD_S if state is Applied.LOCKED else None
    wished = wish(desired.value, state, order="order", authority=AUTHORITY, until_s=until_s)
    return _issued(ref(wished), now_s, nonce, name)


@cache
def _issued(desired: Ref[Desired], now_s: int, nonce: bytes, name: str) -> tuple[Ref[Desired], Ref[Command]] | None:
    try:
        remembered, command = issue(
            desired.value,
            anchor=ANCHOR,
            command_id=name,
            issuer="urn:weaklink:operator:model",
            now_s=now_s,
            life_s=LIFE_S,
            reason=REASON[OP_OF[desired.value.state]],
            nonce=nonce,
            screen=SCREEN,
        )
    except (Conflict, Forbidden):
        return None
    return ref(remembered), ref(command)


@cache
def _heard(desired: Ref[Desired], device: Ref[DeviceState], now_s: int) -> tuple[Ref[Desired], HelloReply]:
    state, held = device.value, desired.value
    hello = hello_of(state)
    after, step = reconcile(held, hello, anchor=ANCHOR, now_s=now_s)
    return ref(after), step
