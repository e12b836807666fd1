"""The contract for every back-end that is told a wished state: the rules are here, the words are in its `Wire`.

- **Before and after.** A wish is stored before it is sent. If no reply comes it stays, not taken, and the same call
  sends it again; once taken the same call sends nothing and answers the same.
- **Order.** A lock must carry a higher version than anything wished before, else it is refused. A release is never
  refused for its version: in doubt the device is set free. What was overtaken while it was being sent is followed by
  the newest wish once more, so that the newest stands last.
- **Retired is for ever.** After `retire` every lock is refused, whether or not the other side has heard of it yet.
- **Lapse.** A lock that was not shown by its `not_after`, or has reached the deadline on its screen, is a release. One
  that was shown ends at that deadline alone: what became unknown since, or was forgotten there, does not end it.
- **What is shown.** `applied` is what the other side has confirmed. Its clock is not ours: a time ahead of ours counts
  as now.
- **Signs of life.** `reassert` says the present wish again to a side that may have forgotten it.
"""

from dataclasses import dataclass, replace
from threading import Lock
from typing import Protocol

from custody.kernel.clock import Clock, Instant
from devicelock.backends.book import Book, Wish
from devicelock.backends.contract import BackendAnswer, Capabilities, Held, Ref
from devicelock.rules.applied import Applied
from devicelock.rules.command import LockScreen

NOTHING = frozenset({BackendAnswer.UNKNOWN_DEVICE, BackendAnswer.REFUSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What came of sending a wish, and the other side's name for it."""

    answer: BackendAnswer
    token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """What the other side has confirmed. None is unknown."""

    applied: Applied | None
    last_seen_ms: Instant | None


class Wire(Protocol):
    """How one back-end is spoken to. All raise `Unavailable` when it is away."""

    def send(self, wish: Wish) -> Sent:
        """Say the wish; saying it twice does no more than once."""
        ...

    def look(self, wish: Wish) -> Confirmation:
        """What is confirmed of the wish's handset."""
        ...

    def imei(self, handset: str) -> str | None:
        """The IMEI of the handset by the other side's own word; None if it cannot tell."""
        ...


class AssertedBackend:
    """A `Backend` made of a wire, a book of wishes and a clock."""

    def __init__(self, *, name: str, capabilities: Capabilities, wire: Wire, book: Book, clock: Clock) -> None:
        self._name = name
        self._capabilities = capabilities
        self._wire = wire
        self._book = book
        self._clock = clock
        self._mutex = Lock()

    @property
    def name(self) -> str:
        """Its name in orders and in the log."""
        return self._name

    def capabilities(self) -> Capabilities:
        """What it can keep."""
        return self._capabilities

    def lock(self, ref: Ref, *, screen: LockScreen, not_after_ms: Instant) -> BackendAnswer:
        """Ask for a lock; see the rules above for when it is refused."""
        held_until_ms = screen.deadline_s * 1000
        wish = Wish(
            handset=ref.handset,
            state=Applied.LOCKED,
            order=ref.order,
            version=ref.version,
            screen=screen,
            not_after_ms=min(not_after_ms, held_until_ms),
            held_until_ms=held_until_ms,
        )
        with self._mutex:
            before = self._current(ref.handset)
            if wish.is_same(before):
                wish = before or wish
            elif self._is_refused(wish, before):
                return BackendAnswer.REFUSED
            else:
                wish = replace(wish, put_off=before.put_off if before else None)
                self._book.put(wish)
        if wish.taken:
            return BackendAnswer.NOT_NOW if wish.not_now else BackendAnswer.TAKEN
        answer = self._assert(wish)
        if answer in NOTHING:
            self._take_back(wish, before)
        return answer

    def unlock(self, ref: Ref) -> BackendAnswer:
        """Ask for a release; never refused by us."""
        return self._release(ref, Applied.UNLOCKED)

    def retire(self, ref: Ref) -> BackendAnswer:
        """Ask for a release for ever."""
        return self._release(ref, Applied.RETIRED)

    def cancel(self, ref: Ref) -> BackendAnswer:
        """Withdraw a lock, delivered or not. A release is not withdrawn; of an older wish nothing is left to do."""
        with self._mutex:
            held = self._book.get(ref.handset)
            if held is None or (held.order, held.version) != (ref.order, ref.version):
                return BackendAnswer.TAKEN
            if held.state is not Applied.LOCKED:
                return BackendAnswer.REFUSED
            wish = _released(held)
            self._book.put(wish)
        return self._assert(wish)

    def state(self, handset: str) -> Held:
        """What is wished and what the other side has confirmed."""
        wish = self._current(handset)
        if wish is None:
            return Held(desired=Applied.UNLOCKED, applied=None, last_seen_ms=None)
        look = self._wire.look(wish)
        seen = None if look.last_seen_ms is None else min(look.last_seen_ms, self._clock.now_ms())
        self._learn(handset, applied=look.applied, last_seen_ms=seen)
        wish = self._current(handset) or wish
        return Held(desired=wish.state, applied=look.applied, last_seen_ms=seen, taken=wish.taken)

    def imei(self, handset: str) -> str | None:
        """The IMEI of the handset by the other side's own word; None if it cannot tell."""
        return self._wire.imei(handset)

    def reassert(self, handset: str) -> BackendAnswer | None:
        """Say the present wish again, on a sign of life; None if nothing was ever wished.

        A command that the other side keeps, since its device could not do it yet, is not said twice.
        """
        with self._mutex:
            wish = self._current(handset)
            if wish is None or wish.not_now:
                return None if wish is None else BackendAnswer.NOT_NOW
            wish = replace(wish, attempt=wish.attempt + 1, taken=False, not_now=False)
            self._book.put(wish)
        return self._assert(wish)

    def _is_refused(self, wish: Wish, before: Wish | None) -> bool:
        if self._clock.now_ms() >= wish.not_after_ms:
            return True
        return before is not None and (before.state is Applied.RETIRED or wish.version <= before.version)

    def _release(self, ref: Ref, state: Applied) -> BackendAnswer:
        with self._mutex:
            held = self._current(ref.handset)
            wish = _next_release(held, ref, state)
            self._book.put(wish)
        if wish.taken:
            return BackendAnswer.NOT_NOW if wish.not_now else BackendAnswer.TAKEN
        return self._assert(wish)

    def _assert(self, wish: Wish) -> BackendAnswer:
        sent = self._wire.send(wish)
        with self._mutex:
            newest = self._book.get(wish.handset)
            if newest is None or wish.is_same(newest):
                if newest is not None and newest.attempt == wish.attempt:
                    taken = sent.answer is BackendAnswer.TAKEN
                    self._book.put(replace(newest, taken=taken, token=sent.token or newest.token))
                return sent.answer
        self._assert(newest)
        return sent.answer

    def _take_back(self, wish: Wish, before: Wish | None) -> None:
        """A lock that the other side will not take is no wish: what was wished before holds."""
        with self._mutex:
            if not wish.is_same(self._book.get(wish.handset)):
                return
            if before is None or wish.is_same(before):
                self._book.drop(wish.handset)
            else:
                self._book.put(before)

    def _learn(self, handset: str, *, applied: Applied | None, last_seen_ms: Instant | None) -> None:
        with self._mutex:
            wish = self._current(handset)
            if wish is None or (wish.applied, wish.last_seen_ms) == (applied, last_seen_ms):
                return
            if wish.state is Applied.LOCKED and Applied.LOCKED in {wish.applied, applied}:
                wish = replace(wish, not_after_ms=wish.held_until_ms)
            self._book.put(replace(wish, applied=applied, last_seen_ms=last_seen_ms))

    def _current(self, handset: str) -> Wish | None:
        """The wish at this moment: a lock whose time has passed is a release that still has to be sent."""
        wish = self._book.get(handset)
        if wish is None or wish.state is not Applied.LOCKED:
            return wish
        now_ms = self._clock.now_ms()
        undelivered = wish.applied is not Applied.LOCKED and now_ms >= wish.not_after_ms
        return _released(wish) if undelivered or now_ms >= wish.held_until_ms else wish


def _released(wish: Wish) -> Wish:
    lock = replace(wish, overtakes=None) if wish.state is Applied.LOCKED else wish.overtakes
    return replace(wish, state=Applied.UNLOCKED, screen=None, attempt=0, taken=False, not_now=False, overtakes=lock)


def _next_release(held: Wish | None, ref: Ref, state: Applied) -> Wish:
    """The wish after a call for a release: the held one if it says so already, and never a step back from retired."""
    if held is None:
        return Wish(handset=ref.handset, state=state, order=ref.order, version=ref.version)
    if held.state is Applied.RETIRED:
        return held
    if (held.state, held.order) == (state, ref.order) and held.version >= ref.version:
        return held
    return replace(_released(held), state=state, order=ref.order, version=max(held.version, ref.version))
