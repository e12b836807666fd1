"""The leaf of one scan in a batch: what the batch commits to, and what its opening commits to in turn.

Deterministic CBOR `[iss, sub, seq, content type, SHA-256(opening)]`: the station as an issuer, the shipment's random
reference, the number that the scan takes in the station's sequence, what a plain scan's label 259 says, and the digest
of the opening (32 bytes of salt and then the content, as in `scan.py`). The opening is erasable. The leaf stays; it
says nothing of the event, and without the salt nobody can guess what it commits to.

The **digest** of the leaf is its hash in the batch's tree, SHA-256(0x00 || leaf), and names the scan. Station and
number in it make it nobody else's, and it is known as soon as the scan is made, before the batch is closed.
"""

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from custody.gs1.parse_event import parse_event
from custody.kernel import cbor
from custody.kernel.errors import Rejected
from custody.kernel.merkle import HASH_BYTES, leaf_hash
from custody.scans.content import write_captured
from custody.scans.cwt_claims import ISSUER_PREFIX, SEQ_LIMIT, is_int, read_station, read_subject
from custody.scans.scan import CAPTURED, CONTENT_TYPE, SALT_BYTES, SCANS

LEAF_LIMIT_BYTES = 1_024

_START, _DIGEST = b"\x85", b"\x58\x20"  # an array of five; a byte string of 32 (RFC 8949 section 3.1)


class Leaf(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One scan as its batch commits to it; `commitment` is the SHA-256 of the opening, `digest` the scan's name.

    No dataclass, as `Event` is none: one is made of every scan.
    """

    raw: bytes
    digest: bytes
    station: str
    subject: str
    seq: int
    content_type: str
    commitment: bytes


def make_leaf(event: bytes, *, station: str, subject: str, seq: int, salt: bytes) -> tuple[Leaf, bytes]:
    """Leaf and opening of a station's own event; raises `Rejected` for anything that would not be taken."""
    parse_event(event)
    return _make(event, CONTENT_TYPE, station=station, subject=subject, seq=seq, salt=salt)


def make_captured_leaf(
    event: bytes, prefixes: Mapping[str, str] | None, *, station: str, subject: str, seq: int, salt: bytes
) -> tuple[Leaf, bytes]:
    """Leaf and opening of an event that another system made; raises `Rejected` as `make_leaf` does."""
    parse_event(event, prefixes=prefixes, foreign=True)
    content = write_captured(event, prefixes)
    return _make(content, CAPTURED, station=station, subject=subject, seq=seq, salt=salt)


def name_leaf(*, station: str, subject: Any, seq: Any, content_type: Any, commitment: bytes) -> Leaf:
    """The leaf of these members; raises `Rejected`."""
    read_subject(subject, wrong_leaf)
    if not is_int(seq) or not 1 <= seq < SEQ_LIMIT:
        raise wrong_leaf("its number is not a whole number from 1 on")
    if not isinstance(content_type, str) or content_type not in SCANS:
        raise wrong_leaf(f"its content type is neither {CONTENT_TYPE} nor {CAPTURED}")
    if len(commitment) != HASH_BYTES:
        raise wrong_leaf("the digest of its opening is not 32 bytes")
    issuer, kind = _issuer(station), _kind(content_type)
    raw = b"".join((_START, issuer, cbor.encode(subject), cbor.whole(seq), kind, _DIGEST, commitment))
    return Leaf(
        raw=raw,
        digest=leaf_hash(raw),
        station=station,
        subject=subject,
        seq=seq,
        content_type=content_type,
        commitment=commitment,
    )


def read_leaf(raw: bytes) -> Leaf:
    """The leaf; raises `Rejected`. Nothing says yet that a batch holds it."""
    if len(raw) > LEAF_LIMIT_BYTES:
        raise Rejected("too_large", f"the leaf is {len(raw)} bytes long", fix=f"Keep to {LEAF_LIMIT_BYTES} bytes.")
    members = cbor.decode(raw)
    if not isinstance(members, list) or len(members) != 5:
        raise wrong_leaf("it is not [iss, sub, seq, content type, digest of the opening]")
    issuer, subject, seq, content_type, commitment = members
    if not isinstance(commitment, bytes):
        raise wrong_leaf("the digest of its opening is not 32 bytes")
    return name_leaf(
        station=read_station(issuer, wrong_leaf),
        subject=subject,
        seq=seq,
        content_type=content_type,
        commitment=commitment,
    )


@lru_cache(maxsize=256)
def _issuer(station: str) -> bytes:
    """What many leaves share, as CBOR writes it."""
    return cbor.encode(ISSUER_PREFIX + station)


@lru_cache(maxsize=len(SCANS))
def _kind(content_type: str) -> bytes:
    return cbor.encode(content_type)


def _make(
    content: bytes, content_type: str, *, station: str, subject: str, seq: int, salt: bytes
) -> tuple[Leaf, bytes]:
    if len(salt) != SALT_BYTES:
        raise Rejected("opening", f"the salt has {len(salt)} bytes", fix="Give 32 fresh random bytes.")
    read_station(ISSUER_PREFIX + station, wrong_leaf)
    opening = salt + content
    commitment = hashlib.sha256(opening).digest()
    leaf = name_leaf(station=station, subject=subject, seq=seq, content_type=content_type, commitment=commitment)
    return leaf, opening


def wrong_leaf(why: str) -> Rejected:
    """The error for what is no leaf."""
    return Rejected("leaf", f"not the leaf of a scan: {why}", fix="Make it with `make_leaf`, or send it unchanged.")
