"""What witnesses said of the log: their lines by size, and the checkpoints that the working quorum cosigned.

The newest of these is what the public sees; each is kept as it was shown, because statements embed its digest
(`ledger/time_bounds.py`).
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import func, select
from sqlmodel import Session, col

from custody.kernel.clock import Instant
from custody.ledger.note import NoteSignature, add_signatures, parse_signatures
from custody.ledger.time_bounds import note_digest
from custody.store.bulk import put
from custody.store.tables import CheckpointRow, CosignatureRow, CosignedHeadRow, CosignedNoteRow

HEAD_ID = 1


def newest(session: Session) -> CosignedHeadRow | None:
    """The newest checkpoint that the working quorum cosigned, with their lines; None before there is one."""
    return session.get(CosignedHeadRow, HEAD_ID)


def last_sizes(session: Session) -> dict[str, int]:
    """The largest size that each witness cosigned for us."""
    query = select(col(CosignatureRow.witness), func.max(col(CosignatureRow.size))).group_by(
        col(CosignatureRow.witness)
    )
    return dict(session.execute(query).all())


def owed_since(session: Session, size: int) -> Instant | None:
    """When the first checkpoint beyond a size was signed; None if there is none."""
    query = select(col(CheckpointRow.signed_ms)).where(col(CheckpointRow.size) > size).order_by(col(CheckpointRow.size))
    return session.scalars(query.limit(1)).first()


def note_of(session: Session, size: int) -> bytes | None:
    """The checkpoint of a size with every line that witnesses gave for it; None if none was signed at that size."""
    row = session.get(CheckpointRow, size)
    if row is None:
        return None
    query = select(CosignatureRow).where(col(CosignatureRow.size) == size).order_by(col(CosignatureRow.witness))
    lines = [line for each in session.scalars(query).all() for line in parse_signatures(each.line)]
    return add_signatures(row.note, lines)


def hold(session: Session, size: int) -> None:
    """Wait until nobody else may keep lines on the checkpoint of a size; none can before this unit ends."""
    session.execute(select(col(CheckpointRow.size)).where(col(CheckpointRow.size) == size).with_for_update())


def add(session: Session, size: int, lines: Sequence[tuple[str, NoteSignature]], *, at_ms: Instant) -> None:
    """Keep the lines of some witnesses; a newer line of the same witness on the same size takes the place."""
    rows = [{"size": size, "witness": name, "line": line.line(), "at_ms": at_ms} for name, line in lines]
    put(session, CosignatureRow, rows, keys=("size", "witness"))


def publish(session: Session, size: int, note: bytes, *, at_ms: Instant) -> None:
    """Move the newest cosigned checkpoint forward; a smaller size than it has changes nothing."""
    query = select(CosignedHeadRow).where(col(CosignedHeadRow.id) == HEAD_ID).with_for_update()
    row = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if row is None or row.size <= size:
        put(session, CosignedHeadRow, [{"id": HEAD_ID, "size": size, "note": note, "at_ms": at_ms}], keys=("id",))
        shown = {"digest": note_digest(note), "size": size, "note": note, "at_ms": at_ms}
        put(session, CosignedNoteRow, [shown], keys=("digest",))


def shown_notes(session: Session, digests: Iterable[bytes]) -> dict[bytes, bytes]:
    """The cosigned checkpoints that were shown under these digests; others are left out."""
    query = select(CosignedNoteRow).where(col(CosignedNoteRow.digest).in_(list(digests)))
    return {row.digest: row.note for row in session.scalars(query)}


def first_sizes_beyond(session: Session, index: int) -> set[int]:
    """For each witness the smallest tree it cosigned that covers the entry."""
    query = select(func.min(col(CosignatureRow.size))).where(col(CosignatureRow.size) > index)
    return set(session.scalars(query.group_by(col(CosignatureRow.witness))))
