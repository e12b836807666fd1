"""What was seen of one thing of a parcel, look after look, and the two looks between which it went wrong."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from custody.kernel.clock import Instant
from custody.trail.finding import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """One look; `name` is what people call the station."""

    index: int
    where: str
    at_ms: Instant
    received_ms: Instant
    place: str
    name: str


SomeSight = TypeVar("SomeSight", bound=Sight)


@dataclass(frozen=True, slots=True, kw_only=True)
class SightTrace(Generic[SomeSight]):
    """All looks in trail order. `bad` is the first bad one, `good` the last sound one before; `between` names both."""

    sights: tuple[SomeSight, ...]
    good: int | None
    bad: int | None
    between: tuple[str | None, str | None]
    sentence: str
    findings: tuple[Finding, ...]


def trace_sights(
    sights: Sequence[SomeSight],
    *,
    is_good: Callable[[SomeSight], bool],
    is_bad: Callable[[SomeSight], bool],
    sentence: str,
    findings: Iterable[Finding],
) -> SightTrace[SomeSight]:
    """The trace of these looks."""
    at = next((at for at, sight in enumerate(sights) if is_bad(sight)), None)
    bad = None if at is None else sights[at]
    good = next((sight for sight in reversed(sights[: at or 0]) if is_good(sight)), None)
    return SightTrace(
        sights=tuple(sights),
        good=None if good is None else good.index,
        bad=None if bad is None else bad.index,
        between=(None if good is None else good.where, None if bad is None else bad.where),
        sentence=sentence,
        findings=tuple(findings),
    )
