"""Shards over HTTP and by command line: groups set, quarters closed, and what is over dropped, by a supervisor."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from api.cli.instance import Instance
from api.compose import free_port
from custody.kernel import cbor
from custody.kernel.base64url import unb64
from custody.kernel.clock import DAY_MS, from_iso
from custody.kernel.errors import Conflict, Forbidden, NotFound, Rejected
from custody.kernel.keys import read_cose_key
from custody.kernel.receipt import verify_receipt
from custody.ledger.record import open_record
from custody.scans.shard import quarter_of
from simulators.agent import sign_in
from simulators.client import ServiceClient
from tests.doors.command_line import CommandLine, signed_in
from tests.doors.log_desk import SSCC, Desk

SCAN = {"Content-Type": "application/vnd.weaklink.scan+cbor"}
PATH = "/v1/log/shards"
OLD_MS = 8 * 366 * DAY_MS


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    """A service for one test alone, which may make its log older."""
    running = Instance(tmp_path / "data", port=free_port())
    running.start()
    yield running
    running.stop()


@pytest.fixture
def desk(instance: Instance) -> Iterator[Desk]:
    """One station, and a client beside it."""
    made = Desk(instance)
    yield made
    made.http.close()


@pytest.fixture
def staff(instance: Instance) -> Iterator[dict[str, ServiceClient]]:
    """A supervisor and an agent."""
    base = ServiceClient(instance.address)
    made = {name: sign_in(base, f"{name}-1", instance.accounts[f"{name}-1"]).client for name in ("supervisor", "agent")}
    yield made
    for client in (base, *made.values()):
        client.close()


@pytest.fixture
def shell(instance: Instance, tmp_path: Path) -> CommandLine:
    """The supervisor's command line."""
    return signed_in(instance, "supervisor-1", tmp_path)


def make_older(instance: Instance, ms: int, *, after: int = -1) -> None:
    """The log as it would be had it been written so much earlier, all of it or what lies after an entry."""
    (path,) = instance.data.glob("*.db")
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE entry SET received_ms = received_ms - ? WHERE idx > ?", (ms, after))
        database.execute("UPDATE scan SET received_ms = received_ms - ? WHERE place >= 512 * (? + 1)", (ms, after))


def now_ms(desk: Desk) -> int:
    """When the log was last signed."""
    return from_iso(desk.http.get("/v1/log").json()["signed_at"])


def scan_for(desk: Desk, supervisor: ServiceClient, group: str) -> None:
    """A scan of the station, in this group from now on."""
    supervisor.post("/v1/stations/desk-1/group", {"group": group})
    assert desk.http.post("/v1/scans", content=cbor.encode(list(desk.sign())), headers=SCAN).status_code == 201


def closed_quarter(instance: Instance, desk: Desk, supervisor: ServiceClient) -> Any:
    """The one shard of a log: a quarter of one scan, eight years old and closed."""
    scan_for(desk, supervisor, "north")
    make_older(instance, OLD_MS)
    supervisor.post(f"{PATH}/close", {"shard": f"{quarter_of(now_ms(desk) - OLD_MS).name}/north"})
    (shard,) = desk.http.get(PATH).json()["shards"]
    return shard


def test_a_supervisor_groups_a_station_closes_a_quarter_and_drops_it(
    instance: Instance, desk: Desk, staff: dict[str, ServiceClient], shell: CommandLine
) -> None:
    supervisor, agent = staff["supervisor"], staff["agent"]
    assert shell.json("station", "group", "desk-1", "north")["group"] == "north"
    assert supervisor.post("/v1/stations/desk-1/group", {"group": "north"})["index"] is None
    for pair in [desk.sign() for _ in range(3)]:
        assert desk.http.post("/v1/scans", content=cbor.encode(list(pair)), headers=SCAN).status_code == 201
    (station,) = agent.get("/v1/stations")["stations"]
    assert station["group"] == "north"
    # 1. Nothing is closed or dropped before its time, nor by anybody else.
    with pytest.raises(Forbidden):
        agent.post(f"{PATH}/close", {"shard": "2026q1/north"})
    with pytest.raises(Forbidden):
        agent.post(f"{PATH}/drop", {"shard": "2026q1/north", "reason": "not mine to do"})
    now = quarter_of(now_ms(desk))
    with pytest.raises(Conflict, match="can be closed from"):
        supervisor.post(f"{PATH}/close", {"shard": f"{now.name}/north"})
    with pytest.raises(Conflict, match="is kept until"):
        supervisor.post(f"{PATH}/drop", {"shard": f"{now.name}/north", "reason": "too early"})
    # 2. Eight years on.
    make_older(instance, OLD_MS)
    name = f"{quarter_of(now_ms(desk) - OLD_MS).name}/north"
    assert f"Closed {name}: 3 scans of 1 stations" in shell.run("log", "shards", "close", name).out
    check_records(shell.json("log", "shards"), desk, name)
    # 3. Dropped, said again, and gone from trails; the log is whole.
    assert len(agent.get("/v1/trails", item=SSCC)["entries"]) == 3
    drop = ("log", "shards", "drop", name, "--reason", "retention over")
    dropped = shell.json(*drop)
    assert (dropped["openings_gone"], dropped["kept"], dropped["done"]) == (3, {"held": 0, "shared": 0}, True)
    repeated = shell.run(*drop).out
    assert "3 openings gone" in repeated
    assert "as before" in repeated
    with pytest.raises(NotFound):
        agent.get("/v1/trails", item=SSCC)
    (shard,) = desk.http.get(PATH).json()["shards"]
    assert (shard["openings_gone"], shard["dropped"]["kind"]) == (3, "shard.dropped")
    audit = shell.json("log", "audit", "--vkey", desk.log["vkey"])
    assert (audit["ok"], audit["findings"]) == (True, [])
    assert name in shell.run("log", "shards").out


def check_records(listed: Any, desk: Desk, name: str) -> None:
    """Every record that is listed is what the log holds, by its receipt, and says what stands beside it."""
    key = read_cose_key(cbor.decode(unb64(desk.log["keys"]["log"], where="key")))
    (shard,), (group,) = listed["shards"], listed["groups"]
    for row in (shard, group):
        raw, opening = (unb64(row["record"][part], where=part) for part in ("entry", "opening"))
        proven = verify_receipt(unb64(row["record"]["receipt"], where="receipt"), raw, key)
        assert proven.index == row["record"]["index"]
        fields = open_record(raw, opening).fields
        assert fields["kind"] == row["record"]["kind"]
        names = {"shard", "first", "last", "scans", "stations"} if "shard" in row else {"station", "group"}
        assert {each: fields[each] for each in names} == {each: row[each] for each in names}
    assert (shard["shard"], shard["dropped"], group["station"]) == (name, None, "desk-1")


def test_pages_of_the_list_together_hold_everything_once(
    instance: Instance, desk: Desk, staff: dict[str, ServiceClient]
) -> None:
    closed_quarter(instance, desk, staff["supervisor"])
    for group in ("south", "west", "north"):
        staff["supervisor"].post("/v1/stations/desk-1/group", {"group": group})
    whole = desk.http.get(PATH).json()
    after, seen = -1, []
    while after is not None:
        page = desk.http.get(PATH, params={"after": after, "limit": 1}).json()
        seen += [row["record"]["index"] for name in ("shards", "groups") for row in page[name]]
        after = page["next"]
    assert sorted(seen) == sorted(row["record"]["index"] for name in ("shards", "groups") for row in whole[name])
    assert len(seen) == len(set(seen)) >= 4


def test_what_is_no_name_is_refused_with_what_to_write(staff: dict[str, ServiceClient]) -> None:
    for path, body in (("close", {"shard": "now"}), ("drop", {"shard": "now", "reason": "why"})):
        with pytest.raises(Rejected) as caught:
            staff["supervisor"].post(f"{PATH}/{path}", body)
        assert "2026q4/north" in caught.value.fix


def test_the_service_closes_by_itself_what_is_over(
    instance: Instance, desk: Desk, staff: dict[str, ServiceClient], shell: CommandLine
) -> None:
    old = closed_quarter(instance, desk, staff["supervisor"])
    scan_for(desk, staff["supervisor"], "east")
    instance.stop()
    make_older(instance, OLD_MS // 4, after=old["last"])
    instance.start()
    deadline = monotonic() + 30
    while len(shards := shell.json("log", "shards")["shards"]) == 1 and monotonic() < deadline:
        sleep(0.2)
    (made,) = shards[1:]
    assert (made["shard"].partition("/")[2], made["scans"], made["openings_gone"]) == ("east", 1, 0)
