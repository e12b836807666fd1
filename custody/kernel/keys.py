"""Keys that sign statements: Ed25519 and P-256, as COSE_Key (RFC 9052 section 7, RFC 9053).

- Algorithm numbers: we emit -8 (EdDSA with Ed25519) and -7 (ES256); -19 and -9, their fully specified twins
  (RFC 9864), are accepted on input.
- `kid` is the COSE key thumbprint (RFC 9679): SHA-256 over the deterministic CBOR of the required members.
- Weak Ed25519 keys (small order, mixed order, non-canonical) are refused when a key is read, because under
  such a key one signature can fit many messages.
- An ES256 signature is r || s, 64 bytes. Ours have s in the low half; others' may have any s from 1 to n - 1 (RFC 9053
  section 2.1), so (r, n - s) is a twin of (r, s), and nothing is named or counted by its signature.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import nacl.bindings
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from custody.kernel import cbor
from custody.kernel.errors import Rejected

EDDSA = -8
ES256 = -7
ED25519_TWIN = -19
ESP256_TWIN = -9
ALGORITHMS = {EDDSA: EDDSA, ED25519_TWIN: EDDSA, ES256: ES256, ESP256_TWIN: ES256}

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
SIGNATURE_BYTES = 64


class Signer(Protocol):
    """Holds a private key and signs with it; a file, a token or a remote module."""

    @property
    def public(self) -> "PublicKey":
        """The public half."""
        ...

    def sign(self, message: bytes) -> bytes:
        """A raw 64-byte signature."""
        ...


@dataclass(frozen=True, kw_only=True)
class PublicKey:
    """A public key that passed the weak-key checks. `x` is 32 bytes; `y` too, or empty for Ed25519."""

    alg: int
    x: bytes
    y: bytes = b""

    @cached_property
    def kid(self) -> bytes:
        """The 32-byte COSE key thumbprint (RFC 9679)."""
        return hashlib.sha256(cbor.encode(self._required())).digest()

    def cose_key(self) -> dict[int, Any]:
        """The COSE_Key map with kid and alg."""
        return {**self._required(), 2: self.kid, 3: self.alg}

    def pem(self) -> str:
        """SubjectPublicKeyInfo in PEM, for other people's verifiers."""
        pem = serialization.PublicFormat.SubjectPublicKeyInfo
        return self._handle.public_bytes(serialization.Encoding.PEM, pem).decode()

    def verify(self, signature: bytes, message: bytes) -> None:
        """Return if the signature is right; raises `Rejected("signature")` if not."""
        if len(signature) != SIGNATURE_BYTES:
            raise _bad_signature("it is not 64 bytes long")
        if self.alg == EDDSA:
            try:
                nacl.bindings.crypto_sign_open(signature + message, self.x)
            except Exception as error:
                raise _bad_signature("the key did not make it over these bytes") from error
            return
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        handle = self._handle
        if not isinstance(handle, ec.EllipticCurvePublicKey):
            raise _bad_signature("the key is of another kind")
        try:
            handle.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature as error:
            raise _bad_signature("the key did not make it over these bytes") from error

    @cached_property
    def _handle(self) -> ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey:
        if self.alg == EDDSA:
            return ed25519.Ed25519PublicKey.from_public_bytes(self.x)
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + self.x + self.y)

    def _required(self) -> dict[int, Any]:
        if self.alg == EDDSA:
            return {1: 1, -1: 6, -2: self.x}
        return {1: 2, -1: 1, -2: self.x, -3: self.y}


def read_cose_key(value: Any) -> PublicKey:
    """The key in a decoded COSE_Key map; raises `Rejected("key")` for unknown kinds and weak keys."""
    if not isinstance(value, dict):
        raise Rejected("key", "a COSE_Key is a map", fix="Send the map of RFC 9052 section 7.")
    kty, curve, x, y = value.get(1), value.get(-1), value.get(-2), value.get(-3, b"")
    if -4 in value:
        raise Rejected("key", "the map holds a private key", fix="Send the public half only and replace the pair.")
    if not isinstance(x, bytes) or len(x) != 32:
        raise Rejected("key", "x is not 32 bytes", fix="Send the raw coordinate.")
    if (kty, curve) == (1, 6):
        key = PublicKey(alg=EDDSA, x=x)
    elif (kty, curve) == (2, 1):
        if not isinstance(y, bytes) or len(y) != 32:
            raise Rejected("key", "y is not 32 bytes", fix="Send the point uncompressed, both its coordinates whole.")
        key = PublicKey(alg=ES256, x=x, y=y)
    else:
        raise Rejected("key", f"kty {kty!r} with curve {curve!r} is not supported", fix="Use Ed25519 or P-256.")
    if 3 in value and (type(value[3]) is not int or ALGORITHMS.get(value[3]) != key.alg):
        raise Rejected("key", f"alg {value[3]!r} does not fit the curve", fix="Use -8 with Ed25519 or -7 with P-256.")
    if 2 in value and value[2] != key.kid:
        raise Rejected("key", "kid is not the key's thumbprint", fix="Compute it by RFC 9679.")
    refuse_weak(key)
    return key


def read_ed25519(raw: bytes) -> PublicKey:
    """The key of 32 raw bytes; raises `Rejected("key")` for weak ones."""
    return read_cose_key({1: 1, -1: 6, -2: raw})


def refuse_weak(key: PublicKey) -> None:
    """Raise `Rejected("key")` for small-order, mixed-order, non-canonical and off-curve points."""
    if key.alg == EDDSA:
        sound = nacl.bindings.crypto_core_ed25519_is_valid_point(key.x)
    else:
        try:
            ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + key.x + key.y)
            sound = True
        except ValueError:
            sound = False
    if not sound:
        raise Rejected(
            "key",
            "the point is weak or not on the curve",
            fix="Make a fresh key pair with a sound generator.",
        )


class SoftwareSigner:
    """A private key in memory."""

    def __init__(self, private: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> None:
        self._private = private
        if isinstance(private, ed25519.Ed25519PrivateKey):
            self._public = PublicKey(alg=EDDSA, x=private.public_key().public_bytes_raw())
        else:
            numbers = private.public_key().public_numbers()
            self._public = PublicKey(alg=ES256, x=numbers.x.to_bytes(32, "big"), y=numbers.y.to_bytes(32, "big"))

    @property
    def public(self) -> PublicKey:
        """The public half."""
        return self._public

    def sign(self, message: bytes) -> bytes:
        """A raw 64-byte signature; ES256 with s in the low half."""
        if isinstance(self._private, ed25519.Ed25519PrivateKey):
            return self._private.sign(message)
        r, s = decode_dss_signature(self._private.sign(message, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + min(s, P256_ORDER - s).to_bytes(32, "big")

    def private_pem(self) -> str:
        """The private key in unencrypted PKCS #8 PEM."""
        return self._private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()


def new_signer(alg: int = EDDSA, *, seed: bytes | None = None) -> SoftwareSigner:
    """A fresh key pair: Ed25519, or P-256 for any other `alg`. An Ed25519 key may come from a 32-byte seed (tests)."""
    if alg == EDDSA:
        private = ed25519.Ed25519PrivateKey.from_private_bytes(seed) if seed else ed25519.Ed25519PrivateKey.generate()
        return SoftwareSigner(private)
    return SoftwareSigner(ec.generate_private_key(ec.SECP256R1()))


def read_private_pem(text: str) -> SoftwareSigner:
    """The key pair in a PKCS #8 PEM; raises `Rejected("key")`."""
    try:
        private = serialization.load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Rejected(
            "key", "not an unencrypted PKCS #8 PEM key", fix="Make one with `weaklink station keygen`."
        ) from error
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return SoftwareSigner(private)
    if isinstance(private, ec.EllipticCurvePrivateKey) and isinstance(private.curve, ec.SECP256R1):
        return SoftwareSigner(private)
    raise Rejected("key", "the key is neither Ed25519 nor P-256", fix="Make one with `weaklink station keygen`.")


def _bad_signature(why: str) -> Rejected:
    return Rejected(
        "signature",
        f"the signature does not verify: {why}",
        fix="Sign the exact bytes with the enrolled key.",
    )
