"""A number of an order that two sellers gave out leads to no stranger's handset."""

from typing import Any

from custody.disputes.order import OrderFacts
from custody.gs1.imei import imei_urn
from custody.usecases.find_handset import find_handset
from custody.usecases.record_sale import Sale, record_sale
from tests.contracts_log.shard_yard import Yard
from tests.contracts_log.small_house import OTHER_SSCC, SSCC

OURS, THEIRS = imei_urn("490154203237518"), imei_urn("356938035643809")


def packed(parcel: str, imei: str, seller: str) -> dict[str, Any]:
    order = [{"type": "po", "bizTransaction": f"urn:epcglobal:cbv:bt:{seller}:SO-17"}]
    said = {"type": "AggregationEvent", "action": "ADD", "bizStep": "packing", "bizTransactionList": order}
    return {**said, "epcList": None, "parentID": parcel, "childEPCs": [imei]}


def test_the_number_alone_names_no_handset_and_with_the_sale_the_one_sold(yard: Yard) -> None:
    yard.see("bench-1", **packed(SSCC, OURS, "9521473000009"))
    yard.see("bench-2", **packed(OTHER_SSCC, THEIRS, "9521886000010"))
    with yard.house.read() as session:
        found = find_handset(session, order_ref="SO-17", item=None)
        assert (found.imei, found.parcel, found.order_named) == (None, None, True)
        named = find_handset(session, order_ref="SO-17", item=SSCC)
        assert (named.imei, named.parcel) == (OURS, SSCC)
    with yard.house.unit() as unit:
        record_sale(unit, Sale(order_ref="SO-17", imei=OURS, product="phone", contact="", facts=OrderFacts()))
    with yard.house.read() as session:
        found = find_handset(session, order_ref="SO-17", item=None)
        assert (found.imei, found.parcel, found.order_named) == (OURS, SSCC, True)
        strangers = find_handset(session, order_ref="SO-17", item=OTHER_SSCC)
        assert (strangers.imei, strangers.parcel) == (OURS, SSCC)
