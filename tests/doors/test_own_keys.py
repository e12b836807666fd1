"""Keys of our own company prefixes with a wrong check digit, where they are given out and where they are met."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.cli.instance import Instance
from api.compose import free_port
from custody.kernel import cbor
from custody.kernel.keys import new_signer
from tests.doors.log_desk import EVENT
from tests.doors.test_batches import BatchDesk

MANY = {"Content-Type": "application/vnd.weaklink.scans+cbor"}
ONE = {"Content-Type": "application/vnd.weaklink.scan+cbor"}
WRONG, THEIRS = "https://id.gs1.org/00/195214730000088160", "https://id.gs1.org/00/195218860000088160"
CHAIN = {"sequence_gap", "chain_broken", "tamper_evidence"}
WHY = "SSCC 195214730000088160 ends in 0, its check digit is 9"


def packed(parcel: str, **more: Any) -> bytes:
    """A handset is put into a parcel."""
    said = {name: value for name, value in json.loads(EVENT).items() if name != "epcList"}
    said |= {"type": "AggregationEvent", "action": "ADD", "bizStep": "packing", "parentID": parcel}
    return json.dumps({**said, "childEPCs": ["https://id.gs1.org/01/09521473003813/21/A1"], **more}).encode()


def met(parcel: str) -> bytes:
    """Somebody scans a parcel."""
    return json.dumps({**json.loads(EVENT), "epcList": [parcel]}).encode()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BatchDesk]:
    """Lend a station of a service that knows its company prefixes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WEAKLINK_COMPANY_PREFIXES", "9501234, 9521473")
        running = Instance(Path(tmp_path_factory.mktemp("own")) / "data", port=free_port())
        running.start()
    made = BatchDesk(running)
    yield made
    made.http.close()
    running.stop()


def test_a_packing_that_gives_out_a_wrong_key_of_ours_is_refused_with_what_to_do(desk: BatchDesk) -> None:
    refused = desk.http.post("/v1/scans", content=cbor.encode(list(desk.sign(packed(WRONG)))), headers=ONE)
    assert (refused.status_code, refused.json()["detail"]) == (422, WHY)
    assert "print the label again" in refused.json()["fix"]


def test_its_statement_is_kept_and_no_number_of_the_station_is_missing(desk: BatchDesk) -> None:
    refused, number = cbor.encode(list(desk.sign(packed(WRONG)))), desk.prev
    for _ in range(2):
        assert desk.http.post("/v1/scans", content=refused, headers=ONE).status_code == 422
    assert number is not None
    assert desk.http.get(f"/v1/entries/{number.hex()}").json()["index"] > 0
    taken = desk.http.post("/v1/scans", content=cbor.encode(list(desk.sign())), headers=ONE).json()
    assert {flag["code"] for flag in taken["flags"]}.isdisjoint(CHAIN)


def test_among_many_each_takes_its_number_in_its_turn(desk: BatchDesk) -> None:
    body = cbor.encode(
        [list(desk.sign(event)) for event in (packed(WRONG), EVENT, packed(WRONG), packed(WRONG), EVENT)]
    )
    items = desk.http.post("/v1/scans:batch", content=body, headers=MANY).json()["items"]
    assert [item["result"] == "refused" for item in items] == [True, False, True, True, False]
    for item in (items[1], items[4]):
        assert {flag["code"] for flag in item["flags"]}.isdisjoint(CHAIN)


def test_a_strangers_statement_of_such_a_scan_is_not_kept(desk: BatchDesk) -> None:
    key, seq, prev = desk.signer, desk.seq, desk.prev
    desk.signer = new_signer(seed=b"\x55" * 32)
    statement, opening = desk.sign(packed(WRONG))
    answer = desk.http.post("/v1/scans", content=cbor.encode([statement, opening]), headers=ONE)
    assert (answer.status_code, answer.json()["detail"]) == (422, WHY)
    assert desk.http.get(f"/v1/entries/{desk.prev.hex() if desk.prev else ''}").status_code == 404
    desk.signer, desk.seq, desk.prev = key, seq, prev


def test_who_meets_the_label_and_who_takes_its_packing_back_is_heard_and_others_labels_are_kept_and_told(
    desk: BatchDesk,
) -> None:
    taken_back = {"errorDeclaration": {"declarationTime": "2026-05-11T08:13:30.000Z", "reason": "incorrect_data"}}
    events = [met(WRONG), packed(WRONG, **taken_back), packed(THEIRS), packed(WRONG)]
    body = cbor.encode([list(desk.sign(event)) for event in events])
    items = desk.http.post("/v1/scans:batch", content=body, headers=MANY).json()["items"]
    assert [bool(item.get("warnings")) for item in items] == [True, True, True, False]
    assert [item["result"] == "refused" for item in items] == [False, False, False, True]
    assert items[3]["problem"]["detail"] == WHY


def test_in_a_batch_it_takes_its_number_and_its_neighbours_are_taken(desk: BatchDesk) -> None:
    answer = desk.hand_in(desk.together([met(WRONG), packed(WRONG), EVENT]))
    items = answer.json()["items"]
    assert answer.status_code == 201
    assert [item["result"] == "refused" for item in items] == [False, True, False]
    assert items[1]["problem"]["detail"] == WHY
    assert desk.http.post("/v1/scans", content=cbor.encode(list(desk.sign())), headers=ONE).status_code == 201
