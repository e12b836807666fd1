"""The doors of the lock: what the dry run says is what the act does, and no order of the list is out of reach."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from custody.kernel.errors import Trouble
from devicelock.store import LockOrderRow
from simulators.handset import enrol_handset
from simulators.network import World
from tests.stories.http_service import Service, honest_network, raw_client, running_service


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Lend a service of this module's own in which a person may ask for two locks in a day."""
    caps = {"asks_per_person_day": 2}
    with running_service(tmp_path_factory.mktemp("agree") / "data", lock_caps=caps) as running:
        yield running


@pytest.fixture(scope="module")
def network(service: Service) -> World:
    """Parcels that travelled and were sold; the handsets of two are registered."""
    made = honest_network(service.staff["supervisor-1"].client, seed=8, parcels=4)
    for number in (0, 1):
        enrol_handset(service.staff["supervisor-1"].client, made.past.parcels[number].unit, seed=f"agree {number}")
    return made


def case_of(service: Service, network: World, number: int, **more: Any) -> tuple[str, str]:
    """The IMEI and the case of a customer whose parcel never came."""
    parcel = network.past.parcels[number]
    body = {"words": "It never came.", "order": parcel.order, "claim_type": "never_received", **more}
    return parcel.unit.imei, service.staff["agent-1"].client.post("/v1/disputes", body)["dispute"]


def may_ask(service: Service, account: str, imei: str, case: str, **more: Any) -> bool:
    """What the dry run says."""
    return looked(service, account, imei, case, **more)["may_ask"] is True


def looked(service: Service, account: str, imei: str, case: str, **more: Any) -> dict[str, Any]:
    """The dry run."""
    found: dict[str, Any] = service.staff[account].client.get("/v1/locks/preflight", imei=imei, dispute=case, **more)
    return found


def asked(service: Service, account: str, imei: str, case: str, **more: Any) -> str:
    """What the act does: the state of the order, or the code of the refusal."""
    body = {"imei": imei, "imei_last4": imei[-4:], "reason": "never_received", "dispute": case, **more}
    try:
        return str(service.staff[account].client.post("/v1/locks", body)["state"])
    except Trouble as refused:
        return refused.code


@pytest.mark.parametrize("reason", ["", "no_such_reason"])
def test_a_reason_that_is_not_in_the_list_is_refused_beside_its_field_without_the_codes_of_the_list(
    service: Service, network: World, reason: str
) -> None:
    imei, case = case_of(service, network, 0)
    headers = {"authorization": f"Bearer {service.token('agent-1')}", "accept": "text/html"}
    form = {"imei_last4": imei[-4:], "reason": reason}
    with raw_client(service) as client:
        page = client.post(f"/console/cases/{case}/lock", data=form, headers=headers).text
    alert = re.search(r'role="alert".*?</div>', page, re.DOTALL)
    assert alert
    assert "_" not in alert[0]
    assert "Please choose one of the list." in alert[0]
    assert 'href="#lock-reason"' in alert[0]
    assert re.search(r'<select id="lock-reason"[^>]* aria-invalid="true"', page)


def test_the_dry_run_knows_of_an_order_that_is_open_already(service: Service, network: World) -> None:
    imei, case = case_of(service, network, 0)
    assert may_ask(service, "agent-1", imei, case)
    assert asked(service, "agent-1", imei, case) == "requested"
    assert asked(service, "agent-2", imei, case) == "already_ordered"
    assert not may_ask(service, "agent-2", imei, case)
    assert looked(service, "agent-2", imei, case)["refused"]["code"] == "already_ordered"


def test_the_dry_run_knows_how_often_a_person_has_asked_today(service: Service, network: World) -> None:
    imei, case = case_of(service, network, 1)
    agent = service.staff["agent-1"].client
    while (said := asked(service, "agent-1", imei, case)) != "cap":
        orders = [row for row in agent.get("/v1/locks")["locks"] if row["state"] == "requested"]
        assert said in {"requested", "already_ordered"}
        for row in orders:
            agent.post(f"/v1/locks/{row['order']}/release")
    assert not may_ask(service, "agent-1", imei, case), "this person has asked for as many locks as anybody may"
    assert looked(service, "agent-1", imei, case)["refused"]["code"] == "cap"


def test_the_dry_run_is_asked_with_the_specialist_who_decides_as_the_act_is(service: Service, network: World) -> None:
    imei, case = case_of(service, network, 1, support_needs=["large print"])
    assert not may_ask(service, "agent-2", imei, case), "without a specialist it would be refused"
    assert may_ask(service, "agent-2", imei, case, specialist="supervisor-2")
    assert asked(service, "agent-2", imei, case, specialist="supervisor-2") == "requested"


def test_the_newest_lock_orders_come_first_and_all_can_be_read_page_by_page(service: Service) -> None:
    agent = service.staff["agent-1"].client
    orders = agent.get("/v1/locks")["locks"]
    assert orders
    with service.parts.house.unit() as unit:
        like = unit.session.get_one(LockOrderRow, orders[0]["order"])
        for number in range(250):
            facts = {**like.model_dump(), "id": f"lock_old{number:012d}", "state": "refused", "created_ms": number // 2}
            unit.session.add(LockOrderRow(**facts))
    page: dict[str, Any] = agent.get("/v1/locks", limit=200)
    assert page["locks"][: len(orders)] == orders, "what was asked a moment ago is on the first page"
    seen = [row["order"] for row in page["locks"]]
    while page["next"]:
        page = agent.get("/v1/locks", limit=100, cursor=page["next"])
        seen += [row["order"] for row in page["locks"]]
    assert len(seen) == len(set(seen)) == len(orders) + 250
