"""The bytes of a plain scan statement, read at one glance.

`scan.py` says what a statement may be, and reads it part by part. Nearly all of them are the same bytes but for the
values, because there is one deterministic encoding: what matches the pattern here is exactly what would be read the
long way, with the same result. What does not match may be right all the same, and is read the long way.
"""

import re
from collections.abc import Mapping
from typing import Any

from custody.kernel import cose
from custody.kernel.cose import Sign1
from custody.scans.cwt_claims import ISSUER_PREFIX, PREV, SEQ

_NUMBER = rb"[\x01-\x17]|\x18[\x18-\xff]|\x19..|\x1a...."
_TEXT = rb"(?:[\x61-\x77]|\x78[\x18-\xff])"
_FORM = re.compile(
    rb"\xd2\x84(?:\x58([\x18-\xff])|\x59([\x01-\xff].))"  # a tagged array of four; the protected header's length
    rb"(\xa5\x01([\x26-\x28\x32])\x04\x58\x20(.{32})"  # 1 alg, 4 kid
    rb"\x0f([\xa4\xa5])"  # 15 the claims
    rb"\x01(" + _TEXT + rb")" + ISSUER_PREFIX.encode() + rb"([A-Za-z0-9][A-Za-z0-9._:-]{0,99})"  # 1 iss
    rb"\x02(" + _TEXT + rb")([\x20-\x7e]{1,200})"  # 2 sub
    rb"\x06(" + _NUMBER + rb")"  # 6 iat
    rb"\x63seq(" + _NUMBER + rb")"
    rb"(?:\x64prev\x58\x20(.{32}))?"
    rb"\x19\x01\x02\x2f"  # 258 SHA-256
    rb"\x19\x01\x03\x78(?:\x23(application/vnd\.weaklink\.scan\+epcis)"  # 259
    rb"|\x26(application/vnd\.weaklink\.capture\+epcis)))"
    rb"\xa0\x58\x20(.{32})\x58\x40(.{64})",  # nothing unprotected, payload, signature
    re.DOTALL,
)
_ISSUER_LENGTH = len(ISSUER_PREFIX)
_SHORTEST = {1: 0, 2: 24, 3: 1 << 8, 5: 1 << 16}
"""The smallest number that is written in so many bytes."""
_ALGORITHMS = {b"\x26": -7, b"\x27": -8, b"\x28": -9, b"\x32": -19}


def read_plain(raw: bytes) -> Sign1 | None:
    """The message, if it has the form; its labels and claims are right then, but for what `sub` may not spell."""
    found = _FORM.fullmatch(raw)
    if found is None:
        return None
    parts = found.groups()
    short, long, protected_raw, alg, kid, claims_head, iss_head, station, sub_head, subject = parts[:10]
    iat_raw, seq_raw, prev, scan, capture, payload, signature = parts[10:]
    iat_s, seq = _number(iat_raw), _number(seq_raw)
    fits = (
        len(protected_raw) == int.from_bytes(short or long)
        and _text_length(iss_head) == _ISSUER_LENGTH + len(station)
        and _text_length(sub_head) == len(subject)
        and iat_s is not None
        and seq is not None
        and (prev is None) == (claims_head == b"\xa4") == (seq == 1)
    )
    if not fits:
        return None
    claims: dict[int | str, Any] = {
        cose.ISS: ISSUER_PREFIX + station.decode(),
        cose.SUB: subject.decode(),
        cose.IAT: iat_s,
        SEQ: seq,
    }
    if prev is not None:
        claims[PREV] = prev
    protected: Mapping[int, Any] = {
        cose.ALG: _ALGORITHMS[alg],
        cose.KID: kid,
        cose.CWT_CLAIMS: claims,
        cose.PAYLOAD_HASH_ALG: -16,
        cose.PREIMAGE_CONTENT_TYPE: (scan or capture).decode(),
    }
    return Sign1(
        raw=raw,
        protected_raw=protected_raw,
        protected=protected,
        unprotected={},
        payload=payload,
        signature=signature,
        claims=claims,
    )


def _text_length(head: bytes) -> int:
    return head[0] - 0x60 if len(head) == 1 else head[1]


def _number(raw: bytes) -> int | None:
    """The number of an item, if it could not be written shorter."""
    number = raw[0] if len(raw) == 1 else int.from_bytes(raw[1:])
    return number if number >= _SHORTEST[len(raw)] else None
