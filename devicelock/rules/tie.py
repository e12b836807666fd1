"""What the records of a parcel say together of one IMEI; they are read and held against each other above this house.

If any two records disagree there is no lock: the mis-scan is then the finding.
"""

from enum import StrEnum


class TieState(StrEnum):
    """What the records say together."""

    TIED = "tied"
    SINGLE = "single"
    DISAGREE = "disagree"
    NONE = "none"
