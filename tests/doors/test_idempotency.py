"""A POST with an idempotency key is carried out once, and its answer is kept for nobody but who asks again."""

import asyncio
import hashlib
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing

import httpx
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.cli.instance import Instance
from api.http.idempotency import INFO, IdempotencyKeys, KeyReader, answer_again
from api.http.problems import respond
from api.people.auth import COOKIE
from custody.kernel import cbor
from custody.kernel.base64url import b64
from custody.kernel.errors import Trouble
from custody.kernel.keys import new_signer
from custody.store import idempotency
from custody.store.idempotency import CURRENT
from tests.doors.case_desk import CaseDesk
from tests.doors.loop_calls import answer_and_calls

REPORT = {"words": "The box was empty.", "claim_type": "never_received"}
UNKEPT = "SELECT count(*) FROM idempotency WHERE status = 0"


@pytest.fixture
def http(instance: Instance) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=instance.address, timeout=30) as client:
        yield client


def test_the_same_key_and_request_give_the_same_answer_and_one_case(http: httpx.Client) -> None:
    answers = [http.post("/v1/disputes", json=REPORT, headers={"Idempotency-Key": "one"}) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert [answer.headers.get("idempotent-replayed") for answer in answers] == [None, "true", "true"]
    assert {answer.headers["content-type"] for answer in answers} == {"application/json"}


def test_another_request_under_the_same_key_is_refused_as_one_that_no_repeat_helps(http: httpx.Client) -> None:
    """Draft of the header, section 2.7: 422; 409 is for a first request that is still being answered."""
    headers = {"Idempotency-Key": "two"}
    assert http.post("/v1/disputes", json=REPORT, headers=headers).status_code == 201
    other = http.post("/v1/disputes", json={**REPORT, "words": "Something else."}, headers=headers)
    assert (other.status_code, other.headers.get("retry-after")) == (422, None)
    assert other.json()["type"].endswith("idempotency")


def test_without_a_key_each_request_stands_for_itself(http: httpx.Client) -> None:
    first, second = (http.post("/v1/disputes", json=REPORT).json()["dispute"] for _ in range(2))
    assert first != second


def test_a_refused_request_does_not_use_up_its_key(http: httpx.Client) -> None:
    headers = {"Idempotency-Key": "three"}
    assert http.post("/v1/disputes", json={"words": ""}, headers=headers).status_code == 422
    assert http.post("/v1/disputes", json=REPORT, headers=headers).status_code == 201


def by(http: httpx.Client, instance: Instance, account: str) -> dict[str, str]:
    """The header of somebody who has signed in."""
    body = {"account": account, "password": instance.accounts[account]}
    return {"Authorization": f"Bearer {http.post('/v1/sessions', json=body).json()['token']}"}


def tables_with(instance: Instance, secret: str) -> list[str]:
    """Where the database holds these letters, once every answer is kept."""
    with closing(sqlite3.connect(instance.data / "weaklink.db")) as database:
        while database.execute(UNKEPT).fetchone()[0]:
            time.sleep(0.05)
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        cells = {
            (table, cell if isinstance(cell, bytes) else str(cell).encode())
            for table in tables
            for row in database.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - names of tables cannot be bound
            for cell in row
        }
    return [table for table, cell in cells if secret.encode() in cell]


def test_a_session_is_kept_as_its_digest_only(http: httpx.Client, instance: Instance) -> None:
    body = {"account": "agent-1", "password": instance.accounts["agent-1"]}
    token = http.post("/v1/sessions", json=body, headers={"Idempotency-Key": "four"}).json()["token"]
    assert tables_with(instance, token) == []
    assert http.post("/v1/sessions", json=body, headers={"Idempotency-Key": "four"}).json()["token"] == token


def test_a_cookie_that_is_no_session_makes_nobody_another_caller(http: httpx.Client) -> None:
    """A client keeps what it is given between two tries; the second one is still the first one's."""
    headers = {"Idempotency-Key": "cookies"}
    first = http.post("/v1/disputes", json=REPORT, headers=headers)
    again = http.post("/v1/disputes", json=REPORT, headers={**headers, "cookie": "weaklink_browser=x"})
    assert again.json() == first.json()
    other = http.post("/v1/disputes", json=REPORT, headers={**headers, "cookie": "weaklink_session=x"})
    assert other.status_code == 403, "another session is another caller"


def test_a_customers_link_is_kept_as_its_digest_only(http: httpx.Client, instance: Instance) -> None:
    link = http.post("/v1/disputes", json=REPORT, headers={"Idempotency-Key": "five"}).json()["customer_token"]
    assert tables_with(instance, link) == []


def test_what_makes_the_unlock_codes_of_a_handset_is_not_kept_as_an_answer(
    http: httpx.Client, instance: Instance
) -> None:
    body = {"imei": "490154203237518", "cose_key": b64(cbor.encode(new_signer(seed=bytes(32)).public.cose_key()))}
    headers = {"Idempotency-Key": "six", **by(http, instance, "supervisor-1")}
    given = http.post("/v1/devices", json=body, headers=headers).json()
    assert tables_with(instance, given["code_key"]) == []


def test_words_that_were_erased_are_not_kept_as_an_answer(http: httpx.Client, instance: Instance) -> None:
    words = "The sister of the neighbour took it in."
    told = http.post("/v1/disputes", json={"words": words}, headers={"Idempotency-Key": "seven"}).json()
    assert tables_with(instance, words) != []
    assert http.post(f"/v1/customer/{told['customer_token']}/withdraw").is_success
    erasure = {"target": told["dispute"], "reason": "asked for it"}
    assert http.post("/v1/erasures", json=erasure, headers=by(http, instance, "supervisor-1")).status_code == 201
    assert tables_with(instance, words) == []


def test_a_key_belongs_to_who_sent_it(http: httpx.Client, instance: Instance) -> None:
    headers = {"Idempotency-Key": "eight"}
    first = http.post("/v1/disputes", json=REPORT, headers=headers).json()
    other = http.post("/v1/disputes", json=REPORT, headers={**headers, **by(http, instance, "agent-1")})
    assert other.status_code == 201
    assert other.json()["dispute"] != first["dispute"]


def test_whose_session_is_over_reads_no_answer_again(desk: CaseDesk) -> None:
    told, supervisor = desk.report(), desk.by("supervisor-1")
    account = {"name": "leaver-1", "role": "agent", "person": "Somebody who leaves", "password": "a long password"}
    assert desk.http.post("/v1/accounts", json=account, headers=supervisor).status_code == 201
    said = {"account": account["name"], "password": account["password"]}
    token = desk.http.post("/v1/sessions", json=said).json()["token"]
    desk.http.cookies.clear()
    link = f"/v1/disputes/{told['dispute']}/link"
    headers = {"authorization": f"Bearer {token}", "idempotency-key": "a link"}
    answers = [desk.http.post(link, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].text == answers[1].text
    assert desk.http.post("/v1/accounts/leaver-1/close", headers=supervisor).is_success
    assert desk.http.post(link, headers=headers).status_code == 401


def test_a_cookie_whose_session_is_over_has_a_customers_answer_again(desk: CaseDesk) -> None:
    headers = {"idempotency-key": "beside a cookie", "cookie": f"{COOKIE}=over"}
    answers = [desk.http.post("/v1/disputes", json=REPORT, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].text == answers[1].text


def test_a_file_is_answered_again_as_that_file(http: httpx.Client, instance: Instance) -> None:
    case = http.post("/v1/disputes", json=REPORT).json()["dispute"]
    headers = {"Idempotency-Key": "nine", **by(http, instance, "agent-1")}
    first, again = (http.post("/v1/packs", json={"dispute": case}, headers=headers) for _ in range(2))
    assert (first.headers["content-type"], again.headers["idempotent-replayed"]) == ("application/zip", "true")
    assert again.content == first.content
    own = ("content-type", "content-disposition", "weaklink-pack-sha256", "weaklink-pack-index")
    assert [again.headers.get(name) for name in own] == [first.headers[name] for name in own]


def test_every_header_of_one_name_is_answered_again() -> None:
    headers = [["content-type", "text/plain"], ["set-cookie", "a=1"], ["link", "</a>"], ["set-cookie", "b=2"]]
    again = answer_again(200, cbor.encode([headers, b"said"]))
    assert again.headers.getlist("set-cookie") == ["a=1", "b=2"]
    assert [again.headers.getlist(name) for name in ("content-type", "content-length")] == [["text/plain"], ["4"]]


def test_the_event_loop_asks_no_database_for_a_key(desk: CaseDesk) -> None:
    headers = {"Idempotency-Key": "beside", "Content-Type": "application/json"}
    for replayed in (None, "true"):
        answer, called = answer_and_calls(desk, "/v1/disputes", json.dumps(REPORT).encode(), headers)
        assert (answer.status_code, answer.headers.get("idempotent-replayed")) == (201, replayed)
        assert called & {idempotency.find.__code__, idempotency.keep.__code__} == set()


def test_who_asks_again_while_the_first_answer_is_on_its_way_is_told_when_to_come_back(desk: CaseDesk) -> None:
    house, body = desk.house.parts.house, json.dumps(REPORT).encode()
    reader = KeyReader("", "underway", "/v1/disputes?")
    reader.add(body)
    request = reader.asked().request
    token = CURRENT.set(request)
    with house.unit():
        pass
    CURRENT.reset(token)
    headers = {"Idempotency-Key": "underway", "Content-Type": "application/json"}
    answer = desk.http.post("/v1/disputes", content=body, headers=headers)
    assert (answer.status_code, answer.headers.get("retry-after")) == (409, "2")
    assert "still being answered" in answer.json()["detail"]


@pytest.mark.parametrize(("status", "media_type"), [(201, "application/json"), (409, "application/problem+json")])
def test_what_an_older_version_kept_is_answered_with_the_type_it_had(status: int, media_type: str) -> None:
    again = answer_again(status, b'{"type":"about:blank"}')
    assert (again.status_code, again.body) == (status, b'{"type":"about:blank"}')
    assert (again.headers["content-type"], again.headers["idempotent-replayed"]) == (media_type, "true")


def test_two_requests_with_one_key_at_one_moment_get_one_answer_and_one_act(desk: CaseDesk) -> None:
    """Neither finds an answer when it comes: both are let on only when both have asked for one."""
    parts, both, acts = desk.house.parts, asyncio.Barrier(2), list[str]()

    def act() -> str:
        with parts.house.unit() as unit:
            acts.append(unit.ids.new("act"))
            return acts[-1]

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await both.wait()
        try:
            answer = Response(await run_in_threadpool(act), 201, media_type="text/plain")
        except Trouble as trouble:
            answer = respond(trouble, path=scope["path"])
        await answer(scope, receive, send)

    async def ask() -> list[httpx.Response]:
        door = httpx.ASGITransport(app=IdempotencyKeys(app, parts=parts))
        async with httpx.AsyncClient(transport=door, base_url="http://door") as client:
            asked = [client.post("/v1/acts", headers={"Idempotency-Key": "at once"}) for _ in range(2)]
            return await asyncio.gather(*asked)

    answers = asyncio.run(ask())
    assert [answer.status_code for answer in answers] == [201, 201]
    assert {answer.text for answer in answers} == set(acts[:1])
    assert sorted(answer.headers.get("idempotent-replayed", "") for answer in answers) == ["", "true"]
    assert len(acts) == 1


@pytest.mark.parametrize("length", [0, 1, 65_536, 65_537, 3_000_000])
def test_a_long_body_is_handed_on_in_pieces_and_is_the_same_request_however_it_came(
    desk: CaseDesk, length: int
) -> None:
    parts, body = desk.house.parts, (bytes(range(251)) * (length // 251 + 1))[:length]
    heard: list[bytes] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        more = True
        while more:
            message = await receive()
            heard.append(message["body"])
            more = message["more_body"]
        assert (await receive())["type"] == "http.disconnect"

        def act() -> None:
            with parts.house.unit():
                pass

        await run_in_threadpool(act)
        await Response(hashlib.sha256(b"".join(heard)).digest(), 201)(scope, receive, send)

    async def pieces(size: int) -> AsyncIterator[bytes]:
        for first in range(0, length, size):
            yield body[first : first + size]

    async def ask() -> list[httpx.Response]:
        door = httpx.ASGITransport(app=IdempotencyKeys(app, parts=parts))
        key = {"Idempotency-Key": f"long {length}"}
        async with httpx.AsyncClient(transport=door, base_url="http://door") as client:
            return [await client.post("/v1/acts", headers=key, content=pieces(size)) for size in (10_000, 70_000)]

    first, again = asyncio.run(ask())
    assert (first.content, again.content) == (hashlib.sha256(body).digest(),) * 2
    assert (first.headers.get("idempotent-replayed"), again.headers.get("idempotent-replayed")) == (None, "true")
    assert b"".join(heard) == body, "it was heard once"
    assert max(map(len, heard)) <= 65_536


def test_the_key_of_a_request_is_derived_as_rfc_5869_says() -> None:
    """As the library does it for what is in one piece: answers of an older version are found."""
    reader = KeyReader("Bearer x", "a key", "/v1/disputes?")
    for piece in (b"one", b"", b" two"):
        reader.add(piece)
    derived = HKDF(SHA256(), length=64, salt=None, info=INFO).derive(b"Bearer x\na key\n/v1/disputes?\none two")
    asked = reader.asked()
    assert asked.request.request_hash == derived[:32]
    assert asked.seal.decrypt(bytes(12), AESGCM(derived[32:]).encrypt(bytes(12), b"sealed", None), None) == b"sealed"
