"""Services in processes of their own that are killed and started again, and the audit of what they leave behind."""

import gc
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from api.cli.instance import Instance
from api.compose import free_port
from api.process.keyring import open_keyring
from api.settings import read_settings
from custody.kernel import cbor
from custody.kernel.errors import Unavailable
from custody.store.engine import open_engine
from simulators.agent import Staff, sign_in
from simulators.client import ServiceClient
from simulators.handset import Handset
from simulators.station import ROOT_TYPE, SCANS_TYPE, Answer, Signed, SignedBatch, Station, root_body
from tests.world_audit import Books, Said, complaints

LONG_S = 60.0
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
def killable(
    data: Path, *, database_url: str = "", workers: int = 1, settings: Mapping[str, str] | None = None
) -> Iterator[Killable]:
    """A running service; whatever becomes of it, its process is gone afterwards."""
    options = ("--workers", str(workers), *(("--database-url", database_url) if database_url else ()))
    instance = Instance(data, port=free_port(), options=options, settings=settings)
    service = Killable(instance=instance, database_url=database_url)
    service.instance.start()
    try:
        yield service
    finally:
        service.instance.kill()
        for client in service.clients:
            client.close()
        gc.collect()  # what a kill left open is closed here, and not in the middle of another test


def workers_of(instance: Instance) -> list[int]:
    """The ids of the further processes of a service, as Linux tells them."""
    return _children_of(instance, b"spawn_main")


def broker_of(instance: Instance) -> int:
    """The id of the service's own broker, once it runs."""
    deadline = time.monotonic() + LONG_S
    while not (found := _children_of(instance, b"api.process.embedded_broker")) and time.monotonic() < deadline:
        time.sleep(AGAIN_S)
    return found[0]


def _children_of(instance: Instance, word: bytes) -> list[int]:
    tasks = Path(f"/proc/{instance.pid}/task").glob("*/children")
    children = [int(pid) for task in tasks for pid in task.read_text().split()]
    return [pid for pid in children if word in _command_of(pid)]


def _command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it has just ended
        return b""


def forward_all(service: Killable, station: Station, *, batch: int, stop: threading.Event) -> None:
    """What a station does with its backlog: send, and send the very same again until it is answered."""
    client = service.connect()
    while station.backlog and not stop.is_set():
        oldest = station.backlog[0]
        scans: Sequence[Signed]
        if isinstance(oldest, SignedBatch):
            address, kind, content, scans = "/v1/batches", ROOT_TYPE, root_body(oldest), oldest.scans
        else:
            scans = [each for each in list(station.backlog)[:batch] if isinstance(each, Signed)]
            address, kind = "/v1/scans:batch", SCANS_TYPE
            content = cbor.encode([[scan.statement, scan.opening] for scan in scans])
        try:
            items = client.post_bytes(address, content, kind)["items"]
        except Unavailable:
            time.sleep(AGAIN_S)
            continue
        for scan, item in zip(scans, items, strict=True):
            service.answers.append(Answer(scan=scan, result=item["result"], body=item))
        for _ in range(1 if isinstance(oldest, SignedBatch) else len(scans)):
            station.backlog.popleft()
