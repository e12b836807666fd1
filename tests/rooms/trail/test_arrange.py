"""Putting scans in order and what the clocks, numbers and chains say."""

import pytest

from custody.kernel.clock import DAY_MS, HOUR_MS, MINUTE_MS
from custody.trail.arrange import LATE_MS, sequence_gaps
from tests.rooms.trail.world import World, kinds, ni, wl


def indices(world: World) -> list[int]:
    return [entry.index for entry in world.trail().entries]


def test_a_late_offline_scan_takes_its_place_and_keeps_both_clocks() -> None:
    world = World()
    pack = world.pack()
    world.pass_time(5)
    depot = world.obj("depot-2", "arriving")
    dock = world.obj("dock-2", chain=False, at=pack.at_ms + HOUR_MS, late=3 * HOUR_MS)
    trail = world.trail()
    assert indices(world) == [pack.index, dock.index, depot.index]
    entry = trail.entries[1]
    assert (entry.at_ms, entry.received_ms) == (dock.at_ms, dock.received_ms)
    assert entry.late_ms == dock.received_ms - dock.at_ms
    assert "late_arrival" in kinds(trail)


def test_a_delay_of_minutes_is_not_late() -> None:
    world = World()
    world.pack(late=LATE_MS)
    assert "late_arrival" not in kinds(world.trail())


def test_an_error_declaration_is_not_late_because_it_repeats_an_old_time() -> None:
    world = World()
    pack = world.pack()
    world.pass_time(30)
    world.declare(pack)
    assert "late_arrival" not in kinds(world.trail())


def test_a_scan_is_never_placed_after_its_receipt() -> None:
    world = World()
    fast = world.pack(at=World().now_ms + 3 * DAY_MS, late=-3 * DAY_MS)
    later = world.obj("dock-2", chain=False)
    trail = world.trail()
    assert indices(world) == [fast.index, later.index]
    assert "clock_ahead" in kinds(trail)
    assert trail.entries[0].at_ms == fast.at_ms


def test_the_stations_own_numbers_beat_its_clock() -> None:
    world = World()
    first = world.pack()
    second = world.obj("bench-4", at=first.at_ms - HOUR_MS, chain=False)
    assert indices(world) == [first.index, second.index]
    assert "clock_stepped_back" in kinds(world.trail())


@pytest.mark.parametrize("term", ["wl:prevScan", "wl:upstreamStatement"])
def test_a_digest_inside_a_scan_beats_both_clocks(term: str) -> None:
    world = World()
    first = world.pack()
    second = world.obj("dock-2", at=first.at_ms - 4 * MINUTE_MS, chain=False, **{term: ni(first.digest)})
    trail = world.trail()
    assert indices(world) == [first.index, second.index]
    disagree = [f for f in trail.findings if f.kind == "clocks_disagree"]
    assert [f.indices for f in disagree] == [(first.index, second.index)]
    assert "4 minutes earlier" in disagree[0].sentence


def test_seconds_of_disagreement_are_nothing() -> None:
    world = World()
    first = world.pack()
    world.obj("dock-2", at=first.at_ms - 20_000)
    assert "clocks_disagree" not in kinds(world.trail())


def test_a_scan_that_a_later_one_names_and_nobody_has_is_a_gap() -> None:
    world = World()
    before = world.pack()
    hidden = world.obj("dock-2")
    after = world.obj("lorry-9")
    world.scans.remove(hidden)
    gap = next(f for f in world.trail().findings if f.kind == "chain_gap")
    assert gap.indices == (before.index, after.index)
    assert f"between index {before.index} and {after.index}" in gap.sentence


def test_an_erased_scan_that_the_log_still_holds_is_no_gap() -> None:
    world = World()
    before = world.pack()
    erased = world.obj("dock-2")
    after = world.obj("lorry-9")
    world.scans.remove(erased)
    trail = world.trail()
    assert trail.missing == (erased.digest,)
    trail = world.trail(in_log=trail.missing)
    assert kinds(trail) & {"chain_gap", "chain_closed"} == {"chain_closed"}
    closed = next(f for f in trail.findings if f.kind == "chain_closed")
    assert (closed.indices, closed.severity) == ((before.index, after.index), "note")


def test_a_missing_first_scan_is_a_gap_before_the_first_one_we_have() -> None:
    world = World()
    hidden = world.pack()
    after = world.obj("dock-2")
    world.scans.remove(hidden)
    gap = next(f for f in world.trail().findings if f.kind == "chain_gap")
    assert (gap.indices, f"before index {after.index}" in gap.sentence) == ((after.index,), True)


def test_a_scan_that_names_none_before_it_is_silence_not_a_gap() -> None:
    world = World()
    world.pack(chain=False)
    world.obj("dock-2", chain=False)
    assert "chain_gap" not in kinds(world.trail())


def test_two_scans_after_the_same_one_are_a_fork() -> None:
    world = World()
    first = world.pack()
    world.obj("dock-2")
    world.obj("lorry-9", chain=False, **wl({"wl:prevScan": ni(first.digest)}))
    assert "chain_fork" in kinds(world.trail())


def test_two_statements_under_one_number_are_kept_and_serious() -> None:
    world = World()
    world.pack()
    one = world.obj("dock-2", seq=5)
    two = world.obj("dock-2", seq=5, chain=False)
    trail = world.trail()
    assert {one.index, two.index} <= set(indices(world))
    fork = next(f for f in trail.findings if f.kind == "sequence_fork")
    assert (set(fork.indices), fork.severity) == ({one.index, two.index}, "serious")


def test_a_statement_that_does_not_follow_the_one_before_is_serious() -> None:
    world = World()
    world.pack()
    world.obj("dock-2")
    world.obj("dock-2", prev=b"\x01" * 32)
    assert "sequence_broken" in kinds(world.trail())


@pytest.mark.parametrize("flag", ["key_unknown", "key_revoked"])
def test_a_stranger_cannot_make_a_station_look_like_a_forger(flag: str) -> None:
    world = World()
    pack = world.pack()
    dock = world.obj("dock-2", seq=5)
    world.obj("dock-2", seq=5, at=pack.at_ms - HOUR_MS, chain=False, result="quarantined", flags=[flag])
    world.obj("lorry-9", chain=False, result="quarantined", flags=[flag], **wl({"wl:prevScan": ni(b"\x02" * 32)}))
    found = kinds(world.trail())
    assert found & {"sequence_fork", "sequence_broken", "chain_gap", "clock_stepped_back"} == set()
    assert "quarantined" in found
    assert dock.index in indices(world)


def test_proved_tampering_under_quarantine_is_told() -> None:
    world = World()
    world.pack()
    world.obj("dock-2", seq=5)
    world.obj("dock-2", seq=5, chain=False, result="quarantined", flags=["tamper_evidence"])
    assert "sequence_fork" in kinds(world.trail())


def test_missing_numbers_near_the_parcels_scans_are_told() -> None:
    world = World()
    dock = world.obj("dock-2", seq=9)
    gaps = sequence_gaps(
        "dock-2", [(5, dock.at_ms - 10 * MINUTE_MS), (9, dock.at_ms), (5, dock.at_ms - 10 * MINUTE_MS)]
    )
    assert [(gap.first, gap.last) for gap in gaps] == [(6, 8)]
    gap = next(f for f in world.trail(gaps=gaps).findings if f.kind == "sequence_gap")
    assert (gap.indices, "3 statements" in gap.sentence) == ((dock.index,), True)


def test_missing_numbers_far_away_or_of_other_stations_are_not() -> None:
    world = World()
    dock = world.obj("dock-2")
    far = sequence_gaps("dock-2", [(1, dock.at_ms - 9 * HOUR_MS), (9, dock.at_ms - 8 * HOUR_MS)])
    other = sequence_gaps("lorry-9", [(1, dock.at_ms), (9, dock.at_ms)])
    assert "sequence_gap" not in kinds(world.trail(gaps=[*far, *other]))


def test_unbroken_numbers_have_no_gaps() -> None:
    assert sequence_gaps("dock-2", [(3, 30), (1, 10), (2, 20)]) == ()


def test_keyed_entries_and_torn_terms_are_noted() -> None:
    world = World()
    world.pack(**wl({"wl:entryMode": "keyed", "wl:recipientCheck": "yes"}))
    assert {"keyed_entry", "unreadable_term"} <= kinds(world.trail())


def test_a_suspect_key_is_told() -> None:
    world = World()
    world.pack(result="flagged", flags=["key_suspect"])
    assert "key_suspect" in kinds(world.trail())


def test_quarantined_scans_are_shown_apart_and_open_no_segment() -> None:
    world = World()
    world.pack()
    apart = world.obj("lorry-9", result="quarantined", flags=["clock_quarantine"])
    trail = world.trail()
    assert [entry.index for entry in trail.quarantined] == [apart.index]
    assert [segment.step for segment in trail.segments] == ["pack"]
    assert trail.holder.custodian == trail.segments[0].custodian


def test_certain_facts_that_contradict_each_other_are_reported_and_do_not_stop_the_trail() -> None:
    world = World()
    second = world.obj("dock-2", seq=2, chain=False)
    between = world.obj("lorry-9", chain=False, **wl({"wl:prevScan": ni(second.digest)}))
    first = world.obj("dock-2", seq=1, chain=False, **wl({"wl:prevScan": ni(between.digest)}))
    trail = world.trail()
    assert [entry.index for entry in trail.entries] == [second.index, between.index, first.index]
    assert "order_cycle" in kinds(trail)
