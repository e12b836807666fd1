"""An ack: the device's signed answer to one command.

A signed map (see `signed`) of content type `application/vnd.weaklink.lock-ack+cbor`, signed by the device key.
Issuer: `urn:weaklink:device:<device>`. Subject: `urn:weaklink:command:<command id>`. Issued at: the device's clock.

| field | type | rule |
|---|---|---|
| state | text | locked, unlocked, retired: what the device has applied now |
| epoch, counter | int | the highest pair the device has applied; 0, 0 if none |
| result | text | closed list: what became of this command |

Only an ack that verifies moves anything: a published command is not a delivered one. `applied` also answers a command
that had been applied before, so a lost ack is made good by the next delivery.
"""

from dataclasses import dataclass
from enum import StrEnum

from custody.kernel.errors import Rejected
from custody.kernel.keys import PublicKey, Signer
from devicelock.rules.applied import Applied, Pair
from devicelock.rules.signed import DEVICE_URN, MAX_COUNT, Signed, name_of, open_signed, seal
from devicelock.rules.topic import read_device, read_name

CONTENT_TYPE = "application/vnd.weaklink.lock-ack+cbor"
COMMAND_URN = "urn:weaklink:command:"
MAX_BYTES = 1024


class AckResult(StrEnum):
    """What became of a command."""

    APPLIED = "applied"
    REFUSED_STALE = "refused_stale"
    REFUSED_NONCE = "refused_nonce"
    REFUSED_EXPIRED = "refused_expired"
    REFUSED_RETIRED = "refused_retired"
    LOCK_FAILED = "lock_failed"
    UNLOCK_FAILED = "unlock_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """An answer; from `open_ack` it has also been verified."""

    command_id: str
    device: str
    applied: Applied
    epoch: int
    counter: int
    result: AckResult
    at_s: int

    @property
    def pair(self) -> Pair:
        """The device's high-water mark."""
        return (self.epoch, self.counter)


def make_ack(ack: Ack, signer: Signer) -> bytes:
    """The signed bytes."""
    return seal(
        {"state": str(ack.applied), "epoch": ack.epoch, "counter": ack.counter, "result": str(ack.result)},
        content_type=CONTENT_TYPE,
        issuer=DEVICE_URN + read_device(ack.device),
        subject=COMMAND_URN + read_name("command id", ack.command_id),
        issued_s=ack.at_s,
        limit=MAX_BYTES,
        signer=signer,
    )


def open_ack(raw: bytes, *, device: str, key: PublicKey) -> Ack:
    """The verified ack of the device that owns the topic; raises `Rejected` and nothing else."""
    signed = open_signed(raw, content_type=CONTENT_TYPE, limit=MAX_BYTES)
    body = signed.body
    ack = Ack(
        command_id=read_name("command id", name_of(signed.subject, COMMAND_URN)),
        device=read_device(name_of(signed.issuer, DEVICE_URN)),
        applied=body.word("state", Applied),
        epoch=body.integer("epoch", least=0, most=MAX_COUNT),
        counter=body.integer("counter", least=0, most=MAX_COUNT),
        result=body.word("result", AckResult),
        at_s=signed.issued_s,
    )
    body.done()
    verify_device(signed, ack.device, device=device, key=key)
    return ack


def verify_device(signed: Signed, claimed: str, *, device: str, key: PublicKey) -> None:
    """Raise unless topic owner, issuer and key are one device."""
    if claimed != device:
        raise Rejected(
            "device", f"it claims to be {claimed} on the topic of {device}", fix="Use the device's own topic."
        )
    if signed.message.kid != key.kid:
        raise Rejected(
            "key", "the header names a key that is not the device's", fix="Sign with the enrolled device key."
        )
    signed.message.verify(key)
