"""How often something may be done from one address, or at one account or reference: a bucket of tokens each, in memory.

A bucket holds `burst` tokens at most and gains `per_s` a second; each act takes one. A full bucket is forgotten, so an
address that stays away costs nothing; no more than `MAX_BUCKETS` are held, the longest unused go first.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from custody.kernel.errors import Rejected

MAX_BUCKETS = 10_000


class TokenBuckets:
    """The buckets of every address."""

    def __init__(self, *, per_s: float, burst: int, now_s: Callable[[], float] = time.monotonic) -> None:
        self._per_s = per_s
        self._burst = burst
        self._now_s = now_s
        self._turn = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, address: str) -> None:
        """Take one token; raises `Rejected("too_many")` with the seconds to wait if there is none."""
        with self._turn:
            now_s = self._now_s()
            tokens, then_s = self._buckets.pop(address, (float(self._burst), now_s))
            tokens = min(float(self._burst), tokens + (now_s - then_s) * self._per_s)
            left = tokens - 1 if tokens >= 1 else tokens
            self._buckets[address] = (left, now_s)
            while len(self._buckets) > MAX_BUCKETS:
                self._buckets.popitem(last=False)
        if tokens < 1:
            wait_s = max(1, round((1 - tokens) / self._per_s))
            raise Rejected(
                "too_many", "too many requests one after another", fix=f"Wait {wait_s} s.", retry_after_s=wait_s
            )

    def give_back(self, address: str) -> None:
        """Put back the token of an act that is not to count."""
        with self._turn:
            tokens, then_s = self._buckets.get(address, (float(self._burst), 0.0))
            if tokens < self._burst:
                self._buckets[address] = (min(float(self._burst), tokens + 1), then_s)
