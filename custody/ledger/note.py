"""Signed notes (C2SP signed-note): a text and the lines of those who signed it.

Layout: text, which ends in a newline; an empty line; one or more signature lines
`— <key name> <base64 of 4-byte key id || signature>`. The LAST empty line parts text and signatures. The whole is UTF-8
without control characters below U+0020 other than newline.

- Key name: not empty, no Unicode space, no `+`. Key id: first 4 bytes of SHA-256(name || 0x0A || kind || public key).
- vkey, the written form of a public key: `<name>+<key id, 8 hex digits>+<base64 of kind byte || public key>`.
- Kinds: 0x01 Ed25519 over the text; 0x04 Ed25519 cosignature; 0x06 ML-DSA-44 cosignature (both in cosignature.py).
- Opening: lines of unknown keys are ignored, also when only name or only id is known. A line of a known key that
  fails refuses the note, and so does a note without any line of a known key.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from custody.kernel.errors import Rejected
from custody.kernel.keys import EDDSA, PublicKey, Signer, read_ed25519
from custody.ledger.spellings import is_plain, read_base64, read_text, write_base64

EM_DASH = "\u2014"
MAX_SIGNATURES = 100
KEY_ID_BYTES = 4


class SignatureKind(IntEnum):
    """The signature types that are understood here, by their identifier bytes."""

    ED25519 = 0x01
    ED25519_COSIGNATURE = 0x04
    MLDSA44_COSIGNATURE = 0x06


KEY_BYTES = {SignatureKind.ED25519: 32, SignatureKind.ED25519_COSIGNATURE: 32, SignatureKind.MLDSA44_COSIGNATURE: 1312}


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierKey:
    """A named public key of one kind; `raw` is its encoding."""

    name: str
    kind: SignatureKind
    raw: bytes

    @property
    def key_id(self) -> bytes:
        """The four bytes that point at this key in a signature line."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.raw).digest()[:KEY_ID_BYTES]

    def vkey(self) -> str:
        """The written form."""
        return f"{self.name}+{self.key_id.hex()}+{write_base64(bytes([self.kind]) + self.raw)}"


class NoteVerifier(Protocol):
    """Checks the signatures of one key."""

    @property
    def key(self) -> VerifierKey:
        """Whose signatures these are."""
        ...

    def verify(self, text: str, signature: bytes) -> None:
        """Return if the key signed `text`; raises `Rejected("note")` if not."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ed25519Verifier:
    """Kind 0x01: Ed25519 over the text itself."""

    key: VerifierKey

    def verify(self, text: str, signature: bytes) -> None:
        """Return if the key signed `text`; raises `Rejected("signature")` if not."""
        PublicKey(alg=EDDSA, x=self.key.raw).verify(signature, text.encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteSignature:
    """One signature line: `blob` is what follows the key id."""

    name: str
    key_id: bytes
    blob: bytes

    def line(self) -> str:
        """The line with its newline."""
        return f"{EM_DASH} {self.name} {write_base64(self.key_id + self.blob)}\n"

    def is_by(self, key: VerifierKey) -> bool:
        """Whether name and key id both are that key's."""
        return (self.name, self.key_id) == (key.name, key.key_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A text with its signatures, none of them checked."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def raw(self) -> bytes:
        """The note's bytes."""
        return f"{self.text}\n{''.join(signature.line() for signature in self.signatures)}".encode()


def text_key(name: str, public: PublicKey, *, kind: SignatureKind = SignatureKind.ED25519) -> VerifierKey:
    """The note key of an Ed25519 public key; raises `Rejected("vkey")` for another algorithm or an unfit name."""
    if public.alg != EDDSA or kind == SignatureKind.MLDSA44_COSIGNATURE:
        raise Rejected("vkey", "notes of this kind are signed with Ed25519", fix="Give an Ed25519 key.")
    check_key_name(name, code="vkey")
    return VerifierKey(name=name, kind=kind, raw=public.x)


def parse_vkey(line: str) -> VerifierKey:
    """The key in a vkey; raises `Rejected("vkey")` if it is malformed and `Rejected("key")` if the key is weak."""
    name, _, rest = line.partition("+")
    key_id, _, encoded = rest.partition("+")
    check_key_name(name, code="vkey")
    raw = read_base64(encoded, code="vkey", what="the key")
    if not raw or raw[0] not in set(SignatureKind):
        raise _bad_vkey("it is not name+id+key, or its kind is not 0x01, 0x04 or 0x06")
    key = VerifierKey(name=name, kind=SignatureKind(raw[0]), raw=raw[1:])
    if len(key.raw) != KEY_BYTES[key.kind]:
        raise _bad_vkey("the key has the wrong length for its kind")
    if key.key_id.hex() != key_id:
        raise _bad_vkey("the key id is not the one of name and key")
    if key.kind != SignatureKind.MLDSA44_COSIGNATURE:
        read_ed25519(key.raw)
    return key


def parse_note(raw: bytes) -> Note:
    """The note in `raw`; raises `Rejected("note")`. Nothing is verified yet."""
    text, lines = _parts(raw)
    return Note(text=text, signatures=parse_signatures(lines))


def newest_lines(raw: bytes) -> bytes:
    """The note in `raw`, however many lines it has, with the last one of each key alone; raises `Rejected("note")`."""
    text, lines = _parts(raw)
    last = {(line.name, line.key_id): line for line in map(_parse_signature, _rows(lines))}
    return Note(text=text, signatures=tuple(last.values())).raw()


def parse_signatures(lines: str) -> tuple[NoteSignature, ...]:
    """The signatures of one or more signature lines; raises `Rejected("note")`."""
    rows = _rows(lines)
    if len(rows) > MAX_SIGNATURES:
        raise _bad_note(f"it has more than {MAX_SIGNATURES} signatures")
    return tuple(_parse_signature(row) for row in rows)


def open_note(raw: bytes, verifiers: Sequence[NoteVerifier]) -> Note:
    """The note with only the signatures of the given keys, every one verified; raises `Rejected` if there is none."""
    # 1. The form.
    note = parse_note(raw)
    # 2. Every line by a known key must verify.
    verified = []
    for signature in note.signatures:
        for verifier in verifiers:
            if signature.is_by(verifier.key):
                verifier.verify(note.text, signature.blob)
                verified.append(signature)
    # 3. At least one did.
    if not verified:
        raise Rejected("note", "no signature is by a known key", fix="Ask for the note with the log's own signature.")
    return Note(text=note.text, signatures=tuple(verified))


def sign_text(text: str, *, name: str, signer: Signer) -> NoteSignature:
    """The Ed25519 signature line (kind 0x01) over `text`; raises `Rejected` if the text cannot stand in a note."""
    read_text(text.encode(), code="note", what="the text")
    if not text.endswith("\n"):
        raise _bad_note("the text does not end in a newline")
    key = text_key(name, signer.public)
    return NoteSignature(name=name, key_id=key.key_id, blob=signer.sign(text.encode()))


def add_signatures(raw: bytes, signatures: Sequence[NoteSignature]) -> bytes:
    """The note with further signature lines after those it has; lines it has already are not repeated."""
    note = parse_note(raw)
    fresh = [signature for signature in signatures if signature not in note.signatures]
    return Note(text=note.text, signatures=(*note.signatures, *fresh)).raw()


def _parts(raw: bytes) -> tuple[str, str]:
    """The text of a note, and its signature lines."""
    whole = read_text(raw, code="note", what="the note")
    at = whole.rfind("\n\n")
    if at < 0:
        raise _bad_note("no empty line parts text and signatures")
    return whole[: at + 1], whole[at + 2 :]


def _rows(lines: str) -> list[str]:
    if not lines.endswith("\n"):
        raise _bad_note("the last line is not ended by a newline")
    return lines[:-1].split("\n")


def _parse_signature(row: str) -> NoteSignature:
    dash, _, rest = row.partition(" ")
    name, _, encoded = rest.partition(" ")
    if dash != EM_DASH:
        raise _bad_note("a line does not start with a dash")
    check_key_name(name, code="note")
    raw = read_base64(encoded, code="note", what="a signature")
    if len(raw) <= KEY_ID_BYTES:
        raise _bad_note("a signature is too short")
    return NoteSignature(name=name, key_id=raw[:KEY_ID_BYTES], blob=raw[KEY_ID_BYTES:])


def check_key_name(name: str, *, code: str) -> None:
    """Raise `Rejected` unless a key, and with it a log, may be called so (C2SP signed-note)."""
    if not name or "+" in name or not is_plain(name) or any(map(str.isspace, name)):
        raise Rejected(
            code, "a key name is empty or holds a space or +", fix="Name the key by its address, without scheme."
        )


def _bad_note(why: str) -> Rejected:
    return Rejected("note", f"not a signed note: {why}", fix="Write it by C2SP signed-note.")


def _bad_vkey(why: str) -> Rejected:
    return Rejected("vkey", f"not a verifier key: {why}", fix="Copy the whole vkey from its owner.")
