"""Verifiers: enrolled and ended by a supervisor with the service's registrar; others use the log's standard door."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from api.act_alerts import tell_of_trust
from api.http.body import Body
from api.parts import Parts, parts_of
from api.people.accounts import Caller
from api.people.auth import role, signed_in
from api.routes.doubt import RevokeIn
from api.routes.stations import tell_key
from custody.kernel.base64url import b64, unb64
from custody.ledger.verifiers import typed_verifier
from custody.store import attestation_book
from custody.usecases.enrol_verifier import enrol_verifier, revoke_verifier

router = APIRouter(prefix="/v1/verifiers", tags=["verifiers"])
P = Annotated[Parts, Depends(parts_of)]


class VerifierIn(Body):
    """A verifier: its name, the PGLN or URN of the firm that runs it, its COSE_Key (CBOR) and its proof of possession.

    Key and proof (COSE_Sign1) are base64url; the proof is over the log's origin, the verifier, its firm and its key.
    """

    verifier: str
    custodian: str
    cose_key: str
    proof: str


@router.post("", status_code=201)
def enrol(body: VerifierIn, parts: P, caller: Annotated[Caller, Depends(role("supervisor"))]) -> dict[str, Any]:
    """Vouch for a verifier: put its key into the log. One that is enrolled already is answered again."""
    info = typed_verifier(body.verifier, body.custodian)
    cose_key, proof = unb64(body.cose_key, where="cose_key"), unb64(body.proof, where="proof")
    with parts.house.unit() as unit:
        done = enrol_verifier(unit, info, cose_key=cose_key, possession=proof, registrar=parts.keyring.registrar)
        tell_of_trust(unit, parts.locks, f"verifier {body.verifier} was enrolled", account=caller.account)
    return {**done.info.facts, "iss": done.info.iss, "kid": b64(done.kid), "index": done.index}


@router.get("")
def listing(parts: P, _caller: Annotated[Caller, Depends(signed_in)]) -> dict[str, Any]:
    """Every verifier's keys."""
    with parts.house.read() as session:
        return {
            "verifiers": [
                {"verifier": row.verifier, "custodian": row.custodian, **tell_key(row)}
                for row in attestation_book.verifiers(session)
            ]
        }


@router.post("/{verifier}/revoke")
def revoke(
    verifier: str, body: RevokeIn, parts: P, caller: Annotated[Caller, Depends(role("supervisor"))]
) -> dict[str, Any]:
    """End every key of a verifier."""
    with parts.house.unit() as unit:
        indexes = revoke_verifier(
            unit,
            verifier,
            reason=body.reason,
            suspect_from=body.doubt_begins(unit.session, now_ms=unit.now_ms),
            registrar=parts.keyring.registrar,
        )
        tell_of_trust(unit, parts.locks, f"verifier {verifier} was revoked", account=caller.account)
    return {"verifier": verifier, "indexes": indexes}
