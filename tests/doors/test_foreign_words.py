"""Whatever a server answers, the screen of whoever asked it shows words and nothing else."""

import json
import sys
from io import StringIO
from typing import Any

import pytest
import typer

from api.cli.client import console, fail, show, tell_text
from api.cli.foreign_words import harmless, harmless_json, harmless_lines, harmless_value

CLEAR, TURNED, HALF = "\x1b[2J", "\u202egnp", "\ud800"
FOREIGN = f"[/x] :smile: {CLEAR}{TURNED}\r\n\x7f\x9b{HALF}"


class Terminal(StringIO):
    """A screen."""

    def isatty(self) -> bool:
        """It is one."""
        return True


def test_words_of_every_script_stay_and_what_a_terminal_obeys_is_shown_as_an_escape() -> None:
    assert harmless("Łódź, 東京, 😀 [/x] \\") == "Łódź, 東京, 😀 [/x] \\"
    assert harmless(FOREIGN) == r"[/x] :smile: \x1b[2J\u202egnp\r\n\x7f\x9b\ud800"
    assert harmless(17) == "17"
    assert harmless_lines(f"one\n{CLEAR}\n") == "one\n\\x1b[2J\n"


def test_a_value_is_made_harmless_in_every_part_and_as_json_means_what_it_meant() -> None:
    value = {FOREIGN: [FOREIGN, {"a": (FOREIGN,)}, 1, None, True]}
    clean = harmless(FOREIGN)
    assert harmless_value(value) == {clean: [clean, {"a": [clean]}, 1, None, True]}
    for indent in (None, 2):
        text = harmless_json({FOREIGN: FOREIGN}, indent=indent)
        assert all(letter.isprintable() or letter == "\n" for letter in text)
        assert json.loads(text) == {FOREIGN: FOREIGN}


def told(capsys: pytest.CaptureFixture[str], value: Any, **how: Any) -> str:
    show(value, as_json=False, **how)
    return capsys.readouterr().out


def test_what_a_command_shows_is_harmless_with_and_without_a_form_of_its_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    value = {"detail": FOREIGN}
    plain = told(capsys, value, human=lambda safe: console.print(f"- {safe['detail']}", highlight=False))
    assert plain == f"- {harmless(FOREIGN)}\n"
    assert json.loads(told(capsys, value)) == value
    show(value, as_json=True)
    assert json.loads(capsys.readouterr().out) == value


def test_a_mistake_is_told_in_two_lines_whatever_the_server_said(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit):
        fail(FOREIGN, fix=FOREIGN)
    assert capsys.readouterr().err == f"error {harmless(FOREIGN)}\n      {harmless(FOREIGN)}\n"


def test_a_text_for_a_file_stays_as_it_is_and_on_a_screen_is_harmless(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tell_text(f"origin\n{CLEAR}\n")
    assert capsys.readouterr().out == f"origin\n{CLEAR}\n"
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    tell_text(f"origin\n{CLEAR}\n")
    assert screen.getvalue() == "origin\n\\x1b[2J\n"
