"""A log that the service made, as a folder: other people's verifiers take it, and refuse it after one flipped byte.

Each fault comes as a pair: not applied, the verifier takes the folder; applied, it refuses; put back, it takes it
again. A log of 70 000 entries goes the same way in `tests/benchmarks/weaklink_audit.py`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from custody.kernel import cose
from custody.ledger.audit import Audit
from custody.ledger.checkpoint import open_checkpoint
from custody.ledger.proof import make_proof
from custody.ledger.tiles import ENTRIES, TileId, decode_bundle
from custody.store import log_reader
from tests.contracts_log.small_house import OPENED, VERIFIER, opened_house
from tests.oracles.published import FAULTS, INDEX, VKEY, Published, takes_refuses_takes
from tests.oracles.verifiers import GoOracle, OracleRefuses, cwt_payload, scales, scitt
from tests.world_parts import key


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
