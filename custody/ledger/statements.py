"""Signed statements that carry their payload: the policy and the station keys (RFC 9943 section 6).

Protected header: {1: alg, 3: content type, 4: kid, 15: {1: iss, 2: sub, 6: iat}}, nothing else; unprotected header
empty; payload a deterministic CBOR map.

- policy, signed by the operator: {`policy`: its bytes, `approvals`: [registrars' COSE_Sign1 over these bytes]}.
- station-key-add, signed by one registrar: {`origin`, `station`, `site`, `place`, `step`, `custodian`, `key`: COSE_Key,
  `possession`}. The proof of possession is the station's own COSE_Sign1 over the deterministic CBOR of {`origin`,
  `station`, `site`, `place`, `step`, `custodian`, `kid`, `cose_key`}: nobody enrols a key that the station does not
  hold, or for another place or custodian than the station said. As it was at first, it is over {`origin`, `station`,
  `kid`, `cose_key`} alone, and `is_whole` is False: where that station stood is the registrar's word.
- station-key-revoke, signed by one registrar: {`origin`, `station`, `kid`, `suspect_from`, `reason`}. Statements from
  log index `suspect_from` up to the revocation are suspect, never deleted.

The readers check form only; whether a signer was allowed to say it is for `Registry`. What is made or let in anew has
subjects of at most 200 characters, as scans have (`check_subjects`); a log may hold longer ones from before.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from custody.kernel import cbor, cose
from custody.kernel.errors import Rejected
from custody.kernel.keys import PublicKey, Signer
from custody.ledger.fields import Fields, take
from custody.ledger.policy import MAX_REGISTRARS, NAME, Policy, Registrar, read_policy_map
from custody.ledger.spellings import MAX_NUMBER

POLICY = "application/vnd.weaklink.policy+cbor"
POLICY_APPROVAL = "application/vnd.weaklink.policy-approval+cbor"
KEY_ADD = "application/vnd.weaklink.station-key-add+cbor"
KEY_POSSESSION = "application/vnd.weaklink.station-key-possession+cbor"
KEY_REVOKE = "application/vnd.weaklink.station-key-revoke+cbor"

STATION_ISS = "urn:weaklink:station:"
SUBJECT_LIMIT = 200

_LABELS = frozenset({cose.ALG, cose.CONTENT_TYPE, cose.KID, cose.CWT_CLAIMS})
_CLAIMS = frozenset({cose.ISS, cose.SUB, cose.IAT})
_SITE = re.compile(r"https://id\.gs1\.org/414/[0-9]{13}(/254/[!-~]{1,60})?")
CUSTODIAN = re.compile(r"https://id\.gs1\.org/417/[0-9]{13}|urn:[!-~]{1,200}")


class Step(StrEnum):
    """What a station does to parcels; links of the chain are named after it."""

    PACK = "pack"
    DOCK = "dock"
    LINEHAUL = "linehaul"
    HUB_IN = "hub_in"
    HUB_SORT = "hub_sort"
    DEPOT = "depot"
    COURIER = "courier"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class StationInfo:
    """Where a station stands and for whom it works; `site` is a GLN key, `custodian` a PGLN key or another URN."""

    station: str
    site: str
    place: str
    step: Step
    custodian: str

    @property
    def iss(self) -> str:
        """The issuer of this station's statements."""
        return f"{STATION_ISS}{self.station}"

    @property
    def facts(self) -> dict[str, str]:
        """What is enrolled of it and told of it, by the names of the members above."""
        return {**asdict(self), "step": str(self.step)}


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyStatement:
    """A policy as the operator signed it, with the approvals it carries."""

    message: cose.Sign1
    policy: Policy
    policy_raw: bytes
    approvals: tuple[cose.Sign1, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyAdd:
    """A station's key as a registrar enrolled it; the proof of possession is verified."""

    message: cose.Sign1
    possession: cose.Sign1
    origin: str
    info: StationInfo
    key: PublicKey
    is_whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRevoke:
    """The end of a station's key."""

    message: cose.Sign1
    origin: str
    station: str
    kid: bytes
    suspect_from: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningRegistrar:
    """A registrar who signs one statement: under which name, with which key, under which subject, and when."""

    name: str
    signer: Signer
    sub: str
    iat_s: int

    def sign(self, kind: str, payload: Mapping[str, Any]) -> bytes:
        """The registrar's statement of that content type."""
        iss = Registrar(name=self.name, key=self.signer.public).iss
        return make_statement(kind, payload, iss=iss, sub=self.sub, iat_s=self.iat_s, signer=self.signer)


def approve_policy(policy: Policy, *, registrar: str, signer: Signer, sub: str, iat_s: int) -> bytes:
    """A registrar's approval of exactly this policy."""
    claims = _claims(Registrar(name=registrar, key=signer.public).iss, sub, iat_s)
    return cose.sign({cose.CONTENT_TYPE: POLICY_APPROVAL, cose.CWT_CLAIMS: claims}, policy.raw(), signer, detached=True)


def make_policy(policy: Policy, *, approvals: Sequence[bytes] = (), signer: Signer, sub: str, iat_s: int) -> bytes:
    """The operator's statement that puts a policy in force; a change of trust needs `approvals`."""
    payload = {"policy": policy.raw(), "approvals": list(approvals)}
    raw = make_statement(POLICY, payload, iss=policy.operator_iss, sub=sub, iat_s=iat_s, signer=signer)
    statement = read_policy(raw)
    check_subjects(statement.message, *statement.approvals)
    return raw


def read_policy(raw: bytes) -> PolicyStatement:
    """The policy statement in `raw`; raises `Rejected`."""
    # 1. The form of a statement.
    message, fields = read_fields(raw, POLICY, frozenset({"policy", "approvals"}))
    # 2. The policy, and that its own operator issues it.
    policy_raw = fields.octets("policy")
    policy = read_policy_map(policy_raw)
    if message.claims[cose.ISS] != policy.operator_iss:
        raise fields.wrong("policy", "the issuer is not the operator of the policy's origin")
    # 3. The approvals: detached, so that each can only be over these bytes.
    approvals = []
    for approval in fields.array("approvals", longest=MAX_REGISTRARS):
        if not isinstance(approval, bytes):
            raise fields.wrong("approvals", "each must be an encoded COSE_Sign1")
        approvals.append(read_header(approval, POLICY_APPROVAL))
        if approvals[-1].payload is not None:
            raise fields.wrong("approvals", "each must have a detached payload")
    return PolicyStatement(message=message, policy=policy, policy_raw=policy_raw, approvals=tuple(approvals))


def make_possession(*, origin: str, station: StationInfo | str, signer: Signer, sub: str, iat_s: int) -> bytes:
    """The station's proof that it holds its key and is this station; a name alone gives the proof of the first form."""
    payload = _possession(origin, station, signer.public)
    iss = f"{STATION_ISS}{payload['station']}"
    return make_statement(KEY_POSSESSION, payload, iss=iss, sub=sub, iat_s=iat_s, signer=signer)


def make_key_add(
    info: StationInfo,
    *,
    origin: str,
    key: PublicKey,
    possession: bytes,
    by: SigningRegistrar,
) -> bytes:
    """The registrar's statement that enrols a station's key; raises `Rejected` if it could not be read back."""
    payload = {"origin": origin, **info.facts, "key": key.cose_key(), "possession": possession}
    raw = by.sign(KEY_ADD, payload)
    add = read_key_add(raw)
    check_subjects(add.message, add.possession)
    return raw


def read_key_add(raw: bytes) -> KeyAdd:
    """The enrolment in `raw`, its proof of possession verified; raises `Rejected`."""
    # 1. The form of a statement.
    names = frozenset({"origin", "station", "site", "place", "step", "custodian", "key", "possession"})
    message, fields = read_fields(raw, KEY_ADD, names)
    # 2. The station.
    info = StationInfo(
        station=_station(fields),
        site=fields.text("site"),
        place=fields.text("place"),
        step=_step(fields),
        custodian=fields.text("custodian"),
    )
    if not _SITE.fullmatch(info.site):
        raise fields.wrong("site", "it must be a GLN as https://id.gs1.org/414/<13 digits>[/254/<extension>]")
    if not CUSTODIAN.fullmatch(info.custodian):
        raise fields.wrong("custodian", "it must be a PGLN as https://id.gs1.org/417/<13 digits>, or a URN")
    # 3. The key, and the station's own word that it holds it.
    origin, key = fields.text("origin"), fields.key("key")
    possession = read_header(fields.octets("possession"), KEY_POSSESSION)
    is_whole = possession.payload == cbor.encode(_possession(origin, info, key))
    if not is_whole and possession.payload != cbor.encode(_possession(origin, info.station, key)):
        raise fields.wrong("possession", "it must be over this origin, key and station, as it is enrolled here")
    if possession.claims[cose.ISS] != info.iss:
        raise fields.wrong("possession", "the station itself must issue it")
    possession.verify(key)
    return KeyAdd(message=message, possession=possession, origin=origin, info=info, key=key, is_whole=is_whole)


def make_key_revoke(
    *,
    origin: str,
    station: str,
    kid: bytes,
    suspect_from: int,
    reason: str,
    by: SigningRegistrar,
) -> bytes:
    """The registrar's statement that ends a station's key; `suspect_from` is the log index where doubt begins."""
    payload = {"origin": origin, "station": station, "kid": kid, "suspect_from": suspect_from, "reason": reason}
    raw = by.sign(KEY_REVOKE, payload)
    check_subjects(read_key_revoke(raw).message)
    return raw


def read_key_revoke(raw: bytes) -> KeyRevoke:
    """The revocation in `raw`; raises `Rejected`."""
    names = frozenset({"origin", "station", "kid", "suspect_from", "reason"})
    message, fields = read_fields(raw, KEY_REVOKE, names)
    return KeyRevoke(
        message=message,
        origin=fields.text("origin"),
        station=_station(fields),
        kid=fields.octets("kid", length=32),
        suspect_from=fields.number("suspect_from"),
        reason=fields.text("reason"),
    )


def check_claims(message: cose.Sign1) -> None:
    """Raise `Rejected("statement")` unless kid and claims are those of the operator's and registrars' statements."""
    claims = message.claims
    if len(message.kid) != 32:
        raise _malformed("the kid is not a key thumbprint")
    if set(claims) != _CLAIMS or not all(isinstance(claims[label], str) for label in (cose.ISS, cose.SUB)):
        raise _malformed("the claims are not issuer, subject and time of issue")
    if not claims[cose.ISS].startswith("urn:") or not claims[cose.SUB].startswith("urn:"):
        raise _malformed("issuer and subject must be URNs")
    if type(claims[cose.IAT]) is not int or not 0 <= claims[cose.IAT] <= MAX_NUMBER:
        raise _malformed("the time of issue is not a number of seconds")


def check_subjects(*messages: cose.Sign1) -> None:
    """Raise `Rejected("subject")` if a statement that is to enter the log, or one within it, has a long subject."""
    longest = max((len(str(message.claims.get(cose.SUB, ""))) for message in messages), default=0)
    if longest > SUBJECT_LIMIT:
        raise Rejected(
            "subject",
            f"a subject (claim 2) has {longest:,} characters, and at most {SUBJECT_LIMIT} are taken",
            fix="Sign again with a random reference as subject, such as a urn:uuid.",
        )


def make_statement(kind: str, payload: Mapping[str, Any], *, iss: str, sub: str, iat_s: int, signer: Signer) -> bytes:
    """A statement of that content type that carries its payload."""
    protected = {cose.CONTENT_TYPE: kind, cose.CWT_CLAIMS: _claims(iss, sub, iat_s)}
    return cose.sign(protected, cbor.encode(dict(payload)), signer)


def _claims(iss: str, sub: str, iat_s: int) -> dict[int, Any]:
    return {cose.ISS: iss, cose.SUB: sub, cose.IAT: iat_s}


def read_fields(raw: bytes, kind: str, names: frozenset[str]) -> tuple[cose.Sign1, Fields]:
    """A statement of that content type, and its payload with exactly these members; raises `Rejected`."""
    message = read_header(raw, kind)
    if message.payload is None:
        raise _malformed("the payload is detached")
    return message, take(cbor.decode(message.payload), code="statement", names=names)


def read_header(raw: bytes, kind: str) -> cose.Sign1:
    """The statement, if its headers are those of that content type; raises `Rejected`."""
    message = cose.parse(raw)
    if set(message.protected) != _LABELS or message.unprotected:
        raise _malformed("the headers hold other labels than 1, 3, 4, 15")
    if message.protected[cose.CONTENT_TYPE] != kind:
        raise _malformed(f"the content type is not {kind}")
    check_claims(message)
    return message


def _possession(origin: str, station: StationInfo | str, key: PublicKey) -> dict[str, Any]:
    named = {"station": station} if isinstance(station, str) else station.facts
    return {"origin": origin, **named, "kid": key.kid, "cose_key": key.cose_key()}


def _station(fields: Fields) -> str:
    station = fields.text("station")
    if not NAME.fullmatch(station):
        raise fields.wrong("station", "it must be 1 to 64 letters, digits, dots, dashes, underscores")
    return station


def _step(fields: Fields) -> Step:
    try:
        return Step(fields.text("step"))
    except ValueError as error:
        raise fields.wrong("step", f"it must be one of {', '.join(Step)}") from error


def _malformed(why: str) -> Rejected:
    return Rejected("statement", f"not a statement that can be taken: {why}", fix="Make it with the make_ functions.")
