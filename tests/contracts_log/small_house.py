"""A house with a log, an intake and a station or two, for the tests of what the log promises to outsiders."""

import json
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from custody.kernel import cbor, cose
from custody.kernel.clock import to_iso
from custody.kernel.errors import Trouble
from custody.kernel.keys import P256_ORDER, SoftwareSigner
from custody.ledger.audit import Audit
from custody.ledger.note import Ed25519Verifier, text_key
from custody.ledger.replay import AuditFinding
from custody.ledger.statements import make_possession
from custody.ledger.tiles import ENTRIES, TileId
from custody.scans.scan import make_scan, open_scan
from custody.scans.tolerances import Tolerances
from custody.store import log_reader
from custody.store.engine import open_engine
from custody.store.migrate import migrate
from custody.store.unit import House
from custody.usecases.accept_scans import Intake
from custody.usecases.enrol_station import announce, enrol
from custody.usecases.judge_group import ScanAnswer
from custody.usecases.open_log import open_log
from tests.handed_in import hand_in
from tests.world_parts import ORIGIN, VERSIONS, Clock, SeededIds, key

SITE = "https://id.gs1.org/414/9521473000102"
CUSTODIAN = "https://id.gs1.org/417/9521473000003"
CARRIER = "https://id.gs1.org/417/9521886000010"
HOME = "https://id.gs1.org/8018/952188600000044173"
CAGE = "https://id.gs1.org/8003/00952147300012412"
SSCC = "https://id.gs1.org/00/195214730000088169"
OTHER_SSCC = "https://id.gs1.org/00/195214730000088176"
HANDSET = "https://id.gs1.org/01/09521473003813/21/001017004829159"
OUT = {"action": "DELETE", "bizStep": "unpacking"}
"""What makes a packing an unpacking."""
OPENED: list[House] = []
"""Houses to close when the test is over."""
VERIFIER = Ed25519Verifier(key=text_key(ORIGIN, key("log").public))


def open_house(url: str) -> House:
    """The house over that database, brought up to date; its log may still be closed."""
    engine = open_engine(url)
    migrate(engine, *VERSIONS)
    signers = {"log_signer": key("log"), "operator_signer": key("operator")}
    OPENED.append(House(engine, origin=ORIGIN, clock=Clock(), ids=SeededIds(url), **signers))
    return OPENED[-1]


def opened_house(url: str, rules: Mapping[str, Any] = MappingProxyType({})) -> House:
    """The same with its log opened."""
    house = open_house(url)
    open_log(house, registrar=key("registrar").public, rules=rules)
    return house


def add_records(house: House, count: int) -> None:
    """Make the log longer by some records of ours."""
    with house.unit() as unit:
        for number in range(count):
            unit.record("test.note", {"number": number})


def event(station: str, seq: int, item: str, at_ms: int) -> dict[str, Any]:
    """What a scan says."""
    return {
        "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld", {"wl": "urn:weaklink:"}],
        "type": "ObjectEvent",
        "eventID": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{station}/{seq}')}",
        "eventTime": to_iso(at_ms),
        "eventTimeZoneOffset": "+00:00",
        "epcList": [item],
        "action": "OBSERVE",
        "bizStep": "inspecting",
        "disposition": "in_transit",
        "readPoint": {"id": SITE},
    }


def parties(giver: str, taker: str) -> dict[str, Any]:
    """Who hands over to whom."""
    return {
        "sourceList": [{"type": "possessing_party", "source": giver}],
        "destinationList": [{"type": "possessing_party", "destination": taker}],
    }


def weighing(grams: float) -> dict[str, Any]:
    """What a scale shows."""
    return {"sensorElementList": [{"sensorReport": [{"type": "Mass", "value": grams / 1000, "uom": "KGM"}]}]}


def in_a_cage(*parcels: str) -> dict[str, Any]:
    """Parcels put into a cage, which is weighed and has a seal of its own."""
    body = {"type": "AggregationEvent", "action": "ADD", "bizStep": "loading", "parentID": CAGE, "epcList": None}
    return {**body, "childEPCs": list(parcels), "wl:sealNumber": "CAGE-77", **weighing(62_400)}


def packing(into: str, **more: Any) -> dict[str, Any]:
    """The handset put into a parcel."""
    body = {"type": "AggregationEvent", "action": "ADD", "bizStep": "packing", "parentID": into, "epcList": None}
    return {**body, "childEPCs": [HANDSET], **more}


@dataclass(slots=True, kw_only=True)
class Bench:
    """A station: signs scans in its own sequence."""

    name: str
    signer: SoftwareSigner
    seq: int = 0
    prev: bytes | None = None
    made: list[tuple[bytes, bytes]] = field(default_factory=list)

    def sign(self, house: House, item: str = SSCC, **more: Any) -> tuple[bytes, bytes]:
        """Statement and opening of the next scan."""
        at_ms = house.clock.now_ms()
        self.seq += 1
        body = event(self.name, self.seq, item, at_ms) | more
        body = {name: value for name, value in body.items() if value is not None}
        pair = make_scan(
            json.dumps(body).encode(),
            station=self.name,
            subject=f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, item)}",
            seq=self.seq,
            prev=self.prev,
            iat_s=at_ms // 1000,
            salt=house.ids.random_bytes(32),
            signer=self.signer,
        )
        self.prev = open_scan(*pair).digest
        self.made.append(pair)
        return pair


def enrol_bench(
    house: House,
    name: str = "bench-07",
    signer: SoftwareSigner | None = None,
    *,
    custodian: str = CUSTODIAN,
    site: str = SITE,
) -> Bench:
    """A station whose key is in the log."""
    bench = Bench(name=name, signer=signer or key(f"station {name}"))
    with house.unit() as unit:
        told = announce(unit, station=name, site=site, place="Bench", step="pack", custodian=custodian)
        proof = make_possession(
            origin=ORIGIN, station=name, signer=bench.signer, sub="urn:uuid:0", iat_s=unit.now_ms // 1000
        )
        cose_key = cbor.encode(bench.signer.public.cose_key())
        enrol(unit, token=told.token, cose_key=cose_key, possession=proof, registrar=key("registrar"))
    return bench


def twin_of(statement: bytes) -> bytes:
    """The same statement under the other signature that ECDSA has for it."""
    message = cose.parse(statement)
    r, s = message.signature[:32], int.from_bytes(message.signature[32:], "big")
    return cose._assemble(message.protected_raw, {}, message.payload, r + (P256_ORDER - s).to_bytes(32, "big"))


@contextmanager
def running_intake(house: House) -> Iterator[Intake]:
    """An intake that takes scans in until the block ends."""
    intake = Intake(house, Tolerances())
    intake.start()
    try:
        yield intake
    finally:
        intake.stop()


def send(house: House, *pairs: tuple[bytes, bytes]) -> list[ScanAnswer]:
    """Hand scans in together."""
    with running_intake(house) as intake:
        return hand_in(intake, [open_scan(*pair) for pair in pairs]).result(timeout=60)


def findings(house: House) -> list[AuditFinding]:
    """Everything that an auditor finds in the log as stored."""
    with house.read() as session:

        def tile(wanted: TileId) -> bytes:
            read = log_reader.bundle if wanted.level == ENTRIES else log_reader.tile
            return read(session, wanted)

        return list(Audit(get_checkpoint=lambda: log_reader.head(session).note, get_tile=tile, log=VERIFIER).run())


def size_of(house: House) -> int:
    """How long the log is."""
    with house.read() as session:
        return log_reader.head(session).size


def copy_database(url: str, to: Path) -> str:
    """A copy of a SQLite database that nobody has open, as a backup would be."""
    source = Path(url.removeprefix("sqlite:///"))
    to.mkdir(parents=True, exist_ok=True)
    for file in source.parent.glob(f"{source.name}*"):
        shutil.copy(file, to / file.name)
    return f"sqlite:///{to / source.name}"


@contextmanager
def raises(kind: type[Trouble], code: str) -> Iterator[None]:
    """What happens inside is refused with that error, which says what to do."""
    with pytest.raises(kind) as caught:
        yield
    assert caught.value.code == code, caught.value
    assert caught.value.detail
    assert caught.value.fix
