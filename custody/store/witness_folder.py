"""What a witness remembers: for each log the last checkpoint that it cosigned, as a note in a file of its own.

One process owns the folder (a lock on a file in it says so). A note is replaced whole and durably before anybody gets
the cosignature on it, and it is read from the disk each time, so what was answered and what is stored cannot differ.
A note from before repeated lines were left out may be longer than a note may be: it is cut when the folder is opened.

The keys that lie beside the notes serve under one name for ever, which stands in a file too: under a second one the
same key would be printed twice, and whoever writes a policy might count one machine as two.
"""

import fcntl
from contextlib import suppress
from pathlib import Path

from custody.kernel.errors import Fatal, Rejected
from custody.ledger.checkpoint import Checkpoint, parse_checkpoint
from custody.ledger.note import check_key_name, newest_lines, parse_note
from custody.store.durable_file import make_folder, replace_file
from custody.store.head_file import origin_name

NAME_FILE = "witness-name.txt"
"""Under which name the keys in the folder serve; one line."""


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

    def serve_as(self, name: str) -> None:
        """Bind the keys in the folder to this name, if they serve under none yet.

        A folder from before names were kept takes the first. Raises `Fatal("witness")` if they serve under another one,
        or nobody can read under which, and `Rejected("witness")` for what no key is called.
        """
        check_key_name(name, code="witness")
        path = self._folder / NAME_FILE
        if not path.exists():
            replace_file(path, f"{name}\n".encode())
        bound = _read_name(path)
        if bound != name:
            raise Fatal(
                "witness",
                f"the keys in {self._folder} are those of the witness {bound}: under a second name a policy could"
                " count one machine as two",
                fix=f"Start it with --name {bound}, or give {name} a folder of its own, and so keys of its own.",
            )

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


def _read_name(path: Path) -> str:
    try:
        bound, ended, more = path.read_bytes().decode().partition("\n")
        check_key_name(bound, code="witness")
    except (UnicodeDecodeError, Rejected):
        ended, more = "", ""
    if not ended or more:
        raise Fatal(
            "witness",
            f"the name under which this witness serves cannot be read: {path}",
            fix="Write the name that its cosignatures have always had into it, and end the line.",
        )
    return bound


def _read(name: str, note: bytes) -> Checkpoint:
    checkpoint = parse_checkpoint(parse_note(note).text)
    if origin_name(checkpoint.origin) != name:
        raise Rejected(
            "witness", f"it is a checkpoint of {checkpoint.origin}", fix="Give one of the log it stands for."
        )
    return checkpoint
