"""The statements of plain scans in the store: what differs from one to the next, and none of the words between.

Nearly all of them are the same bytes but for the values (`scans/plain_form.py`), so a row holds the values alone:

| bytes | what |
|---|---|
| 1 | a mark that neither a frame nor any other row begins with (`press.py`) |
| 4 | CRC-32 of the statement |
| 1 | what it is: its algorithm, whether it is of a captured event, whether it names the statement before |
| 32, 32, 64 | the key's thumbprint, the payload, the signature |
| 16, 4 | the UUID of the subject, when it was issued |
| 1 to 5 | its number, as CBOR |
| 0 or 32 | the digest of the statement before |
| the rest | the station |

What would not come out as it went in is pressed over the dictionary, as all of them were before.
"""

import re
import zlib

import zstandard

from custody.kernel import cbor
from custody.scans.cwt_claims import ISSUER_PREFIX
from custody.scans.scan import CAPTURED, CONTENT_TYPE
from custody.store.press import CRC_BYTES, DAMAGED, STATEMENTS, URN, read_uuid, write_uuid

MARK = b"\x09"
ALGORITHMS = b"\x26\x27\x28\x32"
"""Those of station keys, as CBOR writes them; the place of one is what a row holds. None may ever move."""
CAPTURE, HAS_PREV = 0x10, 0x20
"""The bits of what a statement is; those below them are the place of its algorithm."""

_FORM = re.compile(
    rb"\xd2\x84(?:\x58.|\x59..)\xa5\x01([\x26-\x28\x32])\x04\x58\x20(.{32})\x0f[\xa4\xa5]\x01\x78."
    + ISSUER_PREFIX.encode()
    + rb"([\x21-\x7e]{1,100})\x02\x78\x2durn:uuid:([0-9a-f-]{36})\x06\x1a(.{4})"
    rb"\x63seq([\x01-\x17]|\x18.|\x19..|\x1a....)(?:\x64prev\x58\x20(.{32}))?\x19\x01\x02\x2f\x19\x01\x03\x78"
    rb"(?:\x23application/vnd\.weaklink\.scan\+epcis|(\x26application/vnd\.weaklink\.capture\+epcis))"
    rb"\xa0\x58\x20(.{32})\x58\x40(.{64})",
    re.DOTALL,
)
_HELD = re.compile(
    rb"\x09(.{4})(.)(.{32})(.{32})(.{64})(.{16})(.{4})([\x01-\x17]|\x18.|\x19..|\x1a....)(.*)", re.DOTALL
)
_PREV_BYTES = 32


def press_statement(statement: bytes) -> bytes:
    """What a row holds for it."""
    found = _FORM.fullmatch(statement)
    uuid = None if found is None else read_uuid(found[4])
    if found is None or uuid is None:
        return STATEMENTS.press(statement)
    alg, kid, station, _, iat, seq, prev, captured, payload, signature = found.groups()
    kind = ALGORITHMS.index(alg) | (CAPTURE if captured else 0) | (HAS_PREV if prev else 0)
    check = zlib.crc32(statement).to_bytes(CRC_BYTES, "big")
    held = b"".join((MARK, check, bytes((kind,)), kid, payload, signature, uuid, iat, seq, prev or b"", station))
    return held if _write(held) == statement else STATEMENTS.press(statement)


def whole_statement(held: bytes) -> bytes:
    """The statement of what a row holds; raises `zstandard.ZstdError` for what was not pressed here."""
    if not held.startswith(MARK):
        return STATEMENTS.unpress(held)
    statement = _write(held)
    if statement is None or zlib.crc32(statement).to_bytes(CRC_BYTES, "big") != held[1 : 1 + CRC_BYTES]:
        raise zstandard.ZstdError(DAMAGED)
    return statement


def _write(held: bytes) -> bytes | None:
    """The statement with these values; None if they are not all there."""
    found = _HELD.fullmatch(held)
    if found is None:
        return None
    _, (kind,), kid, payload, signature, uuid, iat, seq, rest = found.groups()
    alg = kind & ~(CAPTURE | HAS_PREV)
    prev, station = (rest[:_PREV_BYTES], rest[_PREV_BYTES:]) if kind & HAS_PREV else (b"", rest)
    issuer, media_type = ISSUER_PREFIX.encode() + station, (CAPTURED if kind & CAPTURE else CONTENT_TYPE).encode()
    protected = b"".join(
        (
            b"\xa5\x01" + ALGORITHMS[alg : alg + 1] + b"\x04\x58\x20" + kid,
            b"\x0f\xa5\x01" if prev else b"\x0f\xa4\x01",
            cbor.head(3, len(issuer)) + issuer,
            b"\x02\x78\x2d" + URN + write_uuid(uuid),
            b"\x06\x1a" + iat + b"\x63seq" + seq,
            b"\x64prev\x58\x20" + prev if prev else b"",
            b"\x19\x01\x02\x2f\x19\x01\x03" + cbor.head(3, len(media_type)) + media_type,
        )
    )
    head = b"\xd2\x84" + cbor.head(2, len(protected))
    return b"".join((head, protected, b"\xa0\x58\x20", payload, b"\x58\x40", signature))
