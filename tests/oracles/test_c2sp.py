"""Torchwood and Tessera beside us: they read our log and our proofs, and our witness cosigns a log of Tessera's own."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from custody.ledger.cosignature import cosign, cosign_mldsa, mldsa_key, new_mldsa_signer
from custody.ledger.note import SignatureKind, add_signatures, text_key
from custody.ledger.proof import make_proof, parse_proof
from custody.ledger.witness_policy import parse_policy
from tests.oracles.published import FAULTS, VKEY, Published, takes_refuses_takes
from tests.oracles.verifiers import C2spOracle, OracleRefuses
from tests.rooms.ledger.small_world import signer
from tests.servers.witness import WitnessProcess

WITNESS, PQ_WITNESS = signer(70), new_mldsa_signer(b"\x07" * 32)
NAME = "carrier.example/w1"
KEYS = {
    "carrier": text_key(NAME, WITNESS.public, kind=SignatureKind.ED25519_COSIGNATURE),
    "carrier-pq": mldsa_key(NAME, PQ_WITNESS),
}
POLICY = f"""\
log {VKEY}
witness carrier {KEYS["carrier"].vkey()} https://carrier.example/
witness carrier-pq {KEYS["carrier-pq"].vkey()}
group both all carrier carrier-pq
quorum both
"""
TESSERA = "log.example/tessera"


@FAULTS
def test_tessera_takes_a_folder_of_ours_and_refuses_it_after_one_flipped_byte(
    published: Published, c2sp: C2spOracle, fault: str
) -> None:
    takes_refuses_takes(lambda: c2sp.fsck(published.folder, VKEY), *published.places[fault])


def cosigned(published: Published, *kinds: SignatureKind) -> bytes:
    """The proof of the entry, its checkpoint cosigned with keys of these kinds."""
    proof = parse_proof(published.proof)
    head = parse_policy(POLICY).judge(proof.note).checkpoint
    lines = {
        SignatureKind.ED25519_COSIGNATURE: cosign(head, name=NAME, signer=WITNESS, at_s=1_790_000_000),
        SignatureKind.MLDSA44_COSIGNATURE: cosign_mldsa(head, name=NAME, signer=PQ_WITNESS, at_s=1_790_000_000),
    }
    note = add_signatures(proof.note, [lines[kind] for kind in kinds])
    return make_proof(index=proof.index, path=proof.path, note=note)


@pytest.mark.parametrize("part", ["proof", "entry"])
@pytest.mark.parametrize("at", [30, 60, -90, -10])
def test_torchwood_takes_a_cosigned_proof_by_our_policy_and_refuses_it_after_one_flipped_byte(
    published: Published, c2sp: C2spOracle, tmp_path: Path, part: str, at: int
) -> None:
    proof, entry, policy = tmp_path / "one.tlog-proof", tmp_path / "entry", tmp_path / "policy"
    proof.write_bytes(cosigned(published, SignatureKind.ED25519_COSIGNATURE, SignatureKind.MLDSA44_COSIGNATURE))
    entry.write_bytes(published.entry)
    policy.write_text(POLICY)
    file = proof if part == "proof" else entry
    takes_refuses_takes(lambda: c2sp.proof(proof, entry, policy), file, at % file.stat().st_size)


@pytest.mark.parametrize("kind", [SignatureKind.ED25519_COSIGNATURE, SignatureKind.MLDSA44_COSIGNATURE])
def test_torchwood_and_we_ask_for_the_whole_quorum(
    published: Published, c2sp: C2spOracle, tmp_path: Path, kind: SignatureKind
) -> None:
    raw = cosigned(published, kind)
    (tmp_path / "proof").write_bytes(raw)
    (tmp_path / "entry").write_bytes(published.entry)
    (tmp_path / "policy").write_text(POLICY)
    (tmp_path / "any").write_text(POLICY.replace(" all ", " any "))
    assert not parse_policy(POLICY).judge(parse_proof(raw).note).satisfied
    with pytest.raises(OracleRefuses):
        c2sp.proof(tmp_path / "proof", tmp_path / "entry", tmp_path / "policy")
    assert c2sp.proof(tmp_path / "proof", tmp_path / "entry", tmp_path / "any") == "proved"


@pytest.fixture
def log_keys(c2sp: C2spOracle) -> tuple[str, str]:
    """Make the secret and the public key of Tessera's log."""
    return c2sp.keygen(TESSERA)


@pytest.fixture
def witness(tmp_path: Path, log_keys: tuple[str, str]) -> Iterator[WitnessProcess]:
    """Run a witness of ours that knows Tessera's log."""
    running = WitnessProcess(tmp_path, "carrier", log_keys[1])
    yield running
    running.stop()


@pytest.mark.slow
def test_our_witness_cosigns_a_log_of_tesseras_own_and_never_another_past_of_it(
    c2sp: C2spOracle, log_keys: tuple[str, str], witness: WitnessProcess, tmp_path: Path
) -> None:
    (secret, public), policy, log = log_keys, tmp_path / "policy", tmp_path / "log"
    rules = f"witness carrier {witness.vkeys[0]} {witness.address}\nquorum carrier\n"
    policy.write_text(rules)
    ours = parse_policy(f"log {public}\n{rules}")

    def grow(folder: Path, *entries: str) -> int:
        return ours.judge(c2sp.append(folder, secret, policy, *entries)).demand().size

    assert (grow(log, "one"), grow(log, "two", "three")) == (1, 3)
    shutil.copytree(log, tmp_path / "other")
    assert grow(log, *["four"] * 300) == 303
    assert c2sp.fsck(log, public) == "sound"
    with pytest.raises(OracleRefuses, match="the consistency proof is bad: 422"):
        grow(tmp_path / "other", *["five"] * 300)
