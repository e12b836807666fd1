"""Who gave out the PIN tells whether it was entered, from outside: with commands alone, up to a pack that is checked.

In one world the courier did as he says; in the other he signed for the customer, who never got the parcel.
"""

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from custody.kernel.errors import Rejected
from custody.kernel.keys import new_signer, read_private_pem
from custody.kernel.system_clock import SystemClock
from simulators import customer
from simulators.network import World
from simulators.pin_service import Delivery, PinService
from tests.doors.command_line import CommandLine
from tests.stories.http_service import Service, honest_network, running_service

PINS = ("--custodian", "urn:example:pins")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """A service, what happened, and the shells of whom it takes."""

    service: Service
    world: World
    supervisor: CommandLine
    verifier: CommandLine

    @property
    def pins(self) -> PinService:
        pem = (self.verifier.folder / "pins.pem").read_text()
        return PinService(signer=read_private_pem(pem))

    @property
    def delivery(self) -> Delivery:
        """Of the parcel whose customer says that it never came."""
        (found,) = self.pins.look([self.world.past.late_find], self.world.scans)
        return found

    def trail(self) -> dict[str, Any]:
        return self.service.staff["investigator-1"].trail(self.world.past.late_find.sscc)

    def investigated(self, dispute: str) -> dict[str, Any]:
        return self.service.staff["investigator-1"].investigate(dispute)

    def pack(self, dispute: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """What `weaklink verify` says of the case's pack, and the inputs of the investigation in it."""
        file = self.supervisor.folder / "case.zip"
        file.unlink(missing_ok=True)
        self.supervisor.json("pack", dispute, "--out", file.name)
        return self.supervisor.json("verify", file.name), open_inquiry(file)


def open_inquiry(file: Path) -> dict[str, Any]:
    """The inputs of the investigation in a pack, as anybody reads them."""
    with zipfile.ZipFile(file) as pack:
        inquiry: dict[str, Any] = json.loads(pack.read("investigation.json"))["inquiry"]
    return inquiry


def parts_in(folder: Path, *, signed_for: bool) -> Iterator[Parts]:
    with running_service(folder / "data") as service:
        world = honest_network(service.staff["supervisor-1"].client, seed=11, parcels=6, signed_for=signed_for)
        for name in ("supervisor", "verifier"):
            (folder / name).mkdir()
        token = service.token("supervisor-1")
        yield Parts(
            service=service,
            world=world,
            supervisor=CommandLine(address=service.address, folder=folder / "supervisor", token=token),
            verifier=CommandLine(address=service.address, folder=folder / "verifier"),
        )
        service.audit()


@pytest.fixture
def honest(tmp_path: Path) -> Iterator[Parts]:
    yield from parts_in(tmp_path, signed_for=False)


@pytest.fixture
def forged(tmp_path: Path) -> Iterator[Parts]:
    yield from parts_in(tmp_path, signed_for=True)


def enrol(parts: Parts) -> dict[str, Any]:
    """The verifier asks, and a supervisor vouches for it."""
    parts.verifier.run("verifier", "keygen", "pins.pem")
    parts.verifier.run("verifier", "request", "pins", "--key", "pins.pem", *PINS, "--out", "pins.request")
    enrolled: dict[str, Any] = parts.supervisor.json("verifier", "enrol", str(parts.verifier.folder / "pins.request"))
    return enrolled


def attest(parts: Parts, *, held: bool) -> dict[str, Any]:
    words = ("--scan", parts.delivery.scan.digest.hex(), "--check", "pin6", "--held" if held else "--refuted")
    said: dict[str, Any] = parts.verifier.json("verifier", "attest", "pins", "--key", "pins.pem", *words)
    return said


def test_where_the_pin_held_the_delivery_is_proved_by_somebody_else_than_the_deliverer(honest: Parts) -> None:
    person = customer.report(honest.service.client, honest.world.late_find)
    enrol(honest)
    assert honest.trail()["delivery"]["check_verified"] is None
    assert honest.delivery.held
    assert attest(honest, held=honest.delivery.held)["scan"] == "known"
    delivery = honest.trail()["delivery"]
    assert (delivery["strength"], delivery["check_verified"]) == ("pin_sealed", True)
    honest.investigated(person.dispute)
    told, inquiry = honest.pack(person.dispute)
    assert told["ok"], told
    assert (inquiry["format"], inquiry["inputs"]["dispute"]["pin"]) == ("weaklink-investigation/7", "verified")


def test_a_courier_who_signed_for_the_customer_is_not_believed_and_what_was_named_before_stays(forged: Parts) -> None:
    person = customer.report(forged.service.client, forged.world.late_find)
    assert person.opened["presumption"] == "honest"
    enrol(forged)
    before = forged.investigated(person.dispute)
    assert not forged.delivery.held
    attest(forged, held=forged.delivery.held)
    delivery = forged.trail()["delivery"]
    assert (delivery["strength"], delivery["check_verified"]) == ("photo", None)
    assert "check_refuted" in {finding["kind"] for finding in forged.trail()["findings"]}
    # 1. What was named stands, and its pack verifies with the word that came later.
    told, inquiry = forged.pack(person.dispute)
    assert told["ok"], told
    assert inquiry["inputs"]["dispute"]["pin"] == "recorded"
    assert any("1 came in later" in check["what"] for check in told["checks"])
    # 2. A new naming hears it: the last link is suspected more.
    after = forged.investigated(person.dispute)
    told, inquiry = forged.pack(person.dispute)
    assert told["ok"], told
    assert inquiry["inputs"]["dispute"]["pin"] == "absent"
    assert courier(after) > courier(before)


def courier(found: dict[str, Any]) -> float:
    return float(sum(link["probability"] for link in found["links"] if link["step"] == "courier"))


def test_two_words_that_contradict_each_other_convict_nobody(forged: Parts) -> None:
    enrol(forged)
    attest(forged, held=False)
    attest(forged, held=True)
    trail = forged.trail()
    assert (trail["delivery"]["strength"], trail["delivery"]["check_verified"]) == ("pin_sealed", None)
    assert "check_disputed" in {finding["kind"] for finding in trail["findings"]}


def test_the_same_service_attests_on_the_wire_what_it_found(honest: Parts) -> None:
    pins, client = PinService(signer=new_signer()), honest.service.client.as_caller("")
    now_ms = SystemClock().now_ms()
    with pytest.raises(Rejected):
        pins.attest(client, honest_delivery(pins, honest), at_ms=now_ms)
    pins.enrol(honest.service.staff["supervisor-1"].client, at_ms=now_ms)
    for delivery in pins.look(honest.world.past.parcels, honest.world.scans):
        assert pins.attest(client, delivery, at_ms=now_ms)["scan"] == "known"
    assert honest.trail()["delivery"]["check_verified"] is True


def honest_delivery(pins: PinService, parts: Parts) -> Delivery:
    return next(pins.look([parts.world.past.late_find], parts.world.scans))
