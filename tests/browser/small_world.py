"""A real service with a small world played into it: thirty parcels, one thief, a few customers who told us."""

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from api.cli.instance import Instance
from api.compose import free_port
from api.people.auth import COOKIE
from custody.kernel.system_clock import SystemClock
from simulators import customer
from simulators.agent import Staff, put_authority_in_force, sign_in
from simulators.client import ServiceClient
from simulators.customer import Customer
from simulators.history import PastConfig
from simulators.network import NetworkConfig, ThiefConfig, World, play

EARLIER = 6
PARCELS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """The service, who may sign in, the world outside, and the customer whose handset was swapped."""

    instance: Instance
    client: ServiceClient
    staff: Mapping[str, Staff]
    world: World
    main: Customer

    @property
    def address(self) -> str:
        """Where the service answers."""
        return self.instance.address

    @property
    def parcel(self) -> str:
        """The number of the main customer's parcel."""
        return str(self.main.opened["parcel"]).rpartition("/")[2]

    @property
    def calm_orders(self) -> list[str]:
        """Orders with a registered handset that nobody complains about yet."""
        told = {self.world.main.order, self.world.late_find.order}
        return [order for order in self.world.handsets if order not in told]

    def imei(self, order: str) -> str:
        """The IMEI of an order's handset."""
        return self.world.parcel(order).unit.imei

    def report(self, order: str, **facts: Any) -> Customer:
        """Somebody tells us about an order."""
        body = {"order": order, "words": "It never reached me.", "channel": "web", **facts}
        return customer.customer_of(self.client, self.client.as_caller("").post("/v1/disputes", body))

    def look_at_wrong_locks(self) -> None:
        """An investigator looks at what other tests made of the locks, and lets what has paused go on."""
        looks = self.staff["investigator-1"].client
        for group in looks.get("/v1/locks/groups")["groups"]:
            if group["paused"] in {"wrong_lock", "canary_not_cleared"}:
                looks.post("/v1/locks/clearances", {"group": group["group"], "why": "the customers found them"})

    def enter(self, page: Page, account: str) -> Page:
        """Give a page the session of an account, as the door would."""
        page.context.add_cookies([{"name": COOKIE, "value": self.staff[account].client.token, "url": self.address}])
        return page

    def show(self, page: Page, path: str) -> Page:
        """Open a page."""
        page.goto(f"{self.address}{path}")
        return page


@contextmanager
def played_console(folder: Path) -> Iterator[Console]:
    """Lend a running service with the world in it."""
    instance = Instance(folder / "data", port=free_port())
    try:
        instance.start()
        client = ServiceClient(instance.address)
        yield _play(instance, client)
        client.close()
    finally:
        instance.stop()


def _play(instance: Instance, client: ServiceClient) -> Console:
    staff = {name: sign_in(client, name, password) for name, password in instance.accounts.items()}
    put_authority_in_force(staff["supervisor-1"], staff["supervisor-2"])
    config = NetworkConfig(
        past=PastConfig(seed=1, end_ms=SystemClock().now_ms(), parcels=PARCELS),
        thief=ThiefConfig(least=4, most=4),
        bystanders=6,
    )
    world = play(config, staff["supervisor-1"].client, lambda _what, _done, _all: None)
    for told in world.earlier[:EARLIER]:
        customer.report(client, told)
    main = customer.report(client, world.main)
    staff["investigator-1"].investigate(main.dispute)
    return Console(instance=instance, client=client, staff=staff, world=world, main=main)


def read_zip(content: bytes) -> dict[str, Any]:
    """A zip's files by name; JSON is parsed."""
    with zipfile.ZipFile(io.BytesIO(content)) as pack:
        return {
            name: json.loads(pack.read(name)) if name.endswith(".json") else pack.read(name) for name in pack.namelist()
        }
