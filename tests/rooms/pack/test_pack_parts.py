"""JSON with one spelling, contacts taken out, and files that must fit what lists them."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.investigation.pack import entries as pack_entries
from custody.investigation.pack import locks as pack_locks
from custody.investigation.pack import seal as pack_seal
from custody.investigation.pack.json_form import plain, read_as, read_json, unb64, write_json
from custody.investigation.pack.redact import holds_contact, leave_out, redact
from custody.investigation.pack.seal import FileRow
from custody.kernel.base64url import b64
from custody.kernel.errors import Rejected

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(value=VALUES)
def test_what_is_written_as_json_is_read_back_unless_no_strict_reader_takes_it(value: Any) -> None:
    try:
        raw = write_json(value)
    except UnicodeEncodeError:
        return
    if "\\u0000" in raw.decode():
        with pytest.raises(Rejected):
            read_json(raw, where="f")
    else:
        assert read_json(raw, where="f") == value


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"{ }\n",
        b"{}\r\n",
        b'{"b": 1,\n "a": 2}\n',
        b'{"a":1}\n',
        b"\xef\xbb\xbf{}\n",
        b"NaN\n",
        b"1e999\n",
        b'{\n "a": 1,\n "a": 1\n}\n',
        b"[" * 5000,
        b'"\\u00e4"\n',
        b"1.0e0\n",
        b"-0\n",
        b"9" * 5000 + b"\n",
    ],
)
def test_another_spelling_of_json_is_refused(raw: bytes) -> None:
    with pytest.raises(Rejected):
        read_json(raw, where="f")


def test_missing_wrong_and_unknown_members_are_refused() -> None:
    row = plain(FileRow(name="a", bytes=1, sha256="00"))
    assert read_as(row, FileRow, where="f") == FileRow(name="a", bytes=1, sha256="00")
    for wrong in ({**row, "more": 1}, {"name": "a"}, {**row, "bytes": "1"}, {**row, "bytes": 1.5}, [], None, "x"):
        with pytest.raises(Rejected):
            read_as(wrong, FileRow, where="f")


@settings(max_examples=60, deadline=None)
@given(raw=st.binary(max_size=40))
def test_bytes_have_one_spelling_in_json(raw: bytes) -> None:
    assert unb64(b64(raw), where="f") == raw
    for other in (b64(raw) + "=", b64(raw) + "\n", f" {b64(raw)}"):
        with pytest.raises(Rejected):
            unb64(other, where="f")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("write to jo.b+x@example.co.uk please", "write to [e-mail address left out] please"),
        ("call 07700 900123 or +44 7700 900123", "call [phone number left out] or [phone number left out]"),
        ("(01632) 960001", "[phone number left out]"),
        ("ring 020 7946 0958", "ring [phone number left out]"),
    ],
)
def test_contacts_in_words_are_taken_out(text: str, left: str) -> None:
    cut, rows = redact({"a": [text]}, file="f")
    assert cut == {"a": [left]}
    assert [(row.file, row.where) for row in rows] == [("f", "/a/0")]
    assert holds_contact([text])


@pytest.mark.parametrize(
    "text",
    [
        "https://id.gs1.org/00/195214730000088169",
        "https://id.gs1.org/01/09521473003813/21/001017004829159",
        "urn:gsma:imei:00101700-482915-0",
        "urn:gsma:imei:01101700-482915-0",
        "2026-05-11T08:14:00.000+01:00",
        "0800 000 000",
        "0333 123 4567",
        "order SO-20991 for £899.00",
        "a" * 64,
        "0" * 15,
        "3f0123456789abcdef" * 3,
    ],
)
def test_identifiers_times_and_the_houses_own_numbers_are_no_contacts(text: str) -> None:
    assert not holds_contact(text)


def test_only_members_that_held_something_are_listed_as_left_out() -> None:
    value = {"support_needs": ["large print"], "notes": [], "kept": 1}
    rows = leave_out(value, {"support_needs": "why", "notes": "why", "absent": "why"}, file="f", where="/case")
    assert value == {"kept": 1}
    assert [(row.where, row.why) for row in rows] == [("/case/support_needs", "why")]


def test_a_file_the_manifest_does_not_list_or_lists_otherwise_is_refused(files: dict[str, bytes]) -> None:
    pack_seal.read_manifest(files)
    for changed in (
        {**files, "more.json": b"{}\n"},
        {name: content for name, content in files.items() if name != "trail.json"},
        {**files, "trail.json": files["trail.json"] + b" "},
        {**files, "trail.json": files["report.html"]},
        {name: content for name, content in files.items() if name != "seal.json"},
        {**files, "manifest.json": files["manifest.json"].replace(b"weaklink-pack/1", b"weaklink-pack/9")},
    ):
        with pytest.raises(Rejected):
            pack_seal.read_manifest(changed)


def test_entries_that_do_not_fit_their_table_are_refused(files: dict[str, bytes]) -> None:
    note = files["checkpoint.note"]
    entries = pack_entries.read_entries(files, note, {})
    assert pack_entries.write_entries(entries, note).items() <= files.items()
    rows = json.loads(files[pack_entries.TABLE])
    scan = next(row for row in rows if row["judged"])
    stem = pack_entries.stem(scan["index"])
    for wrong in (
        {pack_entries.TABLE: write_json(list(reversed(rows)))},
        {pack_entries.TABLE: write_json([*rows, rows[-1]])},
        {pack_entries.TABLE: write_json([{**row, "digest": "00"} for row in rows])},
        {pack_entries.TABLE: write_json([{**row, "judged": None} for row in rows])},
        {pack_entries.TABLE: write_json([{**row, "opening": "none"} for row in rows])},
        {f"{stem}.tlog-proof": files[f"{stem}.tlog-proof"].replace(b"index ", b"index 1")},
        {f"{stem}.tlog-proof": files[f"{stem}.tlog-proof"].replace(b"index", b"extra AA==\nindex")},
        {f"{pack_entries.stem(0)}.opening": b"not one that a policy has"},
    ):
        with pytest.raises(Rejected):
            pack_entries.read_entries(files | wrong, note, {})
    for gone in (f"{stem}.cose", f"{stem}.opening", f"{stem}.receipt", f"{stem}.tlog-proof"):
        with pytest.raises(Rejected):
            pack_entries.read_entries({name: raw for name, raw in files.items() if name != gone}, note, {})


def test_a_lock_history_that_does_not_fit_its_table_is_refused(files: dict[str, bytes]) -> None:
    locks = pack_locks.read_locks(files)
    assert pack_locks.write_locks(locks).items() <= files.items()
    table = json.loads(files[pack_locks.TABLE])
    order = table["orders"][0]
    for wrong in (
        {**table, "orders": [order, order]},
        {**table, "orders": [{**order, "order": "another"}]},
        {**table, "orders": [{**order, "commands": [{**order["commands"][0], "acked_ms": None}]}]},
        {**table, "orders": [{**order, "device_key": "AAAA"}]},
        {**table, "lock_key": "pQ"},
    ):
        with pytest.raises(Rejected):
            pack_locks.read_locks(files | {pack_locks.TABLE: write_json(wrong)})
