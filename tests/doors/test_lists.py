"""A list that is asked for what cannot be says so: an empty one would read as if nothing were to be done."""

import pytest

from tests.doors.case_desk import CaseDesk


@pytest.mark.parametrize(("path", "known"), [("/v1/disputes", "remedy_offered"), ("/v1/locks", "active_confirmed")])
def test_a_state_that_no_table_knows_is_refused_with_those_that_it_knows(desk: CaseDesk, path: str, known: str) -> None:
    for state in ("nosuch", ""):
        refused = desk.http.get(path, params={"state": state}, headers=desk.by("agent-1"))
        assert refused.status_code == 422
        assert known in refused.json()["fix"]
    assert desk.http.get(path, params={"state": known}, headers=desk.by("agent-1")).status_code == 200


@pytest.mark.parametrize("path", ["/v1/disputes", "/v1/locks"])
def test_a_cursor_that_no_page_gave_is_refused_and_does_not_begin_again(desk: CaseDesk, path: str) -> None:
    desk.report()
    for cursor in ("zzz", ""):
        refused = desk.http.get(path, params={"cursor": cursor}, headers=desk.by("agent-1"))
        assert (refused.status_code, refused.json()["type"]) == (422, "urn:weaklink:problem:cursor")
        assert refused.json()["detail"] == f"no page ended with {cursor!r}"


def test_a_parcel_without_a_name_is_not_left_out_of_what_a_trail_is_asked_for(desk: CaseDesk) -> None:
    asked = {"item": "po:SO-1", "parcel": ""}
    assert desk.http.get("/v1/trails", params=asked, headers=desk.by("agent-1")).status_code == 422
