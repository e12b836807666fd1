"""Two answers of the house to one question: the better one for the customer binds us.

- Each is what was said, where, until when and how much, as of an outside promise (`Told`).
- Of the same thing the better of each part binds: the larger sum, the earlier day. A sum is better than none, and a day
  than none, as only it can be missed; of a refund the whole price, which has no sum, is better than a part of it.
- Of different things the customer says which they would rather have: nobody else knows what is better for them.
- Two that say the same are not two. A third answer to the same question adds what it is more than the best before it.
"""

from collections.abc import Iterable
from dataclasses import replace

from custody.disputes import civil
from custody.disputes.claim import Remedy
from custody.disputes.messages import ended, pounds
from custody.disputes.outside_promise import AS_TOLD, Told, check_told, spoken
from custody.disputes.promise import BY_OUR_WORD, Promise, is_owed
from custody.disputes.remedy import WORDS
from custody.kernel.errors import Rejected

RATHER = ("what", "other")
"""Which one the customer would rather have: the one in the field `what`, or the other."""


def better_of(one: Told, other: Told, *, rather: str | None) -> Told:
    """What binds us; raises `Rejected` where both say the same, or nobody said which of two things is better."""
    for each in (one, other):
        check_told(each)
    if _same_thing(one, other):
        if (one.amount_pence, one.due_ms) == (other.amount_pence, other.due_ms):
            raise Rejected("same", "both answers say the same", fix="Write down what the other one said otherwise.")
        return replace(one, amount_pence=_better_sum(one, other), due_ms=_earlier(one.due_ms, other.due_ms))
    if rather not in RATHER:
        raise Rejected(
            "rather",
            "the two answers are of different things, and it is not said which is better for the customer",
            fix="Ask the customer which they would rather have, and send rather as `what` or `other`.",
        )
    return one if rather == "what" else other


def says_both(one: Told, other: Told) -> str:
    """Both answers in a sentence for whoever learns from them, with what they differ in."""
    first, second = one.by_whom.strip() or "One of us", other.by_whom.strip() or "another one"
    return f"{first} said: {_whole(one)} But {second} said: {_whole(other)}"


def is_of_answers(promise: Promise) -> bool:
    """Whether two answers brought a promise about."""
    return promise.source == BY_OUR_WORD and promise.method == AS_TOLD


def promised_of_it(promise: Promise, every: Iterable[Promise]) -> list[Promise]:
    """What earlier answers to the same question promised already, and what of that was given."""
    same = (each for each in filter(is_of_answers, every) if each.what.casefold() == promise.what.casefold())
    return [each for each in same if is_owed(each) or (each.state == "kept" and not each.came_back)]


def _whole(told: Told) -> str:
    """An answer with its sum and its day."""
    sums = [] if told.amount_pence is None else [pounds(told.amount_pence)]
    days = [] if told.due_ms is None else [f"by {civil.in_words(told.due_ms)}"]
    return ended(", ".join([told.what.strip().rstrip(" ."), *sums, *days])) if sums or days else ended(told.what)


def _same_thing(one: Told, other: Told) -> bool:
    return _plain(one) == _plain(other)


def _plain(told: Told) -> str:
    return " ".join(told.what.split()).strip(" .,;:!?").casefold()


def _better_sum(one: Told, other: Told) -> int | None:
    sums = [each.amount_pence for each in (one, other)]
    if None in sums and spoken(replace(one, amount_pence=None)) == WORDS[Remedy.REFUND]:
        return None
    return max((pence for pence in sums if pence is not None), default=None)


def _earlier(*days_ms: int | None) -> int | None:
    return min((due_ms for due_ms in days_ms if due_ms is not None), default=None)
