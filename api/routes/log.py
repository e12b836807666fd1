"""The log as tiles (C2SP tlog-tiles), and its entries with receipts and proofs; scrapi.py is its SCITT door.

Tiles and entry bundles never change once a checkpoint covers them, so caches may keep them for ever; a checkpoint may
be kept for a second. Bundles are packed for whoever takes gzip, as tlog-tiles would have it; hashes would not become
shorter. Nobody needs an account to read the log.
"""

import gzip
import re
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from sqlmodel import Session

from api.http.openapi import sent_as
from api.parts import Parts, parts_of
from custody.kernel import cbor, cose
from custody.kernel.base64url import b64
from custody.kernel.clock import to_iso
from custody.kernel.errors import NotFound, Rejected, Unavailable
from custody.kernel.keys import PublicKey
from custody.ledger.note import text_key
from custody.ledger.tiles import ENTRIES, parse_path
from custody.scans.place import index_of
from custody.store import log_reader, scan_book, witness_book
from custody.store.log_target import CHECKPOINT_FORM, TILE_FORM, Form
from custody.usecases.cosign import parties
from custody.usecases.prove_entry import fresh_receipt, proof_file

router = APIRouter(tags=["log"])
P = Annotated[Parts, Depends(parts_of)]
PACKING = 1
"""How hard gzip tries: a bundle of 256 scans becomes .44 of its length at every step, and this is the quickest."""
_GZIP = re.compile(r"(?:^|,)\s*gzip\s*(?:;\s*q\s*=\s*(?!0(?:\.0*)?\s*(?:,|$))[0-9.]+\s*)?(?=,|$)", re.IGNORECASE)
"""gzip among the encodings that are taken, unless with a weight of 0."""


@router.get("/v1/log")
def describe(parts: P) -> dict[str, Any]:
    """The log's name, keys and newest checkpoint."""
    with parts.house.read() as session:
        head, cosigned = log_reader.head(session), witness_book.newest(session)
        signers = parties(session, parts.witnesses.policy) if parts.witnesses else ()
        witnesses = parts.witnesses.states(session, now_ms=parts.clock.now_ms()) if parts.witnesses else []
    return {
        "origin": parts.house.origin,
        "vkey": text_key(parts.house.origin, parts.keyring.log.public).vkey(),
        "size": head.size,
        "root": b64(head.root),
        "signed_at": to_iso(head.signed_ms),
        "checkpoint": head.note.decode(),
        "sizes": {"accepted": head.size, "logged": head.size, "witnessed": cosigned.size if cosigned else 0},
        "cosigned": cosigned.note.decode() if cosigned else None,
        "parties": [{"party": each.party, "at": each.at} for each in signers],
        "witnesses": witnesses,
        "tiles": "/log",
        "keys": {purpose: _key(key) for purpose, key in _public_keys(parts).items()},
    }


@router.get("/log/checkpoint", response_class=Response, responses={200: sent_as(CHECKPOINT_FORM.media_type)})
def checkpoint(parts: P) -> Response:
    """The newest signed checkpoint (C2SP tlog-checkpoint); with witnesses, the newest that their quorum cosigned."""
    with parts.house.read() as session:
        note = log_reader.head(session).note if parts.witnesses is None else _cosigned(session)
    return _file(note, CHECKPOINT_FORM)


@router.get("/log/tile/{path:path}", response_class=Response, responses={200: sent_as(TILE_FORM.media_type)})
def tile(path: str, request: Request, parts: P) -> Response:
    """A tile or an entry bundle (C2SP tlog-tiles); what is no path of one is absent, as it is in a folder of files."""
    try:
        wanted = parse_path(f"tile/{path}")
    except Rejected as error:
        raise NotFound("tile", error.detail, fix=error.fix) from error
    with parts.house.read() as session:
        read = log_reader.bundle if wanted.level == ENTRIES else log_reader.tile
        content = read(session, wanted)
    return _packed(content, request) if wanted.level == ENTRIES else _file(content, TILE_FORM)


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
        "opening_missing": _commits(stored) and stored.opening is None and stored.erased_ms is None,
    }


@router.get("/v1/entries/{name}/receipt", response_class=Response, responses={200: sent_as("application/cose")})
def receipt(name: str, parts: P) -> Response:
    """A fresh COSE receipt (RFC 9942) against the newest checkpoint."""
    stored = find_entry(parts, name)
    with parts.house.read() as session:
        made = fresh_receipt(session, stored, origin=parts.house.origin, signer=parts.keyring.log)
    return Response(made, media_type="application/cose")


@router.get("/v1/entries/{name}/proof", response_class=Response, responses={200: sent_as("text/plain")})
def proof(name: str, parts: P) -> Response:
    """A `.tlog-proof` file (C2SP tlog-proof) against the newest checkpoint, cosigned if witnesses cosigned one."""
    stored = find_entry(parts, name)
    with parts.house.read() as session:
        content = proof_file(session, stored)
    return Response(content, media_type="text/plain; charset=utf-8")


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
        place = scan_book.known_names(session, [digest]).get(digest)
        return (
            log_reader.entry_by_digest(session, digest) if place is None else log_reader.entry(session, index_of(place))
        )


def _file(content: bytes, form: Form) -> Response:
    return Response(content, media_type=form.media_type, headers={"Cache-Control": form.cache_control})


def _packed(content: bytes, request: Request) -> Response:
    """A bundle, packed if the client takes gzip (RFC 9110 section 12.5.3)."""
    takes = _GZIP.search(",".join(request.headers.getlist("accept-encoding"))) is not None
    answer = _file(gzip.compress(content, PACKING, mtime=0) if takes else content, TILE_FORM)
    answer.headers["Vary"] = "Accept-Encoding"
    if takes:
        answer.headers["Content-Encoding"] = "gzip"
    return answer


def _commits(stored: log_reader.StoredEntry) -> bool:
    """Whether the entry is a digest of something kept apart (RFC 9995)."""
    return cose.PAYLOAD_HASH_ALG in cose.parse(stored.raw).protected


def _cosigned(session: Session) -> bytes:
    row = witness_book.newest(session)
    if row is None:
        raise Unavailable("no_quorum", "no checkpoint has its quorum of witnesses yet", fix="Ask again in a moment.")
    return row.note


def _public_keys(parts: Parts) -> dict[str, PublicKey]:
    ring = parts.keyring
    return {"log": ring.log.public, "operator": ring.operator.public, "registrar": ring.registrar.public}


def _key(key: PublicKey) -> str:
    return b64(cbor.encode(key.cose_key()))
