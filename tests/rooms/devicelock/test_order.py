from itertools import product

import pytest

from custody.kernel.errors import Conflict, Forbidden
from devicelock.rules.order import (
    FACTS,
    MEANING,
    SETTLED,
    START,
    TERMINAL,
    TRANSITIONS,
    Guard,
    LockRole,
    OrderEvent,
    OrderState,
    events,
    step,
)

ALL_SHOWN = dict.fromkeys(Guard, True)
MOVES = """
requested preflight_fails -> refused: system if reason_shown
requested preflight_passes -> approved: agent investigator system if authority_recorded imei_last4_typed
requested second_person_says_no -> refused: supervisor if reason_shown
requested withdraw -> refused: anyone if nothing
approved publish -> queued: system if expiry_set seq_greater_than_last signed
queued device_ack -> active_provisional: system if nothing
queued cancel_before_delivery -> released: anyone if tombstone_seq
queued release -> release_queued: anyone if nothing
queued expired_undelivered -> failed_final: system if nothing
active_provisional confirm -> active_confirmed: investigator supervisor if device_not_with_customer four_eyes
active_provisional lapse_or_release -> release_queued: anyone if nothing
active_confirmed release -> release_queued: anyone if nothing
release_queued device_ack_or_code_used -> released: customer system if nothing
release_queued term_passed -> released_unconfirmed: system if hold_passed
released_unconfirmed device_ack_or_code_used -> released: customer system if nothing
"""


def test_who_may_make_which_move_is_written_down_twice() -> None:
    told = []
    for (state, event), move in TRANSITIONS.items():
        who = "anyone" if move.who == frozenset(LockRole) else " ".join(sorted(move.who))
        told.append(f"{state} {event} -> {move.to}: {who} if {' '.join(sorted(move.guards)) or 'nothing'}")
    assert told == MOVES.split("\n")[1:-1]


@pytest.mark.parametrize(("state", "event", "role"), list(product(OrderState, OrderEvent, LockRole)))
def test_a_move_outside_the_table_raises_and_one_inside_leads_where_the_table_says(
    state: OrderState, event: OrderEvent, role: LockRole
) -> None:
    move = TRANSITIONS.get((state, event))
    if move is None:
        with pytest.raises(Conflict) as refused:
            step(state, event, role=role, guards=ALL_SHOWN)
        assert refused.value.code == "move"
    elif role not in move.who:
        with pytest.raises(Forbidden) as forbidden:
            step(state, event, role=role, guards=ALL_SHOWN)
        assert forbidden.value.code == "role"
    else:
        assert step(state, event, role=role, guards=ALL_SHOWN) is move.to


@pytest.mark.parametrize("shown", [False, None])
def test_a_guard_that_is_false_or_unknown_holds_the_move_back(*, shown: bool | None) -> None:
    for (state, event), move in TRANSITIONS.items():
        for guard in move.guards:
            with pytest.raises(Conflict) as refused:
                step(state, event, role=min(move.who), guards={**ALL_SHOWN, guard: shown})
            assert (refused.value.code, refused.value.facts["unmet"]) == ("guard", (guard,))
            assert refused.value.fix == MEANING[guard]


def test_a_guard_that_nobody_mentioned_is_unknown() -> None:
    with pytest.raises(Conflict, match="not known"):
        step(OrderState.APPROVED, OrderEvent.PUBLISH, role=LockRole.SYSTEM)


def test_every_state_is_reachable_and_every_state_reaches_an_end() -> None:
    def reach(start: OrderState) -> set[OrderState]:
        found, queue = {start}, [start]
        while queue:
            here = queue.pop()
            for (source, _), move in TRANSITIONS.items():
                if source is here and move.to not in found:
                    found.add(move.to)
                    queue.append(move.to)
        return found

    assert reach(START) == set(OrderState)
    assert all(reach(state) & TERMINAL for state in OrderState)


def test_an_open_state_has_an_owner_and_a_clock_and_an_ended_one_has_neither() -> None:
    for state in OrderState:
        facts = FACTS[state]
        assert (facts.owner is None, facts.clock is None) == (state in SETTLED, state in SETTLED)


def test_nothing_leads_out_of_an_end() -> None:
    assert all(not events(state) for state in TERMINAL)


def test_an_order_whose_handset_never_answered_waits_for_nobody_and_hears_a_late_answer() -> None:
    assert {OrderState.RELEASED_UNCONFIRMED} == SETTLED - TERMINAL
    assert events(OrderState.RELEASED_UNCONFIRMED) == (OrderEvent.DEVICE_ACK_OR_CODE_USED,)
    assert TRANSITIONS[OrderState.RELEASE_QUEUED, OrderEvent.TERM_PASSED].who == {LockRole.SYSTEM}


@pytest.mark.parametrize("state", [OrderState.QUEUED, OrderState.ACTIVE_PROVISIONAL, OrderState.ACTIVE_CONFIRMED])
def test_the_customer_gets_out_of_a_lock_alone(state: OrderState) -> None:
    ways = {TRANSITIONS[state, event].to for event in events(state, LockRole.CUSTOMER)}
    assert ways & {OrderState.RELEASED, OrderState.RELEASE_QUEUED}


def test_a_provisional_lock_lapses_without_anybody() -> None:
    assert (
        step(OrderState.ACTIVE_PROVISIONAL, OrderEvent.LAPSE_OR_RELEASE, role=LockRole.SYSTEM)
        is OrderState.RELEASE_QUEUED
    )


def test_only_automation_says_that_a_device_answered() -> None:
    assert TRANSITIONS[OrderState.QUEUED, OrderEvent.DEVICE_ACK].who == {LockRole.SYSTEM}
