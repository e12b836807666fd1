"""Booking a free collection of the wrong thing: by the customer on their page, or by whoever speaks with them.

The booking is a promise of ours with its day and hours, told at once, and late it earns what every late promise does.
The same time again is booked already; another one takes its place.
"""

from datetime import date
from typing import Final

from custody.disputes import civil
from custody.disputes.case import CASE
from custody.disputes.collection import as_collection, between, check_offered, is_booked, promise_collection
from custody.disputes.messages import say
from custody.disputes.one_order import of_its_order
from custody.disputes.policy import DEFAULT_POLICY, CaseworkPolicy
from custody.disputes.promise import A_COLLECTION, is_owed
from custody.kernel.errors import Conflict
from custody.store import case_book
from custody.store.case_book import CaseFile
from custody.store.unit import Unit
from custody.usecases.keep_promises import take_place
from custody.usecases.read_order import hold_where_it_goes_on
from custody.usecases.write_move import write_move

BOOKED: Final = "collection_booked"


def book_collection(
    unit: Unit, dispute: str, *, day: date, window: str, actor: str, policy: CaseworkPolicy = DEFAULT_POLICY
) -> CaseFile:
    """The case with the collection promised; raises `Rejected` for a time that cannot be had, `Conflict` for none."""
    file = hold_where_it_goes_on(unit, dispute)
    if file.case.state in CASE.terminal:
        raise Conflict("over", "the case is over", fix="Open the case again first.")
    check_offered(file.offer)
    booked = as_collection(day=day, window=window, today=civil.civil_date(unit.now_ms))
    promised = of_its_order(file.case, case_book.promises(unit.session, file.case.id))
    before = [one for one in promised if one.what == A_COLLECTION and is_owed(one)]
    if any(is_booked(one, booked) for one in before):
        return file
    name, owner = unit.ids.new("promise"), file.case.owner
    promise = promise_collection(
        booked, promise_id=name, case_id=file.case.id, owner=owner, now_ms=unit.now_ms, policy=policy
    )
    moved, said = take_place(unit, file, before, of=promise, policy=policy)
    case_book.put_promise(unit, promise)
    day_said = civil.day_in_words(booked.day)
    told = say("case.collection", promises=(name,), day=day_said, between=between(booked.window), owner=owner)
    facts = {"promise": name, "due_ms": promise.due_ms, "instead_of": [one.id for one in before]}
    return write_move(unit, file, moved, BOOKED, actor=actor, facts=facts, said=[*said, told])
