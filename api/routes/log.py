"""The log's two public faces: C2SP tlog-tiles, and SCITT keys and receipts.

Tiles and entry bundles never change once a checkpoint covers them, so caches may keep them for ever; a checkpoint may
be kept for a second. Nobody needs an account to read the log.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from api.encoding import b64
from api.parts import Parts, parts_of
from custody.kernel import cbor
from custody.kernel.clock import to_iso
from custody.kernel.errors import NotFound, Rejected
from custody.kernel.keys import PublicKey
from custody.ledger.note import text_key
from custody.ledger.proof import make_proof
from custody.ledger.receipt import make_receipt
from custody.ledger.tiles import ENTRIES, parse_path
from custody.store import log_reader

router = APIRouter(tags=["log"])
ForEver = {"Cache-Control": "public, max-age=31536000, immutable"}
Briefly = {"Cache-Control": "public, max-age=1"}
P = Annotated[Parts, Depends(parts_of)]


@router.get("/v1/log")
def describe(parts: P) -> dict[str, Any]:
    """The log's name, keys and newest checkpoint."""
    with parts.house.read() as session:
        head = log_reader.head(session)
    return {
        "origin": parts.house.origin,
        "vkey": text_key(parts.house.origin, parts.keyring.log.public).vkey(),
        "size": head.size,
        "root": b64(head.root),
        "signed_at": to_iso(head.signed_ms),
        "checkpoint": head.note.decode(),
        "tiles": "/log",
        "keys": {purpose: _key(key) for purpose, key in _public_keys(parts).items()},
    }


@router.get("/log/checkpoint")
def checkpoint(parts: P) -> Response:
    """The newest signed checkpoint (C2SP tlog-checkpoint)."""
    with parts.house.read() as session:
        note = log_reader.head(session).note
    return Response(note, media_type="text/plain; charset=utf-8", headers=Briefly)


@router.get("/log/tile/{path:path}")
def tile(path: str, parts: P) -> Response:
    """A tile or an entry bundle (C2SP tlog-tiles)."""
    wanted = parse_path(f"tile/{path}")
    with parts.house.read() as session:
        read = log_reader.bundle if wanted.level == ENTRIES else log_reader.tile
        content = read(session, wanted)
    return Response(content, media_type="application/octet-stream", headers=ForEver)


@router.get("/.well-known/scitt-keys")
def scitt_keys(parts: P) -> Response:
    """The keys that sign receipts and records, as a COSE Key Set."""
    keys = [key.cose_key() for key in _public_keys(parts).values()]
    return Response(cbor.encode(keys), media_type="application/cbor", headers=Briefly)


@router.get("/.well-known/scitt-keys/{kid}")
def scitt_key(kid: str, parts: P) -> Response:
    """One key by its unpadded base64url thumbprint."""
    for key in _public_keys(parts).values():
        if b64(key.kid) == kid:
            return Response(cbor.encode(key.cose_key()), media_type="application/cbor", headers=Briefly)
    raise NotFound("no_such_key", "No such key", fix="GET /.well-known/scitt-keys lists all keys.")


@router.get("/v1/entries/{name}")
def entry(name: str, parts: P) -> dict[str, Any]:
    """An entry by index or hex digest. Openings of personal content are left to the trail and the pack."""
    stored = find_entry(parts, name)
    return {
        "index": stored.idx,
        "digest": stored.digest.hex(),
        "content_type": stored.content_type,
        "received_at": to_iso(stored.received_ms),
        "statement": b64(stored.raw),
        "erased": stored.erased_ms is not None,
    }


@router.get("/v1/entries/{name}/receipt")
def receipt(name: str, parts: P) -> Response:
    """A fresh COSE receipt (RFC 9942) against the newest checkpoint."""
    stored = find_entry(parts, name)
    with parts.house.read() as session:
        head = log_reader.head(session)
        path = log_reader.prove_inclusion(session, stored.idx, head.size)
    made = make_receipt(
        size=head.size,
        index=stored.idx,
        path=path,
        root=head.root,
        signer=parts.keyring.log,
        iss=f"urn:weaklink:operator:{parts.house.origin}",
        sub=f"urn:weaklink:entry:{stored.digest.hex()}",
        iat_s=head.signed_ms // 1000,
    )
    return Response(made, media_type="application/cose")


@router.get("/v1/entries/{name}/proof")
def proof(name: str, parts: P) -> Response:
    """A `.tlog-proof` file (C2SP tlog-proof) against the newest checkpoint."""
    stored = find_entry(parts, name)
    with parts.house.read() as session:
        head = log_reader.head(session)
        path = log_reader.prove_inclusion(session, stored.idx, head.size)
    return Response(make_proof(index=stored.idx, path=path, note=head.note), media_type="text/plain; charset=utf-8")


@router.get("/v1/log/consistency")
def consistency(old: int, size: int, parts: P) -> dict[str, Any]:
    """The proof that the log of `old` entries is a prefix of that of `size` (RFC 9162 section 2.1.4)."""
    with parts.house.read() as session:
        if not 0 < old <= size <= log_reader.head(session).size:
            raise Rejected(
                "size", f"there is no proof from {old} to {size}", fix="Give 0 < old <= size <= the log's size."
            )
        path = log_reader.prove_consistency(session, old, size)
    return {"old": old, "size": size, "path": [b64(node) for node in path]}


def find_entry(parts: Parts, name: str) -> log_reader.StoredEntry:
    """The entry of an index or a hex digest; raises `NotFound` or `Rejected`."""
    with parts.house.read() as session:
        if name.isascii() and name.isdigit() and len(name) < 19:
            return log_reader.entry(session, int(name))
        try:
            digest = bytes.fromhex(name)
        except ValueError as error:
            raise Rejected(
                "entry", f"{name!r} is neither index nor digest", fix="Give decimal digits or 64 hex digits."
            ) from error
        return log_reader.entry_by_digest(session, digest)


def _public_keys(parts: Parts) -> dict[str, PublicKey]:
    ring = parts.keyring
    return {"log": ring.log.public, "operator": ring.operator.public, "registrar": ring.registrar.public}


def _key(key: PublicKey) -> str:
    return b64(cbor.encode(key.cose_key()))
