"""Nothing that a customer said or was asked is left of a case that was erased."""

from sqlalchemy import text

from tests.doors.case_desk import CaseDesk


def test_nothing_that_was_said_or_asked_is_left_of_an_erased_case(desk: CaseDesk) -> None:
    told = desk.not_fixed(words="My late wife Ottoline signed for it.")
    link = f"/c/{told['customer_token']}"
    asked = desk.event(told, "agent-1", "ask", item="Ottoline", text="Who is Ottoline to you?").json()["asks"][0]["ask"]
    desk.http.post(f"{link}/answer", data={"ask": asked, "skip": "yes"})
    desk.event(told, "agent-1", "offer")
    assert desk.http.post(f"{link}/withdraw").status_code == 303
    body = {"target": told["dispute"], "reason": "asked for it"}
    assert desk.http.post("/v1/erasures", json=body, headers=desk.by("supervisor-1")).status_code == 201
    with desk.house.parts.engine.connect() as connection:
        tables = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars().all()
        left = [
            table
            for table in tables
            for row in connection.execute(text(f'SELECT * FROM "{table}"'))  # noqa: S608 - our own tables' names
            if any(b"ttoline" in (cell if isinstance(cell, bytes) else str(cell).encode()) for cell in row)
        ]
    assert left == []
