"""An order with two handsets, each in a parcel of its own: a report is about the one that it names, and no other."""

import re
from typing import Any

import pytest

from custody.gs1.imei import imei_urn
from devicelock.rules.order import OrderState
from tests.doors.case_desk import CaseDesk, Packing

ORDER = "SO-PAIR"
SOLD, SECOND, UNREAD = "490154203237518", "356938035643809", ""
PARCELS = {SOLD: "195214730000088169", SECOND: "195214730000088176", UNREAD: "195214730000088183"}


@pytest.fixture(scope="module")
def pair(desk: CaseDesk) -> None:
    """The seller recorded one handset of it; three parcels were packed, and of one nobody read which phone is in it."""
    order = {"order": ORDER, "imei": SOLD, "product": "phone", "price_pence": 79_900}
    assert desk.http.post("/v1/orders", json=order, headers=desk.by("agent-1")).is_success
    for number, imei in enumerate((SOLD, SECOND), start=1):
        desk.register(imei, seed=number)
    desk.pack(*(Packing(parcel=parcel, order=ORDER, imei=imei) for imei, parcel in PARCELS.items()))


def about(desk: CaseDesk, told: dict[str, Any]) -> tuple[str | None, str]:
    """The handset and the parcel that a case is about."""
    opened = desk.view(told)["timeline"][0]["facts"]
    return opened["imei"], opened["parcel"].rpartition("/")[2]


@pytest.mark.usefixtures("pair")
@pytest.mark.parametrize("order", [{"order": ORDER}, {}])
@pytest.mark.parametrize("imei", [SOLD, SECOND])
def test_a_report_is_about_the_handset_of_the_order_that_it_names(
    desk: CaseDesk, imei: str, order: dict[str, str]
) -> None:
    for item in (imei, PARCELS[imei]):
        told = desk.report(item=item, claim_type="never_received", **order)
        assert about(desk, told) == (imei_urn(imei), PARCELS[imei])


@pytest.mark.usefixtures("pair")
def test_the_order_alone_leads_to_the_handset_that_was_sold_and_to_the_parcel_in_which_it_lies(desk: CaseDesk) -> None:
    assert about(desk, desk.report(order=ORDER, claim_type="never_received")) == (imei_urn(SOLD), PARCELS[SOLD])


@pytest.mark.usefixtures("pair")
def test_what_nobody_read_is_not_taken_for_the_handset_that_lies_elsewhere(desk: CaseDesk) -> None:
    told = desk.report(order=ORDER, item=PARCELS[UNREAD], claim_type="never_received")
    assert about(desk, told) == (None, PARCELS[UNREAD])


@pytest.mark.usefixtures("pair")
def test_who_found_one_of_them_says_nothing_of_the_other(desk: CaseDesk) -> None:
    missing, found = (desk.report(order=ORDER, item=imei, claim_type="never_received") for imei in (SOLD, SECOND))
    assert desk.http.post(f"/v1/customer/{found['customer_token']}/found").is_success
    asked = {"imei": SOLD, "dispute": missing["dispute"]}
    checks = desk.http.get("/v1/locks/preflight", params=asked, headers=desk.by("agent-1")).json()["checks"]
    assert {row["check"]: row["ok"] for row in checks}["device_not_with_customer"] is True


@pytest.fixture
def joined(desk: CaseDesk) -> str:
    """The link of a case in which both handsets were locked, as after a join; neither is any more."""
    told = desk.report(order=ORDER, item=SOLD, claim_type="never_received")
    now_ms = desk.house.parts.clock.now_ms()
    ended = {
        "state": OrderState.RELEASED,
        **dict.fromkeys(("acked_ms", "release_ms", "released_ms", "held_until_ms"), now_ms),
    }
    for number, imei in enumerate((SOLD, SECOND)):
        desk.put_lock(told, f"lock_pair{number}", imei, **ended)
    return f"/c/{told['customer_token']}"


@pytest.mark.usefixtures("pair")
def test_the_page_has_a_form_for_the_code_of_each_handset_that_is_named_by_its_last_four_digits(
    desk: CaseDesk, joined: str
) -> None:
    shown = desk.http.get(joined).text
    for number, imei in enumerate((SOLD, SECOND)):
        field = f"code-lock_pair{number}-challenge"
        assert f'<label for="{field}">The phone whose number ends in {imei[-4:]}' in shown
        assert shown.count(f'id="{field}"') == 1
        typed = {"challenge": "12345678 3.17", "order": f"lock_pair{number}"}
        answer = desk.http.post(f"{joined}/code", data=typed)
        assert re.search(r'<p class="code" role="status"[^>]*>\d{8}</p>', answer.text), "no script is needed"
        assert f"Type it on the phone whose number ends in {imei[-4:]}." in answer.text
    unnamed = desk.http.post(f"{joined}/code", data={"challenge": "12345678 3.17"})
    assert "it is not said which phone is meant" in unnamed.text.lower()
    empty = desk.http.post(f"{joined}/code", data={"challenge": "", "order": "lock_pair1"}).text
    assert re.search('id="code-lock_pair1-challenge"[^>]*aria-invalid="true"', empty)
    assert empty.count('aria-invalid="true"') == 1
