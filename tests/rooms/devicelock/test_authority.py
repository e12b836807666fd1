from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from custody.disputes.policy import DEFAULT_POLICY
from custody.kernel.clock import DAY_MS, HOUR_MS
from custody.kernel.errors import Forbidden
from devicelock.rules.authority import (
    DECIDERS,
    HOLD_MS,
    PROPOSERS,
    authorise_lock,
    preflight,
    refuse_unless_apart,
)
from devicelock.rules.caps import CapReason
from devicelock.rules.command import Basis
from devicelock.rules.hello import SimClass
from devicelock.rules.lock_facts import (
    NEVER_FAIR,
    STANDING_CLAIMS,
    LockClaim,
    LockFacts,
    LockKind,
    Person,
    StandingPolicy,
)
from devicelock.rules.order import LockRole
from devicelock.rules.preflight import CheckName, CheckReason, Ruling
from devicelock.rules.tie import TieState

TODAY = date(2026, 11, 30)

POLICY = StandingPolicy(version="7", put_in_force_by=frozenset({"p-1", "p-2"}), logged_as="00ff")
ASKER = Person(person="p-3", roles=frozenset({LockRole.AGENT}), employed=True, account_made_by="setup")
DECIDER = Person(person="p-4", roles=frozenset({LockRole.SUPERVISOR}), employed=True, account_made_by="setup")
INVESTIGATOR = Person(person="p-5", roles=frozenset({LockRole.INVESTIGATOR}), employed=True, account_made_by="setup")
SPECIALIST = Person(person="p-6", roles=frozenset({LockRole.SUPERVISOR}), employed=True, account_made_by="setup")

PROVISIONAL = LockFacts(
    kind=LockKind.PROVISIONAL,
    tie=TieState.TIED,
    sim=SimClass.OTHER,
    retired=False,
    receipt_confirmed=False,
    leaving=False,
    vulnerable=False,
    contact_on_screen=True,
    way_out=True,
    still_served=False,
    held_back=(),
    kill_switch_on=False,
    claim=LockClaim.SUBSTITUTED,
    policy=POLICY,
)
REQUESTED = replace(PROVISIONAL, kind=LockKind.REQUESTED, policy=None, requester=ASKER, decider=DECIDER)
CONFIRM = replace(REQUESTED, kind=LockKind.CONFIRM, requester=INVESTIGATOR, not_with_customer=True)
IMEI_LIST = replace(CONFIRM, kind=LockKind.IMEI_LIST)
ALL_KINDS = {kind.kind: kind for kind in (PROVISIONAL, REQUESTED, CONFIRM, IMEI_LIST)}


def failing(facts: LockFacts) -> dict[CheckName, CheckReason]:
    return {row.name: row.reason for row in preflight(facts).failing}


@pytest.mark.parametrize("facts", ALL_KINDS.values(), ids=lambda facts: str(facts.kind))
def test_with_every_fact_in_favour_a_lock_of_each_kind_is_allowed(facts: LockFacts) -> None:
    assert preflight(facts).ruling is Ruling.ALLOWED
    assert all(row.ok and row.reason is CheckReason.OK for row in preflight(facts).rows)


DEVICE_FACTS: list[tuple[dict[str, Any], CheckName, CheckReason]] = [
    ({"tie": TieState.SINGLE}, CheckName.IMEI_TIED, CheckReason.RECORDS_SINGLE),
    ({"tie": TieState.DISAGREE}, CheckName.IMEI_TIED, CheckReason.RECORDS_DISAGREE),
    ({"tie": TieState.NONE}, CheckName.IMEI_TIED, CheckReason.RECORDS_NONE),
    ({"tie": None}, CheckName.IMEI_TIED, CheckReason.UNKNOWN),
    ({"sim": SimClass.OWN}, CheckName.NOT_ON_OWN_SIM, CheckReason.ON_OWN_SIM),
    ({"sim": SimClass.UNKNOWN}, CheckName.NOT_ON_OWN_SIM, CheckReason.UNKNOWN),
    ({"sim": None}, CheckName.NOT_ON_OWN_SIM, CheckReason.UNKNOWN),
    ({"retired": True}, CheckName.NOT_RETIRED, CheckReason.RETIRED),
    ({"retired": None}, CheckName.NOT_RETIRED, CheckReason.UNKNOWN),
    ({"receipt_confirmed": True}, CheckName.RECEIPT_NOT_CONFIRMED, CheckReason.RECEIPT_CONFIRMED),
    ({"receipt_confirmed": None}, CheckName.RECEIPT_NOT_CONFIRMED, CheckReason.UNKNOWN),
    ({"leaving": True}, CheckName.NOT_LEAVING, CheckReason.LEAVING),
    ({"leaving": None}, CheckName.NOT_LEAVING, CheckReason.UNKNOWN),
    ({"vulnerable": True}, CheckName.VULNERABILITY, CheckReason.NEEDS_SPECIALIST),
    ({"vulnerable": None}, CheckName.VULNERABILITY, CheckReason.UNKNOWN),
    ({"contact_on_screen": False}, CheckName.CONTACT_ON_SCREEN, CheckReason.NO_CONTACT),
    ({"contact_on_screen": None}, CheckName.CONTACT_ON_SCREEN, CheckReason.UNKNOWN),
    ({"way_out": False}, CheckName.WAY_OUT, CheckReason.NO_WAY_OUT),
    ({"way_out": None}, CheckName.WAY_OUT, CheckReason.UNKNOWN),
    ({"still_served": True}, CheckName.NOTICE, CheckReason.NOTICE_MISSING),
    ({"still_served": None}, CheckName.NOTICE, CheckReason.UNKNOWN),
    ({"held_back": (CapReason.PER_HOUR,)}, CheckName.CAPS, CheckReason.CAP_REACHED),
    ({"held_back": None}, CheckName.CAPS, CheckReason.UNKNOWN),
    ({"kill_switch_on": True}, CheckName.KILL_SWITCH, CheckReason.KILLED),
    ({"kill_switch_on": None}, CheckName.KILL_SWITCH, CheckReason.UNKNOWN),
]


@pytest.mark.parametrize("kind", list(LockKind))
@pytest.mark.parametrize(("changes", "name", "reason"), DEVICE_FACTS)
def test_any_fact_of_the_device_that_is_bad_or_unknown_holds_every_kind_of_lock_back(
    kind: LockKind, changes: dict[str, Any], name: CheckName, reason: CheckReason
) -> None:
    facts = replace(ALL_KINDS[kind], **changes)
    assert failing(facts) == {name: reason}
    with pytest.raises(Forbidden) as refused:
        authorise_lock(facts)
    assert refused.value.facts["rows"][0][0] == name
    assert refused.value.fix


def test_a_lock_that_a_limit_holds_back_is_told_which_one() -> None:
    for held_back, told in (((), "none"), ((CapReason.PER_HOUR, CapReason.PER_DAY), "per_hour, per_day")):
        rows = preflight(replace(REQUESTED, held_back=held_back)).rows
        assert [row.allowed_by.rpartition("Reached: ")[2] for row in rows if row.name is CheckName.CAPS] == [f"{told}."]


def test_a_device_without_any_sim_so_far_was_not_seen_on_the_customers_own() -> None:
    assert not failing(replace(PROVISIONAL, sim=SimClass.NEVER))


def test_a_customer_who_is_still_served_is_told_first() -> None:
    assert not failing(replace(PROVISIONAL, still_served=True, notice_sent=True))


def test_a_flagged_account_waits_for_a_specialist_who_did_not_ask() -> None:
    assert not failing(replace(PROVISIONAL, vulnerable=True, specialist=SPECIALIST))
    flagged = replace(REQUESTED, vulnerable=True)
    assert not failing(replace(flagged, specialist=SPECIALIST, decider=SPECIALIST))
    named_only = {CheckName.VULNERABILITY: CheckReason.NEEDS_SPECIALIST}
    assert failing(replace(flagged, specialist=SPECIALIST)) == named_only, "who is only named decides nothing"
    assert failing(replace(flagged, specialist=ASKER)) == {CheckName.VULNERABILITY: CheckReason.NEEDS_SPECIALIST}
    for asked in (replace(flagged, decider=None), replace(PROVISIONAL, vulnerable=True, requester=ASKER)):
        found = failing(replace(asked, specialist=ASKER))
        assert found[CheckName.VULNERABILITY] is CheckReason.NEEDS_SPECIALIST, "whoever asked is not the other one"
    left = replace(SPECIALIST, employed=False)
    assert failing(replace(flagged, specialist=left)) == {CheckName.VULNERABILITY: CheckReason.NOT_EMPLOYED}


@pytest.mark.parametrize("claim", [*LockClaim, None])
def test_standing_authority_covers_only_claims_in_which_the_customer_does_not_hold_the_device(
    claim: LockClaim | None,
) -> None:
    found = failing(replace(PROVISIONAL, claim=claim))
    if claim in STANDING_CLAIMS:
        assert not found
    else:
        reason = CheckReason.UNKNOWN if claim is None else CheckReason.CLAIM_NOT_COVERED
        assert found == {CheckName.CLAIM_COVERED: reason}


def test_a_policy_cannot_widen_the_claims_it_covers() -> None:
    wide = replace(POLICY, claims=frozenset(LockClaim))
    assert failing(replace(PROVISIONAL, policy=wide, claim=LockClaim.DEFECTIVE))
    narrow = replace(POLICY, claims=frozenset({LockClaim.NEVER_RECEIVED}))
    assert failing(replace(PROVISIONAL, policy=narrow))


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        (None, CheckReason.NO_POLICY),
        (replace(POLICY, put_in_force_by=frozenset({"p-1"})), CheckReason.POLICY_ONE_PERSON),
        (replace(POLICY, put_in_force_by=frozenset()), CheckReason.POLICY_ONE_PERSON),
        (replace(POLICY, logged_as=None), CheckReason.POLICY_NOT_LOGGED),
    ],
)
def test_standing_authority_needs_a_policy_of_two_people_in_the_log(
    policy: StandingPolicy | None, reason: CheckReason
) -> None:
    assert failing(replace(PROVISIONAL, policy=policy))[CheckName.POLICY_IN_FORCE] is reason


def test_the_requester_never_decides_alone_whatever_login_is_used() -> None:
    twin = replace(DECIDER, person=ASKER.person)
    assert failing(replace(REQUESTED, decider=twin)) == {CheckName.TWO_PEOPLE: CheckReason.SAME_PERSON}
    found = failing(replace(REQUESTED, decider=None))
    assert found == {CheckName.DECIDER: CheckReason.NO_SUCH_PERSON, CheckName.TWO_PEOPLE: CheckReason.NO_SUCH_PERSON}
    assert failing(replace(REQUESTED, requester=None))[CheckName.TWO_PEOPLE] is CheckReason.NO_SUCH_PERSON


@pytest.mark.parametrize("swapped", [False, True])
def test_nobody_decides_with_an_account_that_one_made_for_the_other(*, swapped: bool) -> None:
    one, other = replace(ASKER, account_made_by=DECIDER.person), DECIDER
    if swapped:
        one, other = ASKER, replace(DECIDER, account_made_by=ASKER.person)
    found = failing(replace(REQUESTED, requester=one, decider=other))
    assert found == {CheckName.TWO_PEOPLE: CheckReason.MADE_THE_OTHER}
    for unknown in (
        replace(REQUESTED, decider=replace(DECIDER, account_made_by=None)),
        replace(REQUESTED, requester=replace(ASKER, account_made_by=None)),
    ):
        assert failing(unknown) == {CheckName.TWO_PEOPLE: CheckReason.UNKNOWN}


@pytest.mark.parametrize("swapped", [False, True])
def test_nobody_decides_with_an_account_made_through_others_or_by_the_same_hands(*, swapped: bool) -> None:
    def found(one: Person, other: Person) -> dict[CheckName, CheckReason]:
        requester, decider = (other, one) if swapped else (one, other)
        return failing(replace(REQUESTED, requester=replace(requester, roles=decider.roles), decider=decider))

    puppet = replace(ASKER, roles=DECIDER.roles, account_made_by="p-8", line=frozenset({"p-8", DECIDER.person}))
    assert found(puppet, DECIDER) == {CheckName.TWO_PEOPLE: CheckReason.MADE_THE_OTHER}
    maker = frozenset({"p-8"})
    siblings = (replace(puppet, line=maker), replace(DECIDER, account_made_by="p-8", line=maker))
    assert found(*siblings) == {CheckName.TWO_PEOPLE: CheckReason.SAME_MAKER}
    assert found(replace(puppet, line=maker), replace(DECIDER, line=frozenset({"p-9"}))) == {}


def test_acts_that_are_no_order_take_two_people_with_nobody_behind_both() -> None:
    refuse_unless_apart(frozenset({"p-1", "p-8"}), frozenset({"p-2", "p-9"}), what="do it", ask="another")
    for one, other in ((("p-1",), ("p-1",)), (("p-1", "p-8"), ("p-8",)), (("p-1", "p-8"), ("p-2", "p-8"))):
        with pytest.raises(Forbidden) as refused:
            refuse_unless_apart(frozenset(one), frozenset(other), what="do it", ask="another")
        assert refused.value.fix


@pytest.mark.parametrize("field", ["requester", "decider"])
def test_both_people_are_employed_and_in_role_at_the_moment_of_signing(field: str) -> None:
    name = CheckName(field)
    person: Person = getattr(CONFIRM, field)
    changes: dict[str, Any]
    for changes, reason in (
        ({"employed": False}, CheckReason.NOT_EMPLOYED),
        ({"employed": None}, CheckReason.UNKNOWN),
        ({"roles": frozenset()}, CheckReason.NOT_IN_ROLE),
        ({"roles": frozenset({LockRole.CUSTOMER})}, CheckReason.NOT_IN_ROLE),
    ):
        changed: dict[str, Any] = {field: replace(person, **changes)}
        assert failing(replace(CONFIRM, **changed)) == {name: reason}


@pytest.mark.parametrize("kind", [LockKind.REQUESTED, LockKind.CONFIRM, LockKind.IMEI_LIST])
@pytest.mark.parametrize("asks", list(LockRole))
@pytest.mark.parametrize("decides", list(LockRole))
def test_who_may_ask_and_who_may_decide(kind: LockKind, asks: LockRole, decides: LockRole) -> None:
    facts = replace(
        ALL_KINDS[kind],
        requester=replace(ASKER, roles=frozenset({asks})),
        decider=replace(DECIDER, roles=frozenset({decides})),
    )
    assert (not failing(facts)) == (asks in PROPOSERS[kind] and decides in DECIDERS)


@pytest.mark.parametrize("kind", [LockKind.REQUESTED, LockKind.CONFIRM, LockKind.IMEI_LIST])
@pytest.mark.parametrize("claim", sorted(NEVER_FAIR))
def test_some_claims_are_no_ground_for_a_lock_whoever_asks(kind: LockKind, claim: LockClaim) -> None:
    facts = replace(ALL_KINDS[kind], claim=claim, not_with_customer=True)
    assert failing(facts) == {CheckName.CLAIM_COVERED: CheckReason.CLAIM_NOT_COVERED}


@pytest.mark.parametrize("away", [None, False])
def test_beyond_the_claim_itself_the_device_must_be_shown_to_be_elsewhere(*, away: bool | None) -> None:
    reason = CheckReason.UNKNOWN if away is None else CheckReason.WITH_CUSTOMER
    for facts in (CONFIRM, IMEI_LIST, replace(REQUESTED, claim=None), replace(REQUESTED, claim=LockClaim.DAMAGED)):
        assert failing(replace(facts, not_with_customer=away)) == {CheckName.DEVICE_NOT_WITH_CUSTOMER: reason}
    assert not failing(replace(REQUESTED, not_with_customer=away)), "the claim says so for 72 hours"


def test_the_authority_of_a_lock_names_the_policy_or_both_people() -> None:
    standing = authorise_lock(PROVISIONAL, references=("case:9",))
    assert standing.basis is Basis.STANDING_POLICY
    assert standing.references == ("policy:7", "entry:00ff", "case:9")
    looked_at = authorise_lock(replace(PROVISIONAL, vulnerable=True, specialist=SPECIALIST, decider=SPECIALIST))
    assert looked_at.references == ("policy:7", "entry:00ff", "decided-by:p-6")
    two = authorise_lock(REQUESTED, references=("case:9",))
    assert two.basis is Basis.TWO_PEOPLE
    assert two.references == ("asked-by:p-3", "decided-by:p-4", "case:9")


def test_a_lock_holds_72_hours_until_two_people_confirm_it_for_90_days() -> None:
    hour = 3_600_000
    expected = {LockKind.PROVISIONAL: 72 * hour, LockKind.REQUESTED: 72 * hour, LockKind.CONFIRM: 90 * 24 * hour}
    assert expected == HOLD_MS


def test_a_lock_holds_for_as_long_as_customers_are_told() -> None:
    hours = DEFAULT_POLICY.value("provisional_lock_hours", TODAY)
    days = DEFAULT_POLICY.value("lock_review_days", TODAY)
    first_ms = hours * HOUR_MS
    assert {LockKind.PROVISIONAL: first_ms, LockKind.REQUESTED: first_ms, LockKind.CONFIRM: days * DAY_MS} == HOLD_MS


@pytest.mark.parametrize(
    ("known", "waits"),
    [
        ({"tie": TieState.SINGLE}, True),
        ({"tie": TieState.NONE}, True),
        ({"tie": None}, True),
        ({"tie": TieState.NONE, "held_back": ("per_hour",), "vulnerable": True}, True),
        ({"tie": TieState.DISAGREE}, False),
        ({"tie": TieState.DISAGREE, "kill_switch_on": True}, False),
        ({"tie": TieState.SINGLE, "sim": SimClass.OWN}, False),
        ({"tie": TieState.NONE, "retired": True}, False),
        ({"vulnerable": True}, False),
        ({}, False),
    ],
)
def test_a_lock_waits_for_records_that_may_come_and_not_for_those_that_disagree(
    known: dict[str, Any], *, waits: bool
) -> None:
    assert preflight(replace(PROVISIONAL, **known)).is_put_off is waits
