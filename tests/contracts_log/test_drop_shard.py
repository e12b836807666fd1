"""Dropping shards: what is over goes, what is needed stays and is counted, and the log is whole throughout."""

from datetime import date

import pytest
from sqlmodel import col, select

from custody.disputes.order import OrderFacts
from custody.disputes.policy import DEFAULT_POLICY
from custody.kernel.errors import Conflict, NotFound, Rejected, Unavailable
from custody.kernel.receipt import verify_receipt
from custody.scans.scan import open_scan
from custody.scans.shard import Quarter
from custody.store import batch_book, log_reader
from custody.store.run_tables import ItemKeyRow
from custody.store.tables import ErasureRow, ParcelRow, QuarantineRow
from custody.usecases import drop_shard
from custody.usecases.prove_entry import fresh_receipt
from custody.usecases.read_trail import read_trail
from custody.usecases.record_sale import Sale, read_sale, record_sale
from tests.contracts_log.shard_yard import WHY, Yard, sign_batch
from tests.contracts_log.small_house import OTHER_SSCC, SSCC, Bench, raises, running_intake, send, size_of
from tests.contracts_store.faults import broken_commit
from tests.handed_in import hand_in
from tests.world_parts import key

YEARS = 6
HANDSET = "urn:gsma:imei:35693803-564380-0"


def old_quarter(yard: Yard) -> Quarter:
    """A quarter with scans of two groups, plain ones and a batch, closed, and kept for long enough."""
    yard.station("bench-1", "north")
    yard.see("bench-1", SSCC, OTHER_SSCC)
    yard.see("bench-2", SSCC)
    yard.see_together("bench-1", SSCC, OTHER_SSCC, SSCC)
    quarter = yard.end_quarter()
    yard.go_to(quarter.keep_until_ms(YEARS))
    return quarter


def keys_of(yard: Yard) -> set[str]:
    """Everything under which a scan is found."""
    with yard.house.read() as session:
        return set(session.scalars(select(ItemKeyRow.key)).all())


def remembered(yard: Yard) -> set[str]:
    """What the judge remembers anything of."""
    with yard.house.read() as session:
        return set(session.scalars(select(ParcelRow.key)).all())


def notices(yard: Yard) -> list[list[object]]:
    """The openings that each notice of a dropping names, as the log has them."""
    with yard.house.read() as session:
        rows = session.scalars(select(ErasureRow).order_by(col(ErasureRow.idx))).all()
    records = [yard.record(row.idx) for row in rows]
    assert {record.fields["what"] for record in records} <= {"shard"}
    return [
        [tuple(each) if isinstance(each, list) else each for each in record.fields["openings"]] for record in records
    ]


def test_everything_of_a_shards_scans_goes_and_the_log_audits_clean(yard: Yard) -> None:
    quarter = old_quarter(yard)
    north = yard.drop(f"{quarter.name}/north")
    assert (north.gone, north.held, north.shared, north.repeated) == (5, 0, 0, False)
    assert yard.complaints() == []
    with yard.house.read() as session:
        assert [len(read_trail(session, SSCC).scans), len(read_trail(session, SSCC).erased)] == [1, 3]
        with raises(NotFound, "item"):
            read_trail(session, OTHER_SSCC)
    assert OTHER_SSCC not in keys_of(yard) | remembered(yard)
    assert SSCC in remembered(yard)
    rest = yard.drop(f"{quarter.name}/all")
    assert (rest.gone, yard.readable()) == (1, [])
    assert (keys_of(yard), remembered(yard)) == (set(), set())
    assert yard.complaints() == []
    with yard.house.read() as session, raises(NotFound, "item"):
        read_trail(session, SSCC)


def test_the_record_of_a_dropping_says_what_became_of_the_shard(yard: Yard) -> None:
    quarter = old_quarter(yard)
    done = yard.drop(f"{quarter.name}/north")
    assert done.index == yard.shards[done.shard].dropped_idx is not None
    record = yard.record(done.index or 0)
    assert record.kind == "shard.dropped"
    said = {name: record.fields[name] for name in ("shard", "openings", "held", "shared", "reason", "actor")}
    assert said == {
        "shard": done.shard,
        "openings": 5,
        "held": 0,
        "shared": 0,
        "reason": WHY,
        "actor": "supervisor-1",
    }
    assert sum(map(len, notices(yard))) == 5


def test_dropped_scans_are_to_a_replay_what_erased_ones_are(yard: Yard) -> None:
    quarter = old_quarter(yard)
    yard.drop(f"{quarter.name}/north")
    found = yard.replayed()
    assert (found.different, len(found.unread)) == ((), 5)
    yard.see("bench-2", SSCC)
    later = yard.replayed()
    assert later.different == ()
    assert later.same + len(later.after_erased) == 2


def test_receipts_given_before_still_verify(yard: Yard) -> None:
    quarter = old_quarter(yard)
    with yard.house.read() as session:
        stored = [log_reader.entry(session, index) for index in sorted({*yard.readable()})]
        given = [fresh_receipt(session, each, origin="weaklink.example/custody", signer=key("log")) for each in stored]
    yard.drop(f"{quarter.name}/north")
    yard.drop(f"{quarter.name}/all")
    for each, receipt in zip(stored, given, strict=True):
        verify_receipt(receipt, each.raw, key("log").public)
    with yard.house.read() as session:
        now = [log_reader.entry(session, each.idx).raw for each in stored]
    assert now == [each.raw for each in stored]
    assert yard.complaints() == []


def test_a_batchs_seal_and_leaves_stay_and_still_prove_its_scans(yard: Yard) -> None:
    yard.station("bench-1")
    index = yard.see_together("bench-1", SSCC, OTHER_SSCC)
    with yard.house.read() as session:
        before = batch_book.batch(session, index)
    quarter = yard.end_quarter()
    yard.go_to(quarter.keep_until_ms(YEARS))
    assert yard.drop(f"{quarter.name}/all").gone == 2
    assert notices(yard) == [[(index, 0), (index, 1)]]
    with yard.house.read() as session:
        after = batch_book.batch(session, index)
    assert after == before
    assert yard.complaints() == [], "the audit proves every leaf under its seal"


def test_a_shard_is_not_dropped_before_its_day_nor_unless_it_is_closed(yard: Yard) -> None:
    yard.see("bench-1")
    quarter = yard.quarter
    with raises(Conflict, "kept"):
        yard.drop(f"{quarter.name}/all")
    yard.end_quarter()
    yard.go_to(quarter.keep_until_ms(YEARS) - 10)
    size = size_of(yard.house)
    with pytest.raises(Conflict) as caught:
        yard.drop(f"{quarter.name}/all")
    assert "2032-10-01" in caught.value.detail
    yard.go_to(quarter.keep_until_ms(YEARS))
    with raises(Conflict, "not_closed"):
        yard.drop(f"{quarter.name}/north")
    with raises(Rejected, "shard"):
        yard.drop("everything")
    assert (size_of(yard.house), len(yard.readable())) == (size, 1)
    assert yard.drop(f"{quarter.name}/all").gone == 1


def test_a_rule_that_came_to_keep_scans_longer_is_obeyed(yard: Yard) -> None:
    quarter = old_quarter(yard)
    policy = DEFAULT_POLICY.override("raw_scan_retention_years", 7, from_date=date(2030, 1, 1), note="for the test")
    with raises(Conflict, "kept"):
        list(
            drop_shard.drop_shard(
                yard.house,
                f"{quarter.name}/all",
                reason=WHY,
                actor="supervisor-1",
                locked=lambda _session: (),
                policy=policy,
            )
        )


def test_a_reason_is_asked_for(yard: Yard) -> None:
    quarter = old_quarter(yard)
    with raises(Rejected, "reason"):
        list(
            drop_shard.drop_shard(
                yard.house, f"{quarter.name}/all", reason=" ", actor="supervisor-1", locked=lambda _session: ()
            )
        )


def test_dropping_again_answers_as_before_and_writes_nothing(yard: Yard) -> None:
    quarter = old_quarter(yard)
    first, size = yard.drop(f"{quarter.name}/north"), size_of(yard.house)
    again = yard.drop(f"{quarter.name}/north")
    assert (again.gone, again.index, again.repeated) == (first.gone, first.index, True)
    assert size_of(yard.house) == size


def test_a_group_that_changed_splits_a_stations_scans_by_their_index(yard: Yard) -> None:
    yard.station("bench-1", "north")
    north = yard.see("bench-1", SSCC, SSCC)
    yard.group("bench-1", "south")
    south = yard.see("bench-1", SSCC)
    yard.group("bench-1", "all")
    back = yard.see("bench-1", SSCC)
    quarter = yard.end_quarter()
    yard.go_to(quarter.keep_until_ms(YEARS))
    yard.drop(f"{quarter.name}/south")
    assert yard.readable() == [*north, *back]
    yard.drop(f"{quarter.name}/all")
    assert yard.readable() == north
    assert south
    assert yard.complaints() == []


def test_scans_that_a_later_parcel_stands_on_are_kept_until_it_is_over_too(yard: Yard) -> None:
    pallet = "https://id.gs1.org/00/195214730000099998"
    mine = yard.see("bench-1", SSCC)
    other = yard.see("bench-1", OTHER_SSCC)
    loaded = yard.put("bench-1", SSCC, into=pallet, step="loading")
    carried = yard.see("bench-1", pallet)
    quarter = yard.end_quarter()
    yard.go_to(Quarter(year=2030, number=1).begins_ms)
    yard.see("bench-1", SSCC)
    later = yard.end_quarter()
    yard.go_to(quarter.keep_until_ms(YEARS))
    done = yard.drop(f"{quarter.name}/all")
    assert (done.gone, done.held, done.shared) == (1, 0, 3), "the pallet's own scan tells where the parcel was"
    assert [index for index in yard.readable() if index <= carried[0]] == [*mine, loaded, *carried]
    assert not set(other) & set(yard.readable())
    assert yard.complaints() == []
    yard.go_to(later.keep_until_ms(YEARS))
    again = yard.drop(f"{quarter.name}/all")
    assert (again.gone, again.shared, again.repeated) == (4, 0, False)
    yard.drop(f"{later.name}/all")
    assert (yard.readable(), keys_of(yard), remembered(yard)) == ([], set(), set())
    assert yard.complaints() == []


def test_scans_under_a_lock_are_held_until_it_is_over(yard: Yard) -> None:
    packed = yard.put("bench-1", HANDSET, into=SSCC, step="packing")
    moved = yard.see("bench-1", SSCC)
    yard.see("bench-1", OTHER_SSCC)
    quarter = yard.end_quarter()
    yard.go_to(quarter.keep_until_ms(YEARS))
    with yard.house.read() as session:
        (name,) = {found for found in keys_of(yard) if "gsma" in found}
        assert read_trail(session, name).scans
    done = yard.drop(f"{quarter.name}/all", name)
    assert (done.gone, done.held, done.shared) == (1, 2, 0)
    assert yard.readable() == [packed, *moved]
    over = yard.drop(f"{quarter.name}/all")
    assert (over.gone, over.held, yard.readable()) == (3, 0, [])


def contact(yard: Yard, order: str) -> str:
    """What the seller's record of an order says of whom to reach."""
    with yard.house.read() as session:
        return read_sale(session, order).sale.contact


@pytest.mark.parametrize("again", [False, True])
def test_a_customers_contact_goes_with_the_last_scan_that_names_the_order(
    yard: Yard,
    again: bool,  # noqa: FBT001 - whether a later quarter has such a scan
) -> None:
    with yard.house.unit() as unit:
        for order in ("A-17", "B-18"):
            sale = Sale(order_ref=order, imei=HANDSET, product="phone", contact="a@b.example", facts=OrderFacts())
            record_sale(unit, sale)
    ordered = {"bizTransactionList": [{"type": "po", "bizTransaction": "urn:epcglobal:cbv:bt:9521473000009:A-17"}]}
    yard.station("bench-1", "north")
    yard.see("bench-1", **ordered)
    yard.see("bench-2", **ordered)
    quarter = yard.end_quarter()
    if again:
        yard.see("bench-2", OTHER_SSCC, **ordered)
    yard.go_to(quarter.keep_until_ms(YEARS))
    yard.drop(f"{quarter.name}/north")
    assert contact(yard, "A-17"), "a scan of another group names it too"
    yard.drop(f"{quarter.name}/all")
    assert bool(contact(yard, "A-17")) is again
    assert contact(yard, "B-18"), "no scan ever named it"
    assert yard.complaints() == []


@pytest.mark.parametrize("applied", [False, True])
@pytest.mark.parametrize("after", [0, 1, 2, 3])
def test_a_stop_in_the_middle_loses_nothing_and_a_repeat_goes_on(
    yard: Yard,
    after: int,
    applied: bool,  # noqa: FBT001 - the pair of faults
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(drop_shard, "AT_ONCE", 2)
    quarter = old_quarter(yard)
    all_of_it = [*yard.readable()]
    with broken_commit(yard.house.engine, applied=applied, skip=after), pytest.raises(Unavailable):
        yard.drop(f"{quarter.name}/north")
    assert yard.complaints() == []
    assert 5 - sum(map(len, notices(yard))) == len(yard.readable()) - 1
    done = yard.drop(f"{quarter.name}/north")
    assert (done.gone, len(yard.readable())) == (5, 1)
    named = [opening for notice in notices(yard) for opening in notice]
    assert len(named) == len(set(named)) == 5, "each opening is in one notice"
    assert max(map(len, notices(yard))) == 2
    assert len(all_of_it) == 6
    assert yard.complaints() == []


def test_what_comes_to_be_needed_in_the_middle_of_a_dropping_is_kept(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drop_shard, "AT_ONCE", 1)
    third = "https://id.gs1.org/00/195214730000099998"
    first = yard.see("bench-1", SSCC, SSCC, OTHER_SSCC, third)
    quarter = yard.end_quarter()
    yard.go_to(quarter.keep_until_ms(YEARS))
    locked: list[str] = []
    steps = drop_shard.drop_shard(
        yard.house, f"{quarter.name}/all", reason=WHY, actor="supervisor-1", locked=lambda _session: tuple(locked)
    )
    assert next(steps).gone == 1
    seen_again = yard.see("bench-1", SSCC)
    locked.append(third)
    *_, done = steps
    assert (done.gone, done.held, done.shared) == (2, 1, 1)
    assert yard.readable() == [first[1], first[3], *seen_again]
    assert yard.complaints() == []


def test_a_dropped_scan_that_is_sent_again_brings_nothing_back(yard: Yard) -> None:
    bench = yard.station("bench-1")
    yard.see("bench-1", SSCC)
    quarter = yard.end_quarter()
    yard.go_to(quarter.keep_until_ms(YEARS))
    yard.drop(f"{quarter.name}/all")
    (ack,) = send(yard.house, bench.made[0])
    assert ack.verdict.result == "duplicate"
    assert (yard.readable(), keys_of(yard)) == ([], set())


def test_what_was_kept_aside_under_its_stations_names_goes_with_a_shard(yard: Yard) -> None:
    yard.station("bench-1", "north")
    yard.see("bench-1")
    stranger = Bench(name="bench-1", signer=key("somebody"))
    other = Bench(name="bench-8", signer=key("nobody"))
    send(yard.house, stranger.sign(yard.house), other.sign(yard.house))
    quarter = yard.end_quarter()
    send(yard.house, stranger.sign(yard.house))
    yard.go_to(quarter.keep_until_ms(YEARS))
    yard.drop(f"{quarter.name}/north")
    with yard.house.read() as session:
        rows = session.scalars(select(QuarantineRow).order_by(col(QuarantineRow.received_ms))).all()
    left = {open_scan(row.statement, row.opening).station for row in rows if row.opening}
    assert (len(rows), [bool(row.opening) for row in rows].count(True), left) == (3, 2, {"bench-1", "bench-8"})
    assert rows[-1].opening, "it came in the next quarter"


def test_what_was_kept_aside_of_a_handset_under_a_lock_stays_in_any_spelling_and_from_a_batch(yard: Yard) -> None:
    yard.station("bench-1")
    yard.put("bench-1", HANDSET, into=SSCC, step="packing")
    single, together = (Bench(name="bench-1", signer=key(who)) for who in ("somebody", "somebody else"))
    send(yard.house, single.sign(yard.house, HANDSET), single.sign(yard.house, OTHER_SSCC))
    with running_intake(yard.house) as intake:
        hand_in(intake, [sign_batch(yard.house, together, (HANDSET, OTHER_SSCC))]).result(timeout=60)
    quarter = yard.end_quarter()
    yard.go_to(quarter.keep_until_ms(YEARS))
    yard.drop(f"{quarter.name}/all", HANDSET)
    with yard.house.read() as session:
        left = [row.opening for row in session.scalars(select(QuarantineRow)) if row.opening]
    assert len(left) == 2
    assert all(b"35693803-564380-0" in opening for opening in left)


def test_the_opening_of_a_record_is_no_scans_and_stays(yard: Yard) -> None:
    quarter = old_quarter(yard)
    yard.drop(f"{quarter.name}/north")
    for row in yard.shards.values():
        assert yard.record(row.idx).fields["shard"] == row.name
