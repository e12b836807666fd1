"""What a customer asks about their data: a copy of all of it, or that we put right how we use it.

- Either may be asked in any way, at any time, also of a case that is over, and in any case a person answers. The law's
  clock starts on the day on which it came. What we answer by then is a promise: it stands whatever becomes of the case,
  is told by its day, and late it earns what every late promise does.
- A copy (UK GDPR article 15) is promised by our own target and never later than the law's last day. The law gives more
  months to what is complex, if the customer is told within the first one, and why; our promise stays as it was.
- A complaint about data (DPA 2018 s.164A) is acknowledged by the message that it brings about. Where the law was not in
  force yet on that day, our own target for a copy counts.
- Asked again while we owe the answer, it stands there already. Who asks is looked at by whoever sends the copy: a link
  is given to whoever quotes a number, and a copy goes to whom the data is about.
"""

from dataclasses import replace
from datetime import date

from custody.disputes import civil, clocks
from custody.disputes.choose_remedy import said_of
from custody.disputes.clocks import ACCESS_REQUEST, DATA_COMPLAINT, LegalClock
from custody.disputes.line import LineKind
from custody.disputes.messages import Message, say
from custody.disputes.order import FIRST_ORDER_DATE
from custody.disputes.policy import DEFAULT_POLICY, CaseworkPolicy
from custody.disputes.promise import A_COPY, DATA_PUT_RIGHT, is_owed, make_promise
from custody.kernel.errors import Conflict, Rejected
from custody.store import case_book
from custody.store.case_book import CaseFile
from custody.store.unit import Unit
from custody.usecases.read_order import hold_where_it_goes_on
from custody.usecases.write_move import write_move


def ask_for_copy(
    unit: Unit, dispute: str, *, received: date | None = None, actor: str, policy: CaseworkPolicy = DEFAULT_POLICY
) -> CaseFile:
    """The customer wants a copy of all that we hold about them."""
    file, day = hold_where_it_goes_on(unit, dispute), _day(unit, received)
    if _owes(unit, file, A_COPY):
        return file
    last_day = clocks.access_request_due(day, policy=policy)
    answer_by = min(clocks.access_request_internal(day, policy=policy), last_day)
    clock = LegalClock(key=ACCESS_REQUEST, about="", starts=day, last_day=last_day)
    said = say("case.copy_asked", last_day=civil.day_in_words(last_day))
    return _promise(unit, file, clock, what=A_COPY, answer_by=answer_by, said=said, actor=actor, policy=policy)


def complain(
    unit: Unit, dispute: str, *, received: date | None = None, actor: str, policy: CaseworkPolicy = DEFAULT_POLICY
) -> CaseFile:
    """The customer says that something is wrong with how we use their data."""
    file, day = hold_where_it_goes_on(unit, dispute), _day(unit, received)
    if _owes(unit, file, DATA_PUT_RIGHT):
        return file
    is_law = policy.in_force("dp_complaint_ack_days", day)
    due = clocks.data_complaint_acknowledged_by if is_law else clocks.access_request_internal
    answer_by = due(day, policy=policy)
    clock = LegalClock(key=DATA_COMPLAINT, about="", starts=day, last_day=answer_by) if is_law else None
    said = say("case.data_complaint")
    return _promise(unit, file, clock, what=DATA_PUT_RIGHT, answer_by=answer_by, said=said, actor=actor, policy=policy)


def take_longer(unit: Unit, dispute: str, *, why: str, actor: str, policy: CaseworkPolicy = DEFAULT_POLICY) -> CaseFile:
    """The copy takes longer than the law's first month; raises `Conflict` if none is owed, or that month is over."""
    file = hold_where_it_goes_on(unit, dispute)
    clock = next((clock for clock in file.legal_clocks if clock.key == ACCESS_REQUEST), None)
    if clock is None or not _owes(unit, file, A_COPY):
        raise Conflict("no_copy", "no copy of the data is owed here", fix="Write down first that it was asked for.")
    first = clocks.access_request_due(clock.starts, policy=policy)
    longer = clocks.access_request_due(clock.starts, policy=policy, extended=True)
    if clock.last_day == longer:
        return file
    if civil.civil_date(unit.now_ms) > first:
        raise Conflict(
            "too_late", f"the first month ended on {first.isoformat()}", fix="Send the copy; no more time can be had."
        )
    moved = replace(file, legal_clocks=_with(file, replace(clock, last_day=longer)))
    facts = {"why": why, "last_day": longer.isoformat()}
    said = [say("case.copy_takes_longer", why=why, last_day=civil.day_in_words(longer))]
    return write_move(unit, file, moved, "copy_takes_longer", actor=actor, facts=facts, said=said)


def _promise(
    unit: Unit,
    file: CaseFile,
    clock: LegalClock | None,
    *,
    what: str,
    answer_by: date,
    said: Message,
    actor: str,
    policy: CaseworkPolicy,
) -> CaseFile:
    today = civil.civil_date(unit.now_ms)
    promise = make_promise(
        promise_id=unit.ids.new("promise"),
        case_id=file.case.id,
        what=what,
        due_ms=civil.day_ends_ms(max(answer_by, today)),
        method="in writing",
        owner=file.case.owner,
        now_ms=unit.now_ms,
        policy=policy,
    )
    case_book.put_promise(unit, promise)
    moved = file if clock is None else replace(file, legal_clocks=_with(file, clock))
    facts = {"promise": promise.id, "due_ms": promise.due_ms}
    facts |= {} if clock is None else {"received": clock.starts.isoformat(), "last_day": clock.last_day.isoformat()}
    kind: LineKind = "copy_asked" if what == A_COPY else "data_complaint"
    return write_move(unit, file, moved, kind, actor=actor, facts=facts, said=[said, said_of(promise)])


def _owes(unit: Unit, file: CaseFile, what: str) -> bool:
    return any(one.what == what and is_owed(one) for one in case_book.promises(unit.session, file.case.id))


def _with(file: CaseFile, clock: LegalClock) -> tuple[LegalClock, ...]:
    return (*(one for one in file.legal_clocks if one.key != clock.key), clock)


def _day(unit: Unit, received: date | None) -> date:
    today = civil.civil_date(unit.now_ms)
    day = received or today
    if not FIRST_ORDER_DATE <= day <= today:
        raise Rejected("date", f"{day.isoformat()} cannot be the day on which it came", fix="Give a day up to today.")
    return day
