"""The log as a folder: whole, resumable, checked while it is written, and read by somebody else's verifier."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tlog_scales.backend import LocalBackend
from tlog_scales.reader import TilesReader
from tlog_scales.signing import Vkey

from custody.kernel.errors import NotFound, Rejected
from custody.ledger.audit import audit
from custody.ledger.merkle import leaf_hash
from custody.ledger.replay import Finding
from custody.ledger.tiles import ENTRIES, TileId
from custody.store import log_reader
from custody.store.static_export import Exported, export_log
from custody.store.unit import House
from tests.contracts_log.small_house import VERIFIER, add_records, copy_database, open_house, opened_house, raises


class Door:
    """The log's public face, which may break off or lie."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.left = 10**9
        self.change: Callable[[str, bytes], bytes] = lambda _path, data: data

    def checkpoint(self) -> bytes:
        with self._house.read() as session:
            return self.change("checkpoint", log_reader.head(session).note)

    def tile(self, wanted: TileId) -> bytes:
        self.left -= 1
        if self.left < 0:
            raise NotFound("tile", "the line broke", fix="Try again.")
        with self._house.read() as session:
            read = log_reader.bundle if wanted.level == ENTRIES else log_reader.tile
            return self.change(wanted.path, read(session, wanted))


def export(door: Door, folder: Path) -> Exported:
    return export_log(folder, get_checkpoint=door.checkpoint, get_tile=door.tile, log=VERIFIER)


def audit_folder(folder: Path) -> list[Finding]:
    def tile(wanted: TileId) -> bytes:
        path = folder / wanted.path
        if not path.is_file():
            raise NotFound("tile", f"{wanted.path} is missing", fix="Export again.")
        return path.read_bytes()

    return list(audit((folder / "checkpoint").read_bytes, tile, VERIFIER))


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Make a log of 700 entries, grown in steps, and give its address."""
    url = f"sqlite:///{tmp_path_factory.mktemp('grown') / 'log.db'}"
    house = opened_house(url)
    for step in (255, 1, 200, 243):
        add_records(house, step)
    house.engine.dispose()
    return url


@pytest.fixture
def house(grown: str) -> House:
    """Lend that log."""
    return open_house(grown)


def test_a_log_of_700_entries_is_read_by_an_independent_verifier(house: House, tmp_path: Path) -> None:
    done = export(Door(house), tmp_path / "log")
    assert done.size == 700
    assert audit_folder(tmp_path / "log") == []
    reader = TilesReader(LocalBackend(tmp_path / "log"))
    checkpoint = reader.get_checkpoint()
    checkpoint.verify(Vkey.from_string(VERIFIER.key.vkey()))
    reader.set_size(700)
    assert reader.calculate_root_hash() == done.root
    with house.read() as session:
        for index in (0, 255, 256, 433, 699):
            raw = log_reader.entry(session, index).raw
            assert reader.get_entry(index) == raw
            reader.get_inclusion_proof(index, 700).check(leaf_hash(raw), done.root)


def test_a_later_export_writes_only_what_is_new(sqlite_url: str, tmp_path: Path) -> None:
    house = opened_house(sqlite_url)
    folder = tmp_path / "log"
    add_records(house, 299)
    first = export(Door(house), folder)
    assert first.written == len([path for path in folder.rglob("*") if path.is_file()])
    again = export(Door(house), folder)
    assert (again.written, again.size) == (0, 300)
    full = folder / "tile" / "0" / "000"
    before = full.stat()
    add_records(house, 1)
    later = export(Door(house), folder)
    assert later.written == 3, "a partial tile, a partial bundle, the checkpoint; level 1 is as it was"
    assert full.stat().st_mtime_ns == before.st_mtime_ns
    assert audit_folder(folder) == []


def test_an_export_that_broke_off_goes_on_and_shows_no_checkpoint_before(house: House, tmp_path: Path) -> None:
    folder, door = tmp_path / "log", Door(house)
    for allowed in (0, 1, 2):
        door.left = allowed
        with raises(NotFound, "tile"):
            export(door, folder)
        assert not (folder / "checkpoint").exists()
    door.left = 2
    while not (folder / "checkpoint").exists():
        try:
            export(door, folder)
        except NotFound:
            door.left = 2
    assert audit_folder(folder) == []
    assert not list(folder.rglob("*.draft"))


@pytest.mark.parametrize("path", ["tile/0/000", "tile/1/000.p/2", "tile/entries/001", "checkpoint"])
def test_one_flipped_bit_is_refused_and_no_checkpoint_is_shown(house: House, tmp_path: Path, path: str) -> None:
    door = Door(house)
    door.change = lambda name, data: data[:40] + bytes([data[40] ^ 1]) + data[41:] if name == path else data
    with pytest.raises(Rejected):
        export(door, tmp_path / "log")
    assert not (tmp_path / "log" / "checkpoint").exists()


def test_a_log_with_another_past_does_not_overwrite_what_was_exported(sqlite_url: str, tmp_path: Path) -> None:
    house = opened_house(sqlite_url)
    house.engine.dispose()
    backup = open_house(copy_database(sqlite_url, tmp_path / "backup"))
    add_records(house, 9)
    folder = tmp_path / "log"
    export(Door(house), folder)
    note = (folder / "checkpoint").read_bytes()
    for more in (8, 1, 20):
        add_records(backup, more)
        with raises(Rejected, "fork"):
            export(Door(backup), folder)
    assert (folder / "checkpoint").read_bytes() == note
    assert audit_folder(folder) == []
