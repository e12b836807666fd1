"""How many locks may be signed, so that one mistake or one intruder cannot lock a fleet.

- Caps count *signed* LOCKs, in the signing transaction, not clicks: per hour, per day, per person and day (who asked,
  and who decided), per model and day, per site and day, and as a share of the fleet held at once. Nothing in the
  console overrides them. To keep a lock beyond its hours signs one more, which counts against the two who keep it.
  What a person may ask for in a day is bounded too, so that nobody floods the second person; an account that was made
  within the day counts to whoever made it as well.
- Canary: of each group the first few locks go out and then the group pauses until each of them is settled
  (acknowledged, ended, or past its not_after) and then a second person has let it go on. A lock found wrong stops the
  group at any time, until a person who knows of it lets it go on. A group is what ordered the locks: one version of
  the standing policy, or one account on one day (`group_of`).
- Kill switch: one person, one action, and no LOCK is signed; UNLOCK goes on. Turning it off takes two.
- Locks under the standing policy have no person; they count against the policy as if it were one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from custody.kernel.clock import DAY_MS, HOUR_MS, Instant, to_iso
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
    asks_per_person_day: int = 40

    def __post_init__(self) -> None:
        counts = (self.per_hour, self.per_day, self.per_person_day, self.per_model_day, self.per_site_day)
        least = min(*counts, self.canary, self.asks_per_person_day, self.fleet_least)
        if least < 1 or not 0 <= self.fleet_permille <= 1000:
            raise Rejected("caps", "a cap is below 1 or the share is not 0 to 1000 permille", fix="Correct the policy.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedLock:
    """One LOCK that was signed. `person` asked (the policy's name under standing authority), `second` decided.

    `settled_ms`: when it was acknowledged, ended, or past its not_after; None if it was not yet. `wrong_at_ms`: when it
    was found wrong. `count`: so many that are alike, none of them the first of its group or wrong; they have no
    `group`.
    """

    at_ms: Instant
    person: str
    model: str
    site: str
    group: str | None
    settled_ms: Instant | None
    wrong_at_ms: Instant | None = None
    second: str | None = None
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LockAsked:
    """The LOCK about to be signed; `second` is None until somebody decides.

    `canary`: it is one of the first of its group itself, signed anew; then it does not wait for the others.
    """

    at_ms: Instant
    person: str
    model: str
    site: str
    group: str
    second: str | None = None
    canary: bool = False


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
    held: int,
    clearances: Sequence[Clearance] = (),
) -> tuple[CapReason, ...]:
    """Every limit that forbids signing this LOCK now; empty if none does.

    `signed` is every LOCK of the last day, and the first and the wrong ones of the group. `fleet` counts the enrolled
    devices that are not retired, `held` those that are locked or not known to be released.
    """
    day = _day_of(asked, signed)
    counts = (
        (CapReason.PER_HOUR, day.last_hour, caps.per_hour),
        (CapReason.PER_DAY, day.all, caps.per_day),
        (CapReason.PER_PERSON, max(day.by_asker, day.by_decider), caps.per_person_day),
        (CapReason.PER_MODEL, day.of_model, caps.per_model_day),
        (CapReason.PER_SITE, day.of_site, caps.per_site_day),
        (CapReason.FLEET_SHARE, held, max(caps.fleet_least, fleet * caps.fleet_permille // 1000)),
    )
    reached = tuple(reason for reason, count, limit in counts if count >= limit)
    mine = [lock for lock in signed if lock.group == asked.group]
    paused = pause_of(caps, mine, [clearance for clearance in clearances if clearance.group == asked.group])
    if paused is None or (asked.canary and paused is not CapReason.WRONG_LOCK):
        return reached
    return (*reached, paused)


def pause_of(caps: Caps, group: Sequence[SignedLock], clearances: Sequence[Clearance]) -> CapReason | None:
    """What pauses a group, out of its first and its wrong locks and its clearances; None if nothing does."""
    cleared_ms = max((clearance.at_ms for clearance in clearances), default=None)
    wrong = [lock.wrong_at_ms for lock in group if lock.wrong_at_ms is not None]
    if wrong and (cleared_ms is None or max(wrong) > cleared_ms):
        return CapReason.WRONG_LOCK
    first = sorted(group, key=lambda lock: lock.at_ms)[: caps.canary]
    if len(first) < caps.canary:
        return None
    settled = [lock.settled_ms for lock in first if lock.settled_ms is not None]
    if len(settled) < len(first):
        return CapReason.CANARY_UNSETTLED
    # Who let the group go on before, after a wrong lock, has not seen how the others of the first ended.
    return CapReason.CANARY_NOT_CLEARED if cleared_ms is None or cleared_ms < max(settled) else None


def group_of(*, policy: str | None, account: str, at_ms: Instant) -> str:
    """What ordered a lock: the version of the standing policy, or the account and the day (UTC) on which it asked."""
    return f"policy:{policy}" if policy is not None else f"account:{account}:{to_iso(at_ms)[:10]}"


def account_of(group: str) -> str | None:
    """The account that a group is of; None for a version of the policy, and for what is no group."""
    kind, _, rest = group.partition(":")
    return rest.rpartition(":")[0] if kind == "account" else None


def may_ask(caps: Caps, *, asked_today: int) -> None:
    """Raise `Forbidden("cap")` if a person, or who answers for their account, has asked for as many as anybody may."""
    if asked_today >= caps.asks_per_person_day:
        raise Forbidden(
            "cap",
            f"this person, or who made their account today, has asked for {asked_today} locks within a day, and "
            f"{caps.asks_per_person_day} is the limit",
            fix="Wait a day, or have another person ask. No switch in the console lifts it.",
        )


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


@dataclass(slots=True)
class _Day:
    """How many LOCKs of a day count against the one that is asked for, by what they have in common with it."""

    all: int = 0
    last_hour: int = 0
    of_model: int = 0
    of_site: int = 0
    by_asker: int = 0
    by_decider: int = 0


def _day_of(asked: LockAsked, signed: Iterable[SignedLock]) -> _Day:
    """In one go: every lock of the day is counted for every lock that is judged, and for the next one like it."""
    day, asker, decider = _Day(), asked.person, asked.second
    for lock in signed:
        age_ms, count = asked.at_ms - lock.at_ms, lock.count
        if age_ms >= DAY_MS:
            continue
        day.all += count
        if age_ms < HOUR_MS:
            day.last_hour += count
        if lock.model == asked.model:
            day.of_model += count
        if lock.site == asked.site:
            day.of_site += count
        people = (lock.person, lock.second)
        if asker in people:
            day.by_asker += count
        if decider is not None and decider in people:
            day.by_decider += count
    return day
