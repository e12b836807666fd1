"""A command to a handset: LOCK, UNLOCK or RETIRE, and no fourth. There is no wipe.

A command is a signed map (see `signed`) of content type `application/vnd.weaklink.lock-command+cbor`.
Issuer: `urn:weaklink:operator:<origin>`. Subject: `urn:weaklink:device:<device>`. Issued at: when it was signed.

| field | type | rule |
|---|---|---|
| op | text | lock, unlock, retire |
| id | text | names the command; 1 to 64 of `A-Z a-z 0-9 . _ -` |
| order | text | names the lock order; same letters |
| epoch, counter | int | the pair that orders all commands for the device; both at least 1 |
| not_after | int | seconds; a LOCK is not applied after it. UNLOCK and RETIRE are never refused for their age |
| reason | text | closed list, by op |
| authority | map | basis (closed list), text (1 to 300), refs (at most 8 of 1 to 120: policy version, people by key) |
| nonce | 16 bytes | LOCK only: the nonce of the device's present run, from its last hello |
| held_until | int | LOCK only: seconds; then the device releases itself |
| screen | map | LOCK only, for whoever holds it: who, why, reference, phone, recourse, bought, deadline (seconds) |

A lock that an older version signed has a screen without `bought`; it is read, and none is signed any more.

Two keys. A LOCK verifies only under the lock key; an UNLOCK or a RETIRE verifies under the unlock key or the lock
key. So a thief of the unlock key can set devices free and lock none, and after RETIRE the device has no key left to
be locked with.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from custody.kernel.errors import Forbidden, Rejected
from custody.kernel.keys import PublicKey, Signer
from devicelock.rules.applied import Pair
from devicelock.rules.signed import (
    DEVICE_URN,
    MAX_COUNT,
    MAX_SECONDS,
    OPERATOR_URN,
    Body,
    check_text,
    name_of,
    open_signed,
    seal,
)
from devicelock.rules.topic import read_device, read_name

CONTENT_TYPE = "application/vnd.weaklink.lock-command+cbor"
MAX_BYTES = 4096
NONCE_BYTES = 16

LIFE_MAX_S = 72 * 3600
"""A LOCK may wait this long for its device, at most."""

HOLD_MAX_S = 100 * 86_400
"""A LOCK may hold this long before it must be signed again, at most: a review falls due every 90 days."""


class Op(StrEnum):
    """What is asked of the handset."""

    LOCK = "lock"
    UNLOCK = "unlock"
    RETIRE = "retire"


class Reason(StrEnum):
    """Why, in one closed word."""

    NEVER_RECEIVED = "never_received"
    SUBSTITUTED = "substituted"
    MISDELIVERED = "misdelivered"
    MISSING_FROM_CUSTODY = "missing_from_custody"
    LOST_ON_RETURN = "lost_on_return"
    FOUND_BY_CUSTOMER = "found_by_customer"
    RELEASED_BY_STAFF = "released_by_staff"
    WRONG_DEVICE = "wrong_device"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    LEAVING = "leaving"
    CANCELLED = "cancelled"
    RECEIPT_CONFIRMED = "receipt_confirmed"
    REMEDY_SETTLED = "remedy_settled"


_RELEASE = frozenset(
    {
        Reason.FOUND_BY_CUSTOMER,
        Reason.RELEASED_BY_STAFF,
        Reason.WRONG_DEVICE,
        Reason.WITHDRAWN,
        Reason.LAPSED,
        Reason.LEAVING,
        Reason.CANCELLED,
        Reason.RECEIPT_CONFIRMED,
        Reason.REMEDY_SETTLED,
    }
)
REASONS = {
    Op.LOCK: frozenset(set(Reason) - _RELEASE),
    Op.UNLOCK: _RELEASE,
    Op.RETIRE: frozenset({Reason.RECEIPT_CONFIRMED, Reason.LEAVING, Reason.REMEDY_SETTLED, Reason.WRONG_DEVICE}),
}


class Basis(StrEnum):
    """On what a command rests."""

    STANDING_POLICY = "standing_policy"
    TWO_PEOPLE = "two_people"
    ONE_PERSON = "one_person"
    CUSTOMER = "customer"
    LAPSE = "lapse"


LOCK_BASES = frozenset({Basis.STANDING_POLICY, Basis.TWO_PEOPLE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """Whose decision it is, in words and references."""

    basis: Basis
    text: str
    references: tuple[str, ...] = ()


SCREEN_MOST: Mapping[str, int] = MappingProxyType(
    {"who": 60, "why": 350, "reference": 40, "phone": 20, "recourse": 200, "bought": 200}
)
"""How many characters each text of a lock screen has at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockScreen:
    """What the lock screen says to whoever holds the device: no accusation, nobody's personal data.

    `bought` says what somebody does who bought the device in good faith; None in a lock from before that was said.
    """

    who: str
    why: str
    reference: str
    phone: str
    recourse: str
    bought: str | None = None
    deadline_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command that keeps the rules above; from `open_command` it has also been verified."""

    op: Op
    command_id: str
    device: str
    order: str
    epoch: int
    counter: int
    issuer: str
    issued_s: int
    not_after_s: int
    reason: Reason
    authority: Authority
    nonce: bytes | None = None
    held_until_s: int | None = None
    screen: LockScreen | None = None

    @property
    def pair(self) -> Pair:
        """(epoch, counter)."""
        return (self.epoch, self.counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRing:
    """The operator's public keys as a device pins them; `lock` is None once the device is retired."""

    lock: PublicKey | None
    unlock: PublicKey

    def __post_init__(self) -> None:
        if self.lock == self.unlock:
            raise Rejected("keys", "one key for lock and unlock", fix="Make two key pairs and keep them apart.")


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSigners:
    """The operator's private keys; a process that only releases holds no lock key."""

    lock: Signer | None
    unlock: Signer


def make_command(command: Command, signers: CommandSigners) -> bytes:
    """The signed bytes. Raises `Rejected` for what no device would take, `Forbidden("lock_key")` without that key."""
    check_command(command)
    if command.screen is not None and command.screen.bought is None:
        raise _bad("the screen does not say what somebody does who bought the device")
    signer = signers.lock if command.op is Op.LOCK else signers.unlock
    if signer is None:
        raise Forbidden("lock_key", "this process holds no lock key", fix="Have the lock signer sign it.")
    return seal(
        _body(command),
        content_type=CONTENT_TYPE,
        issuer=command.issuer,
        subject=DEVICE_URN + command.device,
        issued_s=command.issued_s,
        limit=MAX_BYTES,
        signer=signer,
    )


def open_command(raw: bytes, keys: KeyRing) -> Command:
    """The verified command in `raw`; raises `Rejected` and nothing else."""
    signed = open_signed(raw, content_type=CONTENT_TYPE, limit=MAX_BYTES)
    body = signed.body
    op = body.word("op", Op)
    command = Command(
        op=op,
        command_id=body.text("id", most=64),
        device=name_of(signed.subject, DEVICE_URN),
        order=body.text("order", most=64),
        epoch=body.integer("epoch", least=1, most=MAX_COUNT),
        counter=body.integer("counter", least=1, most=MAX_COUNT),
        issuer=signed.issuer,
        issued_s=signed.issued_s,
        not_after_s=body.integer("not_after", least=0, most=MAX_SECONDS),
        reason=body.word("reason", Reason),
        authority=_read_authority(body.inner("authority")),
        nonce=body.octets("nonce", size=NONCE_BYTES) if body.has("nonce") else None,
        held_until_s=body.integer("held_until", least=0, most=MAX_SECONDS) if body.has("held_until") else None,
        screen=_read_screen(body.inner("screen")) if body.has("screen") else None,
    )
    body.done()
    check_command(command)
    signed.message.verify(_key_for(op, signed.message.kid, keys))
    return command


@lru_cache(maxsize=4096)
def pair_in(raw: bytes) -> Pair:
    """The pair in a command that we signed; nothing else of it is looked at, and its signature is not either."""
    body = open_signed(raw, content_type=CONTENT_TYPE, limit=MAX_BYTES).body
    return (body.integer("epoch", least=1, most=MAX_COUNT), body.integer("counter", least=1, most=MAX_COUNT))


def check_command(command: Command) -> None:
    """Raise `Rejected` if a rule of the format is broken; signer and reader ask the same."""
    read_device(command.device)
    read_name("id", command.command_id)
    read_name("order", command.order)
    name_of(command.issuer, OPERATOR_URN)
    if min(command.pair) < 1 or max(command.pair) > MAX_COUNT:
        raise _bad("epoch and counter start at 1")
    if not 0 <= command.issued_s < command.not_after_s <= MAX_SECONDS:
        raise _bad("not_after does not come after the time of issue")
    if command.reason not in REASONS[command.op]:
        raise _bad(f"{command.reason} is no reason to {command.op}")
    _check_authority(command.authority)
    if command.op is Op.LOCK:
        _check_lock(command)
    elif command.nonce is not None or command.held_until_s is not None or command.screen is not None:
        raise _bad("nonce, held_until and screen belong to a lock")


def _check_lock(command: Command) -> None:
    if command.nonce is None or command.held_until_s is None or command.screen is None:
        raise _bad("a lock needs nonce, held_until and screen")
    if command.authority.basis not in LOCK_BASES:
        raise _bad(f"a lock cannot rest on {command.authority.basis}")
    if len(command.nonce) != NONCE_BYTES:
        raise _bad(f"the nonce is not {NONCE_BYTES} bytes")
    if command.not_after_s - command.issued_s > LIFE_MAX_S:
        raise _bad(f"a lock may wait at most {LIFE_MAX_S} seconds")
    if not command.not_after_s <= command.held_until_s <= command.issued_s + HOLD_MAX_S:
        raise _bad(f"held_until lies before not_after or more than {HOLD_MAX_S} seconds ahead")
    screen = command.screen
    for name, value in _screen_texts(screen).items():
        check_text(f"screen.{name}", value, most=SCREEN_MOST[name])
    if not 0 <= screen.deadline_s <= MAX_SECONDS:
        raise _bad("the deadline on the screen is not a time")


def _check_authority(authority: Authority) -> None:
    check_text("authority.text", authority.text, most=300)
    if len(authority.references) > 8:
        raise _bad("an authority names at most 8 references")
    for reference in authority.references:
        check_text("authority.refs", reference, most=120)


def _screen_texts(screen: LockScreen) -> dict[str, str]:
    return {name: text for name in SCREEN_MOST if (text := getattr(screen, name)) is not None}


def _body(command: Command) -> dict[str, Any]:
    authority, screen = command.authority, command.screen
    body: dict[str, Any] = {
        "op": str(command.op),
        "id": command.command_id,
        "order": command.order,
        "epoch": command.epoch,
        "counter": command.counter,
        "not_after": command.not_after_s,
        "reason": str(command.reason),
        "authority": {"basis": str(authority.basis), "text": authority.text, "refs": list(authority.references)},
    }
    if screen is not None:
        body |= {"nonce": command.nonce, "held_until": command.held_until_s}
        body["screen"] = _screen_texts(screen) | {"deadline": screen.deadline_s}
    return body


def _read_authority(body: Body) -> Authority:
    authority = Authority(
        basis=body.word("basis", Basis),
        text=body.text("text", most=300),
        references=body.texts("refs", most=120, count=8),
    )
    body.done()
    return authority


def _read_screen(body: Body) -> LockScreen:
    texts = {
        name: body.text(name, most=most) for name, most in SCREEN_MOST.items() if name != "bought" or body.has(name)
    }
    screen = LockScreen(**texts, deadline_s=body.integer("deadline", least=0, most=MAX_SECONDS))
    body.done()
    return screen


def _key_for(op: Op, kid: bytes, keys: KeyRing) -> PublicKey:
    allowed = (keys.lock,) if op is Op.LOCK else (keys.unlock, keys.lock)
    for key in allowed:
        if key is not None and key.kid == kid:
            return key
    raise Rejected("key", f"the signing key may not {op} this device", fix="Sign with the key of that role.")


def _bad(why: str) -> Rejected:
    return Rejected("command", f"not a command any device takes: {why}", fix="Build the command as the format says.")
