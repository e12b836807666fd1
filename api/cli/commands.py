"""Every command of `weaklink`, each with --json and an example in its --help, and how they end.

Exit codes beside a command's own, as a shell has them: 130 after Ctrl-C, 129 or 143 after a signal that was taken as
Ctrl-C, 141 if whoever read it has gone.
"""

import errno
import json
import os
import signal
import sys
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import typer

from api.cli import (
    account,
    case,
    erase,
    investigation,
    lock,
    log,
    other_locks,
    referral,
    registrar,
    station,
    verifier,
)
from api.cli.account import asked_password
from api.cli.client import call, console, errors, fail, folded, named, show
from api.cli.foreign_words import harmless
from api.cli.instance import Ended
from api.cli.late import LateCommands
from api.cli.ranked import show_finding, show_hotspots
from api.version import VERSION
from custody.kernel.clock import to_iso
from custody.kernel.errors import Trouble

LONG_S = 3_600
FIXES = {
    errno.ENOSPC: "Make room there, and do it again.",
    errno.EDQUOT: "Make room there, and do it again.",
    errno.EMFILE: "Let it open more files at once (`ulimit -n`).",
}
READING = "Reading what is new in the log, and judging. A million scans that were never read take some minutes."


class Commands(LateCommands):
    """Every command; what one of them cannot do is told as `fail` tells it, and no traceback."""

    LATE: ClassVar[Mapping[str, str]] = {
        "bench": "api.cli.bench:bench",
        "broker-config": "api.cli.broker_config:broker_config",
        "capture": "api.cli.capture:capture",
        "demo": "api.cli.demo:demo",
        "event-hash": "api.cli.event_file:event_hash",
        "pack": "api.cli.pack:pack",
        "rescue": "api.cli.rescue:rescue",
        "scan": "api.cli.capture:scan",
        "serve": "api.cli.start:start",
        "settings": "api.cli.settings:settings",
        "verify": "api.cli.pack:verify",
        "witness": "api.cli.witness:witness",
    }

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            try:
                return self._run(ctx)
            finally:
                sys.stdout.flush()
        except BrokenPipeError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left in it goes nowhere
            raise typer.Exit(128 + signal.SIGPIPE) from error
        except KeyboardInterrupt as stop:
            errors.print("Stopped.")
            raise typer.Exit(128 + (stop.args[0] if isinstance(stop, Ended) else signal.SIGINT)) from stop

    def _run(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except Trouble as trouble:
            return fail(trouble.detail, fix=trouble.fix)
        except BrokenPipeError:
            raise
        except OSError as error:
            what = ": ".join(str(each) for each in (error.filename, error.strerror) if each) or str(error)
            return fail(what, fix=FIXES.get(error.errno or 0, "Check the name, and that you may read and write there."))


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Signed parcel custody, remedy first, a lock for the missing handset, and the weak link named.",
)
app.add_typer(account.app, name="account")
app.add_typer(investigation.app, name="investigation")
app.add_typer(station.app, name="station")
app.add_typer(registrar.app, name="registrar")
app.add_typer(verifier.app, name="verifier")
app.add_typer(case.app, name="dispute")
app.add_typer(lock.app, name="lock")
app.add_typer(log.app, name="log")
other_locks.add_to(lock.app)
referral.add_to(case.app)
app.command("unlock")(lock.unlock)
app.command("erase")(erase.erase)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value.")]


def _tell_version(asked: bool) -> None:
    if asked:
        print(f"weaklink {VERSION}")
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Print the version of the program.")
]


@app.callback()
def program(_version: Version = False) -> None:
    """The options of no command."""


@app.command()
def login(
    account: str,
    password: Annotated[str | None, typer.Option(help="Asked for, or read from a pipe, if left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Sign in; prints the token. Example: `export WEAKLINK_TOKEN=$(weaklink login agent-1)`."""
    body = {"account": account, "password": asked_password("Password") if password is None else password}
    answer = call("POST", "/v1/sessions", json=body)
    print(json.dumps(answer) if as_json else harmless(answer["token"]))


@app.command()
def trail(item: str, as_json: AsJson = False) -> None:
    """The trail of a parcel. Example: `weaklink trail 195214730000088169`, or an IMEI, or `po:SO-20991`."""
    show(call("GET", "/v1/trails", params={"item": item}), as_json=as_json, human=_trail)


@app.command()
def investigate(dispute: str, as_json: AsJson = False) -> None:
    """Rank the links of a disputed parcel's chain. Example: `weaklink investigate case_0k3v9q2m7x4d8r1t`."""
    with errors.status(READING):
        found = call("POST", f"/v1/investigations/{named(dispute)}/run", timeout=LONG_S)
    show(found, as_json=as_json, human=show_finding)


@app.command()
def hotspots(as_json: AsJson = False) -> None:
    """Links whose disputes their traffic does not explain. Example: `weaklink hotspots --json`."""
    with errors.status(READING):
        found = call("GET", "/v1/hotspots", timeout=LONG_S)
    show(found, as_json=as_json, human=show_hotspots)


def _trail(value: dict[str, Any]) -> None:
    table = folded("from", "to", "custodian", "place", "opened by", title=f"Custody of {value['parcel']}")
    for segment in value["segments"]:
        times = (None if at_ms is None else to_iso(at_ms) for at_ms in (segment["from_ms"], segment["to_ms"]))
        cells = (*times, segment["custodian"], segment["name"], segment["opening_index"])
        table.add_row(*("" if cell is None else str(cell) for cell in cells))
    console.print(table)
    for warning in value["warnings"]:
        console.print(f"warning: {warning}", highlight=False)
    for finding in value["findings"]:
        console.print(f"- {finding['sentence']}", highlight=False)
