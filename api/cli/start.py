"""`weaklink serve` as it is typed."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.folder import read_file, read_folder
from api.cli.serve import serve
from api.settings import read_settings


def start(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 picks a free one.")] = None,
    data: Annotated[
        Path | None, typer.Option(parser=read_folder, metavar="PATH", help="Folder for database, keys and broker.")
    ] = None,
    database_url: Annotated[str | None, typer.Option(help="postgresql+psycopg://... instead of SQLite.")] = None,
    mqtt_host: Annotated[str | None, typer.Option(help="MQTT broker instead of the embedded one.")] = None,
    mqtt_port: Annotated[int | None, typer.Option(help="Port of the MQTT broker.")] = None,
    witness_policy: Annotated[
        Path | None, typer.Option(parser=read_file, metavar="PATH", help="Which witnesses to ask (C2SP tlog-policy).")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that answer; more than one use more cores.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON value at the start.")] = False,
) -> None:
    """Start the service. Example: `weaklink serve --port 8420 --data weaklink-data --workers 2`.

    Everything else is set by environment variables, which `weaklink settings` lists: TLS to the broker, witnesses, and
    the other lock systems (IMEI list, Android Management, NanoMDM, Knox Guard), which are all off by default.
    The address of a database with a password in it belongs there too (WEAKLINK_DATABASE_URL): whoever may list the
    processes of the machine reads their options.
    """
    serve(
        read_settings(
            host=host,
            port=port,
            data=data,
            database_url=database_url,
            mqtt_host=mqtt_host,
            mqtt_port=mqtt_port,
            witness_policy=witness_policy,
            workers=workers,
        ),
        as_json=as_json,
    )
