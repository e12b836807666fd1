"""`weaklink pack` and `weaklink verify`."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.client import console, send
from api.cli.target import check_target
from api.cli.verify import check_file, render


def pack(
    dispute: str,
    out: Annotated[Path | None, typer.Option(help="Where to write it; <dispute>.zip if left out.")] = None,
) -> None:
    """Build the evidence pack of a case. Example: `weaklink pack case_0k3v9q2m7x4d8r1t --out evidence.zip`."""
    target = out or Path(f"{dispute}.zip")
    check_target(target)
    target.write_bytes(send("POST", "/v1/packs", json={"dispute": dispute}).content)
    console.print(
        f"{target}: {target.stat().st_size} bytes. Check it with `weaklink verify {target}`.", highlight=False
    )


def verify(
    file: Path,
    vkey: Annotated[str | None, typer.Option(help="The log's key as you know it.")] = None,
    witnesses: Annotated[Path | None, typer.Option(help="Whose cosignatures you ask for (C2SP tlog-policy).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON value.")] = False,
) -> None:
    """Verify an evidence pack offline; needs neither service nor database. Exit 0: all of it holds."""
    verdict = check_file(file, vkey=vkey, witnesses=witnesses)
    print(render(verdict, as_json=as_json))
    if not verdict.ok:
        raise typer.Exit(1)
