"""One EPCIS 2.0 event as a value (GS1 EPCIS 2.0, section 7.4); `parse_event.py` makes it from bytes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import msgspec

from custody.gs1.sensors import MassReading
from custody.kernel.clock import Instant

LIMIT_BYTES = 65_536
EVENT = "upevt"
"""The kind of transaction whose number is the id of an event upstream, which is a name and never another key."""
_CBV_TRANSACTION = "urn:epcglobal:cbv:bt:"


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorDeclaration:
    """The sender declares that every assertion of the event is wrong as of `declared_ms`."""

    declared_ms: Instant
    reason: str | None
    corrective_ids: tuple[str, ...]


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A parsed event beside the bytes it came from; identifiers are canonical but for ids of events, CBV words bare.

    No dataclass, because one is made of every scan: a frozen dataclass sets its 25 fields one call each, and that alone
    costs half as much as reading a plain event. Nothing in it leads back to it, so the collector need not look.

    `action` is None for a TransformationEvent, and for other people's own event types, since nobody else knows what is
    added to what in them; their other fields are read as in any event. `epcs` are those of epcList,
    `inputs` and `outputs` a transformation's. `extensions` holds our own terms as `wl:term`.
    """

    raw: bytes
    type: str
    event_id: str | None
    event_time_ms: Instant
    offset: str
    action: str | None
    biz_step: str | None
    disposition: str | None
    extensions: Mapping[str, Any]
    epcs: tuple[str, ...] = ()
    parent: str | None = None
    children: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    quantities: tuple[tuple[str, float | None], ...] = ()
    read_point: str | None = None
    biz_location: str | None = None
    transactions: tuple[tuple[str | None, str], ...] = ()
    sources: tuple[tuple[str, str], ...] = ()
    destinations: tuple[tuple[str, str], ...] = ()
    readings: tuple[MassReading, ...] = ()
    persistent_set: tuple[str, ...] = ()
    persistent_unset: tuple[str, ...] = ()
    error_declaration: ErrorDeclaration | None = None
    warnings: tuple[str, ...] = ()

    @property
    def masses_g(self) -> tuple[float, ...]:
        """The weighings in grams, in order."""
        return tuple(reading.mass_g for reading in self.readings)

    @property
    def imeis(self) -> tuple[str, ...]:
        """The IMEI URNs that `wl:imei` lists."""
        return tuple(self.extensions.get("wl:imei", ()))

    def keys(self) -> frozenset[str]:
        """Every canonical key under which the event can be found.

        An order reference (bizTransaction of type po) is found as `po:` + its number in the one spelling of
        `canonical_transaction`; one in the CBV's form `urn:epcglobal:cbv:bt:<GLN>:<text>` also as `po:<text>`, decoded
        unless that gives a NUL, which no database keeps in text: so it is asked for by who does not know the GLN.
        """
        found = {*self.epcs, *self.children, *self.inputs, *self.outputs, *self.imeis}
        found.update(key for key in (self.parent, self.event_id) if key is not None)
        for kind, identifier in self.transactions:
            if kind == "po":
                found.add(f"po:{identifier}")
                by_seller = sellers_number(identifier)
                if by_seller is not None:
                    found.add(f"po:{by_seller[1]}")
        return frozenset(found)

    def parties(self, kind: str = "possessing_party") -> tuple[frozenset[str], frozenset[str]]:
        """Who gives and who takes: the sources and the destinations of one type."""
        return (
            frozenset(key for word, key in self.sources if word == kind),
            frozenset(key for word, key in self.destinations if word == kind),
        )


def sellers_number(identifier: str) -> tuple[str, str] | None:
    """Whose number an order has in the CBV's form, as a GLN, and the number by itself; None in any other form."""
    if not identifier.startswith(_CBV_TRANSACTION):
        return None
    seller, _, text = identifier.removeprefix(_CBV_TRANSACTION).partition(":")
    decoded = unquote(text)
    return seller, text if "\0" in decoded else decoded
