"""The relay: one thread that carries outbox rows to the broker.

A published command is not a delivered one: the row is marked so that it is not published again, and nothing else moves.
What the broker did not take stays in the outbox only if the connection was down; every other outcome is settled by the
device's next hello, which brings the difference.
"""

import threading

import structlog

from custody.kernel.clock import SECOND_MS
from custody.kernel.errors import Trouble
from custody.store import outbox
from custody.store.unit import House
from devicelock.transport import PublishOutcome, Transport

IDLE_S = 1.0

log = structlog.get_logger()


class Relay:
    """Publishes what units put into the outbox; `poke` wakes it."""

    def __init__(self, house: House, transport: Transport) -> None:
        self._house = house
        self._transport = transport
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)

    def start(self) -> None:
        """Start carrying."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the present round."""
        self._stopping.set()
        self._wake.set()
        self._thread.join()

    def poke(self) -> None:
        """There may be something to carry."""
        self._wake.set()

    def carry(self) -> int:
        """One round; returns how many rows left the house."""
        now_ms = self._house.clock.now_ms()
        with self._house.read() as session:
            rows = outbox.pending(session, now_ms=now_ms)
        gone = []
        for row in rows:
            expiry_s = max(1, (row.expires_ms - now_ms) // SECOND_MS)
            outcome = self._transport.publish(row.topic, row.payload, expiry_s=expiry_s)
            if outcome is PublishOutcome.NOT_CONNECTED:
                break
            if outcome is not PublishOutcome.ACCEPTED:
                log.info("the broker did not take a message", topic=row.topic, outcome=str(outcome))
            gone.append(row)
        if gone:
            with self._house.unit() as unit:
                outbox.mark_published(unit, gone)
        return len(gone)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait(IDLE_S)
            self._wake.clear()
            try:
                self.carry()
            except Trouble as trouble:
                log.warning("the relay will try again", code=trouble.code, detail=trouble.detail)
            except Exception:  # nobody else would carry anything any more
                log.exception("the relay failed and will try again")
