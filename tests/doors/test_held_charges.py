"""Nothing is charged and no debt pursued while we look at an order: whoever does that is told which to leave out."""

from datetime import date
from pathlib import Path
from typing import Any

from custody.store.held_charges import held_charges
from tests.doors.case_desk import CaseDesk
from tests.doors.command_line import CommandLine


def held(desk: CaseDesk, **asked: Any) -> dict[str, dict[str, Any]]:
    answer = desk.http.get("/v1/held-charges", params={"limit": 1000, **asked}, headers=desk.by("agent-1"))
    assert answer.is_success, answer.text
    return {row["order"]: row for row in answer.json()["orders"]}


def test_an_order_is_held_while_a_case_about_it_is_open_and_let_go_when_it_is_over(desk: CaseDesk) -> None:
    order = desk.sold("SO-HELD-1")
    assert order not in held(desk)
    told = desk.report(order=order, claim_type="never_received")
    row = held(desk)[order]
    assert (row["why"], row["disputes"], row["sent_back"]) == ("case_open", [told["dispute"]], None)
    link = f"/v1/customer/{told['customer_token']}"
    assert desk.http.post(f"{link}/withdraw").is_success
    assert order not in held(desk)
    assert desk.http.post(f"{link}/disagree").is_success
    assert held(desk)[order]["why"] == "case_open"


def test_who_was_told_that_nothing_is_charged_for_what_they_sent_back_stands_in_the_list(desk: CaseDesk) -> None:
    order = "SO-HELD-2"
    told = desk.report(order=order, claim_type="returned_not_credited")
    sent = {"order_days": {"proof_of_sending": "2026-05-01"}, "reference": "RECEIPT-1"}
    assert desk.event(told, "agent-1", "order_days", **sent).is_success
    assert "Nothing is charged" in desk.own(told)["messages"][-1]["text"]
    assert held(desk)[order]["sent_back"] == "2026-05-01"


def test_what_we_still_owe_after_the_end_holds_the_order_too(desk: CaseDesk) -> None:
    order = "SO-HELD-3"
    told = desk.report(order=order, claim_type="never_received")
    link = f"/v1/customer/{told['customer_token']}"
    assert desk.http.post(f"{link}/choose", json={"remedy": "refund", "payout": "cheque"}).is_success
    assert desk.event(told, "agent-1", "delivered_or_paid", reference="PAID-1").is_success
    assert desk.http.post(f"{link}/confirm").is_success
    assert order not in held(desk)
    (promise,) = desk.view(told)["promises"]
    back = {"promise": promise["promise"], "reference": "BANK-1"}
    assert desk.event(told, "agent-1", "payment_came_back", **back).is_success
    assert held(desk)[order]["why"] == "owed"


def test_a_report_joined_into_one_of_another_order_holds_its_own_order(desk: CaseDesk) -> None:
    other = desk.not_fixed(order="SO-HELD-4")
    told = desk.report(order="SO-HELD-5")
    joined = desk.event(other, "agent-1", "merge", into=told["dispute"], consent=True)
    assert joined.is_success, joined.text
    assert held(desk)["SO-HELD-4"]["why"] == "case_open"
    assert desk.http.post(f"/v1/customer/{told['customer_token']}/withdraw").is_success
    assert not {"SO-HELD-4", "SO-HELD-5"} & set(held(desk))


def test_a_case_that_was_opened_to_the_scheme_holds_its_order_until_the_last_day_to_go_there(desk: CaseDesk) -> None:
    order = "SO-HELD-6"
    told = desk.report(order=order)
    deadlock = desk.event(told, "supervisor-1", "six_weeks_or_deadlock_or_customer_asks_at_deadline")
    last_day = date.fromisoformat(deadlock.json()["recourse"][0]["last_day"])
    with desk.house.parts.house.read() as session:
        seen = [
            {one.order_ref for one in held_charges(session, after=None, limit=1000, today=day)}
            for day in (last_day, last_day.replace(year=last_day.year + 1))
        ]
    assert [order in orders for orders in seen] == [True, False]


def test_the_list_comes_in_pages_and_by_command_and_not_to_strangers(desk: CaseDesk, tmp_path: Path) -> None:
    for number in range(3):
        desk.report(order=f"SO-PAGE-{number}")
    by = desk.by("agent-1")
    first = desk.http.get("/v1/held-charges", params={"cursor": "SO-PAGE-", "limit": 2}, headers=by).json()
    assert [row["order"] for row in first["orders"]] == ["SO-PAGE-0", "SO-PAGE-1"]
    assert first["next"] == "SO-PAGE-1"
    shell = CommandLine(address=desk.house.address, folder=tmp_path, token=desk.house.token("agent-1"))
    listed = shell.run("dispute", "held-charges", "--cursor", "SO-PAGE-").out
    assert "SO-PAGE-0" in listed
    assert "SO-HELD-2" not in listed
    assert shell.json("dispute", "held-charges", "--cursor", "SO-PAGE-1")["orders"][0]["order"] == "SO-PAGE-2"
    assert desk.http.get("/v1/held-charges").status_code == 401


def test_a_joined_report_holds_its_own_order_while_something_is_owed_for_it_after_the_end(desk: CaseDesk) -> None:
    other = desk.report(order="SO-HELD-7", claim_type="never_received")
    link = f"/v1/customer/{other['customer_token']}"
    assert desk.http.post(f"{link}/choose", json={"remedy": "refund", "payout": "cheque"}).is_success
    assert desk.event(other, "agent-1", "delivered_or_paid", reference="PAID-7").is_success
    desk.http.post(f"/c/{other['customer_token']}/disagree")
    whole = desk.report(order="SO-HELD-8", claim_type="never_received")
    joined = desk.event(other, "agent-1", "merge", into=whole["dispute"], consent=True)
    assert joined.is_success, joined.text
    paid = next(each for each in desk.view(whole)["promises"] if each["what"] == "your money back")
    assert desk.http.post(f"/v1/customer/{whole['customer_token']}/withdraw").is_success
    assert "SO-HELD-7" not in held(desk)
    back = {"promise": paid["promise"], "reference": "BANK-7"}
    came = desk.event(whole, "agent-1", "payment_came_back", **back)
    assert came.is_success, came.text
    assert held(desk)["SO-HELD-7"]["why"] == "owed"


def test_what_we_owe_holds_the_order_also_after_the_last_day_to_go_to_the_scheme(desk: CaseDesk) -> None:
    order = "SO-HELD-9"
    told = desk.report(order=order, claim_type="never_received")
    link = f"/v1/customer/{told['customer_token']}"
    assert desk.http.post(f"{link}/choose", json={"remedy": "refund", "payout": "cheque"}).is_success
    deadlock = desk.event(told, "supervisor-1", "six_weeks_or_deadlock_or_customer_asks_at_deadline")
    assert deadlock.is_success, deadlock.text
    last_day = date.fromisoformat(deadlock.json()["recourse"][0]["last_day"])
    with desk.house.parts.house.read() as session:
        later = held_charges(session, after=None, limit=1000, today=last_day.replace(year=last_day.year + 1))
    assert [one.why for one in later if one.order_ref == order] == ["owed"]
