"""Reading the trail of a parcel: by SSCC, by IMEI in any form, or by order reference.

Scans are found by their keys (`look_up.py`), opened from the bytes that were signed, and handed to the trail room. A
scan whose opening was erased cannot be read any more; the log still shows that it was there. Where a station stood and
whose it was is what a registrar said in the log of the key that signed: never the scan's word, and no later one.

`state_of` is what all of that came from, without opening it: as long as it stays as it is, so does the trail.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from sqlmodel import Session

from custody.kernel.errors import NotFound
from custody.ledger.statements import read_key_add
from custody.scans.scan import Scan
from custody.store import attestation_book, log_reader, scan_book, unopened_book
from custody.store.scan_book import JudgedScan
from custody.store.tables import UnopenedRow
from custody.trail.attested import Checks, checks_of
from custody.trail.belongings import Lookup, find_belongings, needs, partner_ids
from custody.trail.names import ask
from custody.trail.sealed import SealedScan, StationFacts
from custody.trail.trail import Trail, build_trail
from custody.usecases.look_up import places_of, places_of_each
from custody.usecases.mark_unproven import Doubts, read_doubts
from custody.usecases.near_gaps import gaps_near
from custody.usecases.open_scans import stored_scans

MAX_ROUNDS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundTrail:
    """A trail with the scans it was made of, and beside it those whose content was erased or has not come yet.

    `lookups` are all that was looked up for it.
    """

    trail: Trail
    lookups: frozenset[Lookup]
    scans: tuple[SealedScan, ...]
    erased: tuple[JudgedScan, ...] = ()
    unopened: tuple[UnopenedRow, ...] = ()


def read_trail(session: Session, item: str, *, parcel: str | None = None, gaps: bool = False) -> FoundTrail:
    """The trail of an item; raises `Rejected` for a key that is none, `NotFound` if nothing is known of it.

    Digits with a wrong check digit lead to what is stored under them, and are refused only if nothing is. With `gaps`
    it also tells which numbers of its stations are missing near its scans.
    """
    start = ask(item, as_labelled=True)
    chosen = ask(parcel, as_labelled=True) if parcel else None
    asked: set[Lookup] = set()
    scans: dict[int, SealedScan] = {}
    rows: dict[int, JudgedScan] = {}
    for _ in range(MAX_ROUNDS):
        lookups = needs(start, scans.values(), asked, parcel=chosen)
        if not lookups:
            break
        asked |= set(lookups)
        _open(session, places_of(session, lookups), rows, scans)
    if not rows:
        ask(item)
        raise NotFound("item", f"nothing is recorded of {item!r}", fix="Ask by SSCC, IMEI or po:<order reference>.")
    if beside := scan_book.places_under(session, partner_ids(scans.values())) - rows.keys():
        under = scan_book.places_under(session, [lookup.key for lookup in asked if lookup.carrier])
        _open(session, beside & under, rows, scans)
    found = tuple(scans[place] for place in sorted(scans))
    belongings = find_belongings(start, found, parcel=chosen)
    checks = attested_checks(session, found)
    trail = build_trail(belongings, found, checks=checks)
    missing = gaps_near(session, [entry.sealed for entry in trail.entries]) if gaps else []
    held = scan_book.known_names(session, trail.missing) if trail.missing else {}
    if missing or held:
        trail = build_trail(belongings, found, checks=checks, gaps=missing, in_log=held)
    return FoundTrail(
        trail=trail,
        lookups=frozenset(asked),
        scans=found,
        erased=tuple(rows[place] for place in sorted(rows.keys() - scans.keys())),
        unopened=tuple(unopened_book.of_shipments(session, {scan.scan.subject for scan in found})),
    )


def _open(session: Session, places: Iterable[int], rows: dict[int, JudgedScan], scans: dict[int, SealedScan]) -> None:
    """Add the scans at these places, with their rows, to those that are there."""
    fresh = scan_book.judged_at(session, set(places) - rows.keys())
    scans |= {scan.place: scan for scan in sealed_scans(session, fresh)}
    rows |= {row.place: row for row in fresh}


def attested_checks(session: Session, scans: Sequence[SealedScan]) -> Checks:
    """What verifiers attest in the log of the checks of recipients in these scans."""
    return checks_of(scans, attestation_book.attested(session, [sealed.digest for sealed in scans]))


def state_of(session: Session, lookups: Iterable[Lookup]) -> bytes:
    """A digest of what a trail is made of: scans and their verdicts, erasures, doubts in keys, words of verifiers."""
    return states_of(session, [lookups])[0]


def states_of(session: Session, asked: Sequence[Iterable[Lookup]]) -> list[bytes]:
    """The same of several trails, in as many questions as for one."""
    trails = places_of_each(session, asked)
    scans, erased = scan_book.state_at(session, set().union(*trails))
    attested = attestation_book.attested(session, [row[1] for row in scans])
    doubts = sorted(read_doubts(session).spans.items(), key=str)
    states = []
    for places in trails:
        mine = [row for row in scans if row[0] in places]
        names = {row[1] for row in mine}
        gone = [row for row in erased if row[0] in places]
        words = [said for said in attested if said.scan in names]
        states.append(hashlib.sha256(repr((mine, gone, words, doubts)).encode()).digest())
    return states


def sealed_scans(session: Session, rows: Iterable[JudgedScan]) -> list[SealedScan]:
    """Scans opened from the log, with verdict and station."""
    by_place = {row.place: row for row in rows}
    opened = {place: scan for place, stored in stored_scans(session, by_place).items() if (scan := stored.open())}
    stations = station_facts(session, {scan.message.kid for scan in opened.values()})
    doubts = read_doubts(session)
    return [_sealed(by_place[place], scan, stations, doubts) for place, scan in opened.items()]


def station_facts(session: Session, kids: Iterable[bytes]) -> dict[bytes, StationFacts]:
    """What a registrar said in the log of the stations with these keys."""
    enrolled = scan_book.enrolments(session, kids)
    said = {entry.idx: _facts(entry.raw) for entry in log_reader.entries(session, sorted(enrolled.values()), bare=True)}
    return {kid: said[index] for kid, index in enrolled.items()}


@lru_cache(maxsize=4096)
def _facts(enrolment: bytes) -> StationFacts:
    info = read_key_add(enrolment).info
    return StationFacts(
        station=info.station, site=info.site, place=info.place, step=info.step.value, custodian=info.custodian
    )


def _sealed(row: JudgedScan, scan: Scan, stations: Mapping[bytes, StationFacts], doubts: Doubts) -> SealedScan:
    kid = scan.message.kid
    result, flags = doubts.verdict(kid, row.index, row.result, tuple(row.flags.split()))
    return SealedScan(
        index=row.index,
        position=row.position,
        received_ms=row.received_ms,
        result=result,
        flags=flags,
        scan=scan,
        station=stations[kid],
    )
