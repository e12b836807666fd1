"""A newer sale of somebody's handset takes their open case from nobody until another person has looked at it."""

from typing import Any

import httpx
import pytest

from api.circumstances import is_customers
from custody.gs1.imei import imei_urn
from custody.store import case_book
from tests.doors.case_desk import CaseDesk, Packing

SOLD, PACKED = "356938035643809", "490154203237518"


def sell(desk: CaseDesk, order: str, imei: str) -> httpx.Response:
    return desk.http.post("/v1/orders", json={"order": order, "imei": imei}, headers=desk.by("agent-1"))


def is_own(desk: CaseDesk, told: dict[str, Any]) -> bool:
    with desk.house.parts.house.read() as session:
        return is_customers(session, case_book.read(session, told["dispute"]))


def rung(desk: CaseDesk, imei: str) -> list[dict[str, Any]]:
    found = desk.http.get("/v1/alerts", headers=desk.by("agent-1")).json()["alerts"]
    return [alert for alert in found if alert["kind"] == "sold_in_dispute" and alert["about"].endswith(imei)]


def reported(desk: CaseDesk, order: str, imei: str) -> dict[str, Any]:
    """The case of an order, which its sale or its packing ties to a handset."""
    if imei == SOLD:
        assert sell(desk, order, imei).is_success
    else:
        desk.pack(Packing(parcel="195214730000088176", order=order, imei=imei))
    told = desk.report(order=order, claim_type="never_received")
    assert desk.view(told)["timeline"][0]["facts"]["imei"] == imei_urn(imei)
    assert is_own(desk, told)
    return told


@pytest.mark.parametrize("imei", [SOLD, PACKED])
def test_a_case_stays_its_customers_own_until_another_person_looked_at_the_newer_sale(
    desk: CaseDesk, imei: str
) -> None:
    told = reported(desk, f"SO-FIRST-{imei}", imei)
    assert rung(desk, imei) == []
    for _ in range(2):
        assert sell(desk, f"SO-SECOND-{imei}", imei).status_code == 201
    (alert,) = rung(desk, imei)
    assert told["dispute"] in alert["detail"]
    assert is_own(desk, told)
    seen = f"/v1/alerts/{alert['alert']}/seen"
    assert desk.http.post(seen, headers=desk.by("agent-1")).status_code == 403
    assert desk.http.post(seen, headers=desk.by("supervisor-1")).is_success
    assert not is_own(desk, told)


def test_a_handset_without_an_open_case_is_sold_again_by_one_person(desk: CaseDesk) -> None:
    imei = "001017004829159"
    for order in ("SO-THIRD", "SO-FOURTH"):
        assert sell(desk, order, imei).status_code == 201
    assert rung(desk, imei) == []
    assert is_own(desk, desk.report(order="SO-FOURTH", claim_type="never_received"))
