"""The data folder: its owner alone may look into it, and one service at a time uses it.

The database in it holds what customers said. A second service would share the first one's name at the broker, and move
the broker that its handsets were told of. The lock ends with the process that took it: no child has it.

Services of one log have one broker as well: what any of them puts into the outbox leaves by whichever is first, and no
handset would hear of it at the embedded broker of one alone.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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


def hold_broker(folder: Path, *, embedded: bool) -> BinaryIO:
    """Say until the process ends, in a folder that all services of a log share, whether this one's broker is embedded.

    Raises `Conflict("mqtt_host")` if another service runs and either of the two has such a broker.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "broker.lock").open("ab")
    except OSError as error:
        fix = "Give it to the user that the service runs as."
        raise Rejected("kept_outside", f"{folder} cannot be written: {error.strerror}", fix=fix) from error
    try:
        fcntl.flock(lock, (fcntl.LOCK_EX if embedded else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise Conflict(
            "mqtt_host",
            f"another service of this log runs, and {'this' if embedded else 'that'} one has the embedded broker, "
            "which the other's handsets do not hear",
            fix="Set WEAKLINK_MQTT_HOST to one broker for all services of this log, or stop the other one.",
        ) from error
    return lock


@contextmanager
def alone_at_broker(lock: BinaryIO | None, *, embedded: bool) -> Iterator[None]:
    """Be the only service of a log that runs, for as long as its broker is moved.

    `lock` is what `hold_broker` gave, and is held as that left it whatever comes of this. Raises
    `Conflict("mqtt_moved_from")` if another one runs.
    """
    if lock is None:
        yield
        return
    try:
        _take_alone(lock)
        yield
    finally:
        if not embedded:
            with suppress(BlockingIOError):  # one that was refused has let go of the one that was held: flock(2)
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)


def _take_alone(lock: BinaryIO) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise Conflict(
            "mqtt_moved_from",
            "another service of this log runs, at the broker that this one is to leave",
            fix="Stop all services of this log, and start each with the settings of the new broker.",
        ) from error
