"""Whether the service is well: one short look at the log each time, never a remembered one."""

from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from tests.contracts_store.faults import broken_commit
from tests.doors.case_desk import CaseDesk


def test_the_health_of_a_service_costs_one_short_question_and_is_of_this_moment(desk: CaseDesk) -> None:
    asked: list[str] = []
    lent: list[Any] = []

    def lend(connection: Any, *_more: Any) -> None:
        connection.set_trace_callback(asked.append)
        lent.append(connection)

    engine, sizes = desk.house.parts.engine, []
    for _ in range(2):
        desk.report()
        event.listen(engine, "checkout", lend)
        answer = desk.http.get("/healthz")
        event.remove(engine, "checkout", lend)
        sizes.append(answer.json()["size"])
        assert (answer.json()["ok"], answer.headers.get("cache-control")) == (True, "no-store")
    for connection in lent:
        connection.set_trace_callback(None)
    assert sizes[1] > sizes[0]
    assert asked.count("SELECT size FROM log_head WHERE id = 1") == 2
    assert [each for each in asked if "log_head.note" in each] == [], "the whole head is not read for it"


@pytest.mark.parametrize("looks_for", ["application/json", "text/html"])
@pytest.mark.parametrize("sent", [None, {"reference": "WL-1", "words": "I bought it."}], ids=["read", "sent"])
def test_a_service_whose_database_does_not_answer_says_when_to_ask_again(
    desk: CaseDesk, sent: dict[str, str] | None, looks_for: str
) -> None:
    def refuse(_connection: Any) -> None:
        raise OperationalError("BEGIN", {}, OSError("no answer"))

    engine, headers = desk.house.parts.engine, {"accept": looks_for}
    event.listen(engine, "begin", refuse)
    try:
        if sent is None:
            answer = desk.http.get("/healthz", headers=headers)
        else:
            answer = desk.http.post("/bought", data=sent, headers=headers)
    finally:
        event.remove(engine, "begin", refuse)
    assert (answer.status_code, answer.headers.get("retry-after")) == (503, "2")


def test_the_health_of_a_service_tells_whether_what_it_wrote_last_was_taken(desk: CaseDesk) -> None:
    def health() -> tuple[bool, bool]:
        answer = desk.http.get("/healthz").json()
        return answer["ok"], answer["writes"]

    desk.report()
    assert health() == (True, True)
    with broken_commit(desk.house.parts.engine, applied=False):
        assert desk.http.post("/v1/disputes", json={"words": "It is not right."}).status_code == 503
    assert health() == (True, False), "it can still be read"
    desk.report()
    assert health() == (True, True)
