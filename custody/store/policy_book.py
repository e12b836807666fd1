"""Reading policies from the log."""

from collections.abc import Sequence
from functools import lru_cache

from sqlalchemy import select
from sqlmodel import Session, col

from custody.kernel.errors import NotFound
from custody.ledger.statements import POLICY, read_policy
from custody.scans.edition import Edition, edition_of
from custody.store.brief import MEDIA_TYPE, STATEMENT
from custody.store.bulk import ask
from custody.store.log_reader import of_types
from custody.store.some_rows import NOT_A_SCAN
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


def judge_edition(session: Session) -> Edition:
    """By which edition of its rules the judge judges what comes next; asked once for every group of scans."""
    question = f"SELECT raw FROM entry WHERE {NOT_A_SCAN} AND content_type = ? ORDER BY idx DESC LIMIT 1"  # noqa: S608 - our own names
    held = ask(session, question, (MEDIA_TYPE.to_row(POLICY),))
    return _edition(held[0][0]) if held else Edition.FIRST


@lru_cache(maxsize=8)
def _edition(held: bytes) -> Edition:
    return edition_of(read_policy(STATEMENT.from_row(held)).policy.rules)
