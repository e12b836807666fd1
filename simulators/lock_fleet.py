"""Many handsets that are locked and released again and again, by two people and with everything the service asks.

Each handset is in a parcel that travelled and that its customer misses. An agent asks for the lock, a supervisor
decides it, one person releases it; an investigator clears what paused after its first locks. All of it over HTTP, and
each act may be sent again: a service that died in the middle has done it or not, and says which.
"""

import contextlib
import json
import random
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from custody.kernel.errors import Conflict, Forbidden, Unavailable
from custody.kernel.system_clock import SystemClock
from devicelock.rules.hello import SimClass
from simulators.agent import Staff, sign_in
from simulators.client import ServiceClient
from simulators.customer import report, report_of
from simulators.goods import PLAIN_PHONES, make_unit
from simulators.handset import Enrolment, Handset, enrol_handset
from simulators.history import Mishaps, PastConfig
from simulators.network import NetworkConfig, World, play, play_more
from simulators.radio import Radio, mqtt_of

MOST_MISSED = 200
"""Of more handsets so many are missed by their customers, locked and released; the others are connected beside them."""

SPARE = 40
"""Parcels that are still on their way, whose handsets no two records tie to them yet."""

REGISTRARS = 4
CALM_S = 300
"""The keep-alive of handsets that nothing is asked of, so that thousands of them fit into one process."""

AGAIN_S = 0.1
POLL_S = 0.05
PATIENCE_S = 120.0
GENEROUS = 1_000_000
CAPS = {
    "lock_caps": json.dumps(
        {
            "per_hour": GENEROUS,
            "per_day": GENEROUS,
            "per_person_day": GENEROUS,
            "per_model_day": GENEROUS,
            "per_site_day": GENEROUS,
            "asks_per_person_day": GENEROUS,
            "fleet_permille": 1000,
        }
    )
}
"""The setting of a service that lets thousands of locks through in a day; the canary stays as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """A handset whose customer misses it, and the case about it."""

    radio: Radio
    dispute: str

    @property
    def imei(self) -> str:
        """Its number."""
        return self.radio.handset.enrolment.unit.imei


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The people who lock and release: one asks, another decides, a third clears what has paused."""

    asks: Staff
    decides: Staff
    clears: Staff

    def lock(self, missed: Missed) -> str:
        """Ask and decide; returns the order. A group that has paused after its first locks is cleared on the way."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            asked = self.ask(missed)
            if asked["state"] != "refused" and self.approve(asked["order"]):
                return str(asked["order"])
            if time.monotonic() > deadline:
                raise Unavailable("lock", f"no lock within {PATIENCE_S} s: {asked}", fix="Look at the order's checks.")
            self.clear()
            time.sleep(AGAIN_S)

    def ask(self, missed: Missed) -> dict[str, Any]:
        """One person asks; returns the order that waits for the second, or was refused for a limit."""
        body = {
            "imei": missed.imei,
            "imei_last4": missed.imei[-4:],
            "reason": "never_received",
            "evidence": [f"case:{missed.dispute}"],
            "dispute": missed.dispute,
        }
        try:
            return until_answered(lambda: self.asks.client.post("/v1/locks", body))
        except Conflict as conflict:
            if conflict.code != "already_ordered":
                raise
            return self.order(str(conflict.facts["order"]))

    def approve(self, order: str) -> bool:
        """Another person decides, and the command is signed; False if a limit holds it back for now."""
        try:
            until_answered(lambda: self.decides.decide_lock(order, "approve"))
        except Conflict as conflict:
            return conflict.code == "move"
        except Forbidden as refused:
            if not refused.detail.startswith("caps"):
                raise
            return False
        return True

    def release(self, order: str) -> dict[str, Any]:
        """One person lets it go; an order that is on its way out or over already stays as it is."""
        return until_answered(lambda: self.asks.decide_lock(order, "release"))

    def order(self, order: str) -> dict[str, Any]:
        """The order as it stands."""
        return until_answered(lambda: self.asks.lock(order))

    def until(self, order: str, *states: str, patience_s: float = PATIENCE_S) -> dict[str, Any]:
        """Wait until the service shows the order in one of these states."""
        deadline = time.monotonic() + patience_s
        while (found := self.order(order))["state"] not in states:
            if time.monotonic() > deadline:
                raise Unavailable(
                    "order", f"{order} is {found['state']}, not {' or '.join(states)}", fix="Look at its timeline."
                )
            time.sleep(POLL_S)
        return found

    def clear(self) -> None:
        """Let what has paused go on; what is too early to clear is left."""
        for group in until_answered(lambda: self.clears.client.get("/v1/locks/groups"))["groups"]:
            if group["paused"] is not None:
                with contextlib.suppress(Conflict):
                    self._let_go_on(group["group"])

    def _let_go_on(self, group: str) -> None:
        body = {"group": group, "why": "Looked at; each handset is missed by its customer."}
        until_answered(lambda: self.clears.client.post("/v1/locks/clearances", body))


def desk_of(client: ServiceClient, accounts: Mapping[str, str]) -> Desk:
    """Three people sign in over one client."""
    people = (sign_in(client, name, accounts[name]) for name in ("agent-1", "supervisor-1", "investigator-1"))
    asks, decides, clears = people
    return Desk(asks=asks, decides=decides, clears=clears)


def missed_handsets(
    supervisor: ServiceClient, *, count: int, seed: int, folder: Path, played: World | None = None
) -> list[Missed]:
    """Handsets in parcels that travelled, registered, switched off, and each missed by its customer.

    The parcels travel in a network of their own, or in one that was `played` already. A standing authority that is in
    force is withdrawn before, so that no case locks its handset by itself, now or later.
    """
    for authority in supervisor.get("/v1/authority")["authorities"]:
        if authority["in_force"]:
            supervisor.post(f"/v1/authority/{authority['proposal']}/withdraw")
    past = PastConfig(
        seed=seed,
        end_ms=SystemClock().now_ms(),
        parcels=count + max(SPARE, count // 4),
        mishaps=Mishaps(lost=0, damaged=0, taken_after=0),
    )
    if played is None:
        world = play(NetworkConfig(past=past, thief=None, bystanders=count), supervisor, _quiet)
    else:
        world = play_more(played, past, supervisor, _quiet, handsets=count)
    rng = random.Random(f"{seed}/fleet")
    found: list[Missed] = []
    for order, enrolment in world.handsets.items():
        if len(found) < count:
            handset = handset_in(folder, enrolment, seed=rng.random())
            opened = report(supervisor, report_of(world.parcel(order))).opened
            found.append(Missed(radio=Radio(handset), dispute=str(opened["dispute"])))
    return found


def others(supervisor: ServiceClient, *, count: int, seed: int, folder: Path) -> list[Radio]:
    """Handsets that nobody misses: registered with no parcel of theirs in the log, switched off."""
    with ThreadPoolExecutor(REGISTRARS) as pool:
        units = (make_unit(PLAIN_PHONES[0], number) for number in range(count))
        enrolled = pool.map(lambda unit: enrol_handset(supervisor, unit, seed=f"{seed}/others"), units)
        handsets = (handset_in(folder, each, seed=number) for number, each in enumerate(enrolled))
        return [Radio(handset, connect=mqtt_of(handset, keepalive_s=CALM_S)) for handset in handsets]


def _quiet(_what: str, _done: int, _of: int) -> None:
    """Nobody looks at the progress."""


def handset_in(folder: Path, enrolment: Enrolment, *, seed: float) -> Handset:
    """A handset far from home, whose store is a file in that folder."""
    store = folder / f"{enrolment.device}.handset"
    rng = random.Random(seed)
    return Handset(enrolment, store, clock=SystemClock(), rng=rng, sim=SimClass.OTHER, country="RO")


def until_answered(ask: Callable[[], Any]) -> dict[str, Any]:
    """Ask, and ask the same again while no answer comes."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            found: dict[str, Any] = ask()
        except Unavailable:
            if time.monotonic() > deadline:
                raise
            time.sleep(AGAIN_S)
        else:
            return found
