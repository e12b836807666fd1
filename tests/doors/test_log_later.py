"""The log's standard door when the client would rather not wait: 202, then 204, then 200, or 404."""

import time
from collections.abc import Iterator

import httpx
import pytest

from api.cli.instance import Instance
from custody.kernel import cbor, cose
from custody.kernel.receipt import verify_receipt
from custody.ledger.checkpoint import open_checkpoint
from custody.ledger.note import Ed25519Verifier, parse_vkey
from custody.ledger.receipt import against_checkpoint
from tests.doors.log_desk import COSE, Desk

LATER = {**COSE, "Prefer": "respond-async, wait=5"}


@pytest.fixture(scope="module")
def desk(instance: Instance) -> Iterator[Desk]:
    """One station at the standard door."""
    made = Desk(instance)
    yield made
    made.http.close()


def settled(desk: Desk, location: str) -> httpx.Response:
    """What the location says in the end; while it waits it says 204."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        answer = desk.http.get(location)
        if answer.status_code != 204:
            return answer
        assert answer.content == b""
        assert answer.headers["location"] == location
        assert answer.headers["cache-control"] == "no-store"
        assert int(answer.headers["retry-after"]) >= 1
        time.sleep(0.05)
    raise AssertionError("it never settled")


def test_a_statement_is_accepted_without_a_body_and_has_a_fresh_receipt_later(desk: Desk) -> None:
    statement, _ = desk.sign()
    accepted = desk.http.post("/entries", content=statement, headers=LATER)
    assert (accepted.status_code, accepted.content) == (202, b"")
    assert int(accepted.headers["retry-after"]) >= 1
    assert accepted.headers["preference-applied"] == "respond-async"
    location = accepted.headers["location"]
    answer = settled(desk, location)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/cose")
    proven = verify_receipt(answer.content, statement, desk.log_key())
    at_once = desk.post(statement)
    assert (at_once.status_code, at_once.headers["location"]) == (201, location)
    desk.post(desk.sign()[0])
    fresh = desk.http.get(location)
    later = verify_receipt(fresh.content, statement, desk.log_key())
    assert (later.index, later.size > proven.size) == (proven.index, True)
    note = desk.http.get("/log/checkpoint").content
    against_checkpoint(later, open_checkpoint(note, Ed25519Verifier(key=parse_vkey(desk.log["vkey"]))))


def test_what_is_refused_in_the_end_is_told_at_its_location(desk: Desk) -> None:
    statement, _ = desk.sign()
    message = cose.parse(statement)
    forged = cose._assemble(message.protected_raw, {}, message.payload, bytes(64))
    accepted = desk.http.post("/entries", content=forged, headers=LATER)
    assert accepted.status_code == 202
    answer = settled(desk, accepted.headers["location"])
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/concise-problem-details+cbor"
    assert cbor.decode(answer.content)[-1] == "Registration Failed"
    assert desk.post(statement).status_code == 201
    assert desk.http.get(accepted.headers["location"]).status_code == 200


def test_a_wrong_form_is_refused_at_once(desk: Desk) -> None:
    answer = desk.http.post("/entries", content=b"nonsense", headers=LATER)
    assert (answer.status_code, cbor.decode(answer.content)[-1]) == (400, "Malformed request")
