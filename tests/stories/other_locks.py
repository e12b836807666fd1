"""Other lock systems beside a world: their fakes, the back-ends over the world's database, and the carrier between.

Nothing moves by itself: `carry` carries until nothing is due at this moment, `apply` lets the devices of the other side
do what their side holds. The other sides outlive a restart of the house, as they do in the world outside.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from sqlmodel import Session

from custody.gs1.imei import imei_digits
from devicelock import part_store
from devicelock.backends import android, eir, knox, nanomdm
from devicelock.backends.android import LockWay
from devicelock.backends.contract import Backend
from devicelock.backends.eir import EirBackend
from devicelock.backends.eir_folder import EirFolder
from devicelock.part_store import PartRow
from devicelock.store import DeviceRow
from devicelock.usecases.carry_parts import Carrier
from devicelock.usecases.give_reference import confirm_reference, give_reference
from devicelock.usecases.hear_backends import take_event
from devicelock.usecases.list_ground import ground_of
from devicelock.usecases.lock_office import LockOffice
from devicelock.usecases.show_parts import Shown, show_parts
from devicelock.usecases.wish_book import TableBook
from simulators.radio import Radio
from tests.contracts_backends.backend_bench import AndroidBench, Bench, EirBench, KnoxBench, NanoMdmBench
from tests.world import World

ROUNDS = 40
SECOND = "investigator-1"
BY_IMEI = frozenset({eir.NAME, knox.NAME})
CAPABILITIES = {
    android.NAME: android.CAPABILITIES[LockWay.DISABLED],
    eir.NAME: eir.CAPABILITIES,
    knox.NAME: knox.CAPABILITIES,
    nanomdm.NAME: nanomdm.CAPABILITIES,
}


class ListBench(EirBench):
    """The list with the grounds of the world's own orders."""

    office: LockOffice | None = None

    def make(self) -> EirBackend:
        folder = EirFolder(self.path, self.signer.public)
        return EirBackend(
            book=self.book,
            clock=self.clock,
            folder=folder,
            signer=self.signer,
            issuer="urn:weaklink:operator:log.example",
            grounds=partial(ground_of, self.office) if self.office else lambda _order: None,
            outlet=self._outlet,
        )


class OtherLocks:
    """The other lock systems of a world, by name."""

    def __init__(self, world: World, *names: str) -> None:
        self.world = world
        self.benches: dict[str, Bench] = {}
        makers: dict[str, Callable[[], Bench]] = {
            android.NAME: lambda: AndroidBench(LockWay.DISABLED),
            eir.NAME: lambda: ListBench(world.folder / "eir"),
            knox.NAME: KnoxBench,
            nanomdm.NAME: NanoMdmBench,
        }
        for name in names:
            self.benches[name] = makers[name]()
        self.attach()

    def attach(self) -> None:
        """What a process of the house does when it starts."""
        can = {name: CAPABILITIES[name] for name in self.benches}
        self.world.office = replace(self.world.office, backends=can)
        for name, bench in self.benches.items():
            bench.clock = self.world.clock  # type: ignore[assignment]  # the world turns it
            bench.book = TableBook(self.world.house, name)
            if isinstance(bench, ListBench):
                bench.office = self.world.office
            bench.backend = bench.make()
        self.carrier = self.new_carrier()

    def new_carrier(self) -> Carrier:
        """A carrier of another process."""
        return Carrier(self.world.office, self.on, holder=self.world.ids.new("carrier"))

    @property
    def on(self) -> dict[str, Backend]:
        return {name: bench.backend for name, bench in self.benches.items()}

    def restart(self) -> None:
        """The house ends in good order and starts again."""
        self.carrier.give_up()
        self.world.restart()
        self.attach()

    def know(self, radio: Radio, *names: str) -> None:
        """Every back-end, or those named, know this handset, by names that two people have given and confirmed."""
        self.name(radio, *names)
        with self.world.house.unit() as unit:
            device = self.device(unit.session, radio)
            for name in names or self.benches:
                known = self.benches[name].handset
                confirm_reference(unit, self.world.office, device, backend=name, handset=known, account=SECOND)

    def name(self, radio: Radio, *names: str, by: str = "supervisor-1") -> None:
        """One person gives the names of this handset at every back-end, or at those named."""
        with self.world.house.unit() as unit:
            device = self.device(unit.session, radio)
            for name in names or self.benches:
                if name in BY_IMEI:
                    self.benches[name].handset = imei_digits(device.imei)
                give_reference(unit, device, backend=name, handset=self.benches[name].handset, account=by)

    def device(self, session: Session, radio: Radio) -> DeviceRow:
        """The row of a handset."""
        row = session.get(DeviceRow, radio.handset.device)
        assert row is not None
        return row

    def post(self, event: tuple[bytes, str]) -> bool:
        """NanoMDM posts an event, as the door takes it in; whether it was new and of use."""
        raw, signature = event
        opened = self.nanomdm.mdm.open(raw, signature)
        with self.world.house.unit() as unit:
            return take_event(unit, raw, opened)

    def carry(self) -> None:
        """Carry until nothing is due at this moment, and everything that moves for our own agent too."""
        for _ in range(ROUNDS):
            if not self.carrier.carry():
                self.world.deliver()
                return
        raise AssertionError("the parts never come to rest")

    def wait(self, ms: int) -> None:
        """Let time pass, and carry what has fallen due."""
        self.world.step(ms)
        self.carry()

    def settle(self, *, hours: int = 0) -> None:
        """Let both sides do what is left to do, for an hour and more."""
        for _ in range(6):
            for bench in self.benches.values():
                bench.apply()
            self.wait(10 * 60_000)
        if hours:
            self.wait(hours * 3_600_000)

    def show(self, order: str) -> dict[str, Shown]:
        """Every lock system's part in an order, as the doors show it."""
        with self.world.house.read() as session:
            row = self.world.order(order)
            return {each.backend: each for each in show_parts(session, self.world.office, row)}

    def parts(self, order: str) -> dict[str, PartRow]:
        """The parts as they stand."""
        with self.world.house.read() as session:
            return {row.backend: row for row in part_store.parts_of(session, order)}

    @property
    def android(self) -> AndroidBench:
        found = self.benches[android.NAME]
        assert isinstance(found, AndroidBench)
        return found

    @property
    def nanomdm(self) -> NanoMdmBench:
        found = self.benches[nanomdm.NAME]
        assert isinstance(found, NanoMdmBench)
        return found

    @property
    def imei_list(self) -> ListBench:
        found = self.benches[eir.NAME]
        assert isinstance(found, ListBench)
        return found
