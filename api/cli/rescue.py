"""`weaklink rescue`: a way back into a service that nobody can sign in to any more.

Whoever runs the machine holds the database and the keys, and saw the passwords of the first start: no rule keeps them
out. What they do here stands in the log, and rings for every supervisor.
"""

import json
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy.exc import SQLAlchemyError

from api.act_alerts import tell_of_closed
from api.cli.alone import alone
from api.cli.client import fail
from api.cli.folder import read_folder
from api.people import accounts
from api.settings import read_settings
from custody.store.engine import reason
from custody.store.unit import Unit
from devicelock.rules.alert_kind import AlertKind
from devicelock.usecases.alert import act_of, raise_alert

SUPERVISOR = "supervisor"


def rescue(
    account: str,
    person: Annotated[str, typer.Option(help="Who is behind it; two accounts of one person are one person.")],
    close: Annotated[list[str] | None, typer.Option(help="An account that a thief has: it is closed for ever.")] = None,
    data: Annotated[
        Path | None, typer.Option(parser=read_folder, metavar="PATH", help="The service's data folder.")
    ] = None,
    database_url: Annotated[str | None, typer.Option(help="postgresql+psycopg://... instead of SQLite.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON value.")] = False,
) -> None:
    """Make a supervisor's account where nobody can sign in any more: its password is printed this once.

    For lost passwords, and for a service whose accounts somebody took. Stop every service of the log first. The log
    records it, and the other supervisors are alerted.

    Example: `weaklink rescue ann --person "Ann Lee" --close supervisor-1 --data weaklink-data`.
    """
    password = secrets.token_urlsafe(12)
    kept, settings = accounts.hash_new(password), read_settings(data=data, database_url=database_url)
    try:
        with alone(settings) as house, house.unit() as unit:
            written = _make(unit, account, person=person, password_hash=kept)
            _close(unit, close or ())
            made = {"account": account, "role": SUPERVISOR, "person": written, "closed": close or []}
            _tell({**made, "password": password}, as_json=as_json)  # an account whose password nobody reads is not made
    except SQLAlchemyError as error:
        fail(
            f"the database cannot be read or written: {reason(error)}",
            fix="Start the service once; it brings the database up to date.",
        )


def _make(unit: Unit, name: str, *, person: str, password_hash: str) -> str:
    """Make the account; the person as they are written down."""
    written = accounts.add_account(
        unit.session,
        name=name,
        role=SUPERVISOR,
        person=person,
        password_hash=password_hash,
        by=accounts.RESCUE,
        now_ms=unit.now_ms,
    )
    unit.record("account.made", {"name": name, "role": SUPERVISOR, "person": written, "by": accounts.RESCUE})
    detail = f"Whoever runs the machine made the account {name} of {written} as supervisor. Ask why."
    raise_alert(unit, AlertKind.DECIDER_MADE, about=act_of(name, accounts.RESCUE), detail=detail)
    return written


def _close(unit: Unit, names: Sequence[str]) -> None:
    for name in names:
        role = accounts.account(unit.session, name).role
        if accounts.close_account(unit.session, name):
            unit.record("account.closed", {"name": name, "by": accounts.RESCUE})
            tell_of_closed(unit, closed=name, role=role, account=accounts.RESCUE)


def _tell(made: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(made), flush=True)
        return
    print(f"{made['account']} is {made['person']}, supervisor. Its password, shown this once:", flush=True)
    print(f"  {made['password']}", flush=True)
    for name in made["closed"]:
        print(f"{name} is closed.", flush=True)
