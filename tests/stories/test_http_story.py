"""The story of a parcel that never came, through the real doors: HTTP for people and stations, MQTT for the handset."""

import random
import time
from functools import partial
from pathlib import Path

import pytest

from api.lock_views import OF_A_CUSTOMER
from custody.kernel.errors import Conflict, Forbidden, NotFound
from custody.kernel.system_clock import SystemClock
from devicelock.rules.hello import SimClass
from simulators import customer, events
from simulators.agent import put_authority_in_force
from simulators.handset import Handset
from simulators.radio import Radio
from tests.stories.http_service import Service, running_service, small_network

WAIT_S = 60.0


def until(service: Service, order: str, state: str) -> dict[str, object]:
    """Wait until a lock order has come to a state."""
    deadline = time.monotonic() + WAIT_S
    while (found := service.staff["agent-1"].lock(order))["state"] != state:
        assert time.monotonic() < deadline, f"the order is {found['state']}, not {state}"
        time.sleep(0.05)
    return found


def test_a_parcel_that_never_came_is_put_right_locked_and_found_again(service: Service, tmp_path: Path) -> None:
    put_authority_in_force(service.staff["supervisor-1"], service.staff["supervisor-2"])
    world = small_network(service)
    told = world.late_find
    person = customer.report(service.client, told)
    assert (person.opened["state"], person.opened["presumption"]) == ("remedy_offered", "honest")
    order = str(person.opened["lock"]["order"])
    assert (person.opened["lock"]["state"], person.opened["lock"]["locked"]) == ("queued", False)
    rng = random.Random(1)  # noqa: S311 - the same test, the same nonces
    make = partial(Handset, world.handsets[told.order], tmp_path / "handset", clock=SystemClock(), rng=rng)
    radio = Radio(make(sim=SimClass.NEVER, country="GB"))
    try:
        assert radio.switch_on()
        assert radio.wait_for(lambda phone: phone.screen_locked, timeout_s=WAIT_S)
        until(service, order, "active_provisional")
        assert person.choose("replacement")["state"] == "remedy_in_progress"
        with pytest.raises(Conflict):
            person.confirm()
        (released,) = person.found()["released"]
        assert set(released) == set(OF_A_CUSTOMER), "no check, no name of ours"
        assert radio.wait_for(lambda phone: not phone.screen_locked, timeout_s=WAIT_S)
        assert until(service, order, "released")["released_at"] is not None
    finally:
        radio.switch_off()
    done = {"event": "delivered_or_paid", "reference": "JJD0001"}
    service.staff["agent-1"].client.post(f"/v1/disputes/{person.dispute}/events", done)
    with pytest.raises(Conflict):
        person.confirm()
    paid = {"event": "credit_paid", "reference": "what is owed for the wrong lock"}
    service.staff["agent-1"].client.post(f"/v1/disputes/{person.dispute}/events", paid)
    assert person.confirm()["state"] == "closed"
    service.audit()


def test_only_the_customers_link_opens_the_case_and_only_whom_the_table_names_may_act(service: Service) -> None:
    opened = service.client.post("/v1/disputes", {"words": "What came is not what I ordered."})
    nobody, agent = service.client.as_caller(""), service.staff["agent-1"].client
    assert nobody.get(f"/v1/customer/{opened['customer_token']}")["dispute"] == opened["dispute"]
    for wrong in (opened["dispute"], opened["customer_token"][:-1], opened["customer_token"].upper()):
        with pytest.raises(NotFound):
            nobody.get(f"/v1/customer/{wrong}")
        with pytest.raises(NotFound):
            nobody.post(f"/v1/customer/{wrong}/found")
    for path, body in (("/v1/authority", {}), ("/v1/kill-switch", {"on": True, "why": "to see"})):
        with pytest.raises(Forbidden):
            agent.post(path, body)
    service.audit()


def test_a_store_in_which_no_scan_names_a_handler_is_investigated_and_asked_for_hotspots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = events.finish
    monkeypatch.setattr(
        events, "finish", lambda body, **more: finish({key: body[key] for key in body if key != "wl:handler"}, **more)
    )
    with running_service(tmp_path / "data") as service:
        opened = customer.report(service.client, small_network(service).late_find)
        investigator = service.staff["investigator-1"]
        found = investigator.client.post(f"/v1/investigations/{opened.dispute}/run")
        assert (found["person_named"], found["handler"]) == (False, None)
        assert {spot["handler"] for spot in investigator.client.get("/v1/hotspots", least=0)["hotspots"]} == {None}
        service.audit()
