"""Changing whom the log trusts: registrars, how many of them must approve, witnesses. By m of n registrars in force.

1. `draft` gives the next policy's bytes. Nothing is stored: version and digest of the one before are among the bytes.
2. Each registrar approves exactly these bytes with the own key, wherever that is kept (`ledger.statements`).
3. `enact` has the operator sign policy and approvals as one entry. Whether they are enough is decided by replaying the
   log, as every auditor will; a policy that others overtook is refused and drafted again.

Origin and log key never change: a new log key means a new log. The operator's own key is not changed here, because the
service signs with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlmodel import Session

from custody.kernel.errors import Rejected
from custody.ledger.note import text_key
from custody.ledger.policy import Policy, Registrar, read_policy_map
from custody.ledger.registry import PolicyInForce
from custody.ledger.statements import read_policy
from custody.ledger.witness_policy import parse_policy
from custody.store import registry_book
from custody.store.policy_book import newest_policy
from custody.store.unit import House, Unit
from custody.usecases.open_log import put_policy


def draft(
    session: Session,
    *,
    registrars: Sequence[Registrar] | None = None,
    threshold: int | None = None,
    witnesses: Mapping[str, str] | None = None,
) -> bytes:
    """The bytes of the policy that follows the one in force, with what is given changed; raises `Rejected`."""
    before = read_policy(newest_policy(session))
    for purpose, text in (witnesses or {}).items():
        _check_witnesses(before.policy, purpose, text)
    after = replace(
        before.policy,
        version=before.policy.version + 1,
        previous=before.message.digest,
        registrars=before.policy.registrars if registrars is None else tuple(registrars),
        threshold=before.policy.threshold if threshold is None else threshold,
        witnesses=before.policy.witnesses if witnesses is None else dict(witnesses),
    )
    if after.trust() == before.policy.trust():
        raise Rejected("policy", "nothing would change", fix="Give other registrars, threshold or witnesses.")
    return read_policy_map(after.raw()).raw()


def enact(house: House, unit: Unit, policy_raw: bytes, approvals: Sequence[bytes]) -> int:
    """Put a drafted policy in force with the approvals it carries; returns its index. Raises `Rejected`."""
    policy, now = read_policy_map(policy_raw), read_policy(newest_policy(unit.session)).policy
    if policy.operator_key != now.operator_key:
        raise Rejected("policy", "the operator's key would change", fix="Keep it: the service signs with it.")
    if dict(policy.rules) != dict(now.rules):
        raise Rejected("policy", "the rules would change with it", fix="Draft it again from the policy in force.")
    return put_policy(house, unit, policy, approvals=approvals)


def in_force(session: Session) -> tuple[PolicyInForce, ...]:
    """Every policy that took effect, oldest first; the last one is in force."""
    return registry_book.replay(session).policies


def changes(before: Policy, after: Policy) -> list[str]:
    """What a policy changes in trust, in words for whoever is asked to approve it."""
    old, new = ({row.name: row.key.kid for row in policy.registrars} for policy in (before, after))
    said = [f"registrar {name} comes, with the key {new[name].hex()}" for name in sorted(new.keys() - old.keys())]
    said += [f"registrar {name} goes" for name in sorted(old.keys() - new.keys())]
    said += [
        f"registrar {name} has the key {new[name].hex()} instead of {old[name].hex()}"
        for name in sorted(old.keys() & new.keys())
        if old[name] != new[name]
    ]
    if before.threshold != after.threshold:
        then, now = f"{before.threshold} of {len(old)}", f"{after.threshold} of {len(new)}"
        said.append(f"{now} registrars must approve the next change, instead of {then}")
    for purpose in sorted(dict(before.witnesses).keys() | dict(after.witnesses).keys()):
        if before.witnesses.get(purpose) != after.witnesses.get(purpose):
            said.append(f"the {purpose} witnesses become: {after.witnesses.get(purpose, 'none')!r}")
    return said


def _check_witnesses(policy: Policy, purpose: str, text: str) -> None:
    own = text_key(policy.origin, policy.log_key)
    if own not in parse_policy(text).logs:
        raise Rejected(
            "witness-policy", f"the {purpose} policy is for another log", fix=f"Add the line: log {own.vkey()}"
        )
