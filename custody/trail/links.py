"""What an investigation takes from a trail: the ranked links, the checkpoints between them, and narrowings.

- Links: segments and handovers in trail order, each with a stable id and a plain name.
- Checkpoints: one per segment (its opening scan) and one for the delivery, with what was seen there: the time or None
  if nobody scanned, photo yes or no (None if there was no scan), seal not_read / ok / anomaly, mass or None. What was
  read later in a segment counts for the segment's checkpoint.
- Narrowings: if both looks were right, what changed between the last good and the first bad check changed in the links
  in between. A bad check at a segment's opening scan clears that segment: what is wrong on arrival went wrong before.
  A release that opens a segment is no look at how the parcel came, and clears nobody.
  A hurried look can miss a broken seal, so a narrowing is evidence to weigh and not a verdict.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from custody.kernel.clock import Instant
from custody.trail.arrange import Entry
from custody.trail.contents import ContentsTrace
from custody.trail.edition import NEWEST, ReadingEdition
from custody.trail.handovers import Signing
from custody.trail.runs import Leg, Run, is_release
from custody.trail.sealed import Step
from custody.trail.segments import Chain, Handover
from custody.trail.traces import BAD_SEALS, GOOD_SEALS, SealTrace, WeightTrace

TraceKind = Literal["weight", "seal", "contents"]
SealReading = Literal["not_read", "ok", "anomaly"]

_RIGHT = "last found right at index {}"
_WORDS: Mapping[TraceKind, str] = {"weight": "Weight was", "seal": "The seal was", "contents": "The contents were"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One thing an investigation can rank. `signing` is None for a segment, the rest None where it is unknown."""

    id: str
    name: str
    kind: Literal["segment", "handover", "delivery", "taken_back", "returned", "released"]
    leg: Leg
    seen: bool
    custodian: str | None
    site: str | None
    step: Step | None
    handler: str | None
    from_ms: Instant | None
    to_ms: Instant | None
    signing: Signing | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What was seen where a segment opens; `delivery` marks the one that closes the last segment."""

    link: str
    delivery: bool
    index: int | None
    at_ms: Instant | None
    received_ms: Instant | None
    photo: bool | None
    seal: SealReading
    mass_g: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowing:
    """The links between the last good and the first bad check of one kind; `after_index` None: never seen good."""

    kind: TraceKind
    after_index: int | None
    before_index: int
    links: tuple[str, ...]
    sentence: str


def list_links(chain: Chain) -> tuple[Link, ...]:
    """Segments and handovers, each handover before the segment it leads to."""
    links = []
    to_segment = {handover.taker: handover for handover in chain.handovers if handover.taker is not None}
    outward = {handover.giver: handover for handover in chain.handovers if handover.taker is None}
    for segment in chain.segments:
        if segment.id in to_segment:
            links.append(_handover_link(to_segment[segment.id]))
        links.append(
            Link(
                id=segment.id,
                name=segment.name,
                kind="segment",
                leg=segment.leg,
                seen=segment.seen,
                custodian=segment.custodian,
                site=segment.site,
                step=segment.step,
                handler=segment.handler,
                from_ms=segment.from_ms,
                to_ms=segment.to_ms,
                signing=None,
            )
        )
        if segment.id in outward:
            links.append(_handover_link(outward[segment.id]))
    return tuple(links)


def _handover_link(handover: Handover) -> Link:
    return Link(
        id=handover.id,
        name=handover.name,
        kind=handover.kind,
        leg=handover.leg,
        seen=handover.after_index is not None or handover.before_index is not None,
        custodian=None,
        site=None,
        step=None,
        handler=None,
        from_ms=handover.at_ms,
        to_ms=handover.at_ms,
        signing=handover.signing,
    )


def read_checkpoints(chain: Chain, weight: WeightTrace, seal: SealTrace) -> tuple[Checkpoint, ...]:
    """One per segment in trail order, and after each delivered segment the delivery's."""
    runs = dict(chain.runs)
    points = []
    for segment in chain.segments:
        run = runs.get(segment.id)
        delivery = run.delivery if run is not None else None
        entries = run.entries if run is not None else []
        door_from = len(entries) if delivery is None else entries.index(delivery)
        inside, at_door = entries[:door_from], entries[door_from:]
        points.append(_point(segment.id, run.arrival if run else None, inside, weight, seal, delivery=False))
        if run is not None and delivery is not None:
            door = [*at_door, *run.more_deliveries]
            points.append(_point(segment.id, delivery, door, weight, seal, delivery=True))
    return tuple(points)


def _point(
    link: str, entry: Entry | None, entries: list[Entry], weight: WeightTrace, seal: SealTrace, *, delivery: bool
) -> Checkpoint:
    here = {seen.where for seen in entries}
    states = [sight.state for sight in seal.sights if sight.where in here]
    masses = [reading.mass_g for reading in weight.readings if reading.where in here]
    bad, good = any(state in BAD_SEALS for state in states), any(state in GOOD_SEALS for state in states)
    return Checkpoint(
        link=link,
        delivery=delivery,
        index=entry.index if entry else None,
        at_ms=entry.at_ms if entry else None,
        received_ms=entry.received_ms if entry else None,
        photo=any(seen.marks.photo is not None for seen in entries) if entry else None,
        seal="anomaly" if bad else "ok" if good else "not_read",
        mass_g=masses[0] if masses else None,
    )


def narrow(
    entries: tuple[Entry, ...],
    chain: Chain,
    links: tuple[Link, ...],
    *,
    weight: WeightTrace,
    seal: SealTrace,
    contents: ContentsTrace,
    edition: ReadingEdition = NEWEST,
) -> tuple[Narrowing, ...]:
    """Where each kind of check says that something changed; by the first four editions a release was on arrival too."""
    place = {entry.where: at for at, entry in enumerate(entries)}
    spans = _spans(entries, chain, edition)
    names = {link.id: link.name for link in links}
    found = []
    traces: tuple[tuple[TraceKind, WeightTrace | SealTrace | ContentsTrace], ...] = (
        ("weight", weight),
        ("seal", seal),
        ("contents", contents),
    )
    for kind, trace in traces:
        good, bad = trace.between
        if bad is None or trace.bad is None:
            continue
        start, end = place[good] if good is not None else -1, place[bad]
        inside = [link.id for link in links if spans[link.id][0] < end and spans[link.id][1] > start]
        said = " or ".join([*(names[link] for link in inside), *(["before the first scan"] if good is None else [])])
        since, looks = (
            ("never found right", "that look was") if good is None else (_RIGHT.format(good), "both looks were")
        )
        sentence = f"{_WORDS[kind]} {since} and first found wrong at index {bad}. If {looks} right: {said}."
        found.append(
            Narrowing(kind=kind, after_index=trace.good, before_index=trace.bad, links=tuple(inside), sentence=sentence)
        )
    return tuple(found)


def _spans(entries: tuple[Entry, ...], chain: Chain, edition: ReadingEdition) -> dict[str, tuple[int, int]]:
    """For each link its positions in the trail: what changed in it changed after the first and up to the second."""
    at = {entry.digest: position for position, entry in enumerate(entries)}
    runs = dict(chain.runs)
    order = [segment.id for segment in chain.segments]
    firsts = [at[runs[name].opening.digest] if name in runs else None for name in order]
    lasts = [at[runs[name].entries[-1].digest] if name in runs else None for name in order]
    spans: dict[str, tuple[int, int]] = {}
    for place, name in enumerate(order):
        before = max((last for last in lasts[:place] if last is not None), default=-1)
        after = next((first for first in firsts[place + 1 :] if first is not None), len(entries))
        first, run = firsts[place], runs.get(name)
        spans[name] = (before if first is None or run is None or _came_unseen(run, edition) else first, after)
    for handover in chain.handovers:
        giver = order.index(handover.giver) if handover.giver is not None else None
        taker = order.index(handover.taker) if handover.taker is not None else None
        until = giver + 1 if giver is not None else taker or 0
        since = taker if taker is not None else len(order)
        start = max((last for last in lasts[:until] if last is not None), default=-1)
        end = next((first for first in firsts[since:] if first is not None), len(entries))
        out = runs[handover.giver].delivery if handover.taker is None and handover.giver in runs else None
        spans[handover.id] = (start if out is None else at[out.digest], end)
    return spans


def _came_unseen(run: Run, edition: ReadingEdition) -> bool:
    """Whether nobody looked at the parcel when the run began: what is first heard of it is that it went."""
    return run.arrival is None or (edition >= ReadingEdition.FIFTH and is_release(run.arrival))
