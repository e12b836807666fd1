"""Of many locks under way a page shows the newest, and leads to all others."""

import re

import pytest

from api.pages import locks, words
from devicelock.rules import caps
from devicelock.rules.order import OrderState
from devicelock.store import LockOrderRow
from tests.doors.case_desk import OURS, CaseDesk

COUNT = 5


@pytest.fixture
def under_way(desk: CaseDesk) -> None:
    """Several locks that wait for their handsets, each younger than the one before it."""
    with desk.house.parts.house.unit() as unit:
        for number in range(COUNT):
            row = LockOrderRow(
                id=f"lock_{number}",
                device=f"device-{number}",
                imei=f"35000000000000{number}",
                state=OrderState.QUEUED,
                basis="two_people",
                reason="never_received",
                dispute=None,
                requester="agent-1",
                second="supervisor-1",
                decided_ms=number,
                acked_ms=None,
                release_ms=None,
                released_ms=None,
                held_until_ms=unit.now_ms,
                created_ms=number,
                facts="{}",
            )
            unit.session.merge(row)


@pytest.mark.usefixtures("under_way")
def test_every_lock_under_way_is_reached_from_the_console(desk: CaseDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "ROWS", 2)
    page, seen = "/console/locks", []
    while page:
        shown = desk.http.get(page, headers=desk.by("supervisor-1")).text
        seen.append(re.findall(r"/console/locks/lock_(\d)/release", shown))
        onward = re.search(r'href="([^"]+)" rel="next"', shown)
        page = onward[1] if onward else ""
    assert seen == [["4", "3"], ["2", "1"], ["0"]]
    assert 'rel="prev"' in shown


@pytest.mark.usefixtures("under_way")
def test_the_case_of_a_lock_is_called_by_its_order(desk: CaseDesk) -> None:
    told = [desk.report(**facts)["dispute"] for facts in ({"order": "SO-LOCKED"}, {})]
    with desk.house.parts.house.unit() as unit:
        for number, dispute in enumerate(told):
            unit.session.get_one(LockOrderRow, f"lock_{number}").dispute = dispute
    shown = desk.http.get("/console/locks", headers=desk.by("supervisor-1")).text
    assert [re.findall(f'href="/console/cases/{name}">([^<]+)<', shown) for name in told] == [["SO-LOCKED"], [told[1]]]


def test_a_paused_group_is_called_by_what_ordered_it() -> None:
    assert words.lock_group("policy:auth_1") == "locks under the standing authority auth_1"
    by_account = caps.group_of(policy=None, account="lead:2", at_ms=0)
    assert words.lock_group(by_account) == "locks that lead:2 asked for on 1970-01-01 (UTC)"


@pytest.mark.parametrize(
    ("path", "form", "said"),
    [
        ("/console/locks/lock_x/refuse", {"why": "seen"}, "no lock order"),
        ("/console/locks/lock_x/release", {}, "no lock order"),
        ("/console/lock-groups/clear", {"group": "case:none", "why": "seen"}, "no lock was decided"),
        ("/console/alerts/alert_x/seen", {}, "no alert"),
        ("/console/authority/none/approve", {}, "no proposal"),
        ("/console/cases/case_none/link", {}, "no case"),
    ],
)
def test_a_refusal_names_no_address_of_the_api_to_a_person(
    desk: CaseDesk, path: str, form: dict[str, str], said: str
) -> None:
    told = desk.http.post(path, data=form, headers={**OURS, **desk.by("supervisor-1")})
    assert told.status_code == 404
    assert said in told.text.lower()
    assert "/v1/" not in told.text
    assert "Please choose it from the lists of the console." in told.text
