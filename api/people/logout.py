"""The provider says that somebody signed out there, or was signed out: whatever was begun by it here ends too.

That is each session of theirs which goes back to the provider's session that ended, and each of which nobody knows to
which it goes back, with the tokens that were drawn from them. A logout token is taken once.
"""

import hashlib

from sqlalchemy import delete
from sqlmodel import Session, col, or_

from api.people.accounts import of_subject
from api.people.tables import LogoutRow, SessionRow
from api.process.open_id import Logout
from custody.kernel.clock import Instant
from custody.kernel.errors import Rejected


def end_sessions(session: Session, said: Logout, *, now_ms: Instant) -> None:
    """End what a logout token says; raises `Rejected("logout_token")` if it was taken before."""
    token_hash = hashlib.sha256(said.name.encode()).digest()
    session.execute(delete(LogoutRow).where(col(LogoutRow.until_ms) <= now_ms))
    if session.get(LogoutRow, token_hash) is not None:
        raise Rejected("logout_token", "that logout token was taken before", fix="Send a new one.")
    session.add(LogoutRow(token_hash=token_hash, until_ms=said.until_ms))
    session.flush()
    meant = []
    if said.subject is not None:
        row = of_subject(session, said.subject)
        meant.append(col(SessionRow.account) == (row.name if row else None))
    if said.sid is not None:
        theirs = col(SessionRow.sid) == said.sid
        meant.append(or_(theirs, col(SessionRow.sid).is_(None)) if said.subject is not None else theirs)
    session.execute(delete(SessionRow).where(*meant))
