"""Three rows of signs under the lanes: what was seen of the seal, what is odd about keys and clocks, and the network.

Good signs are filled and round, bad ones are crossed, what was not read is hollow: shape says it before colour does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from api.pages import words
from api.pages.charts.axis import AXIS_HEIGHT, LEFT, TIP_Y, TOP, WIDTH, Axis
from api.pages.svg import drawing, element, mark, text
from api.pages.times import both_clocks, short_key
from custody.kernel.clock import Instant
from custody.trail.traces import BAD_SEALS, GOOD_SEALS
from custody.trail.trail import Trail

ROW = 38.0
R = 6.0

SignLook = Literal["good", "bad", "open", "odd"]

SIM_LOOKS: Mapping[str, SignLook] = {"own": "good", "other": "bad"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """One thing seen: when, how it looks, what it says."""

    id: str
    at_ms: Instant
    received_ms: Instant | None
    look: SignLook
    what: str
    where: str = ""

    @property
    def label(self) -> str:
        """All of it in a line."""
        place = f" at {self.where}" if self.where else ""
        return f"{self.what}{place}; {both_clocks(self.at_ms, self.received_ms)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row: its name, a line about it, its signs."""

    name: str
    about: str
    signs: tuple[Sign, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Where the handset was seen, with whose SIM; places are no finer than a country and its network."""

    at_ms: Instant
    sim: str
    country: str | None
    network: str | None = None


def seal_row(trail: Trail) -> Row:
    """What was seen of the seal."""
    signs = tuple(
        Sign(
            id=f"seal-{place}",
            at_ms=sight.at_ms,
            received_ms=sight.received_ms,
            look="good" if sight.state in GOOD_SEALS else "bad" if sight.state in BAD_SEALS else "open",
            what=f"Seal {words.worded(words.SEALS, sight.state)}" + (f" ({sight.number})" if sight.number else ""),
            where=short_key(sight.place).rpartition("/")[2],
        )
        for place, sight in enumerate(trail.seal.sights)
    )
    return Row(name="Seals", about="applied, read, differs", signs=signs)


def key_row(trail: Trail) -> Row:
    """Gaps, keyed entries and clocks: what is odd about how a scan was made."""
    signs = []
    for entry in trail.entries:
        odd = [words.worded(words.FLAGS, flag) for flag in entry.sealed.flags if flag in words.KEY_FLAGS]
        if entry.marks.entry_mode == "keyed":
            odd.append("typed in, not scanned")
        if odd:
            signs.append(
                Sign(
                    id=f"key-{entry.index}",
                    at_ms=entry.at_ms,
                    received_ms=entry.received_ms,
                    look="bad" if entry.sealed.quarantined else "odd",
                    what="; ".join(odd).capitalize(),
                    where=entry.station.station,
                )
            )
    return Row(name="Keys and clocks", about="gaps, typed entries, clock errors", signs=tuple(signs))


def network_row(seen: Sequence[Network]) -> Row:
    """Where the handset was switched on first and seen since, and with whose SIM."""
    if not seen:
        return Row(name="Network", about="never seen switched on", signs=())
    signs = tuple(
        Sign(
            id=f"network-{number}",
            at_ms=network.at_ms,
            received_ms=None,
            look=SIM_LOOKS.get(network.sim, "open"),
            what=f"{'Seen' if number else 'Switched on'}{_place(network)}, {words.worded(words.SIMS, network.sim)}",
        )
        for number, network in enumerate(seen)
    )
    return Row(name="Network", about="own SIM, another SIM, never", signs=signs)


def _place(network: Network) -> str:
    country = f" in {network.country}" if network.country else ""
    return f"{country} on network {network.network}" if network.network else country


def draw_signs(rows: Sequence[Row], axis: Axis, *, labelled_by: str) -> Markup:
    """The drawing."""
    bottom = TOP + ROW * len(rows)
    parts = [axis.grid(top=TOP, bottom=bottom)]
    for place, row in enumerate(rows):
        y = TOP + ROW * (place + 0.5)
        parts.append(element("line", x1=0, x2=WIDTH, y1=y + ROW / 2, y2=y + ROW / 2, class_="rule"))
        parts.append(text(row.name, x=0, y=y - 1, class_="lane"))
        parts.append(text(row.about, x=0, y=y + 13, class_="under"))
        parts += [_sign(sign, axis.x(sign.at_ms), y) for sign in row.signs]
    return drawing(*parts, width=WIDTH, height=bottom + AXIS_HEIGHT, labelled_by=labelled_by)


def _sign(sign: Sign, x: float, y: float) -> Markup:
    if sign.look == "bad":
        shape = Markup("").join(
            (
                element("rect", x=x - R, y=y - R, width=2 * R, height=2 * R, rx=2, class_="bad"),
                element("path", d=f"M{x - 3:.1f} {y - 3:.1f}l6 6m0 -6l-6 6", class_="x"),
            )
        )
    elif sign.look == "odd":
        points = f"{x:.1f},{y - R:.1f} {x + R:.1f},{y + R:.1f} {x - R:.1f},{y + R:.1f}"
        shape = element("polygon", points=points, class_="odd")
    else:
        shape = element("circle", cx=x, cy=y, r=R - 0.5, class_="good" if sign.look == "good" else "hollow")
    return mark(shape, label=sign.label, href=f"#{sign.id}", tip_x=LEFT, tip_y=TIP_Y)
