"""Whatever is sent to a door, the answer is a problem document that says what was wrong and what to do.

The table below is sent to the real application; afterwards it still answers, still takes a good scan, and an audit
finds nothing that does not belong there.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from custody.gs1.context import EPCIS_CONTEXT
from custody.kernel import cbor, cose
from custody.scans import scan as scan_format
from custody.store import quarantine
from simulators.load import load_stations, presign
from simulators.station import SCAN_TYPE, SCANS_TYPE, Signed, Station, post_one
from tests.stories.http_service import Service, raw_client
from tests.world_parts import key

JSON = "application/json"
PROBLEM = "application/problem+json"
NOBODY, AGENT, SUPERVISOR = "", "agent-1", "supervisor-1"
HUGE = 10**40
ORDER = {"order": "SO-BAD", "imei": "001017004829159"}
REPORT = {"words": "It never came."}
PLACE, PARTY = "https://id.gs1.org/414/9521473000102", "https://id.gs1.org/417/9521473000102"
STATION = {"station": "x", "site": PLACE, "place": "p", "step": "hub_sort", "custodian": PARTY}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One bad request and the status that it must get."""

    name: str
    status: int
    path: str
    method: str = "POST"
    content: bytes | None = None
    media_type: str | None = JSON
    by: str = NOBODY
    headers: dict[str, str] = field(default_factory=dict)


def of_json(name: str, status: int, path: str, body: Any, *, by: str = NOBODY, method: str = "POST") -> Sent:
    """A body that is JSON, whatever it says."""
    return Sent(name=name, status=status, path=path, content=json.dumps(body).encode(), by=by, method=method)


def of_text(name: str, status: int, path: str, text: bytes, *, by: str = NOBODY) -> Sent:
    """A body that calls itself JSON."""
    return Sent(name=name, status=status, path=path, content=text, by=by)


def get(name: str, status: int, path: str, *, by: str = NOBODY) -> Sent:
    """A path and nothing else."""
    return Sent(name=name, status=status, path=path, method="GET", media_type=None, by=by)


DOUBLED = b'{"words": "one", "words": "two"}'
JSON_TABLE = (
    of_text("not JSON at all", 422, "/v1/disputes", b"words: it never came"),
    of_text("an empty body", 422, "/v1/disputes", b""),
    of_text("JSON that stops in the middle", 422, "/v1/disputes", b'{"words": "it nev'),
    of_text("a name twice", 422, "/v1/disputes", DOUBLED),
    of_text("NaN", 422, "/v1/orders", b'{"order": "SO-BAD", "imei": "001017004829159", "price_pence": NaN}', by=AGENT),
    of_text("Infinity", 422, "/v1/stations/x/revoke", b'{"reason": "x", "suspect_from": Infinity}', by=SUPERVISOR),
    of_text("NaN deep inside", 422, "/v1/disputes/x/events", b'{"event": "ask", "findings": [{"a": NaN}]}', by=AGENT),
    of_text("bytes that are no UTF-8", 422, "/v1/disputes", b'{"words": "\xff\xfe it never came"}'),
    of_text("a lone surrogate", 422, "/v1/disputes", b'{"words": "it never came \\ud800"}'),
    of_text("a NUL character", 422, "/v1/disputes", b'{"words": "it never \\u0000 came"}'),
    of_text("nesting without end", 422, "/v1/disputes", b'{"words": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    of_json("an array where an object is wanted", 422, "/v1/disputes", ["it never came"]),
    of_json("no words", 422, "/v1/disputes", {}),
    of_json("empty words", 422, "/v1/disputes", {"words": ""}),
    of_json("words that are spaces", 422, "/v1/disputes", {"words": "   "}),
    of_json("a number for words", 422, "/v1/disputes", {"words": 7}),
    of_json("an unknown field", 422, "/v1/disputes", {**REPORT, "score": 0.7}),
    of_json("an unknown kind of problem", 422, "/v1/disputes", {**REPORT, "claim_type": "liar"}),
    of_json("too many needs", 422, "/v1/disputes", {**REPORT, "support_needs": ["x"] * 21}),
    of_json("ten megabytes of words", 413, "/v1/disputes", {"words": "x" * 10_000_000}),
    of_json("a wrong IMEI check digit", 422, "/v1/orders", {**ORDER, "imei": "001017004829150"}, by=AGENT),
    of_json("letters for an IMEI", 422, "/v1/orders", {**ORDER, "imei": "IMEI"}, by=AGENT),
    of_json("a number for an IMEI", 422, "/v1/orders", {**ORDER, "imei": 1017004829159}, by=AGENT),
    of_json("a huge price", 422, "/v1/orders", {**ORDER, "price_pence": HUGE}, by=AGENT),
    of_json("a huge mass", 422, "/v1/orders", {**ORDER, "item_mass_g": HUGE}, by=AGENT),
    of_json("a region beyond the map", 422, "/v1/orders", {**ORDER, "customer": {"region": 99}}, by=AGENT),
    of_json("a date that is none", 422, "/v1/orders", {**ORDER, "contract": "2026-02-30"}, by=AGENT),
    of_json("a huge index", 422, "/v1/stations/x/revoke", {"reason": "x", "suspect_from": HUGE}, by=SUPERVISOR),
    of_json(
        "findings of no shape",
        422,
        "/v1/disputes/x/events",
        {"event": "propose_decline", "findings": [{}]},
        by="investigator-1",
    ),
    of_json("an event that nobody knows", 422, "/v1/disputes/x/events", {"event": "convict"}, by=AGENT),
    of_json("a case that is none", 404, "/v1/disputes/x/events", {"event": "reopen"}, by=AGENT),
    of_json("padded base64", 422, "/v1/devices", {"imei": ORDER["imei"], "cose_key": "oQ=="}, by=SUPERVISOR),
    of_json("base64 of no key", 422, "/v1/devices", {"imei": ORDER["imei"], "cose_key": "oQ"}, by=SUPERVISOR),
    of_json("text that is no base64", 422, "/v1/stations/enrol", {"token": "t", "cose_key": "é", "proof": "!"}),
    of_json("an enrolment token that is none", 404, "/v1/stations/enrol", {"token": "t", "cose_key": "", "proof": ""}),
    of_json("a token that announces none", 404, "/v1/stations/announced", {"token": "t", "cose_key": ""}),
    of_json(
        "a reason that is none",
        422,
        "/v1/locks",
        {"imei": ORDER["imei"], "imei_last4": "9159", "reason": "spite"},
        by=AGENT,
    ),
    of_json(
        "a handset that nobody registered",
        404,
        "/v1/locks",
        {"imei": ORDER["imei"], "imei_last4": "9159", "reason": "never_received"},
        by=AGENT,
    ),
    of_json("an order that is none", 404, "/v1/locks/x/approve", {}, by=SUPERVISOR),
    of_json("a station's name with a path in it", 422, "/v1/stations", {**STATION, "station": "../x"}, by=SUPERVISOR),
    of_json("a step that is none", 422, "/v1/stations", {**STATION, "step": "moon"}, by=SUPERVISOR),
    of_json("a site that is no GS1 key", 422, "/v1/stations", {**STATION, "site": "9521473000102"}, by=SUPERVISOR),
    of_json("a site that is a party", 422, "/v1/stations", {**STATION, "site": PARTY}, by=SUPERVISOR),
    of_json("a site with a wrong digit", 422, "/v1/stations", {**STATION, "site": PLACE[:-1] + "3"}, by=SUPERVISOR),
    of_json("a custodian that is a place", 422, "/v1/stations", {**STATION, "custodian": PLACE}, by=SUPERVISOR),
    of_json("a custodian that is a name", 422, "/v1/stations", {**STATION, "custodian": "Carrier"}, by=SUPERVISOR),
    Sent(
        name="another media type",
        status=415,
        path="/v1/disputes",
        content=b"words=x",
        media_type="application/x-www-form-urlencoded",
    ),
    of_json("a wrong password", 401, "/v1/sessions", {"account": AGENT, "password": "wrong"}),
    of_json("an account that is none", 401, "/v1/sessions", {"account": "nobody", "password": "wrong"}),
    of_json(
        "a password that is too short",
        422,
        "/v1/accounts",
        {"name": "n", "role": "agent", "person": "p", "password": "short"},
        by=SUPERVISOR,
    ),
)
DOOR_TABLE = (
    of_json("no session", 401, "/v1/orders", ORDER),
    of_json("no session for a change", 401, "/v1/kill-switch", {"on": True, "why": "x"}),
    Sent(
        name="a session that is none",
        status=401,
        path="/v1/disputes",
        method="GET",
        media_type=None,
        headers={"authorization": "Bearer nonsense"},
    ),
    Sent(
        name="another scheme",
        status=401,
        path="/v1/disputes",
        method="GET",
        media_type=None,
        headers={"authorization": "Basic YWdlbnQtMTp4"},
    ),
    of_json("the wrong role", 403, "/v1/stations", STATION, by=AGENT),
    of_json(
        "the wrong role for an account",
        403,
        "/v1/accounts",
        {"name": "n", "role": "supervisor", "person": "p", "password": "long enough for it"},
        by="investigator-1",
    ),
    get("the wrong role for an investigation", 403, "/v1/investigations", by=AGENT),
    get("a path that is none", 404, "/v1/nothing"),
    Sent(name="a method that is none", status=405, path="/v1/log", method="DELETE", media_type=None),
    get("a customer's link that opens nothing", 404, "/v1/customer/x"),
    get("an item that is none", 422, "/v1/trails?item=%00", by=AGENT),
    get("an SSCC with a wrong check digit", 422, "/v1/trails?item=00195214730000088160", by=AGENT),
    get("nothing known of an order", 404, "/v1/trails?item=po:SO-NEVER", by=AGENT),
    get("no item", 422, "/v1/trails", by=AGENT),
    get("a limit that is no number", 422, "/v1/disputes?limit=many", by=AGENT),
    get("a limit beyond the page", 422, f"/v1/disputes?limit={HUGE}", by=AGENT),
    get("an index that is no index", 422, f"/v1/events/{HUGE}", by=AGENT),
    get("an index before the first", 422, "/v1/events/-1", by=AGENT),
    get("a huge index before the first", 422, f"/v1/events/-{HUGE}", by=AGENT),
)
LOG_TABLE = (
    get("a tile above its folder", 404, "/log/tile/../../checkpoint"),
    get("a tile above its folder, hidden", 404, "/log/tile/..%2f..%2fcheckpoint"),
    get("a tile of a file", 404, "/log/tile/0/%2fetc%2fpasswd"),
    get("a tile with spaces", 404, "/log/tile/0/0%2000"),
    get("a tile with a short number", 404, "/log/tile/0/0"),
    get("a tile of no level", 404, "/log/tile/-1/000"),
    get("a tile of a level beyond the last", 404, "/log/tile/64/000"),
    get("a tile beyond the log", 404, "/log/tile/0/999"),
    get("a tile beyond every number", 404, "/log/tile/0/" + "x999/" * 40 + "999"),
    get("a bundle beyond the log", 404, "/log/tile/entries/x999/999"),
    get("a bundle beyond what an index holds", 404, "/log/tile/entries/" + "x999/" * 7 + "999"),
    get("a partial tile of no width", 404, "/log/tile/0/000.p/0"),
    get("a partial tile of a full width", 404, "/log/tile/0/000.p/256"),
    get("a partial tile beyond the log", 404, "/log/tile/0/000.p/255"),
    get("an entry beyond the log", 404, "/v1/entries/999999999"),
    get("an entry beyond every number", 422, f"/v1/entries/{HUGE}"),
    get("an entry beyond every place", 404, f"/v1/entries/{2**54}"),
    get("a receipt beyond every place", 404, f"/v1/entries/{10**18 - 1}/receipt"),
    get("a proof beyond every place", 404, f"/v1/entries/{10**18 - 1}/proof"),
    get("a bundle beyond every place", 404, "/log/tile/entries/x036/x028/x797/x018/x963/968"),
    get("a bundle beyond every number of 64 bits", 404, "/log/tile/entries/x072/x057/x594/x037/x927/935"),
    get("a negative entry", 422, "/v1/entries/-1"),
    get("an entry in other digits", 422, "/v1/entries/%D9%A1"),
    get("an entry of half a digest", 422, "/v1/entries/abc"),
    get("an entry of a short digest", 404, "/v1/entries/" + "ab" * 31),
    get("an entry above its folder", 404, "/v1/entries/../log"),
    get("an entry above its folder, hidden", 404, "/v1/entries/..%2flog"),
    get("an unknown digest's receipt", 404, "/v1/entries/" + "ab" * 32 + "/receipt"),
    get("an unknown digest's proof", 404, "/v1/entries/" + "ab" * 32 + "/proof"),
    get("a consistency proof of nothing", 422, "/v1/log/consistency?old=0&size=1"),
    get("a consistency proof backwards", 422, "/v1/log/consistency?old=2&size=1"),
    get("a consistency proof beyond the log", 422, f"/v1/log/consistency?old=1&size={HUGE}"),
    get("the first entry since no time", 422, "/v1/log/first-since?moment=Monday"),
    get("the first entry since a moment to come", 422, "/v1/log/first-since?moment=2999-01-01T00:00:00Z"),
)


@pytest.fixture(scope="module")
def station(service: Service) -> Station:
    """Lend a station that is enrolled at this service."""
    made = load_stations(9, seed=11)[8]
    token = made.announce(service.staff[SUPERVISOR].client)
    made.enrol(service.client, token, origin=service.parts.house.origin, at_ms=service.parts.clock.now_ms())
    return made


@pytest.fixture
def wire(service: Service) -> Iterator[httpx.Client]:
    """Lend a client that sends whatever it is told to."""
    with raw_client(service) as client:
        yield client


def check(wire: httpx.Client, service: Service, sent: Sent) -> None:
    """The request gets its status, in a problem document that helps."""
    headers = dict(sent.headers)
    if sent.media_type is not None:
        headers["content-type"] = sent.media_type
    if sent.by:
        headers["authorization"] = f"Bearer {service.token(sent.by)}"
    # The target goes out as it is written here: a client of httpx would tidy the path up.
    target = {"target": sent.path.encode()}
    answer = wire.request(sent.method, "/", headers=headers, content=sent.content, extensions=target)
    assert answer.status_code == sent.status, f"{sent.name}: {answer.status_code} {answer.text[:400]}"
    assert answer.headers["content-type"].partition(";")[0] == PROBLEM, sent.name
    problem = answer.json()
    assert problem["status"] == sent.status
    assert problem["detail"].strip(), sent.name
    assert problem["fix"].strip(), sent.name
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("sent", [*JSON_TABLE, *DOOR_TABLE, *LOG_TABLE], ids=lambda sent: sent.name)
def test_a_bad_request_gets_a_problem_that_helps(wire: httpx.Client, service: Service, sent: Sent) -> None:
    check(wire, service, sent)


def fresh(service: Service, station: Station) -> Signed:
    """The station's next scan."""
    ((scan,),) = presign([station], each=1, at_ms=service.parts.clock.now_ms(), seed=station.seq)
    return scan


def unread(event: bytes, station: Station, now_ms: int) -> list[bytes]:
    """A statement with a right signature over an event that nobody would sign."""
    claims: dict[int | str, Any] = {
        cose.ISS: f"urn:weaklink:station:{station.name}",
        cose.SUB: "urn:uuid:5b0f5f5e-3a43-4d0e-9d0b-6f1f0f6f9a31",
        cose.IAT: now_ms // 1000,
        "seq": 1,
    }
    return list(
        scan_format._sign(claims, event, content_type=scan_format.CONTENT_TYPE, salt=bytes(32), signer=station.signer)
    )


def event_of(**changes: Any) -> bytes:
    """An event of a parcel, with something wrong in it."""
    event = {
        "@context": [EPCIS_CONTEXT, {"wl": "urn:weaklink:"}],
        "type": "ObjectEvent",
        "eventTime": "2026-05-11T08:12:30.000Z",
        "eventTimeZoneOffset": "+00:00",
        "epcList": ["https://id.gs1.org/00/195214730000088169"],
        "action": "OBSERVE",
        "bizStep": "inspecting",
        **changes,
    }
    return json.dumps(event).encode()


EVENTS = {
    "a type that is none": event_of(type="WishEvent"),
    "no time": event_of(eventTime=None),
    "a time without an offset": event_of(eventTime="2026-05-11T08:12:30"),
    "an action that is none": event_of(action="STEAL"),
    "no JSON": b"it was here",
    "a name twice": event_of()[:-1] + b', "action": "ADD"}',
    "NaN": event_of()[:-1] + b', "wl:itemMassGrams": NaN}',
    "nothing": b"",
}

Body = Callable[[Signed], bytes]
PAIRS: dict[str, tuple[int, Body]] = {
    "an empty body": (422, lambda _scan: b""),
    "CBOR that stops in the middle": (422, lambda scan: _pair(scan)[: len(_pair(scan)) // 2]),
    "bytes after the end": (422, lambda scan: _pair(scan) + b"\x00"),
    "JSON": (422, lambda _scan: b'["a", "b"]'),
    "text instead of bytes": (422, lambda scan: cbor.encode([scan.statement.hex(), scan.opening])),
    "three parts": (422, lambda scan: cbor.encode([scan.statement, scan.opening, b""])),
    "a map": (422, lambda scan: cbor.encode({"statement": scan.statement})),
    "a number": (422, lambda _scan: b"\x18\x2a"),
    "no opening": (422, lambda scan: cbor.encode([scan.statement, b""])),
    "half of the opening": (422, lambda scan: cbor.encode([scan.statement, scan.opening[:-20]])),
    "another opening": (422, lambda scan: cbor.encode([scan.statement, bytes(32) + scan.opening[32:]])),
    "no statement": (422, lambda scan: cbor.encode([b"", scan.opening])),
    "a statement of noise": (422, lambda scan: cbor.encode([bytes(200), scan.opening])),
    "a flipped signature": (422, lambda scan: cbor.encode([_flipped(scan.statement), scan.opening])),
    "a map with a name twice": (422, lambda _scan: bytes.fromhex("a2616101616102")),
    "an array that says it is endless": (422, lambda _scan: b"\x9b" + b"\xff" * 8),
    "ten megabytes": (413, lambda _scan: b"\x5a" + (10_000_000).to_bytes(4, "big") + bytes(10_000_000)),
}


def _pair(scan: Signed) -> bytes:
    return cbor.encode([scan.statement, scan.opening])


def _flipped(raw: bytes) -> bytes:
    return raw[:-1] + bytes([raw[-1] ^ 1])


@pytest.mark.parametrize("name", PAIRS)
def test_a_bad_scan_gets_a_problem_that_helps(
    wire: httpx.Client, service: Service, station: Station, name: str
) -> None:
    status, make = PAIRS[name]
    seq, head = station.seq, station.head
    body = make(fresh(service, station))
    station.seq, station.head = seq, head
    for media_type in (SCAN_TYPE, f"{SCAN_TYPE}; charset=utf-8"):
        check(wire, service, Sent(name=name, status=status, path="/v1/scans", content=body, media_type=media_type))


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_that_cannot_be_read_gets_a_problem_though_its_signature_is_right(
    wire: httpx.Client, service: Service, station: Station, name: str
) -> None:
    body = cbor.encode(unread(EVENTS[name], station, service.parts.clock.now_ms()))
    check(wire, service, Sent(name=name, status=422, path="/v1/scans", content=body, media_type=SCAN_TYPE))


@pytest.mark.parametrize("media_type", [None, JSON, SCANS_TYPE, "application/cbor", "text/plain"])
def test_a_scan_under_another_media_type_is_not_guessed_at(
    wire: httpx.Client, service: Service, media_type: str | None
) -> None:
    content = b"{}" if media_type == JSON else b"\x82\x40\x40"
    sent = Sent(name=str(media_type), status=415, path="/v1/scans", content=content, media_type=media_type)
    check(wire, service, sent)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("an empty batch", cbor.encode([])),
        ("a batch that is none", cbor.encode({"a": 1})),
        ("too many", cbor.encode([[b"", b""]] * 501)),
    ],
)
def test_a_bad_batch_gets_a_problem_that_helps(wire: httpx.Client, service: Service, name: str, body: bytes) -> None:
    check(wire, service, Sent(name=name, status=422, path="/v1/scans:batch", content=body, media_type=SCANS_TYPE))


def test_in_a_batch_each_scan_has_its_own_answer(wire: httpx.Client, service: Service, station: Station) -> None:
    good = fresh(service, station)
    pairs: list[Any] = [
        [good.statement, good.opening],
        [good.statement, good.opening],
        [_flipped(good.statement), good.opening],
        [good.statement, good.opening[:-1]],
        [b"", b""],
        "no scan",
        7,
        unread(EVENTS["no JSON"], station, service.parts.clock.now_ms()),
    ]
    answer = wire.post("/v1/scans:batch", content=cbor.encode(pairs), headers={"content-type": SCANS_TYPE})
    assert answer.status_code == 200
    items = answer.json()["items"]
    assert items[0]["flags"] == items[0]["warnings"] == [], items[0]
    assert [item["result"] for item in items] == ["accepted", "duplicate", *["refused"] * 6]
    assert all(item["problem"]["detail"] and item["problem"]["fix"] for item in items[2:])
    service.remember([post_one(service.client, good)])


def test_a_scan_under_a_key_that_nobody_enrolled_is_kept_aside(
    wire: httpx.Client, service: Service, station: Station
) -> None:
    seq, head, now_ms = station.seq, station.head, service.parts.clock.now_ms()
    scan = station.sign(event_of(), subject="urn:uuid:x", event_id="x", at_ms=now_ms, signer=key("nobody"))
    station.seq, station.head = seq, head
    answer = wire.post("/v1/scans", content=_pair(scan), headers={"content-type": SCAN_TYPE})
    body = answer.json()
    assert (answer.status_code, body["result"], body["code"], body["index"]) == (201, "quarantined", "S40", None)
    assert body["receipt"] is None


def test_a_scan_of_which_nothing_is_kept_is_refused_with_what_to_do(
    wire: httpx.Client, service: Service, station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "EACH", 0)
    seq, head, now_ms = station.seq, station.head, service.parts.clock.now_ms()
    scan = station.sign(event_of(), subject="urn:uuid:x", event_id="x", at_ms=now_ms, signer=key("nobody"))
    station.seq, station.head = seq, head
    answer = wire.post("/v1/scans", content=_pair(scan), headers={"content-type": SCAN_TYPE})
    body = answer.json()
    assert (answer.status_code, body["type"].rpartition(":")[2]) == (409, "not_kept")
    assert "nothing of it was kept" in body["detail"]
    assert "send the same bytes again" in body["fix"]


def test_a_wrong_check_digit_in_a_signed_scan_is_kept_and_told(service: Service, station: Station) -> None:
    event = event_of(epcList=["https://id.gs1.org/00/195214730000088160"])
    scan = station.sign(event, subject="urn:uuid:x", event_id="x", at_ms=service.parts.clock.now_ms())
    answer = post_one(service.client, scan)
    service.remember([answer])
    assert answer.result == "flagged", answer.body
    assert "unknown_parcel" in {flag["code"] for flag in answer.body["flags"]}
    assert answer.body["warnings"] == ["SSCC 195214730000088160 ends in 0, its check digit is 9"]
    assert post_one(service.client, scan).body["warnings"] == answer.body["warnings"]


def test_a_replayed_statement_has_its_first_answer(wire: httpx.Client, service: Service, station: Station) -> None:
    scan = fresh(service, station)
    answers = [wire.post("/v1/scans", content=_pair(scan), headers={"content-type": SCAN_TYPE}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 200, 200]
    assert len({answer.json()["index"] for answer in answers}) == 1
    assert [answer.json()["code"] for answer in answers] == ["S00", "S10", "S10"]


def test_after_all_of_it_the_service_answers_and_its_books_are_clean(
    wire: httpx.Client, service: Service, station: Station
) -> None:
    assert wire.get("/healthz").json()["ok"] is True
    answer = post_one(service.client, fresh(service, station))
    assert answer.result == "accepted"
    service.remember([answer])
    service.audit()
