"""Whatever comes in, in whatever order: replaying the log gives every verdict that the judge gave."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import col, select, update

from custody.kernel.clock import DAY_MS, to_iso
from custody.kernel.errors import NotFound, Rejected
from custody.scans.edition import NEWEST, RULE, edition_of
from custody.scans.place import place_of
from custody.scans.tolerances import Tolerances
from custody.store.run_tables import ItemKeyRow
from custody.store.tables import ScanRow
from custody.store.unit import House
from custody.usecases.enrol_station import revoke
from custody.usecases.erase import erase
from custody.usecases.open_log import judge_by, rules_in_force
from custody.usecases.read_trail import read_trail
from custody.usecases.register_statement import register
from custody.usecases.replay_verdicts import Comparison, Difference, compare_verdicts
from tests.contracts_log.shard_yard import Yard, sign_batch
from tests.contracts_log.small_house import (
    CARRIER,
    CUSTODIAN,
    HANDSET,
    HOME,
    OPENED,
    OTHER_SSCC,
    OUT,
    SSCC,
    Bench,
    enrol_bench,
    findings,
    in_a_cage,
    opened_house,
    packing,
    parties,
    running_intake,
    send,
    weighing,
)
from tests.handed_in import hand_in
from tests.world import World, new_world
from tests.world_parts import key


def compare(house: House) -> Comparison:
    with house.read() as session:
        return compare_verdicts(session, Tolerances())


@pytest.fixture(scope="module")
def travelled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Lend a world in which parcels were packed, weighed, sealed, carried and delivered."""
    folder = tmp_path_factory.mktemp("replay")
    made = new_world(f"sqlite:///{folder / 'weaklink.db'}", folder, parcels=2)
    yield made
    made.close()


def test_a_whole_networks_verdicts_follow_from_the_log_alone(travelled: World) -> None:
    found = compare(travelled.house)
    assert found.different == ()
    assert (found.unread, found.after_erased) == ((), ())
    with travelled.house.read() as session:
        rows = session.scalars(select(ScanRow)).all()
    assert found.same == len(rows) > 20


def test_a_verdict_that_was_changed_afterwards_is_found(travelled: World) -> None:
    with travelled.house.read() as session:
        row = session.scalars(select(ScanRow).order_by(col(ScanRow.place)).limit(1)).one()
    told = (row.result, row.code, row.flags)
    rewrite(travelled.house, row.place, result="quarantined")
    (found,) = compare(travelled.house).different
    assert found == Difference(place=row.place, stored=("quarantined", *told[1:]), replayed=told)
    rewrite(travelled.house, row.place, result=told[0])
    assert compare(travelled.house).different == ()


def test_what_was_erased_is_named_and_what_followed_it_is_not_blamed(sqlite_url: str, tmp_path: Path) -> None:
    world = new_world(sqlite_url, tmp_path / "world", parcels=1)
    with world.house.unit() as unit:
        done = erase(
            unit, world.parcels[0].sscc, reason="over", actor="supervisor-1", holds=lambda _session, _imeis: ()
        )
    found = compare(world.house)
    assert found.different == ()
    assert set(found.unread) <= set(done.openings)
    assert len(found.unread) > 3
    world.close()


def forget(house: House, parcel: str = SSCC) -> None:
    with house.unit() as unit:
        erase(unit, parcel, reason="over", actor="supervisor-1", holds=lambda _session, _imeis: ())


def rewrite(house: House, place: int, **columns: str) -> None:
    """Somebody changes a verdict in the database."""
    with house.unit() as unit:
        unit.session.connection().execute(update(ScanRow).where(col(ScanRow.place) == place).values(**columns))


def test_a_gap_told_at_a_scan_of_a_batch_that_was_erased_since_is_not_told_again(sqlite_url: str) -> None:
    house = opened_house(sqlite_url)
    bench = enrol_bench(house)
    send(house, bench.sign(house, OTHER_SSCC))
    bench.sign(house, OTHER_SSCC)
    with running_intake(house) as intake:
        acks = hand_in(intake, [sign_batch(house, bench, [SSCC, OTHER_SSCC])]).result(timeout=60)
    assert ["sequence_gap" in {flag.code for flag in ack.verdict.flags} for ack in acks] == [True, False]
    forget(house)
    found = compare(house)
    assert (found.different, found.after_erased, found.unread) == ((), (), ((acks[0].index, 0),))


def test_a_parcel_that_was_forgotten_while_its_scans_are_another_ones_evidence_is_not_blamed(sqlite_url: str) -> None:
    house = opened_house(sqlite_url)
    bench = enrol_bench(house)
    send(house, bench.sign(house, SSCC, epcList=[SSCC, OTHER_SSCC]))
    forget(house)
    (later,) = send(house, bench.sign(house, SSCC))
    found = compare(house)
    assert (found.different, found.after_erased, found.unread) == ((), (later.index,), ())


def test_an_item_is_not_blamed_for_a_scan_that_went_with_another_ones_parcel(sqlite_url: str) -> None:
    house = opened_house(sqlite_url)
    yard = Yard(house=house)
    ours, other = (f"https://id.gs1.org/01/09521473000019/21/A{number}" for number in (1, 2))
    yard.put("bench-07", ours, into=SSCC, step="packing")
    yard.put("bench-07", other, into=OTHER_SSCC, step="packing")
    yard.see("bench-07", ours, epcList=[ours, other])
    forget(house)
    (later,) = yard.see("bench-07", other)
    found = compare(house)
    assert (found.different, found.after_erased) == ((), (later,))
    forget(house, OTHER_SSCC)
    with house.read() as session:
        keys = session.scalars(select(col(ItemKeyRow.key))).all()
    assert not {ours, other} & set(keys), "no key of an item outlives the last scan that can be read"


@pytest.fixture
def after_erased(sqlite_url: str) -> tuple[House, int, int]:
    """Lend a house with a scan set apart for its event's time and erased since, and the next of its station; places."""
    house = opened_house(sqlite_url)
    bench = enrol_bench(house)
    send(house, bench.sign(house, OTHER_SSCC))
    (apart,) = send(house, bench.sign(house, SSCC, eventTime=to_iso(house.clock.now_ms() + 5 * DAY_MS)))
    (later,) = send(house, bench.sign(house, OTHER_SSCC))
    assert [flag.code for flag in later.verdict.flags] == ["sequence_gap"]
    forget(house)
    return house, place_of(apart.index or 0), place_of(later.index or 0)


def test_a_station_did_not_go_on_from_a_scan_that_was_set_apart_and_erased_since(
    after_erased: tuple[House, int, int],
) -> None:
    house, _, _ = after_erased
    found = compare(house)
    assert (found.different, found.after_erased, found.same, len(found.unread)) == ((), (), 2, 1)


@pytest.mark.parametrize("flags", ["", "chain_broken", "sequence_gap weight_out"])
def test_a_false_verdict_after_an_erased_scan_of_the_station_is_found(
    after_erased: tuple[House, int, int], flags: str
) -> None:
    house, _, later = after_erased
    rewrite(house, later, flags=flags)
    assert [each.place for each in compare(house).different] == [later]


def test_an_erased_scans_verdict_cannot_be_changed_without_what_followed_from_it(
    after_erased: tuple[House, int, int],
) -> None:
    house, apart, later = after_erased
    rewrite(house, apart, result="flagged")
    assert [each.place for each in compare(house).different] == [later]


ACTS = st.lists(
    st.sampled_from(
        ["post", "post two", "statement", "open", "twin", "skip", "break", "revoke", "other", "again", "ahead"]
    )
    | st.sampled_from(["batch", "both", "erase", "cage", "hand on", "take back", "reseal", "declare", "edition"])
    | st.sampled_from(
        [
            "pack",
            "pack",
            "pack both",
            "unpack",
            "empty",
            "alone",
            "deliver",
            "void first",
            "void twice",
            "by class",
            "box",
        ]
    ),
    min_size=1,
    max_size=14,
)


ONE = [{"epcClass": HANDSET.partition("/21/")[0], "quantity": 1}]
HANDLED = frozenset(
    {"pack", "pack both", "unpack", "empty", "alone", "deliver", "void first", "void twice", "by class", "box"}
)


class Play:
    """Stations that behave as told, well and badly."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.keys = 0
        self.bench = self._enrol()
        self.other = enrol_bench(house, "dock-1")
        self.waiting: list[tuple[bytes, bytes]] = []
        self.sent: list[tuple[bytes, bytes]] = []

    def _enrol(self) -> Bench:
        self.keys += 1
        return enrol_bench(self.house, "bench-07", key(f"bench key {self.keys}"))

    def act(self, name: str) -> None:
        house, bench = self.house, self.bench
        if name == "post":
            self._post(bench.sign(house))
        elif name == "post two":
            self._post(bench.sign(house), bench.sign(house, OTHER_SSCC))
        elif name == "statement":
            self.waiting.append(bench.sign(house))
            register(house, self.waiting[-1][0], Tolerances())
        elif name == "open":
            self._post(bench.sign(house), *self.waiting)
            self.waiting.clear()
        elif name == "twin":
            twin = Bench(name=bench.name, signer=bench.signer, seq=max(bench.seq - 1, 0), prev=bench.prev)
            twin.prev = b"\x01" * 32 if twin.seq else None
            self._post(twin.sign(house, disposition="damaged"))
        elif name == "skip":
            bench.sign(house)
        elif name == "break":
            bench.seq, bench.prev = max(bench.seq, 1), b"\x02" * 32
            self._post(bench.sign(house))
        elif name == "revoke":
            self._revoke()
        elif name == "other":
            self._post(self.other.sign(house))
        elif name == "again" and self.sent:
            self._post(self.sent[0])
        else:
            self._act_further(name)

    def _act_further(self, name: str) -> None:
        house, bench = self.house, self.bench
        if name == "ahead":
            self._ahead()
        elif name == "batch":
            with running_intake(house) as intake:
                hand_in(intake, [sign_batch(house, bench, [SSCC, OTHER_SSCC])]).result(timeout=60)
        elif name == "both":
            self._post(bench.sign(house, epcList=[SSCC, OTHER_SSCC]))
        elif name == "cage":
            self._post(bench.sign(house, **in_a_cage(SSCC, OTHER_SSCC)), bench.sign(house, **weighing(538)))
        elif name == "hand on":
            self._hand_on()
        elif name == "take back":
            self._take_back()
        elif name == "reseal":
            self._reseal()
        elif name == "declare":
            wrong = {"declarationTime": to_iso(house.clock.now_ms()), "reason": "incorrect_data"}
            self._post(bench.sign(house, errorDeclaration=wrong, **weighing(62_400)))
        elif name == "edition":
            with house.unit() as unit:
                judge_by(house, unit, min(edition_of(rules_in_force(unit)) + 1, NEWEST))
        elif name in HANDLED:
            self._handle(name)
        elif name == "erase":
            with suppress(NotFound, Rejected):  # nothing of the parcel can be read
                forget(house)

    def _handle(self, name: str) -> None:
        """A handset is put into one parcel or the other, or taken out; or a parcel goes another way than was said."""
        house, bench, into = self.house, self.bench, (SSCC, OTHER_SSCC)[len(self.sent) % 2]
        self._post(
            *{
                "pack": lambda: [bench.sign(house, **packing(into))],
                "pack both": lambda: [bench.sign(house, **packing(SSCC)), bench.sign(house, **packing(OTHER_SSCC))],
                "unpack": lambda: [bench.sign(house, **packing(into, **OUT))],
                "box": lambda: [bench.sign(house, **packing(OTHER_SSCC, childEPCs=[SSCC]))],
                "by class": lambda: [bench.sign(house, **packing(into, childEPCs=None, childQuantityList=ONE, **OUT))],
                "empty": lambda: [bench.sign(house, **packing(into, childEPCs=None, **OUT))],
                "alone": lambda: [bench.sign(house, HANDSET)],
                "deliver": lambda: [bench.sign(house, into, bizStep="accepting", **parties(CARRIER, HOME))],
                "void first": self._void_first,
                "void twice": self._void_twice,
            }[name]()
        )

    def _void_first(self) -> list[tuple[bytes, bytes]]:
        """What takes a release back comes before it."""
        house, bench = self.house, self.bench
        release = bench.sign(house, bizStep="departing", **parties(CUSTODIAN, CARRIER))
        void = bench.sign(house, bizStep="void_shipping")
        return [void, release, self.other.sign(house, bizStep="accepting", **parties(CUSTODIAN, HOME))]

    def _void_twice(self) -> list[tuple[bytes, bytes]]:
        """What takes a release back is sent twice, and a clock that is behind releases the parcel again."""
        house, bench = self.house, self.bench
        way = {"bizStep": "departing", **parties(CUSTODIAN, CARRIER)}
        slow = bench.sign(house, **way)
        voids = [bench.sign(house, bizStep="void_shipping") for _ in range(2)]
        return [self.other.sign(house, **way), *voids, slow]

    def _hand_on(self) -> None:
        """A release is sent once the parcel was accepted, and then it is delivered."""
        clock: Any = self.house.clock
        release = self.bench.sign(self.house, bizStep="departing", **parties(CUSTODIAN, CARRIER))
        clock.at_ms += 60_000
        self._post(self.other.sign(self.house, bizStep="accepting", **parties(CUSTODIAN, CARRIER)))
        self._post(release, self.other.sign(self.house, bizStep="accepting", **parties(CARRIER, HOME)))

    def _take_back(self) -> None:
        """A release that never left, and the parcel goes to somebody else; a batch says so too, of two parcels."""
        house = self.house
        self._post(self.bench.sign(house, bizStep="departing", **parties(CUSTODIAN, CARRIER)))
        with running_intake(house) as intake:
            void = sign_batch(house, self.bench, [SSCC, OTHER_SSCC], bizStep="void_shipping")
            hand_in(intake, [void]).result(timeout=60)
        void_again = self.other.sign(house, OTHER_SSCC, bizStep="void_shipping")
        self._post(void_again, self.other.sign(house, bizStep="accepting", **parties(CUSTODIAN, HOME)))

    def _reseal(self) -> None:
        """The parcel is opened by the records, and closed with another seal, each by another station."""
        on_it = {"type": "AssociationEvent", "parentID": SSCC, "epcList": None}
        for at, bench in enumerate((self.bench, self.other)):
            seal = f"https://id.gs1.org/8004/9521473SEAL{at}"
            self._post(bench.sign(self.house, **on_it, action="DELETE", bizStep="removing"))
            put_on = {"childEPCs": [seal], "wl:sealNumber": f"S-{at}"}
            self._post(bench.sign(self.house, **on_it, action="ADD", bizStep="installing", **put_on))

    def _ahead(self) -> None:
        house: Any = self.house
        house.clock.at_ms += 3 * 86_400_000
        pair = self.other.sign(self.house)
        house.clock.at_ms -= 3 * 86_400_000
        self._post(pair)

    def _revoke(self) -> None:
        with self.house.unit() as unit:
            revoke(unit, station="bench-07", reason="lost", suspect_from=3, registrar=key("registrar"))
        if self.waiting:
            self._post(*self.waiting)
            self.waiting.clear()
        self._post(self.bench.sign(self.house))
        seq, prev = self.bench.seq, self.bench.prev
        self.bench = self._enrol()
        self.bench.seq, self.bench.prev = seq, prev

    def _post(self, *pairs: tuple[bytes, bytes]) -> None:
        self.sent += pairs
        send(self.house, *pairs)


@settings(max_examples=20)
@given(acts=ACTS)
def test_whatever_stations_do_the_replay_gives_the_same_verdicts(
    tmp_path_factory: pytest.TempPathFactory, acts: list[str]
) -> None:
    house = opened_house(f"sqlite:///{tmp_path_factory.mktemp('play') / 'log.db'}", {RULE: 1})
    play = Play(house)
    for act in acts:
        play.act(act)
    found = compare(house)
    assert found.different == (), acts
    assert found.unread == () or "erase" in acts
    assert not [each for each in findings(house) if str(each.about) in {"log", "registry"}]
    OPENED.remove(house)
    house.engine.dispose()


def test_scans_that_a_revocation_puts_in_doubt_are_shown_as_unproven_and_stay(sqlite_url: str) -> None:
    house = opened_house(sqlite_url)
    bench = enrol_bench(house)
    acks = [send(house, bench.sign(house))[0] for _ in range(4)]
    with house.unit() as unit:
        revoke(unit, station="bench-07", reason="stolen", suspect_from=acks[2].index, registrar=key("registrar"))
    (dead,) = send(house, bench.sign(house))
    with house.read() as session:
        shown = {scan.index: scan for scan in read_trail(session, SSCC).scans}
        trail = read_trail(session, SSCC).trail
    flags = {index: "key_suspect" in scan.flags for index, scan in shown.items()}
    assert flags == {
        acks[0].index: False,
        acks[1].index: False,
        acks[2].index: True,
        acks[3].index: True,
        dead.index: False,
    }
    assert {scan.result for scan in shown.values()} <= {"flagged", "accepted", "quarantined"}
    assert shown[acks[3].index].result == "flagged"
    assert [finding.indices for finding in trail.findings if str(finding.kind) == "key_suspect"]
    assert compare(house).different == ()
