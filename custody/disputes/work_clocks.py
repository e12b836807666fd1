"""Work clocks: what the house has set itself, in milliseconds.

- A work clock runs from its start for the number in the policy; the key's last word is its unit (seconds, minutes,
  hours or days of 24 hours). The policy of the civil day of the start counts.
- Acknowledgement, owner and first offer count from the first report, everything else from the event before it. When a
  case comes back (not fixed, reopened, heard, mind changed) the offer counts from that event.
- `adr_perform_working_days` runs to the end of the last working day. `adr_letter_hours` never runs past the end of
  the day. `promise` is the linked promise's own date. A hearing is longer where support needs are recorded.
- Only the offer pauses, only while an ask is open, and the paused time is shown. An ask that is sent after the offer
  was due pauses nothing.
- The time since the first word is split: while an ask is open it is on the customer, all the rest is on us.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from types import MappingProxyType

from custody.disputes import civil, clocks
from custody.disputes.machine import Machine, State
from custody.disputes.policy import CaseworkPolicy
from custody.kernel.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, Instant
from custody.kernel.errors import Rejected

UNITS = MappingProxyType({"seconds": SECOND_MS, "minutes": MINUTE_MS, "hours": HOUR_MS, "days": DAY_MS})
FROM_FIRST_REPORT = frozenset({"ack_minutes", "owner_minutes", "remedy_offer_hours"})
PAUSES_FOR_AN_ASK = frozenset({"remedy_offer_hours"})


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkClock:
    """A deadline of our own: when it started, when it is due, and how long it stood still."""

    key: str
    start_ms: Instant
    due_ms: Instant
    paused_ms: int = 0

    def late(self, now_ms: Instant) -> bool:
        """Whether the due instant has passed."""
        return now_ms > self.due_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTime:
    """The time in which an ask was open; `until_ms` is None while it is."""

    from_ms: Instant
    until_ms: Instant | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Elapsed:
    """The time since the first word."""

    days: int
    on_us_ms: int
    on_customer_ms: int


def work_clock(key: str, start_ms: Instant, *, policy: CaseworkPolicy, part: str | None = None) -> WorkClock:
    """The clock of a policy key; raises `Rejected("clock")` if the key's name has no unit of time."""
    unit = UNITS.get(key.rsplit("_", 1)[-1])
    if unit is None or key.endswith("_working_days"):
        raise Rejected(
            "clock", f"{key} is not a span of time", fix=f"Use a key that ends in {', '.join(UNITS)}, not working days."
        )
    count = policy.count(key, civil.civil_date(start_ms), part=part)
    return WorkClock(key=key, start_ms=start_ms, due_ms=start_ms + count * unit)


def state_clock(
    machine: Machine[State],
    state: State,
    *,
    entered_ms: Instant,
    policy: CaseworkPolicy,
    first_report_ms: Instant | None = None,
    came_back: bool = False,
    claim_type: str | None = None,
    promise_due_ms: Instant | None = None,
    support_needs: bool = False,
) -> WorkClock | None:
    """The clock that runs in a state, or None if none does; raises `Rejected("clock")` if it lacks a fact."""
    key = machine.facts(state).clock
    if key is None:
        return None
    if key == "promise":
        if promise_due_ms is None:
            raise Rejected("clock", f"{state}: the promise has no date", fix="Make the promise with its due instant.")
        return WorkClock(key=key, start_ms=entered_ms, due_ms=promise_due_ms)
    start_ms = entered_ms
    if key in FROM_FIRST_REPORT and not came_back:
        if first_report_ms is None:
            raise Rejected("clock", f"{state}: the first report has no date", fix="Give the instant of the report.")
        start_ms = first_report_ms
    if key == "adr_perform_working_days":
        last_day = clocks.scheme_perform_by(civil.civil_date(start_ms), policy=policy)
        return WorkClock(key=key, start_ms=start_ms, due_ms=civil.day_ends_ms(last_day))
    if key == "hearing_days" and support_needs:
        return replace(work_clock("supported_hearing_days", start_ms, policy=policy), key=key)
    part = (claim_type or "unclassified") if key == "remedy_offer_hours" else None
    clock = work_clock(key, start_ms, policy=policy, part=part)
    if key == "adr_letter_hours":
        return replace(clock, due_ms=min(clock.due_ms, civil.day_ends_ms(civil.civil_date(start_ms))))
    return clock


def pause(clock: WorkClock, asks: Iterable[OpenTime], now_ms: Instant) -> WorkClock:
    """The clock with the time of open asks added, if it is one that pauses."""
    if clock.key not in PAUSES_FOR_AN_ASK:
        return clock
    due_ms = clock.due_ms
    for ask in sorted(asks, key=lambda one: one.from_ms):
        from_ms = max(ask.from_ms, clock.start_ms)
        until_ms = now_ms if ask.until_ms is None else ask.until_ms
        if from_ms <= due_ms:
            due_ms += max(0, until_ms - from_ms)
    return replace(clock, due_ms=due_ms, paused_ms=due_ms - clock.due_ms)


def elapsed(first_word_ms: Instant, asks: Iterable[OpenTime], now_ms: Instant) -> Elapsed:
    """How long the customer has waited since the first word, and on whom."""
    total = now_ms - first_word_ms
    on_customer = sum(
        max(0, (now_ms if ask.until_ms is None else ask.until_ms) - max(ask.from_ms, first_word_ms)) for ask in asks
    )
    days = (civil.civil_date(now_ms) - civil.civil_date(first_word_ms)).days
    return Elapsed(days=days, on_us_ms=total - on_customer, on_customer_ms=on_customer)


def leaver_notices(line_end_ms: Instant, *, policy: CaseworkPolicy) -> tuple[Instant, ...]:
    """When a leaver is told, for the last time an hour before the line ends."""
    hours = policy.value("leaver_notices_hours", civil.civil_date(line_end_ms))
    return tuple(line_end_ms - before * HOUR_MS for before in hours)
