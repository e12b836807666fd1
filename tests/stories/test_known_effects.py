"""What a lock does to its customer is known before: whoever asks for one reads the list that the customer is sent."""

import html
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulators.handset import enrol_handset
from simulators.network import World
from tests.doors.command_line import CommandLine
from tests.stories.http_service import Service, honest_network, raw_client, running_service


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Lend a service of this module's own, in which no standing authority is in force."""
    with running_service(tmp_path_factory.mktemp("effects") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def network(service: Service) -> World:
    """Parcels that travelled and were sold; the handsets of two are registered."""
    made = honest_network(service.staff["supervisor-1"].client, seed=8, parcels=4)
    for number in (0, 1):
        enrol_handset(service.staff["supervisor-1"].client, made.past.parcels[number].unit, seed=f"effects {number}")
    return made


def case_of(service: Service, network: World, number: int, claim_type: str) -> tuple[str, str]:
    """The IMEI and the case of a customer with that kind of problem."""
    parcel = network.past.parcels[number]
    body = {"words": "It is not right.", "order": parcel.order, "claim_type": claim_type}
    return parcel.unit.imei, service.staff["agent-1"].client.post("/v1/disputes", body)["dispute"]


def preview(service: Service, imei: str, case: str) -> list[str]:
    """The effects on the customer that the dry run lists."""
    looked: dict[str, Any] = service.staff["agent-1"].client.get("/v1/locks/preflight", imei=imei, dispute=case)
    effects: list[str] = looked["effects"]
    assert len(effects) > 3
    return effects


def ask(service: Service, imei: str, case: str) -> str:
    """A lock is asked for; its name."""
    body = {"imei": imei, "imei_last4": imei[-4:], "reason": "never_received", "dispute": case}
    order = service.staff["agent-1"].client.post("/v1/locks", body)
    assert order["state"] == "requested"
    return str(order["order"])


def told(service: Service, case: str, words: str) -> str:
    """The one message of a case that begins with these words."""
    messages = service.staff["agent-1"].client.get(f"/v1/disputes/{case}")["messages"]
    (text,) = [message["text"] for message in messages if message["text"].startswith(words)]
    return str(text)


def page(service: Service, account: str, path: str) -> str:
    """A page of the console, as its words."""
    headers = {"authorization": f"Bearer {service.token(account)}", "accept": "text/html"}
    with raw_client(service) as client:
        return html.unescape(client.get(path, headers=headers).text)


def test_the_preview_of_a_lock_lists_the_effects_that_its_customer_is_sent(service: Service, network: World) -> None:
    imei, case = case_of(service, network, 0, "never_received")
    effects = preview(service, imei, case)
    order = ask(service, imei, case)
    service.staff["investigator-1"].decide_lock(order, "approve")
    assert " ".join(effects) in told(service, case, "The phone from your order is missing.")


def test_the_same_list_stands_in_the_notice_before_a_lock_and_in_the_preview_of_who_decides(
    service: Service, network: World
) -> None:
    imei, case = case_of(service, network, 1, "damaged")
    lost = {"event": "whereabouts", "whereabouts": {"lost_on_return_leg": True}}
    service.staff["agent-1"].client.post(f"/v1/disputes/{case}/events", lost)
    effects = preview(service, imei, case)
    asking = page(service, "agent-1", f"/console/cases/{case}")
    assert all(f"<li>{effect}</li>" in asking for effect in effects)
    ask(service, imei, case)
    assert " ".join(effects) in told(service, case, "We plan to lock the phone")
    deciding = page(service, "supervisor-1", "/console/locks")
    assert all(f"<li>{effect}</li>" in deciding for effect in effects)


def test_the_command_line_lists_the_same_effects(service: Service, network: World, tmp_path: Path) -> None:
    imei, case = case_of(service, network, 2, "never_received")
    enrol_handset(service.staff["supervisor-1"].client, network.past.parcels[2].unit, seed="effects 2")
    shell = CommandLine(address=service.address, token=service.token("agent-1"), folder=tmp_path)
    said = shell.run("lock", "preflight", imei, "--dispute", case).out
    assert all(effect in said for effect in preview(service, imei, case))
