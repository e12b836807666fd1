"""A folder or file as it is typed: one without a name would be the folder that the command was typed in."""

from pathlib import Path

import typer


def read_folder(text: str) -> Path:
    """The folder that was typed; raises `BadParameter` where nothing was."""
    if not text.strip():
        raise typer.BadParameter("no folder is named. Name one; `.` is the folder that you are in.")
    return Path(text)


def read_file(text: str) -> Path:
    """The file that was typed; raises `BadParameter` where nothing was."""
    if not text.strip():
        raise typer.BadParameter("no file is named. Name one, or leave the option out.")
    return Path(text)
