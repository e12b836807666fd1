"""Three brokers on one bench: simulated, embedded, Mosquitto. What each does not keep is declared here."""

import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from api.compose import free_port
from api.process.embedded_broker import EmbeddedBroker
from devicelock.mqtt import MqttTransport
from devicelock.mqtt_options import DAY_S, MqttOptions, Presence
from devicelock.transport import Message, Receive, Transport
from simulators.broker import SimulatedBroker, SimulatedTransport
from tests.fixtures_broker import HOST, Mosquitto, MosquittoBroker

SOON_S = 60.0
QUIET_S = 0.25
PASSWORDS = {"server": "for the bench", "d1": "for the bench too", "d2": "and for this one"}


class Promise(StrEnum):
    """What a broker may or may not keep; the number is the measured fact that we rely on."""

    SAYS_NO_SUBSCRIBER = "1: answers 16 where no session would get the message"
    EXPIRES_SESSIONS = "1: forgets a session after its expiry"
    KEEPS_A_SESSION_OPENED_CLEAN = "2: keeps a session that was opened with clean start and an expiry"
    SAVES_A_SESSION_OPENED_CLEAN = "3: keeps such a session over its own orderly restart"
    SURVIVES_A_STOP = "3: keeps sessions and commands over its own orderly restart"
    SURVIVES_A_KILL = "4: keeps what was queued some seconds before it was killed"
    DROPS_THE_NEWEST = "5: holds 1,000 messages for a session and drops the newest beyond that"
    HAS_ACCESS_RULES = "13, 14: delivers and accepts by user"


ALL = frozenset(Promise)
KEEPS: dict[str, frozenset[Promise]] = {
    "simulated": ALL,
    "embedded": frozenset(),
    "mosquitto": ALL - {Promise.SAVES_A_SESSION_OPENED_CLEAN},
}


class Client(Transport, Protocol):
    """A transport that is started and stopped."""

    def start(self, *, wait_s: float = 0.0) -> bool: ...

    def stop(self) -> None: ...

    @property
    def ready(self) -> bool: ...


class Inbox:
    """A `receive` that remembers, and that takes only what it is told to take."""

    def __init__(self, *, takes: bool = True) -> None:
        self.messages: list[Message] = []
        self.takes = takes

    def __call__(self, message: Message) -> bool:
        self.messages.append(message)
        return self.takes

    @property
    def payloads(self) -> list[bytes]:
        return [message.payload for message in self.messages]


class Bench(ABC):
    """One broker, and how to make clients, lose them, let time pass and restart it."""

    name: str

    def keeps(self, promise: Promise) -> bool:
        return promise in KEEPS[self.name]

    @abstractmethod
    def client(
        self,
        client_id: str,
        receive: Receive,
        *subscriptions: str,
        user: str | None = None,
        presence: Presence | None = None,
        session_expiry_s: int = 30 * DAY_S,
    ) -> Client:
        """A started client."""

    @abstractmethod
    def drop(self, client: Client) -> None:
        """Lose the connection without a goodbye, for good."""

    @abstractmethod
    def open_clean(self, client_id: str, subscription: str) -> None:
        """Open a session with clean start and an expiry of a day, and leave."""

    @abstractmethod
    def until(self, condition: Callable[[], bool]) -> bool:
        """Let things flow until it is true; False if it does not come true soon."""

    @abstractmethod
    def quiet(self) -> None:
        """Let everything that is on its way arrive."""

    @abstractmethod
    def pass_time(self, seconds: float) -> None:
        """Let time pass."""

    @abstractmethod
    def restart(self, *, kill: bool) -> None:
        """Restart the broker, in order or by killing it."""

    @abstractmethod
    def close(self) -> None:
        """End everything."""


class SimulatedBench(Bench):
    """The broker in memory, on a clock of its own."""

    name = "simulated"

    def __init__(self) -> None:
        self._now_ms = 1_800_000_000_000
        self._broker = SimulatedBroker(self, may=self._may)

    def now_ms(self) -> int:
        """The bench is the broker's clock."""
        return self._now_ms

    def client(
        self,
        client_id: str,
        receive: Receive,
        *subscriptions: str,
        user: str | None = None,
        presence: Presence | None = None,
        session_expiry_s: int = 30 * DAY_S,
    ) -> SimulatedTransport:
        client = SimulatedTransport(
            self._broker,
            client_id,
            receive=receive,
            subscriptions=subscriptions,
            user=user,
            presence=presence,
            session_expiry_s=session_expiry_s,
        )
        client.start()
        return client

    def drop(self, client: Client) -> None:
        assert isinstance(client, SimulatedTransport)
        client.drop()

    def open_clean(self, client_id: str, subscription: str) -> None:
        client = SimulatedTransport(self._broker, client_id, receive=Inbox(), subscriptions=(subscription,))
        client.start(clean_start=True)
        client.stop()

    def until(self, condition: Callable[[], bool]) -> bool:
        for _ in range(5):
            self._broker.pump()
            if condition():
                return True
        return False

    def quiet(self) -> None:
        self._broker.pump()

    def pass_time(self, seconds: float) -> None:
        self._now_ms += int(seconds * 1000)

    def restart(self, *, kill: bool) -> None:  # noqa: ARG002 - it keeps its sessions either way
        self._broker.restart()

    def close(self) -> None:
        self._broker.wipe()

    @staticmethod
    def _may(user: str | None, action: str, topic: str) -> bool:
        if user is None:
            return True
        parts = topic.split("/")
        if user == "server":
            return (action == "write") == (parts[-1] == "cmd")
        return parts[2] == user and (action == "read") == (parts[-1] == "cmd")


class NetworkBench(Bench):
    """A real broker over real sockets."""

    def __init__(self, broker: EmbeddedBroker | MosquittoBroker) -> None:
        self._broker = broker
        self._clients: list[MqttTransport] = []
        broker.start()

    def client(
        self,
        client_id: str,
        receive: Receive,
        *subscriptions: str,
        user: str | None = None,
        presence: Presence | None = None,
        session_expiry_s: int = 30 * DAY_S,
    ) -> MqttTransport:
        options = MqttOptions(
            host=HOST,
            port=self._broker.port,
            client_id=client_id,
            username=user,
            password=PASSWORDS[user] if user else None,
            presence=presence,
            session_expiry_s=session_expiry_s,
        )
        client = MqttTransport(options, receive=receive, subscriptions=subscriptions)
        self._clients.append(client)
        assert client.start(wait_s=SOON_S)
        return client

    def drop(self, client: Client) -> None:
        assert isinstance(client, MqttTransport)
        client._stopping.set()
        client._line.abandon()
        client._line._thread.join()

    def open_clean(self, client_id: str, subscription: str) -> None:
        granted: list[object] = []
        expiry = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho leaves it without annotations
        expiry.SessionExpiryInterval = DAY_S
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=paho.MQTTv5)
        client.on_connect = lambda *_: self._opened(client, subscription)
        client.on_subscribe = lambda *_: granted.append(True)
        client.connect(HOST, self._broker.port, clean_start=True, properties=expiry)
        client.loop_start()
        assert self.until(lambda: bool(granted))
        client.disconnect()
        client.loop_stop()

    @staticmethod
    def _opened(client: paho.Client, subscription: str) -> None:
        client.subscribe(subscription, qos=1)

    def until(self, condition: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + SOON_S
        while not condition():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.005)
        return True

    def quiet(self) -> None:
        time.sleep(QUIET_S)

    def pass_time(self, seconds: float) -> None:
        time.sleep(seconds)

    def restart(self, *, kill: bool) -> None:
        if kill:
            self._broker.kill()
        else:
            self._broker.stop()
        self._broker.start()

    def close(self) -> None:
        for client in self._clients:
            with contextlib.suppress(RuntimeError):  # it was dropped
                client.stop()
        self._broker.stop()


class EmbeddedBench(NetworkBench):
    """The broker that the service starts for itself."""

    name = "embedded"

    def __init__(self) -> None:
        super().__init__(EmbeddedBroker(free_port()))


class MosquittoBench(NetworkBench):
    """Mosquitto as we recommend to run it, with users."""

    name = "mosquitto"

    def __init__(self, found: Mosquitto, folder: Path) -> None:
        super().__init__(MosquittoBroker(found, folder, users=PASSWORDS))
