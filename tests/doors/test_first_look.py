"""The first look of the README can be followed, word for word."""

import shlex
import shutil
from pathlib import Path

from api.cli.instance import Instance
from tests.architecture.checkout import ROOT, text
from tests.doors.command_line import signed_in

PARCEL = "195214730000088169"


def commands() -> list[list[str]]:
    """What the README has its reader type after signing in, without `weaklink`."""
    block = text("README.md").partition("## A first look")[2].split("```")[1]
    lines = block.replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("weaklink ")]


def test_the_first_look_of_the_readme_ends_in_the_trail_of_its_parcel(instance: Instance, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    shell = signed_in(instance, "supervisor-1", tmp_path)
    told = {}
    for words in commands():
        given = [told["announce"]["enrol_token"] if word == "<enrol_token>" else word for word in words]
        told[next(word for word in ("announce", words[0]) if word in words)] = shell.json(*given)
    assert [item["flags"][0]["code"] for item in told["capture"]["items"]] == ["too_late"] * 3
    assert told["trail"]["parcel"].endswith(PARCEL)
    assert [segment["step"] for segment in told["trail"]["segments"]] == ["pack"]
    assert told["log"]["ok"]
