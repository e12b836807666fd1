"""Error declarations, repeats and reused event ids (EPCIS 2.0 sections 7.4.1.2 and 7.4.1.3).

A declaration repeats an earlier event exactly and adds errorDeclaration; only that and recordTime may differ (the
@context too, here, because a station may write it its own way). It means that every assertion of the earlier event is
wrong. Nothing is removed: the original and the declaration both stay in the trail, and only the current state is
computed without the original. That the parcel was there may still count (`bound.py`).

- Matched by event id, or by content if the event has none. It may arrive before its original, or alone.
- Who may declare: the station that signed the original. EPCIS leaves this open. A declaration by anyone else is shown
  and changes nothing, or one thief could unsay another station's weighing.
- A quarantined declaration changes nothing.
- One event id twice without a declaration: from the same station with the same content a repeat, which is shown and
  counts once; otherwise both stand and a finding says so.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field

from custody.gs1.event import Event
from custody.trail.edition import NEWEST, ReadingEdition
from custody.trail.finding import Finding, FindingKind
from custody.trail.sealed import SealedScan

_MAY_DIFFER = frozenset({"errorDeclaration", "recordTime", "@context"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """One declaration that took effect: the original's digest, and the indices of all that it is about."""

    original: bytes
    original_index: int
    declaration_index: int
    declared_ms: int
    reason: str | None
    corrective_indices: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrections:
    """What declarations and repeats do to a set of scans, by their digests; `about` are those of each finding.

    `voided` are the scans that were declared wrong, each with the first declaration that does.
    """

    voided: Mapping[bytes, SealedScan] = field(default_factory=dict)
    declarations: frozenset[bytes] = frozenset()
    repeats: frozenset[bytes] = frozenset()
    effective: tuple[Correction, ...] = ()
    findings: tuple[Finding, ...] = ()
    about: tuple[frozenset[bytes], ...] = ()

    def standing(self, sealed: SealedScan) -> bool:
        """Whether the scan's assertions count: not quarantined, not declared wrong, no declaration, no repeat."""
        beside = sealed.digest in self.voided or sealed.digest in self.declarations or sealed.digest in self.repeats
        return not (sealed.quarantined or beside)


def once(scans: Iterable[SealedScan]) -> tuple[SealedScan, ...]:
    """Each statement once, at its first log index, in log order."""
    first: dict[bytes, SealedScan] = {}
    for sealed in scans:
        held = first.get(sealed.digest)
        if held is None or (sealed.place, sealed.received_ms) < (held.place, held.received_ms):
            first[sealed.digest] = sealed
    return tuple(sorted(first.values(), key=lambda sealed: (sealed.place, sealed.digest)))


def read_corrections(scans: Iterable[SealedScan], *, edition: ReadingEdition = NEWEST) -> Corrections:
    """The effect of all declarations among `scans`."""
    counted = [sealed for sealed in once(scans) if not sealed.quarantined]
    work = _Work(scans=counted, edition=edition)
    for originals, declarations in _pairs(counted):
        work.repeats_of(originals)
        for declaration in declarations:
            work.declare(declaration, originals)
    return work.result()


def _pairs(scans: list[SealedScan]) -> Iterable[tuple[list[SealedScan], list[SealedScan]]]:
    """Originals and declarations that belong together: same event id, or same content where there is none."""
    groups: dict[Hashable, tuple[list[SealedScan], list[SealedScan]]] = defaultdict(lambda: ([], []))
    for sealed in scans:
        event = sealed.event
        key = event.event_id or (event.event_time_ms, _content(event))
        groups[key][0 if event.error_declaration is None else 1].append(sealed)
    return groups.values()


def _content(event: Event) -> bytes:
    """The digest of an event without what a declaration may change."""
    data = json.loads(event.raw)
    kept = {name: value for name, value in data.items() if name not in _MAY_DIFFER}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).digest()


@dataclass(slots=True, kw_only=True)
class _Work:
    """Collects the effects while the groups are read."""

    scans: list[SealedScan]
    edition: ReadingEdition
    voided: dict[bytes, SealedScan] = field(default_factory=dict)
    declarations: set[bytes] = field(default_factory=set)
    repeats: set[bytes] = field(default_factory=set)
    effective: list[Correction] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    about: list[frozenset[bytes]] = field(default_factory=list)
    contents: dict[bytes, bytes] = field(default_factory=dict)
    by_event_id: dict[str, list[tuple[int, int]]] = field(init=False)

    def __post_init__(self) -> None:
        self.by_event_id = defaultdict(list)
        for at, sealed in enumerate(self.scans):
            if sealed.event.event_id is not None:
                self.by_event_id[sealed.event.event_id].append((at, sealed.index))

    def repeats_of(self, originals: list[SealedScan]) -> None:
        """Sort out one event id, or one content, that stands in several statements.

        By the first three editions a statement was compared with the first of them alone.
        """
        if len(originals) < 2:
            return
        first, *rest = originals
        said = {self._says(first): first}
        for later in rest:
            what = self._says(later)
            repeated = said.get(what)
            if self.edition >= ReadingEdition.FOURTH:
                said.setdefault(what, later)
            if repeated is not None:
                self.repeats.add(later.digest)
                sentence = f"Index {later.where} repeats the event of index {repeated.where}."
                self._say(FindingKind.EVENT_REPEATED, sentence, repeated, later)
            elif later.event.event_id is not None:
                self._say(
                    FindingKind.EVENT_ID_REUSED,
                    f"Index {later.where} carries the event id of index {first.where} with other content or from "
                    "another station; both are kept and both count.",
                    first,
                    later,
                )

    def declare(self, declaration: SealedScan, originals: list[SealedScan]) -> None:
        """Apply one declaration, or say why it has no effect."""
        self.declarations.add(declaration.digest)
        if not originals:
            self._say(
                FindingKind.DECLARATION_ALONE,
                f"Index {declaration.where} declares an event wrong that is not here.",
                declaration,
            )
        for original in originals:
            if original.digest in self.repeats:
                continue
            if self._content(original) != self._content(declaration):
                self._say(
                    FindingKind.DECLARATION_DIFFERS,
                    f"Index {declaration.where} declares index {original.where} wrong but does not repeat it exactly; "
                    "the original still counts.",
                    original,
                    declaration,
                )
            elif declaration.station.station != original.station.station:
                until = "" if self.edition >= ReadingEdition.THIRD else " until an adjudicator confirms"
                self._say(
                    FindingKind.DECLARATION_UNAUTHORISED,
                    f"Index {declaration.where} declares index {original.where} wrong, but another station signed "
                    f"that; the original still counts{until}.",
                    original,
                    declaration,
                )
            else:
                self._take(declaration, original)

    def result(self) -> Corrections:
        """Everything collected, in a fixed order."""
        return Corrections(
            voided=self.voided,
            declarations=frozenset(self.declarations),
            repeats=frozenset(self.repeats),
            effective=tuple(sorted(self.effective, key=lambda c: (c.original_index, c.declaration_index))),
            findings=tuple(self.findings),
            about=tuple(self.about),
        )

    def _take(self, declaration: SealedScan, original: SealedScan) -> None:
        facts = declaration.event.error_declaration
        wanted = facts.corrective_ids if facts else ()
        found = sorted(place for name in set(wanted) for place in self.by_event_id.get(name, ()))
        self.voided.setdefault(original.digest, declaration)
        self._say(
            FindingKind.DECLARED_WRONG,
            f"Index {original.where} is declared wrong by index {declaration.where}; both are shown, only the "
            "rest counts.",
            original,
            declaration,
        )
        if any(name not in self.by_event_id for name in wanted):
            self._say(
                FindingKind.CORRECTION_MISSING,
                f"Index {declaration.where} names a corrective event that is not here.",
                declaration,
            )
        self.effective.append(
            Correction(
                original=original.digest,
                original_index=original.index,
                declaration_index=declaration.index,
                declared_ms=facts.declared_ms if facts else declaration.at_ms,
                reason=facts.reason if facts else None,
                corrective_indices=tuple(index for _, index in found),
            )
        )

    def _says(self, sealed: SealedScan) -> tuple[str, bytes]:
        """Which station says what."""
        return sealed.station.station, self._content(sealed)

    def _content(self, sealed: SealedScan) -> bytes:
        """What a scan says, read once."""
        held = self.contents.get(sealed.digest)
        if held is None:
            held = self.contents[sealed.digest] = _content(sealed.event)
        return held

    def _say(self, kind: FindingKind, sentence: str, *about: SealedScan) -> None:
        self.findings.append(Finding(kind=kind, sentence=sentence, indices=tuple(sealed.index for sealed in about)))
        self.about.append(frozenset(sealed.digest for sealed in about))
