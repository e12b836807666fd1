from collections.abc import Callable
from itertools import pairwise
from typing import Any

import httpx
import pytest

from custody.kernel import cbor
from custody.kernel.base64url import unb64
from custody.kernel.errors import Conflict, Fatal, Forbidden, NotFound, Rejected, Trouble, Unavailable
from custody.kernel.keys import new_signer, read_cose_key
from custody.ledger.statements import SigningRegistrar, StationInfo, make_key_add, read_key_add
from custody.scans.batch import HandedScan, check_seal, open_batch
from custody.scans.scan import open_scan
from simulators import client as client_module
from simulators.client import ServiceClient
from simulators.events import finish, write
from simulators.faults import HTTP_FAULTS, Fault, FaultyHttp, flipped, plan_faults, sign_with_wrong_key, truncated
from simulators.geography import build_geography
from simulators.station import Signed, SignedBatch, Station, make_station

POST = build_geography().post("hub-1/hub_sort")
AT_MS = 1_790_000_000_000


class Shelf(httpx.BaseTransport):
    """A service that keeps what it is sent, once each, and answers as ours does."""

    def __init__(self) -> None:
        self.kept: list[bytes] = []
        self.key = make_station(POST, seed="test").signer.public

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        try:
            pairs = cbor.decode(request.read())
            if request.url.path.endswith("batches"):
                return httpx.Response(201, json={"items": self._take_batch(*pairs)})
            pairs = pairs if request.url.path.endswith("batch") else [pairs]
            items = [self._take(*pair) for pair in pairs]
        except Rejected as error:
            problem = {"type": f"urn:weaklink:problem:{error.code}", "detail": error.detail, "fix": error.fix}
            return httpx.Response(422, json=problem)
        return httpx.Response(201, json={"items": items} if request.url.path.endswith("batch") else items[0])

    def _take_batch(self, statement: bytes, seal: bytes, items: list[list[Any]]) -> list[dict[str, Any]]:
        given = [HandedScan(subject=subject, content_type=kind, opening=opening) for subject, kind, opening in items]
        batch = open_batch(statement, given)
        check_seal(batch, seal, self.key)
        return [self._keep(leaf.digest) for leaf in batch.leaves]

    def _take(self, statement: bytes, opening: bytes) -> dict[str, Any]:
        return self._keep(open_scan(statement, opening).digest)

    def _keep(self, digest: bytes) -> dict[str, Any]:
        if digest in self.kept:
            return {"result": "duplicate", "code": "S10", "flags": []}
        self.kept.append(digest)
        return {"result": "accepted", "code": "S00", "flags": []}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries come at once."""
    monkeypatch.setattr(client_module, "FIRST_WAIT_S", 0.0)


@pytest.fixture
def station() -> Station:
    """Lend a station that has signed nothing."""
    return make_station(POST, seed="test")


def scan(station: Station, number: int, *, sign: Callable[..., Any] | None = None) -> Any:
    event_id = f"urn:uuid:00000000-0000-4000-8000-{number:012d}"
    body = {
        "type": "ObjectEvent",
        "epcList": ["https://id.gs1.org/00/195214730000088169"],
        "action": "OBSERVE",
        "bizStep": "inspecting",
    }
    event = write(finish(body, at_ms=AT_MS, event_id=event_id))
    subject = "urn:uuid:5b0f5f5e-3a43-4d0e-9d0b-6f1f0f6f9a31"
    return (sign or station.sign)(event, subject=subject, event_id=event_id, at_ms=AT_MS)


def service(plan: list[Fault | None] | None = None) -> tuple[ServiceClient, Shelf, FaultyHttp]:
    shelf = Shelf()
    wire = FaultyHttp(shelf, plan or [])
    http = httpx.Client(base_url="http://service.example", transport=wire)
    return ServiceClient("http://service.example", http=http), shelf, wire


@pytest.mark.parametrize("fault", HTTP_FAULTS)
@pytest.mark.parametrize("send", ["single", "batch"])
def test_whatever_is_lost_every_scan_is_stored_once_and_in_order(station: Station, fault: Fault, send: str) -> None:
    client, shelf, wire = service(
        [None, fault, fault, None, fault] if send == "single" else [fault, None, fault, fault]
    )
    made = [scan(station, number) for number in range(6)]
    for one in made:
        station.store(one)
    if send == "single":
        while station.send_next(client):
            pass
    else:
        station.forward(client, batch=2)
    assert wire.dealt
    assert shelf.kept == [one.digest for one in made]
    assert not station.backlog
    assert not station.refused


def test_a_station_that_stays_offline_keeps_its_scans_and_their_order(station: Station) -> None:
    client, shelf, _ = service([Fault.REQUEST_LOST] * 8)
    made = [scan(station, number) for number in range(3)]
    for one in made:
        station.store(one)
    with pytest.raises(Unavailable):
        station.forward(client)
    assert list(station.backlog) == made
    station.forward(client)
    assert shelf.kept == [one.digest for one in made]


@pytest.mark.parametrize("fault", HTTP_FAULTS)
def test_batches_and_plain_scans_leave_the_backlog_in_order_and_once(station: Station, fault: Fault) -> None:
    client, shelf, _ = service([fault, None, fault, fault])
    station.store(scan(station, 0))
    names = list(shelf.kept)
    for start in (1, 4):
        for number in range(start, start + 3):
            collect(station, number)
        station.store(station.close_batch(subject="urn:uuid:batch", at_ms=AT_MS))
    station.store(scan(station, 7))
    for each in station.backlog:
        names += [one.digest for one in each.scans] if isinstance(each, SignedBatch) else [each.digest]
    answers = station.forward(client)
    assert shelf.kept == names == [answer.scan.digest for answer in answers]
    assert not station.backlog


def test_a_batch_that_is_refused_is_an_answer_to_each_of_its_scans(station: Station) -> None:
    client, shelf, _ = service()
    shelf.key = new_signer().public
    for number in range(3):
        collect(station, number)
    station.store(station.close_batch(subject="urn:uuid:batch", at_ms=AT_MS))
    assert [answer.result for answer in station.send_next(client)] == ["refused"] * 3
    assert len(station.refused) == 3
    assert not station.backlog
    assert shelf.kept == []


def collect(station: Station, number: int) -> None:
    scan(station, number, sign=station.collect)


def test_a_scan_that_is_refused_for_good_leaves_the_backlog_and_is_kept(station: Station) -> None:
    client, shelf, _ = service()
    station.store(truncated(scan(station, 1)))
    station.store(scan(station, 2))
    (first,) = station.send_next(client)
    (second,) = station.send_next(client)
    assert (first.result, second.result) == ("refused", "accepted")
    assert [answer.body["code"] for answer in station.refused] == ["opening"]
    assert len(shelf.kept) == 1


def test_statements_are_numbered_from_one_and_chained(station: Station) -> None:
    made = [scan(station, number) for number in range(4)]
    opened = [open_scan(one.statement, one.opening) for one in made]
    assert [each.seq for each in opened] == [1, 2, 3, 4]
    assert opened[0].prev is None
    assert all(after.prev == before.digest for before, after in pairwise(opened))


def test_a_forged_scan_does_not_move_the_station_and_does_not_verify(station: Station) -> None:
    first = scan(station, 1)

    def forge(event: bytes, **facts: Any) -> Signed:
        return sign_with_wrong_key(station, event, **facts, seed=1)

    forged = open_scan(*_parts(scan(station, 2, sign=forge)))
    assert (station.seq, station.head) == (1, first.digest)
    assert (forged.seq, forged.prev) == (2, first.digest)
    with pytest.raises(Rejected):
        forged.message.verify(station.signer.public)


def test_a_flipped_byte_of_the_signature_does_not_verify(station: Station) -> None:
    changed = open_scan(*_parts(flipped(scan(station, 1), seed=1)))
    with pytest.raises(Rejected):
        changed.message.verify(station.signer.public)


def test_both_times_of_a_scan_are_read_from_the_stations_own_clock() -> None:
    station = make_station(POST, seed="test", clock_offset_ms=90_000)
    opened = open_scan(*_parts(scan(station, 1)))
    assert opened.iat_s == (AT_MS + 90_000) // 1000


def test_enrolment_brings_a_key_and_a_proof_that_a_registrar_can_use(station: Station) -> None:
    sent: list[dict[str, Any]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(httpx.Response(200, content=request.content).json())
        return httpx.Response(201, json={"enrol_token": "t", "station": station.name})

    http = httpx.Client(base_url="http://service.example", transport=httpx.MockTransport(answer))
    client = ServiceClient("http://service.example", token="session", http=http)
    station.enrol(client, station.announce(client), origin="log.example/a", at_ms=AT_MS)
    announced, enrolled = sent
    link = station.post.link
    assert announced["site"] == link.site.key
    assert enrolled["token"] == "t"
    key = read_cose_key(cbor.decode(unb64(enrolled["cose_key"], where="an answer")))
    info = StationInfo(
        station=station.name, site=link.site.key, place=station.post.place, step=link.step, custodian=link.custodian
    )
    statement = make_key_add(
        info,
        origin="log.example/a",
        key=key,
        possession=unb64(enrolled["proof"], where="an answer"),
        by=SigningRegistrar(name="registrar-1", signer=new_signer(), sub="urn:x:1", iat_s=AT_MS // 1000),
    )
    assert read_key_add(statement).key == station.signer.public


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, Rejected),
        (403, Forbidden),
        (404, NotFound),
        (409, Conflict),
        (413, Rejected),
        (422, Rejected),
        (429, Unavailable),
        (500, Fatal),
        (503, Unavailable),
    ],
)
def test_a_problem_document_becomes_the_error_that_says_what_to_do(status: int, kind: type[Trouble]) -> None:
    problem = {"type": "urn:weaklink:problem:seal", "detail": "it is torn", "fix": "Take another.", "seal": "S-1"}
    transport = httpx.MockTransport(lambda _request: httpx.Response(status, json=problem))
    client = ServiceClient(
        "http://service.example", http=httpx.Client(base_url="http://service.example", transport=transport)
    )
    with pytest.raises(Trouble) as caught:
        client.get("/v1/anything")
    error = caught.value
    assert (type(error), error.code, error.fix, error.facts) == (kind, "seal", "Take another.", {"seal": "S-1"})


def test_an_error_without_a_problem_document_still_says_what_came() -> None:
    transport = httpx.MockTransport(lambda _request: httpx.Response(502, text="bad gateway"))
    client = ServiceClient(
        "http://service.example", http=httpx.Client(base_url="http://service.example", transport=transport)
    )
    with pytest.raises(Unavailable) as caught:
        client.get("/v1/anything")
    assert caught.value.code == "502"


def test_fault_plans_are_repeatable() -> None:
    assert plan_faults(50, chance=0.3, seed=1) == plan_faults(50, chance=0.3, seed=1)
    assert plan_faults(50, chance=0.3, seed=1) != plan_faults(50, chance=0.3, seed=2)
    assert plan_faults(50, chance=0.0, seed=1) == [None] * 50


def _parts(one: Signed) -> tuple[bytes, bytes]:
    return one.statement, one.opening
