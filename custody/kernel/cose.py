"""COSE_Sign1 (RFC 9052 section 4.2), by hand.

Layout: tag 18 over [protected bstr, unprotected map, payload bstr or nil, signature bstr]. The signed bytes are
`Sig_structure = ["Signature1", protected, external, payload]` with the protected header exactly as received: nothing is
encoded again to verify it. What is signed here has no external data (`h''`); whoever verifies a message of others that
has some supplies them (RFC 9052 section 4.4). The whole message must be deterministic CBOR, but for the order of the
keys and the length of floats in the headers: not all libraries sort and shorten (RFC 9052 section 9 does not ask for
it). The protected header is signed as it stands, and what is kept of a message has none of the unprotected one.

Whoever reads names the labels that it understands. A message that says of another one, or of one that it does not have,
that it must be understood (`crit`, section 3.1) is refused. What lands in the log calls no label critical.

The **digest** of a message is the SHA-256 of its Sig_structure. It names the statement whatever its unprotected
header holds. It does not cover the signature, so both twins of an ECDSA signature have it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import cbor2

from custody.kernel import cbor
from custody.kernel.errors import Rejected
from custody.kernel.keys import ALGORITHMS, PublicKey, Signer

ALG = 1
CRIT = 2
CONTENT_TYPE = 3
KID = 4
CWT_CLAIMS = 15
VDS = 395
VDP = 396
PAYLOAD_HASH_ALG = 258
PREIMAGE_CONTENT_TYPE = 259
RECEIPTS = 394

ISS = 1
SUB = 2
IAT = 6

PRE_RFC_LABELS = frozenset({-111, -222, 391, 392, 393})
SIGN1_TAG = 18


@dataclass(frozen=True, kw_only=True)
class Sign1:
    """A parsed COSE_Sign1 beside the bytes it came from; `payload` is None when detached."""

    raw: bytes
    protected_raw: bytes
    protected: Mapping[Any, Any]
    unprotected: Mapping[Any, Any]
    payload: bytes | None
    signature: bytes
    claims: Mapping[Any, Any] = field(default_factory=dict)

    @property
    def alg(self) -> int:
        """The algorithm, with fully specified twins mapped to the numbers we emit."""
        return ALGORITHMS[self.protected[ALG]]

    @property
    def kid(self) -> bytes:
        """The key's thumbprint; empty if the header names none."""
        kid = self.protected.get(KID, b"")
        return kid if isinstance(kid, bytes) else b""

    def signed_bytes(self, detached: bytes | None = None, *, external: bytes = b"") -> bytes:
        """The Sig_structure; `detached` supplies the payload when the message carries none."""
        if self.payload is not None and not external:
            return self._signed
        payload = detached if self.payload is None else self.payload
        if payload is None:
            raise Rejected("payload", "the payload is detached and was not supplied", fix="Supply the payload.")
        return sig_structure(self.protected_raw, payload, external=external)

    @cached_property
    def _signed(self) -> bytes:
        return sig_structure(self.protected_raw, self.payload or b"")

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of the Sig_structure of a message with attached payload."""
        return hashlib.sha256(self.signed_bytes()).digest()

    def verify(self, key: PublicKey, *, detached: bytes | None = None, external: bytes = b"") -> None:
        """Return if `key` signed this and the header names no other; raises `Rejected("signature")` if not."""
        if self.kid and self.kid != key.kid:
            raise Rejected("signature", "the header names another key", fix="Sign with the key that kid names.")
        self.verify_by(key, detached=detached, external=external)

    def verify_by(self, key: PublicKey, *, detached: bytes | None = None, external: bytes = b"") -> None:
        """Return if `key` signed this, whatever key the header names; raises `Rejected("signature")` if not."""
        if self.alg != key.alg:
            raise Rejected("signature", "the header's algorithm is not the key's", fix="Sign with the enrolled key.")
        key.verify(self.signature, self.signed_bytes(detached, external=external))

    def with_unprotected(self, unprotected: Mapping[Any, Any]) -> "Sign1":
        """The same message with another unprotected header; {} makes it a log entry."""
        return parse(_assemble(self.protected_raw, unprotected, self.payload, self.signature))


def sign(
    protected: Mapping[Any, Any],
    payload: bytes,
    signer: Signer,
    *,
    detached: bool = False,
    unprotected: Mapping[Any, Any] | None = None,
) -> bytes:
    """A COSE_Sign1 message. `alg` and `kid` are filled in from the signer."""
    protected_raw = cbor.encode(_header(protected, signer))
    signature = signer.sign(sig_structure(protected_raw, payload))
    return _assemble(protected_raw, unprotected or {}, None if detached else payload, signature)


def sign_entry(protected: Mapping[Any, Any], payload: bytes, signer: Signer) -> Sign1:
    """The same with attached payload and an empty unprotected header, as `parse` would give it without reading it."""
    header = _header(protected, signer)
    protected_raw = cbor.encode(header)
    signature = signer.sign(sig_structure(protected_raw, payload))
    _check_labels(header, {})
    return Sign1(
        raw=_assemble(protected_raw, {}, payload, signature),
        protected_raw=protected_raw,
        protected=header,
        unprotected={},
        payload=payload,
        signature=signature,
        claims=header.get(CWT_CLAIMS, {}),
    )


def _header(protected: Mapping[Any, Any], signer: Signer) -> dict[Any, Any]:
    return {ALG: signer.public.alg, KID: signer.public.kid, **protected}


def parse(raw: bytes, *, understood: frozenset[int] = frozenset()) -> Sign1:
    """The message in `raw`; raises `Rejected("cbor")` or `Rejected("cose")`. Nothing is verified yet.

    `understood` are the labels that the message may call critical.
    """
    value = cbor.decode(raw, strict=False)
    if not isinstance(value, cbor2.CBORTag) or value.tag != SIGN1_TAG:
        raise _malformed("it is not tagged 18")
    parts = value.value
    if not isinstance(parts, list) or len(parts) != 4:
        raise _malformed("it is not an array of four")
    protected_raw, unprotected, payload, signature = parts
    if not isinstance(protected_raw, bytes) or not isinstance(signature, bytes):
        raise _malformed("protected header and signature must be byte strings")
    if not isinstance(unprotected, dict) or not (payload is None or isinstance(payload, bytes)):
        raise _malformed("the unprotected header must be a map and the payload a byte string or nil")
    protected = cbor.decode(protected_raw, strict=False)
    if not isinstance(protected, dict):
        raise _malformed("the protected header must be a map")
    _check_labels(protected, unprotected)
    _check_critical(protected, understood)
    claims = protected.get(CWT_CLAIMS, {})
    if not isinstance(claims, dict) or not _are_labels(claims):
        raise _malformed("label 15 must hold a map of claims (RFC 9597)")
    return Sign1(
        raw=raw,
        protected_raw=protected_raw,
        protected=protected,
        unprotected=unprotected,
        payload=payload,
        signature=signature,
        claims=claims,
    )


def sig_structure(protected_raw: bytes, payload: bytes, *, external: bytes = b"") -> bytes:
    """The bytes that are signed (RFC 9052 section 4.4)."""
    return b"\x84\x6aSignature1" + _bstr(protected_raw) + _bstr(external) + _bstr(payload)


def _bstr(value: bytes) -> bytes:
    return cbor.head(2, len(value)) + value


def _assemble(protected_raw: bytes, unprotected: Mapping[Any, Any], payload: bytes | None, signature: bytes) -> bytes:
    return cbor.encode(cbor2.CBORTag(SIGN1_TAG, [protected_raw, dict(unprotected), payload, signature]))


def _check_labels(protected: Mapping[Any, Any], unprotected: Mapping[Any, Any]) -> None:
    if not _are_labels(protected) or not _are_labels(unprotected):
        raise _malformed("a label is neither a number nor a text")
    if type(protected.get(ALG)) is not int or protected[ALG] not in ALGORITHMS:
        raise _malformed(f"algorithm {protected.get(ALG)!r} is not one of -8, -7, -19, -9")
    if unprotected and not protected.keys().isdisjoint(unprotected):
        raise _malformed("a label stands in both headers")
    if not PRE_RFC_LABELS.isdisjoint(protected) or not PRE_RFC_LABELS.isdisjoint(unprotected):
        raise _malformed("a label from before RFC 9942 is used")


def _check_critical(protected: Mapping[Any, Any], understood: frozenset[int]) -> None:
    if CRIT not in protected:
        return
    critical = protected[CRIT]
    if not isinstance(critical, list) or not critical:
        raise _malformed("label 2 does not list what is critical")
    for label in critical:
        if type(label) not in {int, str} or label not in protected or label not in understood:
            raise _malformed(f"the critical label {label!r} is missing or not understood here")


def _are_labels(header: Mapping[Any, Any]) -> bool:
    """Whether all keys are ints or texts. True and 1.0 equal 1 in Python, but they are not the label 1."""
    return all(type(label) in {int, str} for label in header)


def _malformed(why: str) -> Rejected:
    return Rejected("cose", f"not a COSE_Sign1 message we take: {why}", fix="Build it by RFC 9052 section 4.2.")
