"""Runs of scans by one custodian at one step: the raw material of custody segments.

- Only scans that stand, or are bound, and show the parcel to be there count: a scan of the parcel, of its seal, of a
  carrier while the parcel was inside; of its handset before it was packed, or when an inspection found something in its
  place. Paper events (a lock, a theft report, a cancelled shipping) show no presence.
- A run ends when custodian, site or step changes. A van or a courier's round has no fixed site, so there another
  station is another run. An acceptance after a release starts a run of its own even between two stations of one step.
- A delivery (to a recipient, or sold) ends custody. A later scan that moves or holds the parcel reopens it: the parcel
  was taken away again. A return sent by the recipient opens a return leg instead, and so does who lets a parcel go as a
  returned one. Who only speaks of a return before a delivery opens nothing by it.
- Of a scan that is bound nothing counts but that the parcel was there: neither a delivery nor a return.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from custody.gs1.cbv import REMOTE_LOCKING, REMOTE_UNLOCKING
from custody.gs1.event import Event
from custody.kernel.clock import MINUTE_MS
from custody.trail.arrange import Entry
from custody.trail.edition import NEWEST, ReadingEdition
from custody.trail.names import RECIPIENT, is_parcel, named
from custody.trail.route import MOBILE
from custody.trail.sealed import StationFacts

Leg = Literal["outbound", "return"]
Start = Literal["first", "moved", "taken_back", "returned"]

RELEASES = frozenset({"departing", "shipping", "consigning"})
ACCEPTANCES = frozenset({"accepting", "receiving"})
CANCELS = "void_shipping"
_PAPER = frozenset({"other", CANCELS, REMOTE_LOCKING, REMOTE_UNLOCKING})
_PRESENCE_TYPES = frozenset({"ObjectEvent", "AggregationEvent", "AssociationEvent"})
UNPACKS = "unpacking"
_DOORSTEP = frozenset({"inspecting", "sensor_reporting", None})
_DOORSTEP_MS = 30 * MINUTE_MS


@dataclass(slots=True, kw_only=True)
class Run:
    """Consecutive scans by one custodian at one step. `start` says what came before; `release` is the last one."""

    key: tuple[str, ...]
    leg: Leg
    start: Start
    entries: list[Entry] = field(default_factory=list)
    delivery: Entry | None = None
    more_deliveries: list[Entry] = field(default_factory=list)
    release: Entry | None = None

    def add(self, entry: Entry) -> None:
        """The next scan of it."""
        self.entries.append(entry)
        if is_release(entry):
            self.release = entry

    @property
    def opening(self) -> Entry:
        """The first scan."""
        return self.entries[0]

    @property
    def arrival(self) -> Entry | None:
        """The scan that opened custody; None if the delivery is the first that was heard of this custodian."""
        return None if self.opening is self.delivery else self.opening

    @property
    def acceptance(self) -> Entry | None:
        """The first acceptance, unless the run gave the parcel away before."""
        for entry in self.entries:
            if is_release(entry):
                return None
            if is_acceptance(entry):
                return entry
        return None


def is_release(entry: Entry) -> bool:
    """Whether a giver lets the parcel go."""
    return entry.event.biz_step in RELEASES


def is_acceptance(entry: Entry) -> bool:
    """Whether a taker takes the parcel in; a delivery is none."""
    return accepts(entry.event, checked=entry.marks.check is not None)


def accepts(event: Event, *, checked: bool) -> bool:
    """Whether by the event a taker takes the parcel in; `checked` as for `delivers`."""
    return event.biz_step in ACCEPTANCES and not delivers(event, checked=checked)


def is_delivery(entry: Entry) -> bool:
    """Whether the parcel goes to its recipient."""
    return delivers(entry.event, checked=entry.marks.check is not None)


def delivers(event: Event, *, checked: bool) -> bool:
    """Whether the event hands the parcel to its recipient; `checked`: it carries a check of who that is."""
    if event.disposition == "retail_sold" or event.biz_step not in ACCEPTANCES:
        return event.disposition == "retail_sold"
    return checked or any(party.startswith(RECIPIENT) for party in event.parties()[1])


def returns(event: Event) -> bool:
    """Whether the event speaks of a return by the recipient."""
    return event.disposition == "returned" or bool(_returned_under(event))


def sends_back(event: Event) -> bool:
    """Whether a giver lets the parcel go as a returned one."""
    return event.biz_step in RELEASES and event.disposition == "returned"


def _returned_under(event: Event) -> frozenset[str]:
    return frozenset(number for kind, number in event.transactions if kind == "rma")


def turning(scans: Iterable[tuple[bool, bool]]) -> int | None:
    """Which of the scans begins the way back; each says whether it speaks of a return and whether it delivers.

    What was delivered goes back after that. Before it a return may be spoken of on the way out: by who brings the
    replacement for one, or by who would rather not be found there.
    """
    told = list(scans)
    first = next((at for at, (_, delivers) in enumerate(told) if delivers), len(told))
    return next((at for at, (back, _) in enumerate(told) if back and at > first), None)


def turning_before(scans: Iterable[tuple[bool, bool]]) -> int | None:
    """As `turning`, by the first edition: of what was not delivered the first word of a return began the way back."""
    told = list(scans)
    delivered = any(delivers for _, delivers in told)
    return turning(told) if delivered else next((at for at, (back, _) in enumerate(told) if back), None)


def at_door(biz_step: str | None, *, same: bool, apart_ms: int) -> bool:
    """Whether a scan so long before or after a delivery was made at the door; `same`: by the station that delivered."""
    return same and apart_ms <= _DOORSTEP_MS and biz_step in _DOORSTEP


def is_physical(event: Event) -> bool:
    """Whether the event shows that the things it names were at hand, and is not about paper alone."""
    return event.type in _PRESENCE_TYPES and event.biz_step not in _PAPER


def read_runs(entries: Iterable[Entry], edition: ReadingEdition = NEWEST) -> list[Run]:
    """The runs in trail order, with the way back as it is read by that edition."""
    present, packed = [], False
    for entry in entries:
        if entry.present:
            if shows_presence(entry, packed=packed):
                present.append(entry)
            packed = packed or any(is_parcel(key) for key in named(entry.event))
    turn = _turn(present, edition)
    walk = _Walk(edition)
    for at, entry in enumerate(present):
        walk.take(entry, turned=at == turn)
    return walk.runs


def _turn(present: Sequence[Entry], edition: ReadingEdition) -> int | None:
    """With which scan the way back begins.

    What is never delivered also goes back when it is let go under a return that its first scan had not named: that one
    would be of the handset it replaces.
    """
    said = [_says(entry, edition) for entry in present]
    sent = next((at for at, entry in enumerate(present) if said[at] and sends_back(entry.event)), None)
    told = [(said[at] and returns(entry.event), said[at] and is_delivery(entry)) for at, entry in enumerate(present)]
    if edition is ReadingEdition.FIRST:
        spoken = turning_before(told)
    elif any(delivered for _, delivered in told):
        spoken = turning(told)
    else:
        numbers = [_returned_under(entry.event) if said[at] else frozenset() for at, entry in enumerate(present)]
        under = (is_release(entry) and not numbers[at] <= numbers[0] for at, entry in enumerate(present))
        spoken = next((at for at, goes_back in enumerate(under) if goes_back), None)
    return min((at for at in (spoken, sent) if at is not None), default=None)


def _says(entry: Entry, edition: ReadingEdition) -> bool:
    """Whether what a scan says of a delivery or a return counts; by the third edition that of a bound one did too."""
    return entry.counts or edition < ReadingEdition.FOURTH


def shows_presence(entry: Entry, *, packed: bool) -> bool:
    """Whether the scan shows that the parcel was at the station; `packed`: a scan of the parcel came before."""
    event = entry.event
    if not is_physical(event) or entry.via == "order":
        return False
    if entry.via == "item" and packed:
        return event.biz_step == "inspecting" and bool(entry.marks.expected)
    return True


class _Walk:
    """Goes through the scans once and grows the runs."""

    def __init__(self, edition: ReadingEdition) -> None:
        self.runs: list[Run] = []
        self._edition = edition
        self._leg: Leg = "outbound"

    def take(self, entry: Entry, *, turned: bool) -> None:
        """The next scan that shows the parcel, in trail order; `turned`: with it the parcel goes back."""
        self._leg = "return" if turned else self._leg
        last = self.runs[-1] if self.runs else None
        if last is not None and last.delivery is not None and not turned:
            self._after_delivery(entry, last, last.delivery)
        elif last is None or turned or self._leaves(entry, last):
            self._open(entry, "first" if last is None else "returned" if turned and last.delivery else "moved")
        else:
            self._add(entry, last)

    def _after_delivery(self, entry: Entry, last: Run, delivery: Entry) -> None:
        if self._delivers(entry):
            last.more_deliveries.append(entry)
            return
        same, biz_step = entry.station.station == delivery.station.station, entry.event.biz_step
        if at_door(biz_step, same=same, apart_ms=abs(entry.at_ms - delivery.at_ms)):
            last.add(entry)
        elif biz_step != UNPACKS and entry.station.step != "other":
            self._open(entry, "taken_back")

    def _open(self, entry: Entry, start: Start) -> None:
        run = Run(key=run_key(entry.station), leg=self._leg, start=start)
        self.runs.append(run)
        self._add(entry, run)

    def _add(self, entry: Entry, run: Run) -> None:
        run.add(entry)
        if self._delivers(entry):
            run.delivery = entry

    def _delivers(self, entry: Entry) -> bool:
        return _says(entry, self._edition) and is_delivery(entry)

    def _leaves(self, entry: Entry, last: Run) -> bool:
        if run_key(entry.station) != last.key:
            return True
        by_another = last.release is not None and last.release.station.station != entry.station.station
        return by_another and is_acceptance(entry)


def run_key(station: StationFacts) -> tuple[str, ...]:
    """What the stations of one run have in common: a van and a courier's round are one station's."""
    fixed = (station.custodian, station.site, station.step)
    return (*fixed, station.station) if station.step in MOBILE else fixed
