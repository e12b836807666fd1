"""Where doubt of a key begins that was stolen or copied: an index of the log, or a moment.

Whoever finds out knows the hour and no index. Who signs the end of a key themselves, with a registrar's key that we
never see, asks for the index first; nobody needs an account for that, as for reading the log.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field
from sqlmodel import Session

from api.http.body import Body
from api.parts import Parts, parts_of
from custody.kernel.clock import Instant, from_iso
from custody.kernel.errors import Rejected
from custody.store import log_reader

router = APIRouter(tags=["log"])
P = Annotated[Parts, Depends(parts_of)]


class RevokeIn(Body):
    """Why, and from which log index or moment on what the key signs is in doubt (now, if left out)."""

    reason: str
    suspect_from: int | None = Field(default=None, ge=0)
    suspect_since: str | None = Field(default=None, description="The moment instead of the index, with its offset.")

    def doubt_begins(self, session: Session, *, now_ms: Instant) -> int | None:
        """The log index where doubt begins: of whoever knows when a key was lost, the first entry from then on."""
        if self.suspect_since is None:
            return self.suspect_from
        if self.suspect_from is not None:
            raise Rejected(
                "suspect_since", "doubt begins at an index or at a moment, not at both", fix="Send one of them."
            )
        return _first_since(session, self.suspect_since, now_ms=now_ms)


@router.get("/v1/log/first-since")
def first_since(moment: str, parts: P) -> dict[str, Any]:
    """The index of the first entry from a moment on (RFC 3339, with its offset); the next one, if none came since."""
    with parts.house.read() as session:
        return {"moment": moment, "index": _first_since(session, moment, now_ms=parts.clock.now_ms())}


def _first_since(session: Session, moment: str, *, now_ms: Instant) -> int:
    since_ms = from_iso(moment)
    if since_ms > now_ms:
        raise Rejected("suspect_since", "doubt would begin in the future", fix="Send the last moment that was sure.")
    return log_reader.size_before(session, since_ms)
