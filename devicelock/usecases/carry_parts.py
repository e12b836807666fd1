"""The carrier: one thread that speaks to the other lock systems, for what units have planned.

- **The network is never inside a transaction.** What is asked stands in the database before it is asked (`PartRow`, and
  the back-end's own book); what came of it is written in a unit afterwards. A crash in between is met by asking again,
  which every back-end takes for the same wish (`backends.asserted`).
- **Releases go ahead of locks.** A back-end that did not answer rests for a while, so that it keeps no other waiting;
  each part has its own growing time to wait, and releases are asked for ever.
- **A back-end that is switched off** while it may hold a lock has its parts kept open, and is told of, though it be the
  last one.
- **One process at a time** carries, by a lease in the database; another takes over when it ends.
- **A clock that was ahead and is put right** makes nothing wait longer than it ever may: what stands further ahead is
  due.
- **Signs of life**, which a back-end reports by its webhook, make it be told again.
- The IMEI list is published when something on it may have changed and at least once a minute, whole once a day.
- A device that is retired by the anchor is retired everywhere, even if a restore has forgotten that it was asked for. A
  lock that left by the anchor, and that a restore has forgotten, is released.
"""

from collections.abc import Callable, Mapping
from functools import partial

import msgspec
import structlog

from custody.kernel.clock import DAY_MS, MINUTE_MS, SECOND_MS, Instant
from custody.kernel.errors import Trouble
from custody.kernel.poked_thread import PokedThread
from devicelock import part_store
from devicelock.backends.asserted import NOTHING
from devicelock.backends.contract import Backend, BackendAnswer, Held, Ref
from devicelock.backends.eir import NAME as EIR
from devicelock.backends.eir import EirBackend
from devicelock.backends.nanomdm import NanoMdmBackend
from devicelock.backends.nanomdm_event import EARLY_MS, OLD_MS, MdmEvent
from devicelock.part_store import EventRow, PartRow
from devicelock.rules.alert_kind import AlertKind
from devicelock.rules.applied import Applied
from devicelock.rules.command import LockScreen
from devicelock.usecases.alert import raise_alert
from devicelock.usecases.fan_out import Tried, ask, gone, look, refused, told_imei, wait_s
from devicelock.usecases.give_reference import OTHER_HANDSET
from devicelock.usecases.lock_office import LockOffice
from devicelock.usecases.plan_parts import order_of, plan_forgotten, plan_retirement
from devicelock.usecases.settle_parts import Came, anchor_hold, claim_part, remember, tried_of

TASK = "carry-parts"
LEASE_MS = 30 * SECOND_MS
IDLE_S, BREATH_S = 1.0, 0.1
ROUND = 50
REST_MAX_S = 30
PUBLISH_MS = MINUTE_MS
LOOKED_AT = 2000
"""So many devices are looked at in a minute for a retirement that was forgotten."""

log = structlog.get_logger()


class Carrier:
    """Carries parts to the back-ends; when its thread stops, another process may carry at once."""

    def __init__(self, office: LockOffice, backends: Mapping[str, Backend], *, holder: str) -> None:
        self._office = office
        self._house = office.house
        self._backends = backends
        self._holder = holder
        self._mine_until_ms: Instant = 0
        self._resting: dict[str, Instant] = {}
        self._housekeep_ms: Instant = 0
        self._looked_at = ""
        self._publish_ms: Instant = 0
        self._whole_ms: Instant = 0
        self.thread = PokedThread(self._go_round, name="carrier", idle_s=IDLE_S, at_end=self._finish)

    def give_up(self) -> None:
        """Let another process carry at once."""
        self._mine_until_ms = 0
        with self._house.unit() as unit:
            part_store.give_lease_up(unit.session, TASK, holder=self._holder)

    def carry(self) -> int:
        """One round; returns how many events and parts were worked on."""
        if not self._has_turn():
            return 0
        self._housekeep()
        heard = self._hear()
        worked = []
        for part in self._due():
            if self.thread.ending or not self._has_turn():
                break
            if part.backend not in self._at_rest() and self._is_carried(part):
                worked.append(part.backend)
        self._publish(changed=EIR in worked)
        return heard + len(worked)

    def _has_turn(self) -> bool:
        if _waits(self._mine_until_ms - LEASE_MS // 2, now_ms=self._now_ms(), most_ms=LEASE_MS // 2):
            return True
        with self._house.unit() as unit:
            session, now_ms = unit.session, unit.now_ms
            mine = part_store.take_lease(session, TASK, holder=self._holder, now_ms=now_ms, life_ms=LEASE_MS)
            until_ms = now_ms + LEASE_MS if mine else 0
        if mine and not self._mine_until_ms:
            self._housekeep_ms = 0
        self._mine_until_ms = until_ms
        return mine

    def _due(self) -> list[PartRow]:
        with self._house.read() as session:
            return part_store.parts_due(session, now_ms=self._now_ms(), but=self._at_rest(), limit=ROUND)

    def _at_rest(self) -> set[str]:
        now_ms = self._now_ms()
        most_ms = REST_MAX_S * SECOND_MS
        return {name for name, until_ms in self._resting.items() if _waits(until_ms, now_ms=now_ms, most_ms=most_ms)}

    def _is_carried(self, part: PartRow) -> bool:
        """One go for a part; one that fails is tried again in the next round and holds back no other."""
        try:
            self._carry_part(part)
        except Exception:  # whatever it was, the releases behind it do not wait for it
            log.exception("what a lock system answered could not be kept", backend=part.backend)
            return False
        return True

    def _carry_part(self, part: PartRow) -> None:
        backend = self._backends.get(part.backend)
        came = self._of_no_backend(part) if backend is None else self._ask_backend(backend, part)
        if came is None:
            return
        can = backend.capabilities() if backend is not None else None
        with self._house.unit() as unit:
            remember(unit, self._office, part, came, can)

    def _of_no_backend(self, part: PartRow) -> Came:
        return Came(tried=gone(tried_of(part), now_ms=self._now_ms()))

    def _ask_backend(self, backend: Backend, part: PartRow) -> Came | None:
        """What comes of one go; None if the part was overtaken before anything was sent."""
        tried = tried_of(part)
        if tried.answer is not BackendAnswer.TAKEN or part.again:
            if part.wished == Applied.LOCKED:
                failed, told = told_imei(tried, backend, part.handset, now_ms=self._now_ms())
                if failed is not None:
                    return self._with_a_look(backend, part, failed)
                try:
                    with self._house.unit() as unit:
                        if not claim_part(unit, self._office, part, told_imei=told):
                            return None
                except Trouble as trouble:
                    return self._held_back(backend, part, trouble)
            tried = ask(tried, _call(backend, part), now_ms=self._now_ms())
        return self._with_a_look(backend, part, tried)

    def _held_back(self, backend: Backend, part: PartRow, trouble: Trouble) -> Came:
        return Came(
            tried=refused(tried_of(part), trouble, now_ms=self._now_ms()),
            held=look(backend, part.handset),
            other_handset=trouble.code == OTHER_HANDSET,
        )

    def _with_a_look(self, backend: Backend, part: PartRow, tried: Tried) -> Came:
        held: Held | None = None if tried.trouble is not None else look(backend, part.handset)
        if held is None:
            rest_s = min(wait_s(tried), REST_MAX_S)
            self._resting[part.backend] = self._now_ms() + rest_s * SECOND_MS
        return Came(tried=tried, held=held)

    def _hear(self) -> int:
        with self._house.read() as session:
            rows = part_store.events_waiting(session, limit=ROUND)
        for row in rows:
            self._hear_event(row)
        return len(rows)

    def _hear_event(self, row: EventRow) -> None:
        event = msgspec.json.decode(row.event, type=MdmEvent)
        backend = self._backends.get(row.backend)
        alive = isinstance(backend, NanoMdmBackend) and backend.take(event)
        with self._house.unit() as unit:
            kept = unit.session.get(EventRow, row.id)
            if kept is not None:
                kept.handled_ms = unit.now_ms
                unit.session.add(kept)
            for part in part_store.parts_at(unit.session, row.backend, event.handset):
                part.due_ms, part.looks, part.again = unit.now_ms, 0, part.again or alive
                unit.session.add(part)

    def _publish(self, *, changed: bool) -> None:
        """Publish the IMEI list; what keeps it from that is told of, and tried again."""
        now_ms, backend = self._now_ms(), self._backends.get(EIR)
        if not isinstance(backend, EirBackend):
            return
        if not changed and _waits(self._publish_ms, now_ms=now_ms, most_ms=PUBLISH_MS):
            return
        self._publish_ms = now_ms + PUBLISH_MS
        try:
            backend.publish()
            if backend.whole_is_old and not _waits(self._whole_ms, now_ms=now_ms, most_ms=DAY_MS):
                backend.publish_full()
                self._whole_ms = now_ms + DAY_MS
        except Trouble as trouble:
            log.warning("the IMEI list is not published", code=trouble.code, detail=trouble.detail)
            with self._house.unit() as unit:
                raise_alert(unit, AlertKind.BACKEND_FAILED, about="the IMEI list", detail=trouble.detail[:300])

    def _housekeep(self) -> None:
        """Forget old events, and look for devices that are retired and of whose retirement a restore has forgotten."""
        now_ms = self._now_ms()
        if _waits(self._housekeep_ms, now_ms=now_ms, most_ms=MINUTE_MS):
            return
        self._housekeep_ms = now_ms + MINUTE_MS
        with self._house.unit() as unit:
            part_store.forget_events(unit.session, before_ms=now_ms - OLD_MS - EARLY_MS)
        with self._house.read() as session:
            names = part_store.unretired_after(session, self._looked_at, limit=LOOKED_AT)
        self._looked_at = names[-1] if len(names) == LOOKED_AT else ""
        for name in names:
            if self._office.anchor.of(name).retired:
                with self._house.unit() as unit:
                    plan_retirement(unit, self._office, name)
        self._compare_with_anchor()

    def _compare_with_anchor(self) -> None:
        """Anchor what is held and not anchored yet; release what is anchored and of which the database knows nothing.

        So it is after a restore, and after an upgrade from a version that anchored no locks.
        """
        office = self._office
        with self._house.read() as session:
            rows = part_store.held(session)
        for row in rows:
            anchor_hold(office, row)
        known = {(order_of(row), row.backend) for row in rows}
        for hold in office.anchor.held():
            if (hold.order, hold.backend) not in known:
                with self._house.unit() as unit:
                    plan_forgotten(unit, office, hold)

    def _now_ms(self) -> Instant:
        return self._house.clock.now_ms()

    def _go_round(self) -> float:
        try:
            self.carry()
        except Trouble as trouble:
            log.warning("the carrier will try again", code=trouble.code, detail=trouble.detail)
        except Exception:  # nobody else would carry anything any more
            log.exception("the carrier failed and will try again")
        return BREATH_S

    def _finish(self) -> None:
        try:
            self.give_up()
        except Trouble as trouble:
            log.warning("others carry once the lease is over", code=trouble.code, detail=trouble.detail)


def _waits(until_ms: Instant, *, now_ms: Instant, most_ms: int) -> bool:
    """Whether something waits until a moment, which by a clock that goes right is no more than `most_ms` ahead."""
    return now_ms < until_ms <= now_ms + most_ms


def _call(backend: Backend, part: PartRow) -> Callable[[], BackendAnswer]:
    ref = Ref(handset=part.handset, order=part.order, version=part.version)
    if part.wished == Applied.UNLOCKED:
        first: Callable[[], BackendAnswer] = partial(backend.unlock, ref)
    elif part.wished == Applied.RETIRED:
        first = partial(backend.retire, ref)
    else:
        screen = msgspec.json.decode(part.screen or "", type=LockScreen)
        first = partial(backend.lock, ref, screen=screen, not_after_ms=part.not_after_ms)
    return partial(_say_again, backend, part.handset, first) if part.again else first


def _say_again(backend: Backend, handset: str, first: Callable[[], BackendAnswer]) -> BackendAnswer:
    """Make sure that the back-end has the wish, and say it once more if it had it already."""
    answer = first()
    return answer if answer in NOTHING else backend.reassert(handset) or answer
