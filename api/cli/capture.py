"""`weaklink capture` and `weaklink scan`: sign EPCIS events with a station's key and post them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import track

from api.cli.client import call, console, errors, fail, show
from api.cli.station import read_key, state_file
from api.routes.scans import MANY, MAX_BATCH
from custody.gs1.document import read_document
from custody.kernel import cbor, cose
from custody.kernel.errors import Trouble
from custody.kernel.system_clock import SystemClock
from custody.kernel.system_ids import SystemIds
from custody.scans.scan import make_capture, make_scan

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value.")]
Key = Annotated[Path, typer.Option("--station", help="The enrolled station's private key (PEM).")]


class CommandLineStation:
    """A station whose sequence number and last digest are kept in a file beside its key."""

    def __init__(self, key: Path) -> None:
        self._signer = read_key(key)
        self._state_file = state_file(key)
        try:
            state = json.loads(self._state_file.read_text())
            seq, prev = int(state["seq"]), state["prev"]
            prev = None if prev is None else bytes.fromhex(prev).hex()
            self._state: dict[str, Any] = {"station": str(state["station"]), "seq": seq, "prev": prev}
        except (OSError, ValueError, KeyError, TypeError):
            fail(f"{self._state_file} is missing or broken", fix="Enrol with `weaklink station enrol`.")

    def sign(self, event: bytes, *, prefixes: Mapping[str, str] | None, foreign: bool) -> list[bytes]:
        """Statement and opening of the next scan; the state moves only when `keep` is called."""
        seq, prev = self._state["seq"] + 1, self._state["prev"]
        more: dict[str, Any] = {
            "station": self._state["station"],
            "subject": f"urn:weaklink:{SystemIds().new('shipment')}",
            "seq": seq,
            "prev": None if prev is None else bytes.fromhex(prev),
            "iat_s": SystemClock().now_ms() // 1000,
            "salt": SystemIds().random_bytes(32),
            "signer": self._signer,
        }
        pair = make_capture(event, prefixes, **more) if foreign else make_scan(event, **more)
        self._state |= {"seq": seq, "prev": cose.parse(pair[0]).digest.hex()}
        return list(pair)

    def keep(self) -> None:
        """Remember where the station is, after the service has its scans."""
        self._state_file.write_text(json.dumps(self._state))


def capture(files: list[Path], station: Key, as_json: AsJson = False) -> None:
    """Sign and post the events of EPCIS 2.0 JSON documents. Example: `weaklink capture doc.jsonld --station s.pem`."""
    signing = CommandLineStation(station)
    pairs: list[list[bytes]] = []
    for file in track(files, "reading", console=errors, disable=as_json):
        try:
            document = read_document(file.read_bytes())
            pairs += [signing.sign(event, prefixes=document.prefixes, foreign=True) for event in document.events]
        except Trouble as trouble:
            fail(f"{file}: {trouble.detail}", fix=trouble.fix)
        except OSError as error:
            fail(f"{file}: {error.strerror}", fix="Check the name.")
    show(_post(signing, pairs, quiet=as_json), as_json=as_json, human=_told)


def scan(event: Path, station: Key, as_json: AsJson = False) -> None:
    """Sign and post one EPCIS event of the station's own. Example: `weaklink scan event.json --station bench-4.pem`."""
    signing = CommandLineStation(station)
    try:
        pair = signing.sign(event.read_bytes(), prefixes=None, foreign=False)
    except Trouble as trouble:
        fail(f"{event}: {trouble.detail}", fix=trouble.fix)
    show(_post(signing, [pair], quiet=True), as_json=as_json, human=_told)


def _post(signing: CommandLineStation, pairs: list[list[bytes]], *, quiet: bool) -> dict[str, Any]:
    items: list[dict[str, Any]] = []
    starts = range(0, len(pairs), MAX_BATCH)
    for start in track(starts, "posting", console=errors, disable=quiet):
        body = cbor.encode(pairs[start : start + MAX_BATCH])
        items += call("POST", "/v1/scans:batch", content=body, headers={"Content-Type": MANY})["items"]
        signing.keep()
    results: dict[str, int] = {}
    for item in items:
        results[item["result"]] = results.get(item["result"], 0) + 1
    return {"events": len(items), "results": results, "items": items}


def _told(value: dict[str, Any]) -> None:
    results = ", ".join(f"{count} {result}" for result, count in value["results"].items())
    console.print(f"{value['events']} events: {results}", highlight=False)
    for item in value["items"]:
        for why in _reasons(item):
            console.print(f"  {item['result']}, {why}", highlight=False, markup=False)


def _reasons(item: dict[str, Any]) -> list[str]:
    if "problem" in item:
        return [f"{item['problem']['detail']}: {item['problem']['fix']}"]
    return [f"{flag['code']}: {flag['text']}" for flag in item["flags"]]
