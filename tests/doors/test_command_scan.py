"""`weaklink scan` and `weaklink capture` say why a scan was flagged, in the judge's words."""

import errno
import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from api.cli.capture import _print
from api.cli.instance import Instance
from api.http.problems import problem
from custody.kernel.errors import Rejected
from custody.ledger.statements import read_key_add
from custody.ledger.tiles import decode_bundle
from tests.doors.command_line import CommandLine, Ended, signed_in
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


@pytest.mark.parametrize("command", ["scan", "capture"])
def test_what_is_odd_about_an_event_that_was_taken_is_told(station: CommandLine, command: str) -> None:
    odd = {**json.loads(EVENT), "epcList": ["https://id.gs1.org/00/195214730000088160"]}
    (station.folder / "event.json").write_text(json.dumps(odd))
    words, why = (command, "event.json", "--station", "bench.pem"), "195214730000088160 ends in 0, its check digit is 9"
    assert f"warning: SSCC {why}" in station.run(*words).out
    assert station.json(*words)["items"][0]["warnings"] == [f"SSCC {why}"]


@pytest.mark.parametrize(
    "typed", ["195214730000088153", "(00) 195214730000088153", "https://id.gs1.org/00/195214730000088153"]
)
def test_what_was_filed_under_a_label_with_a_wrong_check_digit_is_found_by_its_digits_and_the_digit_is_told(
    station: CommandLine, typed: str
) -> None:
    odd = {**json.loads(EVENT), "epcList": ["https://id.gs1.org/00/195214730000088153"]}
    (station.folder / "event.json").write_text(json.dumps(odd))
    station.run("scan", "event.json", "--station", "bench.pem")
    why = "SSCC 195214730000088153 ends in 3, its check digit is 2"
    told = station.json("trail", typed)
    assert (told["asked"], told["warnings"]) == ("https://id.gs1.org/00/195214730000088153", [why])
    assert f"warning: {why}" in station.run("trail", typed).out
    mistyped = station.run("trail", "195214730000088150", expect=1).err
    assert "SSCC 195214730000088150 ends in 0, its check digit is" in mistyped


def test_an_event_that_is_captured_again_is_kept_and_told_with_its_first_entry(station: CommandLine) -> None:
    event = {**json.loads(EVENT), "eventID": f"urn:uuid:{uuid4()}"}
    (station.folder / "event.json").write_text(json.dumps(event))
    words = ("capture", "event.json", "event.json", "--station", "bench.pem")
    first, again = station.json(*words)["items"]
    assert (first["warnings"], again["index"]) == ([], first["index"] + 1)
    why = f"an event with the id {event['eventID']!r} was recorded before, at entry {first['index']}"
    assert again["warnings"] == [why]
    assert station.run(*words).out.count(f"warning: {why}") == 2


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
    _print({"events": 1, "results": {"refused": 1}, "items": items})
    assert capsys.readouterr().out == "1 events: 1 refused\n  refused, this number was used: Take the next one.\n"


def test_an_answer_that_was_lost_is_asked_for_again_with_the_same_scan(
    station: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one.json", "two.json"):
        (station.folder / name).write_bytes(EVENT)
    (station.folder / "two.json").write_bytes(EVENT.replace(b"OBSERVE", b"ADD"))
    with monkeypatch.context() as cut:
        cut.setattr(httpx, "request", lose_answer(httpx.request))
        told = station.run("scan", "one.json", "--station", "bench.pem", expect=1)
    assert "1 signed scan waits in bench.state.json" in told.err
    again = station.json("scan", "one.json", "--station", "bench.pem")
    then = station.json("scan", "two.json", "--station", "bench.pem")
    codes = [flag["code"] for item in [*again["items"], *then["items"]] for flag in item["flags"]]
    assert (again["events"], then["events"]) == (1, 1)
    assert not {"tamper_evidence", "sequence_gap", "chain_break"} & set(codes), codes
    assert then["items"][0]["index"] == again["items"][0]["index"] + 1


def test_what_was_signed_while_the_service_was_away_is_sent_first(station: CommandLine) -> None:
    (station.folder / "one.json").write_bytes(EVENT)
    (station.folder / "two.json").write_bytes(EVENT.replace(b"OBSERVE", b"ADD"))
    away = replace(station, address="http://127.0.0.1:9")
    away.run("scan", "one.json", "--station", "bench.pem", expect=1)
    told = station.json("scan", "two.json", "--station", "bench.pem")
    assert told["events"] == 2
    assert "waiting" not in json.loads((station.folder / "bench.state.json").read_text())


@pytest.mark.parametrize("command", ["scan", "capture"])
def test_a_scan_that_was_refused_is_no_success(station: CommandLine, command: str) -> None:
    (station.folder / "event.json").write_bytes(EVENT)
    words = (command, "event.json", "--station", "bench.pem")
    replace(station, address="http://127.0.0.1:9").run(*words, expect=1)
    file = station.folder / "bench.state.json"
    state = json.loads(file.read_text())
    statement = state["waiting"][0][1][0]
    state["waiting"][0][1][0] = statement[:-8] + ("A" if statement[-8] != "A" else "B") + statement[-7:]
    file.write_text(json.dumps(state))
    told = station.json(*words, expect=1)
    assert told["results"] == {"refused": 1}


def test_a_full_disk_loses_neither_place_nor_scan(station: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    (station.folder / "event.json").write_bytes(EVENT)
    file = station.folder / "bench.state.json"
    before = file.read_text()

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        station.run("scan", "event.json", "--station", "bench.pem", expect=1)
    assert file.read_text() == before


def test_a_key_that_has_signed_is_not_asked_for_anew(station: CommandLine) -> None:
    (station.folder / "event.json").write_bytes(EVENT)
    station.run("scan", "event.json", "--station", "bench.pem")
    before = (station.folder / "bench.state.json").read_text()
    words = ("station", "request", "other", "--key", "bench.pem", *SITE, "--out", "other.request")
    assert "has signed scans already" in station.run(*words, expect=1).err
    assert (station.folder / "bench.state.json").read_text() == before
    assert not (station.folder / "other.request").exists()


def test_a_station_that_enrols_again_goes_on_in_its_sequence(station: CommandLine) -> None:
    (station.folder / "event.json").write_bytes(EVENT)
    station.run("scan", "event.json", "--station", "bench.pem")
    assert flags_after_enrolling_again(station) == {"too_late"}


def test_a_station_that_enrols_again_takes_no_number_of_a_scan_that_was_set_aside(station: CommandLine) -> None:
    (station.folder / "event.json").write_bytes(EVENT)
    station.run("scan", "event.json", "--station", "bench.pem")
    (station.folder / "ahead.json").write_bytes(EVENT.replace(b"2026-", b"2126-"))
    assert station.json("scan", "ahead.json", "--station", "bench.pem")["results"] == {"quarantined": 1}
    assert flags_after_enrolling_again(station) == {"sequence_gap", "too_late"}


def flags_after_enrolling_again(station: CommandLine) -> set[str]:
    """What is said of a scan by a new key of the same station."""
    (station.folder / "bench.state.json").unlink()
    station.run("station", "keygen", "new.pem")
    token = station.json("station", "announce", station.folder.name, *SITE)["enrol_token"]
    station.run("station", "enrol", station.folder.name, "--token", token, "--key", "new.pem")
    again = station.json("scan", "event.json", "--station", "new.pem")
    return {flag["code"] for flag in again["items"][0]["flags"]}


def test_a_station_whose_state_was_restored_is_told_what_sets_its_scans_aside_and_how_to_go_on(
    station: CommandLine,
) -> None:
    (station.folder / "event.json").write_bytes(EVENT)
    words = ("scan", "event.json", "--station", "bench.pem")
    file = station.folder / "bench.state.json"
    older = file.read_text()
    station.run(*words)
    file.write_text(older)
    told = station.run(*words, expect=1)
    assert "the state file is an older copy" in told.err
    assert flags_after_enrolling_again(station) == {"too_late"}


def test_a_wrong_event_among_others_is_named_by_its_place(station: CommandLine) -> None:
    right = {name: value for name, value in json.loads(EVENT).items() if name != "@context"}
    document = {
        "@context": json.loads(EVENT)["@context"],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": right["eventTime"],
        "epcisBody": {"eventList": [right, {**right, "action": "LOOK"}, right]},
    }
    (station.folder / "day.jsonld").write_text(json.dumps(document))
    told = station.run("capture", "day.jsonld", "--station", "bench.pem", expect=1)
    assert "error day.jsonld, event 2 of 3: /action: " in told.err


def test_who_stops_a_command_is_told_what_waits(station: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    (station.folder / "event.json").write_bytes(EVENT)
    with monkeypatch.context() as stopped:
        stopped.setattr(httpx, "request", stop)
        told = station.run("scan", "event.json", "--station", "bench.pem", expect=130)
    assert "1 signed scan waits in bench.state.json" in told.err


def test_an_enrolment_overwrites_no_scan_that_waits(station: CommandLine) -> None:
    (station.folder / "event.json").write_bytes(EVENT)
    replace(station, address="http://127.0.0.1:9").run("scan", "event.json", "--station", "bench.pem", expect=1)
    before = (station.folder / "bench.state.json").read_text()
    station.run("station", "keygen", "bench.key")
    token = station.json("station", "announce", station.folder.name, *SITE)["enrol_token"]
    words = ("station", "enrol", station.folder.name, "--token", token, "--key", "bench.key")
    assert "1 signed scan waits in bench.state.json" in station.run(*words, expect=1).err
    assert (station.folder / "bench.state.json").read_text() == before


def test_of_two_keys_whose_state_file_is_one_neither_signs_with_the_numbers_of_the_other(station: CommandLine) -> None:
    (station.folder / "event.json").write_bytes(EVENT)
    station.run("station", "keygen", "bench.south")
    told = enrol(station, f"{station.folder.name}-south", "bench.south", expect=1)
    assert f"bench.state.json is the place of station {station.folder.name} " in told.err
    enrol(station, station.folder.name, "bench.south")
    told = station.run("scan", "event.json", "--station", "bench.pem", expect=1)
    assert "bench.state.json belongs to another key than bench.pem" in told.err
    station.run("scan", "event.json", "--station", "bench.south")


def test_an_enrolment_whose_answer_was_lost_is_asked_for_again_and_its_token_takes_no_other_key(
    station: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose_enrolment(method: str, url: str, **more: Any) -> httpx.Response:
        return (lost if url.endswith("/enrol") else asked)(method, url, **more)

    asked, lost = httpx.request, lose_answer(httpx.request)
    name = f"{station.folder.name}-2"
    token = station.json("station", "announce", name, *SITE)["enrol_token"]
    words = ("station", "enrol", name, "--token", token, "--key")
    for key in ("new.pem", "other.pem"):
        station.run("station", "keygen", key)
    with monkeypatch.context() as cut:
        cut.setattr(httpx, "request", lose_enrolment)
        station.run(*words, "new.pem", expect=1)
    size = station.json("log", "head")["size"]
    assert station.json(*words, "new.pem")["index"] == size - 1
    assert station.json("log", "head")["size"] == size
    assert "the token is unknown, used or too old" in station.run(*words, "other.pem", expect=1).err


def test_a_token_enrols_the_station_that_was_announced_and_its_proof_covers_its_place(station: CommandLine) -> None:
    name = f"{station.folder.name}-3"
    token = station.json("station", "announce", name, *SITE)["enrol_token"]
    station.run("station", "keygen", "third.pem")
    words = ("--token", token, "--key", "third.pem")
    told = station.run("station", "enrol", f"{station.folder.name}-4", *words, expect=1)
    assert f"the token is for station {name}" in told.err
    index = station.json("station", "enrol", name, *words)["index"]
    bundle = httpx.get(f"{station.address}/log/tile/entries/000.p/{index + 1}").content
    assert read_key_add(decode_bundle(bundle, index + 1)[index]).is_whole


def enrol(station: CommandLine, name: str, key: str, *, expect: int = 0) -> Ended:
    """Enrol a key for a station; the command must end with the code expected."""
    token = station.json("station", "announce", name, *SITE)["enrol_token"]
    return station.run("station", "enrol", name, "--token", token, "--key", key, expect=expect)


def stop(*_asked: Any, **_more: Any) -> httpx.Response:
    """Ctrl-C while the service is asked."""
    raise KeyboardInterrupt


def lose_answer(request: Callable[..., httpx.Response]) -> Callable[..., httpx.Response]:
    """Ask the service, and lose what it answers."""

    def lose(*asked: Any, **more: Any) -> httpx.Response:
        request(*asked, **more)
        raise httpx.ReadTimeout("the line went dead")

    return lose


def timeless(text: str) -> str:
    """The text without its numbers: how late a scan was depends on when it was made."""
    return re.sub(r"\d+", "", text)
