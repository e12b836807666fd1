"""What stands behind the ? of an address is read as exactly as a body is: a misspelt filter would show everything."""

import pytest

from tests.doors.case_desk import CaseDesk

PARCEL = "195214730000088169"


@pytest.mark.parametrize(
    ("path", "misspelt", "known"),
    [
        ("/v1/locks", {"sate": "queued"}, "state"),
        ("/v1/disputes", {"Owed": "true"}, "owed"),
        ("/v1/held-charges", {"curser": "x"}, "cursor"),
        ("/v1/events", {"MATCH_anyEPC": PARCEL, "perpage": "5"}, "perPage"),
        ("/v1/events", {"MATCH_anyEPC": PARCEL, "GE_recordTime": "2026-01-01T00:00:00Z"}, "after"),
    ],
)
def test_a_filter_that_a_door_does_not_know_is_refused_with_those_that_it_knows(
    desk: CaseDesk, path: str, misspelt: dict[str, str], known: str
) -> None:
    refused = desk.http.get(path, params=misspelt, headers=desk.by("agent-1"))
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:weaklink:problem:query")
    assert list(misspelt)[-1] in refused.json()["detail"]
    assert known in refused.json()["fix"]


def test_a_door_that_is_asked_nothing_says_so(desk: CaseDesk) -> None:
    refused = desk.http.get("/v1/me", params={"verbose": "1"}, headers=desk.by("agent-1"))
    assert (refused.status_code, refused.json()["fix"]) == (422, "Leave it out: nothing is asked behind a ? here.")


def test_a_filter_that_stands_twice_is_refused(desk: CaseDesk) -> None:
    for twice in ("limit=5&limit=6", "limit=5&limit=5"):
        refused = desk.http.get(f"/v1/disputes?{twice}", headers=desk.by("agent-1"))
        assert (refused.status_code, refused.json()["detail"]) == (422, "'limit' stands twice in the address")


@pytest.mark.parametrize("number", ["01", "+1", " 1", "1 ", "1.0", "1_0", "1e0", "-0", "\u0661", ""])
def test_a_number_has_one_spelling(desk: CaseDesk, number: str) -> None:
    for path, more in (("/v1/log/consistency", {"old": number, "size": "1"}), ("/v1/disputes", {"limit": number})):
        refused = desk.http.get(path, params=more, headers=desk.by("agent-1"))
        assert (refused.status_code, refused.json()["type"]) == (422, "urn:weaklink:problem:query"), path


def test_what_a_door_knows_is_taken_as_before(desk: CaseDesk) -> None:
    for path, asked in (
        ("/v1/disputes", {"limit": "5", "owed": "true"}),
        ("/v1/events", {"MATCH_anyEPC": PARCEL, "after": "-1", "perPage": "5"}),
        ("/v1/log/consistency", {"old": "1", "size": "1"}),
    ):
        assert desk.http.get(path, params=asked, headers=desk.by("agent-1")).status_code == 200, path


def test_doors_that_others_have_described_pass_over_what_they_do_not_know(desk: CaseDesk) -> None:
    """A cache, or whoever watches the service, adds names of its own."""
    for path in ("/log/checkpoint", "/healthz", "/.well-known/scitt-keys"):
        assert desk.http.get(path, params={"t": "1"}).status_code == 200, path


def test_a_door_that_is_told_something_is_asked_nothing(desk: CaseDesk) -> None:
    """Another system may be set up to send its events to an address with a query of its own."""
    told = desk.http.post("/v1/disputes?from=elsewhere", json={"words": "No phone."}, headers=desk.by("agent-1"))
    assert told.status_code == 201
