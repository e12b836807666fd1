"""How often the hellos of a handset have something signed or written down.

Whoever has its key could otherwise have us sign for ever. An honest handset is long as it is wished by then. Only its
hellos are counted: what people decide is signed whatever it has said, and a release that was signed is always sent.

The count is held in memory, by the one thread that hears handsets: a restart lets as many answers through once more.
"""

from collections import OrderedDict, deque

from custody.kernel.clock import HOUR_MS, Instant

ANSWERS_PER_HOUR = 60
SIGHTINGS_PER_DAY = 50
"""So many new places of a handset are taken down within a day; whose SIM is in it always is."""


class AnswerLimit:
    """The answers of the last hour, by handset and order."""

    def __init__(self) -> None:
        self._times: OrderedDict[tuple[str, str], deque[Instant]] = OrderedDict()

    def is_reached(self, device: str, order: str, now_ms: Instant) -> bool:
        """Whether hellos of the handset have no answer about the order for now."""
        times = self._times.get((device, order), deque())
        return sum(each > now_ms - HOUR_MS for each in times) >= ANSWERS_PER_HOUR

    def count(self, device: str, order: str, now_ms: Instant) -> None:
        """One more was answered."""
        self._times.setdefault((device, order), deque(maxlen=ANSWERS_PER_HOUR)).append(now_ms)
        self._times.move_to_end((device, order))
        while next(iter(self._times.values()))[-1] <= now_ms - HOUR_MS:
            self._times.popitem(last=False)
