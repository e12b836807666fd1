"""The locked requirements: complete, hash-checked, without addresses, and what runs is what was tested."""

import json
import re

import pytest

from tests.architecture.checkout import pins, text

LOCKED = ("run", "dev", "uv")
NPM = "tests/servers"


def test_what_runs_is_what_was_tested() -> None:
    assert pins("run").items() <= pins("dev").items()


@pytest.mark.parametrize("name", LOCKED)
def test_every_package_is_locked_with_its_hashes(name: str) -> None:
    entries = re.split(r"(?m)^(?=\S)", text(f"requirements/{name}.txt"))
    assert [
        entry.split()[0] for entry in entries if entry and ("==" not in entry or "--hash=sha256:" not in entry)
    ] == []


@pytest.mark.parametrize("name", LOCKED)
def test_locked_requirements_hold_no_addresses(name: str) -> None:
    assert re.findall(r"(?m)^.*(?:://|--index|--find-links|--trusted).*$", text(f"requirements/{name}.txt")) == []


@pytest.mark.parametrize("name", LOCKED)
def test_every_package_asked_for_is_locked(name: str) -> None:
    asked = re.findall(r"(?m)^([A-Za-z][\w.-]*)", text(f"requirements/{name}.in"))
    locked = {re.sub(r"[-_.]+", "-", pin).lower() for pin in pins(name)}
    assert {re.sub(r"[-_.]+", "-", package).lower() for package in asked} - locked == set()


def test_the_browser_is_locked_with_hashes_and_without_addresses() -> None:
    packages = json.loads(text(f"{NPM}/package-lock.json"))["packages"]
    wanted = json.loads(text(f"{NPM}/package.json"))["devDependencies"]
    assert packages[""]["devDependencies"] == wanted
    assert [name for name, entry in packages.items() if name and "integrity" not in entry] == []
    assert [name for name, entry in packages.items() if "resolved" in entry] == []
