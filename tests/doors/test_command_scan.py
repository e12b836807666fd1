"""`weaklink scan` and `weaklink capture` say why a scan was flagged, in the judge's words."""

import json
import re
from pathlib import Path

import pytest

from api.cli.capture import _told
from api.cli.instance import Instance
from api.problems import problem
from custody.kernel.errors import Rejected
from tests.doors.command_line import CommandLine, signed_in
from tests.doors.log_desk import EVENT

SITE = ("--site", "https://id.gs1.org/414/9521473000102", "--custodian", "https://id.gs1.org/417/9521473000010")


@pytest.fixture
def station(instance: Instance, tmp_path: Path) -> CommandLine:
    """Lend the shell of a station that is enrolled under the name of its folder."""
    shell = signed_in(instance, "supervisor-1", tmp_path)
    shell.run("station", "keygen", "bench.pem")
    token = shell.json("station", "announce", tmp_path.name, *SITE)["enrol_token"]
    shell.run("station", "enrol", tmp_path.name, "--token", token, "--key", "bench.pem")
    return shell


@pytest.mark.parametrize("command", ["scan", "capture"])
def test_every_flag_is_told_with_its_code_and_its_text(station: CommandLine, command: str) -> None:
    (station.folder / "event.json").write_bytes(EVENT)
    words = (command, "event.json", "--station", "bench.pem")
    shown = station.run(*words).out
    told = station.json(*words)["items"][0]
    assert told["flags"]
    reasons = [f"{flag['code']}: {flag['text']}" for flag in told["flags"]]
    assert [why for why in reasons if timeless(why) not in timeless(shown)] == []
    assert "{" not in shown


def test_why_a_scan_was_kept_apart_is_told_in_words(station: CommandLine) -> None:
    (station.folder / "event.json").write_bytes(EVENT)
    file = station.folder / "bench.state.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "station": "nobody"}))
    shown = station.run("scan", "event.json", "--station", "bench.pem").out
    assert "quarantined, key_unknown: " in shown
    assert "{" not in shown


def test_why_a_scan_was_refused_is_told_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    trouble = problem(Rejected("seq", "this number was used", fix="Take the next one."))
    items = [{"result": "refused", "code": "99", "problem": trouble}]
    _told({"events": 1, "results": {"refused": 1}, "items": items})
    assert capsys.readouterr().out == "1 events: 1 refused\n  refused, this number was used: Take the next one.\n"


def timeless(text: str) -> str:
    """The text without its numbers: how late a scan was depends on when it was made."""
    return re.sub(r"\d+", "", text)
