"""trail.json: what the trail room makes of the scans in a pack.

Scans are opened from the bytes that were signed, and station facts come from the enrolments in the log, so whoever
holds the pack builds the same trail again. A scan whose opening is not in the pack is not in the trail; where the next
one names it, the trail says that it is in the log and cannot be read. The numbers of stations that are missing in the
pack belong to other parcels as a rule, so they are no gaps here; a checker names them.
What verifiers attest of the checks of recipients in these scans is read from their statements in the pack.
Each scan stands between the moments that witnesses place it in, as far as the pack's checkpoints tell (pack_witnessed).
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

from msgspec import structs

from custody.gs1.canonical import canonical
from custody.investigation.pack.attested import attested_in
from custody.investigation.pack.batches import opened_scans
from custody.investigation.pack.entries import PackEntry
from custody.investigation.pack.json_form import write_json
from custody.investigation.pack.witnessed import bounds_of
from custody.kernel import cose
from custody.ledger.registry import Registry
from custody.scans.leaf import read_leaf
from custody.scans.scan import CAPTURED, SCANS
from custody.trail.attested import checks_of
from custody.trail.belongings import find_belongings
from custody.trail.describe import describe_trail
from custody.trail.edition import ReadingEdition
from custody.trail.sealed import SealedScan, StationFacts
from custody.trail.trail import build_trail

FILE = "trail.json"


def sealed_scans(entries: Iterable[PackEntry], registry: Registry) -> tuple[SealedScan, ...]:
    """The scans of a pack that can be opened; raises `Rejected` or `NotFound` for one that does not fit."""
    scans = []
    for opened in opened_scans(entries):
        entry, judged = opened.entry, opened.judged
        if entry.content_type == CAPTURED or judged is None:
            continue
        info = registry.station_key(opened.scan.message.kid).info
        scans.append(
            SealedScan(
                index=entry.index,
                position=opened.position,
                received_ms=entry.received_ms,
                result=judged.result,
                flags=judged.flags,
                scan=opened.scan,
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


def closed_scans(entries: Iterable[PackEntry]) -> set[bytes]:
    """The names of the scans of a pack whose content is erased or withheld; raises `Rejected` for what is no scan."""
    found = set()
    for entry in entries:
        if entry.content_type in SCANS and entry.opening is None:
            found.add(cose.parse(entry.raw).digest)
        found |= {read_leaf(scan.leaf).digest for scan in entry.scans if scan.opening is None}
    return found


def write_trail(
    entries: Sequence[PackEntry],
    registry: Registry,
    *,
    item: str,
    parcel: str | None,
    head: bytes,
    witnessed: Iterable[bytes],
    in_log: Collection[bytes],
    edition: ReadingEdition,
) -> tuple[dict[str, bytes], dict[str, Any]]:
    """The file, and its value; `item` is the key that was asked for and `parcel` the one chosen of several.

    `in_log` are scans that are not missing, although they cannot be read; the scans are read by that `edition`. By the
    first two, numbers of orders and of upstream events were read as the keys that they look like, and by the first
    three a transformation was about nothing; by the first five no verifier told anything.
    """
    scans = sealed_scans(entries, registry)
    if edition < ReadingEdition.THIRD:
        scans = tuple(map(_with_keys_for_numbers, scans))
    if edition < ReadingEdition.FOURTH:
        scans = tuple(map(_without_parts, scans))
    belongings = find_belongings(item, scans, parcel=parcel, edition=edition)
    attested = attested_in(entries, registry) if edition >= ReadingEdition.SIXTH else ()
    trail = build_trail(belongings, scans, checks=checks_of(scans, attested), in_log=in_log, edition=edition)
    bounds = bounds_of(trail.entries, registry, head=head, witnessed=witnessed)
    value = describe_trail(trail, bounds=bounds)
    return {FILE: write_json(value)}, value


def _without_parts(sealed: SealedScan) -> SealedScan:
    event = sealed.event
    if not (event.inputs or event.outputs):
        return sealed
    return replace(sealed, scan=structs.replace(sealed.scan, event=structs.replace(event, inputs=(), outputs=())))


def _with_keys_for_numbers(sealed: SealedScan) -> SealedScan:
    event = sealed.event
    numbers = tuple((kind, canonical(number).uri) for kind, number in event.transactions)
    return replace(sealed, scan=structs.replace(sealed.scan, event=structs.replace(event, transactions=numbers)))
