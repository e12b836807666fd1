"""Services in processes of their own that are killed and started again, and the audit of what they leave behind."""

import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from api.cli.instance import Instance
from api.compose import free_port
from api.keyring import open_keyring
from api.settings import read_settings
from custody.kernel import cbor
from custody.kernel.errors import Unavailable
from custody.store.engine import open_engine
from simulators.agent import Staff, sign_in
from simulators.client import ServiceClient
from simulators.handset import Handset
from simulators.station import SCANS_TYPE, Answer, Station
from tests.world_audit import Books, Said, complaints

LONG_S = 30.0
AGAIN_S = 0.1
"""How long a station waits before it sends again what got no answer."""


@dataclass(slots=True, kw_only=True)
class Killable:
    """A service with what it has acknowledged so far; `answers` may be added to from several threads."""

    instance: Instance
    database_url: str = ""
    answers: list[Answer] = field(default_factory=list)
    kills: int = 0
    clients: list[ServiceClient] = field(default_factory=list)

    def connect(self) -> ServiceClient:
        """A client of its own, without a session; connections of before a kill are of no use."""
        self.clients.append(ServiceClient(self.instance.address))
        return self.clients[-1]

    def staff(self, account: str) -> Staff:
        """Somebody who signs in anew; sessions outlive the process, their connections do not."""
        return sign_in(self.connect(), account, self.instance.accounts[account])

    def kill(self) -> None:
        """End the process as a power cut would, and start it again."""
        self.instance.kill()
        self.kills += 1
        self.instance.start()

    def kill_worker(self) -> None:
        """End one of the further processes of the service as a power cut would; it starts another."""
        deadline = time.monotonic() + LONG_S
        while not (found := workers_of(self.instance)) and time.monotonic() < deadline:
            time.sleep(AGAIN_S)
        os.kill(found[0], signal.SIGKILL)
        self.kills += 1

    def audit(self, *expected: str, handsets: Sequence[Handset] = (), said: Sequence[Said] = ()) -> None:
        """Stop the service and fail with every complaint about what it left in its database."""
        self.instance.stop()
        keyring = open_keyring(self.instance.data / "keys")
        settings = read_settings(data=self.instance.data, database_url=self.database_url)
        engine = open_engine(settings.database)
        promised = [Said(digest=answer.scan.digest, index=answer.body.get("index")) for answer in self.answers]
        books = Books(
            engine=engine,
            origin=settings.origin,
            log_key=keyring.log.public,
            operator_key=keyring.operator.public,
            said=(*promised, *said),
            handsets={handset.device: handset for handset in handsets},
            expected=frozenset(expected),
        )
        found = list(complaints(books))
        engine.dispose()
        assert not found, "\n".join(found)


@contextmanager
def killable(data: Path, *, database_url: str = "", workers: int = 1) -> Iterator[Killable]:
    """A running service; whatever becomes of it, its process is gone afterwards."""
    options = ("--workers", str(workers), *(("--database-url", database_url) if database_url else ()))
    service = Killable(instance=Instance(data, port=free_port(), options=options), database_url=database_url)
    service.instance.start()
    try:
        yield service
    finally:
        service.instance.kill()
        for client in service.clients:
            client.close()


def workers_of(instance: Instance) -> list[int]:
    """The ids of the further processes of a service, as Linux tells them."""
    tasks = Path(f"/proc/{instance.pid}/task").glob("*/children")
    children = [int(word) for task in tasks for word in task.read_text().split()]
    return [pid for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def forward_all(service: Killable, station: Station, *, batch: int, stop: threading.Event) -> None:
    """What a station does with its backlog: send, and send the very same again until it is answered."""
    client = service.connect()
    while station.backlog and not stop.is_set():
        scans = list(station.backlog)[:batch]
        content = cbor.encode([[scan.statement, scan.opening] for scan in scans])
        try:
            items = client.post_bytes("/v1/scans:batch", content, SCANS_TYPE)["items"]
        except Unavailable:
            time.sleep(AGAIN_S)
            continue
        for scan, item in zip(scans, items, strict=True):
            service.answers.append(Answer(scan=scan, result=item["result"], body=item))
            station.backlog.popleft()
