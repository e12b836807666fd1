"""Which back-ends a lock order speaks to, and when its release is done.

- **A lock** goes to a back-end only if that can keep what is promised to whoever holds the device: it shows a contact,
  or blocks the network only; and it leaves a way out (`Capabilities.way_out`), or our own agent, which has one, holds
  the same order.
- **A release goes to every back-end that ever got the lock**, whatever it answered then, and to all of them even if one
  fails: one that is away, or refuses, or no longer knows the device, does not keep the others waiting.
- **One failure keeps the order open and loud.** An order is released when every such back-end has shown the device
  free. Until then `Release.open` names what is missing and why; nothing is guessed from "sent".
- A failed call is asked again by its own time to wait; releases are asked again for ever.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from custody.kernel.clock import Instant
from custody.kernel.errors import Trouble
from devicelock.backends.contract import Backend, BackendAnswer, Capabilities, Held
from devicelock.rules.applied import Applied

FREE = frozenset({Applied.UNLOCKED, Applied.RETIRED})
RETRY_FIRST_S = 5
RETRY_MAX_S = 900
REFUSED_S = 60
"""How long until it is looked at again whether a lock is allowed."""


class Missing(StrEnum):
    """Why a back-end keeps an order open."""

    NOT_ASKED = "not_asked"
    FAILED = "failed"
    REFUSED = "refused"
    UNKNOWN_DEVICE = "unknown_device"
    NOT_SHOWN = "not_shown"
    STILL_LOCKED = "still_locked"
    NO_SUCH_BACKEND = "no_such_backend"


LOUD = frozenset(Missing) - {Missing.NOT_ASKED, Missing.NOT_SHOWN, Missing.STILL_LOCKED}
"""What people are told of at once; the others are told of when their clock runs out."""


class Unfit(StrEnum):
    """Why a back-end may not carry a lock."""

    NO_CONTACT = "no_contact"
    NO_WAY_OUT = "no_way_out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One back-end's part in a release: what came of the last call, how often it was made, and what is shown."""

    backend: str
    tries: int = 0
    answer: BackendAnswer | None = None
    trouble: str | None = None
    retry_after_s: int | None = None
    at_ms: Instant | None = None
    applied: Applied | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """A back-end that keeps the order open, in a machine's word and a person's sentence."""

    backend: str
    why: Missing
    detail: str

    @property
    def loud(self) -> bool:
        """Whether people are told at once."""
        return self.why in LOUD


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Where the release of an order stands."""

    tried: tuple[Tried, ...]
    open: tuple[Open, ...]

    @property
    def done(self) -> bool:
        """Every back-end that ever got the lock has shown the device free."""
        return not self.open

    @property
    def loud(self) -> bool:
        """Whether people are told at once."""
        return any(each.loud for each in self.open)


def unfit(capabilities: Capabilities, *, beside_agent: bool) -> tuple[Unfit, ...]:
    """What keeps a back-end from carrying a lock; `beside_agent`: our own agent carries the same order."""
    reasons = []
    if not (capabilities.shows_contact or capabilities.blocks_network_only):
        reasons.append(Unfit.NO_CONTACT)
    if not (capabilities.way_out or beside_agent):
        reasons.append(Unfit.NO_WAY_OUT)
    return tuple(reasons)


def judge(ever_locked: Iterable[str], tried: Iterable[Tried]) -> Release:
    """Where the release stands by what came of the calls and what the back-ends show."""
    before = {each.backend: each for each in tried}
    known = tuple(before.get(name, Tried(backend=name)) for name in sorted(set(ever_locked)))
    return Release(tried=known, open=tuple(found for each in known if (found := _missing(each)) is not None))


def ask(tried: Tried, call: Callable[[], BackendAnswer], *, now_ms: Instant) -> Tried:
    """Make one call; what came of it, whatever it was."""
    try:
        answer = call()
    except Trouble as trouble:
        return _failed(tried, trouble.detail, now_ms=now_ms, retry_after_s=trouble.facts.get("retry_after_s"))
    except Exception as error:  # noqa: BLE001 - a back-end that breaks must not keep the others from being asked
        return _failed(tried, f"{type(error).__name__}: {error}", now_ms=now_ms)
    return Tried(backend=tried.backend, tries=tried.tries + 1, answer=answer, at_ms=now_ms, applied=tried.applied)


def told_imei(tried: Tried, backend: Backend, handset: str, *, now_ms: Instant) -> tuple[Tried | None, str | None]:
    """Ask the back-end for the IMEI of what it knows by a name: a call that failed, or its word (None: it has none)."""
    told: list[str | None] = []

    def call() -> BackendAnswer:
        told.append(backend.imei(handset))
        return BackendAnswer.TAKEN

    asked = ask(tried, call, now_ms=now_ms)
    return (None, told[0]) if told else (asked, None)


def gone(tried: Tried, *, now_ms: Instant) -> Tried:
    """What comes of asking a back-end that is configured no more."""
    return _failed(tried, Missing.NO_SUCH_BACKEND, now_ms=now_ms)


def refused(tried: Tried, trouble: Trouble, *, now_ms: Instant) -> Tried:
    """What comes of a call that was not made, because we do not allow it at this moment."""
    return _failed(tried, f"not sent: {trouble.detail}", now_ms=now_ms, retry_after_s=REFUSED_S)


def look(backend: Backend, handset: str) -> Held | None:
    """What a back-end holds and shows of a handset; None where that cannot be seen."""
    try:
        return backend.state(handset)
    except Exception:  # noqa: BLE001 - what cannot be seen is unknown, whatever the cause
        return None


def wait_s(tried: Tried) -> int:
    """How long after a call that did not get through the next one is made."""
    return tried.retry_after_s or min(RETRY_FIRST_S * 2 ** min(max(tried.tries - 1, 0), 16), RETRY_MAX_S)


def _missing(tried: Tried) -> Open | None:
    why = _why(tried)
    return None if why is None else Open(backend=tried.backend, why=why, detail=f"{tried.backend} {_said(why, tried)}")


def _why(tried: Tried) -> Missing | None:
    checks = (
        (tried.trouble == Missing.NO_SUCH_BACKEND, Missing.NO_SUCH_BACKEND),
        (tried.at_ms is None, Missing.NOT_ASKED),
        (tried.trouble is not None, Missing.FAILED),
        (tried.answer is BackendAnswer.REFUSED, Missing.REFUSED),
        (tried.answer is BackendAnswer.UNKNOWN_DEVICE, Missing.UNKNOWN_DEVICE),
        (tried.applied is Applied.LOCKED, Missing.STILL_LOCKED),
        (tried.applied not in FREE, Missing.NOT_SHOWN),
    )
    return next((why for holds, why in checks if holds), None)


def _said(why: Missing, tried: Tried) -> str:
    return {
        Missing.NO_SUCH_BACKEND: "got the lock and is configured no more.",
        Missing.NOT_ASKED: "was not asked yet.",
        Missing.FAILED: f"failed, call {tried.tries}: {tried.trouble}",
        Missing.REFUSED: "refuses to release the handset.",
        Missing.UNKNOWN_DEVICE: "no longer knows the handset; whether it is free is unknown.",
        Missing.STILL_LOCKED: "still shows the handset locked.",
        Missing.NOT_SHOWN: "has not shown the handset free yet.",
    }[why]


def _failed(tried: Tried, why: str, *, now_ms: Instant, retry_after_s: int | None = None) -> Tried:
    return Tried(
        backend=tried.backend,
        tries=tried.tries + 1,
        trouble=str(why),
        retry_after_s=retry_after_s,
        at_ms=now_ms,
        applied=tried.applied,
    )
