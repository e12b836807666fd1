"""The lock systems beside our own agent: what they know of handsets, what they tell us, and the IMEI list.

Staff use their session. NanoMDM has no account: the HMAC of its events is its credential. Whoever runs an equipment
register has none either: `eir_token`, as a bearer token.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from api.http.body import Body
from api.http.openapi import sent_as
from api.lock_views import order_view, part_view, reference_view
from api.parts import Parts, parts_of
from api.people.accounts import Caller
from api.people.auth import BEARER, by_token, role, signed_in_lately
from custody.kernel import cbor
from custody.kernel.base64url import b64
from custody.kernel.errors import Forbidden, NotFound, Rejected
from devicelock import part_store, store
from devicelock.backends import agent
from devicelock.backends.eir import EirBackend
from devicelock.backends.nanomdm import NanoMdmBackend
from devicelock.backends.nanomdm_event import HEADER, MAX_BYTES
from devicelock.usecases.give_reference import confirm_reference, give_reference
from devicelock.usecases.hear_backends import take_event
from devicelock.usecases.settle_parts import settle_by_word
from devicelock.usecases.show_parts import show

router = APIRouter(prefix="/v1", tags=["other lock systems"])
P = Annotated[Parts, Depends(parts_of)]
Staff = Annotated[Caller, Depends(role("agent", "supervisor", "investigator"))]
Supervisor = Annotated[Caller, Depends(role("supervisor"))]
Decider = Annotated[Caller, Depends(role("supervisor", "investigator"))]
SHOWN = 200
FIELDS = (
    "shows_contact",
    "way_out",
    "offline_lock",
    "offline_unlock",
    "user_can_leave",
    "survives_reset",
    "holds_without_passcode",
    "holds_before_setup",
    "blocks_network_only",
    "command_life_s",
    "unverified",
)


def operator(request: Request, parts: P, _bearer: Annotated[object, Depends(BEARER)]) -> None:
    """Let in whoever runs an equipment register, by the token of the settings, and supervisors by their session."""
    refused = Forbidden("role", "the list is for its operators and for supervisors", fix="Use the token of the list.")
    by_token(request, parts, parts.settings.eir_token, refused=refused)


Operator = Depends(operator)


class ReferenceIn(Body):
    """By which name a back-end knows the handset."""

    handset: str = Field(min_length=1, max_length=300)


class WhyIn(Body):
    """What was seen, and by whom."""

    why: str = Field(max_length=500)


class LoadedIn(Body):
    """The number of the newest delta that a register has loaded."""

    seq: int = Field(ge=0)


@router.put("/devices/{device}/backends/{backend}")
def refer(device: str, backend: str, body: ReferenceIn, parts: P, caller: Supervisor) -> dict[str, Any]:
    """Propose the name by which a back-end knows a registered handset; it carries locks once it is confirmed."""
    with parts.house.unit() as unit:
        row = give_reference(
            unit, store.device(unit.session, device), backend=backend, handset=body.handset, account=caller.account
        )
        return reference_view(row)


@router.post("/devices/{device}/backends/{backend}/confirm")
def confirm(device: str, backend: str, body: ReferenceIn, parts: P, caller: Decider) -> dict[str, Any]:
    """Confirm a proposed name, typed again, as somebody who did not give it; locks go there too from then on."""
    signed_in_lately(parts, caller, parts.settings.lock_sign_in_minutes)
    with parts.house.unit() as unit:
        row = confirm_reference(
            unit,
            parts.locks,
            store.device(unit.session, device),
            backend=backend,
            handset=body.handset,
            account=caller.account,
        )
        return reference_view(row)


@router.post("/locks/{order}/backends/{backend}/free")
def settle(order: str, backend: str, body: WhyIn, parts: P, caller: Supervisor) -> dict[str, Any]:
    """Say that the handset was seen free where a back-end cannot say so any more; only of a lock that is released."""
    with parts.house.unit() as unit:
        row = settle_by_word(unit, parts.locks, name=order, backend=backend, actor=caller.account, why=body.why)
        return order_view(unit.session, row)


@router.get("/backends")
def listing(parts: P, _caller: Staff) -> dict[str, Any]:
    """Our agent and the back-ends that are on, what each can keep, and every part not over yet, the newest first.

    `references`: names of handsets that wait for a second person, the newest first.
    """
    with parts.house.read() as session:
        rows = part_store.parts_unfinished(session, limit=SHOWN)
        proposed = [reference_view(row) for row in part_store.references_proposed(session, limit=SHOWN)]
        waiting = [{"order": row.order, "device": row.device, **part_view(show(row, parts.locks))} for row in rows]
    able = {agent.NAME: agent.CAPABILITIES, **parts.locks.backends}
    on = {name: {field: getattr(can, field) for field in FIELDS} for name, can in able.items()}
    return {"on": on, "parts": waiting, "references": proposed}


@router.post("/backends/nanomdm/events", include_in_schema=False)
async def hear(request: Request, parts: P) -> dict[str, bool]:
    """Take in an event of NanoMDM, by the HMAC over the very bytes that came."""
    backend = parts.backends.nanomdm
    if backend is None:
        raise NotFound("backend", "NanoMDM is not switched on here", fix="Set WEAKLINK_NANOMDM_ADDRESS.")
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > MAX_BYTES:
            raise Rejected("too_large", f"the event is larger than {MAX_BYTES} bytes", fix="Send events alone.")
    return await run_in_threadpool(_hear, parts, backend, bytes(raw), request.headers.get(HEADER))


@router.get("/eir/lists", dependencies=[Operator])
def lists(parts: P) -> dict[str, Any]:
    """The names of all files of the IMEI list, the key that signs them, and how far the register has loaded them."""
    folder = _eir(parts).folder
    folder.refresh()
    key = b64(cbor.encode(folder.key.cose_key()))
    return {"newest": folder.seq, "loaded": folder.imported, "key": key, "files": folder.names()}


@router.get(
    "/eir/lists/{name}",
    dependencies=[Operator],
    response_class=Response,
    responses={200: sent_as("text/csv", "application/cose")},
)
def list_file(name: str, parts: P) -> Response:
    """One file of the list, as its bytes were signed. With `.cose` behind its name: its signature."""
    raw, signature = _eir(parts).folder.read(name.removesuffix(".cose"))
    signed = name.endswith(".cose")
    return Response(signature if signed else raw, media_type="application/cose" if signed else "text/csv")


@router.post("/eir/lists", dependencies=[Operator])
def publish_whole(parts: P) -> dict[str, Any]:
    """Publish the whole list now, unless the newest whole list says the same."""
    made = _eir(parts).publish_full()
    return {"name": made.name, "seq": made.seq}


@router.post("/eir/loaded", dependencies=[Operator])
def loaded(body: LoadedIn, parts: P) -> dict[str, Any]:
    """The register's word that it has loaded every delta up to this number: only that shows a handset on its list.

    A lower number than before, after a restore at the register, has what is missing delivered again.
    """
    backend = _eir(parts)
    backend.imported(body.seq)
    with parts.house.unit() as unit:
        part_store.hurry(unit.session, "eir", now_ms=unit.now_ms)  # held before the head of the log (`hold_locks.py`)
        unit.record("eir.loaded", {"seq": body.seq})
    return {"loaded": backend.folder.imported}


def _eir(parts: Parts) -> EirBackend:
    if parts.backends.eir is None:
        raise NotFound("backend", "the IMEI list is not switched on here", fix="Set WEAKLINK_EIR_FOLDER.")
    return parts.backends.eir


def _hear(parts: Parts, backend: NanoMdmBackend, raw: bytes, signature: str | None) -> dict[str, bool]:
    event = backend.open(raw, signature)
    with parts.house.unit() as unit:
        return {"taken": take_event(unit, raw, event)}
