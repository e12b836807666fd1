"""A small made-up network that signs real scans: one seller's warehouse, a carrier, a depot, a courier, a home.

Each call makes an EPCIS event as JSON, signs it with the station's key, and logs it. Station time runs by itself, a
minute per scan, unless `at` says otherwise; `late` delays the receipt; `index` places an entry in the log by hand.
"""

import hashlib
import json
import uuid
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import Any

from custody.gs1.named_information import write_ni
from custody.kernel.clock import HOUR_MS, MINUTE_MS, to_iso
from custody.kernel.keys import SoftwareSigner, new_signer
from custody.scans.scan import make_scan, open_scan
from custody.trail.belongings import Belongings, find_belongings
from custody.trail.sealed import SealedScan, StationFacts
from custody.trail.trail import Trail, build_trail

PARCEL = "https://id.gs1.org/00/195214730000088169"
PARCEL_2 = "https://id.gs1.org/00/195214730000088176"
PARCEL_3 = "https://id.gs1.org/00/195214730000088183"
PHONE = "https://id.gs1.org/01/09521473003813/21/001017004829159"
PHONE_IMEI = "urn:gsma:imei:00101700-482915-0"
PHONE_2 = "https://id.gs1.org/01/09521473003813/21/490154203237518"
PHONE_2_IMEI = "urn:gsma:imei:49015420-323751-0"
BANK_CLASS = "https://id.gs1.org/01/09521886007194"
SEAL = "https://id.gs1.org/8004/9521473SEAL0088213"
CAGE = "https://id.gs1.org/8003/00952147300012412"
VAN = "https://id.gs1.org/8004/9521886VAN7"
SELLER = "https://id.gs1.org/417/9521473000102"
CARRIER = "https://id.gs1.org/417/9521886000010"
HOME = "https://id.gs1.org/8018/952188600000044173"
WAREHOUSE_GLN = "https://id.gs1.org/414/9521473000102"
DEPOT_GLN = "https://id.gs1.org/414/9521886000454"
HUB_GLN = "https://id.gs1.org/414/9521886000461"
ORDER = "urn:epcglobal:cbv:bt:9521473000102:SO-20991"
START_MS = 1_778_483_550_000  # 2026-05-11, a Monday morning

STATIONS = {
    facts.station: facts
    for facts in (
        StationFacts(station="goods-in", site="W1", place="gate 1", step="other", custodian=SELLER),
        StationFacts(station="supplier-1", site="S1", place="line 1", step="other", custodian="urn:supplier:1"),
        StationFacts(station="bench-4", site="W1", place="B4", step="pack", custodian=SELLER),
        StationFacts(station="scale-12", site="W1", place="scale 12", step="pack", custodian=SELLER),
        StationFacts(station="dock-2", site="W1", place="2", step="dock", custodian=SELLER),
        StationFacts(station="lorry-9", site="LH-W1", place="9", step="linehaul", custodian=CARRIER),
        StationFacts(station="hub-in-1", site="H1", place="H1", step="hub_in", custodian=CARRIER),
        StationFacts(station="hub-sort-1", site="H1", place="H1", step="hub_sort", custodian=CARRIER),
        StationFacts(station="hub-sort-2", site="H2", place="H2", step="hub_sort", custodian=CARRIER),
        StationFacts(station="lorry-3", site="LH-H1", place="3", step="linehaul", custodian=CARRIER),
        StationFacts(station="depot-2", site="D2", place="D2", step="depot", custodian=CARRIER),
        StationFacts(station="courier-7", site="D2", place="C7", step="courier", custodian=CARRIER),
        StationFacts(station="courier-8", site="D2", place="C8", step="courier", custodian=CARRIER),
        StationFacts(station="desk", site="HQ", place="", step="other", custodian=SELLER),
        StationFacts(station="customer-page", site="HQ", place="", step="other", custodian="urn:weaklink:operator:x"),
    )
}


@cache
def signer_of(station: str) -> SoftwareSigner:
    return new_signer(seed=hashlib.sha256(station.encode()).digest())


def wl(terms: dict[str, Any]) -> dict[str, Any]:
    """Extension terms to spread into a call."""
    return terms


def ni(digest: bytes) -> str:
    return write_ni(digest)


class World:
    """The log so far."""

    def __init__(self, parcel: str = PARCEL) -> None:
        self.scans: list[SealedScan] = []
        self.parcel = parcel
        self.now_ms = START_MS
        self._heads: dict[str, tuple[int, bytes]] = {}
        self._chain: bytes | None = None

    def scan(
        self,
        station: str,
        kind: str,
        *,
        at: int | None = None,
        late: int = 1_000,
        result: str = "accepted",
        flags: Iterable[str] = (),
        chain: bool = True,
        seq: int | None = None,
        prev: bytes | None = None,
        event_id: str | None = "",
        **fields: Any,
    ) -> SealedScan:
        """Sign and log one event; `chain` links it to the parcel's scan before."""
        self.now_ms += MINUTE_MS
        at_ms = self.now_ms if at is None else at
        event = event_json(kind, at_ms, f"{len(self.scans)}-{station}" if event_id == "" else event_id, fields)
        if chain and self._chain is not None and "wl:prevScan" not in event:
            event["wl:prevScan"] = ni(self._chain)
        head_seq, head_digest = self._heads.get(station, (0, None))
        number = head_seq + 1 if seq is None else seq
        before = prev if prev is not None else head_digest if head_digest is not None else b"\x07" * 32
        statement, opening = make_scan(
            json.dumps(event).encode(),
            station=station,
            subject="urn:uuid:5b0f5f5e-3a43-4d0e-9d0b-6f1f0f6f9a31",
            seq=number,
            prev=None if number == 1 else before,
            iat_s=self.now_ms // 1000,
            salt=hashlib.sha256(f"{station}/{number}".encode()).digest(),
            signer=signer_of(station),
        )
        scan = open_scan(statement, opening)
        sealed = SealedScan(
            index=100 + len(self.scans),
            received_ms=max(at_ms, self.now_ms) + late if late >= 0 else at_ms + late,
            result=result,
            flags=tuple(flags),
            scan=scan,
            station=STATIONS[station],
        )
        self._heads[station] = (number, scan.digest)
        if chain:
            self._chain = scan.digest
        self.scans.append(sealed)
        return sealed

    def obj(self, station: str, step: str | None = "inspecting", **fields: Any) -> SealedScan:
        """A scan of the parcel."""
        fields = {"action": "OBSERVE", "epcList": [self.parcel], "disposition": "in_transit", **fields}
        return self.scan(station, "ObjectEvent", bizStep=step, **fields)

    def commission(self, station: str = "goods-in", phone: str = PHONE, **fields: Any) -> SealedScan:
        fields = {"action": "ADD", "epcList": [phone], "bizStep": "commissioning", "disposition": "active", **fields}
        return self.scan(station, "ObjectEvent", **fields)

    def pack(self, station: str = "bench-4", phone: str = PHONE, **fields: Any) -> SealedScan:
        fields = {"bizTransactionList": [{"type": "po", "bizTransaction": ORDER}], **fields}
        fields = {"disposition": "in_progress", "parentID": self.parcel, "childEPCs": [phone], **fields}
        return self.scan(station, "AggregationEvent", action="ADD", bizStep="packing", **fields)

    def seal(self, station: str = "bench-4", number: str | None = "S-0088213", **fields: Any) -> SealedScan:
        fields = {"parentID": self.parcel, "childEPCs": [SEAL], "disposition": "container_closed", **fields}
        if number is not None:
            fields["wl:sealNumber"] = number
        return self.scan(station, "AssociationEvent", action="ADD", bizStep="installing", **fields)

    def weigh(self, station: str, grams: float, **fields: Any) -> SealedScan:
        report = [{"type": "Mass", "value": grams / 1000, "uom": "KGM"}]
        return self.obj(station, sensorElementList=[{"sensorReport": report}], disposition="conformant", **fields)

    def load(self, station: str, carrier: str = CAGE, children: Iterable[str] = (), **fields: Any) -> SealedScan:
        return self.scan(
            station,
            "AggregationEvent",
            action="ADD",
            bizStep="loading",
            parentID=carrier,
            childEPCs=list(children) or [self.parcel],
            **fields,
        )

    def unload(
        self, station: str, carrier: str = CAGE, children: Iterable[str] | None = (), **fields: Any
    ) -> SealedScan:
        if children is not None:
            fields["childEPCs"] = list(children) or [self.parcel]
        return self.scan(station, "AggregationEvent", action="DELETE", bizStep="unloading", parentID=carrier, **fields)

    def release(self, station: str, *, to: str | None = CARRIER, place: str | None = None, **fields: Any) -> SealedScan:
        giver = STATIONS[station].custodian
        if to is not None:
            fields.setdefault("sourceList", [{"type": "possessing_party", "source": giver}])
            ends = [{"type": "possessing_party", "destination": to}]
            ends += [{"type": "location", "destination": place}] if place else []
            fields.setdefault("destinationList", ends)
        return self.obj(station, "departing", **fields)

    def accept(
        self,
        station: str,
        upstream: SealedScan | None = None,
        *,
        digest: bytes | str | None = "right",
        named: bool = True,
        **fields: Any,
    ) -> SealedScan:
        """Take over; `digest` None leaves the binding out, bytes bind something else."""
        if upstream is not None and named:
            upevt = {"type": "upevt", "bizTransaction": upstream.event.event_id}
            fields.setdefault("bizTransactionList", [upevt])
        if upstream is not None and digest is not None:
            fields["wl:upstreamStatement"] = ni(upstream.digest if isinstance(digest, str) else digest)
        return self.obj(station, "accepting", **fields)

    def hand(self, giver: str, taker: str, **fields: Any) -> SealedScan:
        """A dual-signed handover; gives the acceptance."""
        release = self.release(giver, to=STATIONS[taker].custodian)
        return self.accept(taker, release, **fields)

    def deliver(self, station: str = "courier-7", *, pin: bool = True, **fields: Any) -> SealedScan:
        if pin:
            fields["wl:recipientCheck"] = {"wl:method": "pin6", "wl:proof": "hmac-sha-256:x", "wl:attempts": "1"}
        ends = [{"type": "possessing_party", "destination": HOME}]
        fields = {"disposition": "retail_sold", "destinationList": ends, **fields}
        return self.obj(station, "accepting", **fields)

    def unpack(self, station: str = "customer-page", phone: str | None = PHONE, **fields: Any) -> SealedScan:
        fields = {"parentID": self.parcel, "disposition": "completeness_verified", **fields}
        if phone is not None:
            fields["childEPCs"] = [phone]
        return self.scan(station, "AggregationEvent", action="DELETE", bizStep="unpacking", **fields)

    def declare(self, original: SealedScan, station: str | None = None, **declaration: Any) -> SealedScan:
        """An error declaration: the original's event again, with the declaration added."""
        data = json.loads(original.event.raw)
        changes = declaration.pop("changes", {})
        facts = {"declarationTime": to_iso(self.now_ms), "reason": "did_not_occur", **declaration}
        data.update(changes, errorDeclaration=facts)
        result = declaration.pop("result", "accepted")
        facts.pop("result", None)
        return self.raw_scan(station or original.scan.station, data, original.at_ms, result=result)

    def raw_scan(self, station: str, data: dict[str, Any], at_ms: int, *, result: str = "accepted") -> SealedScan:
        """Sign and log an event given whole."""
        extra = {name: value for name, value in data.items() if name not in _HEAD}
        kind, event_id = extra.pop("type"), extra.pop("eventID", None)
        return self.scan(station, kind, at=at_ms, event_id=event_id, chain=False, result=result, **extra)

    def pass_time(self, hours: float) -> None:
        self.now_ms += int(hours * HOUR_MS)

    def journey(self, *, deliver: bool = True) -> "World":
        """A clean parcel from goods-in to the door, every handover signed on both sides."""
        self.commission(bizTransactionList=[{"type": "po", "bizTransaction": ORDER}])
        self.pass_time(2)
        self.pack(**wl({"wl:handler": "h-0004", "wl:declaredMassGrams": 540, "wl:itemMassGrams": 180}))
        self.seal()
        self.weigh("scale-12", 538)
        for giver, taker in JOURNEY:
            self.pass_time(3)
            self.hand(giver, taker)
        if deliver:
            self.pass_time(2)
            self.deliver()
        return self

    def belongings(self, start: str = "", **choices: Any) -> Belongings:
        return find_belongings(start or self.parcel, self.scans, **choices)

    def trail(self, start: str = "", **parts: Any) -> Trail:
        return build_trail(self.belongings(start), self.scans, **parts)


JOURNEY = (
    ("bench-4", "dock-2"),
    ("dock-2", "lorry-9"),
    ("lorry-9", "hub-in-1"),
    ("hub-in-1", "hub-sort-1"),
    ("hub-sort-1", "lorry-3"),
    ("lorry-3", "depot-2"),
    ("depot-2", "courier-7"),
)
_HEAD = frozenset({"@context", "eventTime", "eventTimeZoneOffset"})


def event_json(kind: str, at_ms: int, name: str | None, fields: dict[str, Any]) -> dict[str, Any]:
    """A bare EPCIS 2.0 event; fields that are None are left out."""
    event: dict[str, Any] = {
        "@context": [
            "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
            {"wl": "urn:weaklink:"},
        ],
        "type": kind,
        "eventTime": to_iso(at_ms),
        "eventTimeZoneOffset": "+00:00",
    }
    if name is not None:
        event["eventID"] = name if ":" in name else f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, name)}"
    event.update({field: value for field, value in fields.items() if value is not None})
    return event


def kinds(trail: Trail) -> set[str]:
    """The kinds of findings in a trail."""
    return {str(finding.kind) for finding in trail.findings}


def moved(sealed: SealedScan, **changes: Any) -> SealedScan:
    """The same scan with other log facts."""
    return replace(sealed, **changes)
