"""The real application on a real socket, in threads of this process."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import uvicorn

from api.app import build_app
from api.compose import compose, free_port
from api.parts import Parts
from api.people.accounts import first_accounts
from api.settings import read_settings
from custody.kernel.system_clock import SystemClock
from simulators.agent import Staff, sign_in
from simulators.client import ServiceClient
from simulators.history import Mishaps, PastConfig
from simulators.network import NetworkConfig, World, play
from simulators.station import Answer, post_batch
from tests.world_audit import Books, Said, complaints

START_S = 120.0


@dataclass(slots=True, kw_only=True)
class Service:
    """A running service; `staff` are its first accounts, signed in."""

    parts: Parts
    client: ServiceClient
    staff: dict[str, Staff] = field(default_factory=dict)
    said: list[Said] = field(default_factory=list)

    @property
    def address(self) -> str:
        return self.client.base_url

    def token(self, account: str) -> str:
        """The session token of an account; nobody has none."""
        return self.staff[account].client.token if account else ""

    def remember(self, answers: Sequence[Answer]) -> None:
        """Keep what was said of scans."""
        self.said += [said_of(answer) for answer in answers]

    def audit(self, *expected: str) -> None:
        """Fail with every complaint of an audit."""
        books = Books(
            engine=self.parts.engine,
            origin=self.parts.house.origin,
            log_key=self.parts.keyring.log.public,
            operator_key=self.parts.keyring.operator.public,
            said=tuple(self.said),
            expected=frozenset(expected),
        )
        found = list(complaints(books))
        assert not found, "\n".join(found)


def said_of(answer: Answer) -> Said:
    """What an answer over the wire promises."""
    return Said(digest=answer.scan.digest, index=answer.body.get("index"))


@contextmanager
def running_service(data: Path, *, database_url: str = "", **more: object) -> Iterator[Service]:
    """A service on a free port of 127.0.0.1, with its first accounts signed in; `more` are further settings."""
    settings = read_settings(**{"port": free_port(), "data": data, "database_url": database_url, **more})
    parts = compose(settings)
    with parts.house.unit() as unit:
        passwords = first_accounts(unit.session, now_ms=unit.now_ms)
    config = uvicorn.Config(
        build_app(parts), host=settings.host, port=settings.port, log_level="warning", access_log=False, ws="none"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="service", daemon=True)
    thread.start()
    client = ServiceClient(f"http://{settings.host}:{settings.port}")
    try:
        _wait(server, thread)
        staff = {name: sign_in(client, name, password) for name, password in passwords.items()}
        yield Service(parts=parts, client=client, staff=staff)
    finally:
        client.close()
        server.should_exit = True
        thread.join(START_S)
        parts.engine.dispose()


def honest_network(client: ServiceClient, *, seed: int, parcels: int, signed_for: bool = False) -> World:
    """Parcels that travelled and were sold, and one that is late; their scans are posted by a supervisor.

    `signed_for`: not quite honest, as the courier of the late one signed for its customer.
    """
    past = PastConfig(
        seed=seed,
        end_ms=SystemClock().now_ms(),
        days=2.0,
        parcels=parcels,
        signed_for=signed_for,
        mishaps=Mishaps(lost=0, damaged=0, taken_after=0),
    )
    config = NetworkConfig(past=past, hubs=1, depots=1, thief=None, bystanders=0)
    return play(config, client, lambda _what, _done, _of: None)


def small_network(service: Service) -> World:
    """Two parcels that travelled, posted through the scanners' door, and posted again."""
    world = honest_network(service.staff["supervisor-1"].client, seed=5, parcels=1)
    assert dict(world.results) == {"accepted": len(world.scans)}
    again = post_batch(service.client, world.scans)
    assert {answer.result for answer in again} == {"duplicate"}
    service.remember(again)
    return world


def _wait(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + START_S
    while not server.started:
        assert thread.is_alive(), "the service ended at its start: what it printed tells why"
        assert time.monotonic() < deadline, "the service did not start"
        time.sleep(0.02)


def raw_client(service: Service) -> httpx.Client:
    """A client that sends whatever it is told to."""
    return httpx.Client(base_url=service.address, timeout=60.0)
