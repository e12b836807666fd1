"""Cosignatures: witnesses say what they saw of a log and when (C2SP tlog-cosignature).

The blob of a signature line is the time as eight bytes, big end first (POSIX seconds, 0 to 2**63 - 1), and a
signature:

- Kind 0x04, Ed25519, over the line `cosignature/v1`, the line `time <decimal>` and the whole checkpoint text. The
  cosigner's name is not signed, so a key belongs to one cosigner.
- Kind 0x06, ML-DSA-44, over `subtree/v1`, a newline and a zero byte; one length byte and the cosigner's name; the time
  (8 bytes); one length byte and the origin; start and end (8 bytes each; 0 and the size); the 32-byte root.

A log may sign its own checkpoints with kind 0x06, as C2SP tlog-checkpoint would have new logs do; there is no plain
signature of ML-DSA-44. Kind 0x04 is taken from witnesses only.

A cosignature says: at that time this was the largest consistent tree that the cosigner had seen for the origin. A time
of 0 tells no time and does not say that the tree was the largest: the line verifies, but no witness is counted for it.
We always tell the time.
"""

from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import mldsa

from custody.kernel.errors import Rejected
from custody.kernel.keys import EDDSA, PublicKey, Signer
from custody.ledger.checkpoint import Checkpoint, parse_checkpoint
from custody.ledger.note import (
    Ed25519Verifier,
    NoteSignature,
    NoteVerifier,
    SignatureKind,
    VerifierKey,
    parse_vkey,
    text_key,
)
from custody.ledger.spellings import MAX_NUMBER

TIME_BYTES = 8
LOG_KINDS = frozenset({SignatureKind.ED25519, SignatureKind.MLDSA44_COSIGNATURE})
WITNESS_KINDS = frozenset({SignatureKind.ED25519_COSIGNATURE, SignatureKind.MLDSA44_COSIGNATURE})


class MlDsaSigner(Protocol):
    """Holds an ML-DSA-44 private key and signs with it."""

    @property
    def public_raw(self) -> bytes:
        """The public key, 1312 bytes."""
        ...

    def sign(self, message: bytes) -> bytes:
        """A signature of 2420 bytes over `message`, with the empty context."""
        ...


class SoftwareMlDsaSigner:
    """An ML-DSA-44 private key in memory."""

    def __init__(self, private: mldsa.MLDSA44PrivateKey) -> None:
        self._private = private

    @property
    def public_raw(self) -> bytes:
        """The public key, 1312 bytes."""
        return self._private.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """A signature of 2420 bytes over `message`, with the empty context."""
        return self._private.sign(message)


def new_mldsa_signer(seed: bytes | None = None) -> SoftwareMlDsaSigner:
    """A fresh key pair, or the one of a 32-byte seed."""
    if seed is None:
        return SoftwareMlDsaSigner(mldsa.MLDSA44PrivateKey.generate())
    return SoftwareMlDsaSigner(mldsa.MLDSA44PrivateKey.from_seed_bytes(seed))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosigner:
    """Verifies the cosignatures of one key, of kind 0x04 or 0x06."""

    key: VerifierKey

    def verify(self, text: str, signature: bytes) -> None:
        """Return if the cosigner signed the checkpoint in `text`; raises `Rejected` if not."""
        at_s = cosigned_at_s(signature)
        if self.key.kind == SignatureKind.ED25519_COSIGNATURE:
            public = PublicKey(alg=EDDSA, x=self.key.raw)
            public.verify(signature[TIME_BYTES:], ed25519_message(parse_checkpoint(text), at_s))
            return
        message = mldsa_message(parse_checkpoint(text), self.key.name, at_s)
        try:
            mldsa.MLDSA44PublicKey.from_public_bytes(self.key.raw).verify(signature[TIME_BYTES:], message)
        except (InvalidSignature, ValueError) as error:
            raise Rejected("signature", "the cosignature does not verify", fix="Ask the witness again.") from error


def read_log_key(vkey: str) -> VerifierKey:
    """The key in the vkey of a log; raises `Rejected("vkey")` also for a kind that logs do not sign with."""
    key = parse_vkey(vkey)
    if key.kind not in LOG_KINDS:
        why = f"a log does not sign with a key of kind 0x{key.kind:02x}, only its witnesses do"
        raise Rejected("vkey", why, fix="Give the vkey of the log itself, of kind 0x01 or 0x06.")
    return key


def verifier_of(key: VerifierKey) -> NoteVerifier:
    """The verifier for a key of any kind."""
    return Ed25519Verifier(key=key) if key.kind == SignatureKind.ED25519 else Cosigner(key=key)


def mldsa_key(name: str, signer: MlDsaSigner) -> VerifierKey:
    """The note key of an ML-DSA-44 cosigner."""
    return parse_vkey(VerifierKey(name=name, kind=SignatureKind.MLDSA44_COSIGNATURE, raw=signer.public_raw).vkey())


def cosign(checkpoint: Checkpoint, *, name: str, signer: Signer, at_s: int) -> NoteSignature:
    """A cosignature of kind 0x04 over `checkpoint`."""
    key = text_key(name, signer.public, kind=SignatureKind.ED25519_COSIGNATURE)
    return NoteSignature(
        name=name, key_id=key.key_id, blob=_nonzero_time(at_s) + signer.sign(ed25519_message(checkpoint, at_s))
    )


def cosign_mldsa(checkpoint: Checkpoint, *, name: str, signer: MlDsaSigner, at_s: int) -> NoteSignature:
    """A cosignature of kind 0x06 over `checkpoint`."""
    key = mldsa_key(name, signer)
    blob = _nonzero_time(at_s) + signer.sign(mldsa_message(checkpoint, name, at_s))
    return NoteSignature(name=name, key_id=key.key_id, blob=blob)


def cosigned_at_s(blob: bytes) -> int:
    """The time in a cosignature's blob, 0 if it tells none; raises `Rejected("cosignature")` if it is out of range."""
    at_s = int.from_bytes(blob[:TIME_BYTES], "big")
    _time(at_s)
    return at_s


def ed25519_message(checkpoint: Checkpoint, at_s: int) -> bytes:
    """What a cosigner of kind 0x04 signs."""
    return f"cosignature/v1\ntime {at_s}\n{checkpoint.text()}".encode()


def mldsa_message(checkpoint: Checkpoint, name: str, at_s: int) -> bytes:
    """What a cosigner of kind 0x06 signs."""
    return b"".join(
        (
            b"subtree/v1\n\0",
            _short(name),
            _time(at_s),
            _short(checkpoint.origin),
            (0).to_bytes(8, "big"),
            checkpoint.size.to_bytes(8, "big"),
            checkpoint.root,
        )
    )


def _nonzero_time(at_s: int) -> bytes:
    if at_s == 0:
        raise Rejected("cosignature", "the time of a cosignature is 0", fix="Cosign with POSIX seconds.")
    return _time(at_s)


def _time(at_s: int) -> bytes:
    if not 0 <= at_s <= MAX_NUMBER:
        raise Rejected("cosignature", "the time of a cosignature is too large", fix="Cosign with POSIX seconds.")
    return at_s.to_bytes(TIME_BYTES, "big")


def _short(text: str) -> bytes:
    raw = text.encode()
    if len(raw) > 255:
        raise Rejected("cosignature", "a name is longer than 255 bytes", fix="Use a shorter key name.")
    return len(raw).to_bytes(1, "big") + raw
