"""Whether the chain is whole is found out from the bytes: a changed byte, a lost key, a wrong head are all told."""

import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs
from sqlalchemy import Engine, update
from sqlmodel import Session, col

from api.pages.check_trail import Checked, check_trail
from api.process.keyring import open_keyring
from custody.kernel.errors import Rejected
from custody.kernel.keys import PublicKey
from custody.store.engine import open_engine
from custody.store.tables import EntryRow, LogHeadRow, StationKeyRow
from custody.usecases.read_trail import read_trail
from tests.browser.small_world import Console

ORIGIN = "weaklink.local/custody"


@pytest.fixture
def copy(console: Console, tmp_path: Path) -> Engine:
    """A copy of the played database, to be damaged."""
    target = tmp_path / "copy.db"
    source = sqlite3.connect(console.instance.data / "weaklink.db")
    with sqlite3.connect(target) as fresh:
        source.backup(fresh)
    fresh.close()
    source.close()
    return open_engine(f"sqlite:///{target}")


@pytest.fixture
def log_key(console: Console, tmp_path: Path) -> PublicKey:
    """The log's public key."""
    shutil.copytree(console.instance.data / "keys", tmp_path / "keys")
    return open_keyring(tmp_path / "keys").log.public


def check(session: Session, parcel: str, log_key: PublicKey) -> Checked:
    return check_trail(session, read_trail(session, parcel).scans, origin=ORIGIN, log_key=log_key)


def test_an_untouched_chain_is_whole(console: Console, copy: Engine, log_key: PublicKey) -> None:
    with Session(copy) as session:
        checked = check(session, console.parcel, log_key)
    assert checked.whole
    assert checked.scans > 10


def test_one_changed_byte_is_found_at_its_entry(console: Console, copy: Engine, log_key: PublicKey) -> None:
    with Session(copy) as session:
        scans = read_trail(session, console.parcel).scans
        entry = session.get(EntryRow, scans[3].index)
        assert entry
        raw = bytearray(entry.raw)
        raw[-1] ^= 1
        session.connection().execute(update(EntryRow).where(col(EntryRow.idx) == entry.idx).values(raw=bytes(raw)))
        session.expire_all()
        checked = check_trail(session, scans, origin=ORIGIN, log_key=log_key)
    assert [broken.index for broken in checked.breaks] == [scans[3].index]


def test_a_scan_under_a_key_that_nobody_enrolled_is_found(console: Console, copy: Engine, log_key: PublicKey) -> None:
    with Session(copy) as session:
        scans = read_trail(session, console.parcel).scans
        row = session.get(StationKeyRow, scans[0].scan.message.kid)
        assert row
        session.delete(row)
        session.flush()
        checked = check_trail(session, scans, origin=ORIGIN, log_key=log_key)
    assert scans[0].index in {broken.index for broken in checked.breaks}
    assert {broken.why for broken in checked.breaks} == {"the key that signed it was never enrolled"}


def test_a_statement_that_does_not_name_the_one_before_it_is_found(
    console: Console, copy: Engine, log_key: PublicKey
) -> None:
    with Session(copy) as session:
        scans = read_trail(session, console.parcel).scans
        places = {(scan.scan.station, scan.scan.seq): scan for scan in scans}
        after = next(scan for scan in scans if (scan.scan.station, scan.scan.seq - 1) in places)
        moved = replace(after, scan=structs.replace(after.scan, prev=bytes(32)))
        checked = check_trail(
            session, [moved if scan is after else scan for scan in scans], origin=ORIGIN, log_key=log_key
        )
    assert [broken.index for broken in checked.breaks] == [after.index]


def test_a_head_that_the_log_did_not_sign_is_refused(console: Console, copy: Engine, log_key: PublicKey) -> None:
    with Session(copy) as session:
        head = session.get(LogHeadRow, 1)
        assert head
        head.note = head.note.replace(b"\n", b"\n1", 1)
        session.flush()
        with pytest.raises(Rejected):
            check(session, console.parcel, log_key)
