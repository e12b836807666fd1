"""What a key's word is worth: the log says it, and the judge of a scan takes it from there."""

from enum import StrEnum


class KeyStanding(StrEnum):
    """What the word of a station's or a verifier's key is worth at a place in the log."""

    VALID = "valid"
    UNKNOWN = "unknown"
    REVOKED = "revoked"
    SUSPECT = "suspect"
