"""The log's standard door: SCITT Reference APIs (SCRAPI, draft-ietf-scitt-scrapi-11).

| request | answers |
|---|---|
| POST /entries, application/cose | 201, a receipt, Location; the same one for a statement registered before |
| the same with `Prefer: respond-async` (RFC 7240) | 202, Location, Retry-After: it is durable, and registered soon |
| GET /entries/{location} | 200, a fresh receipt; 204 while it waits; 404 Not Found or Registration Failed |
| GET /.well-known/scitt-keys | 200, a COSE Key Set, application/cbor |
| GET /.well-known/scitt-keys/{kid} | 200, one COSE_Key; 404 No such key |

The location is an absolute URL as in the draft's examples, the same either way, and lasting. A fresh receipt is
against the newest checkpoint that the public sees, which the witnesses' quorum has cosigned where there are witnesses;
while none of those covers the entry, it is against the head that we alone have signed, and to be asked for again.
Every error is a concise problem document (`http/concise_problems.py`). Whoever posts needs no account, as the
statement's own signature decides; each address may post only so often.
"""

import contextlib
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from api.http.openapi import sent_as
from api.parts import Parts, parts_of, service_address
from api.people.client_network import network_of
from api.people.token_bucket import TokenBuckets
from api.routes.scans import read_body
from custody.kernel import cbor
from custody.kernel.base64url import b64
from custody.kernel.errors import NotFound, Rejected
from custody.kernel.keys import PublicKey
from custody.ledger.statements import read_policy
from custody.scans.tolerances import Tolerances
from custody.store import log_reader, registration_book
from custody.store.policy_book import every_policy
from custody.usecases.prove_entry import fresh_receipt
from custody.usecases.register_later import accept
from custody.usecases.register_statement import register

COSE, CBOR = "application/cose", "application/cbor"
PER_S, BURST = 20.0, 100
Briefly = {"Cache-Control": "public, max-age=1"}
WAIT = {"Retry-After": "1"}
router = APIRouter(tags=["log"])
P = Annotated[Parts, Depends(parts_of)]
_posting = TokenBuckets(per_s=PER_S, burst=BURST)


@router.post(
    "/entries",
    status_code=201,
    response_class=Response,
    responses={201: sent_as(COSE), 202: {"description": "It is durable, and registered soon"}},
    openapi_extra={"requestBody": {"required": True, "content": {COSE: {"schema": {"type": "string"}}}}},
)
async def post_entry(request: Request, parts: P) -> Response:
    """Register a signed statement (COSE_Sign1); the answer is its receipt, or 202 with `Prefer: respond-async`."""
    _posting.take(network_of(request))
    limit = parts.settings.max_body_bytes
    statement = await read_body(request.scope, request.receive, media_type=COSE, limit=limit)
    return await run_in_threadpool(_accept if _later(request) else _register, request, parts, statement)


@router.get(
    "/entries/{location}",
    response_class=Response,
    responses={200: sent_as(COSE), 204: {"description": "It waits for its turn"}},
)
def get_entry(location: str, request: Request, parts: P) -> Response:
    """A fresh receipt of a registered statement; 204 while it waits for its turn."""
    return _find(request, parts, _digest(location))


@router.get("/.well-known/scitt-keys", response_class=Response, responses={200: sent_as(CBOR)})
def scitt_keys(parts: P) -> Response:
    """Every key that signs or ever signed receipts, records or enrolments, as a COSE Key Set."""
    keys = [key.cose_key() for key in _keys(parts).values()]
    return Response(cbor.encode(keys), media_type=CBOR, headers=Briefly)


@router.get("/.well-known/scitt-keys/{kid}", response_class=Response, responses={200: sent_as(CBOR)})
def scitt_key(kid: str, parts: P) -> Response:
    """One key by its unpadded base64url thumbprint."""
    key = _keys(parts).get(kid)
    if key is None:
        raise NotFound("no_such_key", "no key has this thumbprint", fix="GET /.well-known/scitt-keys.")
    return Response(cbor.encode(key.cose_key()), media_type=CBOR, headers=Briefly)


def _register(request: Request, parts: Parts, statement: bytes) -> Response:
    done = register(parts.house, statement, Tolerances())
    return _receipt(request, parts, done.digest, 201)


def _accept(request: Request, parts: Parts, statement: bytes) -> Response:
    digest = accept(parts.house, statement)
    headers = {**_place(request, parts, digest), **WAIT, "Preference-Applied": "respond-async"}
    return Response(status_code=202, headers=headers)


def _receipt(request: Request, parts: Parts, digest: bytes, status: int) -> Response:
    with parts.house.read() as session:
        stored = log_reader.entry_by_digest(session, digest)
        made = fresh_receipt(session, stored, origin=parts.house.origin, signer=parts.keyring.log)
    return Response(made, status, media_type=COSE, headers=_place(request, parts, digest))


def _find(request: Request, parts: Parts, digest: bytes) -> Response:
    with parts.house.read() as session:  # before the log, which it goes to meanwhile
        row = registration_book.of_digest(session, digest)
    with contextlib.suppress(NotFound):
        return _receipt(request, parts, digest, 200)
    if row is None:
        raise NotFound("entry", "no entry has this location", fix="Post the statement, or check the location.")
    if row.state == registration_book.RegistrationState.REFUSED:
        raise NotFound("registration_failed", row.detail, fix="Correct the statement and post it again.")
    return Response(status_code=204, headers={**_place(request, parts, digest), **WAIT})


def _place(request: Request, parts: Parts, digest: bytes) -> dict[str, str]:
    return {"Location": f"{service_address(request, parts)}/entries/{digest.hex()}", "Cache-Control": "no-store"}


def _later(request: Request) -> bool:
    """Whether the client would rather be answered at once (RFC 7240 section 4.1)."""
    preferences = ",".join(request.headers.getlist("prefer")).split(",")
    return any(each.partition(";")[0].strip().lower() == "respond-async" for each in preferences)


def _digest(location: str) -> bytes:
    if len(location) != 64 or not set(location) <= set("0123456789abcdef"):
        raise Rejected("locator", "a location ends in 64 lower-case hex digits", fix="Use the Location you were given")
    return bytes.fromhex(location)


def _keys(parts: Parts) -> dict[str, PublicKey]:
    ring = parts.keyring
    keys = [ring.log.public, ring.operator.public, ring.registrar.public]
    with parts.house.read() as session:
        policies = [read_policy(statement).policy for statement in every_policy(session)]
    for policy in policies:
        keys += [policy.log_key, policy.operator_key, *(registrar.key for registrar in policy.registrars)]
    return {b64(key.kid): key for key in keys}
