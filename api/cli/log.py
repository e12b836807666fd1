"""`weaklink log`: the head, proofs, an audit that trusts nobody, the verdicts replayed, and the shards."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli import log_audit, log_check, log_export, log_shards, log_verdicts
from api.cli.client import call, send, show
from api.cli.target import check_target

app = typer.Typer(no_args_is_help=True, help="The log: its head, proofs of entries, an audit of everything.")
app.command("export")(log_export.export)
app.command("audit")(log_audit.audit)
app.command("entry")(log_check.entry)
app.command("check")(log_check.check)
app.command("verdicts")(log_verdicts.verdicts)
app.add_typer(log_shards.app, name="shards")
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value.")]


@app.command()
def head(as_json: AsJson = False) -> None:
    """The log's name, keys and newest checkpoint."""
    show(call("GET", "/v1/log"), as_json=as_json, human=lambda value: print(value["checkpoint"], end=""))


@app.command()
def proof(entry: str, out: Annotated[Path | None, typer.Option(help="Write it to this file.")] = None) -> None:
    """A `.tlog-proof` of an entry, by index or digest. Example: `weaklink log proof 17 --out 17.tlog-proof`."""
    if out is not None:
        check_target(out)
    text = send("GET", f"/v1/entries/{entry}/proof").content
    if out is None:
        print(text.decode(), end="")
    else:
        out.write_bytes(text)


@app.command()
def receipt(entry: str, out: Annotated[Path, typer.Option(help="Write it to this file.")]) -> None:
    """A COSE receipt of an entry, by index or digest."""
    check_target(out)
    out.write_bytes(send("GET", f"/v1/entries/{entry}/receipt").content)
