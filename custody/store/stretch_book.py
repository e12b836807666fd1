"""What was read of stretches of the log for investigations, so that a process that starts need not open it all again.

A stretch goes from a place to before another one, and no two of them overlap. What is kept of it is what each of its
scans tells of each of its parcels (`investigation/look.py`), pressed by Zstandard (RFC 8878), which adds a checksum.
That is nothing but what the openings of its scans hold, so it goes when the first of them is erased, and is read again
without that one. All of it can be thrown away at any time.

It is no longer right once it is of another `FORM`, once it is damaged, or once other scans stand there than when it was
read, because an opening came late. It is passed over then, and kept anew.
"""

from bisect import bisect_left
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import msgspec
import zstandard
from sqlalchemy import BigInteger, Column, LargeBinary, delete
from sqlmodel import Field, Session, SQLModel, col

from custody.investigation.look import KeptLook
from custody.store.bulk import add, ask
from custody.store.unit import Unit

FORM = 7
"""To be another number whenever what a scan tells, or how that is written here, has changed."""

_LEVEL = 3
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[KeptLook]).decode


class StretchRow(SQLModel, table=True):
    """What was read from `first_place` to before `end_place`, when so many `scans` stood there."""

    __tablename__ = "stretch"
    first_place: int = Field(sa_column=Column(BigInteger, primary_key=True, nullable=False, autoincrement=False))
    end_place: int = Field(sa_type=BigInteger)
    scans: int
    form: int
    content: bytes = Field(sa_type=LargeBinary)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """What the scans from the place `first` to before `end` tell, in log order."""

    first: int
    end: int
    scans: int
    told: Sequence[KeptLook]


def kept(session: Session, place: int) -> Stretch | None:
    """The stretch that begins at a place, if one is kept and right."""
    question = "SELECT end_place, scans, content FROM stretch WHERE first_place = ? AND form = ?"
    for end, scans, content in ask(session, question, (place, FORM)):
        told = _read(content)
        if told is not None and scans == _scans_in(session, place, end):
            return Stretch(first=place, end=end, scans=scans, told=told)
    return None


def covering(session: Session, place: int) -> int | None:
    """Where the stretch ends within which a place lies; None if there is none, or one begins there."""
    question = "SELECT first_place, end_place FROM stretch WHERE first_place <= ? ORDER BY first_place DESC LIMIT 1"
    return next((end for first, end in ask(session, question, (place,)) if first < place < end), None)


def next_first(session: Session, place: int) -> int | None:
    """Where the next stretch behind a place begins."""
    question = "SELECT first_place FROM stretch WHERE first_place > ? ORDER BY first_place LIMIT 1"
    return next((first for (first,) in ask(session, question, (place,))), None)


def newest_erasure(session: Session) -> int:
    """The entry of the newest notice that something was erased; -1 before the first."""
    ((index,),) = ask(session, "SELECT COALESCE(MAX(idx), -1) FROM erasure", ())
    return int(index)


def keep(unit: Unit, stretch: Stretch, *, erasure: int) -> None:
    """Keep a stretch in place of all that begins in it, unless something was erased since it was read.

    `erasure` is the newest notice of the snapshot in which it was read. Notices are written by who holds the head, so
    none is on its way now that would miss this row. What lies within a stretch that somebody else kept is not kept.
    """
    unit.log.claim()
    if newest_erasure(unit.session) != erasure or covering(unit.session, stretch.first) is not None:
        return
    content = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compress(_encode(stretch.told))
    row = {
        "first_place": stretch.first,
        "end_place": stretch.end,
        "scans": stretch.scans,
        "form": FORM,
        "content": content,
    }
    first = col(StretchRow.first_place)
    unit.session.connection().execute(delete(StretchRow).where(first >= stretch.first, first < stretch.end))
    add(unit.session, StretchRow, [row])


def forget(unit: Unit, places: Collection[int]) -> None:
    """Delete the stretches in which one of these places lies; the notice that they were erased is written by then."""
    if not places:
        return
    unit.log.claim()
    gone = sorted(places)
    question = "SELECT first_place, end_place FROM stretch WHERE first_place <= ? AND end_place > ?"
    held = [
        first
        for first, end in ask(unit.session, question, (gone[-1], gone[0]))
        if (at := bisect_left(gone, first)) < len(gone) and gone[at] < end
    ]
    unit.session.connection().execute(delete(StretchRow).where(col(StretchRow.first_place).in_(held)))


def _read(content: bytes) -> list[KeptLook] | None:
    try:
        return _decode(zstandard.ZstdDecompressor().decompress(content))
    except (zstandard.ZstdError, msgspec.MsgspecError):
        return None


def _scans_in(session: Session, first: int, end: int) -> int:
    ((count,),) = ask(session, "SELECT COUNT(*) FROM scan WHERE place >= ? AND place < ?", (first, end))
    return int(count)
