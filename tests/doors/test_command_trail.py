"""`weaklink trail` for people: times, places and sentences, and nothing that only programs read."""

from pathlib import Path

import pytest

from api.cli.client import console, folded
from api.cli.instance import Instance
from custody.kernel import cbor
from custody.kernel.clock import to_iso
from tests.doors.command_line import signed_in
from tests.doors.log_desk import SSCC, Desk

SCAN = {"Content-Type": "application/vnd.weaklink.scan+cbor"}


def test_a_trail_is_printed_as_the_service_tells_it(instance: Instance, tmp_path: Path) -> None:
    desk = Desk(instance)
    for _ in range(2):
        assert desk.http.post("/v1/scans", content=cbor.encode(list(desk.sign())), headers=SCAN).status_code == 201
    desk.http.close()
    shell = signed_in(instance, "agent-1", tmp_path)
    told, shown = shell.json("trail", SSCC), shell.run("trail", SSCC).out
    (segment,) = [row for row in told["segments"] if row["seen"]]
    cells = (to_iso(segment["from_ms"]), segment["custodian"], segment["name"], str(segment["opening_index"]))
    line = next(line for line in shown.splitlines() if segment["name"] in line)
    assert [cell for cell in cells if f" {cell} " not in line] == []
    assert told["findings"]
    assert [row["sentence"] for row in told["findings"] if row["sentence"] not in shown] == []
    assert [sign for sign in ("{", "None") if sign in shown] == []


def test_a_narrow_screen_cuts_no_name(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(console, "width", 60)
    names = ("2026-05-11T08:12:30.000Z", "https://id.gs1.org/417/9521473000010", "alert_0k3v9q2m7x4d8r1t")
    table = folded("from", "custodian", "alert", "what")
    table.add_row(*names, "a sentence that is long enough to need the rest of the screen and more")
    console.print(table)
    lines = [line.strip("\u2502").split("\u2502") for line in capsys.readouterr().out.splitlines() if "\u2502" in line]
    assert tuple("".join(cell.strip() for cell in column) for column in list(zip(*lines, strict=True))[:3]) == names
