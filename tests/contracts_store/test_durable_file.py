"""A file is replaced whole; what is no file is never replaced by one."""

import os
import stat
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
