"""The event of a station, read at one glance.

`parse_event.py` says what an event may be, and reads it part by part. Nearly all that our stations write is of one
form; what has it is read here, with exactly the result of the long way. What has it not may be right all the same, and
is read the long way. The form:

- **Text.** It begins with the @context of our stations, is ASCII without a backslash, and is the very text that
  writing its value again gives. So no name stands twice in an object, no number could be spelt otherwise, and nothing
  lies between the tokens.
- **Members.** An ObjectEvent about an epcList, or an AggregationEvent or AssociationEvent of a parent with children;
  of the others those that `_COMMON` lists, and our own terms. Each value is what the schema demands, by a pattern no
  wider than the schema's: bare CBV words and our own steps, RFC 3339 times in capitals, URIs (RFC 3986) of a few kinds
  and without percent signs.
- **Nothing odd.** Whatever the long way would warn of is left to it.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import msgspec
from msgspec.structs import replace

from custody.gs1.canonical import Canonical, canonical, canonical_transaction
from custody.gs1.cbv import (
    BIZ_STEP,
    BIZ_TRANSACTION,
    DISPOSITION,
    REMOTE_LOCKING,
    REMOTE_UNLOCKING,
    SORTING,
    SOURCE_DESTINATION,
)
from custody.gs1.check_digit import gs1_check_digit
from custody.gs1.context import EPCIS_CONTEXT, OURS
from custody.gs1.event import EVENT, Event
from custody.gs1.extensions import CHECKS
from custody.gs1.mass import to_grams
from custody.gs1.sensors import MassReading
from custody.gs1.times import read_instant
from custody.kernel.clock import Instant
from custody.kernel.errors import Rejected

_CONTEXT = [EPCIS_CONTEXT, {"wl": OURS}]
_HEAD = b'{"@context":' + msgspec.json.encode(_CONTEXT) + b","

_NAMES = """
type eventTime eventTimeZoneOffset eventID action bizStep disposition readPoint bizLocation bizTransactionList
sourceList destinationList sensorElementList
"""
_COMMON = frozenset(_NAMES.split())
_CONTAINMENT = _COMMON | {"parentID", "childEPCs"}
_MEMBERS: Mapping[str, frozenset[str]] = {
    "ObjectEvent": _COMMON | {"epcList"},
    "AggregationEvent": _CONTAINMENT,
    "AssociationEvent": _CONTAINMENT,
}
_RARE = frozenset({"bizLocation", "sourceList", "destinationList"})
_ACTIONS = frozenset({"ADD", "OBSERVE", "DELETE"})
_STEPS = BIZ_STEP.words | {SORTING, REMOTE_LOCKING, REMOTE_UNLOCKING}
_OFFSETS = frozenset(
    [f"{sign}{hour:02}:{minute:02}" for sign in "+-" for hour in range(14) for minute in range(60)]
    + ["+14:00", "-14:00"]
)
_ELEMENT = frozenset({"sensorMetadata", "sensorReport"})
_METADATA = frozenset({"time", "deviceID"})
_WHOLE_LIMIT = 2**53

_TIME = re.compile(
    r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)", re.ASCII
)
_URI = re.compile(
    r"(?:https://id\.gs1\.org/|urn:(?:uuid|epcglobal|weaklink):|ni:///|geo:[0-9-])"
    r"[0-9A-Za-z._~:;,/-]{1,200}(?:\?ver=CBV2\.0)?"
)
_NEW = re.compile(r"https://id\.gs1\.org/00/(\d{17})(\d)|urn:uuid:[0-9a-f-]{36}", re.ASCII)
_DIGEST = re.compile(r"ni:///sha-256;[0-9A-Za-z_-]{42}[AEIMQUYcgkosw048]")
_NAME = re.compile(r"(?:wl:)?[A-Za-z]+")

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder().encode


class _OtherForm(Exception):
    """The event is not of the plain form."""


_SIGNS = (_OtherForm, Rejected, msgspec.MsgspecError, RecursionError, KeyError, TypeError, AttributeError)
"""What a value of another form leads to: a missing member to a KeyError, one of another type to the last two."""


def read_plain_event(raw: bytes) -> Event | None:
    """The event, if it has the form."""
    if not raw.startswith(_HEAD) or not raw.isascii() or b"\\" in raw:
        return None
    body = b"{" + raw[len(_HEAD) :]
    try:
        said = _decode(body)
        return _read(raw, said) if _encode(said) == body else None
    except _SIGNS:
        return None


def _read(raw: bytes, said: dict[str, Any]) -> Event:
    kind, offset, event_id = said["type"], said["eventTimeZoneOffset"], said["eventID"]
    action, step, members = said["action"], said["bizStep"], _MEMBERS[kind]
    fits = offset in _OFFSETS and action in _ACTIONS and step in _STEPS and _URI.fullmatch(event_id) is not None
    if not fits or ("disposition" in said and said["disposition"] not in DISPOSITION.words):
        raise _OtherForm
    event_time_ms = _time(said["eventTime"])
    contained = kind != "ObjectEvent"
    items = _items(said["childEPCs" if contained else "epcList"])
    # No more than 15 keywords: a call with more of them first makes a dictionary, at the price of all that went before.
    event = Event(
        raw=raw,
        type=kind,
        event_id=event_id,
        event_time_ms=event_time_ms,
        offset=offset,
        action=action,
        biz_step=step,
        disposition=said.get("disposition"),
        epcs=() if contained else items,
        parent=_key(said["parentID"]) if contained else None,
        children=items if contained else (),
        read_point=_place(said["readPoint"]) if "readPoint" in said else None,
        transactions=tuple([_transaction(pair) for pair in _list(said.get("bizTransactionList", []))]),
        readings=_readings(said["sensorElementList"], event_time_ms) if "sensorElementList" in said else (),
        extensions={name: _TERMS[name](name, said[name]) for name in said if name not in members},
    )
    return event if _RARE.isdisjoint(said) else _with_rare(event, said)


def _with_rare(event: Event, said: dict[str, Any]) -> Event:
    return replace(
        event,
        biz_location=_place(said["bizLocation"]) if "bizLocation" in said else None,
        sources=tuple([_end(pair, "source") for pair in _list(said.get("sourceList", []))]),
        destinations=tuple([_end(pair, "destination") for pair in _list(said.get("destinationList", []))]),
    )


def _time(text: str) -> Instant:
    if _TIME.fullmatch(text) is None:
        raise _OtherForm
    return read_instant(text)


def _items(uris: list[str]) -> tuple[str, ...]:
    items = tuple([_item(uri) for uri in _list(uris)])
    if not items or (len(items) > 1 and len(set(uris)) < len(items)):
        raise _OtherForm
    return items


def _item(uri: str) -> str:
    """As `_key` for a name that is seldom met twice in a row: a parcel's and an event's are not looked up."""
    found = _NEW.fullmatch(uri)
    if found is None:
        return _key(uri)
    if found[1] is not None and gs1_check_digit(found[1]) != found[2]:
        raise _OtherForm
    return uri


@lru_cache(maxsize=8192)
def _key(uri: str) -> str:
    return _plain(uri, canonical(uri))


@lru_cache(maxsize=8192)
def _number(uri: str) -> str:
    return _plain(uri, canonical_transaction(uri))


def _plain(uri: str, found: Canonical) -> str:
    if found.warning is not None or _URI.fullmatch(uri) is None:
        raise _OtherForm
    return found.uri


def _place(value: dict[str, str]) -> str:
    if len(value) != 1:
        raise _OtherForm
    return _key(value["id"])


def _transaction(pair: dict[str, str]) -> tuple[str, str]:
    kind, number = pair["type"], pair["bizTransaction"]
    if len(pair) != 2 or kind not in BIZ_TRANSACTION.words or (kind == EVENT and _URI.fullmatch(number) is None):
        raise _OtherForm
    return kind, number if kind == EVENT else _number(number)


def _end(pair: dict[str, str], field: str) -> tuple[str, str]:
    if len(pair) != 2 or pair["type"] not in SOURCE_DESTINATION.words:
        raise _OtherForm
    return pair["type"], _key(pair[field])


def _readings(elements: list[dict[str, Any]], event_time_ms: Instant) -> tuple[MassReading, ...]:
    found: list[MassReading] = []
    for element in _list(elements):
        metadata, reports = element.get("sensorMetadata", {}), _list(element["sensorReport"])
        if not (reports and element.keys() <= _ELEMENT and metadata.keys() <= _METADATA):
            raise _OtherForm
        at_ms = _time(metadata["time"]) if "time" in metadata else event_time_ms
        device = _key(metadata["deviceID"]) if "deviceID" in metadata else None
        if at_ms > event_time_ms:
            raise _OtherForm
        found += [MassReading(at_ms=at_ms, mass_g=_mass_g(report), device=device) for report in reports]
    return tuple(found)


def _mass_g(report: dict[str, Any]) -> float:
    value = report["value"]
    whole = type(value) is int and -_WHOLE_LIMIT < value < _WHOLE_LIMIT
    if not (whole or type(value) is float) or report["type"] != "Mass" or len(report) != 3:
        raise _OtherForm
    mass_g = to_grams(value, report["uom"])
    if mass_g is None:
        raise _OtherForm
    return mass_g


def _grams(_name: str, value: Any) -> int:
    if type(value) is not int or not 0 <= value < _WHOLE_LIMIT:
        raise _OtherForm
    return value


def _digest(_name: str, value: Any) -> str:
    if _DIGEST.fullmatch(value) is None:
        raise _OtherForm
    return str(value)


def _text_or_texts(_name: str, value: Any) -> Any:
    """Where no form is demanded: a text, or an object of texts."""
    if type(value) is str:
        return value
    if not all(type(text) is str and _NAME.fullmatch(name) is not None for name, text in value.items()):
        raise _OtherForm
    return value


def _list(value: Any) -> list[Any]:
    if type(value) is not list:
        raise _OtherForm
    return value


_TERMS: Mapping[str, Callable[[str, Any], Any]] = {
    **CHECKS,
    **dict.fromkeys(("wl:declaredMassGrams", "wl:itemMassGrams"), _grams),
    **dict.fromkeys(("wl:photo", "wl:prevScan", "wl:witnessedCheckpoint", "wl:upstreamStatement"), _digest),
    **dict.fromkeys(("wl:expected", "wl:recipientCheck", "wl:case"), _text_or_texts),
}
