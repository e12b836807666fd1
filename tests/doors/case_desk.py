"""Cases at the door: what a customer and the staff do with one over HTTP, with browsers' headers."""

import io
import uuid
import zipfile
from dataclasses import dataclass
from typing import Any

import httpx

from custody.gs1.imei import imei_urn
from custody.kernel import cbor
from custody.kernel.base64url import b64
from custody.kernel.clock import HOUR_MS
from custody.kernel.keys import new_signer
from custody.kernel.system_clock import SystemClock
from devicelock import store
from devicelock.rules.order import OrderState
from devicelock.store import LockOrderRow
from simulators.events import finish, write
from simulators.geography import build_geography
from simulators.station import Station, make_station
from tests.stories.http_service import Service

OURS = {"accept": "text/html", "sec-fetch-site": "same-origin"}
SEEN = {"ground": "recording", "says": "The door camera shows it.", "kept_at": "ev/1", "about_this_person": True}
WAREHOUSE = "9521473000102"
GOODS = [{"epcClass": "https://id.gs1.org/01/09521473000102", "quantity": 1}]


@dataclass(frozen=True, slots=True, kw_only=True)
class Packing:
    """A parcel is packed, for an order of a seller's or none; without an IMEI nobody read which phone is in it."""

    parcel: str
    order: str = ""
    imei: str = ""
    seller: str = WAREHOUSE

    def body(self) -> dict[str, Any]:
        """What its station says of it."""
        bought = f"urn:epcglobal:cbv:bt:{self.seller}:{self.order}"
        return {
            "type": "AggregationEvent",
            "parentID": f"https://id.gs1.org/00/{self.parcel}",
            **({"childEPCs": [imei_urn(self.imei)]} if self.imei else {"childQuantityList": GOODS}),
            "action": "ADD",
            "bizStep": "packing",
            **({"bizTransactionList": [{"type": "po", "bizTransaction": bought}]} if self.order else {}),
        }


@dataclass(slots=True, kw_only=True)
class CaseDesk:
    """A service and a client of its; a case is known by what was answered to its report."""

    house: Service
    http: httpx.Client

    def by(self, account: str) -> dict[str, str]:
        """The headers of a signed-in account."""
        return {"authorization": f"Bearer {self.house.token(account)}"}

    def report(self, **facts: Any) -> dict[str, Any]:
        """A report at the open door."""
        answer = self.http.post("/v1/disputes", json={"words": "It is not right.", **facts})
        assert answer.status_code == 201, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def sold(self, order: str) -> str:
        """An order that we know, by its reference."""
        body = {"order": order, "imei": "490154203237518"}
        assert self.http.post("/v1/orders", json=body, headers=self.by("agent-1")).is_success
        return order

    def register(self, imei: str, *, seed: int = 0) -> str:
        """A handset with a key of that seed is registered; its name in the lock office."""
        key = b64(cbor.encode(new_signer(seed=bytes([seed]) * 32).public.cose_key()))
        body = {"imei": imei, "cose_key": key}
        answer = self.http.post("/v1/devices", json=body, headers=self.by("supervisor-1"))
        assert answer.is_success, answer.text
        return str(answer.json()["device"])

    def station(self, post: str) -> Station:
        """The station of that post, enrolled."""
        made = make_station(build_geography().post(post), seed="desk")
        announced = made.announce(self.house.staff["supervisor-1"].client)
        made.enrol(self.house.client, announced, origin=self.house.parts.house.origin, at_ms=SystemClock().now_ms())
        return made

    def scan(self, station: Station, body: dict[str, Any], *, shipment: str, at_ms: int) -> None:
        """What a station says of a parcel is signed and taken in."""
        event_id = f"urn:uuid:{uuid.uuid4()}"
        event = write(finish(body, at_ms=at_ms, event_id=event_id))
        station.store(station.sign(event, subject=f"urn:uuid:{shipment}", event_id=event_id, at_ms=at_ms))
        (answer,) = station.send_next(self.house.client)
        assert answer.body["index"] is not None

    def pack(self, *packings: Packing) -> None:
        """Parcels are packed at one station, one after another."""
        station, now_ms = self.station("hub-1/hub_sort"), SystemClock().now_ms()
        for number, packing in enumerate(packings):
            self.scan(station, packing.body(), shipment=f"parcel-{number}", at_ms=now_ms + number)

    def put_lock(self, told: dict[str, Any], order: str, imei: str, **facts: Any) -> None:
        """A lock order of the case for a registered handset, decided now; `facts` are its columns otherwise."""
        with self.house.parts.house.unit() as unit:
            handset = store.device_by_imei(unit.session, imei_urn(imei))
            assert handset is not None
            columns = {
                "state": OrderState.QUEUED,
                "basis": "two_people",
                "reason": "never_received",
                "requester": "agent-1",
                "second": "supervisor-1",
                "decided_ms": unit.now_ms,
                "held_until_ms": unit.now_ms + HOUR_MS,
                "created_ms": unit.now_ms,
                "facts": "{}",
            }
            named = {"id": order, "device": handset.device, "imei": handset.imei, "dispute": told["dispute"]}
            unit.session.add(LockOrderRow(**named, **{**columns, **facts}))

    def not_fixed(self, **facts: Any) -> dict[str, Any]:
        """A case whose remedy did not help: it is open to be asked about and offered again."""
        told = self.report(claim_type="defective", **facts)
        link = f"/c/{told['customer_token']}"
        self.http.post(f"{link}/choose", data={"remedy": "advance_swap"})
        assert self.event(told, "agent-1", "delivered_or_paid", reference="JJD1").is_success
        self.http.post(f"{link}/disagree")
        assert self.state(told) == "triaged"
        return told

    def event(self, told: dict[str, Any], account: str, event: str, **body: Any) -> httpx.Response:
        """A move of staff."""
        path = f"/v1/disputes/{told['dispute']}/events"
        return self.http.post(path, json={"event": event, **body}, headers=self.by(account))

    def speaks(self, told: dict[str, Any]) -> None:
        """Words of the customer come."""
        path = f"/v1/customer/{told['customer_token']}/words"
        assert self.http.post(path, json={"words": "I never had it in my hands."}).is_success

    def view(self, told: dict[str, Any]) -> dict[str, Any]:
        """The case as staff see it."""
        found: dict[str, Any] = self.http.get(f"/v1/disputes/{told['dispute']}", headers=self.by("agent-1")).json()
        return found

    def state(self, told: dict[str, Any]) -> str:
        """Where the case stands."""
        return str(self.view(told)["state"])

    def file(self, told: dict[str, Any]) -> dict[str, bytes]:
        """What the file of a case holds, by name."""
        content = self.http.get(f"/c/{told['customer_token']}/file").content
        with zipfile.ZipFile(io.BytesIO(content)) as pack:
            return {name: pack.read(name) for name in pack.namelist()}

    def own(self, told: dict[str, Any]) -> dict[str, Any]:
        """The case as its customer sees it."""
        found: dict[str, Any] = self.http.get(f"/v1/customer/{told['customer_token']}").json()
        return found
