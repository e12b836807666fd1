"""The broker that the service starts for itself where no other is configured: rumqttd from the `iotcore` wheel.

It runs in a process of its own, bound to 127.0.0.1, and speaks MQTT 5 only. It ends with its parent: the child reads
its standard input, which closes when the parent is gone, however it went. A child that ended by itself, or was killed,
is started again while somebody keeps it; nothing is lost by it, because the database is the queue and a device says
hello on every connect.

What it does not do, and the contract suite declares: it says "accepted" where no session would get the message, it
never expires a session, it marks no redelivery, it knows no access rules, and nothing survives its restart. Commands
and answers are signed, so a forgetful broker is only a slow one. A handset of another make has to know, besides, that
whoever connects with a keep-alive of 0 is dropped (MQTT 5 section 3.1.2.10 would let them stay), that what was
published at QoS 0 comes at the QoS that was subscribed, and that Receive Maximum, Maximum Packet Size and No Local are
not heeded.
"""

import contextlib
import logging
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from iotcore.iotcore import IotCoreBroker

from api.process.file_limit import allow_files
from custody.kernel.errors import Unavailable

LOG = logging.getLogger("api.process.embedded_broker")

HOST = "127.0.0.1"
START_S = 60.0
"""How long a child that has not ended may take until it accepts connections, on a machine that has much else to do."""
STOP_S = 5.0
POLL_S = 0.02
LOOK_S = 0.2
CONNECTIONS = 10_010
OWN_FILES = 100

CONFIG = """
id = 0

[router]
id = 0
max_connections = {connections}
max_outgoing_packet_count = 200
max_segment_size = 104857600
max_segment_count = 10

[v5.1]
name = "v5"
listen = "{host}:{port}"
next_connection_delay_ms = 1
[v5.1.connections]
connection_timeout_ms = 60000
max_payload_size = 65536
max_inflight_count = 100
dynamic_filters = true
"""


class EmbeddedBroker:
    """The child process. `start` returns when it accepts connections."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._keeper: threading.Thread | None = None

    @property
    def pid(self) -> int | None:
        """The child's process id while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """Start it; raises `Unavailable("broker")` if the port is taken or it does not come up."""
        if self.pid is not None:
            return
        self._end()
        if _answers(self.port):
            raise _failed(f"port {self.port} is in use")
        command = [sys.executable, "-P", "-m", "api.process.embedded_broker", str(self.port)]
        self._process = subprocess.Popen(  # noqa: S603 - this file, run by this interpreter
            command, stdin=subprocess.PIPE, start_new_session=True
        )
        deadline = time.monotonic() + START_S
        while not _answers(self.port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._end()
                raise _failed(f"it did not come up on port {self.port}")
            time.sleep(POLL_S)

    def keep(self) -> None:
        """From now on, until `stop`, start it again whenever it has ended."""
        self._keeper = threading.Thread(target=self._keep, name="broker keeper", daemon=True)
        self._keeper.start()

    def stop(self) -> None:
        """End it and wait until it is gone."""
        if self._keeper is not None:
            self._stopping.set()
            self._keeper.join()
        self._end()

    def _keep(self) -> None:
        while not self._stopping.wait(LOOK_S):
            if self.pid is not None:
                continue
            LOG.warning("the embedded broker has ended and is started again")
            try:
                self.start()
            except Unavailable as error:
                LOG.warning("%s", error.detail)
            except OSError as error:  # no file or no memory is free for it, at this moment
                LOG.warning("the embedded broker could not be started: %s", error)

    def _end(self) -> None:
        if self._process is None:
            return
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def kill(self) -> None:
        """End it as a power cut would; for tests of crashes."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            if self._process.stdin is not None:
                self._process.stdin.close()
            self._process = None


def serve(port: int) -> None:
    """Run the broker in this process, until standard input closes."""
    allow_files(CONNECTIONS + OWN_FILES)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    logging.basicConfig(level=logging.WARNING)
    logging.getLogger("rumqttd").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="broker-") as folder:
        config = Path(folder) / "broker.toml"
        config.write_text(CONFIG.format(host=HOST, port=port, connections=CONNECTIONS))
        broker = IotCoreBroker(config_path=str(config))
    broker.run_forever()


def _end_with_parent() -> None:
    with contextlib.suppress(OSError):
        sys.stdin.buffer.read()
    os._exit(0)


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=0.2):
        return True
    return False


def _failed(why: str) -> Unavailable:
    return Unavailable(
        "broker",
        f"the embedded broker did not start: {why}",
        fix="Free the port, or set another WEAKLINK_EMBEDDED_MQTT_PORT.",
    )


if __name__ == "__main__":
    serve(int(sys.argv[1]))
