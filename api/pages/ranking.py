"""The ranked links of an investigation as a page shows them: in order, a bar each, what speaks for and against.

- All shares add up to one; "not in our data" is one of them.
- The whisker of the leading link is the range in which its share moves if any one kind of evidence is left out: the
  score in decibans less the leave-one-out value, turned back into a probability.
- For and against come from the trail: between which checks a change lies, how the hand-overs were signed, what stands
  out in the link's own scans. They are about links, never about people.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from api.pages import words
from api.pages.charts.bars import share_bar, weight_bar
from api.pages.times import short_key, span_words
from custody.investigation.percent import percent
from custody.trail.segments import Segment
from custody.trail.trail import Trail

OPEN_SIGNINGS = frozenset({"gap", "one_sided", "named"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedLink:
    """One row of the ranking."""

    column: int
    segment: str | None
    title: str
    where: str
    share: str
    probability: float
    bar: Markup
    speaks_for: tuple[str, ...]
    speaks_against: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WeighedReason:
    """What one kind of evidence contributes, in decibans."""

    evidence: str
    decibans: float
    without_it: float
    says: str
    bar: Markup


def rank_links(found: dict[str, Any], trail: Trail) -> list[RankedLink]:
    """The rows, likeliest first."""
    whisker = leader_range(found)
    by_column = _segments(found, trail)
    rows = []
    for place, link in enumerate(found["links"]):
        segment, following = by_column.get(link["column"], (None, None))
        speaks_for, speaks_against = _facts(trail, segment) if segment is not None else ((), ())
        rows.append(
            RankedLink(
                column=link["column"],
                segment=None if segment is None else segment.id,
                title=_title(link, segment, following),
                where="" if link["site"] is None else f"site {short_key(link['site'])}",
                share=percent(link["probability"]),
                probability=link["probability"],
                bar=share_bar(link["probability"], whisker if place == 0 else None),
                speaks_for=speaks_for,
                speaks_against=speaks_against,
            )
        )
    return rows


def leader_range(found: dict[str, Any]) -> tuple[float, float] | None:
    """How far the leading share moves if one kind of evidence is left out; None without reasons."""
    if not found["reasons"]:
        return None
    scores = [found["score_db"], *(found["score_db"] - reason["without_it"] for reason in found["reasons"])]
    return _share(min(scores)), _share(max(scores))


def weigh(reasons: Sequence[dict[str, Any]]) -> list[WeighedReason]:
    """The reasons of one link, as bars."""
    most = max((abs(reason["decibans"]) for reason in reasons), default=1.0)
    return [
        WeighedReason(
            evidence=reason["evidence"],
            decibans=reason["decibans"],
            without_it=reason["without_it"],
            says=reason["words"],
            bar=weight_bar(reason["decibans"], most=most),
        )
        for reason in reasons
    ]


def link_title(link: dict[str, Any]) -> str:
    """A link's name where no trail is at hand."""
    return _title(link, None, None)


def _share(decibans: float) -> float:
    return float(1 / (1 + 10 ** (-decibans / 10)))


def _title(link: dict[str, Any], segment: Segment | None, following: Segment | None) -> str:
    if link["site"] is None:
        return words.worded(words.REST, link["name"]).capitalize()
    if segment is None:
        return f"{words.STEPS[link['step']]} at {short_key(link['site'])}".capitalize()
    onward = "delivery" if following is None else following.name
    return f"Between {segment.name} and {onward}"


def _segments(found: dict[str, Any], trail: Trail) -> dict[int, tuple[Segment, Segment | None]]:
    """The trail's segments by column of the table; both follow the way of the parcel."""
    columns = sorted((link for link in found["links"] if link["site"] is not None), key=lambda link: link["column"])
    matched: dict[int, tuple[Segment, Segment | None]] = {}
    start = 0
    for link in columns:
        for place in range(start, len(trail.segments)):
            segment = trail.segments[place]
            if segment.site == link["site"] and segment.step == link["step"]:
                following = trail.segments[place + 1] if place + 1 < len(trail.segments) else None
                matched[link["column"]] = (segment, following)
                start = place + 1
                break
    return matched


def _facts(trail: Trail, segment: Segment) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What the trail says for this link and against it."""
    yes, no = [], []
    onward = [handover for handover in trail.handovers if handover.giver == segment.id]
    here = {segment.id, *(handover.id for handover in onward)}
    for narrowing in trail.narrowings:
        after = "before it" if narrowing.after_index is None else f"at entry {narrowing.after_index}"
        if here & set(narrowing.links):
            yes.append(
                f"The {narrowing.kind} was still right {after} and wrong at entry {narrowing.before_index}; "
                "this link lies between."
            )
        else:
            no.append(f"The change of {narrowing.kind} lies between other links.")
    for handover in onward:
        (yes if handover.signing in OPEN_SIGNINGS else no).append(f"Handing on: {handover.sentence}")
    own = set(segment.indices)
    yes += [finding.sentence for finding in trail.findings if finding.severity != "note" and own & {*finding.indices}]
    if not segment.seen:
        yes.append("Nobody scanned the parcel here.")
    elif segment.dwell_ms is not None:
        no.append(f"It was scanned in and out; it stayed {span_words(segment.dwell_ms)}.")
    return tuple(yes), tuple(no)
