"""`weaklink log export`: the log as a folder of files that any web server can hand out and anybody can audit."""

from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.client import call, console, fail, show
from api.cli.log_source import LogSource
from api.settings import client_address
from custody.kernel.errors import Trouble
from custody.ledger.note import Ed25519Verifier, parse_vkey
from custody.store.static_export import export_log


def export(
    folder: Annotated[Path, typer.Argument(help="Where to put the files; what is there already is kept.")],
    source: Annotated[
        str | None, typer.Option("--from", help="The log's URL or folder; the service by default.")
    ] = None,
    vkey: Annotated[str | None, typer.Option(help="The log's key as you know it; else the one it gives.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON value.")] = False,
) -> None:
    """Write checkpoint, tiles and entries. Example: `weaklink log export mirror && weaklink log audit mirror`."""
    known = vkey or call("GET", "/v1/log")["vkey"]
    reading = LogSource(source or f"{client_address()}/log")
    try:
        done = export_log(
            folder,
            get_checkpoint=reading.checkpoint,
            get_tile=reading.tile,
            log=Ed25519Verifier(key=parse_vkey(known)),
        )
    except Trouble as trouble:
        fail(trouble.detail, fix=trouble.fix)
    finally:
        reading.close()
    value = {"size": done.size, "root": done.root.hex(), "written": done.written, "folder": str(folder)}
    show(value, as_json=as_json, human=_done)


def _done(value: dict[str, Any]) -> None:
    console.print(f"{value['folder']} holds {value['size']} entries; {value['written']} files are new.")
