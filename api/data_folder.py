"""The data folder: its owner alone may look into it, and one service at a time uses it.

The database in it holds what customers said. A second service would share the first one's name at the broker, and move
the broker that its handsets were told of. The lock ends with the process that took it: no child has it.
"""

import fcntl
from pathlib import Path
from typing import BinaryIO

from custody.kernel.errors import Conflict, Rejected


def hold_folder(folder: Path) -> BinaryIO:
    """Make the folder if it is missing, and take it until the process ends; one that is there keeps its mode.

    Raises `Rejected("data")` if it cannot be made, `Conflict("data")` if it is used.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (folder / "service.lock").open("ab")
    except OSError as error:
        raise Rejected(
            "data", f"{folder} cannot be the data folder: {error.strerror}", fix="Choose another --data."
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise Conflict(
            "data", f"a service already uses {folder}", fix="Stop it first, or give this one a folder with --data."
        ) from error
    return lock
