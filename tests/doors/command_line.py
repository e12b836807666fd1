"""Running `weaklink` as its users do, without the seconds that a process of its own takes to start."""

import json
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from api.cli.client import console, errors
from api.cli.commands import app
from api.cli.instance import Instance
from simulators.agent import sign_in
from simulators.client import ServiceClient

# One process runs every command, so the width of its terminal is settled once: wide enough for each table.
console.width = errors.width = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def value(self) -> Any:
        """The JSON value that it printed last."""
        return json.loads(self.out.splitlines()[-1])


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandLine:
    """A user's shell in a folder: the service that it talks to and the session."""

    address: str
    folder: Path
    token: str = ""

    def run(self, *words: str, expect: int = 0) -> Ended:
        """Run one command; its exit code must be the one expected."""
        env = {"WEAKLINK_URL": self.address, "WEAKLINK_TOKEN": self.token}
        with chdir(self.folder):
            done = CliRunner().invoke(app, words, env=env)
        assert done.exit_code == expect, (done.exit_code, done.output[-2500:], done.exception)
        return Ended(code=done.exit_code, out=done.stdout, err=done.stderr)

    def json(self, *words: str, expect: int = 0) -> Any:
        """The JSON value that a command prints."""
        return self.run(*words, "--json", expect=expect).value


def signed_in(instance: Instance, account: str, folder: Path) -> CommandLine:
    """The shell of a member of staff."""
    client = ServiceClient(instance.address)
    token = sign_in(client, account, instance.accounts[account]).client.token
    client.close()
    return CommandLine(address=instance.address, token=token, folder=folder)
