"""What is wished of each handset at one back-end: the memory that makes every call idempotent.

A `Wish` is stored before anything is sent, so that a crash or a silence in between is met by sending it again. One
wish per handset: a newer one replaces the older. The service keeps its books in the database (`usecases.wish_book`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from custody.kernel.clock import Instant
from devicelock.rules.applied import Applied
from devicelock.rules.command import LockScreen


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The newest wish. `taken`: the back-end is known to have it. `token`: its own name for what it took.

    `attempt` counts how often a taken wish was asserted anew; `applied` and `last_seen_ms` are what was last shown,
    and `not_now` is the device's own word that it cannot do it yet. `put_off` names the command of a lock of which it
    said so: the other side offers it again, also once its release is wished, whose `overtakes` is that lock.
    """

    handset: str
    state: Applied
    order: str
    version: int
    screen: LockScreen | None = None
    not_after_ms: Instant = 0
    held_until_ms: Instant = 0
    attempt: int = 0
    taken: bool = False
    not_now: bool = False
    put_off: str | None = None
    overtakes: "Wish | None" = None
    token: str | None = None
    applied: Applied | None = None
    last_seen_ms: Instant | None = None

    def is_same(self, other: "Wish | None") -> bool:
        """Whether the other is this wish, whatever has been learned of it since."""
        mine = (self.state, self.order, self.version)
        return other is not None and mine == (other.state, other.order, other.version)


class Book(Protocol):
    """The wishes of one back-end."""

    def get(self, handset: str) -> Wish | None:
        """The newest wish, or None if nothing was ever wished."""
        ...

    def put(self, wish: Wish) -> None:
        """Store a wish durably in place of the older one."""
        ...

    def drop(self, handset: str) -> None:
        """Forget the handset: a first wish that the back-end would not take."""
        ...

    def __iter__(self) -> Iterator[Wish]: ...
