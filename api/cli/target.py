"""Where a command puts what it fetches: looked at before the service is asked, so that no answer is lost over it."""

from pathlib import Path

from api.cli.client import fail


def check_target(file: Path) -> None:
    """End the command unless a file can stand there."""
    if not file.parent.is_dir():
        fail(f"{file.parent} is no folder", fix="Make it first, or choose another --out.")
    if file.is_dir():
        fail(f"{file} is a folder", fix="Add the name of a file.")
