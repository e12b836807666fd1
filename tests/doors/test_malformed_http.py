"""What is no HTTP is answered as every error is: a problem document, kept by no cache."""

import http.client
import json
import socket

import pytest

from api.cli.instance import Instance

LONG_S = 60.0


@pytest.mark.parametrize(
    "sent",
    [
        b"NO HTTP\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: here\r\nno header\r\n\r\n",
        b"POST /v1/disputes HTTP/1.1\r\nHost: here\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/disputes HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\nno length\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=["line", "header", "length", "chunk", "TLS"],
)
def test_what_is_no_http_is_answered_with_a_problem_that_nobody_keeps(instance: Instance, sent: bytes) -> None:
    host, port = instance.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=LONG_S) as connection:
        connection.sendall(sent)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        body = json.loads(answer.read())
        assert connection.recv(1) == b""
    headers = [answer.headers[name] for name in ("content-type", "cache-control", "connection")]
    assert headers == ["application/problem+json", "no-store", "close"]
    assert (answer.status, body["status"], set(body)) == (400, 400, {"type", "title", "status", "detail", "fix"})
