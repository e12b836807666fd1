"""Asking the customer for one thing, once, in words that do not change; and what came of it, whatever it was."""

from dataclasses import replace

from custody.disputes import case_guards, civil
from custody.disputes.asks import Holding, answer_ask, ask_guards, hold, send_ask, skip_ask
from custody.disputes.case import CASE
from custody.disputes.claim import claim_of
from custody.disputes.machine import CaseRole, step
from custody.disputes.messages import say
from custody.disputes.people import never_after_a_death
from custody.disputes.policy import DEFAULT_POLICY, CaseworkPolicy
from custody.store import case_book
from custody.store.case_book import CaseFile
from custody.store.unit import Unit
from custody.usecases.write_move import write_move


def ask(
    unit: Unit,
    dispute: str,
    *,
    item: str,
    text: str,
    actor: str,
    role: CaseRole,
    policy: CaseworkPolicy = DEFAULT_POLICY,
) -> CaseFile:
    """Ask the customer for one thing, once; `Conflict` with a pointer if it is held or was asked for."""
    file = case_book.hold_one(unit, dispute)
    never = claim_of(file.case.claim_type).never if file.case.claim_type else ()
    never = (*never, item) if never_after_a_death(file.case.people, item) else never
    sent = send_ask(
        file.ledger,
        ask_id=unit.ids.new("ask"),
        item=item,
        text=text,
        role=role,
        never=never,
        policy=policy,
        now_ms=unit.now_ms,
    )
    move = step(CASE, file.case.state, "ask", role, ask_guards(file.ledger, item))
    moved = replace(file, case=replace(file.case, state=move.target), ledger=sent)
    days = policy.count("ask_open_days", civil.civil_date(unit.now_ms))
    said = [say("case.ask", item=text, days=str(days))]
    return write_move(unit, file, moved, "asked", actor=actor, facts={"item": item, "text": text}, said=said)


def answer(unit: Unit, dispute: str, *, ask_id: str, pointer: str | None, actor: str) -> CaseFile:
    """What was asked for came in whatever form, or the customer skips it; either way the case goes on.

    What comes after the case went on without it is kept all the same, and moves nothing.
    """
    file = case_book.hold_one(unit, dispute)
    ask = next((ask for ask in file.ledger.asks if ask.id == ask_id), None)
    if ask is not None and ask.state != "open" and pointer is not None:
        ledger = hold(file.ledger, Holding(item=ask.item, pointer=pointer, how="given"))
    elif pointer is None:
        ledger = skip_ask(file.ledger, ask_id, now_ms=unit.now_ms)
    else:
        ledger = answer_ask(file.ledger, ask_id, pointer=pointer, readable=True, now_ms=unit.now_ms)
    moved, said = replace(file, ledger=ledger), [say("case.received")] if pointer else []
    if file.case.state == "awaiting_customer":
        guards = {"any_format": case_guards.any_format(received=pointer is not None, skipped=pointer is None)}
        move = step(CASE, file.case.state, "answered_or_skipped", CaseRole.CUSTOMER, guards)
        moved, said = replace(moved, case=replace(file.case, state=move.target)), [say("case.answered_or_skipped")]
    facts = {"ask": ask_id, "skipped": pointer is None}
    return write_move(unit, file, moved, "answered", actor=actor, facts=facts, said=said)
