"""The watch over the order in which rows are held: it sees what is out of order, and nothing else."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, text

from custody.store.engine import open_engine
from tests.row_holds import row_holds

pytestmark = pytest.mark.postgres
HOLD_ORDER = text("SELECT id FROM lock_order WHERE id = :name FOR UPDATE")
HOLD_DEVICE = text("SELECT device FROM device WHERE device = :name FOR UPDATE")


@pytest.fixture
def conn(postgres_url: str) -> Iterator[Connection]:
    """Lend a connection to a database of the service."""
    engine = open_engine(postgres_url)
    with engine.connect() as conn:
        yield conn
    engine.dispose()


def test_rows_in_order_and_rows_held_again_are_in_order(conn: Connection) -> None:
    with row_holds() as broken:
        conn.execute(HOLD_ORDER, {"name": "lock_1"})
        conn.execute(HOLD_ORDER, {"name": "lock_2"})
        conn.execute(HOLD_DEVICE, {"name": "dev_1"})
        conn.execute(HOLD_ORDER, {"name": "lock_1"})
        conn.commit()
        conn.execute(HOLD_ORDER, {"name": "lock_0"})
    assert broken == []


def test_a_table_and_a_name_that_come_before_what_is_held_are_seen(conn: Connection) -> None:
    with row_holds() as broken:
        conn.execute(HOLD_ORDER, {"name": "lock_1"})
        conn.execute(HOLD_ORDER, {"name": "lock_0"})
        assert len(broken) == 1
        conn.execute(HOLD_DEVICE, {"name": "dev_1"})
        conn.execute(text("UPDATE lock_order SET id = id WHERE id = :name"), {"name": "lock_3"})
        assert len(broken) == 2


def test_what_was_let_go_with_a_savepoint_is_not_held(conn: Connection) -> None:
    with row_holds() as broken:
        tried = conn.begin_nested()
        conn.execute(HOLD_DEVICE, {"name": "dev_1"})
        tried.rollback()
        conn.execute(HOLD_ORDER, {"name": "lock_1"})
    assert broken == []
