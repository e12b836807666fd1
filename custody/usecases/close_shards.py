"""Closing the shards of a quarter that is over: a descriptor of each in the log.

A descriptor says which entries a shard's scans run through, how many scans of how many stations they are, until when
they are kept, and the root of the tree (RFC 9162 section 2.1) whose leaves are the digests of their statements, in log
order. A batch is one statement with a root of its own over its scans, so whoever has the log and the records of the
groups makes the same root again.

All shards of a quarter are closed in one unit, and so are those of every quarter once: what is counted cannot change
any more. The counting holds no lock and goes on a few entries at a time.

Quarters are closed in their order, and each begins behind the last scan of those before. Where it ends goes by the
times of receipt, which need not rise from entry to entry: a clock may step back, and of two writers the later may have
begun earlier. So a scan of the edge may lie in either quarter, and every scan lies in exactly one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlmodel import Session

from custody.disputes import civil
from custody.disputes.policy import DEFAULT_POLICY, CaseworkPolicy
from custody.kernel.clock import Instant, to_iso
from custody.kernel.errors import Conflict, NotFound
from custody.ledger.merkle import Frontier, leaf_hash
from custody.scans.shard import GroupSettings, Quarter, Shard, group_at, quarter_of, read_shard
from custody.scans.tolerances import Tolerances
from custody.store import shard_book
from custody.store.shard_book import ScanEntry, ShardRow
from custody.store.unit import House, Unit

SHARD_CLOSED = "shard.closed"
"""Kind of the record that describes a shard."""

AT_ONCE = 2_000
"""So many entries are looked at in one step."""

YEARS = "raw_scan_retention_years"


@dataclass(slots=True, kw_only=True)
class ShardTally:
    """What was counted of one shard."""

    first: int
    last: int = 0
    scans: int = 0
    stations: set[str] = field(default_factory=set)
    tree: Frontier = field(default_factory=Frontier)

    def add(self, entry: ScanEntry) -> None:
        """One more entry."""
        self.last = entry.idx
        self.scans += entry.scans
        self.stations.add(entry.station)
        self.tree = self.tree.append(leaf_hash(entry.digest))


@dataclass(slots=True, kw_only=True)
class Count:
    """The counting of a quarter that is over: entries below `next` are counted, those from `stop` on are later."""

    quarter: Quarter
    groups: GroupSettings
    next: int
    stop: int
    shards: dict[str, ShardTally] = field(default_factory=dict)

    @classmethod
    def of(cls, session: Session, quarter: Quarter) -> "Count":
        """A counting that has not begun; every quarter before with scans is closed."""
        begins = shard_book.closed_to(session)
        return cls(
            quarter=quarter,
            groups=shard_book.settings(session),
            next=begins,
            stop=max(begins, shard_book.first_from(session, quarter.ends_ms)),
        )

    @property
    def done(self) -> bool:
        """Whether everything is counted."""
        return self.next >= self.stop

    def go_on(self, session: Session, limit: int = AT_ONCE) -> None:
        """Count the next few entries."""
        until = min(self.next + limit, self.stop)
        for entry in shard_book.scan_entries(session, range(self.next, until)):
            group = group_at(self.groups, entry.station, entry.idx)
            self.shards.setdefault(group, ShardTally(first=entry.idx)).add(entry)
        self.next = until


class Closer:
    """Closes one quarter after the other as they come due; a look that finds nothing due asks the database nothing."""

    def __init__(self, tolerances: Tolerances, policy: CaseworkPolicy = DEFAULT_POLICY) -> None:
        self._tolerances = tolerances
        self._policy = policy
        self._quarter: Quarter | None = None
        self._count: Count | None = None

    def is_due(self, now_ms: Instant) -> bool:
        """Whether the next quarter to be looked at may be closed."""
        return self._quarter is None or self._quarter.closes_ms(self._tolerances.offline_ms) <= now_ms

    def look(self, session: Session, *, now_ms: Instant) -> bool:
        """Look at some of what is due; tells whether a quarter is counted and has something to close."""
        began_ms = shard_book.received_ms(session, 0) if self._quarter is None else None
        self._quarter = self._quarter if began_ms is None else quarter_of(began_ms)
        while self._quarter is not None and self.is_due(now_ms):
            if not shard_book.is_closed(session, self._quarter.name):
                self._count = self._count or Count.of(session, self._quarter)
                self._count.go_on(session)
                if self._count.shards or not self._count.done:
                    return self._count.done
            self._quarter, self._count = self._quarter.next, None
        return False

    def lacks(self, shard: Shard) -> bool:
        """Whether the shard's own quarter was counted and has no scan in it."""
        count = self._count
        return count is not None and count.quarter == shard.quarter and shard.group not in count.shards

    def close(self, unit: Unit) -> list[ShardRow]:
        """Close what was counted."""
        return close_counted(unit, self._count, self._policy) if self._count and self._count.done else []


def close_shard(
    house: House, name: str, *, tolerances: Tolerances, policy: CaseworkPolicy = DEFAULT_POLICY
) -> tuple[ShardRow, bool]:
    """Close a shard with the others of its quarter and of those before; and whether it was this call that closed it.

    Raises `Rejected`, `NotFound`, or `Conflict` while something may still come into it.
    """
    shard = read_shard(name)
    due_ms = shard.quarter.closes_ms(tolerances.offline_ms)
    with house.read() as session:
        held = session.get(ShardRow, shard.name)
    if held is not None:
        return held, False
    if due_ms > house.clock.now_ms():
        raise Conflict(
            "not_over",
            f"{shard.name} can be closed from {to_iso(due_ms)} on",
            fix="Wait: stations may still send what they stored.",
        )
    closer = Closer(tolerances, policy)
    closed: set[str] = set()
    while closer.is_due(due_ms):
        with house.read() as session:
            counted = closer.look(session, now_ms=due_ms)
        if counted and closer.lacks(shard):
            break
        if counted:
            with house.unit() as unit:
                closed |= {row.name for row in closer.close(unit)}
    with house.read() as session:
        held = session.get(ShardRow, shard.name)
    if held is None:
        raise NotFound(
            "shard",
            f"no scan lies in {shard.name}",
            fix="Name a quarter and a group that `weaklink station list` shows.",
        )
    return held, shard.name in closed


def close_counted(unit: Unit, count: Count, policy: CaseworkPolicy) -> list[ShardRow]:
    """Put the descriptors of a whole quarter into the log, once; none if they are there."""
    unit.log.claim()  # nobody else closes the quarter meanwhile
    if shard_book.is_closed(unit.session, count.quarter.name):
        return []
    keep_until_ms = kept_until_ms(count.quarter, policy, unit.now_ms)
    rows = [
        _close(unit, Shard(quarter=count.quarter, group=group), tally, keep_until_ms)
        for group, tally in sorted(count.shards.items())
    ]
    shard_book.add_shards(unit.session, rows)
    return rows


def kept_until_ms(quarter: Quarter, policy: CaseworkPolicy, now_ms: Instant) -> Instant:
    """Until when a quarter's scans are kept, by the rule in force now."""
    return quarter.keep_until_ms(policy.count(YEARS, civil.civil_date(now_ms)))


def descriptor(row: ShardRow) -> Mapping[str, object]:
    """What the record of a closed shard says."""
    return {
        "shard": row.name,
        "first": row.first_idx,
        "last": row.last_idx,
        "scans": row.scans,
        "stations": row.stations,
        "root": row.root,
        "keep_until_ms": row.keep_until_ms,
    }


def _close(unit: Unit, shard: Shard, tally: ShardTally, keep_until_ms: Instant) -> ShardRow:
    row = ShardRow(
        name=shard.name,
        quarter=shard.quarter.name,
        group=shard.group,
        first_idx=tally.first,
        last_idx=tally.last,
        scans=tally.scans,
        stations=len(tally.stations),
        root=tally.tree.root(),
        keep_until_ms=keep_until_ms,
        idx=0,
    )
    row.idx = unit.record(SHARD_CLOSED, descriptor(row))
    return row
