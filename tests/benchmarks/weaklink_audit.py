"""Makes a long log through the service's own door and has it read by everybody who can: prints the figures as JSON.

    python -m tests.benchmarks.weaklink_audit --scans 70000

1. A private service with two witnesses takes the scans of eight stations in requests of 500.
2. `weaklink log audit` reads the log over HTTP with nothing but its key, once whole, and again after 500 more scans
   with what it kept; `weaklink log export` writes it to a folder, which is audited too.
3. tlog-scales and, where this machine has it, Go's sumdb verifier read the folder; scitt-cose reads receipts fetched
   from the log's standard door; cwt reads the statements' signatures.
4. One byte of an entry, of a tile and of the checkpoint is flipped; each of them must refuse, and take it again when
   the byte is put back.

`--every N` has the slow verifiers (tlog-scales, scitt-cose, cwt) look at every Nth entry only.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx

from api.cli.instance import Instance
from api.compose import free_port
from custody.kernel import cbor, cose
from custody.kernel.base64url import unb64
from custody.kernel.clock import SECOND_MS
from custody.kernel.keys import PublicKey, read_cose_key
from custody.kernel.system_clock import SystemClock
from custody.ledger.merkle import HASH_BYTES
from custody.ledger.tiles import ENTRIES, WIDTH, TileId, decode_bundle, tile_width, tiles_of
from simulators.agent import sign_in
from simulators.client import ServiceClient
from simulators.load import batch_requests, fire, load_stations, presign
from simulators.station import Station
from tests.oracles.verifiers import GoOracle, OracleRefuses, cwt_payload, scales, scitt

STATIONS = 8
IN_REQUEST = 500
IN_ROUND = 1_000
RECEIPTS = 300


@dataclass(slots=True)
class Soak:
    """One run: the service, its witnesses, and the figures so far."""

    folder: Path
    every: int
    seed: int
    figures: dict[str, Any] = field(default_factory=dict)
    address: str = ""
    vkey: str = ""
    stations: list[Station] = field(default_factory=list)
    witnesses: list[subprocess.Popen[str]] = field(default_factory=list)

    def say(self, what: str, value: Any) -> None:
        """Note a figure and tell it at once."""
        self.figures[what] = value
        sys.stderr.write(f"{what}: {value}\n")

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Note how long something took."""
        began = time.perf_counter()
        yield
        self.say(f"{what}_s", round(time.perf_counter() - began, 1))

    @contextmanager
    def running(self) -> Iterator[None]:
        """A service whose checkpoints two witnesses cosign, one of them with ML-DSA-44 too."""
        first = Instance(self.folder / "data", port=free_port())
        first.start()
        self.vkey = httpx.get(f"{first.address}/v1/log").json()["vkey"]
        first.stop()
        policy = [f"log {self.vkey}"]
        for name, more in (("carrier", ["--ml-dsa"]), ("ombudsman", [])):
            told = self._witness(name, *more)
            for number, vkey in enumerate(told["vkeys"]):
                policy.append(f"witness {name}{'-pq' * number} {vkey} {told['address']}")
        file = self.folder / "witnesses.policy"
        file.write_text("\n".join([*policy, "group all all carrier carrier-pq ombudsman", "quorum all", ""]))
        service = Instance(self.folder / "data", port=free_port(), options=("--witness-policy", str(file)))
        service.start()
        self.address = service.address
        try:
            self._enrol(first.accounts)
            yield
        finally:
            service.stop()
            for witness in self.witnesses:
                witness.terminate()
                witness.wait(30)

    def post(self, scans: int) -> None:
        """Have the stations sign and post that many scans."""
        client, left, posted_s = httpx.Client(base_url=self.address), scans, 0.0
        now_ms, number = SystemClock().now_ms(), 0
        while left > 0:
            each = max(1, min(IN_ROUND, -(-left // STATIONS)))
            lanes = presign(
                self.stations, each=each, at_ms=now_ms - left // STATIONS * SECOND_MS, seed=self.seed + number + scans
            )
            began = time.perf_counter()
            volley = fire(
                self.address, [batch_requests(lane, base_url=self.address, size=IN_REQUEST) for lane in lanes]
            )
            posted_s += time.perf_counter() - began
            assert set(volley.statuses) == {200}, volley.statuses
            left, number = left - each * STATIONS, number + 1
            sys.stderr.write(f"  {max(left, 0):,} scans to go\n")
        self.say(f"posting_{scans}_scans_s", round(posted_s, 1))
        size = client.get("/v1/log").json()["size"]
        while client.get("/v1/log").json()["sizes"]["witnessed"] < size:
            time.sleep(0.2)
        client.close()

    def _witness(self, name: str, *more: str) -> Any:
        command = [sys.executable, "-m", "api.cli.main", "witness", "--name", f"{name}.example/w1", "--log", self.vkey]
        command += ["--data", str(self.folder / name), "--port", str(free_port()), "--json", *more]
        self.witnesses.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        output = self.witnesses[-1].stdout
        assert output is not None
        return json.loads(output.readline())

    def _enrol(self, accounts: dict[str, str]) -> None:
        client = ServiceClient(self.address)
        supervisor = sign_in(client, "supervisor-1", accounts["supervisor-1"]).client
        origin, now_ms = str(client.get("/v1/log")["origin"]), SystemClock().now_ms()
        self.stations = load_stations(STATIONS, seed=self.seed)
        for station in self.stations:
            station.enrol(client, station.announce(supervisor), origin=origin, at_ms=now_ms)
        client.close()


def main(arguments: list[str]) -> None:
    """Run everything once and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scans", type=int, default=70_000)
    parser.add_argument("--every", type=int, default=1, help="slow verifiers look at every Nth entry")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where to work; a fresh temporary folder by default")
    chosen = parser.parse_args(arguments)
    folder = chosen.folder or Path(tempfile.mkdtemp(prefix="weaklink-audit-"))
    soak = Soak(folder=folder, every=chosen.every, seed=chosen.seed)
    with soak.running():
        soak.post(chosen.scans)
        read_over_http(soak)
        read_receipts(soak)
        soak.post(IN_REQUEST)
        read_again(soak)
        mirror = soak.folder / "mirror"
        soak.say("export", weaklink(soak, "log", "export", str(mirror), "--from", f"{soak.address}/log"))
    read_folder(soak, mirror)
    flip_bytes(soak, mirror)
    json.dump(soak.figures, sys.stdout, indent=1)
    sys.stdout.write("\n")


def weaklink(soak: Soak, *words: str, expect: int = 0) -> dict[str, Any]:
    """Run a command of ours in a process of its own; returns what it said, how long it took and its peak memory."""
    out = soak.folder / "out.json"
    command = [sys.executable, "-m", "api.cli.main", *words, "--vkey", soak.vkey, "--json"]
    began = time.perf_counter()
    with out.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == expect, (process.returncode, out.read_text()[-2000:])
    said: dict[str, Any] = json.loads(out.read_text())
    told = ("ok", "size", "from", "stations", "policies", "seconds", "written")
    return {
        **{name: said[name] for name in told if name in said},
        "cosigned": {
            purpose: [row["party"] for row in seen["parties"]] for purpose, seen in said.get("cosigned", {}).items()
        },
        "findings": len(said.get("findings", ())),
        "wall_s": round(time.perf_counter() - began, 1),
        "peak_mb": usage.ru_maxrss // 1024,
    }


def read_over_http(soak: Soak) -> None:
    """The audit that starts with a key and an address."""
    state, policy = soak.folder / "audit.state", soak.folder / "witnesses.policy"
    words = ("log", "audit", soak.address, "--state", str(state), "--witnesses", str(policy))
    soak.say("audit_over_http", weaklink(soak, *words))
    soak.say("state_bytes", state.stat().st_size)
    (soak.folder / "old.checkpoint").write_bytes(httpx.get(f"{soak.address}/log/checkpoint").content)


def read_again(soak: Soak) -> None:
    """The audit that goes on, beside the checkpoint that was kept."""
    words = ("log", "audit", f"{soak.address}/log", "--state", str(soak.folder / "audit.state"))
    soak.say("audit_of_what_is_new", weaklink(soak, *words, "--since", str(soak.folder / "old.checkpoint")))


def read_receipts(soak: Soak) -> None:
    """Receipts from the standard door, read by scitt-cose and cwt, and proofs read by Go."""
    http = httpx.Client(base_url=soak.address)
    about = http.get("/v1/log").json()
    key = read_cose_key(cbor.decode(unb64(about["keys"]["log"], where="key")))
    draw = Random(soak.seed)  # noqa: S311 - a sample that a seed repeats
    chosen = draw.sample(range(about["size"]), min(RECEIPTS, about["size"]))
    entries = {index: unb64(http.get(f"/v1/entries/{index}").json()["statement"], where="entry") for index in chosen}
    receipts = {
        index: http.get(f"/entries/{cose.parse(entry).digest.hex()}").content for index, entry in entries.items()
    }
    http.close()
    with soak.timed(f"scitt_cose_{len(chosen)}_receipts"):
        for index, entry in entries.items():
            found = scitt(receipts[index], entry, key)
            assert found.leaf_index == index
            root = bytes.fromhex(found.root)
            assert cwt_payload(receipts[index], key, detached=root) == root
    for index in chosen[:20]:
        must_refuse(lambda at=index: scitt(receipts[at], flipped(entries[at], 60), key))  # type: ignore[misc]  # bound now
        must_refuse(lambda at=index: scitt(flipped(receipts[at], -1), entries[at], key))  # type: ignore[misc]  # bound now


def read_folder(soak: Soak, mirror: Path) -> None:
    """The exported folder, by everybody."""
    soak.say("audit_of_the_folder", weaklink(soak, "log", "audit", str(mirror)))
    size = int(soak.figures["audit_of_the_folder"]["size"])
    old = soak.folder / "old.checkpoint"
    with soak.timed("tlog_scales"):
        scales(mirror, soak.vkey, indexes=range(0, size, soak.every), earlier=[old.read_bytes()])
    go = GoOracle.build(soak.folder)
    if go is not None:
        with soak.timed("go_sumdb"):
            soak.say("go_says", go.folder(mirror, soak.vkey, earlier=[old]))
    keys = {station.signer.public.kid: station.signer.public for station in soak.stations}
    with soak.timed("cwt_statements"):
        soak.say("cwt_read", read_statements(mirror, size, keys, every=soak.every))


def read_statements(mirror: Path, size: int, keys: dict[bytes, PublicKey], *, every: int) -> int:
    """How many scans' signatures cwt took; raises if it refuses one."""
    taken = 0
    for bundle in tiles_of(size, ENTRIES):
        for offset, entry in enumerate(decode_bundle((mirror / bundle.path).read_bytes(), bundle.width)):
            key = keys.get(cose.parse(entry).kid)
            if key is not None and (bundle.number * WIDTH + offset) % every == 0:
                cwt_payload(entry, key)
                taken += 1
    return taken


def flip_bytes(soak: Soak, mirror: Path) -> None:
    """One byte flipped: refused by each; put back: taken by each."""
    size = int(soak.figures["audit_of_the_folder"]["size"])
    index = Random(soak.seed).randrange(size)  # noqa: S311 - a place that a seed repeats
    number, offset = divmod(index, WIDTH)
    width = tile_width(size, 0, number)
    bundle = mirror / TileId(level=ENTRIES, number=number, width=width).path
    entries = decode_bundle(bundle.read_bytes(), width)
    places = {
        "entry": (bundle, sum(2 + len(entry) for entry in entries[:offset]) + 2 + len(entries[offset]) // 2),
        "tile": (mirror / TileId(level=0, number=number, width=width).path, HASH_BYTES * offset + 7),
        "checkpoint": (mirror / "checkpoint", len(soak.vkey.split("+")[0]) + 12),
    }
    beside = [index, index ^ 1] if index ^ 1 < size else [index]  # a leaf's own hash stands in its neighbour's proof
    go = GoOracle.build(soak.folder)
    refusals: dict[str, list[str]] = {}
    for what, (file, at) in places.items():
        raw = file.read_bytes()
        file.write_bytes(flipped(raw, at))
        told = [f"weaklink: {weaklink(soak, 'log', 'audit', str(mirror), expect=1)['findings']} findings"]
        told.append(must_refuse(lambda: scales(mirror, soak.vkey, indexes=beside)))
        if go is not None:
            told.append(must_refuse(lambda: go.folder(mirror, soak.vkey)))
        file.write_bytes(raw)
        refusals[what] = told
    assert weaklink(soak, "log", "audit", str(mirror))["ok"]
    scales(mirror, soak.vkey, indexes=beside)
    soak.say("refused_after_one_flipped_byte", refusals)


def must_refuse(act: Callable[[], object]) -> str:
    """What the verifier said; fails if it took it."""
    try:
        act()
    except OracleRefuses as refusal:
        return str(refusal)[:120]
    raise AssertionError("it was taken with a flipped byte in it")


def flipped(raw: bytes, at: int) -> bytes:
    """`raw` with one bit changed at `at`."""
    changed = bytearray(raw)
    changed[at] ^= 1
    return bytes(changed)


if __name__ == "__main__":
    main(sys.argv[1:])
