"""What the trail says of a handset, remembered for as long as the records that it was made of stay as they are.

A lock is judged when it is asked for, when it is decided and whenever it is signed anew, and each time the whole trail
has its say. Reading it opens every scan of the parcel; whether any of them has changed is seen without opening one. So
the state of the records is asked every time, and the trail is read only if it is another than the last time.

The state must not be newer than the trail that is remembered with it. So it is asked before the trail is read, by the
keys that led to it the last time; or after it in one snapshot, in which nothing can come in between.

A unit that judges a lock keeps others waiting meanwhile. So a trail that nobody has asked for in this process is read
before that unit begins (`read_ahead`), beside it; in the unit its state is asked again, as ever. A unit that judges
several locks asks for the states of all their trails at once (`ask_together`).
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass

from sqlmodel import Session

from custody.kernel.clock import Instant
from custody.kernel.errors import NotFound, Rejected
from custody.store.engine import is_one_snapshot
from custody.store.unit import House
from custody.trail.belongings import Lookup
from custody.trail.ties import ImeiTies, bind
from custody.usecases.read_trail import FoundTrail, read_trail, state_of, states_of
from devicelock.rules.tie import TieState

MOST = 4_096
"""So many handsets are remembered, those that were asked for last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandsetTrail:
    """What the trail says of a handset; None is not known. `evidence` names the log entries that tie it.

    `site`: where the first scan of its trail in the log was made.
    """

    tie: TieState | None = None
    site: str = ""
    evidence: tuple[str, ...] = ()
    delivered_ms: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    lookups: frozenset[Lookup]
    state: bytes
    told: HandsetTrail | None


class TrailMemory:
    """What handsets' trails said the last time. It holds only what follows from records whose digest it holds."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._lock = threading.Lock()

    def ask(self, session: Session, imei: str) -> HandsetTrail:
        """What the trail says at this moment; asked once in a transaction, which judges an order several times."""
        held: dict[str, HandsetTrail] = session.info.setdefault("told", {})
        if imei not in held:
            held[imei] = self._ask(session, imei)
        return held[imei]

    def ask_together(self, session: Session, imeis: Collection[str]) -> None:
        """Ask for the handsets of several orders at once, before each is judged in this transaction.

        A trail that is not as it was is left to whoever asks for it alone.
        """
        with self._lock:
            known = {imei: found for imei in imeis if (found := self._known.get(imei)) is not None}
        states = states_of(session, [each.lookups for each in known.values()])
        held: dict[str, HandsetTrail] = session.info.setdefault("told", {})
        for (imei, each), state in zip(known.items(), states, strict=True):
            if each.told is not None and each.state == state:
                held.setdefault(imei, each.told)

    def read_ahead(self, house: House, imei_of: Callable[[Session], str | None]) -> None:
        """Read the trail of a handset of which nothing is remembered, before a unit begins that judges by it.

        `imei_of` says whose in the snapshot in which it is read; None if there is none.
        """
        with house.read() as session:
            imei = imei_of(session)
            if imei is not None and imei not in self._known:
                self.ask(session, imei)

    def _ask(self, session: Session, imei: str) -> HandsetTrail:
        with self._lock:
            known = self._known.get(imei)
        state = state_of(session, known.lookups) if known is not None else b""
        if known is not None and known.told is not None and known.state == state:
            return known.told
        try:
            found = read_trail(session, imei)
        except (NotFound, Rejected):
            with self._lock:
                self._known.pop(imei, None)
            return HandsetTrail()
        told, asked_before = _handset_trail(found, imei), known is not None and known.lookups == found.lookups
        if not asked_before and is_one_snapshot(session.get_bind()):
            state, asked_before = state_of(session, found.lookups), True
        self._keep(imei, _Known(lookups=found.lookups, state=state, told=told if asked_before else None))
        return told

    def _keep(self, imei: str, known: _Known) -> None:
        with self._lock:
            self._known[imei] = known
            self._known.move_to_end(imei)
            while len(self._known) > MOST:
                self._known.popitem(last=False)


TRAILS = TrailMemory()
"""The memory of this process."""


def _handset_trail(found: FoundTrail, imei: str) -> HandsetTrail:
    binding = bind(found.trail, imei)
    first = min(found.trail.entries, key=lambda entry: entry.place, default=None)
    return HandsetTrail(
        tie=_tie(binding),
        site="" if first is None else first.station.site,
        evidence=tuple(f"entry:{tie.index}" for tie in (binding.pair or binding.ties)),
        delivered_ms=found.trail.delivery.received_ms,
    )


def _tie(binding: ImeiTies) -> TieState:
    """What the signed records say together: only two independent ones without a contradiction tie."""
    if binding.findings:
        return TieState.DISAGREE
    if binding.bound:
        return TieState.TIED
    return TieState.SINGLE if binding.ties else TieState.NONE
