"""By which address a client is counted: its own, whatever it says; behind a proxy that is named, what that one says."""

import asyncio
from typing import Any

import httpx
import pytest

from api.cli.serve import configure
from api.settings import read_settings
from custody.kernel.errors import Rejected

CLIENT, PROXY, SAID = "203.0.113.9", "127.0.0.1", "198.51.100.1"


class SaysWho:
    """Answers whom the doors take the client for, and whether it came by https."""

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": f"{scope['client'][0]} {scope['scheme']}".encode()})

    def short_way(self, _scope: Any) -> None:
        """No request goes it."""


def seen(trusted: str, *, peer: str, said: str | None) -> str:
    """Whom the doors take a client for that comes from this peer and says this of itself."""
    app: Any = SaysWho()
    config = configure(app, read_settings(trusted_proxies=trusted))
    config.load()
    headers = {} if said is None else {"X-Forwarded-For": said, "X-Forwarded-Proto": "https"}

    async def ask() -> str:
        transport = httpx.ASGITransport(config.loaded_app, client=(peer, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as http:
            return (await http.get("/", headers=headers)).text

    return asyncio.run(ask())


@pytest.mark.parametrize("peer", [PROXY, "::1", CLIENT])
def test_nobody_is_believed_who_they_are_where_no_proxy_is_named(monkeypatch: pytest.MonkeyPatch, peer: str) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    assert seen("", peer=peer, said=SAID) == f"{peer} http"


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        (CLIENT, CLIENT),
        (f"{SAID}, {CLIENT}", CLIENT),
        (f"{SAID}, {CLIENT}, 10.1.2.3", CLIENT),
        (f"{SAID},{CLIENT},10.1.2.3,{PROXY}", CLIENT),
    ],
)
def test_of_what_a_named_proxy_says_the_last_that_is_none_of_ours_counts(said: str, taken: str) -> None:
    assert seen(f"{PROXY}, 10.0.0.0/8", peer=PROXY, said=said) == f"{taken} https"


def test_who_is_no_named_proxy_is_not_believed() -> None:
    assert seen(PROXY, peer=CLIENT, said=SAID) == f"{CLIENT} http"


@pytest.mark.parametrize("wrong", ["*", "proxy.example", "10.0.0.1/8", f"{PROXY} 10.0.0.1"])
def test_what_is_no_address_of_a_proxy_is_refused(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("WEAKLINK_TRUSTED_PROXIES", wrong)
    with pytest.raises(Rejected, match="trusted_proxies") as refused:
        read_settings()
    assert refused.value.fix == "Set WEAKLINK_TRUSTED_PROXIES otherwise."
