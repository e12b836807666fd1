"""The log as files in a folder or a bucket: whole, resumable, checked while written, safe for readers at every stop."""

import os
from pathlib import Path

import pytest
from tlog_scales.backend import LocalBackend
from tlog_scales.reader import TilesReader
from tlog_scales.signing import Vkey

from custody.kernel.errors import Conflict, NotFound, Rejected, Unavailable
from custody.ledger.merkle import leaf_hash
from custody.store import log_reader, log_target
from custody.store.unit import House
from tests.contracts_log.places import Door, Faulty, Place, export
from tests.contracts_log.small_house import (
    OPENED,
    VERIFIER,
    add_records,
    copy_database,
    open_house,
    opened_house,
    raises,
)


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Make a log of 700 entries, grown in steps, and a backup of it at 257; give their addresses."""
    folder = tmp_path_factory.mktemp("grown")
    url = f"sqlite:///{folder / 'log.db'}"
    house = opened_house(url)
    add_records(house, 255)
    add_records(house, 1)
    house.engine.dispose()
    backup = copy_database(url, folder / "backup")
    for step in (200, 243):
        add_records(house, step)
    OPENED.remove(house)
    house.engine.dispose()
    return backup, url


@pytest.fixture
def short(grown: tuple[str, str]) -> Door:
    """Lend that log as it was at 257 entries."""
    return Door(open_house(grown[0]))


@pytest.fixture
def long(grown: tuple[str, str]) -> Door:
    """Lend that log with its 700 entries."""
    return Door(open_house(grown[1]))


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Lend an empty folder and an empty bucket in turn: a rule of the export holds for both."""
    if request.param == "folder":
        return Place(str(tmp_path / "mirror"))
    return Place(f"s3://{request.getfixturevalue('bucket')}/logs/one")


def grow(url: str) -> tuple[House, Door]:
    """A log of one entry that a test makes longer."""
    house = opened_house(url)
    return house, Door(house)


def flip(data: bytes) -> bytes:
    """The same with one bit changed."""
    return data[:40] + bytes([data[40] ^ 1]) + data[41:]


def test_a_log_of_700_entries_is_read_by_an_independent_verifier(grown: tuple[str, str], tmp_path: Path) -> None:
    house = open_house(grown[1])
    place = Place(str(tmp_path / "log"))
    done = export(Door(house), place.target())
    assert done.size == 700
    assert place.audit() == []
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


def test_folder_and_bucket_get_the_same_files(long: Door, bucket: str, tmp_path: Path) -> None:
    folder, shelf = Place(str(tmp_path / "log")), Place(f"s3://{bucket}/log")
    first, second = export(long, folder.target()), export(long, shelf.target())
    assert first == second
    assert folder.files() == shelf.files()
    assert len(folder.files()) == first.written == 8


def test_a_later_export_reads_and_writes_only_what_is_new(sqlite_url: str, place: Place) -> None:
    house, door = grow(sqlite_url)
    add_records(house, 299)
    first = export(door, place.target())
    assert first.written == len(place.files())
    again = export(door, place.target())
    assert (again.written, again.size) == (0, 300)
    add_records(house, 1)
    door.asked.clear()
    target = Faulty(target=place.target(), path="none", applied=False)
    assert export(door, target).written == 3
    assert sorted(target.put_there[:-1]) == ["tile/0/001.p/45", "tile/entries/001.p/45"], "level 1 is as it was"
    assert target.put_there[-1] == "checkpoint"
    assert {path for path in door.asked if not path.startswith(("tile/0/001.p", "tile/1/"))} == {
        "tile/entries/001.p/45"
    }
    assert place.audit() == []


def test_an_export_that_broke_off_goes_on_and_shows_no_checkpoint_before(long: Door, place: Place) -> None:
    for allowed in (0, 1, 2):
        long.left = allowed
        with raises(NotFound, "tile"):
            export(long, place.target())
        assert "checkpoint" not in place.files()
    long.left = 2
    while "checkpoint" not in place.files():
        try:
            export(long, place.target())
        except NotFound:
            long.left = 2
    assert place.audit() == []
    assert not [path for path in place.files() if path.endswith(".draft")]


@pytest.mark.parametrize("fault", ["not applied", "applied"])
@pytest.mark.parametrize("path", ["tile/0/001", "tile/0/002.p/188", "tile/entries/000", "tile/1/000.p/2", "checkpoint"])
def test_a_write_that_fails_leaves_a_sound_log_and_the_next_export_ends_right(
    short: Door, long: Door, place: Place, path: str, fault: str
) -> None:
    if path != "tile/entries/000":  # which the shorter log has already
        export(short, place.target())
    old = place.files().get("checkpoint")
    target = Faulty(target=place.target(), path=path, applied=fault == "applied")
    with raises(Unavailable, "unavailable"):
        export(long, target)
    if path == "checkpoint" and fault == "applied":
        assert place.files()["checkpoint"] == long.checkpoint()
    else:
        assert place.files().get("checkpoint") == old
    if "checkpoint" in place.files():
        assert place.audit() == []
    again = Faulty(target=place.target(), path="none", applied=False)
    assert export(long, again).size == 700
    assert place.audit() == []
    assert set(again.put_there) & set(target.put_there) == set(), "what came through is not sent again"


@pytest.mark.parametrize("path", ["tile/0/000", "tile/1/000.p/2", "tile/entries/001", "checkpoint"])
def test_one_flipped_bit_of_the_log_is_refused_and_no_checkpoint_is_shown(long: Door, place: Place, path: str) -> None:
    long.change = lambda name, data: flip(data) if name == path else data
    with pytest.raises(Rejected):
        export(long, place.target())
    assert not {path, "checkpoint"} & set(place.files())


def test_a_log_with_another_past_is_refused_and_nothing_is_written(
    sqlite_url: str, tmp_path: Path, place: Place
) -> None:
    house, door = grow(sqlite_url)
    house.engine.dispose()
    backup = open_house(copy_database(sqlite_url, tmp_path / "backup"))
    add_records(house, 9)
    export(door, place.target())
    files = place.files()
    for more in (8, 1, 20):  # behind, as long, ahead
        add_records(backup, more)
        with raises(Rejected, "fork"):
            export(Door(backup), place.target())
    assert place.files() == files
    assert place.audit() == []


@pytest.mark.parametrize("spoilt", [None, "tile/0/002.p/188", "tile/1/000.p/2"])
def test_a_checkpoint_behind_the_one_already_there_is_refused(
    short: Door, long: Door, place: Place, spoilt: str | None
) -> None:
    export(long, place.target())
    if spoilt:
        place.spoil(spoilt, None)
    files = place.files()
    with pytest.raises(Conflict, match="holds a newer checkpoint: 700 entries, and this log shows 257") as caught:
        export(short, place.target())
    assert caught.value.code == "older"
    assert place.files() == files


def test_the_place_of_another_log_is_left_alone(long: Door, place: Place) -> None:
    export(long, place.target())
    for held in (b"nobody's\n1\n\n", long.checkpoint().replace(b"\n700\n", b"\n701\n"), b""):
        place.spoil("checkpoint", held)
        files = place.files()
        with raises(Rejected, "other_log"):
            export(long, place.target())
        assert place.files() == files


def test_a_checkpoint_that_another_export_moved_meanwhile_is_not_set_back(
    short: Door, long: Door, place: Place
) -> None:
    waiting = [long]

    def change(_path: str, data: bytes) -> bytes:
        if waiting:
            export(waiting.pop(), place.target())
        return data

    def late(path: str, data: bytes) -> bytes:
        return data if path == "checkpoint" else change(path, data)

    short.change = late
    with raises(Conflict, "moved"):
        export(short, place.target())
    assert place.files()["checkpoint"] == long.checkpoint()
    assert place.audit() == []


def test_a_draft_of_another_export_that_goes_while_files_are_listed_stops_none(long: Door, tmp_path: Path) -> None:
    place = Place(str(tmp_path / "mirror"))
    export(long, place.target())
    (tmp_path / "mirror/tile/0/.000.1.1.draft").symlink_to(tmp_path / "renamed meanwhile")
    assert export(long, place.target()).written == 0


def test_what_was_lost_or_cut_short_is_sent_again(long: Door, place: Place) -> None:
    export(long, place.target())
    files = place.files()
    for path, data in {"tile/0/001": None, "tile/entries/002.p/188": None, "tile/0/000": b"x" * 31}.items():
        place.spoil(path, data)
    assert export(long, place.target()).written == 3
    assert place.files() == files


@pytest.mark.parametrize("path", ["tile/0/001", "tile/entries/000", "tile/1/000.p/2"])
def test_a_damaged_copy_is_found_and_replaced_when_the_whole_is_read(long: Door, place: Place, path: str) -> None:
    export(long, place.target())
    files = place.files()
    place.spoil(path, flip(files[path]))
    assert place.audit() != []
    assert export(long, place.target(), whole=True).written == 1
    assert place.files() == files


def test_no_more_of_a_file_is_read_than_one_of_a_log_can_hold(
    long: Door, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(long, place.target())
    monkeypatch.setattr(log_target, "MOST_BYTES", 40)
    held = place.target().read("checkpoint")
    assert held is not None
    assert held.data == b""
    with raises(Rejected, "other_log"):
        export(long, place.target())


def test_whoever_holds_a_folder_fills_no_memory_with_a_file_of_it(long: Door, tmp_path: Path) -> None:
    place, mirror = Place(str(tmp_path / "mirror")), tmp_path / "mirror"
    export(long, place.target())
    files = place.files()
    os.truncate(mirror / "tile" / "entries" / "000", 2**40)
    export(long, place.target(), whole=True)
    assert place.files() == files
    os.truncate(mirror / "checkpoint", 2**40)
    with raises(Rejected, "other_log"):
        export(long, place.target())


def test_what_a_stopped_export_of_another_past_left_is_replaced(long: Door, place: Place) -> None:
    export(long, place.target())
    files = place.files()
    place.spoil("checkpoint", None)
    for path in ("tile/0/000", "tile/entries/000", "tile/0/002.p/188"):
        place.spoil(path, flip(files[path]))
    assert export(long, place.target()).written == 4
    assert place.files() == files


def test_a_partial_tile_stays_one_export_longer_than_its_full_tile_needs(sqlite_url: str, place: Place) -> None:
    house, door = grow(sqlite_url)
    add_records(house, 199)
    export(door, place.target())
    add_records(house, 100)
    partial = {"tile/0/000.p/200", "tile/entries/000.p/200"}
    assert export(door, place.target()).removed == 0
    assert partial <= set(place.files()), "who follows the older checkpoint is reading it"
    place.spoil("tile/0/notes.txt", b"not ours")
    add_records(house, 1)
    done = export(door, place.target())
    assert (done.removed, done.left) == (2, 0)
    assert not partial & set(place.files())
    assert {"tile/0/001.p/44", "tile/0/001.p/45", "tile/1/000.p/1", "tile/0/notes.txt"} <= set(place.files())
    assert place.audit() == []


@pytest.mark.parametrize("fault", ["not applied", "applied"])
def test_partial_tiles_that_cannot_be_taken_away_fail_no_export(sqlite_url: str, place: Place, fault: str) -> None:
    house, door = grow(sqlite_url)
    for more in (199, 100):
        add_records(house, more)
        export(door, place.target())
    target = Faulty(target=place.target(), path="", applied=fault == "applied")
    done = export(door, target)
    assert (done.size, done.removed, done.left) == (300, 0, 2)
    assert export(door, place.target()).left == 0
    assert "tile/0/000.p/200" not in place.files()
    assert place.audit() == []
