"""What the broker's answer to a published packet means (MQTT 5 section 3.4.2.1)."""

import pytest

from devicelock.pubacks import outcome_of
from devicelock.transport import PublishOutcome


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [
        (None, PublishOutcome.UNKNOWN),
        (0, PublishOutcome.ACCEPTED),
        (16, PublishOutcome.NO_SUBSCRIBER),
        (128, PublishOutcome.REFUSED),
        (135, PublishOutcome.REFUSED),
        (144, PublishOutcome.REFUSED),
        (151, PublishOutcome.FULL),
        (153, PublishOutcome.REFUSED),
    ],
)
def test_a_reason_says_what_came_of_a_packet(reason: int | None, outcome: PublishOutcome) -> None:
    assert outcome_of(reason) is outcome
