import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import imei, luhn

from custody.gs1.canonical import strict_key
from custody.kernel.clock import DAY_MS, HOUR_MS
from custody.kernel.errors import NotFound
from custody.ledger.statements import Step
from simulators.geography import SHIFTS, Geography, build_geography, shift_of
from simulators.goods import PLAIN_PHONES, SMARTPHONES, Model, make_unit

GEOGRAPHY = build_geography()
LARGE = build_geography(warehouses=3, hubs=8, depots=40)


@pytest.mark.parametrize("geography", [GEOGRAPHY, LARGE], ids=["small", "large"])
def test_every_key_lies_under_952_and_has_a_right_check_digit(geography: Geography) -> None:
    keys = [site.key for site in geography.sites.values()]
    keys += [post.place for post in geography.posts.values()]
    keys += [link.custodian for link in geography.links.values()]
    assert all(strict_key(key).value.startswith("952") for key in keys)


@pytest.mark.parametrize("geography", [GEOGRAPHY, LARGE], ids=["small", "large"])
def test_sites_places_stations_and_handlers_are_distinct(geography: Geography) -> None:
    posts = list(geography.posts.values())
    crews = [key for link in geography.links.values() for key in link.crew]
    assert len({site.key for site in geography.sites.values()}) == len(geography.sites)
    assert len({post.place for post in posts}) == len({post.station for post in posts}) == len(posts)
    assert len(set(crews)) == len(crews)


def test_the_small_network_has_the_sites_and_stations_of_the_plan() -> None:
    at = {
        name: [post.name for post in GEOGRAPHY.posts.values() if post.link.site.name == name]
        for name in GEOGRAPHY.sites
    }
    assert at["wh-1"] == ["wh-1/pack-1", "wh-1/pack-2", "wh-1/weigh-1", "wh-1/dock"]
    assert at["hub-1"] == ["hub-1/hub_in", "hub-1/hub_sort"]
    assert at["depot-4"] == ["depot-4/depot", "depot-4/courier"]
    assert at["lh-wh-1"] == ["lh-wh-1/linehaul"]
    assert {post.step for post in GEOGRAPHY.posts.values()} == set(Step) - {Step.OTHER}


def test_a_depot_lies_in_the_region_of_its_hub_and_the_road_in_none() -> None:
    for depot in LARGE.depots:
        assert LARGE.sites[depot].region == LARGE.sites[LARGE.hub_of(depot)].region
    assert {site.region for name, site in LARGE.sites.items() if name.startswith("lh-")} == {None}
    assert {site.region for site in LARGE.sites.values()} - {None} == set(range(8))


def test_an_unknown_link_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(NotFound) as caught:
        GEOGRAPHY.link("moon/dock")
    assert "hub-1/hub_sort" in caught.value.fix


@given(st.integers(0, 4 * 10**12), st.randoms(use_true_random=False))
def test_somebody_is_always_on_duty_and_everybody_takes_every_shift(at_ms: int, rng: random.Random) -> None:
    link = GEOGRAPHY.link("hub-1/hub_sort")
    assert set(link.roster(at_ms)) <= set(link.crew)
    assert link.on_duty(at_ms, rng) in link.roster(at_ms)
    same_shift = [link.roster(at_ms + day * DAY_MS) for day in range(SHIFTS)]
    assert {key for roster in same_shift for key in roster} == set(link.crew)


def test_couriers_drive_whatever_the_shift() -> None:
    link = GEOGRAPHY.link("depot-2/courier")
    assert all(link.roster(hour * HOUR_MS) == link.crew for hour in range(24))


def test_shifts_last_eight_hours() -> None:
    assert [shift_of(hour * HOUR_MS) for hour in (0, 7, 8, 15, 16, 23, 24)] == [0, 0, 1, 1, 2, 2, 0]


@pytest.mark.parametrize("model", [*SMARTPHONES, *PLAIN_PHONES], ids=lambda model: model.name)
@given(serial=st.integers(0, 999_999))
def test_every_handset_has_a_valid_imei_and_names_that_belong_together(model: Model, serial: int) -> None:
    unit = make_unit(model, serial)
    assert luhn.is_valid(unit.imei)
    assert imei.is_valid(unit.imei)
    assert len(unit.imei) == 15
    assert unit.imei_urn == f"urn:gsma:imei:{unit.imei[:8]}-{unit.imei[8:14]}-0"
    assert strict_key(unit.sgtin).qualifier == ("21", unit.imei)
    assert unit.sgtin.startswith(unit.model.gtin)
