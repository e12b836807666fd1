"""By which edition of its rules the judge judges: everybody can read it, a supervisor names a later one."""

from pathlib import Path

import pytest

from api.cli.instance import Instance
from custody.scans.edition import NEWEST
from tests.doors.command_line import signed_in


@pytest.mark.slow
def test_the_edition_is_told_and_a_supervisor_names_a_later_one_but_none_before(
    instance: Instance, tmp_path: Path
) -> None:
    shell = signed_in(instance, "supervisor-1", tmp_path)
    held = shell.json("log", "edition")
    assert held["edition"] == NEWEST
    assert shell.json("log", "edition", str(NEWEST)) == {"edition": NEWEST, "index": None}
    assert f"edition {NEWEST}" in shell.run("log", "edition", "1", expect=1).err
    assert "there is no edition" in shell.run("log", "edition", str(NEWEST + 1), expect=1).err
    assert shell.json("log", "edition") == held
    other = signed_in(instance, "agent-1", tmp_path)
    assert "supervisor" in other.run("log", "edition", str(NEWEST), expect=1).err
    assert f"weaklink log edition {NEWEST}" in shell.run("log", "edition", "--help").out
