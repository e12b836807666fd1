"""What an investigation found, and the hotspots of the network, as they are printed for people."""

from typing import Any

from api.cli.client import console, folded
from api.pages.times import sentence, short_key
from custody.investigation.percent import percent
from custody.investigation.places import REST_WORDS
from custody.trail.route import STEP_WORDS

MOST_LINKS = 8
EXPLAINED = "its traffic explains it, or too few disputes"
ONE = "(one custodian)"
NOTHING = "Nothing stands out: no link or shift has more disputed thefts than its traffic explains."


def show_finding(value: dict[str, Any]) -> None:
    """The lines of the answer, its likeliest links, and its checks by the names that `investigation check` takes."""
    for line in value["lines"]:
        console.print(short_key(line), highlight=False)
    table = folded("link", "probability", title="Ranked links")
    for link in value["links"][:MOST_LINKS]:
        table.add_row(_link(link), percent(link["probability"]))
    console.print(table)
    if value["checks"]:
        checks = folded("check", "what", "who", "minutes", title="Checks that would tell more")
        for check in value["checks"]:
            said = (short_key(check[name]) for name in ("check", "title", "who"))
            checks.add_row(*said, f"{check['minutes']:.0f}")
        console.print(checks)


def show_hotspots(value: dict[str, Any]) -> None:
    """Links and shifts, each with its share of the traffic and with what follows."""
    if not value["hotspots"]:
        console.print(NOTHING, highlight=False)
        return
    table = folded("link", "shift", "P(hot)", "disputes", "traffic", "lift", "what follows", title="Hotspots")
    for spot in value["hotspots"]:
        table.add_row(
            f"{_place(spot)} {spot['handler'] or (ONE if spot['shift'] is None else '')}".strip(),
            "" if spot["shift"] is None else str(spot["shift"] + 1),
            percent(spot["hot"]),
            f"{spot['charged']:.1f}",
            percent(spot["traffic_share"]),
            f"{spot['lift']:.1f}",
            "act" if spot["act"] else "look" if spot["look"] else EXPLAINED,
        )
    console.print(table)


def _link(link: dict[str, Any]) -> str:
    return sentence(REST_WORDS[link["name"]]) if link["site"] is None else _place(link)


def _place(link: dict[str, Any]) -> str:
    work = "all links" if link["step"] is None else STEP_WORDS[link["step"]]
    return sentence(f"{work} at {short_key(link['site'])}")
