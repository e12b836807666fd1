"""The log's standard door over HTTP: locations, receipts, concise problem details, and how often one may post."""

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace
from typing import cast

import httpx
import pytest
from fastapi import FastAPI, Request

from api.cli.instance import Instance
from api.http import problems
from api.pages import troubles
from api.parts import Parts
from api.routes import scrapi
from api.settings import Settings
from custody.kernel import cbor, cose
from custody.kernel.cose import Sign1
from custody.kernel.keys import new_signer, read_cose_key
from custody.kernel.receipt import verify_receipt
from custody.scans.scan import CONTENT_TYPE
from tests.doors.log_desk import COSE, Desk

PROBLEM = "application/concise-problem-details+cbor"


@pytest.fixture(scope="module")
def desk(instance: Instance) -> Iterator[Desk]:
    """One station at the standard door."""
    made = Desk(instance)
    yield made
    made.http.close()


def problem(answer: httpx.Response) -> str:
    assert answer.headers["content-type"] == PROBLEM
    body = cbor.decode(answer.content)
    assert set(body) == {-1, -2}
    assert body[-2]
    title: str = body[-1]
    return title


def test_a_statement_is_answered_with_its_receipt_and_always_the_same_location(desk: Desk) -> None:
    statement, opening = desk.sign()
    first, again = desk.post(statement), desk.post(statement)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.headers["location"] == again.headers["location"]
    assert first.headers["location"] == f"{desk.http.base_url}/entries/{cose.parse(statement).digest.hex()}"
    assert first.headers["content-type"] == "application/cose"
    proven = verify_receipt(first.content, statement, desk.log_key())
    later = desk.http.get(first.headers["location"])
    assert later.status_code == 200
    assert later.headers["location"] == first.headers["location"]
    fresh = verify_receipt(later.content, statement, desk.log_key())
    assert (fresh.index, fresh.size >= proven.size) == (proven.index, True)
    body = cbor.encode([statement, opening])
    scan = desk.http.post("/v1/scans", content=body, headers={"Content-Type": "application/vnd.weaklink.scan+cbor"})
    assert scan.json()["index"] == proven.index
    assert desk.http.get(first.headers["location"]).status_code == 200


def test_a_statement_whose_labels_are_in_no_order_is_registered_as_it_was_signed(desk: Desk) -> None:
    statement = desk.sign_unsorted()
    answer = desk.post(statement)
    assert answer.status_code == 201, answer.content
    entry = cose.parse(statement).with_unprotected({}).raw
    assert entry != statement
    verify_receipt(answer.content, entry, desk.log_key())
    later = desk.http.post("/entries", content=desk.sign_unsorted(), headers={**COSE, "Prefer": "respond-async"})
    assert later.status_code == 202, later.content


def test_the_location_is_where_others_find_the_service_if_that_is_set() -> None:
    place = f"/entries/{'0' * 64}"
    asked = Request({"type": "http", "scheme": "http", "server": ("10.0.0.7", 8420), "path": place, "headers": []})
    parts = SimpleNamespace(settings=Settings(public_url="https://log.example/custody/"))
    assert scrapi._place(asked, cast("Parts", parts), bytes(32))["Location"] == f"https://log.example/custody{place}"


def test_errors_are_concise_problem_details_with_the_drafts_titles(desk: Desk) -> None:
    statement, _ = desk.sign()
    message: Sign1 = cose.parse(statement)
    stranger = cose.sign({**message.protected, 4: new_signer().public.kid}, message.payload or b"", new_signer())
    header = cbor.encode({**message.protected, 1: -38})
    detached = cose._assemble(message.protected_raw, {}, None, message.signature)
    cases = [
        (b"nonsense", "Malformed request"),
        (stranger, "Rejected"),
        (statement[:-1] + bytes([statement[-1] ^ 1]), "Rejected"),
        (cose._assemble(header, {}, message.payload, message.signature), "Bad Signature Algorithm"),
        (detached, "Payload Missing"),
    ]
    for raw, title in cases:
        answer = desk.post(raw)
        assert (answer.status_code, problem(answer)) == (400, title), raw
    wrong_type = desk.http.post("/entries", content=statement, headers={"Content-Type": "text/plain"})
    assert (wrong_type.status_code, problem(wrong_type)) == (415, "Malformed request")
    assert message.protected[cose.PREIMAGE_CONTENT_TYPE] == CONTENT_TYPE
    assert desk.post(statement).status_code == 201


def test_an_unknown_location_and_an_unknown_key_are_not_found(desk: Desk) -> None:
    missing = desk.http.get(f"/entries/{'0' * 64}")
    assert (missing.status_code, problem(missing)) == (404, "Not Found")
    for name in ("17", "G" * 64, "0" * 63):
        answer = desk.http.get(f"/entries/{name}")
        assert (answer.status_code, problem(answer)) == (400, "Invalid locator")
    key = desk.http.get("/.well-known/scitt-keys/AAAA")
    assert (key.status_code, problem(key)) == (404, "No such key")
    keys = cbor.decode(desk.http.get("/.well-known/scitt-keys").content)
    assert desk.log_key() in [read_cose_key(each) for each in keys]


@pytest.mark.parametrize(
    ("method", "path", "title"),
    [
        ("GET", "/entries", "Method Not Allowed"),
        ("PUT", "/entries", "Method Not Allowed"),
        ("DELETE", f"/entries/{'0' * 64}", "Method Not Allowed"),
        ("GET", "/entries/a/b", "Not Found"),
        ("POST", "/.well-known/scitt-keys", "Method Not Allowed"),
        ("GET", "/.well-known/scitt-keys/a/b", "Not Found"),
    ],
)
@pytest.mark.parametrize("accept", ["*/*", "text/html"])
def test_a_wrong_method_or_path_is_told_in_the_same_form(
    desk: Desk, method: str, path: str, title: str, accept: str
) -> None:
    answer = desk.http.request(method, path, headers={"Accept": accept})
    assert problem(answer) == title
    assert (answer.status_code, "allow" in answer.headers) == ((404, False) if title == "Not Found" else (405, True))


def test_what_stands_before_the_door_refuses_in_the_same_form(desk: Desk) -> None:
    answer = desk.http.post("/entries", content=b"{", headers={"Content-Type": "application/json"})
    assert (answer.status_code, problem(answer)) == (400, "Malformed request")


@pytest.mark.parametrize(
    ("path", "status", "title"),
    [("/entries/7", 500, "Internal Server Error"), ("/entries/x", 400, "Malformed request")],
)
def test_what_nobody_expected_is_told_in_the_same_form(path: str, status: int, title: str) -> None:
    app = FastAPI()
    problems.install(app)
    troubles.install(app)

    @app.get("/entries/{number}")
    def fail(number: int) -> None:
        raise RuntimeError(number)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://any.example") as client:
            return await client.get(path, headers={"Accept": "text/html"})

    answer = asyncio.run(ask())
    assert (answer.status_code, problem(answer)) == (status, title)


def test_one_address_posts_only_so_often(desk: Desk) -> None:
    statuses = []
    for _ in range(400):
        answer = desk.post(b"nonsense")
        statuses.append(answer.status_code)
        if answer.status_code == 429:
            assert int(answer.headers["retry-after"]) >= 1
            assert problem(answer) == "Too Many Requests"
            return
    raise AssertionError(f"never too many: {statuses[-3:]}")
