"""On PostgreSQL an opening stands in the row of its scan until it is erased; others have rows of their own."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from custody.store import erase_book, log_reader
from custody.store.engine import open_engine
from custody.store.log_reader import StoredOpening
from custody.store.migrate import migrate
from custody.store.press import OPENINGS
from tests.contracts_store.test_migrations import older
from tests.servers.postgres import PostgresServer
from tests.world_parts import VERSIONS

SCANS, ERASED, RECORD, UNREAD = (512, 1025, 1026), 1536, 2048, 2560
HELD = {place: b"%d" % place * 40 for place in (*SCANS, RECORD)}
IN_SCANS = text("SELECT place FROM scan WHERE opening IS NOT NULL ORDER BY place")
OTHERS = text("SELECT place FROM more_opening ORDER BY place")


@pytest.fixture
def upgraded(postgres_server: PostgresServer) -> Iterator[Engine]:
    """A database that an older version filled: scans, one of them erased, one without an opening; and a record."""
    with postgres_server.database() as url:
        engine = open_engine(url)
        with older(engine, "custody_0027") as connection:
            scan = "INSERT INTO scan (place, station, seq, digest, received_ms, result, code, flags)"
            rows = [{"at": place} for place in (UNREAD, ERASED, *SCANS)]
            connection.execute(text(f"{scan} VALUES (:at, 'hub', 1, 'd', 1, 'accepted', 'S00', '')"), rows)
            opening = text("INSERT INTO opening (place, content, erased_ms) VALUES (:at, :content, :erased)")
            rows = [{"at": at, "content": OPENINGS.press(told), "erased": None} for at, told in HELD.items()]
            connection.execute(opening, [*rows, {"at": ERASED, "content": None, "erased": 7}])
        migrate(engine, *VERSIONS)
        yield engine
        engine.dispose()


def places(session: Session) -> tuple[list[int], list[int]]:
    return list(session.scalars(IN_SCANS)), list(session.scalars(OTHERS))


def test_openings_of_an_older_database_go_to_the_rows_of_scans_and_are_read_as_before(upgraded: Engine) -> None:
    with Session(upgraded) as session:
        assert places(session) == (list(SCANS), [ERASED, RECORD])
        read = log_reader.openings(session, [*HELD, ERASED, UNREAD])
        assert read == {
            ERASED: StoredOpening(content=None, erased_ms=7),
            **{place: StoredOpening(content=told, erased_ms=None) for place, told in HELD.items()},
        }


def test_what_is_erased_stands_in_no_row_of_a_scan_and_is_known_to_be_erased(upgraded: Engine) -> None:
    with Session(upgraded) as session:
        gone = [SCANS[1], RECORD]
        assert erase_book.delete_openings(session, [*gone, ERASED, UNREAD], at_ms=9) == gone
        assert places(session) == ([SCANS[0], SCANS[2]], [SCANS[1], ERASED, RECORD])
        assert log_reader.erased_at(session, [*HELD, ERASED]) == {*gone, ERASED}
        assert session.scalar(text("SELECT COUNT(*) FROM scan")) == len(SCANS) + 2, "no scan goes with its opening"
        assert erase_book.delete_openings(session, gone, at_ms=10) == [], "it is erased once"


@pytest.mark.parametrize("place", [SCANS[0], ERASED, RECORD])
def test_no_place_has_two_openings(upgraded: Engine, place: int) -> None:
    second = text("INSERT INTO opening (place, content) VALUES (:place, 'another')")
    with Session(upgraded) as session, pytest.raises(IntegrityError):
        session.execute(second, {"place": place})
