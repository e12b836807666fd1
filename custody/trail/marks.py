"""What a scan says in our own extension terms (`wl:`), typed.

`custody.gs1.extensions` has refused malformed digests, masses, seal states, entry modes and IMEIs before a scan exists.
Left to read here with tolerance are the terms that are free in form:

| term | value |
|---|---|
| wl:expected | a key or a list of keys: what ought to be there |
| wl:sealFound | the number read on a seal that is not the one applied |
| wl:recipientCheck | {wl:method, wl:proof, wl:confirms, wl:attempts}; how the recipient confirmed |

Absent (None or empty) and unreadable are two things: a term that is there but cannot be read is listed in
`unreadable`, so that a torn value is never taken for silence. Nothing here raises.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from custody.gs1.canonical import canonical
from custody.gs1.event import Event
from custody.gs1.named_information import read_ni

MOST_BYTES = 2_048
"""No key is longer: it is what the EPCIS schema allows a URI, and what every database can file something under."""

_OF_A_SEAL = frozenset({"wl:sealNumber", "wl:sealKind", "wl:sealState"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientCheck:
    """How the recipient confirmed: the method, what was confirmed (None: not recorded), how many tries."""

    method: str
    confirms: str | None
    attempts: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """The readable extension terms of one scan; None and () mean absent."""

    imeis: tuple[str, ...]
    declared_g: int | None
    item_g: int | None
    seal_number: str | None
    seal_found: str | None
    seal_state: str | None
    handler: str | None
    entry_mode: str | None
    photo: str | None
    prev_scan: bytes | None
    upstream: bytes | None
    witnessed: bytes | None
    expected: tuple[str, ...]
    check: RecipientCheck | None
    unreadable: tuple[str, ...]


def expected_keys(event: Event) -> tuple[str, ...]:
    """What ought to have been there, as far as it can be read."""
    return _keys(event.extensions.get("wl:expected"))[0]


def says_seal(event: Event) -> bool:
    """Whether the event says that what it puts on, takes off or finds on a parcel is a seal."""
    return event.disposition == "container_closed" or not _OF_A_SEAL.isdisjoint(event.extensions)


def read_marks(event: Event) -> Marks:
    """The terms of one event."""
    terms = event.extensions
    expected, torn_expected = _keys(terms.get("wl:expected"))
    check, torn_check = _check(terms.get("wl:recipientCheck"))
    found = terms.get("wl:sealFound")
    torn_found = found is not None and not (isinstance(found, str) and found)
    torn = {"wl:expected": torn_expected, "wl:recipientCheck": torn_check, "wl:sealFound": torn_found}
    return Marks(
        imeis=event.imeis,
        declared_g=terms.get("wl:declaredMassGrams"),
        item_g=terms.get("wl:itemMassGrams"),
        seal_number=terms.get("wl:sealNumber"),
        seal_found=None if torn_found else found,
        seal_state=terms.get("wl:sealState"),
        handler=terms.get("wl:handler"),
        entry_mode=terms.get("wl:entryMode"),
        photo=terms.get("wl:photo"),
        prev_scan=_digest(terms.get("wl:prevScan")),
        upstream=_digest(terms.get("wl:upstreamStatement")),
        witnessed=_digest(terms.get("wl:witnessedCheckpoint")),
        expected=expected,
        check=check,
        unreadable=tuple(term for term, is_torn in torn.items() if is_torn),
    )


def _digest(value: str | None) -> bytes | None:
    return None if value is None else read_ni(value)


def _keys(value: Any) -> tuple[tuple[str, ...], bool]:
    """The canonical keys in one text or a list of texts, and whether anything else stood there."""
    if value is None:
        return (), False
    texts = value if isinstance(value, list) else [value]
    keys = [canonical(text).uri for text in texts if isinstance(text, str) and 0 < len(text.encode()) <= MOST_BYTES]
    return tuple(dict.fromkeys(keys)), len(keys) != len(texts)


def _check(value: Any) -> tuple[RecipientCheck | None, bool]:
    """The recipient's check, and whether one is there that says too little to count."""
    if value is None:
        return None, False
    inner = value if isinstance(value, Mapping) else {}
    method, proof = inner.get("wl:method"), inner.get("wl:proof")
    if not (isinstance(method, str) and method and isinstance(proof, str) and proof):
        return None, True
    confirms, attempts = inner.get("wl:confirms"), inner.get("wl:attempts")
    return RecipientCheck(
        method=method,
        confirms=confirms if isinstance(confirms, str) else None,
        attempts=None if attempts is None else str(attempts),
    ), False
