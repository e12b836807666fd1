"""Which clocks of our own run in a case after it moved: the one of the state that it is in, beside those of its report.

The clock of a state that was left stands there no more; the offer's goes on through an ask, with the time of that
added, and counts anew when a case comes back to where it waits for one. What has a date of its own has no clock here: a
promise, and the answer to a decision of the scheme (`await_answer`).
"""

from custody.disputes.case import CASE
from custody.disputes.policy import DEFAULT_POLICY, CaseworkPolicy
from custody.disputes.work_clocks import FROM_FIRST_REPORT, WorkClock, pause, state_clock
from custody.kernel.clock import Instant
from custody.store.case_book import CaseFile

DATED_ELSEWHERE = frozenset({"promise", "adr_perform_working_days"})


def clocks_after(
    before: CaseFile, after: CaseFile, *, now_ms: Instant, policy: CaseworkPolicy = DEFAULT_POLICY
) -> tuple[WorkClock, ...]:
    """The clocks of a case that moved at this moment, or did not move."""
    left, state = before.case.state, after.case.state
    if left == state:
        return after.work_clocks
    ended = CASE.facts(left).clock
    clocks = [clock for clock in after.work_clocks if clock.key != ended or ended in FROM_FIRST_REPORT]
    key = CASE.facts(state).clock
    if key is None or key in DATED_ELSEWHERE:
        return tuple(clocks)
    if left == "awaiting_customer" and key in FROM_FIRST_REPORT:
        asks = after.ledger.open_times()[-1:]
        return tuple(pause(clock, asks, now_ms) if clock.key == key else clock for clock in clocks)
    runs = state_clock(
        CASE,
        state,
        entered_ms=now_ms,
        policy=policy,
        came_back=True,
        claim_type=after.case.claim_type,
        support_needs=bool(after.case.support_needs),
    )
    return (*(clock for clock in clocks if clock.key != key), *([] if runs is None else [runs]))
