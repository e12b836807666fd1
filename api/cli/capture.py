"""`weaklink capture` and `weaklink scan`: sign EPCIS events with a station's key and post them."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import track

from api.cli.client import call, console, errors, fail, show
from api.cli.event_file import fail_at, read_events
from api.cli.foreign_words import harmless
from api.cli.key_file import read_key
from api.cli.station import hold_key, state_file, tell_waiting
from api.routes.scans import MANY, MAX_BATCH
from custody.kernel import cbor, cose
from custody.kernel.base64url import b64, unb64
from custody.kernel.errors import Rejected, Trouble
from custody.kernel.system_clock import SystemClock
from custody.kernel.system_ids import SystemIds
from custody.scans.scan import make_capture, make_scan
from custody.store.durable_file import replace_file

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value.")]
Key = Annotated[Path, typer.Option("--station", help="The enrolled station's private key (PEM).")]

MOST_BYTES = 1_000_000
REFUSED, TAMPERED = "refused", "tamper_evidence"


class CommandLineStation:
    """A station whose sequence number, last digest and unanswered scans are kept in a file beside its key.

    What is signed is kept before it is sent, and an answer that was lost is asked for again with the same bytes: signed
    anew, it would be a second statement with the same number, which is evidence of tampering.
    """

    def __init__(self, key: Path) -> None:
        self._signer = read_key(key)
        self._state_file = state_file(key)
        kid = b64(self._signer.public.kid)
        try:
            state = json.loads(self._state_file.read_text())
            seq, prev = int(state["seq"]), state["prev"]
            prev = None if prev is None else bytes.fromhex(prev).hex()
            kept = state.get("waiting", [])
            waiting = [(str(event), [unb64(half, where="state") for half in pair]) for event, pair in kept]
            self._state: dict[str, Any] = {"station": str(state["station"]), "seq": seq, "prev": prev, "kid": kid}
            belongs = state.get("kid", kid)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, Rejected):
            fail(f"{self._state_file} is missing or broken", fix="Enrol with `weaklink station enrol`.")
        if belongs != kid:
            fail(
                f"{self._state_file} belongs to another key than {key}",
                fix="Sign with that key, or make a new one under another name and enrol it.",
            )
        self._waiting = waiting
        self._unclaimed = [event for event, _ in waiting]

    def sign(self, event: bytes, *, prefixes: Mapping[str, str] | None, foreign: bool) -> None:
        """Sign the next scan, unless the same event waits since an earlier command; `post` sends it."""
        name = sha256(event).hexdigest()
        if name in self._unclaimed:
            self._unclaimed.remove(name)
            return
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
        self._waiting.append((name, list(pair)))

    def post(self, *, quiet: bool) -> list[dict[str, Any]]:
        """Send what waits, oldest first; what the service does not answer goes on waiting."""
        items: list[dict[str, Any]] = []
        self._keep()
        try:
            for pairs in track(list(self._bodies()), "posting", console=errors, disable=quiet):
                body = cbor.encode(pairs)
                items += call("POST", "/v1/scans:batch", content=body, headers={"Content-Type": MANY})["items"]
                del self._waiting[: len(pairs)]
                self._keep()
        except (typer.Exit, KeyboardInterrupt):
            waiting = tell_waiting(len(self._waiting), self._state_file)
            told = f"{waiting}; the next command with this key sends what waits first."
            errors.print(f"      {harmless(told)}", highlight=False)
            raise
        return items

    def _bodies(self) -> Iterator[list[list[bytes]]]:
        """What waits, in bodies that the service takes: one that it does not would wait for ever."""
        pairs: list[list[bytes]] = []
        size = 0
        for _, pair in self._waiting:
            length = sum(map(len, pair))
            if pairs and (len(pairs) == MAX_BATCH or size + length > MOST_BYTES):
                yield pairs
                pairs, size = [], 0
            pairs.append(pair)
            size += length
        if pairs:
            yield pairs

    def _keep(self) -> None:
        waiting = [[event, [b64(half) for half in pair]] for event, pair in self._waiting]
        content = json.dumps({**self._state, "waiting": waiting} if waiting else self._state)
        replace_file(self._state_file, content.encode(), mode=0o600)


@contextmanager
def open_station(key: Path) -> Iterator[CommandLineStation]:
    """The station of a key, which no other command uses meanwhile."""
    with hold_key(key):
        yield CommandLineStation(key)


def capture(files: list[Path], station: Key, as_json: AsJson = False) -> None:
    """Sign and post the events of EPCIS 2.0 JSON documents. Example: `weaklink capture doc.jsonld --station s.pem`.

    Exit 1 if the service refused one: then what it tells is not kept, while what was flagged or quarantined is; and
    if their numbers were used before. A warning says what is odd about an event that was taken, such as a wrong check
    digit, and where an event with the same id stands already: what is signed is kept, also twice.
    """
    with open_station(station) as signing:
        for file in track(files, "reading", console=errors, disable=as_json):
            document = read_events(file)
            for number, event in enumerate(document.events, 1):
                try:
                    signing.sign(event, prefixes=document.prefixes, foreign=True)
                except Trouble as trouble:
                    fail_at(file, number, document, trouble)
        items = signing.post(quiet=as_json)
    _tell(items, as_json=as_json)


def scan(event: Path, station: Key, as_json: AsJson = False) -> None:
    """Sign and post one EPCIS event of the station's own. Example: `weaklink scan event.json --station bench-4.pem`.

    Exit 1 if the service refused it: then what it tells is not kept, while what was flagged or quarantined is; and
    if its number was used before. A warning says what is odd about an event that was taken, such as a wrong check
    digit.
    """
    with open_station(station) as signing:
        try:
            signing.sign(event.read_bytes(), prefixes=None, foreign=False)
        except Trouble as trouble:
            fail(f"{event}: {trouble.detail}", fix=trouble.fix)
        items = signing.post(quiet=True)
    _tell(items, as_json=as_json)


def _tell(items: list[dict[str, Any]], *, as_json: bool) -> None:
    summed = _summed(items)
    show(summed, as_json=as_json, human=_print)
    if any(flag["code"] == TAMPERED for item in items for flag in item.get("flags", [])):
        fail(
            "numbers were signed a second time: the state file is an older copy, or the key is used elsewhere too",
            fix="Enrol the station with a new key, which goes on from its newest statement, and scan these again.",
        )
    if REFUSED in summed["results"]:
        raise typer.Exit(1)


def _summed(items: list[dict[str, Any]]) -> dict[str, Any]:
    results: dict[str, int] = {}
    for item in items:
        results[item["result"]] = results.get(item["result"], 0) + 1
    return {"events": len(items), "results": results, "items": items}


def _print(value: dict[str, Any]) -> None:
    results = ", ".join(f"{count} {result}" for result, count in value["results"].items())
    console.print(f"{value['events']} events: {results}", highlight=False)
    for item in value["items"]:
        for why in _reasons(item):
            console.print(f"  {item['result']}, {why}", highlight=False, markup=False)


def _reasons(item: dict[str, Any]) -> list[str]:
    if "problem" in item:
        return [f"{item['problem']['detail']}: {item['problem']['fix']}"]
    warnings = [f"warning: {text}" for text in item.get("warnings", [])]
    return [f"{flag['code']}: {flag['text']}" for flag in item["flags"]] + warnings
