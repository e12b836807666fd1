"""A house on SQLite with one parcel's way through seven stations, a dispute, a lock and an investigation.

Clock and identifiers run on their own, so the same world is the same bytes each time.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec

from custody.disputes.machine import CaseRole
from custody.disputes.opening import Report
from custody.disputes.order import OrderFacts, Payment
from custody.gs1.keys import issue_gln, issue_gsrn, issue_pgln, issue_sgtin, issue_sscc
from custody.gs1.named_information import write_ni
from custody.investigation.answer import InvestigationAnswer, briefly, describe
from custody.investigation.checks import next_checks, usual_checks
from custody.investigation.explain import explain
from custody.investigation.infer import run
from custody.investigation.naming import name, naming_rules
from custody.investigation.pack.earlier import FIFTH, SIXTH
from custody.investigation.pack.inquiry import write_inquiry
from custody.investigation.pack.locks import LockCommand, LockFile, LockHistory, LockKeys
from custody.investigation.passage import Complaint, Dispute, Fleet, HandlerTraffic, Passes
from custody.investigation.read_passage import look_around, network_of, passage_of, read_way
from custody.investigation.result import Inference
from custody.investigation.wording import state
from custody.kernel import cbor
from custody.kernel.clock import HOUR_MS, MINUTE_MS, SECOND_MS, to_iso
from custody.kernel.ids import spell
from custody.kernel.keys import Signer, SoftwareSigner, new_signer
from custody.ledger.note import text_key
from custody.ledger.statements import make_possession
from custody.scans.batch import HandedScan, SealedBatch, make_batch, open_batch, seal_batch
from custody.scans.leaf import Leaf, make_leaf
from custody.scans.scan import make_scan, open_scan
from custody.scans.tolerances import Tolerances
from custody.store import case_book, inquiry_book, scan_book
from custody.store.engine import open_engine
from custody.store.inquiry_answer import RECOMPUTE
from custody.store.migrate import migrate
from custody.store.unit import House, Unit
from custody.usecases.accept_scans import Intake
from custody.usecases.enrol_station import announce, announced, enrol
from custody.usecases.export_pack import NO_LOCKS, Beside, PackExported, draw_up_pack, seal_pack
from custody.usecases.judge_group import ScanAnswer
from custody.usecases.open_dispute import Disputed, open_dispute
from custody.usecases.open_log import open_log
from custody.usecases.read_trail import attested_checks, sealed_scans
from custody.usecases.record_sale import Sale, record_sale
from devicelock.rules.ack import Ack as DeviceAck
from devicelock.rules.ack import AckResult, make_ack
from devicelock.rules.applied import Applied
from devicelock.rules.command import Authority, Basis, Command, CommandSigners, LockScreen, Op, Reason, make_command
from tests.handed_in import hand_in

ORIGIN = "weaklink.example/custody"
START_MS = 1_778_483_550_000  # 2026-05-11, a Monday morning
SELLER, CARRIER = issue_pgln("9521473", 10).uri, issue_pgln("9521886", 1).uri
PARCEL = issue_sscc("9521473", 8816).uri
PHONE = issue_sgtin("09521473003813", "001017004829159").uri
IMEI = "urn:gsma:imei:00101700-482915-0"
ORDER = "SO-20991"
SHIPMENT = "urn:uuid:5b0f5f5e-3a43-4d0e-9d0b-6f1f0f6f9a31"
RECIPIENT = issue_gsrn("9521886", 4417).uri
LINKS = (
    ("bench-4", "pack", 1, "B4", SELLER),
    ("dock-2", "dock", 1, "2", SELLER),
    ("lorry-9", "linehaul", 2, "9", CARRIER),
    ("hub-in-1", "hub_in", 3, "H1", CARRIER),
    ("hub-sort-1", "hub_sort", 3, "H1", CARRIER),
    ("lorry-3", "linehaul", 4, "3", CARRIER),
    ("depot-2", "depot", 5, "D2", CARRIER),
    ("courier-7", "courier", 5, "C7", CARRIER),
)
SITES = {number: issue_gln("9521473", number).uri for number in range(1, 6)}


def key(name: str) -> SoftwareSigner:
    """The key pair of that name in this world."""
    return new_signer(seed=hashlib.sha256(name.encode()).digest())


@dataclass(slots=True)
class Ticking:
    """A clock that goes on by a second whenever it is read."""

    at_ms: int = START_MS

    def now_ms(self) -> int:
        self.at_ms += SECOND_MS
        return self.at_ms


@dataclass(slots=True)
class Counted:
    """Identifiers and bytes that follow from a count."""

    count: int = 0

    def new(self, prefix: str) -> str:
        return spell(prefix, self.random_bytes(10))

    def random_bytes(self, count: int) -> bytes:
        self.count += 1
        return hashlib.shake_256(f"ids/{self.count}".encode()).digest(count)


@dataclass
class World:
    """The house and what was done in it so far. The stations in `together` sign what they scan in a row as a batch."""

    house: House
    clock: Ticking
    intake: Intake
    heads: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    scans: list[Any] = field(default_factory=list)
    acks: list[ScanAnswer] = field(default_factory=list)
    last: bytes | None = None
    named: int = 0
    dispute: Disputed | None = None
    locks: LockFile = NO_LOCKS
    together: frozenset[str] = frozenset()
    waiting: list[tuple[Leaf, bytes]] = field(default_factory=list)

    @property
    def vkey(self) -> str:
        return text_key(ORIGIN, key("log").public).vkey()

    @property
    def log(self) -> SoftwareSigner:
        return key("log")

    @property
    def case(self) -> str:
        assert self.dispute is not None
        return self.dispute.file.case.id

    def enrol(self, station: str, step: str, site: int, place: str, custodian: str) -> int:
        with self.house.unit() as unit:
            facts = {"site": SITES[site], "place": place, "step": step, "custodian": custodian}
            token = announce(unit, station=station, **facts).token
        with self.house.unit() as unit:
            signer, now_ms = key(station), unit.now_ms
            cose_key = cbor.encode(signer.public.cose_key())
            told = announced(unit.session, token=token, cose_key=cose_key, now_ms=now_ms)
            possession = make_possession(
                origin=ORIGIN, station=told, signer=signer, sub="urn:uuid:possession", iat_s=now_ms // 1000
            )
            return enrol(unit, token=token, cose_key=cose_key, possession=possession, registrar=key("registrar")).index

    def scan(self, station: str, kind: str, body: dict[str, Any], *, after_ms: int = 30 * MINUTE_MS) -> None:
        """One signed scan, taken in by the service; the service's clock goes along."""
        if self.waiting and self.waiting[0][0].station != station:
            self.close_batch()
        self.clock.at_ms += after_ms
        at_ms = self.clock.at_ms
        seq, prev = self.heads.get(station, (0, None))
        more = {"wl:handler": f"h-{station}", "wl:entryMode": "scanned"}
        if self.last is not None:
            more["wl:prevScan"] = write_ni(self.last)
        event = {
            "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld", {"wl": "urn:weaklink:"}],
            "type": kind,
            "eventTime": to_iso(at_ms),
            "eventTimeZoneOffset": "+00:00",
            "eventID": f"urn:uuid:00000000-0000-4000-8000-{self.named:012d}",
            **body,
            **more,
        }
        salt = hashlib.sha256(f"{station}/{seq}".encode()).digest()
        if station in self.together:
            numbered = {"station": station, "subject": SHIPMENT, "seq": seq + 1 + len(self.waiting)}
            salt = hashlib.sha256(f"{station}/{numbered['seq']}".encode()).digest()
            self.waiting.append(make_leaf(json.dumps(event).encode(), salt=salt, **numbered))
            self.last = self.waiting[-1][0].digest
            self.named += 1
            return
        statement, opening = make_scan(
            json.dumps(event).encode(),
            station=station,
            subject=SHIPMENT,
            seq=seq + 1,
            prev=prev,
            iat_s=at_ms // 1000,
            salt=salt,
            signer=key(station),
        )
        scan = open_scan(statement, opening)
        (ack,) = hand_in(self.intake, [scan]).result(timeout=60)
        self.heads[station] = (seq + 1, scan.digest)
        self.last = scan.digest
        self.named += 1
        self.scans.append(scan)
        self.acks.append(ack)

    def close_batch(self) -> None:
        """Sign what waits as one batch, and have it taken in."""
        if not self.waiting:
            return
        leaves, station = [leaf for leaf, _ in self.waiting], self.waiting[0][0].station
        seq, prev = self.heads.get(station, (0, None))
        signer, iat_s = key(station), self.clock.at_ms // 1000
        statement = make_batch(leaves, subject=f"urn:uuid:batch-{seq}", prev=prev, iat_s=iat_s, signer=signer)
        items = [
            HandedScan(subject=leaf.subject, content_type=leaf.content_type, opening=opening)
            for leaf, opening in self.waiting
        ]
        batch = open_batch(statement, items)
        sealed = SealedBatch(batch=batch, seal=seal_batch(batch.statement, signer))
        self.acks += hand_in(self.intake, [sealed]).result(timeout=60)
        self.scans += sealed.scans
        self.heads[station], self.waiting = (batch.statement.last, batch.statement.digest), []

    def other_parcel(self, station: str) -> None:
        """A scan of somebody else's parcel, which must not get into the pack."""
        last, self.last = self.last, None
        self.scan(station, "ObjectEvent", observe(issue_sscc("9521473", 9900 + self.named).uri, "inspecting"))
        self.last = last

    def export(self, beside: Beside | None = None) -> PackExported:
        with self.house.unit() as unit:
            return export_pack(unit, self.case, log_signer=self.log, beside=beside or Beside(locks=self.locks))


def export_pack(unit: Unit, case: str, *, log_signer: Signer, beside: Beside | None = None) -> PackExported:
    """The pack of a case, drawn up and sealed in one unit."""
    drawn = draw_up_pack(unit.session, case, log_signer=log_signer, now_ms=unit.now_ms, beside=beside or Beside())
    return seal_pack(unit, drawn, actor="agent-1", log_signer=log_signer)


@contextmanager
def open_world(url: str, *, together: frozenset[str] = frozenset()) -> Iterator[World]:
    """An empty house with its log and stations, in the database of that address."""
    engine = open_engine(url)
    migrate(engine)
    clock = Ticking()
    house = House(
        engine,
        origin=ORIGIN,
        log_signer=key("log"),
        operator_signer=key("operator"),
        clock=clock,
        ids=Counted(),
    )
    keys = {"lock": key("lock").public.kid, "unlock": key("unlock").public.kid}
    open_log(house, registrar=key("registrar").public, rules={"lock_keys": keys})
    intake = Intake(house, Tolerances())
    intake.start()
    world = World(house=house, clock=clock, intake=intake, together=together)
    for link in LINKS:
        world.enrol(*link)
    try:
        yield world
    finally:
        intake.stop()
        engine.dispose()


def observe(item: str, step: str, **more: Any) -> dict[str, Any]:
    """An observation of one thing."""
    return {"action": "OBSERVE", "epcList": [item], "bizStep": step, "disposition": "in_transit", **more}


def weighed(mass_kg: float, at_ms: int) -> dict[str, Any]:
    """A sensor element with one weighing."""
    return {
        "sensorElementList": [
            {
                "sensorMetadata": {"time": to_iso(at_ms), "deviceID": "https://id.gs1.org/8004/9521473SCALE12"},
                "sensorReport": [{"type": "Mass", "value": mass_kg, "uom": "KGM"}],
            }
        ]
    }


def sides(giver: str, taker: str) -> dict[str, Any]:
    """Who gives and who takes."""
    return {
        "sourceList": [{"type": "possessing_party", "source": giver}],
        "destinationList": [{"type": "possessing_party", "destination": taker}],
    }


def send_parcel(world: World, *, opened: bool = False, found: str = "inspecting", **at_the_door: Any) -> None:
    """Pack, seal, weigh, hand over and deliver the parcel: thirteen scans, with other parcels in between.

    `opened`: the depot first takes the seal off that it then finds broken, and names its key alone. `found`: what it
    does as it finds it broken.
    """
    order = [{"type": "po", "bizTransaction": f"urn:epcglobal:cbv:bt:9521473000102:{ORDER}"}]
    commissioned = observe(PHONE, "commissioning", bizTransactionList=order)
    commissioned |= {"action": "ADD", "disposition": "active", "wl:imei": [IMEI]}
    world.scan("bench-4", "ObjectEvent", commissioned)
    packed = {"parentID": PARCEL, "childEPCs": [PHONE], "action": "ADD", "bizStep": "packing"}
    packed |= {"disposition": "in_progress", "bizTransactionList": order}
    world.scan("bench-4", "AggregationEvent", packed | {"wl:declaredMassGrams": 540, "wl:itemMassGrams": 190})
    its_seal = {"parentID": PARCEL, "childEPCs": ["https://id.gs1.org/8004/9521473SEAL0088213"]}
    sealed = {**its_seal, "action": "ADD", "bizStep": "installing"}
    sealed |= {"disposition": "container_closed", "wl:sealNumber": "S-0088213"}
    world.scan("bench-4", "AssociationEvent", sealed | {"wl:sealState": "intact"})
    weighing = observe(PARCEL, "inspecting", **weighed(0.541, world.clock.at_ms))
    world.scan("bench-4", "ObjectEvent", weighing | {"wl:imei": [IMEI]})
    world.other_parcel("bench-4")
    world.scan("dock-2", "ObjectEvent", observe(PARCEL, "staging_outbound"))
    world.scan("dock-2", "ObjectEvent", observe(PARCEL, "departing", **sides(SELLER, CARRIER)))
    world.other_parcel("lorry-9")
    world.scan("lorry-9", "ObjectEvent", observe(PARCEL, "accepting", **sides(SELLER, CARRIER)))
    world.scan("hub-in-1", "ObjectEvent", observe(PARCEL, "arriving"))
    world.scan("hub-sort-1", "ObjectEvent", observe(PARCEL, "inspecting", **weighed(0.539, world.clock.at_ms)))
    world.scan("lorry-3", "ObjectEvent", observe(PARCEL, "loading"))
    if opened:
        world.scan("depot-2", "AssociationEvent", {**its_seal, "action": "DELETE", "bizStep": "removing"})
    look = observe(PARCEL, found, **{"wl:sealNumber": "S-0088213", "wl:sealState": "broken"})
    world.scan("depot-2", "ObjectEvent", look, after_ms=(5 if opened else 30) * MINUTE_MS)
    world.scan("courier-7", "ObjectEvent", observe(PARCEL, "loading"))
    delivered = observe(PARCEL, "accepting", **sides(CARRIER, RECIPIENT)) | {"disposition": "retail_sold"}
    world.scan("courier-7", "ObjectEvent", delivered | at_the_door)
    world.close_batch()


def open_case_of(
    world: World, *, words: str = "There was a power bank in the box.", support: tuple[str, ...] = ()
) -> str:
    """A sale and the customer's report of it."""
    with world.house.unit() as unit:
        record_sale(
            unit,
            Sale(
                order_ref=ORDER,
                imei=IMEI,
                product="handset",
                contact="jo@example.org",
                facts=OrderFacts(order_ref=ORDER, payment=Payment.CREDIT_CARD, price_pence=89_900),
            ),
        )
    with world.house.unit() as unit:
        report = Report(
            words=words,
            channel="web",
            reported_ms=unit.now_ms,
            claim_type="substituted",
            agreed_by_customer=True,
            said_by=CaseRole.CUSTOMER,
            order=OrderFacts(order_ref=ORDER, payment=Payment.CREDIT_CARD, price_pence=89_900),
            support_needs=support,
        )
        world.dispute = open_dispute(
            unit, report, owner="agent-1", imei=IMEI, parcel=PARCEL, found_instead="a power bank"
        )
    return world.case


def lock_handset(world: World, *, answer_by: str = "system") -> None:
    """A lock that was asked for, sent, applied and answered, the last record by `answer_by`."""
    device, order, command_id = "dev-1", "lock-1", "cmd-1"
    indexes = []
    with world.house.unit() as unit:
        indexes.append(
            unit.record("device.registered", {"device": device, "kid": key(device).public.kid, "imei": IMEI})
        )
        for event, told in (("requested", "requested"), ("approved", "approved")):
            indexes.append(_step(unit, event, order, device, told))
        now_s = unit.now_ms // 1000
        raw = make_command(
            Command(
                op=Op.LOCK,
                command_id=command_id,
                device=device,
                order=order,
                epoch=1,
                counter=1,
                issuer=f"urn:weaklink:operator:{ORIGIN}",
                issued_s=now_s,
                not_after_s=now_s + 3600,
                reason=Reason.SUBSTITUTED,
                authority=Authority(
                    basis=Basis.STANDING_POLICY, text="Standing policy of two people.", references=("p1",)
                ),
                nonce=bytes(16),
                held_until_s=now_s + 72 * 3600,
                screen=LockScreen(
                    who="The seller",
                    why="It did not reach its buyer.",
                    reference=order,
                    phone="0800 000 000",
                    recourse="the Communications Ombudsman",
                    bought="Did you buy it? Tell us.",
                    deadline_s=now_s + 72 * 3600,
                ),
            ),
            CommandSigners(lock=key("lock"), unlock=key("unlock")),
        )
        issued_ms = unit.now_ms
        indexes.append(_step(unit, "published", order, device, "queued", command=command_id))
    with world.house.unit() as unit:
        ack = make_ack(
            DeviceAck(
                command_id=command_id,
                device=device,
                applied=Applied.LOCKED,
                epoch=1,
                counter=1,
                result=AckResult.APPLIED,
                at_s=unit.now_ms // 1000,
            ),
            key(device),
        )
        acked_ms = unit.now_ms
        facts = {"command": command_id, "actor": answer_by}
        indexes.append(_step(unit, "locked", order, device, "active_provisional", **facts))
    history = LockHistory(
        order=order,
        state="active_provisional",
        device=device,
        device_key=key(device).public,
        commands=(LockCommand(raw=raw, issued_ms=issued_ms, ack=ack, acked_ms=acked_ms),),
        indexes=tuple(indexes),
    )
    world.locks = LockFile(keys=LockKeys(lock=key("lock").public, unlock=key("unlock").public), orders=(history,))


def _step(unit: Unit, event: str, order: str, device: str, told: str, **facts: Any) -> int:
    return unit.record(f"lock.{event}", {"order": order, "device": device, "state": told, "actor": "system"} | facts)


def examine(world: World) -> None:
    """Judge the chain with some history around it, and store the answer with what it is computed from."""
    with world.house.unit() as unit:
        scans = sealed_scans(unit.session, scan_book.scans_under(unit.session, [PARCEL]))
        way = read_way(PARCEL, scans, checks=attested_checks(unit.session, scans))
        assert way is not None
        passage = passage_of(way, network_of([look_around([way])], {}))
        dispute = Dispute.of(
            passage,
            name=world.case,
            complaint=Complaint.WRONG_ITEM,
            attach_ms=passage.start_ms + 70 * HOUR_MS,
        )
        result = run(fleet_around(dispute), [dispute, *neighbours(dispute)])
        stored, inquiry = answer_of(result, dispute.id, ran_ms=unit.now_ms)
        row = inquiry_book.read(unit.session, world.case)
        row.result = msgspec.json.encode({**stored, RECOMPUTE: inquiry}).decode()
        unit.session.add(row)
        case_book.note(unit, world.case, "ranked", actor="system", facts=briefly(stored))


def as_before(stored: dict[str, Any], inquiry: dict[str, Any], form: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """An answer and its inputs as a format before wrote them.

    None of those up to /5 knows when a parcel was let go unscanned, nor indices of stays; those up to /4 know no own
    keys of sites, and no time that is meant.
    """
    if form == SIXTH:
        return stored, {**inquiry, "format": form}
    meant = json.dumps([stored, inquiry])
    then: list[dict[str, Any]] = json.loads(meant if form == FIFTH else re.sub(r" \(the \w+ time\)", "", meant))
    inputs = then[1]["inputs"]
    for row in inputs["dispute"]["checkpoints"]:
        del row["left_ms"]
    for row in inputs["dispute"]["segments"]:
        del row["index"]
    for row in [*then[0]["checks"], *inputs["checked"]]:
        del row["stay"]
    if form != FIFTH:
        for row in [*then[0]["checks"], *inputs["checked"]]:
            del row["own"]
        for row in inputs["dispute"]["segments"]:
            del row["site_key"]
    return then[0], {**then[1], "format": form}


def answer_of(result: Inference, dispute: str, *, ran_ms: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The answer of an investigation as the service stores it, and what it is computed from."""
    judgement = result.judgement(dispute)
    naming, explanation = name(judgement, naming_rules(result)), explain(judgement)
    usual = usual_checks(judgement, footage_expires_ms={2: judgement.dispute.start_ms})
    checks = tuple(next_checks(judgement, usual)[:5])
    statement = state(judgement, naming, explanation=explanation, checks=checks)
    inquiry = write_inquiry(
        judgement,
        naming=naming,
        explanation=explanation,
        statement=statement,
        checks=checks,
        ran_ms=ran_ms,
    )
    finding = InvestigationAnswer(
        judgement=judgement,
        naming=naming,
        statement=statement,
        explanation=explanation,
        checks=checks,
        hotspots=(),
        disputes=len(result.disputes),
        parcels=int(result.frame.parcels),
    )
    return describe(finding), inquiry


def fleet_around(dispute: Dispute) -> Fleet:
    """Traffic that covers the chain many times over."""
    segments = dispute.segments
    return Fleet(
        parcels=4_000,
        high_value_parcels=2_000.0,
        parcels_without_pin=800.0,
        handlers={
            segment.handler: HandlerTraffic(site=segment.site, step=segment.step, high_value=(200.0, 200.0, 200.0))
            for segment in segments
            if segment.handler is not None
        },
        site_shifts={(segment.site, shift): 300.0 for segment in segments for shift in range(3)},
        site_steps={(segment.site, segment.step): Passes(all=4_000.0, high_value=2_000.0) for segment in segments},
        routes={"h-courier-7": 900.0},
        regions={segment.site: "north" for segment in segments},
        missed_scan={"h-hub-sort-1": 0.07},
        dwell_offset={(segments[-1].site, segments[-1].shift): 0.2},
    )


def neighbours(dispute: Dispute) -> list[Dispute]:
    """Other disputes of the same chain, so that there is something to learn from."""
    return [
        Dispute(
            id=f"other-{number}",
            high_value=True,
            start_ms=dispute.start_ms,
            segments=dispute.segments,
            checkpoints=dispute.checkpoints,
            declared_mass_g=540,
            item_mass_g=190,
            complaint=Complaint.WRONG_ITEM if number % 2 else Complaint.NOT_ARRIVED,
        )
        for number in range(6)
    ]


def whole_story(world: World, **at_the_door: Any) -> None:
    """Everything that a pack can hold."""
    send_parcel(world, **at_the_door)
    open_case_of(world, support=("large print",))
    lock_handset(world)
    examine(world)
