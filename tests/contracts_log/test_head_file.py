"""A database that was put back cannot pass for the log: the newest signed head stands outside it."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from api.heads import HeadFirst, HeadKeeper
from custody.kernel.errors import Fatal
from custody.ledger.checkpoint import Checkpoint, sign_checkpoint
from custody.store import log_reader
from custody.store.head_file import HeadFile
from custody.store.unit import House
from devicelock.transport import PublishOutcome
from tests.contracts_log.small_house import add_records, copy_database, open_house, opened_house, raises, size_of
from tests.world_parts import ORIGIN, key


def head_file(folder: Path) -> HeadFile:
    return HeadFile(folder / "heads", origin=ORIGIN, key=key("log").public)


def note_of(house: House) -> bytes:
    with house.read() as session:
        return log_reader.head(session).note


def check(file: HeadFile, house: House) -> None:
    with house.read() as session:
        file.check(session)


def test_a_log_without_a_file_starts(sqlite_url: str, tmp_path: Path) -> None:
    house = open_house(sqlite_url)
    check(head_file(tmp_path), house)


def test_the_same_head_and_a_database_ahead_start(database_url: str, tmp_path: Path) -> None:
    house = opened_house(database_url)
    head_file(tmp_path).keep(note_of(house))
    check(head_file(tmp_path), house)
    for more in (1, 300, 2):
        add_records(house, more)
        check(head_file(tmp_path), house)
    head_file(tmp_path).keep(note_of(house))
    check(head_file(tmp_path), house)


def test_an_older_copy_of_the_database_does_not_start(sqlite_url: str, tmp_path: Path) -> None:
    house = opened_house(sqlite_url)
    house.engine.dispose()
    backup = copy_database(sqlite_url, tmp_path / "backup")
    add_records(house, 3)
    head_file(tmp_path).keep(note_of(house))
    with raises(Fatal, "rollback"):
        check(head_file(tmp_path), open_house(backup))
    with raises(Fatal, "rollback"):
        check(head_file(tmp_path), open_house(f"sqlite:///{tmp_path / 'fresh.db'}"))


@pytest.mark.parametrize("more", [3, 4, 300])
def test_an_older_copy_that_grew_to_the_old_size_or_beyond_does_not_start(
    sqlite_url: str, tmp_path: Path, more: int
) -> None:
    house = opened_house(sqlite_url)
    house.engine.dispose()
    backup = open_house(copy_database(sqlite_url, tmp_path / "backup"))
    add_records(house, 3)
    head_file(tmp_path).keep(note_of(house))
    add_records(backup, more)
    with raises(Fatal, "fork"):
        check(head_file(tmp_path), backup)


def test_the_file_only_moves_forward(sqlite_url: str, tmp_path: Path) -> None:
    house = opened_house(sqlite_url)
    old = note_of(house)
    add_records(house, 1)
    one, other = head_file(tmp_path), head_file(tmp_path)
    other.keep(old)
    one.keep(note_of(house))
    other.keep(old)
    assert one.path.read_bytes() == note_of(house)


def test_a_file_that_the_logs_key_did_not_sign_does_not_start(sqlite_url: str, tmp_path: Path) -> None:
    house = opened_house(sqlite_url)
    file = head_file(tmp_path)
    checkpoint = Checkpoint(origin=ORIGIN, size=9, root=bytes(32))
    for content in (b"", b"not a note", sign_checkpoint(checkpoint, key("operator")), note_of(house)[:-9]):
        file.path.write_bytes(content)
        with raises(Fatal, "head_file"):
            check(file, house)


Break = Callable[[pytest.MonkeyPatch], None]


def no_space(*_args: object, **_named: object) -> int:
    raise OSError(errno.ENOSPC, "no space left on the device")


def not_written(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(os, "fsync", no_space)


def not_renamed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Path, "replace", no_space)


def written_and_then_failed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("custody.store.durable_file._flush_folder", no_space)


@pytest.mark.parametrize(("fault", "stands"), [(not_written, 0), (not_renamed, 0), (written_and_then_failed, 1)])
def test_whether_the_file_was_written_or_not_the_service_starts_again(
    sqlite_url: str, tmp_path: Path, fault: Break, stands: int
) -> None:
    house = opened_house(sqlite_url)
    file = head_file(tmp_path)
    file.keep(note_of(house))
    notes = [note_of(house)]
    add_records(house, 2)
    notes.append(note_of(house))
    with pytest.MonkeyPatch.context() as patch:
        fault(patch)
        with pytest.raises(OSError, match="no space"):
            file.keep(notes[1])
    assert file.path.read_bytes() == notes[stands]
    assert not list(file.path.parent.glob("*.draft"))
    check(head_file(tmp_path), house)
    file.keep(notes[1])
    assert file.path.read_bytes() == notes[1]


class Line:
    """A transport that takes everything, and remembers what the file said then."""

    def __init__(self, file: HeadFile) -> None:
        self._file = file
        self.seen: list[int] = []

    def publish(self, *_args: object, **_named: object) -> PublishOutcome:
        kept = self._file.kept()
        self.seen.append(kept.size if kept else 0)
        return PublishOutcome.ACCEPTED


def test_nothing_leaves_for_a_handset_before_the_head_is_kept(sqlite_url: str, tmp_path: Path) -> None:
    house = opened_house(sqlite_url)
    file = head_file(tmp_path)
    line = Line(file)
    first = HeadFirst(line, HeadKeeper(house, file))
    add_records(house, 5)
    with pytest.MonkeyPatch.context() as patch:
        not_written(patch)
        assert first.publish("topic", b"lock", expiry_s=9) is PublishOutcome.NOT_CONNECTED
    assert line.seen == []
    assert first.publish("topic", b"lock", expiry_s=9) is PublishOutcome.ACCEPTED
    assert line.seen == [size_of(house)]


def test_the_keeper_follows_the_commits_and_keeps_the_last_head_when_it_stops(sqlite_url: str, tmp_path: Path) -> None:
    house = opened_house(sqlite_url)
    file = head_file(tmp_path)
    keeper = HeadKeeper(house, file)
    house.after_commit = keeper.poke
    keeper.start()
    for _ in range(20):
        add_records(house, 1)
    keeper.stop()
    assert file.path.read_bytes() == note_of(house)


def test_the_keeper_survives_a_full_disk(sqlite_url: str, tmp_path: Path) -> None:
    house = opened_house(sqlite_url)
    file = head_file(tmp_path)
    keeper = HeadKeeper(house, file)
    house.after_commit = keeper.poke
    keeper.start()
    with pytest.MonkeyPatch.context() as patch:
        not_written(patch)
        add_records(house, 1)
    add_records(house, 1)
    keeper.stop()
    assert file.path.read_bytes() == note_of(house)
