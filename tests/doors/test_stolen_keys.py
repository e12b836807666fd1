"""A stolen station key: a supervisor knows the hour of the theft, and no index of the log."""

from custody.kernel.clock import HOUR_MS, to_iso
from tests.doors.case_desk import CaseDesk


def revoked(desk: CaseDesk, post: str, **body: object) -> int:
    """The station of that post is ended; where doubt of its key begins."""
    station = desk.station(post).name
    desk.report()
    path, by = f"/v1/stations/{station}/revoke", desk.by("supervisor-1")
    assert desk.http.post(path, json={"reason": "stolen", **body}, headers=by).status_code == 200
    stations = desk.http.get("/v1/stations", headers=by).json()["stations"]
    (key,) = next(row["keys"] for row in stations if row["station"] == station)
    return int(key["suspect_from"])


def test_doubt_of_a_stolen_key_begins_at_the_first_entry_from_the_hour_on_that_is_named(desk: CaseDesk) -> None:
    desk.report()
    clock = desk.house.parts.clock
    size = desk.http.get("/v1/log").json()["size"]
    theft_ms = clock.now_ms()
    assert revoked(desk, "hub-1/hub_sort", suspect_since=to_iso(theft_ms)) == size
    assert revoked(desk, "depot-1/depot", suspect_since=to_iso(theft_ms - 10_000 * HOUR_MS)) == 0


def test_a_moment_to_come_or_an_index_beside_it_is_refused(desk: CaseDesk) -> None:
    station = desk.station("depot-2/depot").name
    path, by = f"/v1/stations/{station}/revoke", desk.by("supervisor-1")
    now_ms = desk.house.parts.clock.now_ms()
    for body in (
        {"suspect_since": to_iso(now_ms + HOUR_MS)},
        {"suspect_since": to_iso(now_ms), "suspect_from": 1},
        {"suspect_since": "Monday"},
    ):
        refused = desk.http.post(path, json={"reason": "stolen", **body}, headers=by)
        assert (refused.status_code, bool(refused.json()["fix"])) == (422, True)
