"""What the store tells by moments, on both databases: the length of the log, what is owed, what waits to leave."""

from sqlalchemy import update
from sqlmodel import col

from custody.store import log_reader, outbox, witness_book
from custody.store.tables import CheckpointRow
from custody.store.unit import House

LONG_MS = 2**50


def grow(house: House) -> int:
    """One more entry; the size of the log after it."""
    with house.unit() as unit:
        return unit.record("test.written", {"name": "one"}) + 1


def signed(house: House, size: int, at_ms: int) -> None:
    """The checkpoint of a size was signed at that moment."""
    with house.unit() as unit:
        checkpoints = update(CheckpointRow).where(col(CheckpointRow.size) == size)
        unit.session.execute(checkpoints.values(signed_ms=at_ms))


def test_the_first_entry_from_a_moment_on_is_found_and_a_clock_that_was_ahead_begins_doubt_earlier(
    house: House,
) -> None:
    first, second, third = (grow(house) for _ in range(3))
    for size, at_ms in ((first, LONG_MS), (second, LONG_MS + 20), (third, LONG_MS + 10)):
        signed(house, size, at_ms)

    def before(at_ms: int) -> int:
        with house.read() as session:
            return log_reader.size_before(session, at_ms)

    assert [before(at_ms) for at_ms in (0, LONG_MS + 1, LONG_MS + 15, LONG_MS + 21)] == [0, first, first, third]


def test_what_a_witness_has_not_cosigned_is_told_with_the_moment_of_the_first(house: House) -> None:
    first, second = grow(house), grow(house)
    signed(house, second, LONG_MS)
    with house.read() as session:
        assert witness_book.owed_since(session, first) == LONG_MS
        assert witness_book.owed_since(session, second) is None


def test_what_waits_to_leave_is_counted_with_the_moment_of_the_oldest(house: House) -> None:
    with house.unit() as unit:
        now_ms = unit.now_ms
        for key, expires_ms, wait_ms in (("a", LONG_MS, 0), ("over", now_ms - 1, 0), ("later", LONG_MS, 60_000)):
            outbox.put(unit, topic="t", payload=b"p", key=key, priority=10, expires_ms=expires_ms, wait_ms=wait_ms)
    with house.read() as session:
        assert outbox.waiting(session, now_ms=now_ms) == (1, now_ms)
        assert outbox.waiting(session, now_ms=LONG_MS + 1).messages == 0
