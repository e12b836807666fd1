"""`weaklink login` in a shell that keeps the token: stdout carries the token and nothing else."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import httpx

from api.cli.instance import Instance
from api.environment import environment_with
from tests.doors.command_line import CommandLine

LOGIN = (sys.executable, "-P", "-m", "api.cli.main", "login", "supervisor-1")
KEEP = 'exec <"$0" 2>"$0"; TOKEN=$("$@") && printf %s "$TOKEN"'


def test_a_terminal_asks_for_the_password_and_the_shell_keeps_the_token_alone(instance: Instance) -> None:
    terminal, line = pty.openpty()
    shell = subprocess.Popen(
        ["sh", "-c", KEEP, os.ttyname(line), *LOGIN],
        env=environment_with({"url": instance.address}),
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        asked = b""
        while not asked.endswith(b" "):
            asked += os.read(terminal, 1024)
        os.write(terminal, instance.accounts["supervisor-1"].encode() + b"\n")
        token, _ = shell.communicate(timeout=60)
    finally:
        shell.kill()
        os.close(line)
        os.close(terminal)
    assert_opens(instance, token.decode())


def test_a_password_that_is_piped_in_is_taken_without_a_question(instance: Instance, tmp_path: Path) -> None:
    done = subprocess.run(
        LOGIN,
        env=environment_with({"url": instance.address}),
        cwd=tmp_path,
        input=instance.accounts["supervisor-1"] + "\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert_opens(instance, done.stdout.removesuffix("\n"))


def assert_opens(instance: Instance, token: str) -> None:
    """The token is one, and opens a door of the service."""
    answer = httpx.get(f"{instance.address}/v1/stations", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200, token


def test_whoever_mistypes_a_password_is_not_told_to_sign_in(instance: Instance, tmp_path: Path) -> None:
    shell = CommandLine(address=instance.address, folder=tmp_path)
    for words in (("supervisor-1", "--password", "not it"), ("nobody", "--password", "not it")):
        what, fix = shell.run("login", *words, expect=1).err.splitlines()
        assert (what, fix.strip()) == ("error name or password is wrong", "Check both; capital letters count.")
    what, fix = shell.run("dispute", "list", expect=1).err.splitlines()
    assert fix.strip() == "Sign in with `weaklink login ACCOUNT` and set WEAKLINK_TOKEN."
