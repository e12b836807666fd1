"""The same scans get the same verdicts however they were grouped, and the replay gives them again.

Stations behave well and badly; what they sent is taken in one by one, in threes, all at once, and by two processes in
turn. A scan whose statement was registered alone is judged after all others of its group, so those are sent one by one.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.kernel.clock import DAY_MS, to_iso
from custody.kernel.errors import NotFound
from custody.scans.scan import open_scan
from custody.scans.tolerances import Tolerances
from custody.store.unit import House
from custody.usecases.erase import erase
from custody.usecases.file_part import ScanOrBatch
from custody.usecases.judge_group import ScanAnswer
from custody.usecases.register_statement import register
from custody.usecases.replay_verdicts import compare_verdicts
from tests.contracts_log.shard_yard import sign_batch
from tests.contracts_log.small_house import (
    CUSTODIAN,
    OPENED,
    OTHER_SSCC,
    SSCC,
    Bench,
    copy_database,
    enrol_bench,
    findings,
    open_house,
    opened_house,
    running_intake,
)
from tests.world_parts import SeededIds, key

PARCELS = [SSCC, OTHER_SSCC, "https://id.gs1.org/00/195214730000088183"]
STATIONS = ["bench-07", "dock-1"]
TAKER = "https://id.gs1.org/417/9521473000010"
TAKES = {"destinationList": [{"type": "possessing_party", "destination": TAKER}]}
GIVES = {"sourceList": [{"type": "possessing_party", "source": CUSTODIAN}]}
SAID: list[dict[str, Any]] = [
    {},
    {"bizStep": "departing", **TAKES},
    {"bizStep": "accepting", **GIVES, **TAKES},
    {"wl:declaredMassGrams": 900},
    {"sensorElementList": [{"sensorReport": [{"type": "Mass", "value": 1.9, "uom": "KGM"}]}]},
    {"wl:sealNumber": "A1", "wl:sealState": "intact"},
    {"wl:sealState": "broken"},
]


class Still:
    """A clock that stands, so that every way of taking scans in sees them at the same moment."""

    at_ms = 1_790_000_500_000

    def now_ms(self) -> int:
        """The moment."""
        return self.at_ms


class Network:
    """Stations that sign as told; `parts` is what they send, `alone` the statements that come without their opening."""

    def __init__(self, house: House) -> None:
        self.house = house
        house.ids = SeededIds("grouping")
        self.benches = [Bench(name=name, signer=key(f"station {name}")) for name in STATIONS]
        self.parts: list[ScanOrBatch] = []
        self.alone: list[bytes] = []

    def act(self, name: str, station: int, parcel: int, said: dict[str, Any], back: int) -> None:
        """One act; `back` is how far it goes back, where it does."""
        house, bench, item = self.house, self.benches[station], PARCELS[parcel]
        items = [PARCELS[(parcel + at) % len(PARCELS)] for at in range(2 + back % 2)]
        twin = Bench(name=bench.name, signer=bench.signer, seq=max(bench.seq - 1 - back, 0))
        twin.prev = b"\1" * 32 if twin.seq else None
        if name == "skip":
            bench.sign(house)
        elif name == "again":
            self.parts += self.parts[back : back + 1]
        elif name == "batch":
            self.parts.append(sign_batch(house, bench, items, **said))
        elif name == "unreadable":
            self.parts.append(sign_batch(house, bench, [*items[:back], None, *items[back:]], **said))
        elif name == "twin batch":
            self.parts.append(sign_batch(house, twin, items, **said))
        elif name == "twin":
            self._add(twin.sign(house, item, **said))
        elif name == "stranger":
            self._add(Bench(name=bench.name, signer=key("stranger")).sign(house, item, **said))
        else:
            self._sign(name, bench, item, said)

    def _sign(self, name: str, bench: Bench, item: str, said: dict[str, Any]) -> None:
        """The station's next scan, with what is wrong with it."""
        if name == "break" and bench.seq:
            bench.prev = b"\2" * 32
        days = {"ahead": 3, "late": -20}.get(name, 0)
        more = {**said, "eventTime": to_iso(Still.at_ms + days * DAY_MS)}
        statement, opening = bench.sign(self.house, item, **more)
        if name == "forge":
            statement = statement[:-1] + bytes([statement[-1] ^ 1])
        elif name == "alone":
            self.alone.append(statement)
        self._add((statement, opening))

    def _add(self, pair: tuple[bytes, bytes]) -> None:
        self.parts.append(open_scan(*pair))


ACTS = ["post"] * 3 + ["batch", "unreadable", "twin", "twin", "twin batch", "skip", "break", "again", "again"]
ACTS += ["forge", "stranger", "ahead", "late", "alone"]
WHOLE = st.lists(
    st.tuples(st.sampled_from(ACTS), st.integers(0, 1), st.integers(0, 2), st.sampled_from(SAID), st.integers(0, 3)),
    min_size=2,
    max_size=14,
)


@pytest.fixture(scope="module")
def enrolled(tmp_path_factory: pytest.TempPathFactory) -> House:
    """Lend a house that knows the stations and has taken nothing in; nobody has its database open."""
    house = opened_house(f"sqlite:///{tmp_path_factory.mktemp('enrolled') / 'log.db'}")
    for name in STATIONS:
        enrol_bench(house, name)
    house.engine.dispose()
    house.clock = Still()
    return house


def network_of(enrolled: House, acts: Sequence[Any]) -> Network:
    """What comes of these acts."""
    network = Network(enrolled)
    for act in acts:
        network.act(*act)
    return network


def houses(enrolled: House, folder: Path, count: int = 1) -> list[House]:
    """The same house again, once for each process."""
    url = copy_database(str(enrolled.engine.url), folder)
    made = [open_house(url) for _ in range(count)]
    for each in made:
        each.clock = Still()
    return made


def take(processes: Sequence[House], parts: Sequence[ScanOrBatch], size: int) -> Iterator[object]:
    """Hand parts in by groups of a size, to the processes in turn; what is said of each scan."""
    with ExitStack() as running:
        intakes = [running.enter_context(running_intake(house)) for house in processes]
        for turn, first in enumerate(range(0, len(parts), size)):
            answered: Future[Any] = Future()
            intakes[turn % len(intakes)].hand_in(parts[first : first + size], answered.set_result)
            acks: list[ScanAnswer] = answered.result(timeout=60)
            for ack in acks:
                yield ack.digest, ack.index, ack.position, ack.verdict, ack.refused and ack.refused.code


def faults(house: House) -> list[object]:
    """What is wrong with the log, and verdicts that do not follow from it: before parcels are erased, and after."""
    found: list[object] = [each for each in findings(house) if str(each.about) in {"log", "registry"}]
    found += differences(house)
    for parcel in PARCELS:
        with suppress(NotFound), house.unit() as unit:
            erase(unit, parcel, reason="over", actor="supervisor-1", holds=lambda _session, _imeis: ())
        found += differences(house)
    return found


def differences(house: House) -> Sequence[object]:
    with house.read() as session:
        return compare_verdicts(session, Tolerances()).different


def close() -> None:
    """Give the connections of one example back."""
    while OPENED:
        OPENED.pop().engine.dispose()


@settings(max_examples=25)
@given(acts=WHOLE)
def test_verdicts_do_not_hang_on_how_scans_were_grouped(
    tmp_path_factory: pytest.TempPathFactory, enrolled: House, acts: list[Any]
) -> None:
    folder, parts = tmp_path_factory.mktemp("grouping"), network_of(enrolled, acts).parts
    (single,) = houses(enrolled, folder / "single")
    said = list(take([single], parts, 1))
    assert list(take(houses(enrolled, folder / "threes"), parts, 3)) == said
    assert list(take(houses(enrolled, folder / "whole"), parts, max(len(parts), 1))) == said
    assert list(take(houses(enrolled, folder / "two", 2), parts, 1)) == said
    assert faults(single) == []
    close()


@settings(max_examples=15)
@given(acts=WHOLE)
def test_verdicts_do_not_hang_on_who_takes_scans_in_after_statements_that_came_alone(
    tmp_path_factory: pytest.TempPathFactory, enrolled: House, acts: list[Any]
) -> None:
    folder, network = tmp_path_factory.mktemp("alone"), network_of(enrolled, acts)
    one, two = houses(enrolled, folder / "one"), houses(enrolled, folder / "two", 2)
    for house in (one[0], two[0]):
        for statement in network.alone:
            register(house, statement, Tolerances())
    assert list(take(one, network.parts, 1)) == list(take(two, network.parts, 1))
    assert faults(one[0]) == []
    close()
