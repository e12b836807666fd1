"""Promises whose time has come: due soon a day ahead; missed a second after, with the customer told first and a credit.

Message, credit and move are written in one unit, so no dashboard shows a miss that the customer has not heard of.
"""

from dataclasses import replace

from custody.disputes import civil
from custody.disputes.machine import Role, step
from custody.disputes.messages import pounds, say
from custody.disputes.policy import DEFAULT_POLICY, Policy
from custody.disputes.promise import PROMISE, Promise, credit, credit_added, customer_told_first, due_event
from custody.kernel.clock import DAY_MS
from custody.store import case_book
from custody.store.unit import Unit


def sweep_promises(unit: Unit, *, policy: Policy = DEFAULT_POLICY, limit: int = 200) -> int:
    """Move every promise that time has moved; returns how many."""
    moved = 0
    for promise in case_book.promises_due(unit.session, unit.now_ms + DAY_MS, limit=limit):
        present = promise
        while (event := due_event(present, now_ms=unit.now_ms, policy=policy)) is not None:
            present = _move(unit, present, event, policy)
            moved += 1
    return moved


def _move(unit: Unit, promise: Promise, event: str, policy: Policy) -> Promise:
    earned = credit(promise, until_ms=unit.now_ms, policy=policy)
    guards = {
        "credit_added": credit_added(earned),
        "customer_told_first": customer_told_first(message_ms=unit.now_ms, staff_saw_ms=None),
    }
    moved = replace(promise, state=step(PROMISE, promise.state, event, Role.SYSTEM, guards).target)
    case_book.put_promise(unit, moved)
    if event == "date_passed":
        message = say(
            "promise.date_passed",
            promises=(promise.id,),
            what=promise.what,
            due=civil.in_words(promise.due_ms),
            credit=pounds(earned.pence),
            owner=promise.owner,
        )
        case_book.say(unit, promise.case_id, [message])
        facts = {"promise": promise.id, "credit_pence": earned.pence}
        case_book.note(unit, promise.case_id, "promise_missed", actor="system", facts=facts)
    return moved
