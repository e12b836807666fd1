"""The newest signed head, kept outside the database and its backups, so that a restored backup cannot pass for the log.

A log that once signed a head of size 500 must never go on from size 400: it would sign a second, different 401st entry.
The database alone cannot tell that it was put back; a file that is not in its backups can. The file
`<SHA-256 of the origin>.note` holds the newest checkpoint that was kept, as the note that the log signed, and only ever
moves forward. It may lag behind the database, never the other way round, because it is written after the commit.

At the start of a service:

| the database, beside the file | what follows |
|---|---|
| there is no file | nothing is known; go on |
| ahead, and the file's tree is a prefix of it | normal after a crash; go on |
| the same size and root | go on |
| behind | `Fatal("rollback")` |
| the same size with another root, or ahead with another past | `Fatal("fork")` |

The file is two slots of 4,096 bytes, each

    SHA-256 of what follows it | length of the note, 4 bytes, big-endian | note | zeros

A newer head is written over the older slot and flushed to the disk once: the length of the file stays, and its folder
is not touched. A write that a power cut stopped leaves a slot whose digest is wrong, which is passed over; the other
slot holds the head before, and nobody was told yet that the newer one is kept. Where no slot is whole, or a whole one
holds what this log's key did not sign, it is no such file. A file of any other length is one note, as it was written
before there were slots. The next head replaces it as a whole; so does the first one that a process keeps, and the one
after a failure, because a page that could not be flushed may pass for written.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlmodel import Session

from custody.kernel.errors import Fatal, Trouble
from custody.kernel.keys import PublicKey
from custody.ledger.checkpoint import Checkpoint, open_checkpoint
from custody.ledger.merkle import EMPTY_ROOT, verify_consistency
from custody.ledger.note import Ed25519Verifier, text_key
from custody.store import log_reader
from custody.store.durable_file import make_folder, replace_file
from custody.store.log_book import HEAD_ID
from custody.store.tables import LogHeadRow

SLOTS, SLOT_BYTES = 2, 4_096
DIGEST_BYTES, LENGTH_BYTES = 32, 4
NEW_LOG = (
    "If the entries are lost, this log has ended: start another under a new origin (WEAKLINK_ORIGIN), "
    "with a database of its own, and say so."
)


def origin_name(origin: str) -> str:
    """The file name that stands for an origin: the lower-case hex SHA-256 of it."""
    return hashlib.sha256(origin.encode()).hexdigest()


class HeadFile:
    """The file of one log in a folder that several processes may share."""

    def __init__(self, folder: Path, *, origin: str, key: PublicKey) -> None:
        self.path = folder / f"{origin_name(origin)}.note"
        self._verifier = Ed25519Verifier(key=text_key(origin, key))
        self._kept: Checkpoint | None = None
        self._opened: dict[bytes, Checkpoint] = {}
        self._sound = False
        make_folder(folder)

    def kept(self) -> Checkpoint | None:
        """The head in the file; raises `Fatal("head_file")` if the file holds none that this log's key signed."""
        notes = self._notes()
        return None if notes is None else max(self._open_all(notes), key=lambda head: head.size)

    def keep(self, note: bytes) -> None:
        """Move the file forward to this head; durable when this returns. An older head changes nothing."""
        fresh = open_checkpoint(note, self._verifier)
        if self._kept is not None and fresh.size <= self._kept.size:
            return
        with self._alone():
            notes = self._notes()
            held = None if notes is None else max(self._open_all(notes), key=lambda head: head.size)
            if held is None or fresh.size > held.size or (fresh.size == held.size and not self._sound):
                self._write(note, fresh, notes)
                held = fresh
        self._kept = held

    def check(self, session: Session) -> None:
        """Return if the database may go on from where it is; raises `Fatal` as the table above says."""
        kept = self.kept()
        if kept is None:
            return
        row = session.get(LogHeadRow, HEAD_ID)
        size, root = (row.size, row.root) if row else (0, EMPTY_ROOT)
        if size < kept.size:
            raise Fatal(
                "rollback",
                f"the database holds {size} entries, and {self.path} a signed head of {kept.size}: "
                "the database is an older copy",
                fix=f"Restore the newest copy of the database, one with at least {kept.size} entries. {NEW_LOG}",
            )
        try:
            path = log_reader.prove_consistency(session, kept.size, size)
            verify_consistency(kept.size, size, kept.root, root, path)
        except Trouble as trouble:
            raise Fatal(
                "fork",
                f"the database holds another log than the one whose head of {kept.size} entries is in {self.path}: "
                f"{trouble.detail}",
                fix=f"Restore the database that this head came from. Do not delete the file. {NEW_LOG}",
            ) from trouble

    def _notes(self) -> list[bytes | None] | None:
        """What the slots hold, None for one that is not whole; a single note is a file from before slots."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        if len(content) != SLOTS * SLOT_BYTES:
            return [content]
        return [note_in(content[first : first + SLOT_BYTES]) for first in range(0, len(content), SLOT_BYTES)]

    def _open_all(self, notes: list[bytes | None]) -> list[Checkpoint]:
        """The heads of the whole slots; a signature that was checked once is not checked again."""
        whole = [note for note in notes if note is not None]
        if not whole:
            raise self._not_ours("no slot of it is whole")
        try:
            heads = {note: self._opened.get(note) or open_checkpoint(note, self._verifier) for note in whole}
        except Trouble as trouble:
            raise self._not_ours(trouble.detail) from trouble
        self._opened = heads
        return list(heads.values())

    def _write(self, note: bytes, fresh: Checkpoint, notes: list[bytes | None] | None) -> None:
        slot, in_place = slot_of(note), self._sound and notes is not None and len(notes) == SLOTS
        self._sound = False
        if in_place and notes is not None:
            sizes = [-1 if each is None else self._opened[each].size for each in notes]
            overwrite(self.path, slot, at=SLOT_BYTES * sizes.index(min(sizes)))
        else:
            replace_file(self.path, slot.ljust(SLOTS * SLOT_BYTES, b"\0"))
        self._sound = True
        self._opened[note] = fresh

    def _not_ours(self, why: str) -> Fatal:
        return Fatal(
            "head_file",
            f"{self.path} is not a head that this log's key signed: {why}",
            fix="Put back the log's key (keys/log.pem) and this file as they were before.",
        )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self.path.with_suffix(".lock").open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def slot_of(note: bytes) -> bytes:
    """A slot that holds a note."""
    held = len(note).to_bytes(LENGTH_BYTES, "big") + note
    if len(held) > SLOT_BYTES - DIGEST_BYTES:
        raise Fatal("head_file", f"a head of {len(note)} bytes has no room in a slot", fix="Choose a shorter origin.")
    return (hashlib.sha256(held).digest() + held).ljust(SLOT_BYTES, b"\0")


def note_in(slot: bytes) -> bytes | None:
    """The note in a slot; None if the slot is not whole."""
    digest, held = slot[:DIGEST_BYTES], slot[DIGEST_BYTES:]
    end = LENGTH_BYTES + int.from_bytes(held[:LENGTH_BYTES], "big")
    return held[LENGTH_BYTES:end] if hashlib.sha256(held[:end]).digest() == digest else None


def overwrite(path: Path, slot: bytes, *, at: int) -> None:
    """Write a slot over an older one; durable when this returns."""
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.pwrite(descriptor, slot, at)
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)
