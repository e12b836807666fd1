"""The CBV 2.0 event hash: an eventID that sender and receiver can both make.

Its form is `ni:///sha-256;<64 hex digits>?ver=CBV2.0`.

The pre-hash string (CBV 2.0 section 8.9) joins `name=value` without separators: the fields in the canonical order
below, lists sorted, times in UTC with milliseconds (rounded half up), numbers without trailing zeros, CBV words and
compact URIs in full, the GS1 keys that CBV lists in canonical Digital Link form; then, sorted among themselves, the
business transactions, sources, destinations, ilmd and extensions, whose names are written `{namespace}local`. Where
the standard's text and the reference implementation (RalphTro, MIT licence) differ in order, the reference
implementation is followed. As there, apostrophe, semicolon and equals sign stand in a key as they are: they are not
among the letters that GS1 Digital Link has percent-encoded (table 7-1).

It identifies and finds repeats. It is **not** a digest to sign: values run into each other, eventID, recordTime and
errorDeclaration are left out, digits in text are read as numbers, so different events can share it.
"""

import hashlib
import math
import re
from collections.abc import Collection, Mapping
from typing import Any

from custody.gs1 import schema
from custody.gs1.canonical import gs1_key
from custody.gs1.cbv import (
    ALERT,
    BIZ_STEP,
    BIZ_TRANSACTION,
    COMPONENT,
    DISPOSITION,
    ERROR_REASON,
    MEASUREMENT,
    SOURCE_DESTINATION,
    Vocabulary,
    expand,
)
from custody.gs1.context import BUILT_IN, RDFS, read_context
from custody.gs1.event import LIMIT_BYTES
from custody.gs1.json_text import read_json
from custody.gs1.keys import BEYOND_CBV
from custody.gs1.times import read_microseconds, write_milliseconds

_IGNORED = frozenset({"@context", "type", "eventID", "recordTime", "errorDeclaration"})
_COMMENTS = frozenset({"comment", "rdfs:comment", f"{RDFS}comment"})
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_PLAIN_IN_KEYS = (("%27", "'"), ("%3B", ";"), ("%3D", "="))
_URNS = (
    ("urn:epcglobal:cbv:bizstep:", BIZ_STEP.web),
    ("urn:epcglobal:cbv:disp:", DISPOSITION.web),
    ("urn:epcglobal:cbv:btt:", BIZ_TRANSACTION.web),
    ("urn:epcglobal:cbv:sdt:", SOURCE_DESTINATION.web),
    ("urn:epcglobal:cbv:er:", ERROR_REASON.web),
)
_ORDER = (
    "eventTime eventTimeZoneOffset certificationInfo parentID epcList inputEPCList childEPCs quantityList "
    "childQuantityList inputQuantityList outputEPCList outputQuantityList action transformationID bizStep disposition "
    "persistentDisposition readPoint bizLocation sensorElementList"
)
_FIELDS = tuple(_ORDER.split())
_QUANTITY = ("epcClass", "quantity", "uom")
_PAIRS: Mapping[str, tuple[str, Vocabulary]] = {
    "bizTransactionList": ("bizTransaction", BIZ_TRANSACTION),
    "sourceList": ("source", SOURCE_DESTINATION),
    "destinationList": ("destination", SOURCE_DESTINATION),
}
_NOT_OWN = _IGNORED.union(_PAIRS, _FIELDS)
_METADATA_ORDER = "time startTime endTime deviceID deviceMetadata rawData dataProcessingMethod bizRules"
_REPORT_ORDER = (
    "type exception deviceID deviceMetadata rawData dataProcessingMethod time microorganism chemicalSubstance value "
    "component stringValue booleanValue hexBinaryValue uriValue minValue maxValue meanValue sDev percRank percValue "
    "uom coordinateReferenceSystem"
)
_METADATA, _REPORT = tuple(_METADATA_ORDER.split()), tuple(_REPORT_ORDER.split())
_TIMES = frozenset({"eventTime", "time", "startTime", "endTime"})
_WORDS: Mapping[str, Vocabulary] = {
    "bizStep": BIZ_STEP,
    "disposition": DISPOSITION,
    "set": DISPOSITION,
    "unset": DISPOSITION,
    "type": MEASUREMENT,
    "exception": ALERT,
    "component": COMPONENT,
}


def hash_event_bytes(raw: bytes, *, prefixes: Mapping[str, str] | None = None) -> str:
    """The event hash of an event's bytes; raises `Rejected`. `prefixes` as in `parse_event`."""
    event = read_json(raw, limit_bytes=LIMIT_BYTES)
    schema.validate(event)
    known = read_context(event["@context"], inherited=prefixes) if "@context" in event else (prefixes or {})
    return event_hash(event, prefixes=known)


def event_hash(event: Mapping[str, Any], *, prefixes: Mapping[str, str], ignore: Collection[str] = ()) -> str:
    """The event hash of the parsed JSON of a schema-valid event; `ignore` names extensions to leave out."""
    text = pre_hash(event, prefixes=prefixes, ignore=ignore)
    return f"ni:///sha-256;{hashlib.sha256(text.encode()).hexdigest()}?ver=CBV2.0"


def pre_hash(event: Mapping[str, Any], *, prefixes: Mapping[str, str], ignore: Collection[str] = ()) -> str:
    """The string that is hashed."""
    return _PreHash({**BUILT_IN, **prefixes}, _COMMENTS.union(ignore)).event(event)


class _PreHash:
    """Writes pre-hash strings under one set of prefixes."""

    def __init__(self, prefixes: Mapping[str, str], ignore: Collection[str]) -> None:
        self._prefixes = prefixes
        self._ignore = ignore

    def event(self, event: Mapping[str, Any]) -> str:
        ordered = "".join(self._field(name, event[name]) for name in _FIELDS if name in event)
        rest = [self._pairs(name, event[name]) for name in _PAIRS if name in event]
        rest += self._own({name: event[name] for name in event if name not in _NOT_OWN})
        return f"eventType={event['type']}{ordered}{''.join(sorted(rest))}"

    def _field(self, name: str, value: Any) -> str:
        if name.endswith("EPCList") or name in {"epcList", "childEPCs"}:
            return self._list(name, [self._leaf("epc", item) for item in value])
        if name.endswith(("QuantityList", "quantityList")):
            return self._list(name, ["quantityElement" + self._leaves(item, _QUANTITY) for item in value])
        if name == "sensorElementList":
            return self._list(name, [self._sensor_element(item) for item in value])
        if name == "persistentDisposition":
            return name + self._leaves(value, ("set", "unset"))
        if name in {"readPoint", "bizLocation"}:
            return name + self._leaves(value, ("id",))
        return self._leaf_or_leaves(name, value)

    def _list(self, name: str, items: list[str]) -> str:
        return name + "".join(sorted(items)) if items else ""

    def _leaves(self, value: Mapping[str, Any], names: tuple[str, ...]) -> str:
        """The fields `names` in their order, then the extensions beside them."""
        known = "".join(self._leaf_or_leaves(name, value[name]) for name in names if name in value)
        return known + "".join(sorted(self._own({name: value[name] for name in value if name not in names})))

    def _leaf_or_leaves(self, name: str, value: Any) -> str:
        items = value if isinstance(value, list) else [value]
        return "".join(sorted(self._leaf(name, item) for item in items))

    def _leaf(self, name: str, value: Any) -> str:
        text = str(value).strip()
        if name in _TIMES:
            text = write_milliseconds((read_microseconds(text) + 500) // 1000)
        elif name in _WORDS:
            text = self._canonical(_WORDS[name].web_uri(text))
        elif name != "eventTimeZoneOffset":
            text = self._canonical(text)
        return f"{name}={text}" if text else ""

    def _sensor_element(self, element: Mapping[str, Any]) -> str:
        metadata = self._leaves(element.get("sensorMetadata", {}), _METADATA)
        reports = ["sensorReport" + self._leaves(report, _REPORT) for report in element["sensorReport"]]
        own = self._own({name: element[name] for name in element if name not in {"sensorMetadata", "sensorReport"}})
        head = f"sensorMetadata{metadata}" if metadata else ""
        return "sensorElement" + head + "".join(sorted(reports)) + "".join(sorted(own))

    def _pairs(self, name: str, items: list[Mapping[str, str]]) -> str:
        field, words = _PAIRS[name]
        found: list[str] = []
        for item in items:
            kind = f"type={self._canonical(words.web_uri(item['type']))}" if "type" in item else ""
            found.append(kind + f"{field}={self._canonical(item[field])}")
        return self._list(name, found)

    def _own(self, members: Mapping[str, Any]) -> list[str]:
        """The strings of extensions and ilmd, one for each value of each name, not yet sorted."""
        found: list[str] = []
        for name, value in members.items():
            if name not in self._ignore:
                items = value if isinstance(value, list) else [value]
                found += [self._name(name) + self._own_value(item) for item in items]
        return found

    def _own_value(self, value: Any) -> str:
        if isinstance(value, dict):
            return "".join(sorted(self._own(value)))
        if isinstance(value, list):
            return "".join(sorted(self._own_value(item) for item in value))
        text = str(value).strip()
        return f"={self._canonical(text)}" if text else ""

    def _name(self, name: str) -> str:
        prefix, colon, local = name.partition(":")
        namespace = self._prefixes.get(prefix) if colon else None
        return name if namespace is None else f"{{{namespace}}}{local}"

    def _canonical(self, text: str) -> str:
        text = expand(text, self._prefixes)
        for urn, web in _URNS:
            text = text.replace(urn, web)
        if _NUMBER.fullmatch(text):
            number = float(text)
            if math.isfinite(number):
                return str(int(number)) if number.is_integer() else str(number)
        key = gs1_key(text)
        if key is None or not BEYOND_CBV.isdisjoint({key.ai, *(key.qualifier or ())[:1]}):
            return text
        uri = key.uri
        for encoded, plain in _PLAIN_IN_KEYS:
            uri = uri.replace(encoded, plain)
        return uri
