"""Who quotes what stands on the box is not told the order's number: with that they could speak for whoever ordered."""

import json
from typing import Any

import pytest

from tests.doors.case_desk import CaseDesk, Packing

ORDER, IMEI, PARCEL = "SO-77310", "490154203237518", "195214730000088169"


@pytest.fixture(scope="module")
def sold(desk: CaseDesk) -> None:
    """A phone was sold and packed: a record of the sale, and a scan that names order, parcel and handset."""
    order = {"order": ORDER, "imei": IMEI, "product": "phone", "price_pence": 79_900}
    assert desk.http.post("/v1/orders", json=order, headers=desk.by("agent-1")).is_success
    desk.pack(Packing(parcel=PARCEL, order=ORDER, imei=IMEI))


def everything(desk: CaseDesk, told: dict[str, Any]) -> str:
    """All that the link of a report opens, and the answer to the report."""
    inside = "".join(content.decode() for content in desk.file(told).values())
    page = desk.http.get(f"/c/{told['customer_token']}").text
    return "".join((json.dumps(told), json.dumps(desk.own(told)), page, inside))


@pytest.mark.usefixtures("sold")
@pytest.mark.parametrize("item", [IMEI, PARCEL])
def test_who_quotes_what_stands_on_the_box_is_not_told_the_orders_number(desk: CaseDesk, item: str) -> None:
    told = desk.report(item=item, claim_type="damaged")
    assert desk.view(told)["order"] == ORDER, "staff see where it leads"
    assert ORDER not in everything(desk, told)
    assert told["order"] is None


def test_a_handset_that_nobody_scanned_leads_to_its_sale_all_the_same(desk: CaseDesk) -> None:
    order = {"order": "SO-77311", "imei": "356938035643809", "product": "phone", "price_pence": 52_000}
    assert desk.http.post("/v1/orders", json=order, headers=desk.by("agent-1")).is_success
    told = desk.report(item="35-693803-564380-9", claim_type="never_received")
    assert desk.view(told)["order"] == "SO-77311"
    assert (told["order"], "SO-77311" in everything(desk, told)) == (None, False)
    unknown = desk.report(item="490154203237526", claim_type="never_received")
    assert desk.view(unknown)["order"] is None, "a handset that we never sold"


@pytest.mark.usefixtures("sold")
def test_who_names_the_order_reads_it_again(desk: CaseDesk) -> None:
    told = desk.report(order=ORDER, claim_type="damaged")
    assert told["order"] == desk.own(told)["order"] == ORDER
    assert '"price_pence"' in everything(desk, told)


@pytest.mark.usefixtures("sold")
@pytest.mark.parametrize("item", [IMEI, PARCEL])
def test_who_quotes_what_stands_on_the_box_is_joined_with_who_ordered_only_by_consent(
    desk: CaseDesk, item: str
) -> None:
    own, by_box = desk.report(order=ORDER, words="My daughter's birthday."), desk.report(item=item)
    for one, into in ((own, by_box), (by_box, own)):
        refused = desk.event(one, "agent-1", "merge", into=into["dispute"])
        assert (refused.status_code, refused.json()["unmet"]) == (409, ["same_customer_or_consent"])
    assert "birthday" not in everything(desk, by_box)
    assert desk.event(by_box, "agent-1", "merge", into=own["dispute"], consent=True).is_success
