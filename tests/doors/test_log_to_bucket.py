"""`weaklink log export s3://...`, and an audit over HTTP of what the bucket serves to the public."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.cli import log_export
from api.cli.instance import Instance
from tests.doors.command_line import CommandLine
from tests.doors.log_desk import Desk
from tests.servers.s3 import S3Server


@pytest.fixture(scope="module")
def desk(instance: Instance) -> Iterator[Desk]:
    """One station, and a client beside it."""
    made = Desk(instance)
    yield made
    made.http.close()


@pytest.fixture
def shell(instance: Instance, tmp_path: Path) -> CommandLine:
    """Lend a shell without a session: the log is public."""
    return CommandLine(address=instance.address, folder=tmp_path)


def test_a_log_in_a_bucket_is_audited_by_its_public_address_and_grows_there(
    desk: Desk, shell: CommandLine, bucket: str, s3_server: S3Server
) -> None:
    vkey = desk.log["vkey"]
    target, address = f"s3://{bucket}/logs/one", f"{s3_server.address}/{bucket}/logs/one"
    for posts, files in ((3, None), (0, 0), (1, 3)):
        for _ in range(posts):
            assert desk.post(desk.sign()[0]).status_code == 201
        done = shell.json("log", "export", target, "--vkey", vkey)
        assert (done["target"], done["left"]) == (target, 0)
        assert done["size"] == desk.http.get("/v1/log").json()["size"]
        assert files is None or done["written"] == files
        words = ("log", "audit", address, "--vkey", vkey, "--state", "log.state")
        sound = shell.json(*words)
        assert (sound["ok"], sound["findings"], sound["size"]) == (True, [], done["size"])
        assert sound["root"] == done["root"]
    copied = shell.json("log", "export", "mirror", "--from", address, "--vkey", vkey)
    assert (copied["size"], copied["root"]) == (done["size"], done["root"])


def test_a_bucket_serves_files_with_the_type_and_lifetime_that_the_service_gives_them(
    desk: Desk, shell: CommandLine, bucket: str, s3_server: S3Server
) -> None:
    size = shell.json("log", "export", f"s3://{bucket}/log", "--vkey", desk.log["vkey"])["size"]
    for path in ("checkpoint", f"tile/0/000.p/{size}", f"tile/entries/000.p/{size}"):
        served, stored = desk.http.get(f"/log/{path}"), s3_server.get(f"{bucket}/log/{path}")
        assert stored.content == served.content
        for name in ("Content-Type", "Cache-Control"):
            assert stored.headers[name] == served.headers[name]


def test_an_export_says_how_far_it_is_unless_it_shall_be_quiet(
    desk: Desk, shell: CommandLine, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_export, "TELL_EVERY_S", 0)
    size = desk.http.get("/v1/log").json()["size"]
    done = shell.run("log", "export", f"s3://{bucket}/log")
    assert f"{size:,} of {size:,} entries" in done.err
    assert f"s3://{bucket}/log holds {size:,} entries" in done.out
    assert shell.run("log", "export", "mirror", "--quiet").err == ""


def test_what_stands_in_the_way_is_said_with_what_to_do(
    desk: Desk, shell: CommandLine, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    vkey = ("--vkey", desk.log["vkey"])
    absent = shell.run("log", "export", f"s3://{bucket}-not/log", *vkey, expect=1)
    assert "There is no such bucket" in absent.err
    assert "folder" in shell.run("log", "export", "ftp://shelf/log", *vkey, expect=1).err
    (shell.folder / "file").write_text("not a folder")
    assert "Name a folder" in shell.run("log", "export", "file", *vkey, expect=1).err
    monkeypatch.setattr("custody.store.log_bucket.TRIES", 0)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    away = shell.run("log", "export", f"s3://{bucket}/log", *vkey, expect=3)
    assert "AWS_ENDPOINT_URL" in away.err
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    alone = shell.run("log", "export", f"s3://{bucket}/log", *vkey, expect=1)
    assert "AWS_ACCESS_KEY_ID" in alone.err
    assert "not-a-secret" not in away.err + away.out + alone.err + alone.out


@pytest.mark.parametrize(
    ("target", "variable", "endpoint"),
    [
        ("s3://shelf/log", "AWS_ENDPOINT_URL", "storage.example"),
        ("s3://shelf/log", "AWS_ENDPOINT", "ftp://storage.example"),
        ("s3://shelf/log", "AWS_ENDPOINT_URL", "http://[::1"),
        ("az://shelf/log", "AZURE_STORAGE_ENDPOINT", "https://"),
    ],
)
def test_an_endpoint_that_is_no_address_is_said_in_two_lines_and_the_library_is_not_asked(
    desk: Desk, shell: CommandLine, target: str, variable: str, endpoint: str
) -> None:
    """The library writes a trace of its own before it gives up, where no handler of ours hears it."""
    words = (sys.executable, "-m", "api.cli.main", "log", "export", target, "--vkey", desk.log["vkey"])
    env = {**os.environ, "WEAKLINK_URL": shell.address, variable: endpoint}
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert f"error {variable} is no address: {endpoint}" in done.stderr
    assert "https://storage.example:9000" in done.stderr
    assert len(done.stderr.splitlines()) == 2


def test_a_folder_that_takes_no_more_is_to_be_tried_again_later_and_no_sign_of_another_log(
    desk: Desk, shell: CommandLine
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))  # a full disk, to whoever writes
    try:
        told = shell.run("log", "export", "mirror", "--vkey", desk.log["vkey"], "--quiet", expect=3)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "Make room" in told.err
    shell.run("log", "export", "mirror", "--vkey", desk.log["vkey"])
    assert shell.json("log", "audit", "mirror", "--vkey", desk.log["vkey"])["ok"]


def test_the_help_shows_a_folder_and_a_bucket_and_asks_for_no_secret(shell: CommandLine) -> None:
    told = " ".join(shell.run("log", "export", "--help").out.split())
    assert "weaklink log export mirror && weaklink log audit mirror" in told
    assert "weaklink log export s3://" in told
    assert "--secret" not in told
    assert "--key" not in told
