"""What a world is made of: its clock, its names and keys, its accounts, and what it remembers."""

import random
from dataclasses import dataclass, field

from api.joints import LockAnswer
from api.tables import AccountRow
from custody.kernel.clock import Instant
from custody.kernel.ids import spell
from custody.kernel.keys import SoftwareSigner, new_signer
from custody.scans.scan import Scan
from custody.usecases.accept_scans import Ack
from custody.usecases.open_dispute import Disputed
from devicelock.store import LockOrderRow

ORIGIN = "weaklink.example/custody"
START_MS = 1_790_000_000_000


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

    scans: list[tuple[Scan, Ack]] = field(default_factory=list)
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
