"""A faithful handset: it stores before it acts, acts before it answers, and never unlocks itself.

- **Key.** The device key is made in the handset and never leaves it; the service gets the public half.
- **Store.** Everything it must remember is one small file, replaced in one step (`durable_file.py`): applied state,
  epoch and counter, nonce, the operator's keys, screen, question, held-until.
- **After RETIRE** the lock key is gone from the store and from what the handset was enrolled with: before the answer a
  fuse is blown (a second file, beside the store), and with it no damage, loss or older copy of the store brings the key
  back. A store that knows nothing of the RETIRE is then as one that is damaged.
- **Order of work** for a command: verify, store, enforce, answer. A power cut anywhere repeats; it never skips.
- **One run, one reading.** The store is read at boot; from then on the state is in memory, and each change of it goes
  to the store. So what happens to the file meanwhile holds nobody, and is mended by the next change.
- **A full disk keeps nobody locked.** What cannot be stored is not answered, and no lock begins, but its hour, doubt
  about its clock and an UNLOCK set it free all the same, for this run; the timer stores it once there is room. A code
  does not: a try that is not counted could be repeated.
- **A damaged store**, or none, is doubt, and doubt frees: at boot the handset begins as new, and its hello brings back
  a lock that still stands, or the RETIRE.
- **Locked** means: the screen shows who, why, a reference, a phone number and a question for the offline code, and only
  what is on the short list (`holder.py`) works. What the holder tries beyond that is refused.
- A factory reset, another SIM, a clock turned back, and a store put back to an older copy are things that happen to
  handsets; each is a method here. Within one run nobody turns the clock: it is read at boot and then counts on.
"""

import random
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TypedDict

from custody.kernel import cbor
from custody.kernel.base64url import b64, unb64
from custody.kernel.clock import SECOND_MS, Clock
from custody.kernel.errors import Forbidden, Rejected
from custody.kernel.keys import PublicKey, SoftwareSigner, new_signer, read_cose_key
from custody.store.durable_file import replace_file
from devicelock.rules.ack import Ack, AckResult, make_ack
from devicelock.rules.applied import Applied
from devicelock.rules.command import NONCE_BYTES, Command, KeyRing, LockScreen, open_command
from devicelock.rules.device import (
    DeviceState,
    begin_run,
    enter_code,
    greet,
    new_device,
    owes_hello,
    receive,
    says_again,
    tell,
    wake,
)
from devicelock.rules.hello import SimClass, StateCause, make_hello
from devicelock.rules.unlock_code import ENTROPY_BYTES, lock_number
from simulators.client import ServiceClient
from simulators.goods import BoxLabel
from simulators.handset_store import read_state, write_state
from simulators.holder import ALLOWED_WHILE_LOCKED, Function

CLIENT_VERSION = "simulated 1.0"


class Cut(StrEnum):
    """Where the power fails while a command is handled: before it was stored, after it, after it was enforced."""

    BEFORE_STORE = "before_store"
    AFTER_STORE = "after_store"
    BEFORE_ANSWER = "before_answer"


class PowerCut(Exception):
    """The battery came out; the handset is off and only its store is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """What a handset is given in the factory or the shop: its numbers, its key, the operator's keys, the broker."""

    unit: BoxLabel
    device: str
    signer: SoftwareSigner
    keys: KeyRing
    code_key: bytes
    mqtt_host: str
    mqtt_port: int


class Where(TypedDict):
    """On what network a handset is, and with whose SIM."""

    country: str | None
    sim: SimClass
    network: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A command that was handled: the answer to it, and what was stored before and is stored now."""

    ack: Ack
    before: DeviceState
    after: DeviceState

    @property
    def is_news(self) -> bool:
        """Whether the handset is not as it was, or has left by itself what the command asks for: a hello is due."""
        left = self.ack.result is AckResult.APPLIED and self.after.cause is not StateCause.COMMAND
        return left or self.after.applied is not self.before.applied


class Handset:
    """One handset. `clock` is the true time; the handset's own may be off by `clock_offset_s`, set while it is off."""

    def __init__(
        self,
        enrolment: Enrolment,
        store: Path,
        *,
        clock: Clock,
        rng: random.Random,
        country: str | None = "GB",
        network: str | None = None,
        sim: SimClass = SimClass.NEVER,
    ) -> None:
        self.enrolment = enrolment
        self.store = store
        self.country = country
        self.network = network
        self.sim = sim
        self.clock_offset_s = 0
        self.screen_locked = False
        self.user_data = ""
        self._fuse = store.with_suffix(".fuse")
        self._clock = clock
        self._rng = rng
        self._offset_at_boot_s = 0
        self._owes_nonce = True
        self._run: DeviceState | None = None
        self._is_stored = True
        if self._fuse.exists():
            self._forget_lock_key()
        if not store.exists():
            self._keep(self._new())

    @property
    def device(self) -> str:
        """Its pseudonym on the wire."""
        return self.enrolment.device

    @property
    def on(self) -> bool:
        """Whether it is switched on; while it is off, whatever is asked of it raises `Forbidden("off")`."""
        return self._run is not None

    @property
    def state(self) -> DeviceState:
        """That of this run while it is on; what is stored while it is off."""
        return read_state(self.store.read_bytes()) if self._run is None else self._run

    @property
    def screen(self) -> LockScreen | None:
        """What the lock screen says; None when it is not locked."""
        return self.state.screen if self.screen_locked else None

    @property
    def question(self) -> str | None:
        """The eight digits on the lock screen."""
        question = self.state.question
        return question.digits if self.screen_locked and question is not None else None

    @property
    def challenge(self) -> str | None:
        """All that the holder reads out: the eight digits and the number of the lock."""
        return None if self.question is None else f"{self.question} {lock_number(self.state.pair)}"

    def now_s(self) -> int:
        """Its own clock."""
        return self._clock.now_ms() // SECOND_MS + self._offset_at_boot_s

    def power_on(self) -> None:
        """Boot: read the clock, read the store, enforce what it says."""
        self._offset_at_boot_s = self.clock_offset_s
        self.begin_run()
        self._run = None
        self._go_on(wake(self._stored(), now_s=self.now_s()))

    def power_off(self) -> None:
        """Only the store is left."""
        self._run = None

    def begin_run(self) -> None:
        """As at every boot: the nonce of the run is drawn before anything is taken, and stored with what comes."""
        self._owes_nonce = True

    def tick(self) -> bool:
        """The timer: True if a lock that had run out was released, so that a hello is due."""
        before = self._running()
        state = wake(before, now_s=self.now_s())
        self._go_on(state)
        return state.applied is not before.applied

    @property
    def owes_hello(self) -> bool:
        """Whether its last hello is a day old, by its own clock."""
        return owes_hello(self._running(), now_s=self.now_s())

    def hello(self) -> bytes:
        """A signed hello with a fresh nonce; the nonce is stored before it is said."""
        where = self._where()
        state, hello = greet(self._running(), now_s=self.now_s(), nonce=self._nonce(), client=CLIENT_VERSION, **where)
        self._enforce(self._keep(state))
        self._owes_nonce = False
        return make_hello(hello, self.enrolment.signer)

    def hello_again(self) -> bytes:
        """A hello with the nonce of this run, so that no LOCK is late that was signed for it; fresh if that is old."""
        state = self._running()
        if self._owes_nonce or not says_again(state, now_s=self.now_s()):
            return self.hello()
        if not self._is_stored:
            self._keep(state)
        return self._hello_of(state)

    def hello_after(self, taken: Taken) -> bytes:
        """The hello that follows a command; a nonce that was stored with it is said now, and nothing stored again.

        Where the command left no new nonce, or the handset has changed since, there is a hello like any other.
        """
        if taken.after.nonce == taken.before.nonce or self._running() != taken.after:
            return self.hello()
        return self._hello_of(taken.after)

    def take(self, raw: bytes, *, cut: Cut | None = None) -> Taken:
        """Handle one command.

        Raises `Rejected` for what is not a command for this device, `OSError` for what cannot be stored now.
        """
        state = self._running()
        command = open_command(raw, state.keys)
        after, ack = self._decide(self._in_this_run(state), command)
        self._fail(cut, Cut.BEFORE_STORE)
        try:
            self._keep(after)
            self._owes_nonce = False
        except OSError:
            if after.applied is not Applied.LOCKED:
                self._enforce(after)
            raise
        self._fail(cut, Cut.AFTER_STORE)
        self._enforce(after)
        self._fail(cut, Cut.BEFORE_ANSWER)
        return Taken(ack=ack, before=state, after=after)

    def answer(self, ack: Ack) -> bytes:
        """The signed ack."""
        return make_ack(ack, self.enrolment.signer)

    def use(self, function: Function) -> str:
        """Do something as the holder; raises `Forbidden("locked")` for what does not work now."""
        self._running()
        if function is Function.UNLOCK and self.screen_locked:
            raise Forbidden("locked", "the handset does not unlock itself", fix="Call the number on the screen.")
        if self.screen_locked and function not in ALLOWED_WHILE_LOCKED:
            raise Forbidden("locked", f"{function} does not work while locked", fix="Call the number on the screen.")
        return "done"

    def type_code(self, code: str) -> bool:
        """Type the eight digits that support read out; True if the handset is not locked afterwards."""
        state, free = enter_code(
            self._running(),
            code,
            key=self.enrolment.code_key,
            now_s=self.now_s(),
            entropy=self._rng.randbytes(ENTROPY_BYTES),
        )
        self._enforce(self._keep(state))
        return free

    def factory_reset(self) -> None:
        """Everything of the user's is gone; the lock's store is on a partition that a reset does not touch.

        It ends this run; the boot that follows is `power_on`, or that of the radio (`Radio.factory_reset`).
        """
        self.user_data = ""
        self.power_off()

    def swap_sim(self, sim: SimClass, *, country: str | None) -> None:
        """Another SIM, perhaps another country's network; a hello is due."""
        self.sim, self.country = sim, country

    def turn_clock(self, seconds: int) -> None:
        """Set the clock forward or back; it counts from the next boot on."""
        self.clock_offset_s += seconds

    def copy_store(self) -> bytes:
        """A copy of the store as it is now, such as a thief with a soldering iron makes."""
        return self.store.read_bytes()

    def roll_back(self, copy: bytes) -> None:
        """Put an older copy of the store back, for which the handset is taken apart; it is off afterwards."""
        self.power_off()
        replace_file(self.store, copy)

    def _running(self) -> DeviceState:
        if self._run is None:
            raise Forbidden("off", "the handset is off", fix="Switch it on.")
        return self._run

    def _in_this_run(self, state: DeviceState) -> DeviceState:
        """What was stored, with the nonce of this run; that is yet to be stored, if it is owed."""
        return begin_run(state, now_s=self.now_s(), nonce=self._nonce()) if self._owes_nonce else state

    def _hello_of(self, state: DeviceState) -> bytes:
        hello = tell(state, now_s=self.now_s(), client=CLIENT_VERSION, **self._where())
        return make_hello(hello, self.enrolment.signer)

    def _where(self) -> Where:
        return {"country": self.country, "sim": self.sim, "network": self.network}

    def _decide(self, state: DeviceState, command: Command) -> tuple[DeviceState, Ack]:
        return receive(
            state,
            command,
            now_s=self.now_s(),
            nonce=self._nonce(),
            entropy=self._rng.randbytes(ENTROPY_BYTES),
        )

    def _keep(self, state: DeviceState) -> DeviceState:
        self._is_stored = False
        if state.applied is Applied.RETIRED and self.enrolment.keys.lock is not None:
            replace_file(self._fuse, b"")
            self._forget_lock_key()
        replace_file(self.store, write_state(state))
        self._is_stored = True
        return state

    def _forget_lock_key(self) -> None:
        self.enrolment = replace(self.enrolment, keys=replace(self.enrolment.keys, lock=None))

    def _new(self) -> DeviceState:
        return new_device(self.device, self.enrolment.keys, nonce=self._nonce(), now_s=self.now_s())

    def _stored(self) -> DeviceState:
        try:
            state = self.state
        except (Rejected, OSError):
            return self._new()
        is_older = self.enrolment.keys.lock is None and state.applied is not Applied.RETIRED
        return self._new() if is_older else state

    def _go_on(self, state: DeviceState) -> None:
        """Go on with what was and the time; no lock begins by it, so that it need not be stored."""
        self._enforce(state)
        with suppress(OSError):
            self._keep(state)

    def _enforce(self, state: DeviceState) -> None:
        self._run = state
        self.screen_locked = state.applied is Applied.LOCKED

    def _nonce(self) -> bytes:
        return self._rng.randbytes(NONCE_BYTES)

    def _fail(self, cut: Cut | None, here: Cut) -> None:
        if cut is here:
            self.power_off()
            raise PowerCut(here)


def enrol_handset(supervisor: ServiceClient, unit: BoxLabel, *, seed: str) -> Enrolment:
    """Make a device key and register it; the service answers with the operator's keys and the broker's address."""
    signer = new_signer(seed=random.Random(f"{seed}/handset/{unit.imei}").randbytes(32))
    body = {"imei": unit.imei, "model": unit.model.name, "cose_key": b64(cbor.encode(signer.public.cose_key()))}
    given = supervisor.post("/v1/devices", body)
    return Enrolment(
        unit=unit,
        device=str(given["device"]),
        signer=signer,
        keys=KeyRing(lock=_key(given["lock_key"]), unlock=_key(given["unlock_key"])),
        code_key=unb64(given["code_key"], where="an answer"),
        mqtt_host=str(given["mqtt"]["host"]),
        mqtt_port=int(given["mqtt"]["port"]),
    )


def _key(text: str) -> PublicKey:
    return read_cose_key(cbor.decode(unb64(text, where="an answer")))
