"""Putting one parcel's scans in order, and saying where the record of them is thin.

**What is certain.** A station signs its statements one after another (`seq`, `prev`), and a statement that contains
another's digest (`wl:prevScan`, `wl:upstreamStatement`) was made after it. Scans are sorted so that all of this holds.

**What is estimated.** Between scans that nothing ties, the station's time decides, but never later than the receipt.
Neither clock is thrown away or corrected: every entry keeps `at_ms` (the station's word) and `received_ms` (ours).

Findings: late arrivals (the station was offline, or its clock is behind), clocks ahead of the receipt, clocks that
step back or contradict a certain order, two statements under one number, numbers missing near this parcel's scans, and
scans of this parcel that a later scan names but nobody has.
"""

import heapq
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from custody.gs1.event import Event
from custody.kernel.clock import HOUR_MS, MINUTE_MS, SECOND_MS, Instant, say_ms
from custody.trail.belongings import Via
from custody.trail.corrections import Corrections
from custody.trail.finding import Finding, FindingKind
from custody.trail.marks import Marks, read_marks
from custody.trail.sealed import SealedScan, StationFacts

EntryStanding = Literal["standing", "bound", "declared_wrong", "declaration", "repeat", "quarantined"]

CLOCK_SLACK_MS = 30 * SECOND_MS
LATE_MS = 15 * MINUTE_MS
NEAR_MS = HOUR_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One scan in the trail: how it belongs here and whether its assertions count.

    One that is `bound` was declared wrong, and still shows that the parcel was there (`bound.py`).
    """

    sealed: SealedScan
    marks: Marks
    via: Via
    standing: EntryStanding

    @property
    def index(self) -> int:
        """The log index."""
        return self.sealed.index

    @property
    def place(self) -> int:
        """Its one number in the log, also in a batch."""
        return self.sealed.place

    @property
    def where(self) -> str:
        """How a sentence names it; no other scan is named so."""
        return self.sealed.where

    @property
    def at_ms(self) -> Instant:
        """The station's time."""
        return self.sealed.at_ms

    @property
    def received_ms(self) -> Instant:
        """The service's time."""
        return self.sealed.received_ms

    @property
    def digest(self) -> bytes:
        """The statement's name."""
        return self.sealed.digest

    @property
    def event(self) -> Event:
        """What was signed."""
        return self.sealed.event

    @property
    def station(self) -> StationFacts:
        """Who signed, from the register."""
        return self.sealed.station

    @property
    def counts(self) -> bool:
        """Whether its assertions count towards the current state."""
        return self.standing == "standing"

    @property
    def present(self) -> bool:
        """Whether it counts for where the parcel was."""
        return self.standing in {"standing", "bound"}

    @property
    def late_ms(self) -> int:
        """How long after it was made it was received, if that is long; else 0. A declaration repeats an old time."""
        made_ms = self.sealed.scan.iat_s * SECOND_MS if self.event.error_declaration else self.at_ms
        late = self.received_ms - made_ms
        return late if late > LATE_MS else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceGap:
    """Statements of one station that nobody has: first to last number, between two that are there."""

    station: str
    first: int
    last: int
    after_ms: Instant
    before_ms: Instant


def sequence_gaps(station: str, held: Iterable[tuple[int, Instant]]) -> tuple[SequenceGap, ...]:
    """The gaps between the (number, station time) pairs that are held of one station."""
    rows = sorted(dict(held).items())
    return tuple(
        SequenceGap(station=station, first=seq + 1, last=later - 1, after_ms=at_ms, before_ms=later_ms)
        for (seq, at_ms), (later, later_ms) in pairwise(rows)
        if later > seq + 1
    )


def make_entries(
    ways: Iterable[tuple[SealedScan, Via]],
    corrections: Corrections,
    checks: Mapping[bytes, bool | None],
    bound: Collection[bytes] = (),
) -> tuple[Entry, ...]:
    """Entries in trail order from scans and how each belongs to the parcel; a refuted recipient check is dropped.

    Of scans that are `bound` nothing counts but that the parcel was there.
    """
    entries = []
    for sealed, via in ways:
        marks = read_marks(sealed.event)
        if checks.get(sealed.digest) is False:
            marks = replace(marks, check=None)
        standing = _standing(sealed, corrections)
        if sealed.digest in bound:
            marks, standing = replace(marks, check=None, photo=None), "bound"
        entries.append(Entry(sealed=sealed, marks=marks, via=via, standing=standing))
    return arrange(entries)


def arrange(entries: Collection[Entry]) -> tuple[Entry, ...]:
    """The entries in an order in which everything certain holds; estimates decide the rest."""
    by_digest = {entry.digest: entry for entry in sorted(entries, key=_rank)}
    place = {digest: at for at, digest in enumerate(by_digest)}
    befores = _befores(by_digest)
    ranked = list(by_digest.values())
    return tuple(ranked[at] for at in settle([{place[name] for name in befores[digest]} for digest in by_digest]))


def settle(befores: Sequence[Collection[int]]) -> list[int]:
    """The places of things in an order in which each comes after those that were certainly before it.

    They stand by their estimates, which decide the rest. Certain facts cannot contradict each other unless somebody
    signs a digest that does not exist yet; should they, the earliest estimate goes first.
    """
    waiting = [set(before) for before in befores]
    after: list[list[int]] = [[] for _ in befores]
    for at, before in enumerate(befores):
        for earlier in before:
            after[earlier].append(at)
    ready = [at for at, before in enumerate(befores) if not before]
    done: dict[int, None] = {}
    while len(done) < len(befores):
        if not ready:
            heapq.heappush(ready, next(at for at in range(len(befores)) if at not in done))
        at = heapq.heappop(ready)
        if at in done:
            continue
        done[at] = None
        for later in after[at]:
            waiting[later].discard(at)
            if not waiting[later]:
                heapq.heappush(ready, later)
    return list(done)


def order_findings(
    entries: tuple[Entry, ...], gaps: Iterable[SequenceGap], in_log: Collection[bytes]
) -> tuple[Finding, ...]:
    """What the two clocks, the station sequences and the parcel's own chain say."""
    return (
        *_scan_findings(entries),
        *_certain_findings(entries),
        *_sequence_findings(entries),
        *_gap_findings(entries, gaps),
        *_chain_findings(entries, in_log),
    )


def missing_digests(entries: tuple[Entry, ...]) -> tuple[bytes, ...]:
    """The statements that standing scans name as the parcel's scan before and that are not here."""
    known = {entry.digest for entry in entries}
    named = {entry.marks.prev_scan for entry in entries if entry.counts and entry.marks.prev_scan is not None}
    return tuple(sorted(named - known))


def _standing(sealed: SealedScan, corrections: Corrections) -> EntryStanding:
    if sealed.quarantined:
        return "quarantined"
    if sealed.digest in corrections.voided:
        return "declared_wrong"
    if sealed.digest in corrections.declarations:
        return "declaration"
    return "repeat" if sealed.digest in corrections.repeats else "standing"


def _rank(entry: Entry) -> tuple[Instant, Instant, str, int, bytes]:
    sealed = entry.sealed
    return sealed.no_later_ms, sealed.received_ms, sealed.station.station, sealed.scan.seq, sealed.digest


def _befores(by_digest: Mapping[bytes, Entry]) -> dict[bytes, set[bytes]]:
    """For each entry the entries that were certainly made before it."""
    befores: dict[bytes, set[bytes]] = {}
    for digest, entry in by_digest.items():
        own = (entry.marks.prev_scan, entry.marks.upstream, entry.sealed.scan.prev)
        named = () if entry.sealed.forged else own
        befores[digest] = {name for name in named if name is not None and name in by_digest and name != digest}
    for sequence in _by_station(by_digest.values()).values():
        for earlier, later in pairwise(sequence):
            if earlier.sealed.scan.seq < later.sealed.scan.seq:
                befores[later.digest].add(earlier.digest)
    return befores


def _by_station(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    """Each station's entries by its own numbers; without those whose key is not the station's, which prove nothing."""
    stations: dict[str, list[Entry]] = {}
    for entry in sorted(entries, key=lambda entry: (entry.sealed.scan.seq, entry.digest)):
        if not entry.sealed.forged:
            stations.setdefault(entry.sealed.scan.station, []).append(entry)
    return stations


def _scan_findings(entries: tuple[Entry, ...]) -> Iterable[Finding]:
    """What one scan shows by itself."""
    for entry in entries:
        if entry.standing == "quarantined":
            reasons = ", ".join(flag.replace("_", " ") for flag in entry.sealed.flags) or "no reason recorded"
            sentence = f"Index {entry.where} is set apart ({reasons}): it is evidence and moves nothing."
            yield Finding(kind=FindingKind.QUARANTINED, sentence=sentence, indices=(entry.index,))
            continue
        ahead_ms = entry.at_ms - entry.received_ms
        if ahead_ms > CLOCK_SLACK_MS:
            sentence = f"The clock of the station of index {entry.where} is at least {say_ms(ahead_ms)} ahead."
            yield Finding(kind=FindingKind.CLOCK_AHEAD, sentence=sentence, indices=(entry.index,))
        if entry.late_ms:
            sentence = (
                f"Index {entry.where} was received {say_ms(entry.late_ms)} after its station's time: it was offline, "
                "or its clock is behind."
            )
            yield Finding(kind=FindingKind.LATE_ARRIVAL, sentence=sentence, indices=(entry.index,))
        if entry.marks.entry_mode == "keyed":
            sentence = f"Index {entry.where} was keyed in by hand, not scanned."
            yield Finding(kind=FindingKind.KEYED_ENTRY, sentence=sentence, indices=(entry.index,))
        if "key_suspect" in entry.sealed.flags:
            sentence = f"Index {entry.where} was signed with a key that was reported as suspect."
            yield Finding(kind=FindingKind.KEY_SUSPECT, sentence=sentence, indices=(entry.index,))
        if entry.marks.unreadable:
            sentence = f"Index {entry.where} carries {', '.join(entry.marks.unreadable)}, which cannot be read."
            yield Finding(kind=FindingKind.UNREADABLE_TERM, sentence=sentence, indices=(entry.index,))


def _certain_findings(entries: tuple[Entry, ...]) -> Iterable[Finding]:
    """Clocks that contradict a certain order; a cycle of certain facts."""
    by_digest = {entry.digest: entry for entry in entries}
    place = {entry.digest: at for at, entry in enumerate(entries)}
    for digest, befores in _befores(by_digest).items():
        later = by_digest[digest]
        for earlier in (by_digest[before] for before in befores):
            about = (earlier.index, later.index)
            if place[earlier.digest] > place[later.digest]:
                sentence = f"Index {later.where} and index {earlier.where} each claim to follow the other."
                yield Finding(kind=FindingKind.ORDER_CYCLE, sentence=sentence, indices=about)
                continue
            back_ms = earlier.at_ms - later.at_ms
            if back_ms <= CLOCK_SLACK_MS or later.event.error_declaration or earlier.sealed.forged:
                continue
            if earlier.station.station == later.station.station:
                sentence = (
                    f"The station's clock steps back {say_ms(back_ms)} from index {about[0]} to index {about[1]}."
                )
                yield Finding(kind=FindingKind.CLOCK_STEPPED_BACK, sentence=sentence, indices=about)
            else:
                sentence = (
                    f"Index {later.where} certainly follows index {earlier.where}, yet its station's clock says "
                    f"{say_ms(back_ms)} earlier: one of the two clocks is wrong."
                )
                yield Finding(kind=FindingKind.CLOCKS_DISAGREE, sentence=sentence, indices=about)


def _sequence_findings(entries: tuple[Entry, ...]) -> Iterable[Finding]:
    for station, sequence in _by_station(entries).items():
        for earlier, later in pairwise(sequence):
            about = (earlier.index, later.index)
            first, second = earlier.sealed.scan, later.sealed.scan
            if first.seq == second.seq:
                sentence = f"Station {station} signed two different statements with number {first.seq}; both are kept."
                yield Finding(kind=FindingKind.SEQUENCE_FORK, sentence=sentence, indices=about)
            elif first.seq + 1 == second.seq and second.prev != first.link:
                sentence = f"Statement {second.seq} of station {station} does not follow its statement {first.seq}."
                yield Finding(kind=FindingKind.SEQUENCE_BROKEN, sentence=sentence, indices=about)


def _gap_findings(entries: tuple[Entry, ...], gaps: Iterable[SequenceGap]) -> Iterable[Finding]:
    for gap in gaps:
        near = tuple(
            entry.index
            for entry in entries
            if entry.sealed.scan.station == gap.station
            and gap.after_ms - NEAR_MS <= entry.at_ms <= gap.before_ms + NEAR_MS
        )
        if near:
            count = gap.last - gap.first + 1
            sentence = (
                f"{count} statement{'s' if count > 1 else ''} of station {gap.station} near this parcel's scans "
                f"{'are' if count > 1 else 'is'} missing: number {gap.first} to {gap.last}."
            )
            yield Finding(kind=FindingKind.SEQUENCE_GAP, sentence=sentence, indices=near)


def _chain_findings(entries: tuple[Entry, ...], in_log: Collection[bytes]) -> Iterable[Finding]:
    known = {entry.digest for entry in entries}
    followers: dict[bytes, Entry] = {}
    before: Entry | None = None
    for entry in entries:
        earlier, named = before, entry.marks.prev_scan
        before = entry if entry.counts else before
        if named is None or entry.standing in {"declaration", "repeat", "quarantined"}:
            continue
        if named not in known:
            where = f"before index {entry.where}"
            where = where if earlier is None else f"between index {earlier.where} and {entry.index}"
            about = (entry.index,) if earlier is None else (earlier.index, entry.index)
            if named in in_log:
                kind, sentence = FindingKind.CHAIN_CLOSED, f"A scan {where} is in the log but can no longer be read."
            else:
                kind = FindingKind.CHAIN_GAP
                sentence = f"A scan of this parcel is missing {where}: index {entry.where} names one that is not here."
            yield Finding(kind=kind, sentence=sentence, indices=about)
        elif named in followers:
            other = followers[named]
            sentence = (
                f"Index {other.where} and index {entry.where} both follow the same scan of this parcel: "
                "one station did not know of the other."
            )
            yield Finding(kind=FindingKind.CHAIN_FORK, sentence=sentence, indices=(other.index, entry.index))
        followers.setdefault(named, entry)
