"""`weaklink dispute`: open, read and move cases."""

from typing import Annotated, Any

import typer
from rich.table import Column
from rich.text import Text

from api.cli.account import show_viewings
from api.cli.client import call, console, fail, folded, named, show, tell_next
from custody.disputes.messages import pounds

app = typer.Typer(no_args_is_help=True, help="Open, read and move cases; choose a remedy; say that it was found.")
NUMBERS = frozenset({"version", "price_reduction_pence", "award_pence", "amount_pence", "other_pence", "pence"})
TRUTHS = frozenset({"agreed", "beside", "heard", "consent", "has_working_phone", "benefit_lost"})
"""The fields of a move that are no text."""
TRUE_OR_FALSE = {"yes": True, "no": False, "true": True, "false": False}

PERSONS = "Who is who: holder, payer, user, representative or write_to as name=value; died=holder; user_has_it=no."

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value.")]


@app.command("open")
def open_case(
    words: str,
    order: Annotated[str | None, typer.Option(help="Order reference.")] = None,
    item: Annotated[str | None, typer.Option(help="Parcel number or IMEI.")] = None,
    claim: Annotated[str | None, typer.Option(help="never_received, substituted, damaged, defective, ...")] = None,
    found_instead: Annotated[str, typer.Option(help="What was in the parcel.")] = "",
    told: Annotated[str | None, typer.Option(help="What somebody promised the customer elsewhere.")] = None,
    told_by: Annotated[str, typer.Option(help="Who promised it.")] = "",
    person: Annotated[list[str] | None, typer.Option(help=PERSONS)] = None,
    as_json: AsJson = False,
) -> None:
    """Open a dispute.

    Examples: `weaklink dispute open "A power bank came" --order SO-20991 --claim substituted`,
    `weaklink dispute open "It never came" --told "a call on Monday" --told-by "the shop"`.
    """
    for option, typed in {"--order": order, "--item": item, "--claim": claim, "--told": told}.items():
        if typed is not None and not typed.strip():
            fail(f"{option} is empty", fix=f"Say what it is, or leave {option} out.")
    if told_by and told is None:
        fail("--told is missing", fix="Say what was promised, or leave --told-by out.")
    said = {"words": words, "order": order, "item": item, "claim_type": claim, "found_instead": found_instead}
    heard: dict[str, Any] = {"told": [{"what": told, "by_whom": told_by}]} if told else {}
    heard |= {"people": _people(person)}
    show(call("POST", "/v1/disputes", json={**said, **heard, "channel": "phone"}), as_json=as_json, human=_case)


@app.command("list")
def listing(
    state: Annotated[str | None, typer.Option(help="Only cases in this state.")] = None,
    owed: Annotated[
        bool, typer.Option("--owed", help="Only cases in which a credit, or a promise after their end, is owed.")
    ] = False,
    due: Annotated[
        bool, typer.Option("--due", help="Only cases with a promise that is still to be kept, the soonest first.")
    ] = False,
    cursor: Annotated[str | None, typer.Option(help="Where the page before ended.")] = None,
    as_json: AsJson = False,
) -> None:
    """Cases, newest first. Examples: `weaklink dispute list --json`, `weaklink dispute list --due`."""
    asked = {"state": state, "owed": owed or None, "due": due or None, "cursor": cursor}
    show(call("GET", "/v1/disputes", params=asked), as_json=as_json, human=_cases)


@app.command("show")
def read(dispute: str, as_json: AsJson = False) -> None:
    """One case with its timeline. Example: `weaklink dispute show case_0k3v9q2m7x4d8r1t`."""
    show(call("GET", f"/v1/disputes/{named(dispute)}"), as_json=as_json, human=_whole)


@app.command("viewings")
def viewings(
    dispute: str,
    cursor: Annotated[str | None, typer.Option(help="Where the page before ended.")] = None,
    as_json: AsJson = False,
) -> None:
    """Who of ours saw a case and when. Example: `weaklink dispute viewings case_0k3v9q2m7x4d8r1t`."""
    answer = call("GET", f"/v1/disputes/{named(dispute)}/viewings", params={"cursor": cursor})
    show(answer, as_json=as_json, human=show_viewings)


@app.command()
def find(text: str, as_json: AsJson = False) -> None:
    """Cases by order, parcel, IMEI, name, e-mail or phone number. Example: `weaklink dispute find "07700 900123"`."""
    show(call("GET", "/v1/disputes/found", params={"q": text}), as_json=as_json, human=_found)


@app.command("policy")
def rules(as_json: AsJson = False) -> None:
    """The rules by which cases are handled, and which are stated only. Example: `weaklink dispute policy --json`."""
    show(call("GET", "/v1/casework-policy"), as_json=as_json, human=_rules)


@app.command("known-defects")
def defects(as_json: AsJson = False) -> None:
    """Models of which enough were reported as defective lately. Example: `weaklink dispute known-defects --json`."""
    show(call("GET", "/v1/disputes/known-defects"), as_json=as_json, human=_defects)


@app.command("held-charges")
def charges(
    cursor: Annotated[str | None, typer.Option(help="Where the page before ended.")] = None, as_json: AsJson = False
) -> None:
    """Orders of which nothing is to be charged and no debt pursued. Example: `weaklink dispute held-charges --json`."""
    show(call("GET", "/v1/held-charges", params={"cursor": cursor}), as_json=as_json, human=_charges)


@app.command("exceptions")
def exceptions(
    answered: Annotated[bool, typer.Option("--answered", help="Those that have their answer.")] = False,
    cursor: Annotated[str | None, typer.Option(help="Where the page before ended.")] = None,
    as_json: AsJson = False,
) -> None:
    """What customers need and no rule gives, with who is to answer. Example: `weaklink dispute exceptions --json`."""
    asked = {"answered": answered or None, "cursor": cursor}
    show(call("GET", "/v1/exceptions", params=asked), as_json=as_json, human=_exceptions)


@app.command("lessons")
def lessons(
    kind: Annotated[str | None, typer.Option(help="gap: what no rule gives. two_answers: to one question.")] = None,
    learned: Annotated[bool, typer.Option("--learned", help="Those that were learned.")] = False,
    cursor: Annotated[str | None, typer.Option(help="Where the page before ended.")] = None,
    as_json: AsJson = False,
) -> None:
    """What we have to learn from our own answers, with owner and day.

    Examples: `weaklink dispute lessons --json`, `weaklink dispute lessons --kind gap`.
    """
    asked = {"kind": kind, "learned": learned or None, "cursor": cursor}
    show(call("GET", "/v1/lessons", params=asked), as_json=as_json, human=_lessons)


@app.command("learned")
def learned(lesson: str, change: str, as_json: AsJson = False) -> None:
    """Write down what was changed for good.

    Example: `weaklink dispute learned lesson_0k3v9q2m7x4d8r1t "Loans abroad are in the rules now"`.
    """
    show(call("POST", f"/v1/lessons/{named(lesson)}/learned", json={"change": change}), as_json=as_json, human=_lesson)


@app.command()
def choose(
    token: str, remedy: str, payout: Annotated[str | None, typer.Option()] = None, as_json: AsJson = False
) -> None:
    """Choose a remedy with the customer's link. Example: `weaklink dispute choose c_... replacement`."""
    body = {"remedy": remedy, "payout": payout}
    show(call("POST", f"/v1/customer/{named(token)}/choose", json=body), as_json=as_json, human=_case)


@app.command()
def found(token: str, as_json: AsJson = False) -> None:
    """The customer found the phone: every lock of the case is released. Example: `weaklink dispute found c_...`."""
    show(call("POST", f"/v1/customer/{named(token)}/found"), as_json=as_json, human=_case)


@app.command()
def link(dispute: str, as_json: AsJson = False) -> None:
    """A fresh link for the customer; the old one ends. Example: `weaklink dispute link case_0k3v9q2m7x4d8r1t`."""
    show(call("POST", f"/v1/disputes/{named(dispute)}/link"), as_json=as_json, human=_page)


@app.command()
def move(
    dispute: str,
    event: str,
    reference: Annotated[str | None, typer.Option(help="What shows that the remedy was delivered or paid.")] = None,
    known: Annotated[
        list[str] | None,
        typer.Option(help="With whereabouts: lost_on_return_leg, missing_from_custody, ...; or one of them=no."),
    ] = None,
    day: Annotated[
        list[str] | None,
        typer.Option(help="With order_days: delivered, goods_back or proof_of_sending, as name=2026-05-01."),
    ] = None,
    need: Annotated[
        list[str] | None,
        typer.Option(help="With support_needs: what the customer needs of us, in words that they agreed to."),
    ] = None,
    person: Annotated[list[str] | None, typer.Option(help=f"With people. {PERSONS}")] = None,
    more: Annotated[
        list[str] | None,
        typer.Option(
            "--with", help="Any other field of the move, as name=value (agreed=no, version=3); /docs lists them."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Move a case, or write down what was learned.

    Examples: `weaklink dispute move case_0k3v9q2m7x4d8r1t delivered_or_paid --reference TRACK-1`,
    `weaklink dispute move case_0k3v9q2m7x4d8r1t whereabouts --known lost_on_return_leg`,
    `weaklink dispute move case_0k3v9q2m7x4d8r1t order_days --day proof_of_sending=2026-05-01 --reference RECEIPT-1`,
    `weaklink dispute move case_0k3v9q2m7x4d8r1t support_needs --need "letters in large print"`,
    `weaklink dispute move case_0k3v9q2m7x4d8r1t needs --with has_working_phone=no`,
    `weaklink dispute move case_0k3v9q2m7x4d8r1t people --person representative="Ann Lee" --person user_has_it=no`,
    `weaklink dispute move case_0k3v9q2m7x4d8r1t collect --with collect_on=2026-05-14 --with window=morning`,
    `weaklink dispute move case_0k3v9q2m7x4d8r1t told --with what="a free case" --with by_whom="the shop"`,
    `weaklink dispute move case_0k3v9q2m7x4d8r1t exception --with asked_for="a loan abroad" --with gap="UK only"`,
    `weaklink dispute move case_0k3v9q2m7x4d8r1t offer --with price_reduction_pence=2000`.

    With `--with version=3` the move is made on that version of the case, which `show` names, or not at all.
    """
    said = [each.partition("=") for each in known or []]
    where = {name: answer != "no" for name, _, answer in said} or None
    days, fields = _pairs(day), {name: _typed(name, value) for name, value in _pairs(more).items()}
    learned = {"whereabouts": where, "order_days": days or None, "support_needs": need or [], "people": _people(person)}
    body = {"event": event, "reference": reference, **learned, **fields}
    show(call("POST", f"/v1/disputes/{named(dispute)}/events", json=body), as_json=as_json, human=_case)


def _pairs(said: list[str] | None) -> dict[str, str]:
    return {name: value for name, _, value in (each.partition("=") for each in said or [])}


def _people(said: list[str] | None) -> dict[str, Any] | None:
    """Who is who; of several who died each is given by itself."""
    pairs = [(name, value) for name, _, value in (each.partition("=") for each in said or [])]
    fields: dict[str, Any] = {name: value for name, value in pairs if name != "died"}
    if "user_has_it" in fields:
        fields["user_has_it"] = TRUE_OR_FALSE.get(fields["user_has_it"], fields["user_has_it"])
    died = [value for name, value in pairs if name == "died"]
    return {**fields, **({"died": died} if died else {})} or None


def _typed(name: str, value: str) -> str | int | bool:
    """The value of a field as the service takes it; what it cannot be stays text, and is refused there by name."""
    if name in NUMBERS and value.isascii() and value.removeprefix("-").isdigit():
        return int(value)
    return TRUE_OR_FALSE.get(value, value) if name in TRUTHS else value


def _case(value: dict[str, Any]) -> None:
    console.print(Text.assemble((value["dispute"], "bold"), f"  {value['state']}: {value['status']}"))
    order = f", order {value['order']}" if value["order"] else ""
    stands = f"presumption {value['presumption']}, owner {value['owner']}{order}, version {value['version']}"
    console.print(stands, highlight=False)
    if value["known_issue"]:
        console.print("known issue: others of this model were reported as defective; nobody is asked what they did")
    if value.get("remedy"):
        options = ", ".join(f"{option['remedy']}{_sum(option)}" for option in value["remedy"]["options"])
        console.print(f"on offer: {options}", highlight=False)
    for promise in value["promises"]:
        marks = {"came_back": "came back", "set_aside": "set aside", "replaced": "replaced"}
        state = next((said for mark, said in marks.items() if promise[mark]), promise["state"])
        said = f"{promise['promise']} {promise['what']}{_sum(promise)} by {promise['due']} ({state})"
        console.print(f"promise: {said}", highlight=False)
    for told in value["told"]:
        said = f"{told['told']} {told['what']}{_sum(told)} by {told['by_whom'] or 'somebody'}"
        console.print(f"promised elsewhere: {said} ({told['state']}, rebut by {told['rebut_by']})", highlight=False)
    for asked in value["exceptions"]:
        console.print(f"beyond the rules: {_asked(asked)}", highlight=False)
    if value["unpaid_credit_pence"]:
        console.print(f"credit to pay: {pounds(value['unpaid_credit_pence'])}", highlight=False)
    _who_is_who(value)
    if value.get("support_needs"):
        console.print(f"support needs: {'; '.join(value['support_needs'])}", highlight=False)
    for lock in value["locks"]:
        console.print(f"lock: {lock['state']} until {lock['held_until']}", highlight=False)
    if "customer_page" in value:
        _page(value)


def _who_is_who(value: dict[str, Any]) -> None:
    for relation, who in value["people"].items():
        if isinstance(who, dict):
            died = " (died)" if who["has_died"] else ""
            console.print(f"{relation}: {who['name'] or 'not named'}{died}", highlight=False)
    if value["written_to"]:
        console.print(f"write to: the {value['written_to']}; pay: the {value['paid_to']}", highlight=False)


def _asked(value: dict[str, Any]) -> str:
    """What was asked for beyond the rules; a customer is not told who answers."""
    who = (
        f"{value['exception']} {value['asked_for']}, {value['approver']}" if "approver" in value else value["asked_for"]
    )
    return f"{who} ({value['state']}, answer by {value['answer_by']})"


def _whole(value: dict[str, Any]) -> None:
    """A case with all of its timeline."""
    _case(value)
    for line in value["timeline"]:
        why = f": {line['facts']['why']}" if line["facts"].get("why") else ""
        said = f"{line['at']}  {line['kind']}  {line['actor']}  entry {line['index']}{why}"
        console.print(said, highlight=False, markup=False)


def _to_know(row: dict[str, Any]) -> str:
    """What a list says of a case beside where it stands."""
    credit = row["unpaid_credit_pence"]
    said = {
        "does not agree": row["disagreed"],
        f"credit to pay: {pounds(credit)}": credit,
        "put right by another report": row["set_aside"],
        f"promised by {row['next_promise_at']}": row["next_promise_at"],
        f"promised elsewhere, rebut by {row['told_binds_at']}": row["told_binds_at"],
    }
    return ", ".join(words for words, holds in said.items() if holds)


def _sum(value: dict[str, Any]) -> str:
    """The sum of an option or a promise, as a customer reads it; nothing if it has none."""
    return "" if value["amount_pence"] is None else f" ({pounds(value['amount_pence'])})"


def _page(value: dict[str, Any]) -> None:
    console.print(f"customer's page: {value['customer_page']}", highlight=False)


def _cases(value: dict[str, Any]) -> None:
    shown = ("state", "claim_type", "order", "owner", "opened_at")
    case = Column("case", no_wrap=True, overflow="fold")
    table = folded(case, "state", "claim", "order", "owner", "opened", "to know")
    for row in value["disputes"]:
        table.add_row(row["dispute"], *("" if row[name] is None else row[name] for name in shown), _to_know(row))
    console.print(table)
    tell_next(value)


def _rules(value: dict[str, Any]) -> None:
    table = folded("rule", "value", "unit", "from", "note")
    for row in value["rules"]:
        table.add_row(row["key"], str(row["value"]), row["unit"], row["effective_from"], row["note"])
    console.print(table)
    console.print(f"version {value['version']}", highlight=False)


def _defects(value: dict[str, Any]) -> None:
    table = folded("model", "orders", "first", "last")
    for row in value["models"]:
        table.add_row(row["product"], str(row["orders"]), row["first_at"], row["last_at"])
    console.print(table)


def _found(value: dict[str, Any]) -> None:
    table = folded(Column("case", no_wrap=True, overflow="fold"), "state", "claim", "order", "owner", "opened")
    for row in value["disputes"]:
        table.add_row(*(row[name] or "" for name in ("dispute", "state", "claim_type", "order", "owner", "opened_at")))
    console.print(table)
    if value["orders"]:
        console.print(f"orders: {', '.join(value['orders'])}", highlight=False)
    if value["parcel"]:
        console.print(f"parcel: {value['parcel']}", highlight=False)


def _charges(value: dict[str, Any]) -> None:
    table = folded(Column("order", no_wrap=True, overflow="fold"), "why", "since", "sent back")
    for row in value["orders"]:
        table.add_row(row["order"], row["why"], row["since"], row["sent_back"] or "")
    console.print(table)
    tell_next(value)


def _exceptions(value: dict[str, Any]) -> None:
    table = folded(
        Column("exception", no_wrap=True, overflow="fold"), "case", "asked for", "state", "approver", "answer by"
    )
    for row in value["exceptions"]:
        table.add_row(*(row[name] for name in ("exception", "dispute", "asked_for", "state", "approver", "answer_by")))
    console.print(table)
    tell_next(value)


def _lessons(value: dict[str, Any]) -> None:
    table = folded(Column("lesson", no_wrap=True, overflow="fold"), "case", "kind", "what", "owner", "due", "change")
    for row in value["lessons"]:
        table.add_row(*(row[name] or "" for name in ("lesson", "dispute", "kind", "says", "owner", "due", "change")))
    console.print(table)
    tell_next(value)


def _lesson(value: dict[str, Any]) -> None:
    console.print(f"{value['lesson']}  {value['state']}: {value['change']}", highlight=False)
