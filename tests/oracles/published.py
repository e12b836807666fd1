"""A log that the service made, as a folder, and what tests do to it: one byte flipped, and put back."""

from collections.abc import Callable
from pathlib import Path

import pytest

from custody.kernel.keys import PublicKey
from custody.ledger.tiles import ENTRIES, TileId, decode_bundle
from custody.store import log_reader
from custody.store.log_target import Folder
from custody.store.static_export import export_log
from custody.store.unit import House
from custody.usecases.prove_entry import fresh_receipt, proof_file
from tests.contracts_log.small_house import VERIFIER, add_records, enrol_bench, send
from tests.oracles.verifiers import OracleRefuses
from tests.world_parts import ORIGIN, key

VKEY = VERIFIER.key.vkey()
SCANS, RECORDS = 290, 20
INDEX = 270
"""The entry that is tampered with: a scan in the partial tile."""

FAULTS = pytest.mark.parametrize("fault", ["entry", "tile", "edge tile", "checkpoint", "signature"])


class Published:
    """The folder, an older checkpoint, and a receipt and a proof of one entry."""

    def __init__(self, folder: Path, house: House) -> None:
        self.folder = folder / "log"
        bench = enrol_bench(house)
        send(house, *(bench.sign(house) for _ in range(60)))
        with house.read() as session:
            self.old = log_reader.head(session).note
        (folder / "old").write_bytes(self.old)
        send(house, *(bench.sign(house) for _ in range(SCANS - 60)))
        add_records(house, RECORDS)
        with house.read() as session:

            def tile(wanted: TileId) -> bytes:
                read = log_reader.bundle if wanted.level == ENTRIES else log_reader.tile
                return read(session, wanted)

            done = export_log(
                Folder(self.folder), get_checkpoint=lambda: log_reader.head(session).note, get_tile=tile, log=VERIFIER
            )
            stored = log_reader.entry(session, INDEX)
            self.entry = stored.raw
            self.receipt = fresh_receipt(session, stored, origin=ORIGIN, signer=key("log"))
            self.proof = proof_file(session, stored)
        self.size = done.size
        self.station: PublicKey = bench.signer.public
        self.places = self._places()

    def _places(self) -> dict[str, tuple[Path, int]]:
        """For each fault the file and the byte."""
        bundle = self.folder / TileId(level=ENTRIES, number=1, width=self.size - 256).path
        before = decode_bundle(bundle.read_bytes(), self.size - 256)[: INDEX - 256]
        return {
            "entry": (bundle, sum(2 + len(entry) for entry in before) + 2 + 60),
            "tile": (self.folder / TileId(level=0, number=0).path, 32 * 100 + 5),
            "edge tile": (self.folder / TileId(level=0, number=1, width=self.size - 256).path, 32 * (INDEX - 256) + 5),
            "checkpoint": (self.folder / "checkpoint", len(ORIGIN) + 8),
            "signature": (self.folder / "checkpoint", len((self.folder / "checkpoint").read_bytes()) - 20),
        }


def flip(file: Path, at: int) -> None:
    """One bit of one byte."""
    raw = bytearray(file.read_bytes())
    raw[at] ^= 1
    file.write_bytes(bytes(raw))


def takes_refuses_takes(read: Callable[[], object], file: Path, at: int) -> None:
    """The pair: the fault not applied, applied, and taken back."""
    read()
    flip(file, at)
    try:
        with pytest.raises(OracleRefuses):
            read()
    finally:
        flip(file, at)
    read()
