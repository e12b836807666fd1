"""Erasing over HTTP and by command line, and the log as a folder that audits clean with the key alone."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from api.cli.erase import tell_what_is_left
from api.cli.instance import Instance
from custody.kernel import cbor
from custody.kernel.errors import Forbidden
from simulators.agent import sign_in
from simulators.client import ServiceClient
from tests.doors.log_desk import SSCC, Desk


@pytest.fixture(scope="module")
def desk(instance: Instance) -> Iterator[Desk]:
    """One station, and a client beside it."""
    made = Desk(instance)
    yield made
    made.http.close()


def weaklink(instance: Instance, token: str, *words: str) -> Any:
    env = {**os.environ, "WEAKLINK_URL": instance.address, "WEAKLINK_TOKEN": token}
    command = [sys.executable, "-m", "api.cli.main", *words, "--json"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_parcel_is_erased_by_a_supervisor_and_the_exported_log_audits_clean(
    instance: Instance, desk: Desk, tmp_path: Path
) -> None:
    client = ServiceClient(instance.address)
    supervisor = sign_in(client, "supervisor-1", instance.accounts["supervisor-1"]).client
    agent = sign_in(client, "agent-1", instance.accounts["agent-1"]).client
    pairs = [desk.sign() for _ in range(3)]
    for pair in pairs[:2]:
        scan = {"Content-Type": "application/vnd.weaklink.scan+cbor"}
        assert desk.http.post("/v1/scans", content=cbor.encode(list(pair)), headers=scan).status_code == 201
    assert desk.post(pairs[2][0]).status_code == 201
    before = agent.get("/v1/trails", item=SSCC)
    assert [row["seq"] for row in before["opening_missing"]] == [3]
    assert (len(before["entries"]), before["erased"]) == (2, [])
    waiting = agent.get(f"/v1/entries/{before['opening_missing'][0]['index']}")
    assert (waiting["opening_missing"], waiting["erased"]) == (True, False)
    with pytest.raises(Forbidden):
        agent.post("/v1/erasures", {"target": SSCC, "reason": "not mine to do"})
    done = weaklink(instance, supervisor.token, "erase", SSCC, "--reason", "the retention period is over")
    assert (len(done["openings"]), done["shared"], done["repeated"], done["gone_from_disk"]) == (2, [], False, True)
    after = agent.get("/v1/trails", item=SSCC)
    assert [row["index"] for row in after["erased"]] == done["openings"]
    assert after["entries"] == []
    assert agent.get(f"/v1/entries/{done['openings'][0]}")["erased"] is True
    assert supervisor.post("/v1/erasures", {"target": SSCC, "reason": "again"})["repeated"] is True
    folder = tmp_path / "mirror"
    told = weaklink(instance, "", "log", "export", str(folder), "--vkey", desk.log["vkey"])
    assert told["size"] == client.get("/v1/log")["size"]
    audit = weaklink(instance, "", "log", "audit", str(folder), "--vkey", desk.log["vkey"])
    assert (audit["ok"], audit["findings"], audit["size"]) == (True, [], told["size"])
    copied = weaklink(
        instance, "", "log", "export", str(tmp_path / "2"), "--from", str(folder), "--vkey", desk.log["vkey"]
    )
    assert (copied["root"], copied["written"]) == (told["root"], told["written"])
    client.close()


def test_what_a_reader_keeps_on_the_disk_is_told_until_it_is_gone(
    instance: Instance, desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    supervisor = sign_in(ServiceClient(instance.address), "supervisor-1", instance.accounts["supervisor-1"]).client
    scan = {"Content-Type": "application/vnd.weaklink.scan+cbor"}
    assert desk.http.post("/v1/scans", content=cbor.encode(list(desk.sign())), headers=scan).status_code == 201
    asked = {"target": SSCC, "reason": "the retention period is over"}
    with closing(sqlite3.connect(instance.data / "weaklink.db")) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT size FROM log_head").fetchone()
        done = supervisor.post("/v1/erasures", asked)
    assert (done["repeated"], done["gone_from_disk"]) == (False, False)
    tell_what_is_left(done)
    assert "type the same again" in " ".join(capsys.readouterr().out.split())
    again = supervisor.post("/v1/erasures", asked)
    assert (again["repeated"], again["gone_from_disk"]) == (True, True)
    tell_what_is_left(again)
    assert capsys.readouterr().out == ""
    supervisor.close()
