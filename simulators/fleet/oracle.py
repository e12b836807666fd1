"""What could be known: the same Bayes rule with a world's true numbers.

`true_params` are the true numbers of evidence and nuisance rates; with them frozen, joint inference knows everything
but the rates of single links ("hyper"). The oracle also knows those: who is hot and how places and people differ
(the roster's mean where the hand is hidden).
"""

from dataclasses import replace

import numpy as np

from custody.investigation.docket import Docket, make_docket
from custody.investigation.frame import COURIER, Floats, Frame, make_frame
from custody.investigation.likelihood import evidence
from custody.investigation.params import Params
from custody.investigation.passage import SHIFTS
from custody.investigation.prior import Hazards, background, hazards, log_prior, neutral_factors, normalise
from simulators.fleet.world import World


def true_params(world: World, *, caps: bool = False) -> Params:
    """The world's own numbers, all marked as supplied, so that nothing is learned."""
    setting = world.setting
    return Params(caps=caps, learn=False).operator(
        background=(setting.theft,) * 7,
        kappa=setting.kappa,
        loss=setting.loss,
        damage=setting.damage,
        mispick=setting.mispick,
        porch=setting.porch,
        intact_share=max(setting.intact_share, 1e-9),
        theta=setting.theta,
        psi=setting.missed_theft,
        dwell_shift=setting.dwell_shift,
        dwell_theft_sd=setting.dwell_theft_sd,
        photo_theft=setting.photo_theft,
        seal_theft=setting.seal_theft,
        seal_damage=setting.seal_damage,
        swap_sd_g=setting.swap_sd_g,
        swap_neutral_share=0.0,
        emptied_sd_g=15.0,
        mispick_sd_g=80.0,
        attach_theft=0.40,
        attach_intact=0.60,
        attach_theft_tau_h=72.0,
        attach_theft_home=0.5,
        recovered=0.03,
        complaint_table=setting.complaints,
        hot_handlers=max(setting.thieves, 1) / len(world.network.handler_names),
    )


def operator_params(world: World, start: Params) -> Params:
    """Installed defaults with the rates and the complaint table an operator knows."""
    setting = world.setting
    return start.operator(
        loss=setting.loss,
        damage=setting.damage,
        mispick=setting.mispick,
        porch=setting.porch,
        complaint_table=setting.complaints,
    )


def oracle_posterior(world: World) -> tuple[Docket, Floats]:
    """Hypothesis rows of every dispute, in the order of their ids, from the true rates of every link."""
    params = true_params(world)
    fleet = replace(
        world.fleet,
        missed_scan=dict(zip(world.network.handler_names, map(float, world.truth.missed), strict=True)),
        dwell_offset={
            (world.network.site_names[at[0]], at[1]): float(value)
            for at, value in np.ndenumerate(world.truth.dwell_offset)
        },
    )
    frame = make_frame(fleet, world.disputes)
    docket = make_docket(world.disputes, frame)
    rows = evidence(docket, params, len(frame.sites))
    return docket, normalise(log_prior(docket, _hazards(world, docket, frame, params), params.theta) + rows)


def _hazards(world: World, docket: Docket, frame: Frame, params: Params) -> Hazards:
    truth, network = world.truth, world.network
    number = {name: place for place, name in enumerate(network.handler_names)}
    seat = np.array([number[frame.handlers.names[handler]] for handler in docket.seat_handler])
    shift = docket.shift[docket.seat_row, docket.seat_segment]
    cell = docket.seat_row * docket.width + docket.seat_segment
    size = len(docket) * docket.width
    hot = np.bincount(cell, docket.seat_share * truth.handler_rate[seat, shift], size).reshape(-1, docket.width)
    rough = np.bincount(cell, docket.seat_share * truth.handler_damage[seat], size).reshape(-1, docket.width)
    site_number = {name: place for place, name in enumerate(network.site_names)}
    sites = np.array([site_number[name] for name in frame.sites.names])
    ring = truth.site_rate.reshape(-1)[sites[docket.site] * SHIFTS + docket.shift]
    hot += np.where(docket.step == COURIER, 0.0, ring)
    theft = background(docket, params) + np.where(docket.high[:, None], hot, 0.0)
    pool = {
        (network.site_names[network.pool_site[place]], int(network.pool_step[place])): place
        for place in range(len(network.pool_size))
    }
    pools = np.array([pool[site, int(step)] for (site, _), step in
                      zip(frame.site_steps.names, frame.step_of_passes[:-1], strict=True)])  # fmt: skip
    factors = neutral_factors(frame)
    plain = hazards(docket, frame, params, factors=factors, theft=theft, disputes=len(docket))
    route = np.append(truth.route_factor[[number[name] for name in frame.routes.names]], 1.0)[docket.route]
    return replace(
        plain,
        loss=plain.loss * truth.loss_factor[pools[docket.site_step]],
        damage=plain.damage * truth.damage_factor[pools[docket.site_step]] * rough,
        after=plain.after * route,
        no_anomaly=plain.no_anomaly * route,
    )
