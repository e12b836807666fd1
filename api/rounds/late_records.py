"""What a case learns of records that came after its report: looked for on a slow round.

The seller's record of an order may come after its customer's report, and so may the scans of a parcel. Until then the
case may know no handset, and none can be locked; or it knows that by the scans, and of the order no price and no day.
It is judged then as if it had been reported now.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial

from sqlmodel import Session

from api import joints, lock_news
from api.find import numbers_given
from api.trail_memory import TRAILS
from custody.disputes.case import CASE
from custody.kernel.clock import Instant
from custody.store import case_book, report_turn
from custody.store.case_book import CaseFile
from custody.store.unit import House, Unit
from custody.usecases import learn_facts
from custody.usecases.find_handset import FoundHandset, find_handset
from devicelock.usecases.lock_office import LockOffice

LOOKED_AT = 20
"""So many open cases are looked at in a turn: ten thousand take eight minutes."""

SYSTEM = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class LateHandset:
    """A case that can learn its handset, and which that is."""

    dispute: str
    imei: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What one look found, and the last case looked at; "" ends the round.

    `orders`: cases that know their handset and can learn of their order.
    """

    found: tuple[LateHandset, ...]
    orders: tuple[str, ...]
    last: str


def look(session: Session, *, own: Collection[str], after: str, now_ms: Instant) -> Turn:
    """The next few open cases, and which of them can learn something."""
    files = case_book.open_after(session, after=after, limit=LOOKED_AT)
    found = ((file.case.id, handset_of(session, file, own=own)) for file in files)
    late = tuple(LateHandset(dispute=name, imei=each.imei) for name, each in found if each and each.imei)
    orders = tuple(file.case.id for file in files if learn_facts.recorded_since(session, file, now_ms=now_ms))
    return Turn(found=late, orders=orders, last=files[-1].case.id if len(files) == LOOKED_AT else "")


def handset_of(session: Session, file: CaseFile, *, own: Collection[str]) -> FoundHandset | None:
    """The handset that the numbers of a case lead to by now; None if the case knows it, or waits for none."""
    order, item = file.case.order_ref or None, file.parcel or next(iter(numbers_given(file)), None)
    is_known = file.imei is not None or not (order or item)
    if is_known or file.case.state in CASE.terminal or file.found_ms is not None:
        return None
    found = find_handset(session, order_ref=order, item=item, own=own)
    return found if found.imei is not None else None


def learn_handset(unit: Unit, office: LockOffice, late: LateHandset, *, own: Collection[str]) -> None:
    """Write the handset of a case down, with what its order tells, and ask for the lock that the case wishes for."""
    report_turn.report_begins(unit)
    lock_news.hold_for_move(unit, disputes=[late.dispute], imei=late.imei)
    found = handset_of(unit.session, case_book.read(unit.session, late.dispute), own=own)
    if found is None or found.imei is None:
        return
    facts = joints.wish_facts(unit.session, found.imei)
    file = learn_facts.handset(unit, late.dispute, found=found, lock_facts=facts, actor=SYSTEM)
    joints.handset_learned(unit, office, file)


class LateRecords:
    """The round over the open cases."""

    def __init__(self, house: House, office: LockOffice, *, own: Collection[str]) -> None:
        self._house, self._office, self._own = house, office, own
        self._last = ""

    def look(
        self,
        ask: Callable[[str, Callable[[Session], Turn]], Turn | None],
        attempt: Callable[[Callable[[Unit], object]], bool],
    ) -> None:
        """The next few cases; each is moved in a unit of its own, before which the trail of its handset is read."""
        now_ms = self._house.clock.now_ms()
        seen = ask("the late records", partial(look, own=self._own, after=self._last, now_ms=now_ms))
        if seen is None:
            return
        self._last = seen.last
        for late in seen.found:
            TRAILS.read_ahead(self._house, partial(_imei_of, late))
            attempt(partial(learn_handset, office=self._office, late=late, own=self._own))
        for dispute in seen.orders:
            attempt(partial(learn_facts.order_recorded, dispute=dispute, actor=SYSTEM))


def _imei_of(late: LateHandset, _session: Session) -> str:
    return late.imei
