"""What command, ack and hello have in common: a signed map.

- COSE_Sign1 (RFC 9052 section 4.2) with attached payload and an empty unprotected header.
- Protected header: 1 alg, 3 content type, 4 kid, 15 CWT claims {1: issuer, 2: subject, 6: issued at, seconds}
  (RFC 9597), and nothing else. Issuer, device and time stand there and are not repeated in the payload.
- Payload: deterministic CBOR (RFC 8949 section 4.2.1), one map with text keys, every key known, absent values left out.
- A `Body` is read field by field and must end up empty: an unknown key is refused, because a field that is
  not understood may be the one that matters.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from custody.kernel import cbor, cose
from custody.kernel.errors import Rejected
from custody.kernel.keys import Signer

DEVICE_URN = "urn:weaklink:device:"
OPERATOR_URN = "urn:weaklink:operator:"

MAX_SECONDS = 253_402_300_799
"""9999-12-31T23:59:59Z: no signed time lies beyond it."""

MAX_COUNT = 2**53 - 1
"""Epochs and counters stay exact in every JSON reader."""

Word = TypeVar("Word", bound=StrEnum)

_LABELS = frozenset({cose.ALG, cose.CONTENT_TYPE, cose.KID, cose.CWT_CLAIMS})
_CLAIMS = frozenset({cose.ISS, cose.SUB, cose.IAT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A parsed message whose signature is not verified yet."""

    message: cose.Sign1
    issuer: str
    subject: str
    issued_s: int
    body: "Body"


@dataclass(slots=True, kw_only=True)
class Body:
    """A map that is emptied field by field; every reader raises `Rejected("field")`."""

    left: dict[Any, Any] = field(default_factory=dict)
    where: str = ""

    def text(self, name: str, *, most: int) -> str:
        """Printable text of 1 to `most` characters."""
        value = self._take(name)
        if not isinstance(value, str):
            raise self._bad(name, "is not text")
        return check_text(f"{self.where}{name}", value, most=most)

    def word(self, name: str, words: type[Word]) -> Word:
        """One word of a closed list."""
        value = self._take(name)
        if not isinstance(value, str) or value not in {str(word) for word in words}:
            raise self._bad(name, f"is not one of {', '.join(words)}")
        return words(value)

    def integer(self, name: str, *, least: int, most: int) -> int:
        """A whole number between `least` and `most`."""
        value = self._take(name)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self._bad(name, f"is not a whole number from {least} to {most}")
        return value

    def octets(self, name: str, *, size: int) -> bytes:
        """A byte string of exactly `size` bytes."""
        value = self._take(name)
        if not isinstance(value, bytes) or len(value) != size:
            raise self._bad(name, f"is not a byte string of {size} bytes")
        return value

    def texts(self, name: str, *, most: int, count: int) -> tuple[str, ...]:
        """At most `count` texts, each of 1 to `most` characters."""
        value = self._take(name)
        if not isinstance(value, list) or len(value) > count:
            raise self._bad(name, f"is not a list of at most {count}")
        if not all(isinstance(item, str) for item in value):
            raise self._bad(name, "holds something that is not text")
        return tuple(check_text(f"{self.where}{name}", item, most=most) for item in value)

    def inner(self, name: str) -> "Body":
        """A map inside this one."""
        value = self._take(name)
        if not isinstance(value, dict):
            raise self._bad(name, "is not a map")
        return Body(left=dict(value), where=f"{self.where}{name}.")

    def has(self, name: str) -> bool:
        """Whether the field is there; absent is a value of its own."""
        return name in self.left

    def done(self) -> None:
        """Raise if anything was not read."""
        if self.left:
            names = ", ".join(sorted(repr(name)[:40] for name in self.left))
            raise Rejected(
                "field", f"unknown fields: {self.where}{names[:200]}", fix="Send the fields of this version."
            )

    def _take(self, name: str) -> Any:
        if name not in self.left:
            raise self._bad(name, "is missing")
        return self.left.pop(name)

    def _bad(self, name: str, why: str) -> Rejected:
        return Rejected("field", f"{self.where}{name} {why}", fix="Send the field as the format says.")


def check_text(where: str, value: str, *, most: int) -> str:
    """The text as it is; raises `Rejected("field")` if it is empty, too long or not printable."""
    if not value.strip() or len(value) > most or not value.isprintable():
        raise Rejected(
            "field", f"{where} is not 1 to {most} printable characters", fix="Shorten it and say it plainly."
        )
    return value


def seal(
    body: Mapping[str, Any], *, content_type: str, issuer: str, subject: str, issued_s: int, limit: int, signer: Signer
) -> bytes:
    """The signed message; raises `Rejected("size")` if it is longer than its reader would take."""
    header = {
        cose.CONTENT_TYPE: content_type,
        cose.CWT_CLAIMS: {cose.ISS: issuer, cose.SUB: subject, cose.IAT: issued_s},
    }
    raw = cose.sign(header, cbor.encode(dict(body)), signer)
    _check_size(raw, limit)
    return raw


def open_signed(raw: bytes, *, content_type: str, limit: int) -> Signed:
    """The message in `raw`, strictly; raises `Rejected`. The caller verifies it with the key it looks up."""
    _check_size(raw, limit)
    message = cose.parse(raw)
    if set(message.protected) != _LABELS or message.unprotected:
        raise _header("it needs exactly alg, content type, kid and claims, all protected")
    if message.protected[cose.CONTENT_TYPE] != content_type:
        raise _header(f"the content type is not {content_type}")
    if len(message.kid) != 32:
        raise _header("kid is not a thumbprint of 32 bytes")
    if set(message.claims) != _CLAIMS:
        raise _header("the claims are not exactly issuer, subject and time")
    if message.payload is None:
        raise _header("the payload is detached")
    value = cbor.decode(message.payload)
    if not isinstance(value, dict):
        raise Rejected("field", "the payload is not a map", fix="Send one map with text keys.")
    claims = Body(left={str(label): claim for label, claim in message.claims.items()}, where="claim ")
    return Signed(
        message=message,
        issuer=claims.text(str(cose.ISS), most=200),
        subject=claims.text(str(cose.SUB), most=200),
        issued_s=claims.integer(str(cose.IAT), least=0, most=MAX_SECONDS),
        body=Body(left=dict(value)),
    )


def name_of(urn: str, prefix: str) -> str:
    """The name after `prefix`; raises `Rejected("claim")` for another kind of URN."""
    if not urn.startswith(prefix) or len(urn) == len(prefix):
        raise Rejected("claim", f"{urn[:80]!r} is not a name under {prefix}", fix=f"Name it {prefix}NAME.")
    return urn[len(prefix) :]


def _check_size(raw: bytes, limit: int) -> None:
    if len(raw) > limit:
        raise Rejected("size", f"{len(raw)} bytes is more than the {limit} allowed", fix="Shorten the texts.")


def _header(why: str) -> Rejected:
    return Rejected("header", f"not a header we take: {why}", fix="Build the header as the format says.")
