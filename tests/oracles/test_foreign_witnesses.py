"""Other people's witnesses beside our service: omniwitness (Ed25519 and ML-DSA-44) and litewitness cosign our log.

They know our key alone, follow our log as it grows, and tell a log that was set back apart from one that grew.
"""

import base64
import hashlib
import os
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest

from api.cli.instance import Instance
from api.compose import free_port
from custody.ledger.witness_policy import WitnessPolicy, parse_policy
from simulators.agent import sign_in
from simulators.client import ServiceClient
from tests.servers.witness import until

EMPTY_ROOT = base64.b64encode(hashlib.sha256(b"").digest()).decode()
HOW = {
    "omniwitness": "`go install github.com/transparency-dev/witness/cmd/{omniwitness,generate_keys}@latest`",
    "litewitness": "`GOTOOLCHAIN=go1.27.3 go install filippo.io/torchwood/cmd/litewitness@v0.10.0`, and an ssh-agent",
}


class Witness(Protocol):
    """A running witness: where it is, and the keys of its cosignatures."""

    address: str
    vkeys: list[str]


class OmniWitness:
    """The witness of transparency-dev, with a key of each kind."""

    PROGRAMS = ("omniwitness", "generate_keys")

    def __init__(self, folder: Path, stack: ExitStack, *, origin: str, log: str) -> None:
        self.address = f"http://127.0.0.1:{free_port()}"
        keys = {kind: folder / f"omni{kind}" for kind in ("", "-pq")}
        for kind, file in keys.items():
            more = ["--mldsa"] if kind else []
            where = [f"--out_priv={file}.secret", f"--out_pub={file}.public"]
            subprocess.run(["generate_keys", "--origin=omni.example/w1", *where, *more], check=True)
        self.vkeys = [Path(f"{file}.public").read_text().strip() for file in keys.values()]
        (folder / "logs.yaml").write_text(
            f"Logs:\n  - Origin: {origin}\n    URL: http://127.0.0.1:1/\n    PublicKey: {log}\n    Feeder: none\n"
        )
        secrets = [f"--private_key_path={file}.secret" for file in keys.values()]
        command = ["omniwitness", f"--listen={self.address.removeprefix('http://')}", "--metrics_listen=", *secrets]
        run(stack, [*command, f"--additional_logs={folder / 'logs.yaml'}", f"--db_file={folder / 'omni.db'}"])


class LiteWitness:
    """The witness of torchwood, its key in an SSH agent."""

    PROGRAMS = ("litewitness", "ssh-agent", "ssh-add", "ssh-keygen")

    def __init__(self, folder: Path, stack: ExitStack, *, origin: str, log: str) -> None:
        self.address = f"http://127.0.0.1:{free_port()}"
        key, agent, name = folder / "lite", folder / "agent", "lite.example/w1"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        run(stack, ["ssh-agent", "-a", str(agent), "-D"])
        until(agent.exists)
        subprocess.run(["ssh-add", "-q", str(key)], env={**os.environ, "SSH_AUTH_SOCK": str(agent)}, check=True)
        public = base64.b64decode(key.with_suffix(".pub").read_text().split()[1])
        blob = b"\x04" + public[-32:]
        key_id = hashlib.sha256(name.encode() + b"\n" + blob).digest()[:4].hex()
        self.vkeys = [f"{name}+{key_id}+{base64.b64encode(blob).decode()}"]
        with closing(sqlite3.connect(folder / "lite.db")) as database, database:
            database.execute("CREATE TABLE log (origin TEXT PRIMARY KEY, tree_size INTEGER, tree_hash TEXT)")
            database.execute("CREATE TABLE key (origin TEXT NOT NULL, key TEXT NOT NULL)")
            database.execute("INSERT INTO log VALUES (?, 0, ?)", (origin, EMPTY_ROOT))
            database.execute("INSERT INTO key VALUES (?, ?)", (origin, log))
        print_ = base64.b64encode(hashlib.sha256(public).digest()).decode().rstrip("=")
        command = ["litewitness", "-db", str(folder / "lite.db"), "-name", name, "-key", f"SHA256:{print_}"]
        listen = self.address.removeprefix("http://")
        run(stack, [*command, "-ssh-agent", str(agent), "-listen", listen])


def run(stack: ExitStack, command: list[str]) -> None:
    """Start a program and end it when the stack ends."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    stack.callback(process.wait, 30)
    stack.callback(process.send_signal, signal.SIGTERM)


class Street:
    """A service of ours whose log one witness knows."""

    def __init__(self, folder: Path, stack: ExitStack, kind: type[OmniWitness] | type[LiteWitness]) -> None:
        self.data, self._stack = folder / "data", stack
        first = Instance(self.data, port=free_port())
        first.start()
        log = httpx.get(f"{first.address}/v1/log").json()
        first.stop()
        self.accounts = first.accounts
        self._early = shutil.copytree(self.data, folder / "early")
        witness: Witness = kind(folder, stack, origin=log["origin"], log=log["vkey"])
        names = [f"w{number}" for number in range(len(witness.vkeys))]
        lines = [f"witness {name} {vkey} {witness.address}" for name, vkey in zip(names, witness.vkeys, strict=True)]
        text = "\n".join([f"log {log['vkey']}", *lines, f"group all all {' '.join(names)}", "quorum all", ""])
        self.policy: WitnessPolicy = parse_policy(text)
        self._file = folder / "policy"
        self._file.write_text(text)

    def service(self, *, early: bool = False) -> Instance:
        """Start the service, or a copy of it from before the witness saw anything."""
        if early:
            shutil.rmtree(self._early / "heads")
        made = Instance(
            self._early if early else self.data, port=free_port(), options=("--witness-policy", str(self._file))
        )
        made.start()
        self._stack.callback(made.stop)
        return made

    def grow(self, service: Instance, entries: int) -> None:
        """So many entries more."""
        client = ServiceClient(service.address)
        staff = sign_in(client, "agent-1", self.accounts["agent-1"]).client
        for number in range(entries):
            order = f"SO-{service.address[-5:]}-{number}"
            staff.post("/v1/orders", {"order": order, "imei": "356938035643809", "product": "phone"})
        staff.close()
        client.close()


def about(service: Instance) -> Any:
    """What the service says of its log."""
    return httpx.get(f"{service.address}/v1/log", timeout=30).json()


def witnessed(service: Instance) -> bool:
    """Whether the quorum has cosigned all there is."""
    said = about(service)
    return bool(said["sizes"]["witnessed"] == said["size"])


@pytest.fixture(params=[OmniWitness, LiteWitness], ids=["omniwitness", "litewitness"])
def street(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Street]:
    """Lend a service with one witness, where its programs are on PATH."""
    kind = request.param
    if not all(map(shutil.which, kind.PROGRAMS)):
        pytest.skip(f"{', '.join(kind.PROGRAMS)} are not all on PATH; {HOW[kind.PROGRAMS[0]]}")
    with ExitStack() as stack:
        yield Street(tmp_path, stack, kind)


@pytest.mark.slow
def test_a_witness_of_others_follows_our_log_and_never_another_past_of_it(street: Street) -> None:
    service = street.service()
    until(lambda: witnessed(service))
    street.grow(service, 20)
    until(lambda: witnessed(service))
    note = httpx.get(f"{service.address}/log/checkpoint").content
    seen = street.policy.judge(note).demand().size
    assert seen == about(service)["size"] > 20
    fork = street.service(early=True)
    until(lambda: str(seen) in about(fork)["witnesses"][0]["trouble"])
    street.grow(fork, seen)
    until(lambda: "422" in about(fork)["witnesses"][0]["trouble"])
    assert httpx.get(f"{fork.address}/log/checkpoint").status_code == 503
