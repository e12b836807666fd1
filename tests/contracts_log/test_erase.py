"""Erasing: what is personal goes, the log stays whole, and what is still needed is kept."""

import sqlite3
from collections.abc import Collection, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import event
from sqlmodel import Session, col, select

from custody.disputes.opening import Report
from custody.disputes.order import OrderFacts
from custody.gs1.imei import imei_urn
from custody.kernel.clock import DAY_MS
from custody.kernel.errors import Conflict, NotFound, Rejected
from custody.ledger.record import open_record
from custody.scans.place import place_of
from custody.store import case_book, erase_book, log_reader
from custody.store.case_book import CaseFile
from custody.store.press import OPENINGS
from custody.store.run_tables import ItemKeyRow
from custody.store.tables import (
    DisputeEventRow,
    DisputeRow,
    EvidenceRow,
    MessageRow,
    OpeningRow,
    QuarantineRow,
    SaleRow,
)
from custody.store.write_ahead import drop_old_pages
from custody.usecases.erase import NOTICE, Erased, erase
from custody.usecases.move_case import withdraw
from custody.usecases.open_dispute import open_dispute
from custody.usecases.read_trail import read_trail
from custody.usecases.record_sale import Sale, read_sale, record_sale
from devicelock.usecases.forget_locks import forget_locks, locks_on
from simulators.events import finish, write
from simulators.parcel import Parcel
from tests.contracts_log.small_house import findings, raises
from tests.contracts_store.houses import forge
from tests.world import World
from tests.world_parts import key

WHY = "the retention period is over"


def nothing(_session: Session, _imeis: Collection[str]) -> Sequence[str]:
    return ()


def run(world: World, target: str, **more: Any) -> Erased:
    with world.house.unit() as unit:
        done = erase(unit, target, reason=WHY, actor="supervisor-1", holds=locks_on, forgets=forget_locks, **more)
    drop_old_pages(world.engine)
    return done


def sscc(parcel: Parcel) -> str:
    return f"https://id.gs1.org/00/{parcel.sscc}" if not parcel.sscc.startswith("http") else parcel.sscc


def openings(world: World, indexes: Collection[int]) -> list[bytes]:
    with world.house.read() as session:
        rows = session.scalars(select(OpeningRow).where(col(OpeningRow.place).in_([*map(place_of, indexes)]))).all()
        return [row.content for row in rows if row.content is not None]


def on_disk(world: World) -> bytes:
    path = Path(world.url.removeprefix("sqlite:///"))
    return b"".join(file.read_bytes() for file in sorted(path.parent.glob(f"{path.name}*")))


def sell_unscanned(world: World, order: str, imei: str) -> int:
    """An order whose parcel nobody has scanned; returns the entry of its record."""
    facts = OrderFacts(order_ref=order, price_pence=89_900)
    sale = Sale(order_ref=order, imei=imei, product="phone", contact="ottoline@example.com", region=3, facts=facts)
    with world.house.unit() as unit:
        return record_sale(unit, sale)


def test_a_parcels_openings_go_and_the_log_still_audits_clean(world: World) -> None:
    parcel = world.parcels[0]
    with world.house.read() as session:
        before = read_trail(session, sscc(parcel))
    held = openings(world, [scan.index for scan in before.scans])
    assert len(held) == len(before.scans) > 3
    done = run(world, f"po:{parcel.order}")
    assert done.target == sscc(parcel)
    assert done.openings
    assert findings(world.house) == []
    with world.house.read() as session:
        after = read_trail(session, sscc(parcel))
        gone = {scan.index for scan in before.scans} - {scan.index for scan in after.scans}
        shown = {row.index for row in after.erased}
        named = {scan.index for scan in before.scans if not scan.event.keys().isdisjoint({sscc(parcel)})}
        assert shown == gone & named, "what never named the parcel is found by nothing any more"
        assert len(shown) > 3
        assert gone | {read_sale_index(session, parcel)} == set(done.openings)
        keys = session.scalars(
            select(col(ItemKeyRow.key)).where(col(ItemKeyRow.place).in_([*map(place_of, gone)]))
        ).all()
        assert set(keys) == {sscc(parcel)}
        for index in gone:
            entry = log_reader.entry(session, index)
            assert (entry.opening, entry.erased_ms) == (None, done.at_ms)
        with raises(NotFound, "item"):
            read_trail(session, parcel.unit.imei)


def read_sale_index(session: Session, parcel: Parcel) -> int:
    row = session.get(SaleRow, parcel.order)
    assert row is not None
    assert msgspec.json.decode(row.facts)["contact"] == ""
    return row.recorded_idx


def test_nothing_of_it_is_left_on_the_disk(world: World) -> None:
    parcel = world.parcels[0]
    with world.house.read() as session:
        found = read_trail(session, sscc(parcel))
    contact = f"customer-{parcel.order.lower()}@example.com".encode()
    drop_old_pages(world.engine)
    openings_of_it = set(openings(world, [scan.index for scan in found.scans]))
    kept = [opening for opening in openings_of_it if OPENINGS.press(opening) in on_disk(world)]
    assert kept, "some contents lie whole in one page"
    assert contact in on_disk(world)
    done = run(world, sscc(parcel))
    world.engine.dispose()
    raw = on_disk(world)
    mine = set(kept).difference(openings(world, done.shared))
    assert mine
    assert [opening for opening in mine if OPENINGS.press(opening) in raw] == []
    assert contact not in raw


def test_the_notice_is_a_salted_record_that_names_no_parcel(world: World) -> None:
    parcel = world.parcels[0]
    done = run(world, sscc(parcel))
    with world.house.read() as session:
        entry = log_reader.entry(session, done.index)
    record = open_record(entry.raw, entry.opening or b"")
    assert record.kind == NOTICE
    assert record.fields["openings"] == list(done.openings)
    assert record.fields["reason"] == WHY
    assert parcel.sscc.rpartition("/")[2].encode() not in (entry.opening or b"")


def test_erasing_again_answers_as_before_and_writes_nothing(world: World) -> None:
    first = run(world, sscc(world.parcels[0]))
    size = world.size
    again = run(world, sscc(world.parcels[0]))
    assert (again.repeated, again.id, again.index, again.openings) == (True, first.id, first.index, first.openings)
    assert world.size == size
    late = world.see("pack", sscc(world.parcels[0])) if "pack" in world.network.stations else None
    if late is not None:
        (ack,) = world.send([late])
        assert run(world, sscc(world.parcels[0])).openings == (ack.index,)


def test_erasing_again_takes_what_was_kept_aside_since(world: World) -> None:
    parcel = world.parcels[0]
    first = run(world, sscc(parcel))
    post, station = next(iter(world.network.stations.items()))
    world.send([forge(station, world.see(post, sscc(parcel)), signer=key("a stranger"))])
    again = run(world, sscc(parcel))
    assert (again.repeated, again.index) == (True, first.index)
    with world.house.read() as session:
        (aside,) = session.scalars(select(QuarantineRow)).all()
        assert aside.opening == b""


def aside(world: World, item: str, **more: Any) -> bytes:
    """Keep a scan of something under a strange key; returns its digest."""
    post, station = next(iter(world.network.stations.items()))
    forged = forge(station, world.see(post, item, **more), signer=key("a stranger"))
    world.send([forged])
    return forged.digest


def kept_aside(world: World) -> set[bytes]:
    with world.house.read() as session:
        return {row.digest for row in session.scalars(select(QuarantineRow)) if row.opening}


def test_what_was_kept_aside_goes_by_whatever_name_it_told_of_the_parcel(world: World) -> None:
    mine, other = world.parcels
    ordered = {
        "bizTransactionList": [{"type": "po", "bizTransaction": f"urn:epcglobal:cbv:bt:9521473000009:{mine.order}"}]
    }
    place = sscc(mine).rpartition("/")[2]
    urn = f"urn:epc:id:sscc:{place[1:8]}.{place[0]}{place[8:17]}"
    for item in (sscc(mine), urn, mine.unit.imei_urn):
        aside(world, item)
    aside(world, "https://id.gs1.org/8004/9521473000009cage", **ordered)
    others = {aside(world, sscc(other)), aside(world, other.unit.imei_urn), aside(world, sscc(other), **ordered)}
    assert len(kept_aside(world)) == 7
    run(world, sscc(mine))
    assert kept_aside(world) == others


def test_what_was_read_of_it_before_is_not_read_again_while_no_scan_can_be_taken_and_what_came_since_is(
    world: World,
) -> None:
    mine, other = world.parcels
    early = {aside(world, sscc(parcel)) for parcel in world.parcels}
    with world.house.read() as session:
        ahead = erase_book.read_quarantine(session)
    assert {digest for digest, _ in ahead} == early
    since = {aside(world, sscc(other), bizLocation={"id": "https://id.gs1.org/414/9521473000207"})}
    aside(world, mine.unit.imei_urn)
    read: list[bytes] = []

    def note(row: QuarantineRow, _context: object) -> None:
        read.append(row.digest)

    event.listen(QuarantineRow, "load", note)
    run(world, sscc(mine), ahead=ahead)
    event.remove(QuarantineRow, "load", note)
    assert len(read) == 2
    assert early.isdisjoint(read)
    left = kept_aside(world)
    assert len(left) == 2
    assert since < left


def test_an_erased_scan_that_is_sent_again_brings_nothing_back(world: World) -> None:
    parcel = world.parcels[0]
    done = run(world, sscc(parcel))
    acks = world.send(world.network.scans)
    assert {ack.verdict.result for ack in acks} == {"duplicate"}
    assert openings(world, done.openings) == []


def test_other_parcels_keep_their_trails(world: World) -> None:
    mine, other = world.parcels[0], world.parcels[1]
    with world.house.read() as session:
        before = read_trail(session, sscc(other))
    done = run(world, sscc(mine))
    with world.house.read() as session:
        after = read_trail(session, sscc(other))
    assert [scan.index for scan in after.scans] == [scan.index for scan in before.scans]
    assert not set(done.openings) & {scan.index for scan in before.scans}
    later = run(world, sscc(other))
    assert findings(world.house) == []
    assert not set(later.openings) & set(done.openings)


def pack_again(world: World, handset: str, *, into: str, order: str) -> None:
    """The scan that says that a handset was packed for an order."""
    bench, at_ms, event_id = world.network.stations["wh-1/pack-1"], world.clock.now_ms(), f"urn:uuid:{order}"
    body = {
        "type": "AggregationEvent",
        "parentID": into,
        "childEPCs": [handset],
        "action": "ADD",
        "bizStep": "packing",
        "bizTransactionList": [{"type": "po", "bizTransaction": f"urn:epcglobal:cbv:bt:9521473000009:{order}"}],
    }
    event = write(finish(body, at_ms=at_ms, event_id=event_id))
    world.send([bench.sign(event, subject="urn:uuid:again", event_id=event_id, at_ms=at_ms)])


def test_who_sent_a_handset_back_is_erased_without_the_one_it_was_sold_to_next(world: World) -> None:
    mine, later = world.parcels[0], "https://id.gs1.org/00/195214730000099998"
    world.clock.at_ms += DAY_MS
    sell_unscanned(world, "SO-17", mine.unit.imei_urn)
    pack_again(world, mine.unit.imei_urn, into=later, order="SO-17")
    done = run(world, f"po:{mine.order}")
    assert done.target == sscc(mine)
    assert findings(world.house) == []
    with world.house.read() as session:
        assert read_sale(session, mine.order).sale.contact == ""
        assert read_sale(session, "SO-17").sale.contact == "ottoline@example.com"
        assert [len(scans) for scans in (read_trail(session, later).scans, read_trail(session, later).erased)] == [1, 0]


def test_an_open_case_and_a_running_lock_hold_the_evidence(world: World) -> None:
    parcel = world.parcels[0]
    world.handset(parcel)
    opened = world.dispute(parcel, "substituted")
    for target in (sscc(parcel), opened.case):
        with world.refused(Conflict, "legal_hold"):
            run(world, target)
    with world.house.unit() as unit:
        row = unit.session.get(DisputeRow, opened.case)
        assert row is not None
        row.state = "withdrawn"
        unit.session.add(row)
    with world.refused(Conflict, "legal_hold"):
        run(world, sscc(parcel))
    world.found(opened)
    world.deliver()


def test_a_cases_words_files_messages_and_records_go_once_it_is_over(world: World) -> None:
    secret = "My neighbour says the courier smelled of cinnamon"
    opened = world.dispute(world.parcels[0], "missing_accessory", words=secret)
    case = opened.case
    with world.house.unit() as unit:
        unit.session.add(
            EvidenceRow(
                id="ev_1",
                dispute=case,
                name="cinnamon.jpg",
                media_type="image/jpeg",
                sha256=bytes(32),
                content=b"cinnamon",
                given_by="customer",
                at_ms=unit.now_ms,
            )
        )
    with world.house.unit() as unit:
        withdraw(unit, case, actor="customer", locks_settled=True)
    with world.house.read() as session:
        lines = {event.idx for event in case_book.timeline(session, case) if event.idx is not None}
        token = session.get_one(DisputeRow, case).token_hash
    done = run(world, case)
    assert set(done.openings) == lines
    assert findings(world.house) == []
    with world.house.read() as session:
        row = session.get_one(DisputeRow, case)
        file = msgspec.json.decode(row.facts, type=CaseFile)
        assert (file.case.words, file.case.state, row.token_hash != token) == ("erased", "withdrawn", True)
        assert session.get(EvidenceRow, "ev_1") is None
        assert {text for _, text in case_book.messages(session, case)} <= {"erased"}
        assert {event.facts for event in session.scalars(select(DisputeEventRow)) if event.dispute == case} == {"{}"}
        assert all(message.text == "erased" for message in session.scalars(select(MessageRow)).all())
    assert run(world, case).repeated
    world.engine.dispose()
    with closing(sqlite3.connect(world.url.removeprefix("sqlite:///"))) as database:
        dump = "\n".join(database.iterdump())
    assert secret not in dump
    assert "cinnamon" not in dump
    assert secret.encode() not in on_disk(world)


def test_the_contact_of_an_order_that_nobody_scanned_goes_by_its_number(world: World) -> None:
    index = sell_unscanned(world, "SO-17", imei_urn("490154203237518"))
    done = run(world, "po:SO-17")
    assert (done.target, done.openings, done.repeated) == ("po:SO-17", (index,), False)
    assert findings(world.house) == []
    with world.house.read() as session:
        sale = read_sale(session, "SO-17").sale
        assert (sale.contact, sale.region, sale.facts.price_pence) == ("", None, 89_900)
    again = run(world, "po:SO-17")
    assert (again.repeated, again.index) == (True, done.index)
    world.engine.dispose()
    assert b"ottoline" not in on_disk(world)


def test_the_contact_of_an_order_that_was_picked_and_never_packed_goes_by_its_number(world: World) -> None:
    handset = imei_urn("490154203237518")
    index = sell_unscanned(world, "SO-17", handset)
    order = {"type": "po", "bizTransaction": "urn:epcglobal:cbv:bt:9521473000009:SO-17"}
    world.send([world.see(next(iter(world.network.stations)), handset, bizTransactionList=[order])])
    with world.house.read() as session:
        assert read_trail(session, "po:SO-17").trail.belongings.parcel is None
    assert run(world, "po:SO-17").openings == (index,)
    with world.house.read() as session:
        assert read_sale(session, "SO-17").sale.contact == ""
    with raises(Rejected, "parcel"):
        run(world, handset)


def test_an_open_case_about_an_order_that_nobody_scanned_holds_its_contact(world: World) -> None:
    sell_unscanned(world, "SO-17", imei_urn("490154203237518"))
    with world.house.unit() as unit:
        report = Report(
            words="It never came.", channel="web", reported_ms=unit.now_ms, order=OrderFacts(order_ref="SO-17")
        )
        open_dispute(unit, report, owner="agent-1", imei=None, parcel=None, order_named=True)
    with world.refused(Conflict, "legal_hold"):
        run(world, "po:SO-17")


def test_what_cannot_be_erased_says_why(world: World) -> None:
    with raises(NotFound, "dispute"):
        run(world, "case_unknown")
    with raises(NotFound, "item"):
        run(world, "195214730000088169")
    with raises(NotFound, "item"):
        run(world, "po:SO-99")
    with raises(Rejected, "reason"), world.house.unit() as unit:
        erase(unit, sscc(world.parcels[0]), reason=" ", actor="supervisor-1", holds=nothing)
