"""Messages that have come on one connection and wait to be taken in together, by a thread of their own.

While one group is being taken in the next one forms, so load makes the groups large and idleness keeps them small.

- **In order**, and acknowledged in order: a group is taken in from its first message on. Where one is not taken whole,
  nothing more is taken on that connection.
- **A connection's messages are its own.** The packet ids of an earlier connection mean nothing on a later one, so when
  a new one begins what waits of the earlier is dropped, and what is just being taken in is not acknowledged: the broker
  brings both again.
- It knows nothing of packets: whoever hands messages in gives each a name, and asks for the names that may be
  acknowledged, on the thread that talks to the broker.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence

from devicelock.transport import Message, ReceiveTogether

LOG = logging.getLogger("devicelock.arrivals")

MOST = 200
"""So many messages are taken in together, and so many may wait: the broker is told to bring no more at a time."""


class Arrivals:
    """One thread that takes messages in. `changed` is called when there is something to acknowledge, or to leave."""

    def __init__(
        self,
        take: ReceiveTogether,
        changed: Callable[[], None],
        *,
        name: str,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._take = take
        self._changed = changed
        self._monotonic = monotonic
        self._turn = threading.Condition()
        self._connection = 0
        self._waiting: list[tuple[int, Message]] = []
        self._taken: list[int] = []
        self._left = False
        self._since: float | None = None
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=f"take {name}", daemon=True)

    def stop(self, *, wait_s: float) -> None:
        """Take in no further group, and wait so long for the present one."""
        with self._turn:
            self._stopping = True
            self._turn.notify_all()
        if wait_s and self._thread.is_alive():
            self._thread.join(wait_s)

    def begin(self) -> None:
        """A new connection is about to be made, perhaps the first."""
        if self._thread.ident is None:
            self._thread.start()
        with self._turn:
            self._connection += 1
            self._waiting, self._taken, self._left = [], [], False

    def put(self, name: int, message: Message) -> None:
        """A message has come on the present connection; after one that was not taken it stays with the broker."""
        with self._turn:
            if not self._left:
                self._waiting.append((name, message))
                self._turn.notify_all()

    def taken(self) -> Sequence[int]:
        """The names of what was taken in since the last call, in order."""
        with self._turn:
            taken, self._taken = self._taken, []
        return taken

    @property
    def left(self) -> bool:
        """Whether something was not taken, so that this connection is over."""
        return self._left

    @property
    def busy_s(self) -> float:
        """For how long the present group has been under way."""
        since = self._since
        return 0.0 if since is None else self._monotonic() - since

    def _run(self) -> None:
        while (group := self._next_group()) is not None:
            connection, messages = group
            self._since = self._monotonic()
            count = self._take_safely([message for _, message in messages])
            self._since = None
            self._settle(connection, [name for name, _ in messages], count)

    def _next_group(self) -> tuple[int, list[tuple[int, Message]]] | None:
        with self._turn:
            self._turn.wait_for(lambda: self._stopping or bool(self._waiting))
            if self._stopping:
                return None
            group, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            return self._connection, group

    def _take_safely(self, messages: Sequence[Message]) -> int:
        try:
            return self._take(messages)
        except Exception:
            LOG.exception("messages could not be taken; the broker keeps them")
            return 0

    def _settle(self, connection: int, names: Sequence[int], count: int) -> None:
        with self._turn:
            if connection != self._connection:
                return
            self._taken += names[:count]
            if count < len(names):
                self._left, self._waiting = True, []
        self._changed()
