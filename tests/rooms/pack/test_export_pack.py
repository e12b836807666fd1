"""What goes into a pack, what stays out, and that it is the same each time."""

import hashlib
import html
import json
import re
import zlib
from pathlib import Path

import pytest
import scitt_cose
from sqlalchemy import select
from sqlmodel import col

from custody.investigation.pack.archive import read_zip
from custody.investigation.pack.json_form import write_json
from custody.investigation.pack.redact import CONTACT
from custody.investigation.verify.form import open_pack
from custody.investigation.verify.pack import verify_pack
from custody.investigation.wording import NEVER
from custody.kernel import cbor, cose
from custody.kernel.errors import NotFound, Rejected
from custody.ledger.record import CONTENT_TYPE as RECORD
from custody.ledger.statements import KEY_ADD, KEY_REVOKE, POLICY
from custody.scans.scan import CONTENT_TYPE as SCAN
from custody.store import case_book, inquiry_book, log_reader
from custody.store.tables import CheckpointRow, EvidenceRow
from custody.usecases.enrol_station import revoke
from custody.usecases.export_pack import Beside, PackExported, draw_up_pack, seal_pack
from custody.usecases.investigate import Inquirer, conclude
from custody.usecases.open_log import change_rules
from tests.rooms.pack.pack_world import (
    IMEI,
    LINKS,
    PARCEL,
    World,
    examine,
    export_pack,
    key,
    open_case_of,
    open_world,
    send_parcel,
    whole_story,
)


def table(files: dict[str, bytes]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = json.loads(files["entries.json"])
    return rows


def test_the_same_story_makes_the_same_bytes(tmp_path: Path, pack: PackExported) -> None:
    with open_world(f"sqlite:///{tmp_path / 'again.sqlite3'}") as world:
        whole_story(world)
        assert world.export().content == pack.content


def test_a_pack_says_its_digest_and_the_log_holds_that_of_its_manifest(world: World, pack: PackExported) -> None:
    assert pack.digest == hashlib.sha256(pack.content).digest()
    assert pack.manifest == hashlib.sha256(read_zip(pack.content)["manifest.json"]).digest()
    with world.house.read() as session:
        entry = log_reader.entry(session, pack.index)
        lines = case_book.timeline(session, world.case)
    assert entry.opening is not None
    record = cbor.decode(entry.opening[32:])
    assert (record["kind"], record["manifest"], record["dispute"]) == ("pack.exported", pack.manifest, world.case)
    assert (lines[-1].kind, lines[-1].idx) == ("pack.exported", pack.index)


def test_every_kind_of_entry_that_matters_is_there_and_nothing_of_other_parcels(
    world: World, files: dict[str, bytes]
) -> None:
    rows = table(files)
    kinds = [row["content_type"] for row in rows]
    assert kinds.count(POLICY) == 1
    assert kinds.count(KEY_ADD) == len(LINKS)
    assert kinds.count(SCAN) == 13
    assert kinds.count(RECORD) == 8
    scanned = {scan.digest.hex() for scan in world.scans if scan.event.keys() & {PARCEL, IMEI}}
    assert {row["digest"] for row in rows if row["content_type"] == SCAN} == scanned
    records = [
        cbor.decode(files[f"entries/{row['index']:012d}.opening"][32:])["kind"]
        for row in rows
        if row["content_type"] == RECORD
    ]
    assert sorted(records) == [
        "device.registered",
        "dispute.opened",
        "dispute.ranked",
        "lock.approved",
        "lock.locked",
        "lock.published",
        "lock.requested",
        "sale.recorded",
    ]


def test_a_checker_that_we_did_not_write_accepts_the_receipts(files: dict[str, bytes]) -> None:
    log_key = files["keys/log.pem"].decode()
    receipts = [name for name in files if name.endswith(".receipt")]
    assert len(receipts) == 13
    for name in receipts:
        entry = files[name.replace(".receipt", ".cose")]
        assert scitt_cose.verify_receipt(files[name], leaf_entry_hex=entry.hex(), log_public_key_pem=log_key).ok
        longer = (entry + b"\0").hex()
        assert not scitt_cose.verify_receipt(files[name], leaf_entry_hex=longer, log_public_key_pem=log_key).ok


def test_an_opening_is_salt_and_the_very_bytes_that_the_station_made(world: World, files: dict[str, bytes]) -> None:
    by_digest = {scan.digest.hex(): scan for scan in world.scans}
    for row in table(files):
        if row["content_type"] == SCAN:
            assert files[f"entries/{row['index']:012d}.opening"] == by_digest[str(row["digest"])].opening


def test_no_contact_and_no_support_need_stands_anywhere_in_a_pack(tmp_path: Path) -> None:
    with open_world(f"sqlite:///{tmp_path / 'house.sqlite3'}") as world:
        words = "Please ring me on 07700 900123 or write to jo@example.org about the power bank."
        open_case_of(world, words=words, support=("uses a wheelchair",))
        with world.house.unit() as unit:
            case_book.note(unit, world.case, "asked", actor="agent-1", facts={"text": "reply to jo@example.org"})
            unit.session.add(
                EvidenceRow(
                    id="ev-1",
                    dispute=world.case,
                    name="jo bloggs.jpg",
                    media_type="image/jpeg",
                    sha256=hashlib.sha256(b"photo").digest(),
                    content=b"photo",
                    given_by="customer",
                    at_ms=unit.now_ms,
                )
            )
        pack = world.export()
    everything = b"\n".join(read_zip(pack.content).values())
    for personal in (b"07700 900123", b"jo@example.org", b"wheelchair", b"bloggs", b"photo\n"):
        assert personal not in everything
    opened = open_pack(pack.content)
    told = {(row.file, row.where, row.why) for row in opened.redactions}
    assert ("dispute.json", "/case/case/words", CONTACT) in told
    assert ("dispute.json", "/case/case/support_needs", "it may tell of somebody's health") in told
    withheld = [entry for entry in opened.entries if entry.withheld]
    assert [entry.content_type for entry in withheld] == [RECORD]
    assert opened.case.evidence[0].sha256 == hashlib.sha256(b"photo").hexdigest()
    verify_pack(pack.content, vkey=world.vkey).demand()


def test_a_case_without_parcel_order_or_scans_has_a_pack_too(tmp_path: Path) -> None:
    with open_world(f"sqlite:///{tmp_path / 'house.sqlite3'}") as world:
        open_case_of(world)
        verification = verify_pack(world.export().content, vkey=world.vkey)
    verification.demand()


def test_content_may_be_withheld_for_a_reason_that_is_told(world: World) -> None:
    index = world.acks[-1].index
    assert index is not None
    pack = world.export(Beside(locks=world.locks, withhold={index: "the recipient asked for it"}))
    opened = open_pack(pack.content)
    assert [(row.file, row.why) for row in opened.redactions if not row.where] == [
        (f"entries/{index:012d}.opening", "the recipient asked for it")
    ]
    verify_pack(pack.content, vkey=world.vkey).demand()


def test_a_revoked_key_and_every_policy_go_along(tmp_path: Path) -> None:
    with open_world(f"sqlite:///{tmp_path / 'house.sqlite3'}") as world:
        send_parcel(world)
        open_case_of(world)
        with world.house.unit() as unit:
            change_rules(world.house, unit, {"provisional_lock": {"people": ["a", "b"]}})
            doubt = world.acks[-1].index
            revoke(unit, station="courier-7", reason="lost", suspect_from=doubt, registrar=key("registrar"))
            revoke(unit, station="hub-in-1", reason="old", suspect_from=None, registrar=key("registrar"))
        pack = world.export()
        rows = table(read_zip(pack.content))
        verification = verify_pack(pack.content, vkey=world.vkey)
    kinds = [row["content_type"] for row in rows]
    assert (kinds.count(POLICY), kinds.count(KEY_REVOKE)) == (2, 2)
    verification.demand()
    said = [check.what for check in verification.checks if check.where == f"entry {doubt}"]
    assert said == ["the station's key was in doubt here; the scan is unproven"]


def test_reading_and_sealing_can_be_two_units(world: World) -> None:
    with world.house.read() as session:
        drawn = draw_up_pack(
            session, world.case, log_signer=world.log, now_ms=world.clock.now_ms(), beside=Beside(locks=world.locks)
        )
    world.other_parcel("dock-2")
    with world.house.unit() as unit:
        sealed = seal_pack(unit, drawn, actor="agent-2", log_signer=world.log)
    verify_pack(sealed.content, vkey=world.vkey).demand()


def test_the_unit_goes_on_after_the_seal_and_commits_as_a_whole(world: World) -> None:
    with world.house.unit() as unit:
        pack = export_pack(unit, world.case, log_signer=world.log)
        after = unit.record("note", {"after": True})
    assert after == pack.index + 1
    with world.house.read() as session:
        assert log_reader.head(session).size == after + 1
        before = log_reader.head(session)
    with pytest.raises(NotFound):
        _export_and_then_another(world, "case_unknown")
    with world.house.read() as session:
        assert log_reader.head(session) == before


def _export_and_then_another(world: World, other: str) -> None:
    with world.house.unit() as unit:
        export_pack(unit, world.case, log_signer=world.log)
        export_pack(unit, other, log_signer=world.log)


def test_an_older_checkpoint_that_does_not_cover_the_entries_is_refused(world: World) -> None:
    with world.house.read() as session:
        notes = select(col(CheckpointRow.note)).where(col(CheckpointRow.size) > 3).order_by(col(CheckpointRow.size))
        older = session.scalars(notes).first()
    assert older is not None
    with pytest.raises(Rejected, match="does not cover"):
        world.export(Beside(note=older))


def test_a_checkpoint_that_is_no_text_or_not_of_this_log_is_refused(world: World, files: dict[str, bytes]) -> None:
    for note in (b"\xff\n1\n", b"\xff" + files["checkpoint.note"], files["checkpoint.note"].replace(b"weak", b"peak")):
        with pytest.raises(Rejected):
            world.export(Beside(note=note))


def test_an_unknown_case_has_no_pack(world: World) -> None:
    with pytest.raises(NotFound), world.house.unit() as unit:
        export_pack(unit, "case_unknown", log_signer=world.log)


def test_the_report_is_plain_accessible_and_kind(files: dict[str, bytes]) -> None:
    page = files["report.html"].decode()
    assert not re.search(r"<script|javascript:|\son\w+=|<link|<img|<iframe|@import|url\(", page, re.IGNORECASE)
    assert not re.search(r'(href|src)="(?!#)', page)
    assert page.startswith("<!DOCTYPE html>")
    assert '<html lang="en-GB">' in page
    assert page.count("<table>") == page.count("<caption>")
    assert len(re.findall(r"<h1>", page)) == 1
    words = html.unescape(re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL)).lower()
    assert [word for word in NEVER if word in words] == []
    for said in ("nothing here points at the customer", "shares:", "not in our data", "weaklink verify", "power bank"):
        assert said in words
    assert "no_anomaly" not in words
    assert not re.search(r"\b(0|100) %", words)
    assert IMEI not in page


def test_what_a_customer_says_is_shown_as_text(tmp_path: Path) -> None:
    with open_world(f"sqlite:///{tmp_path / 'house.sqlite3'}") as world:
        open_case_of(world, words='<script>alert("1")</script> & $title ${sections}')
        page = read_zip(world.export().content)["report.html"].decode()
    assert "<script" not in page
    assert "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; $title ${sections}" in page


def test_the_instructions_name_files_of_this_pack_and_the_logs_key(world: World, files: dict[str, bytes]) -> None:
    text = files["VERIFY.txt"].decode()
    assert world.vkey in text
    example = re.search(r"entries/\d{12}", text)
    assert example is not None
    assert {f"{example.group()}.{end}" for end in ("cose", "opening", "tlog-proof", "receipt")} <= files.keys()
    assert max(map(len, text.splitlines())) <= 120


def test_answers_stored_without_their_inputs_are_shown_and_not_computed_again(tmp_path: Path) -> None:
    with open_world(f"sqlite:///{tmp_path / 'house.sqlite3'}") as world:
        whole_story(world)
        with world.house.unit() as unit:
            row = inquiry_book.read(unit.session, world.case)
            stored = json.loads(row.result or "")
            del stored["recompute"]
            row.result = json.dumps(stored)
            unit.session.add(row)
        pack = world.export()
        verification = verify_pack(pack.content, vkey=world.vkey)
    verification.demand()
    assert ["its inputs are not in the pack" in check.what for check in verification.unchecked] == [True]
    assert b"Most likely" in read_zip(pack.content)["report.html"]


def test_openings_are_small_enough_to_be_read_by_anybody(files: dict[str, bytes]) -> None:
    assert all(len(zlib.compress(raw)) < 8_192 for name, raw in files.items() if name.endswith(".opening"))
    for name, raw in files.items():
        if name.endswith(".cose") and name.startswith("entries/"):
            assert cose.parse(raw).unprotected == {}


@pytest.mark.postgres
def test_a_pack_from_postgresql_holds_as_well(postgres_url: str, pack: PackExported) -> None:
    with open_world(postgres_url) as world:
        whole_story(world)
        again = world.export()
        second = world.export()
    assert again.content == pack.content
    verify_pack(second.content, vkey=world.vkey).demand()


def test_a_promise_kept_in_json_is_written_as_it_is(files: dict[str, bytes]) -> None:
    for name, raw in files.items():
        if name.endswith(".json"):
            assert write_json(json.loads(raw)) == raw


def test_further_records_go_along_when_they_are_named(world: World) -> None:
    with world.house.unit() as unit:
        index = unit.record("authority.proposed", {"authority": "auth-1", "person": "sup-1"})
    pack = world.export(Beside(locks=world.locks, records=(index,)))
    assert index in {entry.index for entry in open_pack(pack.content).entries}
    verify_pack(pack.content, vkey=world.vkey).demand()


def test_what_the_investigation_stores_goes_into_the_pack_as_it_is(tmp_path: Path) -> None:
    with open_world(f"sqlite:///{tmp_path / 'house.sqlite3'}") as world:
        send_parcel(world)
        open_case_of(world)
        with world.house.read() as session:
            finding = Inquirer().investigate(session, world.case, {})
        with world.house.unit() as unit:
            stored = conclude(unit, world.case, finding, actor="inv-1")
        pack = world.export()
        verification = verify_pack(pack.content, vkey=world.vkey)
    verification.demand()
    told = open_pack(pack.content).investigation["stored"]
    assert (told["headline"], told["links"]) == (stored["headline"], json.loads(json.dumps(stored["links"])))


def test_the_customer_is_told_once_that_the_investigation_has_begun(tmp_path: Path) -> None:
    with open_world(f"sqlite:///{tmp_path / 'house.sqlite3'}") as world:
        send_parcel(world)
        open_case_of(world)
        for _ in range(2):
            with world.house.read() as session:
                finding = Inquirer().investigate(session, world.case, {})
            with world.house.unit() as unit:
                conclude(unit, world.case, finding, actor="inv-1")
        with world.house.read() as session:
            said = [text for _, text in case_book.messages(session, world.case) if "We have begun to look" in text]
    assert len(said) == 1


def test_scans_that_came_in_after_the_investigation_are_counted(tmp_path: Path) -> None:
    with open_world(f"sqlite:///{tmp_path / 'house.sqlite3'}") as world:
        send_parcel(world)
        open_case_of(world)
        examine(world)
        look = {"action": "OBSERVE", "epcList": [PARCEL], "bizStep": "inspecting", "wl:sealState": "broken"}
        world.scan("hub-in-1", "ObjectEvent", look)
        verification = verify_pack(world.export().content, vkey=world.vkey)
    verification.demand()
    assert any(check.what.endswith("scans show; 1 came in later") for check in verification.checks)
