"""Every command takes --json and shows an example in its --help, which can be typed as it stands there."""

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from api.cli.commands import app
from api.settings import Settings
from custody.kernel.clock import from_iso
from tests.architecture.checkout import text


def commands(command: Any, *path: str) -> Iterator[tuple[str, Any]]:
    """Every command under this one, by the words that call it."""
    if not hasattr(command, "list_commands"):
        yield " ".join(path), command
        return
    if command.invoke_without_command:
        yield " ".join(path), command
    context = typer.Context(command)
    for name in command.list_commands(context):
        yield from commands(command.get_command(context, name), *path, name)


COMMANDS = dict(commands(typer.main.get_command(app)))


def examples(path: str) -> list[list[str]]:
    """The words after the command's own in each of its examples."""
    _, _, told = " ".join(COMMANDS[path].help.split()).partition("Example")
    lines = [line for quoted in re.findall(r"`([^`]+)`", told) for line in quoted.split("&&")]
    typed = [line.partition(f"weaklink {path}") for line in lines]
    return [shlex.split(rest.rstrip(")")) for _, found, rest in typed if found and rest[:1] in {"", " ", ")"}]


@pytest.mark.parametrize("path", sorted(COMMANDS))
def test_every_command_shows_an_example_that_it_takes(path: str) -> None:
    shown = examples(path)
    assert shown
    for words in shown:
        COMMANDS[path].make_context(path, words)


@pytest.mark.parametrize("path", sorted(COMMANDS))
def test_every_command_takes_json(path: str) -> None:
    assert [option for option in COMMANDS[path].params if "--json" in option.opts]


@pytest.mark.parametrize("path", sorted(COMMANDS))
def test_no_help_has_words_that_markdown_takes_for_a_tag(path: str) -> None:
    told = [COMMANDS[path].help, *(getattr(option, "help", None) for option in COMMANDS[path].params)]
    assert [text for text in told if text and re.search("<[a-zA-Z/]", text)] == []


MOMENT = re.compile(r"\b\d{4}-\d\d-\d\dT[\w:.+-]*\w")


@pytest.mark.parametrize("path", sorted(COMMANDS))
def test_every_moment_that_help_shows_is_taken_as_it_is_written(path: str) -> None:
    told = [COMMANDS[path].help, *(getattr(option, "help", None) for option in COMMANDS[path].params)]
    for moment in MOMENT.findall(" ".join(filter(None, told))):
        from_iso(moment)


PAPERS = ("README.md", "OPERATING.md", "SECURITY.md", "custody/ledger/FOR_A_LAWYER.md")


def typed(paper: str) -> list[list[str]]:
    """The words after `weaklink` wherever a paper shows what is typed, in a line of its own or within a sentence."""
    shown = text(paper).replace("\\\n", " ")
    spoken = re.findall(r"(?<!`)`([^`]+)`(?!`)", re.sub(r"```.*?```", "", shown, flags=re.DOTALL))
    lines = [
        line.partition("#")[0] for block in re.findall(r"```(.*?)```", shown, re.DOTALL) for line in block.split("\n")
    ]
    parts = [part for each in (*lines, *spoken) for part in each.split("&&")]
    return [
        shlex.split(part.partition("weaklink ")[2]) for part in parts if re.match(r"(?:\S*/)?weaklink ", part.strip())
    ]


@pytest.mark.parametrize("paper", PAPERS)
def test_every_moment_that_a_paper_shows_is_taken_as_it_is_written(paper: str) -> None:
    for moment in MOMENT.findall(text(paper)):
        from_iso(moment)


@pytest.mark.parametrize("paper", PAPERS)
def test_every_command_and_option_that_a_paper_names_is_there(paper: str) -> None:
    assert typed(paper)
    groups = [path.rpartition(" ")[0].split() for path in COMMANDS]
    for words in typed(paper):
        path = next((path for end in (3, 2, 1) if (path := " ".join(words[:end])) in COMMANDS), "")
        assert path or words in groups or words == ["--version"], words
        taken = [option for each in (COMMANDS[path].params if path else []) for option in each.opts]
        wanted = {word for word in words if word.startswith("--")} - {"--help", "--version"}
        assert wanted - set(taken) == set(), words


@pytest.mark.parametrize("paper", PAPERS)
def test_every_setting_that_a_paper_names_is_one(paper: str) -> None:
    ours = {f"WEAKLINK_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"WEAKLINK_[A-Z_]+", text(paper))) - ours - {"WEAKLINK_URL", "WEAKLINK_TOKEN"} == set()
