"""How a command ends: values whole on one line, findings never lost, and quietly when its user or its reader goes."""

import errno
import io
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NoReturn

import pytest

from api.cli import bench, demo
from api.cli.client import folded
from api.cli.instance import Instance
from api.cli.screen import Screen
from api.environment import environment_with
from api.version import VERSION
from simulators.story import Broken
from tests.doors.command_line import CommandLine
from tests.doors.test_log_check import POLICY, VKEY, small_log

COMMAND = (sys.executable, "-P", "-m", "api.cli.main")
WAIT_S = 60.0
BROKEN_PIPE = 128 + signal.SIGPIPE
LONG = "x" * 200
INTERRUPTED_WHILE_LOADING = """
import os, signal, sys
class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == "typer":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupt())
from api.cli.main import main
main()
"""

TELLS_WHAT_IS_SEARCHED = """
import atexit, gc, sys
atexit.register(lambda: print(len(gc.get_objects()), gc.get_freeze_count(), file=sys.stderr))
from api.cli.main import main
main()
"""


@pytest.fixture
def shell(tmp_path: Path) -> CommandLine:
    """Lend an outsider's shell in a folder with a small log."""
    log = small_log()
    for path, data in (*log.files.items(), ("checkpoint", log.note())):
        (tmp_path / "mirror" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "mirror" / path).write_bytes(data)
    (tmp_path / "mine.policy").write_text(POLICY)
    return CommandLine(address="http://127.0.0.1:9", folder=tmp_path)


AUDIT = ("log", "audit", "mirror", "--vkey", VKEY)


def test_a_value_is_not_broken_where_no_terminal_reads(shell: CommandLine) -> None:
    env = {**os.environ, "COLUMNS": "40"}
    done = subprocess.run([*COMMAND, *AUDIT], capture_output=True, text=True, check=True, cwd=shell.folder, env=env)
    audited = json.loads(shell.run(*AUDIT, "--json").out)
    assert audited["version"] == VERSION, "it can be written down beside what was found"
    root = audited["root"]
    assert done.stdout.splitlines()[0].endswith(f"root {root}")
    told = io.StringIO()
    table = folded("station", "site")
    table.add_row("bench-4", LONG)
    Screen(file=told).print(table)
    assert LONG in told.getvalue()


def test_a_value_is_not_broken_on_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    told = io.StringIO()
    Screen(file=told, force_terminal=True, width=20).print(f"the root {LONG}", highlight=False)
    assert told.getvalue() == f"the root {LONG}\n"


@pytest.mark.parametrize(("more", "code"), [((), 0), (("--witnesses", "mine.policy"), 3)])
def test_findings_are_told_with_their_exit_code_though_the_state_cannot_be_written(
    shell: CommandLine, more: tuple[str, ...], code: int
) -> None:
    state = "s" * 250  # its draft's name is longer than a name may be
    told = shell.run(*AUDIT, *more, "--state", state, expect=code)
    assert ("The log is sound" in told.out) == (code == 0)
    assert ("quorum" in told.out) == (code == 3)
    unwritten = f"error {state} was not written: File name too long"
    assert (unwritten in told.err) == (code == 0), "of a faulty log nothing is kept"
    assert shell.json(*AUDIT, *more, "--state", state, expect=code)["size"] == len(small_log().entries)


def test_a_state_in_no_folder_is_found_out_before_anything_is_read(shell: CommandLine) -> None:
    told = shell.run(*AUDIT, "--state", "nowhere/log.state", expect=2)
    assert (told.out, "nowhere is no folder" in told.err) == ("", True)


@pytest.mark.parametrize("words", [("settings",), ("settings", "--json"), AUDIT, (*AUDIT, "--json"), ("--help",)])
def test_a_reader_who_has_gone_ends_a_command_quietly(shell: CommandLine, words: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        command = [*COMMAND, *words]
        done = subprocess.run(
            command, stdout=writing, stderr=subprocess.PIPE, text=True, cwd=shell.folder, check=False, timeout=WAIT_S
        )
    finally:
        os.close(writing)
    assert done.returncode == (1 if words == ("--help",) else BROKEN_PIPE)
    assert [line for line in done.stderr.splitlines() if "entries, 0 s" not in line] == []


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_command_ends_as_ever_where_whoever_started_it_has_closed_its_streams(tmp_path: Path, closed: str) -> None:
    for words, code in (("settings --json", 0), ("verify nofile", 2), ("login agent-1", 1)):
        done = subprocess.run(
            ["sh", "-c", f"{shlex.join(COMMAND)} {words} {closed}"],
            cwd=tmp_path,
            env=environment_with({"url": "http://127.0.0.1:9"}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        assert (done.returncode, b"Traceback" in done.stderr) == (code, False), done.stderr


def test_ctrl_c_while_the_program_is_loaded_ends_it_without_a_word() -> None:
    command = [sys.executable, "-P", "-c", INTERRUPTED_WHILE_LOADING]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=WAIT_S)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


def interrupted(process: subprocess.Popen[str], how: signal.Signals = signal.SIGINT) -> tuple[int, str]:
    """Send Ctrl-C, or another signal; the exit code, and what was said on stderr."""
    process.send_signal(how)
    _, said = process.communicate(timeout=WAIT_S)
    return process.returncode, said


def test_ctrl_c_ends_a_command_that_waits_for_an_answer(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        command = [*COMMAND, "log", "audit", f"http://127.0.0.1:{silent.getsockname()[1]}", "--vkey", VKEY]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
        with silent.accept()[0]:
            code, said = interrupted(process)
    assert (code, said.splitlines()[-1]) == (130, "Stopped.")
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "words",
    [
        ("witness", "--name", "carrier.example/w1", "--log", VKEY, "--data", "w1", "--port", "0"),
        ("serve", "--port", "0", "--data", "data", "--workers", "2"),
    ],
)
def test_ctrl_c_ends_a_server_in_good_order(tmp_path: Path, words: tuple[str, ...]) -> None:
    process = subprocess.Popen(
        [*COMMAND, *words, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        start_new_session=True,
    )
    assert process.stdout is not None
    json.loads(process.stdout.readline())
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=WAIT_S)
    assert (process.returncode, said) == (130, "Stopped.\n")


@pytest.mark.parametrize(
    "address", ["w1.example", "https://w1.example/?a=1", "https://me:s3cret@w1.example", "http://w 1"]
)
def test_a_witness_tells_nobody_an_address_that_is_none(tmp_path: Path, address: str) -> None:
    data = tmp_path / "w1"
    words = ("--name", "carrier.example/w1", "--log", VKEY, "--data", str(data), "--public-url", address)
    done = subprocess.run([*COMMAND, "witness", *words], capture_output=True, text=True, check=False, timeout=WAIT_S)
    assert done.returncode == 2
    assert "it is no address like https://log.example" in " ".join(done.stderr.split())
    assert not data.exists()


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("command", ["demo", "bench"])
def test_a_demo_or_a_bench_that_is_ended_leaves_neither_a_service_nor_a_folder(
    tmp_path: Path, command: str, how: signal.Signals
) -> None:
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    process = subprocess.Popen([*COMMAND, command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    end = time.monotonic() + WAIT_S
    while not list(tmp_path.glob(f"weaklink-{command}-*/data/weaklink.db")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.05)
    code, said = interrupted(process, how)
    assert (code, said.splitlines()[-1]) == (128 + how, "Stopped.")
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


def test_a_bench_whose_service_did_not_start_leaves_the_log_that_it_names(tmp_path: Path) -> None:
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    (tmp_path / "no-folder").touch()
    bench = [*COMMAND, "bench", "--database-url", f"sqlite:///{tmp_path}/no-folder/log.sqlite3"]
    done = subprocess.run(bench, capture_output=True, text=True, check=False, env=env, timeout=WAIT_S)
    (log,) = tmp_path.glob("weaklink-bench-*/data.log")
    assert done.returncode == 1
    assert f"Read {log}." in done.stderr


@pytest.mark.parametrize("stored", ["1000", "119999"])
def test_a_bench_over_too_few_scans_for_a_parcel_to_arrive_says_so_before_it_begins(stored: str) -> None:
    done = subprocess.run(
        [*COMMAND, "bench", "--stored", stored], capture_output=True, text=True, check=False, timeout=WAIT_S
    )
    assert done.returncode == 2
    assert "120,000 or more" in done.stderr


def test_a_bench_of_more_handsets_than_files_may_be_open_says_so_before_it_begins(
    shell: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "allow_files", lambda _count: 1024)
    told = shell.run("bench", "--only", "lock", "--handsets", "2000", expect=1)
    assert "2000 handsets take 8800 open files, and a program here may have 1024" in told.err


@pytest.mark.parametrize("command", ["demo", "bench"])
@pytest.mark.parametrize("wrong", [Broken("the disk is full"), OSError(errno.ENOSPC, "the disk is full")])
def test_what_goes_wrong_in_a_demo_or_a_bench_is_told_and_its_service_ended(
    shell: CommandLine, monkeypatch: pytest.MonkeyPatch, command: str, wrong: Exception
) -> None:
    def fail(*_given: object, **_named: object) -> NoReturn:
        raise wrong

    def stop(instance: Instance) -> None:
        ended.append(instance)

    ended: list[Instance] = []
    monkeypatch.setattr(tempfile, "tempdir", str(shell.folder))
    monkeypatch.setattr(Instance, "start", lambda _instance: None)
    monkeypatch.setattr(Instance, "stop", stop)
    monkeypatch.setattr(demo, "STEPS", [("something is written", fail)])
    monkeypatch.setattr(bench, "run", fail)
    told = shell.run(command, expect=1)
    assert "the disk is full" in told.out + told.err
    assert ended


def test_what_was_loaded_is_not_searched_for_garbage_when_a_command_ends() -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", TELLS_WHAT_IS_SEARCHED, "settings"],
        capture_output=True,
        text=True,
        check=True,
        timeout=WAIT_S,
    )
    searched, kept = map(int, done.stderr.split())
    assert searched < kept
