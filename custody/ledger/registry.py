"""Who could say what, and when: the log replayed (entries 0, 1, 2, ... folded into a `Registry`).

- Entry 0 is a policy of version 1, signed by the operator key that it names. It is taken as it stands: whoever audits
  compares its log key with the one he was given.
- A later policy is signed by the operator in force, counts one version up and names the digest of the one in force.
  If it changes anything but `rules`, it carries valid approvals of `threshold` registrars in force.
- Station keys are enrolled and revoked by one registrar in force. A key is enrolled once; a revoked key never returns.
  A later revocation can only move the beginning of doubt further back.
- **Validity goes by log index, never by a clock**: a key's statement at index i counts if added < i < revoked. Between
  `suspect_from` and the revocation it is suspect. A stolen key cannot be back-dated below its revocation.
- The keys of verifiers are enrolled and revoked in the same way (`verifiers.py`) and stand apart: no key is both.
- A statement that its signer was not allowed to make, or that is malformed, changes nothing and is listed in `ignored`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from custody.kernel import cose
from custody.kernel.errors import Fatal, NotFound, Rejected
from custody.kernel.key_standing import KeyStanding
from custody.kernel.keys import PublicKey
from custody.ledger.policy import Policy
from custody.ledger.statements import (
    KEY_ADD,
    KEY_REVOKE,
    POLICY,
    KeyAdd,
    KeyRevoke,
    PolicyStatement,
    StationInfo,
    read_key_add,
    read_key_revoke,
    read_policy,
)
from custody.ledger.verifiers import (
    VERIFIER_ADD,
    VERIFIER_REVOKE,
    VerifierAdd,
    VerifierInfo,
    VerifierRevoke,
    read_verifier_add,
    read_verifier_revoke,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyInForce:
    """A policy and the entry that put it in force."""

    index: int
    digest: bytes
    policy: Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class StationKey:
    """A station's key with the log indices of its life; `revoked_at` and `suspect_from` come together.

    `is_whole`: the station itself signed where it stands and whose it is, so no other enrolment can say otherwise.
    """

    info: StationInfo
    key: PublicKey
    added_at: int
    is_whole: bool
    revoked_at: int | None = None
    suspect_from: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierKey:
    """A verifier's key with the log indices of its life; `revoked_at` and `suspect_from` come together."""

    info: VerifierInfo
    key: PublicKey
    added_at: int
    revoked_at: int | None = None
    suspect_from: int = 0
    reason: str = ""


AnyKey = TypeVar("AnyKey", StationKey, VerifierKey)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """A statement that changed nothing, and why."""

    index: int
    code: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """The state after the entries below `next_index`."""

    next_index: int = 0
    policies: tuple[PolicyInForce, ...] = ()
    keys: Mapping[bytes, StationKey] = field(default_factory=dict)
    verifiers: Mapping[bytes, VerifierKey] = field(default_factory=dict)
    ignored: tuple[Ignored, ...] = ()

    def policy_at(self, index: int) -> PolicyInForce:
        """The policy that applied to the entry at `index`; raises `NotFound("policy")` for entry 0."""
        for row in reversed(self.policies):
            if row.index < index:
                return row
        raise NotFound("policy", f"no policy was in force before entry {index}", fix="Ask for a later entry.")

    def standing(self, kid: bytes, at_index: int) -> KeyStanding:
        """What the station key's word was worth in the entry at `at_index`."""
        return _standing(self.keys.get(kid), at_index)

    def verifier_standing(self, kid: bytes, at_index: int) -> KeyStanding:
        """What the verifier key's word was worth in the entry at `at_index`."""
        return _standing(self.verifiers.get(kid), at_index)

    def station_key(self, kid: bytes) -> StationKey:
        """The key and its station; raises `NotFound("key")`."""
        row = self.keys.get(kid)
        if row is None:
            raise NotFound(
                "key", f"no station key {kid.hex()} was ever enrolled", fix="Have a registrar enrol the key."
            )
        return row

    def verifier_key(self, kid: bytes) -> VerifierKey:
        """The key and its verifier; raises `NotFound("key")`."""
        row = self.verifiers.get(kid)
        if row is None:
            raise NotFound(
                "key", f"no verifier key {kid.hex()} was ever enrolled", fix="Have a registrar enrol the key."
            )
        return row


def fold(registry: Registry, index: int, entry: bytes) -> Registry:
    """The registry after one more entry.

    Entries that do not concern it may be left out, but not taken out of order: that raises `Fatal`.
    """
    if index < registry.next_index:
        raise Fatal("replay", f"entry {index} was folded after entry {registry.next_index - 1}", fix="Replay from 0.")
    moved = replace(registry, next_index=index + 1)
    try:
        kind = cose.parse(entry).protected.get(cose.CONTENT_TYPE)
        step = _STEPS.get(kind) if isinstance(kind, str) else None
        if index == 0 and kind != POLICY:
            raise _not_allowed("entry 0 of a log must be its policy")
        return step(moved, index, entry) if step else moved
    except (Rejected, NotFound) as error:
        ignored = Ignored(index=index, code=error.code, detail=error.detail)
        return replace(moved, ignored=(*moved.ignored, ignored))


def _fold_policy(registry: Registry, index: int, entry: bytes) -> Registry:
    statement = read_policy(entry)
    policy, message = statement.policy, statement.message
    if index == 0:
        if policy.version != 1:
            raise _not_allowed("entry 0 must hold version 1 of the policy")
        message.verify(policy.operator_key)
    else:
        # 1. The operator in force signed it.
        before = registry.policy_at(index)
        message.verify(before.policy.operator_key)
        # 2. It follows the policy in force, of the same log.
        if (policy.origin, policy.log_key) != (before.policy.origin, before.policy.log_key):
            raise _not_allowed("it is for another log or log key")
        if policy.version != before.policy.version + 1 or policy.previous != before.digest:
            raise _not_allowed("it does not follow the policy in force")
        # 3. Registrars in force approved whatever it changes in trust.
        approvers = _approvers(statement, before.policy)
        if policy.trust() != before.policy.trust() and len(approvers) < before.policy.threshold:
            raise _not_allowed(f"{len(approvers)} of {before.policy.threshold} registrars approved the change of trust")
    row = PolicyInForce(index=index, digest=message.digest, policy=policy)
    return replace(registry, policies=(*registry.policies, row))


def _fold_key_add(registry: Registry, index: int, entry: bytes) -> Registry:
    add = read_key_add(entry)
    _check_enrolment(registry, index, add)
    row = StationKey(info=add.info, key=add.key, added_at=index, is_whole=add.is_whole)
    return replace(registry, keys={**registry.keys, add.key.kid: row})


def _fold_key_revoke(registry: Registry, index: int, entry: bytes) -> Registry:
    revoke = read_key_revoke(entry)
    _check_registrar(registry, index, revoke)
    row = registry.station_key(revoke.kid)
    if row.info.station != revoke.station:
        raise _not_allowed("the key is another station's")
    return replace(registry, keys={**registry.keys, revoke.kid: _ended(row, index, revoke)})


def _fold_verifier_add(registry: Registry, index: int, entry: bytes) -> Registry:
    add = read_verifier_add(entry)
    _check_enrolment(registry, index, add)
    row = VerifierKey(info=add.info, key=add.key, added_at=index)
    return replace(registry, verifiers={**registry.verifiers, add.key.kid: row})


def _fold_verifier_revoke(registry: Registry, index: int, entry: bytes) -> Registry:
    revoke = read_verifier_revoke(entry)
    _check_registrar(registry, index, revoke)
    row = registry.verifier_key(revoke.kid)
    if row.info.verifier != revoke.verifier:
        raise _not_allowed("the key is another verifier's")
    return replace(registry, verifiers={**registry.verifiers, revoke.kid: _ended(row, index, revoke)})


def _check_enrolment(registry: Registry, index: int, add: KeyAdd | VerifierAdd) -> None:
    """Return if a registrar in force enrols a key that nobody has or had, in whatever role; raises `Rejected`."""
    _check_registrar(registry, index, add)
    policy = registry.policy_at(index).policy
    taken = {policy.log_key.kid, policy.operator_key.kid, *(row.key.kid for row in policy.registrars)}
    if add.key.kid in taken | registry.keys.keys() | registry.verifiers.keys():
        raise _not_allowed("the key is or was in use")


def _check_registrar(
    registry: Registry, index: int, statement: KeyAdd | KeyRevoke | VerifierAdd | VerifierRevoke
) -> None:
    """Return if a registrar in force signed it, for this log; raises `Rejected`."""
    policy, message = registry.policy_at(index).policy, statement.message
    registrar = policy.registrar(message.kid)
    if message.claims[cose.ISS] != registrar.iss or statement.origin != policy.origin:
        raise _not_allowed("it is issued in another name than its key's, or for another log")
    message.verify(registrar.key)


def _ended(row: AnyKey, index: int, revoke: KeyRevoke | VerifierRevoke) -> AnyKey:
    """The key once it was revoked: it ends once, and later knowledge only moves the doubt back."""
    if revoke.suspect_from > index:
        raise _not_allowed("doubt would begin after the revocation")
    if row.revoked_at is None:
        return replace(row, revoked_at=index, suspect_from=revoke.suspect_from, reason=revoke.reason)
    if revoke.suspect_from >= row.suspect_from:
        raise _not_allowed("the key is revoked already, and doubt begins no earlier")
    return replace(row, suspect_from=revoke.suspect_from, reason=revoke.reason)


def _standing(row: StationKey | VerifierKey | None, at_index: int) -> KeyStanding:
    if row is None or at_index <= row.added_at:
        return KeyStanding.UNKNOWN
    if row.revoked_at is None or at_index < row.suspect_from:
        return KeyStanding.VALID
    return KeyStanding.REVOKED if at_index >= row.revoked_at else KeyStanding.SUSPECT


def _approvers(statement: PolicyStatement, before: Policy) -> set[str]:
    approvers = set()
    for approval in statement.approvals:
        registrar = before.registrar(approval.kid)
        if approval.claims[cose.ISS] != registrar.iss:
            raise _not_allowed("an approval is issued in another name than its key's")
        approval.verify(registrar.key, detached=statement.policy_raw)
        approvers.add(registrar.name)
    return approvers


def _not_allowed(why: str) -> Rejected:
    return Rejected(
        "not-allowed", f"the statement has no effect: {why}", fix="Have those sign it whom the policy names."
    )


_STEPS: Mapping[str, Callable[[Registry, int, bytes], Registry]] = {
    POLICY: _fold_policy,
    KEY_ADD: _fold_key_add,
    KEY_REVOKE: _fold_key_revoke,
    VERIFIER_ADD: _fold_verifier_add,
    VERIFIER_REVOKE: _fold_verifier_revoke,
}
KINDS = frozenset(_STEPS)
"""The content types of all statements that change it."""
