"""What the service writes about an error tells where it happened, and nothing of what it was busy with."""

import io
import logging
from collections.abc import Iterator

import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from api.cli.serve import speak
from custody.store.engine import open_engine


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Have lines written as the service writes them, and lend where they go."""
    written = io.StringIO()
    monkeypatch.setattr("sys.stderr", written)
    speak(logging.INFO)
    yield written
    structlog.reset_defaults()


def fail(words: str) -> None:
    """Fail with something in hand that is somebody's."""
    if words:
        raise KeyError("order")


def test_the_trace_of_an_error_shows_the_lines_and_not_what_was_in_hand(lines: io.StringIO) -> None:
    said = "enilottO"[::-1]
    try:
        fail(said)
    except KeyError:
        structlog.get_logger().exception("it failed")
    told = lines.getvalue()
    assert "it failed" in told
    assert "KeyError: 'order'" in told
    assert "in fail" in told
    assert "Ottoline" not in told


def test_a_statement_that_fails_is_told_without_its_values(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    with engine.connect() as connection, pytest.raises(SQLAlchemyError) as failed:
        connection.execute(text("INSERT INTO nowhere VALUES (:words)"), {"words": "Ottoline"})
    engine.dispose()
    assert "nowhere" in str(failed.value)
    assert "Ottoline" not in str(failed.value) + repr(failed.value)
