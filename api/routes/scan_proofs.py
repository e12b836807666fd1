"""One scan and what proves it, by its digest: a statement of its own, or its leaf in a batch.

For a scan of a batch three signed things stand one upon the other: the station's receipt (RFC 9942) leads from the leaf
to the root that the batch's statement signs, and the log's receipt holds that statement. What was seen stays with the
trail and the pack.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from sqlmodel import Session

from api.http.openapi import sent_as
from api.parts import Parts, parts_of
from api.receipt_address import receipt_address
from custody.kernel.base64url import b64
from custody.kernel.clock import to_iso
from custody.kernel.errors import NotFound
from custody.scans.scan import SCANS
from custody.store import scan_book
from custody.usecases.open_scans import StoredScan, stored_scans
from custody.usecases.prove_entry import fresh_receipt

router = APIRouter(prefix="/v1/scans", tags=["log"])
P = Annotated[Parts, Depends(parts_of)]
HEX = frozenset("0123456789abcdef")


@router.get("/{digest}")
def scan(digest: str, parts: P) -> dict[str, Any]:
    """A scan's statement and its place in the log; of one in a batch also the leaf and the station's receipt."""
    with parts.house.read() as session:
        stored = _find(session, digest)
    inside, entry = stored.inside, stored.entry.digest
    own = {} if inside is None else {"leaf": b64(inside.leaf.raw), "station_receipt": b64(inside.receipt)}
    return {
        "digest": stored.digest.hex(),
        "index": stored.entry.idx,
        "position": None if inside is None else inside.position,
        "received_at": to_iso(stored.received_ms),
        "statement": b64(stored.entry.raw),
        **own,
        "receipt": receipt_address(entry, None),
        "proof": f"/v1/entries/{entry.hex()}/proof",
        "readable": stored.opening is not None,
    }


@router.get("/{digest}/receipt", response_class=Response, responses={200: sent_as("application/cose")})
def receipt(digest: str, parts: P) -> Response:
    """The station's receipt of a scan in a batch; the log's for a scan with a statement of its own."""
    with parts.house.read() as session:
        stored = _find(session, digest)
        made = (
            fresh_receipt(session, stored.entry, origin=parts.house.origin, signer=parts.keyring.log)
            if stored.inside is None
            else stored.inside.receipt
        )
    return Response(made, media_type="application/cose")


def _find(session: Session, digest: str) -> StoredScan:
    """The scan with this digest, in hex; raises `NotFound`."""
    names = [bytes.fromhex(digest)] if len(digest) == 64 and HEX.issuperset(digest) else []
    places = scan_book.known_names(session, names).values()
    for stored in stored_scans(session, places).values():
        if stored.inside is not None or stored.entry.content_type in SCANS:
            return stored
    raise NotFound(
        "scan", f"no scan has the digest {digest[:64]!r}", fix="Give the digest that the scan was answered with."
    )
