"""How well a handover is proved."""

from dataclasses import replace
from typing import Any

import pytest

from custody.trail.edition import NEWEST, ReadingEdition
from custody.trail.segments import Handover
from custody.trail.trail import Trail
from tests.rooms.trail.world import CARRIER, SELLER, World, kinds, moved

OTHER_CARRIER = "https://id.gs1.org/417/9521473000119"


def handover(world: World, edition: ReadingEdition = NEWEST) -> Handover:
    (found,) = [h for h in world.trail(edition=edition).handovers if h.kind == "handover"]
    return found


def found(trail: Trail) -> set[str]:
    return {kind for kind in kinds(trail) if kind.startswith("handover")}


def test_naming_the_release_and_binding_its_digest_is_dual() -> None:
    world = World()
    release = world.release("dock-2")
    accept = world.accept("lorry-9", release)
    proof = handover(world)
    assert (proof.signing, proof.names_release, proof.digest_matches) == ("dual", True, True)
    assert (proof.release_index, proof.acceptance_index) == (release.index, accept.index)
    assert (proof.at_ms, proof.received_ms) == (accept.at_ms, accept.received_ms)
    assert found(world.trail()) == set()


def test_a_release_is_named_by_its_id_also_where_that_looks_like_the_key_of_a_parcel() -> None:
    world = World()
    release = world.release("dock-2", event_id="https://carrier.example/events/00/195214730000088169")
    world.accept("lorry-9", release)
    assert handover(world).signing == "dual"
    assert found(world.trail()) == set()


@pytest.mark.parametrize(
    ("bind", "kind", "names", "matches"),
    [
        ({"digest": b"\x09" * 32}, "handover_wrong_digest", True, False),
        ({"digest": None}, "handover_unbound", True, None),
        ({"named": False}, "handover_unbound", None, True),
    ],
)
def test_half_a_binding_is_named_with_a_finding(
    *, bind: dict[str, Any], kind: str, names: bool | None, matches: bool | None
) -> None:
    world = World()
    world.accept("lorry-9", world.release("dock-2"), **bind)
    proof = handover(world)
    assert (proof.signing, proof.names_release, proof.digest_matches) == ("named", names, matches)
    assert found(world.trail()) == {kind}


def test_binding_a_release_that_is_not_here_is_named_and_unknown() -> None:
    world = World()
    world.obj("dock-2")
    world.accept("lorry-9", hidden := world.release("dock-2"))
    world.scans.remove(hidden)
    proof = handover(world)
    assert (proof.signing, proof.release_index, proof.digest_matches) == ("named", None, None)
    assert found(world.trail()) == {"handover_unknown_upstream"}


def test_a_digest_alone_of_something_not_here_is_named_and_unknown() -> None:
    world = World()
    world.obj("dock-2")
    world.accept("lorry-9", hidden := world.release("dock-2"), named=False)
    world.scans.remove(hidden)
    assert handover(world).signing == "named"
    assert found(world.trail()) == {"handover_unknown_upstream"}


def test_naming_a_scan_of_the_giver_that_is_no_release_is_not_dual() -> None:
    world = World()
    world.accept("lorry-9", world.obj("dock-2", "arriving"))
    assert handover(world).signing == "named"
    assert found(world.trail()) == {"handover_unbound"}


def test_a_release_that_the_giver_declares_wrong_is_proved_by_who_signed_over_it() -> None:
    world = World()
    world.obj("dock-2")
    release = world.release("dock-2")
    world.accept("lorry-9", release)
    world.declare(release)
    assert handover(world).signing == "dual"
    assert handover(world, ReadingEdition.SECOND).signing == "named"
    assert "declared_bound" in kinds(world.trail())


def test_a_cancelled_release_proves_nothing() -> None:
    world = World()
    release = world.release("dock-2")
    world.obj("dock-2", "void_shipping")
    world.accept("lorry-9", release)
    assert handover(world).signing == "named"


def accepted_and_voided(**told: Any) -> tuple[World, list[int]]:
    """A handover that both signed, and the giver's cancelling of it; with the indices of all three."""
    world = World()
    release = world.release("dock-2")
    accepted = world.accept("lorry-9", release, **told)
    world.pass_time(40)
    named = [{"type": "upevt", "bizTransaction": release.event.event_id}]
    voided = world.obj("dock-2", "void_shipping", bizTransactionList=named)
    return world, [release.index, accepted.index, voided.index]


def test_a_release_that_was_accepted_by_its_digest_is_not_cancelled_any_more() -> None:
    world, about = accepted_and_voided()
    assert handover(world).signing == "dual"
    assert handover(world, ReadingEdition.SECOND).signing == "named"
    (told,) = [finding for finding in world.trail().findings if finding.kind == "release_bound"]
    assert (list(told.indices), told.severity) == (about, "look")
    assert not found(world.trail())
    assert not {"release_cancelled"} & kinds(world.trail())


def test_a_cancelling_that_is_dated_back_before_the_acceptance_cancels_nothing_either() -> None:
    world = World()
    release = world.release("dock-2")
    world.pass_time(1)
    world.accept("lorry-9", release)
    world.obj("dock-2", "void_shipping", at=release.at_ms + 1_000, chain=False)
    assert handover(world).signing == "dual"
    assert handover(world, ReadingEdition.SECOND).signing == "named"


@pytest.mark.parametrize("told", [{"digest": None}, {"result": "quarantined"}], ids=str)
def test_an_acceptance_that_binds_no_digest_or_does_not_stand_holds_no_release(told: dict[str, Any]) -> None:
    world, _ = accepted_and_voided(**told)
    assert "release_cancelled" in kinds(world.trail())


def test_a_quarantined_release_proves_nothing() -> None:
    world = World()
    world.obj("dock-2")
    release = world.release("dock-2", result="quarantined", flags=["key_revoked"])
    world.accept("lorry-9", release)
    assert handover(world).signing == "named"
    assert found(world.trail()) == {"handover_unknown_upstream"}


def test_one_station_cannot_sign_both_sides() -> None:
    world = World()
    world.accept("depot-2", world.release("depot-2"))
    elsewhere = replace(world.scans[-1].station, site="D3")
    world.scans[-1] = moved(world.scans[-1], station=elsewhere)
    assert handover(world).signing == "named"
    assert found(world.trail()) == {"handover_same_station"}


def test_two_lorries_of_one_carrier_can_hand_over_to_each_other() -> None:
    world = World()
    world.accept("lorry-3", world.release("lorry-9"))
    assert handover(world).signing == "dual"


@pytest.mark.parametrize(("giver", "taker"), [("release", None), (None, "accept")])
def test_one_signature_is_one_sided(giver: str | None, taker: str | None) -> None:
    world = World()
    if giver:
        world.release("dock-2")
        world.obj("lorry-9", "arriving")
    if taker:
        world.obj("dock-2")
        world.accept("lorry-9")
    proof = handover(world)
    assert proof.signing == "one_sided"
    assert (proof.release_index is None, proof.acceptance_index is None) == (giver is None, taker is None)
    assert (proof.names_release, proof.digest_matches) == (None, None)
    assert found(world.trail()) == {"handover_one_sided"}


def test_two_signatures_that_do_not_mention_each_other_are_named_if_the_parties_agree() -> None:
    sides: dict[str, Any] = {
        "sourceList": [{"type": "possessing_party", "source": SELLER}],
        "destinationList": [{"type": "possessing_party", "destination": CARRIER}],
    }
    for given, signing in ((sides, "named"), ({}, "one_sided")):
        world = World()
        world.release("dock-2")
        world.accept("lorry-9", **given)
        assert handover(world).signing == signing
        assert found(world.trail()) == {"handover_unbound"}


def test_a_taker_that_it_was_not_released_to_is_serious() -> None:
    world = World()
    world.accept("lorry-9", world.release("dock-2", to=OTHER_CARRIER))
    trail = world.trail()
    assert handover(world).signing == "dual"
    other = next(f for f in trail.findings if f.kind == "handover_other_party")
    assert other.severity == "serious"


def test_a_release_to_nobody_in_particular_contradicts_nobody() -> None:
    world = World()
    world.accept("lorry-9", world.release("dock-2", to=None))
    assert "handover_other_party" not in kinds(world.trail())


def test_within_one_custodian_nothing_signed_is_internal_and_between_two_a_gap() -> None:
    world = World()
    world.pack()
    world.obj("dock-2")
    world.obj("lorry-9", "arriving")
    assert [h.signing for h in world.trail().handovers] == ["internal", "gap"]
    assert found(world.trail()) == {"handover_missing"}


def test_an_acceptance_after_an_arrival_scan_still_proves_the_handover() -> None:
    world = World()
    release = world.release("lorry-9", to=CARRIER)
    arrival = world.obj("hub-in-1", "arriving")
    accept = world.accept("hub-in-1", release)
    proof = handover(world)
    assert (proof.signing, proof.before_index, proof.acceptance_index) == ("dual", arrival.index, accept.index)


def test_an_older_release_that_is_named_counts_rather_than_the_latest() -> None:
    world = World()
    first = world.release("dock-2")
    world.release("dock-2")
    world.accept("lorry-9", first)
    assert handover(world).release_index == first.index


def test_a_handover_with_an_offline_side_is_marked_late() -> None:
    world = World()
    release = world.release("dock-2")
    world.accept("lorry-9", release, late=4 * 3_600_000)
    assert handover(world).late


def test_a_delivery_is_as_good_as_the_recipients_check() -> None:
    for pin, signing in ((True, "recipient"), (False, "one_sided")):
        world = World()
        world.obj("courier-7", "accepting")
        world.deliver(pin=pin)
        assert world.trail().handovers[-1].signing == signing
