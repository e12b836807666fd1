"""A command writes over no file: the file is named, and how to go on; nothing half-written stays."""

import errno
import os
from pathlib import Path

import pytest

from api.cli.broker_certificates import open_authority
from custody.kernel.errors import Rejected
from custody.kernel.keys import new_signer
from custody.kernel.system_clock import SystemClock
from custody.store.durable_file import create_file, replace_file
from tests.doors.command_line import CommandLine

SITE = ("--site", "https://id.gs1.org/414/9521473000102", "--custodian", "https://id.gs1.org/417/9521473000010")
WRITERS = {
    "station request": ("station", "request", "bench-4", "--key", "key.pem", *SITE, "--out"),
    "registrar draft": ("registrar", "draft", "--threshold", "1", "--out"),
    "registrar approve": ("registrar", "approve", "change.policy", "--name", "carrier", "--key", "key.pem", "--out"),
    "log proof": ("log", "proof", "17", "--out"),
    "log receipt": ("log", "receipt", "17", "--out"),
    "log entry": ("log", "entry", "17", "--out"),
    "pack": ("pack", "case_0k3v9q2m7x4d8r1t", "--out"),
}


@pytest.fixture
def shell(tmp_path: Path) -> CommandLine:
    """Lend a shell in a folder with a private key; no service answers."""
    (tmp_path / "key.pem").write_text(new_signer().private_pem())
    return CommandLine(address="http://127.0.0.1:9", folder=tmp_path)


@pytest.mark.parametrize("command", WRITERS)
def test_a_file_that_is_there_is_never_overwritten_and_no_service_is_asked_first(
    shell: CommandLine, command: str
) -> None:
    key = (shell.folder / "key.pem").read_bytes()
    what, fix = shell.run(*WRITERS[command], "key.pem", expect=1).err.splitlines()
    assert what == "error key.pem exists; a file is never overwritten"
    assert fix.strip() == "Choose another name with --out, or move that file away."
    assert (shell.folder / "key.pem").read_bytes() == key


def test_a_pack_without_out_is_kept_until_a_newer_one_has_come(shell: CommandLine) -> None:
    (shell.folder / "case_1.zip").write_bytes(b"earlier")
    assert "exists" not in shell.run("pack", "case_1", expect=1).err
    assert (shell.folder / "case_1.zip").read_bytes() == b"earlier"


def test_a_link_that_leads_nowhere_is_not_followed(shell: CommandLine) -> None:
    (shell.folder / "link").symlink_to("elsewhere")
    assert "link exists" in shell.run(*WRITERS["log proof"], "link", expect=1).err
    assert not (shell.folder / "elsewhere").exists()


def test_a_new_file_takes_no_place_and_one_that_could_not_be_written_leaves_no_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_file(tmp_path / "new", b"content", mode=0o600)
    assert ((tmp_path / "new").read_bytes(), (tmp_path / "new").stat().st_mode & 0o777) == (b"content", 0o600)
    with pytest.raises(FileExistsError):
        create_file(tmp_path / "new", b"other")
    for why in (OSError(errno.ENOSPC, "no space"), KeyboardInterrupt()):

        def full(_descriptor: int, why: BaseException = why) -> None:
            raise why

        monkeypatch.setattr(os, "fsync", full)
        for write, name in ((create_file, "part"), (replace_file, "new")):
            with pytest.raises(type(why)):
                write(tmp_path / name, b"half")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("new", b"content")]


@pytest.mark.parametrize("name", ["mosquitto.conf", "access", "README.md"])
def test_the_first_broker_config_in_a_folder_overwrites_nothing_and_the_second_only_its_own(
    shell: CommandLine, name: str
) -> None:
    (shell.folder / "b").mkdir()
    (shell.folder / "b" / name).write_text("somebody else's")
    assert f"{name} exists" in shell.run("broker-config", "b", expect=1).err
    assert [path.name for path in (shell.folder / "b").iterdir()] == [name]
    (shell.folder / "b" / name).unlink()
    shell.run("broker-config", "b")
    shell.run("broker-config", "b", "--device", "dev-1")


def test_an_authority_whose_key_was_put_away_is_not_replaced(tmp_path: Path) -> None:
    now_ms = SystemClock().now_ms()
    authority = open_authority(tmp_path, now_ms=now_ms)
    kept = authority.certificate_file.read_bytes()
    authority.key_file.unlink()
    with pytest.raises(Rejected, match="without its key"):
        open_authority(tmp_path, now_ms=now_ms)
    assert authority.certificate_file.read_bytes() == kept
    assert not authority.key_file.exists()
