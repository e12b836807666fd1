"""Who held the parcel, and how it changed hands: a lane for each custodian, a block while held, a diamond at a change.

| diamond | meaning |
|---|---|
| solid | both sides signed, or the recipient's check |
| hollow | one side signed, or not all of it fits |
| crossed | nothing was recorded |
| small bar | moved within one custodian |

Grey says that the scan arrived late, from a station that was offline. Both clocks are in every label.
"""

from dataclasses import dataclass

from markupsafe import Markup

from api.pages import words
from api.pages.charts.axis import AXIS_HEIGHT, LEFT, TIP_Y, TOP, WIDTH, Axis
from api.pages.svg import drawing, element, mark, text
from api.pages.times import both_clocks, short_key, span_words
from custody.kernel.clock import Instant
from custody.trail.segments import Handover, Segment
from custody.trail.trail import Trail

LANE = 40.0
BLOCK = 22.0
SIZE = 8.0
SOLID = frozenset({"dual", "recipient"})
RECIPIENT = "recipient"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One custodian's lane: who, and in which roles."""

    custodian: str
    title: str
    under: str


def lanes_of(trail: Trail) -> list[Lane]:
    """The custodians in the order in which they first had the parcel, and the recipient if it was delivered."""
    held: dict[str, list[str]] = {}
    for segment in trail.segments:
        names = held.setdefault(segment.custodian or "", [])
        word = words.STEPS[segment.step]
        if word not in names:
            names.append(word)
    lanes = [
        Lane(custodian=key, title=", ".join(names).capitalize(), under=short_key(key) if key else "custodian not known")
        for key, names in held.items()
    ]
    if any(handover.kind == "delivery" for handover in trail.handovers):
        lanes.append(Lane(custodian=RECIPIENT, title="Recipient", under="after hand-over"))
    return lanes


def draw_lanes(trail: Trail, axis: Axis, *, labelled_by: str, leading: str | None = None) -> Markup:
    """The drawing; the segment of the likeliest link has a thick outline."""
    lanes = lanes_of(trail)
    row = {lane.custodian: place for place, lane in enumerate(lanes)}
    bottom = TOP + LANE * len(lanes)
    parts = [axis.grid(top=TOP, bottom=bottom)]
    for place, lane in enumerate(lanes):
        middle = TOP + LANE * (place + 0.5)
        parts.append(element("line", x1=0, x2=WIDTH, y1=middle + LANE / 2, y2=middle + LANE / 2, class_="rule"))
        parts.append(text(lane.title, x=0, y=middle - 1, class_="lane"))
        parts.append(text(lane.under, x=0, y=middle + 13, class_="under"))
    by_id = {segment.id: segment for segment in trail.segments}
    parts += [
        _block(segment, trail, axis, TOP + LANE * (row[segment.custodian or ""] + 0.5), leading)
        for segment in trail.segments
        if segment.from_ms is not None
    ]
    parts += [
        _change(handover, handover.at_ms, axis, _middle(handover, by_id, row))
        for handover in trail.handovers
        if handover.at_ms is not None
    ]
    return drawing(*parts, width=WIDTH, height=bottom + AXIS_HEIGHT, labelled_by=labelled_by)


def _block(segment: Segment, trail: Trail, axis: Axis, middle: float, leading: str | None) -> Markup:
    from_ms = segment.from_ms or 0
    to_ms = segment.to_ms or segment.last_ms or from_ms
    left = axis.x(from_ms)
    shape = element(
        "rect",
        x=left,
        y=middle - BLOCK / 2,
        width=max(axis.x(to_ms) - left, 3.0),
        height=BLOCK,
        rx=4,
        class_="block leading" if segment.id == leading else "block" if segment.seen else "block unseen",
    )
    open_ended = segment is trail.segments[-1] and segment.to_ms is None and trail.holder.kind == "custodian"
    until = "still there" if open_ended else f"for {span_words(to_ms - from_ms)}"
    first = "the likeliest link; " if segment.id == leading else ""
    label = f"{segment.name}: {first}{until}; from {both_clocks(from_ms, segment.from_received_ms)}"
    return mark(shape, label=label, href=f"#{segment.id}", tip_x=LEFT, tip_y=TIP_Y)


def _middle(handover: Handover, by_id: dict[str, Segment], row: dict[str, int]) -> float:
    taker, giver = by_id.get(handover.taker or ""), by_id.get(handover.giver or "")
    if taker is None:
        custodian = RECIPIENT if handover.kind == "delivery" else (giver.custodian or "" if giver else "")
        return TOP + LANE * (row.get(custodian, 0) + 0.5)
    return TOP + LANE * (row.get(taker.custodian or "", 0) + 0.5)


def _change(handover: Handover, at_ms: Instant, axis: Axis, y: float) -> Markup:
    x, late = axis.x(at_ms), " late" if handover.late else ""
    points = f"{x:.1f},{y - SIZE:.1f} {x + SIZE:.1f},{y:.1f} {x:.1f},{y + SIZE:.1f} {x - SIZE:.1f},{y:.1f}"
    if handover.signing == "internal":
        shape = element("rect", x=x - 2, y=y - SIZE - 4, width=4, height=2 * SIZE + 8, class_=f"inside{late}")
    elif handover.signing == "gap":
        cross = f"M{x - 4:.1f} {y - 4:.1f}l8 8m0 -8l-8 8"
        shape = Markup("").join((element("polygon", points=points, class_="gap"), element("path", d=cross, class_="x")))
    else:
        kind = "solid" if handover.signing in SOLID else "hollow"
        shape = element("polygon", points=points, class_=f"{kind}{late}")
    said = words.worded(words.SIGNINGS, handover.signing)
    arrived = "; arrived late" if handover.late else ""
    label = f"{handover.name}: {said}; {both_clocks(at_ms, handover.received_ms)}{arrived}"
    return mark(shape, label=label, href=f"#{handover.id}", tip_x=LEFT, tip_y=TIP_Y)
