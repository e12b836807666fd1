"""What the log's receipts say of the log (RFC 9942 section 5): set against a checkpoint, and for two sizes of the tree.

- An inclusion receipt (`kernel/receipt.py`) signs the root alone. `against_checkpoint` holds size and root against a
  checkpoint, whose signature covers the size; only then is the index more than a claim.
- A consistency receipt has the same form with `-2: [ << [older size, newer size, [hash, ...]] >> ]`; its payload is the
  newer root.
- A transparent statement (RFC 9943) carries receipts in its unprotected header, label 394.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from custody.kernel import cbor, cose
from custody.kernel.errors import Rejected
from custody.kernel.keys import PublicKey, Signer
from custody.kernel.receipt import Inclusion, first_that_holds, malformed, read_proofs, seal_root
from custody.ledger.checkpoint import Checkpoint
from custody.ledger.merkle import consistency_root

CONSISTENCY = -2


@dataclass(frozen=True, slots=True, kw_only=True)
class Consistency:
    """What a verified consistency receipt says; the newer size is only a claim until set against a checkpoint."""

    old_size: int
    size: int
    root: bytes


def make_consistency_receipt(
    *, old_size: int, size: int, path: Sequence[bytes], root: bytes, signer: Signer, iss: str, sub: str, iat_s: int
) -> bytes:
    """The log's receipt that the tree under `root` holds the older one."""
    if not 0 < old_size < size or not path:
        raise malformed("only a smaller tree that is not empty has a consistency receipt")
    seal = seal_root(root, signer, iss=iss, sub=sub, iat_s=iat_s)
    return seal.with_unprotected({cose.VDP: {CONSISTENCY: [cbor.encode([old_size, size, list(path)])]}}).raw


def verify_consistency_receipt(receipt: bytes, old_size: int, old_root: bytes, key: PublicKey) -> Consistency:
    """What the receipt proves of the older tree; raises `Rejected` unless all of it holds."""
    # 1. to 4. The form.
    message, proofs = read_proofs(receipt, CONSISTENCY)

    def prove(claimed: int, size: int, path: list[bytes]) -> Consistency:
        # 5. It starts at the older tree that is held, and leads to some root.
        if claimed != old_size:
            raise malformed("it starts at another size")
        root = consistency_root(old_size, size, old_root, path)
        # 6. The key signed that root.
        message.verify_by(key, detached=root)
        return Consistency(old_size=old_size, size=size, root=root)

    return first_that_holds(proofs, prove)


def against_checkpoint(proven: Inclusion | Consistency, checkpoint: Checkpoint) -> None:
    """Return if size and root are those of `checkpoint`; raises `Rejected("receipt")` if not.

    Only then is the index (or the newer size) more than a claim: the checkpoint's signature covers the size.
    """
    if proven.size != checkpoint.size:
        what = f"the receipt is of {proven.size} entries and the checkpoint of {checkpoint.size}"
        raise Rejected("receipt", what, fix="Give the checkpoint of the receipt's size.")
    if proven.root != checkpoint.root:
        raise Rejected(
            "receipt",
            f"the receipt is for another tree than the checkpoint of the same {checkpoint.size} entries",
            fix="Fetch a fresh receipt from the entry's Location, and the checkpoint of its size.",
        )


def attach_receipts(statement: bytes, receipts: Sequence[bytes]) -> bytes:
    """The transparent statement (RFC 9943): the statement with receipts in its unprotected header."""
    return cose.parse(statement).with_unprotected({cose.RECEIPTS: list(receipts)}).raw


def detach_receipts(transparent: bytes) -> tuple[bytes, tuple[bytes, ...]]:
    """The log entry within a transparent statement, and its receipts; raises `Rejected("cose")`."""
    message = cose.parse(transparent)
    receipts = message.unprotected.get(cose.RECEIPTS)
    if set(message.unprotected) != {cose.RECEIPTS} or not isinstance(receipts, list) or not receipts:
        raise Rejected("cose", "label 394 does not hold the receipts, or is not alone", fix="Attach receipts only.")
    if not all(isinstance(receipt, bytes) for receipt in receipts):
        raise Rejected("cose", "a receipt is not a byte string", fix="Attach each receipt as encoded bytes.")
    return message.with_unprotected({}).raw, tuple(receipts)
