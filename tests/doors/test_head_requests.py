"""HEAD at the doors that anyone may use, and which methods a path takes."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from api.cli.instance import Instance
from api.http.head_requests import HeadRequests

HELD = ["/log/checkpoint", "/log/tile/0/000.p/1", "/log/tile/entries/000.p/1", "/.well-known/scitt-keys", "/healthz"]
SAME = ("content-type", "content-length", "cache-control", "location", "allow")


@pytest.fixture(scope="module")
def http(instance: Instance) -> Iterator[httpx.Client]:
    """Lend a plain client."""
    with httpx.Client(base_url=instance.address, timeout=60) as client:
        yield client


@pytest.mark.parametrize("path", [*HELD, "/", "/console"])
def test_head_is_answered_as_get_without_the_body(http: httpx.Client, path: str) -> None:
    got, head = http.get(path), http.head(path)
    assert got.content or got.is_redirect
    assert (head.status_code, head.content) == (got.status_code, b"")
    assert [head.headers.get(name) for name in SAME] == [got.headers.get(name) for name in SAME]


@pytest.mark.parametrize(("path", "status"), [(f"/entries/{'0' * 64}", 404), ("/entries", 405), ("/v1/me", 401)])
def test_head_is_refused_as_get_is(http: httpx.Client, path: str, status: int) -> None:
    got, head = http.get(path), http.head(path)
    assert (got.status_code, head.status_code, head.content) == (status, status, b"")
    assert [head.headers.get(name) for name in SAME] == [got.headers.get(name) for name in SAME]


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/log/checkpoint", "GET, HEAD"),
        ("DELETE", "/log/tile/0/000", "GET, HEAD"),
        ("GET", "/entries", "POST"),
        ("PUT", f"/entries/{'0' * 64}", "GET, HEAD"),
        ("OPTIONS", "/.well-known/scitt-keys", "GET, HEAD"),
        ("DELETE", "/v1/disputes", "GET, HEAD, POST"),
        ("PUT", "/v1/scans", "POST"),
        ("PUT", "/console/sign-in", "GET, HEAD, POST"),
        ("POST", "/healthz", "GET, HEAD"),
        ("GET", "/v1/locks/clearances", "POST"),
        ("DELETE", "/v1/locks/releases", "POST"),
        ("DELETE", "/v1/locks/groups", "GET, HEAD"),
    ],
)
@pytest.mark.parametrize("accept", ["*/*", "text/html"])
def test_a_405_lists_every_method_that_the_path_takes(
    http: httpx.Client, method: str, path: str, allow: str, accept: str
) -> None:
    answer = http.request(method, path, headers={"Accept": accept})
    assert (answer.status_code, answer.headers["allow"]) == (405, allow)
    assert answer.headers.get_list("allow") == [allow]


@pytest.mark.parametrize(
    "path", ["0/000.p/256", "0/000.p/0", "0/0", "64/000", "0/x000/000", "entries/000.p/01", "", "0"]
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_no_path_of_a_tile_is_absent_and_no_cache_remembers_it(http: httpx.Client, path: str, method: str) -> None:
    for each in (path, "0/999", "entries/999.p/7"):
        answer = http.request(method, f"/log/tile/{each}")
        assert (answer.status_code, answer.headers["cache-control"]) == (404, "no-store")


def test_a_connection_goes_on_after_head(http: httpx.Client) -> None:
    for _ in range(3):
        assert http.head("/log/checkpoint").content == b""
        assert http.get("/log/checkpoint").text.startswith(http.get("/v1/log").json()["origin"])


def test_no_part_of_a_body_is_handed_to_the_server() -> None:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["method"] == "GET"
        await StreamingResponse(iter([b"one", b"two"]), headers={"Content-Length": "6"})(scope, receive, send)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(HeadRequests(answer))
        async with httpx.AsyncClient(transport=transport, base_url="http://any.example") as client:
            return await client.head("/")

    head = asyncio.run(ask())
    assert (head.status_code, head.headers["content-length"], head.content) == (200, "6", b"")
