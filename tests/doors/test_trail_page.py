"""The console's page of a trail: whatever was asked for is what its addresses lead to."""

import html
import re
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from api.cli.instance import Instance
from api.pages import words
from custody.investigation.naming import NamingOutcome
from custody.kernel import cbor
from simulators.agent import sign_in
from simulators.client import ServiceClient
from tests.doors.log_desk import SSCC, Desk

SCAN = {"Content-Type": "application/vnd.weaklink.scan+cbor"}


@pytest.fixture
def page(instance: Instance) -> httpx.Client:
    """Lend the console of an agent; the log holds a scan of one parcel."""
    desk = Desk(instance)
    desk.http.post("/v1/scans", content=cbor.encode(list(desk.sign())), headers=SCAN).raise_for_status()
    desk.http.close()
    client = ServiceClient(instance.address)
    token = sign_in(client, "agent-1", instance.accounts["agent-1"]).client.token
    client.close()
    return httpx.Client(base_url=instance.address, headers={"Authorization": f"Bearer {token}"}, timeout=60)


def test_every_verdict_is_told_in_a_sentence_of_its_own() -> None:
    told = {outcome: words.worded(words.NAMING_OUTCOMES, str(outcome)) for outcome in NamingOutcome}
    assert len({*told.values()}) == len(NamingOutcome)
    for verdict, said in told.items():
        assert said[0].isupper(), f"{verdict}: {said}"
        assert said.split()[0] in {"A", "The"}, f"{verdict}: {said}"


@pytest.mark.parametrize("order", ["po:#1042", "po:is it?", "po:A%2FB", "po:A/B"])
def test_an_order_of_odd_letters_is_asked_for_as_it_was_typed(page: httpx.Client, order: str) -> None:
    with page:
        shown = page.get("/console/trails", params={"item": order}, follow_redirects=True)
    assert shown.status_code == 404
    assert f"nothing is recorded of '{order}'" in html.unescape(shown.text)


def test_the_check_of_a_trail_is_of_what_was_asked_for(page: httpx.Client) -> None:
    with page:
        shown = page.get("/console/trails", params={"item": f"https://id.gs1.org/00/{SSCC}#top"}, follow_redirects=True)
        (action,) = re.findall(r'action="(/console/trails/[^"]*)"', shown.text)
        checked = urlsplit(urljoin(str(shown.url), html.unescape(action)))
    assert checked.path == urlsplit(str(shown.url)).path
    assert checked.fragment == "whole-title"


def test_a_parcel_without_an_order_leads_to_its_case(page: httpx.Client) -> None:
    with page:
        told = page.post("/v1/disputes", json={"words": "It never came.", "item": SSCC}).json()
        found = page.get("/console/find", params={"q": SSCC})
        assert found.headers["location"] == f"/console/cases/{told['dispute']}"
        trail = page.get(f"/console/trails/{SSCC}").text
    assert told["dispute"] in trail
    assert "Nobody disputes this parcel" not in trail
