"""Lists that begin with what came last, a page at a time."""

from typing import Any

from sqlalchemy import Select, select
from sqlmodel import Session, col

from custody.kernel.errors import Rejected


def newest_first(session: Session, table: type[Any], *, when: str, after: str | None) -> Select[Any]:
    """The rows of a table by the column `when` and by id, newest first, from behind the one with the id `after` on.

    Raises `Rejected("cursor")` if there is no such row: beginning again would give a reader the same pages for ever.
    """
    at, name = col(getattr(table, when)), col(table.id)
    query = select(table).order_by(at.desc(), name.desc())
    if after is None:
        return query
    last = session.get(table, after)
    if last is None:
        raise Rejected("cursor", f"no page ended with {after!r}", fix="Give `next` of the page before, or no cursor.")
    last_ms = getattr(last, when)
    return query.where((at < last_ms) | ((at == last_ms) & (name < after)))
