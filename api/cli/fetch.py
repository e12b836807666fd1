"""Where a command puts what it fetched or made: a new file, and its place is looked at before the service is asked."""

from pathlib import Path
from typing import Any

from api.cli.client import console, content, fail
from custody.store.durable_file import create_file


def fetch(file: Path, kind: str, method: str, path: str, **more: Any) -> dict[str, Any]:
    """Put an answer of the service, of that media type, into a file; says where, and how long it is."""
    check_target(file)
    return {"file": str(file), "bytes": put(file, content(kind, method, path, **more))}


def tell_fetched(value: dict[str, Any]) -> None:
    """Say it to people."""
    console.print(f"{value['file']}: {value['bytes']} bytes.", highlight=False)


def check_target(file: Path) -> None:
    """End the command unless a new file can stand there."""
    if not file.parent.is_dir():
        fail(f"{file.parent} is no folder", fix="Make it first, or choose another --out.")
    if file.is_dir():
        fail(f"{file} is a folder", fix="Add the name of a file.")
    if file.exists() or file.is_symlink():
        _taken(file)


def put(file: Path, what: bytes) -> int:
    """Write the new file and say how long it is; one that came into being meanwhile ends the command too."""
    try:
        create_file(file, what)
    except FileExistsError:
        _taken(file)
    return len(what)


def _taken(file: Path) -> None:
    fail(f"{file} exists; a file is never overwritten", fix="Choose another name with --out, or move that file away.")
