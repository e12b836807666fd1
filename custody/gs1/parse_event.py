"""One EPCIS 2.0 event: strict bytes in, a value out (GS1 EPCIS 2.0, sections 7.4 and 10).

An `Event` exists only if its bytes are strict JSON, fit our schema, and pass the rules that no schema states:

- every word is in its CBV list or is somebody's own URI; every prefix is declared;
- did_not_occur names no corrective events (section 7.4.1.2);
- our own extension terms have their form.

What is merely odd is a warning, because other people's documents are full of it: wrong check digits, malformed EPC
URNs, sensor times after the event, masses in unknown units. The sender's recordTime is ignored; ours is set by us.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from custody.gs1 import schema
from custody.gs1.canonical import Canonical, canonical, canonical_transaction
from custody.gs1.cbv import BIZ_STEP, BIZ_TRANSACTION, DISPOSITION, ERROR_REASON, SOURCE_DESTINATION, expand
from custody.gs1.context import check_name, read_context
from custody.gs1.event import EVENT, LIMIT_BYTES, ErrorDeclaration, Event
from custody.gs1.extensions import read_extensions
from custody.gs1.json_text import read_json
from custody.gs1.plain_event import read_plain_event
from custody.gs1.sensors import read_sensors
from custody.gs1.times import read_instant
from custody.kernel.errors import Rejected

_EVENT_TYPES = frozenset(
    {"ObjectEvent", "AggregationEvent", "AssociationEvent", "TransactionEvent", "TransformationEvent"}
)
_QUANTITIES = ("quantityList", "childQuantityList", "inputQuantityList", "outputQuantityList")


def parse_event(
    raw: bytes,
    *,
    prefixes: Mapping[str, str] | None = None,
    foreign: bool = False,
) -> Event:
    """The event in `raw`; raises `Rejected`.

    `prefixes` are those of the document the event stood in (`document.read_document`); without them the event is a
    bare one and must carry its own @context. With `foreign`, a name that stands twice in one object is a warning and
    the last one counts; it is never so for what our stations sign.
    """
    if prefixes is None and not foreign and len(raw) <= LIMIT_BYTES:
        plain = read_plain_event(raw)
        if plain is not None:
            return plain
    return parse_any_event(raw, prefixes=prefixes, foreign=foreign)


def parse_any_event(
    raw: bytes,
    *,
    prefixes: Mapping[str, str] | None = None,
    foreign: bool = False,
) -> Event:
    """As `parse_event`, part by part."""
    repeated: list[str] = []
    data = read_json(raw, limit_bytes=LIMIT_BYTES, repeated=repeated if foreign else None)
    schema.validate(data)
    if "@context" in data:
        known: Mapping[str, str] = read_context(data["@context"], inherited=prefixes)
    elif prefixes is not None:
        known = prefixes
    else:
        raise Rejected("context", "a bare event carries no @context", fix="Add the EPCIS 2.0 context to the event.")
    return _Reader(raw, data, known, [f"the name {name[:100]!r} stands twice" for name in repeated]).event()


class _Reader:
    """Takes one schema-valid event apart, collecting warnings on the way."""

    def __init__(self, raw: bytes, data: Mapping[str, Any], prefixes: Mapping[str, str], warnings: list[str]) -> None:
        self._raw = raw
        self._data = data
        self._prefixes = prefixes
        self._warnings = warnings

    def event(self) -> Event:
        data, prefixes = self._data, self._prefixes
        known = data["type"] in _EVENT_TYPES
        self._check_names(data, data.get("readPoint"), data.get("bizLocation"), data.get("ilmd"))
        time_ms = read_instant(data["eventTime"])
        persistent = data.get("persistentDisposition", {})
        readings = read_sensors(data.get("sensorElementList", []), prefixes, time_ms, self._warnings)
        return Event(
            raw=self._raw,
            type=data["type"] if known else expand(data["type"], prefixes),
            event_id=data.get("eventID"),
            event_time_ms=time_ms,
            offset=data["eventTimeZoneOffset"],
            action=data.get("action") if known else None,
            biz_step=BIZ_STEP.read(data["bizStep"], prefixes) if "bizStep" in data else None,
            disposition=DISPOSITION.read(data["disposition"], prefixes) if "disposition" in data else None,
            epcs=self._keys(data.get("epcList", ())),
            parent=self._key(data["parentID"]) if "parentID" in data else None,
            children=self._keys(data.get("childEPCs", ())),
            inputs=self._keys(data.get("inputEPCList", ())),
            outputs=self._keys(data.get("outputEPCList", ())),
            quantities=self._quantities(),
            read_point=self._key(data["readPoint"]["id"]) if "readPoint" in data else None,
            biz_location=self._key(data["bizLocation"]["id"]) if "bizLocation" in data else None,
            transactions=self._transactions(),
            sources=self._ends("sourceList", "source"),
            destinations=self._ends("destinationList", "destination"),
            readings=readings,
            persistent_set=self._dispositions(persistent.get("set", ())),
            persistent_unset=self._dispositions(persistent.get("unset", ())),
            error_declaration=self._error_declaration(),
            extensions=read_extensions(data, prefixes),
            warnings=tuple(dict.fromkeys(self._warnings)),
        )

    def _check_names(self, *parts: Mapping[str, Any] | None) -> None:
        for part in parts:
            for name in part or ():
                if ":" in name:
                    check_name(name, self._prefixes)

    def _key(self, uri: str) -> str:
        return self._noted(canonical(uri))

    def _noted(self, found: Canonical) -> str:
        if found.warning is not None:
            self._warnings.append(found.warning)
        return found.uri

    def _keys(self, uris: Iterable[str]) -> tuple[str, ...]:
        return tuple([self._key(uri) for uri in uris])

    def _dispositions(self, words: Iterable[str]) -> tuple[str, ...]:
        return tuple([DISPOSITION.read(word, self._prefixes) for word in words])

    def _quantities(self) -> tuple[tuple[str, float | None], ...]:
        lists = [self._data[name] for name in _QUANTITIES if name in self._data]
        return tuple([(self._key(item["epcClass"]), item.get("quantity")) for items in lists for item in items])

    def _transactions(self) -> tuple[tuple[str | None, str], ...]:
        found: list[tuple[str | None, str]] = []
        for item in self._data.get("bizTransactionList", ()):
            kind = BIZ_TRANSACTION.read(item["type"], self._prefixes) if "type" in item else None
            number = item["bizTransaction"]
            found.append((kind, number if kind == EVENT else self._noted(canonical_transaction(number))))
        return tuple(found)

    def _ends(self, name: str, field: str) -> tuple[tuple[str, str], ...]:
        items = self._data.get(name, ())
        return tuple(
            [(SOURCE_DESTINATION.read(item["type"], self._prefixes), self._key(item[field])) for item in items]
        )

    def _error_declaration(self) -> ErrorDeclaration | None:
        given = self._data.get("errorDeclaration")
        if given is None:
            return None
        self._check_names(given)
        reason = ERROR_REASON.read(given["reason"], self._prefixes) if "reason" in given else None
        corrective = tuple(given.get("correctiveEventIDs", ()))
        if reason == "did_not_occur" and corrective:
            raise Rejected(
                "error_declaration",
                "an event that did not occur cannot be corrected by others",
                fix="Leave correctiveEventIDs out, or give the reason incorrect_data.",
            )
        return ErrorDeclaration(
            declared_ms=read_instant(given["declarationTime"]), reason=reason, corrective_ids=corrective
        )
