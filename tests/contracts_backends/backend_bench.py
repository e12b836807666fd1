"""One bench per back-end: the back-end itself, the other side as a fake, and ways to disturb what passes between them.

The other side keeps what it took (`wished`) apart from what its device has done about it (`shown`), and moves the one
to the other only when the bench says so. `fault` disturbs the next request: lost before it arrives, lost after it was
taken, 429, or 500. `calls` lists the requests that arrived.
"""

import base64
import hmac
import json
import plistlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from cryptography.hazmat.primitives.asymmetric import rsa

from custody.kernel.clock import to_iso
from custody.kernel.errors import Unavailable
from custody.kernel.keys import new_signer
from devicelock.backends.android import LockWay, android_backend
from devicelock.backends.asserted import AssertedBackend, Confirmation, Sent
from devicelock.backends.book import Book, Wish
from devicelock.backends.contract import BackendAnswer, Capabilities, Ref
from devicelock.backends.eir import EirBackend, ListGround
from devicelock.backends.eir_folder import EirFolder
from devicelock.backends.eir_list import ImeiStatus, Publication, parse
from devicelock.backends.exchange import Reply, Request, judge
from devicelock.backends.knox import knox_backend
from devicelock.backends.nanomdm import NanoMdmBackend
from devicelock.rules.applied import Applied
from devicelock.rules.command import Authority, Basis, LockScreen, Reason
from tests.contracts_backends.memory_book import MemoryBook

START_MS = 1_778_486_400_000
SCREEN = LockScreen(
    who="Parcel desk",
    why="This phone did not reach the person it was sent to.",
    reference="lock-1",
    phone="0800 123 456",
    recourse="Ask the ombudsman. Calls to 999 and 112 work.",
    bought="Did you buy it? Call us.",
    deadline_s=START_MS // 1000 + 30 * 86_400,
)


class Fault(StrEnum):
    """What befalls the next request."""

    NOT_APPLIED = "lost before it was taken"
    APPLIED = "taken, and the reply lost"
    TOO_MANY = "429"
    BROKEN = "500"


class SetClock:
    """A clock that tests turn."""

    def __init__(self, now_ms: int = START_MS) -> None:
        self.at_ms = now_ms

    def now_ms(self) -> int:
        return self.at_ms


@dataclass(kw_only=True)
class Other:
    """The other side of one back-end."""

    skew_ms: int = 0
    fault: Fault | None = None
    calls: list[Request] = field(default_factory=list)

    def disturbed(self, request: Request, take: Callable[[Request], Reply]) -> Reply:
        """What comes back, or does not."""
        fault, self.fault = self.fault, None
        if fault is Fault.NOT_APPLIED:
            raise Unavailable("backend_silent", "no reply", fix="Ask again.")
        if fault in {Fault.TOO_MANY, Fault.BROKEN}:
            return Reply(status=429 if fault is Fault.TOO_MANY else 500, headers={"retry-after": "7"})
        self.calls.append(request)
        reply = take(request)
        if fault is Fault.APPLIED:
            raise Unavailable("backend_silent", "no reply", fix="Ask again.")
        return reply


class Bench(ABC):
    """What the suite needs of every back-end."""

    handset = "handset-1"
    unknown = "handset-unknown"

    def __init__(self, book: Book | None = None) -> None:
        self.clock = SetClock()
        self.other = Other()
        self.book = book or MemoryBook()
        self.backend = self.make()

    @abstractmethod
    def make(self) -> AssertedBackend:
        """A fresh back-end over the same book and the same other side: what a restart gives."""

    @abstractmethod
    def apply(self) -> None:
        """The other side's device does what its side holds, and shows it."""

    @abstractmethod
    def locked(self) -> bool:
        """Whether the other side would lock the device as things stand there."""

    def ask_again(self) -> list[tuple[str, BackendAnswer]]:
        """Make the call again for every wish that is not known to be taken, as the service does; what came of each."""
        heard = []
        for wish in list(self.book):
            held = self.backend.state(wish.handset)
            if not held.taken:
                heard.append((wish.handset, self._call(wish, held.desired)))
        return heard

    def _call(self, wish: Wish, desired: Applied) -> BackendAnswer:
        ref = Ref(handset=wish.handset, order=wish.order, version=wish.version)
        if desired is Applied.LOCKED:
            return self.backend.lock(ref, screen=wish.screen, not_after_ms=wish.not_after_ms)
        return self.backend.retire(ref) if desired is Applied.RETIRED else self.backend.unlock(ref)

    def push(self) -> None:  # noqa: B027 - most back-ends collect nothing before they send
        """Send what the back-end collects before it sends."""


class MemoryBench(Bench):
    """The fake in memory that the rules are also held against."""

    def make(self) -> AssertedBackend:
        if not hasattr(self, "wished"):
            self.wished = self.shown = Applied.UNLOCKED
            self.seen_ms: int | None = None
        able = Capabilities(
            shows_contact=True,
            offline_lock=False,
            offline_unlock=False,
            user_can_leave=True,
            survives_reset=False,
            holds_without_passcode=True,
            blocks_network_only=False,
            holds_before_setup=True,
            command_life_s=None,
        )
        return AssertedBackend(name="memory", capabilities=able, wire=self, book=self.book, clock=self.clock)

    def send(self, wish: Wish) -> Sent:
        def take(_request: Request) -> Reply:
            if wish.handset == self.unknown:
                return Reply(status=404)
            self.wished = wish.state
            return Reply(status=200)

        reply = self.other.disturbed(Request(method="PUT", path=f"/{wish.handset}"), take)
        return Sent(answer=judge(reply, who="memory"))

    def imei(self, _handset: str) -> str | None:
        return None

    def look(self, _wish: Wish) -> Confirmation:
        return Confirmation(applied=self.shown if self.seen_ms else None, last_seen_ms=self.seen_ms)

    def apply(self) -> None:
        self.shown, self.seen_ms = self.wished, self.clock.now_ms() + self.other.skew_ms

    def locked(self) -> bool:
        return self.wished is Applied.LOCKED


class EirBench(Bench):
    """The list, with an operator that loads what it is handed."""

    handset = "490154203237518"
    unknown = "490154203237519"

    def __init__(self, folder: Path, book: Book | None = None) -> None:
        self.path = folder
        self.signer = new_signer(seed=bytes(range(32)))
        self.loaded: dict[str, str] = {}
        self.received: list[int] = []
        self.ground: ListGround | None = ListGround(
            authority=Authority(basis=Basis.TWO_PEOPLE, text="Two people.", references=("p-0001", "p-0002")),
            reason=Reason.NEVER_RECEIVED,
        )
        super().__init__(book)

    def make(self) -> EirBackend:
        return EirBackend(
            book=self.book,
            clock=self.clock,
            folder=EirFolder(self.path, self.signer.public),
            signer=self.signer,
            issuer="urn:weaklink:operator:log.example",
            grounds=lambda _order: self.ground,
            outlet=self._outlet,
        )

    @property
    def eir(self) -> EirBackend:
        assert isinstance(self.backend, EirBackend)
        return self.backend

    def push(self) -> None:
        self.eir.publish()

    def apply(self) -> None:
        self.eir.imported(max(self.received, default=0))

    def locked(self) -> bool:
        return self.handset in self.loaded

    def _outlet(self, publication: Publication) -> None:
        def take(_request: Request) -> Reply:
            self.received.append(publication.seq)
            for entry in parse(publication.raw, kind=publication.kind):
                if entry.status is ImeiStatus.WHITELISTED:
                    self.loaded.pop(entry.imei, None)
                else:
                    self.loaded[entry.imei] = entry.case
            return Reply(status=200)

        judge(self.other.disturbed(Request(method="PUT", path=f"/{publication.name}"), take), who="operator")


class AndroidBench(Bench):
    """Android Management with one device."""

    handset = "enterprises/e1/devices/d1"
    unknown = "enterprises/e1/devices/none"

    def __init__(self, way: LockWay, book: Book | None = None) -> None:
        self.way = way
        self.wished = self.shown = "ACTIVE"
        self.seen_ms: int | None = None
        self.cancelled: list[str] = []
        self.imei: str | None = None
        super().__init__(book)

    def make(self) -> AssertedBackend:
        return android_backend(self._send, lambda _refused: "token", book=self.book, clock=self.clock, way=self.way)

    def apply(self) -> None:
        self.shown, self.seen_ms = self.wished, self.clock.now_ms() + self.other.skew_ms

    def locked(self) -> bool:
        return self.wished in {"DISABLED", "LOST"}

    def _send(self, request: Request) -> Reply:
        assert ("authorization", "Bearer token") in request.headers
        if request.path.endswith(":cancel"):
            return self._take(request)  # faults are meant for what must arrive; a cancellation need not
        if request.method == "GET" and self.other.fault is Fault.APPLIED:
            return self._take(request)  # the loss is meant for the request that changes something
        return self.other.disturbed(request, self._take)

    def _take(self, request: Request) -> Reply:
        if self.handset not in request.path:
            return Reply(status=404, body=b"{}")
        body = json.loads(request.body or b"{}")
        if request.path.endswith(":cancel"):
            self.cancelled.append(request.path)
        elif request.path.endswith(":issueCommand"):
            assert body["duration"].endswith("s")
            self.wished = {"START_LOST_MODE": "LOST", "STOP_LOST_MODE": "ACTIVE"}.get(body["type"], self.wished)
            name = f"{self.handset}/operations/op{len(self.other.calls)}"
            return Reply(status=200, body=json.dumps({"name": name}).encode())
        elif request.method == "PATCH":
            self.wished = body["state"]
        answer: dict[str, Any] = {"state": self.wished}
        if self.imei is not None:
            answer["networkInfo"] = {"imei": self.imei}
        if self.seen_ms is not None:
            answer |= {"appliedState": self.shown, "lastStatusReportTime": to_iso(self.seen_ms)}
        return Reply(status=200, body=json.dumps(answer).encode())


class NanoMdmBench(Bench):
    """NanoMDM with one enrolled device: a queue, results, and webhooks with an HMAC."""

    handset = "66ADE930-5FDF-5EC4-8429-15640684C489"
    unknown = "00000000-0000-0000-0000-000000000000"
    key = b"webhook key"

    def __init__(self, book: Book | None = None) -> None:
        self.queue: list[tuple[str, dict[str, Any]]] = []
        self.names: set[str] = set()
        self.lost = False
        self.removed = False
        self.pushes = 0
        super().__init__(book)

    def make(self) -> NanoMdmBackend:
        return NanoMdmBackend(
            self._send,
            api_key="api key",
            webhook_key=self.key,
            book=self.book,
            clock=self.clock,
            profile="example.enrolment",
        )

    @property
    def mdm(self) -> NanoMdmBackend:
        assert isinstance(self.backend, NanoMdmBackend)
        return self.backend

    def apply(self) -> None:
        self.connect("", "Idle")
        while self.queue:
            name, command = self.queue.pop(0)
            kind = command["RequestType"]
            self.lost = {"EnableLostMode": True, "DisableLostMode": False}.get(kind, self.lost)
            self.removed = self.removed or kind == "RemoveProfile"
            self.connect(name, "Acknowledged")

    def locked(self) -> bool:
        lost = self.lost
        for _, command in self.queue:
            lost = {"EnableLostMode": True, "DisableLostMode": False}.get(command["RequestType"], lost)
        return lost

    def connect(self, name: str, status: str) -> None:
        """The device reports."""
        part = {"ids": {"id": self.handset, "type": "Device"}, "status": status, "raw_payload": ""}
        self.hook("mdm.Connect", "acknowledge_event", part | ({"command_uuid": name} if name else {}))

    def check_in(self, topic: str) -> None:
        """The device enrols, renews its token or leaves; an enrolment empties its queue."""
        if topic == "mdm.Authenticate":
            self.queue.clear()
            self.lost = False
        self.hook(topic, "checkin_event", {"ids": {"id": self.handset, "type": "Device"}, "raw_payload": ""})

    def hook(self, topic: str, part: str, body: dict[str, Any]) -> None:
        event = self.mdm.open(*self.signed(topic, part, body))
        if self.mdm.take(event):
            with suppress(Unavailable):
                self.mdm.reassert(event.handset)

    def event(self, topic: str, *, command: str = "", status: str = "Idle") -> tuple[bytes, str]:
        """An event of the device as the server posts it: its bytes and their HMAC."""
        body: dict[str, Any] = {"ids": {"id": self.handset, "type": "Device"}, "raw_payload": ""}
        if topic != "mdm.Connect":
            return self.signed(topic, "checkin_event", body)
        return self.signed(topic, "acknowledge_event", {**body, "command_uuid": command, "status": status})

    def signed(self, topic: str, part: str, body: dict[str, Any]) -> tuple[bytes, str]:
        at = to_iso(self.clock.now_ms() + self.other.skew_ms)
        raw = json.dumps({"topic": topic, part: body, "created_at": at}).encode()
        return raw, base64.b64encode(hmac.digest(self.key, raw, "sha256")).decode()

    def _send(self, request: Request) -> Reply:
        user = base64.b64encode(b"nanomdm:api key").decode()
        assert ("authorization", f"Basic {user}") in request.headers
        reply = self.other.disturbed(request, self._take)
        # The server's own 500 holds the JSON below; one without is a proxy's.
        return Reply(status=reply.status, body=reply.body or b"{}", headers=reply.headers)

    def _take(self, request: Request) -> Reply:
        handset = unquote(request.path.rpartition("/")[2])
        if request.path.startswith("/v1/push/"):
            self.pushes += 1
            if handset != self.handset:
                failed = {"status": {handset: {"push_error": "push data missing for id"}}}
                return Reply(status=500, body=json.dumps(failed).encode())
            return Reply(status=200, body=json.dumps({"status": {handset: {"push_result": "x"}}}).encode())
        assert request.query == (("nopush", "1"),)
        command = plistlib.loads(request.body)
        name = command["CommandUUID"]
        if name in self.names:
            failed = {"command_error": f"command already exists: {name}", "no_push": True}
            return Reply(status=500, body=json.dumps(failed).encode())
        self.names.add(name)
        if handset == self.handset:
            self.queue.append((name, command["Command"]))
        return Reply(status=200, body=json.dumps({"no_push": True, "command_uuid": name}).encode())


@lru_cache
def throw_away_key() -> rsa.RSAPrivateKey:
    """A key for tests, made once a run."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class KnoxBench(Bench):
    """Knox Guard by the states of Samsung's public pages."""

    handset = "490154203237518"
    unknown = "000000000000000"
    next_state = {"Locking": "Locked", "Unlocking": "Active", "Completing": "Complete"}  # noqa: RUF012 - a table
    moves = {  # noqa: RUF012 - a table
        ("lock", "Active"): "Locking",
        ("lock", "Reminder On"): "Locking",
        ("unlock", "Locked"): "Unlocking",
        ("unlock", "Locking"): "Unlocking",
        ("unlock", "Offline locked"): "Unlocking",
        ("complete", "Active"): "Completing",
    }

    def __init__(self, book: Book | None = None) -> None:
        self.device_state = "Active"
        self.seen_ms: int | None = None
        super().__init__(book)

    def make(self) -> AssertedBackend:
        return knox_backend(self._send, access_token="access", key=throw_away_key(), book=self.book, clock=self.clock)

    def apply(self) -> None:
        self.device_state = self.next_state.get(self.device_state, self.device_state)
        self.seen_ms = self.clock.now_ms() + self.other.skew_ms

    def locked(self) -> bool:
        return self.device_state in {"Locking", "Locked", "Offline locked"}

    def _send(self, request: Request) -> Reply:
        if request.method == "GET" and self.other.fault is Fault.APPLIED:
            return self._take(request)  # the loss is meant for the request that changes something
        return self.other.disturbed(request, self._take)

    def _take(self, request: Request) -> Reply:
        name = request.path.rpartition("/")[2]
        handset = name if request.method == "GET" else json.loads(request.body)["deviceUid"]
        if handset != self.handset:
            return Reply(status=404)
        if request.method == "GET":
            body = {"state": self.device_state, "lastSeen": self.seen_ms}
            return Reply(status=200, body=json.dumps(body).encode())
        move = self.moves.get((name, self.device_state))
        if move is None:
            return Reply(status=409)
        self.device_state = move
        return Reply(status=200, body=b"{}")


MAKERS: dict[str, Callable[[Path, Book | None], Bench]] = {
    "memory": lambda _folder, book: MemoryBench(book),
    "eir": lambda folder, book: EirBench(folder / "eir", book),
    "android disabled": lambda _folder, book: AndroidBench(LockWay.DISABLED, book),
    "android lost": lambda _folder, book: AndroidBench(LockWay.LOST, book),
    "nanomdm": lambda _folder, book: NanoMdmBench(book),
    "knox": lambda _folder, book: KnoxBench(book),
}

RELEASED = {Applied.UNLOCKED, Applied.RETIRED}
HEARD = {BackendAnswer.TAKEN, BackendAnswer.NOT_NOW}
