"""Scans handed to an intake, and a future of their answers."""

from collections.abc import Sequence
from concurrent.futures import Future

from custody.kernel.errors import Trouble
from custody.usecases.accept_scans import Intake
from custody.usecases.file_part import ScanOrBatch
from custody.usecases.judge_group import ScanAnswer


def hand_in(intake: Intake, parts: Sequence[ScanOrBatch]) -> "Future[list[ScanAnswer]]":
    """Hand scans in, or one batch; the future has one answer a scan, after they are durable."""
    future: Future[list[ScanAnswer]] = Future()

    def keep(outcome: list[ScanAnswer] | Trouble) -> None:
        if isinstance(outcome, Trouble):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)

    intake.hand_in(parts, keep)
    return future
