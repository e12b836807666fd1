"""The policy of the log: whom it trusts, and the rules that other rooms read as data.

A policy is a deterministic CBOR map:

| member | what |
|---|---|
| `origin` | the log's name, as in its checkpoints |
| `version` | 1 for entry 0 of the log, then one more each time |
| `previous` | digest of the policy statement before it; absent in version 1 |
| `log_key` | COSE_Key that signs checkpoints and receipts |
| `operator_key` | COSE_Key that signs policies and records |
| `registrars` | array of {`name`, `key`}: who may enrol and revoke station keys |
| `threshold` | how many registrars must approve a change of trust |
| `witnesses` | map from a purpose such as `working` or `verdict` to a witness policy (C2SP tlog-policy) |
| `entry` | which bytes are the log's entries |
| `algorithms` | the COSE numbers that statements are signed with |
| `rules` | map of everything else; limits, promises, who may lock what, by which rules scans are judged |

`trust()` is all but `version`, `previous` and `rules`. The operator alone changes rules; a change of trust needs the
approvals of `threshold` registrars of the policy in force, each a COSE_Sign1 with the policy's bytes as detached
payload. Version and previous digest are among these bytes, so an approval fits one change at one place only. Origin and
log key never change: a new key means a new log.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from custody.kernel import cbor
from custody.kernel.errors import Rejected
from custody.kernel.keys import EDDSA, ES256, PublicKey
from custody.ledger.checkpoint import check_origin
from custody.ledger.fields import Fields, take
from custody.ledger.witness_policy import parse_policy as parse_witness_policy

ENTRY_BYTES = "COSE_Sign1 with empty unprotected header"
MAX_REGISTRARS = 32
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

_CODE = "policy"
_MEMBERS = frozenset(
    {
        "origin",
        "version",
        "log_key",
        "operator_key",
        "registrars",
        "threshold",
        "witnesses",
        "entry",
        "algorithms",
        "rules",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registrar:
    """Somebody who may enrol and revoke station keys; not the retailer alone."""

    name: str
    key: PublicKey

    @property
    def iss(self) -> str:
        """The issuer of this registrar's statements."""
        return f"urn:weaklink:registrar:{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A policy whose members fit each other."""

    origin: str
    version: int
    previous: bytes | None = None
    log_key: PublicKey
    operator_key: PublicKey
    registrars: tuple[Registrar, ...]
    threshold: int
    witnesses: Mapping[str, str] = field(default_factory=dict)
    rules: Mapping[str, Any] = field(default_factory=dict)

    @property
    def operator_iss(self) -> str:
        """The issuer of the operator's statements."""
        return f"urn:weaklink:operator:{self.origin}"

    def raw(self) -> bytes:
        """The bytes that approvals sign."""
        members = {**self.trust(), "version": self.version, "rules": dict(self.rules)}
        return cbor.encode(members if self.previous is None else {**members, "previous": self.previous})

    def trust(self) -> dict[str, Any]:
        """The members that only registrars together may change."""
        return {
            "origin": self.origin,
            "log_key": self.log_key.cose_key(),
            "operator_key": self.operator_key.cose_key(),
            "registrars": [{"name": registrar.name, "key": registrar.key.cose_key()} for registrar in self.registrars],
            "threshold": self.threshold,
            "witnesses": dict(self.witnesses),
            "entry": ENTRY_BYTES,
            "algorithms": [EDDSA, ES256],
        }

    def registrar(self, kid: bytes) -> Registrar:
        """The registrar with that key; raises `Rejected("registrar")`."""
        for registrar in self.registrars:
            if registrar.key.kid == kid:
                return registrar
        raise Rejected("registrar", "the key is no registrar's", fix="Have a registrar of the policy in force sign.")


def read_policy_map(raw: bytes) -> Policy:
    """The policy in its own bytes; raises `Rejected("policy")`, or the error of the member that is wrong."""
    # 1. Exactly the members that belong there.
    fields = take(cbor.decode(raw), code=_CODE, names=_MEMBERS, optional=frozenset({"previous"}))
    version = fields.number("version", least=1)
    if ("previous" in fields.members) != (version > 1):
        raise fields.wrong("previous", "it stands in every version but the first")
    # 2. Each member of its kind.
    policy = Policy(
        origin=_origin(fields),
        version=version,
        previous=fields.octets("previous", length=32) if version > 1 else None,
        log_key=fields.key("log_key"),
        operator_key=fields.key("operator_key"),
        registrars=_registrars(fields),
        threshold=fields.number("threshold", least=1),
        witnesses=_witnesses(fields),
        rules=fields.mapping("rules"),
    )
    # 3. The members fit each other, and what is fixed is as it must be.
    if policy.log_key.alg != EDDSA:
        raise fields.wrong("log_key", "checkpoints are signed with Ed25519")
    if policy.threshold > len(policy.registrars):
        raise fields.wrong("threshold", "there are fewer registrars than that")
    if policy.raw() != raw:
        raise fields.wrong("entry", f"entry must be {ENTRY_BYTES!r} and algorithms [-8, -7]")
    return policy


def _origin(fields: Fields) -> str:
    origin = fields.text("origin")
    check_origin(origin)
    return origin


def _registrars(fields: Fields) -> tuple[Registrar, ...]:
    registrars = []
    for row in fields.array("registrars", longest=MAX_REGISTRARS):
        members = take(row, code=_CODE, names=frozenset({"name", "key"}))
        name = members.text("name")
        if not NAME.fullmatch(name):
            raise members.wrong("name", "it must be 1 to 64 letters, digits, dots, dashes, underscores")
        registrars.append(Registrar(name=name, key=members.key("key")))
    if len({row.name for row in registrars}) < len(registrars) or len({row.key for row in registrars}) < len(
        registrars
    ):
        raise fields.wrong("registrars", "a name or a key stands there twice")
    return tuple(registrars)


def _witnesses(fields: Fields) -> dict[str, str]:
    texts = fields.mapping("witnesses")
    for purpose in texts:
        parse_witness_policy(Fields(code=_CODE, members=texts).long_text(purpose))
    return texts
