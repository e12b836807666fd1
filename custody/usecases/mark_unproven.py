"""Scans that a later revocation put in doubt: shown as unproven, never deleted.

The judge said what it said when the scan came. A revocation that names an earlier entry from which on a key is suspect
changes what that word is worth, so whoever reads scans adds the flag `key_suspect` to the stored verdict here. What the
log says of a key goes by index alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlmodel import Session

from custody.store.bulk import ask

FLAG = "key_suspect"


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubts:
    """For each revoked key the entries from which and below which it is suspect."""

    spans: Mapping[bytes, range]

    def verdict(self, kid: bytes, index: int, result: str, flags: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
        """The result and flags of a scan as they are to be shown."""
        if index not in self.spans.get(kid, ()):
            return result, flags
        return "flagged" if result == "accepted" else result, tuple(dict.fromkeys((*flags, FLAG)))


def read_doubts(session: Session) -> Doubts:
    """What is in doubt at this moment."""
    rows = ask(session, "SELECT kid, suspect_from_idx, revoked_idx FROM station_key WHERE revoked_idx IS NOT NULL", ())
    spans = {
        kid: range(suspect_from_idx, revoked_idx)
        for kid, suspect_from_idx, revoked_idx in rows
        if suspect_from_idx is not None
    }
    return Doubts(spans=spans)
