"""Opening the log: its first entry is the policy (RFC 9943 section 5.1.2); later policies follow in the same log."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from custody.kernel import cose
from custody.kernel.errors import Conflict, Rejected
from custody.kernel.keys import PublicKey, Signer
from custody.ledger.merkle import EMPTY_ROOT
from custody.ledger.policy import Policy, Registrar
from custody.ledger.statements import POLICY, approve_policy, make_policy, read_policy
from custody.scans.edition import NEWEST, RULE, Edition, edition_of
from custody.store import registry_book
from custody.store.bulk import put_if_absent
from custody.store.log_book import HEAD_ID, NewEntry
from custody.store.policy_book import newest_policy
from custody.store.tables import LogHeadRow
from custody.store.unit import House, Unit

REGISTRAR = "registrar-1"


def open_log(house: House, *, registrar: PublicKey, rules: Mapping[str, Any]) -> None:
    """Write the head row and the genesis policy if they are missing; safe to repeat and to race.

    Scans are judged by the newest edition of the judge's rules, unless `rules` name another.
    """
    with house.unit() as unit:
        empty = {"id": HEAD_ID, "size": 0, "root": EMPTY_ROOT, "peaks": b"", "note": b"", "signed_ms": 0}
        put_if_absent(unit.session, LogHeadRow, [empty], keys=("id",))
    with house.unit() as unit:
        if unit.log.size:
            return
        policy = Policy(
            origin=house.origin,
            version=1,
            log_key=house.log_signer.public,
            operator_key=house.operator_signer.public,
            registrars=(Registrar(name=REGISTRAR, key=registrar),),
            threshold=1,
            rules={RULE: int(NEWEST), **rules},
        )
        _append(unit, _sign(house, unit, policy, ()))


def change_rules(house: House, unit: Unit, changes: Mapping[str, Any]) -> int:
    """Put a policy in force whose rules differ; returns its index. Who may ask for it is the caller's question."""
    statement = newest_policy(unit.session)
    before = read_policy(statement)
    policy = replace(
        before.policy,
        version=before.policy.version + 1,
        previous=before.message.digest,
        rules={**before.policy.rules, **changes},
    )
    return put_policy(house, unit, policy)


def judge_by(house: House, unit: Unit, edition: int) -> int | None:
    """Have scans judged by that edition of the judge's rules from now on; returns the policy's index.

    None if they are already. No verdict that was given changes. Raises `Rejected` for an edition that is not known, and
    `Conflict` for one before that in force.
    """
    if edition not in list(Edition):
        raise Rejected("judge_edition", f"there is no edition {edition}", fix=f"Name one of 1 to {NEWEST}.")
    now = edition_of(rules_in_force(unit))
    if edition < now:
        raise Conflict("judge_edition", f"scans are judged by edition {now}", fix="Leave it: no edition comes again.")
    return None if edition == now else change_rules(house, unit, {RULE: edition})


def name_witnesses(house: House, unit: Unit, policies: Mapping[str, str], *, registrar: Signer) -> int | None:
    """Put in force whose cosignatures count for which purpose (C2SP tlog-policy texts), approved by the registrar.

    Returns the policy's index; None if the log names them already. Raises `Rejected` if this registrar alone is not
    enough for a change of trust any more: then `change_trust` has the others approve it.
    """
    before = read_policy(newest_policy(unit.session))
    if dict(before.policy.witnesses) == dict(policies):
        return None
    policy = replace(
        before.policy, version=before.policy.version + 1, previous=before.message.digest, witnesses=dict(policies)
    )
    sub = f"urn:weaklink:{unit.ids.new('approval')}"
    name = before.policy.registrar(registrar.public.kid).name
    approval = approve_policy(policy, registrar=name, signer=registrar, sub=sub, iat_s=unit.now_ms // 1000)
    return put_policy(house, unit, policy, approvals=[approval])


def witnesses_in_force(unit: Unit) -> Mapping[str, str]:
    """Whose cosignatures count for which purpose by the newest policy."""
    return read_policy(newest_policy(unit.session)).policy.witnesses


def rules_in_force(unit: Unit) -> Mapping[str, Any]:
    """The rules of the newest policy."""
    return read_policy(newest_policy(unit.session)).policy.rules


def put_policy(house: House, unit: Unit, policy: Policy, *, approvals: Sequence[bytes] = ()) -> int:
    """Sign a policy as the operator and put it in force; raises `Rejected` if auditors would pass it over."""
    statement = _sign(house, unit, policy, approvals)
    registry_book.after(unit.session, unit.log.size, statement)
    return _append(unit, statement)


def _sign(house: House, unit: Unit, policy: Policy, approvals: Sequence[bytes]) -> bytes:
    sub = f"urn:weaklink:{unit.ids.new('policy')}"
    return make_policy(policy, approvals=approvals, signer=house.operator_signer, sub=sub, iat_s=unit.now_ms // 1000)


def _append(unit: Unit, statement: bytes) -> int:
    return unit.log.append([NewEntry(message=cose.parse(statement), content_type=POLICY)])[0]
