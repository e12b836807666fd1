"""What the broker's answer to a published packet means (MQTT 5 section 3.4.2.1), and who waits for it."""

import threading

import pytest

from devicelock.pubacks import Pubacks, outcome_of
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


def test_an_answer_that_came_first_is_there_for_who_asks_later() -> None:
    pubacks = Pubacks()
    pubacks.put(1, 16)
    assert pubacks.wait(1, 0) == 16
    assert pubacks.wait(1, 0) is None, "an answer is given once"


def test_who_waits_is_woken_by_the_answer() -> None:
    pubacks = Pubacks()
    answer = threading.Timer(0.02, lambda: pubacks.put(7, 0))
    answer.start()
    assert pubacks.wait(7, 5) == 0
    answer.join()


def test_who_waits_is_woken_when_the_connection_goes_down() -> None:
    pubacks = Pubacks()
    down = threading.Timer(0.02, pubacks.give_up)
    down.start()
    assert pubacks.wait(7, 5) is None
    down.join()


def test_an_answer_that_nobody_waits_for_is_not_kept_for_the_next_packet_of_that_id() -> None:
    pubacks = Pubacks()
    assert pubacks.wait(3, 0) is None
    pubacks.put(3, 135)
    assert pubacks.wait(3, 0) is None
    pubacks.put(3, 0)
    pubacks.put(4, 16)
    pubacks.forget(4)
    assert pubacks.wait(4, 0) is None
