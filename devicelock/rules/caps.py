"""How many locks may be signed, so that one mistake or one intruder cannot lock a fleet.

- Caps count *signed* LOCKs, in the signing transaction, not clicks: per hour, per day, per person and day, per model
  and day, per site and day, and as a share of the fleet held at once. Nothing in the console overrides them.
- Canary: of each group (a policy version, a batch of orders) the first few locks go out and then the group pauses
  until each of them is settled (acknowledged, or past its not_after) and a person has let it go on. A lock found
  wrong stops the group at any time, until a person who knows of it lets it go on.
- Kill switch: one person, one action, and no LOCK is signed; UNLOCK goes on. Turning it off takes two.
- Locks under the standing policy have no person; they count against the policy as if it were one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from custody.kernel.clock import DAY_MS, HOUR_MS, Instant
from custody.kernel.errors import Forbidden, Rejected


class CapReason(StrEnum):
    """Which limit holds a lock back."""

    PER_HOUR = "per_hour"
    PER_DAY = "per_day"
    PER_PERSON = "per_person"
    PER_MODEL = "per_model"
    PER_SITE = "per_site"
    FLEET_SHARE = "fleet_share"
    CANARY_UNSETTLED = "canary_unsettled"
    CANARY_NOT_CLEARED = "canary_not_cleared"
    WRONG_LOCK = "wrong_lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """The limits, as policy data. `fleet_permille` bounds the locks held at once; `fleet_least` is for small fleets."""

    per_hour: int = 20
    per_day: int = 100
    per_person_day: int = 20
    per_model_day: int = 50
    per_site_day: int = 50
    fleet_permille: int = 20
    fleet_least: int = 10
    canary: int = 5

    def __post_init__(self) -> None:
        limits = (self.per_hour, self.per_day, self.per_person_day, self.per_model_day, self.per_site_day, self.canary)
        if min(limits) < 1 or self.fleet_least < 1 or not 0 <= self.fleet_permille <= 1000:
            raise Rejected("caps", "a cap is below 1 or the share is not 0 to 1000 permille", fix="Correct the policy.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedLock:
    """One LOCK that was signed. `person` is the policy's name under standing authority.

    `settled`: acknowledged, or past its not_after. `held`: not known to be released. `wrong_at_ms`: when it was found
    wrong.
    """

    at_ms: Instant
    person: str
    model: str
    site: str
    group: str
    settled: bool
    held: bool
    wrong_at_ms: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LockAsked:
    """The LOCK about to be signed."""

    at_ms: Instant
    person: str
    model: str
    site: str
    group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Clearance:
    """A person let a group go on, having seen what was signed up to then."""

    group: str
    person: str
    at_ms: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class KillSwitch:
    """While it is on, no LOCK is signed."""

    on: bool = False
    by: str | None = None
    at_ms: Instant | None = None
    why: str | None = None


def held_back(
    caps: Caps,
    asked: LockAsked,
    signed: Sequence[SignedLock],
    *,
    fleet: int,
    clearances: Sequence[Clearance] = (),
) -> tuple[CapReason, ...]:
    """Every limit that forbids signing this LOCK now; empty if none does.

    `signed` is every LOCK of the last day, of the group, and still held; `fleet` counts the enrolled devices.
    """
    day = [lock for lock in signed if asked.at_ms - lock.at_ms < DAY_MS]
    hour = [lock for lock in day if asked.at_ms - lock.at_ms < HOUR_MS]
    held = sum(1 for lock in signed if lock.held)
    counts = (
        (CapReason.PER_HOUR, len(hour), caps.per_hour),
        (CapReason.PER_DAY, len(day), caps.per_day),
        (CapReason.PER_PERSON, sum(1 for lock in day if lock.person == asked.person), caps.per_person_day),
        (CapReason.PER_MODEL, sum(1 for lock in day if lock.model == asked.model), caps.per_model_day),
        (CapReason.PER_SITE, sum(1 for lock in day if lock.site == asked.site), caps.per_site_day),
        (CapReason.FLEET_SHARE, held, max(caps.fleet_least, fleet * caps.fleet_permille // 1000)),
    )
    reached = tuple(reason for reason, count, limit in counts if count >= limit)
    return reached + _canary(caps, asked, signed, clearances)


def engage(*, by: str, at_ms: Instant, why: str) -> KillSwitch:
    """The switch turned on; any one person may."""
    if not why.strip():
        raise Rejected("why", "the kill switch needs a reason", fix="Say in a few words what is wrong.")
    return KillSwitch(on=True, by=by, at_ms=at_ms, why=why)


def disengage(switch: KillSwitch, *, first: str, second: str, at_ms: Instant) -> KillSwitch:
    """The switch turned off; raises `Forbidden("four_eyes")` unless two different people do it."""
    if first == second:
        raise Forbidden("four_eyes", "one person cannot let locks flow again", fix="Have a second person confirm it.")
    return KillSwitch(on=False, by=f"{first}, {second}", at_ms=at_ms, why=switch.why)


def _canary(
    caps: Caps, asked: LockAsked, signed: Sequence[SignedLock], clearances: Sequence[Clearance]
) -> tuple[CapReason, ...]:
    group = sorted((lock for lock in signed if lock.group == asked.group), key=lambda lock: lock.at_ms)
    cleared_ms = max((clearance.at_ms for clearance in clearances if clearance.group == asked.group), default=None)
    wrong = [lock.wrong_at_ms for lock in group if lock.wrong_at_ms is not None]
    if wrong and (cleared_ms is None or max(wrong) > cleared_ms):
        return (CapReason.WRONG_LOCK,)
    if len(group) < caps.canary:
        return ()
    first = group[: caps.canary]
    if not all(lock.settled for lock in first):
        return (CapReason.CANARY_UNSETTLED,)
    if cleared_ms is None or cleared_ms < first[-1].at_ms:
        return (CapReason.CANARY_NOT_CLEARED,)
    return ()
