"""Whether what the log holds is found by its names: statements by their digests, scans by the numbers that they took.

Intake knows by numbers alone what it has taken before. Where one is missing, a scan that comes again would enter the
log a second time, which nobody can undo. No unit loses one; a database does whose tables were put back one by one, or
to which only some of them were copied.
"""

import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from sqlmodel import Session

from custody.kernel.errors import Fatal, Rejected
from custody.scans.batch import BATCH, read_batch
from custody.scans.place import index_of, name_place, place_of, position_of
from custody.scans.scan import SCANS, read_scan_statement
from custody.store import log_reader, number_book, runs
from custody.store.brief import MEDIA_TYPE
from custody.store.bulk import ask
from custody.store.number_book import SPAN
from custody.store.number_span import read_span
from custody.store.run_tables import DigestRow
from custody.usecases.replay_log import Damaged
from custody.usecases.replay_verdicts import read_entries

CHUNK = 1_000
"""So many entries are looked for at once; and so many of the newest, and of the newest scans, when a service starts."""

NO_DIGEST, NO_NUMBER = "it is not found by its digest", "it is not found by the number that it took"
REBUILD = (
    "Restore a copy of the whole database, or rebuild its names from the log with `weaklink log rebuild`: its tables do"
    " not go together, and scans would enter the log twice."
)


def unfound(session: Session) -> Iterator[Damaged]:
    """All that is not found by its names, in log order."""
    due, question = 0, "SELECT idx FROM entry WHERE idx >= ? ORDER BY idx LIMIT ?"
    while indexes := [index for (index,) in ask(session, question, (due, CHUNK))]:
        yield from _unfound(session, indexes[0], indexes[-1])
        due = indexes[-1] + 1


def check_newest(session: Session) -> None:
    """Raise `Fatal("names")` if the newest entries and scans are not found, or a station is ahead of the log."""
    if not log_reader.newest_note(session):
        return
    heads = ask(session, "SELECT station, taken FROM station_head", ())  # first, as others may append meanwhile
    last = log_reader.size_now(session) - 1
    for station, taken in heads:
        try:
            is_ahead = any(index_of(place) > last for _, place in read_span(taken))
        except (struct.error, TypeError) as error:
            raise Fatal("names", f"the newest numbers of {station} cannot be read", fix=REBUILD) from error
        if is_ahead:
            raise Fatal("names", f"{station} took numbers with scans that the log does not hold", fix=REBUILD)
    newest = ask(session, "SELECT place FROM scan ORDER BY place DESC LIMIT ?", (CHUNK,))
    firsts = {max(0, last + 1 - CHUNK), *[index_of(place) for (place,) in newest[-1:]]}
    lost = next((each for first in firsts for each in _unfound(session, first, last)), None)
    if lost is not None:
        raise Fatal("names", f"the log holds {name_place(lost.place)}, and {lost.why}", fix=REBUILD)


def _unfound(session: Session, first: int, last: int) -> Iterator[Damaged]:
    """What is not found of the entries from first to last, and of their scans."""
    entries = ask(session, "SELECT idx, digest FROM entry WHERE idx >= ? AND idx <= ?", (first, last))
    question = "SELECT place, station, seq, digest FROM scan WHERE place >= ? AND place < ?"
    scans = ask(session, question, (place_of(first), place_of(last + 1)))
    named = {place_of(index): digest for index, digest in entries}
    named |= {place: digest for place, _, _, digest in scans if position_of(place) is not None}
    known = set(runs.found(session, DigestRow, ("place", "digest"), named.values()))
    why = {place: NO_DIGEST for place, digest in named.items() if (place, digest) not in known}
    numbers = [(station, seq, place) for place, station, seq, _ in scans]
    why |= {number[2]: NO_NUMBER for number in set(numbers) - _taken(session, numbers)}
    waiting = "SELECT station, seq, place FROM unopened WHERE place >= ? AND place < ?"
    unread = set(_unread(session, first, last)) - set(ask(session, waiting, (place_of(first), place_of(last + 1))))
    why |= {number[2]: NO_NUMBER for number in unread}
    yield from [Damaged(place=place, why=why[place]) for place in sorted(why)]


def _unread(session: Session, first: int, last: int) -> Iterator[tuple[str, int, int]]:
    """The numbers that scans without an opening took, which nobody can read, of the entries from first to last."""
    kinds = [MEDIA_TYPE.to_row(kind) for kind in (*SCANS, BATCH)]
    question = "SELECT idx FROM entry WHERE idx >= ? AND idx <= ? AND content_type IN (?, ?, ?)"
    indexes = {index for (index,) in ask(session, question, (first, last, *kinds))}
    question = "SELECT place FROM opening WHERE place >= ? AND place < ?"
    read = {place for (place,) in ask(session, question, (place_of(first), place_of(last + 1)))}
    for entry in read_entries(session, sorted(index for index in indexes if place_of(index) not in read)):
        with suppress(Rejected):  # whoever replays the log is told of what cannot be read
            if isinstance(entry, Damaged):
                continue
            if entry.content_type == BATCH:
                batch = read_batch(entry.raw)
                places = ((batch.first + at, place_of(entry.idx, at)) for at in range(batch.count))
                yield from ((batch.station, seq, place) for seq, place in places if place not in read)
            else:
                scan = read_scan_statement(entry.raw)
                yield scan.station, scan.seq, place_of(entry.idx)


def _taken(session: Session, numbers: Iterable[tuple[Any, Any, int]]) -> set[tuple[str, int, int]]:
    """Which places took these numbers; a row may hold anything, and then it is not found."""
    own = defaultdict[str, set[int]](set)
    for station, seq, _ in numbers:
        if isinstance(station, str) and isinstance(seq, int):
            own[station].add(seq)
    found, newest = set[tuple[str, int, int]](), number_book.newest(session, own)
    for station, seqs in own.items():
        for first, last in number_book.stretches(sorted(seqs), apart=SPAN):
            with suppress(struct.error, TypeError):
                taken = number_book.taken_between(session, station, first, last, newest.get(station))
                found |= {(station, seq, place) for seq, place in taken}
    return found
