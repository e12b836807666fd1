"""When a fault is known: so many orders of one model were reported as defective within so many days.

The number and the days are the policy's. Orders count, not reports: whoever reports twice has one phone. What exactly
is wrong with each is not compared, since people put the same fault in different words.
"""

from collections.abc import Iterable
from datetime import date

from custody.disputes.policy import CaseworkPolicy
from custody.kernel.clock import DAY_MS, Instant


def model_of(product: str) -> str:
    """The model that a record of a sale names, however it was typed; empty where it names none."""
    return " ".join(product.split()).casefold()


def span_ms(policy: CaseworkPolicy, on_date: date) -> int:
    """The time within which like faults are counted."""
    return policy.count("known_defect_days", on_date) * DAY_MS


def is_known(reported: Iterable[tuple[str, Instant]], at_ms: Instant, *, policy: CaseworkPolicy, on_date: date) -> bool:
    """Whether a report of that moment is one of enough: `reported` are orders of its model, each with its moment."""
    first: dict[str, Instant] = {}
    for order, moment_ms in reported:
        if order not in first or abs(moment_ms - at_ms) < abs(first[order] - at_ms):
            first[order] = moment_ms
    moments = sorted(first.values())
    needed, within_ms = policy.count("known_defect_count", on_date), span_ms(policy, on_date)
    windows = zip(moments, moments[needed - 1 :], strict=False)
    return any(last - begin <= within_ms and begin <= at_ms <= last for begin, last in windows)
