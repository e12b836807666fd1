"""Each address may post only so often."""

from api.people.token_bucket import MAX_BUCKETS, TokenBuckets
from custody.kernel.errors import Rejected
from tests.contracts_log.small_house import raises


def test_a_burst_is_taken_then_one_for_each_moment_that_passes() -> None:
    now = [100.0]
    buckets = TokenBuckets(per_s=2.0, burst=3, now_s=lambda: now[0])
    for _ in range(3):
        buckets.take("a")
    with raises(Rejected, "too_many"):
        buckets.take("a")
    buckets.take("b")
    now[0] += 0.5
    buckets.take("a")
    with raises(Rejected, "too_many"):
        buckets.take("a")
    now[0] += 1000
    for _ in range(3):
        buckets.take("a")


def test_many_addresses_cost_no_more_than_the_limit() -> None:
    buckets = TokenBuckets(per_s=1.0, burst=1, now_s=lambda: 0.0)
    for number in range(MAX_BUCKETS + 50):
        buckets.take(f"address {number}")
    assert len(buckets._buckets) == MAX_BUCKETS


def test_what_is_given_back_can_be_taken_again_and_no_bucket_overflows() -> None:
    buckets = TokenBuckets(per_s=1.0, burst=2, now_s=lambda: 0.0)
    buckets.give_back("a")
    for _ in range(5):
        buckets.take("a")
        buckets.give_back("a")
    buckets.take("a")
    buckets.take("a")
    with raises(Rejected, "too_many"):
        buckets.take("a")
