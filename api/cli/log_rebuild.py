"""`weaklink log rebuild`: makes the tables by which the log is found anew, from the log alone.

Exit codes: 0 all is as the log leads to it, now or before already; 1 a rehearsal found what is not; 2 nothing was
changed: a service runs on the folder, the log itself does not audit clean, or what cannot be rebuilt does not go with
it. What is rebuilt, and what is not, stands in `custody/usecases/rebuild_names.py`.
"""

import time
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy.exc import SQLAlchemyError

from api.cli.alone import alone
from api.cli.client import console, errors, fail, show
from api.cli.folder import read_folder
from api.settings import read_settings
from custody.kernel.errors import Trouble
from custody.ledger.note import Ed25519Verifier, text_key
from custody.scans.tolerances import Tolerances
from custody.store.engine import reason
from custody.usecases.rebuild_names import Rebuilt, rebuild_names

TELL_EVERY_S = 2.0


def rebuild(
    data: Annotated[
        Path | None, typer.Option(parser=read_folder, metavar="PATH", help="The service's data folder.")
    ] = None,
    database_url: Annotated[str | None, typer.Option(help="postgresql+psycopg://... instead of SQLite.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be changed, and change nothing.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress on stderr.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON value.")] = False,
) -> None:
    """Rebuild, from the log alone, what it is found by, where tables were put back one by one.

    Stop every service of the log first. Rebuilt are digests of statements, leaf hashes of batches, the numbers of
    stations, which scans wait for an opening, the keys of stations and verifiers, and what these attest. First the
    whole log is hashed again: where it is damaged itself, nothing is changed. All is one transaction; repeated, it
    changes nothing.

    Not rebuilt are verdicts and what the judge knew of parcels, openings, seals and leaves of batches, and under which
    names parcels are found: after an erasure the log does not tell them, and nothing that was erased comes back. Where
    verdicts, openings or batches do not go with the log, restore a copy of the whole database.

    Exit 0: all is as the log says; 1: --dry-run found what is not; 2: nothing could be done.

    Example: `weaklink log rebuild --data weaklink-data --dry-run`, then the same without --dry-run.
    """
    try:
        settings = read_settings(data=data, database_url=database_url)
        with alone(settings) as house:
            log = Ed25519Verifier(key=text_key(house.origin, house.log_signer.public))
            watch = _Watch(quiet=quiet)
            with house.unit() as unit:
                found = rebuild_names(unit, log, Tolerances(), tell=watch, is_rehearsal=dry_run)
    except Trouble as trouble:
        fail(trouble.detail, fix=trouble.fix, code=2)
    except SQLAlchemyError as error:
        fail(
            f"the database cannot be read or written: {reason(error)}",
            fix="Start the service once; it brings the database up to date.",
            code=2,
        )
    show(_plain(found, dry_run=dry_run), as_json=as_json, human=_tell)
    if dry_run and found.is_changed:
        raise typer.Exit(1)


class _Watch:
    """Says on stderr what is done and how far it is."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._began = time.monotonic()
        self._said = ("", self._began)

    def __call__(self, what: str, done: int, size: int) -> None:
        now = time.monotonic()
        before, said_s = self._said
        if not self._quiet and (what != before or now - said_s >= TELL_EVERY_S):
            self._said = (what, now)
            errors.print(f"{what}: {done:,} of {size:,} entries, {now - self._began:.0f} s", highlight=False)


def _plain(found: Rebuilt, *, dry_run: bool) -> dict[str, Any]:
    return {
        "ok": not (dry_run and found.is_changed),
        "dry_run": dry_run,
        "changed": found.is_changed and not dry_run,
        "entries": found.entries,
        "tables": [
            {"name": table.name, "lost": table.lost, "foreign": table.foreign, "moved": table.moved}
            for table in found.tables
        ],
    }


def _tell(value: dict[str, Any]) -> None:
    would = "would be" if value["dry_run"] else "were"
    wrong = [table for table in value["tables"] if table["lost"] or table["foreign"] or table["moved"]]
    for table in wrong:
        otherwise = ", and others that stand where they ought not" if table["moved"] else ""
        console.print(
            f"{table['name']}: {table['lost']:,} lost, {table['foreign']:,} of nothing in the log{otherwise};"
            f" they {would} rebuilt",
            highlight=False,
        )
    if not wrong:
        console.print(f"All names and numbers are what {value['entries']:,} entries lead to. Nothing was changed.")
    elif value["dry_run"]:
        console.print("Nothing was changed. The same without --dry-run rebuilds them.")
    else:
        console.print("Rebuilt. `weaklink log verdicts` shows whether all is found; then start the service.")
