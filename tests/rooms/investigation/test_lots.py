"""Parcels counted in lots come to what they come to when they are counted all at once."""

import random

import pytest

from custody.investigation import lots
from custody.investigation.count_traffic import count_traffic, fleet_of
from custody.investigation.journey import Stay
from custody.investigation.lots import Lots
from custody.investigation.measure_clean import measure_clean, normal_of
from custody.investigation.params import Params
from custody.investigation.passage import Checkpoint, Pin, SealSeen, Step
from custody.investigation.read_passage import ParcelWay, look_around, network_of, passage_of
from custody.kernel.clock import HOUR_MS

STEPS = (Step.PACK, Step.DOCK, Step.LINEHAUL, Step.HUB_IN, Step.DEPOT, Step.COURIER)
NAMES = {"site-1": "One", "site-2": "Two"}


def way(number: int) -> ParcelWay:
    """One of many ways, like no other one."""
    rng = random.Random(number)  # noqa: S311 - a repeatable test, no secret
    stays = []
    for place, step in enumerate(STEPS):
        missed = rng.random() < 0.2
        site = f"linehaul from site-{number % 3}" if missed and step is Step.LINEHAUL else f"site-{number % 3}"
        stays.append(
            Stay(
                site=site,
                step=step,
                at_ms=None if missed else round((3 * place + 2 * rng.random()) * HOUR_MS),
                handler=None if missed else f"h-{step}-{rng.randrange(6)}",
                photo=rng.random() < 0.5,
                seal=rng.choice(list(SealSeen)),
                mass_g=rng.choice([None, 500 + rng.gauss(0, 5)]),
            )
        )
    return ParcelWay(
        parcel=f"parcel-{number}",
        stays=tuple(stays),
        delivered_ms=30 * HOUR_MS if rng.random() < 0.8 else None,
        door=Checkpoint(),
        pin=rng.choice(list(Pin)),
        high_value=rng.random() < 0.5,
        declared_g=500.0,
        item_g=None,
    )


@pytest.mark.parametrize("in_lot", [1, 7, 1000])
def test_sums_are_the_same_to_the_last_bit_however_parcels_are_put_in_lots(
    in_lot: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lots, "IN_LOT", in_lot)
    kept, ways = Lots(), {f"parcel-{number}": way(number) for number in range(60)}
    for parcel, gone in ways.items():
        kept.put(parcel, gone)
    network = network_of([look_around(ways.values())], NAMES)
    passages = {parcel: passage_of(gone, network) for parcel, gone in ways.items()}
    disputed = {"parcel-3", "parcel-31"}
    clean = [passage for parcel, passage in passages.items() if parcel not in disputed]
    settled = kept.settled(NAMES)
    assert {parcel: passage for lot in settled for parcel, passage in lot.passages.items()} == passages
    assert fleet_of([lot.traffic() for lot in settled], regions={}) == count_traffic(passages.values(), regions={})
    assert normal_of([lot.clean(disputed) for lot in settled], Params()) == measure_clean(clean, Params())


def test_lots_that_were_changed_in_any_way_are_those_that_would_be_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lots, "IN_LOT", 8)
    rng = random.Random(7)  # noqa: S311 - a repeatable test, no secret
    kept, held = Lots(), dict[str, ParcelWay]()
    for turn in range(40):
        for _ in range(rng.randrange(6)):
            parcel = f"parcel-{rng.randrange(50)}"
            gone = None if rng.random() < 0.2 else way(rng.randrange(10**6))
            kept.put(parcel, gone)
            held = (
                {name: one for name, one in held.items() if name != parcel} if gone is None else {**held, parcel: gone}
            )
        names = NAMES if turn < 20 else {**NAMES, "site-0": "Zero"}
        network = network_of([look_around(held.values())], names)
        found = {parcel: passage for lot in kept.settled(names) for parcel, passage in lot.passages.items()}
        assert found == {parcel: passage_of(gone, network) for parcel, gone in held.items()}
        assert all(parcel in kept for parcel in held)


def test_a_lot_is_counted_again_only_when_it_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lots, "IN_LOT", 4)
    kept = Lots()
    for number in range(12):
        kept.put(f"parcel-{number}", way(number))
    before = kept.settled(NAMES)
    assert kept.settled(NAMES) == before
    kept.put("parcel-5", way(5))
    after = kept.settled(NAMES)
    assert [old is new for old, new in zip(before, after, strict=True)] == [True, False, True]
    first = before[0].clean({"parcel-1", "parcel-9"})
    assert before[0].clean({"parcel-1", "parcel-10"}) is first
    assert before[0].clean({"parcel-2"}) != first
    assert before[0].traffic() is before[0].traffic()


def test_a_parcel_that_had_no_way_for_a_time_keeps_its_place() -> None:
    kept, anew = Lots(), Lots()
    for number in range(60):
        anew.put(f"parcel-{number}", way(number))
    for number in range(60):
        kept.put(f"parcel-{number}", None if number == 7 else way(number))
    assert "parcel-7" not in kept
    kept.put("parcel-0", None)
    for number in (7, 0):
        kept.put(f"parcel-{number}", way(number))
    (one,), (other,) = kept.settled(NAMES), anew.settled(NAMES)
    assert list(one.passages.items()) == list(other.passages.items())
    assert normal_of([one.clean(())], Params()) == normal_of([other.clean(())], Params())
