"""Nothing that was said, asked or decided of a customer is left of a case that was erased."""

from typing import Any

from sqlalchemy import text

from custody.disputes.case import ADR_EVENT
from tests.doors.case_desk import CaseDesk


def left(desk: CaseDesk, word: str) -> list[str]:
    """The tables in which a word stands, whatever its first letter is."""
    with desk.house.parts.engine.connect() as connection:
        tables = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars().all()
        return [
            table
            for table in tables
            for row in connection.execute(text(f'SELECT * FROM "{table}"'))  # noqa: S608 - our own tables' names
            if any(word[1:].encode() in (cell if isinstance(cell, bytes) else str(cell).encode()) for cell in row)
        ]


def erase(desk: CaseDesk, told: dict[str, Any]) -> None:
    body = {"target": told["dispute"], "reason": "asked for it"}
    assert desk.http.post("/v1/erasures", json=body, headers=desk.by("supervisor-1")).status_code == 201


def test_nothing_that_was_said_or_asked_is_left_of_an_erased_case(desk: CaseDesk) -> None:
    told = desk.not_fixed(words="My late wife Ottoline signed for it.", channel="by phone, for Ottoline")
    link = f"/c/{told['customer_token']}"
    asked = desk.event(told, "agent-1", "ask", item="Ottoline", text="Who is Ottoline to you?").json()["asks"][0]["ask"]
    desk.http.post(f"{link}/answer", data={"ask": asked, "skip": "yes"})
    desk.event(told, "agent-1", "offer")
    assert desk.http.post(f"{link}/withdraw").status_code == 303
    erase(desk, told)
    assert left(desk, "Ottoline") == []


def test_what_the_scheme_decided_is_not_left_as_a_promise_of_an_erased_case(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective")
    assert desk.event(told, "supervisor-1", ADR_EVENT).is_success
    pack = desk.http.post("/v1/packs", json={"dispute": told["dispute"]}, headers=desk.by("supervisor-1"))
    assert pack.is_success
    assert desk.event(told, "agent-1", "adr_accepts", reference="2026/17").is_success
    award = "Pay for the hospital bed of Ottoline."
    assert desk.event(told, "supervisor-1", "decision", text=award, reference="2026/17").is_success
    assert desk.http.post(f"/v1/customer/{told['customer_token']}/decision", json={"accept": True}).is_success
    assert desk.event(told, "agent-1", "delivered_or_paid", reference="paid").is_success
    assert desk.http.post(f"/v1/customer/{told['customer_token']}/confirm").is_success
    assert desk.view(told)["promises"][-1]["what"] == award
    erase(desk, told)
    assert left(desk, "Ottoline") == []
    assert desk.view(told)["promises"][-1]["state"] == "kept"


def test_what_was_promised_in_our_own_words_still_counts_after_an_erasure(desk: CaseDesk) -> None:
    told = desk.not_fixed()
    before = desk.view(told)["promises"]
    assert desk.http.post(f"/c/{told['customer_token']}/withdraw").status_code == 303
    erase(desk, told)
    assert [one["what"] for one in desk.view(told)["promises"]] == [one["what"] for one in before]
