"""The whole story, played against a running service over real HTTP and MQTT connections.

A network of weighed and sealed parcels with one thief at one link; earlier disputes; then the honest customer whose
handset was swapped for a power bank of the same mass. Each step checks what it promises and raises `Broken` if the
service does not keep it.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from custody.kernel.system_clock import SystemClock
from devicelock.rules.applied import Applied
from devicelock.rules.hello import SimClass
from simulators import customer
from simulators.agent import Staff, put_authority_in_force, sign_in
from simulators.client import ServiceClient
from simulators.customer import Customer
from simulators.handset import Handset
from simulators.holder import Function
from simulators.network import Progress, ThiefConfig, World, links_of, play, small_world
from simulators.radio import Radio

FAR_AWAY = "RO"
HOME = "GB"
NETWORKS = {FAR_AWAY: "22610", HOME: "23415"}
"""A network of each country (ITU-T E.212), as a handset that is served by it says."""

WAIT_S = 60.0
POLL_S = 0.05


class Broken(Exception):
    """The service did not keep what this step of the story promises."""


@dataclass(kw_only=True)
class Story:
    """What has happened so far. Steps are called in the order of `STEPS`."""

    client: ServiceClient
    accounts: dict[str, str]
    folder: Path
    seed: int
    thief_at: str
    progress: Progress
    staff: dict[str, Staff] = field(default_factory=dict)
    world: World | None = None
    main: Customer | None = None
    found: dict[str, Any] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)
    pack: Path | None = None

    def sign_in(self) -> None:
        """Everybody signs in; two supervisors put the standing authority in force."""
        for name, password in self.accounts.items():
            self.staff[name] = sign_in(self.client, name, password)
        answer = put_authority_in_force(self.staff["supervisor-1"], self.staff["supervisor-2"])
        _check(answer["in_force"] is True, "two supervisors put the authority in force")

    def play_network(self) -> None:
        """Parcels travel; every hand signs."""
        config = small_world(
            seed=self.seed, now_ms=SystemClock().now_ms(), thief=ThiefConfig(link=resolve(self.thief_at))
        )
        self.world = play(config, self.staff["supervisor-1"].client, self.progress)
        self.figures["scans"] = len(self.world.scans)
        _check(sum(self.world.results.values()) == len(self.world.scans), "every scan was answered")

    def dispute_earlier(self) -> None:
        """The customers before ours report what happened to them; everyone is believed."""
        reports = self._world.earlier
        for done, told in enumerate(reports):
            self.progress("earlier disputes", done, len(reports))
            opened = customer.report(self.client, told).opened
            _check(opened["presumption"] == "honest", "every customer is presumed honest")
        self.progress("earlier disputes", len(reports), len(reports))

    def dispute(self) -> None:
        """Our customer opened the parcel and found a power bank; the answer offers the remedy at once."""
        self.main = customer.report(self.client, self._world.main)
        opened = self.main.opened
        _check(opened["presumption"] == "honest", "the customer is presumed honest")
        _check(opened["state"] == "remedy_offered", "the remedy is offered in the same answer")
        _check(bool(opened["owner"]) and bool(opened["clocks"]), "the case has an owner and clocks")
        _check(opened["lock"]["state"] == "queued", f"the lock is on its way: {opened['lock'].get('refused')}")
        _check(opened["investigation"] is not None, "the chain is investigated")

    def choose(self) -> None:
        """The customer chooses a replacement; a promise with a date is made."""
        chosen = self._main.choose("replacement")
        _check(chosen["state"] == "remedy_in_progress", "the remedy is on its way")
        _check(len(chosen["promises"]) == 1, "the promise is written down")

    def lock(self) -> None:
        """The missing handset is switched on far from home, with another SIM: it locks and says so."""
        radio = self._radio(self._world.main.order, sim=SimClass.OTHER, country=FAR_AWAY)
        try:
            locked = radio.wait_for(lambda handset: handset.screen_locked, timeout_s=WAIT_S)
            _check(locked, "the handset locked")
            order = self._until("active_provisional", self._main.opened["lock"]["order"])
            _check(radio.handset.use(Function.EMERGENCY_CALL) != "", "emergency calls work")
            self.figures["decided_to_acknowledged_ms"] = order["decided_to_acknowledged_ms"]
        finally:
            radio.switch_off()

    def investigate(self) -> None:
        """The chain is investigated: the weak link is ranked first, with its probability."""
        self.found = self.staff["investigator-1"].investigate(self._main.dispute)
        best = self.found["links"][0]
        named = link_name(self._world, best["site"], best["step"]) or best["name"]
        true = self._world.link
        self.figures["weak_link"] = {
            "true": None if true is None else true.name,
            "named": named,
            "probability": best["probability"],
        }
        _check(true is not None and named == true.name, f"the weak link was found: {named}")

    def release_wrong_lock(self) -> None:
        """Another customer reports a missing parcel, the handset locks, and then turns up at a neighbour's."""
        told = self._world.late_find
        person = customer.report(self.client, told)
        _check(person.opened["lock"]["state"] == "queued", f"locked in good faith: {person.opened['lock']}")
        radio = self._radio(told.order, sim=SimClass.NEVER, country=HOME)
        try:
            _check(radio.wait_for(lambda handset: handset.screen_locked, timeout_s=WAIT_S), "the handset locked")
            self._until("active_provisional", person.opened["lock"]["order"])
            person.found()
            free = radio.wait_for(lambda handset: handset.state.applied is Applied.UNLOCKED, timeout_s=WAIT_S)
            _check(free and not radio.handset.screen_locked, "the handset was released")
            order = self._until("released", person.opened["lock"]["order"])
            self.figures["released_ms"] = order["released_ms"]
        finally:
            radio.switch_off()

    def take_pack(self) -> None:
        """The evidence pack is built."""
        self.pack = self.folder / f"{self._main.dispute}.zip"
        self.pack.write_bytes(self.staff["investigator-1"].pack(self._main.dispute))

    def verify_pack(self, check: Callable[[Path], bool]) -> None:
        """Anyone verifies the pack offline; one flipped byte is refused."""
        _check(self.pack is not None, "there is a pack")
        pack = self.pack or self.folder
        self.figures["verified"] = check(pack)
        _check(self.figures["verified"], "the pack verifies")
        raw = bytearray(pack.read_bytes())
        raw[len(raw) // 2] ^= 1
        bad = self.folder / "flipped.zip"
        bad.write_bytes(raw)
        self.figures["tamper_refused"] = not check(bad)
        bad.unlink()
        _check(self.figures["tamper_refused"], "one flipped byte is refused")

    def count(self) -> None:
        """How long the log is by now."""
        self.figures["entries"] = self.client.get("/v1/log")["size"]

    @property
    def _world(self) -> World:
        if self.world is None:
            raise Broken("the network was not played")
        return self.world

    @property
    def _main(self) -> Customer:
        if self.main is None:
            raise Broken("nobody disputed a delivery")
        return self.main

    def _radio(self, order: str, *, sim: SimClass, country: str) -> Radio:
        enrolment = self._world.handsets[order]
        store = self.folder / f"{enrolment.device}.handset"
        rng = random.Random(f"{self.seed}/{order}")
        where = {"country": country, "network": NETWORKS[country]}
        handset = Handset(enrolment, store, clock=SystemClock(), rng=rng, sim=sim, **where)
        radio = Radio(handset)
        _check(radio.switch_on(), "the handset reached the broker")
        return radio

    def _until(self, state: str, order: str) -> dict[str, Any]:
        deadline = time.monotonic() + WAIT_S
        staff = self.staff["agent-1"]
        while (found := staff.lock(order))["state"] != state:
            if time.monotonic() > deadline:
                raise Broken(f"the lock order is {found['state']}, not {state}")
            time.sleep(POLL_S)
        return found


STEPS: tuple[tuple[str, Callable[[Story], None]], ...] = (
    ("two supervisors put the standing authority in force", Story.sign_in),
    ("parcels travel and every hand signs a scan", Story.play_network),
    ("earlier customers report and are believed", Story.dispute_earlier),
    ("a customer finds a power bank; the remedy is offered at once", Story.dispute),
    ("the customer chooses; the promise has a date", Story.choose),
    ("the handset is switched on far away and locks", Story.lock),
    ("the weak link is found", Story.investigate),
    ("a wrong lock is released at once", Story.release_wrong_lock),
    ("the evidence pack is built", Story.take_pack),
)


def resolve(place: str) -> str:
    """The link of a short name; a site alone stands for its last link before the next road."""
    names = links_of(small_world(seed=1, now_ms=0))
    if place in names:
        return place
    at_site = [name for name in names if name.partition("/")[0] == place]
    if not at_site:
        raise Broken(f"there is no place {place!r}; use one of {', '.join(names)}")
    return at_site[-1]


def link_name(world: World, site: str | None, step: str | None) -> str | None:
    """The short name of a link that the service speaks of by the site's name, or its GLN, and the step."""
    for name, link in world.geography.links.items():
        if site in {link.site.name, link.site.key} and str(link.step) == step:
            return name
    return None


def _check(holds: bool, what: str) -> None:  # noqa: FBT001 - a fact and its name
    if not holds:
        raise Broken(f"this does not hold: {what}")
