"""The policy: effective dates, floors, versions."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.disputes.policy import DEFAULT_POLICY, CaseworkPolicy, Rule, read_policy
from custody.kernel import cbor
from custody.kernel.errors import NotFound, Rejected

DAY = date(2026, 5, 11)
FLOORS = [rule for rule in DEFAULT_POLICY.rules if rule.legal_floor]


def test_the_rule_with_the_latest_date_of_effect_counts() -> None:
    assert DEFAULT_POLICY.value("adr_weeks", date(2026, 4, 7)) == 8
    assert DEFAULT_POLICY.value("adr_weeks", date(2026, 4, 8)) == 6


def test_before_its_first_date_a_rule_is_not_known() -> None:
    for key, day in (("dp_complaint_ack_days", date(2026, 6, 18)), ("no_such_rule", DAY)):
        with pytest.raises(NotFound) as missing:
            DEFAULT_POLICY.value(key, day)
        assert key in missing.value.detail


def test_every_floor_says_which_way_is_kinder_and_nothing_else_does() -> None:
    for rule in DEFAULT_POLICY.rules:
        assert (rule.kinder is None) != rule.legal_floor
    with pytest.raises(Rejected):
        Rule(
            key="x",
            value=1,
            unit="",
            source="",
            confidence="",
            legal_floor=True,
            kinder=None,
            effective_from=DAY,
        )


def test_every_rule_has_a_source_a_unit_and_a_confidence() -> None:
    for rule in DEFAULT_POLICY.rules:
        assert rule.source.strip()
        assert rule.unit.strip()
        assert rule.confidence in {"verified", "secondary", "from knowledge", "house default"}


@given(st.sampled_from([f for f in FLOORS if isinstance(f.value, int) and f.kinder != "fixed"]), st.integers(0, 40_000))
def test_a_floor_may_only_be_made_kinder(floor: Rule, value: int) -> None:
    day = floor.effective_from + timedelta(days=1)
    law = DEFAULT_POLICY.value(floor.key, day)
    kind = value >= law if floor.kinder == "larger" else value <= law
    if kind:
        kinder = DEFAULT_POLICY.override(floor.key, value, from_date=day, note="house")
        assert kinder.value(floor.key, day) == value
        assert kinder.value(floor.key, floor.effective_from) == law
    else:
        with pytest.raises(Rejected) as unkind:
            DEFAULT_POLICY.override(floor.key, value, from_date=day, note="house")
        assert unkind.value.code == "floor"
        assert str(law) in unkind.value.fix


@pytest.mark.parametrize("floor", [f for f in FLOORS if f.kinder == "fixed"], ids=lambda floor: floor.key)
def test_a_fixed_floor_has_the_value_of_the_law_alone(floor: Rule) -> None:
    same = DEFAULT_POLICY.override(floor.key, floor.value, from_date=DAY, note="house")
    assert same.value(floor.key, DAY) == floor.value
    other = (not floor.value) if isinstance(floor.value, bool) else floor.value + type(floor.value)(1)
    with pytest.raises(Rejected):
        DEFAULT_POLICY.override(floor.key, other, from_date=DAY, note="house")


def test_a_later_change_of_the_law_counts_again_from_its_own_day() -> None:
    house = DEFAULT_POLICY.override("adr_weeks", 7, from_date=date(2026, 1, 1), note="a week sooner")
    assert house.value("adr_weeks", date(2026, 4, 7)) == 7
    assert house.value("adr_weeks", date(2026, 4, 8)) == 6
    with pytest.raises(Rejected):
        house.override("adr_weeks", 7, from_date=date(2026, 4, 8), note="less kind than the new law")


def test_the_house_may_go_back_to_the_law_after_having_been_kinder() -> None:
    kinder = DEFAULT_POLICY.override("adr_weeks", 3, from_date=DAY, note="trial")
    back = kinder.override("adr_weeks", 6, from_date=DAY + timedelta(days=30), note="trial over")
    assert [back.value("adr_weeks", DAY + timedelta(days=d)) for d in (0, 29, 30)] == [3, 3, 6]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("ack_minutes", -1),
        ("ack_minutes", 2.5),
        ("ack_minutes", True),
        ("ack_minutes", "5"),
        ("unlock_code_self_service", 1),
        ("remedy_offer_hours", {"substituted": 12}),
        ("lock_keeps", [1]),
        ("missed_promise_credit_gbp_per_day", float("inf")),
    ],
)
def test_an_override_has_the_shape_of_what_it_replaces(key: str, value: object) -> None:
    with pytest.raises(Rejected) as refused:
        DEFAULT_POLICY.override(key, value, from_date=DAY, note="house")
    assert refused.value.code == "policy"


def test_a_sum_may_be_nothing_or_whole_and_a_list_may_be_empty() -> None:
    for key, value in (("missed_promise_credit_gbp_per_day", 0), ("missed_promise_credit_gbp_per_day", 7)):
        assert DEFAULT_POLICY.override(key, value, from_date=DAY, note="").pence(key, DAY) == value * 100
    assert DEFAULT_POLICY.override("ack_minutes", 0, from_date=DAY, note="").count("ack_minutes", DAY) == 0
    assert DEFAULT_POLICY.override("leaver_notices_hours", [], from_date=DAY, note="").overrides


def test_an_unknown_key_cannot_be_overridden_into_being() -> None:
    with pytest.raises(NotFound):
        DEFAULT_POLICY.override("customer_weight", 1, from_date=DAY, note="house")


def test_the_version_names_every_row_and_override() -> None:
    assert len(DEFAULT_POLICY.version) == 32
    assert bytes.fromhex(DEFAULT_POLICY.pinned) == DEFAULT_POLICY.version
    changed = DEFAULT_POLICY.override("ack_minutes", 4, from_date=DAY, note="sooner")
    again = DEFAULT_POLICY.override("ack_minutes", 4, from_date=DAY, note="sooner")
    assert changed.version != DEFAULT_POLICY.version
    assert changed.version == again.version
    shuffled = CaseworkPolicy(rules=tuple(reversed(DEFAULT_POLICY.rules)))
    assert shuffled.version == DEFAULT_POLICY.version


def test_a_policy_is_read_back_from_its_log_entry_as_it_was() -> None:
    changed = DEFAULT_POLICY.override("lock_notice", DEFAULT_POLICY.value("lock_notice", DAY), from_date=DAY, note="")
    for policy in (DEFAULT_POLICY, changed):
        read = read_policy(policy.encoded)
        assert read.version == policy.version
        assert read.value("lock_keeps", DAY) == policy.value("lock_keeps", DAY)


def test_a_policy_document_that_undercuts_the_law_is_refused_on_reading() -> None:
    document = cbor.decode(DEFAULT_POLICY.encoded)
    floor = next(row for row in document["rules"] if row["key"] == "short_term_reject_days")
    document["overrides"] = [{**floor, "value": 14, "effective_from": "2026-05-01"}]
    with pytest.raises(Rejected) as unkind:
        read_policy(cbor.encode(document))
    assert unkind.value.code == "floor"


@pytest.mark.parametrize(
    "document",
    [
        b"\x00",
        cbor.encode({"kind": "policy"}),
        cbor.encode({"kind": "policy", "rules": 1, "overrides": []}),
        cbor.encode({"kind": "policy", "rules": [{}], "overrides": []}),
        cbor.encode({"kind": "policy", "rules": [{**FLOORS[0].plain(), "effective_from": "soon"}], "overrides": []}),
        cbor.encode({"kind": "policy", "rules": [FLOORS[0].plain()] * 2, "overrides": []}),
    ],
)
def test_a_malformed_policy_document_is_refused(document: bytes) -> None:
    with pytest.raises(Rejected):
        read_policy(document)


def test_values_cannot_be_changed_in_place() -> None:
    with pytest.raises(TypeError):
        DEFAULT_POLICY.value("lock_notice", DAY)["leaver"] = "locked"
    assert isinstance(DEFAULT_POLICY.value("lock_keeps", DAY), tuple)


def test_money_is_read_in_whole_pence() -> None:
    assert DEFAULT_POLICY.pence("missed_promise_credit_gbp_per_day", DAY) == 646
    with pytest.raises(Rejected):
        DEFAULT_POLICY.pence("evidence_formats", DAY)


def test_counting_needs_a_whole_number() -> None:
    assert DEFAULT_POLICY.count("remedy_offer_hours", DAY, part="substituted") == 24
    for key, part in (("refund_same_means", None), ("remedy_offer_hours", "no_such_part"), ("ack_minutes", "part")):
        with pytest.raises(Rejected):
            DEFAULT_POLICY.count(key, DAY, part=part)


def test_the_law_is_never_less_kind_than_itself_over_time() -> None:
    for key in {rule.key for rule in FLOORS}:
        rows = sorted((r for r in FLOORS if r.key == key), key=lambda rule: rule.effective_from)
        for older, newer in pairwise(rows):
            assert older.kinder == newer.kinder
