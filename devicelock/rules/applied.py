"""What a handset is in, and the pair that orders everything said to it.

- `Applied` is one word for the state a device has applied and for the state the server wishes.
- A `Pair` is (epoch, counter), compared in that order. The server keeps the epoch outside its backups and raises it on
  every start from one; the counter grows with every command signed for the device. A pair is never signed twice.
"""

from enum import StrEnum

from custody.kernel.errors import Rejected


class Applied(StrEnum):
    """The three states of a handset. Retired is for ever."""

    LOCKED = "locked"
    UNLOCKED = "unlocked"
    RETIRED = "retired"


Pair = tuple[int, int]

NEVER: Pair = (0, 0)
"""Lower than every pair that is ever signed."""

KINDNESS = {Applied.LOCKED: 0, Applied.UNLOCKED: 1, Applied.RETIRED: 2}
"""Which state wins when one pair is reported with two: a device leaves LOCKED by itself and never goes back to it."""

HIGHEST_SHOWN = 2**52
"""No number of ours comes near it, and as many lie above: whatever a handset claims, one is left to free it by."""


def check_shown(pair: Pair) -> None:
    """Raise `Rejected("pair")` for a pair that no device can have applied."""
    if max(pair) >= HIGHEST_SHOWN:
        raise Rejected("pair", "it claims a pair that nobody has signed", fix="Say the pair that was applied last.")
