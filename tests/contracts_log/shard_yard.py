"""A house over some quarters: stations of several groups, plain scans and batches, and an outsider who counts again."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import col, select

from custody.kernel import cose
from custody.kernel.merkle import SmallTree, leaf_hash
from custody.ledger.record import Record, open_record
from custody.scans.batch import BATCH, HandedScan, SealedBatch, make_batch, open_batch, read_batch, seal_batch
from custody.scans.leaf import make_leaf, name_leaf
from custody.scans.place import index_of
from custody.scans.scan import CONTENT_TYPE, SCANS, make_scan, open_scan, read_scan_statement
from custody.scans.shard import Quarter, quarter_of
from custody.scans.tolerances import Tolerances
from custody.store import log_reader, shard_book
from custody.store.shard_book import ShardRow
from custody.store.tables import OpeningRow, ScanRow
from custody.store.unit import House
from custody.usecases.close_shards import Closer
from custody.usecases.drop_shard import Dropped, drop_shard
from custody.usecases.group_station import group_station
from custody.usecases.judge_group import ScanAnswer
from custody.usecases.replay_verdicts import Comparison, compare_verdicts
from tests.contracts_log.small_house import (
    SSCC,
    Bench,
    enrol_bench,
    event,
    findings,
    opened_house,
    running_intake,
    send,
    size_of,
)
from tests.handed_in import hand_in
from tests.world_audit import Books, complaints
from tests.world_parts import ORIGIN, Clock, key

WHY = "the retention period is over"


@dataclass(slots=True, kw_only=True)
class Yard:
    """A house whose clock a test moves from quarter to quarter."""

    house: House
    stations: dict[str, Bench] = field(default_factory=dict)
    closer: Closer = field(default_factory=lambda: Closer(Tolerances()))

    @classmethod
    def over(cls, url: str) -> "Yard":
        """A yard on this database."""
        return cls(house=opened_house(url))

    @property
    def quarter(self) -> Quarter:
        """The present one."""
        return quarter_of(self.house.clock.now_ms())

    def station(self, name: str, group: str | None = None) -> Bench:
        """A station, enrolled when it is first asked for, under its group from then on."""
        if name not in self.stations:
            self.stations[name] = enrol_bench(self.house, name)
        if group is not None:
            self.group(name, group)
        return self.stations[name]

    def group(self, name: str, group: str) -> int | None:
        """Put a station under a group."""
        with self.house.unit() as unit:
            return group_station(unit, station=name, group=group)

    def see(self, name: str, *items: str, **more: Any) -> list[int]:
        """One scan of each item by a station; returns their indexes."""
        bench = self.station(name)
        return indexes(send(self.house, *[bench.sign(self.house, item, **more) for item in items or (SSCC,)]))

    def put(self, name: str, inner: str, *, into: str, step: str) -> int:
        """A scan that says that one thing was put into another; returns its index."""
        bench, at_ms = self.station(name), self.house.clock.now_ms()
        body = event(name, bench.seq + 1, inner, at_ms)
        body |= {"type": "AggregationEvent", "action": "ADD", "parentID": into, "childEPCs": [inner], "bizStep": step}
        del body["epcList"]
        pair = make_scan(
            json.dumps(body).encode(),
            station=name,
            subject="urn:uuid:00000000-0000-4000-8000-000000000000",
            seq=bench.seq + 1,
            prev=bench.prev,
            iat_s=at_ms // 1000,
            salt=self.house.ids.random_bytes(32),
            signer=bench.signer,
        )
        bench.seq, bench.prev = bench.seq + 1, open_scan(*pair).digest
        return indexes(send(self.house, pair))[0]

    def see_together(self, name: str, *items: str) -> int:
        """A batch of scans; returns its index."""
        sealed = sign_batch(self.house, self.station(name), items)
        with running_intake(self.house) as intake:
            (index,) = set(indexes(hand_in(intake, [sealed]).result(timeout=60)))
        return index

    def go_to(self, at_ms: int) -> None:
        """Let the time pass up to a moment."""
        clock = self.house.clock
        assert isinstance(clock, Clock), "a test's own clock"
        assert at_ms >= clock.at_ms, "time does not go back"
        clock.at_ms = at_ms

    def end_quarter(self) -> Quarter:
        """Let the time pass to the day on which the present quarter is closed, and close it; returns it."""
        ended = self.quarter
        self.go_to(ended.closes_ms(Tolerances().offline_ms))
        self.close()
        return ended

    def close(self) -> list[ShardRow]:
        """What the timer does until nothing is due."""
        return close_due(self.house, self.closer)

    def drop(self, name: str, *locked: str) -> Dropped:
        """Drop a shard to the end; the handsets named are under a lock."""
        *_, last = drop_shard(self.house, name, reason=WHY, actor="supervisor-1", locked=lambda _session: locked)
        assert last.done
        return last

    def complaints(self, *expected: str) -> list[str]:
        """What the audits have to say: of the log, of the whole database, and of verdicts that do not follow."""
        signers = {"log_key": key("log").public, "operator_key": key("operator").public}
        books = Books(engine=self.house.engine, origin=ORIGIN, expected=frozenset(expected), **signers)
        return [*map(str, findings(self.house)), *complaints(books), *map(str, self.replayed().different)]

    def replayed(self) -> Comparison:
        """Every verdict replayed from the log."""
        with self.house.read() as session:
            return compare_verdicts(session, Tolerances())

    def readable(self) -> list[int]:
        """The entries with scans that can still be read, a batch's once for each scan."""
        query = select(col(ScanRow.place)).join(OpeningRow, col(OpeningRow.place) == col(ScanRow.place))
        query = query.where(col(OpeningRow.content).is_not(None)).order_by(col(ScanRow.place))
        with self.house.read() as session:
            return [index_of(place) for place in session.scalars(query)]

    @property
    def shards(self) -> dict[str, ShardRow]:
        """The closed shards by name."""
        with self.house.read() as session:
            return {row.name: row for row in shard_book.shards(session)}

    def record(self, index: int) -> Record:
        """A record of the log with its opening."""
        with self.house.read() as session:
            stored = log_reader.entry(session, index)
        return open_record(stored.raw, stored.opening or b"")


def close_due(house: House, closer: Closer) -> list[ShardRow]:
    """Look and close until nothing is due, as the timer does."""
    closed = []
    while closer.is_due(now_ms := house.clock.now_ms()):
        with house.read() as session:
            counted = closer.look(session, now_ms=now_ms)
        if counted:
            with house.unit() as unit:
                closed += closer.close(unit)
    return closed


def indexes(acks: Sequence[ScanAnswer]) -> list[int]:
    """Where scans stand; all of them are in the log."""
    assert all(ack.index is not None for ack in acks)
    return [ack.index for ack in acks if ack.index is not None]


def sign_batch(house: House, bench: Bench, items: Sequence[str | None], **more: Any) -> SealedBatch:
    """The next scans of a station under one statement; None for one whose opening holds no event."""
    at_ms, first = house.clock.now_ms(), bench.seq + 1
    made = []
    for seq, item in enumerate(items, first):
        names = {"station": bench.name, "subject": f"urn:uuid:00000000-0000-4000-8000-{seq:012d}", "seq": seq}
        salt = house.ids.random_bytes(32)
        if item is None:
            commitment = hashlib.sha256(salt).digest()
            made.append((name_leaf(**names, content_type=CONTENT_TYPE, commitment=commitment), salt))
        else:
            body = event(bench.name, seq, item, at_ms) | more
            body = {name: value for name, value in body.items() if value is not None}
            made.append(make_leaf(json.dumps(body).encode(), **names, salt=salt))
    statement = make_batch(
        [leaf for leaf, _ in made],
        subject=f"urn:uuid:00000000-0000-4000-9000-{first:012d}",
        prev=bench.prev,
        iat_s=at_ms // 1000,
        signer=bench.signer,
    )
    given = [HandedScan(subject=leaf.subject, content_type=CONTENT_TYPE, opening=opening) for leaf, opening in made]
    bench.seq, bench.prev = bench.seq + len(items), read_batch(statement).digest
    return SealedBatch(batch=open_batch(statement, given), seal=seal_batch(read_batch(statement), bench.signer))


@dataclass(slots=True, kw_only=True)
class Outsider:
    """Somebody who has the entries of the log and what the service lists of shards, and believes neither."""

    entries: Sequence[bytes]
    groups: dict[str, list[tuple[int, str]]]
    shards: dict[str, Record]

    @classmethod
    def of(cls, house: House) -> "Outsider":
        """What anyone can fetch."""
        with house.read() as session:
            stored = [log_reader.entry(session, index) for index in range(size_of(house))]
            records = {
                index: open_record(stored[index].raw, stored[index].opening or b"")
                for index in [
                    *[row.from_idx for row in shard_book.setting_rows(session)],
                    *[row.idx for row in shard_book.shards(session)],
                ]
            }
        groups: dict[str, list[tuple[int, str]]] = {}
        for index, record in sorted(records.items()):
            if record.kind == "station.group":
                groups.setdefault(record.fields["station"], []).append((index, record.fields["group"]))
        shards = {record.fields["shard"]: record for record in records.values() if record.kind == "shard.closed"}
        return cls(entries=[entry.raw for entry in stored], groups=groups, shards=shards)

    def scans(self) -> Iterator[tuple[int, str, str, bytes, int]]:
        """Every entry with scans: index, station, group, digest, how many."""
        for index, raw in enumerate(self.entries):
            header = cose.parse(raw).protected
            if header.get(cose.PREIMAGE_CONTENT_TYPE) in SCANS:
                scan = read_scan_statement(raw)
                found = (scan.station, scan.message.digest, 1)
            elif header.get(cose.CONTENT_TYPE) == BATCH:
                batch = read_batch(raw)
                found = (batch.station, batch.digest, batch.count)
            else:
                continue
            station, digest, count = found
            held = [group for start, group in self.groups.get(station, []) if start < index]
            yield index, station, held[-1] if held else "all", digest, count

    def count(self, name: str) -> dict[str, Any]:
        """What a shard holds, counted again from the entries that its descriptor names."""
        said, group = self.shards[name].fields, name.partition("/")[2]
        mine = [each for each in self.scans() if each[2] == group and said["first"] <= each[0] <= said["last"]]
        return {
            "first": mine[0][0],
            "last": mine[-1][0],
            "scans": sum(each[4] for each in mine),
            "stations": len({each[1] for each in mine}),
            "root": SmallTree.of(leaf_hash(each[3]) for each in mine).root,
        }

    def left_out(self) -> list[int]:
        """Entries with scans that lie in no shard, or in several, although a later entry is in one."""
        spans = [(name.partition("/")[2], record.fields) for name, record in self.shards.items()]
        end = max((said["last"] for _, said in spans), default=-1)

        def holders(index: int, group: str) -> int:
            return sum(other == group and said["first"] <= index <= said["last"] for other, said in spans)

        return [index for index, _, group, _, _ in self.scans() if index <= end and holders(index, group) != 1]
