"""A customer's link: whoever quotes an order or a handset has one, and it tells only what a stranger may hear."""

import io
import zipfile

import httpx
import pytest

from tests.doors.case_desk import OURS, CaseDesk

CONTACT = "Ottoline Price, 7 Back Lane, LS1 4AP, ottoline@example.com"
IMEI = "001017004829159"


@pytest.mark.parametrize("named", ["SO-20991", IMEI])
def test_who_quotes_an_order_or_a_handset_does_not_get_the_buyers_name_and_address(desk: CaseDesk, named: str) -> None:
    sold = {"order": "SO-20991", "imei": IMEI, "customer": {"contact": CONTACT, "region": 4}}
    assert desk.http.post("/v1/orders", json=sold, headers=desk.by("agent-1")).is_success
    link = desk.http.post("/complain", data={"words": "It never came.", "order": named}).headers["location"]
    with httpx.Client(base_url=desk.house.address, timeout=30, headers=OURS) as stranger:
        content = stranger.get(f"{link}/file").content
    with zipfile.ZipFile(io.BytesIO(content)) as pack:
        everything = b"\n".join(pack.read(name) for name in pack.namelist()).decode()
    for private in ("ottoline@example.com", "Back Lane", "region"):
        assert private not in everything
