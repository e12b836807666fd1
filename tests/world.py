"""A whole house in one process: database, intake, lock office, a simulated broker, stations, handsets and people.

Nothing moves by itself. The clock goes on by a millisecond whenever it is read, and by as much as a test steps it; what
is published arrives when the world delivers. `restart` is a new process over the same database. Whatever was done,
`audit` reads everything back and complains of all that does not fit (world_audit.py); every story ends in it.
"""

import random
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from sqlalchemy.engine import make_url
from sqlmodel import Session

from api import joints, lock_news
from api.people.accounts import FIRST_ACCOUNTS, close_account
from custody.disputes.machine import CaseRole
from custody.disputes.opening import Report
from custody.disputes.order import OrderFacts, Payment
from custody.kernel import cbor
from custody.kernel.clock import HOUR_MS
from custody.kernel.errors import NotFound, Trouble
from custody.kernel.keys import SoftwareSigner
from custody.scans.scan import Scan, open_scan
from custody.store import case_book, report_turn
from custody.store.case_book import CaseFile
from custody.store.unit import Unit
from custody.usecases.enrol_station import Enrolled
from custody.usecases.find_handset import find_handset
from custody.usecases.judge_group import ScanAnswer
from custody.usecases.open_dispute import least_busy
from custody.usecases.open_log import change_rules
from custody.usecases.record_sale import Sale, read_sale, record_sale
from devicelock import authority_store, watch_store
from devicelock import store as lock_store
from devicelock.rules.command import KeyRing
from devicelock.rules.hello import SimClass
from devicelock.rules.order import LockRole
from devicelock.store import LockEventRow, LockOrderRow
from devicelock.usecases import standing_authority
from devicelock.usecases.alert import look_at_alert
from devicelock.usecases.clear_group import clear_group, groups
from devicelock.usecases.confirm_lock import confirm_lock
from devicelock.usecases.register_device import register_device
from devicelock.usecases.request_lock import approve_lock
from devicelock.usecases.retire import look, retire_due
from devicelock.watch_store import AlertRow
from simulators.broker import SimulatedTransport
from simulators.events import finish, write
from simulators.handset import Enrolment, Handset
from simulators.history import Mishaps, PastConfig
from simulators.network import NetworkConfig, imagine
from simulators.parcel import Parcel
from simulators.radio import Line, Radio
from simulators.station import Signed, Station
from tests.handed_in import hand_in
from tests.world_audit import Books, Said, complaints
from tests.world_parts import (
    ORIGIN,
    START_MS,
    Kept,
    Opened,
    SeededIds,
    account,
    enrol_station,
    key,
    person_of,
)
from tests.world_process import Process


class World(Process):
    """One house and everybody around it. `parcels` have travelled, but nobody has sent a scan of them yet."""

    def __init__(self, url: str, folder: Path, *, parcels: int = 1, seed: int = 3, like: "World | None" = None) -> None:
        super().__init__(url, folder, SeededIds(f"{seed}/{like is None}"))
        self.seed, self.kept = seed, Kept()
        self.radios: dict[str, Radio] = {}
        past = PastConfig(
            seed=seed, end_ms=START_MS, days=2.0, parcels=parcels, mishaps=Mishaps(lost=0, damaged=0, taken_after=0)
        )
        self.network = imagine(NetworkConfig(past=past, hubs=1, depots=1, thief=None))
        self.events = 0
        if like is not None:
            self.clock.at_ms, self.kept = like.clock.at_ms, like.kept.copy()
        self.open()
        if like is None:
            with self.house.unit() as unit:
                unit.session.add_all(account(name, role, by="first start") for name, role in FIRST_ACCOUNTS)

    def step(self, ms: int) -> None:
        """Let time pass: handsets that are on look at their timers, the service sweeps."""
        self.clock.at_ms += ms
        for radio in self.radios.values():
            if radio.handset.on:
                radio.tick()
        self.sweep()

    def retire_due(self) -> int:
        """What the service's slow round over the fleet does; the look before it has seen the same."""
        with self.house.read() as session:
            seen = look(session, self.office, after="", limit=1000, now_ms=self.clock.now_ms())
        with self.house.unit() as unit:
            retired = retire_due(unit, self.office, after="", limit=1000).retired
        assert seen.due == bool(retired)
        return retired

    def hire(self, name: str, role: str, *, person: str | None = None, by: str = "first start") -> str:
        """One more account."""
        with self.house.unit() as unit:
            unit.session.add(account(name, role, person=person, by=by))
        return name

    def dismiss(self, name: str) -> None:
        """Somebody leaves."""
        with self.house.unit() as unit:
            assert close_account(unit.session, name)

    def withdraw_authority(self, by: str = "supervisor-1") -> None:
        """One person withdraws the standing authority."""
        with self.house.unit() as unit:
            row = authority_store.in_force(unit.session)
            assert row is not None
            standing_authority.withdraw(unit, authority=row.id, person=person_of(by))

    def authorise(self) -> str:
        """Two supervisors put the standing authority in force."""
        with self.house.unit() as unit:
            row = standing_authority.propose(unit, person=person_of("supervisor-1"))
        with self.house.unit() as unit:
            standing_authority.approve(
                unit,
                self.office,
                authority=row.id,
                person=person_of("supervisor-2"),
                put_in_force=lambda unit, rules: change_rules(self.house, unit, rules),
            )
        return row.id

    def throw_switch(self, *, on: bool, by: str = "supervisor-1") -> None:
        """Stop all locks, or let them go on."""
        with self.house.unit() as unit:
            standing_authority.throw_switch(unit, self.office, on=on, person=person_of(by), why="for the test")

    def clear_groups(self, by: str = "investigator-1") -> list[str]:
        """A second person has looked at every group of locks that is paused, and lets it go on."""
        with self.house.unit() as unit:
            found = groups(unit.session, self.office, now_ms=unit.now_ms)
            paused = [group.name for group in found if group.paused is not None]
            for name in paused:
                clear_group(unit, self.office, group=name, account=by, why="looked at, for the test")
        return paused

    def clear_groups_or_not(self, by: str) -> str:
        """The same; the code of the refusal, empty if there was none."""
        try:
            self.clear_groups(by)
        except Trouble as refused:
            return refused.code
        return ""

    def approve(self, order: str, account: str) -> LockOrderRow:
        """Somebody says yes to a lock that was asked for."""
        with self.house.unit() as unit:
            return approve_lock(unit, self.office, name=order, account=account)

    def look_at(self, unit: Unit, alert: str) -> AlertRow:
        """A supervisor has looked at an alert."""
        return look_at_alert(unit, self.office, alert=alert, account="supervisor-1")

    def backup_with(self, parcel: Parcel) -> bytes:
        """The database as it is once the handset of a parcel is registered."""
        self.handset(parcel)
        return self.backup()

    def alerts(self) -> list[str]:
        """The kinds of what people must look at, oldest first."""
        with self.house.read() as session:
            return [row.kind for row in reversed(watch_store.alerts(session, seen=False))]

    @property
    def parcels(self) -> Sequence[Parcel]:
        return self.network.past.parcels

    def enrol(self, station: Station, *, signer: SoftwareSigner | None = None) -> Enrolled:
        """A station brings its key; a new signer is its next key."""
        station.signer = signer or station.signer
        return enrol_station(self.house, station)

    def enrol_all(self) -> None:
        """Every station of the network."""
        for station in self.network.stations.values():
            self.enrol(station)

    def send(self, scans: Sequence[Signed | Scan]) -> list[ScanAnswer]:
        """Hand scans in together and keep their answers."""
        opened = [each if isinstance(each, Scan) else open_scan(each.statement, each.opening) for each in scans]
        answers = hand_in(self.intake, opened).result(timeout=60)
        self.kept.scans += zip(opened, answers, strict=True)
        return answers

    def send_past(self) -> list[ScanAnswer]:
        """Everything that the stations recorded before the world began."""
        return self.send(self.network.scans)

    def see(self, post: str, item: str, **more: Any) -> Signed:
        """A scan made now at a post: the item was seen there. It is signed, not sent."""
        station, at_ms = self.network.stations[post], self.clock.now_ms()
        self.events += 1
        event_id = f"urn:uuid:00000000-0000-4000-8000-{self.events:012d}"
        body = {
            "type": "ObjectEvent",
            "epcList": [item],
            "action": "OBSERVE",
            "bizStep": "inspecting",
            "disposition": "in_transit",
            "readPoint": {"id": station.post.place},
            **more,
        }
        event = write(finish(body, at_ms=at_ms, event_id=event_id))
        subject = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, item)}"
        return station.sign(event, subject=subject, event_id=event_id, at_ms=at_ms)

    def sell(self, parcel: Parcel, **facts: Any) -> None:
        """The seller records the order of a parcel."""
        contact = f"customer-{parcel.order.lower()}@example.com"
        order = OrderFacts(order_ref=parcel.order, payment=Payment.CREDIT_CARD, price_pence=89_900, **facts)
        sale = Sale(order_ref=parcel.order, imei=parcel.unit.imei_urn, product="phone", contact=contact, facts=order)
        self.kept.secrets += [contact.encode(), parcel.unit.imei.encode(), parcel.order.encode()]
        with self.house.unit() as unit:
            record_sale(unit, sale)

    def handset(
        self,
        parcel: Parcel,
        *,
        sim: SimClass = SimClass.OTHER,
        country: str | None = "RO",
        network: str | None = None,
    ) -> Radio:
        """The handset of a parcel, registered and switched off; the one that is registered already, as it is."""
        if parcel.order in self.radios:
            return self.radios[parcel.order]
        signer = key(f"handset {parcel.number}")
        with self.house.unit() as unit:
            given = register_device(
                unit,
                self.office,
                imei=parcel.unit.imei,
                model=parcel.unit.model.name,
                cose_key=cbor.encode(signer.public.cose_key()),
            )
        enrolment = Enrolment(
            unit=parcel.unit,
            device=given.device,
            signer=signer,
            keys=KeyRing(lock=key("lock").public, unlock=key("unlock").public),
            code_key=given.code_key,
            mqtt_host="127.0.0.1",
            mqtt_port=1883,
        )
        rng = random.Random(f"{self.seed}/{parcel.number}")  # noqa: S311 - the same test, the same nonces
        store = self.folder / f"{given.device}.handset"
        handset = Handset(enrolment, store, clock=self.clock, rng=rng, sim=sim, country=country, network=network)

        def connect(**calls: Any) -> Line:
            return SimulatedTransport(self.broker, handset.device, **calls)

        self.radios[parcel.order] = Radio(handset, connect=connect)
        return self.radios[parcel.order]

    def switched_on(self, parcel: Parcel, **where: Any) -> Radio:
        """The handset of a parcel, after it was switched on and what it said has come; `where` as for `handset`."""
        radio = self.handset(parcel, **where)
        radio.switch_on()
        self.deliver()
        return radio

    def dispute(self, parcel: Parcel | None, claim: str | None, **more: Any) -> Opened:
        """A customer reports a parcel."""
        with self.house.unit() as unit:
            return self.report(unit, parcel, claim, **more)

    def report(self, unit: Unit, parcel: Parcel | None, claim: str | None, *, words: str = "", **more: Any) -> Opened:
        """The same in this unit, as the door does it."""
        said = words or "The box held something else, says the customer of this parcel."
        self.kept.secrets.append(said.encode())
        ref = parcel.order if parcel else None
        report_turn.report_begins(unit)
        handset = find_handset(unit.session, order_ref=ref, item=more.pop("item", None))
        report = Report(
            words=said,
            channel="web",
            reported_ms=unit.now_ms,
            claim_type=claim,
            said_by=CaseRole.CUSTOMER,
            order=more.pop("order", None) or _order_facts(unit.session, ref),
            lock_facts=joints.wish_facts(unit.session, handset.imei),
            **more,
        )
        owner = least_busy(unit.session, ["agent-1", "agent-2"])
        lock_news.hold_for_move(unit, disputes=[], imei=handset.imei)
        disputed, lock = joints.dispute_delivery(
            unit, self.office, report, handset=handset, owner=owner, found_instead=""
        )
        return Opened(disputed=disputed, lock=lock)

    def locked_elsewhere(self) -> tuple[Opened, Radio]:
        """A disputed parcel whose handset was switched on far away and locked."""
        radio = self.handset(self.parcels[0])
        opened = self.dispute(self.parcels[0], "substituted")
        radio.switch_on()
        self.deliver()
        assert radio.handset.screen_locked
        return opened, radio

    def found(self, opened: Opened) -> None:
        """The customer says "I found it"."""
        with self.house.unit() as unit:
            joints.customer_found_it(unit, self.office, dispute=opened.case)

    def order(self, name: str) -> LockOrderRow:
        """A lock order as it stands."""
        with self.house.read() as session:
            return lock_store.order(session, name)

    def steps(self, order: str) -> list[LockEventRow]:
        """The timeline of a lock order."""
        with self.house.read() as session:
            return lock_store.events_of(session, order)

    def confirm(self, opened: Opened, account: str) -> None:
        """One of the two who keep a lock beyond its 72 hours."""
        with self.house.unit() as unit:
            role = LockRole(account.partition("-")[0])
            confirm_lock(unit, self.office, name=opened.order.id, account=account, role=role)

    def case(self, opened: Opened) -> CaseFile:
        """A case as it stands."""
        with self.house.read() as session:
            return case_book.read(session, opened.case)

    def settled(self, opened: Opened) -> bool:
        """Whether the locks of a case are settled."""
        with self.house.read() as session:
            return joints.locks_settled(session, opened.case)

    def books(self) -> Books:
        """What an audit compares the database with."""
        return Books(
            engine=self.engine,
            origin=ORIGIN,
            log_key=key("log").public,
            operator_key=key("operator").public,
            said=tuple(Said.of(scan, ack) for scan, ack in self.kept.scans),
            handsets={radio.handset.device: radio.handset for radio in self.radios.values()},
            secrets=tuple(self.kept.secrets),
            expected=frozenset(self.kept.findings),
        )

    def audit(self) -> None:
        """Let everything come to rest, read it all back, and fail with every complaint."""
        self.deliver()
        found = list(complaints(self.books()))
        assert not found, "\n".join(found)

    @contextmanager
    def refused(self, kind: type[Trouble], code: str) -> Iterator[None]:
        """What is done inside is refused with that error, and changes nothing in the log."""
        before = self.size
        with pytest.raises(kind) as caught:
            yield
        assert caught.value.code == code, caught.value
        assert caught.value.detail, "a refusal says what was wrong"
        assert caught.value.fix, "a refusal says what to do"
        assert self.size == before, "a refused act left something in the log"


def new_world(url: str, folder: Path, *, parcels: int = 1, seed: int = 3) -> World:
    """A world in which stations are enrolled, parcels have travelled and were sold, and the authority is in force."""
    world = World(url, folder, parcels=parcels, seed=seed)
    world.enrol_all()
    world.send_past()
    for parcel in world.parcels:
        world.sell(parcel)
    world.authorise()
    world.clock.at_ms += HOUR_MS
    return world


def same_world(like: World, folder: Path) -> World:
    """A world of its own that begins as a closed one on SQLite ended."""
    copytree(like.folder, folder, dirs_exist_ok=True)
    name = Path(make_url(like.url).database or "").name
    return World(f"sqlite:///{folder / name}", folder, parcels=len(like.parcels) - 1, seed=like.seed, like=like)


def _order_facts(session: Session, ref: str | None) -> OrderFacts:
    if ref is None:
        return OrderFacts()
    try:
        return read_sale(session, ref).sale.facts
    except NotFound:
        return OrderFacts(order_ref=ref)
