"""What the MQTT transport does beyond the broker's promises: it keeps itself alive and never hangs its caller."""

import os
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from api.compose import free_port
from api.process.embedded_broker import EmbeddedBroker
from custody.kernel.errors import Unavailable
from devicelock.mqtt import MqttTransport
from devicelock.mqtt_options import MqttOptions, Tls
from devicelock.rules.topic import Channel, topic
from devicelock.transport import Message, PublishOutcome
from tests.contracts.broker_bench import Inbox
from tests.fixtures_broker import HOST, BrokerTls, Mosquitto, MosquittoBroker

pytestmark = pytest.mark.broker

COMMAND, ACK = topic("d1", Channel.COMMAND), topic("d1", Channel.ACK)
SOON_S = 60.0
CONNACK = bytes([0x20, 3, 0, 0, 0])


def until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + SOON_S
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.005)
    return condition()


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    embedded = EmbeddedBroker(free_port())
    embedded.start()
    yield embedded
    embedded.stop()


@pytest.fixture
def clients() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def options(port: int, client_id: str = "d1") -> MqttOptions:
    return MqttOptions(host=HOST, port=port, client_id=client_id)


def test_every_connection_has_tcp_nodelay(broker: EmbeddedBroker, clients: ExitStack) -> None:
    client = MqttTransport(options(broker.port), receive=Inbox())
    clients.callback(client.stop)
    assert client.start(wait_s=SOON_S)
    sock = client._line._client.socket()
    assert isinstance(sock, socket.socket)
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_client_started_before_its_broker_connects_when_that_comes(clients: ExitStack) -> None:
    broker = EmbeddedBroker(free_port())
    client = MqttTransport(options(broker.port), receive=Inbox())
    clients.callback(client.stop)
    assert not client.start(wait_s=0.1)
    assert client.publish(ACK, b"x", expiry_s=60) is PublishOutcome.NOT_CONNECTED
    broker.start()
    clients.callback(broker.stop)
    assert until(lambda: client.ready)


def test_after_a_kill_of_the_broker_clients_come_back_and_subscribe_again(
    broker: EmbeddedBroker, clients: ExitStack
) -> None:
    inbox = Inbox()
    device = MqttTransport(options(broker.port), receive=inbox, subscriptions=(COMMAND,))
    server = MqttTransport(options(broker.port, "s1"), receive=Inbox())
    for client in (device, server):
        clients.callback(client.stop)
        assert client.start(wait_s=SOON_S)
    broker.kill()
    assert until(lambda: not device.ready and not server.ready)
    broker.start()
    assert until(lambda: device.ready and server.ready)
    assert server.publish(COMMAND, b"lock", expiry_s=60) is PublishOutcome.ACCEPTED
    assert until(lambda: inbox.payloads == [b"lock"])


def test_a_publish_from_inside_receive_does_not_wait_and_arrives(broker: EmbeddedBroker, clients: ExitStack) -> None:
    outcomes: list[PublishOutcome] = []
    inbox = Inbox()

    def answer(message: Message) -> bool:
        outcomes.append(device.publish(ACK, message.payload, expiry_s=60))
        return True

    device = MqttTransport(options(broker.port), receive=answer, subscriptions=(COMMAND,))
    server = MqttTransport(options(broker.port, "s1"), receive=inbox, subscriptions=(ACK,))
    for client in (device, server):
        clients.callback(client.stop)
        assert client.start(wait_s=SOON_S)
    for number in range(30):
        assert server.publish(COMMAND, b"%d" % number, expiry_s=60) is PublishOutcome.ACCEPTED
    assert until(lambda: inbox.payloads == [b"%d" % number for number in range(30)])
    assert set(outcomes) == {PublishOutcome.UNKNOWN}


def test_what_is_published_from_inside_receive_leaves_before_receive_returns(
    broker: EmbeddedBroker, clients: ExitStack
) -> None:
    inbox, arrived = Inbox(), []

    def answer(message: Message) -> bool:
        device.publish(ACK, message.payload, expiry_s=60)
        arrived.append(until(lambda: bool(inbox.messages)))
        return True

    device = MqttTransport(options(broker.port), receive=answer, subscriptions=(COMMAND,))
    server = MqttTransport(options(broker.port, "s1"), receive=inbox, subscriptions=(ACK,))
    for client in (device, server):
        clients.callback(client.stop)
        assert client.start(wait_s=SOON_S)
    server.publish(COMMAND, b"lock", expiry_s=60)
    assert until(lambda: bool(arrived))
    assert arrived == [True]


@pytest.mark.parametrize("first", [0, 2])
def test_what_is_not_taken_of_a_group_comes_again_in_order(
    broker: EmbeddedBroker, clients: ExitStack, first: int
) -> None:
    groups: list[list[bytes]] = []
    gate = threading.Event()

    def take(messages: Sequence[Message]) -> int:
        groups.append([message.payload for message in messages])
        gate.wait(SOON_S)
        return min(first, len(messages)) if len(groups) == 2 else len(messages)

    server = MqttTransport(options(broker.port, "s1"), receive_together=take, subscriptions=(ACK,))
    device = MqttTransport(options(broker.port), receive=Inbox())
    for client in (device, server):
        clients.callback(client.stop)
        assert client.start(wait_s=SOON_S)
    arrivals = server._line._arrivals
    assert arrivals is not None
    sent = [b"%d" % number for number in range(8)]
    for payload in sent:
        assert device.publish(ACK, payload, expiry_s=60) is PublishOutcome.ACCEPTED, "a broker's answer never waits"
        assert until(lambda: bool(groups))
    assert until(lambda: len(arrivals._waiting) == len(sent) - 1)
    assert groups == [sent[:1]]
    gate.set()
    assert until(lambda: sum(map(len, groups[2:])) >= len(sent) - 1 - first)
    assert groups[1] == sent[1:]
    assert [payload for group in groups[2:] for payload in group] == sent[1 + first :]
    assert until(lambda: server.ready)


def test_threads_may_publish_at_once_and_each_gets_its_own_answer(broker: EmbeddedBroker, clients: ExitStack) -> None:
    inbox = Inbox()
    device = MqttTransport(options(broker.port), receive=inbox, subscriptions=(COMMAND,))
    server = MqttTransport(options(broker.port, "s1"), receive=Inbox())
    for client in (device, server):
        clients.callback(client.stop)
        assert client.start(wait_s=SOON_S)
    sent = [b"%d" % number for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda payload: server.publish(COMMAND, payload, expiry_s=60), sent))
    assert set(outcomes) == {PublishOutcome.ACCEPTED}
    assert until(lambda: sorted(inbox.payloads) == sorted(sent))


def test_a_receive_that_never_returns_is_noticed_and_the_connection_replaced(
    broker: EmbeddedBroker, clients: ExitStack
) -> None:
    stuck, seen = threading.Event(), Inbox()

    def receive(message: Message) -> bool:
        first = not seen.messages
        seen(message)
        if first:
            stuck.wait(SOON_S)
        return True

    quick = replace(options(broker.port), keepalive_s=1, connect_timeout_s=0.5)
    device = MqttTransport(quick, receive=receive, subscriptions=(COMMAND,))
    server = MqttTransport(options(broker.port, "s1"), receive=Inbox())
    for client in (device, server):
        clients.callback(client.stop)
        assert client.start(wait_s=SOON_S)
    clients.callback(stuck.set)
    server.publish(COMMAND, b"lock", expiry_s=60)
    assert until(lambda: seen.payloads == [b"lock", b"lock"])
    assert until(lambda: device.ready)
    assert device.rebuilt == 1


def test_a_broker_that_went_silent_is_noticed_though_its_socket_stays_open(clients: ExitStack) -> None:
    accepted = clients.enter_context(ExitStack())
    connects = 0
    listener = clients.enter_context(socket.create_server((HOST, 0)))
    listener.settimeout(SOON_S)

    def answer_connects_only() -> None:
        nonlocal connects
        while connects < 2:
            line = accepted.enter_context(listener.accept()[0])
            connects += 1
            line.recv(4096)
            line.sendall(CONNACK)

    thread = threading.Thread(target=answer_connects_only)
    thread.start()
    quick = replace(options(listener.getsockname()[1]), keepalive_s=1, connect_timeout_s=0.5, publish_timeout_s=0.2)
    client = MqttTransport(quick, receive=Inbox())
    clients.callback(client.stop)
    assert client.start(wait_s=SOON_S)
    assert client.publish(ACK, b"x", expiry_s=60) is PublishOutcome.UNKNOWN
    thread.join(SOON_S)
    assert connects == 2, "it hung up and connected again"


def test_it_connects_although_all_low_file_descriptors_are_taken(broker: EmbeddedBroker, clients: ExitStack) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 1200
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"this machine allows only {hard} open files")
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        clients.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
    while (taken := os.open(os.devnull, os.O_RDONLY)) < 1024:
        clients.callback(os.close, taken)
    clients.callback(os.close, taken)
    inbox = Inbox()
    client = MqttTransport(options(broker.port), receive=inbox, subscriptions=(COMMAND,))
    clients.callback(client.stop)
    assert client.start(wait_s=SOON_S)
    assert client.publish(COMMAND, b"lock", expiry_s=60) is PublishOutcome.ACCEPTED
    assert until(lambda: inbox.payloads == [b"lock"])


def test_a_stopped_client_leaves_no_thread_and_no_connection(broker: EmbeddedBroker) -> None:
    before = set(threading.enumerate())
    client = MqttTransport(options(broker.port), receive=Inbox(), subscriptions=(COMMAND,))
    assert client.start(wait_s=SOON_S)
    client.stop()
    assert set(threading.enumerate()) == before
    assert client.publish(ACK, b"x", expiry_s=60) is PublishOutcome.NOT_CONNECTED


def test_what_fails_on_connecting_does_not_end_the_connection(broker: EmbeddedBroker, clients: ExitStack) -> None:
    def fail() -> None:
        raise RuntimeError("the hello could not be made")

    client = MqttTransport(options(broker.port), receive=Inbox(), on_ready=fail)
    clients.callback(client.stop)
    assert client.start(wait_s=SOON_S)
    assert client.publish(ACK, b"x", expiry_s=60) is PublishOutcome.ACCEPTED


def test_it_is_told_of_a_connection_before_anything_comes_on_it(broker: EmbeddedBroker, clients: ExitStack) -> None:
    told: list[bytes] = []

    def receive(message: Message) -> bool:
        told.append(message.payload)
        return True

    def connect() -> MqttTransport:
        calls = {"receive": receive, "on_begin": lambda: told.append(b"begins")}
        client = MqttTransport(options(broker.port), subscriptions=(COMMAND,), **calls)
        clients.callback(client.stop)
        assert client.start(wait_s=SOON_S)
        return client

    sender = MqttTransport(options(broker.port, "sender"), receive=Inbox())
    clients.callback(sender.stop)
    assert sender.start(wait_s=SOON_S)
    connect().stop()
    assert sender.publish(COMMAND, b"waited", expiry_s=60) is PublishOutcome.ACCEPTED
    connect()
    assert until(lambda: b"waited" in told)
    assert told == [b"begins", b"begins", b"waited"]


def test_a_port_that_is_taken_is_said_so(broker: EmbeddedBroker) -> None:
    with pytest.raises(Unavailable, match="in use"):
        EmbeddedBroker(broker.port).start()


def test_the_embedded_broker_may_be_stopped_and_started_again(broker: EmbeddedBroker) -> None:
    first = broker.pid
    broker.start()
    assert broker.pid == first
    broker.stop()
    broker.stop()
    assert broker.pid is None
    broker.start()
    assert broker.pid not in {None, first}


def test_a_user_needs_its_password(mosquitto: Mosquitto, tmp_path: Path, clients: ExitStack) -> None:
    broker = MosquittoBroker(mosquitto, tmp_path, users={"d1": "right"}, anonymous=False)
    broker.start()
    clients.callback(broker.stop)
    for password, enters in (("right", True), ("wrong", False), (None, False)):
        user = "d1" if password else None
        client = MqttTransport(
            replace(options(broker.port), username=user, password=password), receive=Inbox(), subscriptions=(COMMAND,)
        )
        clients.callback(client.stop)
        assert client.start(wait_s=SOON_S if enters else 0.5) is enters
        client.stop()


# A handshake that fails leaves paho's socket to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_over_tls_the_common_name_of_the_clients_certificate_is_its_user(
    mosquitto: Mosquitto, tmp_path: Path, clients: ExitStack
) -> None:
    authority = Authority(tmp_path, "test authority")
    stranger = Authority(tmp_path, "another authority")
    cert, key = authority.issue("broker")
    tls = BrokerTls(ca_file=authority.file, cert_file=cert, key_file=key, ask_clients=True)
    broker = MosquittoBroker(mosquitto, tmp_path / "broker", anonymous=False, tls=tls)
    broker.start()
    clients.callback(broker.stop)

    def client(client_id: str, signed_by: Authority | None, trusts: Authority = authority) -> MqttTransport:
        own = signed_by.issue(client_id) if signed_by else (None, None)
        files = [None if path is None else str(path) for path in own]
        secured = replace(
            options(broker.port, client_id), tls=Tls(ca_file=str(trusts.file), cert_file=files[0], key_file=files[1])
        )
        made = MqttTransport(secured, receive=inbox, subscriptions=(topic(client_id, Channel.COMMAND),))
        clients.callback(made.stop)
        return made

    inbox = Inbox()
    device, server = client("d1", authority), client("server", authority)
    assert device.start(wait_s=SOON_S)
    assert server.start(wait_s=SOON_S)
    payload = bytes(4000)
    assert server.publish(COMMAND, payload, expiry_s=60) is PublishOutcome.ACCEPTED
    assert until(lambda: inbox.payloads == [payload])
    assert device.publish(COMMAND, b"forged", expiry_s=60) is PublishOutcome.REFUSED
    assert device.publish(ACK, b"own", expiry_s=60) is not PublishOutcome.REFUSED
    for refused in (client("d2", None), client("d3", stranger), client("d4", authority, trusts=stranger)):
        assert not refused.start(wait_s=0.5)


class Authority:
    """A certificate authority of this test."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.file = folder / f"{name}.pem"
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        made = self._sign(self._name, self._key.public_key(), constraints)
        self.file.write_bytes(made.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str) -> tuple[Path, Path]:
        """Certificate and key files for a name, valid for this machine's own address."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        made = self._sign(subject, key.public_key(), x509.BasicConstraints(ca=False, path_length=None))
        cert_file, key_file = self._folder / f"{name}.crt", self._folder / f"{name}.key"
        cert_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return cert_file, key_file

    def _sign(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, constraints: x509.BasicConstraints
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))])
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self._name).public_key(key)
        builder = builder.serial_number(x509.random_serial_number()).add_extension(names, critical=False)
        builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=1))
        return builder.add_extension(constraints, critical=True).sign(self._key, hashes.SHA256())
