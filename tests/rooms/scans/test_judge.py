"""The judge says of every scan whether it counts, with the reasons."""

from collections.abc import Callable
from typing import Any

import pytest

from custody.kernel.clock import DAY_MS, SECOND_MS
from custody.kernel.key_standing import KeyStanding
from custody.scans.judge import judge, judge_repeat
from custody.scans.scan import Scan
from custody.scans.tolerances import Tolerances
from custody.scans.verdict import Verdict
from custody.scans.view import Seal, StationHead, UnitView, Weight

Make = Callable[..., Scan]
T = Tolerances()
GIVER, TAKER = "https://id.gs1.org/417/9521473000102", "https://id.gs1.org/417/9521886000010"
PHONE = "https://id.gs1.org/01/09521473003813/21/001017004829159"
OTHER_PHONE = "https://id.gs1.org/01/09521473003813/21/490154203237518"
IMEI, SECOND_IMEI = "urn:gsma:imei:00101700-482915-0", "urn:gsma:imei:35693803-564380-0"
HEAD = StationHead(seq=4, digest=b"\4" * 32)
KNOWN = UnitView(known=True)
PLAIN = {"sensorElementList": None, "wl:sealNumber": None, "wl:imei": None}


def verdict(scan: Scan, *, unit: UnitView = KNOWN, late_ms: int = 500, **facts: Any) -> Verdict:
    """The verdict with everything in order but what is given; `late_ms` counts from the event's own time."""
    given = {"standing": KeyStanding.VALID, "head": HEAD, "tolerances": T, **facts}
    return judge(scan, unit=unit, now_ms=scan.event.event_time_ms + late_ms, **given)


def codes(found: Verdict) -> list[str]:
    """The flags' codes."""
    return [flag.code for flag in found.flags]


def test_a_scan_in_order_is_accepted(make: Make) -> None:
    found = verdict(make())
    assert (found.result, found.flags, found.code, found.tone) == ("accepted", (), "S00", "high")


@pytest.mark.parametrize(
    ("standing", "expected", "result", "code"),
    [
        (KeyStanding.UNKNOWN, ["key_unknown"], "quarantined", "S40"),
        (KeyStanding.REVOKED, ["key_revoked"], "quarantined", "S41"),
        (KeyStanding.SUSPECT, ["key_suspect"], "flagged", "S00"),
    ],
)
def test_the_keys_standing_decides(
    make: Make, standing: KeyStanding, expected: list[str], result: str, code: str
) -> None:
    found = verdict(make(), standing=standing)
    assert (codes(found), found.result, found.code) == (expected, result, code)


@pytest.mark.parametrize(
    ("late_ms", "expected", "result", "line"),
    [
        (0, [], "accepted", "OK"),
        (-30 * SECOND_MS, [], "accepted", "OK"),
        (-30 * SECOND_MS - 1, ["clock_skew"], "flagged", "CLOCK OFF +30s"),
        (-240 * SECOND_MS, ["clock_skew"], "flagged", "CLOCK OFF +4m"),
        (-DAY_MS, ["clock_skew"], "flagged", "CLOCK OFF +24h"),
        (-DAY_MS - 1, ["clock_quarantine"], "quarantined", "CLOCK OFF +24h"),
        (29 * SECOND_MS, [], "accepted", "OK"),
        (30 * SECOND_MS + 1, ["late_offline"], "accepted", "OK"),
        (14 * DAY_MS - 500, ["late_offline"], "accepted", "OK"),
        (15 * DAY_MS, ["too_late"], "flagged", "CLOCK OFF -15d"),
    ],
)
def test_a_clock_ahead_is_skew_and_a_late_arrival_is_not(
    make: Make, late_ms: int, expected: list[str], result: str, line: str
) -> None:
    found = verdict(make(), late_ms=late_ms)
    assert (codes(found), found.result, found.line) == (expected, result, line)


def test_an_event_that_claims_to_be_later_than_its_signature_is_skew(make: Make) -> None:
    scan = make(eventTime="2026-05-11T08:24:00.000+01:00")
    assert codes(verdict(scan)) == ["clock_skew", "late_offline"]
    assert codes(verdict(make(eventTime="2026-05-11T08:14:30.999+01:00"), late_ms=0)) == ["late_offline"]


def test_an_error_declaration_is_made_when_it_is_signed_and_not_when_the_error_was(make: Make) -> None:
    declared = {"declarationTime": "2026-06-11T08:14:00Z", "reason": "did_not_occur"}
    month_later = make(iat_s=1_781_162_040, errorDeclaration=declared)
    unit = UnitView(known=True, last_event_ms=month_later.event.event_time_ms + DAY_MS)
    late_ms = month_later.iat_s * 1000 - month_later.event.event_time_ms
    assert codes(verdict(month_later, unit=unit, late_ms=late_ms)) == []


@pytest.mark.parametrize(
    ("seq", "head", "expected"),
    [
        (5, HEAD, []),
        (1, None, []),
        (3, None, [("sequence_gap", 1, 2)]),
        (9, HEAD, [("sequence_gap", 5, 8)]),
        (2, HEAD, []),
        (5, StationHead(seq=4, digest=b"\7" * 32), [("chain_broken",)]),
        (4, HEAD, [("tamper_evidence",)]),
    ],
)
def test_numbers_must_follow_each_other(
    make: Make, seq: int, head: StationHead | None, expected: list[tuple[Any, ...]]
) -> None:
    found = verdict(make(seq=seq), head=head)
    numbers = [(flag.code, *(value for name, value in flag.facts if name in {"from", "to"})) for flag in found.flags]
    assert numbers == expected
    if {code for code, *_ in expected} & {"chain_broken", "tamper_evidence"}:
        assert (found.result, found.code) == ("quarantined", "S40")


def test_a_late_filler_of_a_gap_is_no_flag_and_a_repeat_of_the_head_is_already_done(make: Make) -> None:
    scan = make()
    assert codes(verdict(scan, head=StationHead(seq=9, digest=b"\7" * 32))) == []
    again = verdict(scan, head=StationHead(seq=5, digest=scan.digest), standing=KeyStanding.REVOKED)
    assert (again.result, again.code) == ("duplicate", "S10")


def test_a_repeat_is_already_done_and_other_content_under_its_number_is_tampering(make: Make) -> None:
    scan = make()
    assert judge_repeat(None, scan) is None
    same, other = judge_repeat(scan.digest, scan), judge_repeat(b"\7" * 32, scan)
    assert same is not None
    assert other is not None
    assert (same.result, same.code, same.flags) == ("duplicate", "S10", ())
    assert (other.result, other.code, codes(other)) == ("quarantined", "S40", ["tamper_evidence"])


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ["unknown_parcel"]),
        ({"action": "ADD", "bizStep": "commissioning"}, []),
        ({"action": "ADD", "bizStep": "inspecting"}, ["unknown_parcel"]),
        ({"bizStep": "packing"}, ["unknown_parcel"]),
        ({"bizStep": None}, ["unknown_parcel"]),
    ],
)
def test_a_parcel_nobody_packed_is_unknown(make: Make, changes: dict[str, Any], expected: list[str]) -> None:
    assert codes(verdict(make(**PLAIN, **changes), unit=UnitView(known=False))) == expected


@pytest.mark.parametrize(
    ("unit", "changes", "flagged"),
    [
        (UnitView(known=True, custodian=GIVER, released_to=frozenset({TAKER})), {}, False),
        (UnitView(known=True, custodian=GIVER, released_to=frozenset({GIVER})), {}, True),
        (UnitView(known=True, custodian=GIVER), {}, True),
        (UnitView(known=True, custodian=TAKER), {}, False),
        (UnitView(known=True), {}, False),
        (UnitView(known=True, custodian=GIVER), {"destinationList": None}, False),
        (UnitView(known=True, custodian=GIVER), {"bizStep": "arriving"}, False),
        (UnitView(known=True, released_to=frozenset({GIVER})), {"bizStep": "cbv:BizStep-accepting"}, True),
    ],
)
def test_only_the_one_it_was_released_to_may_accept(
    make: Make, unit: UnitView, changes: dict[str, Any], *, flagged: bool
) -> None:
    found = verdict(make(**changes), unit=unit)
    assert codes(found) == (["not_due_here"] if flagged else [])
    assert found.code == ("S31" if flagged else "S00")


@pytest.mark.parametrize(("older_ms", "flagged"), [(-1, False), (0, False), (30_000, False), (30_001, True)])
def test_a_scan_older_than_the_newest_record_is_not_due(make: Make, older_ms: int, *, flagged: bool) -> None:
    scan = make()
    unit = UnitView(known=True, last_event_ms=scan.event.event_time_ms + older_ms)
    assert codes(verdict(scan, unit=unit)) == (["not_due_here"] if flagged else [])


def weight(mass_g: float, at_ms: int = 0) -> Weight:
    """An earlier weighing."""
    return Weight(at_ms=at_ms, mass_g=mass_g)


@pytest.mark.parametrize(
    ("unit", "flags"),
    [
        (KNOWN, 0),
        (UnitView(known=True, declared_g=538), 0),
        (UnitView(known=True, declared_g=538 + T.from_declared_g - 0.01), 0),
        (UnitView(known=True, declared_g=538 + T.from_declared_g + 0.01), 1),
        (UnitView(known=True, declared_g=538 - T.from_declared_g - 0.01), 1),
        (UnitView(known=True, declared_g=0), 1),
        (UnitView(known=True, weights=(weight(538 + T.from_previous_g - 0.01),)), 0),
        (UnitView(known=True, weights=(weight(538 + T.from_previous_g + 0.01),)), 1),
        (UnitView(known=True, weights=(weight(0, at_ms=1), weight(538, at_ms=2))), 0),
        (UnitView(known=True, weights=(weight(538, at_ms=2), weight(0, at_ms=1))), 0),
        (UnitView(known=True, weights=(weight(900),), declared_g=900), 2),
    ],
)
def test_a_weight_is_out_by_more_than_three_standard_deviations(make: Make, unit: UnitView, flags: int) -> None:
    found = verdict(make(), unit=unit)
    assert codes(found) == ["weight_out"] * flags
    assert found.code == ("S32" if flags else "S00")


def test_the_scans_own_declaration_counts_if_there_is_no_earlier_one(make: Make) -> None:
    scan = make(**{"wl:declaredMassGrams": 900})
    assert codes(verdict(scan)) == ["weight_out"]
    assert codes(verdict(scan, unit=UnitView(known=True, declared_g=538))) == []


def test_the_tolerances_are_three_sigma_of_the_difference() -> None:
    assert T.from_declared_g == pytest.approx(28.30, abs=0.01)
    assert T.from_previous_g == pytest.approx(21.21, abs=0.01)


@pytest.mark.parametrize(
    ("seal", "changes", "flagged"),
    [
        (None, {}, False),
        (Seal(number="S-0088213"), {}, False),
        (Seal(number="s-0088213"), {}, False),
        (Seal(number="S-0088214"), {}, True),
        (Seal(number="S-0088214"), {"wl:sealNumber": None}, False),
        (Seal(number="S-0088213", state="intact"), {"wl:sealState": "intact"}, False),
        (Seal(number="S-0088213", state="intact"), {"wl:sealState": "broken"}, True),
        (None, {"wl:sealState": "missing"}, True),
        (Seal(number="S-0088214"), {"bizStep": "unpacking", "wl:sealState": "broken"}, False),
    ],
)
def test_another_or_a_broken_seal_differs(
    make: Make, seal: Seal | None, changes: dict[str, Any], *, flagged: bool
) -> None:
    found = verdict(make(**changes), unit=UnitView(known=True, seal=seal))
    assert codes(found) == (["seal_differs"] if flagged else [])
    assert found.code == ("S33" if flagged else "S00")


@pytest.mark.parametrize(("state", "flagged"), [("intact", True), (None, True), ("broken", False), ("missing", False)])
def test_a_new_seal_may_replace_a_broken_one_only(make: Make, state: str | None, *, flagged: bool) -> None:
    sealing = {
        "type": "AssociationEvent",
        "action": "ADD",
        "bizStep": "installing",
        "epcList": None,
        "parentID": "https://id.gs1.org/00/195214730000088169",
        "childEPCs": ["https://id.gs1.org/8004/9521473SEAL0088213"],
    }
    unit = UnitView(known=True, seal=Seal(number="S-1", state=state))
    assert codes(verdict(make(**{**PLAIN, **sealing, "wl:sealNumber": "S-2"}), unit=unit)) == (
        ["seal_differs"] if flagged else []
    )


@pytest.mark.parametrize(
    ("expected", "changes", "flagged"),
    [
        (set(), {}, False),
        ({PHONE}, {}, False),
        ({IMEI}, {}, False),
        ({SECOND_IMEI}, {}, False),
        ({PHONE, SECOND_IMEI}, {"epcList": ["https://id.gs1.org/00/195214730000088169"]}, False),
        ({PHONE}, {"epcList": ["https://id.gs1.org/00/195214730000088169"]}, True),
        ({PHONE}, {"epcList": ["https://id.gs1.org/00/195214730000088169"], "wl:imei": None}, False),
        ({OTHER_PHONE}, {}, True),
        ({OTHER_PHONE, SECOND_IMEI}, {}, True),
        ({PHONE, OTHER_PHONE}, {}, False),
        ({"urn:gsma:imei:49015420-323751-0"}, {}, True),
    ],
)
def test_another_handset_than_the_expected_one_differs(
    make: Make, expected: set[str], changes: dict[str, Any], *, flagged: bool
) -> None:
    found = verdict(make(**changes), unit=UnitView(known=True, expected_serials=frozenset(expected)))
    assert codes(found) == (["serial_differs"] if flagged else [])
    assert found.code == ("S34" if flagged else "S00")


@pytest.mark.parametrize("duplicate", [PHONE, IMEI, SECOND_IMEI])
def test_a_handset_that_the_records_place_in_another_parcel_differs(make: Make, duplicate: str) -> None:
    assert codes(verdict(make(), unit=UnitView(known=True, duplicates=frozenset({duplicate})))) == ["serial_differs"]


def test_a_box_is_held_even_if_another_flag_sets_the_scan_aside(make: Make) -> None:
    found = verdict(make(), unit=UnitView(known=True, expected_serials=frozenset({OTHER_PHONE})), late_ms=-2 * DAY_MS)
    assert (found.result, found.code, found.tone) == ("quarantined", "S34", "low_double")


def test_no_flag_repeats_a_serial_number_or_an_imei(make: Make) -> None:
    unit = UnitView(known=True, expected_serials=frozenset({OTHER_PHONE}), duplicates=frozenset({PHONE}))
    text = repr(verdict(make(), unit=unit))
    assert not any(number in text for number in ("0010170048", "35693803", "4901542032"))
