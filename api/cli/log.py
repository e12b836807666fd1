"""`weaklink log`: the head, proofs, and an audit that trusts nobody."""

from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli import log_export
from api.cli.client import call, console, send, show
from api.cli.log_source import LogSource
from api.settings import client_address
from custody.ledger.audit import audit as audit_log
from custody.ledger.note import Ed25519Verifier, parse_vkey
from custody.ledger.replay import About

app = typer.Typer(no_args_is_help=True, help="The log: its head, proofs of entries, an audit of everything.")
app.command("export")(log_export.export)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value.")]


@app.command()
def head(as_json: AsJson = False) -> None:
    """The log's name, keys and newest checkpoint."""
    show(call("GET", "/v1/log"), as_json=as_json, human=lambda value: print(value["checkpoint"], end=""))


@app.command()
def proof(entry: str, out: Annotated[Path | None, typer.Option(help="Write it to this file.")] = None) -> None:
    """A `.tlog-proof` of an entry, by index or digest. Example: `weaklink log proof 17 --out 17.tlog-proof`."""
    text = send("GET", f"/v1/entries/{entry}/proof").content
    if out is None:
        print(text.decode(), end="")
    else:
        out.write_bytes(text)


@app.command()
def receipt(entry: str, out: Annotated[Path, typer.Option(help="Write it to this file.")]) -> None:
    """A COSE receipt of an entry, by index or digest."""
    out.write_bytes(send("GET", f"/v1/entries/{entry}/receipt").content)


@app.command()
def audit(
    source: Annotated[str | None, typer.Argument(help="The log's URL or folder; the service by default.")] = None,
    vkey: Annotated[str | None, typer.Option(help="The log's key as you know it; else the one it gives.")] = None,
    as_json: AsJson = False,
) -> None:
    """Re-hash everything from the tiles and say what is wrong, at which index. Exit 0: the log itself is sound.

    What a faithful log says of people (a station's broken chain, say) is shown too, and is no fault of the log.
    """
    reading = LogSource(source or f"{client_address()}/log")
    known = vkey or call("GET", "/v1/log")["vkey"]
    findings = [
        {"about": str(found.about), "code": found.code, "detail": found.detail, "index": found.index}
        for found in audit_log(reading.checkpoint, reading.tile, Ed25519Verifier(key=parse_vkey(known)))
    ]
    reading.close()
    sound = not any(found["about"] == About.LOG for found in findings)
    show({"ok": sound, "findings": findings}, as_json=as_json, human=_findings)
    if not sound:
        raise typer.Exit(1)


def _findings(value: dict[str, Any]) -> None:
    for found in value["findings"]:
        console.print(
            f"[red]{found['about']}[/] {found['code']} at {found['index']}: {found['detail']}", highlight=False
        )
    if value["ok"]:
        console.print("Nothing is wrong: every entry was hashed again and leads to the signed root.")
