"""The weight trace: every weighing of the parcel alone, against the band in which a right parcel lies.

The band is what was declared (or the first reading) plus and minus the scale's tolerance. A round point lies inside, a
square one outside, a hollow one had nothing to be compared with. Weight may show nothing, and the page then says so: a
decoy can have the right mass.
"""

from itertools import pairwise

from markupsafe import Markup

from api.pages.charts.axis import AXIS_HEIGHT, LEFT, RIGHT, TIP_Y, TOP, WIDTH, Axis
from api.pages.svg import drawing, element, mark, text
from api.pages.times import both_clocks, grams
from custody.trail.traces import WeightReading, WeightTrace

HEIGHT = 150.0
POINT = 5.5


def draw_weights(trace: WeightTrace, axis: Axis, *, labelled_by: str) -> Markup | None:
    """The drawing; None if the parcel was never weighed."""
    if not trace.readings:
        return None
    bounds = _bounds(trace)
    low, high = min(bounds), max(bounds)
    air = max((high - low) * 0.15, 5.0)
    low, high, bottom = max(low - air, 0.0), high + air, TOP + HEIGHT

    def y(mass_g: float) -> float:
        return bottom - (mass_g - low) / (high - low) * HEIGHT

    parts = [axis.grid(top=TOP, bottom=bottom)]
    basis = next((reading for reading in trace.readings if reading.limit_g is not None), None)
    if basis is not None and basis.expected_g is not None and basis.limit_g is not None:
        top = y(basis.expected_g + basis.limit_g)
        parts += [
            element(
                "rect",
                x=LEFT,
                y=top,
                width=WIDTH - LEFT - RIGHT,
                height=y(basis.expected_g - basis.limit_g) - top,
                class_="band",
            ),
            element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y(basis.expected_g), y2=y(basis.expected_g), class_="middle"),
            *_names(basis, y(basis.expected_g)),
            *(
                text(grams(edge), x=LEFT - 10, y=y(edge) + 4, class_="tick", text_anchor="end")
                for edge in (basis.expected_g - basis.limit_g, basis.expected_g + basis.limit_g)
            ),
        ]
    points = [(axis.x(reading.at_ms), y(reading.mass_g)) for reading in trace.readings]
    parts += [
        element("line", x1=one[0], y1=one[1], x2=other[0], y2=other[1], class_="path")
        for one, other in pairwise(points)
    ]
    parts += [_point(reading, *place) for reading, place in zip(trace.readings, points, strict=True)]
    return drawing(*parts, width=WIDTH, height=bottom + AXIS_HEIGHT, labelled_by=labelled_by)


def _bounds(trace: WeightTrace) -> list[float]:
    bounds = [reading.mass_g for reading in trace.readings]
    for reading in trace.readings:
        if reading.expected_g is not None and reading.limit_g is not None:
            bounds += [reading.expected_g - reading.limit_g, reading.expected_g + reading.limit_g]
    return bounds


def _names(basis: WeightReading, y: float) -> list[Markup]:
    said = "as declared" if basis.basis == "declared" else "as first weighed"
    return [
        text(f"{grams(basis.expected_g)} {said}", x=0, y=y - 1, class_="lane"),
        text(f"band of {grams(basis.limit_g)} either way", x=0, y=y + 13, class_="under"),
    ]


def _point(reading: WeightReading, x: float, y: float) -> Markup:
    if reading.band == "out":
        side = 2 * POINT
        shape = element("rect", x=x - POINT, y=y - POINT, width=side, height=side, class_="out")
    else:
        shape = element("circle", cx=x, cy=y, r=POINT, class_="in" if reading.band == "in" else "hollow")
    within = {"in": "inside the band", "out": "outside the band", "unknown": "nothing to compare it with"}[reading.band]
    clocks = both_clocks(reading.at_ms, reading.received_ms)
    label = f"{grams(reading.mass_g)} on {reading.scale}, {within}; {clocks}"
    return mark(shape, label=label, href=f"#weight-{reading.where}", tip_x=LEFT, tip_y=TIP_Y)
