"""Waiting for what other threads and processes do."""

import time
from collections.abc import Callable


def until(holds: Callable[[], object], what: str = "", *, within_s: float = 60.0) -> None:
    """Wait until something holds; fails if it does not within that time."""
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, f"it never came true: {what}"
        time.sleep(0.01)
