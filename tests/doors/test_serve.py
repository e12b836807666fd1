"""`weaklink serve` that cannot serve says so in two lines, what is wrong and what to change, and has made nothing."""

import json
import socket
import stat
from pathlib import Path
from unittest.mock import Mock

import pytest

from api.data_folder import hold_folder
from tests.doors.command_line import CommandLine


def refused(folder: Path, *words: str) -> tuple[str, str]:
    """What is wrong, and what to do about it."""
    (folder / "file").touch()
    ended = CommandLine(address="", folder=folder).run("serve", *words, expect=1)
    assert ended.out == ""
    assert [path.name for path in folder.iterdir()] == ["file"]
    what, fix = ended.err.splitlines()
    return what, fix.strip()


@pytest.mark.parametrize(
    ("words", "option"),
    [
        ("--port 0 --data file", "--data"),
        ("--port 0 --data file/data", "--data"),
        ("--port 99999", "--port"),
        ("--workers 0", "--workers"),
        ("--port 0 --host 192.0.2.1", "--host"),
    ],
)
def test_what_cannot_be_served_is_refused_and_the_option_to_change_is_named(
    tmp_path: Path, words: str, option: str
) -> None:
    what, fix = refused(tmp_path, *words.split())
    assert what.startswith("error ")
    assert fix == f"Choose another {option}."


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_port_that_is_taken_is_found_out_before_anything_is_made_or_any_password_told(
    tmp_path: Path, workers: str
) -> None:
    """Also where whoever has it would share it with more processes."""
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as other:
        port = other.getsockname()[1]
        what, fix = refused(tmp_path, "--port", str(port), "--workers", workers)
    assert f"127.0.0.1:{port}" in what
    assert fix == "Choose another --port."


def test_a_setting_of_the_environment_is_named_as_it_is_set_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEAKLINK_WORKERS", "none")
    assert refused(tmp_path)[1] == "Set WEAKLINK_WORKERS otherwise."


def test_the_data_folder_is_made_for_its_owner_alone_and_one_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    made, found = tmp_path / "made", tmp_path / "found"
    found.mkdir()
    found.chmod(0o750)
    for folder, mode in ((made, 0o700), (found, 0o750)):
        with hold_folder(folder):
            assert stat.S_IMODE(folder.stat().st_mode) == mode


def test_a_start_is_told_as_one_json_value_with_the_accounts_only_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.cli.serve.Server", Mock())
    monkeypatch.setattr("api.cli.serve.speak", Mock())
    shell = CommandLine(address="", folder=tmp_path)
    first, then = (json.loads(shell.run("serve", "--port", "0", "--data", "d", "--json").out) for _ in range(2))
    assert (first["data"], first["api"]) == ("d", f"{first['address']}/docs")
    assert {"agent-1", "supervisor-1", "investigator-1"} <= first["accounts"].keys()
    assert then["accounts"] == {}
