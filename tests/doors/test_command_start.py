"""Commands for outsiders start without the service; every command explains itself with an example."""

import subprocess
import sys

import pytest

from api.cli.late import LATE

PROBE = """
import sys
sys.argv = ["weaklink", *sys.argv[1:]]
from api.cli.commands import app
try:
    app()
except SystemExit as end:
    assert not end.code, end.code
print("service" if "api.compose" in sys.modules else "alone")
"""


def start(*arguments: str) -> list[str]:
    """What a command prints, and as its last line whether the service's parts were loaded for it."""
    command = [sys.executable, "-P", "-c", PROBE, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return done.stdout.splitlines()


@pytest.mark.parametrize("words", [["verify", "--help"], ["log", "audit", "--help"], ["trail", "--help"]])
def test_a_command_that_needs_no_service_loads_none(words: list[str]) -> None:
    assert start(*words)[-1] == "alone"


@pytest.mark.parametrize("name", sorted(LATE))
def test_a_command_that_is_loaded_late_explains_itself_with_an_example(name: str) -> None:
    told = "\n".join(start(name, "--help"))
    assert f"Usage: weaklink {name}" in told
    assert f"Example: weaklink {name}" in " ".join(told.split())


def test_the_help_lists_every_command() -> None:
    told = "\n".join(start("--help"))
    assert [name for name in (*LATE, "verify", "dispute", "login") if f"│ {name} " not in told] == []
