"""`weaklink erase`: delete what is personal of a parcel or a case; the log keeps its entries."""

from typing import Annotated, Any

import typer

from api.cli.client import call, console, show

LEFT = (
    "The database's files may still hold it. On SQLite somebody was reading all the while: type the same again. "
    "On PostgreSQL it goes with the server's next vacuum and its own log of writes."
)


def erase(
    target: Annotated[str, typer.Argument(help="A case (case_...), or a parcel by SSCC, IMEI or po:ORDER.")],
    reason: Annotated[str, typer.Option(help="Why, without naming anybody; it goes into the notice.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON value.")] = False,
) -> None:
    """Erase openings and personal columns. Example: `weaklink erase 195214730000088169 --reason "retention over"`."""
    show(call("POST", "/v1/erasures", json={"target": target, "reason": reason}), as_json=as_json, human=_done)


def _done(value: dict[str, Any]) -> None:
    again = " (as before; nothing was left)" if value["repeated"] else ""
    console.print(
        f"Erased {len(value['openings'])} openings of {value['target']}; notice at entry {value['index']}{again}."
    )
    if value["shared"]:
        console.print(f"Kept for another parcel's sake: entries {', '.join(map(str, value['shared']))}.")
    tell_what_is_left(value)


def tell_what_is_left(value: dict[str, Any]) -> None:
    """Say so if the database's files still hold what was erased."""
    if not value["gone_from_disk"]:
        console.print(LEFT)
