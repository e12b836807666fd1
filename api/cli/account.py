"""`weaklink account`: who may come in; making and closing accounts, and one's own password."""

import sys
from typing import Annotated, Any

import typer
from rich.table import Column

from api.cli.client import call, console, folded, named, show, tell_next

app = typer.Typer(no_args_is_help=True, help="Accounts of staff: making, listing and closing them; your own password.")
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value.")]


@app.command("list")
def listing(as_json: AsJson = False) -> None:
    """Every account, and who made it (supervisor). Example: `weaklink account list --json`."""
    show(call("GET", "/v1/accounts"), as_json=as_json, human=_table)


@app.command()
def add(
    name: str,
    role: Annotated[str, typer.Option(help="agent, supervisor or investigator.")],
    person: Annotated[str, typer.Option(help="Who is behind it; two accounts of one person are one person.")],
    password: Annotated[str | None, typer.Option(help="Asked for, or read from a pipe, if left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make an account (supervisor); its owner changes the password at once with `weaklink account password`.

    Example: `weaklink account add agent-3 --role agent --person "Third Agent"`.
    """
    given = asked_password("Password of the new account") if password is None else password
    body = {"name": name, "role": role, "person": person, "password": given}
    show(call("POST", "/v1/accounts", json=body), as_json=as_json, human=_made)


@app.command()
def close(name: str, as_json: AsJson = False) -> None:
    """End an account and its sessions at once and for ever (supervisor). Example: `weaklink account close agent-2`."""
    show(call("POST", f"/v1/accounts/{named(name)}/close"), as_json=as_json, human=_closed)


@app.command("viewings")
def cases_seen(
    name: str,
    cursor: Annotated[str | None, typer.Option(help="Where the page before ended.")] = None,
    as_json: AsJson = False,
) -> None:
    """Which cases an account saw, newest first (supervisor). Example: `weaklink account viewings agent-2`."""
    answer = call("GET", f"/v1/accounts/{named(name)}/viewings", params={"cursor": cursor})
    show(answer, as_json=as_json, human=show_viewings)


@app.command()
def away(name: str, as_json: AsJson = False) -> None:
    """Say that you are away, or as a supervisor that somebody is. Example: `weaklink account away agent-2`."""
    _say_away(name, away=True, as_json=as_json)


@app.command()
def back(name: str, as_json: AsJson = False) -> None:
    """Say that you are here again, or that somebody is. Example: `weaklink account back agent-2`."""
    _say_away(name, away=False, as_json=as_json)


@app.command()
def password(
    old: Annotated[str | None, typer.Option(help="Asked for, or read from a pipe, if left out.")] = None,
    new: Annotated[str | None, typer.Option(help="Asked for, or read from the pipe's next line.")] = None,
    as_json: AsJson = False,
) -> None:
    """Change your own password; your sessions elsewhere end. Example: `weaklink account password`."""
    body = {
        "old": asked_password("Old password") if old is None else old,
        "new": asked_password("New password", twice=True) if new is None else new,
    }
    call("POST", "/v1/me/password", json=body)
    show({"changed": True}, as_json=as_json, human=_changed)


def asked_password(question: str, *, twice: bool = False) -> str:
    """From the terminal or a pipe; the question goes to stderr, because a shell keeps what stands on stdout."""
    if sys.stdin.isatty():
        return str(typer.prompt(question, hide_input=True, confirmation_prompt=twice, err=True))
    return sys.stdin.readline().rstrip("\n")


def show_viewings(value: dict[str, Any]) -> None:
    """Print who saw which case."""
    table = folded("seen", "account", Column("case", no_wrap=True, overflow="fold"))
    for row in value["viewings"]:
        table.add_row(row["at"], row["account"], row["dispute"])
    console.print(table)
    tell_next(value)


def _say_away(name: str, *, away: bool, as_json: bool) -> None:
    show(call("POST", f"/v1/accounts/{named(name)}/away", json={"away": away}), as_json=as_json, human=_is_away)


def _is_away(value: dict[str, Any]) -> None:
    console.print(f"{value['name']} is {'away' if value['away'] else 'here'}.", highlight=False)


def _table(value: dict[str, Any]) -> None:
    table = folded("account", "role", "person", "made by", "made", "now")
    for row in value["accounts"]:
        now = "closed" if not row["active"] else "away" if row["away_since"] else ""
        table.add_row(row["name"], row["role"], row["person"], row["made_by"], row["made"], now)
    console.print(table)


def _made(value: dict[str, Any]) -> None:
    console.print(f"{value['name']} is {value['person']}, {value['role']}.", highlight=False)


def _closed(value: dict[str, Any]) -> None:
    console.print(f"{value['name']} is closed.", highlight=False)
    if value["made"]:
        console.print(f"It made accounts that are open: {', '.join(value['made'])}.", highlight=False)


def _changed(_value: dict[str, Any]) -> None:
    console.print("The password is changed, and your sessions elsewhere have ended.", highlight=False)
