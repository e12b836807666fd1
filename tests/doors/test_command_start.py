"""Commands for outsiders start without the service; every command explains itself with an example."""

import inspect
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from api.cli.commands import Commands, app
from api.cli.late import LateCommands
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
told = {"api.compose": "service", "scipy": "judge", "sqlalchemy": "database", "pydantic_settings": "settings"}
print(*(part for name, part in told.items() if name in sys.modules))
"""


PROJECT = Path(__file__).parents[2] / "pyproject.toml"


def start(*arguments: str) -> list[str]:
    """What a command prints, and as its last line which of the costly parts were loaded for it."""
    command = [sys.executable, "-P", "-c", PROBE, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return done.stdout.splitlines()


@pytest.mark.parametrize("words", ["", "verify", "log", "log audit", "log head", "registrar", "station enrol", "trail"])
def test_a_command_loads_no_more_than_it_needs(words: str) -> None:
    assert start(*words.split(), "--help")[-1] == ("judge" if words == "verify" else "")


@pytest.mark.parametrize(
    ("group", "within"), [(Commands, ()), (LogCommands, ("log",))], ids=["weaklink", "weaklink log"]
)
def test_the_help_says_of_a_command_that_is_loaded_late_what_it_says_itself(
    group: type[LateCommands], within: tuple[str, ...]
) -> None:
    here: Any = typer.main.get_command(app)
    for name in within:
        here = here.commands[name]
    for name, where in group.LATE.items():
        module, _, function = where.partition(":")
        assert here.commands[name].help == inspect.getdoc(getattr(import_module(module), function))


def test_a_slip_of_the_finger_is_told_the_command_that_is_loaded_late() -> None:
    done = CliRunner().invoke(app, ["sreve"])
    assert done.exit_code == 2
    assert "Did you mean 'serve'?" in " ".join(done.stderr.split())


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


def test_the_program_tells_its_version_as_it_was_released() -> None:
    version = tomllib.loads(PROJECT.read_text())["project"]["version"]
    told = CliRunner().invoke(app, ["--version"])
    assert (told.exit_code, told.stdout) == (0, f"weaklink {version}\n")
