"""The NanoMDM back-end against the real server, where a `nanomdm` program is on PATH; a device of our own enrols.

The server is told to take the device's certificate from a header (RFC 9440), as it is behind a TLS proxy. No push is
sent, since that needs Apple; the device comes by itself.
"""

import base64
import plistlib
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from api.compose import free_port
from custody.kernel.clock import DAY_MS
from custody.kernel.errors import Unavailable
from custody.kernel.system_clock import SystemClock
from devicelock.backends.contract import BackendAnswer, Ref
from devicelock.backends.exchange import Reply, Request
from devicelock.backends.http_line import HttpLine
from devicelock.backends.nanomdm import NanoMdmBackend
from devicelock.backends.nanomdm_event import HEADER, MdmStatus, check_age
from devicelock.rules.applied import Applied
from tests.contracts_backends.backend_bench import SCREEN, START_MS, SetClock
from tests.contracts_backends.memory_book import MemoryBook

PROGRAM = shutil.which("nanomdm")
pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="no nanomdm program on PATH; `go install github.com/micromdm/nanomdm/cmd/nanomdm@v0.9.0`"
)
UDID = "66ADE930-5FDF-5EC4-8429-15640684C489"
API_KEY, WEBHOOK_KEY = "api-key", "webhook-key"
SOON_S = 30.0


def certificate() -> tuple[bytes, bytes]:
    """A self-signed identity that may authenticate a client: as PEM for the server to trust, and as DER."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "device")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(hours=1))
        .not_valid_after(datetime.now(UTC) + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM), made.public_bytes(serialization.Encoding.DER)


class Device:
    """An Apple device as far as the protocol goes: it checks in, asks for commands and reports."""

    def __init__(self, address: str, der: bytes) -> None:
        self._address = f"{address}/mdm"
        self._header = {"X-Cert": f":{base64.b64encode(der).decode()}:"}

    def check_in(self, kind: str, **fields: Any) -> None:
        body = {"MessageType": kind, "UDID": UDID, "Topic": "com.apple.mgmt.External.example", **fields}
        self._put(body, "application/x-apple-aspen-mdm-checkin")

    def enrol(self) -> None:
        self.check_in("Authenticate")
        self.check_in("TokenUpdate", PushMagic="magic", Token=b"token")

    def report(self, status: MdmStatus, name: str | None = None) -> tuple[str, str] | None:
        """Report and fetch: the next command's kind and name, or None."""
        body = {"Status": str(status), "UDID": UDID} | ({"CommandUUID": name} if name else {})
        raw = self._put(body, "application/x-apple-aspen-mdm")
        if not raw:
            return None
        command = plistlib.loads(raw)
        return command["Command"]["RequestType"], command["CommandUUID"]

    def _put(self, body: dict[str, Any], kind: str) -> bytes:
        headers = {**self._header, "Content-Type": kind}
        reply = httpx.put(self._address, content=plistlib.dumps(body), headers=headers, timeout=SOON_S)
        assert reply.status_code == 200, reply.text
        return reply.content


class World:
    """The server, its webhook's listener, our back-end and a device."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        pem, der = certificate()
        (folder / "ca.pem").write_bytes(pem)
        self.heard: list[str] = []
        self.refused = 0
        listener = HTTPServer(("127.0.0.1", 0), self._hook())
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        stack.callback(listener.server_close)
        stack.callback(listener.shutdown)
        port = free_port()
        address = f"http://127.0.0.1:{port}"
        command = [str(PROGRAM), "-listen", f"127.0.0.1:{port}", "-ca", str(folder / "ca.pem"), "-api", API_KEY]
        command += [
            "-storage",
            "inmem",
            "-storage-dsn",
            "none",
            "-cert-header",
            "X-Cert",
            "-webhook-hmac-key",
            WEBHOOK_KEY,
        ]
        command += ["-webhook-url", f"http://127.0.0.1:{listener.server_port}/"]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(command, stdout=log, stderr=log)
        stack.callback(server.wait, SOON_S)
        stack.callback(server.terminate)
        self.line = HttpLine(address, timeout_s=SOON_S)
        stack.callback(self.line.close)
        self.backend = NanoMdmBackend(
            self.line,
            api_key=API_KEY,
            webhook_key=WEBHOOK_KEY.encode(),
            book=MemoryBook(),
            clock=SetClock(),
            push=False,
        )
        self.device = Device(address, der)
        self._wait_for(address, server)

    def lock(self, version: int = 1) -> BackendAnswer:
        asked = Ref(handset=UDID, order="lock-1", version=version)
        return self.backend.lock(asked, screen=SCREEN, not_after_ms=START_MS + DAY_MS)

    def shows(self, applied: Applied | None) -> bool:
        """Wait until the back-end shows this; webhooks come a moment after the server's reply."""
        deadline = time.monotonic() + SOON_S
        while self.backend.state(UDID).applied is not applied and time.monotonic() < deadline:
            time.sleep(0.01)
        return self.backend.state(UDID).applied is applied

    def hears(self, topic: str, count: int) -> bool:
        deadline = time.monotonic() + SOON_S
        while self.heard.count(topic) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        return self.heard.count(topic) >= count

    def _wait_for(self, address: str, server: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + SOON_S
        while True:
            try:
                assert httpx.get(f"{address}/version", timeout=SOON_S).status_code == 200
            except httpx.TransportError:
                assert server.poll() is None, "nanomdm does not start"
                assert time.monotonic() < deadline, "nanomdm does not answer"
                time.sleep(0.05)
            else:
                return

    def _hook(self) -> type[BaseHTTPRequestHandler]:
        world = self

        class Hook(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["content-length"]))
                event = world.backend.open(raw, self.headers[HEADER])
                check_age(event, now_ms=SystemClock().now_ms())
                if world.backend.take(event):
                    world.backend.reassert(event.handset)
                world.heard.append(str(event.topic))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_words: object) -> None:
                """Say nothing."""

        return Hook


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with ExitStack() as stack:
        yield World(tmp_path, stack)


def test_a_lock_is_fetched_kept_on_not_now_acknowledged_and_released(world: World) -> None:
    world.device.enrol()
    assert world.hears("mdm.TokenUpdate", 1)
    assert world.lock() is BackendAnswer.TAKEN
    assert world.backend.state(UDID).applied is None
    kind, name = world.device.report(MdmStatus.IDLE) or ("", "")
    assert kind == "EnableLostMode"
    assert world.device.report(MdmStatus.NOT_NOW, name) is None
    assert world.shows(None)
    assert world.device.report(MdmStatus.IDLE) == (kind, name)
    world.device.report(MdmStatus.ACKNOWLEDGED, name)
    assert world.shows(Applied.LOCKED)
    assert world.backend.unlock(Ref(handset=UDID, order="lock-1", version=2)) is BackendAnswer.TAKEN
    kind, name = world.device.report(MdmStatus.IDLE) or ("", "")
    assert kind == "DisableLostMode"
    world.device.report(MdmStatus.ACKNOWLEDGED, name)
    assert world.shows(Applied.UNLOCKED)


@pytest.mark.parametrize("released_before", [False, True])
def test_a_lock_that_was_put_off_is_offered_again_after_its_release_and_the_release_is_said_once_more(
    world: World,
    released_before: bool,  # noqa: FBT001 - the case that is told
) -> None:
    def report(status: MdmStatus, name: str = "") -> tuple[str, str] | None:
        before = world.heard.count("mdm.Connect")
        following = world.device.report(status, name)
        assert world.hears("mdm.Connect", before + 1)
        return following

    world.device.enrol()
    assert world.hears("mdm.TokenUpdate", 1)
    world.lock()
    release = Ref(handset=UDID, order="lock-1", version=2)
    if released_before:
        assert world.backend.unlock(release) is BackendAnswer.TAKEN
    _, lock = report(MdmStatus.IDLE) or ("", "")
    report(MdmStatus.NOT_NOW, lock)
    if not released_before:
        assert world.backend.unlock(release) is BackendAnswer.TAKEN
    assert report(MdmStatus.IDLE) == ("EnableLostMode", lock)
    kind, name = report(MdmStatus.NOT_NOW, lock) or ("", "")
    assert kind == "DisableLostMode"
    report(MdmStatus.ACKNOWLEDGED, name)
    assert world.backend.state(UDID).applied is None, "the lock is still with the server"
    assert report(MdmStatus.IDLE) == ("EnableLostMode", lock)
    report(MdmStatus.ACKNOWLEDGED, lock)
    assert world.backend.state(UDID).applied is Applied.LOCKED
    assert world.backend.unlock(release) is BackendAnswer.TAKEN
    kind, name = report(MdmStatus.IDLE) or ("", "")
    assert kind == "DisableLostMode"
    report(MdmStatus.ACKNOWLEDGED, name)
    assert world.backend.state(UDID).applied is Applied.UNLOCKED


def test_enrolling_again_clears_the_queue_and_the_lock_is_said_again(world: World) -> None:
    world.device.enrol()
    assert world.hears("mdm.TokenUpdate", 1)
    world.lock()
    world.device.enrol()
    assert world.hears("mdm.TokenUpdate", 2)
    kind, name = world.device.report(MdmStatus.IDLE) or ("", "")
    assert kind == "EnableLostMode"
    world.device.report(MdmStatus.ACKNOWLEDGED, name)
    assert world.shows(Applied.LOCKED)


def test_a_command_whose_reply_was_lost_is_known_to_the_server_when_asked_again(world: World) -> None:
    world.device.enrol()
    assert world.hears("mdm.TokenUpdate", 1)
    sends = world.line

    def lose(request: Request) -> Reply:
        sends(request)
        raise Unavailable("backend_silent", "no reply", fix="Ask again.")

    world.backend._wire._line = lose  # type: ignore[attr-defined]  # the first reply is lost on purpose
    with pytest.raises(Unavailable):
        world.lock()
    world.backend._wire._line = sends  # type: ignore[attr-defined]  # the second is not
    assert world.lock() is BackendAnswer.TAKEN
    _, name = world.device.report(MdmStatus.IDLE) or ("", "")
    assert world.device.report(MdmStatus.ACKNOWLEDGED, name) is None
    assert world.shows(Applied.LOCKED)


def test_a_push_without_apples_certificate_is_loud(world: World) -> None:
    world.device.enrol()
    assert world.hears("mdm.TokenUpdate", 1)
    pushing = NanoMdmBackend(
        world.line, api_key=API_KEY, webhook_key=WEBHOOK_KEY.encode(), book=MemoryBook(), clock=SetClock()
    )
    with pytest.raises(Unavailable) as caught:
        pushing.lock(Ref(handset=UDID, order="o", version=1), screen=SCREEN, not_after_ms=START_MS + DAY_MS)
    assert caught.value.code == "backend_push"
