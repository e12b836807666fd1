"""The claims that every statement of a station makes (RFC 9597): who, about what, when, and where in its chain.

1 iss `urn:weaklink:station:<station>`, 2 sub a random reference, 6 iat in seconds, "seq" the number that the statement
takes in the station's sequence (the first of its numbers, if it takes several), "prev" the digest of the station's
statement before (absent exactly when seq is 1). A subject goes where nothing is ever forgotten, so one that spells an
SSCC or an IMEI is refused.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from custody.kernel import cose
from custody.kernel.errors import Rejected

ISSUER_PREFIX = "urn:weaklink:station:"
SEQ, PREV = "seq", "prev"
CLAIMS: frozenset[int | str] = frozenset({cose.ISS, cose.SUB, cose.IAT, SEQ, PREV})
SEQ_LIMIT = 2**63

_STATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")
_REFERENCE = re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
"""What most subjects are; all that is asked of a subject holds of it."""
_SUBJECT_LIMIT = 200
_TELLS_TOO_MUCH = re.compile(r"\d{14}|gsma:imei", re.IGNORECASE)
_IAT_LIMIT_S = 253_402_300_800  # the year 10000

Wrong = Callable[[str], Rejected]
"""Makes the error of the statement that is being read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a station's statement says of itself."""

    station: str
    subject: str
    iat_s: int
    seq: int
    prev: bytes | None


def read_claims(claims: Mapping[Any, Any], *, names: frozenset[int | str], wrong: Wrong) -> Claims:
    """The claims of a statement that has `names` and no others."""
    if not claims.keys() <= names or not all(isinstance(name, str) or is_int(name) for name in claims):
        raise wrong("the claims hold one that it has not")
    iat_s, seq, prev = claims.get(cose.IAT), claims.get(SEQ), claims.get(PREV)
    if not is_int(iat_s) or not 0 <= iat_s < _IAT_LIMIT_S:
        raise wrong("iat (claim 6) is not a whole number of seconds")
    if not is_int(seq) or not 1 <= seq < SEQ_LIMIT:
        raise wrong("seq is not a whole number from 1 on")
    if (PREV in claims) != (seq > 1) or (seq > 1 and prev is None):
        raise wrong("prev must stand in every statement but the station's first")
    if prev is not None and (not isinstance(prev, bytes) or len(prev) != 32):
        raise wrong("prev is not a 32-byte digest")
    station, subject = read_station(claims.get(cose.ISS), wrong), read_subject(claims.get(cose.SUB), wrong)
    return Claims(station=station, subject=subject, iat_s=iat_s, seq=seq, prev=prev)


def read_station(issuer: Any, wrong: Wrong) -> str:
    """The station that issues."""
    if not isinstance(issuer, str) or not issuer.startswith(ISSUER_PREFIX):
        raise wrong(f"iss (claim 1) does not start with {ISSUER_PREFIX}")
    station = issuer.removeprefix(ISSUER_PREFIX)
    if _STATION.fullmatch(station) is None:
        raise wrong("the station's name is not 1 to 100 letters, digits, dots, colons, dashes or underscores")
    return station


def read_subject(subject: Any, wrong: Wrong) -> str:
    """The random reference."""
    if isinstance(subject, str) and _REFERENCE.fullmatch(subject) is not None:
        return subject
    if not isinstance(subject, str) or not 0 < len(subject) <= _SUBJECT_LIMIT or not subject.isprintable():
        raise wrong(f"sub (claim 2) is not a printable text of 1 to {_SUBJECT_LIMIT} characters")
    if _TELLS_TOO_MUCH.search(subject):
        raise wrong("sub (claim 2) spells a number of 14 digits or an IMEI; use the shipment's random reference")
    return subject


def is_int(value: Any) -> TypeGuard[int]:
    """Whether it is a number and not True or False, which equal 1 and 0 in Python."""
    return isinstance(value, int) and not isinstance(value, bool)
