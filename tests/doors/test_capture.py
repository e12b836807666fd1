"""Events that other systems made: signed, posted, found again, byte for byte, with a receipt that verifies."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from api.cli.instance import Instance
from custody.gs1.document import read_document
from custody.gs1.parse_event import parse_event
from custody.kernel import cbor
from custody.kernel.base64url import unb64
from custody.kernel.keys import read_cose_key
from custody.kernel.receipt import verify_receipt
from simulators.agent import Staff, sign_in
from simulators.client import ServiceClient

DOCUMENT = """{
  "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld", {"acme": "https://ns.example.com/acme/"}],
  "type": "EPCISDocument", "schemaVersion": "2.0", "creationDate": "2026-05-11T08:12:30.000+01:00",
  "epcisBody": {"eventList": [
    {"type": "ObjectEvent", "eventTime": "2026-05-11T08:12:30.000+01:00",   "eventTimeZoneOffset": "+01:00",
     "epcList": ["https://id.gs1.org/00/195214730000088169"], "action": "OBSERVE", "bizStep": "shipping",
     "acme:dock": "7"},
    {"type": "AggregationEvent", "eventTime": "2026-05-11T09:00:00Z", "eventTimeZoneOffset": "+00:00",
     "parentID": "urn:epc:id:sscc:9521473.1000008816", "childEPCs": ["urn:epc:id:sgtin:9521473.000381.001017004829159"],
     "action": "ADD", "bizStep": "packing"}
  ]}
}
"""


class Station:
    """A command-line station: runs `weaklink` as its user would."""

    def __init__(self, instance: Instance, folder: Path, name: str) -> None:
        self.folder = folder
        self._env = {**os.environ, "WEAKLINK_URL": instance.address}
        self._client = ServiceClient(instance.address)
        self.staff: Staff = sign_in(self._client, "supervisor-1", instance.accounts["supervisor-1"])
        self._env["WEAKLINK_TOKEN"] = self.staff.client.token
        key = folder / f"{name}.pem"
        self.key = str(key)
        self.weaklink("station", "keygen", self.key)
        site = ("--site", "https://id.gs1.org/414/9521473000102", "--custodian", "https://id.gs1.org/417/9521473000102")
        token = self.weaklink("station", "announce", name, *site)["enrol_token"]
        self.weaklink("station", "enrol", name, "--token", token, "--key", self.key)

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def weaklink(self, *words: str) -> dict[str, Any]:
        """The JSON answer of a command."""
        done = subprocess.run(
            [sys.executable, "-m", "api.cli.main", *words, "--json"],
            env=self._env,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found


MakeStation = Callable[[Instance, Path, str], Station]


@pytest.fixture
def make_station() -> Iterator[MakeStation]:
    """Makes stations and closes them."""
    made: list[Station] = []

    def make(instance: Instance, folder: Path, name: str) -> Station:
        made.append(Station(instance, folder, name))
        return made[-1]

    yield make
    for station in made:
        station.close()


def check_found_again(staff: Staff, file: Path) -> int:
    """Every event of the document is found by each of its keys, with its own bytes and a true receipt."""
    document = read_document(file.read_bytes())
    keys = staff.client.get("/v1/log")["keys"]
    log_key = read_cose_key(cbor.decode(unb64(keys["log"], where="log key")))
    for raw in document.events:
        event = parse_event(raw, prefixes=document.prefixes, foreign=True)
        for key in sorted(event.keys()):
            found = staff.client.get("/v1/events", MATCH_anyEPC=key, perPage=1000)["events"]
            same = [row for row in found if unb64(row["event"], where="event") == raw]
            assert same, f"{file.name}: not found by {key}"
            receipt = staff.client.get_bytes(same[-1]["receipt"])
            proven = verify_receipt(receipt, unb64(same[-1]["statement"], where="statement"), log_key)
            assert proven.index == same[-1]["index"]
    return len(document.events)


def test_captured_events_are_found_by_their_keys_byte_for_byte_with_a_receipt(
    instance: Instance, tmp_path: Path, make_station: MakeStation
) -> None:
    file = tmp_path / "shipment.jsonld"
    file.write_text(DOCUMENT)
    station = make_station(instance, tmp_path, "capture-1")
    answer = station.weaklink("capture", str(file), "--station", station.key)
    assert answer["events"] == 2
    assert set(answer["results"]) <= {"accepted", "flagged"}
    assert check_found_again(station.staff, file) == 2


def test_every_published_example_document_goes_in_and_comes_back(
    instance: Instance, tmp_path: Path, make_station: MakeStation
) -> None:
    vectors = os.environ.get("WEAKLINK_VECTORS")
    if not vectors:
        pytest.skip("WEAKLINK_VECTORS names no folder with the published EPCIS examples")
    files = sorted(Path(vectors, "epcis", "gs1-examples").rglob("*.jsonld"))
    assert len(files) == 47
    station = make_station(instance, tmp_path, "capture-2")
    answer = station.weaklink("capture", *map(str, files), "--station", station.key)
    assert set(answer["results"]) <= {"accepted", "flagged"}
    assert sum(check_found_again(station.staff, file) for file in files) == answer["events"] == 56
