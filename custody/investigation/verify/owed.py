"""What dispute.json says of what is owed and by whom, held against the records of the same pack.

- The owner is the one that `dispute.opened` or the last `dispute.new_owner` names.
- The offer was made when `dispute.opened` or the last `dispute.offered` was recorded, with the remedies and the sum
  that the record tells. What is chosen is what `dispute.chosen` says after it.
- What a scheme decided, its sum, and whether it stands beside the remedy, the last `dispute.scheme_decided` says.
- A case that was joined goes on in the one that `dispute.merged` names.
- Every promise that a record names is listed, with the day that the record tells; one that was kept, was missed, or
  whose payment came back, as a record tells, is shown so. Those of a case that was joined are listed where it goes on.
- A promise is kept by a record that names it, or by a remedy, an offer or a joining that was recorded. One of what the
  customer chose, of what a scheme decided, of what they were promised elsewhere or outside the offer, of money
  again that came back, or of what stands again after it was set aside, is kept by a remedy or by its own record, and
  by a later one than made it.
- What a record sets aside is shown so, until one promises it again. A promise is crossed out, replaced or set aside
  only by a record after the one that made it: of a choice, of a yes to what a scheme decided, of the customer's word
  that ends the case, of setting it aside, of money that came back, or of another time for a collection. What a joined
  case gave up before, that one's records tell.
- The credit that is to be paid is no less than what the records tell, less what each `dispute.credit_paid` tells was
  paid of it: one that tells no sum paid all.

What else stands there, such as words, clocks of the law and ways to go without us, is told by no record.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from custody.investigation.pack.case import FILE as CASE
from custody.investigation.pack.json_form import plain
from custody.investigation.verify.case import (
    JOINED,
    MERGED,
    OPENED,
    Recorded,
    Records,
    closed_since,
    compare,
    is_step,
    told_of,
)
from custody.investigation.verify.form import OpenedPack
from custody.investigation.verify.verification import Notebook

OFFERED, CHOSEN, NEW_OWNER = "dispute.offered", "dispute.chosen", "dispute.new_owner"
DECIDED, ACCEPTED = "dispute.scheme_decided", "dispute.decision_accepted"
CAME_BACK, MISSED, KEPT = "dispute.payment_came_back", "dispute.promise_missed", "dispute.promise_kept"
REMEDIED, NEEDS = "dispute.remedied", "dispute.needs"
CLOSED, WITHDRAWN, FOUND = "dispute.closed", "dispute.withdrawn", "dispute.found"
COPY_ASKED, DATA_COMPLAINT = "dispute.copy_asked", "dispute.data_complaint"
COLLECTION = "dispute.collection_booked"
SET_ASIDE, STANDS_AGAIN, TOLD_STANDS = "dispute.set_aside", "dispute.stands_again", "dispute.told_stands"
OUTSIDE_THE_OFFER = frozenset(
    {ACCEPTED, TOLD_STANDS, "dispute.exception_granted", "dispute.exception_instead", "dispute.two_answers"}
)
"""The steps that promise one thing, with its day and its sum, which the customer did not choose."""
PAID, OWED_AGAIN, FOR_A_LOCK = "dispute.credit_paid", "dispute.credit_came_back", "dispute.lock_compensation"
GROWN = "dispute.credit_grown"
KEEPS = frozenset({REMEDIED, OFFERED, JOINED})
"""The steps that keep promises which no step here made, without naming each of them."""
GIVES_UP = frozenset({CHOSEN, ACCEPTED, CLOSED, WITHDRAWN, FOUND})
"""The steps that give up promises without naming each of them."""
PART_OF_THE_PRICE = "price_reduction"


def check_owed(pack: OpenedPack, records: Records, notes: Notebook) -> None:
    """The part of step 6 that looks at what is owed."""
    case, hold = pack.case.case, partial(compare, pack, records, notes)
    steps = {index: fields for index, fields in sorted(records.items()) if is_step(fields, pack.case.dispute)}
    owners = told_of(records, pack.case.dispute, "owner", OPENED, NEW_OWNER)
    hold(what="owner", said=case["case"]["owner"], recorded=owners)
    hold(what="award", said=case.get("award"), recorded=_since_opened(steps, "award", DECIDED))
    hold(what="sum of the award", said=case.get("award_pence"), recorded=_since_opened(steps, "award_pence", DECIDED))
    beside = [(index, bool(told)) for index, told in _since_opened(steps, "award_beside", DECIDED)]
    hold(what="place of the award", said=bool(case.get("award_beside")), recorded=beside)
    hold(what="successor", said=case["case"].get("joined_into"), recorded=_since_opened(steps, "into", MERGED))
    _check_offer(pack, records, steps, notes)
    gone_on = any(fields["kind"] == MERGED for fields in steps.values())
    _check_promises(pack, records, steps, notes, gone_on=gone_on)
    if not gone_on:
        _check_credit(pack, records, steps, notes)


def _check_offer(pack: OpenedPack, records: Records, steps: Records, notes: Notebook) -> None:
    hold, offer = partial(compare, pack, records, notes), pack.case.case.get("offer")
    made = {
        index: fields
        for index, fields in steps.items()
        if fields["kind"] == OFFERED or (fields["kind"] == OPENED and "offer" in fields)
    }
    at_ms = [(index, None if fields.get("offer") == [] else fields["at_ms"]) for index, fields in made.items()]
    hold(what="time of the offer", said=offer and offer["offered_ms"], recorded=at_ms)
    options = {option["remedy"]: option.get("amount_pence") for option in offer["options"]} if offer else {}
    for index, fields in list(made.items())[-1:]:
        if fields["kind"] == OPENED:
            hold(what="offer", said=list(options), recorded=[(index, plain(fields["offer"]))])
        elif fields.get("price_reduction_pence") is not None:
            named = [(index, fields["price_reduction_pence"])]
            hold(what="sum of the offer", said=options.get(PART_OF_THE_PRICE), recorded=named)
    chosen = _since_opened(steps, "remedy", OFFERED, CHOSEN)
    hold(what="choice", said=pack.case.case.get("chosen"), recorded=chosen)


def _since_opened(steps: Records, name: str, *kinds: str) -> Recorded:
    """What some steps tell of a thing that there is not when a case is opened."""
    return [(index, fields.get(name)) for index, fields in steps.items() if fields["kind"] in {OPENED, *kinds}]


def _check_promises(pack: OpenedPack, records: Records, steps: Records, notes: Notebook, *, gone_on: bool) -> None:
    listed = {promise["id"]: promise for promise in pack.case.promises}
    _check_recorded(listed, steps, notes, gone_on=gone_on)
    for index, name in _set_aside(steps):
        if name in listed and listed[name].get("set_aside") is not True:
            ok = None if closed_since(pack, records, index) else False
            notes.tell(f"the log recorded that the promise {name} was set aside", CASE, ok=ok)
    shown = {name for name, promise in listed.items() if promise["state"] == "kept"}
    alone = {
        "kept": shown - _kept(steps, shown),
        "crossed out or set aside": {
            name for name, promise in listed.items() if _is_given_up(promise) and not _gives_up(steps, name)
        },
    }
    ok = None if closed_since(pack, records, -1) else False
    for what, names in alone.items():
        if names:
            said = f"no record here tells that these promises were {what}: {', '.join(sorted(names))}"
            notes.tell(said, CASE, ok=ok)


def _check_recorded(listed: Mapping[str, Mapping[str, Any]], steps: Records, notes: Notebook, *, gone_on: bool) -> None:
    """Each promise that the log recorded is listed as it was recorded, or in the case that this one went into."""
    missing = set()
    for fields in steps.values():
        for name, told in _promised(fields):
            promise = listed.get(name)
            if promise is None:
                missing.add(name)
            elif wrong := [key for key, allowed in told.items() if promise.get(key) not in allowed]:
                notes.fails(f"the {wrong[0]} of the promise {name} is not what the log recorded", CASE)
    if missing and gone_on:
        notes.says("what was promised is listed in the case that this one was joined into", CASE)
    elif missing:
        notes.fails(f"promises that the log recorded are not listed: {', '.join(sorted(missing))}", CASE)


def _is_given_up(promise: Mapping[str, Any]) -> bool:
    """Whether a pack says that a promise is not owed any more, though it may not have been kept."""
    return promise["state"] == "void" or promise.get("replaced") is True or promise.get("set_aside") is True


def _gives_up(steps: Records, name: str) -> bool:
    """Whether a record gives a promise up; where it came with a case that was joined, that one's records may."""
    beside = (index for index, fields in steps.items() if fields["kind"] in {OPENED, NEEDS})
    named = next((index for index in beside if name in steps[index].get("promises", ())), None)
    made = _made(steps).get(name, named)
    if made is None and any(fields["kind"] == JOINED for fields in steps.values()):
        return True
    return any(
        index > (-1 if made is None else made)
        and (
            fields["kind"] in GIVES_UP
            or (fields["kind"] == SET_ASIDE and name in fields.get("promises", ()))
            or (fields["kind"] == CAME_BACK and fields.get("promise") == name)
            or (fields["kind"] == COLLECTION and name in fields.get("instead_of", ()))
        )
        for index, fields in steps.items()
    )


def _set_aside(steps: Records) -> Iterator[tuple[int, str]]:
    """The promises that a record sets aside after the last one that promises some again, each with its index."""
    again = max((index for index, fields in steps.items() if fields["kind"] == STANDS_AGAIN), default=-1)
    for index, fields in steps.items():
        if index > again and fields["kind"] == SET_ASIDE:
            yield from ((index, str(each)) for each in fields.get("promises", ()))


def _kept(steps: Records, names: Iterable[str]) -> set[str]:
    """Those of some promises that a record keeps."""
    made = _made(steps)
    by_word = [(index, fields.get("promise")) for index, fields in steps.items() if fields["kind"] in {KEPT, REMEDIED}]
    some = any(fields["kind"] in KEEPS for fields in steps.values())
    return {
        name
        for name in names
        if any(index > made.get(name, -1) and told in {None, name} for index, told in by_word)
        or (some and name not in made)
    }


def _made(steps: Records) -> dict[str, int]:
    """The promises that a record makes, and does not merely name, with the index of that record."""
    made: dict[str, int] = {}
    for index, fields in steps.items():
        again = fields["kind"] == STANDS_AGAIN
        made |= {name: index for name, told in _promised(fields) if again or "due_ms" in told}
    return made


def _promised(fields: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, tuple[Any, ...]]]]:
    """The promises that a record names, and what it lets each member of them be."""
    kind, name = fields["kind"], str(fields.get("promise"))
    if kind in {OPENED, NEEDS, SET_ASIDE}:
        yield from ((str(each), {}) for each in fields.get("promises", ()))
    elif kind == STANDS_AGAIN:
        due_ms = fields.get("due_ms", {})  # told since a day was recorded with it
        yield from ((str(each), {"due_ms": (due_ms[each],)} if each in due_ms else {}) for each in fields["promises"])
    elif kind in {CHOSEN, COPY_ASKED, DATA_COMPLAINT, COLLECTION, *OUTSIDE_THE_OFFER} and "promise" in fields:
        told = ("due_ms", "amount_pence") if kind in OUTSIDE_THE_OFFER else ("due_ms",)
        yield name, {key: (fields.get(key),) for key in told}
    elif kind in {KEPT, REMEDIED} and "promise" in fields:
        yield name, {"state": ("kept",)}
    elif kind == MISSED:
        yield name, {"state": ("missed", "kept")}
    elif kind == CAME_BACK:
        yield name, {"came_back": (True,)}
        if "again" in fields:
            yield str(fields["again"]), {"due_ms": (fields["due_ms"],)}


def _check_credit(pack: OpenedPack, records: Records, steps: Records, notes: Notebook) -> None:
    """What was earned until a late promise was done is told by no record: what they tell is the least that is owed."""
    owed: Recorded = []
    pence = 0
    for index, fields in steps.items():
        if fields["kind"] == PAID:
            pence = max(0, pence - fields.get("pence", pence))
        elif fields["kind"] == MISSED:
            pence += fields.get("credit_pence", 0)
        elif fields["kind"] in {OWED_AGAIN, FOR_A_LOCK, GROWN}:
            pence += fields.get("pence", 0)
        else:
            continue
        owed = [(index, pence)]
    said = pack.case.case.get("unpaid_credit_pence", 0)
    if said < pence:
        compare(pack, records, notes, what="credit", said=said, recorded=owed)
