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
"""

import fcntl
import hashlib
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

NEW_LOG = "If the entries are lost, this log has ended: start another under a new origin (WEAKLINK_ORIGIN), and say so."


def origin_name(origin: str) -> str:
    """The file name that stands for an origin: the lower-case hex SHA-256 of it."""
    return hashlib.sha256(origin.encode()).hexdigest()


class HeadFile:
    """The file of one log in a folder that several processes may share."""

    def __init__(self, folder: Path, *, origin: str, key: PublicKey) -> None:
        self.path = folder / f"{origin_name(origin)}.note"
        self._verifier = Ed25519Verifier(key=text_key(origin, key))
        self._kept: Checkpoint | None = None
        make_folder(folder)

    def kept(self) -> Checkpoint | None:
        """The head in the file; raises `Fatal("head_file")` if the file is not a note that this log's key signed."""
        if not self.path.exists():
            return None
        try:
            return open_checkpoint(self.path.read_bytes(), self._verifier)
        except Trouble as trouble:
            raise Fatal(
                "head_file",
                f"{self.path} is not a head that this log's key signed: {trouble.detail}",
                fix="Put back the log's key (keys/log.pem) and this file as they were before.",
            ) from trouble

    def keep(self, note: bytes) -> None:
        """Move the file forward to this head; durable when this returns. An older head changes nothing."""
        fresh = open_checkpoint(note, self._verifier)
        if self._kept is not None and fresh.size <= self._kept.size:
            return
        with self._alone():
            held = self.kept()
            if held is None or fresh.size > held.size:
                replace_file(self.path, note)
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

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self.path.with_suffix(".lock").open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
