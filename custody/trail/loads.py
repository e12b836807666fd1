"""Scans of a cage or van that only load or unload parcels which they name, told at a glance.

A cage that is used for long has a hundred thousand scans, and nearly all of them say nothing but which other parcels
went in or came out. A parcel's trail need not open these, whenever they were made and whenever they came:

- Such a scan names its carrier as the parent and nothing else but parcels, as children: no handset, no order, no other
  carrier. It is no error declaration, and has no term that is not in `_Load`.
- If one of the children matters to the trail, the scan is found under that one's key and opened for it.
- If none does, it says nothing of the trail's parcel. It is not about the whole carrier, so it shows no parcel that was
  inside; it moves neither the trail's parcel nor any carrier of it, so it begins and ends no stay of theirs; it joins
  no names and ties no order.
- Only what declares an event wrong, or has its id, can do with it: `partner_ids` of `belongings.py` finds these.

Times would be no bound. One below would leave out that the cage was put into a van before the parcel was put into the
cage; one above, what stations kept offline, and declarations, which repeat an old time and may come without what they
declare wrong. A test holds trails that were read so against those that everything was opened for.
"""

import re
from typing import Any, Literal

import msgspec

from custody.kernel.errors import Rejected
from custody.scans.content import event_in
from custody.scans.scan import SALT_BYTES
from custody.trail.names import PARCEL

_WHOLE_SSCC = re.compile(re.escape(PARCEL) + r"\d{18}", re.ASCII)


class _Load(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """The members that such an event has and may have; msgspec refuses every other."""

    type: Literal["AggregationEvent"]
    action: Literal["ADD", "DELETE", "OBSERVE"]
    parent: str = msgspec.field(name="parentID")
    children: list[str] = msgspec.field(name="childEPCs")
    id: str = msgspec.field(name="eventID")
    context: Any = msgspec.field(name="@context", default=None)
    time: Any = msgspec.field(name="eventTime", default=None)
    offset: Any = msgspec.field(name="eventTimeZoneOffset", default=None)
    recorded: Any = msgspec.field(name="recordTime", default=None)
    step: Any = msgspec.field(name="bizStep", default=None)
    disposition: Any = None
    read_point: Any = msgspec.field(name="readPoint", default=None)
    location: Any = msgspec.field(name="bizLocation", default=None)
    sources: Any = msgspec.field(name="sourceList", default=None)
    destinations: Any = msgspec.field(name="destinationList", default=None)
    readings: Any = msgspec.field(name="sensorElementList", default=None)
    before: Any = msgspec.field(name="wl:prevScan", default=None)
    upstream: Any = msgspec.field(name="wl:upstreamStatement", default=None)
    witnessed: Any = msgspec.field(name="wl:witnessedCheckpoint", default=None)
    handler: Any = msgspec.field(name="wl:handler", default=None)
    mode: Any = msgspec.field(name="wl:entryMode", default=None)
    photo: Any = msgspec.field(name="wl:photo", default=None)
    seal: Any = msgspec.field(name="wl:sealNumber", default=None)
    seal_kind: Any = msgspec.field(name="wl:sealKind", default=None)
    seal_state: Any = msgspec.field(name="wl:sealState", default=None)


_read = msgspec.json.Decoder(_Load).decode


def only_loads(opening: bytes, carrier: str) -> bool:
    """Whether the scan with that opening, found under that carrier's key, only loads or unloads parcels in it."""
    try:
        load = _read(event_in(opening[SALT_BYTES:]))
    except (Rejected, msgspec.MsgspecError, UnicodeDecodeError):
        return False
    named = load.children
    return bool(named) and carrier not in named and all(_WHOLE_SSCC.fullmatch(child) for child in named)
