"""`weaklink log shards`: what is kept together until when; closing and dropping a quarter's scans of one group."""

from typing import Annotated, Any

import typer
from rich.table import Column

from api.cli.client import call, console, folded, show
from api.cli.erase import tell_what_is_left
from api.cli.foreign_words import harmless

HELP = """Shards: the scans of one quarter and one group of stations, which are kept and dropped together.

Examples: `weaklink log shards`, `weaklink log shards close 2026q4/north`,
`weaklink log shards drop 2026q4/north --reason "retention over"`.
"""

app = typer.Typer(invoke_without_command=True, help=HELP)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value.")]
DROP_S = 600
"""How long one call of a dropping may take; on a large log the first look at what is still needed takes the most."""
Name = Annotated[str, typer.Argument(help="Quarter and group of stations, like 2026q4/north.")]


@app.callback()
def shards(context: typer.Context, as_json: AsJson = False) -> None:
    """List the closed shards with their records."""
    if context.invoked_subcommand is None:
        show(_every_page(), as_json=as_json, human=_table)


@app.command()
def close(shard: Name, as_json: AsJson = False) -> None:
    """Close a shard that is over (supervisor). Example: `weaklink log shards close 2026q4/north`."""
    show(call("POST", "/v1/log/shards/close", json={"shard": shard}), as_json=as_json, human=_closed)


@app.command()
def drop(
    shard: Name,
    reason: Annotated[str, typer.Option(help="Why, without naming anybody; it goes into the notices.")],
    as_json: AsJson = False,
) -> None:
    """Drop a closed shard whose time is over (supervisor); what a case, a lock or a later parcel needs is kept.

    Example: `weaklink log shards drop 2026q4/north --reason "retention over"`. Stopped, it goes on when it is repeated.
    """
    while True:
        told = call("POST", "/v1/log/shards/drop", json={"shard": shard, "reason": reason}, timeout=DROP_S)
        if told["done"]:
            return show(told, as_json=as_json, human=_dropped)
        if not as_json:
            console.print(harmless(f"entry {told['looked_at']} of {told['last']}: {_sum(told)}"), highlight=False)


def _every_page() -> dict[str, Any]:
    """Every page of the list together."""
    found: dict[str, Any] = {"shards": [], "groups": []}
    after: int | None = -1
    while after is not None:
        page = call("GET", "/v1/log/shards", params={"after": after})
        found, after = {name: [*found[name], *page[name]] for name in found}, page["next"]
    return found


def _table(value: dict[str, Any]) -> None:
    if not value["shards"]:
        console.print("No shard is closed yet: the service closes those of a quarter two weeks after its end.")
        return
    table = folded(
        Column("shard", no_wrap=True, overflow="fold"), "entries", "scans", "stations", "keep until", "record", "gone"
    )
    for row in value["shards"]:
        entries = f"{row['first']} to {row['last']}"
        scans, gone = f"{row['scans']:,}", f"{row['openings_gone']:,}"
        record = str(row["record"]["index"])
        table.add_row(row["shard"], entries, scans, str(row["stations"]), row["keep_until"][:10], record, gone)
    console.print(table)


def _dropped(value: dict[str, Any]) -> None:
    again = " (as before; nothing had changed)" if value["repeated"] else ""
    console.print(f"Dropped {value['shard']}: {_sum(value)}; record at entry {value['index']}{again}.", highlight=False)
    tell_what_is_left(value)


def _sum(value: dict[str, Any]) -> str:
    kept = value["kept"]
    return (
        f"{value['openings_gone']:,} openings gone; kept {kept['held']:,} scans for a case or a lock and "
        f"{kept['shared']:,} that a parcel with later scans needs"
    )


def _closed(value: dict[str, Any]) -> None:
    again = " (as before)" if value["repeated"] else ""
    console.print(
        f"Closed {value['shard']}: {value['scans']:,} scans of {value['stations']} stations, to be kept until "
        f"{value['keep_until'][:10]}; record at entry {value['record']['index']}{again}.",
        highlight=False,
    )
