"""The files of this checkout and what the rules need to know of them."""

import ast
import gc
import io
import os
import re
import shutil
import subprocess
import tokenize
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
HOUSES = ("custody", "devicelock", "api", "simulators")
PURE = (
    "custody/kernel/",
    "custody/gs1/",
    "custody/scans/",
    "custody/ledger/",
    "custody/trail/",
    "custody/disputes/",
    "custody/investigation/",
    "devicelock/rules/",
    "devicelock/transport.py",
)
UNTRACKED = {".git", ".venv", ".tools", "node_modules", "__pycache__", "build", "dist", "weaklink-data"}


@cache
def files() -> tuple[str, ...]:
    """Return every file that belongs to the project, as a path from the top: what git tracks or would add."""
    git = shutil.which("git")
    if git and (ROOT / ".git").exists():
        command = [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        return tuple(sorted(name for name in set(listed.split("\0")) if name and (ROOT / name).is_file()))
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in UNTRACKED and not name.endswith(("_cache", ".egg-info"))]
        found += [(Path(folder) / name).relative_to(ROOT).as_posix() for name in names if not name.endswith(".pyc")]
    return tuple(sorted(name for name in found if not is_made_here(name)))


def is_made_here(name: str) -> bool:
    """Whether a path is of what commands make at the top, which `.gitignore` keeps out of the project."""
    lines = (ROOT / ".gitignore").read_text().splitlines()
    return any(fnmatch(name.split("/", 1)[0], line.strip("/")) for line in lines if line.startswith("/"))


def python_files(*tops: str) -> list[str]:
    """Return the Python files of these top folders, or all of them."""
    return [name for name in files() if name.endswith(".py") and (not tops or name.split("/", 1)[0] in tops)]


@cache
def text(name: str) -> str:
    """Return a file's text; a binary file has none."""
    raw = (ROOT / name).read_bytes()
    return "" if b"\0" in raw else raw.decode("utf-8", "replace")


@cache
def tree(name: str) -> ast.Module:
    """Return a Python file's syntax tree, which stays: the collector need not look through it again and again."""
    parsed = ast.parse(text(name), filename=name)
    gc.freeze()
    return parsed


def functions(name: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Walk over every function of a file, nested ones too."""
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def comments(name: str) -> Iterator[tuple[int, str]]:
    """Walk over a Python file's comments with their lines; text inside strings is none."""
    for token in tokenize.generate_tokens(io.StringIO(text(name)).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def dotted(node: ast.AST) -> str:
    """Return the dotted name that an expression spells, or an empty text."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        stem = dotted(node.value)
        return f"{stem}.{node.attr}" if stem else ""
    return ""


@cache
def names_used(name: str) -> tuple[tuple[int, str], ...]:
    """Return the imported names a file uses, spelled in full (`os.environ`), with their lines."""
    return tuple(_names_used(name))


def _names_used(name: str) -> Iterator[tuple[int, str]]:
    meaning: dict[str, str] = {}
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                meaning[alias.asname or alias.name.split(".")[0]] = (
                    alias.name if alias.asname else alias.name.split(".")[0]
                )
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                meaning[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                yield node.lineno, f"{node.module}.{alias.name}"
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Name | ast.Attribute):
            first, dot, rest = dotted(node).partition(".")
            if first in meaning:
                yield node.lineno, f"{meaning[first]}{dot}{rest}"


def pins(name: str) -> dict[str, str]:
    """Return the versions that a locked requirements file names."""
    return dict(re.findall(r"(?m)^([\w.-]+)(?:\[[\w,-]+\])?==(\S+?)(?: |$)", text(f"requirements/{name}.txt")))
