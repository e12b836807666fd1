"""`weaklink registrar`: what those do who vouch for stations, each with a key of their own that the service never sees.

Changing the registrars takes m of n of those in force:

    weaklink registrar draft --add ombudsman=COSE_KEY --threshold 2 --out change.policy                a supervisor
    weaklink registrar approve change.policy --name carrier --key carrier.pem --out carrier.approval   each of m
    weaklink registrar enact change.policy carrier.approval shop.approval                              a supervisor

A registrar enrols a station from the request that the station made (`weaklink station request`), and ends its keys;
both statements go through the log's standard door, which takes them by their signature alone.
"""

from pathlib import Path
from textwrap import indent
from typing import Annotated, Any

import typer

from api.cli.client import call, console, fail, show
from api.cli.fetch import check_target, put
from api.cli.foreign_words import harmless, harmless_lines
from api.cli.key_file import read_key, write_key
from api.cli.registered import SuspectFrom, SuspectSince, ending, new_subject, now_s, register, registrar
from custody.kernel import cbor
from custody.kernel.base64url import b64, unb64
from custody.kernel.errors import Rejected, Trouble
from custody.kernel.keys import EDDSA
from custody.ledger.fields import take
from custody.ledger.policy import read_policy_map
from custody.ledger.statements import StationInfo, Step, approve_policy, make_key_add, make_key_revoke

REQUEST = frozenset({"origin", "station", "site", "place", "step", "custodian", "key", "possession"})

app = typer.Typer(no_args_is_help=True, help="Registrars: approving changes of trust, enrolling and ending stations.")
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value.")]
Name = Annotated[str, typer.Option(help="The registrar's name in the policy.")]
Key = Annotated[Path, typer.Option(help="The registrar's private key (PEM).")]


@app.command()
def keygen(file: Path, as_json: AsJson = False) -> None:
    """Make a registrar's key; prints the public half. Example: `weaklink registrar keygen carrier.pem`."""
    signer = write_key(file, EDDSA)
    cose_key = b64(cbor.encode(signer.public.cose_key()))
    show({"file": str(file), "kid": b64(signer.public.kid), "cose_key": cose_key}, as_json=as_json)


@app.command("show")
def in_force(as_json: AsJson = False) -> None:
    """The policy in force: registrars, how many must approve, witnesses. Example: `weaklink registrar show`."""
    _show_policy(call("GET", "/v1/log/policy"), as_json=as_json)


@app.command()
def draft(
    out: Annotated[Path, typer.Option(help="Where to put the policy that registrars approve.")],
    add: Annotated[list[str] | None, typer.Option(help="NAME=COSE_KEY: a new registrar, or a new key.")] = None,
    drop: Annotated[list[str] | None, typer.Option(help="The name of a registrar who goes.")] = None,
    threshold: Annotated[int | None, typer.Option(help="How many must approve the next change.")] = None,
    working: Annotated[Path | None, typer.Option(help="Whose cosignatures daily work needs (tlog-policy).")] = None,
    verdict: Annotated[Path | None, typer.Option(help="Whose cosignatures a verdict needs (tlog-policy).")] = None,
    as_json: AsJson = False,
) -> None:
    """Write down a change of trust; nothing takes effect yet (supervisor).

    Example: `weaklink registrar draft --add carrier=COSE_KEY --threshold 2 --out change.policy`.
    """
    check_target(out)
    now = call("GET", "/v1/log/policy")
    body: dict[str, Any] = {"threshold": threshold}
    if add or drop:
        body["registrars"] = _registrars(now["registrars"], add or [], drop or [])
    files = {"working": working, "verdict": verdict}
    given = {purpose: file.read_text(errors="replace") for purpose, file in files.items() if file is not None}
    if given:
        body["witnesses"] = {**now["witnesses"], **given}
    drafted = call("POST", "/v1/log/policy/draft", json=body)
    put(out, unb64(drafted.pop("policy"), where="policy"))
    show({"file": str(out), **drafted}, as_json=as_json, human=_drafted)


@app.command()
def approve(
    file: Path,
    name: Name,
    key: Key,
    out: Annotated[Path, typer.Option(help="Where to put the approval.")],
    as_json: AsJson = False,
) -> None:
    """Approve exactly this policy, offline. Read what it says first; nobody else checks it for you.

    Example: `weaklink registrar approve change.policy --name carrier --key carrier.pem --out carrier.approval`.
    """
    check_target(out)
    try:
        policy = read_policy_map(file.read_bytes())
    except Trouble as trouble:
        fail(f"{file}: {trouble.detail}", fix=trouble.fix)
    sub, iat_s = new_subject("approval"), now_s()
    put(out, approve_policy(policy, registrar=name, signer=read_key(key), sub=sub, iat_s=iat_s))
    value = {
        "approval": str(out),
        "origin": policy.origin,
        "version": policy.version,
        "registrars": [{"name": row.name, "kid": b64(row.key.kid)} for row in policy.registrars],
        "threshold": policy.threshold,
        "witnesses": dict(policy.witnesses),
    }
    _show_policy(value, as_json=as_json)


@app.command()
def enact(file: Path, approvals: list[Path], as_json: AsJson = False) -> None:
    """Put a drafted policy in force with its approvals (supervisor).

    Example: `weaklink registrar enact change.policy carrier.approval shop.approval`.
    """
    body = {"policy": b64(file.read_bytes()), "approvals": [b64(one.read_bytes()) for one in approvals]}
    _show_policy(call("POST", "/v1/log/policy", json=body), as_json=as_json)


@app.command()
def enrol(request: Path, name: Name, key: Key, as_json: AsJson = False) -> None:
    """Enrol the station that made this request. Be sure that it is the station that you vouch for.

    Example: `weaklink registrar enrol bench-4.request --name carrier --key carrier.pem`.
    """
    try:
        fields = take(cbor.decode(request.read_bytes()), code="request", names=REQUEST)
        statement = make_key_add(
            StationInfo(
                station=fields.text("station"),
                site=fields.text("site"),
                place=fields.text("place"),
                step=Step(fields.text("step")),
                custodian=fields.text("custodian"),
            ),
            origin=fields.text("origin"),
            key=fields.key("key"),
            possession=fields.octets("possession"),
            by=registrar(name, key, "enrolment"),
        )
    except Rejected as refusal:
        fail(f"{request}: {refusal.detail}", fix=refusal.fix)
    except ValueError:
        fail(f"{request} names no step that there is", fix=f"Use one of {', '.join(Step)}.")
    register(statement, {"station": fields.text("station"), "kid": b64(fields.key("key").kid)}, as_json=as_json)


@app.command()
def revoke(
    station: str,
    kid: Annotated[str, typer.Option(help="The key's thumbprint, as `weaklink station list --json` has it.")],
    reason: Annotated[str, typer.Option(help="Why; it stands in the log for ever.")],
    name: Name,
    key: Key,
    suspect_from: SuspectFrom = None,
    suspect_since: SuspectSince = None,
    as_json: AsJson = False,
) -> None:
    """End a station's key; its scans from where doubt begins are unproven, never deleted.

    Say since when it was out of your hands: what came before you noticed counts as proved otherwise.

    Example: `weaklink registrar revoke bench-4 --kid KID --reason "handheld stolen" --name carrier --key carrier.pem`.
    """
    about = ending(kid, suspect_from=suspect_from, suspect_since=suspect_since, reason=reason)
    statement = make_key_revoke(station=station, **about, by=registrar(name, key, "revocation"))
    register(statement, {"station": station, "kid": kid}, as_json=as_json)


def _registrars(now: list[dict[str, str]], add: list[str], drop: list[str]) -> list[dict[str, str]]:
    held = {row["name"]: row["cose_key"] for row in now}
    for name in drop:
        if held.pop(name, None) is None:
            fail(f"{name} is no registrar", fix="See `weaklink registrar show`.")
    for text in add:
        name, sign, cose_key = text.partition("=")
        if not sign:
            fail(f"{text!r} is not NAME=COSE_KEY", fix="Give what `weaklink registrar keygen` printed as cose_key.")
        held[name] = cose_key
    return [{"name": name, "cose_key": cose_key} for name, cose_key in held.items()]


def _show_policy(value: dict[str, Any], *, as_json: bool) -> None:
    show(value, as_json=as_json, human=lambda safe: _policy(safe, value["witnesses"]))


def _policy(value: dict[str, Any], texts: dict[str, str]) -> None:
    """Print a policy; `texts` are the witness policies, whose lines stay lines, further in than any of ours."""
    console.print(f"policy, version {value['version']}", highlight=False)
    for row in value["registrars"]:
        console.print(f"  registrar {row['name']}  {row['kid']}", highlight=False)
    console.print(f"  {value['threshold']} of {len(value['registrars'])} must approve a change of trust")
    for purpose, text in texts.items():
        console.print(f"  {harmless(purpose)} witnesses:", highlight=False)
        console.print(indent(harmless_lines(text), "    "), end="", highlight=False)


def _drafted(value: dict[str, Any]) -> None:
    for line in value["changes"]:
        console.print(f"- {line}", highlight=False)
    console.print(f"{value['file']} needs the approvals of {value['approvals_needed']} of {', '.join(value['by'])}.")
