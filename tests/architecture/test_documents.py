"""What stands at the top, and the papers that every house keeps."""

import re

import pytest

from tests.architecture.checkout import HOUSES, ROOT, files, is_made_here, text

TOP = {
    ".ci",
    ".gitattributes",
    ".gitignore",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "OPERATING.md",
    "README.md",
    "SECURITY.md",
    "dev.py",
    "examples",
    "pyproject.toml",
    "requirements",
    "tests",
    *HOUSES,
}


@pytest.mark.parametrize("house", HOUSES)
def test_every_house_writes_its_decisions_down(house: str) -> None:
    assert f"{house}/DESIGN.md" in files()


PAPERS = ("README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "OPERATING.md", "SECURITY.md")


@pytest.mark.parametrize("paper", PAPERS)
def test_the_project_has_its_standard_papers(paper: str) -> None:
    assert text(paper).strip()


def test_nothing_else_stands_at_the_top() -> None:
    assert {name.split("/", 1)[0] for name in files()} - TOP == set()


def test_a_reader_who_follows_the_readme_adds_no_key_to_the_project_and_fails_no_test() -> None:
    made = set(re.findall(r"[\w-]+\.(?:pem|vkey|state|tlog-proof|cose)\b|\bmirror\b", text("README.md")))
    assert {"bench-4.pem", "log.vkey", "log.state", "3.cose", "mirror"} <= made
    assert [name for name in (*made, "bench-4.state.json", "case_0k3v.zip") if not is_made_here(name)] == []


def test_every_folder_of_tests_is_explained_to_contributors() -> None:
    folders = {name.split("/")[1] for name in files() if re.match(r"tests/\w+/", name)}
    told = set(re.findall(r"^\| `tests/(\w+)` \|", text("CONTRIBUTING.md"), re.MULTILINE))
    assert folders - told == set()


def test_the_programs_can_be_started() -> None:
    assert [name for name in ("dev.py", ".ci/run") if not (ROOT / name).stat().st_mode & 0o100] == []
