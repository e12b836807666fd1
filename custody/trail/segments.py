"""Custody segments, handovers and gaps: who had the parcel, where, from when to when, and how it changed hands.

A segment is one run of scans by one custodian at one step, or a step that must have happened and that nobody scanned
(`seen` False). Both clocks are kept. A segment ends where the next one opens; its dwell is the time between the two
opening scans and is unknown (None) if either is missing or the clocks contradict each other. A courier who is first
heard of at the door has a segment without an opening scan.

Segments and handovers are the links that an investigation ranks. Their ids are made of custodian, site, step and a
count, so a scan that arrives late inside a segment does not rename it.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from custody.kernel.clock import Instant
from custody.trail.arrange import Entry
from custody.trail.attested import Checks
from custody.trail.edition import NEWEST, ReadingEdition
from custody.trail.finding import Finding, FindingKind
from custody.trail.gaps import Gap, unscanned_places
from custody.trail.handovers import HandoverProof, Signing, cancelled_releases, last_release, prove
from custody.trail.route import Route, in_house, name_place, name_station
from custody.trail.runs import Leg, Run, read_runs
from custody.trail.sealed import Step

_RECORDED = "A check of the recipient is recorded."


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One custodian's time with the parcel; indices and times are None where nobody scanned."""

    id: str
    name: str
    leg: Leg
    seen: bool
    custodian: str | None
    site: str | None
    step: Step
    place: str | None
    stations: tuple[str, ...] = ()
    handler: str | None = None
    handlers: tuple[str, ...] = ()
    indices: tuple[int, ...] = ()
    opening_index: int | None = None
    closing_index: int | None = None
    from_ms: Instant | None = None
    from_received_ms: Instant | None = None
    last_ms: Instant | None = None
    to_ms: Instant | None = None
    to_received_ms: Instant | None = None

    @property
    def dwell_ms(self) -> int | None:
        """Opening scan to the next opening scan by the stations' clocks; None if unknown."""
        return _span(self.from_ms, self.to_ms)

    @property
    def dwell_received_ms(self) -> int | None:
        """The same by receipt."""
        return _span(self.from_received_ms, self.to_received_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """How the parcel went from one segment to the next, to its recipient, or back."""

    id: str
    name: str
    kind: Literal["handover", "delivery", "taken_back", "returned", "released"]
    leg: Leg
    signing: Signing
    giver: str | None
    taker: str | None
    after_index: int | None
    before_index: int | None
    release_index: int | None
    acceptance_index: int | None
    at_ms: Instant | None
    received_ms: Instant | None
    late: bool
    names_release: bool | None
    digest_matches: bool | None
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """All of it in trail order; `runs` pairs the seen segments with their scans."""

    segments: tuple[Segment, ...]
    handovers: tuple[Handover, ...]
    gaps: tuple[Gap, ...]
    findings: tuple[Finding, ...]
    runs: tuple[tuple[str, Run], ...]
    cancelled: frozenset[bytes]


def read_chain(
    entries: tuple[Entry, ...], route: Route, edition: ReadingEdition = NEWEST, checks: Checks | None = None
) -> Chain:
    """The chain of custody that the entries show, as it is read and told by that edition."""
    return _Builder(entries, route, edition, checks or {}).build()


class _Builder:
    """Lays out segments and handovers run by run."""

    def __init__(self, entries: tuple[Entry, ...], route: Route, edition: ReadingEdition, checks: Checks) -> None:
        self._entries = entries
        self._checks = checks
        self._route = route
        self._edition = edition
        self._runs = read_runs(entries, edition)
        self._cancelled, cancelling = cancelled_releases(entries, edition)
        self._findings: list[Finding] = list(cancelling)
        self._counts: dict[str, int] = defaultdict(int)
        self._segments: list[Segment] = []
        self._handovers: list[Handover] = []
        self._gaps: list[Gap] = []
        by_id: dict[str, list[Entry]] = defaultdict(list)
        for entry in entries:
            if entry.event.event_id is not None and entry.standing != "quarantined":
                by_id[entry.event.event_id].append(entry)
        self._by_event_id: Mapping[str, tuple[Entry, ...]] = {name: tuple(found) for name, found in by_id.items()}

    def build(self) -> Chain:
        """Everything, in trail order."""
        seen: list[tuple[str, Run]] = []
        for at, run in enumerate(self._runs):
            segment = self._segment(run, self._runs[at + 1] if at + 1 < len(self._runs) else None)
            if at:
                self._join(self._runs[at - 1], self._segments[-1], run, segment)
            self._segments.append(segment)
            seen.append((segment.id, run))
            if run.delivery is not None:
                self._deliver(run, run.delivery, segment)
        self._release_open(seen)
        place_gaps, place_findings = unscanned_places(self._runs, self._cancelled)
        return Chain(
            segments=tuple(self._segments),
            handovers=tuple(self._handovers),
            gaps=(*self._gaps, *place_gaps),
            findings=(*self._findings, *place_findings),
            runs=tuple(seen),
            cancelled=self._cancelled,
        )

    def _segment(self, run: Run, following: Run | None) -> Segment:
        opening, closing = run.opening, run.entries[-1]
        end = run.delivery or (following.arrival if following else None)
        arrival = run.arrival
        handlers = tuple(dict.fromkeys(entry.marks.handler for entry in run.entries if entry.marks.handler))
        return Segment(
            id=self._id("seg", *run.key, run.leg),
            name=name_station(opening.station),
            leg=run.leg,
            seen=True,
            custodian=opening.station.custodian,
            site=opening.station.site,
            step=opening.station.step,
            place=opening.station.place,
            stations=tuple(dict.fromkeys(entry.station.station for entry in run.entries)),
            handler=opening.marks.handler or next(iter(handlers), None),
            handlers=handlers,
            indices=tuple(entry.index for entry in run.entries),
            opening_index=arrival.index if arrival else None,
            closing_index=closing.index,
            from_ms=arrival.at_ms if arrival else None,
            from_received_ms=arrival.received_ms if arrival else None,
            last_ms=closing.at_ms,
            to_ms=None if end is None else end.at_ms,
            to_received_ms=None if end is None else end.received_ms,
        )

    def _join(self, giver: Run, before: Segment, taker: Run, after: Segment) -> None:
        """The handover between two runs, with the steps in between that nobody scanned."""
        if taker.start in {"taken_back", "returned"}:
            self._from_recipient(giver, taker, after)
            return
        proof = prove(giver, taker, by_event_id=self._by_event_id, cancelled=self._cancelled)
        missing = () if proof.direct else self._missing(before, after)
        if not missing:
            self._findings += proof.findings
            if proof.signing == "gap":
                self._gap("handover", giver, taker, after.name, proof.sentence)
            self._hand(before, after, proof, giver, taker)
            return
        still_true = {FindingKind.HANDOVER_UNKNOWN_UPSTREAM, FindingKind.HANDOVER_WRONG_DIGEST}
        self._findings += [finding for finding in proof.findings if finding.kind in still_true]
        self._segments[-1] = replace(before, to_ms=None, to_received_ms=None)
        chain = [before, *self._unseen(before, after, missing), after]
        for segment in chain[1:-1]:
            sentence = f"No scan of the {segment.name.partition(' (')[0]} between index {giver.entries[-1].where} "
            sentence += f"and index {taker.opening.where}."
            self._gap("step", giver, taker, segment.name, sentence)
            about = (giver.entries[-1].index, taker.opening.index)
            self._findings.append(Finding(kind=FindingKind.STEP_MISSING, sentence=sentence, indices=about))
            self._segments.append(segment)
        for one, two in pairwise(chain):
            self._hand(one, two, _share(proof, one, two, first=one is before, last=two is after), giver, taker)

    def _missing(self, before: Segment, after: Segment) -> tuple[Step, ...]:
        same_site = before.site == after.site and before.step == after.step
        swap = before.step == after.step and before.step in {"linehaul", "courier", "depot"}
        outbound = before.leg == after.leg == "outbound"
        return self._route.missing(before.step, after.step) if outbound and not (same_site or swap) else ()

    def _unseen(self, before: Segment, after: Segment, steps: tuple[Step, ...]) -> list[Segment]:
        found: list[Segment] = []
        for at, step in enumerate(steps):
            earlier = found[-1] if found else before
            later = steps[at + 1] if at + 1 < len(steps) else after.step
            roof = earlier if in_house(earlier.step, step) else after if in_house(step, later) else None
            found.append(
                Segment(
                    id=self._id("seg", "unseen", before.id, step),
                    name=f"{name_place(step, '')} (no scan)",
                    leg=before.leg,
                    seen=False,
                    custodian=roof.custodian if roof else None,
                    site=roof.site if roof else None,
                    step=step,
                    place=None,
                )
            )
        return found

    def _hand(self, before: Segment, after: Segment, proof: HandoverProof, giver: Run, taker: Run) -> None:
        first, last = before.seen, after.seen
        moment = (proof.acceptance or taker.opening) if last else proof.release
        self._handovers.append(
            Handover(
                id=self._id("hnd", before.id, after.id),
                name=f"handover from {before.name} to {after.name}",
                kind="handover",
                leg=after.leg,
                signing=proof.signing,
                giver=before.id,
                taker=after.id,
                after_index=giver.entries[-1].index if first else None,
                before_index=taker.opening.index if last else None,
                release_index=proof.release.index if proof.release else None,
                acceptance_index=proof.acceptance.index if proof.acceptance else None,
                at_ms=moment.at_ms if moment else None,
                received_ms=moment.received_ms if moment else None,
                late=any(
                    entry is not None and entry.late_ms > 0 for entry in (proof.release, proof.acceptance, moment)
                ),
                names_release=proof.names_release,
                digest_matches=proof.digest_matches,
                sentence=proof.sentence,
            )
        )

    def _deliver(self, run: Run, delivery: Entry, segment: Segment) -> None:
        deliveries = (delivery, *run.more_deliveries)
        checked = any(entry.marks.check is not None for entry in deliveries)
        attested = self._edition >= ReadingEdition.SIXTH and any(self._checks.get(e.digest) is True for e in deliveries)
        recorded = "A verifier attests that the check of the recipient held." if attested else _RECORDED
        confirmed = "The recipient confirmed with a check." if self._edition is ReadingEdition.FIRST else recorded
        sentence = confirmed if checked else "Delivered by the carrier's word."
        self._outside(
            "delivery",
            f"handover from {segment.name} to the recipient",
            delivery,
            leg=segment.leg,
            giver=segment.id,
            taker=None,
            signing="recipient" if checked else "one_sided",
            sentence=sentence,
        )

    def _from_recipient(self, giver: Run, taker: Run, after: Segment) -> None:
        if taker.start == "returned":
            name, sentence = f"return from the recipient to {after.name}", "The recipient sent the parcel back."
        else:
            name = f"taken back by {after.name}"
            delivered = giver.delivery.index if giver.delivery else giver.entries[-1].index
            sentence = f"Seen again at index {taker.opening.where} after the delivery at index {delivered}."
            about = (delivered, taker.opening.index)
            self._findings.append(Finding(kind=FindingKind.DELIVERY_REOPENED, sentence=sentence, indices=about))
        kind: Literal["returned", "taken_back"] = "returned" if taker.start == "returned" else "taken_back"
        self._outside(
            kind, name, taker.opening, leg=after.leg, giver=None, taker=after.id, signing="one_sided", sentence=sentence
        )

    def _outside(
        self,
        kind: Literal["delivery", "taken_back", "returned", "released"],
        name: str,
        entry: Entry,
        *,
        leg: Leg,
        giver: str | None,
        taker: str | None,
        signing: Signing,
        sentence: str,
    ) -> None:
        """A handover with only one side in our records."""
        gives = giver is not None
        self._handovers.append(
            Handover(
                id=self._id("hnd", kind, giver or "", taker or ""),
                name=name,
                kind=kind,
                leg=leg,
                signing=signing,
                giver=giver,
                taker=taker,
                after_index=entry.index if gives else None,
                before_index=None if gives else entry.index,
                release_index=entry.index if gives else None,
                acceptance_index=None if gives else entry.index,
                at_ms=entry.at_ms,
                received_ms=entry.received_ms,
                late=entry.late_ms > 0,
                names_release=None,
                digest_matches=None,
                sentence=sentence,
            )
        )

    def _release_open(self, seen: list[tuple[str, Run]]) -> None:
        """A release that nobody has answered yet."""
        if not seen or seen[-1][1].delivery is not None:
            return
        run = seen[-1][1]
        release = last_release(run, self._cancelled)
        if release is None:
            return
        sentence = f"Released at index {release.where}; nobody has signed for taking it over."
        self._findings.append(Finding(kind=FindingKind.RELEASE_OPEN, sentence=sentence, indices=(release.index,)))
        segment = self._segments[-1]
        name = f"handover from {segment.name}, not accepted yet"
        self._outside(
            "released",
            name,
            release,
            leg=segment.leg,
            giver=segment.id,
            taker=None,
            signing="one_sided",
            sentence=sentence,
        )

    def _gap(self, kind: Literal["handover", "step"], giver: Run, taker: Run, expected: str, sentence: str) -> None:
        self._gaps.append(
            Gap(
                kind=kind,
                after_index=giver.entries[-1].index,
                before_index=taker.opening.index,
                expected=expected,
                sentence=sentence,
            )
        )

    def _id(self, prefix: str, *parts: str) -> str:
        digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]
        self._counts[prefix + digest] += 1
        return f"{prefix}-{digest}-{self._counts[prefix + digest]}"


def _share(proof: HandoverProof, before: Segment, after: Segment, *, first: bool, last: bool) -> HandoverProof:
    """What one end of a handover proves when a step between its two sides was not scanned."""
    release, acceptance = (proof.release if first else None), (proof.acceptance if last else None)
    if release or acceptance:
        signing: Signing = "one_sided"
        sentence = "One side signed; the step on the other side was not scanned."
    elif before.custodian is not None and before.custodian == after.custodian:
        signing, sentence = "internal", "Moved within one custodian; a step was not scanned."
    else:
        signing, sentence = "gap", "Nothing was signed and a step was not scanned."
    return replace(
        proof,
        signing=signing,
        release=release,
        acceptance=acceptance,
        names_release=None,
        digest_matches=None,
        sentence=sentence,
        findings=(),
    )


def _span(start_ms: Instant | None, end_ms: Instant | None) -> int | None:
    if start_ms is None or end_ms is None or end_ms < start_ms:
        return None
    return end_ms - start_ms
