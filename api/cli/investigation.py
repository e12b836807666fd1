"""`weaklink investigation`: checks, what they showed, the conclusion, and what is mended for good."""

from typing import Annotated, Any

import typer

from api.cli.client import call, console, fail, folded, named, show
from api.pages.times import short_key

app = typer.Typer(
    no_args_is_help=True, help="Steps of an investigation: checks and results, conclusion, fix. Links, never people."
)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value.")]
Why = Annotated[str, typer.Option(help="The reasons.")]


@app.command("list")
def listing(as_json: AsJson = False) -> None:
    """Every investigation with its state. Example: `weaklink investigation list --json`."""
    show(call("GET", "/v1/investigations"), as_json=as_json, human=_list)


@app.command()
def steps(dispute: str, as_json: AsJson = False) -> None:
    """The steps so far, and what is possible now. Example: `weaklink investigation steps case_0k3v9q2m7x4d8r1t`."""
    show(call("GET", _path(dispute)), as_json=as_json, human=_steps)


@app.command()
def check(dispute: str, check: str, as_json: AsJson = False) -> None:
    """Have a check of the last ranking made.

    Example: `weaklink investigation check case_0k3v9q2m7x4d8r1t camera-03`.
    """
    _take(dispute, {"event": "do_check", "check": check}, as_json=as_json)


@app.command()
def result(
    dispute: str,
    found: Annotated[bool, typer.Option("--found/--nothing", help="Whether the check found something.")],
    words: Annotated[str, typer.Option(help="What was seen.")],
    as_json: AsJson = False,
) -> None:
    """Write down what the check showed; it counts when the chain is judged again.

    Example: `weaklink investigation result case_0k3v9q2m7x4d8r1t --found --words "At 02:14 a box is opened."`.
    """
    _take(dispute, {"event": "result", "found": found, "words": words}, as_json=as_json)


@app.command()
def conclude(
    dispute: str,
    finding: Annotated[str, typer.Option(help="What was found, in words that the customer reads.")],
    why: Why,
    probability: Annotated[float, typer.Option(help="How likely it is, from 0 to 1.")],
    low: Annotated[float, typer.Option(help="The low end of its interval.")],
    high: Annotated[float, typer.Option(help="The high end of its interval.")],
    as_json: AsJson = False,
) -> None:
    """End it with what was found; the customer is told.

    Example: `weaklink investigation conclude case_0k3v9q2m7x4d8r1t --finding "A box was opened at a hub."
    --why "The weight falls there." --probability 0.86 --low 0.7 --high 0.93`.
    """
    shares = {"probability": probability, "low": low, "high": high}
    for name, share in shares.items():
        if not 0 <= share <= 1:  # so no NaN either, which JSON has no word for
            fail(f"--{name} {share} is not how likely anything is", fix="Give a number from 0 to 1.")
    _take(dispute, {"event": "conclude", "finding": finding, "why": why, **shares}, as_json=as_json)


@app.command()
def nothing(dispute: str, why: Why, as_json: AsJson = False) -> None:
    """End one that was never ranked without an answer; the customer is told.

    Example: `weaklink investigation nothing case_0k3v9q2m7x4d8r1t --why "No parcel is known."`.
    """
    _take(dispute, {"event": "nothing_found", "why": why}, as_json=as_json)


@app.command()
def fix(
    dispute: str,
    fix: Annotated[str, typer.Option(help="What changes, in words that the customer reads.")],
    owner: Annotated[str, typer.Option(help="Whose process it is.")],
    due: Annotated[str, typer.Option(help="By which day, as 2027-01-31.")],
    as_json: AsJson = False,
) -> None:
    """Write down what is mended for good; the customer is told.

    Example: `weaklink investigation fix case_0k3v9q2m7x4d8r1t --fix "Every box is weighed when it leaves."
    --owner "head of sorting" --due 2027-01-31`.
    """
    _take(dispute, {"event": "file_fix", "fix": fix, "owner": owner, "due": due}, as_json=as_json)


@app.command()
def reopen(dispute: str, why: Why, as_json: AsJson = False) -> None:
    """Go on with one that was concluded.

    Example: `weaklink investigation reopen case_0k3v9q2m7x4d8r1t --why "A film was found."`.
    """
    _take(dispute, {"event": "reopen", "why": why}, as_json=as_json)


def _path(dispute: str) -> str:
    return f"/v1/investigations/{named(dispute)}/events"


def _take(dispute: str, body: dict[str, Any], *, as_json: bool) -> None:
    show(call("POST", _path(dispute), json=body), as_json=as_json, human=_steps)


def _list(value: dict[str, Any]) -> None:
    table = folded("investigation", "case", "state", "ranked")
    for row in value["investigations"]:
        table.add_row(row["investigation"], row["dispute"], row["state"], "yes" if row["ranked"] else "no")
    console.print(table)


def _steps(value: dict[str, Any]) -> None:
    table = folded("at", "step", "by", "what", title=f"Investigation of {value['dispute']}: {value['state']}")
    for row in value["steps"]:
        facts = row["facts"]
        what = (facts.get(name) for name in ("headline", "title", "words", "finding", "fix", "why"))
        table.add_row(row["at"], row["step"], row["by"], short_key("; ".join(filter(None, what))))
    console.print(table)
    if value["fix_due"]:
        console.print(f"The fix is to be filed by {value['fix_due']}.", highlight=False)
    console.print(f"Possible now: {', '.join(value['possible']) or 'nothing'}.", highlight=False)
