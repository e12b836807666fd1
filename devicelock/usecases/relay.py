"""The relay: one thread that carries outbox rows to the broker.

A published command is not a delivered one: the row is marked so that it is not published again, and nothing else moves.
Marks wait for a quiet moment, many in one unit, so that they do not hold up what is decided and answered meanwhile; a
crash before it makes the broker carry a command twice, which its counter makes harmless.
What the broker did not take, or may not have taken, stays in the outbox: where the connection was down until it stands,
and where no answer came, or the broker was full, until a pause is over, since only a handset that heard something says
hello. Every other outcome is settled by the device's next hello, which brings the difference.
A LOCK that has waited for a minute does not leave as it is: it is offered again, with every check made again.
"""

import math
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog

from custody.kernel.clock import MINUTE_MS, SECOND_MS, Instant
from custody.kernel.errors import Trouble
from custody.kernel.poked_thread import PokedThread
from custody.store import outbox
from custody.store.outbox import OutboxName, Posted
from custody.store.unit import House, Unit
from devicelock import authority_store
from devicelock.transport import PublishOutcome, Transport

IDLE_S = 1.0
QUIET_S = 0.5
WAITED_MS = MINUTE_MS
MOST_UNMARKED = 100
AGAIN = frozenset({PublishOutcome.UNKNOWN, PublishOutcome.FULL})

Each = Callable[[Callable[[Posted], PublishOutcome], Iterable[Posted]], Iterable[PublishOutcome]]

log = structlog.get_logger()


class Relay:
    """Publishes what units put into the outbox, once more when its thread stops.

    So many messages are handed on side by side as there are `lanes`: each is for another device, and none need wait for
    the broker's answer to the one before.
    """

    def __init__(
        self,
        house: House,
        transport: Transport,
        *,
        lanes: int = 1,
        may_leave: Callable[[], bool] | None = None,
        offer: Callable[[Unit], object] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`may_leave` is asked once a round, when it is known which locks are to leave; if not, none of them does.

        So it is while the kill switch is on. What sets a handset free is urgent: it leaves before that is asked.

        `offer` puts what has no answer yet into the outbox again; it is called after `ask_again`.
        """
        self._house = house
        self._may_leave = may_leave or _always
        self._offer = offer
        self._asked = threading.Event()
        self._lanes = lanes
        self._pool = ThreadPoolExecutor(lanes, thread_name_prefix="relay") if lanes > 1 else None
        self._each: Each = self._pool.map if self._pool is not None else map
        self._transport = transport
        self._gone: dict[OutboxName, Posted] = {}
        self._paused: dict[OutboxName, float] = {}
        self._monotonic = monotonic
        self._pause_s = IDLE_S
        self._waited_s = -math.inf
        self.thread = PokedThread(self._work, name="relay", idle_s=IDLE_S, at_end=self._finish)

    def ask_again(self) -> None:
        """What was on its way may have been dropped, or has waited too long to leave unasked; never blocks."""
        self._asked.set()
        self.thread.poke()

    def carry(self) -> int:
        """One round; returns how many rows left the house."""
        count = self._publish()
        self._mark()
        return count

    def _publish(self) -> int:
        """Hand what is new to the broker, and remember it until it is marked."""
        now_ms, now_s = self._house.clock.now_ms(), self._monotonic()
        self._paused = {name: until_s for name, until_s in self._paused.items() if until_s > now_s}
        with self._house.read() as session:
            fresh = outbox.pending(session, now_ms=now_ms, but=self._gone.keys() | self._paused.keys())
            due_ms = outbox.next_due(session, now_ms=now_ms)
            locks = [row for row in fresh if row.priority != outbox.URGENT]
            stopped = bool(locks) and authority_store.switched_on(session, authority_store.KILL_SWITCH)
        self._pause_s = IDLE_S if due_ms is None else min(IDLE_S, (due_ms - now_ms) / SECOND_MS)
        before = len(self._gone)
        connected = self._hand_on_all([row for row in fresh if row.priority == outbox.URGENT], now_ms)
        if connected and locks and not stopped and self._may_leave():
            self._hand_on_all(self._not_waited(locks, now_ms), now_ms)
        return len(self._gone) - before

    def _not_waited(self, locks: Sequence[Posted], now_ms: Instant) -> Sequence[Posted]:
        """The LOCKs that may leave as they are; the others are offered again, once in that time at most."""
        if self._offer is None:
            return locks
        young = [row for row in locks if now_ms - row.created_ms < WAITED_MS]
        if len(young) < len(locks) and (self._monotonic() - self._waited_s) * SECOND_MS >= WAITED_MS:
            self._waited_s = self._monotonic()
            self.ask_again()
        return young

    def _hand_on_all(self, rows: Sequence[Posted], now_ms: Instant) -> bool:
        """Hand these to the broker, in order; False if there is no connection."""
        for first in range(0, len(rows), self._lanes):
            side_by_side = rows[first : first + self._lanes]
            each = self._each if len(side_by_side) > 1 else map
            outcomes = list(each(lambda row: self._hand_on(row, now_ms), side_by_side))
            for row, outcome in zip(side_by_side, outcomes, strict=True):
                if outcome in AGAIN:
                    self._paused[row.name] = self._monotonic() + IDLE_S
                elif outcome is not PublishOutcome.NOT_CONNECTED:
                    self._gone[row.name] = row
            if PublishOutcome.NOT_CONNECTED in outcomes:
                return False
        return True

    def _hand_on(self, row: Posted, now_ms: Instant) -> PublishOutcome:
        expiry_s = max(1, (row.expires_ms - now_ms) // SECOND_MS)
        outcome = self._transport.publish(row.topic, row.payload, expiry_s=expiry_s)
        if outcome not in {PublishOutcome.ACCEPTED, PublishOutcome.NOT_CONNECTED}:
            log.info("the broker did not take a message", topic=row.topic, outcome=str(outcome))
        return outcome

    def _mark(self) -> None:
        if self._gone:
            with self._house.unit() as unit:
                outbox.mark_published(unit, list(self._gone.values()))
            self._gone.clear()

    def _work(self) -> float:
        self._try()
        self.thread.idle_s = min(QUIET_S, self._pause_s) if self._gone else self._pause_s
        return 0

    def _finish(self) -> None:
        self._try()
        if self._pool is not None:
            self._pool.shutdown()

    def _try(self) -> None:
        for act in (self._offer_again, self._go_round):
            try:
                act()
            except Trouble as trouble:
                log.warning("the relay will try again", code=trouble.code, detail=trouble.detail)
            except Exception:  # nobody else would carry anything any more
                log.exception("the relay failed and will try again")

    def _offer_again(self) -> None:
        """Once for each time it was asked; an offer that fails stays asked."""
        if self._offer is None or not self._asked.is_set():
            return
        self._asked.clear()
        try:
            with self._house.unit() as unit:
                self._offer(unit)
        except Exception:
            self._asked.set()
            raise

    def _go_round(self) -> None:
        if not self._publish() or len(self._gone) >= MOST_UNMARKED or self.thread.ending:
            self._mark()


def _always() -> bool:
    """Nothing needs to be done before a message leaves."""
    return True
