"""Rules over all combinations of facts: each flag depends on its own facts and a bad fact never helps."""

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.kernel.clock import DAY_MS
from custody.kernel.key_standing import KeyStanding
from custody.scans.handheld import URGENCY
from custody.scans.judge import judge
from custody.scans.scan import Scan
from custody.scans.tolerances import Tolerances
from custody.scans.verdict import FLAGS, SEVERITY, Verdict, sum_up
from custody.scans.view import Seal, StationHead, UnitView, Weight

Make = Callable[..., Scan]
T = Tolerances()
GIVER, TAKER = "https://id.gs1.org/417/9521473000102", "https://id.gs1.org/417/9521886000010"
PHONE = "https://id.gs1.org/01/09521473003813/21/001017004829159"
STRANGER = "https://id.gs1.org/01/09521473003813/21/490154203237518"
NOW = 1_778_483_640_500  # when the event of `make` was made

# For each kind of fact: its states, and the one flag each leads to (None: no flag).
States = Mapping[str, tuple[dict[str, Any], str | None]]
FACTS: Mapping[str, States] = {
    "key": {
        "valid": ({"standing": KeyStanding.VALID}, None),
        "suspect": ({"standing": KeyStanding.SUSPECT}, "key_suspect"),
        "unknown": ({"standing": KeyStanding.UNKNOWN}, "key_unknown"),
        "revoked": ({"standing": KeyStanding.REVOKED}, "key_revoked"),
    },
    "sequence": {
        "follows": ({"head": StationHead(seq=4, digest=b"\4" * 32)}, None),
        "gap": ({"head": StationHead(seq=2, digest=b"\4" * 32)}, "sequence_gap"),
        "broken": ({"head": StationHead(seq=4, digest=b"\7" * 32)}, "chain_broken"),
        "tampered": ({"head": StationHead(seq=5, digest=b"\7" * 32)}, "tamper_evidence"),
    },
    "clock": {
        "right": ({"now_ms": NOW}, None),
        "late": ({"now_ms": NOW + DAY_MS}, "late_offline"),
        "too late": ({"now_ms": NOW + 15 * DAY_MS}, "too_late"),
        "ahead": ({"now_ms": NOW - 60_000}, "clock_skew"),
        "far ahead": ({"now_ms": NOW - 2 * DAY_MS}, "clock_quarantine"),
    },
    "parcel": {"known": ({"known": True}, None), "unknown": ({"known": False}, "unknown_parcel")},
    "custody": {
        "unknown": ({}, None),
        "released": ({"custodian": GIVER, "released_to": frozenset({TAKER})}, None),
        "to another": ({"custodian": GIVER, "released_to": frozenset({GIVER})}, "not_due_here"),
        "to nobody": ({"custodian": GIVER}, "not_due_here"),
    },
    "weight": {
        "unknown": ({}, None),
        "fits": ({"declared_g": 540.0, "weights": (Weight(at_ms=1, mass_g=536.0),)}, None),
        "not as declared": ({"declared_g": 700.0}, "weight_out"),
        "not as before": ({"weights": (Weight(at_ms=1, mass_g=700.0),)}, "weight_out"),
    },
    "seal": {
        "unknown": ({}, None),
        "same": ({"seal": Seal(number="S-0088213", state="intact")}, None),
        "other": ({"seal": Seal(number="S-1", state="intact")}, "seal_differs"),
    },
    "serial": {
        "unknown": ({}, None),
        "same": ({"expected_serials": frozenset({PHONE})}, None),
        "other": ({"expected_serials": frozenset({STRANGER})}, "serial_differs"),
        "elsewhere": ({"duplicates": frozenset({PHONE})}, "serial_differs"),
    },
}
SAID = {kind: [name for name in states if name != "unknown" or states[name][1]] for kind, states in FACTS.items()}
"""All states but those in which nothing is known of a kind of fact; they are drawn at random further down."""
UNIT_FIELDS = set(UnitView.__struct_fields__)
STATES = st.fixed_dictionaries({kind: st.sampled_from(sorted(states)) for kind, states in FACTS.items()})


@pytest.fixture(scope="module")
def scan(make: Make) -> Scan:
    """One scan; only what is known beside it changes."""
    return make()


def verdict(scan: Scan, states: Mapping[str, str]) -> Verdict:
    """The verdict under one state of each kind of fact."""
    facts: dict[str, Any] = {}
    for kind, state in states.items():
        facts.update(FACTS[kind][state][0])
    unit = UnitView(**{name: value for name, value in facts.items() if name in UNIT_FIELDS})
    beside = {name: value for name, value in facts.items() if name not in UNIT_FIELDS}
    return judge(scan, unit=unit, tolerances=T, **beside)


def test_in_every_combination_each_fact_raises_its_own_flag_and_the_worst_decides(scan: Scan) -> None:
    count = 0
    for names in itertools.product(*SAID.values()):
        states = dict(zip(FACTS, names, strict=True))
        found = verdict(scan, states)
        expected = {FACTS[kind][state][1] for kind, state in states.items()} - {None}
        codes = [flag.code for flag in found.flags]
        assert set(codes) == expected
        assert len(codes) == len(expected)
        results = [SEVERITY.index(FLAGS[code][0]) for code in codes]
        assert SEVERITY.index(found.result) == max(results, default=0)
        assert URGENCY.index(found.code) == max((URGENCY.index(FLAGS[code][1]) for code in codes), default=0)
        assert len(found.line) <= 20
        count += 1
    assert count == 8_640


@given(STATES)
def test_the_same_facts_always_give_the_same_verdict(scan: Scan, states: dict[str, str]) -> None:
    assert verdict(scan, states) == verdict(scan, states)


@given(STATES, st.sampled_from(sorted(FACTS)), st.data())
def test_changing_one_fact_changes_no_other_facts_flags(
    scan: Scan, states: dict[str, str], kind: str, data: st.DataObject
) -> None:
    other = {**states, kind: data.draw(st.sampled_from(sorted(FACTS[kind])))}
    own = {flag for _, flag in FACTS[kind].values()}
    before = [flag for flag in verdict(scan, states).flags if flag.code not in own]
    after = [flag for flag in verdict(scan, other).flags if flag.code not in own]
    assert before == after


@given(STATES, st.sampled_from(sorted(FACTS)), st.data())
def test_a_worse_fact_never_improves_the_result(
    scan: Scan, states: dict[str, str], kind: str, data: st.DataObject
) -> None:
    good = {name: flag for name, (_, flag) in FACTS[kind].items() if flag is None}
    better = {**states, kind: data.draw(st.sampled_from(sorted(good)))}
    before, after = verdict(scan, better), verdict(scan, states)
    assert SEVERITY.index(after.result) >= SEVERITY.index(before.result)
    assert URGENCY.index(after.code) >= URGENCY.index(before.code)


@given(
    standing=st.sampled_from(KeyStanding),
    head=st.none() | st.builds(StationHead, seq=st.integers(1, 9), digest=st.binary(min_size=32, max_size=32)),
    now_ms=st.integers(min_value=0, max_value=10**14),
    unit=st.builds(
        UnitView,
        known=st.booleans(),
        last_event_ms=st.none() | st.integers(0, 10**14),
        custodian=st.none() | st.sampled_from([GIVER, TAKER]),
        released_to=st.frozensets(st.sampled_from([GIVER, TAKER])),
        weights=st.lists(st.builds(Weight, at_ms=st.integers(0, 10**14), mass_g=st.floats(0, 1e6))).map(tuple),
        declared_g=st.none() | st.floats(0, 1e6),
        seal=st.none()
        | st.builds(Seal, number=st.text(), state=st.sampled_from([None, "intact", "broken", "missing"])),
        expected_serials=st.frozensets(st.sampled_from([PHONE, STRANGER]) | st.text()),
        duplicates=st.frozensets(st.sampled_from([PHONE, STRANGER]) | st.text()),
    ),
)
@settings(max_examples=100, deadline=None)
def test_every_combination_gives_a_verdict_that_is_the_sum_of_its_flags(
    scan: Scan, standing: KeyStanding, head: StationHead | None, now_ms: int, unit: UnitView
) -> None:
    found = judge(scan, standing=standing, head=head, unit=unit, now_ms=now_ms, tolerances=T)
    assert found.result in SEVERITY
    assert found == sum_up(found.flags)
    assert all(flag.text for flag in found.flags)
