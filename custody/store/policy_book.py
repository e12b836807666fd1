"""Reading policies from the log."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlmodel import Session, col

from custody.kernel.errors import NotFound
from custody.ledger.statements import POLICY
from custody.store.log_reader import of_types
from custody.store.tables import EntryRow


def newest_policy(session: Session) -> bytes:
    """The statement of the newest policy; raises `NotFound` before the log is opened."""
    query = select(col(EntryRow.raw)).where(of_types(POLICY)).order_by(col(EntryRow.idx).desc())
    raw = session.scalars(query.limit(1)).first()
    if raw is None:
        raise NotFound("policy", "the log holds no policy", fix="Open the log first.")
    return raw


def every_policy(session: Session) -> Sequence[bytes]:
    """The statement of every policy that ever was in force, oldest first."""
    query = select(col(EntryRow.raw)).where(of_types(POLICY)).order_by(col(EntryRow.idx))
    return session.scalars(query).all()
