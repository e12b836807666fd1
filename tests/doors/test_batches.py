"""The scanners' door for batches over HTTP, and what proves one scan of a batch alone."""

import hashlib
from collections.abc import Iterator, Sequence

import httpx
import pytest

from api.cli.instance import Instance
from custody.kernel import cbor
from custody.kernel.base64url import unb64
from custody.kernel.errors import NotFound
from custody.kernel.receipt import verify_receipt
from custody.scans.batch import HandedScan, make_batch, open_batch, read_batch, seal_batch, verify_scan
from custody.scans.leaf import make_leaf, name_leaf
from custody.scans.scan import CONTENT_TYPE
from simulators.agent import sign_in
from simulators.client import ServiceClient
from tests.doors.log_desk import EVENT, SSCC, Desk

TOGETHER = {"Content-Type": "application/vnd.weaklink.scan-batch+cbor"}
COUNT = 4


class BatchDesk(Desk):
    """A station that signs in batches."""

    def together(self, events: Sequence[bytes] = (EVENT,) * COUNT) -> bytes:
        """The body of the next batch."""
        made = [
            make_leaf(
                event,
                station="desk-1",
                subject=f"urn:uuid:shipment-{at}",
                seq=self.seq + 1 + at,
                salt=hashlib.sha256(f"{self.seq}/{at}".encode()).digest(),
            )
            for at, event in enumerate(events)
        ]
        statement = make_batch(
            [leaf for leaf, _ in made],
            subject="urn:uuid:batch",
            prev=self.prev,
            iat_s=1_778_487_150,
            signer=self.signer,
        )
        self.openings = [opening for _, opening in made]
        read = read_batch(statement)
        self.seq, self.prev = read.last, read.digest
        items = [[leaf.subject, leaf.content_type, opening] for leaf, opening in made]
        open_batch(
            statement, [HandedScan(subject=one, content_type=kind, opening=opening) for one, kind, opening in items]
        )
        return cbor.encode([statement, seal_batch(read, self.signer), items])

    def hand_in(self, body: bytes) -> httpx.Response:
        """Post a batch."""
        return self.http.post("/v1/batches", content=body, headers=TOGETHER)


@pytest.fixture(scope="module")
def desk(instance: Instance) -> Iterator[BatchDesk]:
    """Lend a station at the door."""
    made = BatchDesk(instance)
    yield made
    made.http.close()


@pytest.fixture(scope="module")
def agent(instance: Instance) -> Iterator[ServiceClient]:
    """Lend an agent's session."""
    client = ServiceClient(instance.address)
    yield sign_in(client, "agent-1", instance.accounts["agent-1"]).client
    client.close()


def test_a_batch_is_answered_scan_by_scan_and_a_repeat_as_before(desk: BatchDesk) -> None:
    body = desk.together()
    first, again = desk.hand_in(body), desk.hand_in(body)
    assert (first.status_code, again.status_code) == (201, 200)
    told, repeated = first.json(), again.json()
    assert (told["count"], len(told["items"])) == (COUNT, COUNT)
    assert [item["position"] for item in told["items"]] == list(range(COUNT))
    assert {item["index"] for item in told["items"]} == {told["index"]}
    assert {item["code"] for item in repeated["items"]} == {"S10"}
    assert [item["digest"] for item in repeated["items"]] == [item["digest"] for item in told["items"]]
    assert repeated["index"] == told["index"]


def test_one_scan_is_proved_by_leaf_station_receipt_statement_and_log(desk: BatchDesk) -> None:
    told = desk.hand_in(desk.together()).json()
    for at, item in enumerate(told["items"]):
        proof = desk.http.get(f"/v1/scans/{item['digest']}").json()
        statement, leaf, receipt = (unb64(proof[name], where=name) for name in ("statement", "leaf", "station_receipt"))
        scan = verify_scan(statement, leaf, desk.openings[at], receipt, desk.signer.public)
        assert (scan.digest.hex(), proof["position"], proof["index"]) == (item["digest"], at, told["index"])
        assert desk.http.get(item["receipt"]).content == receipt
        logged = desk.http.get(proof["receipt"])
        assert verify_receipt(logged.content, statement, desk.log_key()).index == told["index"]
        assert desk.http.get(f"/v1/entries/{item['digest']}").json()["index"] == told["index"]


def test_a_plain_scan_has_the_same_address(desk: BatchDesk) -> None:
    statement, opening = desk.sign()
    scan = {"Content-Type": "application/vnd.weaklink.scan+cbor"}
    told = desk.http.post("/v1/scans", content=cbor.encode([statement, opening]), headers=scan).json()
    assert "position" not in told
    proof = desk.http.get(f"/v1/scans/{told['digest']}").json()
    assert (proof["index"], proof["position"], "leaf" in proof) == (told["index"], None, False)
    receipt = desk.http.get(f"/v1/scans/{told['digest']}/receipt").content
    assert verify_receipt(receipt, statement, desk.log_key()).index == told["index"]


@pytest.mark.parametrize("name", ["0" * 64, "G" * 64, "17", "0" * 63])
def test_an_unknown_scan_is_not_found(desk: BatchDesk, name: str) -> None:
    for path in (f"/v1/scans/{name}", f"/v1/scans/{name}/receipt"):
        assert desk.http.get(path).status_code == 404


@pytest.mark.parametrize("body", [None, [], [b"", b""], [b"", b"", []], [b"", b"", [[1, "x", b""]]], [b"", b"", [b""]]])
def test_what_is_no_batch_is_refused(desk: BatchDesk, body: object) -> None:
    answer = desk.hand_in(cbor.encode(body))
    assert answer.status_code == 422, answer.text


def test_a_seal_that_is_not_the_stations_is_refused_and_the_batch_can_be_sent_again(desk: BatchDesk) -> None:
    body = desk.together()
    parts = cbor.decode(body)
    wrong = desk.hand_in(cbor.encode([parts[0], parts[0], parts[2]]))
    assert wrong.status_code == 422
    assert desk.hand_in(body).status_code == 201


def test_a_batch_whose_signature_is_wrong_is_refused_whole(desk: BatchDesk) -> None:
    statement, *rest = cbor.decode(desk.together())
    answer = desk.hand_in(cbor.encode([statement[:-1] + bytes([statement[-1] ^ 1]), *rest]))
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:weaklink:problem:signature")
    assert desk.hand_in(cbor.encode([statement, *rest])).status_code == 201


def test_a_batch_in_which_nothing_can_be_read_is_new_when_it_first_comes(desk: BatchDesk) -> None:
    first, openings = desk.seq + 1, [hashlib.sha256(b"%d" % at).digest() + b"nothing" for at in range(COUNT)]
    leaves = [
        name_leaf(
            station="desk-1",
            subject=f"urn:uuid:unread-{at}",
            seq=first + at,
            content_type=CONTENT_TYPE,
            commitment=hashlib.sha256(opening).digest(),
        )
        for at, opening in enumerate(openings)
    ]
    statement = make_batch(leaves, subject="urn:uuid:b", prev=desk.prev, iat_s=1_778_487_150, signer=desk.signer)
    read = read_batch(statement)
    desk.seq, desk.prev = read.last, read.digest
    items = [[leaf.subject, leaf.content_type, opening] for leaf, opening in zip(leaves, openings, strict=True)]
    answer = desk.hand_in(cbor.encode([statement, seal_batch(read, desk.signer), items]))
    assert answer.status_code == 201
    assert answer.json()["index"] is not None
    assert {item["result"] for item in answer.json()["items"]} == {"refused"}


def test_a_batch_is_not_registered_without_its_openings(desk: BatchDesk) -> None:
    statement = cbor.decode(desk.together())[0]
    assert desk.post(statement).status_code == 400


def test_other_methods_are_told_so(desk: BatchDesk) -> None:
    assert desk.http.get("/v1/batches").status_code == 405


def test_trail_and_events_show_each_scan_of_a_batch_with_its_own_place(desk: BatchDesk, agent: ServiceClient) -> None:
    told = desk.hand_in(desk.together()).json()
    trail = agent.get("/v1/trails", item=SSCC)
    mine = [entry for entry in trail["entries"] if entry["index"] == told["index"]]
    assert {entry["position"]: entry["digest"] for entry in mine} == {
        item["position"]: item["digest"] for item in told["items"]
    }
    for item in told["items"]:
        name = f"{told['index']}.{item['position']}"
        assert trail["receipts"][name] == item["receipt"] == f"/v1/scans/{item['digest']}/receipt"
        raw = agent.get_bytes(f"/v1/events/{told['index']}?position={item['position']}")
        assert raw == EVENT
    page = agent.get("/v1/events", MATCH_anyEPC=SSCC, perPage=1, after=told["index"] - 1)
    assert [event["position"] for event in page["events"]] == list(range(COUNT)), "a page does not cut a batch"
    assert page["next"] is None
    with pytest.raises(NotFound):
        agent.get(f"/v1/events/{told['index']}")
    with pytest.raises(NotFound):
        agent.get(f"/v1/events/{told['index']}?position={COUNT}")


def test_the_trail_page_shows_scans_of_batches(desk: BatchDesk, agent: ServiceClient) -> None:
    told = desk.hand_in(desk.together()).json()
    page = agent.get_bytes(f"/console/trails/{SSCC}?check=true").decode()
    for item in told["items"]:
        assert f'id="entry-{told["index"]}.{item["position"]}"' in page
        assert item["receipt"] in page
    assert "it does not name the statement" not in page
