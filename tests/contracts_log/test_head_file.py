"""A database that was put back cannot pass for the log: the newest signed head stands outside it."""

import errno
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from api.process.heads import HeadKeeper
from custody.kernel.errors import Fatal
from custody.ledger.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from custody.ledger.note import Ed25519Verifier, text_key
from custody.store import log_reader, outbox
from custody.store.head_file import SLOT_BYTES, SLOTS, HeadFile, note_in, slot_of
from custody.store.unit import House
from devicelock.transport import PublishOutcome
from devicelock.usecases.relay import Relay
from tests.contracts_log.small_house import add_records, copy_database, open_house, opened_house, raises, size_of
from tests.waiting import until
from tests.world_parts import ORIGIN, key


def head_file(folder: Path) -> HeadFile:
    return HeadFile(folder / "heads", origin=ORIGIN, key=key("log").public)


def note_of(house: House) -> bytes:
    with house.read() as session:
        return log_reader.head(session).note


def head_of(note: bytes) -> Checkpoint:
    return open_checkpoint(note, Ed25519Verifier(key=text_key(ORIGIN, key("log").public)))


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
    assert one.kept() == head_file(tmp_path).kept() == head_of(note_of(house))


def test_a_file_that_the_logs_key_did_not_sign_does_not_start(sqlite_url: str, tmp_path: Path) -> None:
    house = opened_house(sqlite_url)
    file = head_file(tmp_path)
    checkpoint = Checkpoint(origin=ORIGIN, size=9, root=bytes(32))
    foreign, cut = sign_checkpoint(checkpoint, key("operator")), note_of(house)[:-9]
    whole = slot_of(note_of(house))
    slots = (slot_of(foreign) + whole, whole + slot_of(cut), bytes(SLOTS * SLOT_BYTES), whole, whole + whole[:-1])
    for content in (b"", b"not a note", foreign, cut, *slots):
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


def not_overwritten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(os, "pwrite", no_space)


def overwritten_and_not_flushed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(os, "fdatasync", no_space)


def three_notes(house: House) -> list[bytes]:
    """The heads of a log that grew twice."""
    notes = [note_of(house)]
    for more in (2, 3):
        add_records(house, more)
        notes.append(note_of(house))
    return notes


@pytest.mark.parametrize(
    ("fault", "kept_before", "stands"),
    [
        (not_written, 0, None),
        (not_renamed, 0, None),
        (written_and_then_failed, 0, 2),
        (not_overwritten, 1, 0),
        (not_overwritten, 2, 1),
        (overwritten_and_not_flushed, 1, 2),
        (overwritten_and_not_flushed, 2, 2),
    ],
)
def test_whether_the_file_was_written_or_not_the_service_starts_again(
    sqlite_url: str, tmp_path: Path, fault: Break, kept_before: int, stands: int | None
) -> None:
    house = opened_house(sqlite_url)
    file = head_file(tmp_path)
    notes = three_notes(house)
    for note in notes[:kept_before]:
        file.keep(note)
    with pytest.MonkeyPatch.context() as patch:
        fault(patch)
        with pytest.raises(OSError, match="no space"):
            file.keep(notes[2])
    assert file.kept() == (None if stands is None else head_of(notes[stands]))
    assert not list(file.path.parent.glob("*.draft"))
    check(head_file(tmp_path), house)
    file.keep(notes[2])
    assert file.kept() == head_of(notes[2])


@pytest.mark.parametrize("writes_again", [True, False])
def test_what_could_not_be_flushed_is_written_again_as_a_whole(
    sqlite_url: str, tmp_path: Path, *, writes_again: bool
) -> None:
    """Applied: the system said that a page did not reach the disk, and may say of the same page later that it did."""
    house = opened_house(sqlite_url)
    file = head_file(tmp_path)
    notes = three_notes(house)
    file.keep(notes[0])
    with pytest.MonkeyPatch.context() as patch:
        if writes_again:
            overwritten_and_not_flushed(patch)
            with pytest.raises(OSError, match="no space"):
                file.keep(notes[1])
        else:
            file.keep(notes[1])
    before = file.path.stat().st_ino
    file.keep(notes[2 if not writes_again else 1])
    assert (file.path.stat().st_ino != before) is writes_again


def test_a_write_that_power_cut_short_leaves_the_head_before(sqlite_url: str, tmp_path: Path) -> None:
    house = opened_house(sqlite_url)
    notes = three_notes(house)
    file = head_file(tmp_path)
    for note in notes[:2]:
        file.keep(note)
    before, slot = file.path.read_bytes(), slot_of(notes[2])
    place = before.index(slot_of(notes[0]))
    told = len(notes[2]) + 64
    for count in (*range(told), told + 100, SLOT_BYTES - 1, SLOT_BYTES):
        file.path.write_bytes(before[:place] + slot[:count] + before[place + count :])
        whole = note_in(file.path.read_bytes()[place:][:SLOT_BYTES])
        assert whole in {None, notes[0], notes[2]}
        again = head_file(tmp_path)
        assert again.kept() == head_of(notes[2] if whole == notes[2] else notes[1])
        check(again, house)
        again.keep(notes[2])
        assert head_file(tmp_path).kept() == head_of(notes[2])


@pytest.mark.parametrize("torn", [0, 1])
def test_a_torn_slot_is_written_next_and_the_whole_one_stays(sqlite_url: str, tmp_path: Path, torn: int) -> None:
    house = opened_house(sqlite_url)
    notes = three_notes(house)
    file = head_file(tmp_path)
    for note in notes[:2]:
        file.keep(note)
    content = bytearray(file.path.read_bytes())
    content[torn * SLOT_BYTES + 40] ^= 1
    file.path.write_bytes(content)
    file.keep(notes[2])
    assert note_in(file.path.read_bytes()[torn * SLOT_BYTES :][:SLOT_BYTES]) == notes[2]
    assert note_in(file.path.read_bytes()[(1 - torn) * SLOT_BYTES :][:SLOT_BYTES]) is not None


def test_a_file_from_before_slots_is_read_and_replaced_by_the_next_head(sqlite_url: str, tmp_path: Path) -> None:
    house = opened_house(sqlite_url)
    notes = three_notes(house)
    file = head_file(tmp_path)
    file.path.write_bytes(notes[1])
    check(file, house)
    assert file.kept() == head_of(notes[1])
    file.keep(notes[0])
    assert file.path.read_bytes() == notes[1]
    file.keep(notes[2])
    assert len(file.path.read_bytes()) == SLOTS * SLOT_BYTES
    assert file.kept() == head_of(notes[2])


def test_a_head_is_kept_by_one_flush_and_the_first_one_by_two(sqlite_url: str, tmp_path: Path) -> None:
    house = opened_house(sqlite_url)
    notes = three_notes(house)
    file = head_file(tmp_path)
    flushed: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _descriptor: flushed.append("fsync"))
        patch.setattr(os, "fdatasync", lambda _descriptor: flushed.append("fdatasync"))
        for note in notes:
            file.keep(note)
    assert flushed == ["fsync", "fsync", "fdatasync", "fdatasync"]


class Line:
    """A transport that takes everything, and remembers what the file said then."""

    def __init__(self, file: HeadFile) -> None:
        self._file = file
        self.seen: list[int] = []

    def publish(self, *_args: object, **_named: object) -> PublishOutcome:
        kept = self._file.kept()
        self.seen.append(kept.size if kept else 0)
        return PublishOutcome.ACCEPTED


def with_messages(sqlite_url: str, tmp_path: Path, messages: Mapping[str, int]) -> tuple[House, Line, Relay]:
    """A house whose head has grown, its relay, and what waits to leave by its priority."""
    house, file = opened_house(sqlite_url), head_file(tmp_path)
    line = Line(file)
    add_records(house, 5)
    with house.unit() as unit:
        for name, priority in messages.items():
            outbox.put(unit, topic=name, payload=b"said", key=name, priority=priority, expires_ms=unit.now_ms + 99_000)
    return house, line, Relay(house, line, may_leave=HeadKeeper(house, file).is_kept)


@pytest.mark.parametrize(("priority", "leaves"), [(outbox.NORMAL, False), (outbox.URGENT, True)])
def test_no_lock_leaves_before_the_head_is_kept_and_what_sets_free_waits_for_nothing(
    sqlite_url: str,
    tmp_path: Path,
    priority: int,
    leaves: bool,  # noqa: FBT001 - the rule in a table
) -> None:
    house, line, relay = with_messages(sqlite_url, tmp_path, {"one": priority, "two": priority})
    with pytest.MonkeyPatch.context() as patch:
        not_written(patch)
        assert relay.carry() == (2 if leaves else 0)
    assert line.seen == ([0, 0] if leaves else [])
    assert relay.carry() == (0 if leaves else 2)
    assert leaves or line.seen == [size_of(house), size_of(house)]


def test_what_sets_free_leaves_before_the_head_is_written_for_the_locks_of_its_round(
    sqlite_url: str, tmp_path: Path
) -> None:
    """A folder that hangs holds nobody up who is to be set free."""
    house, line, relay = with_messages(sqlite_url, tmp_path, {"lock": outbox.NORMAL, "free": outbox.URGENT})
    assert relay.carry() == 2
    assert line.seen == [0, size_of(house)]


def test_the_keeper_follows_the_commits_and_keeps_the_last_head_when_it_stops(sqlite_url: str, tmp_path: Path) -> None:
    house = opened_house(sqlite_url)
    file = head_file(tmp_path)
    keeper = HeadKeeper(house, file)
    house.after_commit = keeper.thread.poke
    keeper.thread.start()
    for _ in range(20):
        add_records(house, 1)
    keeper.thread.stop()
    assert file.kept() == head_of(note_of(house))


def test_the_keeper_follows_what_another_service_commits_to_the_same_database(
    database_url: str, tmp_path: Path
) -> None:
    house, file = opened_house(database_url), head_file(tmp_path)
    keeper = HeadKeeper(open_house(database_url), file)
    keeper.thread.start()
    until(lambda: file.kept() == head_of(note_of(house)), within_s=10)
    add_records(house, 1)
    until(lambda: file.kept() == head_of(note_of(house)), within_s=10)
    keeper.thread.stop()


def test_the_keeper_survives_a_full_disk(sqlite_url: str, tmp_path: Path) -> None:
    house = opened_house(sqlite_url)
    file = head_file(tmp_path)
    keeper = HeadKeeper(house, file)
    house.after_commit = keeper.thread.poke
    keeper.thread.start()
    with pytest.MonkeyPatch.context() as patch:
        not_written(patch)
        overwritten_and_not_flushed(patch)
        add_records(house, 1)
    add_records(house, 1)
    keeper.thread.stop()
    assert file.kept() == head_of(note_of(house))
