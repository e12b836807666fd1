"""A parcel of another seller's order whose number is that of one of ours; and an order that two warehouses write."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from custody.gs1.imei import imei_urn
from custody.store import case_book
from tests.doors.case_desk import OURS, WAREHOUSE, CaseDesk, Packing
from tests.stories.http_service import running_service

SECOND_WAREHOUSE, STRANGER = "9521473000119", "9521886000010"
SOLD, SECOND, OTHER = "490154203237518", "356938035643809", "352099001761481"
PRICE = 54_000
PARCELS = {
    "of the stranger": ("195214730000088169", STRANGER, "SO-1", OTHER),
    "of the second warehouse": ("195214730000088176", SECOND_WAREHOUSE, "SO-2", SECOND),
    "of the first warehouse": ("195214730000088183", WAREHOUSE, "SO-2", SOLD),
    "of a number we never gave": ("195214730000088190", STRANGER, "SO-3", ""),
    "of the handset sold": ("195214730000088206", STRANGER, "SO-4", "001017004829159"),
}


def pack_all(desk: CaseDesk) -> None:
    """We recorded three sales; the parcels were packed for orders of those numbers by other sellers too."""
    for order, imei in (("SO-1", SOLD), ("SO-2", SOLD), ("SO-4", "001017004829159")):
        sale = {"order": order, "imei": imei, "price_pence": PRICE}
        assert desk.http.post("/v1/orders", json=sale, headers=desk.by("agent-1")).is_success
    desk.pack(
        *(
            Packing(parcel=parcel, seller=seller, order=order, imei=imei)
            for parcel, seller, order, imei in PARCELS.values()
        )
    )


@pytest.fixture(scope="module")
def plain(desk: CaseDesk) -> CaseDesk:
    """A service that does not know its company prefixes."""
    pack_all(desk)
    return desk


@pytest.fixture(scope="module")
def knowing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CaseDesk]:
    """One that knows them."""
    with (
        running_service(tmp_path_factory.mktemp("own") / "data", company_prefixes="9501234, 9521473") as house,
        httpx.Client(base_url=house.address, timeout=30, headers=OURS) as http,
    ):
        made = CaseDesk(house=house, http=http)
        pack_all(made)
        yield made


def known(desk: CaseDesk, **report: Any) -> tuple[str | None, int | None]:
    """The order of the case of a report, and the price that its facts name."""
    told = desk.report(claim_type="never_received", **report)
    with desk.house.parts.house.read() as session:
        file = case_book.read(session, told["dispute"])
    return file.case.order_ref, file.order.price_pence


def in_full(seller: str, order: str) -> str:
    return f"urn:epcglobal:cbv:bt:{seller}:{order}"


def test_a_report_of_another_sellers_parcel_takes_no_facts_of_our_sale_of_that_number(
    plain: CaseDesk, knowing: CaseDesk
) -> None:
    for desk in (plain, knowing):
        assert known(desk, item=PARCELS["of the stranger"][0]) == (in_full(STRANGER, "SO-1"), None)


def test_a_parcel_that_holds_the_handset_sold_is_of_our_sale(plain: CaseDesk) -> None:
    assert known(plain, item=PARCELS["of the handset sold"][0]) == ("SO-4", PRICE)
    assert known(plain, item=PARCELS["of the first warehouse"][0]) == ("SO-2", PRICE)


def test_a_number_that_we_never_gave_out_is_ours_where_nobody_says_whose_numbers_are(
    plain: CaseDesk, knowing: CaseDesk
) -> None:
    assert known(plain, item=PARCELS["of a number we never gave"][0]) == ("SO-3", None)
    assert known(knowing, item=PARCELS["of a number we never gave"][0]) == (in_full(STRANGER, "SO-3"), None)


def test_warehouses_under_one_company_prefix_of_ours_write_one_order(plain: CaseDesk, knowing: CaseDesk) -> None:
    parcel = PARCELS["of the second warehouse"][0]
    assert known(plain, item=parcel) == (in_full(SECOND_WAREHOUSE, "SO-2"), None)
    assert known(knowing, item=parcel) == ("SO-2", PRICE)


@pytest.mark.parametrize("asked", ["both", "order"])
def test_an_order_of_two_of_our_warehouses_leads_to_the_parcel_that_is_named(knowing: CaseDesk, asked: str) -> None:
    parcel = PARCELS["of the second warehouse" if asked == "both" else "of the first warehouse"][0]
    named = {"order": "SO-2", "item": parcel} if asked == "both" else {"order": "SO-2"}
    told = knowing.report(claim_type="never_received", **named)
    facts = knowing.view(told)["timeline"][0]["facts"]
    assert facts["parcel"] == f"https://id.gs1.org/00/{parcel}"
    assert facts["imei"] == imei_urn(SECOND if asked == "both" else SOLD)
