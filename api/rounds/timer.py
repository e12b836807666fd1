"""What time brings about, looked at once a second: locks lapse, promises fall due, messages in the outbox expire.

Locks that only a limit or the kill switch held back are asked for again when that is over.
Customers are told what they are to hear of: an investigation that goes on, the end of their account. People are told of
an investigation whose fix is late, of a promise that was missed and is not kept within its hour either, of what nobody
answers that was asked for beyond the rules, and of a lesson that is late.
Each of these is looked for first, and where nothing is due nothing is begun: scans do not wait for a look. What is due
is done in one unit; if that fails each is done in a unit of its own, so that one that fails holds back no other.
Cases are looked at on a slow round too, a few at each look: asks lapse, a reminder or a letter leaves, owners change,
and one that no record told of when it was reported learns its handset.
Shards of a quarter that is over are counted and closed, some entries at each look.
Handsets whose delivery nobody disputes any more are retired on a slow round over the fleet, a few at each look. The
look itself writes nothing, so that no lock and no release waits for it.
Answers kept for requests that may be sent twice are forgotten after their day, and who saw which case after more than
a year, some at each look.
While the clock is in doubt (`clock_watch.py`) only locks lapse, and all else waits.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import structlog
from sqlmodel import Session

from api import joints
from api.lock_news import tell_leavers
from api.parts import Parts
from api.people import persons, viewings
from api.process.clock_mark import ClockMark
from api.rounds.clock_watch import JUMP_MS, ClockMarker, ClockWatch, act_on_jump, is_held
from api.rounds.late_fixes import is_fix_late, late_fixes, tell_of_late_fixes
from api.rounds.late_lessons import is_lesson_late, late_lessons, tell_of_lessons
from api.rounds.late_records import LateRecords
from api.rounds.lessons_alone import hand_on_lessons, is_lesson_alone, lessons_alone
from api.rounds.lost_contact import LostContact
from api.rounds.missed_promises import is_miss_untold, tell_of_misses, untold_misses
from api.rounds.unanswered_exceptions import is_exception_late, late_exceptions, pass_on_exceptions
from custody.kernel.clock import Instant
from custody.kernel.errors import Trouble
from custody.scans.tolerances import Tolerances
from custody.store import idempotency
from custody.store.unit import Unit
from custody.usecases.close_shards import Closer
from custody.usecases.sweep_cases import SweepQuestions, sweep_case
from custody.usecases.sweep_cases import look as look_at_cases
from custody.usecases.sweep_inquiries import is_inquiry_quiet, quiet_inquiries, sweep_inquiries
from custody.usecases.sweep_promises import due_promises, is_promise_due, sweep_promises
from devicelock.usecases.ask_again import ask_again, due_put_off, is_put_off_due
from devicelock.usecases.retire import look, retire_due
from devicelock.usecases.sweep import (
    due_lapses,
    due_silences,
    is_lapse_due,
    is_lapse_near,
    is_silence_due,
    near_lapses,
    sweep_lapses,
    sweep_silences,
    tell_of_lapses,
)
from devicelock.watch_store import is_leaver_due, leavers_due

EVERY_S = 1.0
LOOKED_AT = 20
"""So many handsets are looked at for retirement at a time; a fleet of a million takes a round of fourteen hours."""

FORGOTTEN_AT = 500
"""So many kept answers, or viewings, are forgotten at a time."""

CASES_LOOKED_AT = 50
"""So many open cases are looked at in a turn: ten thousand take three minutes, and owners change within 15."""

REST_TURNS = 600
"""So many turns are let go by after a round: what comes due goes by days."""

OUTLIVED = (
    ("kept answers", idempotency.outlived, idempotency.forget),
    ("viewings", viewings.outlived, viewings.forget),
)
"""What is kept for a time: where it is, what is over of it, and how that is forgotten."""

CASES = SweepQuestions(people=persons.agents, locks_settled=joints.locks_settled)

log = structlog.get_logger()
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """What time moves of one kind: whether any is due, which are, and the act for all of them or `only` one.

    What `frees` handsets waits for nothing.
    """

    where: str
    is_due: Callable[..., bool]
    due: Callable[..., list[str]]
    act: Callable[..., object]
    frees: bool = False


class Timer:
    """One thread that sweeps; `up_ms` is when the service was last up, if that is known, and `service` its name.

    `mark`: where it leaves word that it is up; `lost` tells people of whom the service cannot reach, and
    `late_records` knows which company prefixes are ours.
    """

    def __init__(
        self,
        parts: Parts,
        *,
        up_ms: Instant | None = None,
        service: str = "",
        mark: ClockMark | None = None,
        lost: LostContact | None = None,
        late_records: LateRecords | None = None,
    ) -> None:
        self._parts = parts
        self._lost = lost or LostContact({})
        self._late_records = late_records or LateRecords(parts.house, parts.locks, own=())
        self._service = service
        self._marker = ClockMarker(mark)
        self._stopping = threading.Event()
        self._last = self._last_case = ""
        self._rest = 0
        self._forget_rest = 0
        self._closer = Closer(Tolerances())
        self._watch = ClockWatch(parts.clock, up_ms=up_ms)
        self._jump_ms = self._believed_ms = 0
        locks = parts.locks
        self._cases = replace(CASES, keepers=partial(persons.keepers, clock=parts.clock))
        self._sweeps = [
            Sweep(
                where="the locks",
                is_due=is_lapse_due,
                due=due_lapses,
                act=partial(sweep_lapses, office=locks),
                frees=True,
            ),
            Sweep(
                where="the releases",
                is_due=partial(is_silence_due, office=locks),
                due=partial(due_silences, office=locks),
                act=partial(sweep_silences, office=locks),
            ),
            Sweep(where="the locks that end soon", is_due=is_lapse_near, due=near_lapses, act=tell_of_lapses),
            Sweep(
                where="the locks that are put off",
                is_due=is_put_off_due,
                due=due_put_off,
                act=partial(ask_again, office=locks),
            ),
            Sweep(where="the promises", is_due=is_promise_due, due=due_promises, act=sweep_promises),
            Sweep(where="the missed promises", is_due=is_miss_untold, due=untold_misses, act=tell_of_misses),
            Sweep(where="the investigations", is_due=is_inquiry_quiet, due=quiet_inquiries, act=sweep_inquiries),
            Sweep(where="the late fixes", is_due=is_fix_late, due=late_fixes, act=tell_of_late_fixes),
            Sweep(where="the exceptions", is_due=is_exception_late, due=late_exceptions, act=pass_on_exceptions),
            Sweep(where="the lessons alone", is_due=is_lesson_alone, due=lessons_alone, act=hand_on_lessons),
            Sweep(where="the lessons", is_due=is_lesson_late, due=late_lessons, act=tell_of_lessons),
            Sweep(where="the leavers", is_due=is_leaver_due, due=_leavers, act=tell_leavers),
        ]
        self._thread = threading.Thread(target=self._run, name="timer", daemon=True)

    def start(self) -> None:
        """Start sweeping."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the present sweep."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(EVERY_S):
            in_doubt = self._is_in_doubt()
            for each in self._sweeps:
                if each.frees or not in_doubt:
                    self._sweep(each)
            self._lost.look(partial(self._attempt, in_doubt=True))
            if not in_doubt:
                self._go_round()
        self._mark_at_end()

    def _go_round(self) -> None:
        """The next steps of what is looked at slowly."""
        self._sweep_cases()
        self._late_records.look(self._look, self._attempt)
        if self._closer.is_due(self._parts.clock.now_ms()):
            self._close_shards()
        if self._rest:
            self._rest -= 1
        else:
            self._retire()
        if self._forget_rest:
            self._forget_rest -= 1
        else:
            self._forget()

    def _is_in_doubt(self) -> bool:
        """Whether the clock is in doubt. A jump that cannot be acted on yet is not forgotten."""
        self._believed_ms = self._parts.clock.now_ms()
        self._jump_ms = self._jump_ms or self._watch.jump_ms()
        act = partial(act_on_jump, office=self._parts.locks, jump_ms=self._jump_ms, service=self._service)
        if self._jump_ms and self._attempt(act, in_doubt=True):
            self._marker.acted(self._jump_ms)
            self._jump_ms = 0
        if not self._jump_ms:
            self._marker.mark(self._believed_ms)
        held = self._look("the clock", partial(is_held, now_ms=self._parts.clock.now_ms()))
        return bool(self._jump_ms) or held is not False

    def _mark_at_end(self) -> None:
        """What the clock did since the last look is for the next start to see."""
        now_ms = self._parts.clock.now_ms()
        if not self._jump_ms and not self._watch.jump_ms():
            self._marker.mark(now_ms, at_once=True)

    def _sweep(self, sweep: Sweep) -> None:
        """All that is due of one kind, or each alone if that fails: one that fails holds back no other."""
        now_ms, do = self._parts.clock.now_ms(), partial(self._attempt, in_doubt=sweep.frees)
        if self._look(sweep.where, partial(sweep.is_due, now_ms=now_ms)) and not do(sweep.act):
            for one in self._look(sweep.where, partial(sweep.due, now_ms=now_ms)) or ():
                do(partial(sweep.act, only=one))

    def _sweep_cases(self) -> None:
        """The next few cases of the round; one that fails holds back no other."""
        after, now_ms = self._last_case, self._parts.clock.now_ms()
        seen = self._look(
            "the cases",
            lambda session: look_at_cases(session, self._cases, after=after, limit=CASES_LOOKED_AT, now_ms=now_ms),
        )
        if seen is not None:
            self._last_case = seen.last
            for dispute in seen.due:
                self._attempt(partial(sweep_case, dispute=dispute, asked=self._cases))

    def _retire(self) -> None:
        """The next few handsets of the round."""
        parts, after, now_ms = self._parts, self._last, self._parts.clock.now_ms()
        seen = self._look(
            "the fleet", lambda session: look(session, parts.locks, after=after, limit=LOOKED_AT, now_ms=now_ms)
        )
        if seen is not None:
            self._last, self._rest = seen.last, 0 if seen.last else REST_TURNS
            if seen.due and not self._attempt(lambda unit: retire_due(unit, parts.locks, after=after, limit=LOOKED_AT)):
                self._retire_each(after)

    def _retire_each(self, after: str) -> None:
        """Those of a turn that failed, each alone."""
        locks, now_ms = self._parts.locks, self._parts.clock.now_ms()
        for _ in range(LOOKED_AT):
            asked: dict[str, Any] = {"after": after, "limit": 1}
            seen = self._look("a handset", partial(look, office=locks, now_ms=now_ms, **asked))
            if seen is None or not seen.last:
                return
            if seen.due:
                self._attempt(partial(retire_due, office=locks, **asked))
            after = seen.last

    def _close_shards(self) -> None:
        """The next step towards closing the quarter that is due."""
        now_ms = self._parts.clock.now_ms()
        if self._look("a shard", lambda session: self._closer.look(session, now_ms=now_ms)):
            self._attempt(self._closer.close)

    def _forget(self) -> None:
        """The next of what is kept no longer."""
        now_ms = self._parts.clock.now_ms()
        self._forget_rest = REST_TURNS
        for where, outlived, forget in OUTLIVED:
            names = self._look(where, partial(outlived, now_ms=now_ms, limit=FORGOTTEN_AT))
            if names is None or len(names) == FORGOTTEN_AT:
                self._forget_rest = 0
            if names:
                self._attempt(partial(_forget_these, forget=forget, names=names))

    def _look(self, where: str, ask: Callable[[Session], Found]) -> Found | None:
        """What a look that keeps nobody waiting finds; nothing if it failed."""
        try:
            with self._parts.house.read() as session:
                return ask(session)
        except Trouble as trouble:
            log.warning("a look will be tried again", where=where, code=trouble.code, detail=trouble.detail)
        except Exception:  # nobody else would sweep any more
            log.exception("a look failed and will be tried again", where=where)
        return None

    def _attempt(self, act: Callable[[Unit], object], *, in_doubt: bool = False) -> bool:
        """One act in a unit of its own; whatever becomes of it, the next one is done. Whether it succeeded.

        A clock that jumps in the middle of a turn is seen here: only what may be done `in_doubt` is done then.
        """
        try:
            with self._parts.house.unit() as unit:
                if unit.now_ms > self._believed_ms + JUMP_MS and not in_doubt:
                    return False
                act(unit)
        except Trouble as trouble:
            log.warning("the sweep will be tried again", code=trouble.code, detail=trouble.detail)
        except Exception:  # nobody else would sweep any more
            log.exception("the sweep failed and will be tried again")
        else:
            return True
        return False


def _forget_these(unit: Unit, *, forget: Callable[[Session, Sequence[str]], None], names: Sequence[str]) -> None:
    forget(unit.session, names)


def _leavers(session: Session, *, now_ms: Instant) -> list[str]:
    return [leaving.device for leaving in leavers_due(session, now_ms=now_ms)]
