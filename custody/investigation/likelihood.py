"""What each piece of evidence says under each hypothesis: log P on one common scale, family by family.

- **scans**: q_j = chance that checkpoint j is missed (the custodian's own rate; the roster's mean if he is not
  known); b_j = q_j if missed, else 1 - q_j. psi = chance that a thief's opening scan is missing; b'_s likewise.
  Substituted, emptied, fake in s: sum log b_j - log b_s + log b'_s. Damaged and the three others: sum log b_j. Lost in
  s: sum_{j<=s} log b_j, impossible if any scan exists later; taken whole: the same with b_s replaced by b'_s. Where the
  parcel was scanned only as it was let go, its opening scan is missed, and that one is a scan that exists.
- **dwell**: if the scans s and s + 1 exist, x = log hours between them; substituted, emptied, fake add
  log N(x; m + shift, sd1^2) - log N(x; m, sd0^2), m = log median of the step + own offset of the site and shift.
- **seal**: each reading is a Bernoulli with the clean, theft (contents taken before it), damage (before it) or
  mispick chance of an anomaly. Where the site and step has its own share o of anomalies, s is o + (1 - o) (s - clean)
  / (1 - clean): what is read as wrong on every parcel says nothing of one.
- **complaint**: log(T + 1e-4). **photo**: log ratio of a photo at the opening scan under theft. Where the site and
  step has its own share of photos, theft changes its odds as it does those of the network, and never for the better:
  a photo speaks for nobody's guilt, and where none are made none is missing. **recovered**: found at a site.
- **pin**: verified or absent, if a delivery scan exists; AFTER needs it absent (its prior says so too). One that the
  deliverer recorded and nobody verified says nothing: only among undisputed parcels is it counted as made.
- **weight**, **attach**: modules of their own.

Caps: behaviour (dwell, photo, opening scan) may say at most 10 dB either way; each physical family (weight, seal,
attach, recovered) at most 30 dB against a hypothesis. What is impossible stays impossible.
"""

from collections.abc import Callable, Mapping

import numpy as np

from custody.investigation.attach import attach_family
from custody.investigation.docket import (
    AFTER,
    CLEAR,
    DAMAGED,
    EMPTIED,
    FOUND,
    KINDS,
    LOST,
    NO_ANOMALY,
    ORIGIN,
    SUBSTITUTED,
    THEFTS,
    UNREAD,
    WHOLE,
    Docket,
    split,
)
from custody.investigation.frame import NOWHERE, Floats
from custody.investigation.params import TABLE_ROWS, Params
from custody.investigation.weight import weight_family

DECIBAN = np.log(10) / 10
BEHAVIOUR_CAP = 10 * DECIBAN
PHYSICAL_FLOOR = 30 * DECIBAN
COMPLAINT_FLOOR = 1e-4
PIN_FLOOR = 1e-4
FOUND_ELSEWHERE = -20.0
AT_SITE = 0.9

PHYSICAL = frozenset({"weight", "seal", "attach", "recovered"})
LEARNABLE = frozenset({"scans", "dwell", "photo", "seal"})
"""Families whose numbers are relearned at each pass; the others are computed once."""


def scan_chances(docket: Docket, params: Params) -> tuple[Floats, Floats]:
    """Log b_j for every checkpoint (0 beyond the chain), and the ratio log b'_s - log b_s for every segment."""
    rate = np.full(docket.hours.shape, params.missed_scan)
    rate[:, :-1] = np.where(np.isfinite(docket.own_missed), docket.own_missed, rate[:, :-1])
    rate[np.arange(len(docket)), docket.length] = params.missed_delivery
    made = np.where(docket.awaited, np.where(docket.scanned, np.log1p(-rate), np.log(rate)), 0.0)
    opening = np.where(docket.scanned[:, :-1], np.log1p(-params.psi), np.log(params.psi))
    ratio = np.where(docket.valid, opening - made[:, :-1], 0.0)
    return made, np.clip(ratio, -BEHAVIOUR_CAP, BEHAVIOUR_CAP) if params.caps else ratio


def scans_family(docket: Docket, params: Params) -> Floats:
    """Log P(scans made and missed)."""
    made, ratio = scan_chances(docket, params)
    total = made.sum(axis=1)
    so_far = np.cumsum(made, axis=1)[:, :-1]
    later = np.logical_or.accumulate(docket.seen[:, ::-1], axis=1)[:, ::-1][:, 1:]
    vanished = np.where(later, -np.inf, so_far)
    out = np.empty((len(docket), docket.hypotheses))
    seg, rest = split(out, docket.width)
    seg[:, SUBSTITUTED] = seg[:, EMPTIED] = total[:, None] + ratio
    seg[:, WHOLE] = np.where(docket.fake, total[:, None] + ratio, vanished + ratio)
    seg[:, LOST] = vanished
    seg[:, DAMAGED] = total[:, None]
    rest[:] = total[:, None]
    return out


def dwell_excess(docket: Docket, params: Params) -> Floats:
    """X - m for every segment whose two scans exist, NaN elsewhere."""
    hours = np.diff(docket.hours, axis=1)
    centre = np.log(np.array(params.dwell_median_h))[docket.step] + docket.own_offset
    excess = np.full(hours.shape, np.nan)
    known = np.isfinite(hours) & docket.valid
    excess[known] = np.log(np.maximum(hours[known], 1e-3)) - centre[known]
    return excess


def dwell_family(docket: Docket, params: Params) -> Floats:
    """Log ratio of the time between scans under theft with contents taken, against normal handling."""
    excess = dwell_excess(docket, params)
    theft = -0.5 * ((excess - params.dwell_shift) / params.dwell_theft_sd) ** 2 - np.log(params.dwell_theft_sd)
    clean = -0.5 * (excess / params.dwell_sd) ** 2 - np.log(params.dwell_sd)
    ratio = np.where(np.isfinite(excess), theft - clean, 0.0)
    if params.caps:
        ratio = np.clip(ratio, -BEHAVIOUR_CAP, BEHAVIOUR_CAP)
    out = np.zeros((len(docket), docket.hypotheses))
    seg, _ = split(out, docket.width)
    seg[:, SUBSTITUTED] = seg[:, EMPTIED] = ratio
    seg[:, WHOLE] = np.where(docket.fake, ratio, 0.0)
    return out


def seal_family(docket: Docket, params: Params) -> Floats:
    """Log P(seal readings)."""

    def says(chance: float) -> Floats:
        usual = usual_seal(docket, params)
        here = usual + (1 - usual) * max(chance - params.seal_clean, 0.0) / (1 - params.seal_clean)
        spoken = np.where(docket.seal == FOUND, np.log(here), np.log1p(-here))
        return np.where(docket.seal == UNREAD, 0.0, spoken)

    clean = says(params.seal_clean)
    base = clean.sum(axis=1)
    out = np.empty((len(docket), docket.hypotheses))
    seg, rest = split(out, docket.width)
    seg[:] = base[:, None, None]
    seg[:, SUBSTITUTED] += _after(says(params.seal_theft) - clean)
    seg[:, EMPTIED] = seg[:, SUBSTITUTED]
    seg[:, DAMAGED] += _after(says(params.seal_damage) - clean)
    rest[:] = base[:, None]
    rest[:, ORIGIN] = says(params.seal_mispick).sum(axis=1)
    return out


def usual_seal(docket: Docket, params: Params) -> Floats:
    """For every checkpoint how often a seal is read as wrong on a parcel of which nothing was taken."""
    return np.where(np.isfinite(docket.own_seal), docket.own_seal, params.seal_clean)


def _after(terms: Floats) -> Floats:
    """For each segment s the sum of terms at checkpoints j > s."""
    return np.asarray(np.cumsum(terms[:, ::-1], axis=1)[:, ::-1][:, 1:])


def complaint_family(docket: Docket, params: Params) -> Floats:
    """Log P(what the customer told us)."""
    table = np.log(np.array(params.complaint_table) + COMPLAINT_FLOOR)
    spoken = table[:, docket.complaint].T
    out = np.empty((len(docket), docket.hypotheses))
    seg, rest = split(out, docket.width)
    by_name = {name: spoken[:, place] for place, name in enumerate(TABLE_ROWS)}
    for kind, name in ((SUBSTITUTED, "substituted"), (EMPTIED, "emptied"), (LOST, "lost"), (DAMAGED, "damaged")):
        seg[:, kind] = by_name[name][:, None]
    seg[:, WHOLE] = np.where(docket.fake, by_name["fake"][:, None], by_name["whole"][:, None])
    for kind, name in ((ORIGIN, "origin"), (AFTER, "after"), (NO_ANOMALY, "no_anomaly")):
        rest[:, kind] = by_name[name]
    return out


def photo_family(docket: Docket, params: Params) -> Floats:
    """Log ratio of a photo at the opening scan under theft."""
    usual, theft = photo_chances(docket, params)
    taken, left_out = np.log(theft / usual), np.log((1 - theft) / (1 - usual))
    opening = docket.photo[:, :-1]
    ratio = np.where(opening == FOUND, taken, np.where(opening == CLEAR, left_out, 0.0))
    ratio = np.where(docket.scanned[:, :-1], ratio, 0.0)
    if params.caps:
        ratio = np.clip(ratio, -BEHAVIOUR_CAP, BEHAVIOUR_CAP)
    out = np.zeros((len(docket), docket.hypotheses))
    seg, _ = split(out, docket.width)
    seg[:, :THEFTS] = ratio[:, None, :]
    return out


def photo_chances(docket: Docket, params: Params) -> tuple[Floats, Floats]:
    """For every segment how often its opening scan has a photo, and how often under theft."""
    own = docket.own_photo
    odds, usual = params.photo_theft / (1 - params.photo_theft), params.photo / (1 - params.photo)
    robbed = own / (1 - own) * min(odds / usual, 1.0)
    known = np.isfinite(own)
    return np.where(known, own, params.photo), np.where(known, robbed / (1 + robbed), params.photo_theft)


def recovered_family(docket: Docket, params: Params, sites: int) -> Floats:
    """Log P(the item was found at a site, or not)."""
    found = docket.recovered != NOWHERE
    here = docket.recovered[:, None] == docket.site
    place = np.log(params.recovered) + np.log(AT_SITE * here + (1 - AT_SITE) / max(sites, 1))
    out = np.zeros((len(docket), docket.hypotheses))
    seg, rest = split(out, docket.width)
    seg[:, :THEFTS] = np.where(found[:, None], place, np.log1p(-params.recovered))[:, None, :]
    seg[:, THEFTS:KINDS] = np.where(found, FOUND_ELSEWHERE, 0.0)[:, None, None]
    rest[:] = np.where(found, FOUND_ELSEWHERE, 0.0)[:, None]
    return out


def pin_family(docket: Docket, params: Params) -> Floats:
    """Log P(recipient's number checked, or not); 0 if it could not be observed."""

    def says(given: float) -> Floats:
        return np.where(docket.pin == FOUND, np.log(given), np.where(docket.pin == CLEAR, np.log1p(-given), 0.0))

    out = np.empty((len(docket), docket.hypotheses))
    seg, rest = split(out, docket.width)
    usual = says(params.pin)
    seg[:] = usual[:, None, None]
    seg[:, WHOLE] = np.where(docket.fake, says(params.pin_fake)[:, None], usual[:, None])
    rest[:] = usual[:, None]
    rest[:, AFTER] = np.where(docket.pin == FOUND, np.log(PIN_FLOOR) - np.log1p(-params.pin), 0.0)
    return out


Family = Callable[[Docket, Params], Floats]


def families(sites: int) -> Mapping[str, Family]:
    """Every family by name, for a network of so many sites."""
    return {
        "scans": scans_family,
        "dwell": dwell_family,
        "weight": weight_family,
        "seal": seal_family,
        "complaint": complaint_family,
        "attach": attach_family,
        "photo": photo_family,
        "recovered": lambda docket, params: recovered_family(docket, params, sites),
        "pin": pin_family,
    }


def evidence(docket: Docket, params: Params, sites: int, names: frozenset[str] | None = None) -> Floats:
    """The sum of the families (or of those named), capped if the parameters say so."""
    total = np.zeros((len(docket), docket.hypotheses))
    for name, family in families(sites).items():
        if name in params.off or (names is not None and name not in names):
            continue
        total += capped(name, family(docket, params), docket, params)
    return total


def capped(name: str, value: Floats, docket: Docket, params: Params) -> Floats:
    """A physical family, floored 30 dB under its best hypothesis of each dispute; other families as they are."""
    if not params.caps or name not in PHYSICAL:
        return value
    seg, rest = split(value, docket.width)
    best = np.where(docket.valid[:, None, :], seg, -np.inf).max(axis=(1, 2))
    best = np.maximum(best, rest.max(axis=1))
    return np.asarray(np.maximum(value, best[:, None] - PHYSICAL_FLOOR))
