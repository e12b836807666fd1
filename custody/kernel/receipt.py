"""COSE receipts over a tree of RFC 9162 (RFC 9942 section 5; the claims and the kid by RFC 9943).

    18([ << {1: alg, 4: kid, 15: {1: iss, 2: sub, 6: iat}, 395: 1} >>,
         {396: {-1: [ << [tree size, leaf index, [hash, ...]] >> ]}},
         nil, signature ])                                                 signed over the 32-byte root

- That is what we write. Of others' receipts RFC 9942 asks for labels 1 and 395 alone. A kid is a hint of theirs at a
  key (RFC 9052 section 3.1), of whatever form: the key that verifies is the caller's. Issuer and subject, which RFC
  9943 wants of a transparency service, are texts and a time of issue is a number where they are told (RFC 8392);
  further labels, protected or not, further kinds of proof and further claims say nothing here. Critical may be the
  labels that are read here: algorithm, kid, claims and the tree's kind (RFC 9052 section 3.1).
- A receipt of others may hold several proofs, of several entries or sizes under one root: one that holds is enough.
- What is signed is the root and the protected header, NOT size and index: a receipt alone, relabelled, may still
  verify. Nobody takes an index or a size from a receipt that was not set against a statement that signs the size: a
  checkpoint of the log (`ledger/receipt.py`), or a station's batch (`scans/batch.py`).
- A tree of one leaf has no legal receipt, because the path must not be empty; none is made or taken.
- One signature over a root serves the receipts of all its leaves: `seal_root`, then `sealed_receipt` for each.

The log gives receipts for its entries, and a station for the scans of a batch.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from custody.kernel import cbor, cose
from custody.kernel.errors import Rejected
from custody.kernel.keys import PublicKey, Signer
from custody.kernel.merkle import HASH_BYTES, MAX_SIZE, inclusion_root, leaf_hash

RFC9162_SHA256 = 1
INCLUSION = -1
UNDERSTOOD = frozenset({cose.ALG, cose.KID, cose.CWT_CLAIMS, cose.VDS})
MAX_PATH = 64
MAX_PROOFS = 16
Proof = tuple[int, int, list[bytes]]
Proven = TypeVar("Proven")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inclusion:
    """What a verified receipt says. Size and index are only a claim until somebody else's word on the size is held.

    `issuer`, `subject` and `iat_s` are None if the receipt does not tell who gave it, of what and when.
    """

    size: int
    index: int
    root: bytes
    issuer: str | None
    subject: str | None
    iat_s: float | None


def seal_root(root: bytes, signer: Signer, *, iss: str, sub: str, iat_s: int) -> cose.Sign1:
    """The signature over a root that any number of receipts for this root share."""
    if len(root) != HASH_BYTES:
        raise malformed("the root is not 32 bytes")
    protected = {cose.CWT_CLAIMS: {cose.ISS: iss, cose.SUB: sub, cose.IAT: iat_s}, cose.VDS: RFC9162_SHA256}
    return cose.parse(cose.sign(protected, root, signer, detached=True))


def sealed_receipt(seal: cose.Sign1, *, size: int, index: int, path: Sequence[bytes]) -> bytes:
    """The inclusion receipt of one leaf under a sealed root."""
    if size < 2 or not path:
        raise malformed("a tree of one leaf has no receipt; use a .tlog-proof")
    return seal.with_unprotected({cose.VDP: {INCLUSION: [cbor.encode([size, index, list(path)])]}}).raw


def make_receipt(
    *, size: int, index: int, path: Sequence[bytes], root: bytes, signer: Signer, iss: str, sub: str, iat_s: int
) -> bytes:
    """The log's receipt that the leaf at `index` lies under `root`; raises `Rejected("receipt")` at size 1."""
    return sealed_receipt(seal_root(root, signer, iss=iss, sub=sub, iat_s=iat_s), size=size, index=index, path=path)


def verify_receipt(receipt: bytes, entry: bytes, key: PublicKey) -> Inclusion:
    """What the receipt proves of `entry`; raises `Rejected` unless all of it holds."""
    # 1. to 4. The form.
    message, proofs = read_proofs(receipt, INCLUSION)
    issuer, subject, iat_s = map(message.claims.get, (cose.ISS, cose.SUB, cose.IAT))

    def prove(size: int, index: int, path: list[bytes]) -> Inclusion:
        # 5. The path leads from the entry to some root.
        root = inclusion_root(index, size, leaf_hash(entry), path)
        # 6. The key signed that root.
        message.verify_by(key, detached=root)
        return Inclusion(size=size, index=index, root=root, issuer=issuer, subject=subject, iat_s=iat_s)

    return first_that_holds(proofs, prove)


def first_that_holds(proofs: Sequence[Proof], prove: Callable[[int, int, list[bytes]], Proven]) -> Proven:
    """What the first proof that holds proves; raises the `Rejected` of the last if none does."""
    *others, last = proofs
    for proof in others:
        with suppress(Rejected):
            return prove(*proof)
    return prove(*last)


def read_proofs(receipt: bytes, kind: int) -> tuple[cose.Sign1, list[Proof]]:
    """The message and the proofs of this kind in it, at least one. The signature is not verified yet."""
    message = cose.parse(receipt, understood=UNDERSTOOD)
    # 1. It is a receipt: the tree's kind is protected and the root is not carried along.
    vds = message.protected.get(cose.VDS)
    if type(vds) is not int or vds != RFC9162_SHA256:
        raise malformed("label 395 does not name the tree RFC9162_SHA256")
    if message.payload is not None:
        raise malformed("the root is attached")
    # 2. What it tells of its key and itself has the right types.
    if not isinstance(message.protected.get(cose.KID, b""), bytes):
        raise malformed("the kid is not a byte string")
    _check_claims(message.claims)
    # 3. The unprotected header holds proofs of the kind asked for; True and -1.0 are no labels.
    proofs = message.unprotected.get(cose.VDP)
    held = proofs.get(kind) if isinstance(proofs, dict) and {int, str}.issuperset(map(type, proofs)) else None
    if not isinstance(held, list) or not 1 <= len(held) <= MAX_PROOFS or set(map(type, held)) != {bytes}:
        raise malformed("label 396 does not hold proofs of the kind asked for, or too many")
    # 4. A proof is two sizes or a size and an index, and a path.
    return message, [_read_proof(cbor.decode(each)) for each in held]


def malformed(why: str) -> Rejected:
    """The error for what is no receipt."""
    return Rejected(
        "receipt", f"not a receipt that can be taken: {why}", fix="Fetch a receipt by RFC 9942 from who gave it."
    )


def _read_proof(proof: Any) -> Proof:
    if not isinstance(proof, list) or len(proof) != 3:
        raise malformed("the proof is not an array of three")
    first, second, path = proof
    if not all(type(number) is int and 0 <= number <= MAX_SIZE for number in (first, second)):
        raise malformed("a size or an index is not a number of a tree")
    if not isinstance(path, list) or not 1 <= len(path) <= MAX_PATH:
        raise malformed("the path is empty or too long")
    if not all(isinstance(node, bytes) and len(node) == HASH_BYTES for node in path):
        raise malformed("the path holds something that is not a hash")
    return first, second, path


def _check_claims(claims: Mapping[Any, Any]) -> None:
    if not all(isinstance(claims.get(label, ""), str) for label in (cose.ISS, cose.SUB)):
        raise malformed("issuer or subject is not a text")
    if cose.IAT in claims and type(claims[cose.IAT]) not in {int, float}:
        raise malformed("the time of issue is not a number of seconds")
