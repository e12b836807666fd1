"""Names that an older version had rows for stand in the rows of scans and entries on PostgreSQL, and go from there."""

from sqlalchemy import delete, text
from sqlmodel import Session, col

from custody.scans.place import place_of
from custody.store import run_tables, runs, scan_book
from custody.store.brief import brief_key, whole_key
from custody.store.engine import open_engine
from custody.store.migrate import migrate
from tests.contracts_store.test_migrations import older
from tests.servers.postgres import PostgresServer
from tests.world_parts import VERSIONS

BEGINNING = "btree (substr(digest, 1, 7))"


def test_on_postgresql_names_of_an_older_database_have_an_index_of_their_own(
    postgres_server: PostgresServer,
) -> None:
    with postgres_server.database() as url:
        engine = open_engine(url)
        keys = [f"po:{number}" for number in range(100)]
        with older(engine, "custody_0023") as connection:
            row = text("INSERT INTO item_key (run, key, place) VALUES (0, :name, :place)")
            connection.execute(row, [{"name": key, "place": at} for at, key in enumerate(keys)])
            digests = [key.encode() for key in keys]
            scan = "INSERT INTO scan (place, station, seq, digest, received_ms, result, code, flags)"
            entry = text(
                "INSERT INTO entry (idx, digest, raw, content_type, received_ms) VALUES (:at, :name, '', '', 1)"
            )
            rows = [{"at": at, "name": digest, "place": place_of(at)} for at, digest in enumerate(digests)]
            connection.execute(entry, rows[::2])
            rows = [{**each, "place": each["place"] + each["at"] % 2} for each in rows]
            connection.execute(text(f"{scan} VALUES (:place, 'hub', :at, :name, 1, 'accepted', '', '')"), rows)
        migrate(engine, *VERSIONS)
        with Session(engine) as session:
            places = [(at,) for at in range(100)]
            assert sorted(runs.found(session, run_tables.ItemKeyRow, ("place",), keys)) == places
            found = sorted(runs.found(session, run_tables.DigestRow, ("place",), digests))
            assert found == [(row["place"],) for row in rows]
            for table, using in (("more_key", "btree (key)"), ("entry", BEGINNING), ("scan", BEGINNING)):
                held = session.execute(text(f"SELECT indexdef FROM pg_indexes WHERE tablename = '{table}'")).scalars()  # noqa: S608 - as above
                assert any(f"USING {using}" in each for each in held)
        engine.dispose()


def test_on_postgresql_keys_of_an_older_database_stand_in_the_rows_of_scans_and_go_from_there(
    postgres_server: PostgresServer,
) -> None:
    with postgres_server.database() as url:
        engine = open_engine(url)
        events = ["~" + f"{number:021}A" for number in range(4)]
        under = [(events[0], 512), ("/00/1", 512), ("po:7", 512), (events[1], 1024), ("/00/1", 1024), (events[2], 1024)]
        under += [
            ("/00/2", 1536),
            ("=/odd", 1536),
            (events[3], 2048),
            ("/00/1", 9 * 512),
        ]  # of the last the scan is lost
        with older(engine, "custody_0025") as connection:
            scan = "INSERT INTO scan (place, station, seq, digest, received_ms, result, code, flags)"
            values = "VALUES (:at, 'hub', :at, :digest, 1, 'accepted', 'S00', 'late_offline')"
            rows = [{"at": place, "digest": b"%d" % place} for place in (512, 1024, 1536, 2048, 2560)]
            connection.execute(text(f"{scan} {values}"), rows)
            key = text("INSERT INTO item_key (run, key, place) VALUES (0, :key, :place)")
            connection.execute(key, [{"key": key, "place": place} for key, place in under])
        migrate(engine, *VERSIONS)
        held = text("SELECT key, place FROM item_key")
        with Session(engine) as session:
            assert sorted(session.execute(held).all()) == sorted(under)
            assert [scan.place for scan in scan_book.scans_from(session, 0, limit=9)] == [row["at"] for row in rows]
            assert {(scan.result, scan.flags) for scan in scan_book.judged_between(session, 0, 9 * 512)} == {
                ("accepted", "late_offline")
            }
            assert session.scalar(text("SELECT COUNT(*) FROM more_key")) == 2, "a scan's row has room for three"
            names = [whole_key(key) for key, _ in under]
            found = runs.found(session, run_tables.ItemKeyRow, ("key", "place"), names)
            assert sorted((brief_key(key), place) for key, place in found) == sorted(under)
            column = col(run_tables.ItemKeyRow.place)
            session.execute(delete(run_tables.ItemKeyRow).where(column == 1024))
            one = col(run_tables.ItemKeyRow.key) == whole_key("/00/1")
            session.execute(delete(run_tables.ItemKeyRow).where(one, column == 512))
            gone = {(events[1], 1024), ("/00/1", 1024), (events[2], 1024), ("/00/1", 512)}
            assert sorted(session.execute(held).all()) == sorted(set(under) - gone)
            assert session.scalar(text("SELECT COUNT(*) FROM scan")) == len(rows), "no scan goes with its keys"
        engine.dispose()


def test_digests_that_begin_alike_are_found_each_by_itself(postgres_url: str) -> None:
    engine = open_engine(postgres_url)
    migrate(engine, *VERSIONS)
    digests = [b"as long" + bytes([at]) * 25 for at in range(256)]
    with Session(engine) as session:
        row = text("INSERT INTO entry (idx, digest, raw, content_type, received_ms) VALUES (:at, :digest, '', '', 1)")
        session.execute(row, [{"at": at, "digest": digest} for at, digest in enumerate(digests, 1_000)])
        scan = "INSERT INTO scan (place, station, seq, digest, received_ms, result, code, flags)"
        inside = [{"at": 1 + at, "digest": bytes([at]) * 32} for at in range(256)]
        session.execute(text(f"{scan} VALUES (:at, 'hub', 1, :digest, 1, 'a', '0', '')"), inside)
        for at in (0, 7, 255):
            assert list(runs.found(session, run_tables.DigestRow, ("place",), [digests[at]])) == [
                (place_of(1_000 + at),)
            ]
            assert list(runs.found(session, run_tables.DigestRow, ("place",), [bytes([at]) * 32])) == [(1 + at,)]
        found = list(runs.found(session, run_tables.DigestRow, ("place",), [b"as long" + bytes(24)]))
        assert found == [], "what begins alike is not the same"
    engine.dispose()
