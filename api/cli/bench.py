"""`weaklink bench`: the benchmarks, as ratios to limits measured in the same run."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.status import Status
from rich.table import Table

from api.cli.client import fail
from api.cli.instance import Instance, ended_in_order
from api.cli.screen import Screen
from api.compose import free_port, join
from api.process.file_limit import allow_files
from api.settings import Settings, read_settings
from custody.kernel.errors import Unavailable
from custody.store.engine import open_engine, read_address
from simulators.benchmarks import Part, machine, run
from simulators.client import ServiceClient
from simulators.figures import Figure
from simulators.fill import IN_UNIT, SCANS_A_PARCEL, fill
from simulators.lock_fleet import CAPS, MOST_MISSED
from simulators.story import Broken, Story

FILES_A_HANDSET = 4
LEAST_STORED = 5 * IN_UNIT * SCANS_A_PARCEL
OWN_FILES = 800
"""What a bench has open beside the lines of its handsets: the connections that scans are posted over, above all."""


def bench(
    seed: Annotated[int, typer.Option(help="Another seed, another world.")] = 1,
    database_url: Annotated[str | None, typer.Option(help="Measure on this database instead of SQLite.")] = None,
    workers: Annotated[int, typer.Option(help="Processes of the service.")] = os.cpu_count() or 1,
    handsets: Annotated[
        int, typer.Option(min=10, max=5_000, help=f"Handsets that are connected; {MOST_MISSED} of more are locked.")
    ] = 200,
    stored: Annotated[
        int,
        typer.Option(min=0, help=f"At the end, again over so many scans, {LEAST_STORED:,} at least (5 million: 6 GB)."),
    ] = 0,
    only: Annotated[list[Part] | None, typer.Option(help="Only these benches; may be given more than once.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line.")] = False,
) -> None:
    """Run the benchmarks on a private instance.

    Example: `weaklink bench --only lock --handsets 2000`, or `weaklink bench --only stored --stored 1000000`.
    """
    _require_enough(stored, asked=Part.STORED in (only or ()))
    if database_url is not None:
        read_address(database_url)
    _make_room(handsets)
    console = Screen(stderr=True, markup=True)
    options = ("--workers", str(workers), *(("--database-url", database_url) if database_url else ()))
    figures: list[Figure] = []
    with _private(console, options) as instance:
        story = Story(
            client=ServiceClient(instance.address),
            accounts=instance.accounts,
            folder=instance.data.parent,
            seed=seed,
            thief_at="hub-1/hub_sort",
            progress=lambda _what, _done, _total: None,
        )
        with console.status("measuring; this takes some minutes") as status:
            settings = read_settings(data=instance.data, database_url=database_url)
            for figure in run(
                story,
                instance.address,
                handsets=handsets,
                engine=open_engine(settings.database),
                only=only or list(Part),
                stored=stored,
                fill=partial(_fill, instance, settings, status),
            ):
                figures.append(figure)
                console.print(f"{figure.name}: {figure.value:.1f} {figure.unit}", highlight=False)
    found = {
        **machine(),
        "database": "postgresql" if database_url else "sqlite",
        "workers": workers,
        "handsets": handsets,
        "locked": min(handsets, MOST_MISSED),
        "stored": stored,
        "benchmarks": [figure.plain() for figure in figures],
    }
    if as_json:
        print(json.dumps(found))
    else:
        _print(found)


def _require_enough(stored: int, *, asked: bool) -> None:
    if asked and not stored:
        raise typer.BadParameter("say over how many scans, with --stored")
    if 0 < stored < LEAST_STORED:
        raise typer.BadParameter(f"--stored is {LEAST_STORED:,} or more: in a fifth of fewer no parcel has arrived")


def _make_room(handsets: int) -> None:
    files = OWN_FILES + FILES_A_HANDSET * handsets
    allowed = allow_files(files)
    if allowed < files:
        fail(
            f"{handsets} handsets take {files} open files, and a program here may have {allowed}",
            fix="Raise the limit (`ulimit -Hn` shows it), or give fewer --handsets.",
        )


@contextmanager
def _private(console: Screen, options: tuple[str, ...]) -> Iterator[Instance]:
    """A service in a folder of its own, both gone afterwards; one that did not start leaves the log that says why."""
    folder = Path(tempfile.mkdtemp(prefix="weaklink-bench-"))
    instance = Instance(folder / "data", port=free_port(), options=options, settings=CAPS)
    stays = False
    with ended_in_order():
        try:
            with console.status("starting a private service"):
                instance.start()
            yield instance
        except Broken as broken:
            fail(str(broken), fix="Run it again while the machine does nothing else.")
        except Unavailable:
            stays = instance.pid is None
            raise
        finally:
            instance.stop()
            if not stays:
                shutil.rmtree(folder)


def _fill(instance: Instance, settings: Settings, status: Status, first: int, end: int) -> None:
    """Put scans into the store of a service, which is down meanwhile."""
    instance.stop()
    house = join(settings).house
    fill(house, first, end, lambda what, done, total: status.update(f"{what}: {done:,} of {total:,}"))
    house.engine.dispose()
    instance.start()


def _print(found: dict[str, object]) -> None:
    table = Table("bench", "value", "unit", "limit", "what the limit is", "ratio", "spread")
    for row in found["benchmarks"]:  # type: ignore[attr-defined]  # a list of plain figures
        low, high = row["spread"]
        limit = f"{row['limit']:,}"
        table.add_row(
            row["name"],
            f"{row['value']:,}",
            row["unit"],
            limit,
            row["limit_name"],
            str(row["ratio"]),
            f"{low:,}-{high:,}",
        )
    console = Screen()
    about = f"{found['system']}, {found['processors']} processors, Python {found['python']}"
    console.print(f"{about}; {found['database']}, {found['workers']} processes of the service")
    console.print(table)
