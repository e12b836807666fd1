"""One contract for every system that can lock a handset: our own agent, an equipment register, a maker's service.

- Every call is idempotent by order and version: the same call again changes nothing and says the same.
- A backend tells what it is asked to hold (`desired`) apart from what the device has shown (`applied`); `applied` may
  be unknown and is never guessed from "sent".
- `Capabilities` says what a backend can keep. A lock is refused where it could not show a contact to whoever holds the
  device, or where there is no way out. No backend offers an erase, and the contract has no word for it.
- A backend that forgets (a queue that is cleared, a command that runs out) is told the present wish again on each sign
  of life (`reassert`).
- A release goes to every backend that ever got the lock; one that fails keeps the order open.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from custody.kernel.clock import Instant
from devicelock.rules.applied import Applied
from devicelock.rules.command import LockScreen


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a backend can keep.

    `holds_before_setup`: it reaches a handset that nobody has set up yet, as one taken from a sealed box is.
    `command_life_s`: how long a command waits for a device that is off; None: for ever. `unverified`: what of it was
    never tried against the real service; empty where all of it was.
    """

    shows_contact: bool
    offline_lock: bool
    offline_unlock: bool
    user_can_leave: bool
    survives_reset: bool
    holds_without_passcode: bool
    blocks_network_only: bool
    holds_before_setup: bool
    command_life_s: int | None
    unverified: str = ""

    @property
    def vouches(self) -> bool:
        """Whether its word that a handset is locked is one about the handset, by a service that was tried."""
        return not (self.blocks_network_only or self.unverified)

    @property
    def way_out(self) -> bool:
        """Whether a wrongly locked holder gets out without the backend's network, or keeps the device's own use."""
        return self.offline_unlock or self.user_can_leave or self.blocks_network_only


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """The handset in the backend's own words, and the order and version on whose behalf it is spoken to."""

    handset: str
    order: str
    version: int


class BackendAnswer(StrEnum):
    """What a backend made of a call."""

    TAKEN = "taken"
    NOT_NOW = "not_now"
    UNKNOWN_DEVICE = "unknown_device"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a backend is asked to hold and what it has seen. None is unknown.

    `taken`: it is known to have what is desired; if not, the same call says it again.
    """

    desired: Applied
    applied: Applied | None
    last_seen_ms: Instant | None
    taken: bool = True


class Backend(Protocol):
    """A lock system. Calls raise `Unavailable` when the other side is away; the caller asks again later."""

    @property
    def name(self) -> str:
        """Its name in orders and in the log."""
        ...

    def capabilities(self) -> Capabilities:
        """What it can keep."""
        ...

    def lock(self, ref: Ref, *, screen: LockScreen, not_after_ms: Instant) -> BackendAnswer:
        """Ask for a lock that shows the screen; the backend forgets the wish after `not_after_ms`."""
        ...

    def unlock(self, ref: Ref) -> BackendAnswer:
        """Ask for a release."""
        ...

    def retire(self, ref: Ref) -> BackendAnswer:
        """Ask for a release for ever."""
        ...

    def cancel(self, ref: Ref) -> BackendAnswer:
        """Withdraw a wish that has not reached the device."""
        ...

    def state(self, handset: str) -> Held:
        """What is asked and what is seen."""
        ...

    def imei(self, handset: str) -> str | None:
        """The 14 to 16 digits by which the back-end itself knows the handset's IMEI; None if it cannot tell."""
        ...

    def reassert(self, handset: str) -> BackendAnswer | None:
        """Say the present wish again, on a sign of life; None if nothing was ever wished."""
        ...
