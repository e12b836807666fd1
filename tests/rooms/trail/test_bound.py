"""Who declares his own scans wrong takes back what they say, and not that another station signed over them."""

import pytest

from custody.gs1.named_information import write_ni
from custody.investigation.passage import SealSeen, Step
from custody.kernel.clock import HOUR_MS, SECOND_MS
from custody.trail.edition import NEWEST, ReadingEdition
from custody.trail.sealed import SealedScan
from tests.rooms.trail.gone import by_name, gone_with, handlers, names, standings
from tests.rooms.trail.ways import way_of
from tests.rooms.trail.world import CARRIER, JOURNEY, World, kinds, moved

BROKEN = {"wl:sealState": "broken"}


def taken_back(**of_the_release: object) -> tuple[World, SealedScan, SealedScan, SealedScan]:
    """A courier gives the parcel back to the depot, which finds the seal broken; and three scans of that."""
    world = World()
    world.pack()
    world.seal()
    for giver, taker in JOURNEY[:-1]:
        world.hand(giver, taker)
    taken = world.accept("courier-7", world.release("depot-2"), **{"wl:handler": "h-7"})
    world.pass_time(20)
    given = world.release("courier-7", **of_the_release)
    back = world.accept("depot-2", given)
    world.obj("depot-2", "inspecting", **BROKEN)
    world.pass_time(10)
    world.accept("courier-8", world.release("depot-2"), **{"wl:handler": "h-8"})
    world.deliver("courier-8", **{"wl:handler": "h-8"})
    return world, taken, given, back


def test_who_declares_wrong_what_another_station_signed_over_stays_in_the_chain() -> None:
    world, taken, given, _ = taken_back()
    before = way_of(world)
    dual = [handover.signing for handover in world.trail().handovers]
    world.pass_time(100)
    world.declare(taken)
    world.declare(given)
    assert standings(world, taken, given) == ["bound", "bound"]
    assert way_of(world).stays == before.stays
    assert handlers(way_of(world, ReadingEdition.SECOND)) == {"h-8"}
    assert [handover.signing for handover in world.trail().handovers] == dual
    assert [(f.kind, f.severity) for f in world.trail().findings if f.kind == "declared_bound"] == [
        ("declared_bound", "look"),
        ("declared_bound", "look"),
    ]
    assert "declared_bound" not in kinds(world.trail(edition=ReadingEdition.SECOND))


def test_who_declares_only_his_taking_over_wrong_stays_in_the_chain_too() -> None:
    world, taken, _, _ = taken_back()
    world.declare(taken)
    assert handlers(way_of(world)) == {"h-7", "h-8"}


def test_what_was_read_in_a_declared_scan_counts_no_more_though_the_parcel_was_there() -> None:
    world, taken, given, _ = taken_back(**BROKEN, **{"wl:photo": write_ni(bytes(32))})
    assert SealSeen.ANOMALY in {seal for stay in way_of(world).stays[:-1] for seal in (stay.seal, stay.late_seal)}
    world.declare(taken)
    world.declare(given)
    courier = next(stay for stay in way_of(world).stays if stay.handler == "h-7")
    assert (courier.seal, courier.photo) == (SealSeen.NOT_READ, False)
    assert given.index not in {sight.index for sight in world.trail().seal.sights}
    assert given.index not in {photo.index for photo in world.trail().photos}


def test_what_nobody_signed_over_or_who_did_took_back_is_gone() -> None:
    world, taken, given, back = taken_back()
    released = world.scans[world.scans.index(taken) - 1]
    for sealed in (released, taken, given, back):
        world.declare(sealed)
    assert standings(world, taken, given) == ["declared_wrong", "declared_wrong"]
    assert handlers(way_of(world)) == {"h-8"}


@pytest.mark.parametrize(
    "binding", [{"digest": None}, {"digest": b"\x01" * 32}], ids=["by its name", "another statement"]
)
def test_a_name_binds_where_no_digest_is_carried_and_a_wrong_digest_does_not(binding: dict[str, bytes | None]) -> None:
    world = World()
    world.pack()
    given = world.release("bench-4")
    world.accept("dock-2", given, **binding)
    world.declare(given)
    assert standings(world, given) == ["bound" if binding["digest"] is None else "declared_wrong"]


def test_a_scan_of_ones_own_binds_nothing_and_no_third_station_sets_free_what_is_bound() -> None:
    world = World()
    world.pack()
    given = world.release("bench-4", to=CARRIER)
    world.accept("bench-4", given)
    world.declare(given)
    assert standings(world, given) == ["declared_wrong"]
    world, _, given, _ = taken_back()
    world.declare(given)
    assert standings(world, given) == ["bound"]
    world.declare(given, station="desk")
    assert standings(world, given) == ["bound"]


RMA = [{"type": "rma", "bizTransaction": "urn:epcglobal:cbv:bt:9521473000102:R-1"}]


@pytest.mark.parametrize(
    "said", [{"disposition": "returned"}, {"bizTransactionList": RMA}], ids=["as a returned one", "under a return"]
)
def test_a_return_that_was_declared_wrong_takes_nobody_out_of_the_chain_whoever_took_over(
    said: dict[str, object],
) -> None:
    world = World()
    world.pack()
    for giver, taker in JOURNEY[:4]:
        world.hand(giver, taker)
    wrong = world.release("hub-sort-1", **said)
    world.accept("lorry-3", wrong)
    for giver, taker in JOURNEY[5:]:
        world.hand(giver, taker)
    world.declare(wrong)
    assert standings(world, wrong) == ["bound"]
    assert way_of(world).stays[-1].station == "courier-7"
    assert {segment.leg for segment in world.trail().segments} == {"outbound"}
    assert "return" in {segment.leg for segment in world.trail(edition=ReadingEdition.THIRD).segments}
    sent_back = "disposition" in said
    assert (way_of(world, ReadingEdition.THIRD).stays[-1].step is Step.HUB_SORT) == sent_back


def test_a_delivery_that_was_declared_wrong_is_none_though_somebody_took_over_what_it_let_go() -> None:
    world = World().journey(deliver=False)
    wrong = world.release("courier-7", disposition="retail_sold")
    world.accept("courier-8", wrong)
    world.declare(wrong)
    assert standings(world, wrong) == ["bound"]
    assert way_of(world).delivered_ms is None
    delivery, then = (world.trail(edition=edition).delivery for edition in (NEWEST, ReadingEdition.THIRD))
    assert (delivery.reopened, then.reopened) == (False, True)


@pytest.mark.parametrize(
    ("station", "step"), [("courier-7", "inspecting"), ("desk", "other"), ("courier-7", "departing")]
)
@pytest.mark.parametrize("carries", [False, True], ids=["by its name", "by its digest"])
def test_nobody_brings_a_station_back_that_corrected_a_scan_but_who_took_over_from_it(
    station: str, step: str, *, carries: bool
) -> None:
    world = World()
    world.pack()
    for giver, taker in JOURNEY[:-1]:
        world.hand(giver, taker)
    wrong = world.obj("courier-8", "departing", **{"wl:handler": "h-8"})
    digest = {"wl:upstreamStatement": write_ni(wrong.digest)} if carries else {}
    world.obj(station, step, **by_name(wrong), **digest)
    world.declare(wrong)
    assert standings(world, wrong) == ["declared_wrong"]
    assert "h-8" not in handlers(way_of(world))
    assert "h-8" in handlers(way_of(world, ReadingEdition.THIRD))


@pytest.mark.parametrize("digest", [None, "right"], ids=["by its name", "by its digest"])
def test_who_takes_over_what_was_declared_wrong_before_does_not_bring_its_giver_back(digest: str | None) -> None:
    world, given, _ = gone_with()
    wrong = world.release("courier-8", **{"wl:handler": "h-8"})
    world.declare(wrong)
    world.accept("dock-2", wrong, digest=digest)
    assert standings(world, wrong, given) == ["declared_wrong", "standing"]
    assert "h-8" not in handlers(way_of(world))
    assert "h-8" in handlers(way_of(world, ReadingEdition.THIRD))


@pytest.mark.parametrize("digest", [None, "right"], ids=["by its name", "by its digest"])
def test_who_had_taken_over_offline_bound_a_declaration_that_came_first_by_the_time_that_he_signed(
    digest: str | None,
) -> None:
    world = World()
    world.pack()
    given = world.release("bench-4")
    taken = world.accept("dock-2", given, digest=digest)
    declared = world.declare(given)
    late = moved(taken, index=declared.index + 1, received_ms=declared.received_ms + HOUR_MS)
    world.scans[world.scans.index(taken)] = late
    assert standings(world, given) == ["declared_wrong"]
    then = {entry.digest: str(entry.standing) for entry in world.trail(edition=ReadingEdition.FOURTH).entries}
    assert then[given.digest] == ("declared_wrong" if digest is None else "bound")


def test_who_dates_his_taking_over_back_does_not_bring_a_station_back_that_had_corrected_its_scan() -> None:
    world, given, _ = gone_with()
    wrong = world.release("courier-8", **{"wl:handler": "h-8"})
    declared = world.declare(wrong)
    world.pass_time(-2)
    late = world.accept("dock-2", wrong, late=5 * HOUR_MS)
    assert late.scan.iat_s * SECOND_MS < declared.received_ms < late.received_ms
    assert standings(world, wrong, given) == ["declared_wrong", "standing"]
    assert "h-8" not in handlers(way_of(world))
    assert "h-8" in handlers(way_of(world, ReadingEdition.FOURTH))


def test_nobody_makes_a_release_after_that_to_which_a_corrected_taking_over_would_hold_its_station() -> None:
    world = World()
    world.pack()
    unheard = "urn:uuid:00000000-0000-4000-8000-00000000f00d"
    taken = world.obj("courier-7", "accepting", **names(unheard), **{"wl:handler": "h-7"})
    world.declare(taken)
    world.release("hub-sort-2", event_id=unheard)
    assert standings(world, taken) == ["declared_wrong"]
    assert "h-7" not in handlers(way_of(world))
    assert "h-7" in handlers(way_of(world, ReadingEdition.FOURTH))


def test_who_may_not_declare_is_not_told_to_wait_for_somebody_whom_there_is_not() -> None:
    world = World()
    world.declare(world.pack(), station="dock-2")
    (told,) = [f.sentence for f in world.trail().findings if f.kind == "declaration_unauthorised"]
    assert told.endswith("another station signed that; the original still counts.")
    (then,) = [
        f.sentence for f in world.trail(edition=ReadingEdition.SECOND).findings if f.kind == "declaration_unauthorised"
    ]
    assert then.endswith("the original still counts until an adjudicator confirms.")
