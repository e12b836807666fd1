"""The next best check: what to look at now, by bits gained for each minute spent.

A check has a chance of a positive finding under each hypothesis and costs minutes. Expected gain in bits =
H(p) - P(pos) H(p | pos) - P(neg) H(p | neg), H over the table of links. The ranking is made again after each result.

The usual catalogue: camera footage of each segment (45 minutes; .60 if theft there, .25 lost, .35 damaged there, .01
otherwise) and another look at the photos and seal of each checkpoint that has a photo (5 minutes; .55 if contents were
taken before it, .65 if damaged before it, .03 otherwise).

What a check has shown is evidence of its own dispute: each result multiplies the chances of its finding, and a check
whose result is there is not proposed again. It teaches nothing about other disputes. Its title says which time is meant
where a parcel was at one place several times; it is known again by the own key of its site, whatever that is called,
and by the log index of the stay that it was of, whatever scans come late before that.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from custody.investigation.docket import DAMAGED, EMPTIED, FOUND, LOST, THEFTS, split
from custody.investigation.frame import Floats
from custody.investigation.places import coded_place, own_place, place_of, with_times, without_time
from custody.investigation.result import CheckResult, Judgement

CAMERA_MINUTES, LOOK_AGAIN_MINUTES = 45.0, 5.0
CAMERA = {"theft": 0.60, "lost": 0.25, "damaged": 0.35, "otherwise": 0.01}
LOOK_AGAIN = {"contents": 0.55, "damaged": 0.65, "otherwise": 0.03}
_OWN = "own: "
_Titles = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Check:
    """Something to look at. `positive` is the chance of a finding under each hypothesis, in the docket's order.

    `own` is its title with the site's own key, whatever people call the site; `stay` is the log index of the stay that
    it is of, if somebody scanned that.
    """

    key: str
    title: str
    own: str
    who: str
    minutes: float
    positive: Floats
    expires_ms: int | None = None
    stay: int | None = None


@dataclass(frozen=True, kw_only=True)
class RankedCheck:
    """A check and what it is worth now."""

    check: Check
    bits: float
    chance: float

    @property
    def bits_per_minute(self) -> float:
        """What each minute brings."""
        return self.bits / self.check.minutes


def usual_checks(
    judgement: Judgement,
    *,
    footage_expires_ms: Mapping[int, int] | None = None,
    words: bool = True,
    times: bool = True,
) -> list[Check]:
    """The usual catalogue for a dispute, less what was checked.

    `footage_expires_ms` says by segment when footage is overwritten; without `words`, titles name steps as they once
    did, by their codes, and without `times` two stays at one place have the same title, as they once had.
    """
    known = _by_title(judgement)
    done = {check.key for checked in judgement.checked for check in _checks_of(known, checked)}
    segments = judgement.dispute.segments
    places = [place_of(segment) if words else coded_place(segment) for segment in segments]
    catalogue = _catalogue(judgement, footage_expires_ms or {}, with_times(places) if times else places)
    return [check for check in catalogue if check.key not in done]


def with_results(judgement: Judgement, results: Iterable[CheckResult]) -> Judgement:
    """What is believed with what checks have shown. A result of no check of this chain is left out.

    A chain that was read again may have other links, or the same ones by other numbers, and a site may be called
    otherwise. A check is the same if it is of the same stay at the same place; of a stay that is not there any more it
    may be any at that place. One from before, or of what nobody had scanned, is the same if its title with the site's
    own key is, or its title for one from long before; where several have that title, the one of its number is, and
    where none has its number, it may have been any of them.
    """
    known = _by_title(judgement)
    meant = [(_checks_of(known, checked), checked) for checked in results]
    latest = {tuple(check.key for check in checks): (checks, checked) for checks, checked in meant if checks}
    for _, (checks, checked) in sorted(latest.items()):
        believed = judgement.rejudged(evidence=judgement.evidence + _log_chance(*checks, positive=checked.found))
        judgement = replace(believed, checked=(*judgement.checked, checked))
    return judgement


def shown(judgement: Judgement) -> Floats:
    """What the checks that were made add to the evidence: natural log-likelihoods, one for each hypothesis."""
    known = _by_title(judgement)
    total = np.zeros(judgement.docket.hypotheses)
    for checked in judgement.checked:
        if checks := _checks_of(known, checked):
            total += _log_chance(*checks, positive=checked.found)
    return total


def next_checks(judgement: Judgement, catalogue: Iterable[Check], *, per_minute: bool = True) -> list[RankedCheck]:
    """The catalogue, best first: by bits a minute, or by bits."""
    ranked = [_rank(judgement, check) for check in catalogue]
    if per_minute:
        return sorted(ranked, key=lambda item: (-item.bits_per_minute, item.check.key))
    return sorted(ranked, key=lambda item: (-item.bits, item.check.key))


def after(judgement: Judgement, check: Check, *, positive: bool) -> Judgement:
    """What is believed once a check has come back."""
    return judgement.rejudged(evidence=judgement.evidence + _log_chance(check, positive=positive))


def entropy_bits(columns: Floats) -> float:
    """Uncertainty of a table in bits."""
    known = columns[columns > 0]
    return float(-(known * np.log2(known)).sum())


def _rank(judgement: Judgement, check: Check) -> RankedCheck:
    flat = np.concatenate([judgement.kinds.reshape(-1), judgement.rest])
    found = flat * check.positive
    chance = float(found.sum())
    before = entropy_bits(judgement.columns)
    yes = entropy_bits(_columns(found / max(chance, 1e-300), judgement))
    no = entropy_bits(_columns((flat - found) / max(1 - chance, 1e-300), judgement))
    return RankedCheck(check=check, bits=max(before - chance * yes - (1 - chance) * no, 0.0), chance=chance)


def _log_chance(check: Check, *others: Check, positive: bool) -> Floats:
    """The chance of what a check has shown; of several that may be meant, that any of them finds something, or none."""
    chance = check.positive
    for other in others:
        chance = chance + other.positive - chance * other.positive
    return np.asarray(np.log(chance if positive else 1.0 - chance))


def _columns(flat: Floats, judgement: Judgement) -> Floats:
    seg, rest = split(flat[None], judgement.docket.width)
    return np.concatenate([seg[0].sum(axis=0), rest[0]])


def _by_title(judgement: Judgement) -> Mapping[str, Mapping[str, Check]]:
    """Every check of a chain by each of its titles, and by its key among those of one title.

    What is looked for by the own keys of sites has their titles alone, so that no site has another one's.
    """
    segments = judgement.dispute.segments
    own, coded, worded = ([of(each) for each in segments] for of in (own_place, coded_place, place_of))
    checks = {check.key: check for check in _catalogue(judgement, {}, coded)}
    known = defaultdict[str, dict[str, Check]](dict)
    for owned, named in ((True, own), (False, coded), (False, worded)):
        for places in (named, with_times(named)):
            for key, title in _titles(judgement, places).items():
                known[_OWN + title if owned else title][key] = checks[key]
    return known


def _checks_of(known: Mapping[str, Mapping[str, Check]], checked: CheckResult) -> tuple[Check, ...]:
    """The check of a chain that a result is of, or those that it may be of; none if it has no such check."""
    title = checked.title if checked.own is None else _OWN + checked.own
    if checked.stay is not None:
        there = known.get(without_time(title), {})
        mine = tuple(check for check in there.values() if check.stay == checked.stay)
        return mine or tuple(there.values())
    same = known.get(title) or known.get(without_time(title), {})
    numbered = same.get(checked.check)
    return tuple(same.values()) if numbered is None else (numbered,)


def _titles(judgement: Judgement, places: Sequence[str]) -> _Titles:
    """The title of each check, by its key."""
    photos = judgement.docket.photo[0]
    cameras = {f"camera-{s:02d}": f"Look at the camera footage of {place}" for s, place in enumerate(places)}
    return cameras | {
        f"photo-{j:02d}": f"Look again at the photo and seal of {place}"
        for j, place in enumerate([*places, "delivery"])
        if photos[j] == FOUND
    }


def _catalogue(judgement: Judgement, expires: Mapping[int, int], places: Sequence[str]) -> list[Check]:
    segments = judgement.dispute.segments
    titles = _titles(judgement, places)
    own = _titles(judgement, with_times([own_place(segment) for segment in segments]))
    checks = [_camera(judgement, s, (titles, own), expires.get(s)) for s in range(len(segments))]
    looked = [j for j in range(len(segments) + 1) if f"photo-{j:02d}" in titles]
    return [*checks, *(_look_again(judgement, j, (titles, own)) for j in looked)]


def _camera(judgement: Judgement, s: int, names: tuple[_Titles, _Titles], expires_ms: int | None) -> Check:
    key = f"camera-{s:02d}"
    row = np.full((1, judgement.docket.hypotheses), CAMERA["otherwise"])
    seg, _ = split(row, judgement.docket.width)
    seg[0, :THEFTS, s] = CAMERA["theft"]
    seg[0, LOST, s] = CAMERA["lost"]
    seg[0, DAMAGED, s] = CAMERA["damaged"]
    return Check(
        key=key,
        title=names[0][key],
        own=names[1][key],
        stay=judgement.dispute.segments[s].index,
        who=f"the site lead of {judgement.dispute.segments[s].site}",
        minutes=CAMERA_MINUTES,
        positive=row[0],
        expires_ms=expires_ms,
    )


def _look_again(judgement: Judgement, j: int, names: tuple[_Titles, _Titles]) -> Check:
    key = f"photo-{j:02d}"
    row = np.full((1, judgement.docket.hypotheses), LOOK_AGAIN["otherwise"])
    seg, _ = split(row, judgement.docket.width)
    seg[0, : EMPTIED + 1, :j] = LOOK_AGAIN["contents"]
    seg[0, DAMAGED, :j] = LOOK_AGAIN["damaged"]
    return Check(
        key=key,
        title=names[0][key],
        own=names[1][key],
        stay=judgement.dispute.segments[j].index if j < len(judgement.dispute.segments) else None,
        who="the investigator",
        minutes=LOOK_AGAIN_MINUTES,
        positive=row[0],
    )
