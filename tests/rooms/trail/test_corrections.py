"""Error declarations, repeats, reused ids (EPCIS 2.0 section 7.4.1.2)."""

from typing import Any

import pytest

from custody.trail.corrections import once, read_corrections
from custody.trail.edition import ReadingEdition
from custody.trail.trail import Trail
from tests.rooms.trail.world import ORDER, PARCEL, World, kinds, moved


def standings(trail: Trail) -> dict[int, str]:
    return {entry.index: entry.standing for entry in trail.entries}


def test_a_declared_event_stays_visible_and_counts_for_nothing() -> None:
    world = World()
    pack = world.pack()
    wrong = world.obj("depot-2", "arriving", chain=False)
    declaration = world.declare(wrong)
    trail = world.trail()
    assert standings(trail) == {
        pack.index: "standing",
        wrong.index: "declared_wrong",
        declaration.index: "declaration",
    }
    assert [segment.step for segment in trail.segments] == ["pack"]
    assert trail.corrections[0].original_index == wrong.index
    assert trail.corrections[0].reason == "did_not_occur"


def test_a_declaration_may_come_before_its_original() -> None:
    world = World()
    wrong = world.obj("depot-2", "arriving")
    declaration = world.declare(wrong)
    world.scans = [moved(declaration, index=1), moved(wrong, index=2)]
    assert standings(world.trail()) == {1: "declaration", 2: "declared_wrong"}


def test_a_declaration_alone_is_kept_and_reported() -> None:
    world = World()
    wrong = world.obj("depot-2", "arriving")
    world.declare(wrong)
    world.scans.remove(wrong)
    trail = world.trail()
    assert "declaration_alone" in kinds(trail)
    assert trail.segments == ()


def test_an_event_without_id_is_matched_by_its_content() -> None:
    world = World()
    wrong = world.obj("depot-2", "arriving", event_id=None)
    world.declare(wrong)
    assert standings(world.trail())[wrong.index] == "declared_wrong"


def test_a_declaration_that_changes_anything_else_has_no_effect() -> None:
    world = World()
    wrong = world.obj("depot-2", "arriving")
    world.declare(wrong, changes={"disposition": "damaged"})
    trail = world.trail()
    assert standings(trail)[wrong.index] == "standing"
    assert "declaration_differs" in kinds(trail)


def test_no_other_station_declares() -> None:
    world = World()
    wrong = world.obj("depot-2", "arriving")
    world.declare(wrong, station="desk")
    assert standings(world.trail())[wrong.index] == "standing"
    assert "declaration_unauthorised" in kinds(world.trail())


def test_a_quarantined_declaration_has_no_effect() -> None:
    world = World()
    wrong = world.obj("depot-2", "arriving")
    world.declare(wrong, result="quarantined")
    assert standings(world.trail())[wrong.index] == "standing"


def test_a_corrective_event_is_found_and_a_missing_one_is_told() -> None:
    world = World()
    wrong = world.weigh("scale-12", 900)
    right = world.weigh("scale-12", 540)
    names: dict[str, Any] = {"reason": "incorrect_data", "correctiveEventIDs": [right.event.event_id]}
    world.declare(wrong, **names)
    trail = world.trail()
    assert trail.corrections[0].corrective_indices == (right.index,)
    assert "correction_missing" not in kinds(trail)
    assert [reading.mass_g for reading in trail.weight.readings] == [540]
    world.scans.remove(right)
    assert "correction_missing" in kinds(world.trail())


def test_the_state_is_computed_again_without_the_original() -> None:
    world = World().journey()
    before = world.trail()
    world.declare(next(s for s in world.scans if s.event.disposition == "retail_sold"))
    after = world.trail()
    assert (before.holder.kind, after.holder.kind) == ("recipient", "custodian")
    assert after.delivery.strength == "not_delivered"
    assert len(after.entries) == len(before.entries) + 1


def test_the_same_event_again_from_the_same_station_is_a_repeat_and_counts_once() -> None:
    world = World()
    weighing = world.weigh("scale-12", 540)
    data = {"event_id": weighing.event.event_id, "at": weighing.at_ms, "chain": False}
    again = world.weigh("scale-12", 540, **data)
    trail = world.trail()
    assert standings(trail)[again.index] == "repeat"
    assert len(trail.weight.readings) == 1
    assert "event_repeated" in kinds(trail)


@pytest.mark.parametrize(("station", "grams"), [("scale-12", 541), ("dock-2", 540)])
def test_one_event_id_with_other_content_or_from_elsewhere_is_serious(station: str, grams: float) -> None:
    world = World()
    first = world.weigh("scale-12", 540)
    world.weigh(station, grams, event_id=first.event.event_id)
    trail = world.trail()
    assert "event_id_reused" in kinds(trail)
    assert len(trail.weight.readings) == 2


def test_a_repeat_counts_once_also_where_another_station_used_the_event_id_first() -> None:
    world = World()
    first = world.weigh("scale-12", 540)
    data = {"event_id": first.event.event_id, "at": first.at_ms + 1, "chain": False}
    own, again = world.weigh("dock-2", 541, **data), world.weigh("dock-2", 541, **data)
    other = world.weigh("dock-2", 542, **data)
    trail = world.trail()
    assert standings(trail)[again.index] == "repeat"
    assert len(trail.weight.readings) == 3
    assert f"Index {again.index} repeats the event of index {own.index}." in [f.sentence for f in trail.findings]
    assert sum(f.kind == "event_id_reused" for f in trail.findings) == 2, f"{own.index} and {other.index}"
    assert len(world.trail(edition=ReadingEdition.THIRD).weight.readings) == 4
    assert sum(read_corrections(world.scans).standing(sealed) for sealed in world.scans) == 3


def test_a_repeat_is_not_declared_twice() -> None:
    world = World()
    weighing = world.weigh("scale-12", 540)
    world.weigh("scale-12", 540, event_id=weighing.event.event_id, at=weighing.at_ms, chain=False)
    world.declare(weighing)
    corrections = read_corrections(world.scans)
    assert len(corrections.effective) == 1
    assert not any(corrections.standing(sealed) for sealed in world.scans)


def test_a_statement_counts_once_at_its_first_index() -> None:
    world = World()
    pack = world.pack()
    assert once([moved(pack, index=9), moved(pack, index=3), pack]) == (moved(pack, index=3),)


def test_a_declared_packing_takes_the_order_with_it() -> None:
    world = World()
    wrong = world.pack(bizTransactionList=[{"type": "po", "bizTransaction": ORDER}])
    world.declare(wrong)
    assert world.belongings(PARCEL).orders == ()
    assert world.belongings(PARCEL).items == ()
