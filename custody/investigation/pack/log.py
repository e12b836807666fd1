"""The log behind a pack and the policies in it: log.json, keys/, policy.json - all derived from the entries.

- `replay` folds the pack's policy and key entries, in order, into a registry; entries that are not in the pack are not
  needed for it, but a revocation that was left out cannot be seen here either.
- log.json: the log's name, vkey and the head that all proofs lead to, and the COSE_Keys of log, operator and registrars
  as the newest policy in the pack names them. keys/*.pem: the same keys, and those of the stations and verifiers, for
  other people's tools.
- policy.json: `log` has every policy of the log in the pack with its rules; `casework` the version that the case was
  opened under with all its rows, or no rows if that version is not held any more.
"""

from collections.abc import Iterable
from typing import Any

from custody.disputes.policy import CaseworkPolicy, read_policy
from custody.investigation.pack.entries import PackEntry
from custody.investigation.pack.json_form import plain, write_json
from custody.kernel import cbor
from custody.kernel.base64url import b64
from custody.kernel.errors import Rejected, Trouble
from custody.kernel.keys import PublicKey
from custody.ledger.checkpoint import parse_checkpoint
from custody.ledger.note import parse_note, text_key
from custody.ledger.policy import Policy
from custody.ledger.registry import KINDS, Registry, fold

LOG, POLICY, NOTE = "log.json", "policy.json", "checkpoint.note"


def replay(entries: Iterable[PackEntry]) -> Registry:
    """Who could say what, by the policy and key entries of a pack."""
    registry = Registry()
    for entry in sorted(entries, key=lambda one: one.index):
        if entry.content_type in KINDS:
            registry = fold(registry, entry.index, entry.raw)
    return registry


def newest(registry: Registry) -> Policy:
    """The newest policy in a pack; raises `Rejected("pack_log")` if there is none from entry 0 on."""
    if not registry.policies or registry.policies[0].index != 0:
        raise Rejected("pack_log", "the pack does not hold the log's first policy", fix="Ask for the pack again.")
    return registry.policies[-1].policy


def write_log(registry: Registry, note: bytes) -> dict[str, bytes]:
    """log.json and the keys in PEM."""
    policy = newest(registry)
    head = parse_checkpoint(parse_note(note).text)
    named = {"log": policy.log_key, "operator": policy.operator_key}
    named |= {f"registrar-{row.name}": row.key for row in policy.registrars}
    value = {
        "origin": policy.origin,
        "vkey": text_key(policy.origin, policy.log_key).vkey(),
        "checkpoint": {"size": head.size, "root": head.root.hex()},
        "keys": {name: _key(key) for name, key in named.items()},
    }
    for row in registry.keys.values():
        named[f"station-{row.info.station}-{row.key.kid.hex()[:8]}"] = row.key
    for verifier in registry.verifiers.values():
        named[f"verifier-{verifier.info.verifier}-{verifier.key.kid.hex()[:8]}"] = verifier.key
    pems = {f"keys/{name}.pem": key.pem().encode() for name, key in named.items()}
    return pems | {LOG: write_json(value)}


def write_policy(registry: Registry, casework: dict[str, Any]) -> dict[str, bytes]:
    """policy.json."""
    log = [
        {
            "index": row.index,
            "digest": row.digest.hex(),
            "version": row.policy.version,
            "registrars": [{"name": one.name, "kid": one.key.kid.hex()} for one in row.policy.registrars],
            "threshold": row.policy.threshold,
            "witnesses": dict(row.policy.witnesses),
            "rules": plain(dict(row.policy.rules)),
        }
        for row in registry.policies
    ]
    return {POLICY: write_json({"log": log, "casework": casework})}


def casework_rows(pinned: str, policies: Iterable[CaseworkPolicy]) -> dict[str, Any]:
    """The casework policy that a case pinned, with all its rows if one of `policies` is it."""
    for policy in policies:
        if policy.pinned == pinned:
            whole = cbor.decode(policy.encoded)
            return {"version": pinned, "rules": whole["rules"], "overrides": whole["overrides"]}
    return {"version": pinned, "rules": None, "overrides": None}


def check_casework(value: Any, pinned: str) -> bool | None:
    """Whether the rows are those of the version that the case pinned; None if there are no rows to look at."""
    if not isinstance(value, dict) or set(value) != {"version", "rules", "overrides"} or value["version"] != pinned:
        return False
    if value["rules"] is None and value["overrides"] is None:
        return None
    rows = {"kind": "policy", "rules": value["rules"], "overrides": value["overrides"]}
    try:
        return read_policy(cbor.encode(rows)).pinned == pinned
    except (Trouble, TypeError, KeyError, AttributeError):
        return False


def _key(key: PublicKey) -> dict[str, str]:
    return {"kid": key.kid.hex(), "cose_key": b64(cbor.encode(key.cose_key()))}
