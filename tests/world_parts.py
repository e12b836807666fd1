"""What a world is made of: its clock, its names and keys, its accounts, and what it remembers."""

import random
from dataclasses import dataclass, field
from pathlib import Path

import api.migrations
import devicelock.migrations
from api.joints import LockAnswer
from api.people.tables import AccountRow
from custody.kernel import cbor
from custody.kernel.clock import Instant
from custody.kernel.ids import spell
from custody.kernel.keys import SoftwareSigner, new_signer
from custody.ledger.statements import make_possession
from custody.scans.scan import Scan
from custody.store.unit import House
from custody.usecases.enrol_station import Enrolled, announce, enrol
from custody.usecases.judge_group import ScanAnswer
from custody.usecases.open_dispute import Disputed
from devicelock.store import LockOrderRow
from simulators.station import Station

ORIGIN = "weaklink.example/custody"
START_MS = 1_790_000_000_000
VERSIONS = tuple(Path(str(each.__file__)).parent / "versions" for each in (devicelock.migrations, api.migrations))
"""The migrations of the houses above custody; custody's own come with `migrate`."""


@dataclass(slots=True)
class Clock:
    """Goes on by a millisecond whenever it is read, and when a test says so."""

    at_ms: Instant = START_MS

    def now_ms(self) -> Instant:
        self.at_ms += 1
        return self.at_ms


class SeededIds:
    """Identifiers and bytes that follow from a seed."""

    def __init__(self, seed: str) -> None:
        self._rng = random.Random(f"{seed}/ids")  # noqa: S311 - the same test, the same names

    def new(self, prefix: str) -> str:
        return spell(prefix, self.random_bytes(10))

    def random_bytes(self, count: int) -> bytes:
        return self._rng.randbytes(count)


def key(name: str) -> SoftwareSigner:
    """The key pair of that name in every world."""
    return new_signer(seed=name.encode().ljust(32, b"."))


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What a customer's report brought about."""

    disputed: Disputed
    lock: LockAnswer

    @property
    def case(self) -> str:
        return self.disputed.file.case.id

    @property
    def order(self) -> LockOrderRow:
        assert self.lock.order is not None, f"no lock was ordered: {self.lock.refused}"
        return self.lock.order


@dataclass(slots=True, kw_only=True)
class Kept:
    """What the outside world remembers of the house: what it was told, and what it must never be told."""

    scans: list[tuple[Scan, ScanAnswer]] = field(default_factory=list)
    secrets: list[bytes] = field(default_factory=list)
    findings: set[str] = field(default_factory=set)

    def copy(self) -> "Kept":
        return Kept(scans=list(self.scans), secrets=list(self.secrets), findings=set(self.findings))


def account(name: str, role: str, *, person: str | None = None, by: str) -> AccountRow:
    """A local account that nobody signs in to."""
    whose = person or person_of(name)
    return AccountRow(
        name=name, person=whose, role=role, password_hash="", created_by=by, created_ms=START_MS, active=True
    )


def person_of(name: str) -> str:
    """Who is behind one of the first accounts."""
    return f"person-of-{name}"


def enrol_station(house: House, station: Station) -> Enrolled:
    """A supervisor announces the station, and it brings its key."""
    link = station.post.link
    with house.unit() as unit:
        announced = announce(
            unit,
            station=station.name,
            site=link.site.key,
            place=station.post.place,
            step=str(link.step),
            custodian=link.custodian,
        )
        return enrol(unit, token=announced.token, registrar=key("registrar"), **credentials(station, unit.now_ms))


def credentials(station: Station, now_ms: Instant) -> dict[str, bytes]:
    """The station's key and its proof that it has the private half."""
    proof = make_possession(
        origin=ORIGIN,
        station=station.name,
        signer=station.signer,
        sub="urn:uuid:5d0f5f5e-3a43-4d0e-9d0b-6f1f0f6f9a31",
        iat_s=now_ms // 1000,
    )
    return {"cose_key": cbor.encode(station.signer.public.cose_key()), "possession": proof}
