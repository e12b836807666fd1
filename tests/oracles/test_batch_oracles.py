"""What other people's verifiers make of a station's batch: scitt_cose (receipts) and cwt (statement and receipts).

An outsider holds the batch's statement, one scan's leaf and its receipt. Each oracle must take the honest bytes and
refuse them after one flipped byte, so that nothing passes by accident.
"""

import hashlib
import json

import pytest
import scitt_cose
from cwt import COSE, COSEKey
from cwt.exceptions import CWTError

from custody.kernel.keys import ES256, SoftwareSigner, new_signer
from custody.kernel.merkle import SmallTree
from custody.scans.batch import give_receipt, make_batch, read_batch, seal_batch, verify_scan
from custody.scans.leaf import make_leaf

KEYS = pytest.mark.parametrize("key", [new_signer(seed=b"\x3d" * 32), new_signer(ES256)], ids=["Ed25519", "ES256"])
ISS, SUB, IAT = "urn:weaklink:station:bench-07", "urn:uuid:6f1f6f0e-0000-4000-8000-0000000000b1", 1_790_000_000
EVENT = json.dumps(
    {
        "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
        "type": "ObjectEvent",
        "eventTime": "2026-09-21T12:53:20Z",
        "eventTimeZoneOffset": "+00:00",
        "action": "OBSERVE",
        "bizStep": "inspecting",
        "epcList": ["https://id.gs1.org/00/195214730000088169"],
    }
).encode()


class Outsider:
    """What one scan's owner hands to an outsider, for every scan of a batch."""

    def __init__(self, key: SoftwareSigner, count: int) -> None:
        self.key = key
        made = [
            make_leaf(EVENT, station="bench-07", subject=f"shipment {at}", seq=at + 1, salt=_salt(at))
            for at in range(count)
        ]
        self.leaves = [leaf for leaf, _ in made]
        self.openings = [opening for _, opening in made]
        self.statement = make_batch(self.leaves, subject=SUB, prev=None, iat_s=IAT, signer=key)
        self.root = read_batch(self.statement).root
        tree, seal = SmallTree.of(leaf.digest for leaf in self.leaves), seal_batch(read_batch(self.statement), key)
        self.receipts = [give_receipt(tree, at, seal) for at in range(count)]

    def by_scitt_cose(self, receipt: bytes, leaf: bytes) -> scitt_cose.ReceiptResult:
        """Ask scitt_cose about a receipt."""
        pem = self.key.public.pem()
        return scitt_cose.verify_receipt(receipt, leaf_entry_hex=leaf.hex(), log_public_key_pem=pem)


def _salt(number: int) -> bytes:
    return hashlib.sha256(f"salt {number}".encode()).digest()


def flipped(raw: bytes, at: int) -> bytes:
    changed = bytearray(raw)
    changed[at] ^= 1
    return bytes(changed)


@KEYS
@pytest.mark.parametrize("count", [2, 3, 100, 256])
def test_scitt_cose_takes_the_receipt_of_every_scan_of_a_batch(key: SoftwareSigner, count: int) -> None:
    held = Outsider(key, count)
    for at, (leaf, receipt) in enumerate(zip(held.leaves, held.receipts, strict=True)):
        found = held.by_scitt_cose(receipt, leaf.raw)
        assert found.ok, found.errors
        assert (found.tree_size, found.leaf_index, found.root) == (count, at, held.root.hex())
        assert (found.issuer, found.subject, found.iat) == (ISS, SUB, IAT)
    assert verify_scan(held.statement, held.leaves[1].raw, held.openings[1], held.receipts[1], key.public).seq == 2


@KEYS
def test_scitt_cose_refuses_a_receipt_after_one_flipped_byte_and_for_another_scan(key: SoftwareSigner) -> None:
    held = Outsider(key, 100)
    receipt, leaf = held.receipts[41], held.leaves[41].raw
    path_start = receipt.index(bytes.fromhex("875820")) + 3
    for at in (-1, -40, path_start, path_start + 100, receipt.index(SUB.encode())):
        assert not held.by_scitt_cose(flipped(receipt, at), leaf).ok
    assert not held.by_scitt_cose(receipt, flipped(leaf, 30)).ok
    assert not held.by_scitt_cose(receipt, held.leaves[42].raw).ok


@KEYS
def test_cwt_takes_the_statement_and_the_receipts_over_its_root(key: SoftwareSigner) -> None:
    held = Outsider(key, 5)
    cose_key, reader = COSEKey.new(key.public.cose_key()), COSE.new(kid_auto_inclusion=False)
    assert reader.decode(held.statement, keys=[cose_key]) == held.root
    for receipt in held.receipts:
        assert reader.decode(receipt, keys=[cose_key], detached_payload=held.root) == held.root
        with pytest.raises(CWTError):
            reader.decode(receipt, keys=[cose_key], detached_payload=flipped(held.root, 0))
    for at in (-1, -65 - 8, held.statement.index(SUB.encode())):
        with pytest.raises(CWTError):
            reader.decode(flipped(held.statement, at), keys=[cose_key])
