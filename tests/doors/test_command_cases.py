"""Cases on the command line: names that can be copied, an address that can be sent, and advice that can be typed."""

from pathlib import Path

import pytest

from api.cli.client import console
from api.cli.instance import Instance
from tests.doors.command_line import CommandLine, signed_in


@pytest.fixture
def shell(instance: Instance, tmp_path: Path) -> CommandLine:
    """Lend the shell of a supervisor."""
    return signed_in(instance, "supervisor-1", tmp_path)


def test_a_case_is_named_in_full_on_a_narrow_terminal_and_its_page_with_the_services_address(
    shell: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "width", 80)
    opened = shell.run("dispute", "open", "A power bank came", "--order", "SO-20991", "--claim", "substituted").out
    assert f"customer's page: {shell.address}/c/" in opened
    case = opened.split()[0]
    assert case in [row["dispute"] for row in shell.json("dispute", "list")["disputes"]]
    assert case in shell.run("dispute", "list").out
    written = shell.json("pack", case)
    assert written == {"file": f"{case}.zip", "bytes": (shell.folder / f"{case}.zip").stat().st_size}
    assert f"weaklink verify {case}.zip" in shell.run("pack", case).out


@pytest.mark.parametrize(
    ("line", "typed"),
    [
        ("dispute show case_none", "weaklink dispute list"),
        ("lock show lock_none", "weaklink lock list"),
        ("lock clear policy:none --why looked", "weaklink lock groups"),
        ("lock alerts --seen alert_none", "weaklink lock alerts"),
        ("lock authority --approve auth_none", "weaklink lock authority"),
        ("station group nobody north", "weaklink station list"),
        ("dispute move case_none whereabouts --known bogus", "--help"),
    ],
)
def test_what_to_do_is_told_as_it_is_typed(shell: CommandLine, line: str, typed: str) -> None:
    fix = shell.run(*line.split(), expect=1).err.splitlines()[-1]
    assert f"`{typed}`" in fix
    assert [word for word in ("/v1/", "/docs") if word in fix] == []
