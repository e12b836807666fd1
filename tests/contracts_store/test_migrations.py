"""The migrations lead from nothing to exactly the tables that the code speaks of."""

import json
import uuid
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData, inspect, select, text
from sqlmodel import Session, SQLModel, col

from api.people import tables as api_tables
from custody.kernel.errors import Unavailable
from custody.ledger.tiles import Tile, TileId
from custody.scans.place import place_of
from custody.store import attestation_book as attestation_tables
from custody.store import exception_book as exception_tables
from custody.store import lesson_book as lesson_tables
from custody.store import number_book, run_tables, runs, scan_book, some_rows, tile_book
from custody.store import outside_book as outside_tables
from custody.store import quarantine as quarantine_tables
from custody.store import registration_book as registration_tables
from custody.store import shard_book as shard_tables
from custody.store import stretch_book as stretch_tables
from custody.store import tables as custody_tables
from custody.store import unopened_book as unopened_tables
from custody.store.bulk import pick
from custody.store.engine import WRITES, is_sqlite, open_engine, opening
from custody.store.migrate import OWN_VERSIONS, alembic_config, migrate
from custody.store.quarantine import ALL, AsideShareRow, Share
from custody.store.unit import House
from devicelock import authority_store as authority_tables
from devicelock import broker_store as broker_tables
from devicelock import part_store as part_tables
from devicelock import put_off_store as put_off_tables
from devicelock import store as devicelock_tables
from devicelock import watch_store as watch_tables
from tests.world_audit_scans import number_complaints
from tests.world_parts import VERSIONS

HOUSES = {
    "custody": (
        custody_tables,
        run_tables,
        number_book,
        shard_tables,
        stretch_tables,
        outside_tables,
        exception_tables,
        lesson_tables,
        attestation_tables,
        registration_tables,
        unopened_tables,
        quarantine_tables,
    ),
    "devicelock": (devicelock_tables, authority_tables, part_tables, watch_tables, broker_tables, put_off_tables),
    "api": (api_tables,),
}


def part_of(*modules: Any) -> MetaData:
    """The tables of one house alone."""
    part = MetaData()
    for module in modules:
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, SQLModel) and value.__module__ == module.__name__:
                value.__table__.to_metadata(part)  # type: ignore[attr-defined]  # SQLModel does not declare it
    return part


@contextmanager
def older(engine: Engine, revision: str) -> Iterator[Connection]:
    """Lend a connection to a database as an older version made it, and keep what is written with it."""
    with engine.connect().execution_options(**{WRITES: True}) as connection:
        config = alembic_config([OWN_VERSIONS, *VERSIONS])
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        yield connection
        connection.commit()


def differences(engine: Engine, part: MetaData) -> list[Any]:
    """What a migration would still have to change in the tables of that part."""

    def ours(name: str | None, kind: str, parents: Any) -> bool:
        return kind != "table" or name in part.tables or parents.get("table_name") in part.tables

    def here(item: Any, _name: str | None, kind: str, *_: object) -> bool:
        return kind != "table" or is_sqlite(engine) or some_rows.A_VIEW not in item.info

    for table in part.tables.values() if is_sqlite(engine) else ():
        table.indexes -= {each for each in table.indexes if each.dialect_options["postgresql"]["using"]}
    with engine.connect() as connection:
        options = {"compare_type": True, "include_name": ours, "include_object": here}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), part))


@pytest.mark.parametrize("name", HOUSES)
def test_the_migrated_tables_are_those_of_the_models(house: House, name: str) -> None:
    part = part_of(*HOUSES[name])
    assert part.tables, "the house has tables"
    assert differences(house.engine, part) == []


def test_every_table_belongs_to_one_of_the_three_houses(house: House) -> None:
    known = {table for modules in HOUSES.values() for table in part_of(*modules).tables}
    held = inspect(house.engine)
    seen, rest = {"digest", "item_key", "opening"}, {"more_key", "more_opening"}
    views, own = (set(), set()) if is_sqlite(house.engine) else (seen, rest)
    assert set(held.get_view_names()) == views
    assert set(held.get_table_names()) == known - views | own | {"alembic_version"}


def test_migrating_again_changes_nothing(house: House) -> None:
    before = {name: inspect(house.engine).get_columns(name) for name in inspect(house.engine).get_table_names()}
    migrate(house.engine, *VERSIONS)
    after = {name: inspect(house.engine).get_columns(name) for name in inspect(house.engine).get_table_names()}
    assert str(before) == str(after)


def test_a_database_that_takes_no_writes_is_named_though_nothing_is_to_be_upgraded(postgres_url: str) -> None:
    """A standby of PostgreSQL; or a file of SQLite that was put back under another user's name."""
    engine = open_engine(postgres_url)
    migrate(engine, *VERSIONS)
    with engine.begin() as connection:
        connection.execute(text(f'ALTER DATABASE "{engine.url.database}" SET default_transaction_read_only = on'))
    engine.dispose()
    with pytest.raises(Unavailable, match=r"cannot be opened: .* read-only"), opening(engine):
        migrate(engine, *VERSIONS)
    engine.dispose()


def test_scans_of_an_older_database_keep_their_log_index(empty_url: str) -> None:
    engine = open_engine(empty_url)
    with older(engine, "custody_0003") as connection:
        opening = text("INSERT INTO opening (idx, content, erased_ms) VALUES (:idx, NULL, :idx)")
        key = text("INSERT INTO item_key (key, idx) VALUES ('one', :idx)")
        rows = [{"idx": index} for index in range(1, 1100)]
        connection.execute(opening, rows)
        connection.execute(key, rows)
    migrate(engine, *VERSIONS)
    with Session(engine) as session:
        openings = session.scalars(select(custody_tables.OpeningRow)).all()
        assert {row.place: row.erased_ms for row in openings} == {place_of(index): index for index in range(1, 1100)}
        keys = session.scalars(select(run_tables.ItemKeyRow)).all()
        assert sorted(row.place for row in keys) == [place_of(index) for index in range(1, 1100)]
        assert sorted(runs.found(session, run_tables.ItemKeyRow, ("place",), ["one"])) == sorted(
            (row.place,) for row in keys
        )
    engine.dispose()


def test_lock_orders_of_an_older_database_are_counted_by_model_and_site(empty_url: str) -> None:
    engine = open_engine(empty_url)
    with older(engine, "devicelock_0003") as connection:
        columns = (
            "id",
            "device",
            "imei",
            "state",
            "basis",
            "reason",
            "requester",
            "held_until_ms",
            "created_ms",
            "facts",
        )
        order = text(f"INSERT INTO lock_order ({', '.join(columns)}) VALUES (:{', :'.join(columns)})")  # noqa: S608 - ours
        known = {"model": "Model 7", "site": "hub", "evidence": []}
        for name, facts in (("new", known), ("old", {"evidence": []})):
            plain = dict.fromkeys(columns, name) | {"held_until_ms": 1, "created_ms": 1, "facts": json.dumps(facts)}
            connection.execute(order, plain)
    migrate(engine, *VERSIONS)
    with Session(engine) as session:
        rows = session.scalars(select(devicelock_tables.LockOrderRow)).all()
        assert {row.id: (row.model, row.site) for row in rows} == {"new": ("Model 7", "hub"), "old": ("", "")}
    engine.dispose()


def test_names_of_an_older_database_are_proposed_unless_a_lock_went_by_them(empty_url: str) -> None:
    engine = open_engine(empty_url)
    with older(engine, "devicelock_0005") as connection:
        reference = "INSERT INTO backend_reference VALUES (:device, 'android', :handset, 7, 1)"
        facts_of_a_part = ("wished", "version", "not_after_ms", "may_hold", "tries", "at_ms", "again", "looks")
        columns = ("order", "backend", "device", "handset", *facts_of_a_part, "created_ms")
        part = f"""INSERT INTO backend_part ("{'", "'.join(columns)}") VALUES (:{", :".join(columns)})"""  # noqa: S608 - ours
        plain = {"version": 1, "not_after_ms": 1, "tries": 1, "again": False, "looks": 0, "created_ms": 1}
        carried: dict[str, dict[str, object]] = {
            "holds it": {"wished": "locked", "may_hold": True, "at_ms": 5},
            "was released": {"wished": "unlocked", "may_hold": False, "at_ms": 5},
            "struck out": {"wished": "unlocked", "may_hold": False, "at_ms": None},
            "never claimed": {"wished": "locked", "may_hold": False, "at_ms": 5},
            "only retired": {"wished": "retired", "may_hold": False, "at_ms": 5},
            "by another name": {"wished": "locked", "may_hold": True, "at_ms": 5, "handset": "older"},
        }
        for name, facts in carried.items():
            connection.execute(text(reference), {"device": name, "handset": f"h-{name}"})
            row = {"order": name, "backend": "android", "device": name, "handset": f"h-{name}", **plain, **facts}
            connection.execute(text(part), row)
        connection.execute(text(reference), {"device": "no part", "handset": "h-no part"})
    migrate(engine, *VERSIONS)
    with Session(engine) as session:
        rows = session.scalars(select(part_tables.ReferenceRow)).all()
        assert {row.device: row.confirmed_ms for row in rows if row.confirmed_ms} == {"holds it": 7, "was released": 7}
        assert {row.given_by for row in rows} == {None}
        assert len(rows) == len(carried) + 1
    engine.dispose()


def test_rows_of_an_older_database_stand_where_they_stood(empty_url: str) -> None:
    engine = open_engine(empty_url)
    with older(engine, "custody_0006") as connection:
        entry = "INSERT INTO entry (idx, digest, raw, content_type, received_ms) VALUES (:idx, :raw, :raw, :kind, 1)"
        kinds = ("application/vnd.weaklink.scan+epcis", "application/vnd.weaklink.policy")
        rows = [{"idx": index, "raw": b"%d" % index, "kind": kinds[index % 2]} for index in range(40)]
        connection.execute(text(entry), rows)
        connection.execute(text("INSERT INTO parcel (key, view) VALUES ('one', '{}')"))
    migrate(engine, *VERSIONS)
    with Session(engine) as session:
        entries = session.scalars(select(custody_tables.EntryRow)).all()
        assert {row.idx: (row.raw, row.content_type) for row in entries} == {
            row["idx"]: (row["raw"], row["kind"]) for row in rows
        }
        assert [(row.key, row.view) for row in session.scalars(select(custody_tables.ParcelRow))] == [("one", "{}")]
        known = {row["raw"]: row["idx"] for row in rows}
        assert scan_book.known_digests(session, known) == known
    engine.dispose()


def test_what_an_older_version_wrote_in_more_room_is_read(empty_url: str) -> None:
    engine = open_engine(empty_url)
    openings = [number.to_bytes(2) * 20 + b'{"type":"ObjectEvent","action":"OBSERVE"}' for number in range(1_203)]
    keys = [f"https://id.gs1.org/00/{number:018}" for number in range(90)] + ["po:7", "urn:uuid:ABC", "/odd", "=odd"]
    keys += [f"urn:uuid:{uuid.UUID(int=number << 90 | 12_345)}" for number in range(90)]
    kinds = ("application/vnd.weaklink.scan+epcis", "application/vnd.weaklink.policy", "text/plain")
    with older(engine, "custody_0009") as connection:
        dictionary = (
            ScriptDirectory.from_config(alembic_config([OWN_VERSIONS])).get_revision("custody_0010").module.DICTIONARY
        )
        pressed = [zlib.compress(each) if at % 2 else over(dictionary, each) for at, each in enumerate(openings)]
        rows = [{"at": at, "content": None if at == 7 else content} for at, content in enumerate(pressed)]
        connection.execute(text("INSERT INTO opening (place, content) VALUES (:at, :content)"), rows)
        entry = "INSERT INTO entry (idx, digest, raw, content_type, received_ms) VALUES (:at, :raw, :raw, :kind, 1)"
        rows = [{"at": at, "raw": b"statement %d" % at, "kind": kinds[at % 3]} for at in range(1_203)]
        connection.execute(text(entry), rows)
        connection.execute(text("INSERT INTO item_key (key, place) VALUES (:key, 3)"), [{"key": key} for key in keys])
        connection.execute(text("INSERT INTO parcel (key, view) VALUES (:key, '{}')"), [{"key": key} for key in keys])
    migrate(engine, *VERSIONS)
    with Session(engine) as session:
        found = {row.place: row.content for row in session.scalars(select(custody_tables.OpeningRow))}
        assert found == {at: None if at == 7 else opening for at, opening in enumerate(openings)}
        entries = {row.idx: (row.raw, row.content_type) for row in session.scalars(select(custody_tables.EntryRow))}
        assert entries == {at: (b"statement %d" % at, kinds[at % 3]) for at in range(1_203)}
        for table in (run_tables.ItemKeyRow, custody_tables.ParcelRow):
            assert sorted(session.scalars(select(col(table.key)))) == sorted(keys)
            assert {key for (key,) in pick(session, table, ("key",), by=("key",), values=keys)} == set(keys)
    engine.dispose()


def test_scans_in_batches_of_an_older_database_are_found_by_their_names(empty_url: str) -> None:
    engine = open_engine(empty_url)
    with older(engine, "custody_0012") as connection:
        scan = "INSERT INTO scan (place, station, seq, digest, received_ms, result, code, flags)"
        places = [place_of(3), *(place_of(4, position) for position in range(20))]
        digests = [b"%d" % (place // 2) for place in places]
        rows = [{"place": place, "digest": digest} for place, digest in zip(places, digests, strict=True)]
        connection.execute(text(f"{scan} VALUES (:place, 'hub', 1, :digest, 1, 'accepted', '', '')"), rows)
    migrate(engine, *VERSIONS)
    with Session(engine) as session:
        first = dict(zip(digests[:0:-1], places[:0:-1], strict=True))
        assert scan_book.known_names(session, digests) == first
    engine.dispose()


def test_numbers_of_an_older_database_are_found_and_those_out_of_turn_are_late(empty_url: str) -> None:
    engine = open_engine(empty_url)
    with older(engine, "custody_0020") as connection:
        told = [("hub", seq, seq, "accepted") for seq in range(1, 101)]
        told += [("hub", 7, 200, "quarantined"), ("hub", 7, 150, "accepted"), ("hub", 400, 201, "accepted")]
        told += [("dock", 3, 202, "flagged"), ("lost", 1, 203, "quarantined")]
        row = "INSERT INTO scan (place, station, seq, digest, received_ms, result, code, flags)"
        entry = "INSERT INTO entry (idx, digest, raw, content_type, received_ms) VALUES (:idx, :digest, '', 'x', 1)"
        rows = [
            {
                "place": place_of(idx),
                "idx": idx,
                "digest": b"%d" % idx,
                "station": station,
                "seq": seq,
                "result": result,
            }
            for station, seq, idx, result in told
        ]
        connection.execute(text(entry), rows)
        connection.execute(text(f"{row} VALUES (:place, :station, :seq, :digest, 1, :result, '', '')"), rows)
        heads = [{"station": "hub", "seq": 100}, {"station": "dock", "seq": 9}]
        connection.execute(text("INSERT INTO station_head (station, seq, digest) VALUES (:station, :seq, 'd')"), heads)
    migrate(engine, *VERSIONS)
    with Session(engine) as session:
        assert list(number_complaints(session)) == []
        newest = number_book.newest(session, ["hub", "dock", "lost"])
        held = {name: (each.head.seq, len(each.taken)) for name, each in newest.items()}
        assert held == {"hub": (100, 64), "dock": (9, 16)}
        late = [(row.station, row.seq) for row in session.scalars(select(number_book.LateNumberRow)).all()]
        assert sorted(late) == [("hub", 7), ("hub", 7), ("hub", 400), ("lost", 1)]
        takers = number_book.takers_between(session, "hub", 7, 7, newest["hub"])["hub", 7]
        assert [taker.link for taker in takers] == [b"7", b"150", b"200"]
    engine.dispose()


def test_what_an_older_version_kept_aside_is_kept(empty_url: str) -> None:
    engine = open_engine(empty_url)
    with older(engine, "custody_0010") as connection:
        rows = [{"digest": b"%05d" % at, "statement": b"s%d" % at, "opening": b"o%d" % at} for at in range(1_203)]
        row = "INSERT INTO quarantine (digest, statement, opening, why, received_ms)"
        connection.execute(text(f"{row} VALUES (:digest, :statement, :opening, 'signature', 7)"), rows)
    migrate(engine, *VERSIONS)
    with Session(engine) as session:
        kept = session.scalars(select(custody_tables.QuarantineRow)).all()
        found = [{"digest": row.digest, "statement": row.statement, "opening": row.opening} for row in kept]
        assert sorted(found, key=lambda row: row["digest"]) == rows
        assert {(row.name == sha256(row.statement).digest(), row.why, row.received_ms) for row in kept} == {
            (True, "signature", 7)
        }
        counted = session.scalars(select(AsideShareRow)).all()
        assert [(row.share, row.who, row.held) for row in counted] == [(Share.STRANGE, ALL, len(rows))]
    engine.dispose()


def over(dictionary: bytes, opening: bytes) -> bytes:
    pressing = zlib.compressobj(zdict=dictionary)
    return pressing.compress(opening) + pressing.flush()


def test_tiles_of_an_older_database_are_read_as_they_were_and_go_on(empty_url: str) -> None:
    engine = open_engine(empty_url)
    hashes = [sha256(b"%d" % at).digest() for at in range(2 * 256 + 45)]
    older_tiles = {(0, 0): hashes[:256], (0, 1): hashes[256:512], (0, 2): hashes[512:], (1, 0): hashes[:2]}
    whole = {place: b"".join(held) for place, held in older_tiles.items()}
    with older(engine, "custody_0028") as connection:
        rows = [{"level": level, "number": number, "held": held} for (level, number), held in whole.items()]
        insert = "INSERT INTO tile (level, number, hashes) VALUES (:level, :number, :held)"
        connection.execute(text(insert), rows)
    migrate(engine, *VERSIONS)
    with Session(engine.execution_options(**{WRITES: True})) as session:
        assert tile_book.read_tiles(session, [*whole, (0, 3)]) == whole
        grown = Tile(id=TileId(level=0, number=2, width=70), data=whole[0, 2] + b"".join(hashes[:25]))
        tile_book.write_tiles(session, [grown], before=len(hashes))
        assert tile_book.read_tiles(session, [(0, 2)]) == {(0, 2): grown.data}
        session.execute(text("DELETE FROM tile WHERE level = 0 AND number = 1 AND part = 3"))
        assert tile_book.read_tiles(session, [(0, 1)]) == {(0, 1): whole[0, 1][: 3 * tile_book.PART_BYTES]}
    engine.dispose()


def test_tables_are_made_by_migrations_alone(empty_url: str) -> None:
    engine = open_engine(empty_url)
    assert inspect(engine).get_table_names() == []
    migrate(engine, *VERSIONS)
    assert "entry" in inspect(engine).get_table_names()
    engine.dispose()
