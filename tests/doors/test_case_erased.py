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


def asked(told: dict[str, Any]) -> dict[str, str]:
    return {"target": told["dispute"], "reason": "asked for it"}


def erase(desk: CaseDesk, told: dict[str, Any]) -> dict[str, Any]:
    answer = desk.http.post("/v1/erasures", json=asked(told), headers=desk.by("supervisor-1"))
    assert answer.status_code == 201, answer.text
    done: dict[str, Any] = answer.json()
    return done


def test_nothing_that_was_said_or_asked_is_left_of_an_erased_case(desk: CaseDesk) -> None:
    told = desk.not_fixed(words="My late wife Ottoline signed for it.", channel="by phone, for Ottoline")
    link = f"/c/{told['customer_token']}"
    ask = desk.event(told, "agent-1", "ask", item="Ottoline", text="Who is Ottoline to you?").json()["asks"][0]["ask"]
    desk.http.post(f"{link}/answer", data={"ask": ask, "skip": "yes"})
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
    award = "Pay for the hospital bed of Ottoline"
    assert desk.event(told, "supervisor-1", "decision", text=award, reference="2026/17").is_success
    assert desk.http.post(f"/v1/customer/{told['customer_token']}/decision", json={"accept": True}).is_success
    assert desk.event(told, "agent-1", "delivered_or_paid", reference="paid").is_success
    assert desk.http.post(f"/v1/customer/{told['customer_token']}/confirm").is_success
    assert desk.view(told)["promises"][-1]["what"] == award
    erase(desk, told)
    assert left(desk, "Ottoline") == []
    assert desk.view(told)["promises"][-1]["state"] == "kept"


def test_an_erased_case_that_is_opened_again_goes_on(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective")
    assert desk.event(told, "supervisor-1", ADR_EVENT).is_success
    assert desk.http.post("/v1/packs", json={"dispute": told["dispute"]}, headers=desk.by("agent-1")).is_success
    assert desk.event(told, "supervisor-1", "we_changed_our_mind").is_success
    assert desk.event(told, "agent-1", "offer").is_success
    assert desk.http.post(f"/c/{told['customer_token']}/withdraw").status_code == 303
    erase(desk, told)
    assert desk.event(told, "supervisor-1", "reopen").is_success
    assert desk.event(told, "supervisor-1", ADR_EVENT).is_success
    refused = desk.event(told, "agent-1", "adr_accepts", reference="2026/17")
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (409, "guard"), refused.text
    assert desk.http.post("/v1/packs", json={"dispute": told["dispute"]}, headers=desk.by("agent-1")).is_success
    assert desk.event(told, "agent-1", "adr_accepts", reference="2026/17").is_success


def joined(desk: CaseDesk) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two reports of one customer, of which the first goes on in the second."""
    first, second = (desk.report(words=f"Ottoline's {which} letter.") for which in "AB")
    for told in (first, second):
        gift = {"file": (f"{told['dispute']} Ottoline.txt", b"Ottoline", "text/plain")}
        assert desk.http.post(f"/v1/customer/{told['customer_token']}/files", files=gift).is_success
    assert desk.event(first, "agent-1", "merge", into=second["dispute"], consent=True).is_success
    return first, second


def test_a_joined_case_is_held_as_long_as_the_one_that_goes_on(desk: CaseDesk) -> None:
    first, second = joined(desk)
    refused = desk.http.post("/v1/erasures", json=asked(first), headers=desk.by("supervisor-1"))
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (409, "legal_hold"), refused.text
    assert second["dispute"] in refused.json()["detail"]
    assert desk.view(first)["words"] == "Ottoline's A letter."
    assert desk.http.post(f"/c/{second['customer_token']}/withdraw").status_code == 303
    erase(desk, second)


def test_a_joined_case_is_erased_with_the_one_that_goes_on_and_never_alone(desk: CaseDesk) -> None:
    first, second = joined(desk)
    assert desk.http.post(f"/c/{second['customer_token']}/withdraw").status_code == 303
    refused = desk.http.post("/v1/erasures", json=asked(first), headers=desk.by("supervisor-1"))
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (409, "joined"), refused.text
    assert second["dispute"] in refused.json()["fix"]
    assert left(desk, "Ottoline") != []
    erase(desk, second)
    assert left(desk, "Ottoline") == []


def test_with_the_case_that_goes_on_those_go_that_were_joined_into_it(desk: CaseDesk) -> None:
    first, second = joined(desk)
    assert desk.http.post(f"/c/{second['customer_token']}/withdraw").status_code == 303
    done = erase(desk, second)
    assert left(desk, "Ottoline") == []
    assert done["target"] == second["dispute"]
    assert [desk.http.get(f"/v1/customer/{told['customer_token']}").status_code for told in (first, second)] == [
        404
    ] * 2
    again = erase(desk, second)
    assert (again["repeated"], again["index"]) == (True, done["index"])
    assert erase(desk, first)["repeated"]


def test_what_was_promised_in_our_own_words_still_counts_after_an_erasure(desk: CaseDesk) -> None:
    told = desk.not_fixed()
    before = desk.view(told)["promises"]
    assert desk.http.post(f"/c/{told['customer_token']}/withdraw").status_code == 303
    erase(desk, told)
    assert [one["what"] for one in desk.view(told)["promises"]] == [one["what"] for one in before]
