"""A scan together with what the log and the station register say about it.

- `index`: the log index of its entry, and `position` its position there if that is a batch; `received_ms`: the
  service's own clock when the entry was sequenced.
- `result`, `flags`: the judge's verdict when it arrived: accepted, flagged or quarantined. A quarantined scan is
  evidence and opens no custody segment.
- `station`: who runs the station that signed, where it stands and which step of the journey it serves. These facts
  come from the enrolment in the log of the key that signed, not from the scan, so a station cannot claim another's
  place, and one that is put elsewhere later leaves its old scans where they were made.

Two clocks are kept side by side everywhere (EPCIS 2.0 section 7.4.1: eventTime is the capturing party's word,
recordTime the repository's): `at_ms` is the station's word, `received_ms` is ours. A scan cannot have been made
after it was received, hence `no_later_ms`.
"""

from dataclasses import dataclass
from typing import Literal

from custody.gs1.event import Event
from custody.kernel.clock import Instant
from custody.scans.place import name_place, place_of
from custody.scans.scan import Scan
from custody.scans.verdict import QUARANTINED

Step = Literal["pack", "dock", "linehaul", "hub_in", "hub_sort", "depot", "courier", "other"]

_NOT_ITS_KEY = frozenset({"key_unknown", "key_revoked"})


@dataclass(frozen=True, slots=True, kw_only=True)
class StationFacts:
    """What its key's enrolment says of a station."""

    station: str
    site: str
    place: str
    step: Step
    custodian: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedScan:
    """One logged scan with its verdict and its station."""

    index: int
    position: int | None = None
    received_ms: Instant
    result: str
    flags: tuple[str, ...]
    scan: Scan
    station: StationFacts

    @property
    def place(self) -> int:
        """Its one number in the log: several scans of a batch share their index, none its place."""
        return place_of(self.index, self.position)

    @property
    def where(self) -> str:
        """How a sentence names it: `412`, or `412.3` in a batch."""
        return name_place(self.place)

    @property
    def event(self) -> Event:
        """The event that the station signed."""
        return self.scan.event

    @property
    def digest(self) -> bytes:
        """The statement's name."""
        return self.scan.digest

    @property
    def at_ms(self) -> Instant:
        """When it happened by the station's clock."""
        return self.scan.event.event_time_ms

    @property
    def no_later_ms(self) -> Instant:
        """The station's time, but never later than the receipt: the best single estimate of when it happened."""
        return min(self.at_ms, self.received_ms)

    @property
    def quarantined(self) -> bool:
        """Whether the judge set it apart."""
        return self.result == QUARANTINED

    @property
    def forged(self) -> bool:
        """Whether nothing shows that the named station signed: its key is unknown or revoked."""
        return self.quarantined and not _NOT_ITS_KEY.isdisjoint(self.flags)
