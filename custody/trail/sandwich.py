"""The time sandwich of each scan in a trail: between which moments it was made, by witnesses and by no station's clock.

`ledger/time_bounds.py` has the rule. Here it is held against the trail: "not before" for a scan whose event embeds a
checkpoint (`wl:witnessedCheckpoint`) that is at hand, "not after" for a scan whose entry a cosigned checkpoint covers.
The bounds stand beside the two clocks that a trail shows and change neither.
"""

from collections.abc import Callable, Collection, Mapping

from custody.ledger.time_bounds import TimeBounds, not_after, not_before
from custody.ledger.witness_policy import WitnessPolicy
from custody.trail.arrange import Entry

WORKING = "working"
"""The purpose of the witness policy whose quorum is believed about times."""


def bound_times(
    entries: Collection[Entry],
    policy: WitnessPolicy,
    *,
    seen: Mapping[bytes, bytes],
    covering: Callable[[int], Collection[bytes]],
) -> dict[bytes, TimeBounds]:
    """The bounds of each scan by its digest.

    `seen` are checkpoints by the digests that scans embed; `covering` gives cosigned ones that cover an entry. Raises
    `Rejected` for a checkpoint that is not the log's.
    """
    befores = {digest: not_before(note, policy) for digest, note in seen.items()}
    afters = {index: not_after(index, covering(index), policy) for index in {entry.index for entry in entries}}
    return {
        entry.digest: TimeBounds(
            not_before_ms=None if entry.marks.witnessed is None else befores.get(entry.marks.witnessed),
            not_after_ms=afters[entry.index],
        )
        for entry in entries
    }
