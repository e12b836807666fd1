"""The key of a request stands in the unit of what it did, and is forgotten a day later."""

from custody.kernel.clock import DAY_MS
from custody.store import idempotency
from custody.store.idempotency import CURRENT, RequestKey, StoredAnswer
from custody.store.unit import House

LIMIT = 100


def test_a_kept_answer_is_forgotten_after_a_day_and_not_before(house: House) -> None:
    request = RequestKey(key="k" * 64, request_hash=bytes(32))
    token = CURRENT.set(request)
    try:
        with house.unit() as unit:
            at_ms = unit.now_ms
    finally:
        CURRENT.reset(token)
    with house.unit() as unit:
        idempotency.keep(unit.session, request, StoredAnswer(status=201, sealed=b"sealed"))
    with house.unit() as unit:
        assert idempotency.outlived(unit.session, now_ms=at_ms + DAY_MS, limit=LIMIT) == []
        old = idempotency.outlived(unit.session, now_ms=at_ms + DAY_MS + 1, limit=LIMIT)
        assert old == [request.key]
        idempotency.forget(unit.session, old)
    with house.read() as session:
        assert idempotency.find(session, request) is None
