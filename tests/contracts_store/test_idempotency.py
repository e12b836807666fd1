"""The key of a request stands in the unit of what it did, and is forgotten a day later."""

import pytest
from sqlalchemy import inspect

from custody.kernel.clock import DAY_MS
from custody.kernel.errors import Conflict
from custody.store import idempotency
from custody.store.idempotency import ANSWERED_WITHIN_MS, CURRENT, KeptAnswer, RequestKey
from custody.store.unit import House

LIMIT = 100


def carried_out(house: House, request: RequestKey) -> int:
    """When a request was carried out that nobody has answered yet."""
    token = CURRENT.set(request)
    try:
        with house.unit() as unit:
            return unit.now_ms
    finally:
        CURRENT.reset(token)


@pytest.mark.parametrize(("late_ms", "said"), [(0, "still being answered"), (1, "its answer was lost")])
def test_an_answer_is_lost_only_once_nobody_can_still_be_giving_it(house: House, late_ms: int, said: str) -> None:
    request = RequestKey(key="k" * 64, request_hash=bytes(32))
    now_ms = carried_out(house, request) + ANSWERED_WITHIN_MS + late_ms
    with house.read() as session, pytest.raises(Conflict, match=said) as caught:
        idempotency.find(session, request, now_ms=now_ms)
    assert ("retry_after_s" in caught.value.facts) is (late_ms == 0)


@pytest.mark.parametrize(("back_ms", "said"), [(0, "still being answered"), (1, "its answer was lost")])
def test_a_clock_that_was_put_back_makes_nobody_ask_again_for_ever(house: House, back_ms: int, said: str) -> None:
    request = RequestKey(key="k" * 64, request_hash=bytes(32))
    now_ms = carried_out(house, request) - ANSWERED_WITHIN_MS - back_ms
    with house.read() as session, pytest.raises(Conflict, match=said):
        idempotency.find(session, request, now_ms=now_ms)


def test_which_answers_are_old_is_looked_up(house: House) -> None:
    (index,) = inspect(house.engine).get_indexes("idempotency")
    assert index["column_names"] == ["at_ms"]


def test_a_kept_answer_is_forgotten_after_a_day_and_not_before(house: House) -> None:
    request = RequestKey(key="k" * 64, request_hash=bytes(32))
    at_ms = carried_out(house, request)
    with house.unit() as unit:
        idempotency.keep(unit.session, request, KeptAnswer(status=201, sealed=b"sealed"))
    with house.unit() as unit:
        assert idempotency.outlived(unit.session, now_ms=at_ms + DAY_MS, limit=LIMIT) == []
        old = idempotency.outlived(unit.session, now_ms=at_ms + DAY_MS + 1, limit=LIMIT)
        assert old == [request.key]
        idempotency.forget(unit.session, old)
    with house.read() as session:
        assert idempotency.find(session, request, now_ms=at_ms) is None
