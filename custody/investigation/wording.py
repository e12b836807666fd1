"""How an answer is said: plainly, with its doubts, and never against the customer.

- Probabilities are whole per cents, never 0 % or 100 %: "under 1 %" and "over 99 %".
- "Most likely" is what is likelier than everything else, as it is said: in whole per cents. Of several with the same
  share the headline names two, and says that they are as likely.
- Where a parcel was at one place several times, it is said which time is meant.
- The second and third possibility always stand beside the first, and so do the shares "in our process", "after
  hand-over" and "not in our data". A process cause (sorting, packing) is an ordinary answer.
- NO_ANOMALY reads "we found nothing unusual in our records". It is never a ground to refuse anything.
- Words that judge people are never used; see `NEVER`.
- If fleet history supplies more than half of what speaks for the answer, that is said.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from custody.investigation.checks import RankedCheck
from custody.investigation.explain import Explanation
from custody.investigation.naming import Naming, NamingOutcome
from custody.investigation.percent import percent, percent_short_of
from custody.investigation.places import place_of, places_of
from custody.investigation.result import Judgement, Party

NEVER = ("fraud", "suspicious", "suspect", "claimed", "alleged", "guilty", "culprit", "liar", "abuse")
HONEST = "nothing here points at the customer"
NOTHING_UNUSUAL = "we found nothing unusual in our records"
HISTORY_CARRIES = "This case alone does not show it: most of the weight comes from other disputes of the same link."


@dataclass(frozen=True, slots=True, kw_only=True)
class Possibility:
    """One answer and its probability in words."""

    text: str
    percent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """What is said about one dispute."""

    headline: str
    possibilities: tuple[Possibility, ...]
    shares: tuple[Possibility, ...]
    verdict: str
    not_known: tuple[str, ...]
    next_check: str

    def lines(self) -> tuple[str, ...]:
        """The statement as lines of text."""
        others = [f"{place}. {item.text} ({item.percent})" for place, item in enumerate(self.possibilities, 1)]
        shares = "; ".join(f"{item.text} {item.percent}" for item in self.shares)
        said = (self.headline, *others, f"Shares: {shares}.", self.verdict, *self.not_known, self.next_check)
        return tuple(line for line in said if line)


def answers(judgement: Judgement, *, times: bool = True) -> tuple[str, ...]:
    """Each column of the table in words; without `times` places that a parcel came back to are called the same."""
    segments = judgement.dispute.segments
    places = places_of(segments) if times else [place_of(segment) for segment in segments]
    return (
        *(f"between {here} and {there}" for here, there in pairwise([*places, "delivery"])),
        "already wrong when it was picked and packed, before the first scan",
        "after hand-over, by somebody who was not meant to have it",
        NOTHING_UNUSUAL,
    )


def state(
    judgement: Judgement,
    naming: Naming,
    *,
    explanation: Explanation | None = None,
    checks: Sequence[RankedCheck] | None = None,
    ties: bool = True,
    times: bool = True,
) -> Wording:
    """What is said about a dispute.

    Without `ties` the first of equals is called the likeliest, without `times` (`answers`) two rounds are called the
    same, as it once was.
    """
    columns, words = judgement.columns, answers(judgement, times=times)
    order = sorted(range(len(columns)), key=lambda column: (-columns[column], column))
    carried = explanation is not None and explanation.history_carries
    return Wording(
        headline=f"{_lead(judgement, words, order, ties=ties)}; {HONEST}.",
        possibilities=tuple(
            Possibility(text=words[column], percent=percent(float(columns[column]))) for column in order[:3]
        ),
        shares=_shares(judgement),
        verdict=_may_be_named(words[naming.segment], naming),
        not_known=(*_not_known(naming), *((HISTORY_CARRIES,) if carried else ())),
        next_check=_next(checks),
    )


def _lead(judgement: Judgement, words: Sequence[str], order: Sequence[int], *, ties: bool) -> str:
    shares = [percent(float(judgement.columns[column])) for column in order]
    lead, equal = words[order[0]], shares.count(shares[0])
    if ties and equal > 1:
        both = f"{lead}, and {words[order[1]]} ({shares[0]} each)"
        return f"Two answers are as likely: {both}" if equal == 2 else f"{equal} answers are as likely, as {both}"
    nothing = order[0] == len(order) - 1
    return f"{lead[0].upper()}{lead[1:]} ({shares[0]})" if nothing else f"Most likely {lead} ({shares[0]})"


def _shares(judgement: Judgement) -> tuple[Possibility, ...]:
    parties = judgement.parties()
    after, unknown = parties[Party.AFTER_HAND_OVER], parties[Party.NOT_IN_OUR_DATA]
    ours = 1.0 - after - unknown
    rows = (("in our process", ours), ("after hand-over", after), ("not in our data", unknown))
    return tuple(Possibility(text=text, percent=percent(share)) for text, share in rows)


def _may_be_named(place: str, naming: Naming) -> str:
    if naming.link_named:
        person = " The custodian's key is shown to two people with a reason." if naming.person_named else ""
        return f"The link {place} may be named ({percent(naming.theft)}).{person}"
    if naming.verdict is NamingOutcome.NEEDS_CHECK:
        return "There is a leading answer, but a check is needed before any link is named."
    return "The records do not settle it."


def _not_known(naming: Naming) -> tuple[str, ...]:
    return tuple(
        f"Not enough for naming a link: {rule.rule} is {percent_short_of(rule.figure, rule.wanted)}, "
        f"{percent(rule.wanted)} is needed."
        for rule in naming.against_link
    )


def _next(checks: Sequence[RankedCheck] | None) -> str:
    if not checks:
        return ""
    best = checks[0]
    return (
        f"Next: {best.check.title}, {best.check.who}, {best.check.minutes:.0f} minutes, "
        f"about {best.bits:.2f} bits of what is not known."
    )
