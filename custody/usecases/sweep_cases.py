"""What time brings about in a case, as the policy and our own messages said: looked for some cases at a time.

- What the customer was promised elsewhere binds us once its days have passed (`keep_word.py`), also in a case that is
  over.
- A case whose owner works here no more, or is away for longer than the policy's minutes, has another one, with its
  open promises, and the customer is told the name; so has one that is over and leaves a promise to be kept.
- An ask that nobody answered within its days lapses, and the case goes on without it.
- A customer who has not chosen is reminded, again after as many days; the offer stays open.
- What was put right and nobody said was wrong is closed, once every lock and every promise is settled, also one made
  elsewhere, and nothing that was asked for waits for its answer. The days count from what was done last: what came
  back to us and was given again counts from then.
- A case whose customer found the phone ends once its locks are settled, on the word that they gave.
- What was set aside for a report by the box is promised again once no other report puts its order right, also in a case
  that it was joined into.
- A decision of the independent scheme that nobody answers is reminded of, and lapses after its days.
- What is late earns its customer more with each day that begins, up to the cap, also in a case that is over. They were
  told so when it was missed, and are told the whole sum when it is done.
- On its day the letter for the independent scheme leaves, unasked, once: a case that came back from there stays back,
  and one whose remedy is on offer, on its way or given stays where it is.

`look` reads a few cases and names those for which something is due; `sweep_case` does it for one of them in a unit of
its own. What it does makes it not due any more, so that a second look finds nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sqlmodel import Session

from custody.disputes import case_guards, civil
from custody.disputes.asks import lapse_asks
from custody.disputes.case import BEFORE_ADR, CASE
from custody.disputes.clocks import SCHEME_LETTER
from custody.disputes.machine import CaseRole, step
from custody.disputes.messages import alternatives, say
from custody.disputes.opening import by_the_remedy
from custody.disputes.policy import DEFAULT_POLICY, CaseworkPolicy
from custody.disputes.promise import Promise, all_promises_settled, credit, is_late, is_owed
from custody.disputes.work_clocks import work_clock
from custody.kernel.clock import Instant
from custody.store import case_book, exception_book, outside_book
from custody.store.case_book import CaseFile
from custody.store.payment_lines import payment_in
from custody.store.unit import Unit
from custody.usecases import await_answer
from custody.usecases.keep_promises import earn
from custody.usecases.keep_word import bind_what_stands
from custody.usecases.move_case import withdraw
from custody.usecases.move_scheme import adr
from custody.usecases.name_owner import name_owner
from custody.usecases.read_order import hold_order
from custody.usecases.set_aside import left_aside_in, stand_again
from custody.usecases.ways_out import letter_left
from custody.usecases.write_move import write_move

SYSTEM = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepQuestions:
    """What the sweep asks others: who looks after a case from now on, and whether the locks of a case are settled.

    `keepers`: who goes on looking after theirs; the same people without it.
    """

    people: Callable[[Session], Sequence[str]]
    locks_settled: Callable[[Session, str], bool]
    keepers: Callable[[Session], Sequence[str]] | None = None
    policy: CaseworkPolicy = DEFAULT_POLICY

    def keep(self, session: Session) -> Sequence[str]:
        """Whose cases have no need of another owner."""
        return (self.keepers or self.people)(session)


@dataclass(frozen=True, slots=True, kw_only=True)
class DueCases:
    """The cases of one look for which something is due, and the last one looked at; "" ends the round."""

    due: tuple[str, ...]
    last: str


Act = Callable[[Unit, CaseFile, SweepQuestions], CaseFile]


def look(session: Session, asked: SweepQuestions, *, after: str, limit: int, now_ms: Instant) -> DueCases:
    """The next few cases by id that are open, or leave something to be kept.

    One that cannot be judged counts as due: what it is about it is said in its own unit, and the round goes past it.
    """
    files = case_book.open_after(session, after=after, limit=limit)
    names, people = [file.case.id for file in files], asked.keep(session)
    promised, pending = case_book.promises_of(session, names), outside_book.pending_in(session, names)
    due = tuple(
        file.case.id
        for file in files
        if pending.get(file.case.id, now_ms) < now_ms
        or _seems_due(session, file, promised[file.case.id], asked, people, now_ms=now_ms)
    )
    return DueCases(due=due, last=files[-1].case.id if len(files) == limit else "")


def sweep_case(unit: Unit, dispute: str, asked: SweepQuestions) -> int:
    """Do all that is due for one case; returns how much it was."""
    file, people = hold_order(unit, dispute), asked.keep(unit.session)
    earning = _earning(case_book.promises(unit.session, dispute), asked, now_ms=unit.now_ms)
    file, done = (_earn_more(unit, file, earning, asked), 1) if earning else (file, 0)
    while acts := _due(unit.session, file, asked, people, now_ms=unit.now_ms):
        file = acts[0](unit, file, asked)
        done += 1
    return done + bind_what_stands(unit, file, policy=asked.policy)


def _seems_due(
    session: Session,
    file: CaseFile,
    promises: Sequence[Promise],
    asked: SweepQuestions,
    people: Sequence[str],
    *,
    now_ms: Instant,
) -> bool:
    try:
        return bool(_earning(promises, asked, now_ms=now_ms) or _due(session, file, asked, people, now_ms=now_ms))
    except Exception:  # noqa: BLE001 - whatever it is, `sweep_case` meets it again
        return True


def _due(
    session: Session, file: CaseFile, asked: SweepQuestions, people: Sequence[str], *, now_ms: Instant
) -> list[Act]:
    state, found = file.case.state, list[Act]()
    if file.case.owner not in people and (state not in CASE.terminal or _still_owes(session, file)):
        found.append(_new_owner)
    if state in CASE.terminal:
        return found
    if left_aside_in(session, file):
        found.append(_stand_again)
    if lapse_asks(file.ledger, now_ms=now_ms) != file.ledger:
        found.append(_lapse)
    if file.found_ms is not None and "withdraw" in CASE.possible(state, CaseRole.CUSTOMER):
        found += [_end_found] if asked.locks_settled(session, file.case.id) else []
    elif state == "remedied" and _unopposed(session, file, asked, now_ms=now_ms):
        found.append(_close)
    elif state in BEFORE_ADR and now_ms >= letter_ms(file) and not letter_left(session, file):
        found.append(_send_letter)
    elif state == "remedy_offered" and file.offer is not None and now_ms >= file.offer.remind_ms:
        found.append(_remind)
    elif state == await_answer.DECIDED:
        found += _silence(session, file, asked, now_ms=now_ms)
    return found


def _still_owes(session: Session, file: CaseFile) -> bool:
    return any(map(is_owed, case_book.promises(session, file.case.id)))


def _earning(promises: Sequence[Promise], asked: SweepQuestions, *, now_ms: Instant) -> list[Promise]:
    """What is late and has earned more than is written down."""
    late = filter(is_late, promises)
    return [one for one in late if credit(one, until_ms=now_ms, policy=asked.policy).pence > one.credited_pence]


def _earn_more(unit: Unit, file: CaseFile, earning: Sequence[Promise], asked: SweepQuestions) -> CaseFile:
    moved = file
    for promise in earning:
        moved, present = earn(unit, moved, promise, policy=asked.policy)
        case_book.put_promise(unit, present)
    pence = moved.unpaid_credit_pence - file.unpaid_credit_pence
    facts = {"promises": [promise.id for promise in earning], "pence": pence}
    return write_move(unit, file, moved, "credit_grown", actor=SYSTEM, facts=facts, said=[])


def _silence(session: Session, file: CaseFile, asked: SweepQuestions, *, now_ms: Instant) -> list[Act]:
    """What the silence of a customer brings about to whom a decision of the scheme was told."""
    if await_answer.is_to_be_told(session, file, now_ms=now_ms, policy=asked.policy):
        return [_tell_of_decision]
    over = await_answer.is_over(session, file, now_ms=now_ms) and asked.locks_settled(session, file.case.id)
    return [_lapse_decision] if over else []


def _new_owner(unit: Unit, file: CaseFile, asked: SweepQuestions) -> CaseFile:
    return name_owner(unit, file, asked.people(unit.session))


def _stand_again(unit: Unit, file: CaseFile, asked: SweepQuestions) -> CaseFile:
    for report in left_aside_in(unit.session, file):
        file = stand_again(unit, report, policy=asked.policy)
    return file


def _lapse(unit: Unit, file: CaseFile, _asked: SweepQuestions) -> CaseFile:
    """An ask may still be open after the case went on without it; then only the ask ends, and nothing is said."""
    moved, said = replace(file, ledger=lapse_asks(file.ledger, now_ms=unit.now_ms)), []
    if file.case.state == "awaiting_customer":
        guards = {"any_format": case_guards.any_format(received=None, lapsed=True)}
        move = step(CASE, file.case.state, "answered_or_skipped", CaseRole.SYSTEM, guards)
        moved = replace(moved, case=replace(file.case, state=move.target))
        said.append(say("case.ask_lapsed"))
    return write_move(unit, file, moved, "ask_lapsed", actor=SYSTEM, facts={}, said=said)


def _remind(unit: Unit, file: CaseFile, asked: SweepQuestions) -> CaseFile:
    assert file.offer is not None  # noqa: S101 - `_due` has seen one
    again_ms = work_clock("offer_choice_days", unit.now_ms, policy=asked.policy).due_ms
    moved = replace(file, offer=replace(file.offer, remind_ms=again_ms))
    options = alternatives(tuple(option.words for option in file.offer.options))
    said = [say("case.reminder", options=options)]
    return write_move(unit, file, moved, "reminded", actor=SYSTEM, facts={"again_ms": again_ms}, said=said)


def _tell_of_decision(unit: Unit, file: CaseFile, asked: SweepQuestions) -> CaseFile:
    return await_answer.tell(unit, file, policy=asked.policy)


def _lapse_decision(unit: Unit, file: CaseFile, _asked: SweepQuestions) -> CaseFile:
    return await_answer.lapse(unit, file)


def _close(unit: Unit, file: CaseFile, _asked: SweepQuestions) -> CaseFile:
    guards = {"all_locks_settled": True, "all_promises_settled": True}
    move = step(CASE, file.case.state, "confirm_or_lapse", CaseRole.SYSTEM, guards)
    moved = replace(file, case=replace(file.case, state=move.target))
    said = [say("case.unopposed")]
    return write_move(unit, file, moved, "closed", actor=SYSTEM, facts={}, said=said)


def _end_found(unit: Unit, file: CaseFile, asked: SweepQuestions) -> CaseFile:
    return withdraw(unit, file.case.id, actor="customer", locks_settled=True, policy=asked.policy)


def _send_letter(unit: Unit, file: CaseFile, _asked: SweepQuestions) -> CaseFile:
    due_ms = letter_ms(file)
    return adr(unit, file.case.id, letter_due_ms=due_ms, deadlock=False, actor=SYSTEM, role=CaseRole.SYSTEM)


def _unopposed(session: Session, file: CaseFile, asked: SweepQuestions, *, now_ms: Instant) -> bool:
    promises = case_book.promises(session, file.case.id)
    done_ms = _put_right_ms(session, file, promises)
    if done_ms is None or now_ms <= work_clock("confirm_days", done_ms, policy=asked.policy).due_ms:
        return False
    settled = all_promises_settled(promises, unpaid_credit_pence=file.unpaid_credit_pence)
    mine = [file.case.id]
    waits = not settled or outside_book.pending_in(session, mine) or exception_book.waits_in(session, mine)
    return not waits and asked.locks_settled(session, file.case.id)


def _put_right_ms(session: Session, file: CaseFile, promises: Sequence[Promise]) -> Instant | None:
    """When the last of what puts it right was done: the remedy, or a part of it by its own word."""
    parts = {each.id for each in by_the_remedy(promises)}
    return max(
        (
            line.at_ms
            for line in case_book.timeline(session, file.case.id)
            if line.kind == "remedied" or (line.kind == "promise_kept" and payment_in(line).promise in parts)
        ),
        default=None,
    )


def letter_ms(file: CaseFile) -> Instant:
    """The first moment of the day on which the letter for the independent scheme is due."""
    return min(civil.day_starts_ms(clock.last_day) for clock in file.legal_clocks if clock.key == SCHEME_LETTER)
