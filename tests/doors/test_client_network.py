"""Whoever has one address of IPv6 has 2^64 of them: they count as one where acts are counted by address."""

import asyncio

import httpx
import pytest
from starlette.requests import Request

from api.app import build_app
from api.people.client_network import network_of
from tests.doors.case_desk import CaseDesk


def asked_from(address: str | None) -> Request:
    """A request that came from an address; None where the web server knows none."""
    client = None if address is None else (address, 49_152)
    return Request({"type": "http", "headers": [], "client": client})


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::", "2001:db8:1:2::"),
        ("2001:0DB8:0001:0002:ffff:ffff:ffff:ffff", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("::1", "::"),
        ("testclient", "testclient"),
        ("", ""),
        (None, ""),
    ],
)
def test_addresses_of_one_network_count_as_one(address: str | None, network: str) -> None:
    assert network_of(asked_from(address)) == network


def test_who_changes_the_address_within_a_network_gets_no_more_tries(desk: CaseDesk) -> None:
    app = build_app(desk.house.parts)

    async def post(number: int) -> int:
        transport = httpx.ASGITransport(app, client=(f"2001:db8:7:7::{number:x}", 49_152))
        async with httpx.AsyncClient(transport=transport, base_url="http://any.example") as client:
            return (await client.post("/entries", content=b"nonsense")).status_code

    async def post_all() -> list[int]:
        return [await post(number) for number in range(200)]

    assert 429 in asyncio.run(post_all())
