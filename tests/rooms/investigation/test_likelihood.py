"""Evidence families: golden values, caps, and what is impossible."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from custody.investigation.attach import attach_family, delayed
from custody.investigation.docket import (
    DAMAGED,
    EMPTIED,
    LOST,
    NO_ANOMALY,
    SUBSTITUTED,
    WHOLE,
    Docket,
    make_docket,
    split,
)
from custody.investigation.frame import make_frame
from custody.investigation.likelihood import (
    BEHAVIOUR_CAP,
    PHYSICAL_FLOOR,
    dwell_family,
    evidence,
    photo_family,
    pin_family,
    recovered_family,
    scans_family,
    seal_family,
)
from custody.investigation.params import Params
from custody.investigation.passage import Checkpoint, Complaint, Dispute, Fleet, Pin, SealSeen, Segment, Step
from custody.kernel.clock import HOUR_MS

DocketOf = Callable[..., Docket]
Build = Callable[..., Dispute]
OPEN = Params(caps=False)


def test_a_long_stay_speaks_for_theft_by_the_golden_ratio(docket_of: DocketOf, dispute: Build) -> None:
    truth = Params(dwell_shift=0.70, dwell_theft_sd=0.55, caps=False)
    docket = docket_of(dispute(hours={0: 0.0, 1: 6.0, 2: 8.0}))
    seg, rest = split(dwell_family(docket, truth), docket.width)
    assert seg[0, SUBSTITUTED, 0] == pytest.approx(0.0519, abs=5e-5)
    assert seg[0, WHOLE, 0] == 0
    assert not rest.any()


def test_density_of_a_delayed_attach_is_golden() -> None:
    value = delayed(np.array(60.0), np.array(10.0), np.array(18.0), 72.0)
    assert float(value) == pytest.approx(0.0073354, abs=5e-8)


def test_attach_in_the_region_of_a_site_speaks_for_it_by_the_golden_values() -> None:
    truth = Params(attach_theft=0.40, attach_theft_tau_h=72.0, attach_theft_home=0.5, attach_intact=0.60)
    hours = (0.0, 10.0, 18.0, 30.0)
    seen = Dispute(
        id="d",
        high_value=True,
        start_ms=0,
        segments=tuple(
            Segment(step=step, site=site, shift=0, handler="h")
            for step, site in ((Step.PACK, "here"), (Step.HUB_SORT, "near"), (Step.HUB_IN, "far"))
        ),
        checkpoints=tuple(Checkpoint(scan_ms=round(hour * HOUR_MS)) for hour in hours),
        complaint=Complaint.WRONG_ITEM,
        customer_region="a",
        attach_ms=60 * HOUR_MS,
        attach_region="a",
    )
    fleet = Fleet(parcels=0, regions={"near": "a", "far": "b", "here": "b"})
    docket = make_docket([seen], make_frame(fleet, [seen]))
    seg, rest = split(attach_family(docket, truth), docket.width)
    assert seg[0, SUBSTITUTED, 1] == pytest.approx(-6.4067, abs=5e-5)
    moved = replace(seen, attach_region="c")
    docket = make_docket([moved], make_frame(fleet, [moved]))
    seg, _ = split(attach_family(docket, truth), docket.width)
    assert seg[0, SUBSTITUTED, 1] == pytest.approx(-8.6039, abs=5e-5)
    assert rest[0, NO_ANOMALY] == pytest.approx(-4.9836, abs=5e-5)


def test_a_device_that_nobody_could_see_says_nothing_by_its_silence(docket_of: DocketOf, dispute: Build) -> None:
    assert not attach_family(docket_of(dispute(attach_watched=False)), OPEN).any()
    assert attach_family(docket_of(dispute()), OPEN).any()
    assert not attach_family(docket_of(dispute(high_value=False)), OPEN).any()


def test_nothing_vanishes_before_a_later_scan(docket_of: DocketOf, dispute: Build) -> None:
    missed = dict.fromkeys(range(4, 9))
    docket = docket_of(dispute(hours=missed))
    seg, _ = split(scans_family(docket, OPEN), docket.width)
    assert np.isneginf(seg[0, LOST, :3]).all()
    assert np.isfinite(seg[0, LOST, 3:]).all()
    assert np.isneginf(seg[0, WHOLE, :3]).all()
    assert np.isfinite(seg[0, WHOLE, -1])


def test_silence_after_a_vanishing_event_costs_nothing(docket_of: DocketOf, dispute: Build) -> None:
    docket = docket_of(dispute(hours=dict.fromkeys(range(4, 9))))
    seg, _ = split(scans_family(docket, OPEN), docket.width)
    assert seg[0, LOST, 3] == pytest.approx(4 * math.log(0.95))
    assert seg[0, SUBSTITUTED, 3] < seg[0, LOST, 3] - 10


def test_own_missed_scan_rates_replace_the_general_one(docket_of: DocketOf, dispute: Build) -> None:
    case = dispute(hours={2: None})
    fleet = Fleet(parcels=0, missed_scan={"linehaul-2": 0.4})
    docket = make_docket([case], make_frame(fleet, [case]))
    seg, _ = split(scans_family(docket, OPEN), docket.width)
    untidy = seg[0, SUBSTITUTED, 2] - seg[0, DAMAGED, 2]
    docket = docket_of(case)
    seg, _ = split(scans_family(docket, OPEN), docket.width)
    tidy = seg[0, SUBSTITUTED, 2] - seg[0, DAMAGED, 2]
    assert tidy == pytest.approx(math.log(0.20 / 0.05))
    assert untidy == pytest.approx(math.log(0.20 / 0.40))


def test_a_broken_seal_speaks_for_every_link_before_it(docket_of: DocketOf, dispute: Build) -> None:
    docket = docket_of(dispute(seals={2: SealSeen.OK, 5: SealSeen.ANOMALY}))
    seg, rest = split(seal_family(docket, OPEN), docket.width)
    ratio = seg[0, EMPTIED] - rest[0, NO_ANOMALY]
    assert ratio[2:5] == pytest.approx([math.log(0.60 / 0.004)] * 3)
    assert ratio[5:] == pytest.approx([0.0] * 3)
    assert (ratio[:2] < ratio[2]).all()


def test_a_photo_that_was_not_taken_is_not_a_photo_that_could_not_be(docket_of: DocketOf, dispute: Build) -> None:
    docket = docket_of(dispute(photos={1: False, 2: True}))
    seg, _ = split(photo_family(docket, OPEN), docket.width)
    assert seg[0, WHOLE, :4] == pytest.approx([0.0, math.log(0.6 / 0.5), math.log(0.4 / 0.5), 0.0])


def test_a_recovered_item_points_at_its_site(docket_of: DocketOf, dispute: Build) -> None:
    docket = docket_of(dispute(recovered_site="hub"))
    seg, rest = split(recovered_family(docket, OPEN, 4), docket.width)
    assert seg[0, SUBSTITUTED, 3] - seg[0, SUBSTITUTED, 0] == pytest.approx(math.log(0.925 / 0.025))
    assert (rest == -20.0).all()
    docket = docket_of(dispute(recovered_site="a pawn shop far away"))
    seg, _ = split(recovered_family(docket, OPEN, 4), docket.width)
    assert np.ptp(seg[0, SUBSTITUTED]) == 0


def test_a_pin_counts_only_with_a_delivery_scan(docket_of: DocketOf, dispute: Build) -> None:
    silent = docket_of(dispute(pin=Pin.VERIFIED, hours={8: None}))
    assert not pin_family(silent, OPEN).any()
    docket = docket_of(dispute(pin=Pin.VERIFIED))
    seg, rest = split(pin_family(docket, OPEN), docket.width)
    assert seg[0, WHOLE, -1] == pytest.approx(math.log(0.05))
    assert rest[0, 1] == pytest.approx(math.log(1e-4 / 0.2))


def test_a_check_that_is_recorded_and_not_verified_speaks_for_nobody(docket_of: DocketOf, dispute: Build) -> None:
    assert not pin_family(docket_of(dispute(pin=Pin.RECORDED)), OPEN).any()


def test_behaviour_may_say_ten_decibans_at_most(docket_of: DocketOf, dispute: Build) -> None:
    slow = docket_of(dispute(hours={1: 5.0, 2: 60.0, **{place: 60.0 + place for place in range(3, 9)}}))
    open_, capped = dwell_family(slow, OPEN), dwell_family(slow, Params())
    assert open_.max() > BEHAVIOUR_CAP
    assert np.abs(capped).max() == pytest.approx(BEHAVIOUR_CAP)
    untidy = Params(psi=0.99, missed_scan=0.001)
    docket = docket_of(dispute(hours={2: None}))
    seg, rest = split(scans_family(docket, untidy), docket.width)
    assert seg[0, SUBSTITUTED, 2] - rest[0, 0] == pytest.approx(BEHAVIOUR_CAP)


def test_a_physical_family_may_say_thirty_decibans_at_most(docket_of: DocketOf, dispute: Build) -> None:
    docket = docket_of(dispute(masses={0: 1000.0, 3: 800.0, 5: 801.0}))
    open_ = evidence(docket, OPEN, 4, frozenset({"weight"}))
    capped = evidence(docket, Params(), 4, frozenset({"weight"}))
    assert np.ptp(open_) > PHYSICAL_FLOOR
    assert np.ptp(capped) == pytest.approx(PHYSICAL_FLOOR)
    assert capped.argmax() == open_.argmax()


def test_caps_never_make_the_impossible_possible(docket_of: DocketOf, dispute: Build) -> None:
    docket = docket_of(dispute())
    rows = [evidence(docket, params, 4) for params in (OPEN, Params())]
    assert (np.isneginf(rows[0]) == np.isneginf(rows[1])).all()
    assert np.isneginf(rows[0]).any()


@pytest.mark.parametrize("family", ["scans", "dwell", "weight", "seal", "complaint", "attach", "photo", "pin"])
def test_each_family_can_be_left_out_alone(docket_of: DocketOf, dispute: Build, family: str) -> None:
    docket = docket_of(
        dispute(masses={0: 990.0, 4: 950.0}, seals={3: SealSeen.ANOMALY}, photos={2: False}, attach_ms=50 * HOUR_MS)
    )
    every = evidence(docket, OPEN, 4)
    only = evidence(docket, OPEN, 4, frozenset({family}))
    without = evidence(docket, OPEN.without(family), 4)
    known = np.isfinite(every)
    assert only.any()
    assert (without + only)[known] == pytest.approx(every[known], abs=1e-12)
