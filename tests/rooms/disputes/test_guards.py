"""What each guard of the tables means: true, false and unknown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.disputes import case_guards as g
from custody.disputes.case_guards import Actor, DeclineFinding, Ground
from custody.disputes.civil import civil_date
from custody.disputes.inquiry import LinkKind, confidence_stated, links_not_people, named_process_owner
from custody.disputes.promise import Credit, credit_added, customer_told_first, proof
from custody.kernel.clock import DAY_MS, HOUR_MS, from_iso


def finding(
    ground: Ground, *, about: bool | None = True, says: str = "It says so.", kept: str = "file 1"
) -> DeclineFinding:
    return DeclineFinding(ground=ground, says=says, kept_at=kept, about_this_person=about)


PATTERNS = [finding(ground) for ground in (Ground.RULE, Ground.PATTERN, Ground.RANK)]
maybe = st.sampled_from([True, False, None])


def test_rules_patterns_and_ranks_never_suffice_for_a_decline_however_many() -> None:
    assert g.more_than_a_pattern(PATTERNS * 50) is False
    assert g.positive_evidence_about_this_person(PATTERNS * 50) is False


@given(st.lists(st.builds(finding, st.sampled_from(Ground), about=maybe, says=st.sampled_from(["", "x"]))))
def test_positive_evidence_needs_an_observation_about_this_person(findings: list[DeclineFinding]) -> None:
    holds = g.positive_evidence_about_this_person(findings)
    sound = [f for f in findings if f.ground in g.OBSERVATIONS and f.says]
    assert (holds is True) == any(f.about_this_person is True for f in sound)
    if holds is True:
        assert g.more_than_a_pattern(findings)


def test_an_observation_that_is_not_kept_anywhere_is_no_evidence() -> None:
    assert g.positive_evidence_about_this_person([finding(Ground.WITNESS, kept="")]) is False


def test_it_is_not_known_whose_evidence_it_is_so_it_does_not_hold() -> None:
    assert g.positive_evidence_about_this_person([finding(Ground.RECORDING, about=None)]) is None


def test_four_eyes_are_two_different_people() -> None:
    one, two, robot = Actor(key="p1", human=True), Actor(key="p2", human=True), Actor(key="r", human=False)
    assert g.four_eyes(one, two) is True
    assert g.four_eyes(one, Actor(key="p1", human=True)) is False
    assert g.four_eyes(one, Actor(key=" P1", human=True)) is False, "however it is typed"
    assert g.four_eyes(one, robot) is False
    assert g.four_eyes(one, Actor(key="", human=True)) is False
    assert g.four_eyes(None, two) is None
    maker, same = (Actor(key=key, human=True, behind=frozenset({"p3"})) for key in ("p3", "p4"))
    assert g.four_eyes(Actor(key="p1", human=True, behind=frozenset({"p3"})), maker) is False
    assert g.four_eyes(Actor(key="p1", human=True, behind=frozenset({"p3"})), same) is False
    assert g.four_eyes(one, same) is True
    assert (g.human_decision(robot), g.human_decision(one), g.human_decision(None)) == (False, True, None)


@pytest.mark.parametrize(
    ("heard", "due_ms", "holds"),
    [(True, None, True), (False, 100, False), (False, 99, True), (None, None, None), (None, 101, False)],
)
def test_the_customer_is_heard_or_the_hearing_is_over(
    *, heard: bool | None, due_ms: int | None, holds: bool | None
) -> None:
    assert g.customer_heard_or_hearing_lapsed(heard=heard, hearing_due_ms=due_ms, now_ms=100) is holds


def test_the_letter_leaves_on_the_civil_day_in_london() -> None:
    declined = from_iso("2026-06-01T23:30:00+01:00")
    assert g.same_day(declined, from_iso("2026-06-01T23:59:59+01:00")) is True
    assert g.same_day(declined, from_iso("2026-06-01T23:30:00Z")) is False
    assert g.same_day(None, declined) is None


def test_a_late_letter_still_leaves_once_its_lateness_is_on_record() -> None:
    declined = from_iso("2026-06-01T12:00:00+01:00")
    assert g.same_day(declined, declined + DAY_MS, late_on_record=True) is True
    assert g.same_day(declined, declined - DAY_MS, late_on_record=True) is False


def test_any_format_satisfies_and_so_do_skipping_and_time() -> None:
    assert g.any_format(received=True) is True
    assert g.any_format(received=False, skipped=True) is True
    assert g.any_format(received=None, lapsed=True) is True
    assert g.any_format(received=False) is False
    assert g.any_format(received=None) is None


def test_damage_cannot_be_set_without_words_on_where_and_when() -> None:
    for kind in ("damaged", "customer_damage"):
        assert g.claim_type_set(kind, agreed_by_customer=True) is False
        assert g.claim_type_set(kind, agreed_by_customer=True, custody_words="The box was open at the door.") is True
    assert g.claim_type_set("defective", agreed_by_customer=True) is True
    assert g.claim_type_set("defective", agreed_by_customer=False) is False
    assert g.claim_type_set("defective", agreed_by_customer=None) is None
    assert g.claim_type_set(None, agreed_by_customer=True) is None


@given(delivered=maybe, paid=maybe, confirmed=maybe)
def test_proof_of_remedy_is_delivery_payment_or_the_customers_word(
    *, delivered: bool | None, paid: bool | None, confirmed: bool | None
) -> None:
    holds = g.proof_of_remedy(delivered=delivered, paid=paid, confirmed_by_customer=confirmed)
    assert (holds is True) == (True in (delivered, paid, confirmed))
    if holds is False:
        assert (delivered, paid) == (False, False)


@given(st.lists(st.integers(0, 10), min_size=1), st.integers(0, 10))
def test_the_surviving_case_has_the_earliest_start(starts: list[int], kept: int) -> None:
    assert g.min_clock_kept(kept, starts) is (kept == min(starts))
    assert g.min_clock_kept(4, [9, 4]) is True
    assert g.min_clock_kept(9, [9, 4]) is False
    assert g.min_clock_kept(None, starts) is None
    assert g.min_clock_kept(kept, []) is None


def test_the_scheme_is_due_at_the_deadline_or_at_deadlock() -> None:
    assert g.adr_due(letter_due_ms=100, now_ms=100, deadlock=False) is True
    assert g.adr_due(letter_due_ms=100, now_ms=99, deadlock=None) is False
    assert g.adr_due(letter_due_ms=100, now_ms=99, deadlock=True) is True
    assert g.adr_due(letter_due_ms=None, now_ms=99, deadlock=False) is None


def test_the_small_guards() -> None:
    assert (g.customer_words_kept("Not here."), g.customer_words_kept("  "), g.customer_words_kept(None)) == (
        True,
        False,
        None,
    )
    assert (g.reasons("Because."), g.reasons(" "), g.reasons(None)) == (True, False, None)
    assert (g.policy_version_pinned("ab"), g.policy_version_pinned(""), g.policy_version_pinned(None)) == (
        True,
        False,
        None,
    )
    assert (g.pack_built(bytes(32)), g.pack_built(b"x"), g.pack_built(None)) == (True, False, None)
    assert g.same_customer_or_consent(same_customer=False, consent=True) is True
    assert g.same_customer_or_consent(same_customer=False, consent=False) is False
    assert g.same_customer_or_consent(same_customer=None, consent=False) is None


def test_the_clock_of_the_scheme_starts_no_later_than_the_earliest_first_word() -> None:
    first, next_day = 5 * DAY_MS, 6 * DAY_MS
    assert g.adr_clock_from_first_report(civil_date(first), [first]) is True
    assert g.adr_clock_from_first_report(civil_date(first), [next_day, first]) is True
    assert g.adr_clock_from_first_report(civil_date(next_day), [next_day, first]) is False
    assert g.adr_clock_from_first_report(None, [first]) is None
    assert g.adr_clock_from_first_report(civil_date(first), []) is None


def test_links_are_ranked_never_people() -> None:
    assert links_not_people(LinkKind) is True
    assert links_not_people(["bench", "person"]) is False
    assert links_not_people(["customer"]) is False
    assert links_not_people([]) is False
    assert links_not_people(None) is None


def test_confidence_stands_with_its_interval() -> None:
    assert confidence_stated(0.62, 0.48, 0.74) is True
    assert confidence_stated(0.62, 0.70, 0.74) is False
    assert confidence_stated(62, 48, 74) is False
    assert confidence_stated(0.62, None, 0.74) is None


def test_a_fix_has_an_owner_and_a_date() -> None:
    assert named_process_owner("packing lead", 5) is True
    assert named_process_owner(" ", 5) is False
    assert named_process_owner("packing lead", None) is None


def test_a_miss_needs_a_credit_and_the_customer_first() -> None:
    assert credit_added(Credit(promise_id="p", days=1, pence=646)) is True
    assert credit_added(Credit(promise_id="p", days=0, pence=0)) is False
    assert credit_added(Credit(promise_id="p", days=1, pence=0)) is False
    assert credit_added(None) is None
    assert customer_told_first(message_ms=5, staff_saw_ms=5) is True
    assert customer_told_first(message_ms=5, staff_saw_ms=None) is True
    assert customer_told_first(message_ms=HOUR_MS, staff_saw_ms=5) is False
    assert customer_told_first(message_ms=None, staff_saw_ms=5) is None
    assert (proof("scan 4"), proof(" "), proof(None)) == (True, False, None)
