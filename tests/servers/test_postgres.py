"""The PostgreSQL that tests get is real, fresh, apart from others and gone afterwards."""

import os
import signal
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text

from tests.servers.postgres import PostgresServer


def mark(url: str, name: str = "mark") -> None:
    """Leave a table behind."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE TABLE {name} (at_ms BIGINT)"))
    engine.dispose()


def tables(url: str) -> list[str]:
    """List the tables of a database."""
    engine = create_engine(url)
    found = inspect(engine).get_table_names()
    engine.dispose()
    return found


def test_the_database_is_a_real_postgresql_and_keeps_64_bits(postgres_url: str) -> None:
    engine = create_engine(postgres_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (at_ms BIGINT)"))
        connection.execute(text("INSERT INTO t VALUES (1700000000000)"))
        assert connection.execute(text("SELECT at_ms FROM t")).scalar_one() == 1_700_000_000_000
        assert "PostgreSQL" in connection.execute(text("SELECT version()")).scalar_one()
    engine.dispose()


@pytest.mark.parametrize("turn", [1, 2])
def test_every_test_gets_an_empty_database(database_url: str, turn: int) -> None:
    assert tables(database_url) == [], turn
    mark(database_url)
    assert tables(database_url) == ["mark"]


def test_a_database_can_start_from_a_template_that_is_prepared_once(postgres_server: PostgresServer) -> None:
    prepared: list[str] = []

    def prepare(url: str) -> None:
        prepared.append(url)
        mark(url, "migrated")

    for _ in range(2):
        with postgres_server.database(template=postgres_server.template("migrated_once", prepare)) as url:
            assert tables(url) == ["migrated"]
    assert len(prepared) == 1


def test_a_database_that_is_still_in_use_is_dropped_all_the_same(postgres_server: PostgresServer) -> None:
    with postgres_server.database() as url:
        engine = create_engine(url)
        connection = engine.connect()
    name = url.rpartition("/")[2].partition("?")[0]
    with postgres_server.connect() as admin:
        left = admin.execute("SELECT count(*) FROM pg_database WHERE datname = %s", (name,)).fetchone()
    connection.invalidate()
    connection.close()
    engine.dispose()
    assert left == (0,)


def test_a_committed_row_is_there_after_the_server_was_killed(own_postgres: PostgresServer) -> None:
    with own_postgres.connect() as admin:
        admin.execute("CREATE TABLE kept (n INT)")
        admin.execute("INSERT INTO kept VALUES (1)")
    own_postgres.stop(signal.SIGKILL)
    own_postgres.start()
    with own_postgres.connect() as admin:
        assert admin.execute("SELECT n FROM kept").fetchall() == [(1,)]


def test_a_server_leaves_nothing_behind(own_postgres: PostgresServer) -> None:
    assert own_postgres.folder.exists()
    own_postgres.remove()
    assert not own_postgres.folder.exists()
    assert own_postgres.process is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to step down")
def test_the_server_never_runs_as_root(postgres_server: PostgresServer) -> None:
    assert postgres_server.process
    status = Path(f"/proc/{postgres_server.process.pid}/status")
    if not status.exists():
        pytest.skip("this system shows no /proc")
    owner = next(line for line in status.read_text().splitlines() if line.startswith("Uid:"))
    assert "0" not in owner.split()[1:]
