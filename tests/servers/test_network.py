"""No test reaches the outside; everything on this machine stays reachable."""

import asyncio
import socket
from pathlib import Path

import pytest

OUTSIDE = "192.0.2.1"  # a documentation address, RFC 5737 section 3: nobody is there


def test_a_connection_to_the_outside_is_refused() -> None:
    with socket.socket() as client, pytest.raises(AssertionError, match=r"192\.0\.2\.1"):
        client.connect((OUTSIDE, 80))


def test_a_quiet_connection_to_the_outside_is_refused() -> None:
    with socket.socket() as client, pytest.raises(AssertionError, match=r"192\.0\.2\.1"):
        client.connect_ex((OUTSIDE, 80))


def test_a_name_of_the_outside_is_not_looked_up() -> None:
    with pytest.raises(AssertionError, match="parcels"):
        socket.create_connection(("parcels.example", 443))


def test_asyncio_is_guarded_too() -> None:
    with pytest.raises(AssertionError, match=r"192\.0\.2\.1"):
        asyncio.run(asyncio.wait_for(asyncio.open_connection(OUTSIDE, 80), 5))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_stays_reachable(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
        with socket.create_connection((host, port)) as client:
            assert client.getpeername() == ("127.0.0.1", port)


def test_unix_sockets_stay_reachable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind("door")
        server.listen()
        client.connect("door")
        assert client.getpeername() == "door"
