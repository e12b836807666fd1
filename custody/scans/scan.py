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
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from custody.gs1.event import LIMIT_BYTES, Event, parse_event
from custody.kernel import cbor, cose
from custody.kernel.cose import Sign1
from custody.kernel.errors import Rejected
from custody.kernel.keys import Signer

ISSUER_PREFIX = "urn:weaklink:station:"
CONTENT_TYPE = "application/vnd.weaklink.scan+epcis"
CAPTURED = "application/vnd.weaklink.capture+epcis"
SCANS = (CONTENT_TYPE, CAPTURED)
"""The content types of scans: a station's own event, and one that another system made."""
SHA_256 = -16
SALT_BYTES = 32
STATEMENT_LIMIT_BYTES = 4_096
OPENING_LIMIT_BYTES = SALT_BYTES + 2 * LIMIT_BYTES
SEQ, PREV = "seq", "prev"

_LABELS = frozenset({cose.ALG, cose.KID, cose.CWT_CLAIMS, cose.PAYLOAD_HASH_ALG, cose.PREIMAGE_CONTENT_TYPE})
_CLAIMS = frozenset({cose.ISS, cose.SUB, cose.IAT, SEQ, PREV})
_STATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")
_SUBJECT_LIMIT = 200
_TELLS_TOO_MUCH = re.compile(r"\d{14}|gsma:imei", re.IGNORECASE)
_SEQ_LIMIT = 2**63
_IAT_LIMIT_S = 253_402_300_800  # the year 10000


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """A scan whose statement and opening fit each other; its signature is not verified yet."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanStatement:
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
    message = cose.parse(statement)
    if message.unprotected:
        message = message.with_unprotected({})
    _check_header(message)
    station, subject, iat_s, seq, prev = _read_claims(message.claims)
    return ScanStatement(message=message, station=station, subject=subject, seq=seq, prev=prev, iat_s=iat_s)


def open_scan(statement: bytes, opening: bytes) -> Scan:
    """The scan; raises `Rejected`. The caller still has to verify the signature with the key the log holds."""
    if len(statement) > STATEMENT_LIMIT_BYTES or len(opening) > OPENING_LIMIT_BYTES:
        raise Rejected(
            "too_large",
            f"statement {len(statement)} and opening {len(opening)} bytes are too long",
            fix=f"Keep to {STATEMENT_LIMIT_BYTES} and {OPENING_LIMIT_BYTES} bytes.",
        )
    message = cose.parse(statement)
    if message.unprotected:
        message = message.with_unprotected({})
    _check_header(message)
    station, subject, iat_s, seq, prev = _read_claims(message.claims)
    if len(opening) <= SALT_BYTES:
        raise Rejected("opening", "the opening holds no event", fix="Send 32 bytes of salt and then the event.")
    if hashlib.sha256(opening).digest() != message.payload:
        raise Rejected("opening", "the opening is not what was signed", fix="Send the opening made with the statement.")
    event = _read_content(message, opening[SALT_BYTES:])
    return Scan(
        message=message,
        station=station,
        subject=subject,
        seq=seq,
        prev=prev,
        iat_s=iat_s,
        opening=opening,
        event=event,
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
    content = cbor.encode([None if prefixes is None else dict(prefixes), event])
    claims = _claims(station, subject, seq=seq, prev=prev, iat_s=iat_s)
    return _sign(claims, content, content_type=CAPTURED, salt=salt, signer=signer)


def _claims(station: str, subject: str, *, seq: int, prev: bytes | None, iat_s: int) -> dict[int | str, Any]:
    claims: dict[int | str, Any] = {cose.ISS: ISSUER_PREFIX + station, cose.SUB: subject, cose.IAT: iat_s, SEQ: seq}
    if prev is not None:
        claims[PREV] = prev
    _read_claims(claims)
    return claims


def _sign(
    claims: Mapping[int | str, Any], content: bytes, *, content_type: str, salt: bytes, signer: Signer
) -> tuple[bytes, bytes]:
    if len(salt) != SALT_BYTES:
        raise Rejected("opening", f"the salt has {len(salt)} bytes", fix="Give 32 fresh random bytes.")
    opening = salt + content
    header = {cose.CWT_CLAIMS: claims, cose.PAYLOAD_HASH_ALG: SHA_256, cose.PREIMAGE_CONTENT_TYPE: content_type}
    return cose.sign(header, hashlib.sha256(opening).digest(), signer), opening


def _read_content(message: Sign1, content: bytes) -> Event:
    if message.protected[cose.PREIMAGE_CONTENT_TYPE] == CONTENT_TYPE:
        return parse_event(content)
    pair = cbor.decode(content)
    if not isinstance(pair, list) or len(pair) != 2 or not isinstance(pair[1], bytes):
        raise Rejected("opening", "a captured opening is not [prefixes, event]", fix="Make it with `weaklink capture`.")
    prefixes, event = pair
    named = isinstance(prefixes, dict) and all(isinstance(part, str) for pair in prefixes.items() for part in pair)
    if prefixes is not None and not named:
        raise Rejected("opening", "the prefixes are not a map of texts", fix="Make it with `weaklink capture`.")
    return parse_event(event, prefixes=prefixes, foreign=True)


def _check_header(message: Sign1) -> None:
    header = message.protected
    if cose.CONTENT_TYPE in header:
        raise _bad("label 3 stands beside 258 (RFC 9995 forbids it)")
    if not header.keys() <= _LABELS:
        raise _bad("the protected header holds a label that a scan has not")
    if len(message.kid) != 32:
        raise _bad("kid (label 4) is not the 32-byte key thumbprint of RFC 9679")
    if not _is_int(header.get(cose.PAYLOAD_HASH_ALG)) or header[cose.PAYLOAD_HASH_ALG] != SHA_256:
        raise _bad("label 258 is not -16 (SHA-256)")
    if header.get(cose.PREIMAGE_CONTENT_TYPE) not in SCANS:
        raise _bad(f"label 259 is neither {CONTENT_TYPE} nor {CAPTURED}")
    if message.payload is None or len(message.payload) != 32:
        raise _bad("the payload is not a 32-byte digest")


def _read_claims(claims: Mapping[Any, Any]) -> tuple[str, str, int, int, bytes | None]:
    if not claims.keys() <= _CLAIMS:
        raise _bad("the claims hold one that a scan has not")
    station = _read_station(claims.get(cose.ISS))
    subject = _read_subject(claims.get(cose.SUB))
    iat_s, seq, prev = claims.get(cose.IAT), claims.get(SEQ), claims.get(PREV)
    if not _is_int(iat_s) or not 0 <= iat_s < _IAT_LIMIT_S:
        raise _bad("iat (claim 6) is not a whole number of seconds")
    if not _is_int(seq) or not 1 <= seq < _SEQ_LIMIT:
        raise _bad("seq is not a whole number from 1 on")
    if (PREV in claims) != (seq > 1) or (seq > 1 and prev is None):
        raise _bad("prev must stand in every statement but the station's first")
    if prev is not None and (not isinstance(prev, bytes) or len(prev) != 32):
        raise _bad("prev is not a 32-byte digest")
    return station, subject, iat_s, seq, prev


def _read_station(issuer: Any) -> str:
    if not isinstance(issuer, str) or not issuer.startswith(ISSUER_PREFIX):
        raise _bad(f"iss (claim 1) does not start with {ISSUER_PREFIX}")
    station = issuer.removeprefix(ISSUER_PREFIX)
    if _STATION.fullmatch(station) is None:
        raise _bad("the station's name is not 1 to 100 letters, digits, dots, colons, dashes or underscores")
    return station


def _read_subject(subject: Any) -> str:
    if not isinstance(subject, str) or not 0 < len(subject) <= _SUBJECT_LIMIT or not subject.isprintable():
        raise _bad(f"sub (claim 2) is not a printable text of 1 to {_SUBJECT_LIMIT} characters")
    if _TELLS_TOO_MUCH.search(subject):
        raise _bad("sub (claim 2) spells a number of 14 digits or an IMEI; use the shipment's random reference")
    return subject


def _is_int(value: Any) -> TypeGuard[int]:
    return type(value) is int


def _bad(why: str) -> Rejected:
    return Rejected("scan", f"not a scan statement: {why}", fix="Build it with `weaklink scan` or by the format page.")
