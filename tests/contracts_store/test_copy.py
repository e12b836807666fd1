"""The copy of a running SQLite that operators are told to make."""

import re
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

from custody.store import log_reader
from tests.contracts_store.houses import begin, open_house

PAPER = Path(__file__).parents[2] / "OPERATING.md"


def test_the_copy_that_operators_are_told_to_make_ends_while_units_are_committed_and_a_service_goes_on_from_it(
    sqlite_url: str, tmp_path: Path
) -> None:
    told = re.search(r'`sqlite3 weaklink\.db "(.+?)"`', PAPER.read_text())
    assert told is not None
    copy = tmp_path / "copy.db"
    house, stopping = open_house(sqlite_url), threading.Event()
    begin(house)

    def write() -> None:
        while not stopping.is_set():
            with house.unit() as unit:
                unit.record("noted", {})

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with closing(sqlite3.connect(str(house.engine.url.database), isolation_level=None)) as source:
            source.execute(told[1].replace("copy.db", str(copy)))
    finally:
        stopping.set()
        writer.join()
    again = open_house(f"sqlite:///{copy}")
    begin(again)
    with again.unit() as unit:
        unit.record("noted", {})
    with again.read() as session:
        log_reader.prove_consistency(session, 1, log_reader.head(session).size)
    for each in (house, again):
        each.engine.dispose()
