"""What a restore from a backup must not take back: the epoch, and which devices are retired.

A text file beside the database and outside its backups, one fact a line, only ever appended to and flushed to the disk
before anyone acts on it: `epoch <n>` and `retired <device>`. The epoch rises at every start of the service, so commands
signed after a restore are above everything signed before it.
"""

import os
import threading
from pathlib import Path

from custody.kernel.errors import Fatal
from devicelock.rules.desired import Anchor

FIRST_EPOCH = 1


class AnchorFile:
    """The file with its facts in memory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._epoch = 0
        self._retired: set[str] = set()
        self._known_bytes = 0
        path.parent.mkdir(parents=True, exist_ok=True)

    def start(self) -> int:
        """Raise the epoch; returns it. The first process of a service does so, before any other opens the file."""
        with self._lock:
            self._drop_torn_line()
            self._catch_up()
            self._append(f"epoch {self._epoch + 1}")
            return self._epoch

    def retire(self, device: str) -> None:
        """Retire a device for ever; durable when this returns."""
        with self._lock:
            self._catch_up()
            if device not in self._retired:
                self._append(f"retired {device}")

    def of(self, device: str) -> Anchor:
        """What is anchored for a device, by this process or another."""
        with self._lock:
            self._catch_up()
        return Anchor(epoch=max(self._epoch, FIRST_EPOCH), retired=device in self._retired)

    def retired_count(self) -> int:
        """How many devices are retired, those among them that a restored database knows no more."""
        with self._lock:
            self._catch_up()
            return len(self._retired)

    def _drop_torn_line(self) -> None:
        """A line without its newline was cut off by a crash before it was durable, so nobody acted on it."""
        if self._path.exists():
            content = self._path.read_bytes()
            os.truncate(self._path, content.rfind(b"\n") + 1)

    def _append(self, line: str) -> None:
        with self._path.open("a") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())
        self._catch_up()

    def _catch_up(self) -> None:
        """Read what was appended since the last look."""
        if self._path.exists() and self._path.stat().st_size > self._known_bytes:
            fresh = self._path.read_bytes()[self._known_bytes :]
            whole = fresh[: fresh.rfind(b"\n") + 1]
            self._known_bytes += len(whole)
            for line in whole.decode().splitlines():
                self._read(line)

    def _read(self, line: str) -> None:
        word, _, value = line.partition(" ")
        if word == "epoch" and value.isdigit():
            self._epoch = max(self._epoch, int(value))
        elif word == "retired" and value:
            self._retired.add(value)
        elif line:
            raise Fatal("anchor", f"{self._path} holds a line that is not a fact: {line!r}", fix="Restore the file.")
