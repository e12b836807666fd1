"""What `weaklink broker-config` writes: a real Mosquitto keeps clients to their own topics, and lets no stranger in."""

import shutil
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import typer
from cryptography import x509
from typer.testing import CliRunner

from api.cli.broker_config import broker_config, write_broker
from api.compose import free_port
from custody.kernel.clock import DAY_MS
from custody.kernel.errors import Rejected
from custody.kernel.system_clock import SystemClock
from devicelock.mqtt import MqttTransport
from devicelock.mqtt_options import MqttOptions, Tls
from devicelock.rules.topic import Channel, every, topic
from devicelock.transport import Message, PublishOutcome
from tests.fixtures_broker import HOST, Mosquitto

SOON_S = 60.0
QUIET_S = 0.5
PAIR = ("pem", "key")


def write(
    folder: Path, *devices: str, bind: str = HOST, port: int = 8883, days: int = 365, now_ms: int | None = None
) -> list[Path]:
    return write_broker(
        folder,
        devices=list(devices),
        hosts=["localhost", HOST],
        bind=bind,
        port=port,
        server="server",
        days=days,
        now_ms=SystemClock().now_ms() if now_ms is None else now_ms,
    )


class Inbox:
    """What a client received."""

    def __init__(self) -> None:
        self.got: list[tuple[str, bytes]] = []

    def __call__(self, message: Message) -> bool:
        self.got.append((message.topic, message.payload))
        return True


class Office:
    """A broker with the written files, and clients of it."""

    def __init__(self, folder: Path, port: int, stack: ExitStack) -> None:
        self.folder, self.port, self._stack = folder, port, stack

    def client(self, name: str, *filters: str, certificate: Path | None = None) -> tuple[MqttTransport, Inbox, bool]:
        stem = certificate or self.folder / "clients" / name
        shown = (str(stem.with_name(f"{stem.name}.{end}")) for end in PAIR) if name else (None, None)
        pem, key = shown
        tls = Tls(ca_file=str(self.folder / "ca.pem"), cert_file=pem, key_file=key)
        inbox = Inbox()
        options = MqttOptions(host=HOST, port=self.port, client_id=name or "nobody", tls=tls)
        client = MqttTransport(options, receive=inbox, subscriptions=filters)
        self._stack.callback(client.stop)
        return client, inbox, client.start(wait_s=SOON_S if name and certificate is None else 1.0)


@contextmanager
def running(found: Mosquitto, folder: Path) -> Iterator[None]:
    command = [str(found.broker), "-c", str(folder / "mosquitto.conf")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=found.environment(), stdout=log, stderr=log)
    try:
        assert until(lambda: b"running" in (folder / "log").read_bytes()), (folder / "log").read_text()
        yield
    finally:
        process.terminate()
        process.wait(SOON_S)


def until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + SOON_S
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


@pytest.fixture
def office(mosquitto: Mosquitto, tmp_path: Path) -> Iterator[Office]:
    port = free_port()
    folder = tmp_path / "broker"
    write(folder, "dev-1", "dev-2", port=port)
    with running(mosquitto, folder), ExitStack() as stack:
        yield Office(folder, port, stack)


@pytest.mark.broker
def test_each_device_uses_its_own_topics_and_no_others(office: Office) -> None:
    ours = tuple(every(channel) for channel in (Channel.ACK, Channel.HELLO))
    server, heard, ready = office.client("server", *ours)
    assert ready
    first, inbox, ready = office.client("dev-1", topic("dev-1", Channel.COMMAND))
    assert ready
    spy, overheard, ready = office.client("dev-2", topic("dev-1", Channel.COMMAND), every(Channel.ACK), "#")
    assert ready
    assert server.publish(topic("dev-1", Channel.COMMAND), b"lock", expiry_s=60) is PublishOutcome.ACCEPTED
    assert until(lambda: inbox.got == [(topic("dev-1", Channel.COMMAND), b"lock")])
    assert first.publish(topic("dev-1", Channel.ACK), b"done", expiry_s=60) is PublishOutcome.ACCEPTED
    assert until(lambda: heard.got == [(topic("dev-1", Channel.ACK), b"done")])
    forged = (
        topic("dev-1", Channel.ACK),
        topic("dev-1", Channel.HELLO),
        topic("dev-1", Channel.COMMAND),
        topic("dev-2", Channel.COMMAND),
        "other/topic",
    )
    assert {spy.publish(each, b"forged", expiry_s=60) for each in forged} == {PublishOutcome.REFUSED}
    assert spy.publish(topic("dev-2", Channel.HELLO), b"mine", expiry_s=60) is PublishOutcome.ACCEPTED
    assert until(lambda: len(heard.got) == 2)
    time.sleep(QUIET_S)
    assert heard.got[1:] == [(topic("dev-2", Channel.HELLO), b"mine")]
    assert inbox.got == [(topic("dev-1", Channel.COMMAND), b"lock")]
    assert overheard.got == []


@pytest.mark.broker
def test_who_shows_no_certificate_of_our_authority_is_refused(office: Office, tmp_path: Path) -> None:
    assert not office.client("")[2]
    write(tmp_path / "elsewhere", "dev-1")
    assert not office.client("dev-1", certificate=tmp_path / "elsewhere" / "clients" / "dev-1")[2]
    assert not office.client("broker", certificate=office.folder / "broker")[2], "a broker's certificate is no client's"
    assert office.client("dev-1")[2]


@pytest.mark.broker
def test_a_certificate_that_has_ended_is_refused(office: Office) -> None:
    write(office.folder, "dev-3", days=1, now_ms=SystemClock().now_ms() - 2 * DAY_MS)
    assert not office.client("dev-3", certificate=office.folder / "clients" / "dev-3")[2]


@pytest.mark.broker
def test_a_command_waits_over_a_restart_of_the_broker(mosquitto: Mosquitto, tmp_path: Path) -> None:
    port, folder = free_port(), tmp_path / "broker"
    write(folder, "dev-1", port=port)
    with running(mosquitto, folder), ExitStack() as stack:
        office = Office(folder, port, stack)
        device, _, ready = office.client("dev-1", topic("dev-1", Channel.COMMAND))
        assert ready
        device.stop()
        server, _, ready = office.client("server")
        assert ready
        assert server.publish(topic("dev-1", Channel.COMMAND), b"unlock", expiry_s=60) is PublishOutcome.ACCEPTED
    with running(mosquitto, folder), ExitStack() as stack:
        _, inbox, _ = Office(folder, port, stack).client("dev-1", topic("dev-1", Channel.COMMAND))
        assert until(lambda: inbox.got == [(topic("dev-1", Channel.COMMAND), b"unlock")])


def test_every_private_key_and_the_access_file_are_for_their_owner_alone(tmp_path: Path) -> None:
    written = write(tmp_path, "dev-1")
    secret = {path for path in written if path.suffix == ".key"} | {tmp_path / "access"}
    assert {path.name for path in secret} == {"ca.key", "broker.key", "server.key", "dev-1.key", "access"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in secret} == {0o600}


def test_the_settings_say_what_the_lock_relies_on(tmp_path: Path) -> None:
    write(tmp_path)
    lines = set((tmp_path / "mosquitto.conf").read_text().splitlines())
    assert lines >= {
        "persistence true",
        "autosave_interval 1",
        "set_tcp_nodelay true",
        "require_certificate true",
        "use_identity_as_username true",
        "allow_anonymous false",
        "max_queued_messages 1000",
        f"listener 8883 {HOST}",
    }
    assert "retain" not in (tmp_path / "mosquitto.conf").read_text()


def test_called_again_it_keeps_every_key_and_adds_devices(tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in write(tmp_path, "dev-1") if path.suffix in {".key", ".pem"}}
    after = write(tmp_path, "dev-2")
    assert {path: path.read_bytes() for path in before} == before
    assert tmp_path / "clients" / "dev-2.key" in after


@pytest.mark.parametrize("name", ["server", "a/b", "+", "#", "490154203237518", "a b", ""])
def test_a_name_with_other_rights_than_a_devices_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Rejected):
        write(tmp_path, name)
    assert not (tmp_path / "clients").exists()


def test_a_key_without_its_certificate_or_of_another_stops_it(tmp_path: Path) -> None:
    write(tmp_path, "dev-1", "dev-2")
    clients = tmp_path / "clients"
    (clients / "dev-1.pem").unlink()
    with pytest.raises(Rejected):
        write(tmp_path, "dev-1")
    shutil.copy(clients / "dev-2.pem", clients / "dev-1.pem")
    with pytest.raises(Rejected):
        write(tmp_path, "dev-1")


def test_certificates_say_for_what_and_for_how_long(tmp_path: Path) -> None:
    write(tmp_path, "dev-1", days=30)
    for path, names in ((tmp_path / "broker.pem", 2), (tmp_path / "clients" / "dev-1.pem", 0)):
        read = x509.load_pem_x509_certificate(path.read_bytes())
        assert (read.not_valid_after_utc - read.not_valid_before_utc).days == 30
        assert not read.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        found = [each for each in read.extensions if isinstance(each.value, x509.SubjectAlternativeName)]
        assert len(found) == (1 if names else 0)


def broker_names(folder: Path, *hosts: str) -> x509.SubjectAlternativeName:
    options = [word for host in hosts for word in ("--host", host)]
    assert run(str(folder), *options) == 0
    read = x509.load_pem_x509_certificate((folder / "broker.pem").read_bytes())
    return read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value


def run(*words: str) -> int:
    app = typer.Typer()
    app.command()(broker_config)
    return CliRunner().invoke(app, words).exit_code


def test_a_host_name_may_be_longer_than_a_common_name(tmp_path: Path) -> None:
    host = f"{'a' * 63}.{'b' * 63}.elb.example.com"
    names = broker_names(tmp_path, host, "*.example.com", "::1")
    assert names.get_values_for_type(x509.DNSName) == [host, "*.example.com"]
    assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == ["::1"]


@pytest.mark.parametrize(
    "words",
    [
        *(("--host", host) for host in ("", " ", "a b", "a..b", "sch\u00f6n.example", "a" * 64, f"{'a.' * 127}a")),
        ("--bind", ""),
    ],
)
def test_a_broker_that_no_client_could_be_sure_of_is_refused_before_a_file_is_there(
    tmp_path: Path, words: tuple[str, str]
) -> None:
    assert run(str(tmp_path / "b"), *words) == 1
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("odd", ["a b", "\udcff", "a\nb", "a\u2028b"])
def test_what_cannot_stand_in_the_settings_of_mosquitto_is_refused_before_a_file_is_there(
    tmp_path: Path, odd: str
) -> None:
    for folder, bind in ((odd, "127.0.0.1"), ("b", odd)):
        with pytest.raises(Rejected, match="spaces or what is no text"):
            write(tmp_path / folder, bind=bind)
    assert list(tmp_path.iterdir()) == []


def test_a_link_that_leads_to_itself_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "b").symlink_to("b")
    with pytest.raises(OSError, match="b/clients"):
        write(tmp_path / "b")


@pytest.mark.parametrize("port", ["0", "65536", "99999999", "-1"])
def test_a_port_that_is_none_is_refused(tmp_path: Path, port: str) -> None:
    assert run(str(tmp_path / "b"), "--port", port) == 2
    assert not (tmp_path / "b").exists()


def test_the_command_writes_the_folder_and_lists_it(tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(broker_config)
    done = CliRunner().invoke(app, [str(tmp_path / "b"), "--device", "dev-1", "--json"])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "b" / "README.md").read_text().startswith("# Mosquitto")
    refused = CliRunner().invoke(app, [str(tmp_path / "b"), "--device", "server"])
    assert refused.exit_code == 1
