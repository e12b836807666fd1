"""Tables of custody. Rows stay in this folder; rooms and use cases see values.

Times are integer milliseconds (64 bits), bytes are raw, documents that only we read are JSON text.

- `entry`, `opening`, `tile`, `checkpoint`, `log_head`: the log. An entry never changes; an opening may be erased.
- `batch`: the seal and the leaves of a batch, without which no scan of it can be proved.
- `place` names a scan or an opening: its log index, and its position if it is in a batch (`scans/place.py`).
- `scan`, `item_key`, `digest`, `parcel`, `station_key`, `station_head`, `number_span`, `late_number`, `quarantine`:
  what the scans say, for the judge and for finding them again. All but `quarantine` is made of entries and openings;
  what still can be made anew once openings are erased, `weaklink log rebuild` does (`usecases/rebuild_names.py`).
- `sorted_run`: in which parts rows of `item_key`, `digest` stand; `sale`: the handset of an order, by the seller.
- `dispute`, `dispute_event`, `promise`, `ask`, `message`, `inquiry`: casework.
- `cosignature`, `cosigned_head`, `cosigned_note`: what witnesses said of the log.
- `unopened`: scans in the log whose opening is missing, or holds no event.
- `erasure`: what was erased, when and why; `outbox`: what must leave the house, written in the unit that decided it.
"""

from typing import Any, ClassVar

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Text
from sqlmodel import AutoString, Field, SQLModel

from custody.disputes.inquiry import InquiryState
from custody.disputes.line import LineKind
from custody.scans.place import index_of, position_of
from custody.store.brief import FLAGS, KEY, MEDIA_TYPE, OPENING, STATEMENT, VIEW, WORD
from custody.store.some_rows import (
    A_VIEW,
    ANSWERED,
    HAS_A_THIRD_KEY,
    IN_A_BATCH,
    NOT_A_SCAN,
    OF_A_DIGEST,
    beginning,
    index_over,
    on_postgresql,
)

COMPACT = {"sqlite_with_rowid": False}
"""On SQLite, rows stand in the order of their key; they would otherwise stand there a second time."""


def _big(*, primary_key: bool = False) -> Column[int]:
    return Column(BigInteger, primary_key=primary_key, nullable=False, autoincrement=False)


def row_number() -> Column[int]:
    """A number of 64 bits that names the row; SQLite takes an INTEGER for its own row number and keeps no index."""
    return Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False)


def _counted() -> Column[int]:
    """A row number that the database gives; 64 bits everywhere (SQLite counts only in INTEGER columns)."""
    return Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)


class LogHeadRow(SQLModel, table=True):
    """The one row that says how long the log is; it moves by compare-and-swap on `size`."""

    __tablename__ = "log_head"
    id: int = Field(primary_key=True)
    size: int = Field(sa_column=_big())
    root: bytes = Field(sa_type=LargeBinary)
    peaks: bytes = Field(sa_type=LargeBinary)
    note: bytes = Field(sa_type=LargeBinary)
    signed_ms: int = Field(sa_type=BigInteger)


class EntryRow(SQLModel, table=True):
    """A leaf: the full COSE_Sign1 with an empty unprotected header."""

    __tablename__ = "entry"
    idx: int = Field(sa_column=row_number())
    digest: bytes = Field(sa_type=LargeBinary)
    raw: bytes = Field(sa_type=STATEMENT)
    content_type: str = Field(sa_type=MEDIA_TYPE)
    received_ms: int = Field(sa_type=BigInteger)
    __table_args__ = (
        index_over("ix_entry_content_type", "content_type", "idx", rows=NOT_A_SCAN),
        on_postgresql("ix_entry_digest", beginning("digest", OF_A_DIGEST), "btree"),
    )


class OpeningRow(SQLModel, table=True):
    """Salt and content that an entry, or a leaf of a batch, commits to; erasable.

    On PostgreSQL a view: that of a scan stands in the scan's row until it is erased, all others in `more_opening`.
    """

    __tablename__ = "opening"
    __table_args__: ClassVar[Any] = {"info": {A_VIEW: True}}
    place: int = Field(sa_column=row_number())
    content: bytes | None = Field(sa_type=OPENING)
    erased_ms: int | None = Field(sa_type=BigInteger)


class TileRow(SQLModel, table=True):
    """A part of a Merkle tile as it stands now (`tile_book.py`); every narrower partial tile is a prefix of it."""

    __tablename__ = "tile"
    level: int = Field(primary_key=True)
    number: int = Field(sa_column=_big(primary_key=True))
    part: int = Field(primary_key=True)
    hashes: bytes = Field(sa_type=LargeBinary)


class CheckpointRow(SQLModel, table=True):
    """Every checkpoint that was published, as signed."""

    __tablename__ = "checkpoint"
    size: int = Field(sa_column=row_number())
    note: bytes = Field(sa_type=LargeBinary)
    signed_ms: int = Field(sa_type=BigInteger)


class ScanRow(SQLModel, table=True):
    """A scan in the log with the judge's verdict at the time; `digest` as `scan_book.held_digest` has it.

    On PostgreSQL its opening and three of its keys stand in its row (`run_tables.py`).
    """

    __tablename__ = "scan"
    __table_args__ = (
        on_postgresql("ix_scan_digest", beginning("digest", OF_A_DIGEST), "btree", rows=IN_A_BATCH),
        on_postgresql("ix_scan_event_key", "event_key", "hash"),
        on_postgresql("ix_scan_other_key", "other_key", "btree"),
        on_postgresql("ix_scan_third_key", "third_key", "btree", rows=HAS_A_THIRD_KEY),
    )
    place: int = Field(sa_column=row_number())
    seq: int = Field(sa_type=BigInteger)
    received_ms: int = Field(sa_type=BigInteger)
    station: str
    digest: bytes = Field(sa_type=LargeBinary)
    result: str = Field(sa_type=WORD)
    code: str = Field(sa_type=WORD)
    flags: str = Field(sa_type=FLAGS)
    event_key: str | None = Field(default=None, sa_type=KEY)
    other_key: str | None = Field(default=None, sa_type=KEY)
    third_key: str = Field(default="", sa_type=KEY)
    opening: bytes | None = Field(default=None, sa_type=OPENING)

    @property
    def index(self) -> int:
        """The log index."""
        return index_of(self.place)

    @property
    def position(self) -> int | None:
        """Where in its batch it stands."""
        return position_of(self.place)


class BatchRow(SQLModel, table=True):
    """What a batch's entry does not hold: the station's seal, and the leaves; nothing of it is ever erased."""

    __tablename__ = "batch"
    idx: int = Field(sa_column=row_number())
    seal: bytes = Field(sa_type=LargeBinary)
    leaves: bytes = Field(sa_type=LargeBinary)


class ParcelRow(SQLModel, table=True):
    """What the judge knows of a parcel or handset before its next scan; JSON of `UnitView`."""

    __tablename__ = "parcel"
    __table_args__ = COMPACT
    key: str = Field(sa_type=KEY, primary_key=True)
    view: str = Field(sa_type=VIEW)


class StationRow(SQLModel, table=True):
    """A station that may enrol or has enrolled; the enrolment token is kept as a hash."""

    __tablename__ = "station"
    station: str = Field(primary_key=True)
    facts: str = Field(sa_type=Text)
    token_hash: bytes | None = Field(sa_type=LargeBinary)
    token_until_ms: int | None = Field(sa_type=BigInteger)


class StationKeyRow(SQLModel, table=True):
    """An enrolled station key and the log indexes that bound its validity."""

    __tablename__ = "station_key"
    kid: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    station: str = Field(index=True)
    cose_key: bytes = Field(sa_type=LargeBinary)
    added_idx: int = Field(sa_type=BigInteger)
    revoked_idx: int | None = Field(sa_type=BigInteger)
    suspect_from_idx: int | None = Field(sa_type=BigInteger)


class StationHeadRow(SQLModel, table=True):
    """The newest statement of a station by sequence number; `taken`: its newest numbers (`number_book.py`)."""

    __tablename__ = "station_head"
    station: str = Field(primary_key=True)
    seq: int = Field(sa_type=BigInteger)
    digest: bytes = Field(sa_type=LargeBinary)
    taken: bytes = Field(sa_type=LargeBinary)


class QuarantineRow(SQLModel, table=True):
    """Signed and parseable, but not by a key of the log. `name`: the SHA-256 of the statement, signature and all."""

    __tablename__ = "quarantine"
    digest: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    name: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    statement: bytes = Field(sa_type=LargeBinary)
    opening: bytes = Field(sa_type=LargeBinary)
    why: str
    received_ms: int = Field(sa_type=BigInteger)


class SaleRow(SQLModel, table=True):
    """The seller's own record of an order: product, handset and customer references.

    `received_ms`: when its customer said that they have the handset, before that was registered.
    """

    __tablename__ = "sale"
    order_ref: str = Field(primary_key=True)
    imei: str = Field(index=True)
    facts: str = Field(sa_type=Text)
    recorded_ms: int = Field(sa_type=BigInteger)
    recorded_idx: int = Field(sa_type=BigInteger)
    received_ms: int | None = Field(default=None, sa_type=BigInteger)


class DisputeRow(SQLModel, table=True):
    """A case. `facts` holds what the customer said and what was decided, as JSON."""

    __tablename__ = "dispute"
    id: str = Field(primary_key=True)
    state: str = Field(index=True)
    claim_type: str
    order_ref: str = Field(index=True)
    owner: str
    policy_version: str
    token_hash: bytes = Field(sa_type=LargeBinary, unique=True)
    opened_ms: int = Field(sa_type=BigInteger, index=True)
    version: int
    facts: str = Field(sa_type=Text)


class DisputeEventRow(SQLModel, table=True):
    """One line of a case's timeline; append-only."""

    __tablename__ = "dispute_event"
    __table_args__ = (index_over("ix_dispute_event_answered", "at_ms", rows=ANSWERED),)
    id: int | None = Field(default=None, sa_column=_counted())
    dispute: str = Field(index=True)
    at_ms: int = Field(sa_type=BigInteger)
    actor: str
    kind: LineKind = Field(sa_type=AutoString)
    facts: str = Field(sa_type=Text)
    idx: int | None = Field(sa_type=BigInteger)


class PromiseRow(SQLModel, table=True):
    """What we promised, how much, until when, by whom."""

    __tablename__ = "promise"
    id: str = Field(primary_key=True)
    dispute: str = Field(index=True)
    state: str
    due_ms: int = Field(sa_type=BigInteger, index=True)
    facts: str = Field(sa_type=Text)


class AskRow(SQLModel, table=True):
    """Something we asked the customer for, once."""

    __tablename__ = "ask"
    id: str = Field(primary_key=True)
    dispute: str = Field(index=True)
    facts: str = Field(sa_type=Text)


class MessageRow(SQLModel, table=True):
    """A message to the customer, shown on their page."""

    __tablename__ = "message"
    id: int | None = Field(default=None, sa_column=_counted())
    dispute: str = Field(index=True)
    at_ms: int = Field(sa_type=BigInteger)
    text: str = Field(sa_type=Text)


class EvidenceRow(SQLModel, table=True):
    """A file that belongs to a case, in any format, as it was sent."""

    __tablename__ = "evidence"
    id: str = Field(primary_key=True)
    dispute: str = Field(index=True)
    name: str
    media_type: str
    sha256: bytes = Field(sa_type=LargeBinary)
    content: bytes = Field(sa_type=LargeBinary)
    given_by: str
    at_ms: int = Field(sa_type=BigInteger)


class InquiryRow(SQLModel, table=True):
    """An investigation of a chain; `result` holds its answer as JSON, `told_ms` when the customer last heard of it."""

    __tablename__ = "inquiry"
    id: str = Field(primary_key=True)
    dispute: str = Field(unique=True)
    state: InquiryState = Field(index=True, sa_type=AutoString)
    opened_ms: int = Field(sa_type=BigInteger)
    told_ms: int = Field(sa_type=BigInteger, index=True)
    result: str | None = Field(sa_type=Text)


class OutboxRow(SQLModel, table=True):
    """A message that must leave the house, at `created_ms` or later; settled when the far side is known to have it."""

    __tablename__ = "outbox"
    id: int | None = Field(default=None, sa_column=_counted())
    topic: str
    payload: bytes = Field(sa_type=LargeBinary)
    priority: int
    expires_ms: int = Field(sa_type=BigInteger)
    created_ms: int = Field(sa_type=BigInteger)
    published_ms: int | None = Field(sa_type=BigInteger, index=True)
    key: str = Field(index=True)


class IdempotencyRow(SQLModel, table=True):
    """The answer given to a request that carried an idempotency key, sealed under what only the request says."""

    __tablename__ = "idempotency"
    key: str = Field(primary_key=True)
    request_hash: bytes = Field(sa_type=LargeBinary)
    status: int
    body: bytes = Field(sa_type=LargeBinary)
    at_ms: int = Field(sa_type=BigInteger, index=True)


class CosignatureRow(SQLModel, table=True):
    """One witness's signature line on the checkpoint of one size."""

    __tablename__ = "cosignature"
    size: int = Field(sa_column=_big(primary_key=True))
    witness: str = Field(primary_key=True)
    line: str = Field(sa_type=Text)
    at_ms: int = Field(sa_type=BigInteger)


class CosignedHeadRow(SQLModel, table=True):
    """The one row with the newest checkpoint that the working quorum cosigned, with their lines."""

    __tablename__ = "cosigned_head"
    id: int = Field(primary_key=True)
    size: int = Field(sa_type=BigInteger)
    note: bytes = Field(sa_type=LargeBinary)
    at_ms: int = Field(sa_type=BigInteger)


class CosignedNoteRow(SQLModel, table=True):
    """A cosigned checkpoint as the public saw it, by the digest that statements embed."""

    __tablename__ = "cosigned_note"
    digest: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    size: int = Field(sa_type=BigInteger)
    note: bytes = Field(sa_type=LargeBinary)
    at_ms: int = Field(sa_type=BigInteger)


class UnopenedRow(SQLModel, table=True):
    """A scan whose opening is missing (gone once it has come), or one of a batch whose opening holds no event."""

    __tablename__ = "unopened"
    place: int = Field(sa_column=row_number())
    station: str
    seq: int = Field(sa_type=BigInteger)
    digest: bytes = Field(sa_type=LargeBinary)
    sub: str = Field(index=True)
    __table_args__ = (Index("ix_unopened_station_seq", "station", "seq"),)

    @property
    def index(self) -> int:
        """The log index."""
        return index_of(self.place)


class ErasureRow(SQLModel, table=True):
    """What was erased: a parcel's scans or a case's words; `idx` is the notice in the log."""

    __tablename__ = "erasure"
    id: str = Field(primary_key=True)
    target: str = Field(index=True)
    at_ms: int = Field(sa_type=BigInteger)
    actor: str
    reason: str = Field(sa_type=Text)
    idx: int = Field(sa_type=BigInteger)
    facts: str = Field(sa_type=Text)
