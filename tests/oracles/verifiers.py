"""Other people's verifiers, each behind one function that returns or raises: none shares code with this project.

- `scales`: tlog-scales, a C2SP tlog-tiles reader (checkpoint, root, inclusion, consistency).
- `GoOracle`: golang.org/x/mod/sumdb, the verifier of Go's own checksum database, behind the small caller in `golang/`.
- `C2spOracle`: torchwood and Tessera, two implementations of the C2SP formats, behind the one in `golang_c2sp/`.
  Both are built if this machine has Go and the modules; nothing is fetched for them. To have them, in the folder of
  each: `go mod download`, for `golang_c2sp` as `GOTOOLCHAIN=go1.27.3 go mod download`.
- `scitt`: scitt-cose, receipts by RFC 9942. `cwt_payload`: cwt, signatures by RFC 9052.
"""

import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

import scitt_cose
from cwt import COSE, COSEKey
from tlog_scales.backend import LocalBackend
from tlog_scales.reader import TilesReader
from tlog_scales.signing import Vkey
from tlog_scales.tiles import leaf_hash
from tlog_scales.tlog import Checkpoint, ConsistencyProof

from custody.kernel.keys import PublicKey

HERE = Path(__file__).resolve().parent
MOST_TOLD = 500


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


class GoProgram:
    """A Go caller of other people's code, built into a folder; `SOURCE` is its folder beside this file."""

    SOURCE = ""
    TOOLCHAIN = "local"

    def __init__(self, program: Path) -> None:
        self.program = program

    @classmethod
    def build(cls, folder: Path) -> Self | None:
        """The program; None if this machine has no Go of that version, or not the modules that it needs."""
        go = shutil.which("go")
        if go is None:
            return None
        program = folder / cls.SOURCE
        environment = {**os.environ, "GOPROXY": "off", "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": cls.TOOLCHAIN}
        command = [go, "build", "-o", str(program), "."]
        source = HERE / cls.SOURCE
        done = subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True, check=False)
        return cls(program) if done.returncode == 0 else None

    def _run(self, *words: str) -> str:
        done = subprocess.run([str(self.program), *words], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise OracleRefuses(done.stderr.strip()[-MOST_TOLD:])
        return done.stdout.strip()


class GoOracle(GoProgram):
    """The verifier of Go's own checksum database."""

    SOURCE = "golang"

    def folder(self, folder: Path, vkey: str, *, earlier: Sequence[Path] = ()) -> str:
        """Every entry of a folder of tiles, and earlier checkpoints."""
        return self._run("folder", str(folder), vkey, *map(str, earlier))

    def proof(self, proof: Path, entry: Path, vkey: str) -> str:
        """One .tlog-proof with its entry."""
        return self._run("proof", str(proof), str(entry), vkey)


class C2spOracle(GoProgram):
    """Torchwood and Tessera; `policy` is the text of a witness policy (C2SP tlog-policy) in a file."""

    SOURCE = "golang_c2sp"
    TOOLCHAIN = "go1.27.3"

    def fsck(self, folder: Path, vkey: str) -> str:
        """Every entry and every tile of a folder, by Tessera's fsck."""
        return self._run("fsck", str(folder), vkey)

    def proof(self, proof: Path, entry: Path, policy: Path) -> str:
        """One .tlog-proof with its entry, under a policy, by torchwood."""
        return self._run("proof", str(proof), str(entry), str(policy))

    def keygen(self, name: str) -> tuple[str, str]:
        """A secret and a public key for a log of Tessera's own."""
        secret, public = self._run("keygen", name).splitlines()
        return secret, public

    def append(self, folder: Path, secret: str, policy: Path, *entries: str) -> bytes:
        """The checkpoint of Tessera's own log once it has these entries too and the policy's witnesses cosigned."""
        return (self._run("append", str(folder), secret, str(policy), *entries) + "\n").encode()


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
