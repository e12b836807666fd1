import json
from typing import Any

import httpx
import pytest

from custody.disputes.claim import CLAIMS
from custody.kernel import cbor
from custody.kernel.base64url import b64
from custody.kernel.keys import new_signer
from custody.scans.scan import open_scan
from simulators.agent import put_authority_in_force, sign_in
from simulators.client import ServiceClient
from simulators.customer import DECOY, customer_of, report
from simulators.network import World, imagine, links_of, order_body, play
from simulators.parcel import Kind
from tests.rooms.simulators.conftest import small


class Clerk(httpx.BaseTransport):
    """Answers as the service does and writes down who asked for what."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []
        self.bodies: dict[str, list[Any]] = {}
        self.devices = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        path, token = request.url.path, request.headers.get("authorization", "")
        self.asked.append((request.method, path, token))
        content = request.read()
        body = cbor.decode(content) if path.endswith(":batch") else json.loads(content or b"null")
        self.bodies.setdefault(path, []).append(body)
        return httpx.Response(200, json=self._answer(path, body))

    def _answer(self, path: str, body: Any) -> dict[str, Any]:
        if path == "/v1/scans:batch":
            flag = {"code": "late_offline", "text": "late"}
            return {"items": [{"result": "accepted", "code": "S00", "flags": [flag]} for _ in body]}
        if path == "/v1/devices":
            self.devices += 1
            lock, unlock = (b64(cbor.encode(new_signer().public.cose_key())) for _ in range(2))
            mqtt = {"host": "127.0.0.1", "port": 1883}
            return {
                "device": f"dev-{self.devices}",
                "epoch": 1,
                "lock_key": lock,
                "unlock_key": unlock,
                "code_key": b64(bytes(32)),
                "mqtt": mqtt,
            }
        known: dict[str, dict[str, Any]] = {
            "/v1/log": {"origin": "log.example/a", "size": 1},
            "/v1/stations": {"enrol_token": "once"},
            "/v1/sessions": {"token": "t", "account": "agent-1", "role": "agent"},
            "/v1/authority": {"proposal": "p-1"},
            "/v1/authority/p-1/approve": {"in_force": True, "index": 5},
            "/v1/disputes": {"dispute": "d-1", "customer_token": "c-1"},
        }
        return known.get(path, {})


@pytest.fixture
def clerk() -> Clerk:
    """Lend a service that takes everything."""
    return Clerk()


@pytest.fixture
def client(clerk: Clerk) -> ServiceClient:
    """Lend a supervisor's connection to it."""
    http = httpx.Client(base_url="http://service.example", transport=clerk)
    return ServiceClient("http://service.example", token="supervisor", http=http)


def test_a_world_is_told_in_full_stations_first_scans_last_and_in_order(clerk: Clerk, client: ServiceClient) -> None:
    told: list[tuple[str, int, int]] = []
    world = play(small(parcels=20), client, lambda what, done, total: told.append((what, done, total)))
    paths = [path for _, path, _ in clerk.asked]
    assert paths.index("/v1/stations") < paths.index("/v1/orders") < paths.index("/v1/scans:batch")
    assert paths.count("/v1/stations/enrol") == len(world.stations)
    assert len(clerk.bodies["/v1/orders"]) == len(world.past.parcels)
    sent = [open_scan(*pair).digest for batch in clerk.bodies["/v1/scans:batch"] for pair in batch]
    assert sent == [scan.digest for scan in world.scans]
    assert dict(world.results) == {"accepted": len(world.scans)}
    assert dict(world.flags) == {"late_offline": len(world.scans)}
    assert {done == total for what, done, total in told if what == "posting scans"} == {True, False}


def test_only_supervisors_business_carries_the_session(clerk: Clerk, client: ServiceClient) -> None:
    play(small(parcels=20), client, lambda *_: None)
    open_doors = {path for _, path, token in clerk.asked if not token}
    assert open_doors == {"/v1/stations/enrol", "/v1/scans:batch"}


def test_the_handsets_of_the_story_are_enrolled(clerk: Clerk, client: ServiceClient) -> None:
    world = play(small(parcels=20), client, lambda *_: None)
    assert {world.main.order, world.late_find.order} <= set(world.handsets)
    assert world.handsets[world.main.order].unit.imei == world.main.imei
    assert clerk.devices == len(world.handsets) == 2 + world.config.bystanders


def test_earlier_reports_are_of_the_thiefs_other_parcels_and_of_honest_mishaps(world: World) -> None:
    kinds = [world.parcel(told.order).fate.kind for told in world.earlier]
    assert kinds.count(Kind.SUBSTITUTED) >= 8
    assert {Kind.LOST, Kind.DAMAGED, Kind.TAKEN_AFTER} <= set(kinds)
    assert world.main.order not in {told.order for told in world.earlier}


def test_customers_say_what_they_see_in_words_the_service_knows(world: World) -> None:
    for told in (*world.earlier, world.main, world.late_find):
        assert told.body["claim_type"] in CLAIMS
        assert told.body["words"]
        swapped = world.parcel(told.order).fate.kind is Kind.SUBSTITUTED
        assert (told.body.get("found_instead") == DECOY) == swapped


def test_an_order_names_the_handset_that_was_packed(world: World) -> None:
    for parcel in world.past.parcels:
        body = order_body(parcel)
        assert (body["order"], body["imei"]) == (parcel.order, parcel.unit.imei)
        assert body["item_mass_g"] == parcel.unit.model.mass_g


def test_orders_parcels_and_handsets_of_two_worlds_do_not_collide() -> None:
    names = []
    for seed in (1, 2):
        parcels = imagine(small(seed, parcels=20)).past.parcels
        names.append({name for p in parcels for name in (p.order, p.sscc, p.unit.imei, p.seal_number, p.shipment)})
    assert names[0] & names[1] == set()


def test_every_link_can_be_named_for_the_thief() -> None:
    names = links_of(small())
    assert "hub-1/hub_sort" in names
    assert len(names) == 17


def test_staff_sign_in_and_two_of_them_put_the_authority_in_force(clerk: Clerk, client: ServiceClient) -> None:
    staff = sign_in(client, "agent-1", "secret words")
    assert (staff.role, staff.client.token) == ("agent", "t")
    assert put_authority_in_force(staff, staff)["in_force"] is True
    assert clerk.bodies["/v1/sessions"] == [{"account": "agent-1", "password": "secret words"}]


def test_a_customer_needs_no_session_and_speaks_through_the_token(
    clerk: Clerk, client: ServiceClient, world: World
) -> None:
    person = report(client, world.main)
    person.choose("refund", payout="cheque")
    person.found()
    assert clerk.asked == [
        ("POST", "/v1/disputes", ""),
        ("POST", "/v1/customer/c-1/choose", ""),
        ("POST", "/v1/customer/c-1/found", ""),
    ]
    assert customer_of(client, person.opened).token == person.token
