"""Real witnesses beside a real service: cosigned checkpoints, a witness that is away, a split view, a rollback."""

import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.cli.instance import Instance
from api.compose import free_port
from custody.investigation.verify.pack import verify_pack
from custody.investigation.verify.verification import PackStep
from custody.kernel.errors import Unavailable
from custody.kernel.system_clock import SystemClock
from custody.ledger.note import Ed25519Verifier, parse_vkey
from custody.ledger.proof import parse_proof, verify_proof
from custody.ledger.witness_policy import WitnessPolicy, parse_policy
from simulators.agent import sign_in
from simulators.client import ServiceClient
from simulators.events import finish, write
from simulators.geography import build_geography
from simulators.station import make_station
from tests.servers.witness import WitnessProcess, until


class Street:
    """A service with its witnesses, and a copy of its database from before they had seen anything."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.staff: dict[str, ServiceClient] = {}
        first = Instance(folder / "data", port=free_port())
        first.start()
        self.accounts = first.accounts
        self.vkey: str = httpx.get(f"{first.address}/v1/log").json()["vkey"]
        first.stop()
        shutil.copytree(folder / "data", folder / "early")
        self.witnesses = {
            "carrier": WitnessProcess(folder, "carrier", self.vkey, "--ml-dsa"),
            "ombudsman": WitnessProcess(folder, "ombudsman", self.vkey),
        }
        self.policy_file = folder / "working.policy"
        self.policy_file.write_text(self.policy_text())
        self.service = Instance(folder / "data", port=free_port(), options=("--witness-policy", str(self.policy_file)))
        self.service.start()

    def policy_text(self) -> str:
        """Any of the two is enough for daily work."""
        lines = [f"log {self.vkey}"]
        for name, witness in self.witnesses.items():
            for number, vkey in enumerate(witness.vkeys):
                lines.append(f"witness {name}{'-pq' * number} {vkey} {witness.address}")
        return "\n".join([*lines, "group working any carrier ombudsman", "quorum working", ""])

    @property
    def policy(self) -> WitnessPolicy:
        return parse_policy(self.policy_text())

    def about(self, service: Instance | None = None) -> Any:
        """What the service says of its log."""
        return httpx.get(f"{(service or self.service).address}/v1/log", timeout=30).json()

    def grow(self, service: Instance | None = None, *, order: str) -> float:
        """One more entry; returns how long it took."""
        at = service or self.service
        if at.address not in self.staff:
            client = ServiceClient(at.address)
            self.staff[at.address] = sign_in(client, "agent-1", self.accounts["agent-1"]).client
        begun = time.monotonic()
        self.staff[at.address].post("/v1/orders", {"order": order, "imei": "356938035643809", "product": "phone"})
        return time.monotonic() - begun

    def witnessed(self) -> bool:
        """Whether every witness has cosigned all there is."""
        about = self.about()
        return all(row["size"] == about["size"] for row in about["witnesses"])

    def stop(self) -> None:
        """End everything."""
        for client in self.staff.values():
            client.close()
        self.service.stop()
        for witness in self.witnesses.values():
            witness.stop()


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    """One service with two witnesses."""
    made = Street(tmp_path_factory.mktemp("street"))
    yield made
    made.stop()


@pytest.mark.slow
def test_what_the_public_sees_is_cosigned_and_proofs_carry_it(street: Street) -> None:
    street.grow(order="SO-1")
    until(street.witnessed)
    about = street.about()
    assert about["sizes"]["witnessed"] == about["sizes"]["logged"] == about["size"]
    assert {row["party"] for row in about["parties"]} == {"carrier", "carrier-pq", "ombudsman"}
    note = httpx.get(f"{street.service.address}/log/checkpoint").content
    judged = street.policy.judge(note)
    assert judged.demand().size == about["size"]
    entry = httpx.get(f"{street.service.address}/v1/entries/0").json()
    proof = httpx.get(f"{street.service.address}/v1/entries/0/proof").content
    raw = httpx.get(f"{street.service.address}/log/tile/entries/000.p/1").content[2:]
    assert verify_proof(proof, raw, Ed25519Verifier(key=parse_vkey(street.vkey))).index == entry["index"]
    assert street.policy.judge(parse_proof(proof).note).satisfied
    check_pack(street)
    for witness in street.witnesses.values():
        kept = httpx.get(f"{witness.address}/{'0' * 64}/checkpoint")
        assert kept.status_code == 404


def check_pack(street: Street) -> None:
    """A pack names the parties that cosigned its head, by the policy that the log itself holds."""
    staff = street.staff[street.service.address]
    dispute = staff.post("/v1/disputes", {"order": "SO-1", "words": "The charger is missing"})["dispute"]
    until(street.witnessed)
    pack = httpx.post(
        f"{street.service.address}/v1/packs",
        json={"dispute": dispute},
        headers={"Authorization": f"Bearer {staff.token}"},
        timeout=60,
    ).content
    verdict = verify_pack(pack, vkey=street.vkey)
    assert verdict.ok, verdict
    said = [str(check) for check in verdict.checks if check.step is PackStep.WITNESSES]
    assert any("carrier" in line and "ombudsman" in line for line in said), said


@pytest.mark.slow
def test_a_scan_is_placed_between_two_witnessed_moments(street: Street) -> None:
    client = ServiceClient(street.service.address)
    staff = sign_in(client, "supervisor-1", street.accounts["supervisor-1"]).client
    station = make_station(build_geography().post("hub-1/hub_sort"), seed="street")
    now_ms = SystemClock().now_ms()
    station.enrol(client, station.announce(staff), origin=street.about()["origin"], at_ms=now_ms)
    until(street.witnessed)
    station.look(client)
    assert station.seen is not None
    parcel = "https://id.gs1.org/00/195214730000088169"
    body = {"type": "ObjectEvent", "epcList": [parcel], "action": "OBSERVE", "bizStep": "inspecting"}
    event = write(finish(body | station.witnessed(), at_ms=now_ms, event_id="urn:uuid:street-1"))
    station.store(station.sign(event, subject="urn:uuid:street", event_id="urn:uuid:street-1", at_ms=now_ms))
    (answer,) = station.send_next(client)
    assert answer.body["index"] is not None
    until(street.witnessed)
    entry = staff.get("/v1/trails", item=parcel)["entries"][0]
    assert entry["digest"] == answer.scan.digest.hex()
    assert 0 < entry["not_before_ms"] <= entry["received_ms"] <= entry["not_after_ms"]
    client.close()


@pytest.mark.slow
def test_a_witness_that_is_away_holds_nothing_up_and_catches_up(street: Street) -> None:
    until(street.witnessed)
    ombudsman = street.witnesses["ombudsman"]
    ombudsman.stop(signal.SIGKILL)
    with_one_away = [street.grow(order=f"SO-away-{number}") for number in range(5)]
    assert max(with_one_away) < 5, with_one_away
    until(lambda: street.about()["sizes"]["witnessed"] == street.about()["size"])
    until(lambda: [row for row in street.about()["witnesses"] if row["witness"] == "ombudsman" and row["trouble"]])
    assert {row["party"] for row in street.about()["parties"]} == {"carrier", "carrier-pq"}
    ombudsman.start()
    until(street.witnessed)
    assert not any(row["trouble"] for row in until(lambda: _quiet(street)))


def _quiet(street: Street) -> Any:
    rows = street.about()["witnesses"]
    return rows if not any(row["trouble"] for row in rows) else None


@pytest.mark.slow
def test_another_past_of_the_log_finds_no_witness(street: Street) -> None:
    until(street.witnessed)
    seen = street.about()["size"]
    data = street.folder / "early"
    shutil.rmtree(data / "heads")
    fork = Instance(data, port=free_port(), options=("--witness-policy", str(street.policy_file)))
    fork.start()
    try:
        until(lambda: all(row["trouble"] for row in street.about(fork)["witnesses"]))
        assert all(str(seen) in row["trouble"] for row in street.about(fork)["witnesses"])
        number = 0
        while street.about(fork)["size"] <= seen:
            number += 1
            street.grow(fork, order=f"SO-fork-{number}")
        until(lambda: all("422" in row["trouble"] for row in street.about(fork)["witnesses"] if row["trouble"]))
        refused = httpx.get(f"{fork.address}/log/checkpoint")
        assert (refused.status_code, refused.json()["type"]) == (503, "urn:weaklink:problem:no_quorum")
    finally:
        fork.stop()
    assert street.witnessed()


@pytest.mark.slow
def test_an_older_copy_of_the_database_does_not_start_and_says_what_to_do(tmp_path: Path) -> None:
    service = Instance(tmp_path / "data", port=free_port())
    service.start()
    service.stop()
    backup = (service.data / "weaklink.db").read_bytes()
    service.start()
    client = ServiceClient(service.address)
    staff = sign_in(client, "agent-1", service.accounts["agent-1"]).client
    staff.post("/v1/orders", {"order": "SO-1", "imei": "356938035643809", "product": "phone"})
    until(lambda: b"\n2\n" in next((service.data / "heads").glob("*.note")).read_bytes())
    client.close()
    service.kill()
    service.start()
    service.stop()
    for file in service.data.glob("weaklink.db*"):
        file.unlink()
    (service.data / "weaklink.db").write_bytes(backup)
    with pytest.raises(Unavailable, match="older copy"):
        service.start()
    assert "Restore the newest copy of the database" in service.log
    assert "Traceback" not in service.log
