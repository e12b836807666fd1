"""Where a command puts what it fetched or made: a new file, and its place is looked at before the service is asked."""

from pathlib import Path
from typing import Any

from api.cli.client import console, content, fail
from custody.store.durable_file import create_file, replace_file


def fetch(file: Path, kind: str, method: str, path: str, *, own: bool = False, **more: Any) -> dict[str, Any]:
    """Put an answer of the service, of that media type, into a file; says where, and how long it is.

    A file under its `own` name, which nobody gave it, takes the place of the one fetched before.
    """
    check_target(file, own=own)
    what = content(kind, method, path, **more)
    if own:
        replace_file(file, what)
    else:
        put(file, what)
    return {"file": str(file), "bytes": len(what)}


def tell_fetched(value: dict[str, Any]) -> None:
    """Say it to people."""
    console.print(f"{value['file']}: {value['bytes']} bytes.", highlight=False)


def check_target(file: Path, *, own: bool = False) -> None:
    """End the command unless a new file can stand there, or in the place of an earlier one under its `own` name."""
    if not file.parent.is_dir():
        fail(f"{file.parent} is no folder", fix="Make it first, or choose another --out.")
    if file.is_dir():
        fail(f"{file} is a folder", fix="Add the name of a file.")
    if file.is_symlink() or (file.exists() and not own):
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
