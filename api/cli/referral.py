"""`weaklink dispute ...` for desks: who takes what, and handing a case on from one to another."""

from typing import Annotated, Any

import typer

from api.cli.client import call, console, folded, named, show
from custody.disputes.referral import RECOGNISED_BY

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value.")]


def desks(as_json: AsJson = False) -> None:
    """Which desk takes what, and to which it may refer. Example: `weaklink dispute desks --json`."""
    show(call("GET", "/v1/desks"), as_json=as_json, human=_desks)


def desk(dispute: str, as_json: AsJson = False) -> None:
    """At which desk a case is, where it may go, and who recognised its customer.

    Example: `weaklink dispute desk case_0k3v9q2m7x4d8r1t`.
    """
    show(call("GET", f"/v1/disputes/{named(dispute)}/desk"), as_json=as_json, human=_at_desk)


def recognised(
    dispute: str,
    how: Annotated[str, typer.Argument(help=f"One of {', '.join(RECOGNISED_BY)}.")],
    as_json: AsJson = False,
) -> None:
    """Say how the customer was recognised; nobody asks them again for 30 minutes, and a referral begins these anew.

    Example: `weaklink dispute recognised case_0k3v9q2m7x4d8r1t order_and_postcode`.
    """
    answer = call("POST", f"/v1/disputes/{named(dispute)}/recognised", json={"how": how})
    show(answer, as_json=as_json, human=_at_desk)


def refer(dispute: str, to: Annotated[str, typer.Argument(metavar="DESK")], as_json: AsJson = False) -> None:
    """Offer a case to another desk; it stays with its owner until somebody there accepts.

    Example: `weaklink dispute refer case_0k3v9q2m7x4d8r1t repairs`.
    """
    answer = call("POST", f"/v1/disputes/{named(dispute)}/referral", json={"desk": to})
    show(answer, as_json=as_json, human=_at_desk)


def accept(dispute: str, as_json: AsJson = False) -> None:
    """Take a case that is referred to your desk; the customer is told your name.

    Example: `weaklink dispute accept case_0k3v9q2m7x4d8r1t`.
    """
    show(call("POST", f"/v1/disputes/{named(dispute)}/referral/accept"), as_json=as_json, human=_at_desk)


def keep(dispute: str, as_json: AsJson = False) -> None:
    """End a referral: the case stays with its owner. Example: `weaklink dispute keep case_0k3v9q2m7x4d8r1t`."""
    show(call("POST", f"/v1/disputes/{named(dispute)}/referral/keep"), as_json=as_json, human=_at_desk)


def referrals(
    token: Annotated[str | None, typer.Option(help="Only what this token says, which came with a customer.")] = None,
    as_json: AsJson = False,
) -> None:
    """Cases that wait for somebody to accept them.

    Examples: `weaklink dispute referrals`, `weaklink dispute referrals --token eyJkaXNwdXRlIjoi... --json`.
    """
    if token is not None:
        show(call("POST", "/v1/referrals/read", json={"token": token}), as_json=as_json, human=_token)
        return
    show(call("GET", "/v1/referrals"), as_json=as_json, human=_referrals)


def add_to(app: typer.Typer) -> None:
    """Put these commands beside the others of `weaklink dispute`."""
    for command in (desks, desk, recognised, refer, accept, keep, referrals):
        app.command()(command)


def _desks(value: dict[str, Any]) -> None:
    table = folded("desk", "what it is", "kinds", "refers to")
    for row in value["desks"]:
        kinds = "any" if row["kinds"] is None else ", ".join(row["kinds"])
        table.add_row(row["desk"], row["says"], kinds, ", ".join(row["refers_to"]))
    console.print(table)


def _at_desk(value: dict[str, Any]) -> None:
    console.print(f"{value['dispute']}, owner {value['owner']}, at the desk {value['desk']}", highlight=False)
    if value["may_refer_to"]:
        console.print(f"may be referred to: {', '.join(value['may_refer_to'])}", highlight=False)
    _recognised(value)
    if value["referral"]:
        _offered(value["referral"])
        console.print(f"token: {value['referral']['token']}", highlight=False, soft_wrap=True)


def _recognised(value: dict[str, Any]) -> None:
    known = value["recognised"]
    if known:
        how = RECOGNISED_BY.get(known["how"], known["how"])
        console.print(f"recognised by {known['by']}: {how}; not asked again until {known['until']}", highlight=False)


def _offered(referral: dict[str, Any]) -> None:
    said = f"referred to {referral['desk']} by {referral['by']}, until {referral['until']} unless somebody accepts"
    console.print(said, highlight=False)


def _token(said: dict[str, Any]) -> None:
    console.print(said["dispute"], highlight=False)
    _offered(said)
    _recognised(said)


def _referrals(value: dict[str, Any]) -> None:
    table = folded("case", "owner", "referred to", "until")
    for row in value["referrals"]:
        table.add_row(row["dispute"], row["owner"], row["referral"]["desk"], row["referral"]["until"])
    console.print(table)
