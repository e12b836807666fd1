"""The server's side of the protocol: what is wished of each device, and what has to be said to it next.

- One `Desired` row per device, versioned, is the queue; the broker only carries. Every new wish has a higher version
  and replaces the older one; at most one command is outstanding, and an older one is never sent again.
- `Anchor` is what is kept outside the backups: the epoch, raised on every start from a backup, and the registry of
  retired devices. No LOCK is issued for a registered device, restore or not.
- A pair that is issued is greater than every pair issued before and every pair the device ever reported, so a device is
  never stuck with a server that has forgotten.
- `reconcile` answers a hello by what the hello itself says: nothing, the newest command's bytes again, or a new
  signature. A LOCK is signed anew whenever the hello brought a new nonce, with every check made again.
- `settle` and `reconcile` keep what the device has shown by maximum of (pair, kindness), so order and repetition of
  acks and hellos do not matter (they arrive in any order from a shared subscription).
- A wish to lock is an UNLOCK wish once its hour has passed. A device that shows it is retired is retired. A lock that
  no order here accounts for (after a restore) is released.
- A state is shown only when the device's own signature over the newest pair said so; before that it is waiting or sent.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from custody.kernel.errors import Conflict, Forbidden, Rejected
from devicelock.rules.ack import Ack
from devicelock.rules.applied import KINDNESS, NEVER, Applied, Pair
from devicelock.rules.command import LIFE_MAX_S, Authority, Basis, Command, LockScreen, Op, Reason
from devicelock.rules.hello import Hello
from devicelock.rules.topic import read_device, read_name

OP_OF = {Applied.LOCKED: Op.LOCK, Applied.UNLOCKED: Op.UNLOCK, Applied.RETIRED: Op.RETIRE}

LAPSED = Authority(basis=Basis.LAPSE, text="The time for which the lock was allowed has passed.")
RETIRED = Authority(basis=Basis.LAPSE, text="The device has been retired, which is for ever.")
FORGOTTEN = Authority(
    basis=Basis.LAPSE, text="No order is known for this lock; what nobody can account for is released."
)
FORGOTTEN_ORDER = "forgotten"


class HelloReply(StrEnum):
    """What a hello calls for."""

    NOTHING = "nothing"
    RESEND = "resend"
    SIGN = "sign"


class ShownState(StrEnum):
    """What may be said about the device, and no more."""

    IDLE = "idle"
    WAITING = "waiting"
    SENT = "sent"
    LOCKED = "locked"
    UNLOCKED = "unlocked"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """What a restore from a backup cannot take back."""

    epoch: int
    retired: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The most that a device's own signature has shown."""

    applied: Applied
    pair: Pair
    at_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """The newest command issued, the wish it was issued for, and what bounds it; older rows do not say that."""

    command_id: str
    op: Op
    pair: Pair
    version: int
    nonce: bytes | None = None
    not_after_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """One device's row. `issued` and `seen` are None until there is something to say.

    `highest` is the greatest pair ever issued or reported. It is not read off `seen`: a device whose store was rolled
    back after it had retired may since have applied a greater one. `to_retire`: it is to be retired, and will be once
    that can be anchored.
    """

    device: str
    state: Applied = Applied.UNLOCKED
    version: int = 0
    order: str | None = None
    authority: Authority | None = None
    until_s: int | None = None
    highest: Pair = NEVER
    issued: Issued | None = None
    seen: Seen | None = None
    to_retire: bool = False


def wish(desired: Desired, state: Applied, *, order: str, authority: Authority, until_s: int | None = None) -> Desired:
    """The row with a new wish; raises `Conflict("retired")` if the device is to be or has been retired."""
    if desired.state is Applied.RETIRED and state is not Applied.RETIRED:
        raise Conflict("retired", f"{desired.device} is retired, which is for ever", fix="Nothing can be done to it.")
    if (until_s is not None) != (state is Applied.LOCKED):
        raise Rejected("until", "a wish to lock, and no other, needs its end", fix="Give the moment it lapses.")
    read_name("order", order)
    return replace(desired, state=state, version=desired.version + 1, order=order, authority=authority, until_s=until_s)


def lapse(desired: Desired, *, now_s: int) -> Desired:
    """The row at this moment: a wish to lock whose hour has passed is a wish to unlock, under the same order."""
    if desired.state is not Applied.LOCKED or desired.until_s is None or now_s < desired.until_s:
        return desired
    return replace(desired, state=Applied.UNLOCKED, version=desired.version + 1, authority=LAPSED, until_s=None)


def issue(
    desired: Desired,
    *,
    anchor: Anchor,
    command_id: str,
    issuer: str,
    now_s: int,
    life_s: int,
    reason: Reason,
    nonce: bytes | None = None,
    screen: LockScreen | None = None,
) -> tuple[Desired, Command]:
    """The next command for the present wish, and the row that remembers it; both are stored before anything is sent.

    `nonce` is the last hello's and `screen` what the holder will read; only a LOCK takes them.

    Raises `Conflict("wish")` without a wish; for a LOCK also `Forbidden("retired")` if the device is registered,
    `Conflict("lapsed")` past its hour and `Conflict("nonce")` before the first hello.
    """
    if desired.order is None or desired.authority is None:
        raise Conflict("wish", f"nothing is wished of {desired.device}", fix="Record an order first.")
    op = OP_OF[desired.state]
    not_after_s = now_s + life_s
    if op is Op.LOCK:
        not_after_s = _lock_life(desired, anchor, now_s, life_s, nonce)
    epoch, counter = next_pair(desired, anchor)
    command = Command(
        op=op,
        command_id=command_id,
        device=read_device(desired.device),
        order=desired.order,
        epoch=epoch,
        counter=counter,
        issuer=issuer,
        issued_s=now_s,
        not_after_s=not_after_s,
        reason=reason,
        authority=desired.authority,
        nonce=nonce if op is Op.LOCK else None,
        held_until_s=desired.until_s,
        screen=screen if op is Op.LOCK else None,
    )
    issued = Issued(
        command_id=command_id,
        op=op,
        pair=command.pair,
        version=desired.version,
        nonce=command.nonce,
        not_after_s=not_after_s,
    )
    return replace(desired, issued=issued, highest=issued.pair), command


def next_pair(desired: Desired, anchor: Anchor) -> Pair:
    """The smallest pair above every one issued or reported, in the newest epoch known."""
    epoch, counter = desired.highest
    return (anchor.epoch, 1) if anchor.epoch > epoch else (epoch, counter + 1)


def reconcile(desired: Desired, hello: Hello, *, anchor: Anchor, now_s: int) -> tuple[Desired, HelloReply]:
    """The row after a hello, and what to do: nothing, send the newest command again, or issue and sign a new one."""
    desired = lapse(_hear(desired, hello.device, hello.applied, hello.pair, hello.clock_s), now_s=now_s)
    if anchor.retired:
        desired = _retired(desired)
    if desired.order is None and hello.applied is Applied.LOCKED:
        desired = wish(desired, Applied.UNLOCKED, order=FORGOTTEN_ORDER, authority=FORGOTTEN)
    return desired, _step(desired, hello, now_s)


def settle(desired: Desired, ack: Ack) -> Desired:
    """The row after an ack. Any order and any number of acks and hellos give the same row."""
    return _hear(desired, ack.device, ack.applied, ack.pair, ack.at_s)


def shown_state(desired: Desired) -> ShownState:
    """What may be shown: a state only when the device has shown it for the newest command of the present wish."""
    newest, seen = desired.issued, desired.seen
    if seen is not None and seen.applied is desired.state and _is_shown(desired, seen):
        return ShownState(str(seen.applied))
    if newest is not None and newest.version == desired.version:
        return ShownState.SENT
    return ShownState.IDLE if desired.order is None else ShownState.WAITING


def _is_shown(desired: Desired, seen: Seen) -> bool:
    newest = desired.issued
    if newest is None or seen.applied is Applied.RETIRED:
        return seen.applied is not Applied.LOCKED
    return newest.version == desired.version and seen.pair >= newest.pair


def _lock_life(desired: Desired, anchor: Anchor, now_s: int, life_s: int, nonce: bytes | None) -> int:
    if anchor.retired:
        raise Forbidden(
            "retired", f"{desired.device} is in the registry of retired devices", fix="Nobody may lock it again."
        )
    if desired.until_s is None or now_s >= desired.until_s:
        raise Conflict("lapsed", "the time for which the lock was allowed has passed", fix="Ask for a new lock order.")
    if nonce is None:
        raise Conflict("nonce", f"{desired.device} has never said hello", fix="Sign the lock when it does.")
    return min(now_s + min(life_s, LIFE_MAX_S), desired.until_s)


def _step(desired: Desired, hello: Hello, now_s: int) -> HelloReply:
    newest = desired.issued
    if desired.order is None or hello.applied is Applied.RETIRED:
        return HelloReply.NOTHING
    if newest is None:
        return HelloReply.NOTHING if hello.applied is desired.state is Applied.UNLOCKED else HelloReply.SIGN
    if newest.version != desired.version:
        return HelloReply.SIGN
    if hello.pair >= newest.pair:
        return HelloReply.NOTHING if hello.applied is desired.state else HelloReply.SIGN
    return HelloReply.RESEND if newest.op is not Op.LOCK or _is_bound_to(newest, hello, now_s) else HelloReply.SIGN


def _is_bound_to(newest: Issued, hello: Hello, now_s: int) -> bool:
    return newest.nonce == hello.nonce and newest.not_after_s is not None and now_s < newest.not_after_s


def _hear(desired: Desired, device: str, applied: Applied, pair: Pair, at_s: int) -> Desired:
    if device != desired.device:
        raise Rejected("device", f"{device} speaks on the row of {desired.device}", fix="Look up the speaker's row.")
    shown = Seen(applied=applied, pair=pair, at_s=at_s)
    best = max((seen for seen in (desired.seen, shown) if seen is not None), key=_rank)
    desired = replace(desired, seen=best, highest=max(desired.highest, pair))
    return _retired(desired) if applied is Applied.RETIRED else desired


def _retired(desired: Desired) -> Desired:
    if desired.state is Applied.RETIRED:
        return desired
    return wish(desired, Applied.RETIRED, order=desired.order or FORGOTTEN_ORDER, authority=RETIRED)


def _rank(seen: Seen) -> tuple[bool, Pair, int, int]:
    return (seen.applied is Applied.RETIRED, seen.pair, KINDNESS[seen.applied], seen.at_s)
