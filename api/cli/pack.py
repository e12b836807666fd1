"""`weaklink pack` and `weaklink verify`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.client import console, fail, show
from api.cli.fetch import fetch, tell_fetched
from api.cli.verify import check_file, outcome_of, render
from custody.kernel.errors import Trouble

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value.")]


def pack(
    dispute: str,
    out: Annotated[Path | None, typer.Option(help="Where to write it; DISPUTE.zip, anew, if left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Build the evidence pack of a case. Example: `weaklink pack case_0k3v9q2m7x4d8r1t --out evidence.zip`."""
    target = out or Path(f"{dispute}.zip")
    fetched = fetch(target, "application/zip", "POST", "/v1/packs", own=out is None, json={"dispute": dispute})
    show(fetched, as_json=as_json, human=_packed)


def verify(
    file: Path,
    vkey: Annotated[str | None, typer.Option(help="The log's key as you know it.")] = None,
    witnesses: Annotated[Path | None, typer.Option(help="Whose cosignatures you ask for (C2SP tlog-policy).")] = None,
    as_json: AsJson = False,
) -> None:
    """Verify an evidence pack offline; needs neither service nor database.

    Exit 0: all of it holds; 1: something does not; 2: what was given to the command cannot be used; 3: it is OPEN,
    nothing is against it, and something in it could not be checked or witnesses have not countersigned yet: those that
    you ask for, or else those that the log names.

    Example: `weaklink verify evidence.zip --vkey "$(cat log.vkey)"`.
    """
    try:
        verification = check_file(file, vkey=vkey, witnesses=witnesses)
    except Trouble as trouble:
        fail(trouble.detail, fix=trouble.fix, code=2)
    print(render(verification, as_json=as_json))
    raise typer.Exit(outcome_of(verification).code)


def _packed(value: dict[str, Any]) -> None:
    tell_fetched(value)
    console.print(f"Check it with `weaklink verify {value['file']}`.", highlight=False)
