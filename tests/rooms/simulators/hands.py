"""Handsets and commands for the tests of this room: an operator with two keys, a clock that stands where it is put."""

import random
from dataclasses import dataclass, field
from pathlib import Path

from custody.kernel.keys import SoftwareSigner, new_signer
from devicelock.rules.command import (
    Authority,
    Basis,
    Command,
    CommandSigners,
    KeyRing,
    LockScreen,
    Op,
    Reason,
    make_command,
)
from simulators.goods import SMARTPHONES, make_unit
from simulators.handset import Enrolment, Handset

START_S = 1_790_000_000
SCREEN = LockScreen(
    who="the shop it was bought from",
    why="This phone was reported missing on its way to a customer.",
    reference="ORD-1",
    phone="0800 000 000",
    recourse="the ombudsman",
    bought="Did you buy it? Tell us.",
    deadline_s=START_S + 72 * 3600,
)


@dataclass(slots=True)
class PutClock:
    """A clock that is put."""

    at_s: int = START_S

    def now_ms(self) -> int:
        return self.at_s * 1000


def _key(name: str) -> SoftwareSigner:
    return new_signer(seed=name.encode().ljust(32, b"."))


@dataclass(slots=True)
class Operator:
    """Signs commands; each gets the next counter."""

    lock: SoftwareSigner = field(default_factory=lambda: _key("lock"))
    unlock: SoftwareSigner = field(default_factory=lambda: _key("unlock"))
    counter: int = 0
    clock: PutClock = field(default_factory=PutClock)

    def command(self, handset: Handset, op: Op, *, nonce: bytes | None = None, hold_s: int = 72 * 3600) -> bytes:
        """A command for the handset's present run."""
        self.counter += 1
        locks = op is Op.LOCK
        command = Command(
            op=op,
            command_id=f"cmd-{self.counter}",
            device=handset.device,
            order="ord-1",
            epoch=1,
            counter=self.counter,
            issuer="urn:weaklink:operator:test.example/log",
            issued_s=self.clock.at_s,
            not_after_s=self.clock.at_s + 3600,
            reason=_REASONS[op],
            authority=Authority(basis=Basis.STANDING_POLICY if locks else Basis.ONE_PERSON, text="for the test"),
            nonce=(nonce or handset.state.nonce) if locks else None,
            held_until_s=self.clock.at_s + hold_s if locks else None,
            screen=SCREEN if locks else None,
        )
        return make_command(command, CommandSigners(lock=self.lock, unlock=self.unlock))


_REASONS = {
    Op.LOCK: Reason.SUBSTITUTED,
    Op.UNLOCK: Reason.FOUND_BY_CUSTOMER,
    Op.RETIRE: Reason.RECEIPT_CONFIRMED,
}


def make_handset(folder: Path, operator: Operator, *, device: str = "dev-1", seed: int = 1) -> Handset:
    """A handset that is switched on and has said hello."""
    enrolment = Enrolment(
        unit=make_unit(SMARTPHONES[0], 100_001),
        device=device,
        signer=_key(device),
        keys=KeyRing(lock=operator.lock.public, unlock=operator.unlock.public),
        code_key=bytes(range(32)),
        mqtt_host="127.0.0.1",
        mqtt_port=1883,
    )
    rng = random.Random(f"{seed}/{device}")  # noqa: S311 - the same test, the same nonces
    handset = Handset(enrolment, folder / f"{device}.store", clock=operator.clock, rng=rng)
    handset.power_on()
    handset.hello()
    return handset
