"""Houses for the tests of the store's contract: a database, opened as the service opens it, and scans to fill it."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from custody.kernel.keys import SoftwareSigner
from custody.scans.scan import Scan, open_scan
from custody.scans.tolerances import Tolerances
from custody.store.engine import open_engine
from custody.store.migrate import migrate
from custody.store.unit import House
from custody.usecases.accept_scans import Intake
from custody.usecases.judge_group import ScanAnswer
from custody.usecases.open_log import open_log
from simulators.load import load_stations, presign
from simulators.station import Signed, Station
from tests.handed_in import hand_in
from tests.world_audit import Books, Said, complaints
from tests.world_parts import ORIGIN, START_MS, VERSIONS, Clock, SeededIds, enrol_station, key


def open_house(url: str, *, name: str = "one") -> House:
    """A process's own view of the database: its engine, its clock and its identifiers."""
    return House(
        open_engine(url),
        origin=ORIGIN,
        log_signer=key("log"),
        operator_signer=key("operator"),
        clock=Clock(),
        ids=SeededIds(name),
    )


def begin(house: House) -> None:
    """Tables and genesis, as at the start of every process."""
    migrate(house.engine, *VERSIONS)
    open_log(house, registrar=key("registrar").public, rules={})


@contextmanager
def running(house: House) -> Iterator[Intake]:
    """The house's intake while it runs."""
    intake = Intake(house, Tolerances())
    intake.start()
    try:
        yield intake
    finally:
        intake.stop()


@dataclass(slots=True, kw_only=True)
class Yard:
    """Enrolled stations with scans that they have signed, and everything that the house answered."""

    house: House
    stations: Sequence[Station]
    signed_lanes: list[list[Signed]]
    said: list[Said] = field(default_factory=list)

    @property
    def lanes(self) -> list[list[Scan]]:
        """The scans as the door opens them, by station."""
        return [[opened(scan) for scan in lane] for lane in self.signed_lanes]

    def signed(self, scan: Scan) -> Signed:
        """A scan as its station keeps it."""
        return next(each for lane in self.signed_lanes for each in lane if each.digest == scan.digest)

    def take(self, intake: Intake, scans: Sequence[Scan]) -> list[ScanAnswer]:
        """Hand scans in together; what is answered is remembered."""
        answers = hand_in(intake, scans).result(timeout=60)
        self.said += [Said.of(scan, ack) for scan, ack in zip(scans, answers, strict=True)]
        return answers

    def complaints(self, *expected: str) -> list[str]:
        """What an audit has to say."""
        books = Books(
            engine=self.house.engine,
            origin=ORIGIN,
            log_key=key("log").public,
            operator_key=key("operator").public,
            said=tuple(self.said),
            expected=frozenset(expected),
        )
        return list(complaints(books))


def make_yard(house: House, *, stations: int = 2, each: int = 6) -> Yard:
    """Stations that are enrolled and have signed `each` scans."""
    made = load_stations(stations, seed=7)
    for station in made:
        enrol_station(house, station)
    signed = presign(made, each=each, at_ms=START_MS, seed=7)
    return Yard(house=house, stations=made, signed_lanes=signed)


def opened(scan: Signed) -> Scan:
    """The scan as the door opens it."""
    return open_scan(scan.statement, scan.opening)


def forge(station: Station, scan: Signed, *, signer: SoftwareSigner | None = None, salt: str = "other") -> Scan:
    """Another statement under the number of one that the station has made; it takes its place in no chain."""
    before = (station.seq, station.head, station.rng.getstate())
    station.seq, station.head = scan.seq - 1, hashlib.sha256(salt.encode()).digest() if scan.seq > 1 else None
    station.rng.seed(salt)
    event = open_scan(scan.statement, scan.opening).event.raw
    made = station.sign(event, subject="urn:uuid:forged", event_id=scan.event_id, at_ms=scan.at_ms, signer=signer)
    station.seq, station.head = before[:2]
    station.rng.setstate(before[2])
    return opened(made)


def with_wrong_signature(scan: Scan) -> Scan:
    """The scan with the last byte of its signature changed."""
    raw = bytearray(scan.entry)
    raw[-1] ^= 1
    return open_scan(bytes(raw), scan.opening)
