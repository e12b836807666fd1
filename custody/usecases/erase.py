"""Erasing what is personal of a parcel or of a case, with a notice in the log.

The log keeps its entries; what is deleted are the openings, without which an entry is a digest that nobody can link to
anything, and the personal columns beside it. Every tree hash stays, so the log still audits clean. A notice, itself a
salted record, says how many openings went, when and why.

- While a case about the parcel is open, or a lock on its handset, its evidence is needed and nothing is erased (legal
  claims, Article 17(3)(e) GDPR); nor is a case on which a lock rests, in which an outside promise is pending or an
  exception waits, or of which a copy is owed to its customer. A report that was joined is open as long as the case
  is that it went into.
- With a case go those that were joined into it, and none of them before it is over. None of them goes alone: what was
  said and given in it stands in the one that goes on. What was written of it in its lock orders goes too.
- The contact of an order goes with its parcel; where no scan leads from it to one, by its own number. So does what is
  kept elsewhere of its handset, unless that was sold in another order too, of which nothing was erased.
- What verifiers attest of a check of the recipient goes with the scan that it speaks of.
- A scan that also names another parcel is kept until that parcel is erased too, because it is the other one's evidence.
- Erasing again deletes what has come since; if nothing has come into the log, it answers as before and writes nothing.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import msgspec
from sqlmodel import Session

from custody.disputes.case import CASE
from custody.disputes.promise import A_COPY, is_owed
from custody.kernel.clock import Instant
from custody.kernel.errors import Conflict, NotFound, Rejected
from custody.scans.follow import concerned
from custody.scans.place import ToldPlace, index_of, place_of, tell_place
from custody.store import (
    attestation_book,
    case_book,
    drop_book,
    erase_book,
    exception_book,
    outside_book,
    report_turn,
    stretch_book,
)
from custody.store.aside_book import NOTHING_READ, Named
from custody.store.case_book import CaseFile
from custody.store.tables import ErasureRow, SaleRow
from custody.store.unit import Unit
from custody.trail.names import ORDER, aliases, imei_of, is_parcel, named
from custody.usecases.read_trail import FoundTrail, read_trail

NOTICE = "erasure.notice"
MAX_REASON = 200

Holds = Callable[[Session, Collection[str]], Sequence[str]]
"""What else needs the evidence about handsets, named by their IMEIs, or rests on cases: a sentence each."""

Forgets = Callable[[Session, Collection[str]], Collection[int]]
"""Deletes what there is of these cases elsewhere, or of handsets named by their IMEIs; returns its records' entries."""


Claims = Callable[[Unit, Collection[str], Collection[str]], None]
"""Holds cases until the unit ends, with what rests on them and on handsets named by their IMEIs."""


def nothing_else(_session: Session, _names: Collection[str]) -> Collection[int]:
    """There is nothing elsewhere."""
    return ()


def the_cases(unit: Unit, cases: Collection[str], _imeis: Collection[str]) -> None:
    """Nothing rests on them."""
    case_book.claim(unit, cases)


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What was erased: the notice's entry, the openings that are gone, and scans kept for another parcel's sake."""

    id: str
    target: str
    at_ms: Instant
    index: int
    openings: tuple[ToldPlace, ...]
    shared: tuple[ToldPlace, ...] = ()
    repeated: bool = False


def erase(
    unit: Unit,
    target: str,
    *,
    reason: str,
    actor: str,
    holds: Holds,
    forgets: Forgets = nothing_else,
    claims: Claims = the_cases,
    ahead: Named = NOTHING_READ,
) -> Erased:
    """Erase a case by its name, or else a parcel by any name; raises `Rejected`, `NotFound` or `Conflict`.

    All that goes is held by `claims` before anything is asked of it: its customer may open a case again meanwhile. No
    report that has read of it is under way (`report_turn.py`).
    `ahead`: what was kept aside of statements, as `erase_book.read_quarantine` read it before the unit.
    """
    check_reason(reason)
    report_turn.change_begins(unit)
    by = _Asked(reason=reason, actor=actor, holds=holds, forgets=forgets, claims=claims, ahead=ahead)
    return _erase_case(unit, target, by) if is_case(target) else _erase_parcel(unit, target, by)


def check_reason(reason: str) -> None:
    """Return if this can be the reason of an erasure; raises `Rejected`."""
    if not reason.strip() or len(reason) > MAX_REASON:
        raise Rejected("reason", f"a reason has 1 to {MAX_REASON} letters", fix="Say why, without naming anybody.")


def is_case(target: str) -> bool:
    """Whether what is to be erased is a case; a parcel or a shard otherwise."""
    return target.startswith("case_")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """Why something is erased, by whom, and what else is asked of it."""

    reason: str
    actor: str
    holds: Holds
    forgets: Forgets
    claims: Claims
    ahead: Named


def _erase_case(unit: Unit, dispute: str, by: _Asked) -> Erased:
    session, file = unit.session, _hold_case(unit, dispute, by)
    # 1. A case that goes on needs its records, and those of what was joined into it; so does a lock that rests on it.
    held = case_book.goes_on(session, file).case
    if held.state not in CASE.terminal:
        raise Conflict("legal_hold", f"{held.id} is {held.state}", fix=f"Close or withdraw {held.id} first.")
    cases = [dispute, *case_book.joined_into(session, dispute)]
    if outside_book.pending_in(session, cases):
        why = f"in {dispute} it is not settled whether something that its customer was promised binds us"
        raise Conflict("legal_hold", why, fix="Erase it once that is rebutted or promised; it takes some days.")
    if exception_book.waits_in(session, cases):
        why = f"in {dispute} something that its customer asked for waits for its answer"
        raise Conflict("legal_hold", why, fix="Erase it once that is answered.")
    if needed := by.holds(session, cases):
        raise Conflict("legal_hold", f"on {dispute} rests {'; '.join(needed)}", fix="Release the lock first.")
    if any(one.what == A_COPY and is_owed(one) for one in case_book.promises(session, held.id)):
        raise Conflict("legal_hold", f"a copy of it is owed to the customer of {held.id}", fix="Send the copy first.")
    # 2. What was joined is gone with the case that goes on, or goes with it.
    before = erase_book.erasures_of(session, held.id)
    events = [event for case in cases for event in case_book.timeline(session, case)]
    blank = bool(before) and all(event.facts == "{}" for event in events)
    if held.id != dispute and not blank:
        detail = f"{dispute} was joined into {held.id}, and its words and files are in that one"
        raise Conflict("joined", detail, fix=f"Erase {held.id}; {dispute} goes with it.")
    # 3. Everything personal, once, then the openings of the records.
    indexes = [*by.forgets(session, cases)]
    for case in () if blank else cases:
        indexes += erase_book.forget_case(session, case, token_hash=unit.ids.random_bytes(32))
    gone = erase_book.delete_openings(session, [*map(place_of, indexes)], at_ms=unit.now_ms)
    if blank and not gone:
        return _as_before(before[-1])
    return write_notice(unit, dispute, "case", gone, reason=by.reason, actor=by.actor)


def _hold_case(unit: Unit, dispute: str, by: _Asked) -> CaseFile:
    """A case as it is now, held with those that were joined into it and where it goes on; raises `Conflict`."""
    names = _joined(unit.session, dispute)
    by.claims(unit, names, ())
    if not _joined(unit.session, dispute) <= names:
        raise Conflict("changed", "it was joined with another case meanwhile", fix="Send the same request again.")
    return case_book.read(unit.session, dispute)


def _joined(session: Session, dispute: str) -> set[str]:
    goes_on = case_book.goes_on(session, case_book.read(session, dispute)).case.id
    return {dispute, goes_on, *case_book.joined_into(session, dispute)}


def _erase_parcel(unit: Unit, item: str, by: _Asked) -> Erased:
    session = unit.session
    try:
        parcel, found = _find_parcel(session, item)
    except (NotFound, Rejected):
        done = _erase_order(unit, item, by)
        if done is None:
            raise
        return done
    mine, shared = _split(session, found, parcel)
    names = {name for each in found.trail.belongings.items for name in each.names} | _packed(found, parcel, mine)
    imeis = {imei for name in names if (imei := imei_of(name))}
    references = [order.removeprefix(ORDER) for order in found.trail.belongings.orders]
    # 1. Nobody needs it any more.
    by.claims(unit, erase_book.cases_of(session, references), imeis)
    _check_holds(session, "the parcel", found.trail.belongings.orders, {parcel, *imeis}, by.holds)
    # 2. What was kept elsewhere, aside or computed with; then its scans without those that others need.
    forgotten = {alias for name in names for alias in aliases(name)}
    records = [*by.forgets(session, imeis - erase_book.sold_elsewhere(session, imeis, references))]
    aside = {parcel, *forgotten, *imeis}
    erase_book.forget_quarantined(session, aside, orders=found.trail.belongings.orders, ahead=by.ahead)
    erase_book.forget_inputs(session, [parcel])
    records += erase_book.forget_contacts(session, references)
    attested = forget_attested(session, [scan.digest for scan in found.scans if scan.place in mine])
    gone = erase_book.delete_openings(session, [*mine, *attested, *map(place_of, records)], at_ms=unit.now_ms)
    before = erase_book.erasures_of(session, parcel)
    if before and not gone:
        return _as_before(before[-1], shared)
    # 3. What is remembered and indexed of them.
    others = {key for entry in found.trail.entries for key in concerned(entry.event)} - forgotten
    erase_book.forget_scans(session, mine, but={parcel, *others})
    erase_book.forget_parcels(session, parcel, forgotten, going_on=drop_book.still_read(session, forgotten))
    return write_notice(unit, parcel, "parcel", gone, reason=by.reason, actor=by.actor, shared=shared)


def _find_parcel(session: Session, item: str) -> tuple[str, FoundTrail]:
    found = read_trail(session, item)
    parcel = found.trail.belongings.parcel
    if parcel is None:
        raise Rejected("parcel", f"no record says which parcel {item!r} is", fix="Name the parcel by its SSCC.")
    return parcel, found


def _erase_order(unit: Unit, item: str, by: _Asked) -> Erased | None:
    """What the seller recorded of an order that no scan leads from to a parcel; None if nothing is left to erase."""
    session, target = unit.session, item.strip()
    sale = session.get(SaleRow, target.removeprefix(ORDER)) if target.startswith(ORDER) else None
    if sale is None:
        return None
    by.claims(unit, erase_book.cases_of(session, [sale.order_ref]), {sale.imei})
    _check_holds(session, "the order", [target], {sale.imei}, by.holds)
    again = erase_book.sold_elsewhere(session, [sale.imei], [sale.order_ref])
    records = [*by.forgets(session, {sale.imei} - again)]
    erase_book.forget_quarantined(session, (), orders=[target], ahead=by.ahead)
    records += erase_book.forget_contacts(session, [sale.order_ref])
    gone = erase_book.delete_openings(session, [*map(place_of, records)], at_ms=unit.now_ms)
    if gone:
        return write_notice(unit, target, "order", gone, reason=by.reason, actor=by.actor)
    before = erase_book.erasures_of(session, target)
    return _as_before(before[-1]) if before else None


def _check_holds(session: Session, what: str, orders: Collection[str], things: Collection[str], holds: Holds) -> None:
    """Return if nobody needs the evidence about these orders, parcels and handsets any more; raises `Conflict`."""
    references = {order.removeprefix(ORDER) for order in orders}
    about = [
        case_book.goes_on(session, file).case
        for file in erase_book.open_cases(session)
        if file.parcel in things or file.imei in things or file.case.order_ref in references
    ]
    needed = [f"case {case.id} is {case.state}" for case in dict.fromkeys(about)]
    needed += holds(session, [name for name in things if imei_of(name) is not None])
    if needed:
        raise Conflict("legal_hold", f"{what} is under legal hold: {'; '.join(needed)}", fix="Settle these first.")


def _split(session: Session, found: FoundTrail, parcel: str) -> tuple[list[int], tuple[ToldPlace, ...]]:
    """The places of this parcel's own scans, and those that another parcel still needs."""
    belongings = found.trail.belongings
    ours = {parcel, *belongings.seals, *(name for item in belongings.items for name in item.names)}
    mine: list[int] = []
    shared: list[int] = []
    for entry in found.trail.entries:
        things = named(entry.event)
        others = {key for key in things if is_parcel(key) and key != parcel}
        if not things & ours and not others:
            continue
        needed = any(not erase_book.erasures_of(session, other) for other in others)
        (shared if needed else mine).append(entry.place)
    return mine, tuple(map(tell_place, shared))


def forget_attested(session: Session, scans: Collection[bytes]) -> list[int]:
    """Forget what verifiers attest of scans that go; returns the places of the openings that go with them."""
    places = attestation_book.places_about(session, scans)
    attestation_book.forget(session, [index_of(place) for place in places])
    return places


def _packed(found: FoundTrail, parcel: str, mine: Collection[int]) -> set[str]:
    """The handsets of which the judge remembers that these scans of the parcel's own packed them into it.

    The IMEIs of a packing of several handsets are names of no item: nobody knows which is whose.
    """
    own = [entry.event for entry in found.trail.entries if entry.place in mine and entry.event.parent == parcel]
    return {key for event in own for key in concerned(event) if not is_parcel(key)}


def write_notice(
    unit: Unit,
    target: str,
    what: str,
    gone: Sequence[int],
    *,
    reason: str,
    actor: str,
    shared: tuple[ToldPlace, ...] = (),
) -> Erased:
    """Say in the log that these openings are gone, and forget what was kept of reading them.

    `what` is parcel, order, case or shard.
    """
    name = unit.ids.new("erasure")
    openings = tuple(map(tell_place, gone))
    facts = {"erasure": name, "what": what, "openings": list(openings), "reason": reason, "actor": actor}
    index = unit.record(NOTICE, facts)
    stretch_book.forget(unit, gone)
    stored = {"openings": list(openings), "shared": list(shared)}
    unit.session.add(
        ErasureRow(
            id=name,
            target=target,
            at_ms=unit.now_ms,
            actor=actor,
            reason=reason,
            idx=index,
            facts=msgspec.json.encode(stored).decode(),
        )
    )
    return Erased(
        id=name, target=target, at_ms=unit.now_ms, index=index, openings=openings, shared=shared, repeated=False
    )


def _as_before(row: ErasureRow, shared: tuple[ToldPlace, ...] = ()) -> Erased:
    facts = msgspec.json.decode(row.facts)
    return Erased(
        id=row.id,
        target=row.target,
        at_ms=row.at_ms,
        index=row.idx,
        openings=tuple(tuple(each) if isinstance(each, list) else each for each in facts["openings"]),
        shared=shared,
        repeated=True,
    )
