"""The device's side of the protocol, as one pure state machine. Handsets run it and the model check explores it.

`receive` decides in this order; the signature has been verified when a `Command` exists:

1. **Retired**: a retired device takes nothing but another RETIRE.
2. **Order**: (epoch, counter) must be greater than the stored pair. The very command applied last is answered again.
3. **Nonce**: a LOCK must carry the nonce of the present run. UNLOCK and RETIRE need none.
4. **Time**: a LOCK is not applied after its `not_after`. UNLOCK and RETIRE are never refused for their age.
5. **Apply**: new state, pair and nonce in one durable step, then enforce, then the signed ack, then the broker's ack.
   RETIRE destroys the lock key.

**Clocks.** `now_s` is the device's own: its wall clock at boot plus the elapsed-time clock since, so that within one
run nobody turns it. The signed time of issue is believed if it lies between the moment the nonce was drawn and now,
give or take `SKEW_S`. Otherwise the two clocks differ, and the command counts as issued when the nonce was drawn, which
is the earliest it can have been. Life and hold are spans from there. So a wrong clock neither keeps a fresh LOCK out
nor lets one hold longer than its signed span from its arrival. While locked, a clock found behind its own last reading
is in doubt, and doubt releases: earlier, never later. The next hello brings a lock that still stands back.

**Runs.** One begins at every boot and with every connection, before anything is taken that comes on it, and draws a
nonce: a LOCK that waited meanwhile is refused, and comes back signed anew after every check was made again.

A handset says hello on every connect, after every change, after a refused LOCK, when a command comes again that it has
left by itself since (a code, its hour, doubt about its clock), and when its last nonce is a day old. Each hello draws a
new nonce, except after a LOCK that was refused for its own: another one would make the LOCK late that answers the hello
of before, so that hello says the nonce of this run once more, for a minute.
"""

import hmac
from dataclasses import dataclass, replace

from custody.kernel.errors import Rejected
from devicelock.rules.ack import Ack, AckResult
from devicelock.rules.applied import NEVER, Applied, Pair
from devicelock.rules.command import Command, KeyRing, LockScreen, Op
from devicelock.rules.hello import Hello, SimClass, StateCause
from devicelock.rules.topic import read_device
from devicelock.rules.unlock_code import Question, after_wrong, ask, is_answer

SKEW_S = 300
HELLO_EVERY_S = 24 * 3600
REPEATED_S = 60

_STATE_OF = {Op.LOCK: Applied.LOCKED, Op.UNLOCK: Applied.UNLOCKED, Op.RETIRE: Applied.RETIRED}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceState:
    """Everything a device stores. `held_until_s` and `seen_s` are readings of its own clock, kept while locked."""

    device: str
    keys: KeyRing
    nonce: bytes
    nonce_at_s: int
    applied: Applied = Applied.UNLOCKED
    cause: StateCause = StateCause.NEW
    epoch: int = NEVER[0]
    counter: int = NEVER[1]
    command_id: str | None = None
    held_until_s: int | None = None
    seen_s: int | None = None
    screen: LockScreen | None = None
    question: Question | None = None

    @property
    def pair(self) -> Pair:
        """The highest pair applied."""
        return (self.epoch, self.counter)


def new_device(device: str, keys: KeyRing, *, nonce: bytes, now_s: int) -> DeviceState:
    """A device as it leaves enrolment: protected but inert."""
    return DeviceState(device=read_device(device), keys=keys, nonce=nonce, nonce_at_s=now_s)


def wake(state: DeviceState, *, now_s: int) -> DeviceState:
    """The state at this moment: at boot, on a timer and before everything else. It releases a lock that has run out."""
    if state.applied is not Applied.LOCKED or state.held_until_s is None or state.seen_s is None:
        return state
    if now_s >= state.held_until_s:
        return _released(state, StateCause.HELD_UNTIL)
    if now_s + SKEW_S < state.seen_s:
        return _released(state, StateCause.CLOCK_DOUBT)
    return replace(state, seen_s=max(state.seen_s, now_s))


def owes_hello(state: DeviceState, *, now_s: int) -> bool:
    """Whether the last nonce is a day old: a service that has forgotten what it wished of the device never asks."""
    return now_s - state.nonce_at_s >= HELLO_EVERY_S


def says_again(state: DeviceState, *, now_s: int) -> bool:
    """Whether the nonce is so young that a hello of the same run may say it once more."""
    return now_s - state.nonce_at_s < REPEATED_S


def begin_run(state: DeviceState, *, now_s: int, nonce: bytes) -> DeviceState:
    """The state in which a run begins, at boot or with a new connection: no LOCK for an earlier one is taken in it."""
    return replace(wake(state, now_s=now_s), nonce=nonce, nonce_at_s=now_s)


def greet(
    state: DeviceState,
    *,
    now_s: int,
    nonce: bytes,
    client: str,
    country: str | None,
    sim: SimClass,
    network: str | None = None,
) -> tuple[DeviceState, Hello]:
    """The hello to send, and the state to store before sending it."""
    state = begin_run(state, now_s=now_s, nonce=nonce)
    return state, tell(state, now_s=now_s, client=client, country=country, sim=sim, network=network)


def tell(
    state: DeviceState, *, now_s: int, client: str, country: str | None, sim: SimClass, network: str | None = None
) -> Hello:
    """The hello that says what is stored. Its nonce is of this run: from `greet`, a command, or the hello before."""
    return Hello(
        device=state.device,
        applied=state.applied,
        cause=state.cause,
        epoch=state.epoch,
        counter=state.counter,
        nonce=state.nonce,
        client=client,
        clock_s=now_s,
        country=country,
        sim=sim,
        network=network,
    )


def receive(
    state: DeviceState, command: Command, *, now_s: int, nonce: bytes, entropy: bytes
) -> tuple[DeviceState, Ack]:
    """The state to store and the ack to send. A refused or repeated command leaves the state as `wake` gives it.

    `nonce` and `entropy` (for the question on the lock screen) are fresh random bytes; they are used if it is applied.
    """
    if command.device != state.device:
        raise Rejected("device", f"a command for {command.device} reached {state.device}", fix="Send it to its device.")
    state = wake(state, now_s=now_s)
    if command.command_id == state.command_id and command.pair == state.pair:
        return state, _ack(state, command, AckResult.APPLIED, now_s)
    refusal = _refusal(state, command, now_s)
    if refusal is not None:
        return state, _ack(state, command, refusal, now_s)
    applied = _apply(state, command, now_s=now_s, nonce=nonce, entropy=entropy)
    return applied, _ack(applied, command, AckResult.APPLIED, now_s)


def unenforced(before: DeviceState, command: Command, *, now_s: int) -> Ack:
    """The ack when the platform could not enforce a command; the device stores `before` again and may retry."""
    failed = AckResult.LOCK_FAILED if command.op is Op.LOCK else AckResult.UNLOCK_FAILED
    return _ack(before, command, failed, now_s)


def enter_code(state: DeviceState, code: str, *, key: bytes, now_s: int, entropy: bytes) -> tuple[DeviceState, bool]:
    """What the holder's eight digits do: release, or count as wrong. True if the device is not locked afterwards."""
    state = wake(state, now_s=now_s)
    if state.applied is not Applied.LOCKED or state.question is None:
        return state, state.applied is not Applied.LOCKED
    if is_answer(state.question, code, key=key, pair=state.pair, now_s=now_s):
        return _released(state, StateCause.CODE), True
    return replace(state, question=after_wrong(state.question, now_s=now_s, entropy=entropy)), False


def _refusal(state: DeviceState, command: Command, now_s: int) -> AckResult | None:
    if state.applied is Applied.RETIRED and command.op is not Op.RETIRE:
        return AckResult.REFUSED_RETIRED
    if command.pair <= state.pair:
        return AckResult.REFUSED_STALE
    if command.op is not Op.LOCK:
        return None
    if command.nonce is None or not hmac.compare_digest(command.nonce, state.nonce):
        return AckResult.REFUSED_NONCE
    if now_s > _on_our_clock(state, command, command.not_after_s, now_s):
        return AckResult.REFUSED_EXPIRED
    return None


def _apply(state: DeviceState, command: Command, *, now_s: int, nonce: bytes, entropy: bytes) -> DeviceState:
    locks, retires = command.op is Op.LOCK, command.op is Op.RETIRE
    held = command.held_until_s
    return replace(
        state,
        applied=_STATE_OF[command.op],
        cause=StateCause.COMMAND,
        epoch=command.epoch,
        counter=command.counter,
        command_id=command.command_id,
        nonce=nonce,
        nonce_at_s=now_s,
        held_until_s=_on_our_clock(state, command, held, now_s) if locks and held is not None else None,
        seen_s=now_s if locks else None,
        screen=command.screen,
        question=ask(entropy) if locks else None,
        keys=KeyRing(lock=None, unlock=state.keys.unlock) if retires else state.keys,
    )


def _on_our_clock(state: DeviceState, command: Command, signed_s: int, now_s: int) -> int:
    clocks_agree = state.nonce_at_s - SKEW_S <= command.issued_s <= now_s + SKEW_S
    issued_s = min(command.issued_s, now_s) if clocks_agree else state.nonce_at_s
    return issued_s + (signed_s - command.issued_s)


def _released(state: DeviceState, cause: StateCause) -> DeviceState:
    return replace(
        state, applied=Applied.UNLOCKED, cause=cause, held_until_s=None, seen_s=None, screen=None, question=None
    )


def _ack(state: DeviceState, command: Command, result: AckResult, now_s: int) -> Ack:
    return Ack(
        command_id=command.command_id,
        device=state.device,
        applied=state.applied,
        epoch=state.epoch,
        counter=state.counter,
        result=result,
        at_s=now_s,
    )
