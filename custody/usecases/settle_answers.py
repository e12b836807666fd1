"""Two answers of ours to one question: the better one for the customer is promised, and the house learns from both.

- Anybody who works on a case writes them down. Nothing is asked of the customer, but which of two different things they
  would rather have.
- The better one binds at once (`disputes/two_answers.py`), as what somebody else promised does once its days are over:
  nobody can rebut what we said ourselves. What the customer has already, or is to have, does not come twice.
- Both answers are a lesson, with an owner and a day. The same two written down again are written down already.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from custody.disputes import civil
from custody.disputes.lesson import LessonKind
from custody.disputes.messages import Message, pounds, say
from custody.disputes.one_order import of_its_order
from custody.disputes.outside_promise import AS_TOLD, Told, bind
from custody.disputes.policy import DEFAULT_POLICY, CaseworkPolicy
from custody.disputes.promise import BY_OUR_WORD, Promise
from custody.disputes.two_answers import better_of, promised_of_it, says_both
from custody.kernel.errors import Conflict
from custody.store import case_book, lesson_book
from custody.store.case_book import CaseFile
from custody.store.unit import Unit
from custody.usecases.keep_word import check_word, promise_once, said_of_sum
from custody.usecases.learn_lesson import Keepers, open_one
from custody.usecases.read_order import hold_order
from custody.usecases.write_move import write_move


def settle(
    unit: Unit,
    dispute: str,
    *,
    answers: Sequence[Told],
    rather: str | None,
    actor: str,
    keepers: Keepers,
    policy: CaseworkPolicy = DEFAULT_POLICY,
) -> CaseFile:
    """Write two answers down; `rather` says which of two different things the customer would rather have."""
    one, other = answers
    better, says = better_of(one, other, rather=rather), says_both(one, other)
    heard = case_book.goes_on(unit.session, case_book.read(unit.session, dispute))
    file = hold_order(unit, heard.case.id)
    if file.case.joined_into is not None:
        raise Conflict("changed", "the case was joined meanwhile", fix="Read the case again, then repeat.")
    if any(lesson.says == says for lesson in lesson_book.of_case(unit.session, file.case.id)):
        return file
    bound: dict[str, Any] = {"promise_id": unit.ids.new("promise"), "case_id": file.case.id, "owner": file.case.owner}
    promise = replace(bind(better, method=AS_TOLD, now_ms=unit.now_ms, policy=policy, **bound), source=BY_OUR_WORD)
    before = promised_of_it(promise, of_its_order(file.case, case_book.promises(unit.session, file.case.id)))
    before_pence = sum(each.amount_pence or 0 for each in before)
    more_pence = None if promise.amount_pence is None else max(0, promise.amount_pence - before_pence)
    promise = replace(promise, amount_pence=more_pence)
    better = replace(better, amount_pence=more_pence)
    check_word(unit, file.case.id, better, price_pence=file.order.price_pence, by_customer=False)
    promised = None if more_pence == 0 else promise_once(unit, file, promise, better, policy=policy)
    people = keepers(unit.session)
    lesson = open_one(unit, file.case.id, LessonKind.TWO_ANSWERS, says=says, people=people, policy=policy)
    facts: dict[str, Any] = {"lesson": lesson.id}
    if promised is None:
        said = [say("answers.has_it_already", promises=(lesson.id,), what=promise.what)]
    else:
        facts |= {"promise": promised.id, "due_ms": promised.due_ms, "amount_pence": promised.amount_pence}
        said = _said_of(promised, better)
        of = tuple(each.id for each in before)
        said += [say("answers.with_before", promises=of, amount=pounds(before_pence))] if before_pence else []
    return write_move(unit, file, file, "two_answers", actor=actor, facts=facts, said=said)


def _said_of(promise: Promise, told: Told) -> list[Message]:
    key = "answers.better" if promise.due_ms > promise.made_ms else "answers.better_late"
    facts = {"what": promise.what, "due": civil.in_words(promise.due_ms), "owner": promise.owner}
    return [say(key, promises=(promise.id,), **facts), *said_of_sum(promise, told)]
