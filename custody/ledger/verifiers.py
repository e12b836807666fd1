"""The keys of verifiers: services that can tell whether a check of a recipient held, such as whoever gave out the PIN.

Signed as the keys of stations are (`statements.py`), and in no other way theirs: a verifier is no station, its key
signs no scan, and a station's key verifies nothing. The registry keeps the two apart.

- verifier-key-add, signed by one registrar: {`origin`, `verifier`, `custodian`, `key`: COSE_Key, `possession`}. The
  proof of possession is the verifier's own COSE_Sign1 over the deterministic CBOR of {`origin`, `verifier`,
  `custodian`, `kid`, `cose_key`}. `custodian` is the firm that runs it: its word on the scans of that firm's stations
  counts for nothing.
- verifier-key-revoke, signed by one registrar: {`origin`, `verifier`, `kid`, `suspect_from`, `reason`}. What it said
  from log index `suspect_from` on counts for nothing any more, and is never deleted.
"""

from dataclasses import asdict, dataclass
from typing import Any

from custody.gs1.canonical import canonical
from custody.kernel import cbor, cose
from custody.kernel.errors import Rejected
from custody.kernel.keys import PublicKey, Signer
from custody.ledger.fields import Fields
from custody.ledger.policy import NAME
from custody.ledger.statements import (
    CUSTODIAN,
    SigningRegistrar,
    check_subjects,
    make_statement,
    read_fields,
    read_header,
)

VERIFIER_ADD = "application/vnd.weaklink.verifier-key-add+cbor"
VERIFIER_POSSESSION = "application/vnd.weaklink.verifier-key-possession+cbor"
VERIFIER_REVOKE = "application/vnd.weaklink.verifier-key-revoke+cbor"

VERIFIER_ISS = "urn:weaklink:verifier:"

_ADD_NAMES = frozenset({"origin", "verifier", "custodian", "key", "possession"})
_REVOKE_NAMES = frozenset({"origin", "verifier", "kid", "suspect_from", "reason"})


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierInfo:
    """A verifier's name, and the firm that runs it: a PGLN key or another URN."""

    verifier: str
    custodian: str

    @property
    def iss(self) -> str:
        """The issuer of this verifier's statements."""
        return f"{VERIFIER_ISS}{self.verifier}"

    @property
    def facts(self) -> dict[str, str]:
        """What is enrolled of it, by the names of the members above."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierAdd:
    """A verifier's key as a registrar enrolled it; the proof of possession is verified."""

    message: cose.Sign1
    possession: cose.Sign1
    origin: str
    info: VerifierInfo
    key: PublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierRevoke:
    """The end of a verifier's key."""

    message: cose.Sign1
    origin: str
    verifier: str
    kid: bytes
    suspect_from: int
    reason: str


def make_verifier_possession(*, origin: str, info: VerifierInfo, signer: Signer, sub: str, iat_s: int) -> bytes:
    """The verifier's proof that it holds its key and is this verifier."""
    payload = _possession(origin, info, signer.public)
    return make_statement(VERIFIER_POSSESSION, payload, iss=info.iss, sub=sub, iat_s=iat_s, signer=signer)


def make_verifier_add(
    info: VerifierInfo,
    *,
    origin: str,
    key: PublicKey,
    possession: bytes,
    by: SigningRegistrar,
) -> bytes:
    """The registrar's statement that enrols a verifier's key; raises `Rejected` if it could not be read back."""
    payload = {"origin": origin, **info.facts, "key": key.cose_key(), "possession": possession}
    raw = by.sign(VERIFIER_ADD, payload)
    add = read_verifier_add(raw)
    check_subjects(add.message, add.possession)
    return raw


def read_verifier_add(raw: bytes) -> VerifierAdd:
    """The enrolment in `raw`, its proof of possession verified; raises `Rejected`."""
    # 1. The form of a statement, and the verifier.
    message, fields = read_fields(raw, VERIFIER_ADD, _ADD_NAMES)
    info = read_verifier(fields)
    # 2. The key, and the verifier's own word that it holds it.
    origin, key = fields.text("origin"), fields.key("key")
    possession = read_header(fields.octets("possession"), VERIFIER_POSSESSION)
    if possession.payload != cbor.encode(_possession(origin, info, key)):
        raise fields.wrong("possession", "it must be over this origin, key, verifier and custodian")
    if possession.claims[cose.ISS] != info.iss:
        raise fields.wrong("possession", "the verifier itself must issue it")
    possession.verify(key)
    return VerifierAdd(message=message, possession=possession, origin=origin, info=info, key=key)


def make_verifier_revoke(
    *,
    origin: str,
    verifier: str,
    kid: bytes,
    suspect_from: int,
    reason: str,
    by: SigningRegistrar,
) -> bytes:
    """The registrar's statement that ends a verifier's key; `suspect_from` is the log index where doubt begins."""
    payload = {"origin": origin, "verifier": verifier, "kid": kid, "suspect_from": suspect_from, "reason": reason}
    raw = by.sign(VERIFIER_REVOKE, payload)
    check_subjects(read_verifier_revoke(raw).message)
    return raw


def read_verifier_revoke(raw: bytes) -> VerifierRevoke:
    """The revocation in `raw`; raises `Rejected`."""
    message, fields = read_fields(raw, VERIFIER_REVOKE, _REVOKE_NAMES)
    return VerifierRevoke(
        message=message,
        origin=fields.text("origin"),
        verifier=_name(fields),
        kid=fields.octets("kid", length=32),
        suspect_from=fields.number("suspect_from"),
        reason=fields.text("reason"),
    )


def read_verifier(fields: Fields) -> VerifierInfo:
    """The verifier that some members name; raises `Rejected`."""
    info = VerifierInfo(verifier=_name(fields), custodian=fields.text("custodian"))
    if not CUSTODIAN.fullmatch(info.custodian):
        raise fields.wrong("custodian", "it must be a PGLN as https://id.gs1.org/417/<13 digits>, or a URN")
    return info


def typed_verifier(verifier: str, custodian: str) -> VerifierInfo:
    """A verifier as somebody typed it, its firm in its canonical spelling; raises `Rejected`."""
    if not NAME.fullmatch(verifier):
        raise Rejected("verifier", f"{verifier!r} is not a name", fix="Use 1 to 64 letters, digits, . _ or -.")
    if not CUSTODIAN.fullmatch(custodian):
        raise Rejected(
            "custodian", f"{custodian!r} is no firm's key", fix="Send https://id.gs1.org/417/<13 digits>, or a URN."
        )
    return VerifierInfo(verifier=verifier, custodian=canonical(custodian).uri)


def _possession(origin: str, info: VerifierInfo, key: PublicKey) -> dict[str, Any]:
    return {"origin": origin, **info.facts, "kid": key.kid, "cose_key": key.cose_key()}


def _name(fields: Fields) -> str:
    name = fields.text("verifier")
    if not NAME.fullmatch(name):
        raise fields.wrong("verifier", "it must be 1 to 64 letters, digits, dots, dashes, underscores")
    return name
