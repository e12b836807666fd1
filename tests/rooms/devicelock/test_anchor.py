"""What a restore must not take back: kept in a file, and seen by every process of a service."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from custody.kernel.errors import Fatal
from devicelock.anchor import AnchorFile, Hold


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file lies."""
    return tmp_path / "anchor" / "locks.txt"


def test_the_epoch_rises_at_every_start(path: Path) -> None:
    assert [AnchorFile(path).start() for _ in range(3)] == [1, 2, 3]
    assert AnchorFile(path).of("device").epoch == 3


def test_a_second_process_sees_what_the_first_one_anchored_since(path: Path) -> None:
    first, second = AnchorFile(path), AnchorFile(path)
    first.start()
    assert second.of("a").epoch == 1
    first.retire("a")
    second.retire("b")
    assert [each.of(name).retired for each in (first, second) for name in "abc"] == [True, True, False] * 2
    AnchorFile(path).start()
    assert [each.of("a").epoch for each in (first, second)] == [2, 2]


def test_a_device_is_retired_once_whoever_says_so(path: Path) -> None:
    first, second = AnchorFile(path), AnchorFile(path)
    first.retire("a")
    second.retire("a")
    assert path.read_text() == "retired a\n"


LOCK = Hold(order="lock_1", backend="android", handset="h", device="dev")


def retire(file: AnchorFile) -> None:
    file.retire("dev")


def hold(file: AnchorFile) -> None:
    file.hold(LOCK)


def let_go(file: AnchorFile) -> None:
    file.let_go("lock_1", "android")


@pytest.mark.parametrize("say", [retire, hold, let_go])
def test_a_fact_whose_flush_failed_is_written_and_flushed_anew_before_anyone_acts_on_it(
    path: Path, monkeypatch: pytest.MonkeyPatch, say: Callable[[AnchorFile], None]
) -> None:
    first, second = AnchorFile(path), AnchorFile(path)
    first.start()
    first.hold(LOCK) if say is let_go else None
    second.of("dev")

    def fail(_file: int) -> None:
        raise OSError(errno.EIO, "the disk does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        for each in (first, second):
            with pytest.raises(OSError, match="does not answer"):
                say(each)
    flushed: list[int] = []
    flush = os.fsync

    def count(file: int) -> None:
        flush(file)
        flushed.append(file)

    monkeypatch.setattr(os, "fsync", count)
    flushes = []
    for each in (first, second, first, second):
        say(each)
        flushes.append(len(flushed))
    assert flushes == [1, 2, 2, 2], "once by each of the two, and not again"
    assert AnchorFile(path).held() == ([LOCK] if say is hold else [])


def test_what_stands_at_the_start_is_flushed_then_and_costs_no_more(path: Path) -> None:
    first = AnchorFile(path)
    first.retire("dev")
    first.hold(LOCK)
    second = AnchorFile(path)
    retire(second)
    hold(second)
    assert len(path.read_text().splitlines()) == 2


def test_a_line_that_a_crash_cut_off_is_dropped_at_the_next_start(path: Path) -> None:
    AnchorFile(path).start()
    with path.open("a") as file:
        file.write("retired dev")
    assert not AnchorFile(path).of("dev").retired, "nobody has acted on it"
    assert AnchorFile(path).start() == 2
    assert path.read_text() == "epoch 1\nepoch 2\n"


def test_a_line_that_a_full_disk_cut_off_is_replaced_by_the_next_one_of_any_process(path: Path) -> None:
    first, second = AnchorFile(path), AnchorFile(path)
    first.start()
    with path.open("a") as file:
        file.write("retired dev")
    second.retire("other")
    first.retire("dev")
    assert path.read_text() == "epoch 1\nretired other\nretired dev\n"
    assert [each.of("dev").retired for each in (first, second, AnchorFile(path))] == [True] * 3


def test_a_line_that_is_no_fact_stops_everything(path: Path) -> None:
    AnchorFile(path).start()
    with path.open("a") as file:
        file.write("retire everything\n")
    with pytest.raises(Fatal, match="not a fact"):
        AnchorFile(path).of("a")


def test_where_a_lock_may_be_held_is_seen_by_every_process_until_it_is_free(path: Path) -> None:
    first, second = AnchorFile(path), AnchorFile(path)
    first.start()
    holds = [
        Hold(order=order, backend="android", handset="enterprises/e 1/devices/ä%", device="dev_a")
        for order in ("lock_1", "lock_2")
    ]
    for hold in (*holds, *holds):
        first.hold(hold)
    assert second.held() == AnchorFile(path).held() == holds
    second.let_go("lock_1", "android")
    second.let_go("lock_1", "nanomdm")
    assert first.held() == holds[1:]
    assert [first.may_hold(order, "android") for order in ("lock_1", "lock_2")] == [False, True]
    assert len(path.read_text().splitlines()) == 1 + 2 + 1


def test_bytes_that_are_no_text_are_told_as_a_line_that_is_no_fact(path: Path) -> None:
    AnchorFile(path).start()
    path.write_bytes(b"\xff\xfe\n")
    with pytest.raises(Fatal, match="not a fact"):
        AnchorFile(path).of("a")
