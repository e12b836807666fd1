"""What no file of the project may say: package registries' hosts, paths of one machine, folders beside the checkout."""

import re

from tests.architecture.checkout import ROOT, files, text

# Put together from parts, so that this file does not say them either.
HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("registry", "yarnpkg", "com"),
        ("crates", "io"),
        ("proxy", "golang", "org"),
        ("repo1", "maven", "org"),
        ("repo", "maven", "apache", "org"),
        ("deb", "debian", "org"),
    )
]
FOLDERS = ("work", "root", "home", "Users", "tmp")
MACHINE_PATH = re.compile(rf"(?<![\w.~/}}-])/(?:{'|'.join(FOLDERS)})/")
BESIDE = re.compile(r"\.\./" + "shared")


def told(pattern: re.Pattern[str]) -> list[str]:
    """List the places of a pattern."""
    return [
        f"{name}:{number} {line.strip()[:100]}"
        for name in files()
        for number, line in enumerate(text(name).splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_file_names_a_package_registry() -> None:
    assert told(re.compile("|".join(map(re.escape, HOSTS)))) == []


def test_no_file_names_a_path_of_one_machine() -> None:
    assert told(MACHINE_PATH) == []


def test_no_file_reaches_beside_the_checkout() -> None:
    assert told(BESIDE) == []


def test_no_file_names_the_folder_it_was_written_in() -> None:
    assert told(re.compile(re.escape(f"{ROOT}/"))) == []


def test_text_files_end_their_lines_the_same_way() -> None:
    assert [name for name in files() if "\r\n" in text(name)] == []
