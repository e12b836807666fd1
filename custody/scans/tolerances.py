"""The judge's numbers, and the edition of its rules: policy, handed in, with defaults.

Clock: over 30 s a scan's clock is flagged, over 86,400 s the scan is quarantined; a station may store and forward for
14 days. Weight: a reading is out when it differs from what is expected by more than three standard deviations of the
difference; a station scale has 5 g, a sender's declaration 8 g. The edition is the one that the log names
(`edition.py`).
"""

import math
from dataclasses import dataclass

from custody.kernel.clock import DAY_MS, SECOND_MS
from custody.scans.edition import Edition


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerances:
    """What may differ by how much before it counts. Units stand in the names; sd is one standard deviation.

    `edition` says by which rules it is judged.
    """

    skew_flag_ms: int = 30 * SECOND_MS
    skew_quarantine_ms: int = 86_400 * SECOND_MS
    offline_ms: int = 14 * DAY_MS
    weight_sigmas: float = 3.0
    scale_sd_g: float = 5.0
    declared_sd_g: float = 8.0
    edition: Edition = Edition.FIRST

    @property
    def from_declared_g(self) -> float:
        """How far a reading may be from the declared mass."""
        return self.weight_sigmas * math.hypot(self.scale_sd_g, self.declared_sd_g)

    @property
    def from_previous_g(self) -> float:
        """How far a reading may be from the reading before."""
        return self.weight_sigmas * math.hypot(self.scale_sd_g, self.scale_sd_g)
