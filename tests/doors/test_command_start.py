"""Commands for outsiders start without the service; every command explains itself with an example."""

import subprocess
import sys

import pytest

from api.cli.commands import Commands
from api.cli.log import LogCommands

LATE = [*Commands.LATE, *(f"log {name}" for name in LogCommands.LATE)]
PROBE = """
import sys
sys.argv = ["weaklink", *sys.argv[1:]]
from api.cli.commands import app
try:
    app()
except SystemExit as end:
    assert not end.code, end.code
print(*({"api.compose": "service", "scipy": "judge"}[name] for name in ("api.compose", "scipy") if name in sys.modules))
"""


def start(*arguments: str) -> list[str]:
    """What a command prints, and as its last line what was loaded for it of the service and of what judges packs."""
    command = [sys.executable, "-P", "-c", PROBE, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return done.stdout.splitlines()


@pytest.mark.parametrize("words", ["verify", "log audit", "log head", "trail"])
def test_a_command_loads_no_more_than_it_needs(words: str) -> None:
    assert start(*words.split(), "--help")[-1] == ("judge" if words == "verify" else "")


@pytest.mark.parametrize("name", sorted(LATE))
def test_a_command_that_is_loaded_late_explains_itself_with_an_example(name: str) -> None:
    told = "\n".join(start(*name.split(), "--help"))
    assert f"Usage: weaklink {name}" in told
    assert f"Example: weaklink {name}" in " ".join(told.split())


@pytest.mark.parametrize("group", ["", "log"])
def test_the_help_lists_every_command(group: str) -> None:
    told = "\n".join(start(*group.split(), "--help"))
    names = [*LogCommands.LATE, "audit", "shards"] if group else [*Commands.LATE, "dispute", "login"]
    assert [name for name in names if f"│ {name} " not in told] == []
