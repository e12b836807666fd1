"""A file is replaced whole; what is no file is never replaced by one."""

import os
import stat
import threading
from pathlib import Path

import pytest

from custody.store.durable_file import replace_file


def test_a_file_is_made_and_replaced_whole(tmp_path: Path) -> None:
    file = tmp_path / "head"
    for content in (b"old", b"new and longer"):
        replace_file(file, content)
        assert file.read_bytes() == content
    assert [each.name for each in tmp_path.iterdir()] == ["head"]


def test_a_pipe_a_device_or_a_folder_is_never_replaced(tmp_path: Path) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    for path in (pipe, link, tmp_path):
        with pytest.raises(OSError, match="no ordinary file"):
            replace_file(path, b"content")
    assert stat.S_ISFIFO(pipe.lstat().st_mode)
    assert link.is_symlink()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["link", "pipe"]


def test_a_name_that_is_none_is_refused_as_a_file_is() -> None:
    with pytest.raises(OSError, match="no ordinary file"):
        replace_file(Path(), b"content")


def test_nobody_who_knows_the_name_of_a_draft_has_another_file_written_through_it(tmp_path: Path) -> None:
    victim, file = tmp_path / "victim", tmp_path / "head"
    victim.write_bytes(b"somebody's key")
    draft = tmp_path / f".head.{os.getpid()}.{threading.get_ident()}.draft"
    for lead_there in (draft.symlink_to, draft.hardlink_to):
        lead_there(victim)
        replace_file(file, b"content")
        assert (victim.read_bytes(), file.read_bytes()) == (b"somebody's key", b"content")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["head", "victim"]
    assert not file.is_symlink()
