"""What other people's verifiers make of our bytes: scitt_cose (receipts), cwt (statements), tlog_scales (tiles, notes).

Each oracle must take the honest bytes and refuse them after one flipped byte, so that nothing passes by accident.
"""

from pathlib import Path

import pytest
import scitt_cose
from cryptography.exceptions import InvalidSignature
from cwt import COSE, COSEKey
from cwt.exceptions import CWTError
from tlog_scales.backend import LocalBackend
from tlog_scales.reader import TilesReader
from tlog_scales.signing import Vkey
from tlog_scales.tiles import leaf_hash as oracle_leaf_hash
from tlog_scales.tlog import Checkpoint, ConsistencyProof, ConsistencyProofInvalid, InclusionProofInvalid

from custody.kernel.cose import parse
from custody.kernel.errors import Rejected
from custody.kernel.keys import ES256, SoftwareSigner, new_signer
from custody.kernel.receipt import make_receipt, seal_root, sealed_receipt
from custody.ledger.cosignature import cosign, cosign_mldsa, mldsa_key, new_mldsa_signer
from custody.ledger.merkle import consistency_path, inclusion_path, leaf_hash
from custody.ledger.note import NoteSignature, SignatureKind, add_signatures, text_key
from custody.ledger.receipt import make_consistency_receipt
from custody.ledger.record import make_record
from custody.ledger.tiles import TileHashReader
from tests.rooms.ledger.small_world import (
    LOG_VERIFIER,
    OPERATOR,
    ORIGIN,
    REGISTRAR_A,
    REGISTRAR_B,
    SUB,
    MemoryLog,
    chain,
    key_add,
    key_revoke,
    policy_statement,
    signer,
)

STATION, P256_STATION = signer(60), new_signer(ES256)
ISS = f"urn:weaklink:operator:{ORIGIN}"
ENTRIES = [policy_statement(), key_add(STATION), *chain(STATION, 698)]
KEYS = pytest.mark.parametrize("key", [signer(61), P256_STATION], ids=["Ed25519", "ES256"])


def flipped(raw: bytes, at: int) -> bytes:
    """`raw` with one bit changed at `at` (negative: from the end)."""
    changed = bytearray(raw)
    changed[at] ^= 1
    return bytes(changed)


def log_of(size: int) -> MemoryLog:
    return MemoryLog().append(ENTRIES[:size])


def receipt(log: MemoryLog, index: int, key: SoftwareSigner) -> bytes:
    path = inclusion_path(index, log.frontier.size, TileHashReader(log.get, log.frontier.size))
    root = log.frontier.root()
    return make_receipt(
        size=log.frontier.size, index=index, path=path, root=root, signer=key, iss=ISS, sub=SUB, iat_s=1_790_000_000
    )


def by_scitt_cose(raw: bytes, entry: bytes, key: SoftwareSigner) -> scitt_cose.ReceiptResult:
    return scitt_cose.verify_receipt(raw, leaf_entry_hex=entry.hex(), log_public_key_pem=key.public.pem())


@KEYS
@pytest.mark.parametrize("size", [2, 3, 256, 257, 700])
def test_scitt_cose_takes_our_receipts(key: SoftwareSigner, size: int) -> None:
    log = log_of(size)
    for index in {0, 1, size // 2, size - 1}:
        found = by_scitt_cose(receipt(log, index, key), ENTRIES[index], key)
        assert found.ok, found.errors
        assert (found.tree_size, found.leaf_index) == (size, index)
        assert found.root == log.frontier.root().hex()
        assert (found.issuer, found.subject, found.iat) == (ISS, SUB, 1_790_000_000)


@KEYS
def test_scitt_cose_refuses_our_receipts_after_one_flipped_byte(key: SoftwareSigner) -> None:
    raw = receipt(log_of(700), 433, key)
    path_start = raw.index(bytes.fromhex("8a5820")) + 3
    for at in (-1, -40, path_start, path_start + 100, raw.index(SUB.encode())):
        assert not by_scitt_cose(flipped(raw, at), ENTRIES[433], key).ok
    assert not by_scitt_cose(raw, flipped(ENTRIES[433], 100), key).ok


def test_scitt_cose_takes_the_receipts_of_a_stations_batch() -> None:
    log = log_of(256)
    seal = seal_root(log.frontier.root(), P256_STATION, iss="urn:weaklink:station:bench-07", sub=SUB, iat_s=1)
    reader = TileHashReader(log.get, 256)
    for index in range(0, 256, 51):
        raw = sealed_receipt(seal, size=256, index=index, path=inclusion_path(index, 256, reader))
        assert by_scitt_cose(raw, ENTRIES[index], P256_STATION).ok


STATEMENTS = {
    "policy": (policy_statement(), OPERATOR),
    "station-key-add": (key_add(P256_STATION), REGISTRAR_A),
    "station-key-revoke": (key_revoke(STATION, suspect_from=3), REGISTRAR_B),
    "record": (make_record({"kind": "x"}, salt=b"s" * 32, signer=OPERATOR, iss=ISS, sub=SUB, iat_s=1)[0].raw, OPERATOR),
    "scan": (chain(P256_STATION, 2)[1], P256_STATION),
}


@pytest.mark.parametrize("kind", list(STATEMENTS))
def test_cwt_takes_our_statements_and_refuses_them_after_one_flipped_byte(kind: str) -> None:
    raw, key = STATEMENTS[kind]
    cose_key = COSEKey.new(key.public.cose_key())
    reader = COSE.new(kid_auto_inclusion=False)
    assert reader.decode(raw, keys=[cose_key]) == parse(raw).payload
    for at in (-1, -65 - 8, raw.index(SUB.encode())):
        with pytest.raises(CWTError):
            reader.decode(flipped(raw, at), keys=[cose_key])


@KEYS
def test_cwt_takes_our_receipts_over_their_root(key: SoftwareSigner) -> None:
    log = log_of(700)
    reader, cose_key = COSE.new(kid_auto_inclusion=False), COSEKey.new(key.public.cose_key())
    leaf_receipt = receipt(log, 433, key)
    path = consistency_path(300, 700, TileHashReader(log.get, 700))
    growth_receipt = make_consistency_receipt(
        old_size=300, size=700, path=path, root=log.frontier.root(), signer=key, iss=ISS, sub=SUB, iat_s=1
    )
    for raw in (leaf_receipt, growth_receipt):
        assert reader.decode(raw, keys=[cose_key], detached_payload=log.frontier.root()) == log.frontier.root()
        with pytest.raises(CWTError):
            reader.decode(raw, keys=[cose_key], detached_payload=flipped(log.frontier.root(), 0))


@KEYS
def test_external_data_that_cwt_signed_too_are_those_we_verify(key: SoftwareSigner) -> None:
    """RFC 9052 section 4.4: the same signature without them, or with others, is refused."""
    writer = COSE.new(alg_auto_inclusion=True, kid_auto_inclusion=False)
    private = COSEKey.from_pem(key.private_pem())
    message = parse(writer.encode_and_sign(b"a scan", private, external_aad=b"the parcel's label"))
    message.verify(key.public, external=b"the parcel's label")
    for other in (b"", b"another label"):
        with pytest.raises(Rejected):
            message.verify(key.public, external=other)


def folder(log: MemoryLog, place: Path, *, note: bytes | None = None) -> TilesReader:
    """The log as files, read by tlog_scales."""
    for path, data in log.files.items():
        file = place / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    (place / "checkpoint").write_bytes(note or log.note())
    return TilesReader(LocalBackend(place))


@pytest.mark.parametrize("size", [1, 256, 700])
def test_tlog_scales_takes_our_checkpoints_tiles_and_proofs(size: int, tmp_path: Path) -> None:
    log = log_of(size)
    reader = folder(log, tmp_path)
    checkpoint = reader.get_checkpoint()
    checkpoint.verify(Vkey.from_string(LOG_VERIFIER.key.vkey()))
    assert (checkpoint.origin, checkpoint.size) == (ORIGIN, size)
    assert reader.calculate_root_hash() == checkpoint.root_hash == log.frontier.root()
    ours = TileHashReader(log.get, size, root=log.frontier.root())
    for index in {0, size // 3, size - 1}:
        assert reader.get_entry(index) == ENTRIES[index]
        proof = reader.get_inclusion_proof(index, size)
        assert proof.node_hashes == inclusion_path(index, size, ours)
        proof.check(oracle_leaf_hash(ENTRIES[index]), checkpoint.root_hash)
        assert oracle_leaf_hash(ENTRIES[index]) == leaf_hash(ENTRIES[index])
    for old in {1, size // 2 or 1, size}:
        path = consistency_path(old, size, ours)
        assert reader.get_consistency_proof(old, size).node_hashes == path
        ConsistencyProof(old, size, path).check(log_of(old).frontier.root(), checkpoint.root_hash)


def test_tlog_scales_refuses_our_log_after_one_flipped_byte(tmp_path: Path) -> None:
    log = log_of(700)
    checkpoint = folder(log, tmp_path / "note", note=flipped(log.note(), 30)).get_checkpoint()
    with pytest.raises(InvalidSignature):
        checkpoint.verify(Vkey.from_string(LOG_VERIFIER.key.vkey()))
    log.files["tile/0/001"] = flipped(log.files["tile/0/001"], 5000)
    reader = folder(log, tmp_path / "tile")
    reader.set_size(700)
    root, proof = log.frontier.root(), reader.get_inclusion_proof(256, 700)
    with pytest.raises(InclusionProofInvalid):
        proof.check(oracle_leaf_hash(ENTRIES[256]), root)
    path = consistency_path(300, 700, TileHashReader(log_of(700).get, 700))
    broken = ConsistencyProof(300, 700, [flipped(path[0], 0), *path[1:]])
    with pytest.raises(ConsistencyProofInvalid):
        broken.check(log_of(300).frontier.root(), root)


def test_tlog_scales_takes_our_cosignatures_of_both_kinds() -> None:
    log, witness, pq_witness = log_of(3), signer(70), new_mldsa_signer(b"\x07" * 32)
    name = "carrier.example/w1"
    lines = [
        cosign(log.head(), name=name, signer=witness, at_s=1_790_000_000),
        cosign_mldsa(log.head(), name=name, signer=pq_witness, at_s=1_790_000_000),
    ]
    keys = [text_key(name, witness.public, kind=SignatureKind.ED25519_COSIGNATURE), mldsa_key(name, pq_witness)]
    checkpoint = Checkpoint.from_text(add_signatures(log.note(), lines).decode())
    for key in (LOG_VERIFIER.key, *keys):
        checkpoint.verify(Vkey.from_string(key.vkey()))
    for line, key in zip(lines, keys, strict=True):
        forged = NoteSignature(name=line.name, key_id=line.key_id, blob=flipped(line.blob, -1))
        bad = Checkpoint.from_text(add_signatures(log.note(), [forged]).decode())
        with pytest.raises(InvalidSignature):
            bad.verify(Vkey.from_string(key.vkey()))
