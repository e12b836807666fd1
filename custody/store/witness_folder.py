"""What a witness remembers: for each log the last checkpoint that it cosigned, as a note in a file of its own.

One process owns the folder (a lock on a file in it says so). A note is replaced whole and durably before anybody gets
the cosignature on it, and it is read from the disk each time, so what was answered and what is stored cannot differ.
A note from before repeated lines were left out may be longer than a note may be: it is cut when the folder is opened.
"""

import fcntl
from contextlib import suppress
from pathlib import Path

from custody.kernel.errors import Fatal, Rejected
from custody.ledger.checkpoint import Checkpoint, parse_checkpoint
from custody.ledger.note import newest_lines, parse_note
from custody.store.durable_file import make_folder, replace_file
from custody.store.head_file import origin_name


class WitnessFolder:
    """The folder of one witness, held until the process ends or `close`; raises `Fatal("witness")` if it is taken."""

    def __init__(self, folder: Path) -> None:
        make_folder(folder)
        self._folder = folder
        self._lock = (folder / "witness.lock").open("ab")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            raise Fatal(
                "witness", f"another witness runs on {folder}", fix="Stop it first, or give this one its own folder."
            ) from error
        self._cut_notes()

    def close(self) -> None:
        """Let another process have the folder."""
        self._lock.close()

    def note(self, name: str) -> bytes | None:
        """The note kept under the hex SHA-256 of an origin; None if nothing was cosigned.

        Raises `Fatal("witness")` if the file is not a checkpoint of that origin.
        """
        path = self._folder / f"{name}.note"
        if not path.is_file():
            return None
        note = path.read_bytes()
        try:
            _read(name, note)
        except Rejected as error:
            raise Fatal(
                "witness",
                f"what was last cosigned cannot be read: {path.name}",
                fix="Restore the newest copy of the file; an older one would let the log show two pasts.",
            ) from error
        return note

    def latest(self, origin: str) -> Checkpoint | None:
        """What was last cosigned for a log; raises `Fatal("witness")` if the file is not a checkpoint of it."""
        name = origin_name(origin)
        note = self.note(name)
        return None if note is None else _read(name, note)

    def replace(self, origin: str, note: bytes) -> None:
        """Remember this note, durably; raises `Rejected`, and keeps the old one, if it could not be read back."""
        _read(origin_name(origin), note)
        replace_file(self._folder / f"{origin_name(origin)}.note", note)

    def _cut_notes(self) -> None:
        """Leave the newest line of each key in every note."""
        for path in sorted(self._folder.glob("*.note")):
            note = path.read_bytes()
            with suppress(Rejected):  # one that cannot be read stays as it is, and whoever asks for it is told
                cut = newest_lines(note)
                if len(cut) < len(note):
                    replace_file(path, cut)


def _read(name: str, note: bytes) -> Checkpoint:
    checkpoint = parse_checkpoint(parse_note(note).text)
    if origin_name(checkpoint.origin) != name:
        raise Rejected(
            "witness", f"it is a checkpoint of {checkpoint.origin}", fix="Give one of the log it stands for."
        )
    return checkpoint
