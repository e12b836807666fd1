"""Dropping a shard whose time is over: everything of its scans goes but what is still needed.

The log keeps its entries and stays whole; what goes are openings, the keys scans are found under, what the judge
remembers of things of which no other scan can be read, and what was kept aside under its stations' names.

- Only a closed shard is dropped, and not before the day that its descriptor says; a rule in force that keeps scans
  longer counts too.
- **Held**: scans of a parcel, handset or order with a case or a lock that is not over (legal claims, Article 17(3)(e)
  GDPR), with all else that its trail stands on.
- **Shared**: scans that the trail of another parcel stands on, which has scans that must be kept longer.
- What was kept goes when the shard is dropped again and nothing needs it any more.
- With the last scan of an order that can be read goes the customer's contact in the seller's record of it.

It goes in units of at most 1,000 scans, each with an erasure notice in the log, and the place where it goes on is kept
with them: a stop loses nothing, and whoever drops the shard again goes on there. The last unit records what became of
the whole, unless nothing changed since the last such record.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

from sqlmodel import Session

from custody.disputes.policy import DEFAULT_POLICY, CaseworkPolicy
from custody.kernel.clock import Instant, to_iso
from custody.kernel.errors import Conflict, NotFound, Rejected
from custody.ledger.record import open_record
from custody.scans.advance import parcels_of
from custody.scans.follow import concerned
from custody.scans.place import index_of, place_of
from custody.scans.scan import Scan
from custody.scans.shard import GroupSettings, read_shard
from custody.store import drop_book, erase_book, log_reader, report_turn, shard_book
from custody.store.shard_book import ShardRow
from custody.store.unit import House, Unit
from custody.trail.names import ORDER, aliases, filed_under, imei_of, is_item, is_parcel, orders
from custody.usecases.close_shards import kept_until_ms
from custody.usecases.erase import check_reason, forget_attested, write_notice
from custody.usecases.open_scans import stored_scans
from custody.usecases.read_trail import read_trail

SHARD_DROPPED = "shard.dropped"
"""Kind of the record that says what became of a shard."""

AT_ONCE = 1_000
"""So many scans go in one unit at most."""

Locked = Callable[[Session], Collection[str]]
"""The handsets under a lock that is not over, by their IMEIs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """How far it has come: openings gone in all, and scans kept so far for a hold or for another parcel's sake.

    `index` is the record that says so, once it is `done`; `repeated` if that had been said before.
    """

    shard: str
    gone: int
    held: int
    shared: int
    looked_at: int
    last: int
    done: bool = False
    index: int | None = None
    repeated: bool = False


@dataclass(slots=True, kw_only=True)
class Needed:
    """What is needed beyond its time, and why: scans by their place, and names of what is under a hold."""

    locked: Locked
    groups: GroupSettings
    due: int
    names: set[str] = field(default_factory=set)
    held: set[int] = field(default_factory=set)
    shared: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, session: Session, row: ShardRow, locked: Locked, now_ms: Instant) -> "Needed":
        """All that is known to be needed now."""
        due = place_of(shard_book.due_through(session, now_ms) + 1)
        needed = cls(locked=locked, groups=shard_book.settings(session), due=due)
        needed.look_for_holds(session)
        keys = drop_book.going_on(session, row, after=due)
        read: set[str] = set()
        for key in [*sorted(filter(is_parcel, keys)), *sorted(filter(is_item, keys))]:
            if key not in read:
                places, names = _trail(session, key)
                needed.shared |= places
                read |= names
        return needed

    def look_for_holds(self, session: Session) -> None:
        """Take in what came under a hold since the last look."""
        names = set(self.locked(session))
        for file in erase_book.open_cases(session):
            order = file.case.order_ref
            names |= {name for name in (file.parcel, file.imei, order and ORDER + order) if name}
        for name in sorted(names - self.names):
            self.held |= _trail(session, name)[0]
        self.names |= names

    def split(self, session: Session, scans: dict[int, Scan]) -> tuple[list[int], int, int]:
        """The places of the scans that may go, and how many are held, and how many are shared."""
        parcels = {place: set(filter(is_parcel, parcels_of(scan.event))) for place, scan in scans.items()}
        later = drop_book.found_after(session, set().union(*parcels.values()), self.due)
        gone, held = [], 0
        for place, scan in scans.items():
            if place in self.held or _names(scan) & self.names:
                held += 1
            elif place not in self.shared and not parcels[place] & later:
                gone.append(place)
        return gone, held, len(scans) - held - len(gone)


def drop_shard(
    house: House, name: str, *, reason: str, actor: str, locked: Locked, policy: CaseworkPolicy = DEFAULT_POLICY
) -> Iterator[Dropped]:
    """Drop what may go of a shard, a unit at each step; the last one is `done`.

    Raises `Rejected` for a name or reason that is none, and `Conflict` for a shard that must be kept.
    """
    check_reason(reason)
    with house.read() as session:
        now_ms = house.clock.now_ms()
        row = _due(session, name, policy, now_ms)
        needed = Needed.of(session, row, locked, now_ms)
    while True:
        with house.unit() as unit:
            report_turn.change_begins(unit)
            unit.log.claim()  # nobody drops, judges or closes anything meanwhile
            step = _go_on(unit, unit.session.get_one(ShardRow, row.name), needed, reason=reason, actor=actor)
        yield step
        if step.done:
            return


def _due(session: Session, name: str, policy: CaseworkPolicy, now_ms: Instant) -> ShardRow:
    shard = read_shard(name)
    row, by_rule = session.get(ShardRow, shard.name), kept_until_ms(shard.quarter, policy, now_ms)
    until_ms = max(by_rule, row.keep_until_ms if row else 0)
    if until_ms > now_ms:
        raise Conflict(
            "kept", f"{shard.name} is kept until {to_iso(until_ms)}", fix="Drop it from that day on, and not before."
        )
    if row is None:
        raise Conflict(
            "not_closed", f"no shard {shard.name} is closed", fix="See `weaklink log shards`; only closed ones go."
        )
    return row


def _go_on(unit: Unit, row: ShardRow, needed: Needed, *, reason: str, actor: str) -> Dropped:
    session, end = unit.session, drop_book.ends_at(row)
    needed.look_for_holds(session)
    if row.next_place >= end:
        taken = drop_book.forget_quarantined(session, row, needed.groups, needed=needed.names, limit=AT_ONCE)
        return _dropped(row) if taken == AT_ONCE else _finish(unit, row, reason=reason, actor=actor)
    # 1. The next scans that can be read, and which of them may go. A dropping begins with nothing kept.
    if row.next_place == 0:
        row.held = row.shared = 0
    places, after = drop_book.readable(session, row, needed.groups, after=row.next_place, limit=AT_ONCE)
    scans = {place: scan for place, stored in stored_scans(session, places).items() if (scan := stored.open())}
    going, held, shared = needed.split(session, scans)
    # 2. Their openings, and what is remembered and found by them.
    gone = erase_book.delete_openings(session, going, at_ms=unit.now_ms)
    if gone:
        remembered = {key for place in gone for key in concerned(scans[place].event)}
        stay = drop_book.still_read(session, remembered)
        keys = {
            place: filed_under(scans[place].event) - stay.intersection(concerned(scans[place].event)) for place in gone
        }
        drop_book.forget(session, keys, remembered - stay)
        erase_book.forget_inputs(session, remembered - stay)
        ordered = set().union(*(orders(scans[place].event) for place in gone))
        still = drop_book.still_read(session, {alias for order in ordered for alias in aliases(order)})
        over = {order for order in ordered if still.isdisjoint(aliases(order))}
        erase_book.forget_contacts(session, [order.removeprefix(ORDER) for order in over])
        said = forget_attested(session, [scans[place].digest for place in gone])
        said = erase_book.delete_openings(session, said, at_ms=unit.now_ms)
        write_notice(unit, row.name, "shard", [*gone, *said], reason=reason, actor=actor)
    # 3. How far it has come.
    row.gone, row.held, row.shared = row.gone + len(gone), row.held + held, row.shared + shared
    row.next_place = after
    session.add(row)
    return _dropped(row)


def _finish(unit: Unit, row: ShardRow, *, reason: str, actor: str) -> Dropped:
    """The record of the whole; none if the last one says the same."""
    facts = {"shard": row.name, "openings": row.gone, "held": row.held, "shared": row.shared}
    before = {} if row.dropped_idx is None else _said(unit.session, row.dropped_idx)
    repeated = facts.items() <= before.items()
    if not repeated:
        row.dropped_idx = unit.record(SHARD_DROPPED, {**facts, "reason": reason, "actor": actor})
    told = _dropped(row, done=True, repeated=repeated)
    row.next_place = 0
    unit.session.add(row)
    return told


def _said(session: Session, index: int) -> dict[str, object]:
    stored = log_reader.entry(session, index)
    return dict(open_record(stored.raw, stored.opening or b"").fields)


def _dropped(row: ShardRow, *, done: bool = False, repeated: bool = False) -> Dropped:
    return Dropped(
        shard=row.name,
        gone=row.gone,
        held=row.held,
        shared=row.shared,
        looked_at=index_of(max(row.next_place - 1, 0)),
        last=row.last_idx,
        done=done,
        index=row.dropped_idx if done else None,
        repeated=repeated,
    )


def _trail(session: Session, name: str) -> tuple[set[int], set[str]]:
    """The places of the scans that a trail stands on, and the names of what it is the trail of."""
    try:
        found = read_trail(session, name)
    except (NotFound, Rejected):
        return set(), {name}
    own = {name for item in found.trail.belongings.items for name in item.names}
    return {entry.place for entry in found.trail.entries}, {name, *own, found.trail.belongings.parcel or name}


def _names(scan: Scan) -> set[str]:
    """What a hold may speak of in a scan: parcels, orders, and handsets by their IMEIs."""
    keys = filed_under(scan.event)
    return {*keys, *(imei for key in keys if (imei := imei_of(key)))}
