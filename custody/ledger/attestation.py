"""Attestations: a verifier's signed word on one check of a recipient that a scan records, held or refuted.

A COSE_Sign1 in the hash-envelope form (RFC 9995), as a record is (`record.py`): the payload is SHA-256(opening), and
the opening is 32 random bytes of salt followed by the deterministic CBOR map {`scan`: the digest of the scan, `check`:
the kind of check by the word of the scan (`wl:method`), `outcome`: held or refuted, `at_ms`: when it was verified}. Who
follows the log alone learns of no parcel whether its PIN was right; whoever deletes the opening leaves a bare digest.

Protected header: {1: alg, 4: kid, 15: {1: iss, 2: sub, 6: iat}, 258: -16 (SHA-256), 259: content type}.
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from custody.kernel import cbor, cose
from custody.kernel.clock import Instant
from custody.kernel.errors import Rejected
from custody.kernel.keys import Signer
from custody.ledger.fields import Fields, take
from custody.ledger.record import SALT_BYTES, SHA_256, read_envelope
from custody.ledger.statements import check_subjects
from custody.ledger.verifiers import VERIFIER_ISS

ATTESTATION = "application/vnd.weaklink.attestation+cbor"
MOST_BYTES = 1_024
"""No opening is longer: it holds a digest and three small things."""

_LONGEST_CHECK = 60
_NAMES = frozenset({"scan", "check", "outcome", "at_ms"})


class AttestedOutcome(StrEnum):
    """What the verifier says of the check."""

    HELD = "held"
    REFUTED = "refuted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestation:
    """An opened attestation. The digest is checked; the signature is not, because its key comes from the registry."""

    message: cose.Sign1
    verifier: str
    scan: bytes
    check: str
    outcome: AttestedOutcome
    at_ms: Instant


def make_attestation(
    verifier: str,
    *,
    scan: bytes,
    check: str,
    outcome: AttestedOutcome,
    at_ms: Instant,
    salt: bytes,
    signer: Signer,
    sub: str,
    iat_s: int,
) -> tuple[bytes, bytes]:
    """The statement and its opening; raises `Rejected` if they could not be read back."""
    content = {"scan": scan, "check": check, "outcome": str(outcome), "at_ms": at_ms}
    opening = salt + cbor.encode(content)
    protected = {
        cose.CWT_CLAIMS: {cose.ISS: f"{VERIFIER_ISS}{verifier}", cose.SUB: sub, cose.IAT: iat_s},
        cose.PAYLOAD_HASH_ALG: SHA_256,
        cose.PREIMAGE_CONTENT_TYPE: ATTESTATION,
    }
    raw = cose.sign_entry(protected, hashlib.sha256(opening).digest(), signer).raw
    check_subjects(open_attestation(raw, opening).message)
    return raw, opening


def read_attestation(statement: bytes) -> cose.Sign1:
    """The statement of an attestation whose opening is not at hand; raises `Rejected`."""
    message = read_envelope(statement, ATTESTATION, _malformed)
    if not message.claims[cose.ISS].startswith(VERIFIER_ISS):
        raise _malformed("the issuer is no verifier")
    return message


def open_attestation(statement: bytes, opening: bytes) -> Attestation:
    """The attestation; raises `Rejected` unless the opening is the one that the statement commits to."""
    # 1. The statement's form.
    message = read_attestation(statement)
    # 2. The opening is the one committed to.
    if len(opening) > MOST_BYTES or hashlib.sha256(opening).digest() != message.payload:
        raise Rejected(
            "opening", "the opening is not the one that was signed", fix="Send the opening of this statement."
        )
    # 3. Salt, and exactly what an attestation says.
    fields = take(cbor.decode(opening[SALT_BYTES:]), code="attestation", names=_NAMES)
    return Attestation(
        message=message,
        verifier=str(message.claims[cose.ISS]).removeprefix(VERIFIER_ISS),
        scan=fields.octets("scan", length=32),
        check=fields.text("check", longest=_LONGEST_CHECK),
        outcome=_outcome(fields),
        at_ms=fields.number("at_ms"),
    )


def _outcome(fields: Fields) -> AttestedOutcome:
    try:
        return AttestedOutcome(fields.text("outcome"))
    except ValueError as error:
        raise fields.wrong("outcome", f"it must be one of {', '.join(AttestedOutcome)}") from error


def _malformed(why: str) -> Rejected:
    return Rejected("attestation", f"not an attestation: {why}", fix="Make it with `weaklink verifier attest`.")
