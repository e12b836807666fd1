"""A scan: one EPCIS event, salted, committed to by a signed statement of a station.

- **Opening**: 32 random bytes of salt, then the event's JSON bytes. It is erasable; without the salt nobody can guess
  the event from the log.
- **Captured opening**: an event that another system made, as it stood in its document. After the salt comes
  deterministic CBOR `[prefixes, event]`: the prefixes that the document declared, without which its event cannot be
  read again, and the event's own bytes.
- **Statement**: COSE_Sign1 in the hash-envelope form (RFC 9995). Protected header: 1 alg, 4 kid (32 bytes, RFC 9679),
  258 = -16 (the payload is a SHA-256), 259 = `application/vnd.weaklink.scan+epcis` or, for a captured event,
  `application/vnd.weaklink.capture+epcis`, 15 the claims (RFC 9597) and nothing else; no label 3 beside 258. Payload:
  SHA-256 of the opening. What stands in the unprotected header is not signed and is dropped: the log entry has an
  empty one.
- **Claims**: 1 iss `urn:weaklink:station:<station>`, 2 sub the shipment's random reference, 6 iat in seconds,
  "seq" counting the station's statements from 1, "prev" the digest of the one before (absent exactly when seq is 1).
  The subject goes into a log that never forgets, so one that spells an SSCC or an IMEI is refused.

`open_scan` does not verify the signature: which keys are valid is written in the log, and that is the caller's to read.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from custody.gs1.event import LIMIT_BYTES, Event
from custody.gs1.parse_event import parse_event
from custody.kernel import cose
from custody.kernel.cose import Sign1
from custody.kernel.errors import Rejected
from custody.kernel.keys import Signer
from custody.scans.content import read_content, write_captured
from custody.scans.cwt_claims import CLAIMS, ISSUER_PREFIX, PREV, SEQ, is_int, read_claims, read_subject
from custody.scans.plain_form import read_plain

CONTENT_TYPE = "application/vnd.weaklink.scan+epcis"
CAPTURED = "application/vnd.weaklink.capture+epcis"
SCANS = (CONTENT_TYPE, CAPTURED)
"""The content types of scans: a station's own event, and one that another system made."""
OPENED = "scan.opened"
"""Kind of the record that says that a scan's opening has come, after its statement: `index` of its entry, `digest`."""
SHA_256 = -16
SALT_BYTES = 32
STATEMENT_LIMIT_BYTES = 4_096
OPENING_LIMIT_BYTES = SALT_BYTES + 2 * LIMIT_BYTES

_LABELS = frozenset({cose.ALG, cose.KID, cose.CWT_CLAIMS, cose.PAYLOAD_HASH_ALG, cose.PREIMAGE_CONTENT_TYPE})


class Scan(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A scan whose statement and opening fit each other; its signature is not verified yet.

    No dataclass, as `Event` is none.
    """

    message: Sign1
    station: str
    subject: str
    seq: int
    prev: bytes | None
    iat_s: int
    opening: bytes
    event: Event

    @property
    def digest(self) -> bytes:
        """The statement's name everywhere: SHA-256 of its Sig_structure."""
        return self.message.digest

    @property
    def link(self) -> bytes:
        """The digest of its statement, which the station's next one names as the one before."""
        return self.message.digest

    @property
    def position(self) -> int | None:
        """Its place in its batch, from 0; None for a scan with a statement of its own."""
        return None

    @property
    def entry(self) -> bytes:
        """The log entry: the statement with an empty unprotected header."""
        return self.message.raw

    @property
    def content_type(self) -> str:
        """What the opening holds: an event of the station's own, or a captured one."""
        return str(self.message.protected[cose.PREIMAGE_CONTENT_TYPE])

    @property
    def salt(self) -> bytes:
        """The 32 bytes that hide the event."""
        return self.opening[:SALT_BYTES]


class ScanStatement(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A scan's statement alone: who made it and its place in the station's sequence, not what was seen."""

    message: Sign1
    station: str
    subject: str
    seq: int
    prev: bytes | None
    iat_s: int


def read_scan_statement(statement: bytes) -> ScanStatement:
    """The statement of a scan whose opening is not at hand; raises `Rejected`. The signature is not verified."""
    if len(statement) > STATEMENT_LIMIT_BYTES:
        raise Rejected(
            "too_large", f"the statement is {len(statement)} bytes long", fix=f"Keep to {STATEMENT_LIMIT_BYTES} bytes."
        )
    plain = read_plain(statement)
    if plain is not None:
        claims = plain.claims
        return ScanStatement(
            message=plain,
            station=claims[cose.ISS].removeprefix(ISSUER_PREFIX),
            subject=read_subject(claims[cose.SUB], _bad),
            seq=claims[SEQ],
            prev=claims.get(PREV),
            iat_s=claims[cose.IAT],
        )
    return read_any_scan_statement(statement)


def read_any_scan_statement(statement: bytes) -> ScanStatement:
    """As `read_scan_statement`, part by part."""
    message = cose.parse(statement)
    if message.unprotected:
        message = message.with_unprotected({})
    _check_header(message)
    claims = read_claims(message.claims, names=CLAIMS, wrong=_bad)
    return ScanStatement(
        message=message,
        station=claims.station,
        subject=claims.subject,
        seq=claims.seq,
        prev=claims.prev,
        iat_s=claims.iat_s,
    )


def open_scan(statement: bytes, opening: bytes) -> Scan:
    """The scan; raises `Rejected`. The caller still has to verify the signature with the key the log holds."""
    if len(opening) > OPENING_LIMIT_BYTES:
        raise Rejected(
            "too_large", f"the opening is {len(opening)} bytes long", fix=f"Keep to {OPENING_LIMIT_BYTES} bytes."
        )
    said = read_scan_statement(statement)
    message = said.message
    if len(opening) <= SALT_BYTES:
        raise Rejected("opening", "the opening holds no event", fix="Send 32 bytes of salt and then the event.")
    if hashlib.sha256(opening).digest() != message.payload:
        raise Rejected("opening", "the opening is not what was signed", fix="Send the opening made with the statement.")
    captured = message.protected[cose.PREIMAGE_CONTENT_TYPE] == CAPTURED
    return Scan(
        message=message,
        station=said.station,
        subject=said.subject,
        seq=said.seq,
        prev=said.prev,
        iat_s=said.iat_s,
        opening=opening,
        event=read_content(opening[SALT_BYTES:], captured=captured),
    )


def make_scan(
    event: bytes, *, station: str, subject: str, seq: int, prev: bytes | None, iat_s: int, salt: bytes, signer: Signer
) -> tuple[bytes, bytes]:
    """Statement and opening of a new scan; raises `Rejected` for anything `open_scan` would refuse."""
    parse_event(event)
    claims = _claims(station, subject, seq=seq, prev=prev, iat_s=iat_s)
    return _sign(claims, event, content_type=CONTENT_TYPE, salt=salt, signer=signer)


def make_capture(
    event: bytes,
    prefixes: Mapping[str, str] | None,
    *,
    station: str,
    subject: str,
    seq: int,
    prev: bytes | None,
    iat_s: int,
    salt: bytes,
    signer: Signer,
) -> tuple[bytes, bytes]:
    """Statement and opening for an event that another system made; raises `Rejected` as `make_scan` does."""
    parse_event(event, prefixes=prefixes, foreign=True)
    content = write_captured(event, prefixes)
    claims = _claims(station, subject, seq=seq, prev=prev, iat_s=iat_s)
    return _sign(claims, content, content_type=CAPTURED, salt=salt, signer=signer)


def _claims(station: str, subject: str, *, seq: int, prev: bytes | None, iat_s: int) -> dict[int | str, Any]:
    claims: dict[int | str, Any] = {cose.ISS: ISSUER_PREFIX + station, cose.SUB: subject, cose.IAT: iat_s, SEQ: seq}
    if prev is not None:
        claims[PREV] = prev
    read_claims(claims, names=CLAIMS, wrong=_bad)
    return claims


def _sign(
    claims: Mapping[int | str, Any], content: bytes, *, content_type: str, salt: bytes, signer: Signer
) -> tuple[bytes, bytes]:
    if len(salt) != SALT_BYTES:
        raise Rejected("opening", f"the salt has {len(salt)} bytes", fix="Give 32 fresh random bytes.")
    opening = salt + content
    header = {cose.CWT_CLAIMS: claims, cose.PAYLOAD_HASH_ALG: SHA_256, cose.PREIMAGE_CONTENT_TYPE: content_type}
    return cose.sign(header, hashlib.sha256(opening).digest(), signer), opening


def _check_header(message: Sign1) -> None:
    header = message.protected
    if cose.CONTENT_TYPE in header:
        raise _bad("label 3 stands beside 258 (RFC 9995 forbids it)")
    if not header.keys() <= _LABELS:
        raise _bad("the protected header holds a label that a scan has not")
    if len(message.kid) != 32:
        raise _bad("kid (label 4) is not the 32-byte key thumbprint of RFC 9679")
    if not is_int(header.get(cose.PAYLOAD_HASH_ALG)) or header[cose.PAYLOAD_HASH_ALG] != SHA_256:
        raise _bad("label 258 is not -16 (SHA-256)")
    if header.get(cose.PREIMAGE_CONTENT_TYPE) not in SCANS:
        raise _bad(f"label 259 is neither {CONTENT_TYPE} nor {CAPTURED}")
    if message.payload is None or len(message.payload) != 32:
        raise _bad("the payload is not a 32-byte digest")


def _bad(why: str) -> Rejected:
    return Rejected("scan", f"not a scan statement: {why}", fix="Build it with `weaklink scan` or by the format page.")
