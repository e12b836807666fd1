"""trail.json: what the trail room makes of the scans in a pack.

Scans are opened from the bytes that were signed, and station facts come from the enrolments in the log, so whoever
holds the pack builds the same trail again. A scan whose opening is not in the pack is not in the trail. The numbers of
stations that are missing in the pack belong to other parcels as a rule, so they are no gaps here; a checker names them.
"""

from collections.abc import Iterable
from typing import Any

from custody.investigation.pack_entries import PackEntry
from custody.investigation.pack_json import write_json
from custody.ledger.registry import Registry
from custody.scans.scan import CONTENT_TYPE, open_scan
from custody.trail.describe import describe_trail
from custody.trail.sealed import SealedScan, StationFacts
from custody.trail.trail import build_trail
from custody.trail.unit import find_unit

FILE = "trail.json"


def sealed_scans(entries: Iterable[PackEntry], registry: Registry) -> tuple[SealedScan, ...]:
    """The scans of a pack that can be opened; raises `Rejected` or `NotFound` for one that does not fit."""
    scans = []
    for entry in entries:
        if entry.content_type != CONTENT_TYPE or entry.opening is None or entry.judged is None:
            continue
        scan = open_scan(entry.raw, entry.opening)
        info = registry.station_key(scan.message.kid).info
        scans.append(
            SealedScan(
                index=entry.index,
                received_ms=entry.received_ms,
                result=entry.judged.result,
                flags=entry.judged.flags,
                scan=scan,
                station=StationFacts(
                    station=info.station,
                    site=info.site,
                    place=info.place,
                    step=info.step.value,
                    custodian=info.custodian,
                ),
            )
        )
    return tuple(scans)


def write_trail(
    entries: Iterable[PackEntry], registry: Registry, *, item: str, parcel: str | None
) -> tuple[dict[str, bytes], dict[str, Any]]:
    """The file, and its value; `item` is the key that was asked for and `parcel` the one chosen of several."""
    scans = sealed_scans(entries, registry)
    trail = build_trail(find_unit(item, scans, parcel=parcel), scans)
    value = describe_trail(trail)
    return {FILE: write_json(value)}, value
