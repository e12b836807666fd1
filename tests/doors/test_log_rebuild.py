"""`weaklink log rebuild` puts right what a service refuses: whole or not at all, and never beside a service."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from api.cli.instance import Instance
from api.compose import free_port
from api.environment import environment_with
from api.process.data_folder import hold_broker
from api.process.one_anchor import ANCHOR
from custody.kernel import cbor
from custody.kernel.errors import Unavailable
from custody.store.number_book import SPAN
from tests.doors.command_line import CommandLine
from tests.doors.log_desk import Desk
from tests.doors.test_own_keys import ONE

SCANS = 2 * SPAN + 3
LONG_S = 60.0
LOST = ("DELETE FROM number_span", "UPDATE station_head SET seq = 3")
"""And the digests, which have rows of their own on SQLite alone."""
STALL_SQLITE = (
    """CREATE TRIGGER stall BEFORE INSERT ON number_span BEGIN
    SELECT COUNT(*) FROM (WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 9000000000)
    SELECT x FROM n); END""",
    "DROP TRIGGER stall",
)
STALL_POSTGRES = (
    """CREATE FUNCTION stall() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_sleep(600); RETURN NEW; END $$;
    CREATE TRIGGER stall BEFORE INSERT ON number_span FOR EACH ROW EXECUTE FUNCTION stall()""",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'",
    "DROP FUNCTION stall CASCADE",
)
"""Makes the command stand still in the middle of writing, and how that is taken away."""


class Yard:
    """A service on one of the databases, whose log holds scans of one station."""

    def __init__(self, folder: Path, url: str) -> None:
        self.is_sqlite = url.startswith("sqlite")
        self.data = folder / "data"
        self.url = f"sqlite:///{self.data / 'weaklink.db'}" if self.is_sqlite else url
        self.options = () if self.is_sqlite else ("--database-url", url)
        self.service = Instance(self.data, port=free_port(), options=self.options)
        self.service.start()
        self.shell = CommandLine(address=self.service.address, folder=folder)
        self.desk = Desk(self.service)
        self.sent = [cbor.encode(list(self.desk.sign())) for _ in range(SCANS)]
        self.say()
        self.said = self.say()

    def say(self) -> list[Any]:
        """What every scan is answered."""
        answers = [self.desk.http.post("/v1/scans", content=body, headers=ONE) for body in self.sent]
        return [(answer.json()["index"], answer.json()["result"]) for answer in answers]

    def change(self, *statements: str) -> None:
        """Somebody's hand in the database."""
        engine = create_engine(self.url)
        with engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement))
        engine.dispose()

    def lose(self) -> None:
        """A hand in the database after which no service starts."""
        self.change(*LOST, *(("DELETE FROM digest",) if self.is_sqlite else ()))

    def held(self) -> list[Any]:
        """The tables that were damaged, as they are."""
        engine = create_engine(self.url)
        with engine.connect() as connection:
            tables = ("digest", "number_span", "station_head", "sorted_run")
            found = [sorted(map(repr, connection.execute(text(f"SELECT * FROM {name}")))) for name in tables]  # noqa: S608 - our own names
        engine.dispose()
        return found

    def run(self, name: str, *words: str, expect: int = 0) -> Any:
        """`weaklink log NAME` on this database."""
        return self.shell.run("log", name, "--data", str(self.data), *self.options, *words, expect=expect)


@pytest.fixture
def yard(tmp_path: Path, database_url: str) -> Iterator[Yard]:
    """Lend it, with its service running."""
    made = Yard(tmp_path, database_url)
    yield made
    made.desk.http.close()
    made.service.stop()


def test_a_database_that_a_service_refuses_is_put_right_from_the_log(yard: Yard) -> None:
    # 1. Not beside a service.
    told = yard.run("rebuild", expect=2).err
    assert "a service already uses" in told
    yard.service.stop()
    # 2. A damaged database: who refuses it names the command.
    yard.lose()
    with pytest.raises(Unavailable) as refused:
        yard.service.start()
    assert "weaklink log rebuild" in refused.value.detail
    assert "weaklink log rebuild" in yard.run("verdicts", expect=1).out
    before = yard.held()
    rehearsed = yard.run("rebuild", "--dry-run", "--json", expect=1).value
    assert (rehearsed["ok"], rehearsed["dry_run"], rehearsed["changed"]) == (False, True, False)
    assert rehearsed["tables"][1] == {"name": "numbers", "lost": 2 * SPAN, "foreign": 0, "moved": False}
    assert "would be rebuilt" in yard.run("rebuild", "--dry-run", expect=1).out
    assert yard.held() == before
    # 3. Rebuilt once; a second time changes nothing.
    rebuilt = yard.run("rebuild", "--json")
    assert rebuilt.value == {**rehearsed, "ok": True, "dry_run": False, "changed": True}
    assert "writing" in rebuilt.err
    after = yard.held()
    assert "Nothing was changed" in yard.run("rebuild").out
    assert yard.held() == after
    assert yard.run("verdicts", "--json").value["ok"]
    # 4. A service starts, answers as before, and takes what is new.
    yard.service.start()
    assert yard.say() == yard.said
    yard.sent.append(cbor.encode(list(yard.desk.sign())))
    index, _ = yard.say()[-1]
    assert index > max(index for index, _ in yard.said)
    assert yard.run("verdicts", "--json").value["ok"]


def test_killed_in_the_middle_it_leaves_all_as_it_was(yard: Yard) -> None:
    yard.service.stop()
    yard.lose()
    before = yard.held()
    stall, *let_go = STALL_SQLITE if yard.is_sqlite else STALL_POSTGRES
    yard.change(stall)
    command = [sys.executable, "-P", "-m", "api.cli.main", "log", "rebuild", "--data", str(yard.data), *yard.options]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment_with({}))
    assert running.stderr is not None
    assert any("writing" in line for line in running.stderr)
    time.sleep(1)
    assert running.poll() is None, "it stands still after it has written the digests"
    os.kill(running.pid, signal.SIGKILL)
    running.wait(LONG_S)
    running.stderr.close()
    yard.change(*let_go)
    assert yard.held() == before
    assert yard.run("rebuild", "--json").value["changed"]
    assert yard.run("verdicts", "--json").value["ok"]


def test_what_is_no_data_folder_is_not_made_one(tmp_path: Path) -> None:
    shell = CommandLine(address="http://127.0.0.1:1", folder=tmp_path)
    told = shell.run("log", "rebuild", "--data", "nowhere", expect=2).err
    assert "holds no database" in told
    assert list(tmp_path.iterdir()) == []


def test_a_service_elsewhere_that_shares_the_log_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, shared = tmp_path / "data", tmp_path / "shared"
    data.mkdir()
    shared.mkdir()
    (data / "weaklink.db").touch()
    monkeypatch.setenv("WEAKLINK_KEPT_OUTSIDE", str(shared))
    shell = CommandLine(address="http://127.0.0.1:1", folder=tmp_path)
    with hold_broker(shared / ANCHOR, embedded=False):
        assert "another service of this log runs" in shell.run("log", "rebuild", "--data", "data", expect=2).err
    assert "holds no log" in shell.run("log", "rebuild", "--data", "data", expect=2).err
