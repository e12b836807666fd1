"""Scans that say something odd are taken in like any other, on each engine, and no later scan suffers from them."""

import random
import string
from typing import Any

import pytest

from custody.scans.tolerances import Tolerances
from custody.usecases.replay_verdicts import compare_verdicts
from tests.contracts_log.small_house import enrol_bench, opened_house, send

LETTERS = random.Random(1).choices(string.ascii_letters, k=9_000)  # noqa: S311 - the same text each time
SIGNS = [chr(0x4E00 + ord(letter)) for letter in LETTERS[:2_000]]


NAMED = {
    "parentID": "https://shop.example/00/195214730000088169%00",
    "childEPCs": [
        "https://shop.example/01/09521473003813/21/%00",
        "urn:epc:id:sgtin:9521473.000381.%00",
        "urn:epc:id:giai:9521473.%ED%A0%80",
    ],
    "readPoint": {"id": "https://shop.example/414/9521473000102/254/%00"},
    "bizTransactionList": [{"type": "po", "bizTransaction": "https://shop.example/253/9521473000126%00"}],
    "sourceList": [{"type": "possessing_party", "source": "https://shop.example/417/9521473000102%00"}],
    "wl:expected": ["https://shop.example/8004/9521473%00", "a text%00"],
    "wl:imei": ["urn:gsma:imei:00101700-482915-9;a=%00"],
}
"""Names of which each spells a NUL, or half a surrogate pair, in percent signs."""


def weighed(value: float) -> dict[str, Any]:
    """A weighing."""
    return {"sensorElementList": [{"sensorReport": [{"type": "Mass", "value": value, "uom": "KGM"}]}]}


def ordered(text: str) -> dict[str, Any]:
    """An order in the CBV's form."""
    return {
        "bizTransactionList": [{"type": "po", "bizTransaction": f"urn:epcglobal:cbv:bt:9521473000102:{text}"}],
    }


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param(weighed(1e306), id="more grams than a number holds"),
        pytest.param(weighed(-1e308), id="less"),
        pytest.param({"wl:expected": "".join(LETTERS)}, id="a key too long to file anything under"),
        pytest.param({"wl:expected": "".join(LETTERS[:2_048])}, id="the longest key"),
        pytest.param({"wl:expected": "".join(SIGNS)}, id="a key of signs that are three bytes each"),
        pytest.param(ordered("SO%00X"), id="an order with a NUL"),
        pytest.param(ordered("SO%ED%A0%80X"), id="an order with half a surrogate pair"),
        pytest.param({"type": "AggregationEvent", "epcList": None, **NAMED}, id="names with a NUL"),
        pytest.param({"wl:case": {"wl:note": "".join(SIGNS)}}, id="a long text"),
    ],
)
def test_an_odd_scan_is_taken_in_and_so_is_the_next_one_of_the_parcel(database_url: str, odd: dict[str, Any]) -> None:
    house = opened_house(database_url)
    bench, other = enrol_bench(house), enrol_bench(house, "dock-1")
    for pair in (bench.sign(house, **odd), other.sign(house), bench.sign(house)):
        (ack,) = send(house, pair)
        assert ack.index is not None
    with house.read() as session:
        assert compare_verdicts(session, Tolerances()).different == ()
