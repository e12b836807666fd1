"""What a restore from a backup must not take back: the epoch, which devices are retired, and where locks may be held.

A text file beside the database and outside its backups, one fact a line, only ever appended to and flushed to the disk
before anyone acts on it: `epoch <n>`, `retired <device>`, `held <order> <back-end> <handset> <device>` before a lock
leaves for another lock system, and `free <order> <back-end>` once that has shown the handset free. The epoch rises at
every start of the service, so commands signed after a restore are above everything signed before it. `anchor <name>` is
the name by which the log knows the file; one to which the lines of another were added goes by the name of either.

A line without its newline was cut off, by a crash or a full disk, before it was durable: nobody acted on it, and the
next line takes its place. One that stands whole may not be on the disk either, after a flush that failed or while
another process writes it: it counts from then on, but whoever relies on it writes it once more and has that flushed.
What stands when a process first reads the file is flushed then.
"""

import fcntl
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, unquote

from custody.kernel.errors import Fatal
from devicelock.rules.desired import Anchor

FIRST_EPOCH = 1
HELD_PARTS, FREE_PARTS = 4, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A lock of an order that another lock system has, or may have, and by which name that knows the device."""

    order: str
    backend: str
    handset: str
    device: str


class AnchorFile:
    """The file with its facts in memory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._epoch = 0
        self._names: list[str] = []
        self._retired: set[str] = set()
        self._held: dict[tuple[str, str], Hold] = {}
        self._known_bytes = 0
        self._unsure: set[str] = set()
        path.parent.mkdir(parents=True, exist_ok=True)

    def start(self) -> int:
        """Raise the epoch; returns it. The first process of a service does so, before any other opens the file."""
        with self._lock:
            self._catch_up()
            self._append(f"epoch {self._epoch + 1}")
            return self._epoch

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self._path

    def is_new(self) -> bool:
        """Whether no service was ever started with it."""
        with self._lock:
            self._catch_up()
            return self._epoch == 0

    def name(self, fresh: str) -> str:
        """Its first name, which is `fresh` if it had none; durable when this returns."""
        with self._lock:
            self._catch_up()
            if not self._names:
                self._append(f"anchor {fresh}")
            return self._names[0]

    def names(self) -> list[str]:
        """Every name it goes by."""
        with self._lock:
            self._catch_up()
            return list(self._names)

    def retire(self, device: str) -> None:
        """Retire a device for ever; durable when this returns."""
        with self._lock:
            self._catch_up()
            line = f"retired {device}"
            if device not in self._retired or line in self._unsure:
                self._append(line)

    def hold(self, hold: Hold) -> None:
        """A lock is about to leave for another lock system; durable when this returns."""
        with self._lock:
            self._catch_up()
            stands = self._held.get((hold.order, hold.backend))
            line = _held_line(stands or hold)
            if stands is None or line in self._unsure:
                self._append(line)

    def let_go(self, order: str, backend: str) -> None:
        """The other lock system does not hold the lock of this order any more; durable when this returns."""
        with self._lock:
            self._catch_up()
            line = f"free {order} {backend}"
            if (order, backend) in self._held or line in self._unsure:
                self._append(line)

    def may_hold(self, order: str, backend: str) -> bool:
        """Whether a lock of this order left for the other lock system, which was not seen to be free of it since."""
        return any((each.order, each.backend) == (order, backend) for each in self.held())

    def held(self) -> list[Hold]:
        """Every lock that another lock system may hold, those among them that a restored database knows no more."""
        with self._lock:
            self._catch_up()
            return list(self._held.values())

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

    def _append(self, line: str) -> None:
        with self._path.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # while we hold it nobody is writing what we drop
            self._catch_up()
            file.truncate(min(self._known_bytes, file.tell()))
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())
        self._catch_up()
        self._unsure.discard(line)

    def _catch_up(self) -> None:
        """Read what was appended since the last look."""
        if self._path.exists() and self._path.stat().st_size > self._known_bytes:
            with self._path.open("rb") as file:
                file.seek(self._known_bytes)
                fresh = file.read()
                is_flushed = self._known_bytes == 0 and _flush(file)
            whole = fresh[: fresh.rfind(b"\n") + 1]
            self._known_bytes += len(whole)
            lines = whole.decode(errors="backslashreplace").splitlines()
            self._unsure.update([line for line in lines if self._read(line) and not is_flushed])

    def _read(self, line: str) -> bool:
        """Take a line in; whether it says of a device or a lock what no line before it has said."""
        before = len(self._retired), len(self._held)
        word, _, value = line.partition(" ")
        if word == "epoch" and value.isdigit():
            self._epoch = max(self._epoch, int(value))
        elif word == "anchor" and value:
            self._names.append(value)
        elif word == "retired" and value:
            self._retired.add(value)
        elif word == "held" and len(parts := value.split(" ")) == HELD_PARTS:
            order, backend, handset, device = parts
            self._held[order, backend] = Hold(order=order, backend=backend, handset=unquote(handset), device=device)
        elif word == "free" and len(parts := value.split(" ")) == FREE_PARTS:
            self._held.pop((parts[0], parts[1]), None)
        elif line:
            raise Fatal("anchor", f"{self._path} holds a line that is not a fact: {line!r}", fix="Restore the file.")
        return before != (len(self._retired), len(self._held))


def _held_line(hold: Hold) -> str:
    return f"held {hold.order} {hold.backend} {quote(hold.handset, safe='')} {hold.device}"


def _flush(file: BinaryIO) -> bool:
    """Whether all that was written to a file is on the disk now."""
    try:
        os.fsync(file.fileno())
    except OSError:
        return False
    return True
