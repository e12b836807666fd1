"""Other people's verifiers, each behind one function that returns or raises: none shares code with this project.

- `scales`: tlog-scales, a C2SP tlog-tiles reader (checkpoint, root, inclusion, consistency).
- `GoOracle`: golang.org/x/mod/sumdb, the verifier of Go's own checksum database, behind the small caller in `golang/`.
  It is built if this machine has Go and the module; nothing is fetched for it.
- `scitt`: scitt-cose, receipts by RFC 9942. `cwt_payload`: cwt, signatures by RFC 9052.
"""

import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

import scitt_cose
from cwt import COSE, COSEKey
from tlog_scales.backend import LocalBackend
from tlog_scales.reader import TilesReader
from tlog_scales.signing import Vkey
from tlog_scales.tiles import leaf_hash
from tlog_scales.tlog import Checkpoint, ConsistencyProof

from custody.kernel.keys import PublicKey

GOLANG = Path(__file__).resolve().parent / "golang"


class OracleRefuses(Exception):
    """The verifier does not take it."""


def scales(
    folder: Path, vkey: str, *, indexes: Iterable[int] | None = None, earlier: Sequence[bytes] = ()
) -> TilesReader:
    """Checkpoint, root, the entries at `indexes` (all by default) and earlier checkpoints, by tlog-scales."""
    reader = TilesReader(LocalBackend(folder))
    key = Vkey.from_string(vkey)
    try:
        checkpoint = reader.get_checkpoint()
        checkpoint.verify(key)
        _same(reader.calculate_root_hash(), checkpoint.root_hash)
        for index in range(checkpoint.size) if indexes is None else indexes:
            entry = reader.get_entry(index)
            reader.get_inclusion_proof(index, checkpoint.size).check(leaf_hash(entry), checkpoint.root_hash)
        for note in earlier:
            old = Checkpoint.from_text(note.decode())
            old.verify(key)
            path = reader.get_consistency_proof(old.size, checkpoint.size).node_hashes
            ConsistencyProof(old.size, checkpoint.size, path).check(old.root_hash, checkpoint.root_hash)
    except Exception as error:
        raise OracleRefuses(f"tlog-scales: {error!r}") from error
    return reader


def _same(found: bytes, signed: bytes) -> None:
    if found != signed:
        raise ValueError("the tiles lead to another root")


class GoOracle:
    """The Go caller, built into a folder."""

    def __init__(self, program: Path) -> None:
        self.program = program

    @classmethod
    def build(cls, folder: Path) -> "GoOracle | None":
        """The program; None if this machine has no Go, or not the module that it needs."""
        go = shutil.which("go")
        if go is None:
            return None
        program = folder / "weaklink-oracle"
        environment = {**os.environ, "GOPROXY": "off", "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"}
        command = [go, "build", "-o", str(program), "."]
        done = subprocess.run(command, cwd=GOLANG, env=environment, capture_output=True, text=True, check=False)
        return cls(program) if done.returncode == 0 else None

    def folder(self, folder: Path, vkey: str, *, earlier: Sequence[Path] = ()) -> str:
        """Every entry of a folder of tiles, and earlier checkpoints."""
        return self._run("folder", str(folder), vkey, *map(str, earlier))

    def proof(self, proof: Path, entry: Path, vkey: str) -> str:
        """One .tlog-proof with its entry."""
        return self._run("proof", str(proof), str(entry), vkey)

    def _run(self, *words: str) -> str:
        done = subprocess.run([str(self.program), *words], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise OracleRefuses(done.stderr.strip())
        return done.stdout.strip()


def scitt(receipt: bytes, entry: bytes, key: PublicKey) -> scitt_cose.ReceiptResult:
    """What scitt-cose reads in a receipt that it takes."""
    found = scitt_cose.verify_receipt(receipt, leaf_entry_hex=entry.hex(), log_public_key_pem=key.pem())
    if not found.ok:
        raise OracleRefuses(f"scitt-cose: {found.errors}")
    return found


def cwt_payload(message: bytes, key: PublicKey, *, detached: bytes | None = None) -> bytes:
    """The payload of a COSE_Sign1 whose signature cwt takes."""
    reader = COSE.new(kid_auto_inclusion=False)
    try:
        payload: bytes = reader.decode(message, keys=[COSEKey.new(key.cose_key())], detached_payload=detached)
    except Exception as error:
        raise OracleRefuses(f"cwt: {error!r}") from error
    return payload
