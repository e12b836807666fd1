"""`weaklink log verdicts`: replays the whole log and compares every verdict of the judge with what the log leads to.

It reads the service's database, because the judge read the openings, which only the service holds; it needs no account
and changes nothing. Exit codes: 0 every verdict that can be compared is the same; 1 one is not, or what is stored at an
entry is damaged, or not found by its names (`custody/usecases/check_names.py`); 2 there is no log to read. Whoever
holds the openings of a copy can run it on the copy.

When a scan arrived is in no signed statement, and a verdict may hang on it: that is named as the operator's word.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from api.cli.client import console, fail, show
from api.cli.folder import read_folder
from api.settings import read_settings
from custody.kernel.errors import Trouble
from custody.scans.tolerances import Tolerances
from custody.store.engine import open_engine
from custody.usecases.check_names import unfound
from custody.usecases.replay_log import Damaged
from custody.usecases.replay_verdicts import Comparison, compare_verdicts

SHOWN = 50
TAKEN = ("times of arrival", "results of scans that are erased or damaged")
"""What the replay goes on from as the rows have it, because no signature covers it or nobody can read it again."""


def verdicts(
    data: Annotated[
        Path | None, typer.Option(parser=read_folder, metavar="PATH", help="The service's data folder.")
    ] = None,
    database_url: Annotated[str | None, typer.Option(help="postgresql+psycopg://... instead of SQLite.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON value.")] = False,
) -> None:
    """Replay every verdict from the log. Example: `weaklink log verdicts --data weaklink-data`."""
    try:
        settings = read_settings(data=data, database_url=database_url)
    except Trouble as trouble:
        fail(trouble.detail, fix=trouble.fix, code=2)
    if not settings.database_url and not (settings.data / "weaklink.db").is_file():
        fail(f"{settings.data} holds no database", fix="Name the folder with --data.", code=2)
    engine = open_engine(settings.database)
    try:
        with Session(engine) as session:
            found, lost = compare_verdicts(session, Tolerances()), list(unfound(session))
    except Trouble as trouble:
        fail(trouble.detail, fix=trouble.fix, code=2)
    except SQLAlchemyError as error:
        fail(f"the database cannot be read: {error}", fix="Start the service once; it brings it up to date.", code=2)
    finally:
        engine.dispose()
    show(_plain(found, lost), as_json=as_json, human=_tell)
    if found.different or found.damaged or lost:
        raise typer.Exit(1)


def _plain(found: Comparison, lost: Sequence[Damaged]) -> dict[str, Any]:
    return {
        "ok": not found.different and not found.damaged and not lost,
        "same": found.same,
        "different": [
            {"index": row.index, "position": row.position, "stored": row.stored, "replayed": row.replayed}
            for row in found.different
        ],
        "damaged": _hurt(found.damaged),
        "unfound": _hurt(lost),
        "unread": list(found.unread),
        "after_erased": list(found.after_erased),
        "on_operators_word": list(TAKEN),
    }


def _hurt(rows: Iterable[Damaged]) -> list[dict[str, Any]]:
    return [{"index": row.index, "position": row.position, "why": row.why} for row in rows]


def _tell(value: dict[str, Any]) -> None:
    console.print(f"{value['same']:,} verdicts are what the log leads to.", highlight=False)
    _tell_each(value["different"], lambda row: f"stored {row['stored']}, replayed {row['replayed']}")
    _tell_each(value["damaged"], lambda row: f"damaged: {row['why']}")
    _tell_each(value["unfound"], lambda row: str(row["why"]))
    if value["unfound"]:
        console.print("Stop the service; `weaklink log rebuild` makes names and numbers anew from the log.")
    if value["unread"]:
        console.print(f"{len(value['unread']):,} scans are erased or wait for their opening: nothing to compare.")
    if value["after_erased"]:
        console.print(
            f"{len(value['after_erased']):,} follow a scan of their parcel that is erased or damaged: not blamed."
        )
    console.print(f"On the operator's word: {'; '.join(value['on_operators_word'])}.")


def _tell_each(rows: list[dict[str, Any]], what: Callable[[dict[str, Any]], str]) -> None:
    for row in rows[:SHOWN]:
        inside = "" if row["position"] is None else f", scan {row['position']} of its batch"
        console.print(Text.assemble((f"entry {row['index']}{inside}", "red"), f": {what(row)}"))
    if len(rows) > SHOWN:
        console.print(f"... and {len(rows) - SHOWN:,} more; --json shows all of them")
