import pytest

from custody.disputes.policy import DEFAULT_POLICY as POLICY
from custody.disputes.wrong_lock import compensation_pence, daily_pence
from custody.kernel.clock import DAY_MS

LOCKED_MS = 1_790_000_000_000


@pytest.mark.parametrize(
    ("held_ms", "days"), [(0, 1), (1, 1), (DAY_MS, 1), (DAY_MS + 1, 2), (3 * DAY_MS, 3), (90 * DAY_MS + 1, 91)]
)
def test_each_begun_day_of_a_wrong_lock_is_paid(held_ms: int, days: int) -> None:
    paid = compensation_pence(locked_ms=LOCKED_MS, free_ms=LOCKED_MS + held_ms, policy=POLICY)
    assert paid == days * daily_pence(LOCKED_MS, policy=POLICY) == days * 1034
