"""A handset that is packed into two parcels: what the judge says as scans come, and what replays say of it for ever."""

from typing import Any

import pytest
from sqlmodel import col, select

from custody.gs1.imei import imei_urn
from custody.kernel.clock import DAY_MS
from custody.kernel.errors import NotFound
from custody.scans.edition import RULE
from custody.scans.tolerances import Tolerances
from custody.store.run_tables import ItemKeyRow
from custody.store.tables import ParcelRow
from custody.store.unit import House
from custody.usecases.erase import erase
from custody.usecases.open_log import judge_by
from custody.usecases.read_trail import read_trail
from custody.usecases.register_statement import register
from custody.usecases.replay_verdicts import Comparison, compare_verdicts
from tests.contracts_log.shard_yard import Yard, sign_batch
from tests.contracts_log.small_house import (
    CARRIER,
    HANDSET,
    HOME,
    OTHER_SSCC,
    OUT,
    SSCC,
    Bench,
    enrol_bench,
    findings,
    opened_house,
    packing,
    parties,
    running_intake,
    send,
)
from tests.contracts_store.faults import each_statement
from tests.handed_in import hand_in

IMEIS = [imei_urn("490154203237518"), imei_urn("356938035643809")]
PLAIN = "https://id.gs1.org/01/09521473003813/21/ABC123"
THIRD_SSCC = "https://id.gs1.org/00/195214730000088183"
STRANGER = ["serial_differs"]
YEARS = 6


def compare(house: House) -> Comparison:
    with house.read() as session:
        return compare_verdicts(session, Tolerances())


def forget(house: House, parcel: str = SSCC) -> None:
    with house.unit() as unit:
        erase(unit, parcel, reason="over", actor="supervisor-1", holds=lambda _session, _imeis: ())


def packed(house: House, bench: Bench, into: str, **more: Any) -> tuple[int | None, list[str]]:
    """The entry of a packing of the handset into a parcel, and what was flagged."""
    (ack,) = send(house, bench.sign(house, **packing(into, **more)))
    return ack.index, [flag.code for flag in ack.verdict.flags]


WAYS = ["one by one", "in one group", "in a batch", "with its opening later"]


@pytest.mark.parametrize("way", WAYS)
def test_a_handset_in_two_parcels_is_flagged_however_the_packings_come(database_url: str, way: str) -> None:
    house = opened_house(database_url)
    bench = enrol_bench(house)
    if way == "in a batch":
        batches = [sign_batch(house, bench, [into] * 2, **packing(into)) for into in (SSCC, OTHER_SSCC)]
        with running_intake(house) as intake:
            acks = [hand_in(intake, [each]).result(timeout=60)[0] for each in batches]
    elif way == "in one group":
        acks = send(house, *[bench.sign(house, **packing(into)) for into in (SSCC, OTHER_SSCC)])
    else:
        acks = send(house, bench.sign(house, **packing(SSCC)))
        said = bench.sign(house, **packing(OTHER_SSCC))
        if way == "with its opening later":
            register(house, said[0], Tolerances())
        acks += send(house, said)
    assert [[flag.code for flag in ack.verdict.flags] for ack in acks] == [[], STRANGER]
    assert compare(house).different == ()
    assert findings(house) == []


ENDS = {
    "taken out": packing(SSCC, **OUT),
    "everything taken out": packing(SSCC, childEPCs=None, **OUT),
    "delivered": {"bizStep": "accepting", **parties(CARRIER, HOME)},
    "seen alone": {"epcList": [HANDSET]},
}


@pytest.mark.parametrize("end", ENDS)
def test_a_handset_that_left_its_parcel_may_be_packed_into_another(database_url: str, end: str) -> None:
    house = opened_house(database_url)
    bench = enrol_bench(house)
    packed(house, bench, SSCC)
    send(house, bench.sign(house, **ENDS[end]))
    assert packed(house, bench, OTHER_SSCC)[1] == []
    assert compare(house).different == ()


def test_only_from_the_fourth_edition_on_is_a_handset_in_two_parcels_flagged(sqlite_url: str) -> None:
    house = opened_house(sqlite_url, {RULE: 3})
    bench = enrol_bench(house)
    flagged = [packed(house, bench, parcel)[1] for parcel in (SSCC, OTHER_SSCC)]
    with house.unit() as unit:
        judge_by(house, unit, 4)
    flagged += [packed(house, bench, parcel)[1] for parcel in (THIRD_SSCC, SSCC)]
    assert flagged == [[], [], [], STRANGER]
    assert compare(house).different == ()


def test_no_other_scan_than_one_of_a_handset_in_another_parcel_asks_the_database_more(sqlite_url: str) -> None:
    house = opened_house(sqlite_url)
    bench, asked, counts = enrol_bench(house), list[str](), list[int]()
    for said in ({}, packing(SSCC), {}, packing(SSCC), packing(OTHER_SSCC)):
        asked.clear()
        with each_statement(house.engine, lambda text, _values: asked.append(text)):
            send(house, bench.sign(house, **said))
        counts.append(sum('FROM "parcel"' in question for question in asked))
    assert counts == [1, 1, 1, 1, 2]


def test_the_judge_remembers_in_which_parcel_a_handset_lies_when_another_one_of_it_is_erased(sqlite_url: str) -> None:
    house = opened_house(sqlite_url)
    bench = enrol_bench(house)
    flagged = [packed(house, bench, parcel) for parcel in (SSCC, OTHER_SSCC)]
    forget(house)
    flagged.append(packed(house, bench, THIRD_SSCC))
    assert [flags for _, flags in flagged] == [[], STRANGER, STRANGER]
    found = compare(house)
    assert (found.different, found.after_erased) == ((), (flagged[1][0],))


def test_a_handset_whose_last_parcel_was_erased_is_not_blamed_for_lying_in_the_one_before(sqlite_url: str) -> None:
    house = opened_house(sqlite_url)
    bench = enrol_bench(house)
    packed(house, bench, SSCC)
    packed(house, bench, OTHER_SSCC)
    forget(house, OTHER_SSCC)
    index, flags = packed(house, bench, THIRD_SSCC)
    assert flags == []
    found = compare(house)
    assert (found.different, found.after_erased) == ((), (index,))
    forget(house)
    forget(house, THIRD_SSCC)
    with house.read() as session:
        assert session.scalars(select(col(ParcelRow.key))).all() == []


@pytest.mark.parametrize("children", [[HANDSET, PLAIN], [PLAIN], None], ids=["two", "one of two numbers", "by class"])
def test_with_a_parcel_goes_what_is_known_of_every_handset_that_was_packed_into_it(
    sqlite_url: str, children: list[str] | None
) -> None:
    house = opened_house(sqlite_url)
    bench = enrol_bench(house)
    goods = None if children else [{"epcClass": HANDSET.rpartition("/21/")[0], "quantity": 2}]
    packed(house, bench, SSCC, childEPCs=children, childQuantityList=goods, **{"wl:imei": IMEIS})
    send(house, bench.sign(house, SSCC))
    forget(house)
    with house.read() as session:
        assert session.scalars(select(col(ParcelRow.key))).all() == []
        assert set(session.scalars(select(ItemKeyRow.key))) <= {SSCC}
        for imei in IMEIS:
            with pytest.raises(NotFound):
                read_trail(session, imei)
    assert compare(house).different == ()
    house.engine.dispose()


def test_an_item_that_was_known_before_its_first_parcel_was_erased_is_not_blamed_for_it(sqlite_url: str) -> None:
    house: Any = opened_house(sqlite_url)
    bench = enrol_bench(house)
    packed(house, bench, SSCC)
    house.clock.at_ms += DAY_MS
    send(house, bench.sign(house, HANDSET, action="ADD", bizStep="commissioning"))
    packed(house, bench, OTHER_SSCC)
    forget(house)
    send(house, bench.sign(house, HANDSET))
    assert compare(house).different == ()


def test_a_handset_is_not_blamed_for_lying_in_a_parcel_whose_unpacking_was_dropped(sqlite_url: str) -> None:
    yard = Yard.over(sqlite_url)
    bench = yard.station("bench-1")
    yard.station("returns-1", "north")
    packed(yard.house, bench, SSCC)
    yard.see("returns-1", SSCC, **packing(SSCC, childEPCs=None, **OUT))
    index, flags = packed(yard.house, bench, OTHER_SSCC)
    assert flags == []
    quarter = yard.end_quarter()
    yard.go_to(quarter.keep_until_ms(YEARS))
    yard.drop(f"{quarter.name}/north")
    found = yard.replayed()
    assert (found.different, found.after_erased, len(found.unread)) == ((), (index,), 1)
