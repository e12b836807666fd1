"""What a supervisor may do alone, and a thief of the account too, rings for somebody else."""

from typing import Any

import pytest

from api.act_alerts import MANY_ERASURES
from simulators.agent import put_authority_in_force
from tests.doors.case_desk import CaseDesk


def rung(desk: CaseDesk, kind: str, about: str = "") -> list[dict[str, Any]]:
    found = desk.http.get("/v1/alerts", params={"limit": 200}, headers=desk.by("investigator-1")).json()["alerts"]
    return [alert for alert in found if alert["kind"] == kind and alert["about"].endswith(about)]


def only_others_look(desk: CaseDesk, alert: dict[str, Any]) -> None:
    seen = f"/v1/alerts/{alert['alert']}/seen"
    assert desk.http.post(seen, headers=desk.by("supervisor-1")).status_code == 403
    assert desk.http.post(seen, headers=desk.by("supervisor-2")).is_success


def test_a_standing_authority_that_one_person_withdraws_while_it_holds_rings(desk: CaseDesk) -> None:
    put_authority_in_force(desk.house.staff["supervisor-2"], desk.house.staff["supervisor-1"])
    held = desk.http.get("/v1/authority", headers=desk.by("supervisor-1")).json()["authorities"]
    (name,) = (row["proposal"] for row in held if row["in_force"])
    proposed = desk.http.post("/v1/authority", headers=desk.by("supervisor-1")).json()["proposal"]
    for authority in (proposed, name):
        assert rung(desk, "authority_withdrawn") == []
        done = desk.http.post(f"/v1/authority/{authority}/withdraw", headers=desk.by("supervisor-1"))
        assert done.is_success, done.text
    (alert,) = rung(desk, "authority_withdrawn", name)
    assert "supervisor-1 withdrew the standing authority" in alert["detail"]
    only_others_look(desk, alert)


def test_whoever_closes_an_account_is_told_which_accounts_it_made_and_a_decider_who_is_closed_rings(
    desk: CaseDesk,
) -> None:
    def by(account: str) -> dict[str, str]:
        body = {"account": account, "password": "long enough for this"}
        return {"authorization": f"Bearer {desk.http.post('/v1/sessions', json=body).json()['token']}"}

    def make(name: str, role: str, headers: dict[str, str]) -> None:
        body = {"name": name, "role": role, "person": f"behind {name}", "password": "long enough for this"}
        assert desk.http.post("/v1/accounts", json=body, headers=headers).status_code == 201

    make("stolen", "supervisor", desk.by("supervisor-1"))
    make("kept", "supervisor", by("stolen"))
    make("later", "agent", by("kept"))
    make("gone", "agent", by("stolen"))
    for name, made in (("gone", []), ("stolen", ["kept", "later"])):
        closed = desk.http.post(f"/v1/accounts/{name}/close", headers=desk.by("supervisor-1"))
        assert closed.json() == {"name": name, "active": False, "made": made}
    assert rung(desk, "decider_closed", ":gone") == []
    (alert,) = rung(desk, "decider_closed", ":stolen")
    assert "supervisor-1 closed the account stolen" in alert["detail"]
    only_others_look(desk, alert)


def test_whoever_lets_a_station_sign_or_ends_its_keys_rings_once_until_somebody_has_looked(desk: CaseDesk) -> None:
    for name in ("wh-1/pack-1", "wh-1/weigh-1"):
        desk.station(name)
    (alert,) = rung(desk, "trust_changed")
    assert "was announced" in alert["detail"]
    only_others_look(desk, alert)
    revoked = desk.http.post(
        "/v1/stations/wh-1-weigh-1/revoke", json={"reason": "lost"}, headers=desk.by("supervisor-1")
    )
    assert revoked.is_success, revoked.text
    (alert,) = rung(desk, "trust_changed")
    assert "was revoked" in alert["detail"]
    only_others_look(desk, alert)


def test_whoever_erases_much_within_a_day_rings(desk: CaseDesk) -> None:
    for number in range(MANY_ERASURES):
        assert rung(desk, "many_erasures") == []
        told = desk.report(claim_type="defective")
        assert desk.http.post(f"/v1/customer/{told['customer_token']}/withdraw").is_success
        asked = {"target": told["dispute"], "reason": f"asked for, number {number}"}
        erased = desk.http.post("/v1/erasures", json=asked, headers=desk.by("supervisor-1"))
        assert erased.status_code == 201, erased.text
    (alert,) = rung(desk, "many_erasures")
    only_others_look(desk, alert)


@pytest.mark.parametrize("known", ["payer", "holder"])
def test_money_that_goes_to_somebody_else_by_name_rings_and_whom_nobody_knew_does_not(
    desk: CaseDesk, known: str
) -> None:
    told = desk.report(claim_type="defective")
    for said in ({known: "Ann Lee"}, {known: "ANN LEE"}, {"user": "Bo Lee"}):
        assert desk.event(told, "supervisor-1", "people", people=said).is_success
        assert rung(desk, "payer_replaced", told["dispute"]) == []
    assert desk.event(told, "supervisor-1", "people", people={"payer": "Somebody Else"}).is_success
    (alert,) = rung(desk, "payer_replaced", told["dispute"])
    assert "Ann Lee" not in alert["detail"], "what the log has is no name"
    only_others_look(desk, alert)


def test_who_is_paid_in_the_place_of_somebody_who_died_rings_too(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective")
    for said in ({"holder": "Ann Lee"}, {"died": ["holder"]}):
        assert desk.event(told, "supervisor-1", "people", people=said).is_success
    (alert,) = rung(desk, "payer_replaced", told["dispute"])
    only_others_look(desk, alert)
    assert desk.event(told, "supervisor-1", "people", people={"holder": "Somebody Else"}).is_success
    (alert,) = rung(desk, "payer_replaced", told["dispute"])
    only_others_look(desk, alert)


def test_a_sum_that_staff_say_was_promised_elsewhere_rings_and_what_a_customer_tells_does_not(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective")
    said = {"what": "money for the taxi", "amount_pence": 2_000}
    assert desk.http.post(f"/v1/customer/{told['customer_token']}/told", json=said).is_success
    assert desk.event(told, "supervisor-1", "told", what="a visit at your door").is_success
    assert rung(desk, "sum_told") == []
    for pence in (20_000, 30_000):
        paid = {"what": f"a gift of money {pence}", "amount_pence": pence}
        assert desk.event(told, "supervisor-1", "told", **paid).is_success
    (alert,) = rung(desk, "sum_told")
    assert "£200 was promised elsewhere" in alert["detail"]
    assert "every sum that they wrote down since" in alert["detail"], "the next ones ring no more"
    only_others_look(desk, alert)


def test_an_order_that_is_said_to_have_cost_more_than_a_phone_does_rings_once(desk: CaseDesk) -> None:
    def record(order: str, pence: int) -> None:
        body = {"order": order, "imei": "356938035643809", "price_pence": pence}
        assert desk.http.post("/v1/orders", json=body, headers=desk.by("supervisor-1")).is_success

    record("po-plain", 250_000)
    assert rung(desk, "dear_order") == []
    record("po:dear", 1_000_000)
    (alert,) = rung(desk, "dear_order")
    assert ("po:dear" in alert["detail"], "£10000" in alert["detail"]) == (True, True), alert
    only_others_look(desk, alert)
    record("po:dear", 1_000_000)
    assert rung(desk, "dear_order") == []


def test_money_that_is_said_to_have_come_back_and_is_paid_again_rings_each_time(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective")
    refund = {"remedy": "refund", "payout": "cheque"}
    assert desk.http.post(f"/v1/customer/{told['customer_token']}/choose", json=refund).is_success
    for number in range(2):
        (owed,) = [
            each["promise"] for each in desk.view(told)["promises"] if each["state"] == "made" and each["is_money"]
        ]
        paid = {"promise": owed, "reference": f"CHEQUE {number}"}
        assert desk.event(told, "agent-1", "promise_kept", **paid).is_success
        back = {"promise": owed, "reference": f"BANK {number}"}
        for _ in range(2):
            assert desk.event(told, "supervisor-1", "payment_came_back", **back).is_success
        (alert,) = rung(desk, "paid_again", told["dispute"])
        only_others_look(desk, alert)
