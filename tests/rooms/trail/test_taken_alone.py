"""Who declares wrong that he took a parcel over stays in its chain, unless it was another who had it."""

import pytest

from custody.investigation.passage import Step
from custody.kernel.clock import HOUR_MS
from custody.trail.bound import AT_ONCE_MS
from custody.trail.edition import ReadingEdition
from custody.trail.sealed import SealedScan
from tests.rooms.trail.gone import by_name, gone_with, handlers, standings
from tests.rooms.trail.ways import way_of
from tests.rooms.trail.world import JOURNEY, SELLER, World, kinds, moved

NOT_SAID = {"named": False, "digest": None}


@pytest.mark.parametrize("how", [{}, {"digest": None}, NOT_SAID], ids=["by its digest", "by its name", "not said"])
def test_the_last_who_signed_that_he_has_the_parcel_does_not_clear_himself(how: dict[str, object]) -> None:
    world, _, taken = gone_with(**how)
    world.pass_time(100)
    world.declare(taken)
    assert standings(world, taken) == ["bound"]
    assert handlers(way_of(world)) == {"h-7"}
    assert Step.COURIER in {segment.step for segment in world.trail().segments}
    (told,) = [f for f in world.trail().findings if f.kind == "declared_bound"]
    assert told.indices[0] == taken.index
    assert "took over what index" in told.sentence
    assert handlers(way_of(world, ReadingEdition.THIRD)) == set()
    assert Step.COURIER not in {segment.step for segment in world.trail(edition=ReadingEdition.THIRD).segments}


def test_nor_does_he_where_the_depot_has_it_again_and_signed_nothing_over_him() -> None:
    world, _, taken = gone_with()
    world.obj("depot-2", "arriving")
    world.accept("courier-8", world.release("depot-2"), **{"wl:handler": "h-8"})
    world.declare(taken)
    assert handlers(way_of(world)) == {"h-7", "h-8"}


def test_who_scanned_what_another_took_over_was_not_there_if_he_says_so() -> None:
    world, given, taken = gone_with()
    world.accept("courier-8", given, **{"wl:handler": "h-8"})
    world.declare(taken)
    assert standings(world, taken) == ["declared_wrong"]
    assert handlers(way_of(world)) == {"h-8"}


@pytest.mark.parametrize("digest", [None, "right"], ids=["by its name", "by its digest"])
def test_nor_does_a_colleague_clear_him_who_says_after_that_that_it_was_he(digest: str | None) -> None:
    world, given, taken = gone_with()
    world.pass_time(24 * 10)
    world.declare(taken)
    world.accept("courier-8", given, digest=digest, chain=False, **{"wl:handler": "h-8"})
    assert standings(world, taken) == ["bound"]
    assert handlers(way_of(world)) == {"h-7", "h-8"}
    assert handlers(way_of(world, ReadingEdition.FOURTH)) == {"h-8"}


def test_it_is_not_said_that_nobody_else_took_over_what_another_signed_for() -> None:
    world, given, taken = gone_with()
    world.accept("dock-2", given)
    world.declare(taken)
    (told,) = [f.sentence for f in world.trail().findings if f.kind == "declared_bound"]
    assert told == (
        f"Index {taken.where} is declared wrong, and it took over what index {given.where} of another station "
        "released, and no standing acceptance of that by another whom it was for was in the log by then: that the "
        "parcel was there still counts."
    )
    (then,) = [f.sentence for f in world.trail(edition=ReadingEdition.FOURTH).findings if f.kind == "declared_bound"]
    assert "and nobody else has: that" in then


TRUE_TAKER = {"wl:handler": "h-7", "chain": False}


def takes(world: World, given: SealedScan, how: str) -> SealedScan:
    """The true taker's first scan: an acceptance that names nothing, a loading, or nothing but the delivery."""
    if how == "accepts":
        return world.accept("courier-7", **TRUE_TAKER)
    if how == "by its name":
        return world.accept("courier-7", given, digest=None, **TRUE_TAKER)
    return world.obj("courier-7", "loading", **TRUE_TAKER) if how == "loads" else world.deliver(**TRUE_TAKER)


def mistaken(how: dict[str, object]) -> tuple[World, SealedScan, SealedScan]:
    """The depot releases to its couriers, and courier 8 accepts by mistake; the release and the acceptance."""
    world = World()
    world.pack()
    for giver, taker in JOURNEY[:-1]:
        world.hand(giver, taker)
    given = world.release("depot-2")
    return world, given, world.accept("courier-8", given, chain=False, **{"wl:handler": "h-8", **how})


@pytest.mark.parametrize("truly", ["accepts", "loads", "delivers", "by its name"])
@pytest.mark.parametrize("before", [False, True], ids=["corrected first", "taken first"])
@pytest.mark.parametrize("how", [{}, {"digest": None}, NOT_SAID], ids=["by its digest", "by its name", "not said"])
def test_who_puts_a_wrong_acceptance_right_at_once_is_cleared_by_who_has_the_parcel(
    how: dict[str, object], truly: str, *, before: bool
) -> None:
    world, given, wrong = mistaken(how)
    if before:
        takes(world, given, truly)
    world.declare(wrong)
    if not before:
        world.pass_time(20)
        takes(world, given, truly)
    assert standings(world, wrong) == ["declared_wrong"]
    assert "h-8" not in handlers(way_of(world))
    assert "declared_bound" not in kinds(world.trail())
    assert ("h-8" in handlers(way_of(world, ReadingEdition.FOURTH))) == (truly != "by its name")


def test_a_hub_in_another_town_that_put_a_typing_error_right_at_once_is_not_in_the_chain() -> None:
    world = World()
    world.pack()
    world.hand("bench-4", "dock-2")
    world.release("dock-2")
    wrong = world.accept("hub-sort-2", chain=False)
    world.declare(wrong)
    for taker in ("lorry-9", "hub-in-1", "hub-sort-1", "lorry-3", "depot-2", "courier-7"):
        world.accept(taker, chain=False)
        world.pass_time(1)
        world.release(taker, chain=False)
    world.deliver(chain=False)
    assert standings(world, wrong) == ["declared_wrong"]
    assert "H2" not in {stay.site for stay in way_of(world).stays}
    assert "H2" in {stay.site for stay in way_of(world, ReadingEdition.FOURTH).stays}


def test_the_giver_who_still_has_it_after_that_clears_him_too() -> None:
    world, _, wrong = mistaken({})
    world.declare(wrong)
    world.obj("depot-2", "inspecting", chain=False)
    assert standings(world, wrong) == ["declared_wrong"]
    assert "h-8" in handlers(way_of(world, ReadingEdition.FOURTH))


@pytest.mark.parametrize("truly", ["accepts", "loads", "delivers"])
@pytest.mark.parametrize("first", [False, True], ids=["after he is missed", "before"])
def test_who_corrects_himself_late_is_not_cleared_by_what_his_colleagues_did_with_the_parcel(
    truly: str, *, first: bool
) -> None:
    world, given, wrong = mistaken({})
    world.pass_time(1)
    if first:
        takes(world, given, truly)
    declared = world.declare(wrong)
    if not first:
        takes(world, given, truly)
    assert declared.received_ms - wrong.received_ms > AT_ONCE_MS
    assert standings(world, wrong) == ["bound"]
    assert "h-8" in handlers(way_of(world))
    assert way_of(world).stays == way_of(world, ReadingEdition.FOURTH).stays


@pytest.mark.parametrize("hours", [1, -1], ids=["by its own clock", "by the log's clock"])
def test_a_correction_that_one_of_both_clocks_calls_late_was_not_made_at_once(hours: float) -> None:
    world, given, wrong = mistaken({})
    world.pass_time(hours)
    declared = world.declare(wrong)
    received_ms = wrong.received_ms + (1_000 if hours > 0 else HOUR_MS)
    world.scans[world.scans.index(declared)] = moved(declared, received_ms=received_ms)
    world.now_ms = received_ms
    takes(world, given, "loads")
    assert standings(world, wrong) == ["bound"]


@pytest.mark.parametrize(
    "nothing", ["nobody", "paper", "declared wrong", "another firm", "an earlier scan that came late"]
)
def test_who_takes_his_acceptance_back_at_once_stays_where_nothing_shows_the_parcel_elsewhere(nothing: str) -> None:
    world, given, wrong = mistaken({})
    world.declare(wrong)
    if nothing == "paper":
        world.obj("courier-7", "other", chain=False, **by_name(given))
    elif nothing == "declared wrong":
        world.declare(world.obj("courier-7", "loading", chain=False))
    elif nothing == "another firm":
        world.obj("dock-2", "inspecting", chain=False)
    elif nothing == "an earlier scan that came late":
        world.obj("lorry-3", "unloading", chain=False, at=given.at_ms - HOUR_MS)
    assert standings(world, wrong) == ["bound"]
    assert "h-8" in handlers(way_of(world))


def test_who_had_it_does_not_bring_another_back_by_taking_his_own_word_back_later() -> None:
    world, given, wrong = mistaken({})
    world.declare(wrong)
    taken = world.accept("courier-7", given, **TRUE_TAKER)
    world.pass_time(24 * 10)
    world.declare(taken)
    assert standings(world, wrong, taken) == ["declared_wrong", "bound"]
    assert handlers(way_of(world)) == {"h-7"}
    assert handlers(way_of(world, ReadingEdition.FOURTH)) == {"h-7", "h-8"}


def test_two_who_take_the_same_back_at_once_do_not_clear_each_other() -> None:
    world, given, wrong = mistaken({})
    taken = world.accept("courier-7", given, **TRUE_TAKER)
    world.declare(wrong)
    world.declare(taken)
    assert standings(world, wrong, taken) == ["bound", "bound"]


def test_what_was_released_to_him_he_had_though_somebody_else_says_that_he_took_it_over() -> None:
    world, given, taken = gone_with()
    world.accept("dock-2", given)
    world.declare(taken)
    assert handlers(way_of(world)) == {"h-7"}


def test_a_release_that_was_accepted_meanwhile_holds_nobody_who_names_none() -> None:
    world = World()
    world.pack()
    world.release("dock-2")
    world.accept("lorry-9")
    taken = world.accept("hub-in-1")
    world.declare(taken)
    assert standings(world, taken) == ["declared_wrong"]


@pytest.mark.parametrize("it_names", [True, False], ids=["it names it", "its latest"])
def test_a_handover_that_both_sides_take_back_was_none(*, it_names: bool) -> None:
    world, given, taken = gone_with(digest=None)
    world.declare(taken)
    world.obj("depot-2", "void_shipping", **by_name(given) if it_names else {})
    assert standings(world, taken) == ["declared_wrong"]
    assert handlers(way_of(world)) == set()
    assert "release_cancelled" in kinds(world.trail())


@pytest.mark.parametrize("it_names", [True, False], ids=["it names it", "its latest"])
@pytest.mark.parametrize("how", [{}, {"digest": None}, NOT_SAID], ids=["by its digest", "by its name", "not said"])
def test_a_colleague_of_the_taker_cancels_no_release_for_him(how: dict[str, object], *, it_names: bool) -> None:
    world, given, taken = gone_with(**how)
    world.pass_time(24 * 10)
    world.declare(taken)
    world.obj("courier-8", "void_shipping", chain=False, **by_name(given) if it_names else {})
    assert standings(world, taken) == ["bound"]
    assert handlers(way_of(world)) == {"h-7"}
    assert handlers(way_of(world, ReadingEdition.FOURTH)) == set()
    assert "release_cancelled" not in kinds(world.trail())
    assert "release_cancelled" in kinds(world.trail(edition=ReadingEdition.FOURTH))


@pytest.mark.parametrize("it_names", [True, False], ids=["it names it", "its latest"])
def test_nor_does_the_giver_once_it_was_accepted_by_its_digest(*, it_names: bool) -> None:
    world, given, taken = gone_with()
    world.pass_time(24 * 10)
    world.declare(taken)
    world.obj("depot-2", "void_shipping", **by_name(given) if it_names else {})
    assert standings(world, taken) == ["bound"]
    assert handlers(way_of(world)) == {"h-7"}
    assert handlers(way_of(world, ReadingEdition.FOURTH)) == set()
    assert {"release_bound", "declared_bound"} <= kinds(world.trail())
    assert "release_cancelled" not in kinds(world.trail())
    assert "release_cancelled" in kinds(world.trail(edition=ReadingEdition.FOURTH))


def test_what_its_giver_cancelled_before_anybody_accepted_it_holds_nobody() -> None:
    world = World()
    world.pack()
    given = world.release("depot-2")
    world.obj("depot-2", "void_shipping", **by_name(given))
    taken = world.accept("courier-7", given)
    world.declare(taken)
    assert standings(world, taken) == ["declared_wrong"]


def test_a_colleague_of_the_giver_cancels_no_release_of_his() -> None:
    world = World()
    given = world.release("depot-2")
    world.obj("courier-8", "void_shipping", **by_name(given))
    world.accept("courier-7", given)
    signing = {edition: world.trail(edition=edition).handovers[0].signing for edition in ReadingEdition}
    assert signing[ReadingEdition.FIFTH] == "dual"
    assert signing[ReadingEdition.FOURTH] == "named"


def test_the_taker_cancels_no_release_of_the_givers() -> None:
    world, _, taken = gone_with()
    world.declare(taken)
    world.obj("courier-7", "void_shipping")
    assert standings(world, taken) == ["bound"]


def test_nobody_is_held_by_a_release_that_its_giver_declared_wrong_too_or_that_was_to_another() -> None:
    world, given, taken = gone_with()
    world.declare(given)
    world.declare(taken)
    assert standings(world, taken) == ["declared_wrong"]
    world = World()
    world.pack()
    world.release("depot-2", to=SELLER)
    taken = world.accept("courier-7", None)
    world.declare(taken)
    assert standings(world, taken) == ["declared_wrong"]


def test_no_third_station_takes_back_what_was_taken_over_alone() -> None:
    world, _, taken = gone_with()
    world.declare(taken)
    world.declare(taken, station="desk")
    assert standings(world, taken) == ["bound"]
