"""What `weaklink investigate` and `weaklink hotspots` print: by the rules of wording, as the console says it."""

import pytest

from api.cli.client import console
from api.cli.ranked import EXPLAINED, NOTHING, show_finding, show_hotspots
from custody.investigation.answer import spot_view
from custody.investigation.hotspots import survey
from custody.investigation.infer import run
from custody.trail.route import STEP_WORDS
from simulators.fleet.small import small_world

WORK = {str(step): f"{words[:1].upper()}{words[1:]}" for step, words in STEP_WORDS.items()}
SORTING = {"name": "4 hub_sort https://id.gs1.org/414/9521886000126", "probability": 0.9996, "step": "hub_sort"}
SORTING |= {"site": "https://id.gs1.org/414/9521886000126"}
PICKED = {"name": "ORIGIN", "probability": 0.0004, "step": None, "site": None}


def test_no_printed_share_is_nought_or_a_hundred_per_cent(capsys: pytest.CaptureFixture[str]) -> None:
    show_finding({"lines": ["Most likely sorting at hub-3 (over 99 %)."], "links": [SORTING, PICKED], "checks": []})
    shown = capsys.readouterr().out
    assert [share for share in ("over 99 %", "under 1 %") if share not in shown] == []
    assert [share for share in ("100.0%", "0.0%") if share in shown] == []


def test_links_are_printed_in_the_words_of_their_pages_and_not_as_codes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console, "width", 400)
    said = f"Most likely sorting at {SORTING['site']} (67 %)."
    show_finding({"lines": [said], "links": [SORTING, PICKED], "checks": []})
    shown = capsys.readouterr().out
    assert "Most likely sorting at 9521886000126 (67 %)." in shown
    assert "Hub sorting at 9521886000126 " in shown
    assert "Already wrong before the first scan " in shown
    assert [code for code in ("hub_sort", "ORIGIN", "id.gs1.org") if code in shown] == []


def test_checks_are_printed_by_the_names_that_the_next_command_takes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console, "width", 400)
    check = {"check": "camera-07", "title": f"Look at the camera of sorting at {SORTING['site']}", "minutes": 45.0}
    show_finding({"lines": [], "links": [SORTING], "checks": [{**check, "who": f"the site lead of {SORTING['site']}"}]})
    (row,) = (line for line in capsys.readouterr().out.splitlines() if "camera-07" in line)
    cells = [cell.strip() for cell in row.strip("\u2502").split("\u2502")]
    site = "9521886000126"
    assert cells == ["camera-07", f"Look at the camera of sorting at {site}", f"the site lead of {site}", "45"]


def test_hotspots_are_printed_with_what_follows_and_shifts_as_people_count_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console, "width", 400)
    small = small_world(0)
    spots = [spot_view(spot) for spot in survey(run(small.fleet, small.disputes, small.params))]
    show_hotspots({"hotspots": spots})
    shown = [line for line in capsys.readouterr().out.splitlines() if "\u2502" in line]
    assert len(shown) == len(spots)
    assert "None" not in " ".join(shown)
    for spot, line in zip(spots, shown, strict=True):
        cells = [cell.strip() for cell in line.strip("\u2502").split("\u2502")]
        assert cells[0].startswith("All links at " if spot["step"] is None else f"{WORK[spot['step']]} at ")
        assert cells[1] == ("" if spot["shift"] is None else str(spot["shift"] + 1))
        assert {cells[2], cells[4]}.isdisjoint({"0%", "100%", "0 %", "100 %"})
        assert cells[-1] == ("act" if spot["act"] else "look" if spot["look"] else EXPLAINED)
    assert {spot["look"] for spot in spots} == {True, False}


def test_that_nothing_stands_out_is_said_and_no_empty_table_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console, "width", 400)
    show_hotspots({"hotspots": []})
    assert capsys.readouterr().out.strip() == NOTHING


def test_no_key_of_a_custodian_is_shown_for_what_traffic_explains() -> None:
    small = small_world(0)
    spots = survey(run(small.fleet, small.disputes, small.params))
    keys = {spot.handler: spot_view(spot)["handler"] for spot in spots if spot.handler is not None}
    flagged = {spot.handler for spot in spots if spot.look and spot.handler is not None}
    assert flagged
    assert {key for key in keys.values() if key is not None} == flagged
