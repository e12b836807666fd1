"""Where a command puts what it fetches: looked at before the service is asked, so that no answer is lost over it."""

from pathlib import Path
from typing import Any

from api.cli.client import console, content, fail


def fetch(file: Path, kind: str, method: str, path: str, **more: Any) -> dict[str, Any]:
    """Put an answer of the service, of that media type, into a file; says where, and how long it is."""
    check_target(file)
    return {"file": str(file), "bytes": file.write_bytes(content(kind, method, path, **more))}


def tell_fetched(value: dict[str, Any]) -> None:
    """Say it to people."""
    console.print(f"{value['file']}: {value['bytes']} bytes.", highlight=False)


def check_target(file: Path) -> None:
    """End the command unless a file can stand there."""
    if not file.parent.is_dir():
        fail(f"{file.parent} is no folder", fix="Make it first, or choose another --out.")
    if file.is_dir():
        fail(f"{file} is a folder", fix="Add the name of a file.")
