"""What verifiers attest of the checks of recipients; their signature is the credential, and nobody needs an account.

Each address may post only so often, as at the log's standard door.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from api.http.body import Body
from api.parts import Parts, parts_of
from api.people.client_network import network_of
from api.people.token_bucket import TokenBuckets
from custody.kernel.base64url import unb64
from custody.usecases.take_attestation import take

PER_S, BURST = 20.0, 100
router = APIRouter(tags=["verifiers"])
P = Annotated[Parts, Depends(parts_of)]
_posting = TokenBuckets(per_s=PER_S, burst=BURST)


class AttestationIn(Body):
    """A verifier's statement (COSE_Sign1) and its opening (salt and CBOR), both base64url."""

    statement: str
    opening: str


@router.post("/v1/attestations", status_code=201, responses={200: {"description": "The log holds it already"}})
def attest(body: AttestationIn, request: Request, response: Response, parts: P) -> dict[str, Any]:
    """Attest that the check of the recipient in a scan held, or refute it. A scan that is not known yet is awaited."""
    _posting.take(network_of(request))
    statement, opening = unb64(body.statement, where="statement"), unb64(body.opening, where="opening")
    taken = take(parts.house, statement, opening)
    response.status_code = 201 if taken.fresh else 200
    return {"digest": taken.digest.hex(), "index": taken.index, "scan": taken.scan}
