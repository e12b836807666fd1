"""`weaklink log`: the head, proofs, an audit that trusts nobody, verdicts and the edition they are given by, shards."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from api.cli import log_audit, log_check, log_export, log_shards
from api.cli.client import call, content, named, show, tell_text
from api.cli.fetch import fetch, tell_fetched
from api.cli.foreign_words import harmless
from api.cli.late import LateCommands


class LogCommands(LateCommands):
    """Every command about the log."""

    LATE: ClassVar[Mapping[str, str]] = {
        "rebuild": "api.cli.log_rebuild:rebuild",
        "verdicts": "api.cli.log_verdicts:verdicts",
    }


app = typer.Typer(
    cls=LogCommands, no_args_is_help=True, help="The log: its head, proofs of entries, an audit of everything."
)
app.command("export")(log_export.export)
app.command("audit")(log_audit.audit)
app.command("entry")(log_check.entry)
app.command("check")(log_check.check)
app.add_typer(log_shards.app, name="shards")
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value.")]


@app.command()
def head(
    vkey: Annotated[bool, typer.Option("--vkey", help="Only the log's key, as others give it to --vkey.")] = False,
    as_json: AsJson = False,
) -> None:
    """The log's newest checkpoint, or its key. Examples: `weaklink log head`, `weaklink log head --vkey`.

    With --json also its name, its other keys, and who cosigned.
    """
    found = call("GET", "/v1/log")
    if vkey and not as_json:
        return print(harmless(found["vkey"]))
    return show(found, as_json=as_json, human=lambda _: tell_text(found["checkpoint"]))


@app.command()
def proof(
    entry: str,
    out: Annotated[Path | None, typer.Option(help="Write it to this file.")] = None,
    as_json: AsJson = False,
) -> None:
    """A `.tlog-proof` of an entry, by index or digest. Example: `weaklink log proof 17 --out 17.tlog-proof`."""
    asked = ("text/plain", "GET", f"/v1/entries/{named(entry)}/proof")
    if out is not None:
        return show(fetch(out, *asked), as_json=as_json, human=tell_fetched)
    text = content(*asked).decode()
    return show({"proof": text}, as_json=as_json, human=lambda _: tell_text(text))


@app.command()
def receipt(
    entry: str, out: Annotated[Path, typer.Option(help="Write it to this file.")], as_json: AsJson = False
) -> None:
    """A COSE receipt of an entry, by index or digest. Example: `weaklink log receipt 17 --out 17.receipt`."""
    path = f"/v1/entries/{named(entry)}/receipt"
    show(fetch(out, "application/cose", "GET", path), as_json=as_json, human=tell_fetched)


@app.command()
def edition(
    number: Annotated[int | None, typer.Argument(help="The edition to judge by from now on (supervisor).")] = None,
    as_json: AsJson = False,
) -> None:
    """By which edition of its rules the judge judges. Examples: `weaklink log edition`, `weaklink log edition 5`.

    No verdict that was given changes: `weaklink log verdicts` replays each by the edition that held at its entry. Name
    another one when every process of the service knows it.
    """
    if number is None:
        held = call("GET", "/v1/log/policy")
        return show({"edition": held["edition"], "index": held["index"]}, as_json=as_json)
    return show(call("POST", "/v1/log/policy/edition", json={"edition": number}), as_json=as_json)
