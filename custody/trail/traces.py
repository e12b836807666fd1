"""Weight, seal and photo traces: what the checks along the way show, and what they do not show.

**Weight.** Only weighings of this parcel alone count: not a cage's, not several parcels on one scale, not after it was
unpacked. A reading is compared with the declared mass, or else with the first reading; without either it is `unknown`.
Of several masses that were declared the one that reached the log first is taken: a station's time is only its word.
One reading out of the band between readings inside it is the scale's fault more often than the parcel's, so it is a
note; out and never back in is serious. "Weight shows nothing" is an answer: a decoy can have the right weight.

**Seal.** What is said of this parcel's own seal counts, not of a cage's, a van's or several parcels' at once, nor of a
tracker that is put on it: a seal is what the event calls one, or what was put on as one.
Each sighting is one of: applied, same, differs, broken, missing, removed, intact (no number was read), seen (a number
with nothing to compare it with), not_read (the parcel changed hands and nobody read it). Not read is not missing.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from custody.gs1.event import Event
from custody.gs1.keys import ROOT
from custody.gs1.sensors import MassReading
from custody.kernel.clock import Instant
from custody.scans.advance import parcels_of, weighs_one
from custody.scans.tolerances import Tolerances
from custody.trail.arrange import Entry
from custody.trail.belongings import Belongings
from custody.trail.edition import NEWEST, ReadingEdition
from custody.trail.finding import Finding, FindingKind
from custody.trail.marks import says_seal
from custody.trail.names import is_parcel, named, short
from custody.trail.route import name_station
from custody.trail.sights import Sight, SightTrace, trace_sights

Band = Literal["in", "out", "unknown"]
MassBasis = Literal["declared", "first reading"]
SealState = Literal["applied", "same", "differs", "broken", "missing", "removed", "intact", "seen", "not_read"]

GOOD_SEALS: frozenset[SealState] = frozenset({"applied", "same", "intact"})
BAD_SEALS: frozenset[SealState] = frozenset({"differs", "broken", "missing"})
_SEAL_FINDINGS: Mapping[SealState, FindingKind] = {
    "differs": FindingKind.SEAL_DIFFERS,
    "broken": FindingKind.SEAL_BROKEN,
    "missing": FindingKind.SEAL_MISSING,
}
_OPENED = "unpacking"
_REMOVES = "removing"
_CARRIERS = ROOT + "8003/"


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightReading:
    """One weighing with what was expected; the last five are None where there is nothing to compare with."""

    index: int
    where: str
    at_ms: Instant
    received_ms: Instant
    mass_g: float
    scale: str
    place: str
    band: Band
    expected_g: float | None
    basis: MassBasis | None
    limit_g: float | None
    change_g: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightTrace:
    """All weighings in trail order. `good` and `bad` are the indices around a lasting change; `between` names both."""

    declared_g: int | None
    item_g: int | None
    readings: tuple[WeightReading, ...]
    good: int | None
    bad: int | None
    between: tuple[str | None, str | None]
    sentence: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SealSight(Sight):
    """One sighting of the seal, or of its not being read."""

    state: SealState
    number: str | None


SealTrace = SightTrace[SealSight]


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """A photo, by the digest of its file."""

    index: int
    at_ms: Instant
    received_ms: Instant
    place: str
    digest: str


def read_weights(entries: Iterable[Entry], parcel: str | None, tolerances: Tolerances) -> WeightTrace:
    """The weight trace."""
    counted = [entry for entry in entries if entry.counts]
    said = sorted(counted, key=lambda entry: entry.place)
    declared = [entry for entry in said if entry.marks.declared_g is not None and entry.via == "parcel"]
    masses = [entry.marks.declared_g for entry in declared]
    items = [entry.marks.item_g for entry in said if entry.marks.item_g is not None and entry.via != "carrier"]
    declared_g = masses[0] if masses else None
    readings: list[WeightReading] = []
    for entry in counted:
        if weighs_alone(entry.event, parcel):
            for reading in entry.event.readings:
                readings.append(_reading(entry, reading, readings, declared_g, tolerances))
    last_in = max((at for at, reading in enumerate(readings) if reading.band == "in"), default=-1)
    lasting = [reading for reading in readings[last_in + 1 :] if reading.band == "out"]
    findings = [_lasting_finding(reading) for reading in lasting]
    findings += [_passing_finding(reading) for reading in readings[: last_in + 1] if reading.band == "out"]
    if len(set(masses)) > 1:
        sentence = "Different masses were declared; the one that came first is used."
        about = tuple(entry.index for entry in declared)
        findings.append(Finding(kind=FindingKind.WEIGHT_UNCLEAR, sentence=sentence, indices=about))
    good = _basis(readings, last_in) if lasting else None
    bad = lasting[0] if lasting else None
    return WeightTrace(
        declared_g=declared_g,
        item_g=items[0] if items else None,
        readings=tuple(readings),
        good=None if good is None else good.index,
        bad=None if bad is None else bad.index,
        between=(None if good is None else good.where, None if bad is None else bad.where),
        sentence=_weight_sentence(readings, lasting),
        findings=tuple(findings),
    )


def weighs_alone(event: Event, parcel: str | None) -> bool:
    """Whether what the event weighed is this parcel and nothing else, and still closed."""
    return weighs_one(event) and parcels_of(event) == (parcel,)


def shows_seal(event: Event, parcel: str | None) -> bool:
    """Whether what the event says of a seal is of this parcel's: it names no carrier of parcels and no other parcel."""
    things = named(event)
    others = any(is_parcel(key) and key != parcel for key in things)
    return event.parent in {None, parcel} and not others and not any(key.startswith(_CARRIERS) for key in things)


def _reading(
    entry: Entry, raw: MassReading, earlier: list[WeightReading], declared_g: int | None, tolerances: Tolerances
) -> WeightReading:
    previous = next((reading for reading in reversed(earlier) if reading.where != entry.where), None)
    reading = WeightReading(
        index=entry.index,
        where=entry.where,
        at_ms=raw.at_ms,
        received_ms=entry.received_ms,
        mass_g=raw.mass_g,
        scale=short(raw.device) if raw.device else entry.station.station,
        place=entry.station.place,
        band="unknown",
        expected_g=None,
        basis=None,
        limit_g=None,
        change_g=None if previous is None else round(raw.mass_g - previous.mass_g, 6),
    )
    if declared_g is not None:
        return _compare(reading, declared_g, "declared", tolerances.from_declared_g)
    if earlier:
        return _compare(reading, earlier[0].mass_g, "first reading", tolerances.from_previous_g)
    return reading


def _compare(reading: WeightReading, expected_g: float, basis: MassBasis, limit_g: float) -> WeightReading:
    band: Band = "in" if abs(reading.mass_g - expected_g) <= limit_g else "out"
    return replace(reading, band=band, expected_g=expected_g, basis=basis, limit_g=limit_g)


def _basis(readings: list[WeightReading], last_in: int) -> WeightReading | None:
    """The last reading that agreed; the first reading if it is what the others were compared with."""
    if last_in >= 0:
        return readings[last_in]
    return readings[0] if readings[0].band == "unknown" else None


def _lasting_finding(reading: WeightReading) -> Finding:
    return Finding(kind=FindingKind.WEIGHT_OUT, sentence=f"{_said(reading)}.", indices=(reading.index,))


def _passing_finding(reading: WeightReading) -> Finding:
    sentence = f"{_said(reading)}, but a later weighing was right again: rather the scale than the parcel."
    return Finding(kind=FindingKind.WEIGHT_UNCLEAR, sentence=sentence, indices=(reading.index,))


def _said(reading: WeightReading) -> str:
    return f"{reading.mass_g:g} g at index {reading.where} where {reading.expected_g or 0:g} g was expected"


def _weight_sentence(readings: list[WeightReading], lasting: list[WeightReading]) -> str:
    if not readings:
        return "The parcel was never weighed: weight says neither yes nor no."
    if lasting:
        change = lasting[0].mass_g - (lasting[0].expected_g or 0)
        return f"Weight is out by {change:+.0f} g from index {lasting[0].where} on."
    if all(reading.band == "unknown" for reading in readings):
        return "Weighed once with nothing to compare it with: weight says neither yes nor no."
    return f"Weight shows nothing: {len(readings)} weighing{'s' if len(readings) > 1 else ''}, no lasting change."


def read_seals(
    entries: Iterable[Entry], checkpoints: Collection[bytes], belongings: Belongings, edition: ReadingEdition = NEWEST
) -> SealTrace:
    """The seal trace; `checkpoints` are the digests of the scans at which the parcel changed hands.

    By the first edition a seal on what the parcel lay in was taken for its own, by the first two all that was put on it
    for a seal, and by the first three a seal that was done away with for one that was read.
    """
    eye = _SealEye(belongings.seals if edition >= ReadingEdition.THIRD else None, ends=edition >= ReadingEdition.FOURTH)
    for entry in entries:
        if entry.counts and entry.via in {"parcel", "seal", "carrier"}:
            shown = edition is ReadingEdition.FIRST or (
                entry.via != "carrier" and shows_seal(entry.event, belongings.parcel)
            )
            eye.look(entry, checkpoint=entry.digest in checkpoints, shown=shown)
    return eye.trace()


class _SealEye:
    """Follows the seal from scan to scan."""

    def __init__(self, seals: Collection[str] | None, *, ends: bool) -> None:
        """`seals` are the things that were put on as seals; None if all that is put on is a seal.

        `ends`: an event that does away with the seal itself takes it off.
        """
        self._seals = seals
        self._ends = ends
        self._names: frozenset[str] | None = None
        self._trusted = True
        self._sights: list[SealSight] = []
        self._findings: list[Finding] = []

    def look(self, entry: Entry, *, checkpoint: bool, shown: bool) -> None:
        """What this scan says of the seal; nothing unless `shown`, and then it was not read."""
        was_on = self._names is not None
        state = self._read(entry) if shown else None
        number = (entry.marks.seal_found or entry.marks.seal_number) if shown else None
        if state is None and checkpoint and was_on:
            state = "not_read"
        if state is not None:
            self._note(entry, state, number)

    def _read(self, entry: Entry) -> SealState | None:
        """What a scan says of the seal; None if it says nothing."""
        marks, event, names = entry.marks, entry.event, _seal_names(entry, self._seals)
        if event.type == "AssociationEvent" and event.action == "ADD" and names:
            return self._apply(entry, names)
        if event.biz_step == _OPENED or self._takes_off(event, names) or (self._ends and _does_away(entry)):
            was, self._names = self._names, None
            return None if was is None else "removed"
        if marks.seal_state == "broken" or (event.disposition == "container_open" and marks.seal_state is None):
            return "broken"
        if marks.seal_state == "missing":
            return "missing"
        if names:
            return self._compare(names)
        return "intact" if marks.seal_state == "intact" else None

    def trace(self) -> SealTrace:
        """Everything seen."""
        return trace_sights(
            self._sights,
            is_good=lambda sight: sight.state in GOOD_SEALS,
            is_bad=lambda sight: sight.state in BAD_SEALS,
            sentence=_seal_sentence(self._sights),
            findings=self._findings,
        )

    def _takes_off(self, event: Event, names: frozenset[str]) -> bool:
        """Whether the seal comes off; who names nothing takes all off."""
        everything = self._seals is not None and not event.children and not event.quantities
        return event.type == "AssociationEvent" and event.action == "DELETE" and (everything or bool(names))

    def _compare(self, names: frozenset[str]) -> SealState:
        """Numbers are compared with numbers and keys with keys; one of each cannot be compared."""
        held = self._names or frozenset()
        if names & held:
            return "same"
        kinds = {_is_key(name) for name in names} & {_is_key(name) for name in held}
        return "differs" if kinds else "seen"

    def _apply(self, entry: Entry, names: frozenset[str]) -> SealState:
        """A seal is put on; over a seal that nobody found broken it is a second one."""
        if self._names is not None and self._compare(names) != "same":
            kind = FindingKind.SEAL_DIFFERS if self._trusted else FindingKind.SEAL_REPLACED
            was = "that nobody found broken" if self._trusted else "that was found broken, missing or different"
            sentence = f"Index {entry.where} puts on a new seal in place of one {was}."
            self._findings.append(Finding(kind=kind, sentence=sentence, indices=(entry.index,)))
            if self._trusted:
                return "differs"
        self._names, self._trusted = names, True
        return "applied"

    def _note(self, entry: Entry, state: SealState, number: str | None) -> None:
        if state in BAD_SEALS:
            self._trusted = False
            word = "another number than was applied" if state == "differs" else state
            sentence = f"Index {entry.where} found the seal {'with ' if state == 'differs' else ''}{word}."
            self._findings.append(Finding(kind=_SEAL_FINDINGS[state], sentence=sentence, indices=(entry.index,)))
        self._sights.append(
            SealSight(
                index=entry.index,
                where=entry.where,
                at_ms=entry.at_ms,
                received_ms=entry.received_ms,
                place=entry.station.place,
                name=name_station(entry.station),
                state=state,
                number=number,
            )
        )


def _does_away(entry: Entry) -> bool:
    """Whether an event about the seal alone says that it is there no more, or came off."""
    event = entry.event
    ended = event.action == "DELETE" or event.biz_step == _REMOVES
    return entry.via == "seal" and event.type == "ObjectEvent" and ended


def _is_key(name: str) -> bool:
    return name.startswith(ROOT)


def _seal_names(entry: Entry, seals: Collection[str] | None) -> frozenset[str]:
    """Every name a scan gives the seal: number read and GIAI; a number that was found is the only one that counts."""
    marks, event = entry.marks, entry.event
    if marks.seal_found is not None:
        return frozenset({marks.seal_found.upper()})
    keys = event.children if event.type == "AssociationEvent" else event.epcs if entry.via == "seal" else ()
    if event.type == "AssociationEvent" and seals is not None and not says_seal(event):
        keys = tuple(key for key in keys if key in seals)
    number = () if marks.seal_number is None else (marks.seal_number.upper(),)
    return frozenset({*keys, *number})


def _seal_sentence(sights: list[SealSight]) -> str:
    bad = next((sight for sight in sights if sight.state in BAD_SEALS), None)
    if bad is not None:
        word = {"differs": "another seal", "broken": "a broken seal", "missing": "no seal"}.get(bad.state, bad.state)
        return f"Index {bad.where} at {bad.name} found {word}."
    read = sum(sight.state in {"same", "intact"} for sight in sights)
    skipped = sum(sight.state == "not_read" for sight in sights)
    if not any(sight.state == "applied" for sight in sights):
        return "No seal was recorded: seals say neither yes nor no."
    return f"The seal was read unchanged {_times(read)}; {_times(skipped)} the parcel changed hands unread."


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")


def read_photos(entries: Iterable[Entry]) -> tuple[Photo, ...]:
    """All photos of the parcel in trail order."""
    return tuple(
        Photo(
            index=entry.index,
            at_ms=entry.at_ms,
            received_ms=entry.received_ms,
            place=entry.station.place,
            digest=entry.marks.photo,
        )
        for entry in entries
        if entry.counts and entry.marks.photo is not None and entry.via != "carrier"
    )
