"""`weaklink broker-config`: the files with which a Mosquitto carries the device lock, and certificates for a start.

Written into a folder: `mosquitto.conf`, `access` (the access rules), `README.md`, `ca.pem` and `broker.pem` with their
keys, and under `clients/` a certificate and key for the server and each device named. Called again, it writes the
settings anew, keeps every certificate and key, and adds devices.
"""

import os
import pwd
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from api.cli.broker_certificates import issue_broker, issue_client, open_authority, read_hosts
from api.cli.client import fail, show
from api.cli.folder import read_folder
from custody.kernel.clock import Instant
from custody.kernel.errors import Rejected, Trouble
from custody.kernel.system_clock import SystemClock
from devicelock.rules.topic import ROOT, Channel, every, read_device, topic

MAX_QUEUED = 1000
MAX_MESSAGE_BYTES = 65_536
WRITTEN_BY_DEVICE = (Channel.ACK, Channel.HELLO, Channel.STATUS)

README = """# Mosquitto for the device lock

Start it with `mosquitto -c {folder}/mosquitto.conf`. It listens on {bind}, port {port}.

| file | what it is |
|---|---|
| `mosquitto.conf` | settings, each with its reason |
| `access` | who may read and write which topic |
| `ca.pem`, `ca.key` | the authority that clients and broker trust; keep `ca.key` off this machine once all are issued |
| `broker.pem`, `broker.key` | what the broker shows to its clients |
| `clients/{server}.pem`, `.key` | the service's certificate |
| `clients/<device>.pem`, `.key` | a device's certificate; its common name is the device's name |

- Every client shows a certificate; its common name is its user. Nobody comes in without one.
- A device reads its own `{root}/<device>/cmd` and writes its own `ack`, `hello` and `status`; nothing else. The service
  writes `cmd` and reads the other three. A publish elsewhere is answered with reason code 135: count these, somebody is
  trying. A subscription elsewhere is granted in words and brings nothing.
- The service connects with WEAKLINK_MQTT_HOST, WEAKLINK_MQTT_PORT={port}, WEAKLINK_MQTT_CA=`ca.pem`,
  WEAKLINK_MQTT_CERTIFICATE and WEAKLINK_MQTT_KEY (`clients/{server}.pem` and `.key`).
- The broker only carries. Who locked what is shown by signatures inside the messages, not by the broker's users.
- Keys are readable by the account that made them. If the broker runs as another account, give it `broker.key`, and set
  `user` in `mosquitto.conf`.
- To add a device: call the command again with `--device NAME`. Certificates last {days} days; to renew one, delete its
  two files and call the command again.
"""


def broker_config(
    folder: Annotated[Path, typer.Argument(parser=read_folder, help="Folder for the files; made if it is not there.")],
    device: Annotated[list[str] | None, typer.Option(help="A device to certify; may be given more than once.")] = None,
    host: Annotated[list[str] | None, typer.Option(help="A name or address that clients reach the broker by.")] = None,
    bind: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8883,
    server: Annotated[str, typer.Option(help="The service's user.")] = "server",
    days: Annotated[int, typer.Option(help="How long certificates last.", min=1, max=3650)] = 365,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON value.")] = False,
) -> None:
    """Write a Mosquitto's settings and certificates. Example: `weaklink broker-config broker --device dev-1`."""
    try:
        written = write_broker(
            folder,
            devices=device or [],
            hosts=host or ["localhost", "127.0.0.1"],
            bind=bind,
            port=port,
            server=server,
            days=days,
            now_ms=SystemClock().now_ms(),
        )
    except Trouble as trouble:
        fail(trouble.detail, fix=trouble.fix)
    show({"folder": str(folder), "files": [str(path) for path in written]}, as_json=as_json)


def write_broker(
    folder: Path,
    *,
    devices: list[str],
    hosts: list[str],
    bind: str,
    port: int,
    server: str,
    days: int,
    now_ms: Instant,
) -> list[Path]:
    """Write everything; returns the files."""
    for name in (server, *devices):
        read_device(name)
    if server in devices:
        raise Rejected(
            "device", f"a device called {server!r} would have the service's rights", fix="Give it another name."
        )
    names = read_hosts(hosts)
    if not bind:
        raise Rejected(
            "bind",
            "without an address the broker would listen on every network",
            fix="Say so with 0.0.0.0, or name one.",
        )
    where = Path(os.path.realpath(folder))
    written = f"{where}{bind}"
    if " " in written or not written.isprintable():
        what = "Mosquitto reads no path or address with spaces or what is no text"
        raise Rejected("folder", what, fix="Choose a path without any.")
    texts = {
        where / "mosquitto.conf": settings(where, bind=bind, port=port),
        where / "access": access_rules(server),
        where / "README.md": README.format(folder=where, bind=bind, port=port, server=server, days=days, root=ROOT),
    }
    if not (where / "ca.pem").exists():
        _check_unused(texts)
    (where / "clients").mkdir(mode=0o700, parents=True, exist_ok=True)
    (where / "sessions").mkdir(mode=0o700, exist_ok=True)
    authority = open_authority(where, now_ms=now_ms)
    pairs = [authority, issue_broker(authority, where, names=names, now_ms=now_ms, days=days)]
    users = (server, *devices)
    pairs += [issue_client(authority, where / "clients", user=name, now_ms=now_ms, days=days) for name in users]
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600 if path.name == "access" else 0o644)
    return [*texts, *(path for pair in pairs for path in (pair.certificate_file, pair.key_file))]


def _check_unused(files: Iterable[Path]) -> None:
    """Raise `Rejected("folder")` if one of these is there: without an authority beside it, it is somebody else's."""
    for path in files:
        if path.exists():
            raise Rejected(
                "folder", f"{path} exists; a file of somebody else's is never overwritten", fix="Choose another folder."
            )


def settings(folder: Path, *, bind: str, port: int) -> str:
    """The text of `mosquitto.conf`."""
    account = pwd.getpwuid(os.geteuid()).pw_name
    return f"""# Written by `weaklink broker-config`.
# The account that owns the keys; used only where the broker is started by root.
user {account}

listener {port} {bind}
cafile {folder}/ca.pem
certfile {folder}/broker.pem
keyfile {folder}/broker.key

# Who has no certificate of our authority does not get in; the certificate's common name is the user.
require_certificate true
use_identity_as_username true
allow_anonymous false
acl_file {folder}/access

# Sessions and commands outlive the broker; a second is what a power cut may take. Hello brings it back.
persistence true
persistence_location {folder}/sessions/
autosave_interval 1

# Without this a command and its answer take 88 ms instead of less than one.
set_tcp_nodelay true

# More than enough for one command a device; beyond it the broker drops the newest.
max_queued_messages {MAX_QUEUED}
message_size_limit {MAX_MESSAGE_BYTES}
log_dest stderr
"""


def access_rules(server: str) -> str:
    """The text of the access file: the service by its name, devices by their own (%u)."""
    lines = [f"user {server}", f"topic write {every(Channel.COMMAND)}"]
    lines += [f"topic read {every(channel)}" for channel in WRITTEN_BY_DEVICE]
    own = {channel: topic("u", channel).replace("/u/", "/%u/") for channel in Channel}
    lines += ["", f"pattern read {own[Channel.COMMAND]}"]
    lines += [f"pattern write {own[channel]}" for channel in WRITTEN_BY_DEVICE]
    return "\n".join(lines) + "\n"
