"""A station that collects scans and signs one root over them, and that looks at the log before it writes."""

import hashlib

import httpx
import pytest

from custody.gs1.named_information import read_ni, write_ni
from custody.kernel.cose import parse
from custody.kernel.errors import Conflict
from custody.kernel.keys import new_signer
from custody.ledger.checkpoint import Checkpoint, sign_checkpoint
from custody.ledger.cosignature import cosign
from custody.ledger.note import add_signatures
from custody.scans.batch import BatchedScan, HandedScan, check_seal, open_batch, read_batch, verify_scan
from custody.scans.scan import open_scan
from simulators.client import ServiceClient
from simulators.events import finish, write
from simulators.geography import build_geography
from simulators.station import Collected, Signed, SignedBatch, Station, make_station

POST = build_geography().post("hub-1/hub_sort")
AT_MS = 1_790_000_000_000
SUBJECT = "urn:uuid:5b0f5f5e-3a43-4d0e-9d0b-6f1f0f6f9ab7"
HEAD = Checkpoint(origin="log.example/a", size=7, root=b"\7" * 32)
NOTE = sign_checkpoint(HEAD, new_signer(seed=b"\1" * 32))


@pytest.fixture
def station() -> Station:
    """Lend a station that has signed nothing."""
    return make_station(POST, seed="batches", clock_offset_ms=2_000)


def event(number: int, **more: str) -> bytes:
    body = {
        "type": "ObjectEvent",
        "epcList": ["https://id.gs1.org/00/195214730000088169"],
        "action": "OBSERVE",
        "bizStep": "inspecting",
        **more,
    }
    return write(finish(body, at_ms=AT_MS, event_id=event_id(number)))


def event_id(number: int) -> str:
    return f"urn:uuid:00000000-0000-4000-8000-{number:012d}"


def collect(station: Station, count: int, *, at_ms: int = AT_MS) -> list[Collected]:
    return [
        station.collect(event(number), subject=f"shipment {number}", event_id=event_id(number), at_ms=at_ms)
        for number in range(count)
    ]


def close(station: Station, count: int) -> SignedBatch:
    collect(station, count)
    made = station.close_batch(subject=SUBJECT, at_ms=AT_MS)
    assert isinstance(made, SignedBatch)
    return made


@pytest.mark.parametrize("count", [2, 7, 256])
def test_a_batch_opens_and_each_of_its_scans_stands_alone(station: Station, count: int) -> None:
    made = close(station, count)
    items = [
        HandedScan(subject=scan.leaf.subject, content_type=scan.leaf.content_type, opening=scan.opening)
        for scan in made.scans
    ]
    batch, key = open_batch(made.statement, items), station.signer.public
    batch.statement.message.verify(key)
    check_seal(batch, made.seal, key)
    assert batch.statement.iat_s == (AT_MS + 2_000) // 1000
    for scan, opened in zip(made.scans, batch.scans, strict=True):
        assert isinstance(opened, BatchedScan)
        assert (scan.seq, scan.digest, scan.event_id) == (opened.seq, opened.digest, opened.event.event_id)
        assert verify_scan(scan.statement, scan.leaf.raw, scan.opening, scan.receipt, key) == opened


def test_plain_statements_and_batches_are_one_chain(station: Station) -> None:
    first = station.sign(event(90), subject="s", event_id=event_id(90), at_ms=AT_MS)
    made = close(station, 3)
    last = station.sign(event(91), subject="s", event_id=event_id(91), at_ms=AT_MS)
    batch, after = read_batch(made.statement), open_scan(last.statement, last.opening)
    assert (batch.first, batch.last, batch.prev) == (2, 4, first.digest)
    assert (after.seq, after.prev) == (5, made.digest)


def test_a_batch_of_one_is_a_plain_statement(station: Station) -> None:
    before = close(station, 2)
    collect(station, 1)
    made = station.close_batch(subject=SUBJECT, at_ms=AT_MS)
    assert type(made) is Signed
    scan = open_scan(made.statement, made.opening)
    scan.message.verify(station.signer.public)
    assert (scan.seq, scan.prev, scan.subject) == (3, before.digest, "shipment 0")
    assert (station.seq, station.head) == (3, parse(made.statement).digest)


def test_a_scan_can_name_an_earlier_one_of_its_own_batch(station: Station) -> None:
    first = station.collect(event(1), subject="s", event_id=event_id(1), at_ms=AT_MS)
    naming = event(2, **{"wl:prevScan": write_ni(first.leaf.digest)})
    station.collect(naming, subject="s", event_id=event_id(2), at_ms=AT_MS)
    made = station.close_batch(subject=SUBJECT, at_ms=AT_MS)
    assert isinstance(made, SignedBatch)
    one, two = made.scans
    opened = verify_scan(two.statement, two.leaf.raw, two.opening, two.receipt, station.signer.public)
    assert read_ni(opened.event.extensions["wl:prevScan"]) == one.digest


def test_a_batch_is_due_when_it_is_full_or_a_second_old(station: Station) -> None:
    assert not station.is_due(AT_MS)
    collect(station, 1)
    assert (station.is_due(AT_MS + 999), station.is_due(AT_MS + 1_000)) == (False, True)
    collect(station, 255)
    assert station.is_due(AT_MS)
    with pytest.raises(Conflict):
        collect(station, 1)
    made = station.close_batch(subject=SUBJECT, at_ms=AT_MS)
    assert isinstance(made, SignedBatch)
    assert (len(made.scans), station.seq, station.is_due(AT_MS + 5_000)) == (256, 256, False)


def test_nothing_is_signed_past_scans_that_wait_and_no_empty_batch_is_closed(station: Station) -> None:
    with pytest.raises(Conflict):
        station.close_batch(subject=SUBJECT, at_ms=AT_MS)
    collect(station, 2)
    with pytest.raises(Conflict):
        station.sign(event(9), subject="s", event_id=event_id(9), at_ms=AT_MS)
    station.close_batch(subject=SUBJECT, at_ms=AT_MS)
    assert station.sign(event(9), subject="s", event_id=event_id(9), at_ms=AT_MS).seq == 3


def shown(*answers: httpx.Response) -> ServiceClient:
    """A service that answers so when it is asked for its checkpoint."""
    left = list(answers)
    transport = httpx.MockTransport(lambda _request: left.pop(0))
    return ServiceClient("http://log.example", http=httpx.Client(base_url="http://log.example", transport=transport))


def test_a_station_embeds_the_last_checkpoint_that_it_saw_cosigned(station: Station) -> None:
    cosigned = add_signatures(NOTE, [cosign(HEAD, name="carrier.example", signer=new_signer(), at_s=AT_MS // 1000)])
    assert station.witnessed() == {}
    client = shown(
        httpx.Response(200, content=NOTE),
        httpx.Response(200, content=cosigned),
        httpx.Response(200, content=NOTE),
        httpx.Response(503, json={"type": "urn:weaklink:problem:no_quorum"}),
    )
    station.look(client)
    assert station.witnessed() == {}, "the log's own word is no witness"
    for _ in range(3):
        station.look(client)
        assert station.witnessed() == {"wl:witnessedCheckpoint": write_ni(hashlib.sha256(cosigned).digest())}
    scan = station.sign(event(1, **station.witnessed()), subject="s", event_id=event_id(1), at_ms=AT_MS)
    opened = open_scan(scan.statement, scan.opening).event
    assert read_ni(opened.extensions["wl:witnessedCheckpoint"]) == hashlib.sha256(cosigned).digest()
