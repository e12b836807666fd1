"""What a customer gets for a phone that was locked though they have it: a sum for each begun day, without asking.

The clock runs from the phone's own word that it is locked to its own word that it is free; a phone that never answers
is free at the hour at which it releases itself. Where its word that it is locked never came, and somebody has read its
lock screen to get a code, it runs from when the lock was sent. The sum a day is the one in force when it was locked.
"""

from custody.disputes.civil import civil_date
from custody.disputes.policy import CaseworkPolicy
from custody.kernel.clock import DAY_MS, Instant


def compensation_pence(*, locked_ms: Instant, free_ms: Instant, policy: CaseworkPolicy) -> int:
    """The sum for the days from the lock until then: when it was free, or now while the clock still runs."""
    days = max(1, -(-(free_ms - locked_ms) // DAY_MS))
    return days * daily_pence(locked_ms, policy=policy)


def daily_pence(locked_ms: Instant, *, policy: CaseworkPolicy) -> int:
    """The sum for each begun day."""
    return policy.pence("wrong_lock_gbp_per_day", civil_date(locked_ms))
