"""A log that the service made, as a folder: other people's verifiers take it, and refuse it after one flipped byte.

Each fault comes as a pair: not applied, the verifier takes the folder; applied, it refuses; put back, it takes it
again. A log of 70 000 entries goes the same way in `tests/benchmarks/weaklink_audit.py`.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from custody.kernel import cose
from custody.kernel.keys import PublicKey
from custody.ledger.audit import Audit
from custody.ledger.checkpoint import open_checkpoint
from custody.ledger.proof import make_proof
from custody.ledger.tiles import ENTRIES, TileId, decode_bundle
from custody.store import log_reader
from custody.store.log_target import Folder
from custody.store.static_export import export_log
from custody.store.unit import House
from custody.usecases.prove_entry import fresh_receipt, proof_file
from tests.contracts_log.small_house import OPENED, VERIFIER, add_records, enrol_bench, opened_house, send
from tests.oracles.verifiers import GoOracle, OracleRefuses, cwt_payload, scales, scitt
from tests.world_parts import ORIGIN, key

VKEY = VERIFIER.key.vkey()
SCANS, RECORDS = 290, 20
INDEX = 270
"""The entry that is tampered with: a scan in the partial tile."""


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


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    """Make a log of one full tile and a partial one, through the service's own intake."""
    folder = tmp_path_factory.mktemp("published")
    house = opened_house(f"sqlite:///{folder / 'log.db'}")
    made = Published(folder, house)
    assert made.size > 300
    yield made
    OPENED.remove(house)
    house.engine.dispose()


@pytest.fixture(scope="module")
def go(tmp_path_factory: pytest.TempPathFactory) -> GoOracle:
    """Lend the Go verifier, where this machine can build it."""
    built = GoOracle.build(tmp_path_factory.mktemp("go"))
    if built is None:
        pytest.skip("no Go, or golang.org/x/mod is not in its cache: cd tests/oracles/golang && go mod download")
    return built


def ours(published: Published) -> None:
    """The auditor of this project, with the key alone."""
    folder = published.folder
    run = Audit(
        get_checkpoint=(folder / "checkpoint").read_bytes,
        get_tile=lambda wanted: (folder / wanted.path).read_bytes(),
        log=VERIFIER,
        earlier=[open_checkpoint(published.old, VERIFIER)],
    )
    found = list(run.run())
    if found:
        raise OracleRefuses(str(found[0]))


def by_scales(published: Published) -> None:
    """tlog-scales, on every entry."""
    scales(published.folder, VKEY, earlier=[published.old])


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


FAULTS = pytest.mark.parametrize("fault", ["entry", "tile", "edge tile", "checkpoint", "signature"])


@FAULTS
@pytest.mark.parametrize("read", [ours, by_scales], ids=["weaklink", "tlog-scales"])
def test_a_flipped_byte_in_the_folder_is_refused(
    published: Published, read: Callable[[Published], None], fault: str
) -> None:
    takes_refuses_takes(lambda: read(published), *published.places[fault])


@FAULTS
def test_a_flipped_byte_in_the_folder_is_refused_by_go(published: Published, go: GoOracle, fault: str) -> None:
    old = published.folder.parent / "old"
    takes_refuses_takes(lambda: go.folder(published.folder, VKEY, earlier=[old]), *published.places[fault])


@pytest.mark.parametrize("part", ["proof", "entry"])
@pytest.mark.parametrize("at", [30, 60, -90, -10])
def test_go_takes_a_tlog_proof_and_refuses_it_after_one_flipped_byte(
    published: Published, go: GoOracle, tmp_path: Path, part: str, at: int
) -> None:
    proof, entry = tmp_path / "one.tlog-proof", tmp_path / "entry"
    proof.write_bytes(published.proof)
    entry.write_bytes(published.entry)
    file = proof if part == "proof" else entry
    takes_refuses_takes(lambda: go.proof(proof, entry, VKEY), file, at % file.stat().st_size)


def test_go_takes_the_proof_of_a_log_of_one_entry(go: GoOracle, sqlite_url: str, tmp_path: Path) -> None:
    house = opened_house(sqlite_url)
    with house.read() as session:
        stored = log_reader.entry(session, 0)
        (tmp_path / "proof").write_bytes(make_proof(index=0, path=[], note=log_reader.head(session).note))
    (tmp_path / "entry").write_bytes(stored.raw)
    assert go.proof(tmp_path / "proof", tmp_path / "entry", VKEY) == "entry 0 of 1"
    OPENED.pop().engine.dispose()


@pytest.mark.parametrize("part", ["receipt", "entry"])
@pytest.mark.parametrize("at", [25, 70, -100, -1])
def test_scitt_cose_takes_a_receipt_and_refuses_it_after_one_flipped_byte(
    published: Published, tmp_path: Path, part: str, at: int
) -> None:
    parts = {"receipt": tmp_path / "receipt", "entry": tmp_path / "entry"}
    parts["receipt"].write_bytes(published.receipt)
    parts["entry"].write_bytes(published.entry)
    log: Any = key("log").public

    def read() -> None:
        found = scitt(parts["receipt"].read_bytes(), parts["entry"].read_bytes(), log)
        assert (found.leaf_index, found.tree_size) == (INDEX, published.size)

    takes_refuses_takes(read, parts[part], at % parts[part].stat().st_size)


@pytest.mark.parametrize("at", [25, 100, -100, -1])
def test_cwt_takes_a_scan_of_the_log_and_refuses_it_after_one_flipped_byte(
    published: Published, tmp_path: Path, at: int
) -> None:
    file = tmp_path / "entry"
    file.write_bytes(published.entry)

    def read() -> None:
        assert cwt_payload(file.read_bytes(), published.station) == cose.parse(published.entry).payload

    takes_refuses_takes(read, file, at % len(published.entry))


def test_cwt_takes_every_statement_of_the_log(published: Published) -> None:
    keys = {one.kid: one for one in (published.station, key("operator").public, key("registrar").public)}
    for number, width in ((0, 256), (1, published.size - 256)):
        bundle = published.folder / TileId(level=ENTRIES, number=number, width=width).path
        for entry in decode_bundle(bundle.read_bytes(), width):
            assert cwt_payload(entry, keys[cose.parse(entry).kid])
