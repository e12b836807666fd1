"""EPCIS 2.0 events as stations write them: one function per act, JSON members in the order of the specification.

| act | event, action | bizStep | disposition | beside the usual |
|---|---|---|---|---|
| picked | Object ADD | commissioning | active | SGTIN, order (po), wl:imei |
| packed | Aggregation ADD | packing | in_progress | SSCC holds SGTIN, order (po), declared and item mass |
| checked | Object OBSERVE | inspecting | conformant | SSCC, mass, wl:imei read off the box label |
| sealed | Association ADD | installing | container_closed | SSCC and seal (GIAI), wl:sealNumber |
| staged | Object OBSERVE | staging_outbound | in_progress | |
| loaded, unloaded | Aggregation ADD, DELETE | loading, unloading | in_progress | cage (GRAI) holds SSCC |
| released | Object OBSERVE | departing | in_transit | giver and taker |
| accepted | Object OBSERVE | accepting | in_transit | giver and taker, upevt, wl:upstreamStatement |
| sorted | Object OBSERVE | our own URI | in_transit | |
| inspected | Object OBSERVE | inspecting | conformant, container_open | mass, wl:sealState |
| delivered | Object OBSERVE | accepting | retail_sold | the recipient (GSRN) takes; wl:recipientCheck with a PIN |

Masses are sensor reports in kilograms. Identifiers stand in extensions as URIs or with a letter in them.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from custody.gs1.cbv import SORTING
from custody.gs1.context import EPCIS_CONTEXT
from custody.gs1.keys import issue_giai
from custody.gs1.named_information import write_ni
from custody.kernel.clock import SECOND_MS, Instant, to_iso
from simulators.geography import Geography, Workplace
from simulators.parcel import Parcel
from simulators.route import Act, What

CONTEXT = [EPCIS_CONTEXT, {"wl": "urn:weaklink:"}]
PIN_METHOD = "pin6"
MADE_UP_PIN = "no PIN"
"""What a courier enters who signs for the customer."""
SEAL_KIND = "tamper-evident tape"
_ORDER_URN = "urn:epcglobal:cbv:bt:"
_GLN_ROOT = "https://id.gs1.org/414/"


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierScan:
    """An earlier scan that a later one names: its event and the digest of its statement."""

    event_id: str
    digest: bytes


@dataclass(slots=True, kw_only=True)
class Thread:
    """What has been said of one parcel so far: the last scan, the open release, the last acceptance."""

    last: EarlierScan | None = None
    release: EarlierScan | None = None
    released_to: str | None = None
    acceptance: EarlierScan | None = None

    def follow(self, act: Act, made: EarlierScan) -> None:
        """Remember one more scan."""
        self.last = made
        if act.what is What.RELEASED:
            self.release, self.acceptance = made, None
            self.released_to = None if act.other is None else act.other.name
        elif act.what is What.ACCEPTED:
            self.release, self.released_to, self.acceptance = None, None, made

    def release_to(self, link: Workplace) -> EarlierScan | None:
        """The open release if it names that link; another one's is no answer to it."""
        return self.release if self.released_to == link.name else None


def event_of(act: Act, parcel: Parcel, thread: Thread, geography: Geography, *, event_id: str) -> dict[str, Any]:
    """The event that the act's station writes."""
    body = _BODIES[act.what](act, parcel, thread, geography)
    extensions: dict[str, Any] = {"wl:handler": act.handler, "wl:entryMode": "scanned"}
    if act.photo:
        extensions["wl:photo"] = write_ni(hashlib.sha256(f"photo of {event_id}".encode()).digest())
    if thread.last is not None:
        extensions["wl:prevScan"] = write_ni(thread.last.digest)
    return finish(body | extensions, at_ms=act.at_ms, event_id=event_id)


def finish(body: Mapping[str, Any], *, at_ms: Instant, event_id: str) -> dict[str, Any]:
    """A complete bare event around the members that differ."""
    head = {"@context": CONTEXT, "type": body["type"], "eventTime": to_iso(at_ms), "eventTimeZoneOffset": "+00:00"}
    return {**head, "eventID": event_id, **{name: value for name, value in body.items() if name != "type"}}


def write(event: Mapping[str, Any]) -> bytes:
    """The bytes that are salted, hashed and signed."""
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()


def mass_element(mass_g: float, *, at_ms: Instant, scale: str) -> list[dict[str, Any]]:
    """A sensorElementList with one weighing, read two seconds before the event."""
    metadata = {"time": to_iso(at_ms - 2 * SECOND_MS), "deviceID": scale}
    report = {"type": "Mass", "value": round(mass_g / 1000, 4), "uom": "KGM"}
    return [{"sensorMetadata": metadata, "sensorReport": [report]}]


def pin_proof(*, secret: bytes, challenge: str, pin: str, sscc: str, upstream: str) -> str:
    """HMAC-SHA-256 over {challenge, pin, sscc, upevt} in sorted, compact JSON; a plain hash would give the PIN away."""
    text = json.dumps(
        {"challenge": challenge, "pin": pin, "sscc": sscc, "upevt": upstream}, sort_keys=True, separators=(",", ":")
    )
    return "hmac-sha-256:" + hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedPin:
    """What the PIN service gave the customer for a delivery."""

    secret: bytes
    challenge: str
    pin: str


def issued_pin(parcel: Parcel) -> IssuedPin:
    """The PIN of a parcel's delivery."""
    return IssuedPin(
        secret=hashlib.sha256(parcel.shipment.encode()).digest(),
        challenge=f"urn:uuid:{parcel.shipment[9:17]}-0000-4000-8000-{parcel.number:012d}",
        pin=f"{parcel.number * 7919 % 10**6:06d}",
    )


def _observe(act: Act, parcel: Parcel, *, step: str, disposition: str, **more: Any) -> dict[str, Any]:
    body = {"type": "ObjectEvent", "epcList": [parcel.sscc], "action": "OBSERVE", "bizStep": step}
    return {**body, "disposition": disposition, "readPoint": {"id": act.post.place}, **more}


def _aggregate(act: Act, *, kind: str, action: str, step: str, parent: str, child: str, **more: Any) -> dict[str, Any]:
    body = {"type": kind, "parentID": parent, "childEPCs": [child], "action": action, "bizStep": step}
    return {**body, "readPoint": {"id": act.post.place}, **more}


def _picked(act: Act, parcel: Parcel, _thread: Thread, _geography: Geography) -> dict[str, Any]:
    body = {"type": "ObjectEvent", "epcList": [parcel.unit.sgtin], "action": "ADD", "bizStep": "commissioning"}
    return {
        **body,
        "disposition": "active",
        "readPoint": {"id": act.post.place},
        "bizTransactionList": _order(act, parcel),
        "wl:imei": [parcel.unit.imei_urn],
    }


def _packed(act: Act, parcel: Parcel, _thread: Thread, _geography: Geography) -> dict[str, Any]:
    return _aggregate(
        act,
        kind="AggregationEvent",
        action="ADD",
        step="packing",
        parent=parcel.sscc,
        child=parcel.unit.sgtin,
        disposition="in_progress",
        bizTransactionList=_order(act, parcel),
        **{"wl:declaredMassGrams": parcel.declared_g, "wl:itemMassGrams": parcel.unit.model.mass_g},
    )


def _checked(act: Act, parcel: Parcel, _thread: Thread, _geography: Geography) -> dict[str, Any]:
    return _observe(
        act,
        parcel,
        step="inspecting",
        disposition="conformant",
        **_readings(act),
        **{"wl:imei": [parcel.unit.imei_urn]},
    )


def _sealed(act: Act, parcel: Parcel, _thread: Thread, _geography: Geography) -> dict[str, Any]:
    return _aggregate(
        act,
        kind="AssociationEvent",
        action="ADD",
        step="installing",
        parent=parcel.sscc,
        child=parcel.seal_key,
        disposition="container_closed",
        **{"wl:sealNumber": parcel.seal_number, "wl:sealKind": SEAL_KIND, "wl:sealState": "intact"},
    )


def _staged(act: Act, parcel: Parcel, _thread: Thread, _geography: Geography) -> dict[str, Any]:
    return _observe(act, parcel, step="staging_outbound", disposition="in_progress")


def _loaded(act: Act, parcel: Parcel, _thread: Thread, _geography: Geography) -> dict[str, Any]:
    action, step = ("ADD", "loading") if act.what is What.LOADED else ("DELETE", "unloading")
    return _aggregate(
        act,
        kind="AggregationEvent",
        action=action,
        step=step,
        parent=parcel.cage,
        child=parcel.sscc,
        disposition="in_progress",
    )


def _released(act: Act, parcel: Parcel, _thread: Thread, _geography: Geography) -> dict[str, Any]:
    return _observe(
        act, parcel, step="departing", disposition="in_transit", **_sides(giver=act.post.link, taker=act.other)
    )


def _accepted(act: Act, parcel: Parcel, thread: Thread, _geography: Geography) -> dict[str, Any]:
    return _observe(
        act,
        parcel,
        step="accepting",
        disposition="in_transit",
        **_upstream(thread.release_to(act.post.link)),
        **_sides(giver=act.other, taker=act.post.link),
    )


def _sorted(act: Act, parcel: Parcel, _thread: Thread, _geography: Geography) -> dict[str, Any]:
    return _observe(act, parcel, step=SORTING, disposition="in_transit")


def _inspected(act: Act, parcel: Parcel, _thread: Thread, _geography: Geography) -> dict[str, Any]:
    seal: dict[str, Any] = {} if act.seal is None else {"wl:sealNumber": parcel.seal_number, "wl:sealState": act.seal}
    opened = act.seal not in {None, "intact"}
    disposition = "container_open" if opened else "conformant"
    return _observe(act, parcel, step="inspecting", disposition=disposition, **_readings(act), **seal)


def _delivered(act: Act, parcel: Parcel, thread: Thread, geography: Geography) -> dict[str, Any]:
    upstream = thread.acceptance or thread.release_to(act.post.link)
    more: dict[str, Any] = _upstream(upstream)
    more["sourceList"] = [{"type": "possessing_party", "source": act.post.link.custodian}]
    more["destinationList"] = [{"type": "possessing_party", "destination": parcel.recipient}]
    if parcel.pin:
        issued, named = issued_pin(parcel), "" if upstream is None else upstream.event_id
        pin = MADE_UP_PIN if parcel.signed_for else issued.pin
        proof = pin_proof(secret=issued.secret, challenge=issued.challenge, pin=pin, sscc=parcel.sscc, upstream=named)
        more["wl:recipientCheck"] = {
            "wl:method": PIN_METHOD,
            "wl:challenge": issued.challenge,
            "wl:attempts": "1",
            "wl:confirms": "received sealed",
            "wl:proof": proof,
        }
    body = _observe(act, parcel, step="accepting", disposition="retail_sold", **more)
    number = geography.depots.index(parcel.depot)
    return body | {"readPoint": {"id": f"geo:{52 + number * 0.1:.1f},0.1"}}


def _order(act: Act, parcel: Parcel) -> list[dict[str, str]]:
    gln = act.post.link.site.key.removeprefix(_GLN_ROOT)
    return [{"type": "po", "bizTransaction": f"{_ORDER_URN}{gln}:{parcel.order}"}]


def _readings(act: Act) -> dict[str, Any]:
    if act.mass_g is None:
        return {}
    prefix, site = act.post.link.site.prefix, act.post.link.site.name.upper()
    scale = issue_giai(prefix, f"SCALE-{site}").uri
    return {"sensorElementList": mass_element(act.mass_g, at_ms=act.at_ms, scale=scale)}


def _sides(*, giver: Workplace | None, taker: Workplace | None) -> dict[str, Any]:
    sides: dict[str, Any] = {}
    for name, word, link in (("sourceList", "source", giver), ("destinationList", "destination", taker)):
        if link is not None:
            sides[name] = [
                {"type": "possessing_party", word: link.custodian},
                {"type": "location", word: link.site.key},
            ]
    return sides


def _upstream(statement: EarlierScan | None) -> dict[str, Any]:
    if statement is None:
        return {}
    return {
        "bizTransactionList": [{"type": "upevt", "bizTransaction": statement.event_id}],
        "wl:upstreamStatement": write_ni(statement.digest),
    }


_BODIES: Mapping[What, Callable[[Act, Parcel, Thread, Geography], dict[str, Any]]] = {
    What.PICKED: _picked,
    What.PACKED: _packed,
    What.CHECKED: _checked,
    What.SEALED: _sealed,
    What.STAGED: _staged,
    What.LOADED: _loaded,
    What.UNLOADED: _loaded,
    What.RELEASED: _released,
    What.ACCEPTED: _accepted,
    What.SORTED: _sorted,
    What.INSPECTED: _inspected,
    What.DELIVERED: _delivered,
}
