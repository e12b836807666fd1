"""Other lock systems over real sockets: settings, doors, the carrier's own thread, and what comes from outside."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest

from api.backends import copy_to
from api.compose import compose
from api.people.auth import COOKIE
from api.settings import read_settings
from custody.kernel import cbor
from custody.kernel.base64url import b64
from custody.kernel.errors import Conflict, Fatal, Forbidden, NotFound, Rejected, Unavailable
from custody.kernel.keys import new_signer
from custody.kernel.system_clock import SystemClock
from devicelock.backends.android import LockWay, android_backend
from devicelock.backends.contract import BackendAnswer, Ref
from devicelock.backends.eir_list import EirFileKind, Publication
from devicelock.backends.exchange import Reply, Request
from devicelock.backends.google_token import ServiceAccount
from devicelock.backends.nanomdm_event import HEADER
from simulators import customer
from simulators.agent import put_authority_in_force
from simulators.history import Mishaps, PastConfig
from simulators.network import NetworkConfig, World, play
from tests.contracts_backends.backend_bench import AndroidBench, NanoMdmBench, SetClock
from tests.contracts_backends.memory_book import MemoryBook
from tests.doors.command_line import CommandLine
from tests.stories.http_service import Service, running_service
from tests.stories.other_side import key_file, other_side, with_tokens
from tests.waiting import until

EIR_TOKEN = "token of the register"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """The service with three other lock systems switched on, and their other sides."""

    service: Service
    android: AndroidBench
    nanomdm: NanoMdmBench
    world: World
    outlet: Path


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    folder = tmp_path_factory.mktemp("outside")
    (folder / "outlet").mkdir()
    android, nanomdm = AndroidBench(LockWay.DISABLED), NanoMdmBench()
    for each in (android, nanomdm):
        each.clock = SystemClock()  # type: ignore[assignment]  # nobody turns the clock of a real service
    with ExitStack() as stack:
        google = stack.enter_context(other_side(with_tokens(android._take, "token")))
        apple = stack.enter_context(other_side(nanomdm._send))
        (folder / "google.json").write_text(key_file(google))
        service = stack.enter_context(
            running_service(
                folder / "data",
                android_key=folder / "google.json",
                android_address=google,
                nanomdm_address=apple,
                nanomdm_api_key="api key",
                nanomdm_webhook_key=NanoMdmBench.key.decode(),
                eir_folder=folder / "eir",
                eir_token=EIR_TOKEN,
                eir_outlet=folder / "outlet",
            )
        )
        put_authority_in_force(service.staff["supervisor-1"], service.staff["supervisor-2"])
        past = PastConfig(
            seed=7,
            end_ms=SystemClock().now_ms(),
            days=2.0,
            parcels=1,
            mishaps=Mishaps(lost=0, damaged=0, taken_after=0),
        )
        config = NetworkConfig(past=past, hubs=1, depots=1, thief=None, bystanders=0)
        world = play(config, service.staff["supervisor-1"].client, lambda _what, _done, _of: None)
        yield Outside(service=service, android=android, nanomdm=nanomdm, world=world, outlet=folder / "outlet")


def parts(outside: Outside, order: str) -> dict[str, dict[str, object]]:
    shown = outside.service.staff["agent-1"].lock(order)["backends"]
    return {part["backend"]: part for part in shown}


def post(outside: Outside, raw: bytes, signature: str) -> httpx.Response:
    """NanoMDM posts an event."""
    headers = {"content-type": "application/json; charset=utf-8", HEADER: signature}
    return httpx.post(f"{outside.service.address}/v1/backends/nanomdm/events", content=raw, headers=headers)


def status(outside: Outside, pei: str, token: str = EIR_TOKEN) -> httpx.Response:
    address = f"{outside.service.address}/n5g-eir-eic/v1/equipment-status"
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return httpx.get(address, params={"pei": pei}, headers=headers)


def device_of(outside: Outside) -> tuple[str, str]:
    """The handset that is disputed: its name and its IMEI."""
    enrolled = outside.world.handsets[outside.world.late_find.order]
    return enrolled.device, enrolled.unit.imei


def test_an_order_of_three_back_ends_from_a_report_to_the_last_release(outside: Outside, tmp_path: Path) -> None:
    device, imei = device_of(outside)
    supervisor, agent = outside.service.staff["supervisor-1"], outside.service.staff["agent-1"]
    shell = CommandLine(address=outside.service.address, folder=tmp_path, token=supervisor.client.token)
    for backend, handset in (("android", AndroidBench.handset), ("nanomdm", NanoMdmBench.handset), ("eir", imei)):
        assert shell.run("lock", "refer", device, backend, handset, "--json").value["handset"]
    names_are_confirmed(outside, device, imei, shell, tmp_path)
    checks = {row["check"]: row for row in agent.preflight(imei)["checks"]}
    assert (checks["backend_nanomdm"]["ok"], checks["backend_eir"]["reason"]) == (None, "two_people")
    person = customer.report(outside.service.client, outside.world.late_find)
    order = str(person.opened["lock"]["order"])
    until(lambda: outside.android.wished == "DISABLED" and outside.nanomdm.locked(), "both have the lock")
    assert agent.lock(order)["locked"] is False
    assert set(parts(outside, order)) == {"agent", "android", "nanomdm"}, "a provisional lock never comes to the list"
    lock_is_confirmed(outside, order)
    for who in ("investigator-1", "supervisor-1"):
        outside.service.staff[who].decide_lock(order, "confirm")
    list_is_published(outside, order, imei, shell)
    person.found()
    until(lambda: outside.android.wished == "ACTIVE" and not outside.nanomdm.locked(), "both have the release")
    until(lambda: status(outside, f"imei-{imei}").json() == {"status": "WHITELISTED"}, "it is off the list")
    assert agent.lock(order)["state"] == "release_queued"
    page = httpx.get(f"{outside.service.address}/console/locks", cookies={COOKIE: supervisor.client.token}).text
    assert "Android Management" in page
    assert "has not shown the handset free yet" in page
    outside.android.apply()
    acknowledge(outside)
    shell.run("lock", "list-loaded", "2")
    until(lambda: agent.lock(order)["state"] == "released", "everybody has shown it free")
    assert shell.run("lock", "show", order).out.count("nanomdm")
    outside.service.audit()


def names_are_confirmed(outside: Outside, device: str, imei: str, shell: CommandLine, tmp_path: Path) -> None:
    """Who gave the names cannot confirm them; an investigator types them again, on the command line and on the page."""
    agent = outside.service.staff["agent-1"]
    red = {row["check"]: row for row in agent.preflight(imei)["checks"] if row["reason"] == "unconfirmed"}
    assert set(red) == {"backend_android", "backend_nanomdm", "backend_eir"}
    assert all(row["ok"] is False and "second person" in row["allowed_by"] for row in red.values())
    waiting = agent.client.get("/v1/backends")["references"]
    assert {(row["backend"], row["given_by"]) for row in waiting} == {
        (name, "supervisor-1") for name in ("android", "nanomdm", "eir")
    }
    said = shell.run("lock", "confirm-reference", device, "android", AndroidBench.handset, expect=1)
    assert "supervisor or an investigator" in said.err
    second = CommandLine(
        address=outside.service.address, folder=tmp_path, token=outside.service.staff["investigator-1"].client.token
    )
    second.run("lock", "confirm-reference", device, "android", "enterprises/e1/devices/d2", expect=1)
    assert (
        "confirmed by investigator-1"
        in second.run("lock", "confirm-reference", device, "android", AndroidBench.handset).out
    )
    assert "waits for a second person" in second.run("lock", "backends").out
    confirmed_on_the_page(outside, device, {"nanomdm": NanoMdmBench.handset, "eir": imei})
    told = agent.client.get(f"/v1/devices/{device}")["references"]
    assert {row["confirmed_by"] for row in told} == {"investigator-1"}


def confirmed_on_the_page(outside: Outside, device: str, names: dict[str, str]) -> None:
    """The page shows what waits and to whom it is left; typing the name confirms it."""
    address, page = f"{outside.service.address}/console/references/confirm", f"{outside.service.address}/console/locks"
    tokens = {name: outside.service.staff[name].client.token for name in ("supervisor-1", "investigator-1")}
    own, seconds = (httpx.get(page, cookies={COOKIE: token}).text for token in tokens.values())
    assert "another person confirms it" in own
    assert NanoMdmBench.handset in own
    assert NanoMdmBench.handset not in seconds, "the second person reads it at the other system, and not here"
    assert device in seconds
    for backend, handset in names.items():
        body = {"device": device, "backend": backend, "handset": handset}
        for who, right in (("supervisor-1", False), ("investigator-1", True)):
            came = httpx.post(
                address, data=body, cookies={COOKIE: tokens[who]}, headers={"origin": outside.service.address}
            )
            assert (came.status_code == httpx.codes.SEE_OTHER) is right, came.text
    assert device not in httpx.get(page, cookies={COOKIE: tokens["investigator-1"]}).text


def lock_is_confirmed(outside: Outside, order: str) -> None:
    """Android's device, and then Apple's, show that they are locked; a bad signature shows nothing."""
    name = outside.nanomdm.queue[0][0]
    raw, signature = outside.nanomdm.event("mdm.Connect", command=name, status="Acknowledged")
    for wrong in ("", signature[:-4] + "AAA=", signature.lower()):
        refused = post(outside, raw, wrong)
        assert refused.status_code == 403, refused.text
        assert refused.json()["fix"]
    assert post(outside, raw + b" ", signature).status_code == 403
    assert parts(outside, order)["nanomdm"]["applied"] is None
    outside.android.apply()
    until(lambda: outside.service.staff["agent-1"].lock(order)["locked"], "the order is locked by Android's word")
    acknowledge(outside)
    until(lambda: parts(outside, order)["nanomdm"]["applied"] == "locked", "Apple's device has shown it")


def acknowledge(outside: Outside) -> None:
    """Apple's device does what is queued, and the server posts its answers, the first of them twice."""
    while outside.nanomdm.queue:
        name, command = outside.nanomdm.queue.pop(0)
        outside.nanomdm.lost = command["RequestType"] == "EnableLostMode"
        raw, signature = outside.nanomdm.event("mdm.Connect", command=name, status="Acknowledged")
        assert [post(outside, raw, signature).json() for _ in range(2)] == [{"taken": True}, {"taken": False}]


def list_is_published(outside: Outside, order: str, imei: str, shell: CommandLine) -> None:
    """The list holds the handset once two people have kept the lock; the register reads, fetches and loads it."""
    until(lambda: status(outside, f"imei-{imei}").json() == {"status": "BLACKLISTED"}, "it is on the list")
    assert status(outside, "imei-490154203237518").json() == {"status": "WHITELISTED"}
    assert status(outside, f"imei-{imei}", token="").status_code == 401
    assert status(outside, f"imei-{imei}", token="wrong").status_code == 401
    assert status(outside, "imei-1").status_code == 400
    assert status(outside, "msisdn-1").status_code == 404
    fetched = shell.run("lock", "export-list", "lists", "--whole", "--json").value
    assert fetched["written"] == ["0000000001-delta.csv", "0000000001-full.csv"]
    assert imei in (shell.folder / "lists" / "0000000001-full.csv").read_text()
    assert shell.run("lock", "export-list", "lists", "--json").value["written"] == []
    other = new_signer()
    assert shell.run("lock", "export-list", "again", "--key", key_text(other.public.cose_key()), expect=1).code == 1
    assert (outside.outlet / "0000000001-delta.csv.cose").exists(), "every delta is copied to the outlet"
    assert parts(outside, order)["eir"]["applied"] != "locked"
    with pytest.raises(Rejected):
        outside.service.staff["supervisor-1"].client.post("/v1/eir/loaded", {"seq": 9})
    with pytest.raises(Forbidden):
        outside.service.staff["agent-1"].client.post("/v1/eir/loaded", {"seq": 1})
    shell.run("lock", "list-loaded", "1")
    until(lambda: parts(outside, order)["eir"]["applied"] == "locked", "the register has loaded it")


def key_text(cose_key: object) -> str:
    """A key as the doors take it."""
    return b64(cbor.encode(cose_key))


def test_what_is_on_can_be_read_and_a_name_is_refused_that_is_none(outside: Outside) -> None:
    told = outside.service.staff["agent-1"].client.get("/v1/backends")
    assert set(told["on"]) == {"agent", "android", "nanomdm", "eir"}
    assert told["on"]["nanomdm"]["holds_before_setup"] is False
    device, _ = device_of(outside)
    client = outside.service.staff["supervisor-1"].client
    for backend, handset, kind in (
        ("android", "d1", Rejected),
        ("landline", "1", Rejected),
        ("eir", "490154203237518", Conflict),
    ):
        with pytest.raises(kind):
            client._send("PUT", f"/v1/devices/{device}/backends/{backend}", json={"handset": handset})
    with pytest.raises(NotFound):
        client._send("PUT", "/v1/devices/dev_none/backends/eir", json={"handset": "490154203237518"})


def test_a_handset_is_registered_with_the_names_that_others_have_for_it(outside: Outside) -> None:
    key = new_signer().public.cose_key()
    body = {"imei": "490154203237518", "cose_key": key_text(key), "references": {"nanomdm": "A" * 8}}
    client = outside.service.staff["supervisor-1"].client
    made = client.post("/v1/devices", body)
    assert made["device"]
    taken = {**body, "imei": "356938035643809", "cose_key": key_text(new_signer().public.cose_key())}
    with pytest.raises(Conflict):
        client.post("/v1/devices", taken)
    with pytest.raises(NotFound):
        client.get("/v1/devices/356938035643809")


def test_an_event_that_is_too_old_too_large_or_no_event_is_refused(outside: Outside) -> None:
    outside.nanomdm.other.skew_ms = -8 * 86_400_000
    old = outside.nanomdm.event("mdm.TokenUpdate")
    outside.nanomdm.other.skew_ms = 0
    assert post(outside, *old).status_code == 422
    assert post(outside, b"x" * 1_100_000, "").status_code in {413, 422}


def test_nothing_is_on_by_default(service: Service) -> None:
    assert httpx.post(f"{service.address}/v1/backends/nanomdm/events", content=b"{}").status_code == 404
    assert httpx.get(f"{service.address}/n5g-eir-eic/v1/equipment-status").status_code == 404
    client = service.staff["supervisor-1"].client
    told = client.get("/v1/backends")
    assert (list(told["on"]), told["parts"]) == (["agent"], [])
    with pytest.raises(NotFound):
        client.get("/v1/eir/lists")


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"nanomdm_address": "http://127.0.0.1:1"}, "NANOMDM_API_KEY"),
        ({"nanomdm_address": "http://127.0.0.1:1", "nanomdm_api_key": "k"}, "NANOMDM_WEBHOOK_KEY"),
        ({"knox_address": "http://127.0.0.1:1"}, "KNOX_KEY"),
        ({"android_key": "none.json"}, "ANDROID_KEY"),
        ({"eir_folder": "lists"}, "EIR_TOKEN"),
    ],
)
def test_a_back_end_that_is_not_wholly_set_is_refused_at_the_start_with_what_is_missing(
    tmp_path: Path, given: dict[str, str], missing: str
) -> None:
    with pytest.raises(Fatal) as caught:
        compose(read_settings(data=tmp_path, **given))
    assert f"WEAKLINK_{missing}" in caught.value.fix


def test_a_file_that_cannot_be_copied_to_the_outlet_is_tried_again(tmp_path: Path) -> None:
    made = Publication(kind=EirFileKind.DELTA, seq=1, raw=b"rows", signature=b"signature")
    with pytest.raises(Unavailable):
        copy_to(tmp_path / "not mounted", made)
    (tmp_path / "not mounted").mkdir()
    for _ in range(2):
        copy_to(tmp_path / "not mounted", made)
    assert sorted(path.name for path in (tmp_path / "not mounted").iterdir()) == [made.name, f"{made.name}.cose"]
    copy_to(None, made)


def test_an_access_token_is_asked_for_once_and_again_when_it_ends() -> None:
    clock, asked = SetClock(), []

    def google(request: Request) -> Reply:
        asked.append(request.path)
        return with_tokens(lambda _request: Reply(status=404), f"token-{len(asked)}")(request)

    account = ServiceAccount(key_file("https://tokens.example").encode(), lambda _address: google, clock=clock)
    assert [account(), account()] == ["token-1", "token-1"]
    clock.at_ms += 3600 * 1000
    assert account() == "token-2"
    assert asked == ["/token", "/token"]
    for wrong in (b"", b"{}", b'{"client_email": "a", "token_uri": "b", "private_key": "c"}'):
        with pytest.raises(Fatal):
            ServiceAccount(wrong, lambda _address: google, clock=clock)


def test_an_access_token_that_is_not_taken_any_more_is_replaced_at_the_next_call() -> None:
    """A release waits for nothing, and least of all for the hour at which our copy of a dead token would have ended."""
    clock, given = SetClock(), []

    def google(request: Request) -> Reply:
        given.append(request.path)
        return with_tokens(lambda _request: Reply(status=404), f"token-{len(given)}")(request)

    def management(request: Request) -> Reply:
        dead = dict(request.headers)["authorization"] == "Bearer token-1"
        return Reply(status=401 if dead else 200, body=b"{}")

    account = ServiceAccount(key_file("https://tokens.example").encode(), lambda _address: google, clock=clock)
    backend = android_backend(management, account, book=MemoryBook(), clock=clock)
    asked = Ref(handset=AndroidBench.handset, order="lock-1", version=1)
    with pytest.raises(Unavailable):
        backend.unlock(asked)
    clock.at_ms += 60_000
    assert backend.unlock(asked) is BackendAnswer.TAKEN
    assert backend.retire(replace(asked, version=2)) is BackendAnswer.TAKEN
    assert given == ["/token", "/token"]


@pytest.mark.parametrize(
    "reply", [Reply(status=500), Reply(status=403), Reply(status=200, body=b"{}"), Reply(status=404)]
)
def test_without_an_access_token_nothing_is_known_and_it_is_tried_again(reply: Reply) -> None:
    key = key_file("https://tokens.example").encode()
    account = ServiceAccount(key, lambda _address: lambda _request: reply, clock=SetClock())
    with pytest.raises(Unavailable):
        account()
