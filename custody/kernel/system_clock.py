"""The real clock; the only file of the pure rooms that reads it."""

import time


class SystemClock:
    """Reads the machine's clock."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""
        return time.time_ns() // 1_000_000
