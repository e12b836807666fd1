"""`weaklink station`: keys, enrolment and the register of stations."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.client import call, console, fail, folded, named, show
from api.cli.fetch import check_target, put
from api.cli.key_file import Es256, make_key, read_key
from api.cli.registered import SuspectFrom, SuspectSince, new_subject, now_s
from custody.kernel import cbor
from custody.kernel.base64url import b64
from custody.kernel.keys import SoftwareSigner
from custody.ledger.statements import StationInfo, make_possession
from custody.ledger.typed_station import read_info
from custody.store.durable_file import replace_file

app = typer.Typer(no_args_is_help=True, help="Station keys, enrolment and the register of stations.")
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value.")]


@app.command()
def keygen(file: Path, es256: Es256 = False, as_json: AsJson = False) -> None:
    """Make a station key. Example: `weaklink station keygen bench-4.pem`."""
    make_key(file, es256=es256, as_json=as_json)


@app.command()
def announce(
    station: str,
    site: Annotated[str, typer.Option(help="GLN as https://id.gs1.org/414/<13 digits>.")],
    custodian: Annotated[str, typer.Option(help="PGLN as https://id.gs1.org/417/<13 digits>.")],
    place: Annotated[str, typer.Option(help="The place at the site.")] = "",
    step: Annotated[str, typer.Option(help="pack, dock, linehaul, hub_in, hub_sort, depot, courier, other")] = "other",
    group: Annotated[str | None, typer.Option(help="With which stations its scans are kept and dropped.")] = None,
    as_json: AsJson = False,
) -> None:
    """Let a station enrol within ten minutes (supervisor).

    Example: `weaklink station announce bench-4 --step pack --site https://id.gs1.org/414/9521473000102
    --custodian https://id.gs1.org/417/9521473000010`.
    """
    body = {"station": station, "site": site, "place": place or station, "step": step, "custodian": custodian}
    show(call("POST", "/v1/stations", json={**body, "group": group}), as_json=as_json)


@app.command()
def group(station: str, group: str, as_json: AsJson = False) -> None:
    """Put a station under a group from now on (supervisor). Example: `weaklink station group bench-4 north`."""
    show(call("POST", f"/v1/stations/{named(station)}/group", json={"group": group}), as_json=as_json)


@app.command()
def enrol(
    station: str,
    token: Annotated[str, typer.Option(help="The one-time token that `announce` printed.")],
    key: Annotated[Path, typer.Option(help="The station's private key (PEM).")],
    as_json: AsJson = False,
) -> None:
    """Bring the station's key into the log. Example: `weaklink station enrol bench-4 --token ... --key bench-4.pem`."""
    with hold_key(key):
        signer, state = read_key(key), state_file(key)
        waiting = _waiting(state)
        if waiting:
            fail(
                f"{tell_waiting(waiting, state)} and would be lost",
                fix="Send what waits with the key that signed it, or give the new key another name.",
            )
        _check_place(state, station, signer)
        answer = call("POST", "/v1/stations/enrol", json=_enrolment(station, signer, token=token))
        _begin(state, station, signer, seq=answer["seq"], prev=answer["prev"])
    show(answer, as_json=as_json)


@app.command()
def request(
    station: str,
    key: Annotated[Path, typer.Option(help="The station's private key (PEM).")],
    site: Annotated[str, typer.Option(help="GLN as https://id.gs1.org/414/<13 digits>.")],
    custodian: Annotated[str, typer.Option(help="PGLN as https://id.gs1.org/417/<13 digits>.")],
    out: Annotated[Path, typer.Option(help="Where to put the request.")],
    place: Annotated[str, typer.Option(help="The place at the site.")] = "",
    step: Annotated[str, typer.Option(help="pack, dock, linehaul, hub_in, hub_sort, depot, courier, other")] = "other",
    as_json: AsJson = False,
) -> None:
    """Ask a registrar outside the service to enrol this station; he runs `weaklink registrar enrol`.

    Example: `weaklink station request bench-4 --key bench-4.pem --out bench-4.request --site https://id.gs1.org/414/9521473000102
    --custodian https://id.gs1.org/417/9521473000010`.
    """
    check_target(out)
    info = read_info(station=station, site=site, place=place or station, step=step, custodian=custodian)
    with hold_key(key):
        signer, state = read_key(key), state_file(key)
        if state.exists() and not _is_fresh(state):
            fail(
                f"{key} has signed scans already, and {state} is its place in their order",
                fix="Make a new key with `weaklink station keygen`, or delete that file if none of them was ever sent.",
            )
        _check_place(state, station, signer)
        origin = str(call("GET", "/v1/log")["origin"])
        members: dict[str, Any] = {
            "origin": origin,
            **info.facts,
            "key": signer.public.cose_key(),
            "possession": possession(info, signer, origin=origin),
        }
        put(out, cbor.encode(members))
        _begin(state, station, signer)
    show({"file": str(out), "kid": b64(signer.public.kid)}, as_json=as_json)


@app.command("list")
def listing(as_json: AsJson = False) -> None:
    """Every station with its keys. Example: `weaklink station list --json`."""
    show(call("GET", "/v1/stations"), as_json=as_json, human=_table)


@app.command()
def revoke(
    station: str,
    reason: Annotated[str, typer.Option(help="Why; it stands in the log for ever.")],
    suspect_from: SuspectFrom = None,
    suspect_since: SuspectSince = None,
    as_json: AsJson = False,
) -> None:
    """End every key of a station (supervisor); its scans from then on are unproven, never deleted.

    Say since when the key was out of your hands: what came before you noticed counts as proved otherwise. Example:
    `weaklink station revoke bench-4 --reason "handheld stolen" --suspect-since 2026-05-01T14:00:00+01:00`.
    """
    body = {"reason": reason, "suspect_from": suspect_from, "suspect_since": suspect_since}
    show(call("POST", f"/v1/stations/{named(station)}/revoke", json=body), as_json=as_json)


@contextmanager
def hold_key(key: Path) -> Iterator[None]:
    """One command at a time goes on in a key's sequence: two at once would give two scans the same number."""
    try:
        lock = key.open("rb")
    except OSError as error:
        fail(f"{key} cannot be read: {error.strerror}", fix="Make a key with `weaklink station keygen`.")
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def state_file(key: Path) -> Path:
    """Where a command-line station keeps its sequence number and its last digest, beside its key."""
    return key.with_suffix(".state.json")


def tell_waiting(count: int, state: Path) -> str:
    """How many signed scans the service has not answered yet, and where they are kept."""
    return f"{count} signed {'scan waits' if count == 1 else 'scans wait'} in {state}"


def _waiting(state: Path) -> int:
    """How many scans wait in a state file; none in one that is missing or broken."""
    try:
        return len(json.loads(state.read_text()).get("waiting", []))
    except (OSError, ValueError, TypeError, AttributeError):
        return 0


def _begin(state: Path, station: str, signer: SoftwareSigner, *, seq: int = 0, prev: str | None = None) -> None:
    place = {"station": station, "seq": seq, "prev": prev, "kid": b64(signer.public.kid)}
    replace_file(state, json.dumps(place).encode(), mode=0o600)


def _is_fresh(state: Path) -> bool:
    try:
        return bool(json.loads(state.read_text())["seq"] == 0)
    except (ValueError, KeyError, TypeError):
        return False


def _check_place(state: Path, station: str, signer: SoftwareSigner) -> None:
    """End the command if the file is another station's place in its sequence: `north.a` and `north.b` share one."""
    try:
        place = json.loads(state.read_text())
        other, kid = str(place["station"]), place.get("kid")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return
    if other != station and kid != b64(signer.public.kid):
        fail(
            f"{state} is the place of station {other} in its sequence, which would be lost",
            fix="Give the new key another name before its last dot, or delete that file if that station is no more.",
        )


def _enrolment(station: str, signer: SoftwareSigner, *, token: str) -> dict[str, Any]:
    """The body of an enrolment, with a proof over what the supervisor announced."""
    about = {"token": token, "cose_key": b64(cbor.encode(signer.public.cose_key()))}
    told = call("POST", "/v1/stations/announced", json=about)
    if told["station"] != station:
        fail(f"the token is for station {told['station']}", fix="Give that name, or have this station announced.")
    info = read_info(**{name: told[name] for name in ("station", "site", "place", "step", "custodian")})
    return {**about, "proof": b64(possession(info, signer, origin=told["origin"]))}


def possession(station: StationInfo, signer: SoftwareSigner, *, origin: str) -> bytes:
    """The station's proof that it holds its key and is that station."""
    return make_possession(origin=origin, station=station, signer=signer, sub=new_subject("possession"), iat_s=now_s())


def _table(value: dict[str, Any]) -> None:
    table = folded("station", "group", "step", "site", "place", "keys")
    for row in value["stations"]:
        keys = sum(key["revoked"] is None for key in row["keys"])
        table.add_row(row["station"], row["group"], row["step"], row["site"], row["place"], str(keys))
    console.print(table)
