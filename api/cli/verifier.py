"""`weaklink verifier`: a service that can tell whether a check of a recipient held, such as whoever gave out the PIN.

It has a key of its own, which the service that keeps the log never sees:

    weaklink verifier keygen pins.pem                                                     the verifier
    weaklink verifier request pins --key pins.pem --custodian ... --out pins.request      the verifier
    weaklink verifier enrol pins.request                                                  a supervisor, or a registrar
    weaklink verifier attest pins --key pins.pem --scan DIGEST --check pin6 --held        the verifier, for each check

Its word on the scans of its own firm's stations counts for nothing, nor does that of a station on its own scan.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.client import call, console, fail, folded, named, show
from api.cli.fetch import check_target, put
from api.cli.key_file import Es256, make_key, read_key
from api.cli.registered import SuspectFrom, SuspectSince, ending, new_subject, now_s, register, registrar
from custody.kernel import cbor
from custody.kernel.base64url import b64
from custody.kernel.clock import from_iso
from custody.kernel.errors import Trouble
from custody.kernel.system_clock import SystemClock
from custody.kernel.system_ids import SystemIds
from custody.ledger.attestation import AttestedOutcome, make_attestation
from custody.ledger.fields import Fields, take
from custody.ledger.record import SALT_BYTES
from custody.ledger.verifiers import (
    VerifierInfo,
    make_verifier_add,
    make_verifier_possession,
    make_verifier_revoke,
    read_verifier,
    typed_verifier,
)

REQUEST = frozenset({"origin", "verifier", "custodian", "key", "possession"})

app = typer.Typer(no_args_is_help=True, help="Verifiers: keys, enrolment, and what they attest of recipients' checks.")
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value.")]
Key = Annotated[Path, typer.Option(help="The verifier's private key (PEM).")]
ByName = Annotated[str | None, typer.Option("--name", help="A registrar's name in the policy; else the service signs.")]
ByKey = Annotated[Path | None, typer.Option("--key", help="That registrar's private key (PEM).")]


@app.command()
def keygen(file: Path, es256: Es256 = False, as_json: AsJson = False) -> None:
    """Make a verifier's key. Example: `weaklink verifier keygen pins.pem`."""
    make_key(file, es256=es256, as_json=as_json)


@app.command()
def request(
    verifier: str,
    key: Key,
    custodian: Annotated[str, typer.Option(help="PGLN or URN of the firm that runs the verifier.")],
    out: Annotated[Path, typer.Option(help="Where to put the request.")],
    as_json: AsJson = False,
) -> None:
    """Ask to be enrolled; whoever vouches for the verifier runs `weaklink verifier enrol`.

    Example: `weaklink verifier request pins --key pins.pem --custodian urn:example:pins --out pins.request`.
    """
    check_target(out)
    info = typed_verifier(verifier, custodian)
    signer, origin = read_key(key), str(call("GET", "/v1/log")["origin"])
    proof = make_verifier_possession(
        origin=origin, info=info, signer=signer, sub=new_subject("possession"), iat_s=now_s()
    )
    members: dict[str, Any] = {
        "origin": origin,
        **info.facts,
        "key": signer.public.cose_key(),
        "possession": proof,
    }
    put(out, cbor.encode(members))
    show({"file": str(out), "kid": b64(signer.public.kid)}, as_json=as_json)


@app.command()
def enrol(file: Path, name: ByName = None, key: ByKey = None, as_json: AsJson = False) -> None:
    """Enrol the verifier that made this request (supervisor, or a registrar with --name and --key).

    Be sure that it is the verifier that you vouch for, and of that firm.

    Example: `weaklink verifier enrol pins.request`.
    """
    try:
        fields = take(cbor.decode(file.read_bytes()), code="request", names=REQUEST)
        info, statement = read_verifier(fields), _statement(fields, name, key)
    except Trouble as trouble:
        fail(f"{file}: {trouble.detail}", fix=trouble.fix)
    if statement is not None:
        register(statement, {**info.facts, "kid": b64(fields.key("key").kid)}, as_json=as_json)
        return
    cose_key = b64(cbor.encode(fields.key("key").cose_key()))
    body = {**info.facts, "cose_key": cose_key, "proof": b64(fields.octets("possession"))}
    show(call("POST", "/v1/verifiers", json=body), as_json=as_json)


@app.command("list")
def listing(as_json: AsJson = False) -> None:
    """Every verifier's keys. Example: `weaklink verifier list --json`."""
    show(call("GET", "/v1/verifiers"), as_json=as_json, human=_table)


@app.command()
def revoke(
    verifier: str,
    reason: Annotated[str, typer.Option(help="Why; it stands in the log for ever.")],
    suspect_from: SuspectFrom = None,
    suspect_since: SuspectSince = None,
    kid: Annotated[
        str | None, typer.Option(help="Of which key, for a registrar; see `weaklink verifier list`.")
    ] = None,
    name: ByName = None,
    key: ByKey = None,
    as_json: AsJson = False,
) -> None:
    """End a verifier's keys (supervisor), or one of them (a registrar); what it attests from there on is in doubt.

    Example: `weaklink verifier revoke pins --reason "key copied" --suspect-since 2026-05-01T14:00:00+01:00`.
    """
    if name is None and key is None and kid is None:
        body = {"reason": reason, "suspect_from": suspect_from, "suspect_since": suspect_since}
        show(call("POST", f"/v1/verifiers/{named(verifier)}/revoke", json=body), as_json=as_json)
        return
    if name is None or key is None or kid is None:
        fail("a registrar's revocation takes --name, --key and --kid", fix="Give all three; a supervisor gives none.")
    about = ending(kid, suspect_from=suspect_from, suspect_since=suspect_since, reason=reason)
    statement = make_verifier_revoke(verifier=verifier, **about, by=registrar(name, key, "revocation"))
    register(statement, {"verifier": verifier, "kid": kid}, as_json=as_json)


@app.command()
def attest(
    verifier: str,
    key: Key,
    scan: Annotated[str, typer.Option(help="The digest of the scan, as its trail and its receipt have it (hex).")],
    check: Annotated[str, typer.Option(help="The kind of check, by the word of the scan, such as pin6.")],
    held: Annotated[bool, typer.Option("--held/--refuted", help="Whether the check held.")],
    at: Annotated[
        str | None, typer.Option(help="When it was verified (ISO 8601 with offset); now if left out.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Sign and post whether the check of the recipient in a scan held (the verifier; nobody is signed in).

    Example: `weaklink verifier attest pins --key pins.pem --check pin6 --held --scan
    9f2c4f5a0b1e7d3c6a8f9e0d1c2b3a4f5e6d7c8b9a0f1e2d3c4b5a6f7e8d9c0b`.
    """
    ids, now_ms = SystemIds(), SystemClock().now_ms()
    try:
        statement, opening = make_attestation(
            verifier,
            scan=bytes.fromhex(scan),
            check=check,
            outcome=AttestedOutcome.HELD if held else AttestedOutcome.REFUTED,
            at_ms=now_ms if at is None else from_iso(at),
            salt=ids.random_bytes(SALT_BYTES),
            signer=read_key(key),
            sub=new_subject("attestation"),
            iat_s=now_ms // 1000,
        )
    except ValueError:
        fail(f"{scan!r} is no digest", fix="Give the 64 hex digits that name the scan.")
    except Trouble as trouble:
        fail(trouble.detail, fix=trouble.fix)
    show(call("POST", "/v1/attestations", json={"statement": b64(statement), "opening": b64(opening)}), as_json=as_json)


def _statement(fields: Fields, name: str | None, key: Path | None) -> bytes | None:
    """The enrolment that a registrar signs here; None if the service is to sign it."""
    if name is None and key is None:
        return None
    if name is None or key is None:
        fail("a registrar's enrolment takes --name and --key", fix="Give both; a supervisor gives neither.")
    return make_verifier_add(
        VerifierInfo(verifier=fields.text("verifier"), custodian=fields.text("custodian")),
        origin=fields.text("origin"),
        key=fields.key("key"),
        possession=fields.octets("possession"),
        by=registrar(name, key, "enrolment"),
    )


def _table(value: dict[str, Any]) -> None:
    table = folded("verifier", "custodian", "key", "added", "revoked")
    for row in value["verifiers"]:
        ended = "" if row["revoked"] is None else str(row["revoked"])
        table.add_row(row["verifier"], row["custodian"], row["kid"], str(row["added"]), ended)
    console.print(table)
