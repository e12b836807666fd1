from dataclasses import fields, replace
from typing import Any

import pytest

from custody.kernel.clock import DAY_MS, HOUR_MS
from custody.kernel.errors import Forbidden, Rejected
from devicelock.rules.caps import (
    CapReason,
    Caps,
    Clearance,
    LockAsked,
    SignedLock,
    account_of,
    disengage,
    engage,
    group_of,
    held_back,
    may_ask,
)

NOW_MS = 1_800_000_000_000
WIDE = Caps(
    per_hour=1000,
    per_day=1000,
    per_person_day=1000,
    per_model_day=1000,
    per_site_day=1000,
    fleet_permille=1000,
    fleet_least=1000,
    canary=1000,
)
ASKED = LockAsked(at_ms=NOW_MS, person="p-1", model="m", site="s", group="g")
FLEET = 10_000


def lock(**changes: Any) -> SignedLock:
    good = SignedLock(at_ms=NOW_MS - HOUR_MS // 2, person="p-1", model="m", site="s", group="g", settled_ms=NOW_MS)
    return replace(good, **changes)


def elsewhere(**changes: Any) -> SignedLock:
    return lock(**{"person": "p-9", "model": "m9", "site": "s9", "group": "g9", **changes})


def reasons(
    caps: Caps, signed: list[SignedLock], *clearances: Clearance, fleet: int = FLEET, held: int = 0
) -> set[CapReason]:
    return set(held_back(caps, ASKED, signed, fleet=fleet, held=held, clearances=clearances))


@pytest.mark.parametrize(
    ("cap", "reason", "counted", "not_counted"),
    [
        ("per_hour", CapReason.PER_HOUR, elsewhere(), elsewhere(at_ms=NOW_MS - HOUR_MS)),
        ("per_day", CapReason.PER_DAY, elsewhere(at_ms=NOW_MS - DAY_MS + 1), elsewhere(at_ms=NOW_MS - DAY_MS)),
        ("per_person_day", CapReason.PER_PERSON, elsewhere(person="p-1"), elsewhere()),
        ("per_model_day", CapReason.PER_MODEL, elsewhere(model="m"), elsewhere()),
        ("per_site_day", CapReason.PER_SITE, elsewhere(site="s"), elsewhere()),
    ],
)
def test_the_lock_that_would_pass_a_cap_is_held_back_and_the_one_before_it_is_not(
    cap: str, reason: CapReason, counted: SignedLock, not_counted: SignedLock
) -> None:
    caps = replace(WIDE, **{cap: 3})
    assert reasons(caps, [counted] * 2 + [not_counted] * 5) == set()
    assert reasons(caps, [counted] * 3) == {reason}
    alike = [replace(each, group=None, count=number) for each, number in ((counted, 2), (not_counted, 5))]
    assert reasons(caps, alike) == set(), "locks that are alike count as many as they are"
    assert reasons(caps, [replace(counted, group=None, count=3)]) == {reason}


def test_the_share_of_the_fleet_held_at_once_is_bounded_and_small_fleets_still_work() -> None:
    caps = replace(WIDE, fleet_permille=10, fleet_least=2)
    assert reasons(caps, [], held=9, fleet=1000) == set()
    assert reasons(caps, [], held=10, fleet=1000) == {CapReason.FLEET_SHARE}
    assert reasons(caps, [], held=1, fleet=3) == set()
    assert reasons(caps, [], held=2, fleet=3) == {CapReason.FLEET_SHARE}
    assert reasons(caps, [elsewhere(at_ms=NOW_MS - 30 * DAY_MS)] * 50, fleet=3) == set()


def test_a_lock_counts_against_who_asked_and_against_who_decided() -> None:
    caps = replace(WIDE, per_person_day=3)
    decided = elsewhere(second="p-1")
    assert reasons(caps, [decided] * 2) == set()
    assert reasons(caps, [decided, decided, lock()]) == {CapReason.PER_PERSON}
    asked = replace(ASKED, person="p-3", second="p-1")
    assert held_back(caps, asked, [decided] * 3, fleet=FLEET, held=0) == (CapReason.PER_PERSON,)
    assert held_back(caps, replace(asked, second="p-4"), [decided] * 3, fleet=FLEET, held=0) == ()


def test_what_ordered_a_lock_is_a_version_of_the_policy_or_one_account_on_one_day() -> None:
    assert group_of(policy="auth_1", account="standing-policy", at_ms=NOW_MS) == "policy:auth_1"
    by_account = group_of(policy=None, account="agent-1", at_ms=NOW_MS)
    assert by_account == group_of(policy=None, account="agent-1", at_ms=NOW_MS + 1)
    assert by_account != group_of(policy=None, account="agent-2", at_ms=NOW_MS)
    assert by_account != group_of(policy=None, account="agent-1", at_ms=NOW_MS + DAY_MS)


def test_what_one_person_may_ask_for_in_a_day_is_bounded() -> None:
    caps = replace(WIDE, asks_per_person_day=3)
    may_ask(caps, asked_today=2)
    with pytest.raises(Forbidden) as refused:
        may_ask(caps, asked_today=3)
    assert "another person" in refused.value.fix


def test_all_reached_limits_are_told_at_once() -> None:
    caps = replace(WIDE, per_hour=1, per_person_day=1)
    assert reasons(caps, [lock()]) == {CapReason.PER_HOUR, CapReason.PER_PERSON}


def test_past_the_canary_a_group_waits_for_every_answer_and_then_for_a_person() -> None:
    caps = replace(WIDE, canary=3)
    moments = [NOW_MS - 10 * DAY_MS + number for number in range(3)]
    first = [lock(at_ms=at_ms, settled_ms=at_ms + HOUR_MS) for at_ms in moments]
    assert reasons(caps, first[:2]) == set()
    waiting = [*first[:2], replace(first[2], settled_ms=None)]
    assert reasons(caps, waiting) == {CapReason.CANARY_UNSETTLED}
    assert reasons(caps, first) == {CapReason.CANARY_NOT_CLEARED}
    early = Clearance(group="g", person="p-2", at_ms=moments[2] + HOUR_MS - 1)
    assert reasons(caps, first, early) == {CapReason.CANARY_NOT_CLEARED}, "whoever looked had not seen the last answer"
    assert reasons(caps, first, Clearance(group="other", person="p-2", at_ms=NOW_MS)) == {CapReason.CANARY_NOT_CLEARED}
    assert reasons(caps, first, replace(early, at_ms=early.at_ms + 1)) == set(), "whoever looked had seen it"
    cleared = Clearance(group="g", person="p-2", at_ms=NOW_MS - DAY_MS)
    assert reasons(caps, first, cleared) == set()
    assert reasons(caps, [*first, lock(settled_ms=None)], cleared) == set(), "only the canary is waited for"


def test_a_lock_found_wrong_stops_its_group_until_a_person_who_knows_of_it_lets_it_go_on() -> None:
    wrong = lock(wrong_at_ms=NOW_MS - HOUR_MS)
    assert reasons(WIDE, [wrong]) == {CapReason.WRONG_LOCK}
    assert reasons(WIDE, [replace(wrong, group="other")]) == set()
    before = Clearance(group="g", person="p-2", at_ms=NOW_MS - 2 * HOUR_MS)
    after = Clearance(group="g", person="p-2", at_ms=NOW_MS - HOUR_MS)
    assert reasons(WIDE, [wrong], before) == {CapReason.WRONG_LOCK}
    assert reasons(WIDE, [wrong], after) == set()
    assert reasons(WIDE, [wrong, lock(wrong_at_ms=NOW_MS)], after) == {CapReason.WRONG_LOCK}


def test_one_person_throws_the_kill_switch_and_two_turn_it_off() -> None:
    thrown = engage(by="p-1", at_ms=NOW_MS, why="too many locks at one site")
    assert thrown.on
    with pytest.raises(Forbidden):
        disengage(thrown, first="p-1", second="p-1", at_ms=NOW_MS)
    assert not disengage(thrown, first="p-1", second="p-2", at_ms=NOW_MS).on


def test_the_kill_switch_needs_a_reason() -> None:
    with pytest.raises(Rejected):
        engage(by="p-1", at_ms=NOW_MS, why=" ")


COUNTS = [each.name for each in fields(Caps) if each.name != "fleet_permille"]


@pytest.mark.parametrize("changes", [*({name: 0} for name in COUNTS), {"fleet_permille": 1001}, {"fleet_permille": -1}])
def test_caps_that_make_no_sense_are_refused(changes: dict[str, int]) -> None:
    with pytest.raises(Rejected):
        Caps(**changes)


@pytest.mark.parametrize("changes", [*({name: 1} for name in COUNTS), {"fleet_permille": 1000}, {"fleet_permille": 0}])
def test_the_least_and_the_most_that_make_sense_are_taken(changes: dict[str, int]) -> None:
    assert Caps(**changes) == replace(Caps(), **changes)


def test_one_of_the_first_of_a_group_waits_for_no_other_of_them_but_for_whoever_looks_at_a_wrong_one() -> None:
    caps, first = replace(WIDE, canary=1, per_hour=1), replace(ASKED, canary=True)

    def told(asked: LockAsked, **changes: Any) -> tuple[CapReason, ...]:
        return held_back(caps, asked, [lock(settled_ms=None, **changes)], fleet=FLEET, held=0)

    assert told(first) == (CapReason.PER_HOUR,)
    assert told(ASKED) == (CapReason.PER_HOUR, CapReason.CANARY_UNSETTLED)
    assert told(first, wrong_at_ms=NOW_MS) == (CapReason.PER_HOUR, CapReason.WRONG_LOCK)


def test_the_account_of_a_group_is_read_off_its_name() -> None:
    of_account = group_of(policy=None, account="agent:1", at_ms=NOW_MS)
    of_policy = group_of(policy="auth_1", account="standing-policy", at_ms=NOW_MS)
    assert [account_of(group) for group in (of_account, of_policy, "", "account")] == ["agent:1", None, None, ""]
