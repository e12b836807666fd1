"""A hello: what a device says of itself on every connect and after every change.

A signed map (see `signed`) of content type `application/vnd.weaklink.lock-hello+cbor`, signed by the device key.
Issuer and subject: `urn:weaklink:device:<device>`. Issued at: the device's clock reading.

| field | type | rule |
|---|---|---|
| state | text | locked, unlocked, retired: what the device has applied |
| cause | text | closed list: why it is in that state |
| epoch, counter | int | the highest pair the device has applied; 0, 0 if none. From 2^52 on it is not heard |
| nonce | 16 bytes | fresh in every hello; a LOCK must carry the newest one |
| client | text | version of the client on the device; 1 to 40 |
| country | text | serving country, ISO 3166-1 alpha-2; left out when no network serves the device |
| network | text | serving network: country and network code, 5 or 6 digits; left out when no network serves it |
| sim | text | own (the customer's), other, never (no SIM was ever in it), unknown |

The nonce binds a LOCK to the device's present run: one that waited in a broker from before the connect is refused.
Country and network (ITU-T E.212) are all that is said about where the device is; no number, cell or position leaves it.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from custody.kernel.errors import Rejected
from custody.kernel.keys import PublicKey, Signer
from devicelock.rules.ack import verify_device
from devicelock.rules.applied import Applied, Pair
from devicelock.rules.command import NONCE_BYTES
from devicelock.rules.signed import DEVICE_URN, MAX_COUNT, name_of, open_signed, seal
from devicelock.rules.topic import read_device

CONTENT_TYPE = "application/vnd.weaklink.lock-hello+cbor"
MAX_BYTES = 1024

_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
_NETWORK = re.compile(r"[0-9]{5,6}", re.ASCII)


class SimClass(StrEnum):
    """Whose SIM is in the device. Never and unknown are two values: unknown is not absent."""

    OWN = "own"
    OTHER = "other"
    NEVER = "never"
    UNKNOWN = "unknown"


class StateCause(StrEnum):
    """Why the device is in its state."""

    NEW = "new"
    COMMAND = "command"
    HELD_UNTIL = "held_until"
    CLOCK_DOUBT = "clock_doubt"
    CODE = "code"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """A hello; from `open_hello` it has also been verified."""

    device: str
    applied: Applied
    cause: StateCause
    epoch: int
    counter: int
    nonce: bytes
    client: str
    clock_s: int
    country: str | None
    sim: SimClass
    network: str | None = None

    @property
    def pair(self) -> Pair:
        """The device's high-water mark."""
        return (self.epoch, self.counter)


def make_hello(hello: Hello, signer: Signer) -> bytes:
    """The signed bytes."""
    body: dict[str, Any] = {
        "state": str(hello.applied),
        "cause": str(hello.cause),
        "epoch": hello.epoch,
        "counter": hello.counter,
        "nonce": hello.nonce,
        "client": hello.client,
        "sim": str(hello.sim),
    }
    if hello.country is not None:
        body["country"] = hello.country
    if hello.network is not None:
        body["network"] = hello.network
    return seal(
        body,
        content_type=CONTENT_TYPE,
        issuer=DEVICE_URN + read_device(hello.device),
        subject=DEVICE_URN + hello.device,
        issued_s=hello.clock_s,
        limit=MAX_BYTES,
        signer=signer,
    )


def open_hello(raw: bytes, *, device: str, key: PublicKey) -> Hello:
    """The verified hello of the device that owns the topic; raises `Rejected` and nothing else."""
    signed = open_signed(raw, content_type=CONTENT_TYPE, limit=MAX_BYTES)
    body = signed.body
    hello = Hello(
        device=read_device(name_of(signed.issuer, DEVICE_URN)),
        applied=body.word("state", Applied),
        cause=body.word("cause", StateCause),
        epoch=body.integer("epoch", least=0, most=MAX_COUNT),
        counter=body.integer("counter", least=0, most=MAX_COUNT),
        nonce=body.octets("nonce", size=NONCE_BYTES),
        client=body.text("client", most=40),
        clock_s=signed.issued_s,
        country=_read_country(body.text("country", most=2)) if body.has("country") else None,
        sim=body.word("sim", SimClass),
        network=_read_network(body.text("network", most=6)) if body.has("network") else None,
    )
    body.done()
    if signed.subject != signed.issuer:
        raise Rejected("claim", "issuer and subject are not one device", fix="A hello speaks of its own device.")
    verify_device(signed, hello.device, device=device, key=key)
    return hello


def _read_country(text: str) -> str:
    if not _COUNTRY.fullmatch(text):
        raise Rejected("field", f"country {text!r} is not two capital letters", fix="Use ISO 3166-1 alpha-2.")
    return text


def _read_network(text: str) -> str:
    if not _NETWORK.fullmatch(text):
        raise Rejected("field", f"network {text!r} is not 5 or 6 digits", fix="Use the codes of ITU-T E.212.")
    return text
