"""A trail as plain dicts of texts, integers, booleans, None and lists, for the API and the evidence pack.

- Deterministic: the same trail gives the same dict, so the same bytes once it is encoded with sorted keys.
- No fractions: masses are whole milligrams (`..._mg`), times whole milliseconds.
- `bounds` are the moments between which witnesses place each scan (`sandwich.py`); None is "not known".
- Sparing: handset numbers are cut to their last four digits; recipients are called
  "recipient"; read points (which may be a home) and other parcels in a cage's scan do not appear; a recipient check is
  shown by method, attempts and what it confirms, never by its proof.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

from custody.gs1.imei import foreign_imei_urn, imei_digits
from custody.ledger.time_bounds import UNKNOWN, TimeBounds
from custody.trail.arrange import Entry
from custody.trail.names import PRODUCT, RECIPIENT
from custody.trail.trail import Trail

_ELSEWHERE = frozenset({"findings", "belongings", "entries", "where", "between", "original"})


def describe_trail(trail: Trail, *, bounds: Mapping[bytes, TimeBounds] | None = None) -> dict[str, Any]:
    """The whole trail."""
    known = bounds or {}
    parts: dict[str, Any] = _plain(trail)
    belongings = trail.belongings
    return {
        "asked": mask_serial(belongings.asked),
        "parcel": belongings.parcel,
        "items": [
            {"key": mask_serial(item.key), "names": [mask_serial(name) for name in sorted(item.names)]}
            for item in belongings.items
        ],
        "orders": list(belongings.orders),
        "seals": list(belongings.seals),
        "other_parcels": [{"parcel": other.key, "since_ms": other.since_ms} for other in belongings.others],
        **parts,
        "segments": [
            {**plain, "dwell_ms": s.dwell_ms, "dwell_received_ms": s.dwell_received_ms}
            for plain, s in zip(parts["segments"], trail.segments, strict=True)
        ],
        "entries": [_entry(entry, known.get(entry.digest, UNKNOWN)) for entry in trail.entries],
        "quarantined": [entry.index for entry in trail.quarantined],
        "findings": [_finding(finding) for finding in trail.findings],
    }


def mask_serial(text: str) -> str:
    """A handset's name with only the last four digits of its number; a recipient without name; other texts as is."""
    imei = foreign_imei_urn(text)
    if imei is not None:
        return f"...{imei_digits(imei)[-4:]}"
    if text.startswith(PRODUCT) and "/21/" in text:
        head, _, serial = text.rpartition("/21/")
        return f"{head}/21/...{serial[-4:]}"
    return "recipient" if text.startswith(RECIPIENT) else text


def _finding(finding: Any) -> dict[str, Any]:
    return {
        "kind": str(finding.kind),
        "severity": finding.severity,
        "sentence": finding.sentence,
        "indices": list(finding.indices),
    }


def _entry(entry: Entry, bounds: TimeBounds) -> dict[str, Any]:
    event, scan, station = entry.event, entry.sealed.scan, entry.station
    return {
        "index": entry.index,
        **({} if entry.sealed.position is None else {"position": entry.sealed.position}),
        "digest": entry.digest.hex(),
        "at_ms": entry.at_ms,
        "received_ms": entry.received_ms,
        "late_ms": entry.late_ms,
        "not_before_ms": bounds.not_before_ms,
        "not_after_ms": bounds.not_after_ms,
        "station": station.station,
        "seq": scan.seq,
        "site": station.site,
        "place": station.place,
        "step": station.step,
        "custodian": station.custodian,
        "handler": entry.marks.handler,
        "entry_mode": entry.marks.entry_mode,
        "type": event.type,
        "action": event.action,
        "biz_step": event.biz_step,
        "disposition": event.disposition,
        "event_id": event.event_id,
        "via": entry.via,
        "standing": entry.standing,
        "result": entry.sealed.result,
        "flags": list(entry.sealed.flags),
    }


def _plain(value: Any) -> Any:
    """A value of the trail in plain types; grams become milligrams under a name that says so."""
    if isinstance(value, str):
        return mask_serial(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    kind = type(value)
    if not is_dataclass(kind):
        return value
    plain = {name: _plain(getattr(value, name)) for name in _shown(kind)}
    for name, shown in _masses(kind):
        grams = getattr(value, name)
        plain[shown] = None if grams is None else round(grams * 1000)
    return plain


@cache
def _shown(kind: type[Any]) -> tuple[str, ...]:
    names = [field.name for field in fields(kind)]
    return tuple([name for name in names if name not in _ELSEWHERE and not name.endswith("_g")])


@cache
def _masses(kind: type[Any]) -> tuple[tuple[str, str], ...]:
    names = [field.name for field in fields(kind) if field.name not in _ELSEWHERE]
    return tuple([(name, f"{name.removesuffix('_g')}_mg") for name in names if name.endswith("_g")])
