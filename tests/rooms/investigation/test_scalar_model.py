"""A second, scalar implementation of every evidence family, one hypothesis at a time, agrees with the arrays."""

import math
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from custody.investigation.docket import KINDS, make_docket
from custody.investigation.frame import Floats, make_frame
from custody.investigation.likelihood import evidence
from custody.investigation.params import FAMILIES, TABLE_ROWS, Params
from custody.investigation.passage import COMPLAINTS, STEPS, Dispute, Fleet, Pin, SealSeen, Step
from custody.kernel.clock import HOUR_MS
from simulators.fleet.setting import WORLDS
from simulators.fleet.world import World, make_world

SEGMENT_KINDS = ("substituted", "emptied", "third", "lost", "damaged")
REST = ("origin", "after", "no_anomaly")
THEFT = ("substituted", "emptied", "whole", "fake")
CONTENTS = ("substituted", "emptied", "fake")
INF = float("inf")


def normal(x: float, mean: float, sd: float) -> float:
    return -0.5 * ((x - mean) / sd) ** 2 - math.log(sd)


def log_add(values: list[float]) -> float:
    top = max(values)
    return top if top == -INF else top + math.log(sum(math.exp(value - top) for value in values))


class Scalar:
    """The evidence of one dispute under one hypothesis, from the dispute itself."""

    def __init__(self, dispute: Dispute, fleet: Fleet, params: Params) -> None:
        self.d, self.fleet, self.p = dispute, fleet, params
        self.size = len(dispute.segments)
        self.hours = [
            None if point.scan_ms is None else (point.scan_ms - dispute.start_ms) / HOUR_MS
            for point in dispute.checkpoints
        ]
        sites = {site for site, _ in fleet.site_steps} | set(fleet.regions) | {site for site, _ in fleet.site_shifts}
        self.sites = len(sites | {segment.site for segment in dispute.segments})

    def missed(self, j: int) -> float:
        if j == self.size:
            return self.p.missed_delivery
        segment = self.d.segments[j]
        hands = [segment.handler] if segment.handler else sorted(set(segment.roster))
        own = [self.fleet.missed_scan[hand] for hand in hands if hand in self.fleet.missed_scan]
        return sum(own) / len(own) if own else self.p.missed_scan

    def b(self, j: int) -> float:
        rate = self.missed(j)
        return math.log(rate) if self.hours[j] is None else math.log1p(-rate)

    def opening(self, s: int) -> float:
        theft = math.log(self.p.psi) if self.hours[s] is None else math.log1p(-self.p.psi)
        return self.cap(theft - self.b(s))

    def cap(self, value: float) -> float:
        bound = math.log(10)
        return max(-bound, min(bound, value)) if self.p.caps else value

    def scans(self, kind: str, s: int) -> float:
        total = sum(self.b(j) for j in range(self.size + 1))
        if kind in CONTENTS:
            return total + self.opening(s)
        if kind in ("whole", "lost"):
            if any(hour is not None for hour in self.hours[s + 1 :]):
                return -INF
            so_far = sum(self.b(j) for j in range(s + 1))
            return so_far + (self.opening(s) if kind == "whole" else 0.0)
        return total

    def dwell(self, kind: str, s: int) -> float:
        if kind not in CONTENTS or self.hours[s] is None or self.hours[s + 1] is None:
            return 0.0
        segment = self.d.segments[s]
        x = math.log(max(self.hours[s + 1] - self.hours[s], 1e-3))
        centre = math.log(self.p.dwell_median_h[STEPS.index(segment.step)])
        centre += self.fleet.dwell_offset.get((segment.site, segment.shift), 0.0)
        return self.cap(
            normal(x, centre + self.p.dwell_shift, self.p.dwell_theft_sd) - normal(x, centre, self.p.dwell_sd)
        )

    def weight(self, kind: str, s: int) -> float:
        places = [j for j, point in enumerate(self.d.checkpoints) if point.mass_g is not None]
        y = [self.d.checkpoints[j].mass_g - self.d.declared_mass_g for j in places]
        if not places:
            return 0.0
        if kind == "substituted":
            wide = self.changed(places, y, s, mean=0.0, sd=self.p.swap_sd_g)
            narrow = self.changed(places, y, s, mean=0.0, sd=self.p.swap_neutral_sd_g)
            share = self.p.swap_neutral_share
            return log_add([math.log1p(-share) + wide, math.log(share) + narrow])
        if kind == "emptied":
            return self.changed(places, y, s, mean=-self.d.item_mass_g, sd=self.p.emptied_sd_g)
        spread = self.p.declared_sd_g**2 + (self.p.mispick_sd_g**2 if kind == "origin" else 0.0)
        return self.patterns(y, [0.0] * len(y), spread, 0.0)

    def changed(self, places: list[int], y: list[float], s: int, *, mean: float, sd: float) -> float:
        moved = [1.0 if j > s else 0.0 for j in places]
        shifted = [value - mean * flag for value, flag in zip(y, moved, strict=True)]
        return self.patterns(shifted, moved, self.p.declared_sd_g**2, sd**2)

    def patterns(self, y: list[float], moved: list[float], spread: float, change: float) -> float:
        """Multivariate normal density with covariance noise + t 11' + v mm', summed over outlier patterns."""
        count, e = len(y), self.p.outlier_share
        values = []
        for odd in [None, *range(count)]:
            noise = [self.p.scale_sd_g**2 + (self.p.outlier_sd_g**2 if i == odd else 0.0) for i in range(count)]
            cov = np.diag(noise) + spread + change * np.outer(moved, moved)
            weight = count * math.log1p(-e) if odd is None else math.log(e) + (count - 1) * math.log1p(-e)
            _, det = np.linalg.slogdet(2 * math.pi * cov)
            values.append(weight - 0.5 * det - 0.5 * float(np.array(y) @ np.linalg.solve(cov, np.array(y))))
        return log_add(values)

    def seal(self, kind: str, s: int) -> float:
        total = 0.0
        for j, point in enumerate(self.d.checkpoints):
            if point.seal is SealSeen.NOT_READ:
                continue
            chance = self.p.seal_clean
            if kind in ("substituted", "emptied") and j > s:
                chance = self.p.seal_theft
            elif kind == "damaged" and j > s:
                chance = self.p.seal_damage
            elif kind == "origin":
                chance = self.p.seal_mispick
            total += math.log(chance) if point.seal is SealSeen.ANOMALY else math.log1p(-chance)
        return total

    def complaint(self, kind: str, _: int) -> float:
        row = self.p.complaint_table[TABLE_ROWS.index(kind)]
        return math.log(row[COMPLAINTS.index(self.d.complaint)] + 1e-4)

    def attach(self, kind: str, s: int) -> float:
        d, p = self.d, self.p
        if not d.high_value:
            return 0.0
        shares = {"lost": p.attach_lost, "damaged": p.attach_damaged, "origin": p.attach_origin,
                  "no_anomaly": p.attach_intact}  # fmt: skip
        share = shares.get(kind, p.attach_theft)
        if d.attach_ms is None:
            return math.log1p(-share)
        at = (d.attach_ms - d.start_ms) / HOUR_MS
        seen = [hour for hour in self.hours if hour is not None]
        last = seen[-1] if seen else 0.0
        delivery = self.hours[-1] if self.hours[-1] is not None else last + 10
        if kind in THEFT or kind == "lost":
            before = [hour for hour in self.hours[: s + 1] if hour is not None]
            start = before[-1] if before else 0.0
            ahead = [hour for hour in self.hours[s + 1 :] if hour is not None]
            stop = max(ahead[0] if ahead else last + 48, start + 0.5)
            if kind == "lost":
                f, place = self.late(at, start, start + 0.5, p.attach_slow_tau_h), math.log(1 / p.regions)
            else:
                f = self.late(at, start, stop, p.attach_theft_tau_h)
                place = self.place(self.fleet.regions.get(d.segments[s].site), p.attach_theft_home)
        elif kind == "after":
            f = self.late(at, delivery, delivery + 24, p.attach_theft_tau_h)
            place = self.place(d.customer_region, p.attach_after_home)
        elif kind == "origin":
            f = math.exp(-at / p.attach_slow_tau_h) / p.attach_slow_tau_h if at > 0 else 0.0
            place = math.log(1 / p.regions)
        else:
            tau = p.attach_intact_tau_h
            f = math.exp(-(at - delivery) / tau) / tau if at > delivery else 0.0
            place = self.place(d.customer_region, p.attach_intact_home)
        return math.log(share) + math.log(f + 1e-7) + place

    @staticmethod
    def late(at: float, start: float, stop: float, tau: float) -> float:
        if at <= start:
            return 0.0
        return (math.exp(-(at - min(at, stop)) / tau) - math.exp(-(at - start) / tau)) / (stop - start)

    def place(self, expected: str | None, home: float) -> float:
        if expected is None:
            return math.log(1 / self.p.regions)
        return math.log(home * (self.d.attach_region == expected) + (1 - home) / self.p.regions)

    def photo(self, kind: str, s: int) -> float:
        point = self.d.checkpoints[s] if kind in THEFT else None
        if point is None or point.scan_ms is None or point.photo is None:
            return 0.0
        theft, clean = self.p.photo_theft, self.p.photo
        return self.cap(math.log(theft / clean) if point.photo else math.log((1 - theft) / (1 - clean)))

    def recovered(self, kind: str, s: int) -> float:
        found = self.d.recovered_site
        if kind not in THEFT:
            return 0.0 if found is None else -20.0
        if found is None:
            return math.log1p(-self.p.recovered)
        here = 0.9 * (found == self.d.segments[s].site) + 0.1 / self.sites
        return math.log(self.p.recovered) + math.log(here)

    def pin(self, kind: str, _: int) -> float:
        if self.d.pin is Pin.UNOBSERVED:
            return 0.0
        given = self.d.pin is Pin.VERIFIED
        if kind == "after":
            return math.log(1e-4 / (1 - self.p.pin)) if given else 0.0
        rate = self.p.pin_fake if kind == "fake" else self.p.pin
        return math.log(rate) if given else math.log1p(-rate)

    def row(self, names: tuple[str, ...]) -> Floats:
        """The sum of some families over all hypotheses, physical ones floored if caps are on."""
        cells = [(kind, s) for kind in SEGMENT_KINDS for s in range(self.size)] + [(kind, None) for kind in REST]
        total = np.zeros(len(cells))
        for name in names:
            values = [getattr(self, name)(self.kind(kind, s), s) for kind, s in cells]
            if self.p.caps and name in ("weight", "seal", "attach", "recovered"):
                floor = max(values) - 3 * math.log(10)
                values = [max(value, floor) for value in values]
            total += values
        return total

    def kind(self, kind: str, s: int) -> str:
        if kind != "third":
            return kind
        return "fake" if s == self.size - 1 and self.d.segments[s].step is Step.COURIER else "whole"


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(replace(WORLDS["beh_own"], parcels=25_000, weighed=0.4), 5)


@pytest.mark.parametrize(("family", "caps"), list(product((*FAMILIES, "all"), ("open", "capped"))))
def test_arrays_and_scalars_agree_on_every_dispute(world: World, family: str, caps: str) -> None:
    params = Params(caps=caps == "capped")
    frame = make_frame(world.fleet, world.disputes)
    docket = make_docket(world.disputes, frame)
    names = FAMILIES if family == "all" else (family,)
    rows = evidence(docket, params, len(frame.sites), frozenset(names))
    for number, dispute in enumerate(world.disputes):
        expected = Scalar(dispute, world.fleet, params).row(names)
        size = len(dispute.segments)
        cut = [kind * docket.width + s for kind in range(KINDS) for s in range(size)]
        found = rows[number][cut + list(range(KINDS * docket.width, docket.hypotheses))]
        impossible = np.isneginf(expected)
        assert (np.isneginf(found) == impossible).all()
        assert found[~impossible] == pytest.approx(expected[~impossible], rel=1e-12, abs=1e-12)
