"""Records: what the operator writes into the log about disputes, locks and erasures, without personal data in the log.

A record is a COSE_Sign1 in the hash-envelope form (RFC 9995): its payload is SHA-256(opening), and the opening is 32
random bytes of salt followed by the content, a deterministic CBOR map with a text `kind`. The salt keeps the digest
from being guessed; whoever deletes the opening leaves a digest that nobody can link to anything.

Protected header: {1: alg, 4: kid, 15: {1: iss, 2: sub, 6: iat}, 258: -16 (SHA-256), 259: content type}.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from custody.kernel import cbor, cose
from custody.kernel.errors import Rejected
from custody.kernel.keys import Signer
from custody.ledger.statements import check_claims, check_subjects

CONTENT_TYPE = "application/vnd.weaklink.record+cbor"
SHA_256 = -16
SALT_BYTES = 32

_LABELS = frozenset({cose.ALG, cose.KID, cose.CWT_CLAIMS, cose.PAYLOAD_HASH_ALG, cose.PREIMAGE_CONTENT_TYPE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """An opened record. The digest is checked; the signature is not, because its key comes from the registry."""

    message: cose.Sign1
    kind: str
    fields: Mapping[str, Any]
    salt: bytes


def make_record(
    fields: Mapping[str, Any], *, salt: bytes, signer: Signer, iss: str, sub: str, iat_s: int
) -> tuple[cose.Sign1, bytes]:
    """The statement for the log and the opening for the erasable store."""
    if len(salt) != SALT_BYTES:
        raise _malformed("the salt is not 32 bytes")
    content = cbor.encode(dict(fields))
    _read_content(content)
    opening = salt + content
    protected = {
        cose.CWT_CLAIMS: {cose.ISS: iss, cose.SUB: sub, cose.IAT: iat_s},
        cose.PAYLOAD_HASH_ALG: SHA_256,
        cose.PREIMAGE_CONTENT_TYPE: CONTENT_TYPE,
    }
    statement = cose.sign_entry(protected, hashlib.sha256(opening).digest(), signer)
    check_claims(statement)
    check_subjects(statement)
    return statement, opening


def read_record(statement: bytes) -> cose.Sign1:
    """The statement of a record whose opening is not at hand; raises `Rejected`."""
    return read_envelope(statement, CONTENT_TYPE, _malformed)


def read_envelope(statement: bytes, content_type: str, malformed: Callable[[str], Rejected]) -> cose.Sign1:
    """A statement in the hash-envelope form over content of that type; raises what `malformed` makes of the reason."""
    message = cose.parse(statement)
    # 1. The envelope: exactly these labels, nothing unprotected, a SHA-256 digest as payload.
    if set(message.protected) != _LABELS or message.unprotected:
        raise malformed("the headers hold other labels than 1, 4, 15, 258, 259")
    if message.protected[cose.PAYLOAD_HASH_ALG] != SHA_256 or message.payload is None or len(message.payload) != 32:
        raise malformed("the payload is not a SHA-256 digest")
    if message.protected[cose.PREIMAGE_CONTENT_TYPE] != content_type:
        raise malformed("the content is of another type")
    # 2. Issuer, subject and time of issue.
    check_claims(message)
    return message


def open_record(statement: bytes, opening: bytes) -> Record:
    """The record; raises `Rejected` unless the opening is the one that the statement commits to."""
    # 1. and 2. The statement's form.
    message = read_record(statement)
    # 3. The opening is the one committed to.
    if hashlib.sha256(opening).digest() != message.payload:
        raise Rejected(
            "opening", "the opening is not the one that was signed", fix="Fetch the opening of this statement."
        )
    # 4. Salt, and a map with a kind.
    kind, fields = _read_content(opening[SALT_BYTES:])
    return Record(message=message, kind=kind, fields=fields, salt=opening[:SALT_BYTES])


def _read_content(content: bytes) -> tuple[str, Mapping[str, Any]]:
    """Its kind, and all its fields; raises `Rejected`."""
    fields = cbor.decode(content)
    if not isinstance(fields, dict) or not all(isinstance(name, str) for name in fields):
        raise _malformed("the content is not a map with text keys")
    kind = fields.get("kind")
    if not isinstance(kind, str) or not kind:
        raise _malformed("the content has no kind")
    return kind, fields


def _malformed(why: str) -> Rejected:
    return Rejected("record", f"not a record: {why}", fix="Make it with `make_record`.")
