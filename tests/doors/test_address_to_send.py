"""A customer's link as staff have it to send: the whole address, by which the customer reaches us from outside."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.doors.case_desk import OURS, CaseDesk
from tests.doors.command_line import CommandLine
from tests.stories.http_service import running_service

OUTSIDE = "https://locks.example"
BEHIND = {**OURS, "origin": OUTSIDE}


@pytest.fixture(scope="module")
def named_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CaseDesk]:
    """Lend a service behind a proxy, at which its people have another address than this client."""
    with (
        running_service(tmp_path_factory.mktemp("named") / "data", public_url=OUTSIDE) as house,
        httpx.Client(base_url=house.address, timeout=30, headers=BEHIND) as http,
    ):
        yield CaseDesk(house=house, http=http)


def test_the_console_shows_the_link_of_a_new_case_and_a_new_link_with_the_address_that_customers_use(
    named_desk: CaseDesk,
) -> None:
    """A path alone opens nothing in a message."""
    http, agent = named_desk.http, named_desk.by("agent-1")
    opened = http.post("/console/cases", data={"words": "A power bank came."}, headers=agent)
    told = named_desk.report()
    renewed = http.post(f"/console/cases/{told['dispute']}/link", headers=agent)
    for page in (opened, renewed):
        assert re.search(rf">{OUTSIDE}/c/c_[0-9a-z]+<", page.text), page.text[:2000]


def test_the_api_tells_the_whole_address_where_it_tells_a_link(named_desk: CaseDesk) -> None:
    told = named_desk.report()
    assert told["customer_page"] == f"{OUTSIDE}/c/{told['customer_token']}"
    fresh = named_desk.http.post(f"/v1/disputes/{told['dispute']}/link", headers=named_desk.by("agent-1")).json()
    assert fresh["customer_page"] == f"{OUTSIDE}/c/{fresh['customer_token']}"


def test_the_command_line_on_the_services_own_machine_prints_the_address_that_customers_use(
    named_desk: CaseDesk, tmp_path: Path
) -> None:
    house = named_desk.house
    shell = CommandLine(address=house.address, token=house.token("agent-1"), folder=tmp_path)
    opened = shell.run("dispute", "open", "A power bank came").out
    assert f"customer's page: {OUTSIDE}/c/c_" in opened
