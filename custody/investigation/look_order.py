"""The looks of one parcel in order: what signatures prove comes before what clocks say.

As in the trail (`trail/arrange.py`), a station made its statements in the order of their numbers, and a statement that
carries the digest of another one was made after it. Between looks that nothing ties the station's time decides, but
never later than the receipt; whose clock is hours behind cannot put his scans before the release that he accepted.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from custody.investigation.look import Look
from custody.trail.arrange import settle


def in_order(looks: Iterable[Look]) -> list[Look]:
    """The looks, with those that do not count among them, for what they tell of the order of others."""
    by_time = sorted(looks, key=lambda look: (look.at_ms, look.index))
    befores = _befores(by_time)
    if all(earlier < at for at, before in enumerate(befores) for earlier in before):
        return by_time
    return [by_time[at] for at in settle(befores)]


def _befores(looks: Sequence[Look]) -> list[set[int]]:
    """For each look the places of those that were certainly made before it."""
    place = {look.digest: at for at, look in enumerate(looks)}
    befores = [{place[name] for name in look.after if name in place} - {at} for at, look in enumerate(looks)]
    numbered: dict[str, list[tuple[int, int]]] = {}
    for at, look in enumerate(looks):
        if look.seq is not None:
            numbered.setdefault(look.station, []).append((look.seq, at))
    for sequence in numbered.values():
        for (seq, earlier), (following, later) in pairwise(sorted(sequence)):
            if seq < following:
                befores[later].add(earlier)
    return befores
