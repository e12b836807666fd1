"""The lock through the doors of the real service: few calls for an agent, no way for one person, an answer for all."""

import random
from collections import OrderedDict
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlmodel import Session

from api.people.auth import COOKIE
from api.trail_memory import TRAILS
from custody.kernel.clock import DAY_MS, to_iso
from custody.kernel.errors import Conflict, Forbidden, NotFound, Rejected, Trouble
from custody.kernel.system_clock import SystemClock
from custody.store.engine import WRITES
from custody.usecases.read_trail import FoundTrail, read_trail
from devicelock.rules.applied import Applied
from devicelock.rules.hello import SimClass
from devicelock.rules.receipt_code import receipt_code
from simulators.agent import sign_in
from simulators.client import ServiceClient
from simulators.handset import Handset, enrol_handset
from simulators.holder import ALLOWED_WHILE_LOCKED
from simulators.lock_fleet import missed_handsets
from simulators.network import World
from simulators.radio import Radio
from tests.doors.case_desk import OURS
from tests.doors.command_line import CommandLine
from tests.stories.http_service import Service, honest_network, running_service

PASSWORD = "long enough for a test"
WAIT_S = 60.0


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Lend a service of this module's own, in which no standing authority is in force."""
    with running_service(tmp_path_factory.mktemp("doors") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def network(service: Service) -> World:
    """Parcels that travelled and were sold; all handsets are registered, none was ever switched on."""
    return honest_network(service.staff["supervisor-1"].client, seed=8, parcels=4)


@pytest.fixture(scope="module")
def report(network: World) -> dict[str, Any]:
    """The body of the report of a customer whose parcel never came."""
    return dict(network.late_find.body)


@pytest.fixture
def radio(network: World, tmp_path: Path) -> Iterator[Radio]:
    """Lend the handset of that parcel, far away and with another SIM."""
    rng = random.Random(2)  # noqa: S311 - the same test, the same nonces
    make = partial(Handset, network.handsets[network.late_find.order], tmp_path / "handset", clock=SystemClock())
    radio = Radio(make(rng=rng, sim=SimClass.OTHER, country="RO", network="22610"))
    yield radio
    radio.switch_off()


class Counting(ServiceClient):
    """Counts the calls that it sends."""

    sent = 0

    def as_caller(self, token: str) -> "Counting":
        other = Counting(self.base_url, token=token, http=self._http)
        other.sent = self.sent
        return other

    def _send(self, method: str, path: str, **parts: Any) -> httpx.Response:
        self.sent += 1
        return super()._send(method, path, **parts)


def test_an_agents_lock_request_takes_at_most_four_calls_and_one_person_alone_gets_no_further(
    service: Service, network: World, report: dict[str, Any], radio: Radio, tmp_path: Path
) -> None:
    password = "also long enough for a test"
    maker = service.staff["supervisor-2"].client
    maker.post("/v1/accounts", {"name": "agent-7", "role": "agent", "person": "agent seven", "password": password})
    imei = network.handsets[network.late_find.order].unit.imei
    client = Counting(service.address)
    agent = sign_in(client, "agent-7", password)
    counting = agent.client
    assert isinstance(counting, Counting)
    counting.sent = client.sent
    case = agent.open_dispute(report)
    looked = counting.get("/v1/locks/preflight", imei=imei, dispute=case["dispute"])
    body = {"imei": imei, "imei_last4": imei[-4:], "reason": "never_received", "dispute": case["dispute"]}
    order = counting.post("/v1/locks", body)
    assert counting.sent <= 4
    assert order["state"] == "requested"
    assert order["evidence"], "it rests on the log's own entries"

    assert (looked["verdict"], looked["may_ask"]) == ("refused", True)
    red = {row["check"]: row for row in looked["checks"] if row["ok"] is not True and row["check"] in CHECKS_OF_A_LOCK}
    assert set(red) == {"decider", "two_people"}
    assert all(row["allowed_by"] for row in looked["checks"] if row["ok"] is not True)
    assert "policy_in_force" in {row["check"] for row in looked["standing"]["checks"] if row["ok"] is not True}

    alone(service, order["order"], tmp_path)
    assert radio.switch_on()
    assert not radio.wait_for(lambda phone: phone.screen_locked, timeout_s=1.0)

    done = service.staff["investigator-1"].decide_lock(order["order"], "approve")
    assert done["state"] == "queued"
    assert radio.wait_for(lambda phone: phone.screen_locked, timeout_s=WAIT_S)
    screen_helps_whoever_holds_it(service, radio)
    with pytest.raises(Conflict):
        service.staff["investigator-1"].decide_lock(order["order"], "approve")
    code = counting.post(f"/v1/devices/{imei}/code", {"challenge": radio.handset.challenge})["answer"]
    assert radio.type_code(code)
    assert not radio.handset.screen_locked
    client.close()


CHECKS_OF_A_LOCK = {"decider", "two_people", "requester", "imei_tied", "not_on_own_sim", "caps", "kill_switch"}


def alone(service: Service, order: str, tmp_path: Path) -> None:
    """Everything that the supervisor who made the agent's account tries, over the API and on the command line."""
    staff = service.staff["supervisor-2"]
    for verb in ("approve", "confirm"):
        with pytest.raises(Trouble) as refused:
            staff.decide_lock(order, verb)
        assert refused.value.fix
    staff.client.post(
        "/v1/accounts",
        {"name": "supervisor-8", "role": "supervisor", "person": "nobody knows", "password": PASSWORD},
    )
    puppet = sign_in(service.client, "supervisor-8", PASSWORD)
    with pytest.raises(Forbidden) as refused:
        puppet.decide_lock(order, "approve")
    assert "two_people" in str(refused.value.facts["checks"])
    proposal = staff.client.post("/v1/authority")["proposal"]
    for who in (staff, puppet):
        with pytest.raises(Forbidden):
            who.client.post(f"/v1/authority/{proposal}/approve")
    shell = CommandLine(address=service.address, token=puppet.client.token, folder=tmp_path)
    said = shell.run("lock", "approve", order, expect=1)
    assert "two_people" in said.err
    assert "account was not made by the same hands" in said.err
    agents = CommandLine(address=service.address, token=service.token("agent-1"), folder=tmp_path)
    assert "supervisor" in agents.run("lock", "approve", order, expect=1).err


def screen_helps_whoever_holds_it(service: Service, radio: Radio) -> None:
    """The lock screen says who, why, which, whom to call, what a buyer does, who can overrule, and until when."""
    screen = radio.handset.screen
    assert screen is not None
    assert screen.phone
    assert "You did nothing wrong" in screen.why
    assert "Calls to 999 and 112 work." in screen.why
    assert screen.who == service.parts.settings.operator
    assert "the independent scheme CISAS can help customers of ours, and the county court anybody" in screen.recourse
    assert service.staff["agent-1"].lock(screen.reference)["order"] == screen.reference
    assert f"{service.address}/bought" in screen.bought
    assert screen.deadline_s * 1000 > SystemClock().now_ms()
    for function in ALLOWED_WHILE_LOCKED:
        assert radio.handset.use(function) == "done"
    nobody = service.client.as_caller("")
    told = nobody.post("/v1/holders", {"reference": screen.reference, "words": "I bought it at a market."})
    assert "You did nothing wrong" in told["words"]
    page = nobody.get(f"/v1/customer/{told['customer_url'].rpartition('/')[2]}")
    assert (page["order"], page["parcel"], page["locks"]) == (None, None, [])
    alerts = service.staff["agent-1"].client.get("/v1/alerts")["alerts"]
    assert {"holder_spoke"} <= {alert["kind"] for alert in alerts}
    (one,) = [alert["alert"] for alert in alerts if alert["about"] == screen.reference]
    with pytest.raises(Forbidden):
        service.staff["agent-1"].client.post(f"/v1/alerts/{one}/seen")
    assert service.staff["supervisor-1"].client.post(f"/v1/alerts/{one}/seen")["seen_by"] == "person-of-supervisor-1"
    typed = {"reference": screen.reference, "words": "I bought it.", "once": "0" * 32}
    taps = [httpx.post(f"{service.address}/bought", data=typed, headers=OURS) for _ in range(2)]
    assert len({tap.headers["location"] for tap in taps}) == 1, "two taps make one case"


def test_a_customer_says_i_have_it_with_the_code_from_our_message(service: Service, network: World) -> None:
    parcel = network.past.parcels[0]
    enrol_handset(service.staff["supervisor-1"].client, parcel.unit, seed="received")
    nobody = service.client.as_caller("")
    with pytest.raises(Forbidden) as refused:
        nobody.post("/v1/receipts", {"order": parcel.order, "code": "0000000000"})
    assert refused.value.fix
    code = receipt_code(service.parts.keyring.codes, parcel.order)
    assert nobody.post("/v1/receipts", {"order": parcel.order, "code": code.upper()})["received"] is True
    device = service.staff["agent-1"].client.get(f"/v1/devices/{parcel.unit.imei}")
    assert (device["retired"], device["desired"]) == (True, str(Applied.RETIRED))
    for _ in range(10):
        with pytest.raises(Trouble) as guessed:
            nobody.post("/v1/receipts", {"order": parcel.order, "code": "0000000000"})
    assert guessed.value.code == "too_many"
    elsewhere = httpx.HTTPTransport(local_address="127.0.0.2")
    with httpx.Client(base_url=service.address, transport=elsewhere) as owner:
        said = owner.post("/v1/receipts", json={"order": parcel.order, "code": code})
    assert said.status_code == 201, "who guesses uses up no tries of who has the code"


def test_a_leaver_is_released_and_the_groups_and_alerts_are_shown(service: Service, network: World) -> None:
    agent, unit = service.staff["agent-1"].client, network.past.parcels[1].unit
    imei = enrol_handset(service.staff["supervisor-1"].client, unit, seed="left").unit.imei
    with pytest.raises(Rejected):
        agent.post(f"/v1/devices/{imei}/leave", {"ends_at": "next month"})
    left = agent.post(f"/v1/devices/{imei}/leave", {"ends_at": to_iso(SystemClock().now_ms() + 30 * DAY_MS)})
    assert (left["left"], left["retired"]) == (True, True)
    with pytest.raises(NotFound):
        agent.post("/v1/devices/490154203237518/leave", {"ends_at": to_iso(SystemClock().now_ms())})
    groups = agent.get("/v1/locks/groups")["groups"]
    assert {group["paused"] for group in groups} <= {None, "wrong_lock"}
    with pytest.raises(NotFound):
        service.staff["investigator-1"].client.post("/v1/locks/clearances", {"group": "policy:none", "why": "looked"})
    with pytest.raises(Forbidden):
        agent.post("/v1/locks/clearances", {"group": "policy:none", "why": "looked"})
    service.audit()


def test_groups_of_locks_are_read_while_somebody_else_writes(service: Service) -> None:
    with service.parts.house.unit():
        assert "groups" in service.staff["agent-1"].client.get("/v1/locks/groups")


def test_checks_and_pages_of_locks_are_read_while_somebody_else_writes(
    service: Service, network: World, report: dict[str, Any]
) -> None:
    agent = service.staff["agent-1"].client
    unit = network.handsets[network.late_find.order].unit
    case = agent.post("/v1/disputes", report)["dispute"]
    cookies = {COOKIE: service.token("supervisor-1")}
    with service.parts.house.unit():
        looked = agent.get("/v1/locks/preflight", imei=unit.imei, dispute=case)
        pages = [
            httpx.get(f"{service.address}/console/{page}", cookies=cookies, timeout=15)
            for page in ("locks", f"cases/{case}")
        ]
    assert {row["check"] for row in looked["checks"]} >= CHECKS_OF_A_LOCK
    assert [page.status_code for page in pages] == [200, 200]


def test_a_customer_who_is_still_served_is_told_first_and_their_word_calls_the_lock_back(
    service: Service, network: World
) -> None:
    agent, parcel = service.staff["agent-1"].client, network.past.parcels[2]
    imei = enrol_handset(service.staff["supervisor-1"].client, parcel.unit, seed="served").unit.imei
    body = {"words": "It came broken and I sent it back.", "order": parcel.order, "claim_type": "damaged"}
    case = agent.post("/v1/disputes", body)
    events = f"/v1/disputes/{case['dispute']}/events"
    with pytest.raises(Rejected):
        agent.post(events, {"event": "whereabouts"})
    agent.post(events, {"event": "whereabouts", "whereabouts": {"lost_on_return_leg": True}})
    assert agent.get("/v1/locks/preflight", imei=imei, dispute=case["dispute"])["may_ask"] is True
    wanted = {"imei": imei, "imei_last4": imei[-4:], "reason": "lost_on_return", "dispute": case["dispute"]}
    order = agent.post("/v1/locks", wanted)
    assert order["state"] == "requested"
    with pytest.raises(Forbidden) as early:
        service.staff["supervisor-1"].decide_lock(order["order"], "approve")
    assert "the hour of which they were told" in early.value.fix
    customer = f"/v1/customer/{case['customer_token']}"
    nobody = service.client.as_caller("")
    assert any("We plan to lock the phone" in said["text"] for said in nobody.get(customer)["messages"])
    page = httpx.get(f"{service.address}/c/{case['customer_token']}").text
    assert "Nothing is locked. We plan to lock the phone" in page
    told = nobody.post(f"{customer}/disagree")
    assert [lock["state"] for lock in told["locks"]] == ["refused"]
    assert any("We called the lock back" in said["text"] for said in told["messages"])
    with pytest.raises(Conflict):
        service.staff["supervisor-1"].decide_lock(order["order"], "approve")
    service.audit()


@pytest.fixture
def reads_in_units(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Of each trail that is read from here on whether it is in a unit. No trail was read before."""
    in_units = list[bool]()

    def noted(session: Session, item: str, *, parcel: str | None = None) -> FoundTrail:
        in_units.append(WRITES in session.get_bind().get_execution_options())
        return read_trail(session, item, parcel=parcel)

    for module in ("api.trail_memory", "custody.usecases.trails_ahead"):
        monkeypatch.setattr(f"{module}.read_trail", noted)
    monkeypatch.setattr(TRAILS, "_known", OrderedDict())
    return in_units


def test_no_unit_waits_for_a_trail_that_is_read(
    service: Service, network: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reads_in_units: list[bool]
) -> None:
    """Applied: neither the process that is asked nor the one that decides has read the trail before."""
    decides, asks = service.staff["supervisor-1"], service.staff["agent-2"]
    (missed,) = missed_handsets(decides.client, count=1, seed=77, folder=tmp_path, played=network)
    reads_in_units.clear()
    monkeypatch.setattr(TRAILS, "_known", OrderedDict())
    why = {"reason": "never_received", "dispute": missed.dispute}
    order = asks.client.post("/v1/locks", {"imei": missed.imei, "imei_last4": missed.imei[-4:], **why})["order"]
    monkeypatch.setattr(TRAILS, "_known", OrderedDict())
    assert decides.decide_lock(order, "approve")["state"] == "queued"
    assert reads_in_units == [False, False]
    asks.decide_lock(order, "release")


@pytest.mark.parametrize("named", ["order", "item"])
def test_no_unit_waits_for_the_trail_of_a_report(
    service: Service, network: World, named: str, reads_in_units: list[bool]
) -> None:
    parcel = network.past.parcels[-1]
    what = {"order": parcel.order, "item": parcel.sscc}[named]
    said = {"words": "It was empty.", "claim_type": "missing_accessory", named: what}
    told = service.client.as_caller("").post("/v1/disputes", said)
    assert told["dispute"]
    assert reads_in_units
    assert not any(reads_in_units)
