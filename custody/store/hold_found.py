"""Holding rows that a question finds: all of them, in one order for everybody.

While one waits for a row, others may come that the same question finds. Whoever went on and held those too, behind what
they hold already, would wait for somebody who waits for them.
"""

from collections.abc import Callable
from typing import TypeVar

from custody.store.engine import is_sqlite
from custody.store.unit import Unit

Found = tuple[frozenset[str], ...]
"""Names of rows, table by table in the order in which they are held."""

Held = TypeVar("Held")


def hold_found(unit: Unit, find: Callable[[], Found], hold: Callable[[Found], Held]) -> Held:
    """Hold what a question finds until the unit ends; what `hold` returned of it.

    It is asked again once that is held, and where it finds more, all is let go and held anew. On SQLite a unit holds
    everything from its beginning.
    """
    if is_sqlite(unit.session.get_bind()):
        return hold(find())
    while True:
        found = find()
        tried = unit.session.begin_nested()
        held = hold(found)
        if all(now <= before for now, before in zip(find(), found, strict=True)):
            tried.commit()
            return held
        tried.rollback()
