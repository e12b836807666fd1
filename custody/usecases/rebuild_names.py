"""Rebuilding, from the log alone, the tables by which it is found, after a database whose tables do not go together.

Rebuilt is what is a pure function of the entries, once it is known which scans were read and what the judge said:

| table | is made of |
|---|---|
| `digest`, `sorted_run` | the digests of statements, and the leaf hashes of scans in batches; on PostgreSQL a view |
| `station_head`, `number_span`, `late_number` | which scan took which number of its station, in order |
| `unopened` | the scans without an opening, each with its number |
| `station_key`, `verifier_key` | every enrolment and revocation |
| `attestation` | what verifiers attest, as far as its openings are there |

Left as they are: what the judge said (`scan`) and knew (`parcel`), openings, seals and leaves of batches, and under
which names parcels are found (`item_key`). After an erasure the log does not tell these any more, and what was said
at the time is not said again. So nothing that was erased comes back: what is written here was never in an opening,
or is in one that is there.

All of it is one unit, which holds the log's head: nobody appends meanwhile, and it is carried out whole or not at all.
Whatever already is as the log says stays untouched, so that a second time changes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, SQLModel

from custody.kernel import cbor
from custody.kernel.errors import Fatal, NotFound, Trouble
from custody.ledger.audit import UNSOUND, Audit
from custody.ledger.note import NoteVerifier
from custody.ledger.registry import StationKey, VerifierKey
from custody.ledger.tiles import ENTRIES, TileId
from custody.scans.tolerances import Tolerances
from custody.store import log_reader, mend_digests, mend_numbers
from custody.store.attestation_book import AttestationRow, VerifierKeyRow
from custody.store.bulk import add, ask, change
from custody.store.tables import StationKeyRow, UnopenedRow
from custody.store.unit import Unit
from custody.usecases.follow_names import RESTORE, LedTo, Progress, follow_names

UNOPENED = ("place", "station", "seq", "digest", "sub")
LIFE = ("cose_key", "added_idx", "revoked_idx", "suspect_from_idx")
ATTESTED = ("idx", "scan", "kid", "kind", "held", "received_ms")
AUDITING, FOLLOWING, WRITING = "hashing the log again", "following names and numbers", "writing"

Tell = Callable[[str, int, int], None]
"""Is told what is done, and of how many entries how many are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableChange:
    """What is wrong with a kind of name: how many are lost, and how many are of nothing in the log.

    `moved` if others do not stand where they are looked for.
    """

    name: str
    lost: int
    foreign: int
    moved: bool

    @property
    def is_wrong(self) -> bool:
        """Whether it has to be written anew."""
        return self.moved or self.lost + self.foreign > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """How many entries the log has, and what was wrong with each kind of name."""

    entries: int
    tables: tuple[TableChange, ...]

    @property
    def is_changed(self) -> bool:
        """Whether anything was wrong."""
        return any(table.is_wrong for table in self.tables)


def rebuild_names(
    unit: Unit, log: NoteVerifier, tolerances: Tolerances, *, tell: Tell, is_rehearsal: bool = False
) -> Rebuilt:
    """Rebuild what is not as the log leads to it, or say in a rehearsal what is not.

    Raises `Fatal("rebuild")`, and has changed nothing, if the log itself does not audit clean under this key, or rows
    that cannot be rebuilt do not go with it.
    """
    session = unit.session
    unit.log.claim()
    size = _audit(session, log, lambda done, of: tell(AUDITING, done, of))
    led_to = follow_names(session, size, tolerances, lambda done, of: tell(FOLLOWING, done, of))
    # 1. What is wrong.
    lost, foreign, are_whole = mend_digests.compare(session)
    digests = TableChange(name="digests", lost=lost, foreign=foreign, moved=not are_whole)
    stations = mend_numbers.compare(session, led_to.stations)
    numbers = TableChange(
        name="numbers",
        lost=sum(each.lost for each in stations),
        foreign=sum(each.foreign for each in stations),
        moved=any(each.moved for each in stations),
    )
    whole = _whole_tables(led_to)
    others = [each.compare(session) for each in whole]
    found = Rebuilt(entries=size, tables=(digests, numbers, *others))
    if is_rehearsal or not found.is_changed:
        return found
    # 2. What the log leads to, in its place.
    tell(WRITING, size, size)
    if digests.is_wrong:
        mend_digests.mend(session)
    mend_numbers.mend(session, led_to.stations, [each.station for each in stations])
    for table, told in zip(whole, others, strict=True):
        if told.is_wrong:
            table.mend(session)
    return found


def _audit(session: Session, log: NoteVerifier, progress: Progress) -> int:
    """The size of the log that the head tells and everything leads to; raises `Fatal("rebuild")`."""
    audit = Audit(
        get_checkpoint=lambda: log_reader.head(session).note,
        get_tile=lambda wanted: _tile(session, wanted),
        log=log,
        progress=progress,
    )
    wrong = next((finding for finding in audit.run() if finding.about in UNSOUND), None)
    if wrong is not None:
        where = "" if wrong.index is None else f" at entry {wrong.index}"
        raise Fatal("rebuild", f"nothing was changed: the log itself is damaged{where}: {wrong.detail}", fix=RESTORE)
    return 0 if audit.head is None else audit.head.size


def _tile(session: Session, wanted: TileId) -> bytes:
    try:
        return (log_reader.bundle if wanted.level == ENTRIES else log_reader.tile)(session, wanted)
    except (Trouble, SQLAlchemyError):
        raise
    except Exception as error:  # rows may hold anything
        raise NotFound("tile", f"{wanted.path} cannot be read: {error!r:.200}", fix=RESTORE) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Whole:
    """A table that is written anew as a whole, and the rows that the log leads to."""

    name: str
    table: type[SQLModel]
    columns: tuple[str, ...]
    led_to: set[tuple[Any, ...]]

    def compare(self, session: Session) -> TableChange:
        """What is wrong with it."""
        held = set(ask(session, f"SELECT {', '.join(self.columns)} FROM {self.table.__tablename__}", ()))  # noqa: S608 - our own names
        lost, foreign = len(self.led_to - held), len(held - self.led_to)
        return TableChange(name=self.name, lost=lost, foreign=foreign, moved=False)

    def mend(self, session: Session) -> None:
        """Write it anew."""
        change(session, f"DELETE FROM {self.table.__tablename__}", ())  # noqa: S608 - as above
        add(session, self.table, [dict(zip(self.columns, row, strict=True)) for row in self.led_to])


def _whole_tables(led_to: LedTo) -> tuple[_Whole, ...]:
    unopened = {tuple(row[name] for name in UNOPENED) for row in led_to.unopened.values()}
    attested = {tuple(row[name] for name in ATTESTED) for row in led_to.attested}
    stations = {(kid, key.info.station, *_life(key)) for kid, key in led_to.registry.keys.items()}
    verifiers = {
        (kid, key.info.verifier, key.info.custodian, *_life(key)) for kid, key in led_to.registry.verifiers.items()
    }
    return (
        _Whole(name="unopened", table=UnopenedRow, columns=UNOPENED, led_to=unopened),
        _Whole(name="station keys", table=StationKeyRow, columns=("kid", "station", *LIFE), led_to=stations),
        _Whole(
            name="verifier keys",
            table=VerifierKeyRow,
            columns=("kid", "verifier", "custodian", *LIFE),
            led_to=verifiers,
        ),
        _Whole(name="attestations", table=AttestationRow, columns=ATTESTED, led_to=attested),
    )


def _life(key: StationKey | VerifierKey) -> tuple[bytes, int, int | None, int | None]:
    suspect_from = None if key.revoked_at is None else key.suspect_from
    return cbor.encode(key.key.cose_key()), key.added_at, key.revoked_at, suspect_from
