"""Who says "I have it" by the code of an order speaks for who bought the handset in it, and for nobody since."""

from typing import Any

import pytest

from devicelock.rules.receipt_code import receipt_code
from tests.doors.case_desk import CaseDesk

IMEI = "490154203237518"
IMEIS = {"nothing": "356938035643809", "retired": "352099001761481"}


def sell(desk: CaseDesk, order: str, *, imei: str = IMEI) -> str:
    """The handset is sold in an order; the code that its customer is sent."""
    body = {"order": order, "imei": imei, "product": "phone"}
    answer = desk.http.post("/v1/orders", json=body, headers=desk.by("agent-1"))
    return str(answer.json()["receipt_code"])


def life(desk: CaseDesk) -> dict[str, Any]:
    """Where the handset is in its life."""
    found: dict[str, Any] = desk.http.get(f"/v1/devices/{IMEI}", headers=desk.by("agent-1")).json()
    return found


def test_who_sent_a_phone_back_frees_it_no_more_once_it_is_sold_again(desk: CaseDesk) -> None:
    desk.register(IMEI)
    before, after = sell(desk, "SO-SENT-BACK"), sell(desk, "SO-SOLD-AGAIN")
    old = desk.http.post("/v1/receipts", json={"order": "SO-SENT-BACK", "code": before})
    assert (old.status_code, old.json()["type"].rpartition(":")[2]) == (409, "sold_since")
    assert old.json()["fix"]
    assert life(desk)["retired"] is False
    assert desk.http.post("/v1/receipts", json={"order": "SO-SOLD-AGAIN", "code": after}).status_code == 201
    assert life(desk)["retired"] is True


@pytest.mark.parametrize("before", ["nothing", "retired"])
def test_who_says_i_have_it_before_the_handset_is_registered_is_believed_when_it_is(
    desk: CaseDesk, before: str
) -> None:
    imei, order = IMEIS[before], f"SO-EARLY-{before}"
    if before == "retired":
        code = sell(desk, "SO-BEFORE", imei=imei)
        desk.register(imei)
        assert desk.http.post("/v1/receipts", json={"order": "SO-BEFORE", "code": code}).is_success
    code = sell(desk, order, imei=imei)
    for _ in range(2):
        said = desk.http.post("/v1/receipts", json={"order": order, "code": code})
        assert (said.status_code, said.json()["received"]) == (201, True)
    desk.register(imei)
    asked = desk.http.get("/v1/locks/preflight", params={"imei": imei}, headers=desk.by("agent-1")).json()
    checks = {row["check"]: row["ok"] for row in asked["checks"]}
    assert checks["receipt_not_confirmed"] is False, "nobody locks it any more"


def test_the_word_of_a_customer_is_not_kept_for_an_order_that_nobody_knows(desk: CaseDesk) -> None:
    code = receipt_code(desk.house.parts.keyring.codes, "SO-NOBODYS")
    said = desk.http.post("/v1/receipts", json={"order": "SO-NOBODYS", "code": code})
    assert (said.status_code, said.json()["type"].rpartition(":")[2]) == (404, "order")
