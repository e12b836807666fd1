"""`weaklink lock` and `weaklink unlock`."""

from typing import Annotated, Any

import typer
from rich.table import Column
from rich.text import Text

from api.cli.client import call, console, fail, folded, named, show, tell_next
from api.cli.other_locks import show_backends

app = typer.Typer(
    no_args_is_help=True, help="Ask for, approve, read and confirm locks; standing authority; kill switch."
)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value.")]


@app.command()
def preflight(
    imei: str,
    dispute: Annotated[str | None, typer.Option(help="The case.")] = None,
    specialist: Annotated[str | None, typer.Option(help="Who would decide it, if the customer needs support.")] = None,
    as_json: AsJson = False,
) -> None:
    """Every check of a lock, green or red, and what it does to the customer; nothing is changed.

    Example: `weaklink lock preflight 490154203237518 --dispute case_0k3v9q2m7x4d8r1t`.
    """
    asked = {"imei": imei, "dispute": dispute, "specialist": specialist}
    show(call("GET", "/v1/locks/preflight", params=asked), as_json=as_json, human=_checks)


@app.command()
def request(
    imei: str,
    reason: Annotated[str, typer.Option(help="never_received, substituted, missing_from_custody, ...")],
    last4: Annotated[str, typer.Option(help="The last four digits of the IMEI, typed again.")],
    evidence: Annotated[list[str] | None, typer.Option(help="References; may be repeated.")] = None,
    dispute: Annotated[str | None, typer.Option(help="The case that the lock is for.")] = None,
    specialist: Annotated[str | None, typer.Option(help="Who decides it, if the customer needs support.")] = None,
    as_json: AsJson = False,
) -> None:
    """Ask for a lock; another person approves it. Exit 1 if a check refuses it.

    Example: `weaklink lock request 490154203237518 --last4 7518 --reason never_received`.
    """
    asked = {"imei": imei, "imei_last4": last4, "reason": reason, "dispute": dispute, "specialist": specialist}
    body = {**asked, "evidence": evidence or []}
    order = call("POST", "/v1/locks", json=body)
    show(order, as_json=as_json, human=_order)
    if order["state"] == "refused":
        raise typer.Exit(1)


@app.command()
def approve(order: str, as_json: AsJson = False) -> None:
    """Say yes as the second person. Example: `weaklink lock approve lock_0k3v9q2m7x4d8r1t`."""
    show(call("POST", f"/v1/locks/{named(order)}/approve"), as_json=as_json, human=_order)


@app.command()
def confirm(order: str, as_json: AsJson = False) -> None:
    """Keep a lock beyond its 72 hours; takes two people, each with this command.

    Example: `weaklink lock confirm lock_0k3v9q2m7x4d8r1t`.
    """
    show(call("POST", f"/v1/locks/{named(order)}/confirm"), as_json=as_json, human=_order)


@app.command("show")
def read(order: str, as_json: AsJson = False) -> None:
    """One order with its timeline. Example: `weaklink lock show lock_0k3v9q2m7x4d8r1t`."""
    show(call("GET", f"/v1/locks/{named(order)}"), as_json=as_json, human=_order)


@app.command("list")
def listing(
    state: Annotated[str | None, typer.Option()] = None,
    cursor: Annotated[str | None, typer.Option(help="Where the page before ended.")] = None,
    as_json: AsJson = False,
) -> None:
    """Lock orders, newest first. Example: `weaklink lock list --json`."""
    show(call("GET", "/v1/locks", params={"state": state, "cursor": cursor}), as_json=as_json, human=_orders)


@app.command()
def authority(
    approve_proposal: Annotated[str | None, typer.Option("--approve", help="Put this proposal in force.")] = None,
    propose: Annotated[bool, typer.Option("--propose", help="Propose to allow provisional locks.")] = False,
    as_json: AsJson = False,
) -> None:
    """The standing authority for provisional locks; two different supervisors put it in force.

    Examples: `weaklink lock authority --propose`, `weaklink lock authority --approve auth_0k3v9q2m7x4d8r1t`.
    """
    if propose and approve_proposal is not None:
        fail("--propose and --approve are two acts, by two people", fix="Give one of them.")
    if propose:
        show(call("POST", "/v1/authority"), as_json=as_json)
    elif approve_proposal is not None:
        show(call("POST", f"/v1/authority/{named(approve_proposal)}/approve"), as_json=as_json)
    else:
        show(call("GET", "/v1/authority"), as_json=as_json)


@app.command()
def stop(why: str, as_json: AsJson = False) -> None:
    """Stop all locking at once; releases go on. Example: `weaklink lock stop "a wrong list came in"`."""
    show(call("POST", "/v1/kill-switch", json={"on": True, "why": why}), as_json=as_json)


@app.command()
def resume(why: str, as_json: AsJson = False) -> None:
    """Allow locking again; not by anybody who stopped it. Example: `weaklink lock resume "the list is right"`."""
    show(call("POST", "/v1/kill-switch", json={"on": False, "why": why}), as_json=as_json)


@app.command()
def alerts(
    seen: Annotated[str | None, typer.Option(help="Say that you have looked at this alert.")] = None,
    as_json: AsJson = False,
) -> None:
    """What people must look at: caps, pauses, wrong locks. Example: `weaklink lock alerts --seen alert_0k3v9q`."""
    if seen is not None:
        show(call("POST", f"/v1/alerts/{named(seen)}/seen"), as_json=as_json)
    else:
        show(call("GET", "/v1/alerts"), as_json=as_json, human=_alerts)


@app.command()
def groups(as_json: AsJson = False) -> None:
    """What ordered locks, and what is paused until a second person clears it. Example: `weaklink lock groups`."""
    show(call("GET", "/v1/locks/groups"), as_json=as_json, human=_groups)


@app.command()
def clear(group: str, why: Annotated[str, typer.Option(help="What you looked at.")], as_json: AsJson = False) -> None:
    """Let a paused group go on that others ordered. Example: `weaklink lock clear policy:auth_0k3v --why "looked"`."""
    show(call("POST", "/v1/locks/clearances", json={"group": group, "why": why}), as_json=as_json)


@app.command("release")
def release_group(group: str, as_json: AsJson = False) -> None:
    """Let go all that a group ordered; one person is enough.

    Example: `weaklink lock release account:agent-1:2026-11-29`.
    """
    released: list[dict[str, Any]] = []
    left = 1
    while left:
        answer = call("POST", "/v1/locks/releases", json={"group": group})
        released += answer["released"]
        left = answer["left"]
    show({"group": group, "released": released}, as_json=as_json, human=_released)


@app.command()
def received(handset: str, as_json: AsJson = False) -> None:
    """The customer has this handset: it is retired for ever. Example: `weaklink lock received 490154203237518`."""
    show(call("POST", f"/v1/devices/{named(handset)}/received"), as_json=as_json)


@app.command()
def leaver(
    handset: str,
    ends_at: Annotated[str, typer.Option(help="When the account ends, RFC 3339.")],
    as_json: AsJson = False,
) -> None:
    """The customer leaves: no lock any more.

    Example: `weaklink lock leaver 490154203237518 --ends-at 2026-12-24T12:00:00Z`.
    """
    show(call("POST", f"/v1/devices/{named(handset)}/leave", json={"ends_at": ends_at}), as_json=as_json)


@app.command()
def leavers(
    cursor: Annotated[str | None, typer.Option(help="Where the page before ended.")] = None,
    as_json: AsJson = False,
) -> None:
    """What customers who leave were told last, for whoever writes to them. Example: `weaklink lock leavers --json`."""
    show(call("GET", "/v1/leavers", params={"cursor": cursor}), as_json=as_json, human=_leavers)


@app.command()
def code(
    handset: str, challenge: Annotated[str, typer.Option(help="What the lock screen shows.")], as_json: AsJson = False
) -> None:
    """The code that opens a lock with no network.

    Example: `weaklink lock code 490154203237518 --challenge "12345678 3.17"`.
    """
    answer = call("POST", f"/v1/devices/{named(handset)}/code", json={"challenge": challenge})
    show(answer, as_json=as_json, human=lambda value: console.print(Text(value["answer"], style="bold")))


def unlock(order: str, as_json: AsJson = False) -> None:
    """Release a lock; one person is enough. Example: `weaklink unlock lock_0k3v9q2m7x4d8r1t`."""
    show(call("POST", f"/v1/locks/{named(order)}/release"), as_json=as_json, human=_order)


def _order(value: dict[str, Any]) -> None:
    console.print(Text.assemble((value["order"], "bold"), f"  {value['state']}  ({value['reason']})"))
    if value["checks"]:
        _checks({"checks": value["checks"]})
    if value.get("backends"):
        show_backends(value["backends"])
    for event in value.get("events", []):
        console.print(f"{event['at']}  {event['event']}  {event['actor']}  entry {event['index']}", highlight=False)


def _checks(value: dict[str, Any]) -> None:
    table = folded("check", "", "reason", "what would allow it")
    marks = {True: Text("yes", "green"), False: Text("no", "red"), None: Text("unknown", "yellow")}
    for row in value["checks"]:
        table.add_row(row["check"], marks[row["ok"]], row["reason"], row["allowed_by"])
    console.print(table)
    if value.get("effects"):
        console.print("What the customer is sent about it:")
        for effect in value["effects"]:
            console.print(f"- {effect}", highlight=False)
    if value.get("refused"):
        console.print(f"{value['refused']['why']}. {value['refused']['allowed_by']}", highlight=False)


def _alerts(value: dict[str, Any]) -> None:
    table = folded(Column("alert", no_wrap=True, overflow="fold"), "kind", "about", "raised", "what")
    for row in value["alerts"]:
        table.add_row(*(str(row[name]) for name in ("alert", "kind", "about", "raised_at", "detail")))
    console.print(table)


def _leavers(value: dict[str, Any]) -> None:
    table = folded("handset", "order", "ends", "told", "words")
    for row in value["leavers"]:
        table.add_row(*(str(row[name] or "") for name in ("device", "order", "ends_at", "told_at", "words")))
    console.print(table)
    tell_next(value)


def _released(value: dict[str, Any]) -> None:
    for row in value["released"]:
        console.print(Text.assemble((row["order"], "bold"), f"  {row['state']}"))
    console.print(f"{len(value['released'])} orders of {value['group']} were let go.", highlight=False)


def _groups(value: dict[str, Any]) -> None:
    table = folded("group", "paused by", "open", "locks looked at", "cleared by")
    for row in value["groups"]:
        cleared = ", ".join(each["person"] for each in row["clearances"])
        table.add_row(row["group"], row["paused"] or "nothing", str(row["open"]), str(len(row["locks"])), cleared)
    console.print(table)


def _orders(value: dict[str, Any]) -> None:
    table = folded(Column("order", no_wrap=True, overflow="fold"), "state", "reason", "requester", "created")
    for row in value["locks"]:
        table.add_row(*(str(row[name]) for name in ("order", "state", "reason", "requester", "created_at")))
    console.print(table)
    tell_next(value)
