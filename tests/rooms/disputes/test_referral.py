"""A referral and what is known of a customer hold for the policy's minutes, and not a moment longer."""

from datetime import date

import pytest

from custody.disputes.desks import KINDS
from custody.disputes.policy import CaseworkPolicy
from custody.disputes.referral import (
    AT_THE_FRONT,
    RECOGNISED_BY,
    AtDesk,
    Recognised,
    Referral,
    asks_again,
    check_how,
    until_ms,
)
from custody.disputes.wording import lint_text
from custody.kernel.clock import MINUTE_MS, Instant
from custody.kernel.errors import Rejected


def test_both_hold_until_the_minutes_are_over(policy: CaseworkPolicy, now_ms: Instant) -> None:
    over_ms = until_ms(now_ms, policy=policy)
    assert over_ms == now_ms + 30 * MINUTE_MS
    known = Recognised(by="agent-1", how="in_person", at_ms=now_ms, until_ms=over_ms)
    at = AtDesk(recognised=known, referral=Referral(desk="care", by="agent-1", at_ms=now_ms, until_ms=over_ms))
    for moment, holds in ((now_ms, True), (over_ms - 1, True), (over_ms, False)):
        assert (at.recognised_now(moment) is not None, at.referral_now(moment) is not None) == (holds, holds)
    assert (AT_THE_FRONT.recognised_now(now_ms), AT_THE_FRONT.referral_now(now_ms)) == (None, None)


def test_a_house_may_set_its_own_minutes_and_ask_again(policy: CaseworkPolicy, now_ms: Instant) -> None:
    assert not asks_again(now_ms, policy=policy)
    day = date(2026, 5, 1)
    longer = policy.override("handoff_token_minutes", 45, from_date=day, note="a slow line")
    assert until_ms(now_ms, policy=longer) == now_ms + 45 * MINUTE_MS
    assert asks_again(now_ms, policy=policy.override("reverify_on_handoff", True, from_date=day, note="a bank"))


def test_a_customer_is_recognised_by_any_one_thing_that_staff_can_read_out() -> None:
    for how, says in RECOGNISED_BY.items():
        check_how(how)
        lint_text(says)
    with pytest.raises(Rejected, match="nobody has to be recognised"):
        check_how(next(iter(KINDS)))
