"""The data folder: one service at a time uses it.

A second one would share the first one's name at the broker and move the broker that its handsets were told of. The lock
ends with the process that took it, however that went: no child inherits it.
"""

import fcntl
from pathlib import Path
from typing import BinaryIO

from custody.kernel.errors import Conflict


def hold_folder(folder: Path) -> BinaryIO:
    """Make the folder if it is missing, and take it until the process ends; raises `Conflict("data")` if it is used."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = (folder / "service.lock").open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise Conflict(
            "data", f"a service already uses {folder}", fix="Stop it first, or give this one a folder with --data."
        ) from error
    return lock
