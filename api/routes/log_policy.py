"""The log's policy: whom it trusts, and how registrars change that together (`custody.usecases.change_trust`).

A supervisor drafts and enacts; what makes a change valid is the registrars' approvals, which each makes with the own
key, outside this service (`weaklink registrar approve`). By which edition of its rules the judge judges is no matter of
trust: a supervisor says so, and the operator signs.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field

from api.http.body import Body
from api.parts import Parts, parts_of
from api.people.accounts import Caller
from api.people.auth import role
from custody.kernel import cbor
from custody.kernel.base64url import b64, unb64
from custody.kernel.errors import Rejected
from custody.kernel.keys import read_cose_key
from custody.ledger.policy import MAX_REGISTRARS, Policy, Registrar, read_policy_map
from custody.ledger.registry import PolicyInForce
from custody.scans.edition import edition_of
from custody.usecases import change_trust
from custody.usecases.open_log import judge_by

router = APIRouter(prefix="/v1/log/policy", tags=["log"])
P = Annotated[Parts, Depends(parts_of)]
Supervisor = Annotated[Caller, Depends(role("supervisor"))]


class RegistrarIn(Body):
    """A registrar: a name and a COSE_Key (CBOR, base64url)."""

    name: str = Field(max_length=64)
    cose_key: str = Field(max_length=1000)


class DraftIn(Body):
    """What shall change: all registrars as they shall be, how many must approve, witness policies by purpose."""

    registrars: list[RegistrarIn] | None = Field(default=None, max_length=MAX_REGISTRARS)
    threshold: int | None = Field(default=None, ge=1)
    witnesses: dict[str, str] | None = None


class EnactIn(Body):
    """A drafted policy and the registrars' approvals, each a COSE_Sign1 with detached payload; base64url."""

    policy: str = Field(max_length=400_000)
    approvals: list[str] = Field(max_length=MAX_REGISTRARS)


class EditionIn(Body):
    """An edition of the judge's rules."""

    edition: int = Field(ge=1, le=1000)


@router.get("")
def read(parts: P) -> dict[str, Any]:
    """The policy in force and those before it."""
    with parts.house.read() as session:
        policies = change_trust.in_force(session)
    return {**_describe(policies[-1]), "before": [_describe(row) for row in policies[:-1]]}


@router.post("/draft")
def draft(body: DraftIn, parts: P, _caller: Supervisor) -> dict[str, Any]:
    """The bytes that registrars approve; nothing is stored."""
    registrars = None if body.registrars is None else [_registrar(row) for row in body.registrars]
    with parts.house.read() as session:
        raw = change_trust.draft(session, registrars=registrars, threshold=body.threshold, witnesses=body.witnesses)
        before = change_trust.in_force(session)[-1].policy
    after = read_policy_map(raw)
    return {
        "policy": b64(raw),
        "version": after.version,
        "approvals_needed": before.threshold,
        "by": [row.name for row in before.registrars],
        "changes": change_trust.changes(before, after),
    }


@router.post("", status_code=201)
def enact(body: EnactIn, parts: P, _caller: Supervisor) -> dict[str, Any]:
    """Put a drafted policy in force with the approvals that the policy before it demands."""
    approvals = [unb64(text, where=f"approvals[{place}]") for place, text in enumerate(body.approvals)]
    with parts.house.unit() as unit:
        index = change_trust.enact(parts.house, unit, unb64(body.policy, where="policy"), approvals)
    return {"index": index, **_trust(read_policy_map(unb64(body.policy, where="policy")))}


@router.post("/edition")
def edition(body: EditionIn, parts: P, _caller: Supervisor) -> dict[str, Any]:
    """Have scans judged by a later edition of the judge's rules from now on; `index` is null if they are already."""
    with parts.house.unit() as unit:
        index = judge_by(parts.house, unit, body.edition)
    return {"edition": body.edition, "index": index}


def _registrar(row: RegistrarIn) -> Registrar:
    try:
        key = read_cose_key(cbor.decode(unb64(row.cose_key, where="cose_key")))
    except Rejected as wrong:
        what = f"the key of the registrar {row.name}: {wrong.detail}"
        raise Rejected(wrong.code, what, fix="Give what `weaklink registrar keygen` printed as cose_key.") from wrong
    return Registrar(name=row.name, key=key)


def _describe(row: PolicyInForce) -> dict[str, Any]:
    edition = int(edition_of(row.policy.rules))
    return {"index": row.index, "digest": row.digest.hex(), "edition": edition, **_trust(row.policy)}


def _trust(policy: Policy) -> dict[str, Any]:
    return {
        "version": policy.version,
        "registrars": [
            {"name": row.name, "kid": b64(row.key.kid), "cose_key": b64(cbor.encode(row.key.cose_key()))}
            for row in policy.registrars
        ],
        "threshold": policy.threshold,
        "witnesses": dict(policy.witnesses),
    }
