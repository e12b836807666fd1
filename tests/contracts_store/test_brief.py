"""What a row holds in fewer bytes is read as the whole, and no two things are held alike."""

import uuid

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import col, select

from custody.gs1.keys import ROOT
from custody.scans.scan import CONTENT_TYPE
from custody.scans.view import UnitView
from custody.store import scan_book
from custody.store.brief import (
    OURS,
    brief_key,
    brief_media_type,
    press_view,
    whole_key,
    whole_media_type,
    whole_view,
)
from custody.store.bulk import add, ask, change, pick
from custody.store.run_tables import ItemKeyRow
from custody.store.tables import EntryRow, ScanRow
from custody.store.unit import House

SSCC = f"{ROOT}00/195214738085815137"
EVENT_ID = "urn:uuid:3e6f87cf-5e07-4d01-af35-ec14ce48c5b3"

begins = st.sampled_from(["", "=", "/", "~", ".", "==", "=/", "~/", ROOT, "urn:uuid:", OURS, "po:"])
texts = st.builds(str.__add__, begins, st.text(max_size=12)) | st.uuids().map(lambda each: f"urn:uuid:{each}")


@given(texts)
def test_a_key_is_read_as_it_was(key: str) -> None:
    assert whole_key(brief_key(key)) == key


@given(texts)
def test_a_media_type_is_read_as_it_was(media_type: str) -> None:
    assert whole_media_type(brief_media_type(media_type)) == media_type


known = st.builds(
    UnitView, known=st.booleans(), last_event_ms=st.none() | st.integers(0, 2**45), custodian=st.none() | texts
)


@given(known)
def test_a_view_is_read_as_it_was_also_where_it_was_not_pressed(view: UnitView) -> None:
    plain = msgspec.json.encode(view)
    assert whole_view(press_view(plain.decode())) == whole_view(plain) == plain.decode()


@given(texts, texts)
def test_no_two_keys_are_held_alike(one: str, other: str) -> None:
    assert (brief_key(one) == brief_key(other)) == (one == other)


def test_the_commonest_are_held_in_half_the_room() -> None:
    assert [len(brief_key(key)) for key in (SSCC, EVENT_ID)] == [22, 23]
    assert brief_media_type(CONTENT_TYPE) == ".scan+epcis"


@pytest.mark.parametrize("spelt", [EVENT_ID.upper(), EVENT_ID[:-1], EVENT_ID + "0", EVENT_ID.replace("-", "", 1)])
def test_only_the_one_spelling_of_a_uuid_is_taken_apart(spelt: str) -> None:
    assert brief_key(spelt) == spelt


def test_the_bulk_way_and_the_rows_of_sqlalchemy_hold_the_same(house: House) -> None:
    keys = [SSCC, EVENT_ID, f"urn:uuid:{uuid.UUID(int=7)}", "po:7", "=odd", "/odd", "~odd"]
    with house.unit() as unit:
        session = unit.session
        add(session, ItemKeyRow, [{"run": 0, "key": key, "place": 512} for key in keys])
        session.add_all(ItemKeyRow(key=key, place=1_024) for key in keys)
        session.add(EntryRow(idx=9, digest=b"9", raw=b"statement", content_type=CONTENT_TYPE, received_ms=1))
        session.flush()
        counts = [
            count for (count,) in ask(session, "SELECT count(*) FROM item_key WHERE place >= ? GROUP BY key", (512,))
        ]
        assert counts == [2] * len(keys)
        found = list(pick(session, ItemKeyRow, ("key", "place"), by=("key",), values=keys))
        assert sorted(found) == sorted((key, place) for key in keys for place in (512, 1_024))
        both = list(pick(session, ItemKeyRow, ("place",), by=("place", "key"), values=[(512, SSCC), (512, "po:8")]))
        assert both == [(512,)]
        rows = session.exec(select(ItemKeyRow).where(col(ItemKeyRow.key).in_(keys))).all()
        assert sorted((row.key, row.place) for row in rows) == sorted(found)
        entries = list(pick(session, EntryRow, ("raw", "content_type"), by=("idx",), values=[9]))
        assert entries == [(b"statement", CONTENT_TYPE)]


def test_words_of_verdicts_are_held_as_letters_and_those_of_before_are_read(house: House) -> None:
    words = [
        ("accepted", "S00", "late_offline"),
        ("flagged", "S31", "late_offline not_due_here"),
        ("quarantined", "", ""),
    ]
    told = [dict(zip(("result", "code", "flags"), word, strict=True)) for word in words]
    common = {"station": "hub", "digest": b"7", "received_ms": 1}
    with house.unit() as unit:
        session = unit.session
        add(session, ScanRow, [{**common, **word, "place": 512 * at, "seq": at} for at, word in enumerate(told)])
        before = "UPDATE scan SET result = 'accepted', code = 'S00', flags = 'late_offline' WHERE place = ?"
        add(session, ScanRow, [{**common, **told[0], "place": 512 * 3, "seq": 3}])
        held = ask(session, "SELECT result, code, flags FROM scan ORDER BY place", ())
        assert held == [("a", "0", "l"), ("f", "S31", "late_offline not_due_here"), ("q", "", ""), ("a", "0", "l")]
        change(session, before, (512 * 3,))
        read = [(scan.result, scan.code, scan.flags) for scan in scan_book.scans_from(session, 0, limit=9)]
        assert read == [*words, words[0]]
        rows = session.exec(select(ScanRow).order_by(col(ScanRow.place))).all()
        assert [(row.result, row.code, row.flags) for row in rows] == read
        found = pick(session, ScanRow, ("place", "result"), by=("place",), values=[512, 512 * 3])
        assert sorted(found) == [(512, "flagged"), (512 * 3, "accepted")]
