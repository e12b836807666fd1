"""The broker's answers to published packets, and who waits for them."""

import threading

from devicelock.transport import PublishOutcome

NO_MATCHING_SUBSCRIBERS = 16
FIRST_FAILURE = 128
QUOTA_EXCEEDED = 151


def outcome_of(reason: int | None) -> PublishOutcome:
    """What an answer means (MQTT 5 section 3.4.2.1); None is no answer."""
    if reason is None:
        return PublishOutcome.UNKNOWN
    if reason == NO_MATCHING_SUBSCRIBERS:
        return PublishOutcome.NO_SUBSCRIBER
    if reason == QUOTA_EXCEEDED:
        return PublishOutcome.FULL
    return PublishOutcome.REFUSED if reason >= FIRST_FAILURE else PublishOutcome.ACCEPTED


class Pubacks:
    """Which reason code came for which packet id. Its lock is never held around a call of the client library."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._reasons: dict[int, int] = {}
        self._forgotten: set[int] = set()
        self._downs = 0

    def put(self, mid: int, reason: int) -> None:
        """The broker has answered."""
        with self._changed:
            if mid in self._forgotten:
                self._forgotten.discard(mid)
            else:
                self._reasons[mid] = reason
                self._changed.notify_all()

    def forget(self, mid: int) -> None:
        """Nobody waits for this answer."""
        with self._changed:
            if self._reasons.pop(mid, None) is None:
                self._forgotten.add(mid)

    def wait(self, mid: int, timeout_s: float) -> int | None:
        """The reason, or None if it does not come in time or the connection goes down."""
        with self._changed:
            downs = self._downs
            self._changed.wait_for(lambda: mid in self._reasons or self._downs != downs, timeout_s)
            reason = self._reasons.pop(mid, None)
            if reason is None:
                self._forgotten.add(mid)
            return reason

    def give_up(self) -> None:
        """The connection is down: whoever waits need not wait on."""
        with self._changed:
            self._downs += 1
            self._changed.notify_all()
