"""Decisions that arrive together are carried out together: one unit, in the order they arrived.

Each of them is judged in full in that unit, by all that those before it have done. If one of them fails, nothing of the
unit stands, and each is carried out again in a unit of its own, so that one cannot fail or hold back another.

There is no thread for it and nothing is waited for: whoever comes while nobody decides leads, and takes along what has
arrived until it has its turn to write; who comes later waits, and the first of them leads next. So an idle house
decides as it always did, and a busy one commits, signs a head and wakes the relay once for many.

All that they move is held before anything is decided, as everybody holds it (`hold_locks.py`), and what each of them
would ask of the trail of its handset is asked for all of them, once nobody can change it. A request with an
idempotency key is carried out alone: its key is written in its own unit.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from custody.kernel.errors import Unavailable
from custody.store import idempotency
from custody.store.unit import Unit
from devicelock.rules.order import OrderState
from devicelock.usecases.hold_locks import hold_locks
from devicelock.usecases.lock_office import LockOffice

MOST = 50
"""So many decisions are carried out together."""

Answer = TypeVar("Answer")


@dataclass(slots=True, kw_only=True, eq=False)
class _Decision(Generic[Answer]):
    """One decision about an order, and what came of it. `woken`: it is over, or it `leads` from now on."""

    order: str
    act: Callable[[Unit], Answer]
    woken: threading.Event = field(default_factory=threading.Event)
    leads: bool = False
    came: Answer | Exception | None = None
    is_over: bool = False

    def over(self, came: Answer | Exception) -> None:
        self.came, self.is_over = came, True

    def answer(self) -> Answer:
        if isinstance(self.came, Exception):
            raise self.came
        if not self.is_over:
            raise Unavailable("not_decided", "the decision was not carried out", fix="Send the same request again.")
        return self.came  # type: ignore[return-value]  # what is over and no error is the act's answer


class Decisions:
    """Where decisions about lock orders are handed in."""

    def __init__(self, office: LockOffice) -> None:
        self._office = office
        self._house = office.house
        self._guard = threading.Lock()
        self._waiting: list[_Decision[object]] = []
        self._is_led = False

    @property
    def waiting(self) -> int:
        """How many decisions have arrived and are not being carried out yet."""
        return len(self._waiting)

    def decide(self, order: str, act: Callable[[Unit], Answer]) -> Answer:
        """What `act` comes to, when it is durable; raises what it raises. It may be called twice, in two units."""
        if idempotency.CURRENT.get() is not None:
            with self._house.unit() as unit:
                return act(unit)
        mine = _Decision(order=order, act=act)
        with self._guard:
            self._waiting.append(mine)  # type: ignore[arg-type]  # its answer goes to whoever handed it in, here
            mine.leads, self._is_led = not self._is_led, True
        if not mine.leads:
            mine.woken.wait()
        if mine.leads:
            self._lead()
        return mine.answer()

    def _lead(self) -> None:
        """Carry out what waits, one's own first, and hand the lead on."""
        group: list[_Decision[object]] = []
        try:
            self._carry_out(group)
        finally:
            with self._guard:
                following = self._waiting[:1]
                self._is_led = bool(following)
            for each in following:
                each.leads = True
            for each in (*group, *following):
                each.woken.set()

    def _carry_out(self, group: list[_Decision[object]]) -> None:
        came: list[object] = []
        try:
            with self._house.unit() as unit:
                self._take_into(group)
                if len(group) > 1:
                    self._prepare(unit, [each.order for each in group])
                came += [each.act(unit) for each in group]
        except Exception as error:  # noqa: BLE001 - whatever it was, everybody who waits gets an answer of their own
            self._take_into(group)
            if len(group) == 1:
                group[0].over(error)
                return
            for each in group:
                self._alone(each)
            return
        for each, answer in zip(group, came, strict=True):
            each.over(answer)

    def _prepare(self, unit: Unit, orders: Sequence[str]) -> None:
        """Hold all that these decisions move, and ask at once for what those of them that are judged have in common."""
        held = hold_locks(unit, self._office, orders)
        judged = [order for order in held.values() if order.state == OrderState.REQUESTED]
        if judged:
            unit.log.claim()
            self._office.look_ahead(unit.session, judged)

    def _take_into(self, group: list[_Decision[object]]) -> None:
        """Take what waits now, unless something was taken before."""
        if not group:
            with self._guard:
                group += self._waiting[:MOST]
                del self._waiting[:MOST]

    def _alone(self, decision: _Decision[object]) -> None:
        try:
            with self._house.unit() as unit:
                answer = decision.act(unit)
        except Exception as error:  # noqa: BLE001 - it belongs to whoever handed this decision in
            decision.over(error)
        else:
            decision.over(answer)
