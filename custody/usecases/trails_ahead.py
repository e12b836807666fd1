"""Trails that are read before the unit that asks for them begins, so that nobody waits for the log meanwhile.

Reading a trail opens every scan of it; whether any record that it was made of has changed since is seen without opening
one. So a unit takes what was read ahead where its records are still as they were, and reads it again where not.
"""

from dataclasses import dataclass

from sqlmodel import Session

from custody.store.engine import is_one_snapshot
from custody.usecases.read_trail import FoundTrail, read_trail, state_of


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ahead:
    found: FoundTrail
    state: bytes


class TrailsAhead:
    """The trails that one request has read; what has not been opened yet of their shipments may be older."""

    def __init__(self) -> None:
        self._read: dict[tuple[str, str | None], _Ahead] = {}

    def read(self, session: Session, item: str, *, parcel: str | None = None) -> FoundTrail:
        """The trail of an item as it is at this moment; raises as `read_trail`."""
        ahead = self._read.get((item, parcel))
        if ahead is not None and state_of(session, ahead.found.lookups) == ahead.state:
            return ahead.found
        found = read_trail(session, item, parcel=parcel)
        if is_one_snapshot(session.get_bind()):
            self._read[item, parcel] = _Ahead(found=found, state=state_of(session, found.lookups))
        return found
