"""Values that the tests of the device lock start from."""

from dataclasses import replace
from typing import Any

from custody.kernel.keys import new_signer
from devicelock.rules.applied import Applied
from devicelock.rules.command import (
    Authority,
    Basis,
    Command,
    CommandSigners,
    KeyRing,
    LockScreen,
    Op,
    Reason,
)
from devicelock.rules.device import DeviceState, new_device
from devicelock.rules.hello import Hello, SimClass, StateCause

NOW_S = 1_800_000_000
HOUR_S = 3600
DEVICE = "dev-1"
OPERATOR = "urn:weaklink:operator:example.test"

LOCK_SIGNER = new_signer(seed=b"L" * 32)
UNLOCK_SIGNER = new_signer(seed=b"U" * 32)
DEVICE_SIGNER = new_signer(seed=b"D" * 32)
OTHER_SIGNER = new_signer(seed=b"O" * 32)
SIGNERS = CommandSigners(lock=LOCK_SIGNER, unlock=UNLOCK_SIGNER)
KEYS = KeyRing(lock=LOCK_SIGNER.public, unlock=UNLOCK_SIGNER.public)

NONCE = b"n" * 16
FRESH = b"f" * 16
ENTROPY = bytes(range(16))

AUTHORITY = Authority(
    basis=Basis.STANDING_POLICY,
    text="Policy 7 allows a provisional lock for the claim substituted.",
    references=("policy:7", "entry:00ff"),
)
RELEASE = Authority(basis=Basis.CUSTOMER, text="The customer released it.")
SCREEN = LockScreen(
    who="Example Telecom",
    why="This phone was lost on its way to a customer.",
    reference="R-1234",
    phone="0800 111 222",
    recourse="If we cannot agree: Example Ombudsman, 0800 333 444",
    bought="Did you buy it? You did nothing wrong. Tell us: 0800 000 000",
    deadline_s=NOW_S + 72 * HOUR_S,
)

REASONS = {Op.LOCK: Reason.SUBSTITUTED, Op.UNLOCK: Reason.FOUND_BY_CUSTOMER, Op.RETIRE: Reason.RECEIPT_CONFIRMED}


def command(op: Op, counter: int = 1, **changes: Any) -> Command:
    """A good command, with changes."""
    good = Command(
        op=op,
        command_id=f"cmd-{counter}",
        device=DEVICE,
        order="lock-1",
        epoch=1,
        counter=counter,
        issuer=OPERATOR,
        issued_s=NOW_S,
        not_after_s=NOW_S + HOUR_S,
        reason=REASONS[op],
        authority=AUTHORITY if op is Op.LOCK else RELEASE,
        nonce=NONCE if op is Op.LOCK else None,
        held_until_s=NOW_S + 72 * HOUR_S if op is Op.LOCK else None,
        screen=SCREEN if op is Op.LOCK else None,
    )
    return replace(good, **changes)


def device(**changes: Any) -> DeviceState:
    """A device as enrolled, with changes."""
    return replace(new_device(DEVICE, KEYS, nonce=NONCE, now_s=NOW_S - 10), **changes)


def hello(**changes: Any) -> Hello:
    """A good hello, with changes."""
    good = Hello(
        device=DEVICE,
        applied=Applied.UNLOCKED,
        cause=StateCause.NEW,
        epoch=0,
        counter=0,
        nonce=NONCE,
        client="agent 1.0",
        clock_s=NOW_S,
        country="GB",
        sim=SimClass.OTHER,
    )
    return replace(good, **changes)
